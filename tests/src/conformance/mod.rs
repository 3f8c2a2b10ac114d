//! What every server must do, in the words of its users. The same functions run against MinIO,
//! the embedded server and any other; none of them asks which it is.

pub mod bucket_config;
pub mod buckets;
pub mod objects;
pub mod tables;

use lakewright::{Bucket, Lake};

use crate::server::unique_bucket;

/// A new bucket for one test.
///
/// # Panics
/// When it cannot be made.
pub async fn bucket(lake: &Lake) -> Bucket {
    lake.create_bucket(&unique_bucket(), Default::default()).await.expect("a new bucket")
}

/// Runs the named cases against one lake, all of them, and then fails if one failed.
#[macro_export]
macro_rules! cases {
    ($lake:expr, $server:expr, $module:ident: $($case:ident),* $(,)?) => {{
        let mut failed = Vec::new();
        $(
            let name = concat!(stringify!($module), "::", stringify!($case));
            let begin = std::time::Instant::now();
            let case = std::panic::AssertUnwindSafe($crate::conformance::$module::$case($lake));
            let passed = futures::FutureExt::catch_unwind(case).await.is_ok();
            let verdict = if passed { "ok" } else { "FAILED" };
            eprintln!("{}: {name} {verdict} ({:.1?})", $server, begin.elapsed());
            if !passed {
                failed.push(name);
            }
        )*
        assert!(failed.is_empty(), "{}: failed: {}", $server, failed.join(", "));
    }};
}
