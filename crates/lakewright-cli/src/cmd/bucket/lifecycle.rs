//! `lakewright bucket lifecycle`

use clap::Subcommand;
use lakewright::bucket_config::LifecycleRule;

use super::change::BucketChange;
use super::setting_value::{BucketArg, JsonArgs, SettingOutput, read_json};
use crate::context::Context;
use crate::failure::CommandResult;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print the rules as a JSON list
    #[command(after_help = "Examples:\n  lakewright bucket lifecycle get raw > rules.json")]
    Get(BucketArg),
    /// Set the rules, replacing all existing rules
    ///
    /// A rule has an id and any of enabled, prefix, tags, object_size_greater_than,
    /// object_size_less_than, expire_after_days, expire_on, expired_object_delete_marker,
    /// noncurrent_expire_after_days, newer_noncurrent_versions, abort_incomplete_after_days,
    /// transitions, noncurrent_transitions.
    #[command(after_help = "Examples:
  echo '[{\"id\": \"tmp\", \"prefix\": \"tmp/\", \"expire_after_days\": 7}]' |
    lakewright bucket lifecycle set raw -")]
    Set(JsonArgs),
    /// Delete all rules
    #[command(after_help = "Examples:\n  lakewright bucket lifecycle delete raw")]
    Delete(BucketArg),
}

impl Verb {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let lake = context.lake().await?;
        match self {
            Self::Get(BucketArg { name }) => {
                let rules = lake.bucket(name).get_lifecycle().await?;
                context.out.show(&SettingOutput::as_json(rules)?)
            }
            Self::Set(JsonArgs { name, file }) => {
                let rules: Vec<LifecycleRule> = read_json(&file, "set_lifecycle")?;
                lake.bucket(name.clone()).set_lifecycle(&rules).await?;
                context.out.show(&BucketChange { name, change: "lifecycle set" })
            }
            Self::Delete(BucketArg { name }) => {
                lake.bucket(name.clone()).delete_lifecycle().await?;
                context.out.show(&BucketChange { name, change: "lifecycle deleted" })
            }
        }
    }
}
