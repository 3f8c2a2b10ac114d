//! `lakewright drift`

use std::path::PathBuf;

use clap::Args;
use lakewright::render;

use super::plan_output::PlanOutput;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::input::read_spec;

/// Show how the server differs from a spec
///
/// Changes nothing. Exit code 0 when every resource is as declared, 3 when a resource differs, or
/// when the stack owns a resource that the spec no longer declares.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright drift lake.json
  lakewright drift lake.json >/dev/null || notify-send 'the lake has drifted'
  lakewright drift lake.json --json | jq '.steps[].resource'")]
pub(crate) struct Drift {
    /// The spec; - for stdin
    spec: PathBuf,
}

impl Drift {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let spec = read_spec(&self.spec, "drift")?;
        let plan = context.lake().await?.drift(&spec).await?;
        let text = render::drift(&plan, context.out.style());
        context.out.show(&PlanOutput { plan: &plan, text })?;
        if !plan.differs() {
            return Ok(());
        }
        context.out.flush()?;
        Err(Failure::Differs)
    }
}
