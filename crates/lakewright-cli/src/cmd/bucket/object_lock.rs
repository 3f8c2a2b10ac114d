//! `lakewright bucket object-lock`

use clap::{Args, Subcommand, ValueEnum};
use lakewright::BucketName;
use lakewright::bucket_config::{self, Setting as _};
use serde_json::json;

use super::change::BucketChange;
use super::setting_value::{BucketArg, SettingOutput};
use crate::context::Context;
use crate::failure::CommandResult;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print the default retention of new objects, or none for a bucket without object lock
    #[command(after_help = "Examples:\n  lakewright bucket object-lock get audit --json")]
    Get(BucketArg),
    /// Set the default retention of new objects
    ///
    /// Fails with conflict for a bucket that was created without object lock.
    #[command(after_help = "Examples:
  lakewright bucket object-lock set audit --mode governance --days 30
  lakewright bucket object-lock set audit --no-retention")]
    Set(Set),
}

#[derive(Args, Debug)]
pub(crate) struct Set {
    /// The bucket
    name: BucketName,
    /// Retention mode: governance lets permitted users remove a lock early, compliance no user
    #[arg(long, required_unless_present = "no_retention")]
    mode: Option<Mode>,
    /// The retention period in days
    #[arg(long, value_name = "N", conflicts_with = "years")]
    days: Option<u32>,
    /// The retention period in years
    #[arg(long, value_name = "N")]
    years: Option<u32>,
    /// Do not lock new objects by default
    #[arg(long, conflicts_with_all = ["mode", "days", "years"])]
    no_retention: bool,
}

/// [`lakewright::RetentionMode`] as a value on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Mode {
    Governance,
    Compliance,
}

impl Verb {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let lake = context.lake().await?;
        match self {
            Self::Get(BucketArg { name }) => {
                let lock = lake.bucket(name).get_object_lock().await?;
                let text = match lock.map(|lock| lock.retention) {
                    None => "none".to_owned(),
                    Some(None) => "no retention".to_owned(),
                    Some(Some(retention)) => retention.to_string(),
                };
                context.out.show(&SettingOutput::with_text(lock, text)?)
            }
            Self::Set(Set { name, mode, days, years, .. }) => {
                let mode = mode.map(|mode| match mode {
                    Mode::Governance => "governance",
                    Mode::Compliance => "compliance",
                });
                let retention = json!({ "mode": mode, "days": days, "years": years });
                let lock = bucket_config::ObjectLock::from_value(&retention)
                    .map_err(|error| error.during("set_object_lock").on(name.as_str()))?;
                lake.bucket(name.clone()).set_object_lock(&lock).await?;
                context.out.show(&BucketChange { name, change: "retention set" })
            }
        }
    }
}
