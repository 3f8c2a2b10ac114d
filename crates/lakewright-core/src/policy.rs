//! Policy documents: checks of their form, comparison by meaning, and documents made from grants.
//!
//! Servers return documents in another form than they receive them. MinIO (2025 and 2026 releases,
//! observed through `mc`) returns single values as lists, lists in another order and without
//! repetitions, `"Principal": "*"` as `{"AWS": ["*"]}`, the resource `*` of an identity policy as
//! `**`, `true` in a condition as `"true"`, and only the first of several statements that differ
//! only in their `Sid`. Documents are therefore compared by what they allow and deny.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use crate::name::BucketName;
use crate::spec::decode::{At, hint, one_of};
use crate::spec::node::Node;
use crate::spec::{Access, Grant};

/// The largest document that MinIO accepts for a bucket or as a named policy, in bytes of JSON. The
/// limit was measured with `mc`; S3 has the same.
pub const MAX_BYTES: usize = 20 << 10;
/// The largest document that MinIO accepts for a service account, in characters of JSON.
pub const MAX_SESSION_CHARS: usize = 2048;
/// The only version of the policy language that MinIO accepts.
pub const VERSION: &str = "2012-10-17";

/// The elements of the policy language, which has not changed since 2012
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>).
pub(crate) const DOCUMENT: [&str; 3] = ["Version", "Id", "Statement"];
pub(crate) const STATEMENT: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Reports elements that the policy language does not have; all other faults are left to [`check`].
pub(crate) fn check_elements(node: &Node, at: &mut At) {
    let statement = |node: &Node, at: &mut At| match node {
        Node::Map(entries) => {
            known(entries, "a statement", &STATEMENT, at);
        }
        other => {
            at.expected::<()>("a statement (a map)", other);
        }
    };
    let Node::Map(entries) = node else {
        at.expected::<()>("a policy document (a map)", node);
        return;
    };
    known(entries, "a policy document", &DOCUMENT, at);
    let Some((_, statements)) = entries.iter().find(|(key, _)| key == "Statement") else {
        return at.fault("the document has no \"Statement\"");
    };
    at.key("Statement", |at| match statements {
        Node::List(items) => {
            for (index, item) in items.iter().enumerate() {
                at.index(index, |at| statement(item, at));
            }
        }
        single @ Node::Map(_) => statement(single, at),
        other => {
            at.expected::<()>("a list of statements", other);
        }
    });
}

/// Returns whether a prefix has characters that are a pattern or a variable in the resource of a
/// policy.
pub(crate) fn is_pattern(prefix: &str) -> bool {
    prefix.contains(['*', '?']) || prefix.contains("${")
}

/// Reports a prefix that cannot be a part of the resource of a policy, or that no object key can
/// have.
pub(crate) fn check_prefix(prefix: &str, at: &mut At) {
    if prefix.len() > crate::ObjectKey::MAX_BYTES {
        at.fault("the prefix is longer than any key");
    } else if let Some(c) = prefix.chars().find(|c| matches!(c, '*' | '?') || c.is_control()) {
        at.fault(format!("{c:?} cannot stand in a prefix: a policy would take it for a pattern"));
    } else if is_pattern(prefix) {
        at.fault("\"${\" cannot stand in a prefix: a policy would take it for a variable");
    } else if prefix.starts_with('/') {
        at.fault("keys do not begin with a slash, and so no key has this prefix");
    }
}

/// Reports faults in the form of a document and returns whether there are none. Actions and
/// conditions are left to the server.
pub(crate) fn check(node: &Node, at: &mut At) -> bool {
    let Node::Map(entries) = node else {
        at.expected::<()>("a policy document (a map)", node);
        return false;
    };
    let mut good = known(entries, "a policy document", &DOCUMENT, at);
    let get = |name: &str| entries.iter().find(|(key, _)| key == name).map(|(_, node)| node);
    match get("Version") {
        Some(Node::Text(version)) if version == VERSION => {}
        Some(_) => {
            at.key("Version", |at| at.fault(format!("MinIO takes {VERSION:?} only")));
            good = false;
        }
        None => {
            at.fault(format!("the document needs \"Version\": {VERSION:?}"));
            good = false;
        }
    }
    match get("Statement") {
        Some(Node::List(statements)) => at.key("Statement", |at| {
            for (index, statement) in statements.iter().enumerate() {
                good &= at.index(index, |at| check_statement(statement, at));
            }
        }),
        Some(statement @ Node::Map(_)) => {
            good &= at.key("Statement", |at| check_statement(statement, at));
        }
        Some(other) => {
            at.key("Statement", |at| at.expected::<()>("a list of statements", other));
            good = false;
        }
        None => {
            at.fault("the document has no \"Statement\"");
            good = false;
        }
    }
    let bytes = node.to_value().to_string().len();
    if bytes > MAX_BYTES {
        at.fault(format!("the document has {bytes} bytes, and MinIO takes at most {MAX_BYTES}"));
        good = false;
    }
    good
}

fn check_statement(node: &Node, at: &mut At) -> bool {
    let Node::Map(entries) = node else {
        at.expected::<()>("a statement (a map)", node);
        return false;
    };
    let mut good = known(entries, "a statement", &STATEMENT, at);
    let has = |name: &str| entries.iter().any(|(key, _)| key == name);
    for (one, other) in
        [("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource")]
    {
        if has(one) && has(other) {
            at.fault(format!("a statement has {one} or {other}, and both were found"));
            good = false;
        }
    }
    for (name, value) in entries {
        good &= at.key(name, |at| match (&**name, value) {
            ("Effect", Node::Text(effect)) if matches!(&**effect, "Allow" | "Deny") => true,
            ("Effect", _) => {
                at.fault(format!("the effect is {}", one_of(&["Allow", "Deny"])));
                false
            }
            ("Action", Node::List(items)) if items.is_empty() => {
                at.fault("at least one action is needed");
                false
            }
            ("Action" | "NotAction" | "Resource" | "NotResource", value) => match value {
                Node::Text(_) => true,
                Node::List(items) if items.iter().all(|item| matches!(item, Node::Text(_))) => true,
                other => {
                    at.expected::<()>("a text or a list of texts", other);
                    false
                }
            },
            ("Condition", Node::Map(_)) => true,
            ("Condition", other) => {
                at.expected::<()>("conditions (a map)", other);
                false
            }
            _ => true,
        });
    }
    if !has("Effect") {
        at.fault("a statement needs an \"Effect\"");
        good = false;
    }
    if has("NotAction") {
        // The MinIO of 2026-02 accepts such a document and cannot serialise it again, so every
        // listing of the policies fails with status 500.
        at.key("NotAction", |at| {
            at.fault(
                "MinIO takes it and cannot list policies any more (\"empty actions not allowed\"): \
                 name the actions in \"Action\", or deny them in a statement of their own",
            );
        });
        good = false;
    } else if !has("Action") {
        at.fault("a statement needs an \"Action\"");
        good = false;
    }
    good
}

fn known(entries: &[(String, Node)], what: &str, names: &[&str], at: &mut At) -> bool {
    let mut good = true;
    for (key, _) in entries {
        if !names.contains(&key.as_str()) {
            at.key(key, |at| {
                at.costly_fault(|| {
                    let hint = hint(key, names.iter().copied());
                    format!("{what} has no such field{hint}")
                });
            });
            good = false;
        }
    }
    good
}

/// Returns whether two documents have the same meaning. `Sid`, `Id` and `Version` are ignored,
/// because they have no effect on access (there is one version).
#[must_use]
pub fn same(a: &Value, b: &Value) -> bool {
    a == b || normalised(a) == normalised(b)
}

/// A normalised statement: statements with the same meaning are equal.
type NormalStatement = BTreeMap<String, BTreeSet<String>>;

fn normalised(document: &Value) -> BTreeSet<NormalStatement> {
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![single],
    };
    statements.into_iter().map(normalised_statement).collect()
}

fn normalised_statement(statement: &Value) -> NormalStatement {
    let mut normal = NormalStatement::new();
    let Value::Object(fields) = statement else {
        normal.insert("not a statement".into(), BTreeSet::from([statement.to_string()]));
        return normal;
    };
    for (name, value) in fields {
        match &**name {
            "Sid" => {}
            // Principals are grouped by kind; `"*"` is the same as any AWS principal.
            "Principal" | "NotPrincipal" => match value {
                Value::Object(kinds) => {
                    for (kind, principals) in kinds {
                        normal.insert(format!("{name} {kind}"), texts(principals));
                    }
                }
                anyone => {
                    normal.insert(format!("{name} AWS"), texts(anyone));
                }
            },
            "Action" | "NotAction" => {
                let lower = texts(value).into_iter().map(|action| action.to_lowercase());
                normal.insert(name.clone(), lower.collect());
            }
            "Resource" | "NotResource" => {
                let all = |resource: String| if resource == "**" { "*".into() } else { resource };
                normal.insert(name.clone(), texts(value).into_iter().map(all).collect());
            }
            "Condition" => {
                for (operator, keys) in value.as_object().into_iter().flatten() {
                    for (key, values) in keys.as_object().into_iter().flatten() {
                        let name = format!("Condition {operator} {}", condition_key(key));
                        normal.insert(name, condition_values(operator, values));
                    }
                }
            }
            _ => {
                normal.insert(name.clone(), texts(value));
            }
        }
    }
    normal.retain(|_, values| !values.is_empty());
    normal
}

/// Returns a condition key in one spelling. The case of its name is ignored; the part after the
/// first `/`, such as the key of the tag in `s3:ExistingObjectTag/Owner`, is case-sensitive.
fn condition_key(key: &str) -> String {
    match key.split_once('/') {
        Some((name, own)) => format!("{}/{own}", name.to_lowercase()),
        None => key.to_lowercase(),
    }
}

/// Returns the values of a condition, with IP addresses as networks.
fn condition_values(operator: &str, values: &Value) -> BTreeSet<String> {
    let texts = texts(values);
    match operator {
        "IpAddress" | "NotIpAddress" => {
            texts.into_iter().map(|text| network(&text).unwrap_or(text)).collect()
        }
        _ => texts,
    }
}

/// Returns a network in one spelling: `10.0.0.1/32` for `10.0.0.1`, without the host bits; `None`
/// if the text is no network.
fn network(text: &str) -> Option<String> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
        None => (text, None),
    };
    match address.parse().ok()? {
        IpAddr::V4(address) => {
            let bits = bits.unwrap_or(32);
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(bits)?).unwrap_or(0);
            Some(format!("{}/{bits}", Ipv4Addr::from_bits(address.to_bits() & mask)))
        }
        IpAddr::V6(address) => {
            let bits = bits.unwrap_or(128);
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(bits)?).unwrap_or(0);
            Some(format!("{}/{bits}", Ipv6Addr::from_bits(address.to_bits() & mask)))
        }
    }
}

/// Converts one value or a list of values to a set of texts.
fn texts(value: &Value) -> BTreeSet<String> {
    let one = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Array(items) => items.iter().map(one).collect(),
        Value::Null => BTreeSet::new(),
        single => BTreeSet::from([one(single)]),
    }
}

/// Returns the document in a form that every server accepts: statements, actions and resources as
/// lists.
#[must_use]
pub fn for_server(document: &Value) -> Value {
    let list = |value: &Value| match value {
        Value::Array(_) => value.clone(),
        single => json!([single]),
    };
    let Value::Object(fields) = document else { return document.clone() };
    let mut fields = fields.clone();
    if let Some(statements) = fields.get_mut("Statement") {
        *statements = list(statements);
        for statement in statements.as_array_mut().into_iter().flatten() {
            let Value::Object(statement) = statement else { continue };
            for (name, value) in statement {
                if matches!(&**name, "Action" | "NotAction" | "Resource" | "NotResource") {
                    *value = list(value);
                }
            }
        }
    }
    Value::Object(fields)
}

const READ_BUCKET: [&str; 2] = ["s3:GetBucketLocation", "s3:ListBucket"];
const READ_OBJECTS: [&str; 1] = ["s3:GetObject"];
const WRITE_BUCKET: [&str; 2] = ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"];
const WRITE_OBJECTS: [&str; 4] =
    ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"];

/// A bucket, or a prefix in one, with the permissions for it.
struct Place<'a> {
    bucket: &'a BucketName,
    prefix: &'a str,
    read: bool,
    write: bool,
}

/// Returns the statements for several places. Listing below a prefix is allowed under the condition
/// that the requested prefix begins with it.
fn statements(places: &[Place<'_>]) -> Vec<Value> {
    let mut statements = Vec::new();
    let mut seen = BTreeSet::new();
    let mut allow = |actions: BTreeSet<&str>, resource: String, condition: Option<Value>| {
        let mut statement = json!({ "Effect": "Allow", "Action": actions, "Resource": [resource] });
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        if seen.insert(statement.to_string()) {
            statements.push(statement);
        }
    };
    let buckets: BTreeSet<&BucketName> =
        places.iter().filter(|p| p.read || p.write).map(|place| place.bucket).collect();
    for bucket in buckets {
        let arn = format!("arn:aws:s3:::{bucket}");
        let here = || places.iter().filter(|place| place.bucket == bucket);
        let mut plain = BTreeSet::from([READ_BUCKET[0]]);
        if here().any(|place| place.write) {
            plain.extend(WRITE_BUCKET);
        }
        // Listing the whole bucket needs no condition, and includes every prefix.
        let everywhere = here().any(|place| place.read && place.prefix.is_empty());
        if everywhere {
            plain.extend(READ_BUCKET);
        }
        allow(plain, arn.clone(), None);
        let prefixes: BTreeSet<&str> =
            here().filter(|place| place.read).map(|place| place.prefix).collect();
        if !everywhere && !prefixes.is_empty() {
            let below: BTreeSet<String> = prefixes.iter().map(|p| format!("{p}*")).collect();
            let condition = json!({ "StringLike": { "s3:prefix": below } });
            allow(BTreeSet::from([READ_BUCKET[1]]), arn.clone(), Some(condition));
        }
        for place in here().filter(|place| place.read || place.write) {
            let mut actions = BTreeSet::new();
            if place.read {
                actions.extend(READ_OBJECTS);
            }
            if place.write {
                actions.extend(WRITE_OBJECTS);
            }
            allow(actions, format!("{arn}/{}*", place.prefix), None);
        }
    }
    statements
}

/// Returns the document for grants. Its last statement denies the bucket of the registry, also where
/// another policy of the same user allows every bucket: who can write the registry decides what the
/// next apply deletes.
///
/// ```
/// use lakewright_core::{Spec, policy, spec::{Access, Grant}};
/// let bucket = "raw".parse()?;
/// let grant = Grant { access: Access::Read, bucket, prefix: Some("in/".into()) };
/// let document = policy::of_grants(&[grant], Spec::DEFAULT_REGISTRY);
/// assert_eq!(document["Statement"][2]["Resource"][0], "arn:aws:s3:::raw/in/*");
/// assert_eq!(document["Statement"][3]["Effect"], "Deny");
/// # Ok::<(), lakewright_core::Error>(())
/// ```
#[must_use]
pub fn of_grants(grants: &[Grant], registry: &str) -> Value {
    let places: Vec<Place<'_>> = grants
        .iter()
        .map(|grant| Place {
            bucket: &grant.bucket,
            prefix: grant.prefix.as_deref().unwrap_or_default(),
            read: grant.access != Access::Write,
            write: grant.access != Access::Read,
        })
        .collect();
    let mut statements = statements(&places);
    let bucket = format!("arn:aws:s3:::{registry}");
    statements.push(json!({
        "Effect": "Deny", "Action": ["s3:*"], "Resource": [bucket, format!("{bucket}/*")],
    }));
    json!({ "Version": VERSION, "Statement": statements })
}

/// Returns whether a document allows an action on a resource. Conditions of statements that allow
/// are taken to hold, and those of statements that deny not to.
pub(crate) fn allows(document: &Value, action: &str, resource: &str) -> bool {
    let applies = |statement: &NormalStatement| {
        let names = |field: &str, text: &str| {
            statement.get(field).is_some_and(|all| all.iter().any(|one| matches(one, text)))
        };
        names("Action", &action.to_lowercase())
            && (names("Resource", resource)
                || (statement.contains_key("NotResource") && !names("NotResource", resource)))
    };
    let denies = |statement: &NormalStatement| {
        statement.get("Effect").is_some_and(|effect| effect.contains("Deny"))
    };
    let is_conditional =
        |statement: &NormalStatement| statement.keys().any(|key| key.starts_with("Condition "));
    let (denying, allowing): (Vec<_>, Vec<_>) =
        normalised(document).into_iter().filter(applies).partition(denies);
    !allowing.is_empty() && denying.iter().all(is_conditional)
}

/// Returns whether a text matches a pattern of the policy language: `*` is any text, `?` any
/// character.
fn matches(pattern: &str, text: &str) -> bool {
    // A text of the pattern between two stars is found at its first place, because a later place
    // leaves less for the rest.
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket_config::AnonymousAccess;
    use proptest::prelude::*;

    /// The documents are those that `mc anonymous get-json` shows after `mc anonymous set`.
    #[test]
    fn anonymous_presets_equal_those_of_mc() {
        let bucket = BucketName::new("abc").unwrap();
        let statement = |actions: &[&str], resource: &str| {
            json!({ "Action": actions, "Effect": "Allow", "Principal": {"AWS": ["*"]},
                    "Resource": [format!("arn:aws:s3:::{resource}")] })
        };
        let of = |anonymous: Value| {
            let anonymous: AnonymousAccess = serde_json::from_value(anonymous).unwrap();
            anonymous.to_policy(&bucket).unwrap().unwrap()
        };
        let document =
            |statements: &[Value]| json!({ "Version": VERSION, "Statement": statements });
        let download = document(&[
            statement(&["s3:GetBucketLocation", "s3:ListBucket"], "abc"),
            statement(&["s3:GetObject"], "abc/*"),
        ]);
        assert!(same(&of(json!("read")), &download));
        let writing = [
            "s3:ListMultipartUploadParts",
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
        ];
        let upload = document(&[
            statement(&["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], "abc"),
            statement(&writing, "abc/*"),
        ]);
        assert!(same(&of(json!("write")), &upload));
        assert!(!same(&download, &upload));
        let mut listing = statement(&["s3:ListBucket"], "abc");
        listing["Condition"] = json!({ "StringEquals": { "s3:prefix": ["pub/"] } });
        let both = document(&[
            statement(&["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], "abc"),
            listing,
            statement(&["s3:GetObject"], "abc/pub/*"),
            statement(&writing, "abc/in/*"),
        ]);
        assert!(same(&of(json!({ "pub/": "read", "in/": "write" })), &both));
        assert_eq!(AnonymousAccess::none().to_policy(&bucket).unwrap(), None);
    }

    #[test]
    fn documents_are_compared_by_meaning() {
        let one = |statement: Value| json!({ "Version": VERSION, "Statement": [statement] });
        let base = json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*",
                           "Condition": { "Bool": { "aws:SecureTransport": true } } });
        let with = |field: &str, value: Value| {
            let mut statement = base.clone();
            statement[field] = value;
            one(statement)
        };
        for (field, value) in [
            ("Sid", json!("x")),
            ("Action", json!(["s3:GetObject", "s3:getObject"])),
            ("Resource", json!(["arn:aws:s3:::a/*"])),
            ("Condition", json!({ "Bool": { "AWS:securetransport": ["true"] } })),
        ] {
            assert!(same(&one(base.clone()), &with(field, value)), "{field}");
        }
        for (field, value) in [
            ("Effect", json!("Deny")),
            ("Action", json!(["s3:GetObject", "s3:PutObject"])),
            ("Resource", json!("arn:aws:s3:::A/*")),
            ("Principal", json!("*")),
            ("Condition", json!({ "Bool": { "aws:SecureTransport": false } })),
            ("Condition", json!({})),
            ("NotAction", json!("s3:*")),
        ] {
            assert!(!same(&one(base.clone()), &with(field, value)), "{field}");
        }
    }

    /// Returns a document with one condition.
    fn under(operator: &str, key: &str, values: Value) -> Value {
        let mut statement = json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" });
        statement["Condition"][operator][key] = values;
        json!({ "Version": VERSION, "Statement": statement })
    }

    #[test]
    fn too_many_grants_are_reported_without_making_their_document() {
        let grant = |n| json!({ "access": "read", "bucket": "raw", "prefix": format!("{n}/") });
        let grants: Vec<Value> = (0..1001).map(grant).collect();
        for (field, value) in [
            ("policies", json!({ "p": { "grants": grants } })),
            (
                "service_accounts",
                json!({ "a": { "access_key": "abcdefgh",
                "secret": { "env": "A" }, "grants": grants } }),
            ),
        ] {
            let mut all = json!({ "version": 1, "stack": "s" });
            all[field] = value;
            let error = crate::Spec::from_value(&all).unwrap_err();
            assert!(error.to_string().contains("there are 1001 grants"), "{field}: {error}");
            assert!(error.failures().len() <= 1, "{field}: {:?}", error.failures());
        }
        let grant: Grant = serde_json::from_value(grants[0].clone()).unwrap();
        let once = of_grants(std::slice::from_ref(&grant), "state");
        assert_eq!(of_grants(&[grant.clone(), grant], "state"), once);
    }

    #[test]
    fn grants_deny_the_bucket_of_the_registry() {
        let grant = Grant {
            access: Access::ReadWrite,
            bucket: BucketName::new("raw").unwrap(),
            prefix: None,
        };
        let document = of_grants(&[grant], "mine");
        assert!(allows(&document, "s3:PutObject", "arn:aws:s3:::raw/a"));
        // The statement denies what another policy of the user allows.
        let mut all = document.clone();
        let everything = json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" });
        all["Statement"].as_array_mut().unwrap().push(everything);
        for resource in ["arn:aws:s3:::mine", "arn:aws:s3:::mine/registry.json"] {
            assert!(!allows(&all, "s3:ListBucket", resource), "{resource}");
            assert!(!allows(&all, "s3:DeleteObject", resource), "{resource}");
        }
        assert!(allows(&all, "s3:GetObject", "arn:aws:s3:::mine-too/a"));
    }

    #[test]
    fn patterns_match_as_in_policies() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*", "abc", true),
            ("a*c", "abcbc", true),
            ("a*bc*", "abbc", true),
            ("a?c", "abc", true),
            ("**", "x/y", true),
            ("a", "ab", false),
            ("a*c", "ab", false),
            ("a?", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_key_of_a_tag_is_in_the_case_that_it_has() {
        let tag = |key: &str| under("StringEquals", key, json!("x"));
        assert!(same(&tag("s3:ExistingObjectTag/Owner"), &tag("S3:existingobjecttag/Owner")));
        assert!(!same(&tag("s3:ExistingObjectTag/Owner"), &tag("s3:ExistingObjectTag/owner")));
    }

    #[test]
    fn addresses_are_compared_as_networks() {
        let from = |operator: &str, values: Value| under(operator, "aws:SourceIp", values);
        for (a, b) in [
            ("10.0.0.1", "10.0.0.1/32"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("1.2.3.4/0", "0.0.0.0/0"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1/128"),
            ("2001:db8::ffff/32", "2001:db8::/32"),
        ] {
            for operator in ["IpAddress", "NotIpAddress"] {
                assert!(same(&from(operator, json!(a)), &from(operator, json!([b]))), "{a}");
            }
            assert!(!same(&from("StringEquals", json!(a)), &from("StringEquals", json!(b))));
        }
        for (a, b) in
            [("10.0.0.1", "10.0.0.2"), ("10.0.0.0/8", "10.0.0.0/9"), ("1.2.3.4/33", "1.2.3.4")]
        {
            assert!(!same(&from("IpAddress", json!(a)), &from("IpAddress", json!(b))), "{a}");
        }
    }

    #[test]
    fn documents_that_minio_cannot_serialise_are_refused_everywhere() {
        let document = |statement: Value| json!({ "Version": VERSION, "Statement": [statement] });
        for (statement, why) in [
            (
                json!({ "Effect": "Deny", "NotAction": "s3:GetObject", "Resource": "*" }),
                "cannot list policies",
            ),
            (json!({ "Effect": "Allow", "Action": [], "Resource": "*" }), "at least one action"),
        ] {
            let document = document(statement);
            for (field, value) in [
                ("policies", json!({ "p": { "document": document } })),
                ("buckets", json!({ "raw": { "policy": document } })),
                (
                    "service_accounts",
                    json!({ "a": { "access_key": "abcdefgh",
                    "secret": { "env": "A" }, "policy": document } }),
                ),
            ] {
                let mut all = json!({ "version": 1, "stack": "s" });
                all[field] = value;
                let error = crate::Spec::from_value(&all).unwrap_err();
                let text = format!("{error} {:?}", error.failures());
                assert!(text.contains(why), "{field}: {text}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_form_for_servers_has_the_same_meaning(
            action in prop_oneof![Just(json!("s3:*")), Just(json!(["s3:a", "s3:b"]))],
            single in any::<bool>(),
        ) {
            let statement = json!({ "Effect": "Allow", "Action": action, "Resource": "*" });
            let statements = if single { statement } else { json!([statement]) };
            let document = json!({ "Version": VERSION, "Statement": statements });
            let sent = for_server(&document);
            prop_assert!(same(&sent, &document));
            prop_assert!(sent["Statement"][0]["Action"].is_array());
        }
    }
}
