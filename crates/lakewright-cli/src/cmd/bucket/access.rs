//! `lakewright bucket access`

use clap::{Subcommand, ValueEnum};
use lakewright::bucket_config::AnonymousAccess;
use lakewright::{BucketName, Error, bucket_config};

use super::change::BucketChange;
use super::setting_value::{BucketArg, SettingOutput};
use crate::address::PrefixAddress;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::output::pairs;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print the access without credentials, by prefix
    ///
    /// Fails with conflict when the bucket's policy grants access that cannot be expressed this
    /// way: `lakewright bucket policy get` prints the policy.
    #[command(after_help = "Examples:\n  lakewright bucket access get raw")]
    Get(BucketArg),
    /// Set the access without credentials, for the bucket or a prefix
    ///
    /// The access to other prefixes does not change. Grants add up: fails with conflict, and changes
    /// nothing, when the grant of a wider prefix allows more than the level. Of two of these
    /// commands on one bucket at the same time one may be lost, because S3 replaces the policy as a
    /// whole and without a condition.
    #[command(after_help = "Examples:
  lakewright bucket access set public read
  lakewright bucket access set raw/in/ write
  lakewright bucket access set raw/in/ none")]
    Set {
        /// The bucket, or a prefix of keys in it
        #[arg(value_name = "BUCKET[/PREFIX]")]
        address: PrefixAddress,
        /// none: no access; read: list and read; write: write and delete; read_write: both
        level: Level,
    },
}

/// [`bucket_config::Access`], or no access, as a value on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Level {
    None,
    Read,
    Write,
    ReadWrite,
}

impl Level {
    fn access(self) -> Option<bucket_config::Access> {
        match self {
            Self::None => None,
            Self::Read => Some(bucket_config::Access::Read),
            Self::Write => Some(bucket_config::Access::Write),
            Self::ReadWrite => Some(bucket_config::Access::ReadWrite),
        }
    }
}

impl Verb {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let lake = context.lake().await?;
        match self {
            Self::Get(BucketArg { name }) => {
                let access = lake.bucket(name.clone()).get_anonymous_access().await?;
                let text = if access.is_none() { "none".into() } else { lines(&name, &access) };
                context.out.show(&SettingOutput::with_text(&access, text.trim_end())?)
            }
            Self::Set { address: PrefixAddress { bucket: name, prefix }, level } => {
                let bucket = lake.bucket(name.clone());
                let mut access = bucket.get_anonymous_access().await?;
                let failed = |error: Error| error.during("set_anonymous_access").on(name.as_str());
                access.set(prefix, level.access()).map_err(failed)?;
                bucket.set_anonymous_access(&access).await?;
                context.out.show(&BucketChange { name, change: "access set" })
            }
        }
    }
}

/// Returns a line for each prefix with its access.
fn lines(name: &BucketName, access: &AnonymousAccess) -> String {
    let addresses: Vec<_> = access
        .0
        .iter()
        .map(|(prefix, access)| (format!("{name}/{prefix}"), access.to_string()))
        .collect();
    pairs(addresses.iter().map(|(address, level)| (&**address, level.clone())))
}
