//! `lakewright adopt` and `lakewright forget`

use std::io::{self, Write};

use clap::Args;
use lakewright::{Adoption, BucketName, ResourceId, StackName};
use serde_json::{Value, json};

use super::REGISTRY;
use crate::context::Context;
use crate::failure::Outcome;
use crate::human::printable;
use crate::output::Answer;

/// Whose things, and where that is kept.
#[derive(Args, Debug)]
struct Whose {
    /// The stack
    #[arg(long, value_name = "NAME")]
    stack: StackName,
    /// The bucket of the registry
    #[arg(long, value_name = "BUCKET", default_value = REGISTRY)]
    registry: BucketName,
}

/// Enter things that exist as a stack's own
///
/// Nothing about them changes until the stack is applied. Fails with not_found for what is not
/// there and conflict for what another stack owns; then nothing is entered. A service account is
/// found by its access key, which is written behind its name.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright adopt bucket/raw table/raw/flights --stack lake
  lakewright adopt service-account/ingest=INGEST1 --stack lake")]
pub(crate) struct Adopt {
    /// KIND/NAME, such as bucket/raw, table/raw/flights, user/etl
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<Adoption>,
    #[command(flatten)]
    whose: Whose,
}

/// Let go of things that a stack owns
///
/// They stay as they are, and are nobody's. Fails with not_found for what nobody owns and
/// conflict for what another stack owns; then nothing is changed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright forget bucket/raw --stack lake")]
pub(crate) struct Forget {
    /// KIND/NAME, such as bucket/raw, table/raw/flights, user/etl
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<ResourceId>,
    #[command(flatten)]
    whose: Whose,
}

impl Adopt {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let Self { addresses, whose: Whose { stack, registry } } = self;
        context.lake().await?.adopt(&registry, &stack, &addresses).await?;
        let addresses = addresses.iter().map(|adopted| adopted.id().clone()).collect();
        context.out.show(&Done { stack, addresses, what: ("adopted", "owned by stack") })
    }
}

impl Forget {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let Self { addresses, whose: Whose { stack, registry } } = self;
        context.lake().await?.forget(&registry, &stack, &addresses).await?;
        context.out.show(&Done { stack, addresses, what: ("forgotten", "let go of by stack") })
    }
}

struct Done {
    stack: StackName,
    addresses: Vec<ResourceId>,
    /// The word of the document, and that of people.
    what: (&'static str, &'static str),
}

impl Answer for Done {
    fn json(&self) -> Value {
        let mut document = json!({ "stack": self.stack });
        document[self.what.0] = json!(self.addresses);
        document
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        for address in &self.addresses {
            let name = address.to_string();
            writeln!(out, "{}: {} {}", printable(&name), self.what.1, self.stack)?;
        }
        Ok(())
    }
}
