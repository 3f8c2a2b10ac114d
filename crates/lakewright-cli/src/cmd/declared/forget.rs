//! `lakewright forget`

use clap::Args;
use lakewright::ResourceId;

use super::ownership::{Owner, OwnershipChange};
use crate::context::Context;
use crate::failure::CommandResult;

/// Remove resources from a stack without deleting them
///
/// The resources stay as they are, without an owner. Fails with not_found for a resource without
/// an owner and with conflict for one that another stack owns; then nothing is changed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright forget bucket/raw --stack lake")]
pub(crate) struct Forget {
    /// KIND/NAME, such as bucket/raw, table/raw/flights, user/etl
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<ResourceId>,
    #[command(flatten)]
    owner: Owner,
}

impl Forget {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let Self { addresses, owner: Owner { stack, registry } } = self;
        context.lake().await?.forget(&registry, &stack, &addresses).await?;
        let text = "no longer owned by stack";
        context.out.show(&OwnershipChange { stack, addresses, field: "forgotten", text })
    }
}
