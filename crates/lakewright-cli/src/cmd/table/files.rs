//! `lakewright table files`

use clap::Args;
use lakewright::TableUri;
use lakewright::table::FileInfo;
use serde_json::{Value, json};

use super::at::At;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::{size, time};
use crate::output::Row;

/// List the data files of a table
///
/// The files themselves are not read. Prints time of last modification, rows, size and path; with
/// --json one object per line, with the partition values.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table files raw/flights
  lakewright table files raw/flights --json | jq -s 'map(.size) | add'")]
pub(crate) struct Files {
    /// The table: BUCKET/PATH
    #[arg(value_name = "BUCKET/PATH")]
    table: TableUri,
    #[command(flatten)]
    at: At,
}

impl Files {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let table = self.at.apply(context.lake().await?.table(self.table));
        let files: Vec<FileRow> = table.files().await?.into_iter().map(FileRow).collect();
        context.out.list(&files)
    }
}

struct FileRow(FileInfo);

impl Row for FileRow {
    const HEADERS: &'static [&'static str] = &["MODIFIED", ">ROWS", ">SIZE", "PATH"];

    fn json(&self) -> Value {
        let file = &self.0;
        json!({
            "path": file.path,
            "size": file.size,
            "rows": file.rows,
            "partition_values": file.partition_values,
            "modified": file.modified.map(|at| at.to_string()),
        })
    }

    fn cells(&self) -> Vec<String> {
        let file = &self.0;
        let rows = file.rows.map_or("-".into(), |rows| rows.to_string());
        vec![time(file.modified), rows, size(file.size), file.path.clone()]
    }
}
