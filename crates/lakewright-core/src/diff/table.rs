//! Steps for tables.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Planner, ResourceStatus, StepBuilder, previous_declarations};
use crate::ErrorKind;
use crate::name::TableUri;
use crate::plan::{Action, TableAction, json_value};
use crate::resource::ResourceId;
use crate::spec::{Column, TableSpec, same_name};
use crate::state::ObservedTable;

impl Planner<'_> {
    pub(super) fn tables(&mut self) {
        let (spec, observed) = (self.spec, self.observed);
        for (uri, declared) in &spec.tables {
            let id = ResourceId::Table(uri.clone());
            let found = observed.tables.get(uri);
            let Some(status) = self.status(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            if !self.has_bucket(&id, uri.bucket()) {
                continue;
            }
            if !matches!(status, ResourceStatus::Owned(_)) && !self.is_free_path(uri) {
                continue;
            }
            self.adopt(&id, status);
            match found {
                None => self.create_table(uri, declared, status),
                Some(found) => self.change_table(uri, declared, status, found),
            }
            self.record(&id, status, declared);
        }
    }

    fn create_table(&mut self, uri: &TableUri, declared: &TableSpec, status: ResourceStatus<'_>) {
        let action = TableAction::CreateTable {
            schema: declared.schema.clone(),
            partition_by: declared.partition_by.clone().unwrap_or_default(),
            properties: declared.properties.clone().unwrap_or_default(),
        };
        let bucket = self.steps_that_create([ResourceId::Bucket(uri.bucket().clone())]);
        self.push(step(uri, action, status.creation_reason()).after(bucket));
        for (name, condition) in declared.constraints.iter().flatten() {
            self.add_constraint(uri, name, condition, None);
        }
    }

    fn change_table(
        &mut self,
        uri: &TableUri,
        declared: &TableSpec,
        status: ResourceStatus<'_>,
        found: &ObservedTable,
    ) {
        let id = &ResourceId::Table(uri.clone());
        self.columns(uri, declared, found);
        if let Some(wanted) = &declared.partition_by
            && *wanted != found.partition_by
        {
            let list = |names: &[String]| match names {
                [] => "nothing".to_owned(),
                names => names.join(", "),
            };
            self.problem(
                ErrorKind::PreconditionFailed,
                id,
                format!(
                    "it is partitioned by {}, not by {}, and that cannot be changed afterwards: \
                     declare the present partition columns, or declare a table of another name and \
                     copy the rows there",
                    list(&found.partition_by),
                    list(wanted)
                ),
            );
        }
        let previous: Vec<TableSpec> = previous_declarations(status.owned());
        self.properties(uri, declared, &previous, found);
        self.constraints(uri, declared, &previous, found);
    }

    /// Plans new columns, which have to be nullable. Every other change of columns is a problem.
    fn columns(&mut self, uri: &TableUri, declared: &TableSpec, found: &ObservedTable) {
        let id = &ResourceId::Table(uri.clone());
        let mut missing: Vec<Column> = Vec::new();
        let mut wrong = Vec::new();
        for column in &declared.schema.0 {
            match found.schema.get(&column.name) {
                Some(now)
                    if now.data_type != column.data_type || now.nullable != column.nullable =>
                {
                    wrong.push(format!("the column \"{now}\" is declared as \"{column}\""));
                }
                Some(now) if now.name != column.name => {
                    wrong.push(format!(
                        "the column {:?} is declared as {:?}",
                        now.name, column.name
                    ));
                }
                Some(_) => {}
                None if !column.nullable => wrong.push(format!(
                    "the column \"{column}\" is not there and cannot be added, for the rows that \
                     are there have no value for it: declare it without \"not null\""
                )),
                None => missing.push(column.clone()),
            }
        }
        for column in &found.schema.0 {
            if declared.schema.get(&column.name).is_none() {
                wrong.push(format!("the column \"{column}\" is there and not declared"));
            }
        }
        if !wrong.is_empty() {
            self.problem(
                ErrorKind::SchemaMismatch,
                id,
                format!(
                    "{}; columns can be added and nothing else about them can be changed \
                     afterwards: declare what is there, or write the table anew",
                    wrong.join("; ")
                ),
            );
        } else if !missing.is_empty() {
            let partitions = declared.partition_by.iter().flatten();
            if let Some(name) =
                partitions.into_iter().find(|name| missing.iter().any(|c| same_name(&c.name, name)))
            {
                // The comparison of the partition columns adds the rest of this problem.
                let why = format!("the partition column {name:?} cannot be added afterwards");
                return self.problem(ErrorKind::PreconditionFailed, id, why);
            }
            let action = TableAction::AddColumns { columns: missing.clone() };
            let mut step = step(uri, action, "columns are declared that it does not have");
            for column in missing {
                let text = column.to_string();
                let (_, kind) = text.split_once(": ").unwrap_or(("", &text));
                step = step.with_change(
                    format!("schema.{}", column.name),
                    None,
                    Some(Value::String(kind.to_owned())),
                );
            }
            self.push(step);
        }
    }

    fn properties(
        &mut self,
        uri: &TableUri,
        declared: &TableSpec,
        previous: &[TableSpec],
        found: &ObservedTable,
    ) {
        let wanted = declared.properties.clone().unwrap_or_default();
        let set: BTreeMap<String, String> = wanted
            .iter()
            .filter(|(name, value)| found.properties.get(*name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let unset: BTreeSet<String> = previous
            .iter()
            .flat_map(|spec| spec.properties.iter().flatten())
            .map(|(name, _)| name)
            .filter(|name| !wanted.contains_key(*name) && found.properties.contains_key(*name))
            .cloned()
            .collect();
        if set.is_empty() && unset.is_empty() {
            return;
        }
        let reason = if set.is_empty() {
            "properties are not declared any more"
        } else {
            "properties differ from what is declared"
        };
        let action = TableAction::SetTableProperties { set: set.clone(), unset: unset.clone() };
        let mut step = step(uri, action, reason);
        for name in set.keys().chain(&unset) {
            step = step.with_change(
                format!("properties.{name}"),
                found.properties.get(name).and_then(json_value),
                set.get(name).and_then(json_value),
            );
        }
        self.push(step);
    }

    fn constraints(
        &mut self,
        uri: &TableUri,
        declared: &TableSpec,
        previous: &[TableSpec],
        found: &ObservedTable,
    ) {
        let conditions = self.comparisons.conditions;
        let same = |now: &str, wanted: &str| conditions.is_same(&found.schema, now, wanted);
        let wanted = declared.constraints.clone().unwrap_or_default();
        let given_up: BTreeSet<&String> = previous
            .iter()
            .flat_map(|spec| spec.constraints.iter().flatten())
            .map(|(name, _)| name)
            .filter(|name| !wanted.contains_key(*name))
            .collect();
        for name in given_up {
            if let Some(old) = found.constraints.get(name) {
                let action = TableAction::DropConstraint { name: name.clone() };
                let step = step(uri, action, "it is not declared any more");
                let field = format!("constraints.{name}");
                self.push(step.with_change(field, json_value(old), None));
            }
        }
        for (name, condition) in &wanted {
            match found.constraints.get(name) {
                Some(now) if same(now, condition) => {}
                Some(now) => {
                    let action = TableAction::DropConstraint { name: name.clone() };
                    self.push(step(uri, action, "its condition differs from the declared one"));
                    self.add_constraint(uri, name, condition, Some(now));
                }
                None => self.add_constraint(uri, name, condition, None),
            }
        }
    }

    fn add_constraint(&mut self, uri: &TableUri, name: &str, condition: &str, old: Option<&str>) {
        let action =
            TableAction::AddConstraint { name: name.to_owned(), condition: condition.to_owned() };
        let step = step(uri, action, "it is declared");
        let old = old.and_then(|old| json_value(&old));
        let field = format!("constraints.{name}");
        self.push(step.with_change(field, old, json_value(&condition)));
    }
}

fn step(uri: &TableUri, action: TableAction, reason: &'static str) -> StepBuilder {
    StepBuilder::new(Action::Table(uri.clone(), action), reason)
}
