//! Tables whose log was written by an attacker: it names files elsewhere, or has numbers that no
//! file has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lakewright::arrow::array::{AsArray, Int64Array, RecordBatch};
use lakewright::arrow::datatypes::Int64Type;
use lakewright::table::schema_from_types;
use lakewright::{
    At, Batches, Bucket, ErrorKind, GetOptions, Lake, ObjectKey, PutOptions, Result, Scan,
    ScanOptions, Table, TableUri, WriteOptions,
};
use lakewright_tests::conformance::bucket;
use lakewright_tests::server::OwnEmbedded;
use lakewright_tests::tests;
use serde_json::{Value, json};

tests![
    files_elsewhere,
    files_of_another_table_of_the_query,
    pipes,
    files_elsewhere_that_were_removed,
    deletion_vectors_elsewhere,
    numbers_out_of_range,
];

/// The value in the rows that no scan of a hostile table may return.
const SECRET: i64 = 4711;

fn rows(id: i64) -> Batches {
    let schema = schema_from_types([("id", "long")]).unwrap();
    let ids = Arc::new(Int64Array::from(vec![id]));
    Batches::from_batches(schema.clone(), vec![RecordBatch::try_new(schema, vec![ids]).unwrap()])
}

/// Creates a table with one row.
async fn table(lake: &Lake, bucket: &Bucket, name: &str, id: i64) -> Table {
    let uri = TableUri::new(format!("{}/{name}", bucket.name())).unwrap();
    let schema = schema_from_types([("id", "long")]).unwrap();
    let table = lake.create_table(&uri, schema, Default::default()).await.unwrap();
    table.append(rows(id), WriteOptions::default()).await.unwrap();
    table
}

/// Appends a commit with these actions to the log.
async fn commit(bucket: &Bucket, table: &Table, actions: &[Value]) {
    let version = table.version().await.unwrap() + 1;
    let key = format!("{}/_delta_log/{version:020}.json", table.uri().path());
    let text: Vec<String> = actions.iter().map(Value::to_string).collect();
    let key = ObjectKey::new(key).unwrap();
    bucket.put(&key, text.join("\n"), PutOptions::default()).await.unwrap();
}

fn add(path: &str, size: usize) -> Value {
    json!({"add": {
        "path": path, "partitionValues": {}, "size": size, "modificationTime": 0,
        "dataChange": true, "stats": "{\"numRecords\":1}",
    }})
}

async fn ids(scan: Scan) -> Result<Vec<i64>> {
    // A pipe in the place of a file would be waited for without an end.
    let batches = async { scan.stream().await?.collect().await };
    let batches = tokio::time::timeout(Duration::from_secs(20), batches).await.expect("an end")?;
    let column = |batch: &RecordBatch| {
        batch.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec()
    };
    Ok(batches.iter().flat_map(column).collect())
}

async fn all(table: &Table) -> Result<Vec<i64>> {
    ids(table.scan(ScanOptions::default())).await
}

/// Returns the key and the bytes of the only data file of a table.
async fn data_file(bucket: &Bucket, table: &Table) -> (String, bytes::Bytes) {
    let files = table.files().await.unwrap();
    let key = format!("{}/{}", table.uri().path(), files[0].path);
    let data = bucket.get(&ObjectKey::new(&*key).unwrap(), GetOptions::default()).await.unwrap();
    (key, data.bytes)
}

/// Asserts that every operation that reads or checks the files refuses the table, and returns the
/// message.
async fn assert_refused(lake: &Lake, uri: &TableUri, kinds: &[ErrorKind]) -> String {
    let table = lake.table(uri.clone());
    let results = [
        all(&table).await.err(),
        table.files().await.err(),
        ids(lake.sql("SELECT id FROM t", BTreeMap::from([("t".into(), table.clone())])))
            .await
            .err(),
        all(&table.at(At::Version(2))).await.err(),
    ];
    let mut messages = Vec::new();
    for error in results {
        let error = error.expect("an error");
        assert!(kinds.contains(&error.kind()), "{error:?}");
        messages.push(error.message().to_owned());
    }
    assert!(messages.iter().all(|message| message == &messages[0]), "{messages:?}");
    messages.swap_remove(0)
}

/// A log that names a file elsewhere is refused before the file is opened, in words that do not
/// depend on whether the file exists.
async fn files_elsewhere(server: OwnEmbedded) {
    let lake = server.0.lake().await;
    let (here, elsewhere) = (bucket(&lake).await, bucket(&lake).await);
    let secret = table(&lake, &here, "secret", SECRET).await;
    let (key, data) = data_file(&here, &secret).await;
    let far = table(&lake, &elsewhere, "far", SECRET).await;
    let (far_key, _) = data_file(&elsewhere, &far).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("canary.parquet");
    std::fs::write(&file, &data).unwrap();
    let file = file.display().to_string();
    let file = file.as_str();
    let encoded: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let (bucket_name, far_name) = (here.name(), elsewhere.name());
    let name = key.rsplit('/').next().unwrap();
    let paths = [
        format!("file://{file}"),
        format!("FILE://{file}"),
        format!("file://localhost{file}"),
        format!("file:{file}"),
        format!("fi\tle://{file}"),
        format!("s3://{bucket_name}/{key}"),
        format!("s3a://{bucket_name}/{key}"),
        format!("s3://{far_name}/{far_key}"),
        format!("//{far_name}/{far_key}"),
        format!("/{key}"),
        format!("../{key}"),
        format!("a/../../{key}"),
        format!("%2e%2e/{key}"),
        format!("%2E./{key}"),
        format!("..%2F{key}"),
        format!("a%2F..%2F..%2F{key}"),
        format!("%2E%2E%2F{encoded}"),
        format!("../secret/./{name}"),
        format!("http://127.0.0.1:9/{key}?X-Amz-Signature=0"),
        format!("memory:///{key}"),
        format!("data:,{key}"),
        String::new(),
        ".".into(),
        "./".into(),
        "?".into(),
        "#".into(),
    ];
    let mut failed = Vec::new();
    for (n, path) in paths.iter().enumerate() {
        let table = table(&lake, &here, &format!("hostile-{n}"), 1).await;
        commit(&here, &table, &[add(path, data.len())]).await;
        let (lake, uri, path) = (lake.clone(), table.uri().clone(), path.clone());
        let refused = tokio::spawn(async move {
            let kinds = [ErrorKind::Corrupt, ErrorKind::Unsupported];
            let message = assert_refused(&lake, &uri, &kinds).await;
            assert!(message.contains("add action"), "{message}");
        });
        if let Err(error) = refused.await {
            failed.push(format!("{path:?}: {error}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    // A file that exists, and one that does not, are refused in the same words.
    let mut messages = Vec::new();
    for (n, path) in [file, "/no/such/canary.parquet"].into_iter().enumerate() {
        let table = table(&lake, &here, &format!("told-{n}"), 1).await;
        commit(&here, &table, &[add(&format!("file://{path}"), data.len())]).await;
        let message = assert_refused(&lake, table.uri(), &[ErrorKind::Unsupported]).await;
        messages.push(message.replace(path, ""));
    }
    assert_eq!(messages[0], messages[1]);
}

/// Two tables of one query cannot name each other's files.
async fn files_of_another_table_of_the_query(server: OwnEmbedded) {
    let lake = server.0.lake().await;
    let (here, elsewhere) = (bucket(&lake).await, bucket(&lake).await);
    for (n, bucket) in [&here, &elsewhere].into_iter().enumerate() {
        let other = table(&lake, bucket, "other", SECRET).await;
        let (key, data) = data_file(bucket, &other).await;
        let hostile = table(&lake, &here, &format!("hostile-{n}"), 1).await;
        let path = format!("s3://{}/{key}", bucket.name());
        commit(&here, &hostile, &[add(&path, data.len())]).await;
        let tables =
            BTreeMap::from([("other".to_owned(), other), ("hostile".into(), hostile.clone())]);
        let query = "SELECT hostile.id FROM other CROSS JOIN hostile";
        let error = ids(lake.sql(query, tables)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    }
}

/// A pipe is not opened, which would wait for a writer without an end.
async fn pipes(server: OwnEmbedded) {
    let lake = server.0.lake().await;
    let here = bucket(&lake).await;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let table = table(&lake, &here, "hostile", 1).await;
    commit(&here, &table, &[add(&format!("file://{}", pipe.display()), 1000)]).await;
    assert_refused(&lake, table.uri(), &[ErrorKind::Unsupported]).await;
    assert!(Path::new(&pipe).exists());
}

/// A file elsewhere that no longer belongs to the table does not make the table unreadable.
async fn files_elsewhere_that_were_removed(server: OwnEmbedded) {
    let lake = server.0.lake().await;
    let here = bucket(&lake).await;
    let table = table(&lake, &here, "was-a-clone", 1).await;
    let path = "s3://elsewhere/part.parquet";
    commit(&here, &table, &[add(path, 1000)]).await;
    let remove = json!({"remove": {"path": path, "dataChange": true, "deletionTimestamp": 0}});
    commit_at(&here, &table, 3, &[remove]).await;
    assert_eq!(all(&table).await.unwrap(), [1]);
    table.append(rows(2), WriteOptions::default()).await.unwrap();
    assert_eq!(all(&table).await.unwrap().len(), 2);
    let error = all(&table.at(At::Version(2))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

async fn commit_at(bucket: &Bucket, table: &Table, version: u64, actions: &[Value]) {
    let key = format!("{}/_delta_log/{version:020}.json", table.uri().path());
    let text: Vec<String> = actions.iter().map(Value::to_string).collect();
    let key = ObjectKey::new(key).unwrap();
    bucket.put(&key, text.join("\n"), PutOptions::default()).await.unwrap();
}

fn with_vector(path: &str, size: usize, vector: Value) -> Value {
    let mut action = add(path, size);
    action["add"]["deletionVector"] = vector;
    action
}

/// Deletion vectors that lie elsewhere, or that do not fit their file, are refused.
async fn deletion_vectors_elsewhere(server: OwnEmbedded) {
    let lake = server.0.lake().await;
    let here = bucket(&lake).await;
    let protocol = json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"],
    }});
    let vector = |storage: &str, path: &str, offset: Option<i64>, size: i64, cardinality: i64| {
        json!({
            "storageType": storage, "pathOrInlineDv": path, "offset": offset, "sizeInBytes": size,
            "cardinality": cardinality,
        })
    };
    let uuid = "vBn[lx{q8@P<9BNH/isA";
    let vectors = [
        vector("p", "file:///etc/passwd", Some(1), 40, 1),
        vector("p", "https://127.0.0.1:9/dv.bin?X-Amz-Signature=0", Some(1), 40, 1),
        vector("p", &format!("s3://{}/secret/dv.bin", here.name()), Some(1), 40, 1),
        vector("u", &format!("file:///etc{uuid}"), Some(1), 40, 1),
        vector("u", &format!("../secret{uuid}"), Some(1), 40, 1),
        vector("u", &format!("%2e%2e/secret{uuid}"), Some(1), 40, 1),
        vector("u", &format!("/secret{uuid}"), Some(1), 40, 1),
        vector("u", "short", Some(1), 40, 1),
        vector("u", &format!("ä{uuid}"), Some(1), 40, -1),
        vector("u", uuid, Some(-1), 40, 1),
        vector("u", uuid, Some(1), -40, 1),
        vector("u", uuid, Some(i64::from(i32::MAX)), i64::from(i32::MAX), i64::MAX),
        vector("x", uuid, Some(1), 40, 1),
        vector("i", "", None, 40, 1),
        vector("i", "0", None, 40, 1),
        vector("i", "00000", None, 40, 1),
    ];
    let mut failed = Vec::new();
    for with_feature in [true, false] {
        for (n, vector) in vectors.iter().enumerate() {
            let table = table(&lake, &here, &format!("hostile-{n}-{with_feature}"), 1).await;
            let (key, data) = data_file(&here, &table).await;
            let name = key.rsplit('/').next().unwrap();
            let mut actions = vec![with_vector(name, data.len(), vector.clone())];
            if with_feature {
                actions.push(protocol.clone());
            }
            commit(&here, &table, &actions).await;
            let scanned = tokio::spawn(async move { all(&table).await }).await;
            match scanned {
                Ok(Err(error))
                    if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported) => {}
                Ok(Err(error))
                    // The vector is one of the table's own files, and there is none.
                    if error.kind() == ErrorKind::NotFound => {}
                other => failed.push(format!("{with_feature} {vector}: {other:?}")),
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Numbers that no file has are errors and not panics.
async fn numbers_out_of_range(server: OwnEmbedded) {
    let lake = server.0.lake().await;
    let here = bucket(&lake).await;
    let numbers: [(&str, Value); 17] = [
        ("size", json!(-5)),
        ("size", json!(i64::MIN)),
        ("size", json!(i64::MAX)),
        ("size", json!(u64::MAX)),
        ("size", json!(1e300)),
        ("size", json!(1)),
        ("size", json!(0)),
        ("size", json!("x")),
        ("size", Value::Null),
        ("stats", json!("{\"numRecords\":-1}")),
        ("stats", json!("{\"numRecords\":9223372036854775807}")),
        ("stats", json!("{\"numRecords\":18446744073709551615}")),
        ("stats", json!("{\"numRecords\":1,\"nullCount\":{\"id\":-7}}")),
        ("stats", json!("{\"numRecords\":1,\"minValues\":{\"id\":1e400}}")),
        ("stats", json!("{")),
        ("modificationTime", json!(i64::MIN)),
        ("modificationTime", json!(i64::MAX)),
    ];
    let mut failed = Vec::new();
    for (n, (field, value)) in numbers.iter().enumerate() {
        let table = table(&lake, &here, &format!("hostile-{n}"), 1).await;
        let (key, data) = data_file(&here, &table).await;
        let name = key.rsplit('/').next().unwrap();
        let mut action = add(name, data.len());
        action["add"][field] = value.clone();
        commit(&here, &table, &[action]).await;
        let (scanned, lake) = (table.clone(), lake.clone());
        let result = tokio::spawn(async move {
            scanned.files().await?;
            scanned.is_empty().await?;
            let filter = ScanOptions::builder().filter("id > 0").build();
            ids(scanned.scan(filter)).await?;
            let tables = || BTreeMap::from([("t".to_owned(), scanned.clone())]);
            let count = "SELECT count(*) AS id FROM t";
            ids(lake.sql(count, tables())).await?;
            ids(lake.sql("SELECT max(id) AS id FROM t", tables())).await
        });
        match result.await {
            Ok(Ok(found)) if found == [1] => {}
            Ok(Err(error)) if error.kind() == ErrorKind::Corrupt => {}
            other => failed.push(format!("{field} = {value}: {other:?}")),
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
