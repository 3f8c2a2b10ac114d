//! `lakewright apply`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use lakewright::plan::{self, Plan, Report};
use lakewright::spec::Spec;
use lakewright::{Applied, Error, ErrorKind, Event, Lake};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::plan::Choice;
use super::{place, read, read_spec};
use crate::context::Context;
use crate::failure::{Failure, Outcome, say};
use crate::input::{confirm, confirm_word};
use crate::output::Answer;
use crate::progress::Steps;
use crate::readable;

/// The longest plan file, in bytes: a plan says everything that its document does, and what it
/// replaces besides.
const MAX_PLAN: usize = 8 * Spec::MAX_BYTES;

/// Make the system what is declared
///
/// Takes a document, or a plan that `lakewright plan --out` wrote. A document is planned first:
/// the plan is shown on stderr and a terminal is asked; where something is lost that cannot be
/// brought back, it asks for the stack's name. Without a terminal nothing is done unless --yes is
/// said.
///
/// A plan is applied as it is, with --yes or after the same question, and refused when the
/// registry has moved since (somebody applied), when it was made for another server, and with
/// --spec when the document is not the one that it was made from any more.
///
/// Prints what was done. When some steps fail the others are done all the same, the report says
/// which is which, and the error is partial_apply. Applying again does what is left, also after a
/// crash.
///
/// Ctrl-C or SIGTERM: no other step is begun, those under way come to their end, what was done is
/// recorded and the report says what; exit code 130 or 143. A second one ends at once, and the
/// next apply looks for what was done.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright apply lake.json
  lakewright apply lake.json --yes --prune
  lakewright plan lake.json --out lake.plan && lakewright apply lake.plan --spec lake.json --yes")]
pub(crate) struct Apply {
    /// The document of what should exist, or a plan; - for stdin
    #[arg(value_name = "SPEC|PLAN")]
    file: PathBuf,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    choice: Choice,
    /// Refuse the plan unless this document is still the one that it was made from
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
}

/// What a file is.
enum Given {
    Spec(Box<Spec>),
    Plan(Box<Plan>),
}

impl Apply {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let wrong = |why: &str| Error::invalid_input(why).during("apply").on(place(&self.file));
        let lake;
        let plan = match given(&self.file)? {
            Given::Spec(_) if self.spec.is_some() => {
                return Err(wrong("it is a document itself: --spec goes with a plan").into());
            }
            Given::Spec(spec) => {
                lake = context.lake().await?;
                lake.plan(&spec, &self.choice.options()).await?
            }
            Given::Plan(_) if self.choice.prune || !self.choice.adopt.is_empty() => {
                let why = "it is a plan, and applied as it is: say --prune and --adopt to plan";
                return Err(wrong(why).into());
            }
            Given::Plan(plan) => {
                if let Some(spec) = &self.spec {
                    made_from(&plan, spec)?;
                }
                lake = context.lake().await?;
                *plan
            }
        };
        carry_out(&lake, &plan, self.yes, context).await
    }
}

/// Shows a plan, asks, applies it and tells what came of it.
pub(super) async fn carry_out(
    lake: &Lake,
    plan: &Plan,
    yes: bool,
    context: &mut Context,
) -> Outcome {
    // An empty plan may still have something to record: what a crash left behind.
    say(&readable::plan(plan, readable::Paint::stderr()));
    if !yes && !plan.is_empty() {
        if plan.is_destructive() {
            let word = plan.stack.to_string();
            confirm_word("takes away what cannot be brought back", &word).await?;
        } else {
            confirm("changes the server").await?;
        }
    }
    let steps = Steps::new(context.is_watched(), plan.steps.len());
    let watch = |event: Event<'_>| match event {
        Event::Started(step) => steps.started(&readable::step(step)),
        Event::Ended(step, outcome) => steps.ended(
            &readable::step(step),
            match outcome {
                plan::Outcome::Done => None,
                plan::Outcome::Failed { error, .. } => Some(error.as_str()),
                plan::Outcome::Skipped { .. } => Some("skipped"),
            },
        ),
    };
    // From here on it ends by itself when it is asked to stop.
    context.ends_itself();
    let asked = context.stopped();
    let stop = async {
        asked.await;
        steps.say("stopping: what is under way comes to its end; ask again to end at once");
    };
    let Applied { report, error, stopped } = lake.apply_until(plan, &watch, stop).await;
    drop(steps);
    match error {
        None => context.out.show(&Told { plan, report: &report, paint: context.out.paint() }),
        Some(error) => {
            // Nothing was tried when nothing has an outcome: then the error says it all.
            if !report.outcomes.is_empty() {
                context.out.show(&Told { plan, report: &report, paint: context.out.paint() })?;
                context.out.flush()?;
            }
            Err(if stopped { Failure::Stopped(error) } else { error.into() })
        }
    }
}

/// Whether this is a plan or a document: a plan says of which document it was made, and no
/// document has such a field.
fn given(file: &Path) -> Result<Given, Error> {
    #[derive(Deserialize)]
    struct Probe {
        spec_hash: Option<IgnoredAny>,
    }
    let bytes = read(file, MAX_PLAN, "apply")?;
    match serde_json::from_slice(&bytes) {
        Ok(Probe { spec_hash: Some(_) }) => {
            if bytes.len() > MAX_PLAN {
                let why = format!("the plan has more than {MAX_PLAN} bytes");
                return Err(Error::new(ErrorKind::TooLarge, why).during("apply").on(place(file)));
            }
            let plan = Plan::from_json(&bytes).map_err(|error| error.on(place(file)))?;
            Ok(Given::Plan(Box::new(plan)))
        }
        // What is neither is told so in the words of documents.
        _ => Spec::from_json(&bytes).map(|spec| Given::Spec(Box::new(spec))),
    }
}

/// Refuses a plan whose document has moved on.
fn made_from(plan: &Plan, file: &Path) -> Result<(), Error> {
    let spec = read_spec(file, "apply")?;
    if spec.hash()? == plan.spec_hash {
        return Ok(());
    }
    let why = "the plan was not made from this document as it is now: plan again";
    Err(Error::new(ErrorKind::PreconditionFailed, why).during("apply").on(place(file)))
}

/// What came of a plan.
struct Told<'a> {
    plan: &'a Plan,
    report: &'a Report,
    paint: readable::Paint,
}

impl Answer for Told<'_> {
    fn json(&self) -> Value {
        let steps: Vec<Value> = self
            .plan
            .steps
            .iter()
            .map(|step| {
                let mut told = json!({
                    "id": step.id, "resource": step.resource, "verb": step.action.verb(),
                    "outcome": null, "code": null, "error": null, "because_of": null,
                });
                match self.report.outcomes.get(&step.id) {
                    Some(plan::Outcome::Done) => told["outcome"] = json!("done"),
                    Some(plan::Outcome::Failed { code, error }) => {
                        told["outcome"] = json!("failed");
                        told["code"] = json!(code);
                        told["error"] = json!(error);
                    }
                    Some(plan::Outcome::Skipped { because_of }) => {
                        told["outcome"] = json!("skipped");
                        told["because_of"] = json!(because_of);
                    }
                    None => {}
                }
                told
            })
            .collect();
        json!({
            "stack": self.plan.stack,
            "complete": self.report.is_complete(self.plan),
            "steps": steps,
        })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(readable::report(self.plan, self.report, self.paint).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Given, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        std::fs::write(&file, text).unwrap();
        given(&file)
    }

    #[test]
    fn plans_are_told_from_documents() {
        let spec = r#"{"version": 1, "stack": "s"}"#;
        assert!(matches!(of(spec), Ok(Given::Spec(_))));
        let plan = r#"{"version": 1, "stack": "s", "spec_hash": "0", "endpoint": "http://x",
            "registry": "reg", "registry_serial": 0, "steps": []}"#;
        assert!(matches!(of(plan), Ok(Given::Plan(_))));
        for (text, kind) in [
            (r#"{"version": 2, "stack": "s", "spec_hash": "0"}"#, ErrorKind::InvalidInput),
            (r#"{"version": 1, "stack": "s", "spec_hash": null, "x": 1}"#, ErrorKind::InvalidSpec),
            ("[]", ErrorKind::InvalidSpec),
            ("", ErrorKind::InvalidSpec),
            (&"[".repeat(100_000), ErrorKind::InvalidSpec),
        ] {
            assert_eq!(of(text).err().map(|error| error.kind()), Some(kind), "{text:.40}");
        }
    }
}
