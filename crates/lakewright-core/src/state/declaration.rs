//! The typed content of registry entries and intents: the spec of one resource, by its kind.
//!
//! In JSON a declaration is the bare spec of the resource, without a tag. Its kind is that of the
//! resource whose address is the key of the entry, so the maps of the registry, of a lease and of
//! a plan are read with [`resources`], [`pending`] and [`intents`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::seal::Seal;
use crate::identity::{AccessKey, StackName};
use crate::resource::{ResourceId, ResourceKind};
use crate::spec::decode::{At, Decode, decode_value};
use crate::spec::node::Node;
use crate::spec::{BucketSpec, GroupSpec, PolicySpec, ServiceAccountSpec, TableSpec, UserSpec};

/// The spec of one resource as the registry and plans keep it: without `adopt`, which has no
/// meaning once the resource is owned. Two declarations are equal when their fields are equal, with
/// policy documents compared by meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declaration {
    /// A bucket.
    Bucket(Box<BucketSpec>),
    /// A table.
    Table(TableSpec),
    /// A policy.
    Policy(PolicySpec),
    /// A group.
    Group(GroupSpec),
    /// A user.
    User(UserSpec),
    /// A service account.
    ServiceAccount(ServiceAccountSpec),
    /// The access key of a service account that was adopted without a declaration. The name of a
    /// service account exists only in specs, so the server finds the account by this key.
    AccessKey(AccessKey),
}

impl Declaration {
    /// Returns the access key, if this declares a service account.
    #[must_use]
    pub const fn access_key(&self) -> Option<&AccessKey> {
        match self {
            Self::ServiceAccount(spec) => Some(&spec.access_key),
            Self::AccessKey(key) => Some(key),
            Self::Bucket(_) | Self::Table(_) | Self::Policy(_) | Self::Group(_) | Self::User(_) => {
                None
            }
        }
    }

    /// Returns the declaration as JSON, as the registry stores it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        // Specs have text as keys and no floating-point numbers, so serialisation cannot fail.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads the declaration of a resource of this kind. Returns `None` and reports at least one
    /// fault, with its path, if the value is no such declaration.
    fn decode(kind: ResourceKind, value: &Value, at: &mut At) -> Option<Self> {
        fn read<T: Decode>(value: &Value, at: &mut At) -> Option<T> {
            match Node::from_value(value) {
                Ok(node) => T::decode(&node, at),
                Err(error) => {
                    at.fault(error.message());
                    None
                }
            }
        }
        Some(match kind {
            ResourceKind::Bucket => Self::from(&read::<BucketSpec>(value, at)?),
            ResourceKind::Table => Self::from(&read::<TableSpec>(value, at)?),
            ResourceKind::Policy => Self::from(&read::<PolicySpec>(value, at)?),
            ResourceKind::Group => Self::from(&read::<GroupSpec>(value, at)?),
            ResourceKind::User => Self::from(&read::<UserSpec>(value, at)?),
            ResourceKind::ServiceAccount => match adopted_key(value) {
                Some(key) => Self::AccessKey(key),
                None => Self::from(&read::<ServiceAccountSpec>(value, at)?),
            },
        })
    }
}

/// Returns the access key of an adopted service account, if it is the only field.
fn adopted_key(value: &Value) -> Option<AccessKey> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    decode_value(fields.get("access_key")?, "the access key").ok()
}

impl Serialize for Declaration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bucket(spec) => spec.serialize(serializer),
            Self::Table(spec) => spec.serialize(serializer),
            Self::Policy(spec) => spec.serialize(serializer),
            Self::Group(spec) => spec.serialize(serializer),
            Self::User(spec) => spec.serialize(serializer),
            Self::ServiceAccount(spec) => spec.serialize(serializer),
            Self::AccessKey(key) => json!({ "access_key": key }).serialize(serializer),
        }
    }
}

/// A spec of one kind of resource, which a [`Declaration`] may contain.
pub(crate) trait DeclaredSpec: Clone {
    /// Returns the spec, if the declaration is one of this kind.
    fn of(declaration: &Declaration) -> Option<&Self>;
}

macro_rules! declared_specs {
    ($($spec:ident, $variant:ident => $value:expr;)*) => { $(
        impl DeclaredSpec for $spec {
            fn of(declaration: &Declaration) -> Option<&Self> {
                match declaration {
                    Declaration::$variant(spec) => Some(spec),
                    _ => None,
                }
            }
        }

        impl From<&$spec> for Declaration {
            fn from(spec: &$spec) -> Self {
                let wrap: fn($spec) -> Self = $value;
                wrap($spec { adopt: false, ..spec.clone() })
            }
        }
    )* };
}

declared_specs! {
    BucketSpec, Bucket => |spec| Self::Bucket(Box::new(spec));
    TableSpec, Table => Self::Table;
    PolicySpec, Policy => Self::Policy;
    GroupSpec, Group => Self::Group;
    UserSpec, User => Self::User;
    ServiceAccountSpec, ServiceAccount => Self::ServiceAccount;
}

/// A resource that a stack owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owned {
    /// The stack that owns the resource.
    pub stack: StackName,
    /// The declaration that was last applied completely; `None` if none was yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<Declaration>,
    /// A declaration that was not applied completely: some of its steps were done or may have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempted: Option<Declaration>,
    /// The time at which the stack became the owner.
    pub since: Timestamp,
    /// The proof that a holder of the registry key wrote the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

impl Owned {
    /// Returns the declarations whose settings may be on the server, the last applied one first.
    pub fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        self.declared.iter().chain(&self.attempted)
    }

    /// Returns the access keys in the declarations, for a service account.
    pub fn access_keys(&self) -> impl Iterator<Item = AccessKey> {
        self.declarations().filter_map(Declaration::access_key).cloned()
    }
}

/// The action on a resource that an apply announces in its lease before the first step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "IntentJson")]
pub enum Intent {
    /// The resource does not exist, and is created as declared.
    Create(Declaration),
    /// The resource exists and no stack owns it; it is adopted and changed to match the
    /// declaration.
    Adopt(Declaration),
    /// The stack owns the resource, and it is changed to match the declaration.
    Change(Declaration),
    /// The stack owns the resource, and it is deleted.
    Delete,
    /// The registry entry is removed; the resource itself does not exist.
    Forget,
}

/// The kind of an [`Intent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentKind {
    /// See [`Intent::Create`].
    Create,
    /// See [`Intent::Adopt`].
    Adopt,
    /// See [`Intent::Change`].
    Change,
    /// See [`Intent::Delete`].
    Delete,
    /// See [`Intent::Forget`].
    Forget,
}

impl Intent {
    /// Returns the kind of the intent.
    #[must_use]
    pub const fn kind(&self) -> IntentKind {
        match self {
            Self::Create(_) => IntentKind::Create,
            Self::Adopt(_) => IntentKind::Adopt,
            Self::Change(_) => IntentKind::Change,
            Self::Delete => IntentKind::Delete,
            Self::Forget => IntentKind::Forget,
        }
    }

    /// Returns the declaration that is applied; `None` for an intent that ends ownership.
    #[must_use]
    pub const fn declaration(&self) -> Option<&Declaration> {
        match self {
            Self::Create(declared) | Self::Adopt(declared) | Self::Change(declared) => {
                Some(declared)
            }
            Self::Delete | Self::Forget => None,
        }
    }
}

/// The JSON form in which an [`Intent`] is written.
#[derive(Serialize)]
struct IntentJson {
    kind: IntentKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<Declaration>,
}

impl From<Intent> for IntentJson {
    fn from(intent: Intent) -> Self {
        let kind = intent.kind();
        match intent {
            Intent::Create(declared) | Intent::Adopt(declared) | Intent::Change(declared) => {
                Self { kind, declared: Some(declared) }
            }
            Intent::Delete | Intent::Forget => Self { kind, declared: None },
        }
    }
}

/// A registry entry that is corrected after an interrupted apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// The resource.
    pub resource: ResourceId,
    /// The new entry; `None` if the entry is removed.
    pub owned: Option<Owned>,
}

impl<'de> Deserialize<'de> for Recovered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct RecoveredJson {
            resource: ResourceId,
            owned: Option<OwnedJson>,
        }
        let RecoveredJson { resource, owned } = RecoveredJson::deserialize(deserializer)?;
        let mut at = At::default();
        let owned =
            owned.map(|owned| at.key("owned", |at| Owned::from_json(owned, resource.kind(), at)));
        match owned {
            None => Ok(Self { resource, owned: None }),
            Some(Some(owned)) if at.is_clean() => Ok(Self { resource, owned: Some(owned) }),
            Some(_) => Err(D::Error::custom(at.into_error("the recovered entry"))),
        }
    }
}

/// A value whose form in JSON depends on the kind of its resource.
trait OfKind: Sized {
    /// The JSON form of the value.
    type Json: DeserializeOwned;

    /// Reads the value. Returns `None` and reports at least one fault if it is invalid.
    fn from_json(json: Self::Json, kind: ResourceKind, at: &mut At) -> Option<Self>;
}

/// The JSON form of an [`Owned`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnedJson {
    stack: StackName,
    #[serde(default)]
    declared: Option<Value>,
    #[serde(default)]
    attempted: Option<Value>,
    since: Timestamp,
    #[serde(default)]
    seal: Option<Seal>,
}

impl OfKind for Owned {
    type Json = OwnedJson;

    fn from_json(json: OwnedJson, kind: ResourceKind, at: &mut At) -> Option<Self> {
        let OwnedJson { stack, declared, attempted, since, seal } = json;
        let mut read = |field: &str, value: Option<Value>| match value {
            None => Some(None),
            Some(value) => at.key(field, |at| Declaration::decode(kind, &value, at)).map(Some),
        };
        // Both are read before `?`, so that the faults of both are reported.
        let (declared, attempted) = (read("declared", declared), read("attempted", attempted));
        Some(Self { stack, declared: declared?, attempted: attempted?, since, seal })
    }
}

/// The JSON form in which an [`Intent`] is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UntypedIntent {
    kind: IntentKind,
    #[serde(default)]
    declared: Option<Value>,
}

impl OfKind for Intent {
    type Json = UntypedIntent;

    fn from_json(json: UntypedIntent, kind: ResourceKind, at: &mut At) -> Option<Self> {
        let with: fn(Declaration) -> Self = match (json.kind, &json.declared) {
            (IntentKind::Create, _) => Self::Create,
            (IntentKind::Adopt, _) => Self::Adopt,
            (IntentKind::Change, _) => Self::Change,
            (IntentKind::Delete, None) => return Some(Self::Delete),
            (IntentKind::Forget, None) => return Some(Self::Forget),
            (IntentKind::Delete | IntentKind::Forget, Some(_)) => {
                at.key("declared", |at| at.fault("a resource that is given up has no declaration"));
                return None;
            }
        };
        let Some(declared) = &json.declared else {
            at.fault("the field \"declared\" is missing");
            return None;
        };
        at.key("declared", |at| Declaration::decode(kind, declared, at)).map(with)
    }
}

/// Reads a map whose values depend on the kind of the resource that is their key. All faults are
/// reported in one error, each with its path below `field`.
fn by_kind<'de, D: Deserializer<'de>, T: OfKind>(
    deserializer: D,
    field: &str,
) -> Result<BTreeMap<ResourceId, T>, D::Error> {
    let untyped = BTreeMap::<ResourceId, T::Json>::deserialize(deserializer)?;
    let (mut map, mut at) = (BTreeMap::new(), At::default());
    at.key(field, |at| {
        for (id, json) in untyped {
            let value = at.key(&id.address(), |at| T::from_json(json, id.kind(), at));
            if let Some(value) = value {
                map.insert(id, value);
            }
        }
    });
    if at.is_clean() { Ok(map) } else { Err(D::Error::custom(at.into_error(field))) }
}

/// Reads the entries of a registry.
pub(super) fn resources<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<ResourceId, Owned>, D::Error> {
    by_kind(deserializer, "resources")
}

/// Reads the pending intents of a lease.
pub(super) fn pending<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<ResourceId, Intent>, D::Error> {
    by_kind(deserializer, "pending")
}

/// Reads the intents of a plan.
pub(crate) fn intents<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<ResourceId, Intent>, D::Error> {
    by_kind(deserializer, "intents")
}

#[cfg(test)]
mod tests {
    use super::super::Registry;
    use super::*;

    fn registry(resources: &Value, pending: &Value) -> Value {
        json!({
            "version": 1, "serial": 7, "resources": resources,
            "lease": {
                "token": "t", "holder": {"host": "h", "pid": 9, "process_start": 1},
                "stack": "lake", "taken": "2026-01-02T03:04:05Z",
                "expires": "2026-01-02T03:04:35Z", "pending": pending,
            }
        })
    }

    fn entry(declared: &Value) -> Value {
        json!({"stack": "lake", "declared": declared, "since": "2026-01-02T03:04:05Z"})
    }

    #[test]
    fn an_entry_is_written_as_it_was_read() {
        let json = registry(
            &json!({
                "bucket/raw": entry(&json!({"versioning": "enabled", "quota": 1024, "tags": {}})),
                "group/g": entry(&json!({"enabled": false})),
                "policy/p": entry(&json!({"grants": [{"access": "read", "bucket": "raw"}]})),
                "service-account/adopted": {
                    "stack": "lake", "attempted": {"access_key": "KEY1"},
                    "since": "2026-01-02T03:04:05Z"
                },
                "service-account/ingest": entry(
                    &json!({"access_key": "KEY2", "secret": {"env": "S"}})
                ),
                "table/raw/t": entry(
                    &json!({"schema": [{"name": "id", "type": "long", "nullable": false}]})
                ),
                "user/ann": entry(&json!({"secret": {"file": "/s"}})),
            }),
            &json!({
                "bucket/new": {"kind": "create", "declared": {}},
                "bucket/old": {"kind": "delete"},
                "user/ann": {"kind": "change", "declared": {"secret": {"env": "S"}}},
            }),
        );
        let read = Registry::from_json(json.to_string().as_bytes()).unwrap();
        let adopted = &read.resources[&"service-account/adopted".parse().unwrap()];
        let key = AccessKey::new("KEY1").unwrap();
        assert_eq!(adopted.attempted, Some(Declaration::AccessKey(key)));
        let written: Value = serde_json::from_slice(&read.to_json().unwrap()).unwrap();
        assert_eq!(written, json);
    }

    #[test]
    fn every_unreadable_declaration_is_reported_with_its_path() {
        let foreign = registry(
            &json!({
                "bucket/raw": entry(&json!({"quota": "many", "size": 1})),
                "user/ann": entry(&json!({"groups": []})),
            }),
            &json!({}),
        );
        let error = Registry::from_json(foreign.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Corrupt);
        let text = error.to_string();
        assert!(text.contains("3 things are wrong with resources"), "{text}");
        assert!(text.contains("resources[\"bucket/raw\"].declared"), "{text}");
        for (pending, path) in [
            (json!({"bucket/x-1": {"kind": "create"}}), "pending[\"bucket/x-1\"]: the field"),
            (
                json!({"bucket/x-1": {"kind": "delete", "declared": {}}}),
                "pending[\"bucket/x-1\"].declared: a resource that is given up",
            ),
            (
                json!({"group/g": {"kind": "change", "declared": {"quota": 1}}}),
                "pending[\"group/g\"].declared.quota: a group has no such field",
            ),
        ] {
            let json = registry(&json!({}), &pending);
            let error = Registry::from_json(json.to_string().as_bytes()).unwrap_err();
            assert!(error.to_string().contains(path), "{error}");
        }
    }

    #[test]
    fn declarations_are_compared_with_their_policies_by_meaning() {
        let bucket = |policy: Value| {
            let spec: BucketSpec =
                serde_json::from_value(json!({"policy": policy, "adopt": true})).unwrap();
            Declaration::from(&spec)
        };
        let statement = |actions: Value| {
            json!({"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": "*", "Action": actions, "Resource": "arn:aws:s3:::b/*",
            }]})
        };
        let (one, list) = (statement(json!("s3:GetObject")), statement(json!(["s3:GetObject"])));
        assert_eq!(bucket(one.clone()), bucket(list));
        assert_ne!(bucket(one), bucket(statement(json!("s3:PutObject"))));
        let group = Declaration::from(&GroupSpec::default());
        assert_ne!(group, Declaration::from(&BucketSpec::default()));
    }
}
