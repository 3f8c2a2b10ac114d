//! Options of planning.

use clap::Args;
use lakewright::{PlanOptions, ResourceId};

/// Options of planning, which `plan` and `apply` share.
#[derive(Args, Debug)]
pub(super) struct PlanArgs {
    /// Delete resources that the stack owns and the spec no longer declares
    #[arg(long)]
    pub(super) prune: bool,
    /// Adopt this resource, which exists and has no owner: KIND/NAME, such as bucket/raw
    #[arg(long, value_name = "ADDRESS")]
    pub(super) adopt: Vec<ResourceId>,
}

impl PlanArgs {
    pub(super) fn into_options(self) -> PlanOptions {
        PlanOptions::builder().prune(self.prune).adopt(self.adopt.into_iter().collect()).build()
    }
}
