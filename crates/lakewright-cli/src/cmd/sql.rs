//! `lakewright sql`

use std::collections::BTreeMap;
use std::str::FromStr;

use bytes::Bytes;
use clap::Args;
use futures::TryStreamExt;
use lakewright::{Error, TableUri};

use super::rows::{self, Format};
use crate::context::Context;
use crate::failure::Outcome;
use crate::input;

/// Query tables with SQL
///
/// The query runs in this process (DataFusion's SQL); it reads and never writes. Tables have the
/// names that --table gives them. Names are case-sensitive. Prints the rows.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright sql 'SELECT carrier, avg(delay) FROM f GROUP BY 1' --table f=raw/flights
  lakewright sql 'SELECT * FROM a JOIN b USING (id)' --table a=raw/a --table b=raw/b --format csv
  lakewright sql - --table f=raw/flights --json < query.sql
  lakewright sql 'SELECT 1 + 1'")]
pub(crate) struct Sql {
    /// The query, `-` to read it from stdin
    query: String,
    /// A table and its name in the query; may be repeated
    #[arg(short, long = "table", value_name = "NAME=BUCKET/PATH")]
    tables: Vec<Named>,
    /// How to print the rows; with --json jsonl, otherwise table
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    name: String,
    uri: TableUri,
}

impl FromStr for Named {
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
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let format = rows::chosen(self.format, context)?;
        let mut query = self.query;
        if query == "-" {
            let bytes: Vec<Bytes> = input::stdin().try_collect().await?;
            query = String::from_utf8(bytes.concat())
                .map_err(|_| Error::invalid_input("the query is not UTF-8").during("sql"))?;
        }
        let lake = context.lake().await?;
        let mut tables = BTreeMap::new();
        for Named { name, uri } in self.tables {
            if tables.insert(name.clone(), lake.table(uri)).is_some() {
                let why = format!("two tables are called {name:?}");
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
    fn tables_have_names() {
        let named: Named = "f=raw/a=1/flights".parse().unwrap();
        assert_eq!((named.name.as_str(), named.uri.path()), ("f", "a=1/flights"));
        for bad in ["raw/flights", "=raw/flights", "f=raw", "f="] {
            assert!(bad.parse::<Named>().is_err(), "{bad}");
        }
    }
}
