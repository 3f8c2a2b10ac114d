//! What a bucket does by itself, as far as it takes a document: `lakewright bucket lifecycle`,
//! `policy`, `notifications`.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lakewright::bucket_config::Setting;
use lakewright::{BucketName, Error, Lake, LifecycleRule, Notification};

use super::config::Named;
use super::{Configured, Done};
use crate::context::Context;
use crate::failure::{Outcome, local};

/// The most bytes of a document; the longest that S3 takes, a thousand lifecycle rules, are fewer.
const MAX_BYTES: u64 = 4 << 20;

/// A bucket and a document for it.
#[derive(Args, Debug)]
pub(crate) struct WithFile {
    /// The bucket
    name: BucketName,
    /// JSON as `get` prints it; - for stdin
    file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Lifecycle {
    /// Print the rules as a JSON list
    #[command(after_help = "Examples:\n  lakewright bucket lifecycle get raw > rules.json")]
    Get(Named),
    /// Set the rules, instead of those that the bucket has
    ///
    /// A rule has an id and any of enabled, prefix, tags, object_size_greater_than,
    /// object_size_less_than, expire_after_days, expire_on, expired_object_delete_marker,
    /// noncurrent_expire_after_days, newer_noncurrent_versions, abort_incomplete_after_days,
    /// transitions, noncurrent_transitions.
    #[command(after_help = "Examples:
  echo '[{\"id\": \"tmp\", \"prefix\": \"tmp/\", \"expire_after_days\": 7}]' |
    lakewright bucket lifecycle set raw -")]
    Set(WithFile),
    /// Remove all rules
    #[command(after_help = "Examples:\n  lakewright bucket lifecycle delete raw")]
    Delete(Named),
}

impl Lifecycle {
    pub(super) async fn run(self, lake: &Lake, context: &mut Context) -> Outcome {
        match self {
            Self::Get(Named { name }) => {
                let rules = lake.bucket(name).get_lifecycle().await?;
                context.out.show(&Configured::document(rules)?)
            }
            Self::Set(WithFile { name, file }) => {
                let rules: Vec<LifecycleRule> = document(&file, "set_lifecycle")?;
                lake.bucket(name.clone()).set_lifecycle(&rules).await?;
                context.out.show(&Done { name, what: "lifecycle set" })
            }
            Self::Delete(Named { name }) => {
                lake.bucket(name.clone()).delete_lifecycle().await?;
                context.out.show(&Done { name, what: "lifecycle deleted" })
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Print the policy document, or none
    #[command(after_help = "Examples:\n  lakewright bucket policy get raw > policy.json")]
    Get(Named),
    /// Set the policy, instead of the one that the bucket has
    #[command(after_help = "Examples:\n  lakewright bucket policy set raw policy.json")]
    Set(WithFile),
    /// Remove the policy
    #[command(after_help = "Examples:\n  lakewright bucket policy delete raw")]
    Delete(Named),
}

impl Policy {
    pub(super) async fn run(self, lake: &Lake, context: &mut Context) -> Outcome {
        match self {
            Self::Get(Named { name }) => {
                let policy = lake.bucket(name).get_policy().await?;
                context.out.show(&Configured::document(policy)?)
            }
            Self::Set(WithFile { name, file }) => {
                let policy: serde_json::Value = document(&file, "set_policy")?;
                lake.bucket(name.clone()).set_policy(&policy).await?;
                context.out.show(&Done { name, what: "policy set" })
            }
            Self::Delete(Named { name }) => {
                lake.bucket(name.clone()).delete_policy().await?;
                context.out.show(&Done { name, what: "policy deleted" })
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Notifications {
    /// Print whom the bucket tells what, as a JSON list
    #[command(after_help = "Examples:\n  lakewright bucket notifications get raw")]
    Get(Named),
    /// Say whom the bucket tells what, instead of those it tells now
    ///
    /// A notification has an id, the arn of a target that the server knows, events, and any of
    /// prefix and suffix. An empty list tells nobody.
    #[command(after_help = "Examples:
  echo '[{\"id\": \"new\", \"arn\": \"arn:minio:sqs::HOOK:webhook\",
         \"events\": [\"s3:ObjectCreated:*\"], \"prefix\": \"in/\"}]' |
    lakewright bucket notifications set raw -")]
    Set(WithFile),
}

impl Notifications {
    pub(super) async fn run(self, lake: &Lake, context: &mut Context) -> Outcome {
        match self {
            Self::Get(Named { name }) => {
                let notifications = lake.bucket(name).get_notifications().await?;
                context.out.show(&Configured::document(notifications)?)
            }
            Self::Set(WithFile { name, file }) => {
                let all: Vec<Notification> = document(&file, "set_notifications")?;
                lake.bucket(name.clone()).set_notifications(&all).await?;
                context.out.show(&Done { name, what: "notifications set" })
            }
        }
    }
}

/// Reads a setting from a file, or from stdin for `-`.
fn document<T: Setting>(file: &Path, operation: &'static str) -> Result<T, Error> {
    let place = if file == Path::new("-") { "stdin".into() } else { file.display().to_string() };
    let failed = |error| local(error, place.clone()).during(operation);
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    } else {
        let file = std::fs::File::open(file).map_err(failed)?;
        file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    }
    let wrong = |why: String| Error::invalid_input(why).during(operation).on(place.clone());
    if text.len() as u64 > MAX_BYTES {
        return Err(wrong(format!("the document has more than {MAX_BYTES} bytes")));
    }
    T::from_json(text.as_bytes()).map_err(|error| error.during(operation).on(place.clone()))
}
