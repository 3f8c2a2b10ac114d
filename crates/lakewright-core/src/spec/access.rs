//! Declared policies, groups, users and service accounts.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::decode::{At, Decode, declared, decode_by_new, deserialize_as_decoded, quoted};
use super::node::Node;
use crate::bucket_config::{Access, PolicyDocument};
use crate::identity::{AccessKey, AccountName, GroupName, PolicyName, StackName};
use crate::name::{BucketName, TableUri};
use crate::secret::SecretRef;

decode_by_new! {
    AccessKey: "an access key",
    AccountName: "the name of a service account",
    BucketName: "the name of a bucket",
    GroupName: "the name of a group",
    PolicyName: "the name of a policy",
    StackName: "the name of a stack",
    TableUri: "a table (bucket/path)",
}

/// Implements the schema of names: text with a minimum and a maximum length. The reader checks
/// more.
macro_rules! text_schema {
    ($($name:ident($min:literal, $max:literal)),* $(,)?) => { $(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "minLength": $min, "maxLength": $max })
            }
        }
    )* };
}

text_schema! {
    AccessKey(3, 128),
    AccountName(1, 128),
    BucketName(3, 63),
    GroupName(1, 128),
    PolicyName(1, 128),
    StackName(1, 64),
    TableUri(5, 581),
}

declared! {
    /// A policy: a document, or grants from which one is made.
    #[derive(Default)]
    pub struct PolicySpec("a policy") {
        /// The policy document in the form of MinIO. Not together with `grants`.
        pub document: Option<PolicyDocument>,
        /// The grants from which the document is made. Not together with `document`.
        pub grants: Option<Vec<Grant>>,
        /// Whether to adopt the policy if it exists and no stack owns it.
        #[serde(default)]
        pub adopt: bool,
    }
}

declared! {
    /// A permission for a bucket, or for a prefix in it.
    pub struct Grant("a grant") {
        /// The permitted access.
        pub access: Access,
        /// The bucket.
        pub bucket: BucketName,
        /// The prefix of the object keys; the default is all keys.
        pub prefix: Option<String>,
    }
}

declared! {
    /// A user; the key of the entry is the access key.
    pub struct UserSpec("a user") {
        /// The place from which the secret key is read when it is needed: at least 8 characters.
        pub secret: SecretRef,
        /// Whether the user may sign in; the default is true.
        pub enabled: Option<bool>,
        /// The policies attached to the user: all of them; an empty list means none.
        pub policies: Option<Vec<PolicyName>>,
        /// All groups of the user; an empty list means none.
        pub groups: Option<Vec<GroupName>>,
        /// Whether to adopt the user if it exists and no stack owns it. Its secret is then set to
        /// the declared one.
        #[serde(default)]
        pub adopt: bool,
    }
}

impl UserSpec {
    /// Returns whether the user may sign in.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }
}

declared! {
    /// A group. Its members are declared with the users.
    #[derive(Default)]
    pub struct GroupSpec("a group") {
        /// The policies attached to the group: all of them; an empty list means none.
        pub policies: Option<Vec<PolicyName>>,
        /// Whether the policies of the group are in force; the default is true.
        pub enabled: Option<bool>,
        /// Whether to adopt the group if it exists and no stack owns it.
        #[serde(default)]
        pub adopt: bool,
    }
}

impl GroupSpec {
    /// Returns whether the group's policies are in force.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }
}

declared! {
    /// A service account: additional credentials of a user, optionally with fewer permissions.
    pub struct ServiceAccountSpec("a service account") {
        /// The user that the account acts for: a declared one, or by default the user that applies
        /// the spec. It cannot be changed afterwards.
        pub owner: Option<AccessKey>,
        /// The access key: 3 to 20 characters. It cannot be changed afterwards.
        pub access_key: AccessKey,
        /// The place from which the secret key of the account is read when it is needed: at least 8
        /// characters.
        pub secret: SecretRef,
        /// The policy that limits the account to a part of its owner's permissions: a document of
        /// at most 2,048 characters. Not together with `grants`; without either the account has all
        /// of them.
        pub policy: Option<PolicyDocument>,
        /// The grants that limit the account. Not together with `policy`.
        pub grants: Option<Vec<Grant>>,
        /// The time at which the account expires: `"2027-01-01T00:00:00Z"`.
        pub expires: Option<Time>,
        /// A description for people: at most 256 bytes.
        pub description: Option<String>,
        /// Whether to adopt the service account if it exists and no stack owns it. Its secret is
        /// then set to the declared one.
        #[serde(default)]
        pub adopt: bool,
    }
}

/// A point in time: `2027-01-01T00:00:00Z`, with any offset. Fractions of seconds are dropped, as
/// MinIO does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Time(pub Timestamp);

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Decode for Time {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        match node {
            Node::Text(text) => {
                let whole = |time: Timestamp| Timestamp::from_second(time.as_second());
                match text.parse().and_then(whole) {
                    Ok(time) => Some(Self(time)),
                    Err(_) => {
                        let shown = quoted(text);
                        at.fault(format!(
                            "{shown} is no time: write it like \"2027-01-01T00:00:00Z\""
                        ));
                        None
                    }
                }
            }
            other => at.expected("a time (like \"2027-01-01T00:00:00Z\")", other),
        }
    }
}

deserialize_as_decoded!(Time, "a time");

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Reads a reference. The messages never quote the value, because it may be the secret itself.
impl Decode for SecretRef {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        const WAY: &str =
            "say where it is found: {\"file\": PATH}, {\"env\": NAME} or {\"credential\": NAME}";
        let literal = |at: &mut At| {
            at.fault(format!(
                "a secret is never written into a declaration, which may end in a world-readable \
                 file or in version control; {WAY}"
            ));
            None
        };
        let entries = match node {
            Node::Text(_) | Node::Number(_) => return literal(at),
            Node::Map(entries) => entries.as_slice(),
            other => return at.expected(&format!("a reference to a secret ({WAY})"), other),
        };
        let [(kind, place)] = entries else {
            at.fault(format!("a secret is found in exactly one place; {WAY}"));
            return None;
        };
        if !matches!(&**kind, "file" | "env" | "credential") {
            return literal(at);
        }
        let Node::Text(place) = place else {
            return at.key(kind, |at| at.expected("a text", place));
        };
        if place.is_empty() {
            at.key(kind, |at| at.fault("it is empty"));
            return None;
        }
        match &**kind {
            "file" => Some(Self::File(place.into())),
            "credential" if place.contains('/') => {
                at.key(kind, |at| at.fault("a systemd credential is a name without slashes"));
                None
            }
            "credential" => Some(Self::Credential(place.clone())),
            _ => Some(Self::Env(place.clone())),
        }
    }
}

impl JsonSchema for SecretRef {
    fn schema_name() -> Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |name: &str, what: &str| {
            json_schema!({
                "type": "object",
                "properties": { name: { "type": "string", "minLength": 1, "description": what } },
                "required": [name],
                "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "Where a secret is found when it is needed. The secret itself is refused.",
            "oneOf": [
                one("file", "A file whose content, without surrounding white space, is the secret."),
                one("env", "An environment variable."),
                one("credential", "A systemd credential: a file in $CREDENTIALS_DIRECTORY."),
            ],
        })
    }
}
