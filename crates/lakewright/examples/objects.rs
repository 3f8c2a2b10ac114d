//! Writes a few objects, lists and copies them, and reads one back in parts.
//!
//! `cargo run --example objects [ENDPOINT]`; without an endpoint it starts an embedded server in a
//! temporary directory.

#![expect(clippy::print_stdout, reason = "this program prints its results")]

use futures::TryStreamExt as _;
use lakewright::{
    BucketName, CopyOptions, CreateBucketOptions, ErrorKind, GetOptions, ListOptions, ObjectKey,
    ObjectRange, PutOptions, Settings, connect,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let embedded = format!("embedded:{}", directory.path().display());
    let endpoint = std::env::args().nth(1).unwrap_or(embedded);
    let lake = connect(Settings::builder().endpoint(endpoint).build()).await?;

    let exist_ok = CreateBucketOptions::builder().exist_ok(true).build();
    let raw = lake.create_bucket(&BucketName::new("raw")?, exist_ok).await?;

    for month in 1..=3 {
        let key = ObjectKey::new(format!("2013/{month:02}.csv"))?;
        let csv = format!("day,delay\n2013-{month:02}-01,{}\n", month * 4);
        let info =
            raw.put(&key, csv, PutOptions::builder().content_type("text/csv").build()).await?;
        println!("wrote {key}, {} bytes", info.size);
    }

    // A condition that does not hold is an error of its own kind.
    let first = ObjectKey::new("2013/01.csv")?;
    let absent = PutOptions::builder().if_absent(true).build();
    match raw.put(&first, "other data", absent).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => println!("kept {first}"),
        result => return Err(format!("{first} was replaced: {result:?}").into()),
    }

    let copy = ObjectKey::new("latest.csv")?;
    raw.copy(&ObjectKey::new("2013/03.csv")?, &raw, &copy, CopyOptions::default()).await?;

    let mut objects = raw.list("", ListOptions::default());
    while let Some(object) = objects.try_next().await? {
        println!("{:>4} {}", object.size, object.key);
    }

    let header = GetOptions::builder().range(ObjectRange::Bounded(0..9)).build();
    let object = raw.get(&copy, header).await?;
    println!("{copy} begins with {:?}", String::from_utf8_lossy(&object.bytes));
    Ok(())
}
