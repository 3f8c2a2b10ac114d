//! `lakewright embedded`

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lakewright::Secret;
use lakewright::embedded::{Durability, EmbeddedOptions, EmbeddedServer};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Outcome, local};
use crate::human::printable;
use crate::output::Answer;

/// Serve a directory as object storage on this machine
///
/// Listens on loopback and prints, once it answers, the endpoint and how to connect; then serves
/// until Ctrl-C or SIGTERM, answers what is under way and ends with exit code 0. The keys are
/// generated once and stay in the directory; other lakewright commands find them there by
/// themselves with the endpoint embedded:DIR. Fails with already_exists when another process
/// serves the directory.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright embedded --data ./data
  lakewright embedded --data ./data --listen 127.0.0.1:9000
  LAKEWRIGHT_ENDPOINT=embedded:./data lakewright bucket list
  lakewright embedded --data ./data --show-credentials         for boto3 and other S3 clients")]
pub(crate) struct Embedded {
    /// Directory to keep everything in; made when it is missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Loopback address to listen on; without it the system chooses a port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// What an acknowledged write survives
    #[arg(long, value_enum, default_value_t)]
    durability: Survives,
    /// Print the keys as well, secret included
    #[arg(long)]
    show_credentials: bool,
}

/// [`Durability`] as it is written on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Survives {
    /// The end of the machine: every write is flushed to the disk
    #[default]
    Machine,
    /// The end of the process: for tests and data that can be made again
    Process,
}

impl Embedded {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let mut options = EmbeddedOptions::new(&self.data).durability(match self.durability {
            Survives::Machine => Durability::Machine,
            Survives::Process => Durability::Process,
        });
        if let Some(listen) = self.listen {
            options = options.listen(listen);
        }
        // It serves what is under way to its end.
        context.ends_itself();
        let stopped = context.stopped();
        let server = EmbeddedServer::start(options).await?;
        let data_dir = self.data.canonicalize().map_err(|error| {
            local(error, self.data.display().to_string()).during("start_embedded_server")
        })?;
        let serving = Serving {
            endpoint: server.endpoint(),
            data_dir,
            keys: self
                .show_credentials
                .then(|| (server.access_key_id().to_owned(), server.secret_access_key().clone())),
        };
        // Whoever started the server may not care to read; it serves all the same.
        let _ = context.out.show(&serving);
        let _ = context.out.flush();
        stopped.await;
        Ok(server.shutdown().await?)
    }
}

struct Serving {
    endpoint: String,
    data_dir: PathBuf,
    /// Only where they were asked for.
    keys: Option<(String, Secret)>,
}

impl Answer for Serving {
    fn json(&self) -> Value {
        let mut document = json!({
            "endpoint": self.endpoint,
            "data_dir": self.data_dir.to_string_lossy(),
            "pid": std::process::id(),
        });
        if let Some((id, secret)) = &self.keys {
            document["access_key_id"] = json!(id);
            document["secret_access_key"] = json!(secret.expose());
        }
        document
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let dir = self.data_dir.display().to_string();
        let dir = printable(&dir);
        writeln!(out, "serving {dir} at {}", self.endpoint)?;
        writeln!(out, "lakewright finds it by its directory:")?;
        writeln!(out, "  export LAKEWRIGHT_ENDPOINT={}", quoted(&format!("embedded:{dir}")))?;
        let Some((id, secret)) = &self.keys else {
            return writeln!(out, "other S3 clients need its keys: --show-credentials prints them");
        };
        writeln!(out, "other S3 clients:")?;
        writeln!(out, "  export AWS_ENDPOINT_URL_S3={}", self.endpoint)?;
        writeln!(out, "  export AWS_ACCESS_KEY_ID={id}")?;
        writeln!(out, "  export AWS_SECRET_ACCESS_KEY={}", secret.expose())
    }
}

/// As a POSIX shell reads it back.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/:._-+@%".contains(c);
    if text.chars().all(plain) { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_shows_only_when_asked_for() {
        let mut serving = Serving {
            endpoint: "http://127.0.0.1:1".into(),
            data_dir: "/srv/it's data".into(),
            keys: None,
        };
        let text = |serving: &Serving| {
            let mut text = Vec::new();
            serving.text(&mut text).unwrap();
            String::from_utf8(text).unwrap() + &serving.json().to_string()
        };
        assert!(!text(&serving).contains("access_key_id"));
        assert!(text(&serving).contains(r"='embedded:/srv/it'\''s data'"));
        serving.keys = Some(("ID".into(), Secret::new("hunter2")));
        assert_eq!(text(&serving).matches("hunter2").count(), 2);
    }
}
