//! Confirmation and execution of a plan, with progress and the outcome of every step.

use std::io::{self, Write};

use lakewright::declared::{Applied, Event};
use lakewright::plan::{Plan, Report, StepStatus};
use lakewright::{Lake, render};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::input::{confirm, confirm_by_name};
use crate::output::{Render, stderr_style};
use crate::progress::StepProgress;
use crate::stderr;

/// Shows a plan, asks for confirmation unless `yes` is set, applies the plan and prints the
/// outcomes.
pub(super) async fn execute(
    lake: &Lake,
    plan: &Plan,
    yes: bool,
    context: &mut Context,
) -> CommandResult {
    stderr::write(&render::plan(plan, stderr_style()));
    // An empty plan is applied without a question: it can still complete the record of an apply
    // that crashed.
    if !yes && !plan.is_empty() {
        if plan.is_destructive() {
            confirm_by_name("deletes data irrecoverably", plan.stack.as_ref()).await?;
        } else {
            confirm("changes the server").await?;
        }
    }
    let progress = StepProgress::new(context.shows_progress(), plan.steps.len());
    let watch = |event: Event<'_>| match event {
        Event::Started(step) => progress.started(&render::step(step)),
        Event::Ended(step, outcome) => progress.ended(
            &render::step(step),
            match outcome {
                StepStatus::Done => None,
                StepStatus::Failed { error, .. } => Some(error.as_str()),
                StepStatus::Skipped { .. } => Some("skipped"),
            },
        ),
    };
    // A dropped apply would leave steps unrecorded, so a signal stops it between steps.
    context.stop_gracefully();
    let signal = context.stopped();
    let stop = async {
        signal.await;
        progress.print("stopping after the running steps; a second signal stops at once");
    };
    let Applied { report, error, stopped } = lake.apply_until(plan, &watch, stop).await;
    drop(progress);
    let output = ApplyOutput {
        plan,
        report: &report,
        text: render::report(plan, &report, context.out.style()),
    };
    match error {
        None => context.out.show(&output),
        Some(error) => {
            // Without outcomes no step was started, and the error alone explains why.
            if !report.outcomes.is_empty() {
                context.out.show(&output)?;
                context.out.flush()?;
            }
            Err(if stopped { Failure::Stopped(error) } else { error.into() })
        }
    }
}

/// The outcome of every step of an applied plan.
struct ApplyOutput<'a> {
    plan: &'a Plan,
    report: &'a Report,
    text: String,
}

impl Render for ApplyOutput<'_> {
    fn json(&self) -> Value {
        let steps: Vec<Value> = self
            .plan
            .steps
            .iter()
            .map(|step| {
                let mut entry = json!({
                    "id": step.id, "resource": step.resource(), "verb": step.action.verb(),
                    "status": "left", "code": null, "error": null, "outcome_unknown": false,
                    "because_of": null,
                });
                match self.report.outcomes.get(&step.id) {
                    Some(StepStatus::Done) => entry["status"] = json!("done"),
                    Some(StepStatus::Failed { code, error, outcome_unknown }) => {
                        entry["status"] = json!("failed");
                        entry["code"] = json!(code);
                        entry["error"] = json!(error);
                        entry["outcome_unknown"] = json!(outcome_unknown);
                    }
                    Some(StepStatus::Skipped { because_of }) => {
                        entry["status"] = json!("skipped");
                        entry["because_of"] = json!(because_of);
                    }
                    // The step was not reached.
                    None => {}
                }
                entry
            })
            .collect();
        json!({
            "stack": self.plan.stack,
            "is_complete": self.report.is_complete(self.plan),
            "steps": steps,
        })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.text.as_bytes())
    }
}
