//! `overwrite`

use lakewright_core::Result;
use lakewright_macros::Builder;

use super::write::Mode;
use super::{Batches, Commit, Table, WriteOptions};

/// The options of [`Table::overwrite`].
#[derive(Clone, Debug, Default, Builder)]
#[non_exhaustive]
pub struct OverwriteOptions {
    /// The SQL condition that selects the rows to replace; the new rows must meet it too. Without
    /// it the whole table is replaced.
    #[builder(into)]
    pub replace_where: Option<String>,
    /// The options for writing the new rows.
    #[builder(default)]
    pub write: WriteOptions,
}

impl Table {
    /// Replaces rows in one commit; readers see either all of the old rows or all of the new ones.
    /// Older versions stay readable.
    ///
    /// # Errors
    /// Those of [`Table::append`]; `InvalidInput` for a condition that is not valid SQL, refers to
    /// an unknown column, or does not hold for a new row; `Unsupported` on an append-only table.
    pub async fn overwrite(&self, data: Batches, options: OverwriteOptions) -> Result<Commit> {
        let mode = Mode::Overwrite { replace_where: options.replace_where };
        self.write(data, "overwrite", options.write, mode).await
    }
}
