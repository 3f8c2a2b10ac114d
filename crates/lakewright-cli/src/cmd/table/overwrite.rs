//! `lakewright table overwrite`

use clap::Args;
use lakewright::TableUri;
use lakewright::table::OverwriteOptions;

use super::commit::Committed;
use super::input::{self, Input};
use crate::context::Context;
use crate::failure::Outcome;

/// Replace a table's rows, or some of them, by those of a file
///
/// With --replace-where only the rows for which the condition holds are replaced, and the new ones
/// must fulfil it; without it all are. Readers see all of the old or all of the new; older versions
/// stay readable with --at-version. Prints the new version and how many rows were written.
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
    /// SQL condition of the rows to replace
    #[arg(long, value_name = "CONDITION")]
    replace_where: Option<String>,
}

impl Overwrite {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let table = context.lake().await?.table(self.table.clone());
        let meter = context.items(&format!("{}: rows read", self.table));
        let data = input::batches(self.input, &table, meter, "overwrite").await?;
        let options =
            OverwriteOptions { replace_where: self.replace_where, ..OverwriteOptions::default() };
        let commit = table.overwrite(data, options).await?;
        context.out.show(&Committed { uri: self.table, commit })
    }
}
