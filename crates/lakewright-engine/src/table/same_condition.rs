//! Whether two conditions are one, as far as parsing them tells.

use arrow::datatypes::SchemaRef;
use deltalake::datafusion::common::DFSchema;
use deltalake::delta_datafusion::expr::{fmt_expr_to_sql, parse_predicate_expression};

use super::{Table, session};

impl Table {
    /// Whether two conditions in SQL are written the same by deltalake's printer, which is how a
    /// constraint is kept. What cannot be understood is the same as nothing.
    pub(crate) fn same_condition(&self, schema: &SchemaRef, a: &str, b: &str) -> bool {
        if a == b {
            return true;
        }
        let Ok(session) = session::new() else { return false };
        let Ok(schema) = DFSchema::try_from(schema.as_ref().clone()) else { return false };
        let state = session.state();
        let normal = |text: &str| {
            let parsed = parse_predicate_expression(&schema, text, &state).ok()?;
            fmt_expr_to_sql(&parsed).ok()
        };
        let Some(a) = normal(a) else { return false };
        // The printer's own text need not be text that the parser takes.
        a == b || normal(b).is_some_and(|b| a == b)
    }
}
