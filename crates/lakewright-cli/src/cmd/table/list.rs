//! `lakewright table list`

use clap::Args;
use lakewright::TableUri;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Row;

/// List the tables in a bucket or folder
///
/// Looks for Delta logs, folder by folder; what lies inside a table is not searched. Prints the
/// tables' addresses, with --json one object a line.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table list raw/
  lakewright table list raw/2013/ --json | jq -r .uri")]
pub(crate) struct List {
    /// BUCKET/ or BUCKET/FOLDER/
    #[arg(value_name = "BUCKET/FOLDER")]
    prefix: String,
}

impl List {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let lake = context.lake().await?;
        let tables = lake.list_tables(&self.prefix).await?;
        let tables: Vec<Listed> = tables.into_iter().map(Listed).collect();
        context.out.list(&tables)
    }
}

struct Listed(TableUri);

impl Row for Listed {
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
