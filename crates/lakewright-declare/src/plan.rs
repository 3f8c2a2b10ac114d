//! `plan`, `plan_destroy`, `drift` and `state`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use lakewright_core::diff::Comparisons;
use lakewright_core::plan::{Action, FieldUpdate, Note, Plan, ServiceAccountAction, Step, StepId};
use lakewright_core::spec::{BucketSpec, Versioning};
use lakewright_core::state::{
    BucketSetting, Declaration, Intent, IntentKind, Needs, Owned, Registry,
};
use lakewright_core::{
    BucketName, DiffOptions, Error, ErrorKind, ResourceId, Result, Spec, StackName, diff,
};
use lakewright_macros::Builder;

use super::conditions::SameExpression;
use super::observe::observe;
use super::registry_store::RegistryStore;
use super::secrets::{check_secrets, read_declared};
use crate::Provisioner;

/// Options of [`Provisioner::plan`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Builder)]
#[non_exhaustive]
pub struct PlanOptions {
    /// Whether to delete the resources that the stack owns and no longer declares.
    #[builder(default)]
    pub prune: bool,
    /// The resources to adopt although their declarations do not contain `adopt`.
    #[builder(default)]
    pub adopt: BTreeSet<ResourceId>,
}

impl Provisioner {
    /// Returns the steps that make the server match `spec`. Nothing is changed.
    ///
    /// # Errors
    /// Those of [`lakewright_core::diff()`], all of them at once in [`Error::failures`];
    /// `InvalidConfig` where a secret cannot be read; `Conflict` with the holder of the lease while
    /// another process is applying; any connection or server error.
    pub async fn plan(&self, spec: &Spec, options: &PlanOptions) -> Result<Plan> {
        make_plan(self, spec, options).await.map_err(|error| error.during("plan"))
    }

    /// Returns the steps that delete everything that a stack owns. The registry's bucket stays.
    ///
    /// # Errors
    /// As [`Provisioner::plan`].
    pub async fn plan_destroy(&self, stack: &StackName, registry: &BucketName) -> Result<Plan> {
        let nothing = Spec { registry: Some(registry.clone()), ..Spec::empty(stack.clone()) };
        let options = PlanOptions::builder().prune(true).build();
        make_plan(self, &nothing, &options).await.map_err(|error| error.during("destroy"))
    }

    /// Returns the differences from the spec: the plan without the steps that change only the
    /// registry. It is for display; a plan to be applied comes from [`Provisioner::plan`].
    ///
    /// # Errors
    /// As [`Provisioner::plan`].
    pub async fn drift(&self, spec: &Spec) -> Result<Plan> {
        let plan = make_plan(self, spec, &PlanOptions::default()).await;
        Ok(without_bookkeeping(plan.map_err(|error| error.during("drift"))?))
    }

    /// Reads the registry: the resources of each stack, and the process that is applying. A missing
    /// bucket or object gives an empty one.
    ///
    /// # Errors
    /// `Corrupt` for an object that is no registry; any connection or server error.
    pub async fn state(&self, registry: &BucketName) -> Result<Registry> {
        let read = RegistryStore::new(self, registry)?.read().await;
        Ok(read.map_err(|error| error.during("state"))?.registry)
    }
}

async fn make_plan(provisioner: &Provisioner, spec: &Spec, options: &PlanOptions) -> Result<Plan> {
    let secrets = read_declared(spec)?;
    let store = RegistryStore::new(provisioner, &spec.registry_bucket()?)?;
    let current = store.read().await?;
    current.registry.ensure_free(store.now(), current.alive())?;
    let registry = current.registry;
    store.check_seals(&registry, &spec.stack)?;
    let observed = observe(provisioner, &needs(spec, &registry, options)).await?;
    let secrets = check_secrets(provisioner, spec, &secrets, &observed).await?;
    let comparisons = Comparisons { secrets: &secrets, conditions: &SameExpression };
    let options = DiffOptions {
        prune: options.prune,
        adopt: options.adopt.clone(),
        endpoint: provisioner.display_name.clone(),
    };
    let mut plan = diff(spec, &observed, comparisons, &registry, &options)?;
    check_actions(&plan, store.now())?;
    let deletes = |intent: &Intent| intent.kind() == IntentKind::Delete;
    if store.seal_key().is_none() && plan.intents.values().any(deletes) {
        plan.notes.push(Note {
            resource: ResourceId::Bucket(plan.registry.clone()),
            text: "its entries are not sealed, so that every user who may write to it can have \
                   other things deleted: give the profile a registry_key"
                .into(),
        });
    }
    Ok(plan)
}

/// Returns the resources to observe: those that are declared or owned, and those that an
/// interrupted apply may have changed.
fn needs(spec: &Spec, registry: &Registry, options: &PlanOptions) -> Needs {
    let mut assumed = registry.clone();
    if let Some(lease) = &registry.lease {
        for (id, intent) in &lease.pending {
            let owned = assumed.resources.entry(id.clone()).or_insert_with(|| Owned {
                stack: lease.stack.clone(),
                declared: None,
                attempted: None,
                since: lease.taken,
                seal: None,
            });
            if let Some(declared) = intent.declaration() {
                owned.attempted = Some(declared.clone());
            }
        }
    }
    let mut needs = Needs::of(spec, &assumed);
    for (id, _) in registry.pending() {
        needs.add(id, assumed.resources.get(id));
    }
    for (name, settings) in &mut needs.buckets {
        // The contents of a bucket matter only where it may be deleted. There its only setting that
        // matters is versioning, with which a dropped table leaves its old versions.
        let with_tables = needs.tables.iter().any(|uri| uri.bucket() == name);
        match spec.buckets.contains_key(name) {
            true => settings.retain(|setting| *setting != BucketSetting::Contents),
            false => settings.retain(|setting| match setting {
                BucketSetting::Contents => options.prune,
                BucketSetting::Versioning => options.prune && with_tables,
                _ => false,
            }),
        }
        // Object lock matters only where versioning may be suspended, which it forbids.
        if let Some(bucket) = spec.buckets.get(name) {
            let id = ResourceId::Bucket(name.clone());
            let owned = assumed.resources.get(&id);
            let had = |field: fn(&BucketSpec) -> bool| {
                owned.into_iter().flat_map(Owned::declarations).any(|declared| match declared {
                    Declaration::Bucket(before) => field(before),
                    _ => false,
                })
            };
            let may_suspend = match bucket.versioning {
                Some(versioning) => versioning == Versioning::Suspended,
                None => had(|before| before.versioning.is_some()),
            };
            let had_lock = had(|before| before.object_lock.is_some());
            if bucket.object_lock.is_none() && !had_lock && !may_suspend {
                settings.remove(&BucketSetting::ObjectLock);
            }
        }
    }
    needs
}

/// The nearest and the farthest expiry that MinIO accepts for a service account, from now on
/// (`validateSvcExpirationInUTC` in its `cmd/admin-handlers-users.go`).
const MIN_LIFETIME: SignedDuration = SignedDuration::from_mins(15);
const MAX_LIFETIME: SignedDuration = SignedDuration::from_hours(365 * 24);

/// Refuses actions that the server would refuse, or accept without effect.
fn check_actions(plan: &Plan, now: Timestamp) -> Result<()> {
    let impossible = |step: &Step| {
        let Action::ServiceAccount(_, action) = &step.action else { return None };
        let (kind, why) = match action {
            ServiceAccountAction::UpdateServiceAccount {
                description: FieldUpdate::Clear, ..
            } => (
                ErrorKind::Unsupported,
                "MinIO cannot remove a description: declare the one that it has, or another"
                    .to_owned(),
            ),
            ServiceAccountAction::CreateServiceAccount { expires: Some(end), .. }
            | ServiceAccountAction::UpdateServiceAccount {
                expires: FieldUpdate::To(end), ..
            } => (ErrorKind::PreconditionFailed, bad_expiry(end.0, now)?),
            _ => return None,
        };
        Some(Error::new(kind, why).on(step.resource().to_string()))
    };
    let mut failures: Vec<Error> = plan.steps.iter().filter_map(impossible).collect();
    match failures.len() {
        0 => Ok(()),
        1 => Err(failures.remove(0)),
        several => {
            let why = format!("{several} problems were found; the first: {}", failures[0]);
            let kind = failures[0].kind();
            let same = failures.iter().all(|failure| failure.kind() == kind);
            let kind = if same { kind } else { ErrorKind::Conflict };
            Err(Error::new(kind, why).with_failures(failures))
        }
    }
}

/// Returns the reason why MinIO refuses this expiry of a service account, if it does.
fn bad_expiry(end: Timestamp, now: Timestamp) -> Option<String> {
    let left = end.duration_since(now);
    let what = if left <= SignedDuration::ZERO {
        "is over"
    } else if left < MIN_LIFETIME {
        "is less than 15 minutes away"
    } else if left > MAX_LIFETIME {
        "is more than 365 days away"
    } else {
        return None;
    };
    Some(format!(
        "its expires, {end}, {what}, and MinIO takes 15 minutes to 365 days from now: declare \
         another, or leave it out"
    ))
}

/// Returns the plan without the steps that change only the registry, the others renumbered.
fn without_bookkeeping(mut plan: Plan) -> Plan {
    let mut numbers: BTreeMap<StepId, StepId> = BTreeMap::new();
    let mut left: BTreeMap<StepId, BTreeSet<StepId>> = BTreeMap::new();
    let mut steps: Vec<Step> = Vec::new();
    for mut step in std::mem::take(&mut plan.steps) {
        let mut after = BTreeSet::new();
        for before in &step.after {
            match numbers.get(before) {
                Some(number) => {
                    after.insert(*number);
                }
                // A dropped step passes its own dependencies on to the steps that depended on it.
                None => after.extend(left.get(before).into_iter().flatten().copied()),
            }
        }
        if step.action.is_bookkeeping() {
            left.insert(step.id, after);
            continue;
        }
        let number = StepId(u32::try_from(steps.len()).unwrap_or(u32::MAX));
        numbers.insert(step.id, number);
        (step.id, step.after) = (number, after);
        steps.push(step);
    }
    plan.intents.retain(|id, _| steps.iter().any(|step| step.resource() == *id));
    plan.steps = steps;
    plan.recovered = Vec::new();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expiry_of_a_service_account_is_within_the_limits_of_the_server() {
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let (second, day) = (SignedDuration::from_secs(1), SignedDuration::from_hours(24));
        for (left, why) in [
            (-day, Some("is over")),
            (SignedDuration::ZERO, Some("is over")),
            (MIN_LIFETIME - second, Some("is less than 15 minutes away")),
            (MIN_LIFETIME, None),
            (day * 365, None),
            (day * 365 + second, Some("is more than 365 days away")),
        ] {
            let reason = bad_expiry(now + left, now);
            assert_eq!(reason.is_some(), why.is_some(), "{reason:?}");
            let reason = reason.unwrap_or_default();
            assert!(reason.contains(why.unwrap_or_default()), "{reason}");
        }
    }
}
