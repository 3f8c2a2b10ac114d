//! The types of a spec, and [`load`], which reads one from a file.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

pub use lakewright_core::spec::*;
use lakewright_core::{Error, ErrorKind, Result};

/// Reads and checks a spec file. The call blocks while it reads; a spec has at most
/// [`Spec::MAX_BYTES`].
///
/// # Errors
/// `NotFound`, `Denied` and other errors of the file; those of [`Spec::from_json`].
pub fn load(path: impl AsRef<Path>) -> Result<Spec> {
    let path = path.as_ref();
    let read = File::open(path).and_then(|file| {
        // One byte more than the largest spec, so that a larger file is not read as a whole.
        let mut bytes = Vec::new();
        file.take(Spec::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let bytes = read.map_err(|error| {
        Error::new(ErrorKind::from(error.kind()), error.to_string())
            .during("load_spec")
            .on(path.display().to_string())
            .caused_by(error)
    })?;
    Spec::from_json(&bytes)
}
