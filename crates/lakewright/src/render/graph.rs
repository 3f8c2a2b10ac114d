//! A plan as a graph of its steps and their dependencies.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lakewright_core::plan::{Plan, Risk, Step};
use lakewright_core::{ResourceId, printable};

/// The language of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphFormat {
    /// The flowcharts of Mermaid, for Markdown: <https://mermaid.js.org/syntax/flowchart.html>.
    Mermaid,
    /// The DOT language, for Graphviz: <https://graphviz.org/doc/info/lang.html>.
    Dot,
}

/// Renders the steps of a plan as a graph, grouped by resource, with an edge from each step to the
/// steps that depend on it. Destructive steps are red.
#[must_use]
pub fn graph(plan: &Plan, format: GraphFormat) -> String {
    let mut resources: BTreeMap<ResourceId, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        resources.entry(step.resource()).or_default().push(step);
    }
    match format {
        GraphFormat::Mermaid => mermaid(plan, &resources),
        GraphFormat::Dot => dot(plan, &resources),
    }
}

// Writing to a String cannot fail.
fn mermaid(plan: &Plan, resources: &BTreeMap<ResourceId, Vec<&Step>>) -> String {
    let mut text = String::from("flowchart LR\n");
    for (number, (resource, steps)) in resources.iter().enumerate() {
        let _ = writeln!(text, "  subgraph r{number}[\"{}\"]", entities(&resource.to_string()));
        for step in steps {
            let _ = writeln!(text, "    s{}[\"{}\"]", step.id, entities(step.action.verb()));
        }
        text += "  end\n";
    }
    for step in &plan.steps {
        for before in &step.after {
            let _ = writeln!(text, "  s{before} --> s{}", step.id);
        }
    }
    let red: Vec<String> = destructive(plan).map(|step| format!("s{}", step.id)).collect();
    if !red.is_empty() {
        text += "  classDef destructive stroke:#c00,stroke-width:2px,color:#c00\n";
        let _ = writeln!(text, "  class {} destructive", red.join(","));
    }
    text
}

fn dot(plan: &Plan, resources: &BTreeMap<ResourceId, Vec<&Step>>) -> String {
    let mut text = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
    for (number, (resource, steps)) in resources.iter().enumerate() {
        let _ = writeln!(text, "  subgraph cluster_{number} {{");
        let _ = writeln!(text, "    label={};", string(&resource.to_string()));
        for step in steps {
            let red =
                if step.risk == Risk::Destructive { ", color=red, fontcolor=red" } else { "" };
            let _ = writeln!(text, "    s{} [label={}{red}];", step.id, string(step.action.verb()));
        }
        text += "  }\n";
    }
    for step in &plan.steps {
        for before in &step.after {
            let _ = writeln!(text, "  s{before} -> s{};", step.id);
        }
    }
    text + "}\n"
}

fn destructive(plan: &Plan) -> impl Iterator<Item = &Step> {
    plan.steps.iter().filter(|step| step.risk == Risk::Destructive)
}

/// Escapes text with Mermaid's entity codes: all characters that could end a label, start Markdown
/// or HTML in it, or be parsed as a keyword.
fn entities(text: &str) -> String {
    let mut safe = String::new();
    for c in printable(text).chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '/' | '.') {
            safe.push(c);
        } else {
            let _ = write!(safe, "#{};", u32::from(c));
        }
    }
    safe
}

/// Returns a quoted string of DOT. Backslashes are doubled, because they start escapes in labels.
fn string(text: &str) -> String {
    format!("\"{}\"", printable(text).replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tree::tests::sample;
    use lakewright_core::plan::{Action, GroupAction};

    #[test]
    fn mermaid_has_every_step_and_edge() {
        let text = graph(&sample(), GraphFormat::Mermaid);
        assert!(text.starts_with("flowchart LR\n  subgraph r0[\"bucket audit\"]\n"), "{text}");
        assert!(text.contains("  subgraph r2[\"bucket raw\"]\n    s0[\"create_bucket\"]\n    s1[\"set_quota\"]\n  end\n"), "{text}");
        assert_eq!(text.matches(" --> ").count(), 3);
        assert!(text.ends_with("  class s4,s8 destructive\n"), "{text}");
    }

    #[test]
    fn dot_has_every_step_and_edge() {
        let text = graph(&sample(), GraphFormat::Dot);
        assert!(text.starts_with("digraph plan {\n") && text.ends_with("}\n"));
        assert!(text.contains("    s8 [label=\"delete_bucket\", color=red, fontcolor=red];\n"));
        assert!(text.contains("  s0 -> s2;\n"));
    }

    #[test]
    fn names_are_escaped() {
        let mut plan = sample();
        plan.steps.truncate(1);
        let name = r#"x"]; end `md` <b> #quot; \"#.parse().unwrap();
        plan.steps[0].action = Action::Group(name, GroupAction::CreateGroup);
        let mermaid = graph(&plan, GraphFormat::Mermaid);
        assert!(
            mermaid
                .contains("[\"group x#34;#93;#59; end #96;md#96; #60;b#62; #35;quot#59; #92;\"]"),
            "{mermaid}"
        );
        let dot = graph(&plan, GraphFormat::Dot);
        assert!(dot.contains(r#"label="group x\"]; end `md` <b> #quot; \\";"#), "{dot}");
    }
}
