//! `lakewright profile check`

use std::io::{self, Write};
use std::time::{Duration, Instant};

use clap::Args;
use lakewright::ErrorKind;
use lakewright::profile::{Credentials, ExposedSecrets};
use serde_json::{Value, json};

use super::redact::endpoint;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::count;
use crate::output::{Render, pairs};

/// Test the connection and the credentials
///
/// Sends one request, which lists the buckets. Prints the server, the kind of credentials and the
/// number of buckets; the check also succeeds when the credentials are valid but may not list
/// buckets. A profile file with the text of a secret that every user of the machine can read is
/// reported with its mode. Exit code 2 for an invalid profile, 1 when the server cannot be reached
/// or rejects the credentials.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright profile check
  lakewright profile check --profile prod --json
  until lakewright profile check; do sleep 1; done            waits for the server")]
pub(crate) struct Check {}

impl Check {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let exposed = context.settings().resolve().await?.exposed_secrets();
        let lake = context.lake().await?;
        let profile = lake.profile().clone();
        let start = Instant::now();
        let buckets = match lake.list_buckets().await {
            Ok(buckets) => Some(buckets.len() as u64),
            Err(error) if error.kind() == ErrorKind::Denied => None,
            Err(error) => return Err(error.during("check_profile").into()),
        };
        context.out.show(&CheckedProfile {
            endpoint: profile.endpoint().map(endpoint),
            region: profile.region().to_owned(),
            credentials: match profile.credentials() {
                Credentials::Anonymous => "anonymous",
                Credentials::Keys { .. } => "keys",
                Credentials::AwsProfile { .. } => "aws_profile",
                Credentials::InstanceMetadata => "instance_metadata",
            },
            buckets,
            elapsed: start.elapsed(),
            exposed,
        })
    }
}

/// The outcome of a successful check.
struct CheckedProfile {
    endpoint: Option<String>,
    region: String,
    credentials: &'static str,
    /// The number of buckets, `None` if the credentials may not list buckets.
    buckets: Option<u64>,
    elapsed: Duration,
    /// The profile file whose secrets every user can read.
    exposed: Option<ExposedSecrets>,
}

impl Render for CheckedProfile {
    fn json(&self) -> Value {
        json!({
            "endpoint": self.endpoint,
            "region": self.region,
            "credentials": self.credentials,
            "buckets": self.buckets,
            "seconds": self.elapsed.as_secs_f64(),
            "exposed_secrets": self.exposed.as_ref().map(|exposed| json!({
                "file": exposed.file.to_string_lossy(),
                "mode": format!("{:04o}", exposed.mode),
            })),
        })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rows = vec![
            ("server", self.endpoint.clone().unwrap_or(format!("Amazon S3 in {}", self.region))),
            ("region", self.region.clone()),
            ("credentials", self.credentials.replace('_', " ")),
            (
                "buckets",
                match self.buckets {
                    Some(n) => count(n, "bucket"),
                    None => "the credentials may not list buckets".into(),
                },
            ),
            ("response time", format!("{} ms", self.elapsed.as_millis())),
        ];
        rows.extend(self.exposed.iter().map(|exposed| ("warning", exposed.to_string())));
        out.write_all(pairs(rows).as_bytes())
    }
}
