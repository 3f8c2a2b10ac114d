//! Conditions in SQL on the rows of a table.

use arrow::datatypes::Schema;
use deltalake::datafusion::common::DFSchema;
use deltalake::datafusion::logical_expr::Expr;
use deltalake::delta_datafusion::expr::parse_predicate_expression;
use lakewright_core::{ErrorKind, Result};

use super::classify::Failure;
use super::{session, sql_limits};
use crate::large_stack::with_large_stack;

/// Checks a condition on the columns of a table before deltalake parses it, because deltalake
/// converts the errors of some operations to text.
///
/// # Errors
/// `InvalidInput` for a condition that cannot be parsed.
pub(super) fn check(schema: &Schema, text: &str) -> Result<()> {
    with_large_stack(|| parse(schema, text).map(drop))
}

/// Parses a condition. Called on a large stack, because the expression may be deep.
///
/// # Errors
/// Those of [`check`].
pub(super) fn parse(schema: &Schema, text: &str) -> Result<Expr> {
    sql_limits::check(text)?;
    let parsed = || -> Result<Expr, Failure> {
        let schema = DFSchema::try_from(schema.clone())?;
        Ok(parse_predicate_expression(&schema, text, &session::new()?.state())?)
    };
    parsed().map_err(|failure| {
        let error = failure.explain();
        // deltalake has no type of its own for a condition that it cannot parse.
        match error.kind() {
            ErrorKind::Internal => error.with_kind(ErrorKind::InvalidInput),
            _ => error,
        }
    })
}
