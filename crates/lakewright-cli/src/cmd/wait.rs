//! `lakewright wait`

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use lakewright::Settings;
use serde_json::{Value, json};

use crate::args::seconds;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Answer;

/// Wait until the server is ready
///
/// MinIO is ready when its cluster is whole and it knows its users; any other server when it
/// answers these credentials. Fails with timeout when it is not in time, and at once where
/// waiting is of no use: unauthenticated for wrong keys.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright wait --timeout 60s && lakewright apply lake.json --yes")]
pub(crate) struct Wait {
    /// How long at most: seconds, or 500ms, 60s, 2m
    // The same id as the option of all verbs, which it replaces here.
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "60s")]
    timeout: Duration,
}

impl Wait {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let settings = Settings { timeout: None, ..context.settings() };
        let lake = lakewright::connect(settings).await?;
        lake.wait(self.timeout).await?;
        context.out.show(&Ready(lake.profile().to_string()))
    }
}

struct Ready(String);

impl Answer for Ready {
    fn json(&self) -> Value {
        json!({ "endpoint": self.0, "ready": true })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} is ready", crate::human::printable(&self.0))
    }
}
