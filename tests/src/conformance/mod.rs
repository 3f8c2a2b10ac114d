//! The conformance suite: what every server must do, as users of lakewright see it. The same
//! cases run on MinIO, the embedded server and any other; no case asks which server it runs on.

pub mod bucket_config;
pub mod buckets;
pub mod objects;
pub mod tables;

use futures::future::LocalBoxFuture;
use lakewright::{Bucket, Lake};

use crate::harness::{Skip, Trial, trial};
use crate::server::{Target, unique_bucket};

/// A case of the suite: a function of a lake on the server under test.
struct Case {
    /// The module path of the function, crate first.
    path: &'static str,
    run: for<'a> fn(&'a Lake) -> LocalBoxFuture<'a, Result<(), Skip>>,
}

/// Defines `cases()`, which returns the cases of the module it stands in.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        pub(super) fn cases() -> Vec<super::Case> {
            vec![$(super::Case {
                path: concat!(module_path!(), "::", stringify!($case)),
                run: |lake| Box::pin(async move {
                    $crate::harness::Outcome::into_result($case(lake).await)
                }),
            }),*]
        }
    };
}
use cases;

/// Returns a test for each case and server, named `conformance::objects::conditions::minio`.
#[must_use]
pub fn tests() -> Vec<Trial> {
    let modules = [tables::cases(), objects::cases(), bucket_config::cases(), buckets::cases()];
    let mut tests = Vec::new();
    for Case { path, run } in modules.into_iter().flatten() {
        for target in Target::all() {
            tests.push(trial(&format!("{path}::{}", target.name()), move || async move {
                let server = target.server().await?;
                run(&server.lake().await).await
            }));
        }
    }
    tests
}

/// Creates a bucket for one test.
///
/// # Panics
/// When the bucket cannot be created.
pub async fn bucket(lake: &Lake) -> Bucket {
    lake.create_bucket(&unique_bucket(), Default::default()).await.expect("a new bucket")
}
