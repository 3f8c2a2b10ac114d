//! `history`

use std::collections::BTreeMap;

use bytes::Bytes;
use deltalake::DeltaTableError;
use deltalake::kernel::CommitInfo as DeltaCommitInfo;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use lakewright_core::Result;
use serde::{Deserialize, Serialize};

use super::Table;
use super::classify::Classify as _;
use super::table::version_of;

/// One entry of a table's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// The version that the commit created.
    pub version: u64,
    /// The time of the commit.
    pub timestamp: Option<Timestamp>,
    /// The name of the operation in Delta, such as `WRITE` or `CREATE TABLE`.
    pub operation: Option<String>,
    /// The parameters of the operation, as JSON.
    #[serde(default)]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// The program that wrote the commit.
    pub engine: Option<String>,
    /// The other fields that the writer recorded, as JSON: metrics, application metadata.
    #[serde(default)]
    pub details: BTreeMap<String, serde_json::Value>,
}

impl CommitInfo {
    /// Reads the commitInfo action of a commit. Writers may omit it.
    pub(super) fn read(version: u64, entry: &Bytes) -> Self {
        #[derive(Deserialize)]
        struct Action {
            #[serde(rename = "commitInfo")]
            commit_info: Option<DeltaCommitInfo>,
        }
        let recorded = entry
            .split(|byte| *byte == b'\n')
            .find_map(|line| serde_json::from_slice::<Action>(line).ok()?.commit_info);
        let info = recorded.unwrap_or_default();
        let at = info.in_commit_timestamp.or(info.timestamp);
        Self {
            version,
            timestamp: at.and_then(|at| Timestamp::from_millisecond(at).ok()),
            operation: info.operation,
            parameters: info.operation_parameters.unwrap_or_default().into_iter().collect(),
            engine: info.engine_info,
            details: info.info.into_iter().collect(),
        }
    }
}

impl Table {
    /// Returns the commits of the table, newest first: at most `limit` entries, and none older than
    /// the log still contains.
    ///
    /// # Errors
    /// Those of [`Table::version`].
    pub async fn history(&self, limit: Option<usize>) -> Result<Vec<CommitInfo>> {
        let table = self.current("history").await?;
        let newest = version_of(&table).classify(self, "history")?;
        let log = table.log_store();
        // The entries are read one by one, because deltalake's own history leaves out commits
        // without a commitInfo action, and the version of the remaining entries is then unknown.
        let entries = futures::stream::iter((0..=newest).rev())
            .take(limit.unwrap_or(usize::MAX))
            .map(|version| {
                let log = log.clone();
                async move {
                    let entry = log.read_commit_entry(version).await?;
                    Ok::<_, DeltaTableError>(entry.map(|entry| CommitInfo::read(version, &entry)))
                }
            })
            .buffered(self.s3().profile().concurrency());
        let found = entries.try_take_while(|entry| std::future::ready(Ok(entry.is_some())));
        let found: Vec<Option<CommitInfo>> = found.try_collect().await.classify(self, "history")?;
        Ok(found.into_iter().flatten().collect())
    }
}
