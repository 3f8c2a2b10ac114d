//! `overwrite`

use deltalake::protocol::SaveMode;
use lakewright_core::Result;
use lakewright_macros::Builder;

use super::{Batches, Commit, Table, WriteOptions};

/// How [`Table::overwrite`] writes.
#[derive(Clone, Debug, Default, Builder)]
pub struct OverwriteOptions {
    /// Only the rows for which this SQL condition holds are replaced, and the new ones must
    /// fulfil it. Without it the whole table is.
    pub replace_where: Option<String>,
    /// How the new rows are written.
    #[builder(default)]
    pub write: WriteOptions,
}

impl Table {
    /// Replaces rows in one commit; readers see all of the old or all of the new. Older
    /// versions stay readable.
    ///
    /// # Errors
    /// Those of [`Table::append`]; `InvalidInput` for a condition that is no SQL, names no
    /// column, or does not hold for a new row; `Unsupported` on an append-only table.
    pub async fn overwrite(&self, data: Batches, options: OverwriteOptions) -> Result<Commit> {
        self.write(data, "overwrite", options.write, |write| {
            let write = write.with_save_mode(SaveMode::Overwrite);
            match options.replace_where {
                Some(condition) => write.with_replace_where(condition),
                None => write,
            }
        })
        .await
    }
}
