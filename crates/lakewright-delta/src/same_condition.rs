//! Comparison of the conditions of constraints, by DataFusion's parser.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use deltalake::datafusion::common::DFSchema;
use deltalake::datafusion::common::tree_node::{Transformed, TreeNode as _};
use deltalake::datafusion::logical_expr::simplify::SimplifyContext;
use deltalake::datafusion::logical_expr::utils::split_binary_owned;
use deltalake::datafusion::logical_expr::{BinaryExpr, Expr, Operator, binary_expr, lit};
use deltalake::datafusion::optimizer::simplify_expressions::ExprSimplifier;

use super::classify::Failure;
use super::condition;
use crate::large_stack::with_large_stack;

/// Returns whether two conditions in SQL are the same expression. deltalake stores a constraint as
/// its printer writes it, after it has cast literals to the types of columns and simplified the
/// expression: `a in (1)` is stored as `a = 1`. A condition that cannot be parsed equals only its
/// own text.
#[must_use]
pub fn same_condition(schema: &SchemaRef, a: &str, b: &str) -> bool {
    let same = || matches!((normal(schema, a), normal(schema, b)), (Ok(a), Ok(b)) if a == b);
    a == b || with_large_stack(same)
}

fn normal(schema: &SchemaRef, text: &str) -> Result<Expr, Failure> {
    let parsed = condition::parse(schema, text)?;
    let schema = Arc::new(DFSchema::try_from(schema.as_ref().clone())?);
    let simplifier =
        ExprSimplifier::new(SimplifyContext::builder().with_schema(schema.clone()).build());
    let simple = simplifier.simplify(simplifier.coerce(parsed, &schema)?)?;
    Ok(simple.transform_up(|expression| Ok(in_order(expression)))?.data)
}

/// Flattens operands joined by `AND`, or by `OR`, and sorts them, so that inner parentheses make no
/// difference.
fn in_order(expression: Expr) -> Transformed<Expr> {
    let Expr::BinaryExpr(BinaryExpr { op: op @ (Operator::And | Operator::Or), .. }) = &expression
    else {
        return Transformed::no(expression);
    };
    let op = *op;
    let mut parts: Vec<(String, Expr)> = split_binary_owned(expression, op)
        .into_iter()
        .map(|part| (part.to_string(), part))
        .collect();
    parts.sort_by(|(a, _), (b, _)| a.cmp(b));
    parts.dedup();
    let parts = parts.into_iter().map(|(_, part)| part);
    let joined = parts.reduce(|a, b| binary_expr(a, op, b));
    // An `AND` or `OR` expression has at least two operands, so the fallback is not used.
    joined.map_or_else(|| Transformed::no(lit(true)), Transformed::yes)
}

#[cfg(test)]
mod tests {
    use super::super::schema_from_types;
    use super::*;

    #[test]
    fn a_stored_condition_equals_the_declared_one() {
        let columns =
            [("id", "long"), ("delay", "decimal(10,2)"), ("day", "date"), ("who", "string")];
        let schema = schema_from_types(columns).unwrap();
        let same = |a: &str, b: &str| normal(&schema, a).unwrap() == normal(&schema, b).unwrap();
        for (declared, kept) in [
            ("id > 0", "id > 0"),
            ("delay > -100", "delay > '-100.00'::decimal(10, 2)"),
            ("who in ('AA', 'UA')", "(who = 'AA' OR who = 'UA')"),
            ("not (id = 7) and day is not null", "id != 7 AND day IS NOT NULL"),
            ("id between 1 and 100", "id BETWEEN 1 AND 100"),
            (
                "not (id = 7) and id between 1 and 100 and day is not null",
                "id != 7 AND id >= 1 AND id <= 100 AND day IS NOT NULL",
            ),
            ("id = 1 or (who = 'a' or id = 2)", "id = 1 OR who = 'a' OR id = 2"),
        ] {
            assert!(same(declared, kept), "{declared}: {:?}", normal(&schema, kept));
        }
        assert!(!same("id > 0", "id > 1"));
        assert!(!same("who = 'a'", "who = 'A'"));
        assert!(normal(&schema, "nonsense >").is_err() && normal(&schema, "other > 0").is_err());
    }
}
