//! `append`

use lakewright_core::Result;
use lakewright_macros::Builder;

use super::{Batches, Commit, Table};

/// How [`Table::append`] writes.
#[derive(Clone, Debug, Default, Builder)]
pub struct WriteOptions {
    /// Data files are closed at about this many bytes; deltalake's default is 100 MiB.
    pub target_file_bytes: Option<u64>,
}

impl Table {
    /// Adds rows. Concurrent appends all succeed; each is one commit.
    ///
    /// Columns are matched by name. Missing ones are filled with nulls where the table allows
    /// it; numbers are widened, never narrowed.
    ///
    /// # Errors
    /// `SchemaMismatch` when a column is unknown, missing or of another type; `InvalidInput`
    /// when a row breaks a constraint; `NotFound` when there is no table; `Conflict` when the
    /// table was changed in a way that stands against it; `Unavailable` and `Timeout`, whose
    /// message says if the outcome is unknown.
    pub async fn append(&self, data: Batches, options: WriteOptions) -> Result<Commit> {
        self.write(data, "append", options, |write| write).await
    }
}
