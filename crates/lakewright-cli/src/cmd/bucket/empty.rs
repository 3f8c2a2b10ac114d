//! `lakewright bucket empty`

use std::io::{self, Write};

use clap::Args;
use lakewright::{BucketName, Emptied, EmptyOptions, Lake};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Outcome;
use crate::human::count;
use crate::input::confirm;
use crate::output::Answer;

/// End everything in a bucket
///
/// All objects with all their versions, delete markers, and uploads that were not completed,
/// after a question or with --yes. What is locked stays; the error then is partial_apply and
/// names it, or denied when nothing else was there. Prints how much is gone.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright bucket empty raw                         asks first
  lakewright bucket empty raw --yes && lakewright bucket delete raw
  lakewright bucket empty audit --bypass-governance --yes")]
pub(crate) struct Empty {
    /// The bucket
    name: BucketName,
    /// Also what is locked in governance mode, if you may
    #[arg(long)]
    bypass_governance: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Empty {
    pub(super) async fn run(self, lake: &Lake, context: &mut Context) -> Outcome {
        let Self { name, bypass_governance, yes } = self;
        if !yes {
            confirm(&format!("deletes everything in {name}, old versions included")).await?;
        }
        let options = EmptyOptions { bypass_governance };
        let gone = lake.bucket(name.clone()).empty(options).await?;
        context.out.show(&Gone { name, gone })
    }
}

struct Gone {
    name: BucketName,
    gone: Emptied,
}

impl Answer for Gone {
    fn json(&self) -> Value {
        let Emptied { versions, uploads } = self.gone;
        json!({ "name": self.name, "versions": versions, "uploads": uploads })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Emptied { versions, uploads } = self.gone;
        let (versions, uploads) = (count(versions, "version"), count(uploads, "upload"));
        writeln!(out, "{}: {versions} and {uploads} deleted", self.name)
    }
}
