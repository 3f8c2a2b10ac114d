//! A changed bucket as the output of a command.

use std::io::{self, Write};

use lakewright::BucketName;
use serde_json::{Value, json};

use crate::output::Render;

/// A bucket, and the change that was made.
pub(super) struct BucketChange {
    pub(super) name: BucketName,
    /// The change in text output, such as `created`.
    pub(super) change: &'static str,
}

impl Render for BucketChange {
    fn json(&self) -> Value {
        json!({ "name": self.name })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: {}", self.name, self.change)
    }
}
