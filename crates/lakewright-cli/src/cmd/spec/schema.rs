//! `lakewright spec schema`

use clap::Args;
use lakewright::spec::Spec;

use crate::context::Context;
use crate::failure::CommandResult;

/// Print the JSON Schema of specs
///
/// Editors use it to complete and check specs; `lakewright spec check` also checks rules that a
/// JSON Schema cannot express.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright spec schema > spec.schema.json")]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(self, context: &mut Context) -> CommandResult {
        context.out.bytes(Spec::json_schema()?.as_bytes())
    }
}
