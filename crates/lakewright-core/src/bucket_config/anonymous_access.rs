//! Access without credentials, as a bucket policy and back.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::Setting;
use crate::policy::{check_prefix, is_pattern};
use crate::spec::decode::{At, Decode, deserialize_as_decoded, hint, one_of, quoted, text_enum};
use crate::spec::node::Node;
use crate::{BucketName, Error, ErrorKind, Result};

text_enum! {
    /// The access to the objects of a bucket, or to those below a prefix of it.
    pub enum Access("an access level") {
        /// List and read (`mc` calls it `download`).
        Read = "read",
        /// Write and delete, without listing or reading (`mc` calls it `upload`).
        Write = "write",
        /// Both, which is what a Delta table needs (`mc` calls it `public`).
        ReadWrite = "read_write",
    }
}

impl Access {
    fn reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite)
    }

    fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }

    /// The actions on objects that it allows: those that `mc anonymous set` grants, so that
    /// `mc anonymous get` recognises the policy.
    fn object_actions(self) -> impl Iterator<Item = &'static str> {
        let read = self.reads().then_some(READ).into_iter().flatten();
        read.chain(self.writes().then_some(WRITE).into_iter().flatten())
    }
}

const READ: [&str; 1] = ["s3:GetObject"];
const WRITE: [&str; 4] =
    ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"];
const LOCATE: &str = "s3:GetBucketLocation";
const LIST: &str = "s3:ListBucket";
const LIST_UPLOADS: &str = "s3:ListBucketMultipartUploads";
const ARN: &str = "arn:aws:s3:::";

/// The access without credentials, by prefix. The empty prefix is the whole bucket; no entry
/// is no access.
///
/// S3 has no such setting: it is a bucket policy of a certain form. Written `"none"`, `"read"`,
/// `"write"` or `"read_write"` for the whole bucket, or as a map of these by prefix, as in
/// `{"public/": "read"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AnonymousAccess(pub BTreeMap<String, Access>);

/// The word for no access.
const NONE: &str = "none";

/// An access level as it is written: `"none"`, or an [`Access`].
#[derive(Clone, Copy)]
struct Level(Option<Access>);

impl Level {
    fn names() -> Vec<&'static str> {
        std::iter::once(NONE).chain(Access::ALL.iter().map(|access| access.as_str())).collect()
    }
}

impl Decode for Level {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        let expected = || format!("an access level ({})", one_of(&Self::names()));
        let Node::Text(text) = node else { return at.expected(&expected(), node) };
        if text == NONE {
            return Some(Self(None));
        }
        let access = Access::ALL.iter().find(|access| access.as_str() == text);
        if access.is_none() {
            let (expected, hint) = (expected(), hint(text, Self::names()));
            at.fault(format!("{expected} is expected here, and {} was found{hint}", quoted(text)));
        }
        access.map(|access| Self(Some(*access)))
    }
}

impl Decode for AnonymousAccess {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        let levels = match node {
            Node::Text(_) => BTreeMap::from([(String::new(), Level::decode(node, at)?)]),
            Node::Map(_) => BTreeMap::<String, Level>::decode(node, at)?,
            other => {
                let names = one_of(&Level::names());
                let expected = format!("an access level ({names}) or a map of them by prefix");
                return at.expected(&expected, other);
            }
        };
        for (prefix, _) in levels.iter().filter(|(_, level)| level.0.is_none()) {
            let wider = levels.iter().find_map(|(wider, level)| {
                let access = level.0.filter(|_| prefix.starts_with(wider.as_str()))?;
                Some((wider, access))
            });
            if let Some((wider, access)) = wider {
                at.key(prefix, |at| at.fault(still_granted(access, wider)));
            }
        }
        let granted = levels.into_iter();
        Some(Self(granted.filter_map(|(prefix, level)| Some((prefix, level.0?))).collect()))
    }
}

deserialize_as_decoded!(AnonymousAccess, "anonymous access");

impl Serialize for AnonymousAccess {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0.len(), self.0.get("")) {
            (0, _) => serializer.serialize_str(NONE),
            (1, Some(access)) => access.serialize(serializer),
            _ => self.0.serialize(serializer),
        }
    }
}

impl JsonSchema for AnonymousAccess {
    fn schema_name() -> Cow<'static, str> {
        "AnonymousAccess".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let level = json_schema!({ "enum": Level::names() });
        json_schema!({
            "description": "What may be done without credentials: one level for the whole bucket, or levels by prefix, as in `{\"public/\": \"read\"}`.",
            "anyOf": [level, { "type": "object", "additionalProperties": level }],
        })
    }
}

impl Setting for AnonymousAccess {
    const FIELD: &'static str = "anonymous";

    fn check_at(&self, at: &mut At) {
        for prefix in self.0.keys() {
            at.key(prefix, |at| check_prefix(prefix, at));
        }
    }
}

impl AnonymousAccess {
    /// No access without credentials.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The same access to every object of the bucket.
    #[must_use]
    pub fn to_all(access: Access) -> Self {
        Self([(String::new(), access)].into())
    }

    /// Whether it grants nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets the access to one prefix; `None` is no access. The grants of other prefixes stay.
    ///
    /// # Errors
    /// `Conflict`, and nothing is changed, if the grant of a wider prefix also allows something to
    /// this one that `access` does not: grants add up, so the prefix would keep that access.
    pub fn set(&mut self, prefix: String, access: Option<Access>) -> Result<()> {
        let exceeds = |wider: Access| {
            (wider.reads() && !access.is_some_and(Access::reads))
                || (wider.writes() && !access.is_some_and(Access::writes))
        };
        let wider = self.0.iter().find(|(wider, granted)| {
            **wider != prefix && prefix.starts_with(wider.as_str()) && exceeds(**granted)
        });
        if let Some((wider, granted)) = wider {
            let why = format!(
                "{prefix:?} cannot have the access {}, because {}; change that grant first",
                access.map_or(NONE, Access::as_str),
                still_granted(*granted, wider)
            );
            return Err(Error::new(ErrorKind::Conflict, why));
        }
        match access {
            Some(access) => self.0.insert(prefix, access),
            None => self.0.remove(&prefix),
        };
        Ok(())
    }

    /// Returns the bucket policy that grants exactly this; `None` if nothing is granted, because
    /// some servers refuse a policy without statements.
    ///
    /// # Errors
    /// `InvalidInput` for a prefix with `*`, `?` or `${`, which have a meaning in a policy.
    pub fn to_policy(&self, bucket: &BucketName) -> Result<Option<Value>> {
        if self.is_none() {
            return Ok(None);
        }
        if let Some(prefix) = self.0.keys().find(|prefix| is_pattern(prefix)) {
            return Err(Error::invalid_input(format!(
                "the prefix {prefix:?} has characters that have a meaning in a policy (*, ?, ${{)"
            )));
        }
        let mut statements = Vec::new();
        let mut allow = |actions: Vec<&str>, resources: Vec<String>, condition: Option<Value>| {
            let mut statement = json!({
                "Effect": "Allow",
                "Principal": {"AWS": ["*"]},
                "Action": actions,
                "Resource": resources,
            });
            if let (Some(condition), Some(fields)) = (condition, statement.as_object_mut()) {
                fields.insert("Condition".into(), condition);
            }
            statements.push(statement);
        };
        let the_bucket = || vec![format!("{ARN}{bucket}")];
        let reads_all = self.0.get("").is_some_and(|access| access.reads());
        let mut on_bucket = vec![LOCATE];
        on_bucket.extend(reads_all.then_some(LIST));
        on_bucket.extend(self.0.values().any(|access| access.writes()).then_some(LIST_UPLOADS));
        allow(on_bucket, the_bucket(), None);
        let listed: Vec<_> =
            self.0.iter().filter(|(_, access)| access.reads()).map(|(prefix, _)| prefix).collect();
        if !listed.is_empty() && !reads_all {
            let condition = json!({"StringEquals": {"s3:prefix": listed}});
            allow(vec![LIST], the_bucket(), Some(condition));
        }
        for access in [Access::Read, Access::Write, Access::ReadWrite] {
            let granted = self.0.iter().filter(|(_, granted)| **granted == access);
            let resources: Vec<_> =
                granted.map(|(prefix, _)| format!("{ARN}{bucket}/{prefix}*")).collect();
            if !resources.is_empty() {
                allow(access.object_actions().collect(), resources, None);
            }
        }
        Ok(Some(json!({"Version": "2012-10-17", "Statement": statements})))
    }

    /// Returns what a bucket policy grants to everyone; `None` if the policy does anything else.
    /// Order and grouping of statements do not matter.
    #[must_use]
    pub fn from_policy(bucket: &BucketName, policy: &Value) -> Option<Self> {
        let grants = grants(policy)?;
        let mut below: BTreeMap<String, (bool, bool)> = BTreeMap::new();
        for Grant { action, resource, .. } in &grants {
            let prefix = resource
                .strip_prefix(ARN)
                .and_then(|rest| rest.strip_prefix(bucket.as_str()))
                .and_then(|rest| rest.strip_prefix('/'))
                .and_then(|rest| rest.strip_suffix('*'));
            if let Some(prefix) = prefix {
                let (read, write) = below.entry(prefix.to_owned()).or_default();
                *read |= READ.contains(&action.as_str());
                *write |= WRITE.contains(&action.as_str());
            }
        }
        let access = below.into_iter().map(|(prefix, (read, write))| {
            let access = match (read, write) {
                (true, false) => Access::Read,
                (false, true) => Access::Write,
                (true, true) => Access::ReadWrite,
                (false, false) => return None,
            };
            Some((prefix, access))
        });
        let guess = Self(access.collect::<Option<_>>()?);
        // The guess is right if the policy made from it grants the same.
        let granted = match guess.to_policy(bucket).ok()? {
            Some(policy) => self::grants(&policy)?,
            None => BTreeSet::new(),
        };
        (granted == grants).then_some(guess)
    }
}

/// Returns the clause that the grant of a wider prefix includes a narrower one.
fn still_granted(access: Access, wider: &str) -> String {
    let of = match wider {
        "" => "the whole bucket".to_owned(),
        prefix => format!("the prefix {}", quoted(prefix)),
    };
    format!("the grant {} of {of} includes it, and grants add up", quoted(access.as_str()))
}

/// One action on one resource that is allowed to everyone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    action: String,
    resource: String,
    /// The prefix that may be listed: the only condition that is understood.
    prefix: Option<String>,
}

/// Returns the grants of a policy; `None` if it has anything else than grants to everyone.
fn grants(policy: &Value) -> Option<BTreeSet<Grant>> {
    let statements = match policy.get("Statement")? {
        Value::Array(statements) => statements.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut grants = BTreeSet::new();
    for statement in statements {
        let fields = statement.as_object()?;
        let known = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];
        if fields.keys().any(|field| !known.contains(&field.as_str())) {
            return None;
        }
        let principals = match fields.get("Principal")? {
            Value::Object(kinds) if kinds.len() == 1 => texts(kinds.get("AWS")?)?,
            plain => texts(plain)?,
        };
        if fields.get("Effect")? != "Allow" || principals != ["*"] {
            return None;
        }
        let prefixes = match fields.get("Condition") {
            None => vec![None],
            Some(condition) => {
                let listed = only(only(condition, "StringEquals")?, "s3:prefix")?;
                texts(listed)?.into_iter().map(Some).collect()
            }
        };
        for action in texts(fields.get("Action")?)? {
            for resource in texts(fields.get("Resource")?)? {
                for prefix in &prefixes {
                    grants.insert(Grant {
                        action: action.to_owned(),
                        resource: resource.to_owned(),
                        prefix: prefix.map(String::from),
                    });
                }
            }
        }
    }
    // `mc` leaves a grant to list a prefix beside one to list everything, which includes it.
    let needed = |grant: &&Grant| {
        let everything = Grant { prefix: None, ..(*grant).clone() };
        grant.prefix.is_none() || !grants.contains(&everything)
    };
    Some(grants.iter().filter(needed).cloned().collect())
}

/// Returns the value of an object whose only entry has this name.
fn only<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    if fields.len() == 1 { fields.get(name) } else { None }
}

/// Returns the texts of a text or of a list of texts.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(texts) => texts.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bucket() -> BucketName {
        BucketName::new("raw").unwrap()
    }

    fn known(policy: Value) -> Option<AnonymousAccess> {
        AnonymousAccess::from_policy(&bucket(), &policy)
    }

    /// The policies are those that `mc anonymous set` writes, read from a server.
    #[test]
    fn policies_of_mc_are_recognised() {
        let to = |statements: Value| json!({"Version": "2012-10-17", "Statement": statements});
        let all = json!({"AWS": ["*"]});
        let download = to(json!([
            {"Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Effect": "Allow",
             "Principal": all, "Resource": ["arn:aws:s3:::raw"]},
            {"Action": ["s3:GetObject"], "Effect": "Allow", "Principal": all,
             "Resource": ["arn:aws:s3:::raw/*"]}]));
        assert_eq!(known(download), Some(AnonymousAccess::to_all(Access::Read)));
        let two = to(json!([
            {"Action": ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
             "Effect": "Allow", "Principal": "*", "Resource": "arn:aws:s3:::raw"},
            {"Action": "s3:ListBucket", "Effect": "Allow", "Principal": all,
             "Condition": {"StringEquals": {"s3:prefix": ["a/", "c/"]}},
             "Resource": ["arn:aws:s3:::raw"]},
            {"Action": ["s3:GetObject"], "Effect": "Allow", "Principal": all,
             "Resource": ["arn:aws:s3:::raw/c/*", "arn:aws:s3:::raw/a/*"]},
            {"Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject",
             "s3:ListMultipartUploadParts"], "Effect": "Allow", "Principal": all,
             "Resource": ["arn:aws:s3:::raw/b/*"]}]));
        let access = [("a/", Access::Read), ("b/", Access::Write), ("c/", Access::Read)];
        let access = access.map(|(prefix, access)| (prefix.to_owned(), access)).into();
        assert_eq!(known(two), Some(AnonymousAccess(access)));
    }

    #[test]
    fn a_level_or_levels_by_prefix_are_read() {
        let read = |value: Value| serde_json::from_value::<AnonymousAccess>(value).unwrap();
        let mixed = json!({"": "read", "in/": "read_write"});
        for written in [json!("none"), json!("read_write"), json!({"in/": "write"}), mixed] {
            assert_eq!(serde_json::to_value(read(written.clone())).unwrap(), written);
        }
        assert_eq!(read(json!({"in/": "read", "out/": "none"})), read(json!({"in/": "read"})));
        let error = serde_json::from_value::<AnonymousAccess>(json!("all")).unwrap_err();
        assert!(error.to_string().contains("read_write"), "{error}");
    }

    #[test]
    fn no_access_below_a_grant_is_refused() {
        for (written, wider) in [
            (json!({"": "read", "in/": "none"}), "the whole bucket"),
            (json!({"in/": "write", "in/deep/": "none"}), "the prefix \"in/\""),
        ] {
            let error = serde_json::from_value::<AnonymousAccess>(written).unwrap_err().to_string();
            assert!(error.contains(wider), "{error}");
        }
    }

    #[test]
    fn a_prefix_has_the_access_that_is_set_or_nothing_is_changed() {
        let grants = [("", Access::Read), ("in/", Access::ReadWrite)];
        let grants = grants.map(|(prefix, access)| (prefix.to_owned(), access));
        let before = AnonymousAccess(grants.into());
        for (prefix, access, wider) in [
            ("raw/", None, "the grant \"read\" of the whole bucket"),
            ("raw/", Some(Access::Write), "the grant \"read\" of the whole bucket"),
            ("in/a/", Some(Access::Read), "the grant \"read_write\" of the prefix \"in/\""),
        ] {
            let mut after = before.clone();
            let error = after.set(prefix.into(), access).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert!(error.message().contains(wider), "{error}");
            assert_eq!(after, before);
        }
        let mut after = before;
        after.set("raw/".into(), Some(Access::ReadWrite)).unwrap();
        after.set(String::new(), None).unwrap();
        after.set("raw/".into(), None).unwrap();
        after.set("none/".into(), None).unwrap();
        assert_eq!(after, AnonymousAccess([("in/".into(), Access::ReadWrite)].into()));
    }

    #[test]
    fn policies_with_anything_else_are_not_recognised() {
        let read = AnonymousAccess::to_all(Access::Read);
        let policy = read.to_policy(&bucket()).unwrap().unwrap();
        assert_eq!(known(policy.clone()), Some(read));
        let changed = |pointer: &str, value: Value| {
            let mut policy = policy.clone();
            *policy.pointer_mut(pointer).unwrap() = value;
            known(policy)
        };
        assert_eq!(changed("/Statement/0/Effect", json!("Deny")), None);
        assert_eq!(changed("/Statement/1/Principal", json!({"AWS": ["arn:x"]})), None);
        assert_eq!(changed("/Statement/1/Action", json!(["s3:GetObject", "s3:PutObject"])), None);
        assert_eq!(changed("/Statement/1/Resource", json!("arn:aws:s3:::other/*")), None);
        assert_eq!(changed("/Statement/1", json!({"Effect": "Allow"})), None);
        assert_eq!(changed("/Statement", json!(3)), None);
        let mut conditional = policy.clone();
        conditional["Statement"][1]["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}});
        assert_eq!(known(conditional), None);
        assert_eq!(known(json!({"Statement": []})), Some(AnonymousAccess::none()));
        let odd = AnonymousAccess([("a*".into(), Access::Read)].into());
        assert!(odd.to_policy(&bucket()).is_err());
        let error = odd.check().unwrap_err();
        assert!(error.to_string().starts_with("anonymous[\"a*\"]: '*' cannot stand"), "{error}");
    }

    proptest! {
        #[test]
        fn access_round_trips_through_its_policy(access in prop::collection::btree_map(
            "[a-zü/]{0,4}",
            prop::sample::select(vec![Access::Read, Access::Write, Access::ReadWrite]),
            1..5,
        )) {
            let access = AnonymousAccess(access);
            let policy = access.to_policy(&bucket()).unwrap().unwrap();
            crate::bucket_config::check_policy(&policy).unwrap();
            prop_assert_eq!(AnonymousAccess::from_policy(&bucket(), &policy), Some(access));
        }
    }
}
