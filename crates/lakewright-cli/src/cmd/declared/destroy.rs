//! `lakewright destroy`

use std::path::PathBuf;

use clap::Args;
use lakewright::{BucketName, StackName};

use super::apply::carry_out;
use super::{REGISTRY, read_spec};
use crate::context::Context;
use crate::failure::Outcome;

/// Take a whole stack away
///
/// Shows what is destroyed and asks for the stack's name; without a terminal nothing is done
/// unless --yes is said. Only what the stack owns is taken away. A bucket with objects in it is
/// not, unless the declaration last applied said force_destroy. The registry's bucket stays.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright destroy lake.json
  lakewright destroy --stack lake --yes")]
pub(crate) struct Destroy {
    /// The document that names stack and registry; - for stdin
    #[arg(required_unless_present = "stack")]
    spec: Option<PathBuf>,
    /// The stack, where there is no document
    #[arg(long, value_name = "NAME", conflicts_with = "spec")]
    stack: Option<StackName>,
    /// The bucket of the registry, where there is no document
    #[arg(long, value_name = "BUCKET", default_value = REGISTRY, conflicts_with = "spec")]
    registry: BucketName,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Destroy {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let (stack, registry) = match (self.spec, self.stack) {
            (Some(file), _) => {
                let spec = read_spec(&file, "destroy")?;
                (spec.stack.clone(), spec.registry_bucket()?)
            }
            (None, Some(stack)) => (stack, self.registry),
            // The grammar asks for one of the two.
            (None, None) => {
                return Err(lakewright::Error::invalid_input("name a document or a stack").into());
            }
        };
        let lake = context.lake().await?;
        let plan = lake.plan_destroy(&stack, &registry).await?;
        carry_out(&lake, &plan, self.yes, context).await
    }
}
