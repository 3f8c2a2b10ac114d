//! `lakewright bucket`

use std::io::{self, Write};

use clap::{Args, Subcommand};
use lakewright::{BucketInfo, BucketName, CreateBucketOptions};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Outcome;
use crate::human;
use crate::output::{Answer, Row, pairs};

/// What can be done with buckets.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Create(Create),
    List(List),
    Head(Head),
    Delete(Delete),
}

/// Make a bucket
///
/// Prints its name. Fails with already_exists when the bucket is there, unless --exist-ok is said
/// and it is yours.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright bucket create raw
  lakewright bucket create raw --exist-ok
  lakewright bucket create audit --object-lock")]
pub(crate) struct Create {
    /// 3 to 63 characters: a-z, 0-9, '.' and '-'
    name: BucketName,
    /// A bucket that is yours already is as good as a new one
    #[arg(long)]
    exist_ok: bool,
    /// Let objects be locked against deletion; can only be chosen now, and turns versioning on
    #[arg(long)]
    object_lock: bool,
}

/// List the buckets these credentials may see
///
/// Prints name, time of creation and region, by name; with --json one object a line.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright bucket list
  lakewright bucket list --json | jq -r .name")]
pub(crate) struct List {}

/// Ask whether a bucket is there and may be used
///
/// Prints what the server says of it. Exit code 1 with not_found or denied when it is not for you.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright bucket head raw
  lakewright bucket head raw 2>/dev/null || lakewright bucket create raw")]
pub(crate) struct Head {
    /// The bucket
    name: BucketName,
}

/// End an empty bucket
///
/// Fails with conflict while it holds objects: `lakewright object delete --recursive NAME/` first.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright bucket delete raw
  lakewright object delete --recursive raw/ --yes && lakewright bucket delete raw")]
pub(crate) struct Delete {
    /// The bucket
    name: BucketName,
}

impl Verb {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let lake = context.lake().await?;
        match self {
            Self::Create(Create { name, exist_ok, object_lock }) => {
                let options = CreateBucketOptions { exist_ok, object_lock };
                lake.create_bucket(&name, options).await?;
                let what = if exist_ok { "is there" } else { "created" };
                context.out.show(&Done { name, what })
            }
            Self::List(List {}) => {
                let buckets: Vec<Bucket> =
                    lake.list_buckets().await?.into_iter().map(Bucket).collect();
                context.out.list(&buckets)
            }
            Self::Head(Head { name }) => {
                let info = lake.head_bucket(&name).await?;
                context.out.show(&Bucket(info))
            }
            Self::Delete(Delete { name }) => {
                lake.delete_bucket(&name).await?;
                context.out.show(&Done { name, what: "deleted" })
            }
        }
    }
}

/// A bucket that was made or ended.
struct Done {
    name: BucketName,
    what: &'static str,
}

impl Answer for Done {
    fn json(&self) -> Value {
        json!({ "name": self.name })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: {}", self.name, self.what)
    }
}

/// A bucket as the server describes it.
struct Bucket(BucketInfo);

impl Row for Bucket {
    const HEADERS: &'static [&'static str] = &["NAME", "CREATED", "REGION"];

    fn json(&self) -> Value {
        let BucketInfo { name, created, region } = &self.0;
        json!({ "name": name, "created": created.map(|at| at.to_string()), "region": region })
    }

    fn cells(&self) -> Vec<String> {
        let BucketInfo { name, created, region } = &self.0;
        vec![name.to_string(), human::time(*created), region.clone().unwrap_or("-".into())]
    }
}

impl Answer for Bucket {
    fn json(&self) -> Value {
        Row::json(self)
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let BucketInfo { name, created, region } = &self.0;
        let mut lines = vec![("name", name.to_string())];
        lines.extend(created.map(|at| ("created", human::time(Some(at)))));
        lines.extend(region.clone().map(|region| ("region", region)));
        out.write_all(pairs(lines).as_bytes())
    }
}
