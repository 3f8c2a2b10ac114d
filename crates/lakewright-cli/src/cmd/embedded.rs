//! `lakewright embedded`

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lakewright::Secret;
use lakewright::embedded::{Durability, EmbeddedOptions, EmbeddedServer};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{CommandResult, io_error};
use crate::human::printable;
use crate::output::Render;

/// Serve a directory as object storage on this machine
///
/// Listens on a Unix socket in the directory, for lakewright commands of the same user with the
/// endpoint embedded:DIR, and on the loopback interface, for other S3 clients. When the server is
/// ready, prints the endpoint and how to connect. On Ctrl-C or SIGTERM, finishes the running
/// requests and exits with code 0. The credentials are generated once and kept in the directory.
/// The directory must be empty or a data directory already, and no other user may be able to
/// exchange it. Fails with already_exists when another process serves it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright embedded --data ./data
  lakewright embedded --data ./data --listen 127.0.0.1:9000
  LAKEWRIGHT_ENDPOINT=embedded:./data lakewright bucket list
  lakewright embedded --data ./data --show-credentials         for boto3 and other S3 clients")]
pub(crate) struct Embedded {
    /// Data directory; created if it does not exist
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Loopback address to listen on; by default the system chooses a port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The kind of crash that an acknowledged write survives
    #[arg(long, value_enum, default_value_t)]
    durability: DurabilityArg,
    /// Also print the credentials, including the secret key
    #[arg(long)]
    show_credentials: bool,
}

/// [`Durability`] as a value on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum DurabilityArg {
    /// A crash of the machine: every write is flushed to disk
    #[default]
    Machine,
    /// A crash of the process: for tests and reproducible data
    Process,
}

impl Embedded {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let mut options = EmbeddedOptions::new(&self.data).durability(match self.durability {
            DurabilityArg::Machine => Durability::Machine,
            DurabilityArg::Process => Durability::Process,
        });
        if let Some(listen) = self.listen {
            options = options.listen(listen);
        }
        // A graceful stop lets the server finish its running requests.
        context.stop_gracefully();
        let stopped = context.stopped();
        let server = EmbeddedServer::start(options).await?;
        let data_dir = self.data.canonicalize().map_err(|error| {
            io_error(error, self.data.display().to_string()).during("start_embedded_server")
        })?;
        let serving = RunningServer {
            endpoint: server.endpoint(),
            data_dir,
            credentials: self
                .show_credentials
                .then(|| (server.access_key_id().to_owned(), server.secret_access_key().clone())),
        };
        // The server keeps running when its stdout is closed.
        let _ = context.out.show(&serving);
        let _ = context.out.flush();
        stopped.await;
        Ok(server.shutdown().await?)
    }
}

/// A running server.
struct RunningServer {
    endpoint: String,
    data_dir: PathBuf,
    /// Access key and secret key, with --show-credentials.
    credentials: Option<(String, Secret)>,
}

impl Render for RunningServer {
    fn json(&self) -> Value {
        let mut document = json!({
            "endpoint": self.endpoint,
            "data_dir": self.data_dir.to_string_lossy(),
            "pid": std::process::id(),
        });
        if let Some((id, secret)) = &self.credentials {
            document["access_key_id"] = json!(id);
            document["secret_access_key"] = json!(secret.expose());
        }
        document
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let dir = self.data_dir.display().to_string();
        let dir = printable(&dir);
        writeln!(out, "serving {dir} at {}", self.endpoint)?;
        writeln!(out, "to connect with lakewright:")?;
        writeln!(out, "  export LAKEWRIGHT_ENDPOINT={}", shell_quote(&format!("embedded:{dir}")))?;
        let Some((id, secret)) = &self.credentials else {
            return writeln!(
                out,
                "for other S3 clients, --show-credentials prints the credentials"
            );
        };
        writeln!(out, "to connect with other S3 clients:")?;
        writeln!(out, "  export AWS_ENDPOINT_URL_S3={}", self.endpoint)?;
        writeln!(out, "  export AWS_ACCESS_KEY_ID={id}")?;
        writeln!(out, "  export AWS_SECRET_ACCESS_KEY={}", secret.expose())
    }
}

/// Quotes text for a POSIX shell.
fn shell_quote(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/:._-+@%".contains(c);
    if text.chars().all(plain) { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_printed_only_on_request() {
        let mut serving = RunningServer {
            endpoint: "http://127.0.0.1:1".into(),
            data_dir: "/srv/it's data".into(),
            credentials: None,
        };
        let text = |serving: &RunningServer| {
            let mut text = Vec::new();
            serving.text(&mut text).unwrap();
            String::from_utf8(text).unwrap() + &serving.json().to_string()
        };
        assert!(!text(&serving).contains("access_key_id"));
        assert!(text(&serving).contains(r"='embedded:/srv/it'\''s data'"));
        serving.credentials = Some(("ID".into(), Secret::new("hunter2")));
        assert_eq!(text(&serving).matches("hunter2").count(), 2);
    }
}
