//! The end-to-end tests. They are one binary, because each binary links DataFusion: a new subject
//! is a new module here, not a new `[[test]]`. A module lists its tests with `tests!`, and
//! [`tests`] lists the modules.

// `clippy.toml` allows these lints in functions marked as tests; helpers of tests need them too.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::unwrap_used)]

mod admin;
mod bucket_config;
mod declared;
mod deep_queries;
mod embedded_trust;
mod examples;
mod failures;
mod hostile;
mod hostile_logs;
mod minio_features;

use std::process::ExitCode;

use lakewright_tests::harness::{self, Trial};
use lakewright_tests::{conformance, server};

/// Returns every test. The slow ones come first, so that all cores work until the end.
fn tests() -> Vec<Trial> {
    [
        declared::all_tests(),
        deep_queries::tests(),
        failures::tests(),
        hostile::tests(),
        embedded_trust::tests(),
        hostile_logs::tests(),
        admin::all_tests(),
        bucket_config::tests(),
        examples::tests(),
        minio_features::tests(),
        conformance::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn main() -> ExitCode {
    // `declared::crash` starts this program again as the process that it kills.
    if let Some(apply) = declared::killed_apply::KilledApply::from_env() {
        return apply.run();
    }
    // `deep_queries` starts it again as the process that a query may crash.
    if let Some(queries) = deep_queries::DeepQueries::from_env() {
        return queries.run();
    }
    let code = harness::run(tests());
    server::stop_shared();
    code
}
