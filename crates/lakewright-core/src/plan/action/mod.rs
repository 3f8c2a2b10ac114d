//! The actions of steps, for each kind of resource.
//!
//! Each kind of resource has an enum of its own actions, and each enum has one table, `row`, with
//! the verb, the effect and the risk of every action. The tables have no wildcard arm, so a new
//! action does not compile until all three are decided.

mod group;
mod policy;
mod registry;
mod service_account;
mod table;
mod user;

use serde::Serialize;
use serde_json::Value;

pub use self::group::GroupAction;
pub use self::policy::PolicyAction;
pub use self::registry::RegistryAction;
pub use self::service_account::{FieldUpdate, ServiceAccountAction};
pub use self::table::TableAction;
pub use self::user::UserAction;
use super::Risk;
pub use crate::bucket_config::BucketAction;
use crate::identity::{AccessKey, AccountName, GroupName, PolicyName};
use crate::name::{BucketName, TableUri};
use crate::resource::ResourceId;
use crate::state::IntentKind;

/// A resource together with an action of its kind. Actions are idempotent.
///
/// An action is serialised without the resource, as the field `action` of a step: the verb in `do`,
/// and the arguments beside it.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// An action on a bucket.
    Bucket(BucketName, BucketAction),
    /// An action on a Delta table.
    Table(TableUri, TableAction),
    /// An action on a named policy.
    Policy(PolicyName, PolicyAction),
    /// An action on a group of users.
    Group(GroupName, GroupAction),
    /// An action on a user.
    User(AccessKey, UserAction),
    /// An action on a service account.
    ServiceAccount(AccountName, ServiceAccountAction),
    /// An action on the registry's entry of a resource of any kind.
    Registry(ResourceId, RegistryAction),
}

impl Action {
    /// Reads the action of a step in a plan file.
    ///
    /// # Errors
    /// Fails where the fields are not an action of this kind of resource.
    pub(super) fn from_fields(
        resource: ResourceId,
        fields: Value,
    ) -> Result<Self, serde_json::Error> {
        let verb = fields.get("do").and_then(Value::as_str);
        if verb.is_some_and(|verb| RegistryAction::ALL.iter().any(|it| it.row().verb == verb)) {
            return Ok(Self::Registry(resource, serde_json::from_value(fields)?));
        }
        Ok(match resource {
            ResourceId::Bucket(name) => Self::Bucket(name, serde_json::from_value(fields)?),
            ResourceId::Table(uri) => Self::Table(uri, serde_json::from_value(fields)?),
            ResourceId::Policy(name) => Self::Policy(name, serde_json::from_value(fields)?),
            ResourceId::Group(name) => Self::Group(name, serde_json::from_value(fields)?),
            ResourceId::User(name) => Self::User(name, serde_json::from_value(fields)?),
            ResourceId::ServiceAccount(name) => {
                Self::ServiceAccount(name, serde_json::from_value(fields)?)
            }
        })
    }

    /// Returns the resource that the action is about.
    #[must_use]
    pub fn resource(&self) -> ResourceId {
        match self {
            Self::Bucket(name, _) => ResourceId::Bucket(name.clone()),
            Self::Table(uri, _) => ResourceId::Table(uri.clone()),
            Self::Policy(name, _) => ResourceId::Policy(name.clone()),
            Self::Group(name, _) => ResourceId::Group(name.clone()),
            Self::User(name, _) => ResourceId::User(name.clone()),
            Self::ServiceAccount(name, _) => ResourceId::ServiceAccount(name.clone()),
            Self::Registry(resource, _) => resource.clone(),
        }
    }

    /// Returns the row of the action in the table of its kind.
    #[must_use]
    pub const fn row(&self) -> ActionRow {
        match self {
            Self::Bucket(_, action) => action.row(),
            Self::Table(_, action) => action.row(),
            Self::Policy(_, action) => action.row(),
            Self::Group(_, action) => action.row(),
            Self::User(_, action) => action.row(),
            Self::ServiceAccount(_, action) => action.row(),
            Self::Registry(_, action) => action.row(),
        }
    }

    /// Returns the verb, such as `create_bucket`.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        self.row().verb
    }

    /// Returns the effect of the action on the resource as a whole.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.row().effect
    }

    /// Returns the least risk of the action. [`super::Step::risk`] is higher where the plan found
    /// that this step loses something.
    #[must_use]
    pub const fn risk(&self) -> Risk {
        self.row().risk
    }

    /// Whether the stack owns the resource once this step is done, even if later steps fail.
    #[must_use]
    pub const fn takes_possession(&self) -> bool {
        self.effect().takes_possession()
    }

    /// Whether the action changes the registry alone.
    #[must_use]
    pub const fn is_bookkeeping(&self) -> bool {
        matches!(self, Self::Registry(..))
    }

    /// Returns the argument that tells this action from another one of the same verb on the same
    /// resource, for a line of text: the group that a user joins or leaves.
    #[must_use]
    pub fn argument(&self) -> Option<&str> {
        match self {
            Self::User(_, action) => action.group().map(GroupName::as_str),
            Self::Bucket(..)
            | Self::Table(..)
            | Self::Policy(..)
            | Self::Group(..)
            | Self::ServiceAccount(..)
            | Self::Registry(..) => None,
        }
    }
}

impl Serialize for Action {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bucket(_, action) => action.serialize(serializer),
            Self::Table(_, action) => action.serialize(serializer),
            Self::Policy(_, action) => action.serialize(serializer),
            Self::Group(_, action) => action.serialize(serializer),
            Self::User(_, action) => action.serialize(serializer),
            Self::ServiceAccount(_, action) => action.serialize(serializer),
            Self::Registry(_, action) => action.serialize(serializer),
        }
    }
}

/// The row of an action in the table of its kind: the properties that do not depend on the
/// resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionRow {
    /// The verb, which is also the field `do` in plan files.
    pub verb: &'static str,
    /// The effect of the action on the resource as a whole.
    pub effect: Effect,
    /// The least risk of the action.
    pub risk: Risk,
}

impl ActionRow {
    pub(crate) const fn new(verb: &'static str, effect: Effect, risk: Risk) -> Self {
        Self { verb, effect, risk }
    }
}

/// The effect of an action on its resource as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Creates the resource.
    Creates,
    /// Creates the resource or replaces it.
    Puts,
    /// Changes a resource that exists.
    Changes,
    /// Deletes the resource.
    Deletes,
    /// Deletes the resource with everything in it.
    DeletesWithContents,
    /// Enters an existing resource into the registry as owned by the stack.
    Adopts,
    /// Replaces the declaration of the resource in the registry.
    Records,
    /// Removes the entry of a resource that no longer exists from the registry.
    Forgets,
}

impl Effect {
    /// Whether the stack owns the resource afterwards.
    #[must_use]
    pub const fn takes_possession(self) -> bool {
        match self {
            Self::Creates | Self::Puts | Self::Adopts => true,
            Self::Changes
            | Self::Deletes
            | Self::DeletesWithContents
            | Self::Records
            | Self::Forgets => false,
        }
    }

    /// Whether the resource no longer exists afterwards.
    #[must_use]
    pub const fn deletes(self) -> bool {
        match self {
            Self::Deletes | Self::DeletesWithContents => true,
            Self::Creates
            | Self::Puts
            | Self::Changes
            | Self::Adopts
            | Self::Records
            | Self::Forgets => false,
        }
    }

    /// Whether a step with this effect can be part of an intent of this kind.
    pub(super) const fn fits(self, intent: IntentKind) -> bool {
        match self {
            Self::Creates => matches!(intent, IntentKind::Create),
            Self::Puts | Self::Changes => {
                matches!(intent, IntentKind::Create | IntentKind::Adopt | IntentKind::Change)
            }
            Self::Deletes | Self::DeletesWithContents => matches!(intent, IntentKind::Delete),
            Self::Adopts => matches!(intent, IntentKind::Adopt),
            Self::Records => matches!(intent, IntentKind::Change),
            Self::Forgets => matches!(intent, IntentKind::Forget),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns one action of each verb, with its resource, in the form of plan files.
    fn every_action() -> Vec<(&'static str, Value)> {
        let bucket = [
            json!({"do": "create_bucket", "object_lock": true}),
            json!({"do": "set_versioning", "versioning": "enabled"}),
            json!({"do": "set_object_lock", "object_lock": {}}),
            json!({"do": "set_quota", "quota": 1}),
            json!({"do": "set_lifecycle", "rules": [{"id": "a", "expire_after_days": 1}]}),
            json!({"do": "set_bucket_policy", "document": null}),
            json!({"do": "set_tags", "tags": {"a": "b"}}),
            json!({"do": "set_encryption", "encryption": "sse_s3"}),
            json!({"do": "set_notifications", "notifications": []}),
            json!({"do": "delete_bucket", "force": false}),
        ];
        let table = [
            json!({"do": "create_table", "schema": {"a": "long"}, "partition_by": [], "properties": {}}),
            json!({"do": "add_columns", "columns": [{"name": "b", "type": "date"}]}),
            json!({"do": "set_table_properties", "set": {"a": "b"}, "unset": ["c"]}),
            json!({"do": "add_constraint", "name": "c", "condition": "a > 0"}),
            json!({"do": "drop_constraint", "name": "c"}),
            json!({"do": "drop_table", "force": true}),
        ];
        let policy = [
            json!({"do": "put_policy", "document": {"Version": "2012-10-17"}}),
            json!({"do": "delete_policy"}),
        ];
        let policies = [
            json!({"do": "attach_policies", "policies": ["p"]}),
            json!({"do": "detach_policies", "policies": ["p"]}),
        ];
        let group = [
            json!({"do": "create_group"}),
            json!({"do": "set_group_enabled", "enabled": false}),
            json!({"do": "delete_group"}),
        ];
        let user = [
            json!({"do": "put_user", "secret": {"env": "X"}, "enabled": true}),
            json!({"do": "set_user_enabled", "enabled": false}),
            json!({"do": "delete_user"}),
            json!({"do": "join_group", "group": "g"}),
            json!({"do": "leave_group", "group": "g"}),
        ];
        let account = [
            json!({"do": "create_service_account", "owner": null, "access_key": "INGEST1",
                   "secret": {"env": "X"}, "policy": null, "expires": null, "description": null}),
            json!({"do": "update_service_account", "access_key": "INGEST1", "secret": null,
                   "policy": "keep", "expires": "clear", "description": {"to": "d"}, "enable": true}),
            json!({"do": "delete_service_account", "access_key": "INGEST1"}),
        ];
        let registry = [json!({"do": "adopt"}), json!({"do": "record"}), json!({"do": "forget"})];
        let kinds = [
            ("bucket/raw", [&bucket[..], &registry[..]].concat()),
            ("table/raw/t", [&table[..], &registry[..]].concat()),
            ("policy/p", [&policy[..], &registry[..]].concat()),
            ("group/g", [&group[..], &policies[..], &registry[..]].concat()),
            ("user/u1234", [&user[..], &policies[..], &registry[..]].concat()),
            ("service-account/a", [&account[..], &registry[..]].concat()),
        ];
        kinds.into_iter().flat_map(|(id, all)| all.into_iter().map(move |it| (id, it))).collect()
    }

    #[test]
    fn a_verb_is_the_name_in_plan_files() {
        for (resource, fields) in every_action() {
            let resource: ResourceId = resource.parse().unwrap();
            let action = Action::from_fields(resource.clone(), fields.clone()).unwrap();
            assert_eq!(json!(action.verb()), fields["do"]);
            assert_eq!(action.resource(), resource);
            let written = serde_json::to_value(&action).unwrap();
            assert_eq!(written["do"], fields["do"]);
            assert_eq!(Action::from_fields(resource, written).unwrap(), action);
        }
    }

    #[test]
    fn an_action_of_another_kind_of_resource_is_refused() {
        for (resource, fields) in every_action() {
            for (other, _) in every_action() {
                let verb = fields["do"].as_str().unwrap();
                let of_any = ["adopt", "record", "forget"].contains(&verb);
                let of_both = verb.ends_with("tach_policies")
                    && (other.starts_with("user/") || other.starts_with("group/"));
                let read = Action::from_fields(other.parse().unwrap(), fields.clone());
                assert_eq!(read.is_ok(), other == resource || of_any || of_both, "{verb} {other}");
            }
        }
    }

    #[test]
    fn actions_that_delete_are_destructive() {
        for (resource, fields) in every_action() {
            let action = Action::from_fields(resource.parse().unwrap(), fields).unwrap();
            let row = action.row();
            assert_eq!(row.effect.deletes(), row.risk == Risk::Destructive, "{}", row.verb);
        }
    }
}
