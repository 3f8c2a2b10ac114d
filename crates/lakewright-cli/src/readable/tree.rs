//! A plan as a tree: resource by resource, field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use lakewright::ResourceId;
use lakewright::plan::{Action, Change, Outcome, Plan, Report, Risk, Step};
use lakewright::state::IntentKind;
use serde_json::Value;

use super::values::{Line, lines};
use crate::human::{count, printable};

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// No: files, pipes, Python.
    Plain,
    /// As ANSI terminals do it (ECMA-48, SGR).
    Colours,
}

/// What a piece of text is, as a colour says it.
#[derive(Clone, Copy)]
enum Ink {
    Create,
    Change,
    Delete,
    Take,
    Quiet,
    Loud,
    Alarm,
}

impl Paint {
    /// For stdout, as far as whoever reads it wants colours.
    pub(crate) fn stdout() -> Self {
        Self::on(io::stdout().is_terminal())
    }

    /// For stderr, as far as whoever reads it wants colours.
    pub(crate) fn stderr() -> Self {
        Self::on(io::stderr().is_terminal())
    }

    /// On a terminal, unless `NO_COLOR` (<https://no-color.org>) says something or the terminal
    /// is a dumb one.
    fn on(terminal: bool) -> Self {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if terminal && !unwanted && !dumb { Self::Colours } else { Self::Plain }
    }

    fn ink(self, ink: Ink, text: &str) -> String {
        let code = match (self, ink) {
            (Self::Plain, _) => return text.to_owned(),
            (Self::Colours, Ink::Create) => "32",
            (Self::Colours, Ink::Change) => "33",
            (Self::Colours, Ink::Delete) => "31",
            (Self::Colours, Ink::Take) => "36",
            (Self::Colours, Ink::Quiet) => "2",
            (Self::Colours, Ink::Loud) => "1",
            (Self::Colours, Ink::Alarm) => "1;31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// What becomes of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Created,
    Adopted,
    Changed,
    Destroyed,
    Forgotten,
    Recorded,
}

impl Fate {
    fn of(plan: &Plan, resource: &ResourceId, steps: &[&Step]) -> Self {
        let all = |is: fn(&Action) -> bool| steps.iter().all(|step| is(&step.action));
        let some = |is: fn(&Action) -> bool| steps.iter().any(|step| is(&step.action));
        if all(|action| matches!(action, Action::Record)) {
            return Self::Recorded;
        }
        match plan.intents.get(resource).map(|intent| intent.kind) {
            Some(IntentKind::Create) => Self::Created,
            Some(IntentKind::Adopt) => Self::Adopted,
            Some(IntentKind::Change) => Self::Changed,
            Some(IntentKind::Delete) => Self::Destroyed,
            Some(IntentKind::Forget) => Self::Forgotten,
            // A drift has steps without what is to be remembered of them.
            None if some(|action| matches!(action, Action::Adopt)) => Self::Adopted,
            None if some(|action| matches!(action, Action::Forget)) => Self::Forgotten,
            None if some(ends) => Self::Destroyed,
            None if some(begins) => Self::Created,
            None => Self::Changed,
        }
    }

    /// The mark before the resource, and its colour.
    const fn mark(self) -> (&'static str, Ink) {
        match self {
            Self::Created => ("+", Ink::Create),
            Self::Adopted => ("<-", Ink::Take),
            Self::Changed => ("~", Ink::Change),
            Self::Destroyed => ("-", Ink::Delete),
            Self::Forgotten => ("->", Ink::Take),
            Self::Recorded => ("=", Ink::Quiet),
        }
    }
}

fn begins(action: &Action) -> bool {
    matches!(
        action,
        Action::CreateBucket { .. }
            | Action::CreateTable { .. }
            | Action::CreateGroup
            | Action::CreateServiceAccount { .. }
    )
}

fn ends(action: &Action) -> bool {
    matches!(
        action,
        Action::DeleteBucket { .. }
            | Action::DropTable { .. }
            | Action::DeletePolicy
            | Action::DeleteGroup
            | Action::DeleteUser
            | Action::DeleteServiceAccount { .. }
    )
}

/// The plan as a tree, with its notes and its sum, ending in a line break.
///
/// `+` is created, `~` changed, `-` destroyed, `<-` taken over, `->` let go of, `=` only
/// remembered anew.
#[must_use]
pub fn plan(plan: &Plan, paint: Paint) -> String {
    let mut text = format!("{}\n\n", heading(plan, paint));
    tree(plan, paint, &mut text);
    notes(plan, paint, &mut text);
    if plan.is_empty() {
        text += "Nothing to do: everything is as it is declared.\n";
        return text;
    }
    let _ = write!(text, "{} {}", paint.ink(Ink::Loud, "Plan:"), plan.summary());
    let remembered = recorded(plan);
    if remembered > 0 {
        let _ = write!(text, " ({remembered} of them in the registry only)");
    }
    let destructive = plan.steps.iter().filter(|step| step.risk == Risk::Destructive).count();
    if destructive > 0 {
        let what = format!("{} cannot be undone", count(destructive as u64, "step"));
        let _ = write!(text, "; {}", paint.ink(Ink::Alarm, &what));
    }
    text + ".\n"
}

/// What differs from what is declared: the same tree, told as a finding.
#[must_use]
pub fn drift(plan: &Plan, paint: Paint) -> String {
    let mut text = format!("{}\n\n", heading(plan, paint));
    tree(plan, paint, &mut text);
    notes(plan, paint, &mut text);
    let resources: BTreeSet<&ResourceId> =
        plan.steps.iter().map(|step| &step.resource).chain(&plan.kept).collect();
    match resources.len() {
        0 => text += "No drift: everything is as it is declared.\n",
        number => {
            let what = count(number as u64, "resource");
            let verb = if number == 1 { "differs" } else { "differ" };
            let title = paint.ink(Ink::Loud, "Drift:");
            let _ = writeln!(text, "{title} {what} {verb} from what is declared.");
        }
    }
    text
}

fn heading(plan: &Plan, paint: Paint) -> String {
    let stack = paint.ink(Ink::Loud, &format!("stack {}", plan.stack));
    let rest = format!("at {}, registry {}", printable(&plan.endpoint), plan.registry);
    format!("{stack} {}", paint.ink(Ink::Quiet, &rest))
}

/// Resources of which only the declaration is new.
fn recorded(plan: &Plan) -> usize {
    let mut only: BTreeMap<&ResourceId, bool> = BTreeMap::new();
    for step in &plan.steps {
        let is = matches!(step.action, Action::Record);
        only.entry(&step.resource).and_modify(|all| *all &= is).or_insert(is);
    }
    only.values().filter(|all| **all).count()
}

/// Every resource with its fields, in the order of their first steps.
fn tree(plan: &Plan, paint: Paint, text: &mut String) {
    let mut order: Vec<&ResourceId> = Vec::new();
    let mut steps: BTreeMap<&ResourceId, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        let of = steps.entry(&step.resource).or_default();
        if of.is_empty() {
            order.push(&step.resource);
        }
        of.push(step);
    }
    for resource in &order {
        if let Some(steps) = steps.get(resource) {
            resource_lines(plan, resource, steps, paint, text);
        }
    }
    if !order.is_empty() {
        text.push('\n');
    }
}

fn resource_lines(
    plan: &Plan,
    resource: &ResourceId,
    steps: &[&Step],
    paint: Paint,
    text: &mut String,
) {
    let fate = Fate::of(plan, resource, steps);
    let (mark, ink) = fate.mark();
    let name = resource.to_string();
    let head = format!("{mark:<2} {}", printable(&name));
    let destructive = steps.iter().any(|step| step.risk == Risk::Destructive);
    let ink = if destructive { Ink::Alarm } else { ink };
    let reason = steps.first().map(|step| step.reason.as_str()).unwrap_or_default();
    let said = match steps.iter().find(|step| ends(&step.action)).map(|step| &step.action) {
        Some(Action::DeleteBucket { force: true }) => "DESTROYED WITH EVERYTHING IN IT ",
        Some(_) => "DESTROYED ",
        None => "",
    };
    let said =
        if said.is_empty() { String::new() } else { paint.ink(Ink::Alarm, said.trim_end()) + " " };
    let quiet = paint.ink(Ink::Quiet, &format!("({})", printable(reason)));
    let _ = writeln!(text, "{}  {said}{quiet}", paint.ink(ink, &head));

    let all: Vec<(Line, Risk)> = changes(steps)
        .iter()
        .flat_map(|(change, risk)| lines(change).into_iter().map(|line| (line, *risk)))
        .collect();
    let width = all.iter().map(|(line, _)| line.field.chars().count()).max().unwrap_or(0).min(32);
    for (Line { field, old, new }, risk) in all {
        let (mark, ink, value) = match (old, new) {
            (Some(old), Some(new)) => {
                let (old, new) = (paint.ink(Ink::Delete, &old), paint.ink(Ink::Create, &new));
                ("~", Ink::Change, format!("{old} → {new}"))
            }
            (Some(old), None) => ("-", Ink::Delete, paint.ink(Ink::Delete, &old)),
            (None, new) => {
                ("+", Ink::Create, paint.ink(Ink::Create, new.as_deref().unwrap_or_default()))
            }
        };
        let pad = " ".repeat(width.saturating_sub(field.chars().count()));
        let warning = match risk {
            Risk::Safe => String::new(),
            Risk::Destructive => paint.ink(Ink::Alarm, "  ! cannot be undone"),
        };
        let _ = writeln!(text, "     {} {field}{pad}  {value}{warning}", paint.ink(ink, mark));
    }
}

/// What changes in a resource, and at what risk. A step that makes something says it in what it
/// takes.
fn changes(steps: &[&Step]) -> Vec<(Change, Risk)> {
    let told: BTreeSet<&str> =
        steps.iter().flat_map(|step| &step.changes).map(|change| change.field.as_str()).collect();
    let mut all = Vec::new();
    for step in steps {
        if begins(&step.action) && step.changes.is_empty() {
            let new = taken(&step.action).into_iter();
            all.extend(new.filter(|new| !told.contains(&*new.field)).map(|new| (new, step.risk)));
        }
        all.extend(step.changes.iter().map(|change| (change.clone(), step.risk)));
    }
    all
}

/// The arguments of an action as fields that come into being.
fn taken(action: &Action) -> Vec<Change> {
    // What cannot be written is not shown, which only a bug does.
    let Ok(Value::Object(fields)) = serde_json::to_value(action) else { return Vec::new() };
    let says_something = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    fields
        .into_iter()
        .filter(|(field, value)| field != "do" && says_something(value))
        .map(|(field, value)| Change { field, old: None, new: Some(value) })
        .collect()
}

fn notes(plan: &Plan, paint: Paint, text: &mut String) {
    let title = paint.ink(Ink::Take, "note:");
    for note in &plan.notes {
        let resource = note.resource.to_string();
        let _ = writeln!(text, "{title} {}: {}", printable(&resource), printable(&note.text));
    }
    for found in &plan.recovered {
        let resource = found.resource.to_string();
        let what = match found.owned {
            Some(_) => "an apply that was cut off had made or changed it, and it is ours",
            None => "an apply that was cut off had taken it away",
        };
        let _ = writeln!(text, "{title} {}: {what}", printable(&resource));
    }
    if !plan.notes.is_empty() || !plan.recovered.is_empty() {
        text.push('\n');
    }
}

/// A step as one line: `set_quota bucket raw`.
#[must_use]
pub fn step(step: &Step) -> String {
    let mut text = format!("{} {}", step.action.verb(), step.resource);
    if let Action::JoinGroup { group } | Action::LeaveGroup { group } = &step.action {
        let _ = write!(text, " ({group})");
    }
    printable(&text).into_owned()
}

/// What came of a plan: the number of steps that are done, and every one that is not.
#[must_use]
pub fn report(plan: &Plan, report: &Report, paint: Paint) -> String {
    let (mut failed, mut left) = (0, 0);
    let mut rest = String::new();
    for each in &plan.steps {
        let (title, why) = match report.outcomes.get(&each.id) {
            Some(Outcome::Done) => continue,
            Some(Outcome::Failed { error, .. }) => {
                failed += 1;
                (paint.ink(Ink::Alarm, "failed "), printable(error).into_owned())
            }
            Some(Outcome::Skipped { because_of }) => {
                left += 1;
                let before = plan.step(*because_of).map(step).unwrap_or_default();
                (paint.ink(Ink::Change, "skipped"), format!("it needs {before}"))
            }
            None => {
                left += 1;
                (paint.ink(Ink::Change, "left   "), "it was not reached".to_owned())
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
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// A plan of every fate, as it stands in a plan file.
    pub(in super::super) fn sample() -> Plan {
        let document = json!({
            "version": 1, "stack": "lake", "spec_hash": "00", "endpoint": "http://127.0.0.1:9000",
            "registry": "lakewright-state", "registry_serial": 4,
            "steps": [
                {"id": 0, "resource": "bucket/raw", "do": null, "action": {"do": "create_bucket", "object_lock": false},
                 "risk": "safe", "reason": "it does not exist"},
                {"id": 1, "resource": "bucket/raw", "action": {"do": "set_quota", "quota": 10_737_418_240_u64},
                 "risk": "safe", "reason": "it is declared", "after": [0],
                 "changes": [{"field": "quota", "new": 10_737_418_240_u64}]},
                {"id": 2, "resource": "table/raw/flights", "risk": "safe", "reason": "it does not exist", "after": [0],
                 "action": {"do": "create_table", "schema": [{"name": "day", "type": "date"}, {"name": "n", "type": "long", "nullable": false}],
                            "partition_by": ["day"], "properties": {"delta.appendOnly": "true"}}},
                {"id": 3, "resource": "bucket/audit", "risk": "safe", "reason": "it exists and is to be taken over",
                 "action": {"do": "adopt"}},
                {"id": 4, "resource": "bucket/audit", "risk": "destructive", "reason": "it is declared", "after": [3],
                 "action": {"do": "set_tags", "tags": {"team": "ops"}},
                 "changes": [{"field": "tags", "old": {"team": "data", "x": "1"}, "new": {"team": "ops"}}]},
                {"id": 5, "resource": "group/evil \u{202e}x", "risk": "safe", "reason": "it differs from what is declared",
                 "action": {"do": "set_group_enabled", "enabled": true},
                 "changes": [{"field": "enabled", "old": false, "new": true}]},
                {"id": 6, "resource": "policy/kept", "risk": "safe", "reason": "its declaration has changed",
                 "action": {"do": "record"},
                 "changes": [{"field": "grants", "new": [{"access": "read", "bucket": "raw"}]}]},
                {"id": 7, "resource": "user/gone", "risk": "safe", "reason": "it is not declared any more, and is gone already",
                 "action": {"do": "forget"}},
                {"id": 8, "resource": "bucket/old", "risk": "destructive", "reason": "it is not declared any more",
                 "action": {"do": "delete_bucket", "force": true}}
            ],
            "notes": [{"resource": "bucket/b-2", "text": "it is ours and not declared any more, and is kept: --prune takes it away"}],
            "intents": {
                "bucket/raw": {"kind": "create"}, "table/raw/flights": {"kind": "create"},
                "bucket/audit": {"kind": "adopt"}, "group/evil \u{202e}x": {"kind": "change"},
                "policy/kept": {"kind": "change"}, "user/gone": {"kind": "forget"},
                "bucket/old": {"kind": "delete"}
            }
        });
        let mut document = document;
        document["steps"][0].as_object_mut().unwrap().remove("do");
        Plan::from_json(document.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_plan_reads_like_this() {
        assert_eq!(
            plan(&sample(), Paint::Plain),
            "\
stack lake at http://127.0.0.1:9000, registry lakewright-state

+  bucket raw  (it does not exist)
     + quota  10.0 GiB (10737418240 B)
+  table raw/flights  (it does not exist)
     + partition_by                 day
     + properties.delta.appendOnly  \"true\"
     + schema.day                   date
     + schema.n                     long not null
<- bucket audit  (it exists and is to be taken over)
     ~ tags.team  data → ops  ! cannot be undone
     - tags.x     \"1\"  ! cannot be undone
~  group evil \\u{202e}x  (it differs from what is declared)
     ~ enabled  false → true
=  policy kept  (its declaration has changed)
     + grants  {\"access\":\"read\",\"bucket\":\"raw\"}
-> user gone  (it is not declared any more, and is gone already)
-  bucket old  DESTROYED WITH EVERYTHING IN IT (it is not declared any more)

note: bucket b-2: it is ours and not declared any more, and is kept: --prune takes it away

Plan: 2 to create, 1 to adopt, 2 to change, 1 to delete, 1 to forget (1 of them in the registry only); 2 steps cannot be undone.
"
        );
    }

    #[test]
    fn colours_change_nothing_else() {
        let coloured = plan(&sample(), Paint::Colours);
        assert!(coloured.contains("\u{1b}[1;31m-  bucket old\u{1b}[0m"), "{coloured}");
        let mut stripped = coloured;
        for code in ["32", "33", "31", "36", "2", "1", "1;31", "0"] {
            stripped = stripped.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(stripped, plan(&sample(), Paint::Plain));
    }

    #[test]
    fn nothing_to_do_is_said() {
        let mut empty = sample();
        empty.steps.clear();
        empty.intents.clear();
        empty.notes.clear();
        let text = plan(&empty, Paint::Plain);
        assert!(text.ends_with("\n\nNothing to do: everything is as it is declared.\n"), "{text}");
        assert!(
            drift(&empty, Paint::Plain).ends_with("No drift: everything is as it is declared.\n")
        );
        assert!(
            drift(&sample(), Paint::Plain)
                .ends_with("Drift: 7 resources differ from what is declared.\n")
        );
    }

    #[test]
    fn a_report_tells_what_is_not_done() {
        let plan = sample();
        let mut outcomes: BTreeMap<_, _> =
            plan.steps.iter().map(|step| (step.id, Outcome::Done)).collect();
        assert_eq!(
            report(&plan, &Report { outcomes: outcomes.clone() }, Paint::Plain),
            "stack lake: 9 steps done\n"
        );
        let why = Outcome::Failed { code: "denied".into(), error: "set_quota raw: no\u{7}".into() };
        outcomes.insert(plan.steps[1].id, why);
        outcomes.insert(plan.steps[2].id, Outcome::Skipped { because_of: plan.steps[1].id });
        outcomes.remove(&plan.steps[8].id);
        assert_eq!(
            report(&plan, &Report { outcomes }, Paint::Plain),
            "stack lake: 6 of 9 steps done, 1 failed, 2 not tried
  failed  set_quota bucket raw: set_quota raw: no\\u{7}
  skipped create_table table raw/flights: it needs set_quota bucket raw
  left    delete_bucket bucket old: it was not reached
"
        );
    }
}
