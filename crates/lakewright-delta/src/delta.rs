//! The Delta tables of a connection.

use lakewright_core::TableUri;
use lakewright_s3::S3;

use crate::Table;

/// The Delta tables that an S3 connection reaches, with the operations that create, find and drop
/// them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Delta {
    pub(crate) s3: S3,
}

impl Delta {
    /// Creates a handle on the tables that `s3` reaches. Nothing is sent.
    #[must_use]
    pub fn new(s3: &S3) -> Self {
        Self { s3: s3.clone() }
    }

    /// Returns a handle on a table. Nothing is sent; the table need not exist.
    #[must_use]
    pub fn table(&self, uri: TableUri) -> Table {
        Table::new(self.s3.clone(), uri)
    }

    /// Returns a handle on the same connection without the guard of its client, for use where the
    /// handle must not keep the guarded value alive.
    #[must_use]
    pub fn without_guard(&self) -> Self {
        Self { s3: self.s3.without_guard() }
    }
}
