//! A plan as a tree: resource by resource, field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use lakewright_core::plan::{Change, Effect, Plan, Risk, Step};
use lakewright_core::state::IntentKind;
use lakewright_core::{ResourceId, printable};
use serde_json::Value;

use super::number::count;
use super::style::{Color, Style};
use super::values::{Line, lines};

/// The effect of a plan on a resource as a whole. Of several effects of its steps the greatest
/// counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ResourceEffect {
    Recorded,
    Changed,
    Created,
    Destroyed,
    Forgotten,
    Adopted,
}

impl ResourceEffect {
    fn of(plan: &Plan, resource: &ResourceId, steps: &[&Step]) -> Self {
        let effects = || steps.iter().map(|step| step.action.effect());
        if effects().all(|effect| effect == Effect::Records) {
            return Self::Recorded;
        }
        match plan.intents.get(resource).map(crate::state::Intent::kind) {
            Some(IntentKind::Create) => Self::Created,
            Some(IntentKind::Adopt) => Self::Adopted,
            Some(IntentKind::Change) => Self::Changed,
            Some(IntentKind::Delete) => Self::Destroyed,
            Some(IntentKind::Forget) => Self::Forgotten,
            // Every step of a plan has an intent, unless a caller removed it.
            None => effects().map(Self::of_effect).max().unwrap_or(Self::Changed),
        }
    }

    const fn of_effect(effect: Effect) -> Self {
        match effect {
            Effect::Adopts => Self::Adopted,
            Effect::Forgets => Self::Forgotten,
            Effect::Deletes | Effect::DeletesWithContents => Self::Destroyed,
            Effect::Creates => Self::Created,
            Effect::Puts | Effect::Changes | Effect::Records => Self::Changed,
        }
    }

    /// Returns the mark before the resource, and its colour.
    const fn mark(self) -> (&'static str, Color) {
        match self {
            Self::Created => ("+", Color::Green),
            Self::Adopted => ("<-", Color::Cyan),
            Self::Changed => ("~", Color::Yellow),
            Self::Destroyed => ("-", Color::Red),
            Self::Forgotten => ("->", Color::Cyan),
            Self::Recorded => ("=", Color::Dim),
        }
    }
}

/// Renders a plan as a tree of resources and fields with its notes and a summary, ending in a line
/// break.
///
/// The mark before a resource is `+` for create, `~` for change, `-` for delete, `<-` for adopt,
/// `->` for forget and `=` for an update in the registry only.
#[must_use]
pub fn plan(plan: &Plan, style: Style) -> String {
    let mut text = format!("{}\n\n", title_line(plan, style));
    tree(plan, style, &mut text);
    notes(plan, style, &mut text);
    if plan.is_empty() {
        text += "Nothing to do: everything is as it is declared.\n";
        return text;
    }
    let _ = write!(text, "{} {}", style.paint(Color::Bold, "Plan:"), plan.summary());
    let remembered = recorded(plan);
    if remembered > 0 {
        let _ = write!(text, " ({remembered} of them in the registry only)");
    }
    let destructive = plan.steps.iter().filter(|step| step.risk == Risk::Destructive).count();
    if destructive > 0 {
        let what = format!("{} cannot be undone", count(destructive as u64, "step"));
        let _ = write!(text, "; {}", style.paint(Color::BoldRed, &what));
    }
    text + ".\n"
}

/// Renders a plan as the drift from a spec: the same tree, with a summary of the differences.
#[must_use]
pub fn drift(plan: &Plan, style: Style) -> String {
    let mut text = format!("{}\n\n", title_line(plan, style));
    tree(plan, style, &mut text);
    notes(plan, style, &mut text);
    let resources: BTreeSet<ResourceId> =
        plan.steps.iter().map(Step::resource).chain(plan.kept.iter().cloned()).collect();
    match resources.len() {
        0 => text += "No drift: everything is as it is declared.\n",
        number => {
            let what = count(number as u64, "resource");
            let verb = if number == 1 { "differs" } else { "differ" };
            let title = style.paint(Color::Bold, "Drift:");
            let _ = writeln!(text, "{title} {what} {verb} from what is declared.");
        }
    }
    text
}

/// Returns the first line: the stack, the server and the registry.
fn title_line(plan: &Plan, style: Style) -> String {
    let stack = style.paint(Color::Bold, &format!("stack {}", plan.stack));
    let rest = format!("at {}, registry {}", printable(&plan.endpoint), plan.registry);
    format!("{stack} {}", style.paint(Color::Dim, &rest))
}

/// Returns the number of resources that are updated in the registry only.
fn recorded(plan: &Plan) -> usize {
    let mut only: BTreeMap<ResourceId, bool> = BTreeMap::new();
    for step in &plan.steps {
        let is = step.action.effect() == Effect::Records;
        only.entry(step.resource()).and_modify(|all| *all &= is).or_insert(is);
    }
    only.values().filter(|all| **all).count()
}

/// Appends every resource with its fields, in the order of their first steps.
fn tree(plan: &Plan, style: Style, text: &mut String) {
    let mut order: Vec<ResourceId> = Vec::new();
    let mut steps: BTreeMap<ResourceId, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        let resource = step.resource();
        let of = steps.entry(resource.clone()).or_default();
        if of.is_empty() {
            order.push(resource);
        }
        of.push(step);
    }
    for resource in &order {
        if let Some(steps) = steps.get(resource) {
            resource_lines(plan, resource, steps, style, text);
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
    style: Style,
    text: &mut String,
) {
    let effect = ResourceEffect::of(plan, resource, steps);
    let (mark, color) = effect.mark();
    let name = resource.to_string();
    let head = format!("{mark:<2} {}", printable(&name));
    let destructive = steps.iter().any(|step| step.risk == Risk::Destructive);
    let color = if destructive { Color::BoldRed } else { color };
    let reason = steps.first().map(|step| step.reason.as_str()).unwrap_or_default();
    let warning = steps.iter().find_map(|step| deletion_warning(step.action.effect()));
    let warning = warning.map(|text| style.paint(Color::BoldRed, text) + " ").unwrap_or_default();
    let quiet = style.paint(Color::Dim, &format!("({})", printable(reason)));
    let _ = writeln!(text, "{}  {warning}{quiet}", style.paint(color, &head));

    let all: Vec<(Line, Risk)> = changes(steps)
        .iter()
        .flat_map(|(change, risk)| lines(change).into_iter().map(|line| (line, *risk)))
        .collect();
    let width = all.iter().map(|(line, _)| line.field.chars().count()).max().unwrap_or(0).min(32);
    for (Line { field, old, new }, risk) in all {
        let (mark, color, value) = match (old, new) {
            (Some(old), Some(new)) => {
                let (old, new) = (style.paint(Color::Red, &old), style.paint(Color::Green, &new));
                ("~", Color::Yellow, format!("{old} → {new}"))
            }
            (Some(old), None) => ("-", Color::Red, style.paint(Color::Red, &old)),
            (None, new) => {
                ("+", Color::Green, style.paint(Color::Green, new.as_deref().unwrap_or_default()))
            }
        };
        let pad = " ".repeat(width.saturating_sub(field.chars().count()));
        let warning = match risk {
            Risk::Safe => String::new(),
            Risk::Destructive => style.paint(Color::BoldRed, "  ! cannot be undone"),
        };
        let _ = writeln!(text, "     {} {field}{pad}  {value}{warning}", style.paint(color, mark));
    }
}

/// Returns the warning for a resource that is deleted.
const fn deletion_warning(effect: Effect) -> Option<&'static str> {
    match effect {
        Effect::Deletes => Some("DESTROYED"),
        Effect::DeletesWithContents => Some("DESTROYED WITH EVERYTHING IN IT"),
        Effect::Creates
        | Effect::Puts
        | Effect::Changes
        | Effect::Adopts
        | Effect::Records
        | Effect::Forgets => None,
    }
}

/// Returns the changes of a resource, each with the risk of its step. The changes of a step that
/// creates the resource are its arguments.
fn changes(steps: &[&Step]) -> Vec<(Change, Risk)> {
    let shown: BTreeSet<&str> =
        steps.iter().flat_map(|step| &step.changes).map(|change| change.field.as_str()).collect();
    let mut all = Vec::new();
    for step in steps {
        if step.action.effect() == Effect::Creates && step.changes.is_empty() {
            let new = arguments(step).into_iter();
            all.extend(new.filter(|new| !shown.contains(&*new.field)).map(|new| (new, step.risk)));
        }
        all.extend(step.changes.iter().map(|change| (change.clone(), step.risk)));
    }
    all
}

/// Returns the arguments of an action as new fields.
fn arguments(step: &Step) -> Vec<Change> {
    // An action that cannot be serialised is not shown, which only a bug causes.
    let Ok(Value::Object(fields)) = serde_json::to_value(&step.action) else {
        return Vec::new();
    };
    let is_set = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    fields
        .into_iter()
        .filter(|(field, value)| field != "do" && is_set(value))
        .map(|(field, value)| Change { field, old: None, new: Some(value) })
        .collect()
}

fn notes(plan: &Plan, style: Style, text: &mut String) {
    let title = style.paint(Color::Cyan, "note:");
    for note in &plan.notes {
        let resource = note.resource.to_string();
        let _ = writeln!(text, "{title} {}: {}", printable(&resource), printable(&note.text));
    }
    for found in &plan.recovered {
        let resource = found.resource.to_string();
        let what = match found.owned {
            Some(_) => "an interrupted apply had created or changed it; the stack owns it",
            None => "an interrupted apply had deleted it",
        };
        let _ = writeln!(text, "{title} {}: {what}", printable(&resource));
    }
    if !plan.notes.is_empty() || !plan.recovered.is_empty() {
        text.push('\n');
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// Returns a plan with every kind of change, parsed from a plan file.
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
            "notes": [{"resource": "bucket/b-2", "text": "it is ours and not declared any more, and is kept: --prune deletes it"}],
            "intents": {
                "bucket/raw": {"kind": "create", "declared": {}},
                "table/raw/flights": {"kind": "create", "declared": {"schema": {"n": "long"}}},
                "bucket/audit": {"kind": "adopt", "declared": {}},
                "group/evil \u{202e}x": {"kind": "change", "declared": {}},
                "policy/kept": {"kind": "change", "declared": {}}, "user/gone": {"kind": "forget"},
                "bucket/old": {"kind": "delete"}
            }
        });
        let mut document = document;
        document["steps"][0].as_object_mut().unwrap().remove("do");
        Plan::from_json(document.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_plan_as_text() {
        assert_eq!(
            plan(&sample(), Style::Plain),
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

note: bucket b-2: it is ours and not declared any more, and is kept: --prune deletes it

Plan: 2 to create, 1 to adopt, 2 to change, 1 to delete, 1 to forget (1 of them in the registry only); 2 steps cannot be undone.
"
        );
    }

    #[test]
    fn colours_do_not_change_the_text() {
        let coloured = plan(&sample(), Style::Ansi);
        assert!(coloured.contains("\u{1b}[1;31m-  bucket old\u{1b}[0m"), "{coloured}");
        let mut stripped = coloured;
        for code in ["32", "33", "31", "36", "2", "1", "1;31", "0"] {
            stripped = stripped.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(stripped, plan(&sample(), Style::Plain));
    }

    #[test]
    fn an_empty_plan_and_a_drift_have_summaries() {
        let mut empty = sample();
        empty.steps.clear();
        empty.intents.clear();
        empty.notes.clear();
        let text = plan(&empty, Style::Plain);
        assert!(text.ends_with("\n\nNothing to do: everything is as it is declared.\n"), "{text}");
        assert!(
            drift(&empty, Style::Plain).ends_with("No drift: everything is as it is declared.\n")
        );
        assert!(
            drift(&sample(), Style::Plain)
                .ends_with("Drift: 7 resources differ from what is declared.\n")
        );
    }
}
