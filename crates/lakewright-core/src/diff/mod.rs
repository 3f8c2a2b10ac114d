//! The steps of a plan, from the spec, the observed server and the registry. Nothing here does
//! I/O, and equal arguments give equal plans.
//!
//! # Managed fields
//!
//! * A declared field is set wherever the server differs from it.
//! * A field that the declaration last applied had and the spec leaves out goes back to the
//!   server's default: no quota, no policy, no tags, versioning suspended. A field that was never
//!   declared is not touched.
//! * Properties and constraints of a table are managed individually, all other fields as a whole.
//! * A resource that is no longer declared is kept, with a note, or deleted with
//!   [`DiffOptions::prune`].
//!
//! # Problems
//!
//! There is no partial plan: all problems are collected and returned in one error, each with its
//! remedy ([`Error::failures`]).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

mod bucket;
mod condition;
mod group;
#[cfg(test)]
mod model;
mod overlap;
mod policy;
mod remove;
mod service_account;
mod table;
#[cfg(test)]
mod tests;
mod user;

pub use condition::{ConditionEquivalence, SameText};

use crate::identity::StackName;
use crate::name::BucketName;
use crate::plan::{Action, Change, Note, Plan, PlanVersion, RegistryAction, Risk, Step, StepId};
use crate::resource::{ResourceId, ResourceKind};
use crate::spec::Spec;
use crate::state::{
    Declaration, DeclaredSpec, Intent, Observed, Owned, Registry, SecretChecks, owned_by_another,
};
use crate::{Error, ErrorKind, Result};

/// The inputs of a plan besides spec, server and registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiffOptions {
    /// Whether to delete the resources that the stack owns and no longer declares.
    pub prune: bool,
    /// The resources to adopt although their declarations do not contain `adopt`.
    pub adopt: BTreeSet<ResourceId>,
    /// The name of the server: its display name, or else its endpoint. An apply to another server
    /// is refused.
    pub endpoint: String,
}

/// The comparisons of a plan that need more than the values that were read.
#[derive(Clone, Copy, Debug)]
pub struct Comparisons<'a> {
    /// The results of trying the declared secrets on the server.
    pub secrets: &'a SecretChecks,
    /// Decides whether two conditions of a table mean the same.
    pub conditions: &'a dyn ConditionEquivalence,
}

/// Returns the steps that make the server match the spec. For a spec that was already applied they
/// are the drift.
///
/// # Errors
/// All problems as one error: `Conflict` for a resource that another stack owns, `AlreadyExists`
/// for one that exists, has no owner and is not to be adopted, `SchemaMismatch` for columns that
/// cannot be changed, `Unsupported` for a setting that the server does not implement,
/// `PreconditionFailed` for a field that the server cannot change afterwards or data that it must
/// not lose; `Conflict` where the problems are of several kinds. [`Error::failures`] has each of
/// them.
pub fn diff(
    spec: &Spec,
    observed: &Observed,
    comparisons: Comparisons<'_>,
    registry: &Registry,
    options: &DiffOptions,
) -> Result<Plan> {
    let recovered = registry.recovered(observed);
    let mut planner = Planner {
        spec,
        observed,
        comparisons,
        registry: &recovered,
        options,
        steps: Vec::new(),
        last_step: BTreeMap::new(),
        creating_step: BTreeMap::new(),
        intents: BTreeMap::new(),
        notes: Vec::new(),
        kept: Vec::new(),
        problems: Vec::new(),
    };
    planner.check_server();
    planner.buckets();
    planner.tables();
    if observed.capabilities.admin {
        planner.policies();
        planner.groups();
        planner.users();
        planner.service_accounts();
    }
    planner.removals();
    planner.finish(registry)
}

/// Returns the steps that delete everything that a stack owns. The registry's bucket stays.
///
/// # Errors
/// As [`diff`].
pub fn destroy(
    stack: &StackName,
    registry_bucket: &BucketName,
    observed: &Observed,
    registry: &Registry,
    options: &DiffOptions,
) -> Result<Plan> {
    let spec = Spec { registry: Some(registry_bucket.clone()), ..Spec::empty(stack.clone()) };
    // Nothing is declared, so nothing is compared.
    let secrets = SecretChecks::default();
    let comparisons = Comparisons { secrets: &secrets, conditions: &SameText };
    let options = DiffOptions { prune: true, ..options.clone() };
    let mut plan = diff(&spec, observed, comparisons, registry, &options)?;
    if registry.recovered(observed).of_stack(stack).next().is_none() && plan.steps.is_empty() {
        // A mistyped name is more likely than a stack that was destroyed before.
        plan.notes.push(Note {
            resource: ResourceId::Bucket(registry_bucket.clone()),
            text: format!("the registry in it has no stack {stack}: nothing is deleted"),
        });
    }
    Ok(plan)
}

/// The state of planning.
struct Planner<'a> {
    spec: &'a Spec,
    observed: &'a Observed,
    comparisons: Comparisons<'a>,
    registry: &'a Registry,
    options: &'a DiffOptions,
    steps: Vec<Step>,
    /// The last step of each resource. Steps of one resource are done one after the other,
    /// because servers keep its settings in one place that they read, change and write.
    last_step: BTreeMap<ResourceId, StepId>,
    /// The step that creates or adopts a resource.
    creating_step: BTreeMap<ResourceId, StepId>,
    intents: BTreeMap<ResourceId, Intent>,
    notes: Vec<Note>,
    kept: Vec<ResourceId>,
    problems: Vec<Error>,
}

/// The status of a declared resource before the plan.
#[derive(Clone, Copy)]
enum ResourceStatus<'a> {
    /// The resource does not exist. Contains its registry entry if the stack owns it.
    Missing(Option<&'a Owned>),
    /// The resource exists and the stack owns it.
    Owned(&'a Owned),
    /// The resource exists without an owner, and the plan adopts it.
    Adopted,
}

impl<'a> ResourceStatus<'a> {
    /// Returns the registry entry of a resource that exists. The declarations of a resource that
    /// was deleted no longer count.
    fn owned(self) -> Option<&'a Owned> {
        match self {
            Self::Owned(owned) => Some(owned),
            Self::Missing(_) | Self::Adopted => None,
        }
    }

    fn exists(self) -> bool {
        !matches!(self, Self::Missing(_))
    }

    /// Returns the risk of replacing the secret of a user or service account. The secret of an
    /// adopted one was never declared, so it cannot be restored.
    fn risk_of_replaced_secret(self) -> Risk {
        match self {
            Self::Adopted => Risk::Destructive,
            Self::Owned(_) | Self::Missing(_) => Risk::Safe,
        }
    }

    /// Returns the reason why the resource is created.
    fn creation_reason(self) -> &'static str {
        match self {
            Self::Missing(Some(_)) => "it is ours and is gone",
            Self::Missing(None) | Self::Owned(_) | Self::Adopted => "it does not exist",
        }
    }
}

/// A step without its number.
struct StepBuilder {
    action: Action,
    risk: Risk,
    reason: String,
    changes: Vec<Change>,
    after: BTreeSet<StepId>,
}

impl StepBuilder {
    fn new(action: Action, reason: impl Into<String>) -> Self {
        let risk = action.risk();
        Self { action, risk, reason: reason.into(), changes: Vec::new(), after: BTreeSet::new() }
    }

    /// Raises the risk above that of the action alone.
    fn with_risk(mut self, risk: Risk) -> Self {
        self.risk = self.risk.max(risk);
        self
    }

    fn with_change(
        mut self,
        field: impl Into<String>,
        old: Option<Value>,
        new: Option<Value>,
    ) -> Self {
        self.changes.push(Change { field: field.into(), old, new });
        self
    }

    fn after(mut self, steps: impl IntoIterator<Item = StepId>) -> Self {
        self.after.extend(steps);
        self
    }
}

impl<'a> Planner<'a> {
    /// Adds a step after the last one of its resource.
    fn push(&mut self, step: StepBuilder) {
        let StepBuilder { action, risk, reason, changes, mut after } = step;
        // The size of specs is limited to far fewer steps than fit the number.
        let id = StepId(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        let resource = action.resource();
        after.extend(self.last_step.insert(resource.clone(), id));
        if action.takes_possession() {
            self.creating_step.entry(resource).or_insert(id);
        }
        self.steps.push(Step { id, action, risk, reason, changes, after });
    }

    fn problem(&mut self, kind: ErrorKind, resource: &ResourceId, why: impl Into<String>) {
        self.problems.push(Error::new(kind, why).on(resource.to_string()));
    }

    fn note(&mut self, resource: &ResourceId, text: impl Into<String>) {
        self.notes.push(Note { resource: resource.clone(), text: text.into() });
    }

    /// Returns the steps so far that create or adopt these resources.
    fn steps_that_create(&self, resources: impl IntoIterator<Item = ResourceId>) -> Vec<StepId> {
        resources.into_iter().filter_map(|id| self.creating_step.get(&id).copied()).collect()
    }

    fn check_server(&mut self) {
        if !self.observed.capabilities.conditional_put {
            let why = "it does not honour If-None-Match, so two processes that apply at the same \
                       time would not notice each other, and no stack can be kept there";
            self.problems.push(
                Error::new(ErrorKind::Unsupported, why).on(format!("server {}", self.endpoint())),
            );
        }
        if self.observed.capabilities.admin {
            return;
        }
        let owned = |kind| {
            let mine = self.registry.of_stack(&self.spec.stack);
            mine.filter(|(id, _)| id.kind() == kind).map(|(id, _)| id).collect::<BTreeSet<_>>()
        };
        let declared = [
            (ResourceKind::Policy, self.spec.policies.len()),
            (ResourceKind::Group, self.spec.groups.len()),
            (ResourceKind::User, self.spec.users.len()),
            (ResourceKind::ServiceAccount, self.spec.service_accounts.len()),
        ];
        let mut parts: Vec<String> = declared
            .into_iter()
            .map(|(kind, declared)| (kind, declared.max(owned(kind).len())))
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| kind.counted(count))
            .collect();
        let quotas = self.spec.buckets.values().filter(|bucket| bucket.quota.is_some()).count();
        if quotas > 0 {
            let plural = if quotas == 1 { "" } else { "s" };
            parts.push(format!("{quotas} quota{plural}"));
        }
        if !parts.is_empty() {
            let why = format!(
                "it has no admin API of MinIO, or these credentials may not use it, and {} cannot \
                 be managed there",
                parts.join(", ")
            );
            self.problems.push(
                Error::new(ErrorKind::Unsupported, why).on(format!("server {}", self.endpoint())),
            );
        }
    }

    fn endpoint(&self) -> &str {
        &self.options.endpoint
    }

    /// Returns the status of a declared resource. Returns `None` and adds a problem if another
    /// stack owns the resource, or if it exists without an owner and is not to be adopted.
    fn status(&mut self, id: &ResourceId, exists: bool, adopt: bool) -> Option<ResourceStatus<'a>> {
        let registry = self.registry;
        match registry.resources.get(id) {
            Some(owned) if owned.stack != self.spec.stack => {
                self.problems.push(owned_by_another(id, &owned.stack));
                None
            }
            Some(owned) if exists => Some(ResourceStatus::Owned(owned)),
            owned if !exists => Some(ResourceStatus::Missing(owned)),
            _ if adopt || self.options.adopt.contains(id) => Some(ResourceStatus::Adopted),
            _ => {
                self.problem(
                    ErrorKind::AlreadyExists,
                    id,
                    format!(
                        "it exists already and no stack owns it: say \"adopt\": true in its \
                         declaration or run `lakewright adopt {} --stack {}`, and it will be \
                         changed to what is declared; or choose another name",
                        id.address(),
                        self.spec.stack
                    ),
                );
                None
            }
        }
    }

    /// Adds the step that adopts a resource, before all others of it.
    fn adopt(&mut self, id: &ResourceId, status: ResourceStatus<'a>) {
        if matches!(status, ResourceStatus::Adopted) {
            let action = Action::Registry(id.clone(), RegistryAction::Adopt);
            self.push(StepBuilder::new(action, "it exists and is to be taken over"));
        }
    }

    /// Completes the steps of a declared resource. If there are any, the intent keeps the
    /// declaration for the registry. If there are none and the declaration is new, adds the step
    /// that records it.
    fn record<'d, T>(&mut self, id: &ResourceId, status: ResourceStatus<'a>, spec: &'d T)
    where
        Declaration: From<&'d T>,
    {
        let declared = Declaration::from(spec);
        if let ResourceStatus::Owned(owned) = status
            && !self.last_step.contains_key(id)
        {
            let same = owned.declared.as_ref() == Some(&declared);
            if same && owned.attempted.is_none() {
                return;
            }
            let reason = match &owned.declared {
                None => "it is ours, and no declaration of it was applied yet",
                Some(_) if same => "an apply was cut off before it was recorded",
                Some(_) => "its declaration has changed",
            };
            let action = Action::Registry(id.clone(), RegistryAction::Record);
            let mut step = StepBuilder::new(action, reason);
            let fields = |declared: Option<&Declaration>| match declared.map(Declaration::to_value)
            {
                Some(Value::Object(fields)) => fields,
                _ => serde_json::Map::new(),
            };
            let (old, new) = (fields(owned.declared.as_ref()), fields(Some(&declared)));
            for field in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
                let (old, new) = (old.get(field).cloned(), new.get(field).cloned());
                if old != new {
                    step = step.with_change(field.clone(), old, new);
                }
            }
            self.push(step);
        }
        if self.last_step.contains_key(id) {
            let intent = match status {
                ResourceStatus::Missing(_) => Intent::Create(declared),
                ResourceStatus::Owned(_) => Intent::Change(declared),
                ResourceStatus::Adopted => Intent::Adopt(declared),
            };
            self.intents.insert(id.clone(), intent);
        }
    }

    fn finish(self, registry: &Registry) -> Result<Plan> {
        let Self { spec, observed, options, steps, intents, notes, kept, problems, .. } = self;
        if let Some(error) = combine_problems(problems) {
            return Err(error);
        }
        Ok(Plan {
            version: PlanVersion,
            stack: spec.stack.clone(),
            spec_hash: spec.hash()?,
            endpoint: options.endpoint.clone(),
            registry: spec.registry_bucket()?,
            registry_serial: registry.serial,
            steps,
            notes,
            kept,
            intents,
            recovered: registry.recover(observed),
        })
    }
}

/// Combines the problems into one error; `None` if there are none.
fn combine_problems(mut problems: Vec<Error>) -> Option<Error> {
    let first = problems.first()?;
    let kind = first.kind();
    let kind =
        if problems.iter().all(|other| other.kind() == kind) { kind } else { ErrorKind::Conflict };
    if problems.len() == 1 {
        return problems.pop().map(|only| only.during("plan"));
    }
    let message = format!("{} problems were found; the first: {first}", problems.len());
    Some(Error::new(kind, message).during("plan").with_failures(problems))
}

/// Returns the declarations of a resource whose settings may be on the server, the last applied one
/// first.
fn previous_declarations<T: DeclaredSpec>(owned: Option<&Owned>) -> Vec<T> {
    let declarations = owned.into_iter().flat_map(Owned::declarations);
    declarations.filter_map(T::of).cloned().collect()
}
