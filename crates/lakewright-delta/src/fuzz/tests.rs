//! Arbitrary and hostile logs, read from memory by a store that records every request.

use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Int64Array, RecordBatch};
use async_trait::async_trait;
use bytes::Bytes;
use deltalake::protocol::checkpoints::create_checkpoint;
use futures::stream::BoxStream;
use lakewright_core::ErrorKind;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use proptest::prelude::*;
use roaring::RoaringTreemap;
use serde_json::{Value, json};

use super::*;
use crate::schema_from_types;

/// A bucket in memory that records the paths of all requests.
#[derive(Debug, Default)]
struct Recorder {
    bucket: InMemory,
    requests: Mutex<Vec<String>>,
}

impl Recorder {
    fn record(&self, path: Option<&Path>) {
        self.requests.lock().unwrap().push(path.map_or("", |path| path.as_ref()).to_owned());
    }

    fn outside(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let inside = |path: &str| path == FOLDER || path.starts_with("table/");
        requests.iter().filter(|path| !inside(path)).cloned().collect()
    }
}

impl fmt::Display for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("recorder")
    }
}

#[async_trait]
impl ObjectStore for Recorder {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.record(Some(path));
        self.bucket.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.record(Some(path));
        self.bucket.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.record(Some(path));
        self.bucket.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.bucket.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.record(prefix);
        self.bucket.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.record(prefix);
        self.bucket.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.record(Some(from));
        self.record(Some(to));
        self.bucket.copy_opts(from, to, options).await
    }
}

/// A table with one row, beside a file with other rows. Clones share nothing.
struct Table {
    bucket: InMemory,
    /// The name and the size of the data file.
    file: (String, usize),
    /// The entry of version 0, without a last line end.
    created: String,
}

/// The path of a file outside of the table.
const ELSEWHERE: &str = "other/secret.parquet";

async fn table() -> Table {
    let bucket = Arc::new(InMemory::new());
    let schema = schema_from_types([("id", "long")]).unwrap();
    let log = log::open_in(root::store(bucket.clone(), FOLDER).unwrap(), Uuid::new_v4()).unwrap();
    let columns: deltalake::kernel::StructType =
        deltalake::kernel::engine::arrow_conversion::TryIntoKernel::try_into_kernel(
            schema.as_ref(),
        )
        .unwrap();
    let table = deltalake::operations::create::CreateBuilder::new()
        .with_log_store(log)
        .with_columns(columns.fields().cloned())
        .await
        .unwrap();
    let ids = Arc::new(Int64Array::from(vec![1]));
    let rows = RecordBatch::try_new(schema, vec![ids]).unwrap();
    let table = table.write(vec![rows]).await.unwrap();
    let file = table.snapshot().unwrap().log_data().iter().next().unwrap();
    let file = (file.path().into_owned(), usize::try_from(file.size()).unwrap());
    let data = bucket.get(&Path::from(format!("{FOLDER}/{}", file.0))).await.unwrap();
    bucket.put(&ELSEWHERE.into(), data.bytes().await.unwrap().into()).await.unwrap();
    assert_eq!(read_table(bucket.clone(), FOLDER).await.unwrap(), 1);
    let created = bucket.get(&entry(0)).await.unwrap().bytes().await.unwrap();
    let created = String::from_utf8(created.to_vec()).unwrap().trim().to_owned();
    Table { bucket: Arc::try_unwrap(bucket).unwrap_or_else(|shared| shared.fork()), file, created }
}

fn entry(version: u64) -> Path {
    Path::from(format!("{FOLDER}/_delta_log/{version:020}.json"))
}

fn lines(actions: &[Value]) -> String {
    actions.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

fn add(path: &str, size: i64, vector: Option<Value>) -> Value {
    json!({"add": {
        "path": path, "partitionValues": {}, "size": size, "modificationTime": 0,
        "dataChange": true, "stats": "{\"numRecords\":1}", "deletionVector": vector,
    }})
}

/// A pipe outside of the table. Opening it for reading is noticed.
struct Canary {
    _folder: tempfile::TempDir,
    path: PathBuf,
    opened: Arc<AtomicBool>,
}

impl Canary {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("canary.parquet");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let opened = Arc::new(AtomicBool::new(false));
        let (pipe, flag) = (path.clone(), opened.clone());
        std::thread::spawn(move || {
            // Opening a pipe for writing waits until it is opened for reading.
            let _ = std::fs::OpenOptions::new().write(true).open(pipe);
            flag.store(true, Ordering::SeqCst);
        });
        Self { _folder: folder, path, opened }
    }
}

fn hostile_paths(canary: &str) -> BoxedStrategy<String> {
    let steps = prop::sample::select(vec![
        "",
        "../",
        "%2e%2e/",
        "..%2F",
        "%2E%2e%2f",
        "./",
        "a/../",
        "//",
        "/",
        "\\..\\",
        "a%2F..%2F",
        "\t",
        "%00",
    ]);
    let schemes = prop::sample::select(vec![
        "",
        "",
        "file://",
        "FILE:",
        "s3://",
        "s3://table/",
        "memory:///",
        "http://127.0.0.1:9/",
        "https://127.0.0.1:9",
        "delta-rs://",
        "data:",
    ]);
    let targets = prop::sample::select(vec![
        ELSEWHERE.to_owned(),
        canary.to_owned(),
        format!("/{ELSEWHERE}"),
        "_delta_log/00000000000000000000.json".to_owned(),
        String::new(),
        "/etc/passwd".to_owned(),
    ]);
    let suffixes =
        prop::sample::select(vec!["", "", "?X-Amz-Signature=1", "#x", "%", "/", "%2F..", "?sp=r"]);
    let built = (schemes, prop::collection::vec(steps, 0..4), targets, suffixes).prop_map(
        |(scheme, steps, target, suffix)| format!("{scheme}{}{target}{suffix}", steps.concat()),
    );
    prop_oneof![4 => built, 1 => ".{0,30}"].boxed()
}

fn numbers() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(-1),
        Just(i64::MAX),
        Just(i64::MIN),
        Just(i64::from(i32::MAX)),
        any::<i64>(),
        0..2000_i64,
    ]
}

fn vectors(canary: &str) -> impl Strategy<Value = Option<Value>> + use<> {
    let names = prop_oneof![
        hostile_paths(canary),
        hostile_paths(canary).prop_map(|path| format!("{path}vBn[lx{{q8@P<9BNH/isA")),
        "[0-9a-zA-Z]{0,40}",
    ];
    let storages = prop::sample::select(vec!["u", "p", "i", "", "x"]);
    let vector = (storages, names, prop::option::of(any::<i32>()), numbers(), numbers()).prop_map(
        |(storage, name, offset, size, cardinality)| {
            json!({
                "storageType": storage, "pathOrInlineDv": name, "offset": offset,
                "sizeInBytes": size as i32, "cardinality": cardinality,
            })
        },
    );
    prop::option::of(vector)
}

fn actions(canary: &str) -> impl Strategy<Value = Vec<Value>> + use<> {
    let protocol = json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors", "v2Checkpoint"],
        "writerFeatures": ["deletionVectors", "v2Checkpoint"],
    }});
    let action = prop_oneof![
        4 => (hostile_paths(canary), numbers(), vectors(canary))
            .prop_map(|(path, size, vector)| add(&path, size, vector)),
        1 => (hostile_paths(canary), numbers(), vectors(canary)).prop_map(|(path, size, vector)| {
            json!({"remove": {
                "path": path, "dataChange": true, "size": size, "deletionVector": vector,
                "deletionTimestamp": size,
            }})
        }),
        1 => (hostile_paths(canary), numbers()).prop_map(|(path, size)| {
            json!({"cdc": {
                "path": path, "size": size, "partitionValues": {}, "dataChange": false,
            }})
        }),
        2 => Just(protocol),
        1 => numbers().prop_map(|at| json!({"commitInfo": {
            "timestamp": at, "inCommitTimestamp": at, "operation": "WRITE",
        }})),
        1 => numbers().prop_map(|n| json!({"txn": {
            "appId": "a", "version": n, "lastUpdated": n,
        }})),
    ];
    prop::collection::vec(action, 1..4)
}

fn sidecars(canary: &str) -> impl Strategy<Value = Vec<Value>> + use<> {
    let sidecar = (hostile_paths(canary), numbers(), numbers()).prop_map(|(path, size, time)| {
        json!({"sidecar": {"path": path, "sizeInBytes": size, "modificationTime": time}})
    });
    prop::collection::vec(sidecar, 0..3)
}

/// Reads the table in a bucket and asserts that nothing else was requested or opened.
async fn assert_confined(bucket: InMemory, canary: &Canary) -> Result<usize> {
    let recorder = Arc::new(Recorder { bucket, requests: Mutex::default() });
    let read = read_table(recorder.clone(), FOLDER);
    let read = tokio::time::timeout(std::time::Duration::from_secs(60), read).await;
    assert_eq!(recorder.outside(), [""; 0]);
    assert!(!canary.opened.load(Ordering::SeqCst), "the canary was opened");
    read.expect("an end")
}

fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A log names files of all kinds, and nothing outside of the folder of the table is requested or opened.
#[test]
fn hostile_logs_reach_nothing_else() {
    let runtime = runtime();
    let base = runtime.block_on(table());
    let canary = Canary::new();
    let path = canary.path.display().to_string();
    let last = "{\"version\":1,\"size\":1}";
    let strategy = (actions(&path), sidecars(&path), 0..3_u8);
    let mut runner = proptest::test_runner::TestRunner::new(config(150));
    let result = runner.run(&strategy, |(actions, sidecars, place)| {
        runtime.block_on(async {
            let bucket = base.bucket.fork();
            let checkpoint = format!(
                "{FOLDER}/_delta_log/00000000000000000001.checkpoint.\
                 00000000-0000-4000-8000-000000000000.json"
            );
            let content = match place {
                0 => {
                    bucket.put(&entry(2), lines(&actions).into()).await.unwrap();
                    None
                }
                1 => Some(format!(
                    "{}\n{{\"checkpointMetadata\":{{\"version\":1}}}}\n{}\n{}",
                    base.created,
                    lines(&actions),
                    lines(&sidecars)
                )),
                _ => {
                    let name = "00000000000000000000.00000000000000000001.compacted.json";
                    let name = Path::from(format!("{FOLDER}/_delta_log/{name}"));
                    let content = format!("{}\n{}", base.created, lines(&actions));
                    bucket.put(&name, content.into()).await.unwrap();
                    None
                }
            };
            if let Some(content) = content {
                bucket.put(&checkpoint.into(), content.into()).await.unwrap();
                let hint = Path::from(format!("{FOLDER}/_delta_log/_last_checkpoint"));
                bucket.put(&hint, last.into()).await.unwrap();
            }
            if let Err(error) = assert_confined(bucket, &canary).await {
                let kinds = [ErrorKind::Corrupt, ErrorKind::Unsupported, ErrorKind::NotFound];
                assert!(kinds.contains(&error.kind()), "{error:?}");
            }
        });
        Ok(())
    });
    result.unwrap();
}

/// A file elsewhere is refused in a checkpoint in Parquet and in a sidecar of one, too.
#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_reach_nothing_else() {
    let canary = Canary::new();
    let base = table().await;
    let here = canary.path.display();
    for path in [format!("file://{here}"), format!("../{ELSEWHERE}"), "%2e%2e/x".into()] {
        let bucket = Arc::new(base.bucket.fork());
        bucket.put(&entry(2), lines(&[add(&path, 1000, None)]).into()).await.unwrap();
        let store = root::store(bucket.clone(), FOLDER).unwrap();
        let mut table = deltalake::DeltaTable::new(log::open_in(store, Uuid::new_v4()).unwrap());
        table.load().await.unwrap();
        create_checkpoint(&table, None).await.unwrap();
        for version in 0..=2 {
            bucket.delete(&entry(version)).await.unwrap();
        }
        let error = assert_confined(bucket.fork(), &canary).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported), "{error:?}");
        let text = format!("{error}");
        assert!(text.contains("add action"), "{text}");
    }
    for path in [
        format!("file://{here}"),
        "https://127.0.0.1:9/x?X-Amz-Signature=1".into(),
        "s3://other/secret.parquet".into(),
    ] {
        let bucket = base.bucket.fork();
        let name = "00000000000000000001.checkpoint.00000000-0000-4000-8000-000000000000.json";
        let sidecar = json!({"sidecar": {
            "path": path, "sizeInBytes": 1000, "modificationTime": 0,
        }});
        let protocol = json!({"protocol": {
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["v2Checkpoint"], "writerFeatures": ["v2Checkpoint"],
        }});
        let metadata = base.created.lines().find(|line| line.contains("metaData")).unwrap();
        let actions = [json!({"checkpointMetadata": {"version": 1}}), protocol, sidecar];
        let content = format!("{metadata}\n{}", lines(&actions));
        let name = Path::from(format!("{FOLDER}/_delta_log/{name}"));
        bucket.put(&name, content.into()).await.unwrap();
        let error = assert_confined(bucket, &canary).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        let text = format!("{error}");
        assert!(text.contains("no file of the table"), "{text}");
    }
}

/// Returns a deletion vector of these rows, from its magic number on.
fn vector(rows: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut bytes = 1_681_511_377_u32.to_le_bytes().to_vec();
    RoaringTreemap::from_iter(rows).serialize_into(&mut bytes).unwrap();
    // Z85 needs a multiple of four bytes; the bitmap ends by itself.
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A deletion vector that deletes a row far behind the end of the file is refused before memory is
/// reserved for all rows up to it.
#[tokio::test(flavor = "multi_thread")]
async fn deletion_vectors_reserve_little_memory() {
    let base = table().await;
    let (name, size) = &base.file;
    let size = i64::try_from(*size).unwrap();
    let protocol = json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"],
    }});
    let id = Uuid::from_u128(7);
    let stored = z85::encode(id.as_bytes());
    for (row, rows_left) in [(0, Some(0)), (1 << 40, None), (u64::MAX - 1, None)] {
        let vector = vector([row]);
        let checksum = {
            // The bitwise form of CRC-32, as in zlib.
            let shift = |crc: u32| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
            !vector
                .iter()
                .fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc)))
        };
        let length = u32::try_from(vector.len()).unwrap();
        let mut file = vec![1];
        file.extend(length.to_be_bytes());
        file.extend(&vector);
        file.extend(checksum.to_be_bytes());
        let descriptors = [
            json!({
                "storageType": "i", "pathOrInlineDv": z85::encode(&vector),
                "sizeInBytes": length, "cardinality": 1,
            }),
            json!({
                "storageType": "u", "pathOrInlineDv": stored, "offset": 1,
                "sizeInBytes": length, "cardinality": 1,
            }),
        ];
        for with_feature in [true, false] {
            for descriptor in &descriptors {
                let bucket = base.bucket.fork();
                let path = format!("{FOLDER}/deletion_vector_{id}.bin");
                bucket.put(&path.into(), Bytes::from(file.clone()).into()).await.unwrap();
                let mut actions = vec![add(name, size, Some(descriptor.clone()))];
                if with_feature {
                    actions.push(protocol.clone());
                }
                let remove = json!({"remove": {"path": name, "dataChange": true}});
                bucket.put(&entry(2), lines(&[remove]).into()).await.unwrap();
                bucket.put(&entry(3), lines(&actions).into()).await.unwrap();
                let read = read_table(Arc::new(bucket), FOLDER).await;
                match (read, rows_left) {
                    (Ok(rows), Some(left)) if rows == left => {}
                    (Err(error), _) if error.kind() == ErrorKind::Corrupt => {
                        assert!(rows_left.is_none() || !with_feature, "{error:?}");
                    }
                    (other, _) => panic!("{row} {with_feature} {descriptor}: {other:?}"),
                }
            }
        }
    }
}

/// Arbitrary bytes, and a real log with some bytes changed, make no panic.
#[test]
fn arbitrary_bytes_do_not_panic() {
    let runtime = runtime();
    let base = runtime.block_on(table());
    let first = base.created.into_bytes();
    let (name, size) = base.file;
    let second = lines(&[add(&name, i64::try_from(size).unwrap(), None)]).into_bytes();
    let mutation = (any::<prop::sample::Index>(), any::<u8>());
    let strategy = (
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(mutation, 0..6),
        0..FILES.len() as u8,
    );
    let mut runner = proptest::test_runner::TestRunner::new(config(150));
    let result = runner.run(&strategy, |(bytes, mutations, third)| {
        read_bytes(&bytes);
        let mut log = Vec::new();
        for (name, content) in [(0, &first), (1, &second), (third, &bytes)] {
            log.push(name);
            log.extend(u16::try_from(content.len()).unwrap().to_le_bytes());
            log.extend(content);
        }
        for (index, byte) in mutations {
            let index = index.index(log.len());
            log[index] = byte;
        }
        read_bytes(&log);
        Ok(())
    });
    result.unwrap();
}
