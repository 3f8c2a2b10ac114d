//! `lakewright drift`

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use lakewright::plan::Plan;
use serde_json::Value;

use super::plan::document;
use super::read_spec;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::Answer;
use crate::readable;

/// Show what differs from what is declared
///
/// Changes nothing. Exit code 0 when everything is as it is declared, 3 when something differs or
/// is kept that the stack owns and does not declare any more.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright drift lake.json
  lakewright drift lake.json >/dev/null || notify-send 'the lake has drifted'
  lakewright drift lake.json --json | jq '.steps[].resource'")]
pub(crate) struct Drift {
    /// The document of what should exist; - for stdin
    spec: PathBuf,
}

impl Drift {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let spec = read_spec(&self.spec, "drift")?;
        let plan = context.lake().await?.drift(&spec).await?;
        context.out.show(&Shown { plan: &plan, paint: context.out.paint() })?;
        if !plan.differs() {
            return Ok(());
        }
        context.out.flush()?;
        Err(Failure::Differs)
    }
}

struct Shown<'a> {
    plan: &'a Plan,
    paint: readable::Paint,
}

impl Answer for Shown<'_> {
    fn json(&self) -> Value {
        document(self.plan)
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(readable::drift(self.plan, self.paint).as_bytes())
    }
}
