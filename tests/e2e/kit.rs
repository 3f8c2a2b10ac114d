//! That the kit's MinIO can do what later tests need of it, asked with MinIO's own client.

use std::process::Command;
use std::time::{Duration, Instant};

use lakewright::{ObjectKey, PutOptions, SettingValue};
use lakewright_tests::conformance::bucket;
use lakewright_tests::server::{Server, required};

#[tokio::test(flavor = "multi_thread")]
async fn notifications_and_encryption() {
    let (Some(server), Ok(mc)) = (Server::minio().await, std::env::var("LAKEWRIGHT_TEST_MC"))
    else {
        assert!(!required("minio"), "LAKEWRIGHT_TEST_MINIO and LAKEWRIGHT_TEST_MC are needed");
        return eprintln!("SKIPPED: MinIO (LAKEWRIGHT_TEST_MINIO and LAKEWRIGHT_TEST_MC)");
    };
    let settings = &server.settings;
    let (Some(SettingValue::Literal(id)), Some(SettingValue::Literal(secret))) =
        (&settings.access_key_id, &settings.secret_access_key)
    else {
        panic!("the kit's keys are literal")
    };
    let host = settings.endpoint.as_ref().unwrap().replace("http://", "");
    let alias = format!("http://{}:{}@{host}", id.expose(), secret.expose());
    let ask = |arguments: &[&str]| {
        let done = Command::new(&mc)
            .args(["--config-dir"])
            .arg(server.data().join("mc"))
            .args(arguments)
            .env_clear()
            .env("HOME", server.data())
            .env("MC_HOST_kit", &alias)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let lake = server.lake().await;
    let bucket = bucket(&lake).await;
    let path = format!("kit/{}", bucket.name());
    ask(&["event", "add", &path, "arn:minio:sqs::KIT:webhook", "--event", "put"]);
    ask(&["encrypt", "set", "sse-s3", &path]);
    bucket.put(&ObjectKey::new("k").unwrap(), "x", PutOptions::default()).await.unwrap();
    assert!(ask(&["stat", "--json", &format!("{path}/k")]).to_lowercase().contains("encryption"));
    let begin = Instant::now();
    while !server.webhook().bodies().iter().any(|body| body.contains("s3:ObjectCreated:Put")) {
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", server.webhook().bodies());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
