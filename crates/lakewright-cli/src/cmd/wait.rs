//! `lakewright wait`

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::context::Context;
use crate::duration;
use crate::failure::CommandResult;
use crate::human::printable;
use crate::output::Render;

/// Wait until the server is ready
///
/// MinIO is ready when its cluster has quorum and its users are loaded, any other server when it
/// accepts a request with these credentials. Fails with timeout when the server is not ready in
/// time, and at once when waiting cannot help: with unauthenticated for invalid credentials.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright wait --timeout 60s && lakewright apply lake.json --yes")]
pub(crate) struct Wait {
    /// Maximum time to wait: seconds, or 500ms, 60s, 2m
    // This option has the id of the global option `--timeout`, and replaces it for this verb.
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "60s")]
    timeout: Duration,
}

impl Wait {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let mut settings = context.settings();
        settings.timeout = None;
        let lake = lakewright::connect(settings).await?;
        lake.wait(self.timeout).await?;
        context.out.show(&Ready(lake.profile().to_string()))
    }
}

/// The endpoint of a server that is ready.
struct Ready(String);

impl Render for Ready {
    fn json(&self) -> Value {
        json!({ "endpoint": self.0, "ready": true })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} is ready", printable(&self.0))
    }
}
