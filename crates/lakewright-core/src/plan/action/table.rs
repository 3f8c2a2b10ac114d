//! Actions on tables.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ActionRow, Effect};
use crate::plan::Risk;
use crate::spec::{Column, Columns};

/// The actions on a Delta table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum TableAction {
    /// Creates the table without rows.
    CreateTable {
        /// The columns.
        schema: Columns,
        /// The partition columns.
        partition_by: Vec<String>,
        /// The table's properties.
        properties: BTreeMap<String, String>,
    },
    /// Adds nullable columns at the end of the schema.
    AddColumns {
        /// The new columns.
        columns: Vec<Column>,
    },
    /// Changes properties in one commit.
    SetTableProperties {
        /// The properties to set, with their values.
        set: BTreeMap<String, String>,
        /// The properties to remove.
        unset: BTreeSet<String>,
    },
    /// Adds a constraint. The table's rows are checked first.
    AddConstraint {
        /// The name of the constraint.
        name: String,
        /// The condition in SQL.
        condition: String,
    },
    /// Drops a constraint.
    DropConstraint {
        /// The name of the constraint.
        name: String,
    },
    /// Drops the table and deletes its files.
    DropTable {
        /// Whether rows may be deleted too: `force_destroy` of the declaration last applied.
        /// Otherwise the table must still be empty when the step is done.
        force: bool,
    },
}

impl TableAction {
    /// Returns the row of the action.
    #[must_use]
    pub const fn row(&self) -> ActionRow {
        match self {
            Self::CreateTable { .. } => ActionRow::new("create_table", Effect::Creates, Risk::Safe),
            Self::AddColumns { .. } => ActionRow::new("add_columns", Effect::Changes, Risk::Safe),
            Self::SetTableProperties { .. } => {
                ActionRow::new("set_table_properties", Effect::Changes, Risk::Safe)
            }
            Self::AddConstraint { .. } => {
                ActionRow::new("add_constraint", Effect::Changes, Risk::Safe)
            }
            // No row changes, and the plan shows the condition that is dropped.
            Self::DropConstraint { .. } => {
                ActionRow::new("drop_constraint", Effect::Changes, Risk::Safe)
            }
            // Even an empty table loses its history.
            Self::DropTable { .. } => {
                ActionRow::new("drop_table", Effect::Deletes, Risk::Destructive)
            }
        }
    }
}
