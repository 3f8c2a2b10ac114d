//! `lakewright adopt`

use clap::Args;
use lakewright::Adoption;

use super::ownership::{Owner, OwnershipChange};
use crate::context::Context;
use crate::failure::CommandResult;

/// Record existing resources as owned by a stack
///
/// The resources do not change until the stack is applied. Fails with not_found for a resource
/// that does not exist and with conflict for one that another stack owns; then none is recorded.
/// A service account is found by its access key, which is written after its name.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright adopt bucket/raw table/raw/flights --stack lake
  lakewright adopt service-account/ingest=INGEST1 --stack lake")]
pub(crate) struct Adopt {
    /// KIND/NAME, such as bucket/raw, table/raw/flights, user/etl
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<Adoption>,
    #[command(flatten)]
    owner: Owner,
}

impl Adopt {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let Self { addresses, owner: Owner { stack, registry } } = self;
        context.lake().await?.adopt(&registry, &stack, &addresses).await?;
        let addresses = addresses.iter().map(|adopted| adopted.id().clone()).collect();
        let text = "owned by stack";
        context.out.show(&OwnershipChange { stack, addresses, field: "adopted", text })
    }
}
