//! `files`

use std::collections::BTreeMap;

use jiff::Timestamp;
use lakewright_core::Result;
use serde::{Deserialize, Serialize};

use super::Table;
use super::classify::Classify as _;

/// A data file of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its path below the table, or a whole URI for a file that lies elsewhere.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its rows, where the log counts them.
    pub rows: Option<u64>,
    /// The values of the partition columns that its rows share; `None` is null.
    #[serde(default)]
    pub partition_values: BTreeMap<String, Option<String>>,
    /// When it was written.
    pub modified: Option<Timestamp>,
}

impl Table {
    /// The data files that make up the table, without reading any of them.
    ///
    /// # Errors
    /// Those of [`Table::version`].
    pub async fn files(&self) -> Result<Vec<FileInfo>> {
        let table = self.current("files").await?;
        let state = table.snapshot().classify(self, "files")?;
        let mut files: Vec<FileInfo> = state
            .log_data()
            .iter()
            .map(|file| FileInfo {
                path: file.path().into_owned(),
                size: file.size().try_into().unwrap_or(0),
                rows: file.num_records().map(|rows| rows as u64),
                partition_values: file.partition_values_map().into_iter().collect(),
                modified: Timestamp::from_millisecond(file.modification_time()).ok(),
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Whether its files are known to hold no row.
    pub async fn is_empty(&self) -> Result<bool> {
        let rows: Option<u64> = self.files().await?.iter().map(|file| file.rows).sum();
        Ok(rows == Some(0))
    }
}
