//! `plan`, `plan_destroy`, `drift` and `state`

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use lakewright_core::plan::{Action, Plan, Set, Step, StepId};
use lakewright_core::spec::Versioning;
use lakewright_core::state::{BucketSetting, Needs, Owned, Registry};
use lakewright_core::{
    AccessKey, BucketName, DiffOptions, Error, ErrorKind, ResourceId, Result, Secret, SecretRef,
    Spec, StackName, diff,
};

use super::document::Document;
use crate::Provisioner;
use lakewright_client::profile::read_secret;

/// How [`Provisioner::plan`] plans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Take away what the stack owns and does not declare any more.
    pub prune: bool,
    /// Take these over although their declarations do not say `adopt`.
    pub adopt: BTreeSet<ResourceId>,
}

/// The declared secrets, by access key of who has them. They are read when a plan is made, so
/// that a file that is missing is found before anything is changed.
pub(super) type Secrets = BTreeMap<AccessKey, Secret>;

impl Provisioner {
    /// What would have to be done to make the server what `spec` says. Nothing is changed.
    ///
    /// # Errors
    /// Everything that stands in the way, as [`lakewright_core::diff()`] has it, all of it at
    /// once in [`Error::failures`]; `InvalidConfig` where a secret cannot be read; `Conflict`
    /// while somebody else is applying, saying who; whatever keeps the server from answering.
    pub async fn plan(&self, spec: &Spec, options: &PlanOptions) -> Result<Plan> {
        self.planning(spec, options).await.map_err(|error| error.during("plan"))
    }

    /// What would take everything away that a stack owns. The registry's bucket stays.
    ///
    /// # Errors
    /// As [`Provisioner::plan`].
    pub async fn plan_destroy(&self, stack: &StackName, registry: &BucketName) -> Result<Plan> {
        let nothing = Spec { registry: Some(registry.clone()), ..Spec::empty(stack.clone()) };
        let options = PlanOptions { prune: true, adopt: BTreeSet::new() };
        self.planning(&nothing, &options).await.map_err(|error| error.during("destroy"))
    }

    /// What differs from the declaration: the plan without the steps that only keep the registry
    /// in order. It is for looking at; what is to be applied is made by [`Provisioner::plan`].
    ///
    /// # Errors
    /// As [`Provisioner::plan`].
    pub async fn drift(&self, spec: &Spec) -> Result<Plan> {
        let plan = self.planning(spec, &PlanOptions::default()).await;
        Ok(without_bookkeeping(plan.map_err(|error| error.during("drift"))?))
    }

    /// Who owns what, and who is applying.
    ///
    /// # Errors
    /// `Corrupt` for a document that is no registry; whatever keeps the server from answering.
    /// No bucket or no document is an empty registry.
    pub async fn state(&self, registry: &BucketName) -> Result<Registry> {
        let read = Document::new(self, registry)?.read().await;
        Ok(read.map_err(|error| error.during("state"))?.registry)
    }

    async fn planning(&self, spec: &Spec, options: &PlanOptions) -> Result<Plan> {
        let secrets = declared_secrets(spec)?;
        let document = Document::new(self, &spec.registry_bucket()?)?;
        let read = document.read().await?;
        read.registry.free(document.now(), read.alive())?;
        let registry = read.registry;
        let needs = needs(spec, &registry, options);
        let observed = self.observe(spec, &needs, &secrets).await?;
        let options = DiffOptions {
            prune: options.prune,
            adopt: options.adopt.clone(),
            endpoint: self.display_name.clone(),
        };
        let plan = diff(spec, &observed, &registry, &options)?;
        check_actions(&plan, document.now())?;
        Ok(plan)
    }
}

/// Reads every secret that is declared.
fn declared_secrets(spec: &Spec) -> Result<Secrets> {
    let users = spec
        .users
        .iter()
        .map(|(key, user)| (ResourceId::User(key.clone()), key.clone(), &user.secret));
    let accounts = spec.service_accounts.iter().map(|(name, account)| {
        (ResourceId::ServiceAccount(name.clone()), account.access_key.clone(), &account.secret)
    });
    let (mut secrets, mut failures) = (Secrets::new(), Vec::new());
    for (id, key, reference) in users.chain(accounts) {
        match read(reference) {
            Ok(secret) => {
                secrets.insert(key, secret);
            }
            Err(error) => failures.push(error.on(id.to_string())),
        }
    }
    match failures.len() {
        0 => Ok(secrets),
        1 => Err(failures.remove(0)),
        several => {
            let why = format!("{several} secrets cannot be read; the first: {}", failures[0]);
            Err(Error::new(ErrorKind::InvalidConfig, why).with_failures(failures))
        }
    }
}

/// The fewest bytes that MinIO takes for a secret key.
const SHORTEST: usize = 8;

/// Reads a secret that somebody is to have.
pub(super) fn read(reference: &SecretRef) -> Result<Secret> {
    let secret = read_secret(reference)?;
    if secret.expose().len() < SHORTEST {
        let why = format!("the secret in {reference} has fewer than {SHORTEST} characters");
        return Err(Error::new(ErrorKind::InvalidConfig, why));
    }
    Ok(secret)
}

/// What has to be looked at. Besides what is declared and owned: what a holder that was cut off
/// may have left behind.
fn needs(spec: &Spec, registry: &Registry, options: &PlanOptions) -> Needs {
    let mut assumed = registry.clone();
    if let Some(lease) = &registry.lease {
        for (id, intent) in &lease.pending {
            let owned = assumed.resources.entry(id.clone()).or_insert_with(|| Owned {
                stack: lease.stack.clone(),
                declared: None,
                attempted: None,
                since: lease.taken,
            });
            if intent.declared.is_some() {
                owned.attempted = intent.declared.clone();
            }
        }
    }
    let mut needs = Needs::of(spec, &assumed);
    for (id, _) in registry.pending() {
        needs.also(id, assumed.resources.get(id));
    }
    for (name, settings) in &mut needs.buckets {
        // What lies in a bucket counts where it may be deleted, and nothing else does there but
        // whether versions stay of tables that are dropped in it.
        let with_tables = needs.tables.iter().any(|uri| uri.bucket() == name);
        match spec.buckets.contains_key(name) {
            true => settings.retain(|setting| *setting != BucketSetting::Contents),
            false => settings.retain(|setting| match setting {
                BucketSetting::Contents => options.prune,
                BucketSetting::Versioning => options.prune && with_tables,
                _ => false,
            }),
        }
        // The lock stands in the way of suspending versioning, and of nothing else.
        if let Some(bucket) = spec.buckets.get(name) {
            let id = ResourceId::Bucket(name.clone());
            let owned = assumed.resources.get(&id);
            let had = |field: &str| {
                let mut before = owned.into_iter().flat_map(Owned::declarations);
                before.any(|before| before.get(field).is_some())
            };
            let may_suspend = match bucket.versioning {
                Some(versioning) => versioning == Versioning::Suspended,
                None => had("versioning"),
            };
            if bucket.object_lock.is_none() && !had("object_lock") && !may_suspend {
                settings.remove(&BucketSetting::ObjectLock);
            }
        }
    }
    needs
}

/// The soonest and the latest end that MinIO gives a service account, from now on
/// (`validateSvcExpirationInUTC` in its `cmd/admin-handlers-users.go`).
const SOONEST: SignedDuration = SignedDuration::from_mins(15);
const LATEST: SignedDuration = SignedDuration::from_hours(365 * 24);

/// What the server would refuse, or worse, take and not do.
fn check_actions(plan: &Plan, now: Timestamp) -> Result<()> {
    let impossible = |step: &Step| {
        let (kind, why) = match &step.action {
            Action::UpdateServiceAccount { description: Set::Clear, .. } => (
                ErrorKind::Unsupported,
                "MinIO does not take a description away: declare the one that it has, or another"
                    .to_owned(),
            ),
            Action::CreateServiceAccount { expires: Some(end), .. }
            | Action::UpdateServiceAccount { expires: Set::To(end), .. } => {
                (ErrorKind::PreconditionFailed, bad_end(end.0, now)?)
            }
            _ => return None,
        };
        Some(Error::new(kind, why).on(step.resource.to_string()))
    };
    let mut failures: Vec<Error> = plan.steps.iter().filter_map(impossible).collect();
    match failures.len() {
        0 => Ok(()),
        1 => Err(failures.remove(0)),
        several => {
            let why = format!("{several} things stand in its way; the first: {}", failures[0]);
            let kind = failures[0].kind();
            let same = failures.iter().all(|failure| failure.kind() == kind);
            let kind = if same { kind } else { ErrorKind::Conflict };
            Err(Error::new(kind, why).with_failures(failures))
        }
    }
}

/// Why a service account cannot end then, if so.
fn bad_end(end: Timestamp, now: Timestamp) -> Option<String> {
    let left = end.duration_since(now);
    let what = if left <= SignedDuration::ZERO {
        "is over"
    } else if left < SOONEST {
        "is less than 15 minutes away"
    } else if left > LATEST {
        "is more than 365 days away"
    } else {
        return None;
    };
    Some(format!(
        "its expires, {end}, {what}, and MinIO takes 15 minutes to 365 days from now: declare \
         another, or leave it out"
    ))
}

/// The plan without what changes the registry alone, its steps numbered anew.
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
                // What it waited for, whoever waited for it waits for.
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
    plan.intents.retain(|id, _| steps.iter().any(|step| step.resource == *id));
    plan.steps = steps;
    plan.recovered = Vec::new();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_account_ends_when_the_server_lets_it() {
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let (second, day) = (SignedDuration::from_secs(1), SignedDuration::from_hours(24));
        for (left, why) in [
            (-day, Some("is over")),
            (SignedDuration::ZERO, Some("is over")),
            (SOONEST - second, Some("is less than 15 minutes away")),
            (SOONEST, None),
            (day * 365, None),
            (day * 365 + second, Some("is more than 365 days away")),
        ] {
            let told = bad_end(now + left, now);
            assert_eq!(told.is_some(), why.is_some(), "{told:?}");
            let said = told.unwrap_or_default();
            assert!(said.contains(why.unwrap_or_default()), "{said}");
        }
    }
}
