//! What a Delta table should be like.

use std::collections::BTreeMap;

use super::column::Columns;
use super::decode::declared;

declared! {
    /// A Delta table, empty when it is made. Its key is `bucket/path`.
    pub struct TableSpec("a table") {
        /// Its columns. Columns that are added here later are added to the table; everything
        /// else about columns cannot be changed afterwards.
        pub schema: Columns,
        /// The columns that files are divided by, outermost first. They cannot be changed
        /// afterwards.
        pub partition_by: Option<Vec<String>>,
        /// Table properties, such as `delta.appendOnly`. Properties that are not named here are
        /// not managed.
        pub properties: Option<BTreeMap<String, String>>,
        /// Conditions in SQL that every row must meet, by their names. Constraints that are not
        /// named here are not managed.
        pub constraints: Option<BTreeMap<String, String>>,
        /// A `--prune` or `destroy` may drop the table although it has rows. It counts once it
        /// was applied.
        #[serde(default)]
        pub force_destroy: bool,
        /// Take the table over if it exists and nobody owns it.
        #[serde(default)]
        pub adopt: bool,
    }
}
