//! `lakewright profile list`

use std::path::PathBuf;

use clap::Args;
use lakewright::profile::profile_names;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::CommandResult;
use crate::output::Row;

/// List all profiles with the file of each
///
/// Prints names and files; with --json one object per line.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright profile list
  lakewright profile list --json | jq -r .name")]
pub(crate) struct List {}

impl List {
    pub(crate) fn run(self, context: &mut Context) -> CommandResult {
        let names = profile_names().map_err(|error| error.during("list_profiles"))?;
        let profiles: Vec<ProfileName> =
            names.into_iter().map(|(name, file)| ProfileName { name, file }).collect();
        context.out.list(&profiles)
    }
}

struct ProfileName {
    name: String,
    file: PathBuf,
}

impl Row for ProfileName {
    const HEADERS: &'static [&'static str] = &["NAME", "FILE"];

    fn json(&self) -> Value {
        json!({ "name": self.name, "file": self.file.to_string_lossy() })
    }

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.file.display().to_string()]
    }
}
