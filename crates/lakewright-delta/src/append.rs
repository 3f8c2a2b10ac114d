//! `append`

use lakewright_core::Result;
use lakewright_macros::Builder;

use super::write::Mode;
use super::{Batches, Commit, Table};

/// The options of [`Table::append`].
#[derive(Clone, Debug, Default, Builder)]
#[non_exhaustive]
pub struct WriteOptions {
    /// The approximate size in bytes at which a data file is closed; deltalake's default is 100
    /// MiB.
    pub target_file_bytes: Option<u64>,
}

impl Table {
    /// Appends rows in one commit. Concurrent appends all succeed.
    ///
    /// Columns are matched by name. Missing columns are filled with nulls if the table allows it;
    /// numbers are widened, never narrowed.
    ///
    /// # Errors
    /// `SchemaMismatch` when a column is unknown, missing or of another type; `InvalidInput` when a
    /// row violates a constraint; `NotFound` when there is no table; `Conflict` when a concurrent
    /// change of the table conflicts with the append; `Unavailable` and `Timeout`, whose message
    /// reports an unknown outcome.
    pub async fn append(&self, data: Batches, options: WriteOptions) -> Result<Commit> {
        self.write(data, "append", options, Mode::Append).await
    }
}
