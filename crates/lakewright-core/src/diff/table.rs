//! Steps for tables.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Draft, NewStep, Standing, earlier, shown};
use crate::ErrorKind;
use crate::plan::Action;
use crate::resource::ResourceId;
use crate::spec::{Column, TableSpec, same_name};
use crate::state::ObservedTable;

impl Draft<'_> {
    pub(super) fn tables(&mut self) {
        let (spec, observed) = (self.spec, self.observed);
        for (uri, declared) in &spec.tables {
            let id = ResourceId::Table(uri.clone());
            let found = observed.tables.get(uri);
            let Some(standing) = self.standing(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            if !self.bucket_of_table(&id, uri.bucket()) {
                continue;
            }
            if !matches!(standing, Standing::Ours(_)) && !self.has_room(uri) {
                continue;
            }
            self.begin(&id, standing);
            match found {
                None => self.create_table(&id, uri.bucket(), declared, standing),
                Some(found) => self.change_table(&id, declared, standing, found),
            }
            self.end(&id, standing, declared);
        }
    }

    fn create_table(
        &mut self,
        id: &ResourceId,
        bucket: &crate::BucketName,
        declared: &TableSpec,
        standing: Standing<'_>,
    ) {
        let reason = match standing {
            Standing::Missing(Some(_)) => "it is ours and is gone",
            _ => "it does not exist",
        };
        let action = Action::CreateTable {
            schema: declared.schema.clone(),
            partition_by: declared.partition_by.clone().unwrap_or_default(),
            properties: declared.properties.clone().unwrap_or_default(),
        };
        let bucket = self.makers([ResourceId::Bucket(bucket.clone())]);
        self.push(id, NewStep::new(action, reason).after(bucket));
        for (name, condition) in declared.constraints.iter().flatten() {
            self.add_constraint(id, name, condition, None);
        }
    }

    fn change_table(
        &mut self,
        id: &ResourceId,
        declared: &TableSpec,
        standing: Standing<'_>,
        found: &ObservedTable,
    ) {
        self.columns(id, declared, found);
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
                     declare what it is, or a table of another name and copy the rows there",
                    list(&found.partition_by),
                    list(wanted)
                ),
            );
        }
        let before: Vec<TableSpec> = earlier(standing.owned());
        self.properties(id, declared, &before, found);
        self.constraints(id, declared, &before, found);
    }

    /// Columns can be added if they may be null. Everything else about them is as it was made.
    fn columns(&mut self, id: &ResourceId, declared: &TableSpec, found: &ObservedTable) {
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
                // The other half of the fault is told with the partition columns.
                let why = format!("the partition column {name:?} cannot be added afterwards");
                return self.problem(ErrorKind::PreconditionFailed, id, why);
            }
            let mut step = NewStep::new(
                Action::AddColumns { columns: missing.clone() },
                "columns are declared that it does not have",
            );
            for column in missing {
                let text = column.to_string();
                let (_, kind) = text.split_once(": ").unwrap_or(("", &text));
                step = step.changing(
                    format!("schema.{}", column.name),
                    None,
                    Some(Value::String(kind.to_owned())),
                );
            }
            self.push(id, step);
        }
    }

    fn properties(
        &mut self,
        id: &ResourceId,
        declared: &TableSpec,
        before: &[TableSpec],
        found: &ObservedTable,
    ) {
        let wanted = declared.properties.clone().unwrap_or_default();
        let set: BTreeMap<String, String> = wanted
            .iter()
            .filter(|(name, value)| found.properties.get(*name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let unset: BTreeSet<String> = before
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
        let action = Action::SetTableProperties { set: set.clone(), unset: unset.clone() };
        let mut step = NewStep::new(action, reason);
        for name in set.keys().chain(&unset) {
            step = step.changing(
                format!("properties.{name}"),
                found.properties.get(name).and_then(shown),
                set.get(name).and_then(shown),
            );
        }
        self.push(id, step);
    }

    fn constraints(
        &mut self,
        id: &ResourceId,
        declared: &TableSpec,
        before: &[TableSpec],
        found: &ObservedTable,
    ) {
        let conditions = self.comparisons.conditions;
        let same = |now: &str, wanted: &str| conditions.is_same(&found.schema, now, wanted);
        let wanted = declared.constraints.clone().unwrap_or_default();
        let given_up: BTreeSet<&String> = before
            .iter()
            .flat_map(|spec| spec.constraints.iter().flatten())
            .map(|(name, _)| name)
            .filter(|name| !wanted.contains_key(*name))
            .collect();
        for name in given_up {
            if let Some(old) = found.constraints.get(name) {
                let action = Action::DropConstraint { name: name.clone() };
                let step = NewStep::new(action, "it is not declared any more");
                self.push(id, step.changing(format!("constraints.{name}"), shown(old), None));
            }
        }
        for (name, condition) in &wanted {
            match found.constraints.get(name) {
                Some(now) if same(now, condition) => {}
                Some(now) => {
                    let action = Action::DropConstraint { name: name.clone() };
                    self.push(id, NewStep::new(action, "its condition is to be another"));
                    self.add_constraint(id, name, condition, Some(now));
                }
                None => self.add_constraint(id, name, condition, None),
            }
        }
    }

    fn add_constraint(&mut self, id: &ResourceId, name: &str, condition: &str, old: Option<&str>) {
        let action =
            Action::AddConstraint { name: name.to_owned(), condition: condition.to_owned() };
        let step = NewStep::new(action, "it is declared");
        let old = old.and_then(|old| shown(&old));
        self.push(id, step.changing(format!("constraints.{name}"), old, shown(&condition)));
    }
}
