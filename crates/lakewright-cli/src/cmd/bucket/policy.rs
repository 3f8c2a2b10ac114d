//! `lakewright bucket policy`

use clap::Subcommand;
use serde_json::Value;

use super::change::BucketChange;
use super::setting_value::{BucketArg, JsonArgs, SettingOutput, read_json};
use crate::context::Context;
use crate::failure::CommandResult;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print the policy document, or none
    #[command(after_help = "Examples:\n  lakewright bucket policy get raw > policy.json")]
    Get(BucketArg),
    /// Set the policy, replacing an existing one
    #[command(after_help = "Examples:\n  lakewright bucket policy set raw policy.json")]
    Set(JsonArgs),
    /// Delete the policy
    #[command(after_help = "Examples:\n  lakewright bucket policy delete raw")]
    Delete(BucketArg),
}

impl Verb {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let lake = context.lake().await?;
        match self {
            Self::Get(BucketArg { name }) => {
                let policy = lake.bucket(name).get_policy().await?;
                context.out.show(&SettingOutput::as_json(policy)?)
            }
            Self::Set(JsonArgs { name, file }) => {
                let policy: Value = read_json(&file, "set_policy")?;
                lake.bucket(name.clone()).set_policy(&policy).await?;
                context.out.show(&BucketChange { name, change: "policy set" })
            }
            Self::Delete(BucketArg { name }) => {
                lake.bucket(name.clone()).delete_policy().await?;
                context.out.show(&BucketChange { name, change: "policy deleted" })
            }
        }
    }
}
