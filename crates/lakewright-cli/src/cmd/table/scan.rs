//! `lakewright table scan`

use clap::Args;
use lakewright::TableUri;
use lakewright::table::ScanOptions;

use super::at::At;
use crate::cmd::rows::{self, Format};
use crate::context::Context;
use crate::failure::CommandResult;

/// Print a table's rows
///
/// Files without matching rows, by their partition values or statistics, are not read. The order of
/// the rows is unspecified; `lakewright sql` can sort.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table scan raw/flights --limit 10
  lakewright table scan raw/flights --columns carrier,delay --where 'month = 1 AND delay > 60'
  lakewright table scan raw/flights --at-version 3 --format parquet > flights.parquet
  lakewright table scan raw/flights --json | jq .delay")]
pub(crate) struct Scan {
    /// The table: BUCKET/PATH
    #[arg(value_name = "BUCKET/PATH")]
    table: TableUri,
    /// Print only these columns, in this order
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// Print only rows that match this SQL condition
    #[arg(long = "where", value_name = "CONDITION")]
    filter: Option<String>,
    /// Print at most N rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    at: At,
    /// Output format; the default is table, with --json jsonl
    #[arg(long, value_enum)]
    format: Option<Format>,
}

impl Scan {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let format = rows::output_format(self.format, context)?;
        let table = self.at.apply(context.lake().await?.table(self.table));
        let options = ScanOptions::builder()
            .maybe_columns(self.columns)
            .maybe_filter(self.filter)
            .maybe_limit(self.limit)
            .build();
        rows::print(context, table.scan(options), format).await
    }
}
