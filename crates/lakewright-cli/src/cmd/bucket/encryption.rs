//! `lakewright bucket encryption`

use clap::{Subcommand, ValueEnum};
use lakewright::{BucketName, Error, bucket_config};

use super::change::BucketChange;
use super::setting_value::{BucketArg, SettingOutput};
use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::printable;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print the default encryption of new objects: sse_s3, sse_kms with its key, or none
    #[command(after_help = "Examples:\n  lakewright bucket encryption get raw")]
    Get(BucketArg),
    /// Set the default encryption of new objects
    ///
    /// Fails with unsupported on a server without a KMS.
    #[command(after_help = "Examples:
  lakewright bucket encryption set raw sse_s3
  lakewright bucket encryption set raw sse_kms --key raw-key")]
    Set {
        /// The bucket
        name: BucketName,
        /// sse_s3: with keys that the server manages; sse_kms: with the key that --key names
        kind: Kind,
        /// Name or ARN of a key in the server's KMS (not the key itself)
        #[arg(long, value_name = "NAME", required_if_eq("kind", "sse_kms"))]
        key: Option<String>,
    },
    /// Delete the default encryption of new objects
    #[command(after_help = "Examples:\n  lakewright bucket encryption delete raw")]
    Delete(BucketArg),
}

/// The kinds of [`bucket_config::Encryption`] as values on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Kind {
    #[value(name = "sse_s3")]
    SseS3,
    SseKms,
}

impl Verb {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let lake = context.lake().await?;
        match self {
            Self::Get(BucketArg { name }) => {
                let encryption = lake.bucket(name).get_encryption().await?;
                let text = match &encryption {
                    None => "none".to_owned(),
                    Some(bucket_config::Encryption::SseS3) => "sse_s3".to_owned(),
                    Some(bucket_config::Encryption::SseKms(key)) => {
                        format!("sse_kms {}", printable(key))
                    }
                };
                context.out.show(&SettingOutput::with_text(encryption, text)?)
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
                context.out.show(&BucketChange { name, change: "encryption set" })
            }
            Self::Delete(BucketArg { name }) => {
                lake.bucket(name.clone()).delete_encryption().await?;
                context.out.show(&BucketChange { name, change: "encryption deleted" })
            }
        }
    }
}
