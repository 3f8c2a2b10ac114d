//! `lakewright apply`

use std::path::{Path, PathBuf};

use clap::Args;
use lakewright::plan::Plan;
use lakewright::spec::Spec;
use lakewright::{Error, ErrorKind};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::execute::execute;
use super::plan_args::PlanArgs;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::input::{display_name, read, read_spec};

/// Apply a spec or a plan
///
/// Takes a spec, or a plan that `lakewright plan --out` wrote. A spec is planned first: the plan
/// is shown on stderr, and a terminal is asked for confirmation; a plan that deletes data
/// irrecoverably is confirmed by typing the stack's name. Without a terminal, nothing is changed
/// unless --yes is given.
///
/// A plan is applied unchanged, with --yes or after the same confirmation. It is refused when the
/// registry has changed since it was made (by another apply), when it was made for another server,
/// and, with --spec, when the spec has changed since.
///
/// Prints the outcome of every step. After a failed step, the steps that do not depend on it are
/// still carried out, and the error is partial_apply. Applying again carries out the remaining
/// steps, also after a crash.
///
/// After Ctrl-C or SIGTERM, no further step is started; the running steps are finished and
/// recorded, and the outcomes are printed; exit code 130 or 143. A second signal ends the command
/// at once, and the next apply finds out which steps were done.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright apply lake.json
  lakewright apply lake.json --yes --prune
  lakewright plan lake.json --out lake.plan && lakewright apply lake.plan --spec lake.json --yes")]
pub(crate) struct Apply {
    /// The spec or the plan; - for stdin
    #[arg(value_name = "SPEC|PLAN")]
    file: PathBuf,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    options: PlanArgs,
    /// Refuse the plan unless it was made from this spec as it is now
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
}

/// The content of the file to apply.
enum Input {
    Spec(Box<Spec>),
    Plan(Box<Plan>),
}

impl Apply {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let invalid =
            |why: &str| Error::invalid_input(why).during("apply").on(display_name(&self.file));
        let lake;
        let plan = match read_input(&self.file)? {
            Input::Spec(_) if self.spec.is_some() => {
                return Err(invalid("the file is a spec: --spec is for plans").into());
            }
            Input::Spec(spec) => {
                lake = context.lake().await?;
                lake.plan(&spec, &self.options.into_options()).await?
            }
            Input::Plan(_) if self.options.prune || !self.options.adopt.is_empty() => {
                let why = "the file is a plan, which is applied as it is: pass --prune and \
                           --adopt to `lakewright plan`";
                return Err(invalid(why).into());
            }
            Input::Plan(plan) => {
                if let Some(spec) = &self.spec {
                    require_same_spec(&plan, spec)?;
                }
                lake = context.lake().await?;
                *plan
            }
        };
        execute(&lake, &plan, self.yes, context).await
    }
}

/// Reads a plan or a spec. Only plans have the field `spec_hash`.
fn read_input(file: &Path) -> Result<Input, Error> {
    #[derive(Deserialize)]
    struct Probe {
        spec_hash: Option<IgnoredAny>,
    }
    let bytes = read(file, Spec::MAX_BYTES, "apply")?;
    match serde_json::from_slice(&bytes) {
        Ok(Probe { spec_hash: Some(_) }) => {
            let plan = Plan::from_json(&bytes).map_err(|error| error.on(display_name(file)))?;
            Ok(Input::Plan(Box::new(plan)))
        }
        // The parser of specs explains what is wrong with a file that is neither.
        _ => Spec::from_json(&bytes).map(|spec| Input::Spec(Box::new(spec))),
    }
}

/// Fails with `PreconditionFailed` when the plan was made from another version of the spec.
fn require_same_spec(plan: &Plan, file: &Path) -> Result<(), Error> {
    let spec = read_spec(file, "apply")?;
    if spec.hash()? == plan.spec_hash {
        return Ok(());
    }
    let why = "the spec has changed since the plan was made: plan again";
    Err(Error::new(ErrorKind::PreconditionFailed, why).during("apply").on(display_name(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(text: &str) -> Result<Input, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        std::fs::write(&file, text).unwrap();
        read_input(&file)
    }

    #[test]
    fn plans_and_specs_are_distinguished() {
        let spec = r#"{"version": 1, "stack": "s"}"#;
        assert!(matches!(kind_of(spec), Ok(Input::Spec(_))));
        let plan = r#"{"version": 1, "stack": "s", "spec_hash": "0", "endpoint": "http://x",
            "registry": "reg", "registry_serial": 0, "steps": []}"#;
        assert!(matches!(kind_of(plan), Ok(Input::Plan(_))));
        for (text, kind) in [
            (r#"{"version": 2, "stack": "s", "spec_hash": "0"}"#, ErrorKind::InvalidInput),
            (r#"{"version": 1, "stack": "s", "spec_hash": null, "x": 1}"#, ErrorKind::InvalidSpec),
            ("[]", ErrorKind::InvalidSpec),
            ("", ErrorKind::InvalidSpec),
            (&"[".repeat(100_000), ErrorKind::InvalidSpec),
        ] {
            assert_eq!(kind_of(text).err().map(|error| error.kind()), Some(kind), "{text:.40}");
        }
    }
}
