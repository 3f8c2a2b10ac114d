//! `lakewright profile check`

use std::io::{self, Write};
use std::time::{Duration, Instant};

use clap::Args;
use lakewright::{Credentials, ErrorKind};
use serde_json::{Value, json};

use super::show::safe_endpoint;
use crate::context::Context;
use crate::failure::Outcome;
use crate::human::count;
use crate::output::{Answer, pairs};

/// Ask the server whether the profile works
///
/// Sends one request, the list of buckets. Prints the server, how requests are signed and how many
/// buckets they may see; credentials that are known but may not list buckets are fine. Exit code
/// 2 for a profile that does not hold together, 1 for a server that cannot be reached or does not
/// know the credentials.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright profile check
  lakewright profile check --profile prod --json
  until lakewright profile check; do sleep 1; done            waits for the server")]
pub(crate) struct Check {}

impl Check {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let lake = context.lake().await?;
        let profile = lake.profile().clone();
        let start = Instant::now();
        let buckets = match lake.list_buckets().await {
            Ok(buckets) => Some(buckets.len() as u64),
            Err(error) if error.kind() == ErrorKind::Denied => None,
            Err(error) => return Err(error.during("check_profile").into()),
        };
        context.out.show(&Checked {
            endpoint: profile.endpoint().map(safe_endpoint),
            region: profile.region().to_owned(),
            credentials: match profile.credentials() {
                Credentials::Anonymous => "anonymous",
                Credentials::Keys { .. } => "keys",
                Credentials::AwsProfile { .. } => "aws_profile",
                Credentials::InstanceMetadata => "instance_metadata",
            },
            buckets,
            answered_in: start.elapsed(),
        })
    }
}

struct Checked {
    endpoint: Option<String>,
    region: String,
    credentials: &'static str,
    /// `None` when these credentials may not list buckets.
    buckets: Option<u64>,
    answered_in: Duration,
}

impl Answer for Checked {
    fn json(&self) -> Value {
        json!({
            "endpoint": self.endpoint,
            "region": self.region,
            "credentials": self.credentials,
            "buckets": self.buckets,
            "seconds": self.answered_in.as_secs_f64(),
        })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let text = pairs([
            ("server", self.endpoint.clone().unwrap_or(format!("Amazon S3 in {}", self.region))),
            ("region", self.region.clone()),
            ("signed with", self.credentials.replace('_', " ")),
            (
                "buckets",
                match self.buckets {
                    Some(n) => count(n, "bucket"),
                    None => "these credentials may not list them".into(),
                },
            ),
            ("answered in", format!("{} ms", self.answered_in.as_millis())),
        ]);
        out.write_all(text.as_bytes())
    }
}
