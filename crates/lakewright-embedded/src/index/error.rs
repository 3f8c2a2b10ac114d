//! Errors of the index.

use std::fmt;
use std::io;

use s3s::{S3Error, S3ErrorCode};

use crate::reserve::is_full;

/// A failure of the index, or a refusal that was decided in a transaction.
#[derive(Debug)]
pub(crate) enum IndexError {
    /// The request is refused; the error is returned to the client.
    Refused(S3Error),
    /// A record cannot be decoded.
    Record(String),
    /// The database failed.
    Storage(redb::Error),
    /// The server is stopping.
    Closed,
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "refused: {}", error.code().as_str()),
            Self::Record(why) => write!(f, "a record of the index cannot be read: {why}"),
            Self::Storage(error) => write!(f, "the index failed: {error}"),
            Self::Closed => f.write_str("the server is stopping"),
        }
    }
}

impl std::error::Error for IndexError {}

impl IndexError {
    /// Returns whether the disk was full.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Storage(redb::Error::Io(error)) if is_full(error))
    }
}

macro_rules! storage {
    ($($error:ty),*) => {$(
        impl From<$error> for IndexError {
            fn from(error: $error) -> Self {
                Self::Storage(error.into())
            }
        }
    )*};
}
storage!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError,
    redb::CompactionError
);

impl From<S3Error> for IndexError {
    fn from(error: S3Error) -> Self {
        Self::Refused(error)
    }
}

impl From<io::Error> for IndexError {
    fn from(error: io::Error) -> Self {
        Self::Storage(redb::Error::Io(error))
    }
}

impl From<IndexError> for S3Error {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Refused(error) => error,
            IndexError::Record(_) => {
                tracing::error!(%error, "corrupt index");
                Self::with_message(S3ErrorCode::InternalError, error.to_string())
            }
            IndexError::Storage(redb::Error::Io(error)) => storage_error(error),
            IndexError::Storage(_) => {
                tracing::error!(%error, "index failure");
                Self::with_message(S3ErrorCode::InternalError, error.to_string())
            }
            IndexError::Closed => {
                Self::with_message(S3ErrorCode::ServiceUnavailable, error.to_string())
            }
        }
    }
}

/// Returns the S3 error for a failure of the file system: MinIO's `XMinioStorageFull` for a full
/// disk, because clients know it, and otherwise InternalError.
pub(crate) fn storage_error(error: io::Error) -> S3Error {
    if is_full(&error) {
        let mut response = S3Error::with_message(
            S3ErrorCode::Custom("XMinioStorageFull".into()),
            "The disk under the data directory is full; nothing was stored.",
        );
        response.set_status_code(http::StatusCode::INSUFFICIENT_STORAGE);
        return response;
    }
    tracing::error!(%error, "the file system failed");
    let message = format!("The file system failed: {error}.");
    let mut response = S3Error::with_message(S3ErrorCode::InternalError, message);
    response.set_source(Box::new(error));
    response
}
