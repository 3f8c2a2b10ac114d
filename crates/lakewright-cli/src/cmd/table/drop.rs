//! `lakewright table drop`

use std::io::{self, Write};

use clap::Args;
use lakewright::TableUri;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::count;
use crate::input::confirm;
use crate::output::Render;

/// Drop a table: delete its log and its data files
///
/// Old versions are deleted as well. Asks for confirmation, and fails without a terminal, unless
/// --yes is given. Prints the number of deleted objects. An interrupted drop can be repeated.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table drop raw/flights
  lakewright table drop raw/flights --yes")]
pub(crate) struct Drop {
    /// The table: BUCKET/PATH
    #[arg(value_name = "BUCKET/PATH")]
    table: TableUri,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Drop {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        if !self.yes {
            confirm(&format!("deletes the table {} with all its versions", self.table)).await?;
        }
        let objects = context.lake().await?.drop_table(&self.table).await?;
        context.out.show(&DroppedTable { uri: self.table, objects })
    }
}

struct DroppedTable {
    uri: TableUri,
    objects: u64,
}

impl Render for DroppedTable {
    fn json(&self) -> Value {
        json!({ "uri": self.uri.to_string(), "objects_deleted": self.objects })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: dropped, {} deleted", self.uri, count(self.objects, "object"))
    }
}
