//! A commit as the output of a command.

use std::io::{self, Write};

use lakewright::TableUri;
use lakewright::table::Commit;
use serde_json::{Value, json};

use crate::human::{count, size};
use crate::output::Render;

/// A commit with its table.
pub(super) struct Committed {
    pub(super) uri: TableUri,
    pub(super) commit: Commit,
}

impl Render for Committed {
    fn json(&self) -> Value {
        let commit = &self.commit;
        json!({
            "uri": self.uri.to_string(),
            "version": commit.version,
            "operation": commit.operation,
            "timestamp": commit.timestamp.map(|at| at.to_string()),
            "rows": commit.rows,
            "files_added": commit.files_added,
            "files_removed": commit.files_removed,
            "bytes_added": commit.bytes_added,
            "retries": commit.retries,
        })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let commit = &self.commit;
        write!(
            out,
            "{}: version {}, {} in {} ({})",
            self.uri,
            commit.version,
            count(commit.rows, "row"),
            count(commit.files_added, "file"),
            size(commit.bytes_added),
        )?;
        match commit.files_removed {
            0 => writeln!(out),
            removed => writeln!(out, ", {} replaced", count(removed, "file")),
        }
    }
}
