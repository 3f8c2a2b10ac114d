//! A step and a report as text.

use std::fmt::Write as _;

use lakewright_core::plan::{Plan, Report, Step, StepStatus};
use lakewright_core::printable;

use super::number::count;
use super::style::{Color, Style};

/// Renders a step on one line: `set_quota bucket raw`.
#[must_use]
pub fn step(step: &Step) -> String {
    let mut text = format!("{} {}", step.action.verb(), step.resource());
    if let Some(argument) = step.action.argument() {
        let _ = write!(text, " ({argument})");
    }
    printable(&text).into_owned()
}

/// Renders the outcomes of a plan: the number of steps that are done, and a line with the reason
/// for each of the others.
#[must_use]
pub fn report(plan: &Plan, report: &Report, style: Style) -> String {
    let (mut failed, mut left) = (0, 0);
    let mut rest = String::new();
    for each in &plan.steps {
        let (title, why) = match report.outcomes.get(&each.id) {
            Some(StepStatus::Done) => continue,
            Some(StepStatus::Failed { error, .. }) => {
                failed += 1;
                (style.paint(Color::BoldRed, "failed "), printable(error).into_owned())
            }
            Some(StepStatus::Skipped { because_of }) => {
                left += 1;
                let before = plan.step(*because_of).map(step).unwrap_or_default();
                (style.paint(Color::Yellow, "skipped"), format!("it needs {before}"))
            }
            None => {
                left += 1;
                (style.paint(Color::Yellow, "left   "), "it was not reached".to_owned())
            }
        };
        let _ = writeln!(rest, "  {title} {}: {why}", step(each));
    }
    let all = count(plan.steps.len() as u64, "step");
    let stack = &plan.stack;
    if plan.is_empty() {
        return format!("stack {stack}: nothing to do\n");
    }
    if rest.is_empty() {
        return format!("stack {stack}: {all} done\n");
    }
    let done = report.done();
    format!("stack {stack}: {done} of {all} done, {failed} failed, {left} not tried\n{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tree::tests::sample;
    use std::collections::BTreeMap;

    #[test]
    fn a_report_lists_the_steps_that_are_not_done() {
        let plan = sample();
        let mut outcomes: BTreeMap<_, _> =
            plan.steps.iter().map(|step| (step.id, StepStatus::Done)).collect();
        assert_eq!(
            report(&plan, &Report { outcomes: outcomes.clone() }, Style::Plain),
            "stack lake: 9 steps done\n"
        );
        let why = StepStatus::Failed {
            code: "denied".into(),
            error: "set_quota raw: no\u{7}".into(),
            outcome_unknown: false,
        };
        outcomes.insert(plan.steps[1].id, why);
        outcomes.insert(plan.steps[2].id, StepStatus::Skipped { because_of: plan.steps[1].id });
        outcomes.remove(&plan.steps[8].id);
        assert_eq!(
            report(&plan, &Report { outcomes }, Style::Plain),
            "stack lake: 6 of 9 steps done, 1 failed, 2 not tried
  failed  set_quota bucket raw: set_quota raw: no\\u{7}
  skipped create_table table raw/flights: it needs set_quota bucket raw
  left    delete_bucket bucket old: it was not reached
"
        );
    }
}
