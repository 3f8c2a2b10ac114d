//! `lakewright table scan`

use clap::Args;
use lakewright::TableUri;
use lakewright::table::ScanOptions;

use super::past::Past;
use crate::cmd::rows::{self, Format};
use crate::context::Context;
use crate::failure::Outcome;

/// Print a table's rows
///
/// Files that the condition rules out by partition or statistics are not read. Rows come in no
/// particular order; `lakewright sql` sorts.
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
    /// Only these columns, in this order
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// Only rows for which this SQL condition holds
    #[arg(long = "where", value_name = "CONDITION")]
    filter: Option<String>,
    /// At most so many rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    past: Past,
    /// How to print the rows; with --json jsonl, otherwise table
    #[arg(long, value_enum)]
    format: Option<Format>,
}

impl Scan {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let format = rows::chosen(self.format, context)?;
        let table = self.past.of(context.lake().await?.table(self.table));
        let options = ScanOptions { columns: self.columns, filter: self.filter, limit: self.limit };
        rows::print(context, table.scan(options), format).await
    }
}
