//! The test kit: the harness, servers on free ports, buckets with unique names, and the
//! conformance suite that every server must pass.
//!
//! | variable | meaning |
//! |---|---|
//! | `LAKEWRIGHT_TEST_MINIO` | the MinIO binary |
//! | `LAKEWRIGHT_TEST_MC` | MinIO's client, a second client that reads what lakewright set |
//! | `LAKEWRIGHT_TEST_PYTHON` | a Python that has minio-py, a second client of the admin API |
//! | `LAKEWRIGHT_TEST_CLI` | the `lakewright` command; default: the one in cargo's target folder |
//! | `LAKEWRIGHT_TEST_S3_URL` | another server to run the conformance suite on, with `LAKEWRIGHT_TEST_ACCESS_KEY_ID` and `LAKEWRIGHT_TEST_SECRET_ACCESS_KEY` |
//! | `LAKEWRIGHT_TEST_REQUIRE` | requirements whose absence fails a test instead of skipping it, separated by commas: `minio`, `judges` (minio-py), `cli` |
//! | `LAKEWRIGHT_TEST_UPDATE` | not empty: `layers` writes `crates/lakewright/public-api.txt` instead of comparing it |
// `clippy.toml` allows these lints in functions marked as tests; the test kit needs them too.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::unwrap_used)]

pub mod conformance;
pub mod harness;
pub mod hostile_server;
pub mod mc;
pub mod process;
pub mod proxy;
pub mod server;
pub mod server_without_conditions;
pub mod webhook;

pub use harness::{Fixture, Skip};
pub use mc::Mc;
pub use server::Server;
