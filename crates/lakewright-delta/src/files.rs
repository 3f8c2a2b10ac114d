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
    /// The path below the table.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The number of rows, if the log contains it.
    pub rows: Option<u64>,
    /// The values of the partition columns, which all rows of the file share; `None` is null.
    #[serde(default)]
    pub partition_values: BTreeMap<String, Option<String>>,
    /// The time at which the file was written.
    pub modified: Option<Timestamp>,
}

impl Table {
    /// Returns the data files of the table, sorted by path, without reading any of them.
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

    /// Returns whether the data files are known to contain no rows.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.files().await?.iter().all(|file| file.rows == Some(0)))
    }
}
