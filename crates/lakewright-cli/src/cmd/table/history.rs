//! `lakewright table history`

use clap::Args;
use lakewright::TableUri;
use lakewright::table::CommitInfo;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::time;
use crate::output::Row;

/// List the commits of a table, newest first
///
/// Prints version, time, operation and the program that wrote the commit; with --json one object
/// per line, with parameters and metrics.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table history raw/flights --limit 10
  lakewright table history raw/flights --json | jq '{version, operation}'")]
pub(crate) struct History {
    /// The table: BUCKET/PATH
    #[arg(value_name = "BUCKET/PATH")]
    table: TableUri,
    /// List at most N commits
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl History {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let table = context.lake().await?.table(self.table);
        let commits = table.history(self.limit).await?;
        let commits: Vec<CommitRow> = commits.into_iter().map(CommitRow).collect();
        context.out.list(&commits)
    }
}

struct CommitRow(CommitInfo);

impl Row for CommitRow {
    const HEADERS: &'static [&'static str] = &[">VERSION", "TIME", "OPERATION", "BY"];

    fn json(&self) -> Value {
        let info = &self.0;
        json!({
            "version": info.version,
            "timestamp": info.timestamp.map(|at| at.to_string()),
            "operation": info.operation,
            "parameters": info.parameters,
            "engine": info.engine,
            "details": info.details,
        })
    }

    fn cells(&self) -> Vec<String> {
        let info = &self.0;
        let or_dash = |text: &Option<String>| text.clone().unwrap_or("-".into());
        vec![
            info.version.to_string(),
            time(info.timestamp),
            or_dash(&info.operation),
            or_dash(&info.engine),
        ]
    }
}
