//! `lakewright plan`

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lakewright::{Error, render};

use super::plan_args::PlanArgs;
use super::plan_output::PlanOutput;
use crate::context::Context;
use crate::failure::{CommandResult, Failure, io_error};
use crate::human::printable;
use crate::input::read_spec;
use crate::stderr;

/// Show what apply would change
///
/// Reads the state of the server, changes nothing, and prints what apply would change and why, by
/// resource: + create, ~ change, - delete, <- adopt, -> forget, = update in the registry only. All
/// conflicts are reported at once, each with what to do about it.
///
/// With --out the plan is also written to a file (mode 0600) for apply. A plan contains no secret,
/// and is valid only for the spec, the registry and the server that it was made from.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright plan lake.json
  lakewright plan lake.json --prune --out lake.plan && lakewright apply lake.plan
  lakewright plan lake.json --detailed-exit-code      0 no changes, 3 changes, 1 or 2 an error
  lakewright plan lake.json --graph dot | dot -Tsvg > plan.svg
  lakewright plan lake.json --json | jq '.steps[].reason'")]
pub(crate) struct Plan {
    /// The spec; - for stdin
    spec: PathBuf,
    #[command(flatten)]
    options: PlanArgs,
    /// Also write the plan to this file, for apply
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with code 3 when there are changes
    #[arg(long)]
    detailed_exit_code: bool,
    /// Print the steps as a graph instead
    #[arg(long, value_enum, value_name = "FORMAT")]
    graph: Option<GraphFormat>,
}

/// [`render::GraphFormat`] as a value on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum GraphFormat {
    /// For Markdown
    Mermaid,
    /// For Graphviz
    Dot,
}

impl Plan {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        if self.graph.is_some() && context.out.is_json() {
            return Err(Error::invalid_input("--graph and --json exclude each other").into());
        }
        let spec = read_spec(&self.spec, "plan")?;
        let lake = context.lake().await?;
        let plan = lake.plan(&spec, &self.options.into_options()).await?;
        if let Some(file) = &self.out {
            write_private(file, &plan.to_json()?)
                .map_err(|error| io_error(error, file.display().to_string()).during("plan"))?;
        }
        match self.graph {
            Some(format) => {
                let format = match format {
                    GraphFormat::Mermaid => render::GraphFormat::Mermaid,
                    GraphFormat::Dot => render::GraphFormat::Dot,
                };
                context.out.bytes(render::graph(&plan, format).as_bytes())?;
            }
            None => {
                let text = render::plan(&plan, context.out.style());
                context.out.show(&PlanOutput { plan: &plan, text })?;
            }
        }
        if let Some(file) = &self.out {
            let file = file.display().to_string();
            stderr::write(&format!("written to {}\n", printable(&file)));
        }
        if self.detailed_exit_code && !plan.is_empty() {
            context.out.flush()?;
            return Err(Failure::Differs);
        }
        Ok(())
    }
}

/// Writes a file that only its owner may read, atomically: a failed write leaves the old file.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // `rename` would replace a device or a pipe, such as /dev/null, by a regular file.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it exists and is not a file"));
    }
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidFilename, "the path has no file name")
    })?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn files_are_private_and_replaced_atomically() {
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
