//! `lakewright table create`

use std::io::{self, Write};

use clap::Args;
use lakewright::table::{CreateTableOptions, TableInfo};
use lakewright::{Creation, TableUri};
use serde_json::{Value, json};

use super::json::table_json;
use super::schema;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::output::Render;

/// Create an empty table
///
/// Types are Delta's: long, integer (int), short, byte, double, float, string, boolean, binary,
/// date, timestamp, timestamp_ntz, decimal(p,s), array<t>, map<k,v>, struct<name:t,…>; `not null`
/// after the type forbids nulls. Prints the table's address and whether it was created or
/// exists, with --json the output of `table show` and this as `status`. Fails with already_exists when the table exists, unless --exist-ok is given and it has
/// the same columns and partition columns.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table create raw/flights --schema 'month: int, carrier: string, delay: double'
  lakewright table create raw/flights --schema flights.json --partition-by month --exist-ok
  lakewright table create raw/flights --schema 01.parquet --property delta.appendOnly=true

A schema file contains JSON ({\"month\": \"int\", \"carrier\": \"string\"}) or text as above, or is a
Parquet or Arrow file with these columns.")]
pub(crate) struct Create {
    /// The table: BUCKET/PATH
    #[arg(value_name = "BUCKET/PATH")]
    table: TableUri,
    /// The columns: 'name: type, …', or a schema file
    #[arg(long, value_name = "COLUMNS|FILE")]
    schema: String,
    /// Partition columns, outermost first
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    partition_by: Vec<String>,
    /// Accept a table that exists with the same columns and partition columns
    #[arg(long)]
    exist_ok: bool,
    /// Table property, such as delta.appendOnly=true; may be repeated
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = property)]
    properties: Vec<(String, String)>,
    /// Display name
    #[arg(long)]
    name: Option<String>,
    /// Description
    #[arg(long)]
    description: Option<String>,
}

fn property(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.into(), value.into()))
}

impl Create {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let columns = schema::parse(&self.schema).map_err(|error| error.during("create_table"))?;
        let options = CreateTableOptions::builder()
            .partition_by(self.partition_by)
            .exist_ok(self.exist_ok)
            .properties(self.properties.into_iter().collect())
            .maybe_name(self.name)
            .maybe_description(self.description)
            .build();
        let lake = context.lake().await?;
        let (table, status) = lake.create_table_with_status(&self.table, columns, options).await?;
        let info = table.details().await?;
        context.out.show(&CreatedTable { info, status })
    }
}

struct CreatedTable {
    info: TableInfo,
    status: Creation,
}

impl Render for CreatedTable {
    fn json(&self) -> Value {
        let mut document = table_json(&self.info);
        document["status"] = json!(self.status.as_str());
        document
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (uri, status, version) = (&self.info.uri, self.status.text(), self.info.version);
        writeln!(out, "{uri}: {status}, version {version}")
    }
}
