//! A plan as the output of a command.

use std::io::{self, Write};

use lakewright::plan::Plan;
use serde_json::Value;

use crate::output::Render;

/// A plan: as JSON in the format of plan files, as text as it was rendered.
pub(super) struct PlanOutput<'a> {
    pub(super) plan: &'a Plan,
    pub(super) text: String,
}

impl Render for PlanOutput<'_> {
    fn json(&self) -> Value {
        // A plan always serializes: its maps have string keys, and plan files are made of it.
        serde_json::to_value(self.plan).unwrap_or_default()
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.text.as_bytes())
    }
}
