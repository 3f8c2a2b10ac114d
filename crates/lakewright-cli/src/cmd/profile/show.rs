//! `lakewright profile show`

use std::io::{self, Write};

use clap::Args;
use lakewright::profile::Resolved;
use lakewright::{Error, Profile};
use serde_json::{Map, Value, json};

use super::redact::{endpoint, secret};
use super::sources::sources;
use crate::context::Context;
use crate::failure::{CommandResult, error_json};
use crate::output::{Header, Render, aligned};
use crate::stderr;

/// Show the settings of the connection with their sources
///
/// No request is sent. Secrets are never printed: a literal value is printed as ***, a reference to
/// a file or variable as that reference. When the settings are not sufficient for a connection, the
/// reason is printed on stderr and, with --json, in the field "problem"; the exit code is still 0.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:
  lakewright profile show
  lakewright profile show --profile prod
  lakewright profile show --json | jq -r .endpoint.origin",
    after_long_help = long_help()
)]
pub(crate) struct Show {}

fn long_help() -> String {
    format!(
        "Examples:
  lakewright profile show
  lakewright profile show --profile prod
  lakewright profile show --json | jq -r .endpoint.origin

{}",
        sources()
    )
}

impl Show {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let resolved = context.settings().resolve().await?;
        let problem = problem(&resolved);
        context.out.show(&SettingsOutput { lines: lines(&resolved), problem: problem.as_ref() })?;
        context.out.flush()?;
        if let Some(problem) = problem
            && !context.out.is_json()
        {
            stderr::write(&format!("note: {problem}\n"));
        }
        Ok(())
    }
}

/// Returns why the settings are not sufficient for a connection.
fn problem(resolved: &Resolved) -> Option<Error> {
    // An embedded server would supply the credentials, but only once it is started.
    let embedded = resolved.endpoint().is_some_and(|endpoint| endpoint.starts_with("embedded:"));
    if embedded { None } else { resolved.clone().into_profile().err() }
}

/// A setting with its value and its source.
struct SettingLine {
    name: &'static str,
    value: Value,
    /// The unit of the value in text output.
    unit: &'static str,
    origin: String,
}

struct SettingsOutput<'a> {
    lines: Vec<SettingLine>,
    problem: Option<&'a Error>,
}

impl Render for SettingsOutput<'_> {
    fn json(&self) -> Value {
        let mut settings: Map<String, Value> = self
            .lines
            .iter()
            .map(|line| (line.name.into(), json!({ "value": line.value, "origin": line.origin })))
            .collect();
        settings.insert("problem".into(), self.problem.map_or(Value::Null, error_json));
        settings.into()
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let rows = self.lines.iter().map(|line| {
            let value = match &line.value {
                Value::Null => "-".into(),
                Value::String(text) => text.clone(),
                other => format!("{other}{}", line.unit),
            };
            vec![line.name.to_owned(), value, line.origin.clone()]
        });
        out.write_all(aligned(&["SETTING", "VALUE", "FROM"].map(Header::parse), rows).as_bytes())
    }
}

/// Whether bodies are part of signatures; `None` where the default depends on settings that are not
/// sufficient for a connection.
fn signs_payloads(resolved: &Resolved) -> Option<bool> {
    let profile = || resolved.clone().into_profile().ok();
    resolved.settings().payload_signing.or_else(|| Some(profile()?.signs_payloads()))
}

fn lines(resolved: &Resolved) -> Vec<SettingLine> {
    let s = resolved.settings();
    let line = |name: &'static str, value: Value, unit: &'static str| SettingLine {
        name,
        value,
        unit,
        origin: resolved.origin(name).to_string(),
    };
    let time = |given: Option<std::time::Duration>, default: std::time::Duration| {
        json!(given.unwrap_or(default).as_secs_f64())
    };
    let mut lines = vec![
        line("endpoint", json!(s.endpoint.as_deref().map(endpoint)), ""),
        line("region", json!(s.region.as_deref().unwrap_or(Profile::DEFAULT_REGION)), ""),
    ];
    let keys = [
        ("access_key_id", &s.access_key_id),
        ("secret_access_key", &s.secret_access_key),
        ("session_token", &s.session_token),
        ("registry_key", &s.registry_key),
    ];
    for (name, value) in keys {
        if let Some(value) = value {
            lines.push(line(name, json!(secret(value)), ""));
        }
    }
    for (name, value) in [("anonymous", s.anonymous), ("instance_metadata", s.instance_metadata)] {
        if let Some(value) = value {
            lines.push(line(name, json!(value), ""));
        }
    }
    if let Some(name) = &s.aws_profile {
        lines.push(line("aws_profile", json!(name), ""));
    }
    lines.extend([
        line("virtual_host_style", json!(s.virtual_host_style.unwrap_or(false)), ""),
        line("ca_file", json!(s.ca_file.as_ref().map(|path| path.to_string_lossy())), ""),
        line("connect_timeout", time(s.connect_timeout, Profile::DEFAULT_CONNECT_TIMEOUT), " s"),
        line("read_timeout", time(s.read_timeout, Profile::DEFAULT_READ_TIMEOUT), " s"),
        line("timeout", time(s.timeout, Profile::DEFAULT_TIMEOUT), " s"),
        line("retries", json!(s.retries.unwrap_or(Profile::DEFAULT_RETRIES)), ""),
        line("concurrency", json!(s.concurrency.unwrap_or(Profile::DEFAULT_CONCURRENCY)), ""),
        line("checksums", json!(s.checksums.unwrap_or(true)), ""),
        line("payload_signing", json!(signs_payloads(resolved)), ""),
    ]);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_variable() {
        let help = long_help();
        for variable in lakewright::profile::ENVIRONMENT {
            assert!(help.contains(variable.name), "{}", variable.name);
        }
    }
}
