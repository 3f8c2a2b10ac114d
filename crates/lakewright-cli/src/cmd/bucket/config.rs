//! What a bucket does by itself, as far as it is said in words: `lakewright bucket versioning`,
//! `object-lock`, `access`, `tags`, `encryption`.

use std::collections::BTreeMap;

use clap::{Args, Subcommand, ValueEnum};
use lakewright::bucket_config::Setting;
use lakewright::{AnonymousAccess, BucketName, Error, Lake, bucket_config};
use serde_json::json;

use super::{Configured, Done};
use crate::address::PrefixAddress;
use crate::context::Context;
use crate::failure::Outcome;
use crate::human::printable;
use crate::output::pairs;

/// The bucket, and nothing else.
#[derive(Args, Debug)]
pub(crate) struct Named {
    /// The bucket
    pub(super) name: BucketName,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Versioning {
    /// Print whether versions are kept: enabled, suspended or none (never said)
    #[command(after_help = "Examples:\n  lakewright bucket versioning get raw")]
    Get(Named),
    /// Say whether versions are kept
    ///
    /// Fails with conflict when it is to be suspended under object lock.
    #[command(after_help = "Examples:\n  lakewright bucket versioning set raw enabled")]
    Set {
        /// The bucket
        name: BucketName,
        /// enabled: keep them; suspended: keep those that are there
        state: Versions,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Versions {
    Enabled,
    Suspended,
}

impl Versioning {
    pub(super) async fn run(self, lake: &Lake, context: &mut Context) -> Outcome {
        match self {
            Self::Get(Named { name }) => {
                let (value, text) = match lake.bucket(name).get_versioning().await? {
                    None => (json!(null), "none"),
                    Some(bucket_config::Versioning::Enabled) => (json!("enabled"), "enabled"),
                    Some(bucket_config::Versioning::Suspended) => (json!("suspended"), "suspended"),
                };
                context.out.show(&Configured::word(value, text))
            }
            Self::Set { name, state } => {
                let (state, what) = match state {
                    Versions::Enabled => (bucket_config::Versioning::Enabled, "versioning enabled"),
                    Versions::Suspended => {
                        (bucket_config::Versioning::Suspended, "versioning suspended")
                    }
                };
                lake.bucket(name.clone()).set_versioning(state).await?;
                context.out.show(&Done { name, what })
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ObjectLock {
    /// Print the retention that new objects get, or none where the bucket has no object lock
    #[command(after_help = "Examples:\n  lakewright bucket object-lock get audit --json")]
    Get(Named),
    /// Set the retention that new objects get
    ///
    /// Fails with conflict on a bucket that was made without object lock.
    #[command(after_help = "Examples:
  lakewright bucket object-lock set audit --mode governance --days 30
  lakewright bucket object-lock set audit --no-retention")]
    Set(SetObjectLock),
}

#[derive(Args, Debug)]
pub(crate) struct SetObjectLock {
    /// The bucket
    name: BucketName,
    /// Who may end a lock early: governance, those with the right; compliance, nobody
    #[arg(long, required_unless_present = "no_retention")]
    mode: Option<Mode>,
    /// For how many days
    #[arg(long, value_name = "N", conflicts_with = "years")]
    days: Option<u32>,
    /// For how many years
    #[arg(long, value_name = "N")]
    years: Option<u32>,
    /// No object is locked by itself any more
    #[arg(long, conflicts_with_all = ["mode", "days", "years"])]
    no_retention: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Mode {
    Governance,
    Compliance,
}

impl ObjectLock {
    pub(super) async fn run(self, lake: &Lake, context: &mut Context) -> Outcome {
        match self {
            Self::Get(Named { name }) => {
                let lock = lake.bucket(name).get_object_lock().await?;
                let text = match lock.map(|lock| lock.retention) {
                    None => "none".to_owned(),
                    Some(None) => "no retention".to_owned(),
                    Some(Some(retention)) => retention.to_string(),
                };
                let value = Configured::document(lock)?.value;
                context.out.show(&Configured::word(value, text))
            }
            Self::Set(SetObjectLock { name, mode, days, years, .. }) => {
                let mode = mode.map(|mode| match mode {
                    Mode::Governance => "governance",
                    Mode::Compliance => "compliance",
                });
                let written = json!({ "mode": mode, "days": days, "years": years });
                let lock = bucket_config::ObjectLock::from_value(&written)
                    .map_err(|error| error.during("set_object_lock").on(name.as_str()))?;
                lake.bucket(name.clone()).set_object_lock(&lock).await?;
                context.out.show(&Done { name, what: "retention set" })
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Access {
    /// Print what callers without keys may do, by prefix
    ///
    /// Fails with conflict where the bucket has a policy that says more: `lakewright bucket policy
    /// get` prints it.
    #[command(after_help = "Examples:\n  lakewright bucket access get raw")]
    Get(Named),
    /// Say what callers without keys may do, in the bucket or below a prefix
    ///
    /// Other prefixes stay as they are.
    #[command(after_help = "Examples:
  lakewright bucket access set public read
  lakewright bucket access set raw/in/ write
  lakewright bucket access set raw/in/ none")]
    Set {
        /// The bucket, or what keys in it begin with
        #[arg(value_name = "BUCKET[/PREFIX]")]
        place: PrefixAddress,
        /// read: list and read; write: write and delete; read_write: both
        level: Level,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Level {
    None,
    Read,
    Write,
    ReadWrite,
}

impl Access {
    pub(super) async fn run(self, lake: &Lake, context: &mut Context) -> Outcome {
        match self {
            Self::Get(Named { name }) => {
                let access = lake.bucket(name.clone()).get_anonymous_access().await?;
                let places: Vec<_> = access
                    .0
                    .iter()
                    .map(|(prefix, access)| (format!("{name}/{prefix}"), access.to_string()))
                    .collect();
                let lines = places.iter().map(|(place, access)| (&**place, access.clone()));
                let text = if access.is_none() { "none".into() } else { pairs(lines) };
                let value = Configured::document(&access)?.value;
                context.out.show(&Configured::word(value, text.trim_end()))
            }
            Self::Set { place: PrefixAddress { bucket: name, prefix }, level } => {
                let bucket = lake.bucket(name.clone());
                let AnonymousAccess(mut granted) = bucket.get_anonymous_access().await?;
                match level {
                    Level::None => granted.remove(&prefix),
                    Level::Read => granted.insert(prefix, bucket_config::Access::Read),
                    Level::Write => granted.insert(prefix, bucket_config::Access::Write),
                    Level::ReadWrite => granted.insert(prefix, bucket_config::Access::ReadWrite),
                };
                bucket.set_anonymous_access(&AnonymousAccess(granted)).await?;
                context.out.show(&Done { name, what: "access set" })
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tags {
    /// Print the tags, one a line; with --json one object
    #[command(after_help = "Examples:\n  lakewright bucket tags get raw --json | jq -r .team")]
    Get(Named),
    /// Set the tags, instead of those that the bucket has
    #[command(after_help = "Examples:\n  lakewright bucket tags set raw team=data stage=prod")]
    Set {
        /// The bucket
        name: BucketName,
        /// Names and values; the value may be empty
        #[arg(value_name = "NAME=VALUE", required = true, value_parser = tag)]
        tags: Vec<(String, String)>,
    },
    /// Remove all tags
    #[command(after_help = "Examples:\n  lakewright bucket tags delete raw")]
    Delete(Named),
}

fn tag(text: &str) -> Result<(String, String), Error> {
    let tag = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    tag.ok_or_else(|| Error::invalid_input("write NAME=VALUE, such as team=data"))
}

impl Tags {
    pub(super) async fn run(self, lake: &Lake, context: &mut Context) -> Outcome {
        match self {
            Self::Get(Named { name }) => {
                let tags = lake.bucket(name).get_tags().await?;
                let lines = tags.iter().map(|(name, value)| (&**name, value.clone()));
                let text = if tags.is_empty() { "none".into() } else { pairs(lines) };
                context.out.show(&Configured::word(json!(tags), text.trim_end()))
            }
            Self::Set { name, tags } => {
                let given = tags.len();
                let tags: BTreeMap<_, _> = tags.into_iter().collect();
                if tags.len() < given {
                    return Err(Error::invalid_input("a tag is given twice").into());
                }
                lake.bucket(name.clone()).set_tags(&tags).await?;
                context.out.show(&Done { name, what: "tags set" })
            }
            Self::Delete(Named { name }) => {
                lake.bucket(name.clone()).delete_tags().await?;
                context.out.show(&Done { name, what: "tags deleted" })
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Encryption {
    /// Print how new objects are encrypted: sse_s3, sse_kms with its key, or none
    #[command(after_help = "Examples:\n  lakewright bucket encryption get raw")]
    Get(Named),
    /// Say how new objects are encrypted
    ///
    /// Fails with unsupported on a server that has no KMS.
    #[command(after_help = "Examples:
  lakewright bucket encryption set raw sse_s3
  lakewright bucket encryption set raw sse_kms --key raw-key")]
    Set {
        /// The bucket
        name: BucketName,
        /// sse_s3: keys of the server's; sse_kms: the key named by --key
        kind: Kind,
        /// Name or ARN of a key in the server's KMS (not the key itself)
        #[arg(long, value_name = "NAME", required_if_eq("kind", "sse_kms"))]
        key: Option<String>,
    },
    /// Encrypt new objects no longer by themselves
    #[command(after_help = "Examples:\n  lakewright bucket encryption delete raw")]
    Delete(Named),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Kind {
    #[value(name = "sse_s3")]
    SseS3,
    SseKms,
}

impl Encryption {
    pub(super) async fn run(self, lake: &Lake, context: &mut Context) -> Outcome {
        match self {
            Self::Get(Named { name }) => {
                let encryption = lake.bucket(name).get_encryption().await?;
                let text = match &encryption {
                    None => "none".to_owned(),
                    Some(bucket_config::Encryption::SseS3) => "sse_s3".to_owned(),
                    Some(bucket_config::Encryption::SseKms(key)) => {
                        format!("sse_kms {}", printable(key))
                    }
                };
                let value = Configured::document(encryption)?.value;
                context.out.show(&Configured::word(value, text))
            }
            Self::Set { name, kind, key } => {
                let encryption = match (kind, key) {
                    (Kind::SseS3, None) => bucket_config::Encryption::SseS3,
                    (Kind::SseS3, Some(_)) => {
                        let why = "sse_s3 takes no key; did you mean sse_kms?";
                        return Err(Error::invalid_input(why).into());
                    }
                    (Kind::SseKms, key) => {
                        bucket_config::Encryption::SseKms(key.unwrap_or_default())
                    }
                };
                lake.bucket(name.clone()).set_encryption(&encryption).await?;
                context.out.show(&Done { name, what: "encryption set" })
            }
            Self::Delete(Named { name }) => {
                lake.bucket(name.clone()).delete_encryption().await?;
                context.out.show(&Done { name, what: "encryption deleted" })
            }
        }
    }
}
