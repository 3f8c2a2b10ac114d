//! The common part of `append` and `overwrite`: data files first, then one commit.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{Field, Schema, SchemaRef};
use deltalake::datafusion::catalog::streaming::StreamingTable;
use deltalake::datafusion::common::ScalarValue;
use deltalake::datafusion::datasource::provider_as_source;
use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::execution::{SendableRecordBatchStream, TaskContext};
use deltalake::datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use deltalake::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use deltalake::datafusion::physical_plan::streaming::PartitionStream;
use deltalake::datafusion::prelude::ident;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::operations::write::WriteBuilder;
use deltalake::protocol::SaveMode;
use futures::TryStreamExt;
use lakewright_core::{Error, ErrorKind, Outcome, Result};

use super::classify::Classify as _;
use super::log::{self, CommitLog};
use super::{
    BatchStream, Batches, Commit, Table, WriteOptions, condition, schema, session, sql_limits,
};
use crate::large_stack::on_large_stack;
use crate::store::FirstError;

/// The number of concurrent commits that may come first before a write fails. With random delays
/// between the attempts (log.rs), only a table under constant load reaches it.
const MAX_LOST_RACES: usize = 200;

/// The rows that a write keeps.
pub(super) enum Mode {
    /// All of them.
    Append,
    /// Those that a condition in SQL does not select. Without a condition, none.
    Overwrite { replace_where: Option<String> },
}

impl Table {
    /// Writes `data` in one commit.
    pub(super) async fn write(
        &self,
        data: Batches,
        operation: &'static str,
        options: WriteOptions,
        mode: Mode,
    ) -> Result<Commit> {
        self.writable(operation)?;
        let table = self.current(operation).await?;
        let state = table.snapshot().classify(self, operation)?.snapshot().clone();
        schema::check(&state.arrow_schema(), data.schema()).classify(self, operation)?;
        sql_limits::check_table(&state).classify(self, operation)?;
        if let Mode::Overwrite { replace_where: Some(condition) } = &mode {
            condition::check(&state.arrow_schema(), condition).classify(self, operation)?;
        }
        let first_error = FirstError::default();
        let (stream, rows) = data.watched(first_error.clone());
        let input = plan(stream).and_then(|plan| completed(plan, &state.arrow_schema()));
        let input = input.classify(self, operation)?;
        let log = CommitLog::new(log::open(self, first_error.clone()).classify(self, operation)?);
        let session = session::new().classify(self, operation)?;
        let store = log::store(self, first_error.clone()).classify(self, operation)?;
        session::add_store(&session, &table, store).classify(self, operation)?;
        let mut builder = WriteBuilder::new(log.clone(), Some(state))
            .with_session_state(Arc::new(session.state()))
            .with_commit_properties(CommitProperties::default().with_max_retries(MAX_LOST_RACES))
            .with_input_plan(input);
        if let Some(bytes) = options.target_file_bytes {
            builder = builder.with_target_file_size(NonZeroU64::new(bytes));
        }
        builder = match mode {
            Mode::Append => builder.with_save_mode(SaveMode::Append),
            Mode::Overwrite { replace_where } => {
                let builder = builder.with_save_mode(SaveMode::Overwrite);
                match replace_where {
                    Some(condition) => builder.with_replace_where(condition),
                    None => builder,
                }
            }
        };
        let written = on_large_stack(builder.into_future()).await.classify(self, operation);
        let (committed, retries) = log.outcome();
        let Some((version, entry)) = committed else {
            let error = match (written.err(), first_error.take()) {
                (Some(error), Some(first)) if error.kind() == ErrorKind::Internal => {
                    first.during(operation).on(self.uri().to_string()).caused_by(error)
                }
                (Some(error), _) => error,
                (None, _) => Error::new(ErrorKind::Internal, "the write ended without a commit")
                    .during(operation)
                    .on(self.uri().to_string()),
            };
            return Err(self.commit_failed(&log, error, operation));
        };
        match written {
            Ok(table) => self.remember(table).await,
            // deltalake continues after the commit (checkpoint, clean-up of the log) and reports
            // a failure there as one of the write. The rows are in the table: an error would make
            // the caller write them again.
            Err(error) => {
                tracing::warn!(%error, version, "committed; what follows a commit failed");
                self.forget().await;
            }
        }
        let rows = rows.load(std::sync::atomic::Ordering::Relaxed);
        Ok(Commit::read(version, &entry, rows, retries))
    }

    /// Returns the error of an operation whose commit did not succeed. Its outcome is that of the
    /// commit, regardless of how deltalake reported the failure: a data file that was perhaps
    /// written is no part of the table.
    pub(super) fn commit_failed(
        &self,
        log: &CommitLog,
        error: Error,
        operation: &'static str,
    ) -> Error {
        match log.unknown() {
            Some(unknown) => unknown.during(operation).on(self.uri().to_string()).caused_by(error),
            None if error.outcome() == Outcome::Unknown => error.with_outcome(Outcome::Known),
            None => error,
        }
    }
}

/// Creates a query plan that reads a stream once.
fn plan(stream: BatchStream) -> Result<LogicalPlan, DataFusionError> {
    let schema = stream.schema().clone();
    let once = Once { schema: schema.clone(), stream: Mutex::new(Some(stream)) };
    let table = Arc::new(StreamingTable::try_new(schema, vec![Arc::new(once)])?);
    LogicalPlanBuilder::scan("input", provider_as_source(table), None)?.build()
}

/// Adds the columns that the data lacks, as nulls. Generated columns are left to Delta.
fn completed(plan: LogicalPlan, table: &Schema) -> Result<LogicalPlan, DataFusionError> {
    let given = |name: &str| plan.schema().has_column_with_unqualified_name(name);
    let computed = |field: &Field| field.metadata().contains_key("delta.generationExpression");
    if table.fields().iter().all(|field| given(field.name())) {
        return Ok(plan);
    }
    let columns: Vec<Expr> = table
        .fields()
        .iter()
        .filter_map(|field| match given(field.name()) {
            true => Some(ident(field.name())),
            false if computed(field) => None,
            false => {
                let null = cast(lit(ScalarValue::Null), field.data_type().clone());
                Some(null.alias(field.name()))
            }
        })
        .collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// The only partition of the data that is written.
struct Once {
    schema: SchemaRef,
    stream: Mutex<Option<BatchStream>>,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let taken = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        let schema = self.schema.clone();
        match taken {
            Some(stream) => Box::pin(RecordBatchStreamAdapter::new(
                schema,
                stream.map_err(|error| DataFusionError::External(Box::new(error))),
            )),
            None => {
                let again = DataFusionError::Internal("the data was requested twice".into());
                let stream = futures::stream::once(std::future::ready(Err(again)));
                Box::pin(RecordBatchStreamAdapter::new(schema, stream))
            }
        }
    }
}
