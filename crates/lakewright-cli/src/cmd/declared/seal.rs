//! `lakewright seal`

use clap::Args;

use super::ownership::{Owner, OwnershipChange};
use crate::context::Context;
use crate::failure::CommandResult;

/// Vouch for the registry's entries of a stack
///
/// A profile with a registry_key plans nothing for a stack with an entry that was not sealed with
/// this key: another user may have written it. Look at the entries with `lakewright state`, take
/// out with `lakewright forget` what is not the stack's, and seal the rest with this command. It is
/// needed once when a registry_key is introduced or replaced.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright seal --stack lake")]
pub(crate) struct Seal {
    #[command(flatten)]
    owner: Owner,
}

impl Seal {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let Self { owner: Owner { stack, registry } } = self;
        let state = context.lake().await?.seal(&registry, &stack).await?;
        let addresses = state.of_stack(&stack).map(|(id, _)| id).collect();
        let text = "sealed as owned by stack";
        context.out.show(&OwnershipChange { stack, addresses, field: "sealed", text })
    }
}
