//! From what should be, what is and what is ours to the steps between them. Nothing here does
//! I/O, and equal arguments give equal plans.
//!
//! # What a declaration manages
//!
//! * A field that is there is made true, whoever changed it.
//! * A field that was there in the declaration last applied and is left out now goes back to the
//!   server's default: no quota, no policy, no tags, versioning suspended. What was never
//!   declared is not touched.
//! * Properties and constraints of a table are managed one by one, everything else as a whole.
//! * A resource that is not declared any more is kept and told about, or with
//!   [`DiffOptions::prune`] taken away.
//!
//! # What it refuses
//!
//! A plan is made whole or not at all: everything that stands in its way is collected and told at
//! once, each with what to do about it ([`Error::failures`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

mod access;
mod bucket;
mod condition;
#[cfg(test)]
mod model;
mod overlap;
mod remove;
mod table;
#[cfg(test)]
mod tests;

pub use condition::{ConditionEquivalence, SameText};

use crate::identity::StackName;
use crate::name::BucketName;
use crate::plan::{Action, Change, Note, Plan, PlanVersion, Step, StepId};
use crate::resource::{ResourceId, ResourceKind};
use crate::spec::Spec;
use crate::state::{
    Declaration, DeclaredSpec, Intent, Observed, Owned, Registry, SecretChecks, owned_by_another,
};
use crate::{Error, ErrorKind, Result};

/// What a plan depends on besides declaration and state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiffOptions {
    /// Take away what the stack owns and does not declare any more.
    pub prune: bool,
    /// Take these over although their declarations do not say `adopt`.
    pub adopt: BTreeSet<ResourceId>,
    /// The server, as the profile names it: a plan is bound to it.
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

/// The steps that make the system what the document says. With a document that was applied, they
/// are the drift.
///
/// # Errors
/// Everything that stands in the way, as one error: `Conflict` for what another stack owns,
/// `AlreadyExists` for what is there and nobody's and not to be adopted, `SchemaMismatch` for
/// columns that cannot be changed, `Unsupported` for what the server does not have,
/// `PreconditionFailed` for what the server cannot change afterwards or must not lose; `Conflict`
/// where several of these meet. [`Error::failures`] has each of them.
pub fn diff(
    spec: &Spec,
    observed: &Observed,
    comparisons: Comparisons<'_>,
    registry: &Registry,
    options: &DiffOptions,
) -> Result<Plan> {
    let recovered = registry.recovered(observed);
    let mut draft = Draft {
        spec,
        observed,
        comparisons,
        registry: &recovered,
        options,
        steps: Vec::new(),
        last: BTreeMap::new(),
        makes: BTreeMap::new(),
        intents: BTreeMap::new(),
        notes: Vec::new(),
        kept: Vec::new(),
        problems: Vec::new(),
    };
    draft.check_server();
    draft.buckets();
    draft.tables();
    if observed.capabilities.admin {
        draft.policies();
        draft.groups();
        draft.users();
        draft.service_accounts();
    }
    draft.removals();
    draft.finish(registry)
}

/// The steps that take a whole stack away. The registry's bucket stays.
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
        // More often a slip of the keyboard than a stack that was taken away before.
        plan.notes.push(Note {
            resource: ResourceId::Bucket(registry_bucket.clone()),
            text: format!("the registry in it knows no stack {stack}: nothing is taken away"),
        });
    }
    Ok(plan)
}

/// A plan that is being made.
struct Draft<'a> {
    spec: &'a Spec,
    observed: &'a Observed,
    comparisons: Comparisons<'a>,
    registry: &'a Registry,
    options: &'a DiffOptions,
    steps: Vec<Step>,
    /// The last step of each resource: steps of one resource come one after the other, for
    /// servers keep its settings in one place and read, change and write it.
    last: BTreeMap<ResourceId, StepId>,
    /// The step that makes a resource.
    makes: BTreeMap<ResourceId, StepId>,
    intents: BTreeMap<ResourceId, Intent>,
    notes: Vec<Note>,
    kept: Vec<ResourceId>,
    problems: Vec<Error>,
}

/// How a declared resource stands.
#[derive(Clone, Copy)]
enum Standing<'a> {
    /// It is not there.
    Missing(Option<&'a Owned>),
    /// It is there and ours.
    Ours(&'a Owned),
    /// It is there and nobody's, and may be taken over.
    Adopted,
}

impl<'a> Standing<'a> {
    /// Our entry for it. What was declared for a resource that is gone has gone with it.
    fn owned(self) -> Option<&'a Owned> {
        match self {
            Self::Ours(owned) => Some(owned),
            Self::Missing(_) | Self::Adopted => None,
        }
    }

    fn is_there(self) -> bool {
        !matches!(self, Self::Missing(_))
    }
}

/// A step before it has its number.
struct NewStep {
    action: Action,
    reason: String,
    changes: Vec<Change>,
    after: BTreeSet<StepId>,
}

impl NewStep {
    fn new(action: Action, reason: impl Into<String>) -> Self {
        Self { action, reason: reason.into(), changes: Vec::new(), after: BTreeSet::new() }
    }

    fn changing(
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

/// A value for a [`Change`]. What cannot be written is shown as missing, which only a bug does.
fn shown<T: Serialize>(value: &T) -> Option<Value> {
    serde_json::to_value(value).ok()
}

impl<'a> Draft<'a> {
    fn push(&mut self, resource: &ResourceId, new: NewStep) -> StepId {
        let NewStep { action, reason, changes, mut after } = new;
        // Documents are bounded well below this.
        let id = StepId(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        after.extend(self.last.insert(resource.clone(), id));
        if action.takes_possession() {
            self.makes.entry(resource.clone()).or_insert(id);
        }
        let (resource, risk) = (resource.clone(), action.risk());
        self.steps.push(Step { id, resource, action, risk, reason, changes, after });
        id
    }

    fn problem(&mut self, kind: ErrorKind, resource: &ResourceId, why: impl Into<String>) {
        self.problems.push(Error::new(kind, why).on(resource.to_string()));
    }

    fn note(&mut self, resource: &ResourceId, text: impl Into<String>) {
        self.notes.push(Note { resource: resource.clone(), text: text.into() });
    }

    /// The steps, among those so far, that make these.
    fn makers(&self, resources: impl IntoIterator<Item = ResourceId>) -> Vec<StepId> {
        resources.into_iter().filter_map(|id| self.makes.get(&id).copied()).collect()
    }

    fn check_server(&mut self) {
        if !self.observed.capabilities.conditional_put {
            let why = "it does not honour If-None-Match, so that two who apply at once would not \
                       notice each other, and nothing can be owned there";
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
                 be looked after there",
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

    /// How a declared resource stands, or nothing and a problem.
    fn standing(&mut self, id: &ResourceId, there: bool, adopt: bool) -> Option<Standing<'a>> {
        let registry = self.registry;
        match registry.resources.get(id) {
            Some(owned) if owned.stack != self.spec.stack => {
                self.problems.push(owned_by_another(id, &owned.stack));
                None
            }
            Some(owned) if there => Some(Standing::Ours(owned)),
            owned if !there => Some(Standing::Missing(owned)),
            _ if adopt || self.options.adopt.contains(id) => Some(Standing::Adopted),
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

    /// Begins with a declared resource: what is taken over says so first.
    fn begin(&mut self, id: &ResourceId, standing: Standing<'a>) {
        if matches!(standing, Standing::Adopted) {
            self.push(id, NewStep::new(Action::Adopt, "it exists and is to be taken over"));
        }
    }

    /// Ends with a declared resource: if it has a step, the registry is to store its declaration;
    /// and if only the declaration has changed, a step does that alone.
    fn end<'d, T>(&mut self, id: &ResourceId, standing: Standing<'a>, spec: &'d T)
    where
        Declaration: From<&'d T>,
    {
        let declared = Declaration::from(spec);
        if let Standing::Ours(owned) = standing
            && !self.last.contains_key(id)
        {
            let same = owned.declared.as_ref() == Some(&declared);
            if same && owned.attempted.is_none() {
                return;
            }
            let mut step = NewStep::new(Action::Record, "its declaration has changed");
            let fields = |declared: Option<&Declaration>| match declared.map(Declaration::to_value)
            {
                Some(Value::Object(fields)) => fields,
                _ => serde_json::Map::new(),
            };
            let (old, new) = (fields(owned.declared.as_ref()), fields(Some(&declared)));
            for field in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
                let (old, new) = (old.get(field).cloned(), new.get(field).cloned());
                if old != new {
                    step = step.changing(field.clone(), old, new);
                }
            }
            if owned.declared.is_none() {
                step.reason = "it is ours, and no declaration of it was applied yet".into();
            } else if same {
                step.reason = "an apply was cut off before it was recorded".into();
            }
            self.push(id, step);
        }
        if self.last.contains_key(id) {
            let intent = match standing {
                Standing::Missing(_) => Intent::Create(declared),
                Standing::Ours(_) => Intent::Change(declared),
                Standing::Adopted => Intent::Adopt(declared),
            };
            self.intents.insert(id.clone(), intent);
        }
    }

    fn finish(self, registry: &Registry) -> Result<Plan> {
        let Self { spec, observed, options, steps, intents, notes, kept, problems, .. } = self;
        if let Some(error) = refusal(problems) {
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

/// The problems as one error.
fn refusal(mut problems: Vec<Error>) -> Option<Error> {
    let first = problems.first()?;
    let kind = first.kind();
    let kind =
        if problems.iter().all(|other| other.kind() == kind) { kind } else { ErrorKind::Conflict };
    if problems.len() == 1 {
        return problems.pop().map(|only| only.during("plan"));
    }
    let message = format!("{} things stand in its way; the first: {first}", problems.len());
    Some(Error::new(kind, message).during("plan").with_failures(problems))
}

/// The declarations of a resource whose settings may be on the server, the last applied one first.
fn earlier<T: DeclaredSpec>(owned: Option<&Owned>) -> Vec<T> {
    let declarations = owned.into_iter().flat_map(Owned::declarations);
    declarations.filter_map(T::of).cloned().collect()
}
