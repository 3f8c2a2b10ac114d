//! `lakewright destroy`

use std::path::PathBuf;

use clap::Args;
use lakewright::spec::Spec;
use lakewright::{BucketName, Error, StackName};

use super::execute::execute;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::input::read_spec;

/// Delete all resources of a stack
///
/// Shows the plan and asks for the stack's name; without a terminal, nothing is deleted unless
/// --yes is given. Only resources that the stack owns are deleted. A bucket with objects in it is
/// kept, unless the spec that was applied last set force_destroy for it. The registry's bucket is
/// kept.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright destroy lake.json
  lakewright destroy --stack lake --yes")]
pub(crate) struct Destroy {
    /// The spec that names the stack and the registry; - for stdin
    #[arg(required_unless_present = "stack")]
    spec: Option<PathBuf>,
    /// The stack, instead of a spec
    #[arg(long, value_name = "NAME", conflicts_with = "spec")]
    stack: Option<StackName>,
    /// The bucket of the registry, with --stack
    #[arg(
        long, value_name = "BUCKET", default_value = Spec::DEFAULT_REGISTRY, conflicts_with = "spec"
    )]
    registry: BucketName,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Destroy {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let (stack, registry) = match (self.spec, self.stack) {
            (Some(file), _) => {
                let spec = read_spec(&file, "destroy")?;
                (spec.stack.clone(), spec.registry_bucket()?)
            }
            (None, Some(stack)) => (stack, self.registry),
            // `required_unless_present` rejects this case before.
            (None, None) => return Err(Error::invalid_input("name a spec or a stack").into()),
        };
        let lake = context.lake().await?;
        let plan = lake.plan_destroy(&stack, &registry).await?;
        execute(&lake, &plan, self.yes, context).await
    }
}
