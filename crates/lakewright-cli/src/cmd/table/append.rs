//! `lakewright table append`

use clap::Args;
use lakewright::TableUri;
use lakewright::table::WriteOptions;

use super::commit::Committed;
use super::input::{self, Input};
use crate::context::Context;
use crate::failure::CommandResult;

/// Append the rows of a file to a table
///
/// The rows are appended in one commit; concurrent appends all succeed. Columns are matched by
/// name, and missing columns are null. Prints the new version and the number of rows. Fails with
/// schema_mismatch when a column is unknown or has another type. After an error or Ctrl-C the table
/// is unchanged.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table append raw/flights 01.parquet
  lakewright table append raw/flights 01.csv --null NA
  zcat 01.csv.gz | lakewright table append raw/flights - --input-format csv
  lakewright table scan raw/a --format arrow | lakewright table append raw/b - --input-format arrow")]
pub(crate) struct Append {
    /// The table: BUCKET/PATH
    #[arg(value_name = "BUCKET/PATH")]
    table: TableUri,
    #[command(flatten)]
    input: Input,
}

impl Append {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let table = context.lake().await?.table(self.table.clone());
        let meter = context.item_meter(&format!("{}: rows read", self.table));
        let data = input::batches(self.input, &table, meter, "append").await?;
        let commit = table.append(data, WriteOptions::default()).await?;
        context.out.show(&Committed { uri: self.table, commit })
    }
}
