//! Policy document of a bucket, which specs write as `policy` or as `anonymous`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::server_text::has_unknown_policy_element;
use super::subresource::{Subresource, Unreadable};
use super::{Comparison, Setting, SettingAction, SettingPlan};
use crate::plan::Risk;
use crate::policy::{self, MAX_BYTES};
use crate::spec::BucketSpec;
use crate::spec::decode::{At, Decode, deserialize_as_decoded};
use crate::spec::node::Node;
use crate::{Error, ErrorKind, Result};

/// A declared policy document. Its form is checked when it is read, and it is compared by meaning
/// ([`crate::policy`]).
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct PolicyDocument(pub Value);

/// Documents are equal when they mean the same.
impl PartialEq for PolicyDocument {
    fn eq(&self, other: &Self) -> bool {
        crate::policy::same(&self.0, &other.0)
    }
}

impl Eq for PolicyDocument {}

impl Decode for PolicyDocument {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        crate::policy::check(node, at).then(|| Self(node.to_value()))
    }
}

deserialize_as_decoded!(PolicyDocument, "a policy document");

impl JsonSchema for PolicyDocument {
    fn schema_name() -> Cow<'static, str> {
        "PolicyDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A policy document as S3 takes it.",
            "type": "object",
            "properties": {
                "Version": { "enum": ["2012-10-17"] },
                "Id": { "type": "string" },
                "Statement": {},
            },
            "required": ["Version", "Statement"],
            "additionalProperties": false,
        })
    }
}

/// A bucket policy as the verbs take it: less is checked than of a declared [`PolicyDocument`],
/// because a server other than MinIO may know more of the language.
impl Setting for Value {
    const FIELD: &'static str = "policy";

    fn check_at(&self, at: &mut At) {
        match Node::from_value(self) {
            Ok(node) => policy::check_elements(&node, at),
            Err(error) => at.fault(error.message()),
        }
    }
}

impl Setting for PolicyDocument {
    const FIELD: &'static str = "policy";

    fn check_at(&self, at: &mut At) {
        let statements = match self.0.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().collect(),
            Some(single) => vec![single],
            None => vec![],
        };
        at.key("Statement", |at| {
            for (index, statement) in statements.into_iter().enumerate() {
                at.index(index, |at| {
                    if statement.get("NotPrincipal").is_some() {
                        at.fault("MinIO does not know NotPrincipal");
                    } else if statement.get("Principal").is_none() {
                        at.fault("a statement of a bucket's policy needs a \"Principal\"");
                    }
                });
            }
        });
    }
}

/// Checks a bucket policy: a document with statements whose elements are those of the policy
/// language.
///
/// MinIO skips elements that it does not know, a misspelt `Condition` among them, and takes
/// `effect` for `Effect`, so without this check another policy would be in force than was meant.
///
/// # Errors
/// `InvalidInput` with the path of each fault; `TooLarge` above 20 KiB.
pub fn check_policy(document: &Value) -> Result<()> {
    document.check()?;
    let bytes = document.to_string().len();
    if bytes > MAX_BYTES {
        let why = format!("the policy has {bytes} bytes; a bucket's may have {MAX_BYTES}");
        return Err(Error::new(ErrorKind::TooLarge, why));
    }
    Ok(())
}

/// Replaces the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetBucketPolicy {
    /// The policy document; none for no policy.
    pub document: Option<Value>,
}

impl SettingAction for SetBucketPolicy {
    type Value = Option<Value>;

    const VERB: &'static str = "set_bucket_policy";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.policy.is_some() || spec.anonymous.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        None
    }

    fn value(self) -> Self::Value {
        self.document
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        let document = match (&plan.spec.policy, &plan.spec.anonymous) {
            (Some(document), _) => Some(Some(policy::for_server(&document.0))),
            (None, Some(anonymous)) => match anonymous.to_policy(plan.name) {
                Ok(document) => Some(document),
                Err(error) => {
                    plan.problems.push(error.on(plan.id().to_string()));
                    return;
                }
            },
            (None, None) => None,
        };
        plan.compare::<Self>(Comparison {
            field: if plan.spec.anonymous.is_some() { "anonymous" } else { "policy" },
            // For the server a document that allows nothing is no policy.
            declared: document.map(|document| document.filter(has_statements)),
            equal: |found, wanted| match (found, wanted) {
                (Some(found), Some(wanted)) => policy::same(found, wanted),
                (found, wanted) => found.is_none() == wanted.is_none(),
            },
            // The plan shows the document that is replaced.
            risk: |_, _| Risk::Safe,
            action: |document| Self { document },
        });
    }
}

fn has_statements(document: &Value) -> bool {
    document.get("Statement").and_then(Value::as_array).is_none_or(|all| !all.is_empty())
}

/// The policy document, which S3 transfers as it is.
impl Subresource for Option<Value> {
    type Declared = Value;

    const NAME: &'static str = "policy";
    const GET: &'static str = "get_policy";
    const SET: &'static str = "set_policy";
    const NOT_CONFIGURED: &'static str = "NoSuchBucketPolicy";

    fn not_configured() -> Self {
        None
    }

    fn into_declared(self) -> Result<Option<Self::Declared>, Unreadable> {
        Ok(self)
    }

    fn from_declared(declared: Option<Self::Declared>) -> Self {
        declared
    }

    fn check_value(&self) -> crate::Result<()> {
        self.as_ref().map_or(Ok(()), check_policy)
    }

    fn from_body(body: &str) -> Result<Self, Unreadable> {
        serde_json::from_str(body).map(Some).map_err(|error| {
            Unreadable::Corrupt(format!("the server's policy is not valid JSON: {error}"))
        })
    }

    fn to_body(&self) -> Option<String> {
        self.as_ref().map(Value::to_string)
    }

    fn explain(&self, refusal: Error) -> Error {
        if has_unknown_policy_element(&refusal) {
            let why = "the server does not know an element of the policy (NotAction?)";
            return refusal.with_kind(ErrorKind::Unsupported).with_message(why);
        }
        match refusal.service_code() {
            "MalformedPolicy" => {
                let why = format!("the server does not accept the policy: {}", refusal.message());
                refusal.with_message(why)
            }
            _ => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn elements_outside_the_language_are_refused_with_their_path() {
        let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::b/*"});
        check_policy(&json!({"Version": "2012-10-17", "Statement": [statement]})).unwrap();
        check_policy(&json!({"Version": "2012-10-17", "Statement": statement})).unwrap();
        for (bad, why) in [
            (json!([]), "policy: a policy document (a map) is expected here"),
            (json!({"Version": "2012-10-17"}), "has no \"Statement\""),
            (
                json!({"version": "2012-10-17", "Statement": []}),
                "policy.version: a policy document has no such field; did you mean \"Version\"?",
            ),
            (
                json!({"Statement": ["a"]}),
                "policy.Statement[0]: a statement (a map) is expected here",
            ),
            (
                json!({"Statement": [{"effect": "Deny"}]}),
                "policy.Statement[0].effect: a statement has no such field; did you mean \"Effect\"?",
            ),
            (
                json!({"Statement": [{}, {"Conditon": {}}]}),
                "policy.Statement[1].Conditon: a statement has no such field; did you mean \"Condition\"?",
            ),
        ] {
            let error = check_policy(&bad).unwrap_err();
            assert!(error.message().contains(why), "{bad}: {error}");
        }
        let long = json!({"Statement": [{"Sid": "x".repeat(MAX_BYTES)}]});
        assert_eq!(check_policy(&long).unwrap_err().kind(), ErrorKind::TooLarge);
    }
}
