//! `lakewright plan`

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lakewright::plan::Plan as ThePlan;
use lakewright::{Error, PlanOptions, ResourceId};
use serde_json::Value;

use super::read_spec;
use crate::context::Context;
use crate::failure::{Failure, Outcome, local, say};
use crate::output::Answer;
use crate::readable;

/// Show what apply would do
///
/// Reads the live system, changes nothing, and prints what apply would do and why: resource by
/// resource, + created, ~ changed, - destroyed, <- taken over, -> let go of, = only remembered
/// anew. Whatever stands in the way is told at once, with what to do about it.
///
/// With --out the plan is also written to a file (mode 0600) that apply takes. It holds no secret
/// and is bound to the document, the registry and the server that it was made from.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright plan lake.json
  lakewright plan lake.json --prune --out lake.plan && lakewright apply lake.plan
  lakewright plan lake.json --detailed-exit-code      0 nothing to do, 3 something, 1 or 2 an error
  lakewright plan lake.json --graph dot | dot -Tsvg > plan.svg
  lakewright plan lake.json --json | jq '.steps[].reason'")]
pub(crate) struct Plan {
    /// The document of what should exist; - for stdin
    spec: PathBuf,
    #[command(flatten)]
    choice: Choice,
    /// Also write the plan to this file, for apply
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 3 when there is something to do
    #[arg(long)]
    detailed_exit_code: bool,
    /// Print the steps as a graph instead
    #[arg(long, value_enum, value_name = "FORMAT")]
    graph: Option<GraphFormat>,
}

/// What a plan may do besides what the document says.
#[derive(Args, Debug)]
pub(super) struct Choice {
    /// Take away what the stack owns and the document does not declare any more
    #[arg(long)]
    pub(super) prune: bool,
    /// Take this over, which exists and is nobody's: KIND/NAME, such as bucket/raw
    #[arg(long, value_name = "ADDRESS")]
    pub(super) adopt: Vec<ResourceId>,
}

impl Choice {
    pub(super) fn options(self) -> PlanOptions {
        PlanOptions { prune: self.prune, adopt: self.adopt.into_iter().collect() }
    }
}

/// [`readable::Graph`] as it is written on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum GraphFormat {
    /// For Markdown
    Mermaid,
    /// For Graphviz
    Dot,
}

impl Plan {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        if self.graph.is_some() && context.out.is_json() {
            return Err(Error::invalid_input("--graph prints a graph: leave --json out").into());
        }
        let spec = read_spec(&self.spec, "plan")?;
        let lake = context.lake().await?;
        let plan = lake.plan(&spec, &self.choice.options()).await?;
        if let Some(file) = &self.out {
            write_private(file, &plan.to_json()?)
                .map_err(|error| local(error, file.display().to_string()).during("plan"))?;
        }
        match self.graph {
            Some(format) => {
                let format = match format {
                    GraphFormat::Mermaid => readable::Graph::Mermaid,
                    GraphFormat::Dot => readable::Graph::Dot,
                };
                context.out.bytes(readable::graph(&plan, format).as_bytes())?;
            }
            None => context.out.show(&Shown { plan: &plan, paint: context.out.paint() })?,
        }
        if let Some(file) = &self.out {
            let file = file.display().to_string();
            say(&format!("written to {}\n", crate::human::printable(&file)));
        }
        if self.detailed_exit_code && !plan.is_empty() {
            context.out.flush()?;
            return Err(Failure::Differs);
        }
        Ok(())
    }
}

/// A plan as an answer.
struct Shown<'a> {
    plan: &'a ThePlan,
    paint: readable::Paint,
}

impl Answer for Shown<'_> {
    fn json(&self) -> Value {
        document(self.plan)
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(readable::plan(self.plan, self.paint).as_bytes())
    }
}

/// A plan as JSON: what stands in a plan file.
pub(super) fn document(plan: &ThePlan) -> Value {
    // Every part of a plan can be written; it is what plan files are made of.
    serde_json::to_value(plan).unwrap_or_default()
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // What is there may be replaced if it is a file; never a device or a pipe.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is there and no plain file"));
    }
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidFilename, "it names no file"))?;
    let mut fresh = OsString::from(".");
    fresh.push(name);
    fresh.push(format!(".{}", std::process::id()));
    let fresh = path.with_file_name(fresh);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn files_are_private_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&file, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_private(Path::new("/dev/null"), "x").is_err());
        assert!(write_private(folder.path(), "x").is_err());
    }
}
