//! The comparison of a declared setting with the observed one.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::list::{BucketAction, BucketSetting, Listed, ObservedBucket, SettingAction};
use crate::name::BucketName;
use crate::plan::{Change, Risk, json_value};
use crate::resource::ResourceId;
use crate::spec::BucketSpec;
use crate::state::{Capabilities, Reading};
use crate::{Error, ErrorKind, StackName};

/// The settings of one bucket while they are planned: what they are compared with, and what came
/// of the comparisons so far.
pub(crate) struct SettingPlan<'a> {
    /// The bucket.
    pub(crate) name: &'a BucketName,
    /// The stack that declares it.
    pub(crate) stack: &'a StackName,
    /// The declaration of the bucket.
    pub(crate) spec: &'a BucketSpec,
    /// The settings that a declaration applied earlier has.
    pub(crate) previous: &'a BTreeSet<BucketSetting>,
    /// The bucket on the server; one that is yet to be created is as the server creates it.
    pub(crate) observed: &'a ObservedBucket,
    /// Whether the bucket exists.
    pub(crate) exists: bool,
    /// The capabilities of the server.
    pub(crate) capabilities: &'a Capabilities,
    /// The steps.
    pub(crate) steps: Vec<SettingStep>,
    /// Remarks about the bucket.
    pub(crate) notes: Vec<String>,
    /// The reasons why there is no plan.
    pub(crate) problems: Vec<Error>,
}

/// A step that sets one setting.
pub(crate) struct SettingStep {
    pub(crate) action: BucketAction,
    pub(crate) risk: Risk,
    pub(crate) reason: &'static str,
    pub(crate) change: Change,
}

/// How a setting is compared as a whole.
pub(crate) struct Comparison<S: SettingAction> {
    /// The field as specs name it.
    pub(crate) field: &'static str,
    /// The declared value; none where the setting is not declared.
    pub(crate) declared: Option<S::Value>,
    /// Whether the observed value, the first argument, is as good as the declared one.
    pub(crate) equal: fn(&S::Value, &S::Value) -> bool,
    /// The risk of replacing the observed value, the first argument, in a bucket that exists. A
    /// new bucket has nothing to lose.
    pub(crate) risk: fn(&S::Value, &S::Value) -> Risk,
    /// The action that sets a value.
    pub(crate) action: fn(S::Value) -> S,
}

impl<'a> SettingPlan<'a> {
    /// Returns the resource.
    pub(crate) fn id(&self) -> ResourceId {
        ResourceId::Bucket(self.name.clone())
    }

    /// Whether the setting was declared earlier and is not any more, and so goes back to its
    /// default.
    pub(crate) fn is_given_up<S: Listed>(&self) -> bool {
        !S::is_declared(self.spec) && self.previous.contains(&S::NAME)
    }

    /// Returns the observed value. Without one, adds a problem where the setting is declared: a
    /// setting that is to go back to its default has it on a server that lacks the setting.
    pub(crate) fn observed<S: Listed<Value: 'a>>(&mut self, field: &str) -> Option<&'a S::Value> {
        let observed = self.observed;
        match S::observed(observed) {
            Reading::Is(value) => Some(value),
            Reading::Unsupported => {
                if S::is_declared(self.spec) {
                    let why = format!("the server does not implement \"{field}\" of a bucket");
                    self.problem(ErrorKind::Unsupported, why);
                }
                None
            }
            Reading::NotRead => {
                let why = format!("\"{field}\" was not read, and no plan can be made without it");
                self.problem(ErrorKind::Internal, why);
                None
            }
        }
    }

    /// Compares a setting and adds the step that sets it.
    pub(crate) fn compare<S>(&mut self, comparison: Comparison<S>)
    where
        S: Listed<Value: Serialize + 'a>,
    {
        let Comparison { field, declared, equal, risk, action } = comparison;
        let given_up = self.is_given_up::<S>();
        let default = || given_up.then(|| S::on_new_bucket(false));
        let Some(wanted) = declared.or_else(default) else { return };
        let Some(found) = self.observed::<S>(field) else { return };
        if equal(found, &wanted) {
            return;
        }
        let risk = if self.exists { risk(found, &wanted) } else { Risk::Safe };
        let (old, new) = (json_value(found), json_value(&wanted));
        self.step::<S>(action(wanted), risk, field, old.filter(is_set), new.filter(is_set));
    }

    /// Adds a step.
    pub(crate) fn step<S: Listed>(
        &mut self,
        action: S,
        risk: Risk,
        field: &'static str,
        old: Option<Value>,
        new: Option<Value>,
    ) {
        let reason = if self.is_given_up::<S>() {
            "it is not declared any more and goes back to the default"
        } else {
            "it differs from what is declared"
        };
        let change = Change { field: field.into(), old, new };
        self.steps.push(SettingStep { action: action.into(), risk, reason, change });
    }

    /// Adds a remark.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Adds a reason why there is no plan.
    pub(crate) fn problem(&mut self, kind: ErrorKind, why: impl Into<String>) {
        self.problems.push(Error::new(kind, why).on(self.id().to_string()));
    }
}

/// Whether a change shows the value: an empty one is shown as none.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
