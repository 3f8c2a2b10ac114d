//! `lakewright table drop`

use std::io::{self, Write};

use clap::Args;
use lakewright::TableUri;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Outcome;
use crate::human::count;
use crate::input::confirm;
use crate::output::Answer;

/// End a table: its log, its files and all older versions
///
/// Asks before, or refuses without a terminal, unless --yes is said. Prints how many objects were
/// deleted. A drop that was cut short can be repeated.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table drop raw/flights
  lakewright table drop raw/flights --yes")]
pub(crate) struct Drop {
    /// The table: BUCKET/PATH
    #[arg(value_name = "BUCKET/PATH")]
    table: TableUri,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Drop {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        if !self.yes {
            confirm(&format!("deletes the table {} with all its versions", self.table)).await?;
        }
        let objects = context.lake().await?.drop_table(&self.table).await?;
        context.out.show(&Dropped { uri: self.table, objects })
    }
}

struct Dropped {
    uri: TableUri,
    objects: u64,
}

impl Answer for Dropped {
    fn json(&self) -> Value {
        json!({ "uri": self.uri.to_string(), "objects_deleted": self.objects })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: dropped, {} deleted", self.uri, count(self.objects, "object"))
    }
}
