//! The reading of tables from bytes in memory, for tests with arbitrary logs. It is not part of the
//! interface of the crate.

use std::sync::{Arc, LazyLock};

use futures::TryStreamExt as _;
use lakewright_core::Result;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::classify::Failure;
use crate::large_stack::on_large_stack;
use crate::{log, root, scan, session};

/// The folder of the table in its bucket.
const FOLDER: &str = "table";

/// The files that arbitrary bytes can be the content of, by the first byte of each.
const FILES: [&str; 10] = [
    "_delta_log/00000000000000000000.json",
    "_delta_log/00000000000000000001.json",
    "_delta_log/00000000000000000002.json",
    "_delta_log/_last_checkpoint",
    "_delta_log/00000000000000000001.checkpoint.parquet",
    "_delta_log/00000000000000000001.checkpoint.00000000-0000-4000-8000-000000000000.json",
    "_delta_log/00000000000000000001.checkpoint.00000000-0000-4000-8000-000000000001.parquet",
    "_delta_log/_sidecars/sidecar.parquet",
    "_delta_log/00000000000000000000.00000000000000000001.compacted.json",
    "_delta_log/00000000000000000001.crc",
];

/// Opens and scans a table whose log consists of these bytes. Must not panic.
///
/// The bytes are a sequence of files: a byte that chooses the name, the length in two bytes (little
/// endian), and the content.
pub fn read_bytes(mut bytes: &[u8]) {
    static RUNTIME: LazyLock<Option<Runtime>> = LazyLock::new(|| Runtime::new().ok());
    let mut files = Vec::new();
    while let [name, low, high, rest @ ..] = bytes {
        let name = FILES[usize::from(*name) % FILES.len()];
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (content, next) = rest.split_at(length);
        files.push((format!("{FOLDER}/{name}"), content.to_vec()));
        bytes = next;
    }
    let Some(runtime) = &*RUNTIME else { return };
    runtime.block_on(async {
        let bucket = InMemory::new();
        for (path, content) in files {
            // Writing into memory does not fail.
            let _ = bucket.put(&Path::from(path), content.into()).await;
        }
        // Errors are right: the table is arbitrary.
        let _ = read_table(Arc::new(bucket), FOLDER).await;
    });
}

/// Opens the table in a folder of a bucket, reads all its rows, and returns their number.
///
/// # Errors
/// Those of [`Scan::stream`](crate::Scan::stream).
pub(crate) async fn read_table(bucket: Arc<dyn ObjectStore>, folder: &str) -> Result<usize> {
    on_large_stack(scanned(bucket, folder)).await.map_err(Failure::explain)
}

async fn scanned(bucket: Arc<dyn ObjectStore>, folder: &str) -> Result<usize, Failure> {
    let store = root::store(bucket, folder)?;
    let table = log::load(log::open_in(store.clone(), Uuid::new_v4())?).await?;
    let session = session::new()?;
    let provider = scan::provider(&session, &table, store).await?;
    let stream = session.read_table(provider)?.execute_stream().await?;
    let batches: Vec<_> = stream.try_collect().await?;
    Ok(batches.iter().map(arrow::record_batch::RecordBatch::num_rows).sum())
}

#[cfg(test)]
mod tests;
