//! The features of the kit's MinIO that other tests rely on, checked with MinIO's own client.

use lakewright::{ObjectKey, PutOptions};
use lakewright_tests::conformance::bucket;
use lakewright_tests::mc::SharedMinioWithMc;
use lakewright_tests::tests;

tests![notifications_and_encryption];

async fn notifications_and_encryption(SharedMinioWithMc { server, mc }: SharedMinioWithMc) {
    let lake = server.lake().await;
    let bucket = bucket(&lake).await;
    let path = format!("kit/{}", bucket.name());
    mc.change(&["event", "add", &path, "arn:minio:sqs::KIT:webhook", "--event", "put"]);
    mc.change(&["encrypt", "set", "sse-s3", &path]);
    bucket.put(&ObjectKey::new("k").unwrap(), "x", PutOptions::default()).await.unwrap();
    assert!(
        mc.output(&["stat", "--json", &format!("{path}/k")]).to_lowercase().contains("encryption")
    );
    server.webhook().wait_for_object_in(bucket.name()).await;
}
