//! What callers without keys may do, as a policy document and back.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{BucketName, Error, Result};

/// What somebody may do with the objects of a bucket or below a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// List and read (`mc` says `download`).
    Read,
    /// Write and delete, not read (`mc` says `upload`).
    Write,
    /// All of that (`mc` says `public`).
    ReadWrite,
}

impl Access {
    fn reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite)
    }

    fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }

    /// What this allows on objects. MinIO's client grants the same, and so knows what we wrote.
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

/// What everybody may do, without keys, below which prefix. The empty prefix is the whole
/// bucket; no entry is no access.
///
/// S3 has no such setting: it is a bucket policy of a certain form. Written `"none"`, `"read"`,
/// `"write"` or `"read_write"` for the whole bucket, or as a map of these by prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct AnonymousAccess(pub BTreeMap<String, Access>);

/// How that is written.
#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "an access level (none, read, write, read_write) or a map of them by prefix"
)]
enum Written {
    Everywhere(Level),
    ByPrefix(BTreeMap<String, Level>),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    None,
    Read,
    Write,
    ReadWrite,
}

impl Level {
    fn access(self) -> Option<Access> {
        match self {
            Self::None => None,
            Self::Read => Some(Access::Read),
            Self::Write => Some(Access::Write),
            Self::ReadWrite => Some(Access::ReadWrite),
        }
    }
}

impl From<Access> for Level {
    fn from(access: Access) -> Self {
        match access {
            Access::Read => Self::Read,
            Access::Write => Self::Write,
            Access::ReadWrite => Self::ReadWrite,
        }
    }
}

impl From<Written> for AnonymousAccess {
    fn from(written: Written) -> Self {
        let by_prefix = match written {
            Written::Everywhere(level) => [(String::new(), level)].into(),
            Written::ByPrefix(by_prefix) => by_prefix,
        };
        let granted = by_prefix.into_iter();
        Self(granted.filter_map(|(prefix, level)| Some((prefix, level.access()?))).collect())
    }
}

impl From<AnonymousAccess> for Written {
    fn from(AnonymousAccess(granted): AnonymousAccess) -> Self {
        match (granted.len(), granted.get("")) {
            (0, _) => Self::Everywhere(Level::None),
            (1, Some(access)) => Self::Everywhere((*access).into()),
            _ => Self::ByPrefix(
                granted.into_iter().map(|(prefix, access)| (prefix, access.into())).collect(),
            ),
        }
    }
}

impl AnonymousAccess {
    /// Nobody without keys may do anything.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The same for every object of the bucket.
    #[must_use]
    pub fn to_all(access: Access) -> Self {
        Self([(String::new(), access)].into())
    }

    /// Whether it allows nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The bucket policy that grants exactly this; `None` where nothing is granted, because a
    /// policy without statements is one that not every server takes.
    ///
    /// # Errors
    /// `InvalidInput` for a prefix with `*`, `?` or `${`, which mean something else in a policy.
    pub fn to_policy(&self, bucket: &BucketName) -> Result<Option<Value>> {
        if self.is_none() {
            return Ok(None);
        }
        let special = |prefix: &&String| prefix.contains(['*', '?']) || prefix.contains("${");
        if let Some(prefix) = self.0.keys().find(special) {
            return Err(Error::invalid_input(format!(
                "the prefix {prefix:?} has something that policies give a meaning (*, ?, ${{)"
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

    /// What a bucket policy grants everybody, if it does nothing else than that. Order and
    /// grouping of statements do not matter.
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
        // The guess is right if saying it anew says the same.
        let said = match guess.to_policy(bucket).ok()? {
            Some(policy) => self::grants(&policy)?,
            None => BTreeSet::new(),
        };
        (said == grants).then_some(guess)
    }
}

/// One action on one resource that everybody is allowed, under a condition or none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    action: String,
    resource: String,
    /// The only prefix that may be listed; the one condition that we know.
    prefix: Option<String>,
}

/// A policy taken apart; `None` where there is more in it than grants to everybody.
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
        let everybody = match fields.get("Principal")? {
            Value::Object(kinds) if kinds.len() == 1 => texts(kinds.get("AWS")?)?,
            plain => texts(plain)?,
        };
        if fields.get("Effect")? != "Allow" || everybody != ["*"] {
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
    // Who may list everything needs no grant for a part of it; `mc` leaves both.
    let whole = |grant: &Grant| {
        let whole = Grant { prefix: None, ..grant.clone() };
        grant.prefix.is_none() || !grants.contains(&whole)
    };
    let mut needed = grants.clone();
    needed.retain(whole);
    Some(needed)
}

/// The one entry of an object.
fn only<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    if fields.len() == 1 { fields.get(name) } else { None }
}

/// A text or a list of texts.
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

    /// What MinIO's client writes, read off a server.
    #[test]
    fn knows_what_mc_writes() {
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
    fn a_level_or_levels_by_prefix() {
        let read = |value: Value| serde_json::from_value::<AnonymousAccess>(value).unwrap();
        let mixed = json!({"": "read", "in/": "read_write"});
        for written in [json!("none"), json!("read_write"), json!({"in/": "write"}), mixed] {
            assert_eq!(serde_json::to_value(read(written.clone())).unwrap(), written);
        }
        assert_eq!(read(json!({"": "read", "in/": "none"})), read(json!("read")));
        let error = serde_json::from_value::<AnonymousAccess>(json!("all")).unwrap_err();
        assert!(error.to_string().contains("read_write"), "{error}");
    }

    #[test]
    fn anything_more_is_not_anonymous_access() {
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
    }

    proptest! {
        #[test]
        fn comes_back_from_its_policy(access in prop::collection::btree_map(
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
