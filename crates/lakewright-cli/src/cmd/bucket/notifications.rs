//! `lakewright bucket notifications`

use clap::Subcommand;
use lakewright::bucket_config::Notification;

use super::change::BucketChange;
use super::setting_value::{BucketArg, JsonArgs, SettingOutput, read_json};
use crate::context::Context;
use crate::failure::CommandResult;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print the notifications as a JSON list
    #[command(after_help = "Examples:\n  lakewright bucket notifications get raw")]
    Get(BucketArg),
    /// Set the notifications, replacing all existing ones
    ///
    /// A notification has an id, the arn of a target that the server is configured with, events,
    /// and any of prefix and suffix. An empty list removes all notifications.
    #[command(after_help = "Examples:
  echo '[{\"id\": \"new\", \"arn\": \"arn:minio:sqs::HOOK:webhook\",
         \"events\": [\"s3:ObjectCreated:*\"], \"prefix\": \"in/\"}]' |
    lakewright bucket notifications set raw -")]
    Set(JsonArgs),
}

impl Verb {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let lake = context.lake().await?;
        match self {
            Self::Get(BucketArg { name }) => {
                let notifications = lake.bucket(name).get_notifications().await?;
                context.out.show(&SettingOutput::as_json(notifications)?)
            }
            Self::Set(JsonArgs { name, file }) => {
                let notifications: Vec<Notification> = read_json(&file, "set_notifications")?;
                lake.bucket(name.clone()).set_notifications(&notifications).await?;
                context.out.show(&BucketChange { name, change: "notifications set" })
            }
        }
    }
}
