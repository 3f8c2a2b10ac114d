//! Warnings about a spec: it is valid, and probably not what was meant.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::Spec;
use super::decode::{At, quoted};
use crate::identity::PolicyName;
use crate::policy;

/// A part of a spec that is valid and probably not meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Warning {
    /// The path of the part: `users.etl.policies[0]`.
    pub path: String,
    /// The effect, and what to declare instead.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// The policy of MinIO that allows everything.
const ADMINISTRATOR: &str = "consoleAdmin";

/// The access that a policy gives to the bucket of the registry.
#[derive(Clone, Copy)]
enum Reach {
    Read,
    Write,
}

impl Reach {
    /// Returns the access of a policy of MinIO. That of an administrator is meant.
    fn of_built_in(name: &PolicyName) -> Option<Self> {
        match name.as_str() {
            "readonly" => Some(Self::Read),
            "readwrite" | "writeonly" => Some(Self::Write),
            _ => None,
        }
    }

    /// Returns the access of a document.
    fn of_document(document: &Value, registry: &str) -> Option<Self> {
        let bucket = format!("arn:aws:s3:::{registry}");
        let object = format!("{bucket}/registry.json");
        let allows = |actions: &[&str], resource: &str| {
            actions.iter().any(|action| policy::allows(document, action, resource))
        };
        if allows(&["s3:PutObject", "s3:DeleteObject"], &object)
            || allows(&["s3:PutBucketPolicy", "s3:PutLifecycleConfiguration"], &bucket)
        {
            Some(Self::Write)
        } else if allows(&["s3:GetObject"], &object) {
            Some(Self::Read)
        } else {
            None
        }
    }

    fn effect(self) -> &'static str {
        match self {
            Self::Read => "it shows which stack owns what",
            Self::Write => "a change there decides what the next apply deletes",
        }
    }
}

pub(super) fn warnings(spec: &Spec) -> Vec<Warning> {
    let mut at = At::default();
    at.key("policies", |at| {
        for (name, declared) in &spec.policies {
            if let Some(document) = &declared.document {
                at.key(name.as_str(), |at| {
                    at.key("document", |at| warn_of_document(spec, &document.0, at));
                });
            }
        }
    });
    at.key("groups", |at| {
        for (name, group) in &spec.groups {
            at.key(name.as_str(), |at| warn_of_attached(spec, group.policies.as_deref(), at));
        }
    });
    at.key("users", |at| {
        for (name, user) in &spec.users {
            at.key(name.as_str(), |at| warn_of_attached(spec, user.policies.as_deref(), at));
        }
    });
    at.key("service_accounts", |at| {
        for (name, account) in &spec.service_accounts {
            if let Some(document) = &account.policy {
                at.key(name.as_str(), |at| {
                    at.key("policy", |at| warn_of_document(spec, &document.0, at));
                });
            }
        }
    });
    let of_fault = |fault: crate::Error| Warning {
        path: fault.resource().unwrap_or_default().to_owned(),
        message: fault.message().to_owned(),
    };
    at.into_faults().into_iter().map(of_fault).collect()
}

fn warn_of_document(spec: &Spec, document: &Value, at: &mut At) {
    if let Some(reach) = Reach::of_document(document, spec.registry_name()) {
        at.fault(format!(
            "the document also allows the bucket {} with the registry, and {}: deny \"s3:*\" \
             there, or name the buckets that are meant",
            quoted(spec.registry_name()),
            reach.effect()
        ));
    }
}

fn warn_of_attached(spec: &Spec, policies: Option<&[PolicyName]>, at: &mut At) {
    let policies = policies.unwrap_or_default();
    // A policy that is made of grants denies the bucket of the registry.
    let has_grants = |name: &PolicyName| {
        spec.policies.get(name).is_some_and(|declared| declared.grants.is_some())
    };
    let is_denied = policies.iter().any(has_grants);
    at.key("policies", |at| {
        for (index, name) in policies.iter().enumerate() {
            let warning = match Reach::of_built_in(name) {
                Some(reach) if !is_denied => format!(
                    "{} allows every bucket, also {} with the registry, and {}: declare a policy \
                     with grants for the buckets that are meant",
                    quoted(name.as_str()),
                    quoted(spec.registry_name()),
                    reach.effect()
                ),
                None if is_denied && name.as_str() == ADMINISTRATOR => format!(
                    "another policy here has grants and so denies the bucket {} with the \
                     registry: an administrator without access to it cannot apply specs",
                    quoted(spec.registry_name())
                ),
                _ => continue,
            };
            at.index(index, |at| at.fault(warning));
        }
    });
}
