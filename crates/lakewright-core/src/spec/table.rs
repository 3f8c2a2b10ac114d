//! Declared tables.

use std::collections::BTreeMap;

use super::column::Columns;
use super::decode::declared;

declared! {
    /// A Delta table, which is empty when it is created. The key of the entry is `bucket/path`.
    pub struct TableSpec("a table") {
        /// The columns. Columns that are added here later are added to the table; everything else
        /// about columns cannot be changed afterwards.
        pub schema: Columns,
        /// The columns by which the data files are partitioned, outermost first. They cannot be
        /// changed afterwards.
        pub partition_by: Option<Vec<String>>,
        /// Table properties, such as `delta.appendOnly`. Properties that are not named here are
        /// not managed.
        pub properties: Option<BTreeMap<String, String>>,
        /// Conditions in SQL that every row must meet, by their names. Constraints that are not
        /// named here are not managed.
        pub constraints: Option<BTreeMap<String, String>>,
        /// Whether `--prune` and `destroy` may drop the table although it has rows. The field takes
        /// effect once it was applied.
        #[serde(default)]
        pub force_destroy: bool,
        /// Whether to adopt the table if it exists and no stack owns it.
        #[serde(default)]
        pub adopt: bool,
    }
}
