//! Default encryption of a bucket.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::server_text::has_no_kms;
use super::subresource::{Subresource, Unreadable, read_xml, write_xml};
use super::{Comparison, Setting, SettingAction, SettingPlan};
use crate::Error;
use crate::plan::Risk;
use crate::spec::BucketSpec;
use crate::spec::decode::{At, Decode, deserialize_as_decoded, hint, quoted};
use crate::spec::node::Node;

/// How new objects are encrypted if their request does not choose: `"sse_s3"` or
/// `{"sse_kms": "key-id"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// With keys that the server manages.
    SseS3,
    /// With this key of the server's key management service.
    SseKms(String),
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SseS3 => f.write_str("sse_s3"),
            Self::SseKms(key) => write!(f, "sse_kms {key}"),
        }
    }
}

impl Decode for Encryption {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        let expected = "\"sse_s3\" or {\"sse_kms\": \"key\"}";
        match node {
            Node::Text(text) if text == "sse_s3" => Some(Self::SseS3),
            Node::Map(entries) => match entries.as_slice() {
                [(word, Node::Text(key))] if word == "sse_kms" && !key.is_empty() => {
                    Some(Self::SseKms(key.clone()))
                }
                // Written in analogy to `sse_kms`.
                [(word, Node::Bool(true) | Node::Null)] if word == "sse_s3" => Some(Self::SseS3),
                [(word, Node::Map(none))] if word == "sse_s3" && none.is_empty() => {
                    Some(Self::SseS3)
                }
                _ => at.expected(expected, node),
            },
            Node::Text(text) => {
                let hint = hint(text, ["sse_s3", "sse_kms"]);
                at.fault(format!(
                    "{expected} is expected here, and {} was found{hint}",
                    quoted(text)
                ));
                None
            }
            other => at.expected(expected, other),
        }
    }
}

deserialize_as_decoded!(Encryption, "encryption");

impl Setting for Encryption {
    const FIELD: &'static str = "encryption";

    fn check_at(&self, at: &mut At) {
        match self {
            Self::SseKms(key) if key.is_empty() => at.key("sse_kms", |at| at.fault("names no key")),
            Self::SseKms(_) | Self::SseS3 => {}
        }
    }
}

/// Sets the default encryption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetEncryption {
    /// The default encryption; none for no default.
    pub encryption: Option<Encryption>,
}

impl SettingAction for SetEncryption {
    type Value = Option<Encryption>;

    const VERB: &'static str = "set_encryption";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.encryption.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        None
    }

    fn value(self) -> Self::Value {
        self.encryption
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        plan.compare::<Self>(Comparison {
            field: "encryption",
            declared: plan.spec.encryption.clone().map(Some),
            equal: PartialEq::eq,
            // Objects that exist stay as they are.
            risk: |_, _| Risk::Safe,
            action: |encryption| Self { encryption },
        });
    }
}

/// The key that Amazon S3 uses if a configuration names none
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html>).
const DEFAULT_KMS_KEY: &str = "alias/aws/s3";

/// The XML of the default encryption
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionConfiguration.html>).
#[derive(Serialize, Deserialize)]
struct Configuration {
    #[serde(rename = "Rule", default)]
    rules: Vec<Rule>,
}

#[derive(Serialize, Deserialize)]
struct Rule {
    #[serde(rename = "ApplyServerSideEncryptionByDefault")]
    default: Option<Default>,
}

#[derive(Serialize, Deserialize)]
struct Default {
    #[serde(rename = "SSEAlgorithm")]
    algorithm: String,
    #[serde(rename = "KMSMasterKeyID", skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

const AES_256: &str = "AES256";
const AWS_KMS: &str = "aws:kms";

impl Subresource for Option<Encryption> {
    type Declared = Encryption;

    const NAME: &'static str = "encryption";
    const GET: &'static str = "get_encryption";
    const SET: &'static str = "set_encryption";
    const NOT_CONFIGURED: &'static str = "ServerSideEncryptionConfigurationNotFoundError";

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
        self.as_ref().map_or(Ok(()), Setting::check)
    }

    fn from_body(body: &str) -> Result<Self, Unreadable> {
        let Configuration { rules } = read_xml(body)?;
        let mut rules = rules.into_iter();
        let default = match (rules.next(), rules.next()) {
            (Some(Rule { default: Some(default) }), None) => default,
            (None | Some(Rule { default: None }), None) => return Ok(None),
            (_, Some(_)) => {
                let what = "there are several encryption rules";
                return Err(Unreadable::Inexpressible(what.into()));
            }
        };
        match &*default.algorithm {
            AES_256 => Ok(Some(Encryption::SseS3)),
            AWS_KMS => {
                let key = default.key.filter(|key| !key.is_empty());
                Ok(Some(Encryption::SseKms(key.unwrap_or_else(|| DEFAULT_KMS_KEY.into()))))
            }
            other => Err(Unreadable::Inexpressible(format!("the encryption is {other:?}"))),
        }
    }

    fn to_body(&self) -> Option<String> {
        let (algorithm, key) = match self.as_ref()? {
            Encryption::SseS3 => (AES_256, None),
            Encryption::SseKms(key) => (AWS_KMS, Some(key.clone())),
        };
        let default = Some(Default { algorithm: algorithm.into(), key });
        let configuration = Configuration { rules: vec![Rule { default }] };
        Some(write_xml("ServerSideEncryptionConfiguration", &configuration))
    }

    fn explain(&self, refusal: Error) -> Error {
        if !has_no_kms(&refusal) {
            return refusal;
        }
        refusal.with_message(
            "the server has no KMS that could hold keys; MinIO takes one key with \
             MINIO_KMS_SECRET_KEY or a KMS with MINIO_KMS_SERVER",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json, to_value};

    #[test]
    fn the_xml_is_read_as_it_is_written() {
        for encryption in [Encryption::SseS3, Encryption::SseKms("key".into())] {
            let body = Some(encryption.clone()).to_body().unwrap();
            assert_eq!(Option::from_body(&body), Ok(Some(encryption)), "{body}");
        }
        let read = |rules: &str| {
            let root = "ServerSideEncryptionConfiguration";
            Option::<Encryption>::from_body(&format!("<{root}>{rules}</{root}>"))
        };
        let rule = |algorithm: &str| {
            format!(
                "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm>\
                 </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>"
            )
        };
        assert_eq!(read(""), Ok(None));
        let default = Encryption::SseKms(DEFAULT_KMS_KEY.into());
        assert_eq!(read(&rule("aws:kms")), Ok(Some(default)));
        for (rules, what) in [
            (rule("aws:kms:dsse"), "the encryption is \"aws:kms:dsse\""),
            (rule("AES256").repeat(2), "there are several encryption rules"),
        ] {
            assert_eq!(read(&rules), Err(Unreadable::Inexpressible(what.into())));
        }
    }

    #[test]
    fn the_json_is_stable() {
        assert_eq!(to_value(Encryption::SseS3).unwrap(), json!("sse_s3"));
        let kms = Encryption::SseKms("k".into());
        assert_eq!(to_value(&kms).unwrap(), json!({"sse_kms": "k"}));
        assert_eq!(from_value::<Encryption>(json!({"sse_kms": "k"})).unwrap(), kms);
        assert!(from_value::<Encryption>(json!({"sse_kms": {"key": "k"}})).is_err());
    }

    #[test]
    fn a_kms_key_has_a_name() {
        let unnamed = Some(Encryption::SseKms(String::new()));
        assert_eq!(unnamed.check_value().unwrap_err().kind(), crate::ErrorKind::InvalidInput);
        None::<Encryption>.check_value().unwrap();
        Encryption::SseKms("k".into()).check().unwrap();
        let error = Encryption::SseKms(String::new()).check().unwrap_err();
        assert_eq!(error.to_string(), "encryption.sse_kms: names no key");
    }
}
