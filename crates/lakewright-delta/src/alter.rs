//! The common part of operations that change the metadata of a table in one commit.

use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::kernel::transaction::CommitProperties;
use lakewright_core::Result;

use super::Table;
use super::classify::{Classify as _, Failure};
use super::log::{self, CommitLog};
use crate::large_stack::on_large_stack;
use crate::store::FirstError;

impl Table {
    /// Commits the change that `change` makes to the current version of the table. Failures after
    /// the commit are logged only.
    pub(super) async fn alter<F, D, E>(
        &self,
        operation: &'static str,
        change: impl FnOnce(DeltaTable, CommitProperties) -> F,
    ) -> Result<()>
    where
        F: Future<Output = Result<D, E>>,
        E: Into<Failure>,
    {
        self.writable(operation)?;
        let inner = log::open(self, FirstError::default()).classify(self, operation)?;
        let log: Arc<CommitLog> = CommitLog::new(inner);
        let table = log::load(log.clone()).await.classify(self, operation)?;
        let changed = on_large_stack(change(table, CommitProperties::default())).await;
        self.forget().await;
        match changed {
            Ok(_) => Ok(()),
            Err(error) if log.outcome().0.is_some() => {
                let error = error.into().explain();
                tracing::warn!(%error, "committed; what follows a commit failed");
                Ok(())
            }
            Err(error) => {
                let error = Err(error).classify(self, operation);
                error.map_err(|error| self.commit_failed(&log, error, operation))
            }
        }
    }
}
