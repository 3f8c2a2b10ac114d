//! `lakewright profile show`

use std::io::{self, Write};

use clap::Args;
use lakewright::{Error, Profile, Resolved, SettingValue};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::failure::{Outcome, document, say};
use crate::output::{Answer, Header, aligned};

/// Show the connection's settings and where each came from
///
/// Nothing is sent. Secrets are never printed: a value given as it is shows as ***, one that is
/// read elsewhere shows where. Where the settings make no connection yet, the reason stands on
/// stderr and, with --json, under "problem"; the exit code is 0 all the same.
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
        super::sources()
    )
}

impl Show {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let resolved = context.settings().resolve().await?;
        let problem = problem(&resolved);
        context.out.show(&Shown { lines: lines(&resolved), problem: problem.as_ref() })?;
        context.out.flush()?;
        if let Some(problem) = problem
            && !context.out.is_json()
        {
            say(&format!("note: {problem}\n"));
        }
        Ok(())
    }
}

/// Why these settings make no connection, if they do not.
fn problem(resolved: &Resolved) -> Option<Error> {
    // The server that brings endpoint and keys of its own is not started to look at settings.
    let embedded = resolved.endpoint().is_some_and(|endpoint| endpoint.starts_with("embedded:"));
    if embedded { None } else { resolved.clone().into_profile().err() }
}

/// One setting: its name, its value for JSON, and who said it.
struct Line {
    name: &'static str,
    value: Value,
    /// What people read, where it differs from the value.
    unit: &'static str,
    origin: String,
}

struct Shown<'a> {
    lines: Vec<Line>,
    problem: Option<&'a Error>,
}

impl Answer for Shown<'_> {
    fn json(&self) -> Value {
        let mut settings: Map<String, Value> = self
            .lines
            .iter()
            .map(|line| (line.name.into(), json!({ "value": line.value, "origin": line.origin })))
            .collect();
        settings.insert("problem".into(), self.problem.map_or(Value::Null, document));
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
        out.write_all(aligned(&["SETTING", "VALUE", "FROM"].map(Header::marked), rows).as_bytes())
    }
}

fn lines(resolved: &Resolved) -> Vec<Line> {
    let s = resolved.settings();
    let line = |name: &'static str, value: Value, unit: &'static str| Line {
        name,
        value,
        unit,
        origin: resolved.origin(name).to_string(),
    };
    let time = |given: Option<std::time::Duration>, default: std::time::Duration| {
        json!(given.unwrap_or(default).as_secs_f64())
    };
    let mut lines = vec![
        line("endpoint", json!(s.endpoint.as_deref().map(safe_endpoint)), ""),
        line("region", json!(s.region.as_deref().unwrap_or(Profile::DEFAULT_REGION)), ""),
    ];
    let keys = [
        ("access_key_id", &s.access_key_id),
        ("secret_access_key", &s.secret_access_key),
        ("session_token", &s.session_token),
    ];
    for (name, value) in keys {
        if let Some(value) = value {
            lines.push(line(name, json!(veiled(value)), ""));
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
    ]);
    lines
}

/// A secret's place, never its text. The key id is kept back as well: people do mix the two up.
fn veiled(value: &SettingValue) -> String {
    match value {
        SettingValue::Literal(_) => "***".into(),
        SettingValue::Reference(reference) => reference.to_string(),
    }
}

/// The endpoint without what does not belong there and may be secret: user and password, query.
pub(super) fn safe_endpoint(endpoint: &str) -> String {
    let without_query = endpoint.split(['?', '#']).next().unwrap_or(endpoint);
    match without_query.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://***@{host}"),
            None => without_query.to_owned(),
        },
        None => without_query.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lakewright::{Secret, SecretRef};

    #[test]
    fn no_secret_is_shown() {
        let literal = SettingValue::Literal(Secret::new("hunter2"));
        assert_eq!(veiled(&literal), "***");
        let reference = SettingValue::Reference(SecretRef::File("/run/agenix/etl".into()));
        assert_eq!(veiled(&reference), "file /run/agenix/etl");
        for (endpoint, shown) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("embedded:./data", "embedded:./data"),
            ("http://user:hunter2@host:1", "http://***@host:1"),
            ("http://user:hunt@er2@host", "http://***@host"),
            ("https://host/?token=hunter2", "https://host/"),
        ] {
            assert_eq!(safe_endpoint(endpoint), shown);
        }
    }

    #[test]
    fn help_names_every_variable() {
        let help = long_help();
        for variable in lakewright::profile::ENVIRONMENT {
            assert!(help.contains(variable.name), "{}", variable.name);
        }
    }
}
