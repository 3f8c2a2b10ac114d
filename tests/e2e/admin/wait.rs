//! Waiting until a server is ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lakewright::ErrorKind;
use lakewright::admin::{AccountStatus, Principal};
use lakewright_tests::proxy::{Fault, Proxy};
use lakewright_tests::server::{OwnEmbedded, OwnMinio, SharedMinio, assert_kind};
use lakewright_tests::tests;

use super::as_user;

tests![
    minio_is_ready_when_it_has_loaded_its_users,
    wrong_credentials_and_silent_servers_end_the_wait,
    other_servers_are_ready_when_they_list_buckets,
    healthy_without_users_is_not_ready,
];

const LONG: Duration = Duration::from_secs(60);

async fn minio_is_ready_when_it_has_loaded_its_users(OwnMinio(mut server): OwnMinio) {
    let lake = server.lake().await;
    lake.admin()
        .set_user("ann", &lakewright::Secret::new("some-secret"), AccountStatus::Enabled)
        .await
        .unwrap();
    lake.admin().set_policies(&["readwrite"], Principal::User("ann")).await.unwrap();
    let begin = Instant::now();
    lake.wait(Duration::ZERO).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());

    server.kill();
    let error = assert_kind(lake.wait(Duration::from_millis(300)).await, ErrorKind::Timeout);
    let text = error.to_string();
    for part in ["wait http://127.0.0.1", "not ready within 0.3 s: its cluster: cannot connect"] {
        assert!(text.contains(part), "{text}");
    }
    // Every user can connect as soon as a wait ends that began before the server started.
    for _ in 0..3 {
        let (ann, waiting) = (as_user(&server, "ann", "some-secret").await, lake.clone());
        let waited = tokio::spawn(async move {
            waiting.wait(LONG).await?;
            let listed = waiting.admin().list_users().await?;
            ann.wait(Duration::ZERO).await?;
            ann.list_buckets().await?;
            Ok::<_, lakewright::Error>(listed)
        });
        server.restart().await;
        assert_eq!(waited.await.unwrap().unwrap().len(), 1);
        server.kill();
    }
}

async fn wrong_credentials_and_silent_servers_end_the_wait(SharedMinio(server): SharedMinio) {
    let begin = Instant::now();
    let wrong = as_user(&server, "lakewright-test", "wrong-secret").await;
    assert_kind(wrong.wait(LONG).await, ErrorKind::Unauthenticated);
    let unknown = as_user(&server, "unknown", "wrong-secret").await;
    assert_kind(unknown.wait(LONG).await, ErrorKind::Unauthenticated);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    // The server accepts connections and never responds.
    let proxy = Proxy::to(server.endpoint()).await;
    proxy.inject("GET /", Fault::Swallow, u32::MAX);
    let silent = server.lake_with(|s| s.endpoint = Some(proxy.endpoint())).await;
    let begin = Instant::now();
    let error = assert_kind(silent.wait(Duration::from_secs(1)).await, ErrorKind::Timeout);
    assert!(error.to_string().contains("its cluster: no response"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

async fn other_servers_are_ready_when_they_list_buckets(OwnEmbedded(server): OwnEmbedded) {
    let lake = server.lake().await;
    lake.wait(LONG).await.unwrap();
    let options = lake.storage_options().await.unwrap();
    let wrong = lakewright::Settings::builder()
        .endpoint(options["aws_endpoint_url"].clone())
        .access_key_id(options["aws_access_key_id"].as_str())
        .secret_access_key("wrong-secret")
        .build();
    let wrong = lakewright::connect(wrong).await.unwrap();
    assert_kind(wrong.wait(LONG).await, ErrorKind::Unauthenticated);
}

/// MinIO is healthy for a moment before it has loaded its users. That moment lasts milliseconds
/// on a small machine, so a server that imitates MinIO prolongs it.
async fn healthy_without_users_is_not_ready() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let users_loaded = Arc::new(AtomicBool::new(false));
    let serving = users_loaded.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let read = client.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..read]);
            let (status, body) = if request.starts_with("GET /minio/health/cluster ") {
                ("200 OK", "")
            } else if !request.starts_with("GET /minio/admin/v3/groups ") {
                ("404 Not Found", "")
            } else if serving.load(Ordering::SeqCst) {
                ("200 OK", "null")
            } else {
                let error = r#"{"Code":"XMinioServerNotInitialized","Message":"not yet"}"#;
                ("503 Service Unavailable", error)
            };
            let length = body.len();
            let response = format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            let _ = client.write_all(response.as_bytes()).await;
        }
    });
    let settings = lakewright::Settings::builder()
        .endpoint(endpoint)
        .access_key_id("id")
        .secret_access_key("some-secret")
        .retries(0)
        .build();
    let lake = lakewright::connect(settings).await.unwrap();
    let error = assert_kind(lake.wait(Duration::from_secs(1)).await, ErrorKind::Timeout);
    assert!(error.to_string().contains("its users: the server is still starting"), "{error}");
    assert_eq!(error.service().unwrap().status, 503);
    let waited = tokio::spawn(async move { lake.wait(LONG).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waited.is_finished());
    users_loaded.store(true, Ordering::SeqCst);
    waited.await.unwrap().unwrap();
}
