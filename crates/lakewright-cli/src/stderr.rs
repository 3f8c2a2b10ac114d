//! Text on stderr.

use std::io::{self, Write};

/// Writes `text` to stderr. Errors are ignored: a command whose stderr is closed still does its
/// work.
pub(crate) fn write(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
