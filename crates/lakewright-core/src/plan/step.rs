//! One step of a plan.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::Action;
use crate::resource::ResourceId;

/// The number of a step in its plan, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u32);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One step of a plan, which takes about one request.
///
/// A plan file has the resource and its action in two fields, `resource` and `action`. Reading
/// fails where the action does not belong to that kind of resource.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "StepFields")]
pub struct Step {
    /// The number of the step.
    pub id: StepId,
    /// The resource and what is done to it.
    pub action: Action,
    /// The risk of the step; never less than [`Action::risk`].
    pub risk: Risk,
    /// The reason for the step, as a clause.
    pub reason: String,
    /// The fields that change.
    pub changes: Vec<Change>,
    /// The steps that must be done before this one.
    pub after: BTreeSet<StepId>,
}

impl Step {
    /// Returns the resource that the step is about.
    #[must_use]
    pub fn resource(&self) -> ResourceId {
        self.action.resource()
    }
}

/// The form of a step in a plan file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepFields {
    id: StepId,
    resource: ResourceId,
    action: Value,
    risk: Risk,
    reason: String,
    #[serde(default)]
    changes: Vec<Change>,
    #[serde(default)]
    after: BTreeSet<StepId>,
}

impl TryFrom<StepFields> for Step {
    type Error = String;

    fn try_from(fields: StepFields) -> Result<Self, String> {
        let StepFields { id, resource, action, risk, reason, changes, after } = fields;
        let action = Action::from_fields(resource.clone(), action)
            .map_err(|error| format!("step {id}: not a valid action of the {resource}: {error}"))?;
        Ok(Self { id, action, risk, reason, changes, after })
    }
}

impl Serialize for Step {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            id: StepId,
            resource: ResourceId,
            action: &'a Action,
            risk: Risk,
            reason: &'a str,
            #[serde(skip_serializing_if = "<[Change]>::is_empty")]
            changes: &'a [Change],
            #[serde(skip_serializing_if = "BTreeSet::is_empty")]
            after: &'a BTreeSet<StepId>,
        }
        let Self { id, action, risk, reason, changes, after } = self;
        let (id, resource, risk) = (*id, action.resource(), *risk);
        Fields { id, resource, action, risk, reason, changes, after }.serialize(serializer)
    }
}

/// Whether a step loses data, credentials or a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// No data, no credentials and no resource are lost.
    Safe,
    /// Data, credentials or a whole resource are lost, and neither the earlier declaration nor the
    /// plan can restore them.
    Destructive,
}

/// One field that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The field as specs name it, such as `quota` or `properties.delta.appendOnly`.
    pub field: String,
    /// The value before the step; `None` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// The value after the step; `None` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// Returns a value for a [`Change`]. A value that cannot be serialised is left out, which only a
/// bug causes.
pub(crate) fn json_value<T: Serialize>(value: &T) -> Option<Value> {
    serde_json::to_value(value).ok()
}
