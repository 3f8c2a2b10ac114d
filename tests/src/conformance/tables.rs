//! Cases for Delta tables: creation, commits, scans, history, SQL, and concurrent writers.

use std::collections::BTreeMap;
use std::sync::Arc;

use lakewright::arrow::array::{
    Array, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use lakewright::arrow::datatypes::{Int64Type, SchemaRef};
use lakewright::table::schema_from_types;
use lakewright::{
    At, Batches, CreateTableOptions, ErrorKind, Lake, OverwriteOptions, Scan, ScanOptions, Table,
    TableUri, WriteOptions,
};

use super::{bucket, cases};
use crate::server::assert_kind;

cases![
    append_overwrite_read,
    create_twice,
    create_race,
    dropped_and_created_again,
    missing_bucket,
    refused_data_and_queries,
    streams,
    fewer_columns,
    sql,
    types,
    concurrent_appends,
];

fn schema() -> SchemaRef {
    schema_from_types([("id", "long"), ("month", "long"), ("carrier", "string")]).unwrap()
}

fn rows(ids: std::ops::Range<i64>, month: i64) -> Batches {
    let count = (ids.end - ids.start) as usize;
    let batch = RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(Int64Array::from_iter_values(ids)),
            Arc::new(Int64Array::from(vec![month; count])),
            Arc::new(StringArray::from_iter_values((0..count).map(|n| format!("c{}", n % 3)))),
        ],
    );
    Batches::from_batches(schema(), vec![batch.unwrap()])
}

async fn table(lake: &Lake, partition_by: &[&str]) -> Table {
    let bucket = bucket(lake).await;
    let uri = TableUri::new(format!("{}/flights", bucket.name())).unwrap();
    let options = CreateTableOptions::builder()
        .partition_by(partition_by.iter().map(|c| (*c).into()).collect())
        .build();
    lake.create_table(&uri, schema(), options).await.unwrap()
}

async fn ids(scan: Scan) -> Vec<i64> {
    let batches = scan.stream().await.unwrap().collect().await.unwrap();
    let mut ids: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            let column = batch.column_by_name("id").unwrap().as_primitive::<Int64Type>();
            column.values().to_vec()
        })
        .collect();
    ids.sort_unstable();
    ids
}

async fn all(table: &Table) -> Vec<i64> {
    ids(table.scan(ScanOptions::default())).await
}

/// A table is created, appended to, read, overwritten in part, read at a version, listed and
/// dropped.
async fn append_overwrite_read(lake: &Lake) {
    let table = table(lake, &["month"]).await;
    assert_eq!(table.version().await.unwrap(), 0);
    assert!(all(&table).await.is_empty());
    let commit = table.append(rows(0..10, 1), WriteOptions::default()).await.unwrap();
    assert_eq!((commit.version, commit.rows, commit.files_added), (1, 10, 1));
    table.append(rows(10..20, 2), WriteOptions::default()).await.unwrap();
    assert_eq!(all(&table).await, (0..20).collect::<Vec<_>>());

    let filtered = ScanOptions::builder()
        .columns(vec!["id".into()])
        .filter("month = 2 AND carrier = 'c0'")
        .build();
    assert_eq!(ids(table.scan(filtered)).await, [10, 13, 16, 19]);
    let limited = ScanOptions::builder().limit(3).build();
    assert_eq!(ids(table.scan(limited)).await.len(), 3);

    let replace = OverwriteOptions::builder().replace_where("month = 1").build();
    let commit = table.overwrite(rows(100..103, 1), replace).await.unwrap();
    assert_eq!((commit.version, commit.rows, commit.files_removed), (3, 3, 1));
    assert_eq!(all(&table).await, (10..20).chain(100..103).collect::<Vec<_>>());
    let before = table.at(At::Version(2));
    assert_eq!(all(&before).await, (0..20).collect::<Vec<_>>());
    assert_kind(
        before.append(rows(0..1, 1), WriteOptions::default()).await,
        ErrorKind::Unsupported,
    );
    assert_kind(table.at(At::Version(99)).version().await, ErrorKind::NotFound);

    let history = table.history(None).await.unwrap();
    let versions: Vec<u64> = history.iter().map(|commit| commit.version).collect();
    assert_eq!(versions, [3, 2, 1, 0]);
    assert_eq!(history[3].operation.as_deref(), Some("CREATE TABLE"));
    assert_eq!(table.history(Some(2)).await.unwrap().len(), 2);
    let then = history[1].timestamp.unwrap();
    assert_eq!(table.at(At::Timestamp(then)).version().await.unwrap(), 2);
    let long_ago = At::Timestamp(jiff::Timestamp::from_second(0).unwrap());
    assert_kind(table.at(long_ago).version().await, ErrorKind::NotFound);

    let files = table.files().await.unwrap();
    assert_eq!(files.len(), 2);
    assert_eq!(files.iter().map(|file| file.rows.unwrap()).sum::<u64>(), 13);
    assert_eq!(files[0].partition_values["month"].as_deref(), Some("1"));
    let info = table.details().await.unwrap();
    assert_eq!(info.partition_columns, ["month"]);
    assert_eq!(info.files, 2);

    let whole = table.overwrite(rows(7..9, 5), OverwriteOptions::default()).await.unwrap();
    assert_eq!(whole.files_removed, 2);
    assert_eq!(all(&table).await, [7, 8]);
    let prefix = format!("{}/", table.uri().bucket());
    assert_eq!(lake.list_tables(&prefix).await.unwrap(), [table.uri().clone()]);
    let inner = TableUri::new(format!("{}/month=1/inner", table.uri())).unwrap();
    lake.create_table(&inner, schema(), CreateTableOptions::default()).await.unwrap();
    let error = assert_kind(lake.drop_table(table.uri()).await, ErrorKind::Conflict);
    assert!(error.message().contains("month=1/inner"), "{error}");
    lake.drop_table(&inner).await.unwrap();
    assert!(lake.drop_table(table.uri()).await.unwrap() >= 8);
    assert!(lake.list_tables(&prefix).await.unwrap().is_empty());
    assert!(!lake.table(table.uri().clone()).exists().await.unwrap());
    assert_kind(lake.drop_table(table.uri()).await, ErrorKind::NotFound);
}

/// An existing table is not created again; with `exist_ok` a different schema or partitioning is an
/// error.
async fn create_twice(lake: &Lake) {
    let table = table(lake, &["month"]).await;
    let uri = table.uri();
    let again = lake.create_table(uri, schema(), CreateTableOptions::default()).await;
    assert_kind(again, ErrorKind::AlreadyExists);
    let same =
        CreateTableOptions::builder().exist_ok(true).partition_by(vec!["month".into()]).build();
    assert_eq!(lake.create_table(uri, schema(), same).await.unwrap().version().await.unwrap(), 0);
    let other = schema_from_types([("id", "string")]).unwrap();
    let unpartitioned = CreateTableOptions::builder().exist_ok(true).build();
    let different = lake.create_table(uri, other, unpartitioned.clone()).await;
    assert_kind(different, ErrorKind::SchemaMismatch);
    assert_kind(lake.create_table(uri, schema(), unpartitioned).await, ErrorKind::SchemaMismatch);
    let of_no_column = CreateTableOptions::builder().partition_by(vec!["nothing".into()]).build();
    let new = TableUri::new(format!("{}/new", uri.bucket())).unwrap();
    assert_kind(lake.create_table(&new, schema(), of_no_column).await, ErrorKind::InvalidInput);
    let unknown = CreateTableOptions::builder()
        .properties(BTreeMap::from([("delta.noSuchProperty".into(), "1".into())]))
        .build();
    assert_kind(lake.create_table(&new, schema(), unknown).await, ErrorKind::InvalidInput);
    assert!(!lake.table(new).exists().await.unwrap());
}

/// Of several writers that create one table at once with different columns, exactly one succeeds
/// and its table stays.
async fn create_race(lake: &Lake) {
    let bucket = bucket(lake).await;
    let uri = TableUri::new(format!("{}/race", bucket.name())).unwrap();
    let attempts = (0..6).map(|n| {
        let (lake, uri) = (lake.clone(), uri.clone());
        tokio::spawn(async move {
            let schema = schema_from_types([(format!("c{n}"), "long")]).unwrap();
            lake.create_table(&uri, schema, CreateTableOptions::default()).await.map(|_| n)
        })
    });
    let mut winners = Vec::new();
    for attempt in futures::future::join_all(attempts).await {
        match attempt.unwrap() {
            Ok(n) => winners.push(n),
            Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}"),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    let table = lake.table(uri);
    assert_eq!(table.version().await.unwrap(), 0);
    assert_eq!(table.schema().await.unwrap().field(0).name(), &format!("c{}", winners[0]));
}

/// A handle of a table that was dropped and created again reads the new table.
async fn dropped_and_created_again(lake: &Lake) {
    for versions in 1..4 {
        let table = table(lake, &[]).await;
        for n in 0..2 {
            table.append(rows(n..n + 1, 1), WriteOptions::default()).await.unwrap();
        }
        assert_eq!(all(&table).await, [0, 1]);
        lake.drop_table(table.uri()).await.unwrap();
        let other = lake.table(table.uri().clone());
        lake.create_table(table.uri(), schema(), CreateTableOptions::default()).await.unwrap();
        for n in 0..versions {
            other.append(rows(10 + n..11 + n, 1), WriteOptions::default()).await.unwrap();
        }
        assert_eq!(all(&table).await, (10..10 + versions).collect::<Vec<_>>());
        let history = table.history(None).await.unwrap();
        assert_eq!(history.len() as i64, versions + 1);
        assert_eq!(table.at(At::Version(1)).history(None).await.unwrap().len(), 2);
    }
}

/// Every verb on a table in a bucket that does not exist returns `NotFound`.
async fn missing_bucket(lake: &Lake) {
    for path in ["x", "schema_v1", "my-column"] {
        let table = lake.table(TableUri::new(format!("lakewright-no-such/{path}")).unwrap());
        assert!(!table.exists().await.unwrap());
        assert_kind(table.version().await, ErrorKind::NotFound);
        assert_kind(
            table.append(rows(0..1, 1), WriteOptions::default()).await,
            ErrorKind::NotFound,
        );
        let created = lake.create_table(table.uri(), schema(), CreateTableOptions::default()).await;
        assert_kind(created, ErrorKind::NotFound);
        assert_kind(lake.drop_table(table.uri()).await, ErrorKind::NotFound);
    }
}

/// Data and queries that do not match the schema are refused, and nothing is committed.
async fn refused_data_and_queries(lake: &Lake) {
    let table = table(lake, &["month"]).await;
    let wrong = schema_from_types([("id", "string"), ("month", "long")]).unwrap();
    let batch = RecordBatch::try_new(
        wrong.clone(),
        vec![Arc::new(StringArray::from(vec!["x"])), Arc::new(Int64Array::from(vec![1]))],
    );
    let data = Batches::from_batches(wrong, vec![batch.unwrap()]);
    let error =
        assert_kind(table.append(data, WriteOptions::default()).await, ErrorKind::SchemaMismatch);
    assert!(error.message().contains("\"id\""), "{error}");
    assert_eq!(error.operation(), Some("append"));
    for filter in ["nothing = 1", "id = = 1", "id IN (SELECT", "no_such_function(id)"] {
        let options = ScanOptions::builder().filter(filter).build();
        let error = assert_kind(table.scan(options).schema().await, ErrorKind::InvalidInput);
        assert!(!error.message().contains('\u{1b}'), "{error}");
    }
    let options = ScanOptions::builder().columns(vec!["nothing".into()]).build();
    assert_kind(table.scan(options).schema().await, ErrorKind::InvalidInput);
    let outside = OverwriteOptions::builder().replace_where("month = 1").build();
    let error = assert_kind(table.overwrite(rows(0..3, 2), outside).await, ErrorKind::InvalidInput);
    // deltalake's preview of the rows is data, which does not belong in messages.
    assert!(error.message().contains("3 rows") && !error.message().contains("c0"), "{error}");
    assert_eq!(table.version().await.unwrap(), 0);
    let nowhere = lake.table(TableUri::new(format!("{}/nowhere", table.uri().bucket())).unwrap());
    assert_kind(nowhere.append(rows(0..1, 1), WriteOptions::default()).await, ErrorKind::NotFound);
    assert_kind(nowhere.scan(ScanOptions::default()).stream().await, ErrorKind::NotFound);
    assert!(!nowhere.exists().await.unwrap());
}

/// A scan can be appended to a table, and a stream that fails commits nothing.
async fn streams(lake: &Lake) {
    let source = table(lake, &[]).await;
    source.append(rows(0..5000, 1), WriteOptions::default()).await.unwrap();
    let target = table(lake, &["month"]).await;
    let scan = source.scan(ScanOptions::default()).stream().await.unwrap();
    let commit = target.append(Batches::from_stream(scan), WriteOptions::default()).await.unwrap();
    assert_eq!(commit.rows, 5000);
    // A scan that is appended to its own table keeps to the version it began with.
    let own = target.scan(ScanOptions::default()).stream().await.unwrap();
    target.append(Batches::from_stream(own), WriteOptions::default()).await.unwrap();
    assert_eq!(all(&target).await.len(), 10_000);
    let broken = lakewright::Error::new(ErrorKind::Corrupt, "the source broke");
    let stream = futures::stream::iter([Err(broken)]);
    let stream = lakewright::BatchStream::new(schema(), stream);
    let result = target.append(Batches::from_stream(stream), WriteOptions::default()).await;
    assert_kind(result, ErrorKind::Corrupt);
    assert_eq!(target.version().await.unwrap(), 2);
}

/// Columns that are left out become null, and the order of the others does not matter.
async fn fewer_columns(lake: &Lake) {
    let table = table(lake, &["month"]).await;
    let some = schema_from_types([("month", "integer"), ("id", "long")]).unwrap();
    let batch = RecordBatch::try_new(
        some.clone(),
        vec![
            Arc::new(lakewright::arrow::array::Int32Array::from(vec![1, 2])),
            Arc::new(Int64Array::from(vec![7, 8])),
        ],
    );
    let data = Batches::from_batches(some, vec![batch.unwrap()]);
    assert_eq!(table.append(data, WriteOptions::default()).await.unwrap().rows, 2);
    let nulls = ScanOptions::builder().filter("carrier IS NULL").build();
    assert_eq!(ids(table.scan(nulls)).await, [7, 8]);
}

/// SQL reads from several tables; statements that write are refused.
async fn sql(lake: &Lake) {
    let (one, two) = (table(lake, &[]).await, table(lake, &[]).await);
    one.append(rows(0..10, 1), WriteOptions::default()).await.unwrap();
    two.append(rows(5..15, 1), WriteOptions::default()).await.unwrap();
    let tables = || BTreeMap::from([("one".into(), one.clone()), ("two".into(), two.clone())]);
    let query = "SELECT one.id AS id FROM one JOIN two ON one.id = two.id WHERE one.id > 6";
    assert_eq!(ids(lake.sql(query, tables())).await, [7, 8, 9]);
    for refused in [
        "COPY one TO '/tmp/lakewright-must-not-write.csv'",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "INSERT INTO one VALUES (1, 1, 'x')",
        "SET datafusion.execution.batch_size = 1",
        "DROP TABLE one",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM three",
        "SELEKT 1",
    ] {
        let result = lake.sql(refused, tables()).stream().await;
        assert!(result.is_err(), "{refused}");
    }
    assert_eq!(one.version().await.unwrap(), 1);
}

/// Unusual names, column types and partition values are written and read back.
async fn types(lake: &Lake) {
    let bucket = bucket(lake).await;
    let uri = TableUri::new(format!("{}/päth with spaces/t=1+?#&", bucket.name())).unwrap();
    let schema = schema_from_types([
        ("at", "timestamp"),
        ("local", "timestamp_ntz"),
        ("price", "decimal(10,2)"),
        ("tags", "array<string>"),
        ("attrs", "map<string,long>"),
        ("where", "struct<lat:double,lon:double>"),
        ("ünïcode col", "string"),
    ])
    .unwrap();
    let options = CreateTableOptions::builder().partition_by(vec!["ünïcode col".into()]).build();
    let table = lake.create_table(&uri, schema.clone(), options).await.unwrap();
    let columns = schema
        .fields()
        .iter()
        .map(|field| match field.name().as_str() {
            "at" => Arc::new(
                TimestampMicrosecondArray::from(vec![Some(1), None, Some(-1)]).with_timezone("UTC"),
            ) as Arc<dyn Array>,
            "ünïcode col" => Arc::new(StringArray::from(vec![Some("a/b=c %"), None, Some("ü")])),
            _ => lakewright::arrow::array::new_null_array(field.data_type(), 3),
        })
        .collect();
    let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
    let data = Batches::from_batches(schema.clone(), vec![batch]);
    let commit = table.append(data, WriteOptions::default()).await.unwrap();
    assert_eq!((commit.rows, commit.files_added), (3, 3));
    assert_eq!(table.schema().await.unwrap(), schema);
    let scan = table.scan(ScanOptions::builder().filter("\"ünïcode col\" = 'a/b=c %'").build());
    assert_eq!(scan.schema().await.unwrap().fields().len(), 7);
    let batches = scan.stream().await.unwrap().collect().await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    assert_eq!(lake.list_tables(bucket.name().as_str()).await.unwrap(), [uri]);
}

/// Eight writers that append at once all succeed, and no row is lost or written twice.
async fn concurrent_appends(lake: &Lake) {
    const WRITERS: i64 = 8;
    const APPENDS: i64 = 4;
    let table = table(lake, &[]).await;
    let writers = (0..WRITERS).map(|writer| {
        // Half of the writers share a handle, half have their own.
        let table = if writer % 2 == 0 { table.clone() } else { lake.table(table.uri().clone()) };
        tokio::spawn(async move {
            for n in 0..APPENDS {
                let first = (writer * APPENDS + n) * 10;
                table.append(rows(first..first + 10, 1), WriteOptions::default()).await?;
            }
            Ok::<_, lakewright::Error>(())
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap().unwrap();
    }
    assert_eq!(all(&table).await, (0..WRITERS * APPENDS * 10).collect::<Vec<_>>());
    assert_eq!(table.version().await.unwrap(), (WRITERS * APPENDS) as u64);
}
