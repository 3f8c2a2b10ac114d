//! `lakewright bucket`

mod config;
mod documents;
mod empty;

use std::io::{self, Write};

use clap::{Args, Subcommand};
use lakewright::{BucketInfo, BucketName, CreateBucketOptions, Error, ErrorKind};
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
    Empty(empty::Empty),
    /// Keep what is overwritten and deleted: get, set
    #[command(subcommand)]
    Versioning(config::Versioning),
    /// Lock new objects against deletion: get, set
    #[command(subcommand)]
    ObjectLock(config::ObjectLock),
    /// What callers without keys may do: get, set
    #[command(subcommand)]
    Access(config::Access),
    /// Tags of the bucket: get, set, delete
    #[command(subcommand)]
    Tags(config::Tags),
    /// Encrypt new objects: get, set, delete
    #[command(subcommand)]
    Encryption(config::Encryption),
    /// What happens to objects as they grow old: get, set, delete
    #[command(subcommand)]
    Lifecycle(documents::Lifecycle),
    /// Who may do what, as a policy document: get, set, delete
    #[command(subcommand)]
    Policy(documents::Policy),
    /// Whom the bucket tells what happens in it: get, set
    #[command(subcommand)]
    Notifications(documents::Notifications),
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
/// Fails with conflict while it holds objects or versions of them: `lakewright bucket empty NAME`
/// first.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright bucket delete raw
  lakewright bucket empty raw --yes && lakewright bucket delete raw")]
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
            Self::Empty(verb) => verb.run(&lake, context).await,
            Self::Versioning(verb) => verb.run(&lake, context).await,
            Self::ObjectLock(verb) => verb.run(&lake, context).await,
            Self::Access(verb) => verb.run(&lake, context).await,
            Self::Tags(verb) => verb.run(&lake, context).await,
            Self::Encryption(verb) => verb.run(&lake, context).await,
            Self::Lifecycle(verb) => verb.run(&lake, context).await,
            Self::Policy(verb) => verb.run(&lake, context).await,
            Self::Notifications(verb) => verb.run(&lake, context).await,
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

/// A configuration as it is: the value alone, so that what `get` prints is what `set` takes.
struct Configured {
    value: Value,
    text: String,
}

impl Configured {
    /// A word, or a few.
    fn word(value: Value, text: impl Into<String>) -> Self {
        Self { value, text: text.into() }
    }

    /// A document, for people on several lines.
    fn document(value: impl serde::Serialize) -> Result<Self, Error> {
        let value = serde_json::to_value(value).map_err(|error| {
            Error::new(ErrorKind::Internal, "the answer cannot be written").caused_by(error)
        })?;
        let text = if value.is_null() { "none".into() } else { format!("{value:#}") };
        Ok(Self { value, text })
    }
}

impl Answer for Configured {
    fn json(&self) -> Value {
        self.value.clone()
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.text)
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
