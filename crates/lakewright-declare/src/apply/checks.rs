//! The comparison of the server with what a plan was made from, between taking the lease and the
//! first step, so that no apply ends halfway because of a change in between.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lakewright_core::plan::{Action, BucketAction, Plan, Step, TableAction};
use lakewright_core::state::{Intent, Needs, Owned};
use lakewright_core::{Error, ErrorKind, Result};

use super::super::observe::{Lookup, observe};
use crate::Provisioner;

/// Checks that the resources of a plan have not changed since it was made, as far as a change
/// would make a step fail or overwrite a resource of others.
///
/// # Errors
/// `PreconditionFailed` with the resource that has changed.
pub(super) async fn check_plan(provisioner: &Provisioner, plan: &Plan) -> Result<()> {
    check_not_created(provisioner, plan).await?;
    let mut lookups: Vec<Lookup<'_, ()>> = Vec::new();
    for step in &plan.steps {
        lookups.push(Box::pin(check_still_empty(provisioner, plan, step)));
    }
    provisioner.at_once(lookups).await.map(drop)
}

/// Checks that a resource to be deleted on the condition that it is empty still is. Otherwise the
/// tables in a bucket would be dropped before the deletion of the bucket, or of another table in
/// it, is refused.
async fn check_still_empty(provisioner: &Provisioner, plan: &Plan, step: &Step) -> Result<()> {
    let name = match &step.action {
        Action::Bucket(name, BucketAction::DeleteBucket { force: false }) => name,
        #[cfg(feature = "tables")]
        Action::Table(uri, TableAction::DropTable { force: false }) => {
            return match provisioner.delta.table(uri.clone()).is_empty().await {
                Ok(false) => Err(has_rows_by_now().on(step.resource().to_string())),
                // An error here is also the error of the step, which reports it.
                _ => Ok(()),
            };
        }
        _ => return Ok(()),
    };
    let dropped = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Table(uri, TableAction::DropTable { .. }) if uri.bucket() == name => Some(uri),
        _ => None,
    });
    match provisioner.s3.bucket(name.clone()).contents(&dropped.cloned().collect()).await {
        Ok(contents) if contents.other => {
            let why = "objects were put into it since the plan was made: plan again";
            Err(Error::new(ErrorKind::PreconditionFailed, why).on(step.resource().to_string()))
        }
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error.on(step.resource().to_string()))
        }
        _ => Ok(()),
    }
}

/// Checks that no resource that the plan creates exists by now. It would belong to another
/// process, and the apply would change it and enter it as the stack's own.
async fn check_not_created(provisioner: &Provisioner, plan: &Plan) -> Result<()> {
    let mut needs = Needs::default();
    let mut keys = BTreeMap::new();
    for (id, intent) in &plan.intents {
        let Intent::Create(declared) = intent else { continue };
        let owned = Owned {
            stack: plan.stack.clone(),
            declared: Some(declared.clone()),
            attempted: None,
            since: Timestamp::UNIX_EPOCH,
            seal: None,
        };
        needs.add(id, Some(&owned));
        keys.insert(id, declared.access_key());
    }
    let observed = observe(provisioner, &needs).await?;
    for (id, key) in keys {
        if observed.has(id, key) {
            let why = "it was created by another process since the plan was made: plan again";
            return Err(Error::new(ErrorKind::PreconditionFailed, why).on(id.to_string()));
        }
    }
    Ok(())
}

/// Returns the error for a table that was empty when its drop was planned.
#[cfg(feature = "tables")]
pub(crate) fn has_rows_by_now() -> Error {
    let why = "rows were written into it since the plan was made: plan again";
    Error::new(ErrorKind::PreconditionFailed, why)
}
