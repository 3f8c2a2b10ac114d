//! The Delta tables of a connection.

use lakewright_core::TableUri;
use lakewright_s3::S3;

use crate::Table;

/// The Delta tables that an S3 connection reaches: the verbs that create, find and drop them.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Delta {
    pub(crate) s3: S3,
}

impl Delta {
    /// The tables that `s3` reaches. Nothing is sent.
    #[must_use]
    pub fn new(s3: &S3) -> Self {
        Self { s3: s3.clone() }
    }

    /// A handle on a table. Nothing is sent; the table need not exist.
    #[must_use]
    pub fn table(&self, uri: TableUri) -> Table {
        Table::new(self.s3.clone(), uri)
    }

    /// The same connection without what its client keeps alive, for a handle that must not.
    #[must_use]
    pub fn without_guard(&self) -> Self {
        Self { s3: self.s3.without_guard() }
    }
}
