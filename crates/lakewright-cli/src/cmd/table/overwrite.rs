//! `lakewright table overwrite`

use clap::Args;
use lakewright::TableUri;
use lakewright::table::OverwriteOptions;

use super::commit::Committed;
use super::input::{self, Input};
use crate::context::Context;
use crate::failure::CommandResult;

/// Replace all or some rows of a table by the rows of a file
///
/// With --replace-where only rows that match the condition are replaced, and the new rows must
/// match it; otherwise all rows are replaced. Readers see either all of the old rows or all of the
/// new ones; old versions can be read with --at-version. Prints the new version and the number of
/// rows.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table overwrite raw/flights 01.csv --replace-where 'month = 1'
  lakewright table overwrite raw/flights all.parquet")]
pub(crate) struct Overwrite {
    /// The table: BUCKET/PATH
    #[arg(value_name = "BUCKET/PATH")]
    table: TableUri,
    #[command(flatten)]
    input: Input,
    /// SQL condition that selects the rows to replace
    #[arg(long, value_name = "CONDITION")]
    replace_where: Option<String>,
}

impl Overwrite {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let table = context.lake().await?.table(self.table.clone());
        let meter = context.item_meter(&format!("{}: rows read", self.table));
        let data = input::batches(self.input, &table, meter, "overwrite").await?;
        let options = OverwriteOptions::builder().maybe_replace_where(self.replace_where).build();
        let commit = table.overwrite(data, options).await?;
        context.out.show(&Committed { uri: self.table, commit })
    }
}
