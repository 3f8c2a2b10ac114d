//! `lakewright spec check`

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use lakewright::spec::Spec;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::printable;
use crate::input::read_spec;
use crate::output::Render;
use crate::stderr;

/// Validate a spec
///
/// Prints how many resources it declares and what is probably not meant, or with exit code 2 all of
/// its errors, each with its path. No server is contacted.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright spec check lake.json
  nix eval --json .#lake | lakewright spec check -")]
pub(crate) struct Check {
    /// The spec; - for stdin
    file: PathBuf,
}

impl Check {
    pub(crate) fn run(self, context: &mut Context) -> CommandResult {
        let spec = read_spec(&self.file, "check_spec")?;
        for warning in spec.warnings() {
            stderr::write(&format!("warning: {}\n", printable(&warning.to_string())));
        }
        context.out.show(&Summary(spec))
    }
}

/// The number of resources that a spec declares, by kind.
struct Summary(Spec);

impl Render for Summary {
    fn json(&self) -> Value {
        let mut document = json!({ "stack": self.0.stack, "warnings": self.0.warnings() });
        for (kind, number) in self.0.numbers() {
            document[kind.section()] = json!(number);
        }
        document
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.0.summary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_resources_by_kind() {
        let json = br#"{"version": 1, "stack": "s", "buckets": {"abc": {}},
            "policies": {"p": {"grants": [{"access": "read", "bucket": "abc"}]},
                         "q": {"grants": [{"access": "write", "bucket": "abc"}]}}}"#;
        let summary = Summary(Spec::from_json(json).unwrap());
        let mut text = Vec::new();
        summary.text(&mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "stack s: 1 bucket, 2 policies\n");
        assert_eq!(summary.json()["policies"], 2);
        assert_eq!(summary.json()["warnings"], json!([]));
    }
}
