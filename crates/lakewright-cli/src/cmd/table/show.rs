//! `lakewright table show`

use std::io::{self, Write};

use clap::Args;
use lakewright::TableUri;
use lakewright::table::{TableInfo, type_name};
use serde_json::Value;

use super::at::At;
use super::json::table_json;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::time;
use crate::output::{Header, Render, aligned, pairs};

/// Describe a table
///
/// Prints version, columns, partition columns, properties and the number of files.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright table show raw/flights
  lakewright table show raw/flights --at-version 0
  lakewright table show raw/flights --json | jq -r '.schema[].name'")]
pub(crate) struct Show {
    /// The table: BUCKET/PATH
    #[arg(value_name = "BUCKET/PATH")]
    table: TableUri,
    #[command(flatten)]
    at: At,
}

impl Show {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let table = self.at.apply(context.lake().await?.table(self.table));
        let info = table.details().await?;
        context.out.show(&Description(info))
    }
}

struct Description(TableInfo);

impl Render for Description {
    fn json(&self) -> Value {
        table_json(&self.0)
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let info = &self.0;
        let mut lines = vec![("table", info.uri.to_string())];
        lines.extend(info.name.clone().map(|name| ("name", name)));
        lines.extend(info.description.clone().map(|text| ("description", text)));
        lines.push(("version", info.version.to_string()));
        lines.push(("files", info.files.to_string()));
        lines.push(("created", time(info.created)));
        if !info.partition_columns.is_empty() {
            lines.push(("partitioned by", info.partition_columns.join(", ")));
        }
        for (name, value) in &info.properties {
            lines.push(("property", format!("{name}={value}")));
        }
        out.write_all(pairs(lines).as_bytes())?;
        writeln!(out)?;
        let columns = info.schema.fields().iter().map(|field| {
            let null = if field.is_nullable() { "" } else { "not null" };
            vec![field.name().clone(), type_name(field.data_type()), null.to_owned()]
        });
        let headers = ["COLUMN", "TYPE", ""].map(Header::parse);
        out.write_all(aligned(&headers, columns).as_bytes())
    }
}
