//! Creates a Delta table, appends rows, replaces one partition, and queries it with SQL, also at an
//! older version.
//!
//! `cargo run --example tables [ENDPOINT]`; without an endpoint it starts an embedded server in a
//! temporary directory.

#![expect(clippy::print_stdout, reason = "this program prints its results")]

use std::collections::BTreeMap;
use std::sync::Arc;

use lakewright::arrow::array::{Float64Array, Int32Array, RecordBatch, StringArray};
use lakewright::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use lakewright::arrow::error::ArrowError;
use lakewright::arrow::util::pretty::pretty_format_batches;
use lakewright::{
    At, Batches, BucketName, CreateBucketOptions, CreateTableOptions, OverwriteOptions, Settings,
    Table, TableUri, WriteOptions, connect,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let embedded = format!("embedded:{}", directory.path().display());
    let endpoint = std::env::args().nth(1).unwrap_or(embedded);
    let lake = connect(Settings::builder().endpoint(endpoint).build()).await?;
    let exist_ok = CreateBucketOptions::builder().exist_ok(true).build();
    lake.create_bucket(&BucketName::new("lake")?, exist_ok).await?;

    let options = CreateTableOptions::builder()
        .partition_by(vec!["month".to_owned()])
        .description("Departure delays in minutes")
        .build();
    let flights = lake.create_table(&TableUri::new("lake/flights")?, schema(), options).await?;

    let rows = [(1, "UA", 12.0), (1, "AA", 4.0), (2, "UA", -3.0), (2, "DL", 31.0)];
    let appended = flights.append(batches(&rows)?, WriteOptions::default()).await?;
    println!("version {}: {} rows appended", appended.version, appended.rows);

    let january = OverwriteOptions::builder().replace_where("month = 1").build();
    let replaced = flights.overwrite(batches(&[(1, "UA", 11.0)])?, january).await?;
    println!("version {}: January replaced", replaced.version);

    println!("{}", mean_delays(&lake, flights.clone()).await?);
    println!("before January was replaced:");
    println!("{}", mean_delays(&lake, flights.at(At::Version(appended.version))).await?);
    Ok(())
}

async fn mean_delays(
    lake: &lakewright::Lake,
    flights: Table,
) -> Result<String, Box<dyn std::error::Error>> {
    let query =
        "SELECT carrier, avg(delay) AS delay FROM flights GROUP BY carrier ORDER BY carrier";
    let scan = lake.sql(query, BTreeMap::from([("flights".to_owned(), flights)]));
    Ok(pretty_format_batches(&scan.stream().await?.collect().await?)?.to_string())
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("month", DataType::Int32, false),
        Field::new("carrier", DataType::Utf8, false),
        Field::new("delay", DataType::Float64, true),
    ]))
}

fn batches(rows: &[(i32, &str, f64)]) -> Result<Batches, ArrowError> {
    let batch = RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(rows.iter().map(|row| row.0).collect::<Int32Array>()),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.1))),
            Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
        ],
    )?;
    Ok(Batches::from_batches(schema(), vec![batch]))
}
