//! Conversion of I/O errors.

use std::io;
use std::path::Path;

use lakewright_core::{Error, ErrorKind};

/// Converts an error of the file system or the network.
pub(crate) fn io_error(error: io::Error, operation: &'static str, path: &Path) -> Error {
    let kind = match error.kind() {
        // A file or folder that exists already is an argument that cannot be used. The callers take
        // the kind `AlreadyExists` for "another server serves this directory" and attach to it.
        io::ErrorKind::AlreadyExists => ErrorKind::InvalidInput,
        kind => kind.into(),
    };
    Error::new(kind, error.to_string())
        .during(operation)
        .on(path.display().to_string())
        .caused_by(error)
}
