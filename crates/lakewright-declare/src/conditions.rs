//! Equivalence of table constraints, by the SQL parser that evaluates them.

use lakewright_core::diff::ConditionEquivalence;
use lakewright_core::spec::Columns;

/// Compares conditions as expressions, after literals have the types of the columns and both are
/// simplified: a writer stores `a in (1)` as `a = 1`.
#[derive(Clone, Copy, Debug)]
pub(super) struct SameExpression;

impl ConditionEquivalence for SameExpression {
    #[cfg(feature = "tables")]
    fn is_equivalent(&self, columns: &Columns, a: &str, b: &str) -> bool {
        lakewright_delta::schema_of_columns(&columns.0)
            .is_ok_and(|schema| lakewright_delta::same_condition(&schema, a, b))
    }

    /// Compares nothing: a build without tables reads no table, so it has no conditions to compare.
    #[cfg(not(feature = "tables"))]
    fn is_equivalent(&self, _: &Columns, _: &str, _: &str) -> bool {
        false
    }
}

#[cfg(all(test, feature = "tables"))]
mod tests {
    use lakewright_core::spec::{Column, ColumnType};

    use super::*;

    #[test]
    fn a_condition_is_equivalent_to_the_form_in_which_it_is_stored() {
        let column = |name: &str, data_type: &str| Column {
            name: name.to_owned(),
            data_type: ColumnType::new(data_type).unwrap(),
            nullable: false,
        };
        let columns = Columns(vec![column("id", "long"), column("who", "string")]);
        let same = |a: &str, b: &str| SameExpression.is_equivalent(&columns, a, b);
        assert!(same("who in ('a', 'b')", "(who = 'a' OR who = 'b')"));
        assert!(same("not (id = 7)", "id != 7"));
        // The column has no null values, so the writer drops the test for them.
        assert!(same("id is not null and id > 0", "id > 0"));
        assert!(!same("id > 0", "id > 1"));
        assert!(!same("nonsense >", "nonsense  >"));
    }
}
