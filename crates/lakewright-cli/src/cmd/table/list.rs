//! `lakewright table list`

use clap::Args;
use lakewright::TableUri;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::CommandResult;
use crate::output::Row;

/// List the tables in a bucket or folder
///
/// Searches for Delta logs, folder by folder, except inside of tables. Prints the tables'
/// addresses; with --json one object per line.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table list raw/
  lakewright table list raw/2013/ --json | jq -r .uri")]
pub(crate) struct List {
    /// Where to search: BUCKET/ or BUCKET/FOLDER/
    #[arg(value_name = "BUCKET/FOLDER")]
    prefix: String,
}

impl List {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let lake = context.lake().await?;
        let tables = lake.list_tables(&self.prefix).await?;
        let tables: Vec<TableRow> = tables.into_iter().map(TableRow).collect();
        context.out.list(&tables)
    }
}

struct TableRow(TableUri);

impl Row for TableRow {
    const HEADERS: &'static [&'static str] = &["TABLE"];

    fn json(&self) -> Value {
        json!({
            "uri": self.0.to_string(),
            "bucket": self.0.bucket(),
            "path": self.0.path(),
            "name": self.0.name(),
        })
    }

    fn cells(&self) -> Vec<String> {
        vec![self.0.to_string()]
    }
}
