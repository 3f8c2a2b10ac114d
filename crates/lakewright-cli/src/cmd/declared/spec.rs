//! `lakewright spec`

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use lakewright::spec::Spec;
use serde_json::{Value, json};

use super::read_spec;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Answer;

/// What can be done with a document without any server.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Check(Check),
    Show(Show),
    Schema(Schema),
}

/// Say whether a document is good
///
/// Prints what it declares, or with exit code 2 everything that is wrong with it, each with its
/// path. No server is asked.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright spec check lake.json
  nix eval --json .#lake | lakewright spec check -")]
pub(crate) struct Check {
    /// The document; - for stdin
    file: PathBuf,
}

/// Print a document in its one way of writing
///
/// Sizes in bytes, columns as a list, keys sorted: two documents that declare the same print the
/// same.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  diff <(lakewright spec show old.json | jq .) <(lakewright spec show new.json | jq .)")]
pub(crate) struct Show {
    /// The document; - for stdin
    file: PathBuf,
}

/// Print the JSON Schema of the format
///
/// Editors complete and check documents by it; `lakewright spec check` checks more.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright spec schema > spec.schema.json")]
pub(crate) struct Schema {}

impl Verb {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        match self {
            Self::Check(Check { file }) => {
                let spec = read_spec(&file, "check_spec")?;
                context.out.show(&Checked(spec))
            }
            Self::Show(Show { file }) => {
                let text = read_spec(&file, "show_spec")?.canonical()?;
                context.out.bytes(format!("{text}\n").as_bytes())
            }
            Self::Schema(Schema {}) => context.out.bytes(Spec::json_schema()?.as_bytes()),
        }
    }
}

/// What a good document declares.
struct Checked(Spec);

impl Answer for Checked {
    fn json(&self) -> Value {
        let mut document = json!({ "stack": self.0.stack });
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
    fn a_document_is_summed_up() {
        let json = br#"{"version": 1, "stack": "s", "buckets": {"abc": {}},
            "policies": {"p": {"grants": [{"access": "read", "bucket": "abc"}]},
                         "q": {"grants": [{"access": "write", "bucket": "abc"}]}}}"#;
        let checked = Checked(Spec::from_json(json).unwrap());
        let mut text = Vec::new();
        checked.text(&mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "stack s: 1 bucket, 2 policies\n");
        assert_eq!(checked.json()["policies"], 2);
    }
}
