//! That the kit's MinIO can do what later tests need of it, asked with MinIO's own client.

use std::time::{Duration, Instant};

use lakewright::{ObjectKey, PutOptions};
use lakewright_tests::Mc;
use lakewright_tests::conformance::bucket;
use lakewright_tests::server::{Server, required};

#[tokio::test(flavor = "multi_thread")]
async fn notifications_and_encryption() {
    let Some(server) = Server::minio().await else {
        assert!(!required("minio"), "LAKEWRIGHT_TEST_MINIO names no MinIO binary");
        return eprintln!("SKIPPED: MinIO (LAKEWRIGHT_TEST_MINIO is not set)");
    };
    let Some(mc) = Mc::of(&server) else { return };
    let lake = server.lake().await;
    let bucket = bucket(&lake).await;
    let path = format!("kit/{}", bucket.name());
    let _ = mc.ask(&["event", "add", &path, "arn:minio:sqs::KIT:webhook", "--event", "put"]);
    let _ = mc.ask(&["encrypt", "set", "sse-s3", &path]);
    bucket.put(&ObjectKey::new("k").unwrap(), "x", PutOptions::default()).await.unwrap();
    assert!(
        mc.ask(&["stat", "--json", &format!("{path}/k")]).to_lowercase().contains("encryption")
    );
    let begin = Instant::now();
    while !server.webhook().bodies().iter().any(|body| body.contains("s3:ObjectCreated:Put")) {
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", server.webhook().bodies());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
