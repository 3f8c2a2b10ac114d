//! `lakewright sql`

use std::collections::BTreeMap;
use std::str::FromStr;

use bytes::Bytes;
use clap::Args;
use futures::TryStreamExt;
use lakewright::{Error, TableUri};

use super::rows::{self, Format};
use crate::context::Context;
use crate::failure::CommandResult;
use crate::input;

/// Query tables with SQL
///
/// The query is executed in this process, in the SQL of DataFusion, and cannot write. --table gives
/// tables their names in the query. Names are case-sensitive. Prints the rows.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright sql 'SELECT carrier, avg(delay) FROM f GROUP BY 1' --table f=raw/flights
  lakewright sql 'SELECT * FROM a JOIN b USING (id)' --table a=raw/a --table b=raw/b --format csv
  lakewright sql - --table f=raw/flights --json < query.sql
  lakewright sql 'SELECT 1 + 1'")]
pub(crate) struct Sql {
    /// The query; - for stdin
    query: String,
    /// A table and its name in the query; may be repeated
    #[arg(short, long = "table", value_name = "NAME=BUCKET/PATH")]
    tables: Vec<NamedTable>,
    /// Output format; the default is table, with --json jsonl
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// A table with its name in the query.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NamedTable {
    name: String,
    uri: TableUri,
}

impl FromStr for NamedTable {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once('=') {
            Some((name, uri)) if !name.is_empty() => {
                Ok(Self { name: name.into(), uri: TableUri::new(uri)? })
            }
            _ => Err(Error::invalid_input("write NAME=BUCKET/PATH, such as f=raw/flights")),
        }
    }
}

impl Sql {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let format = rows::output_format(self.format, context)?;
        let mut query = self.query;
        if query == "-" {
            let bytes: Vec<Bytes> = input::stdin().try_collect().await?;
            query = String::from_utf8(bytes.concat())
                .map_err(|_| Error::invalid_input("the query is not UTF-8").during("sql"))?;
        }
        let lake = context.lake().await?;
        let mut tables = BTreeMap::new();
        for NamedTable { name, uri } in self.tables {
            if tables.insert(name.clone(), lake.table(uri)).is_some() {
                let why = format!("two tables are named {name:?}");
                return Err(Error::invalid_input(why).during("sql").into());
            }
        }
        rows::print(context, lake.sql(query, tables), format).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_given_names() {
        let named: NamedTable = "f=raw/a=1/flights".parse().unwrap();
        assert_eq!((named.name.as_str(), named.uri.path()), ("f", "a=1/flights"));
        for bad in ["raw/flights", "=raw/flights", "f=raw", "f="] {
            assert!(bad.parse::<NamedTable>().is_err(), "{bad}");
        }
    }
}
