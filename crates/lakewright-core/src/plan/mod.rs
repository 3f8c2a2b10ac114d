//! The steps between what exists and what is declared ([`Plan`]), and the result of applying them
//! ([`Report`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::action::{
    Action, ActionRow, BucketAction, Effect, FieldUpdate, GroupAction, PolicyAction,
    RegistryAction, ServiceAccountAction, TableAction, UserAction,
};
pub use self::report::{Report, StepStatus};
pub(crate) use self::step::json_value;
pub use self::step::{Change, Risk, Step, StepId};
pub use self::summary::Summary;
pub use crate::bucket_config::actions::*;
use crate::identity::StackName;
use crate::json::check_json_size;
use crate::name::BucketName;
use crate::resource::ResourceId;
use crate::state::{Intent, IntentKind, Recovered};
use crate::{Error, ErrorKind, Result};

mod action;
mod report;
mod step;
mod summary;

/// The steps that make a server match a spec. A plan identifies the spec, the registry and the
/// server that it was made from, and an apply refuses the plan if one of them has changed since. A
/// plan contains no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of the format of plan files: 1.
    pub version: PlanVersion,
    /// The stack that the plan is for.
    pub stack: StackName,
    /// The hash of the spec ([`crate::Spec::hash`]).
    pub spec_hash: String,
    /// The name of the server that the plan is for: its display name, or else its endpoint.
    pub endpoint: String,
    /// The bucket of the registry.
    pub registry: BucketName,
    /// The serial of the registry when it was read; 0 when there was none yet.
    pub registry_serial: u64,
    /// The steps, in an order in which they can be done.
    pub steps: Vec<Step>,
    /// Remarks for people.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// The resources that the stack owns, the spec no longer declares, and the plan does not
    /// delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<ResourceId>,
    /// The intent of the plan for each resource as a whole. An apply writes the intents into its
    /// lease, so that the next apply can recover from a crash.
    #[serde(default, deserialize_with = "crate::state::intents")]
    pub intents: BTreeMap<ResourceId, Intent>,
    /// The resources that an interrupted apply changed and did not record.
    #[serde(default)]
    pub recovered: Vec<Recovered>,
}

/// The version of the format of plan files. There is one, and reading fails for any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanVersion;

impl PlanVersion {
    /// The number in the field `version`.
    pub const NUMBER: u64 = 1;
}

impl Serialize for PlanVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for PlanVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            Self::NUMBER => Ok(Self),
            other => Err(serde::de::Error::custom(format!(
                "version {other} of a plan is not known; this lakewright knows version {}",
                Self::NUMBER
            ))),
        }
    }
}

/// A remark about a plan, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The resource that the remark is about.
    pub resource: ResourceId,
    /// The remark, as a clause.
    pub text: String,
}

impl Plan {
    /// Reads a plan file.
    ///
    /// # Errors
    /// `InvalidInput` when it is not a plan, has another version, or contradicts itself: steps wait
    /// for each other, an action does not belong to its kind of resource, a destructive step is
    /// marked as safe, or the intent for a resource differs from what its steps do.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let unreadable =
            |why: String| Error::invalid_input(format!("the plan cannot be read: {why}"));
        check_json_size(json).map_err(unreadable)?;
        let plan: Self = serde_json::from_slice(json)
            .map_err(|error| unreadable(error.to_string()).caused_by(error))?;
        for (index, step) in plan.steps.iter().enumerate() {
            // Steps that are in order and depend only on earlier ones have no circular
            // dependencies.
            let in_order =
                step.id.0 as usize == index && step.after.iter().all(|before| before.0 < step.id.0);
            if !in_order {
                return Err(Error::invalid_input(format!(
                    "the plan cannot be read: step {} does not stand in its place",
                    step.id
                )));
            }
        }
        plan.check_steps().map_err(unreadable)?;
        Ok(plan)
    }

    /// Checks the risks and the intents against the steps: people decide by the risks, and the
    /// recovery after a crash relies on the intents.
    fn check_steps(&self) -> Result<(), String> {
        let mut touched = BTreeSet::new();
        for step in &self.steps {
            let (id, resource, row) = (step.id, step.resource(), step.action.row());
            if step.risk < row.risk {
                return Err(format!("step {id}, {}, is not safe", row.verb));
            }
            let Some(intent) = self.intents.get(&resource) else {
                return Err(format!("step {id} is about the {resource}, which has no intent"));
            };
            if !row.effect.fits(intent.kind()) {
                return Err(format!(
                    "step {id}, {}, does not fit the intent for the {resource}",
                    row.verb
                ));
            }
            touched.insert(resource);
        }
        match self.intents.keys().find(|id| !touched.contains(id)) {
            Some(id) => Err(format!("the {id} has an intent and no step")),
            None => Ok(()),
        }
    }

    /// Returns the text of the plan file.
    ///
    /// # Errors
    /// `TooLarge` when the text exceeds the limits within which it can be read, 16 MiB and a million
    /// values.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| {
            Error::new(ErrorKind::Internal, "the plan cannot be written").caused_by(error)
        })?;
        check_json_size(text.as_bytes()).map_err(|why| {
            let why = format!("the plan could not be read again: {why}; declare less in one spec");
            Error::new(ErrorKind::TooLarge, why)
        })?;
        Ok(text + "\n")
    }

    /// Returns whether the plan has no steps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns whether the server differs from the spec: the plan has steps, or keeps a resource
    /// that is not declared any more.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.is_empty() || !self.kept.is_empty()
    }

    /// Returns the step with this number.
    #[must_use]
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.0 as usize)
    }

    /// Returns whether a step of the plan is destructive.
    #[must_use]
    pub fn is_destructive(&self) -> bool {
        self.steps.iter().any(|step| step.risk == Risk::Destructive)
    }

    /// Counts the resources that the plan creates, adopts, changes, deletes and forgets.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let count = |kinds: &[IntentKind]| {
            self.intents.values().filter(|intent| kinds.contains(&intent.kind())).count()
        };
        Summary {
            create: count(&[IntentKind::Create]),
            adopt: count(&[IntentKind::Adopt]),
            change: count(&[IntentKind::Change]),
            delete: count(&[IntentKind::Delete]),
            forget: count(&[IntentKind::Forget]),
        }
    }
}
