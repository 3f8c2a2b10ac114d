//! `lakewright table create`

use std::io::{self, Write};

use clap::Args;
use lakewright::TableUri;
use lakewright::table::{CreateTableOptions, TableInfo};
use serde_json::Value;

use super::schema;
use super::show::described;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Answer;

/// Make an empty table
///
/// Types are Delta's: long, integer (int), short, byte, double, float, string, boolean, binary,
/// date, timestamp, timestamp_ntz, decimal(p,s), array<t>, map<k,v>, struct<name:t,…>; with
/// `not null` after them a value is required. Prints the table's address, with --json what
/// `table show` prints. Fails with already_exists when the table is there, unless --exist-ok is
/// said and it has the same columns and partitions.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table create raw/flights --schema 'month: int, carrier: string, delay: double'
  lakewright table create raw/flights --schema flights.json --partition-by month --exist-ok
  lakewright table create raw/flights --schema 01.parquet --property delta.appendOnly=true

A schema file is JSON ({\"month\": \"int\", \"carrier\": \"string\"}), a text like the one above, or a
Parquet or Arrow file whose columns are taken over.")]
pub(crate) struct Create {
    /// Where: BUCKET/PATH
    #[arg(value_name = "BUCKET/PATH")]
    table: TableUri,
    /// The columns: 'name: type, …', or a file that has them
    #[arg(long, value_name = "COLUMNS|FILE")]
    schema: String,
    /// Columns that divide the files, outermost first
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    partition_by: Vec<String>,
    /// A table that is there with the same columns is as good as a new one
    #[arg(long)]
    exist_ok: bool,
    /// Table property, such as delta.appendOnly=true; may be repeated
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = property)]
    properties: Vec<(String, String)>,
    /// A name for people
    #[arg(long)]
    name: Option<String>,
    /// A description for people
    #[arg(long)]
    description: Option<String>,
}

fn property(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.into(), value.into()))
}

impl Create {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let columns =
            schema::understood(&self.schema).map_err(|error| error.during("create_table"))?;
        let options = CreateTableOptions {
            partition_by: self.partition_by,
            exist_ok: self.exist_ok,
            properties: self.properties.into_iter().collect(),
            name: self.name,
            description: self.description,
        };
        let lake = context.lake().await?;
        let table = lake.create_table(&self.table, columns, options).await?;
        let info = table.details().await?;
        context.out.show(&Created { info, exist_ok: self.exist_ok })
    }
}

struct Created {
    info: TableInfo,
    exist_ok: bool,
}

impl Answer for Created {
    fn json(&self) -> Value {
        described(&self.info)
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let what = if self.exist_ok { "is there" } else { "created" };
        writeln!(out, "{}: {what}, version {}", self.info.uri, self.info.version)
    }
}
