//! `history`

use std::collections::BTreeMap;

use deltalake::kernel::CommitInfo as DeltaCommitInfo;
use futures::TryStreamExt;
use jiff::Timestamp;
use lakewright_core::Result;

use super::classify::Classify as _;
use super::{Table, version_of};

/// One entry of a table's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// The version it made.
    pub version: u64,
    /// When.
    pub timestamp: Option<Timestamp>,
    /// Delta's name of the operation, such as `WRITE` or `CREATE TABLE`.
    pub operation: Option<String>,
    /// What the operation was told, as JSON.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Which program wrote it.
    pub engine: Option<String>,
    /// What else the writer noted, as JSON: metrics, application metadata.
    pub details: BTreeMap<String, serde_json::Value>,
}

impl CommitInfo {
    fn new(version: u64, info: DeltaCommitInfo) -> Self {
        Self {
            version,
            timestamp: info.timestamp.and_then(|at| Timestamp::from_millisecond(at).ok()),
            operation: info.operation,
            parameters: info.operation_parameters.unwrap_or_default().into_iter().collect(),
            engine: info.engine_info,
            details: info.info.into_iter().collect(),
        }
    }
}

impl Table {
    /// What was done to the table, newest first; at most `limit` entries.
    ///
    /// # Errors
    /// Those of [`Table::version`].
    pub async fn history(&self, limit: Option<usize>) -> Result<Vec<CommitInfo>> {
        let table = self.current("history").await?;
        let newest = version_of(&table).classify(self, "history")?;
        let infos: Vec<DeltaCommitInfo> =
            table.history(limit).try_collect().await.classify(self, "history")?;
        let versions = (0..=newest).rev();
        Ok(versions.zip(infos).map(|(version, info)| CommitInfo::new(version, info)).collect())
    }
}
