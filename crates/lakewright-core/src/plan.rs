//! What would be done ([`Plan`]) and what came of it ([`Report`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::{AccessKey, GroupName, PolicyName, StackName};
use crate::name::BucketName;
use crate::resource::{ResourceId, ResourceKind};
use crate::secret::SecretRef;
use crate::spec::{
    ByteSize, Column, Columns, Encryption, LifecycleRule, Notification, ObjectLock, Time,
    Versioning,
};
use crate::state::{Intent, IntentKind, Recovered};
use crate::{Error, ErrorKind, Result};

/// Steps that make a system what is declared. It says what it was made from (document, registry,
/// server) and is refused where any of these has moved. No secret is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this format: 1.
    pub version: PlanVersion,
    /// Whose plan it is.
    pub stack: StackName,
    /// The hash of the document ([`crate::Spec::hash`]).
    pub spec_hash: String,
    /// The server that it is for, as the profile names it.
    pub endpoint: String,
    /// The bucket of the registry.
    pub registry: BucketName,
    /// The serial of the registry when it was read; 0 when there was none yet.
    pub registry_serial: u64,
    /// What is to be done, in an order in which it can be done.
    pub steps: Vec<Step>,
    /// What people should know besides.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// What the stack owns and does not declare any more, and this plan leaves where it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<ResourceId>,
    /// What is about to happen to each resource, for the lease.
    #[serde(default, deserialize_with = "crate::state::intents")]
    pub intents: BTreeMap<ResourceId, Intent>,
    /// What a holder that was cut off had left unrecorded.
    #[serde(default)]
    pub recovered: Vec<Recovered>,
}

/// The version of a plan's format. There is one, and another is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanVersion;

impl PlanVersion {
    /// The number that stands in the document.
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

/// The number of a step in its plan, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u32);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One thing to do: about one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// To what.
    pub resource: ResourceId,
    /// What.
    pub action: Action,
    /// Whether something is lost by it.
    pub risk: Risk,
    /// Why, as a clause.
    pub reason: String,
    /// What is different afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Steps that must be done before it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub after: BTreeSet<StepId>,
}

/// Whether something is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Applying the old declaration undoes it.
    Safe,
    /// Data, credentials or a whole resource are gone afterwards.
    Destructive,
}

/// One field that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The field as the document names it, such as `quota` or `properties.delta.appendOnly`.
    pub field: String,
    /// What it is now; none if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What it will be; none if it will not be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// A value that is left as it is, taken away or set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Set<T> {
    /// As it is.
    Keep,
    /// Back to nothing.
    Clear,
    /// To this.
    To(T),
}

impl<T> Set<T> {
    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

/// What a step does, with all that it takes. Doing it twice comes to the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Makes the bucket.
    CreateBucket {
        /// With object lock, which also switches versioning on.
        object_lock: bool,
    },
    /// Switches versioning.
    SetVersioning {
        /// To what.
        versioning: Versioning,
    },
    /// Sets the default retention of a bucket with object lock.
    SetObjectLock {
        /// The object lock, with or without a default retention.
        object_lock: ObjectLock,
    },
    /// Sets the quota.
    SetQuota {
        /// None for none.
        quota: Option<ByteSize>,
    },
    /// Replaces the lifecycle configuration.
    SetLifecycle {
        /// All rules; empty for no configuration.
        rules: Vec<LifecycleRule>,
    },
    /// Replaces the bucket's policy.
    SetBucketPolicy {
        /// The document; none for no policy.
        document: Option<Value>,
    },
    /// Replaces the bucket's tags.
    SetTags {
        /// All tags; empty for none.
        tags: BTreeMap<String, String>,
    },
    /// Sets the default encryption.
    SetEncryption {
        /// None for none.
        encryption: Option<Encryption>,
    },
    /// Replaces the bucket's notifications.
    SetNotifications {
        /// All of them; empty for none.
        notifications: Vec<Notification>,
    },
    /// Deletes the bucket.
    DeleteBucket {
        /// With every object, version and marker in it; otherwise the server refuses a bucket
        /// that is not empty.
        force: bool,
    },

    /// Makes the table, empty.
    CreateTable {
        /// Its columns.
        schema: Columns,
        /// The columns that its files are divided by.
        partition_by: Vec<String>,
        /// Its properties.
        properties: BTreeMap<String, String>,
    },
    /// Adds columns at the end, nullable ones.
    AddColumns {
        /// Which.
        columns: Vec<Column>,
    },
    /// Changes properties, in one commit.
    SetTableProperties {
        /// These get these values.
        set: BTreeMap<String, String>,
        /// These are taken away.
        unset: BTreeSet<String>,
    },
    /// Adds a constraint. The table's rows are checked first.
    AddConstraint {
        /// Its name.
        name: String,
        /// Its condition in SQL.
        condition: String,
    },
    /// Drops a constraint.
    DropConstraint {
        /// Its name.
        name: String,
    },
    /// Drops the table and deletes its files.
    DropTable {
        /// With the rows in it: the declaration last applied said so. Otherwise it must still be
        /// empty when its turn comes.
        force: bool,
    },

    /// Makes or replaces the policy.
    PutPolicy {
        /// The document, in the form of [`crate::policy::for_server`].
        document: Value,
    },
    /// Deletes the policy.
    DeletePolicy,

    /// Makes the group, with nobody in it.
    CreateGroup,
    /// Switches the group on or off.
    SetGroupEnabled {
        /// On.
        enabled: bool,
    },
    /// Deletes the group. Whoever is still in it leaves it.
    DeleteGroup,

    /// Makes the user, or sets her secret and whether she may come in.
    PutUser {
        /// Where her secret is found.
        secret: SecretRef,
        /// Whether she may come in.
        enabled: bool,
    },
    /// Lets the user in or keeps her out.
    SetUserEnabled {
        /// In.
        enabled: bool,
    },
    /// Deletes the user, and with her the service accounts that act for her.
    DeleteUser,
    /// Puts the user into a group.
    JoinGroup {
        /// Which.
        group: GroupName,
    },
    /// Takes the user out of a group.
    LeaveGroup {
        /// Which.
        group: GroupName,
    },
    /// Attaches policies to the user or group, those that are missing.
    AttachPolicies {
        /// Which.
        policies: BTreeSet<PolicyName>,
    },
    /// Detaches policies from the user or group.
    DetachPolicies {
        /// Which.
        policies: BTreeSet<PolicyName>,
    },

    /// Makes the service account.
    CreateServiceAccount {
        /// For whom it acts; none for whoever applies this.
        owner: Option<AccessKey>,
        /// Its access key.
        access_key: AccessKey,
        /// Where its secret is found.
        secret: SecretRef,
        /// Its own policy; none for all that its owner may.
        policy: Option<Value>,
        /// When it ends.
        expires: Option<Time>,
        /// The description for people.
        description: Option<String>,
    },
    /// Changes a service account.
    UpdateServiceAccount {
        /// Which.
        access_key: AccessKey,
        /// A new secret; none for the old one.
        secret: Option<SecretRef>,
        /// Its own policy. [`Set::Clear`]: all that its owner may.
        policy: Set<Value>,
        /// When it ends. [`Set::Clear`]: never.
        expires: Set<Time>,
        /// The description for people.
        description: Set<String>,
        /// Switch it on, which somebody had switched off.
        enable: bool,
    },
    /// Deletes the service account.
    DeleteServiceAccount {
        /// Which.
        access_key: AccessKey,
    },

    /// Enters something that exists as ours. No request besides the registry's.
    Adopt,
    /// Remembers a declaration that differs in nothing that the server knows. No request besides
    /// the registry's.
    Record,
    /// Strikes off what is gone already. No request besides the registry's.
    Forget,
}

impl Action {
    /// What it does, in the words of verbs: `create_bucket`.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::CreateBucket { .. } => "create_bucket",
            Self::SetVersioning { .. } => "set_versioning",
            Self::SetObjectLock { .. } => "set_object_lock",
            Self::SetQuota { .. } => "set_quota",
            Self::SetLifecycle { .. } => "set_lifecycle",
            Self::SetBucketPolicy { .. } => "set_bucket_policy",
            Self::SetTags { .. } => "set_tags",
            Self::SetEncryption { .. } => "set_encryption",
            Self::SetNotifications { .. } => "set_notifications",
            Self::DeleteBucket { .. } => "delete_bucket",
            Self::CreateTable { .. } => "create_table",
            Self::AddColumns { .. } => "add_columns",
            Self::SetTableProperties { .. } => "set_table_properties",
            Self::AddConstraint { .. } => "add_constraint",
            Self::DropConstraint { .. } => "drop_constraint",
            Self::DropTable { .. } => "drop_table",
            Self::PutPolicy { .. } => "put_policy",
            Self::DeletePolicy => "delete_policy",
            Self::CreateGroup => "create_group",
            Self::SetGroupEnabled { .. } => "set_group_enabled",
            Self::DeleteGroup => "delete_group",
            Self::PutUser { .. } => "put_user",
            Self::SetUserEnabled { .. } => "set_user_enabled",
            Self::DeleteUser => "delete_user",
            Self::JoinGroup { .. } => "join_group",
            Self::LeaveGroup { .. } => "leave_group",
            Self::AttachPolicies { .. } => "attach_policies",
            Self::DetachPolicies { .. } => "detach_policies",
            Self::CreateServiceAccount { .. } => "create_service_account",
            Self::UpdateServiceAccount { .. } => "update_service_account",
            Self::DeleteServiceAccount { .. } => "delete_service_account",
            Self::Adopt => "adopt",
            Self::Record => "record",
            Self::Forget => "forget",
        }
    }

    /// Whether the resource is ours once this step is done, whatever becomes of the others.
    #[must_use]
    pub const fn takes_possession(&self) -> bool {
        matches!(
            self,
            Self::CreateBucket { .. }
                | Self::CreateTable { .. }
                | Self::PutPolicy { .. }
                | Self::CreateGroup
                | Self::PutUser { .. }
                | Self::CreateServiceAccount { .. }
                | Self::Adopt
        )
    }

    /// Whether something is lost by it.
    #[must_use]
    pub const fn risk(&self) -> Risk {
        match self {
            Self::DeleteBucket { .. }
            | Self::DropTable { .. }
            | Self::DeletePolicy
            | Self::DeleteGroup
            | Self::DeleteUser
            | Self::DeleteServiceAccount { .. } => Risk::Destructive,
            _ => Risk::Safe,
        }
    }

    /// Whether it can be a step towards this.
    const fn fits(&self, intent: IntentKind) -> bool {
        match (self, self.risk()) {
            (_, Risk::Destructive) => matches!(intent, IntentKind::Delete),
            (Self::Forget, _) => matches!(intent, IntentKind::Forget),
            (Self::Adopt, _) => matches!(intent, IntentKind::Adopt),
            (Self::Record, _) => matches!(intent, IntentKind::Change),
            (
                Self::CreateBucket { .. }
                | Self::CreateTable { .. }
                | Self::CreateGroup
                | Self::CreateServiceAccount { .. },
                _,
            ) => matches!(intent, IntentKind::Create),
            _ => matches!(intent, IntentKind::Create | IntentKind::Adopt | IntentKind::Change),
        }
    }

    /// Whether it is done to this kind of thing.
    const fn acts_on(&self, kind: ResourceKind) -> bool {
        match self {
            Self::CreateBucket { .. }
            | Self::SetVersioning { .. }
            | Self::SetObjectLock { .. }
            | Self::SetQuota { .. }
            | Self::SetLifecycle { .. }
            | Self::SetBucketPolicy { .. }
            | Self::SetTags { .. }
            | Self::SetEncryption { .. }
            | Self::SetNotifications { .. }
            | Self::DeleteBucket { .. } => matches!(kind, ResourceKind::Bucket),
            Self::CreateTable { .. }
            | Self::AddColumns { .. }
            | Self::SetTableProperties { .. }
            | Self::AddConstraint { .. }
            | Self::DropConstraint { .. }
            | Self::DropTable { .. } => matches!(kind, ResourceKind::Table),
            Self::PutPolicy { .. } | Self::DeletePolicy => matches!(kind, ResourceKind::Policy),
            Self::CreateGroup | Self::SetGroupEnabled { .. } | Self::DeleteGroup => {
                matches!(kind, ResourceKind::Group)
            }
            Self::PutUser { .. }
            | Self::SetUserEnabled { .. }
            | Self::DeleteUser
            | Self::JoinGroup { .. }
            | Self::LeaveGroup { .. } => matches!(kind, ResourceKind::User),
            Self::AttachPolicies { .. } | Self::DetachPolicies { .. } => {
                matches!(kind, ResourceKind::User | ResourceKind::Group)
            }
            Self::CreateServiceAccount { .. }
            | Self::UpdateServiceAccount { .. }
            | Self::DeleteServiceAccount { .. } => matches!(kind, ResourceKind::ServiceAccount),
            Self::Adopt | Self::Record | Self::Forget => true,
        }
    }

    /// Whether it changes the registry alone.
    #[must_use]
    pub const fn is_bookkeeping(&self) -> bool {
        matches!(self, Self::Adopt | Self::Record | Self::Forget)
    }
}

/// Something that people should know about a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// About what.
    pub resource: ResourceId,
    /// What, as a clause.
    pub text: String,
}

impl Plan {
    /// Reads a plan that was written to a file.
    ///
    /// # Errors
    /// `InvalidInput` when it is no plan, one of another version, or not of one piece: its steps
    /// wait for each other, one is called safe and destroys something, or what it is about to do to
    /// a resource is not what its steps do.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let plan: Self = serde_json::from_slice(json).map_err(|error| {
            Error::invalid_input(format!("the plan cannot be read: {error}")).caused_by(error)
        })?;
        for (index, step) in plan.steps.iter().enumerate() {
            // Steps stand in order, so that none can wait for a later one.
            let in_order =
                step.id.0 as usize == index && step.after.iter().all(|before| before.0 < step.id.0);
            if !in_order {
                return Err(Error::invalid_input(format!(
                    "the plan cannot be read: step {} does not stand in its place",
                    step.id
                )));
            }
        }
        plan.check_steps()
            .map_err(|why| Error::invalid_input(format!("the plan cannot be read: {why}")))?;
        Ok(plan)
    }

    /// People decide by the risk, and a crash is recovered from by the intents: neither may say
    /// anything but what the steps do.
    fn check_steps(&self) -> Result<(), String> {
        for Step { id, resource, action, risk, .. } in &self.steps {
            if !action.acts_on(resource.kind()) {
                return Err(format!(
                    "step {id} would {} the {resource}, which is none of its kind",
                    action.verb()
                ));
            }
            if *risk < action.risk() {
                return Err(format!("step {id}, {}, is not safe", action.verb()));
            }
            let Some(intent) = self.intents.get(resource) else {
                return Err(format!("step {id} is about the {resource}, which has no intent"));
            };
            if !action.fits(intent.kind()) {
                return Err(format!(
                    "step {id}, {}, does not fit the intent for the {resource}",
                    action.verb()
                ));
            }
        }
        let touched: BTreeSet<&ResourceId> = self.steps.iter().map(|step| &step.resource).collect();
        match self.intents.keys().find(|id| !touched.contains(id)) {
            Some(id) => Err(format!("the {id} has an intent and no step")),
            None => Ok(()),
        }
    }

    /// Writes the plan.
    ///
    /// # Errors
    /// `Internal` when it cannot be written, which has no known cause.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(|error| {
            Error::new(ErrorKind::Internal, "the plan cannot be written").caused_by(error)
        })
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether what is there differs from what is declared: something is to be done, or something
    /// is kept that is not declared any more.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.is_empty() || !self.kept.is_empty()
    }

    /// The step of this number.
    #[must_use]
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.0 as usize)
    }

    /// Whether something is lost by it.
    #[must_use]
    pub fn is_destructive(&self) -> bool {
        self.steps.iter().any(|step| step.risk == Risk::Destructive)
    }

    /// How many resources are made, changed and taken away.
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

/// Numbers of resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Made.
    pub create: usize,
    /// Taken over.
    pub adopt: usize,
    /// Changed.
    pub change: usize,
    /// Taken away.
    pub delete: usize,
    /// Struck off.
    pub forget: usize,
}

/// `2 to create, 1 to delete`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [
            (self.create, "create"),
            (self.adopt, "adopt"),
            (self.change, "change"),
            (self.delete, "delete"),
            (self.forget, "forget"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, verb)| format!("{count} to {verb}"))
        .collect();
        if parts.is_empty() { f.write_str("nothing to do") } else { f.write_str(&parts.join(", ")) }
    }
}

/// What came of a plan, step by step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What came of each step; what is not in it was not reached.
    pub outcomes: BTreeMap<StepId, Outcome>,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Done,
    /// Failed, and why.
    Failed {
        /// The code of the error, such as `denied`.
        code: String,
        /// The whole error as a line for people.
        error: String,
        /// Whether the step may have been carried out although it failed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        outcome_unknown: bool,
    },
    /// Not tried: a step before it was not done.
    Skipped {
        /// Which.
        because_of: StepId,
    },
}

impl From<&Error> for Outcome {
    fn from(error: &Error) -> Self {
        Self::Failed {
            code: error.kind().code().into(),
            error: error.to_string(),
            outcome_unknown: error.outcome_unknown(),
        }
    }
}

/// How far a resource has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// A step was tried.
    pub(crate) started: bool,
    /// Every step is done.
    pub(crate) finished: bool,
    /// A step is done, or may have been, that makes it ours.
    pub(crate) owned: bool,
}

impl Report {
    /// Whether every step of the plan is done.
    #[must_use]
    pub fn is_complete(&self, plan: &Plan) -> bool {
        plan.steps.iter().all(|step| self.outcomes.get(&step.id) == Some(&Outcome::Done))
    }

    /// How many steps are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.outcomes.values().filter(|outcome| **outcome == Outcome::Done).count()
    }

    /// The steps that failed, and why.
    pub fn failed<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a Step, &'a str)> {
        self.outcomes.iter().filter_map(|(id, outcome)| match outcome {
            Outcome::Failed { error, .. } => Some((plan.step(*id)?, error.as_str())),
            Outcome::Done | Outcome::Skipped { .. } => None,
        })
    }

    /// The step that keeps this one from being done, if one does.
    #[must_use]
    pub fn blocked(&self, step: &Step) -> Option<StepId> {
        step.after.iter().copied().find(|before| {
            matches!(
                self.outcomes.get(before),
                Some(Outcome::Failed { .. } | Outcome::Skipped { .. })
            )
        })
    }

    /// How far the resources of a plan have come.
    pub(crate) fn progress<'a>(&self, plan: &'a Plan) -> BTreeMap<&'a ResourceId, Progress> {
        let mut all = BTreeMap::new();
        for step in &plan.steps {
            let progress = all.entry(&step.resource).or_insert(Progress {
                started: false,
                finished: true,
                owned: false,
            });
            let outcome = self.outcomes.get(&step.id);
            let done = outcome == Some(&Outcome::Done);
            // A request that failed may have been carried out, unless the server refused it.
            let perhaps = match outcome {
                Some(Outcome::Failed { code, outcome_unknown, .. }) => {
                    *outcome_unknown
                        || matches!(
                            ErrorKind::from_code(code),
                            Some(ErrorKind::Timeout | ErrorKind::Unavailable | ErrorKind::Internal)
                                | None
                        )
                }
                _ => false,
            };
            progress.started |= done || matches!(outcome, Some(Outcome::Failed { .. }));
            progress.finished &= done;
            progress.owned |= (done || perhaps) && step.action.takes_possession();
        }
        all
    }
}
