//! Servers that are killed, responses that are lost, and callers with wrong settings.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lakewright::arrow::array::{AsArray, Int64Array, RecordBatch};
use lakewright::arrow::datatypes::{Int64Type, SchemaRef};
use lakewright::table::schema_from_types;
use lakewright::{
    Batches, ErrorKind, GetOptions, Lake, ObjectKey, Outcome, PutOptions, ScanOptions, Secret,
    SecretRef, SettingValue, Settings, Table, TableUri, WriteOptions,
};
use lakewright_tests::conformance::bucket;
use lakewright_tests::proxy::{Fault, Proxy};
use lakewright_tests::server::{
    CommandLine, MinioWithTls, OwnMinio, Server, SharedMinio, assert_kind, unique_bucket,
};
use lakewright_tests::tests;

use crate::declared::plan_of;

tests![
    minio_killed_during_appends,
    embedded_server_killed_during_appends,
    lost_response_to_a_commit,
    failed_checkpoint_after_a_commit,
    conditional_write_is_sent_once,
    outcome_of_conditional_writes,
    unreadable_commit_has_an_unknown_outcome,
    unreadable_commit_of_a_step_has_an_unknown_outcome,
    retry_loop_writes_no_row_twice,
    interrupted_download_is_resumed,
    connection_errors,
    certificate_authorities,
    changed_secret_file_is_read_again,
    dropped_upload_leaves_nothing,
    no_secret_is_printed,
];

fn schema() -> SchemaRef {
    schema_from_types([("id", "long")]).unwrap()
}

fn row(id: i64) -> Batches {
    let batch = RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(vec![id]))]);
    Batches::from_batches(schema(), vec![batch.unwrap()])
}

async fn table(lake: &Lake) -> Table {
    let uri = TableUri::new(format!("{}/t", bucket(lake).await.name())).unwrap();
    lake.create_table(&uri, schema(), Default::default()).await.unwrap()
}

async fn ids(table: &Table) -> Vec<i64> {
    let stream = table.scan(ScanOptions::default()).stream().await.unwrap();
    let batches = stream.collect().await.unwrap();
    let mut ids: Vec<i64> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect();
    ids.sort_unstable();
    ids
}

/// Appends one row after the other until an append fails. Sends the last acknowledged id and
/// returns the error.
async fn append_until_it_fails(
    table: Table,
    acknowledged: tokio::sync::watch::Sender<i64>,
) -> lakewright::Error {
    for id in 0.. {
        match table.append(row(id), WriteOptions::default()).await {
            Ok(_) => acknowledged.send_replace(id),
            Err(error) => return error,
        };
    }
    unreachable!("the server was killed")
}

/// Asserts what must hold after a server was killed during appends and started again: every
/// acknowledged row is there, at most the row in flight besides, and the handle still works.
async fn assert_nothing_lost(table: &Table, last: i64, error: &lakewright::Error) {
    assert!(
        matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout),
        "{error:?}: {error}"
    );
    let found = ids(table).await;
    let acknowledged: Vec<i64> = (0..=last).collect();
    assert_eq!(found[..acknowledged.len()], acknowledged);
    assert!(found.len() <= acknowledged.len() + 1, "{found:?} after {last}");
    table.append(row(1_000_000), WriteOptions::default()).await.unwrap();
    assert_eq!(ids(table).await.len(), found.len() + 1);
}

async fn minio_killed_during_appends(OwnMinio(mut server): OwnMinio) {
    for round in 0..3 {
        let lake = server.lake_with(|s| s.timeout = Some(Duration::from_secs(5))).await;
        let table = table(&lake).await;
        let (sender, mut acknowledged) = tokio::sync::watch::channel(-1);
        let writer = tokio::spawn(append_until_it_fails(table.clone(), sender));
        acknowledged.wait_for(|id| *id >= 3).await.unwrap();
        tokio::time::sleep(Duration::from_millis(7 * round)).await;
        server.kill();
        let error = writer.await.unwrap();
        server.restart().await;
        assert_nothing_lost(&table, *acknowledged.borrow(), &error).await;
    }
}

/// `lakewright embedded` in a process of its own.
struct EmbeddedProcess {
    command: std::path::PathBuf,
    child: std::process::Child,
    directory: std::path::PathBuf,
    address: String,
}

impl EmbeddedProcess {
    async fn start(command: &std::path::Path, directory: &std::path::Path, address: &str) -> Self {
        let child = Command::new(command)
            .args(["embedded", "--listen", address, "--data"])
            .arg(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.display()));
        let begin = Instant::now();
        while !lakewright::embedded::attach(directory).is_ok_and(|there| there.is_some()) {
            assert!(begin.elapsed() < Duration::from_secs(20), "the server does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let command = command.into();
        Self { command, child, directory: directory.into(), address: address.into() }
    }

    async fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        *self = Self::start(&self.command, &self.directory, &self.address).await;
    }
}

impl Drop for EmbeddedProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn embedded_server_killed_during_appends(CommandLine(command): CommandLine) {
    let directory = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut server = EmbeddedProcess::start(&command, directory.path(), &address).await;
    for round in 0..3 {
        let settings = Settings::builder()
            .endpoint(format!("embedded:{}", directory.path().display()))
            .timeout(Duration::from_secs(5))
            .build();
        // Another process serves the directory, so this connects to that process.
        let lake = lakewright::connect(settings).await.unwrap();
        let table = table(&lake).await;
        let (sender, mut acknowledged) = tokio::sync::watch::channel(-1);
        let writer = tokio::spawn(append_until_it_fails(table.clone(), sender));
        acknowledged.wait_for(|id| *id >= 3).await.unwrap();
        tokio::time::sleep(Duration::from_millis(7 * round)).await;
        server.child.kill().unwrap();
        let error = writer.await.unwrap();
        server.kill_and_restart().await;
        assert_nothing_lost(&table, *acknowledged.borrow(), &error).await;
    }
}

/// Connects to `server` through `proxy`.
async fn through(proxy: &Proxy, server: &Server) -> Lake {
    server.lake_with(|settings| settings.endpoint = Some(proxy.endpoint())).await
}

/// A commit whose response is lost is recognised as done, and its rows are written once.
async fn lost_response_to_a_commit(SharedMinio(server): SharedMinio) {
    let proxy = Proxy::to(server.endpoint()).await;
    let lake = through(&proxy, &server).await;
    let table = table(&lake).await;
    proxy.inject("_delta_log/00000000000000000001.json", Fault::LoseResponse, 1);
    let commit = table.append(row(1), WriteOptions::default()).await.unwrap();
    assert_eq!(proxy.faults(), 1);
    assert_eq!((commit.version, commit.retries), (1, 0));
    assert_eq!(ids(&table).await, [1]);
}

/// A checkpoint that cannot be written does not fail the commit before it: the caller would write
/// the rows again.
async fn failed_checkpoint_after_a_commit(SharedMinio(server): SharedMinio) {
    let proxy = Proxy::to(server.endpoint()).await;
    let lake = through(&proxy, &server).await;
    let uri = TableUri::new(format!("{}/t", bucket(&lake).await.name())).unwrap();
    let every = [("delta.checkpointInterval".to_owned(), "1".to_owned())];
    let options =
        lakewright::CreateTableOptions::builder().properties(every.into_iter().collect()).build();
    let table = lake.create_table(&uri, schema(), options).await.unwrap();
    proxy.inject("checkpoint.parquet", Fault::LoseResponse, u32::MAX);
    let commit = table.append(row(1), WriteOptions::default()).await.unwrap();
    assert!(proxy.faults() > 0, "no checkpoint was attempted");
    assert_eq!((commit.version, commit.rows), (1, 1));
    let direct = server.lake().await.table(uri);
    assert_eq!(ids(&direct).await, [1]);
}

/// A conditional write whose response is lost is not retried; a write without a condition is.
async fn conditional_write_is_sent_once(SharedMinio(server): SharedMinio) {
    let proxy = Proxy::to(server.endpoint()).await;
    let lake = through(&proxy, &server).await;
    let bucket = bucket(&lake).await;
    let key = |text: &str| ObjectKey::new(text).unwrap();
    proxy.inject("/lock", Fault::LoseResponse, 1);
    let absent = PutOptions::builder().if_absent(true).build();
    let result = bucket.put(&key("lock"), "mine", absent).await;
    let error = assert_kind(result, ErrorKind::Unavailable);
    assert!(!error.is_retryable() && error.to_string().contains("not known"), "{error}");
    assert!(error.outcome_unknown(), "{error}");
    assert_eq!(bucket.get(&key("lock"), GetOptions::default()).await.unwrap().bytes, "mine");
    proxy.inject("/plain", Fault::LoseResponse, 2);
    bucket.put(&key("plain"), "x", PutOptions::default()).await.unwrap();
    assert_eq!(proxy.faults(), 3);
}

/// A conditional write of any size whose response was lost has an unknown outcome; one that was
/// not sent may be retried.
async fn outcome_of_conditional_writes(SharedMinio(server): SharedMinio) {
    let endpoint = server.endpoint().to_owned();
    let proxy = Proxy::to(&endpoint).await;
    let bucket = bucket(&through_once(&proxy, &server).await).await;
    let key = ObjectKey::new("lock").unwrap();
    let absent = || PutOptions::builder().if_absent(true).build();
    // One PUT without the SDK, one PUT of the SDK, and the completion of an upload in parts.
    let completion = format!("POST /{}/lock?uploadId", bucket.name()).leak();
    for (bytes, request) in [(4, "PUT /"), (2 << 20, "PUT /"), (40 << 20, completion)] {
        bucket.delete(&key).await.unwrap();
        let before = proxy.faults();
        proxy.inject(request, Fault::LoseResponse, 1);
        let error =
            assert_kind(bucket.put(&key, vec![7; bytes], absent()).await, ErrorKind::Unavailable);
        assert_eq!(proxy.faults(), before + 1);
        assert!(error.outcome_unknown() && !error.is_retryable(), "{bytes} bytes: {error}");
        assert_eq!(bucket.head(&key).await.unwrap().size, bytes as u64);
    }
    for (unreachable, kind) in [
        ("http://127.0.0.1:9".to_owned(), ErrorKind::Unavailable),
        // The reserved domain has no addresses (RFC 2606), and MinIO does not speak TLS here.
        ("http://lakewright.invalid".to_owned(), ErrorKind::Unavailable),
        (endpoint.replace("http:", "https:"), ErrorKind::Unavailable),
    ] {
        let lake = server.lake_with(|settings| {
            settings.endpoint = Some(unreachable.clone());
            settings.retries = Some(0);
        });
        let bucket = lake.await.bucket(bucket.name().clone());
        for bytes in [4, 2 << 20] {
            let error = assert_kind(bucket.put(&key, vec![7; bytes], absent()).await, kind);
            assert_eq!(error.outcome(), Outcome::NotSent, "{unreachable}, {bytes} bytes: {error}");
            assert!(error.is_retryable(), "{error}");
        }
    }
}

/// Connects through `proxy` and sends each request once, so that a fault reaches the operation.
async fn through_once(proxy: &Proxy, server: &Server) -> Lake {
    let lake = server.lake_with(|settings| {
        settings.endpoint = Some(proxy.endpoint());
        settings.retries = Some(0);
    });
    lake.await
}

/// Appends a row as long as the error is retryable: the loop that users write.
async fn append_while_retryable(table: &Table, id: i64) -> Result<(), lakewright::Error> {
    loop {
        match table.append(row(id), WriteOptions::default()).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_retryable() => assert!(!error.outcome_unknown(), "{error}"),
            Err(error) => return Err(error),
        }
    }
}

/// A commit whose response is lost and that cannot be read back has an unknown outcome, for every
/// operation that commits.
async fn unreadable_commit_has_an_unknown_outcome(SharedMinio(server): SharedMinio) {
    let proxy = Proxy::to(server.endpoint()).await;
    let (lake, direct) = (through_once(&proxy, &server).await, server.lake().await);
    let through = lake.table(table(&direct).await.uri().clone());
    let assert_unknown = |result: Result<(), lakewright::Error>, operation: &str, version: &str| {
        let error = assert_kind(result, ErrorKind::Unavailable);
        assert!(error.outcome_unknown() && !error.is_retryable(), "{error}");
        assert_eq!(error.operation(), Some(operation));
        let text = error.to_string();
        assert!(text.contains(version) && text.contains("not known"), "{text}");
    };
    proxy.inject("_delta_log/00000000000000000001.json", Fault::LoseResponse, u32::MAX);
    let appended = append_while_retryable(&through, 1).await;
    assert_unknown(appended, "append", "version 1");
    assert!(proxy.faults() > 1, "the entry is read back");
    assert_eq!(ids(&direct.table(through.uri().clone())).await, [1]);

    let other = TableUri::new(format!("{}/other", through.uri().bucket())).unwrap();
    let other = direct.create_table(&other, schema(), Default::default()).await.unwrap();
    proxy.inject("other/_delta_log/00000000000000000001.json", Fault::LoseResponse, u32::MAX);
    let options = lakewright::OverwriteOptions::default();
    let overwritten = lake.table(other.uri().clone()).overwrite(row(2), options).await;
    assert_unknown(overwritten.map(drop), "overwrite", "version 1");
    assert_eq!(ids(&other).await, [2]);

    let third = TableUri::new(format!("{}/third", through.uri().bucket())).unwrap();
    proxy.inject("third/_delta_log/00000000000000000000.json", Fault::LoseResponse, u32::MAX);
    let created = lake.create_table(&third, schema(), Default::default()).await;
    assert_unknown(created.map(drop), "create_table", "version 0");
    assert!(direct.table(third).exists().await.unwrap());
}

/// A change of a table's properties by an apply has an unknown outcome in the same case, and the
/// report contains it for the step.
async fn unreadable_commit_of_a_step_has_an_unknown_outcome(SharedMinio(server): SharedMinio) {
    let proxy = Proxy::to(server.endpoint()).await;
    let lake = through_once(&proxy, &server).await;
    let name = unique_bucket();
    let spec = |properties: serde_json::Value| {
        serde_json::json!({
            "version": 1, "stack": "lost", "registry": format!("{name}-state"),
            "buckets": {name.as_str(): {}},
            "tables": {format!("{name}/t"): {"schema": {"id": "long"}, "properties": properties}},
        })
    };
    let silent = |_: lakewright::declared::Event<'_>| {};
    let plan = plan_of(&lake, &spec(serde_json::json!({}))).await.unwrap();
    assert!(lake.apply(&plan, &silent).await.error.is_none());
    let plan =
        plan_of(&lake, &spec(serde_json::json!({"delta.appendOnly": "true"}))).await.unwrap();
    proxy.inject("t/_delta_log/00000000000000000001.json", Fault::LoseResponse, u32::MAX);
    let applied = lake.apply(&plan, &silent).await;
    let error = applied.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::PartialApply);
    assert!(error.outcome_unknown() && error.failures()[0].outcome_unknown(), "{error}");
    let outcomes = applied.report.outcomes.into_values();
    let unknown = outcomes.filter(|outcome| {
        matches!(outcome, lakewright::plan::StepStatus::Failed { outcome_unknown: true, .. })
    });
    assert_eq!(unknown.count(), 1);
}

/// A loop that retries retryable errors writes no row twice, whichever responses are lost.
async fn retry_loop_writes_no_row_twice(SharedMinio(server): SharedMinio) {
    let proxy = Proxy::to(server.endpoint()).await;
    let direct = server.lake().await;
    let direct = table(&direct).await;
    let through = through_once(&proxy, &server).await.table(direct.uri().clone());
    let (mut done, mut unknown) = (Vec::new(), Vec::new());
    let faults = [("PUT /", 1), ("GET /", 2), (".parquet", 1), ("_delta_log/0", 1), ("PUT /", 4)];
    for (id, (pattern, times)) in (0..).zip(faults) {
        proxy.inject(pattern, Fault::LoseResponse, times);
        match append_while_retryable(&through, id).await {
            Ok(()) => done.push(id),
            Err(error) => {
                assert!(error.outcome_unknown(), "{error}");
                unknown.push(id);
            }
        }
    }
    assert!(proxy.faults() >= faults.len());
    let found = ids(&direct).await;
    let mut once = found.clone();
    once.dedup();
    assert_eq!(found, once, "a row was written twice");
    assert!(done.iter().all(|id| found.contains(id)), "{done:?} of {found:?}");
    assert!(found.iter().all(|id| done.contains(id) || unknown.contains(id)), "{found:?}");
}

/// A download that is cut off continues where it ended. One whose object was replaced meanwhile
/// fails instead of mixing the bytes of both.
async fn interrupted_download_is_resumed(SharedMinio(server): SharedMinio) {
    let proxy = Proxy::to(server.endpoint()).await;
    let (lake, direct) = (through(&proxy, &server).await, server.lake().await);
    let bucket = bucket(&lake).await;
    let key = ObjectKey::new("big").unwrap();
    let data: Vec<u8> = (0..8_000_000_u32).map(|n| (n % 251) as u8).collect();
    bucket.put(&key, data.clone(), PutOptions::default()).await.unwrap();
    proxy.inject("GET /", Fault::CutAfter(3_000_000), 2);
    let object = bucket.get(&key, GetOptions::default()).await.unwrap();
    assert_eq!(proxy.faults(), 2);
    assert!(object.bytes == data);

    proxy.inject("GET /", Fault::CutAfter(3_000_000), 1);
    let mut body = bucket.get_stream(&key, GetOptions::default()).await.unwrap().body;
    body.chunk().await.unwrap().unwrap();
    direct
        .bucket(bucket.name().clone())
        .put(&key, vec![7; 8_000_000], PutOptions::default())
        .await
        .unwrap();
    let error = assert_kind(body.into_bytes().await, ErrorKind::PreconditionFailed);
    assert!(error.to_string().contains("replaced"), "{error}");
}

/// Wrong credentials and endpoints: the kind of the error, and the time until it is returned.
async fn connection_errors(SharedMinio(server): SharedMinio) {
    let wrong = server.lake_with(|s| s.secret_access_key = Some("wrong-secret".into())).await;
    let error = assert_kind(wrong.list_buckets().await, ErrorKind::Unauthenticated);
    assert_eq!(error.service().unwrap().code.as_deref(), Some("SignatureDoesNotMatch"));
    assert!(!error.to_string().contains("wrong-secret"));
    let unknown = server.lake_with(|s| s.access_key_id = Some("unknown".into())).await;
    assert_kind(unknown.list_buckets().await, ErrorKind::Unauthenticated);
    // The response to HEAD has no body; MinIO sends the code in a header.
    assert_kind(wrong.head_bucket(&unique_bucket()).await, ErrorKind::Unauthenticated);
    let anonymous = Settings::builder()
        .maybe_endpoint(server.settings.endpoint.clone())
        .anonymous(true)
        .build();
    let anonymous = lakewright::connect(anonymous).await.unwrap();
    assert_kind(anonymous.list_buckets().await, ErrorKind::Denied);

    let begin = Instant::now();
    let closed_port = server.lake_with(|s| {
        s.endpoint = Some("http://127.0.0.1:9".into());
        s.timeout = Some(Duration::from_secs(3));
    });
    let error = assert_kind(closed_port.await.list_buckets().await, ErrorKind::Unavailable);
    assert!(error.to_string().contains("127.0.0.1:9"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());

    // The server accepts connections and never responds.
    let proxy = Proxy::to(server.endpoint()).await;
    proxy.inject("GET /", Fault::Swallow, u32::MAX);
    let silent = server.lake_with(|s| {
        s.endpoint = Some(proxy.endpoint());
        s.timeout = Some(Duration::from_secs(2));
    });
    let begin = Instant::now();
    assert_kind(silent.await.list_buckets().await, ErrorKind::Timeout);
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());

    // A web server that does not speak S3.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = client.read(&mut request).await.unwrap_or_default();
            // Amazon may respond with status 200 and an error in the body.
            let body = match request[..read].starts_with(b"PUT /raw/fails") {
                true => "<Error><Code>InternalError</Code><Message>oh</Message></Error>",
                false => "hello",
            };
            let response =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = client.write_all(response.as_bytes()).await;
        }
    });
    let other = server.lake_with(|s| s.endpoint = Some(endpoint)).await;
    let error = assert_kind(other.list_buckets().await, ErrorKind::Corrupt);
    assert!(error.to_string().contains("S3"), "{error}");
    let raw = other.bucket(lakewright::BucketName::new("raw").unwrap());
    for (key, kind) in [("fails", ErrorKind::Unavailable), ("k", ErrorKind::Corrupt)] {
        let key = ObjectKey::new(key).unwrap();
        assert_kind(raw.put(&key, "small", PutOptions::default()).await, kind);
    }
}

/// TLS with a certificate that only the profile trusts.
async fn certificate_authorities(MinioWithTls(server): MinioWithTls) {
    let lake = server.lake().await;
    let bucket = bucket(&lake).await;
    let key = ObjectKey::new("k").unwrap();
    bucket.put(&key, vec![7; 1 << 20], PutOptions::default()).await.unwrap();
    assert_eq!(bucket.get(&key, GetOptions::default()).await.unwrap().bytes.len(), 1 << 20);
    let untrusting = server.lake_with(|settings| settings.ca_file = None).await;
    let error = assert_kind(untrusting.list_buckets().await, ErrorKind::Unavailable);
    assert!(error.to_string().contains("certificate"), "{error}");
    for (content, message) in [("no certificate at all", "no PEM certificate"), ("", "no PEM")] {
        let path = server.folder().join("wrong.pem");
        std::fs::write(&path, content).unwrap();
        let mut settings = server.settings.clone();
        settings.ca_file = Some(path);
        let error = assert_kind(lakewright::connect(settings).await, ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(message), "{error}");
    }
}

/// An open connection uses a secret that was changed in its file.
async fn changed_secret_file_is_read_again(SharedMinio(server): SharedMinio) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, "not-yet-the-right-one").unwrap();
    let lake = server
        .lake_with(|s| {
            s.secret_access_key = Some(SettingValue::Reference(SecretRef::File(path.clone())));
        })
        .await;
    assert_kind(lake.list_buckets().await, ErrorKind::Unauthenticated);
    std::fs::write(&path, server.credentials().1).unwrap();
    lake.list_buckets().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let error = assert_kind(lake.list_buckets().await, ErrorKind::InvalidConfig);
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

/// An upload whose future is dropped leaves no object, and its parts are deleted.
async fn dropped_upload_leaves_nothing(OwnMinio(server): OwnMinio) {
    let lake = server.lake().await;
    let bucket = bucket(&lake).await;
    let key = ObjectKey::new("dropped").unwrap();
    let endless = futures::stream::repeat_with(|| Ok(bytes::Bytes::from(vec![1; 1 << 20])));
    let upload = bucket.put_stream(&key, Box::pin(endless), PutOptions::default());
    assert!(tokio::time::timeout(Duration::from_millis(700), upload).await.is_err());
    assert_kind(bucket.head(&key).await, ErrorKind::NotFound);
    let begin = Instant::now();
    while parts_on_disk(&server) {
        assert!(begin.elapsed() < Duration::from_secs(10), "the parts are still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether parts of uploads are on the disk. MinIO keeps them below `.minio.sys/multipart`.
fn parts_on_disk(server: &Server) -> bool {
    fn files(path: &std::path::Path) -> usize {
        let Ok(entries) = std::fs::read_dir(path) else { return 0 };
        entries
            .flatten()
            .map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 })
            .sum()
    }
    files(&server.folder().join("data/.minio.sys/multipart")) > 0
}

/// Returns the message of a panic that shows `value`.
fn panic_message(value: &impl std::fmt::Debug) -> String {
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        panic!("{value:?}");
    }));
    *panicked.unwrap_err().downcast::<String>().unwrap()
}

/// No text that shows a connection or its errors contains a secret.
async fn no_secret_is_printed() {
    const SECRET: &str = "s3cr3t-that-must-not-show";
    let settings = Settings::builder()
        .endpoint("http://127.0.0.1:9")
        .access_key_id("id")
        .secret_access_key(SettingValue::Literal(Secret::new(SECRET)))
        .session_token(SettingValue::Literal(Secret::new(SECRET)))
        .retries(0)
        .build();
    let lake = lakewright::connect(settings.clone()).await.unwrap();
    let bucket = lake.bucket(lakewright::BucketName::new("raw").unwrap());
    let table = lake.table(TableUri::new("raw/t").unwrap());
    let resolved = settings.clone().resolve().await.unwrap();
    let mut printed =
        format!("{settings:?} {lake:?} {bucket:?} {table:?} {resolved:?} {}", lake.profile());
    let key = ObjectKey::new("k").unwrap();
    let errors = [
        lake.list_buckets().await.unwrap_err(),
        bucket.put(&key, "x", PutOptions::default()).await.unwrap_err(),
        table.version().await.unwrap_err(),
        table.append(row(1), WriteOptions::default()).await.unwrap_err(),
    ];
    for error in errors {
        printed += &format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            printed += &format!("{error} {error:?}");
            cause = error.source();
        }
    }
    let secret = Secret::new(SECRET);
    let account = lakewright::admin::ServiceAccountCredentials {
        access_key: "a".into(),
        secret_key: secret.clone(),
    };
    for message in [
        panic_message(&settings),
        panic_message(&resolved),
        panic_message(&lake),
        panic_message(&bucket),
        panic_message(&table),
        panic_message(lake.profile()),
        panic_message(&secret),
        panic_message(&account),
    ] {
        printed += &message;
    }
    assert!(printed.contains("127.0.0.1:9"));
    assert!(!printed.contains(SECRET), "{printed}");
    assert!(!printed.contains("Signature="), "{printed}");
}
