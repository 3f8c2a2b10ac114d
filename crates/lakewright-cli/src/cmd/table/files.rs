//! `lakewright table files`

use clap::Args;
use lakewright::TableUri;
use lakewright::table::FileInfo;
use serde_json::{Value, json};

use super::past::Past;
use crate::context::Context;
use crate::failure::Outcome;
use crate::human::{size, time};
use crate::output::Row;

/// List the data files of a table
///
/// None of them is read. Prints path, rows, size and time; with --json one object a line, with the
/// values of the partition columns.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table files raw/flights
  lakewright table files raw/flights --json | jq -s 'map(.size) | add'")]
pub(crate) struct Files {
    /// The table: BUCKET/PATH
    #[arg(value_name = "BUCKET/PATH")]
    table: TableUri,
    #[command(flatten)]
    past: Past,
}

impl Files {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let table = self.past.of(context.lake().await?.table(self.table));
        let files: Vec<File> = table.files().await?.into_iter().map(File).collect();
        context.out.list(&files)
    }
}

struct File(FileInfo);

impl Row for File {
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
