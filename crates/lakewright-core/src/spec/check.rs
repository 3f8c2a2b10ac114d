//! Checks of a spec that need more than one value: contradictions and references to undeclared
//! resources.

use std::collections::{BTreeMap, BTreeSet};

use super::bucket::BucketSpec;
use super::column::same_name;
use super::decode::{At, hint, quoted};
use super::{Grant, Spec, TableSpec};
use crate::bucket_config::{Setting, Versioning};
use crate::identity::{AccessKey, GroupName, PolicyName};
use crate::name::TableUri;
use crate::policy;

/// The longest description of a service account in bytes (MinIO).
const MAX_DESCRIPTION: usize = 256;
/// The maximum number of grants of one policy. No list that people write is longer, and a hostile
/// one would take much memory as a document.
const MAX_GRANTS: usize = 1000;

pub(super) fn check(spec: &Spec, at: &mut At) {
    let registry = spec.registry_name();
    at.key("buckets", |at| {
        for (name, bucket) in &spec.buckets {
            at.key(name.as_str(), |at| {
                if name.as_str() == registry {
                    at.fault(
                        "this bucket contains the registry, and lakewright manages it: choose \
                         another bucket, or another \"registry\"",
                    );
                }
                check_bucket(bucket, at);
            });
        }
    });
    at.key("tables", |at| check_tables(spec, registry, at));
    at.key("policies", |at| check_policies(spec, at));
    at.key("groups", |at| {
        for (name, group) in &spec.groups {
            at.key(name.as_str(), |at| attached(spec, group.policies.as_deref(), at));
        }
    });
    at.key("users", |at| {
        for (name, user) in &spec.users {
            at.key(name.as_str(), |at| {
                attached(spec, user.policies.as_deref(), at);
                memberships(spec, user.groups.as_deref(), at);
            });
        }
    });
    at.key("service_accounts", |at| check_service_accounts(spec, at));
}

fn check_bucket(bucket: &BucketSpec, at: &mut At) {
    if bucket.object_lock.is_some() && bucket.versioning == Some(Versioning::Suspended) {
        at.key("versioning", |at| {
            at.fault("object lock needs versioning, which cannot be suspended under it");
        });
    }
    if bucket.policy.is_some() && bucket.anonymous.is_some() {
        at.fault(
            "a bucket has one policy: \"anonymous\" is a short way to write one, and \"policy\" \
             is another",
        );
    }
    check_setting(bucket.versioning.as_ref(), at);
    check_setting(bucket.object_lock.as_ref(), at);
    check_setting(bucket.quota.as_ref(), at);
    check_setting(bucket.lifecycle.as_ref(), at);
    check_setting(bucket.policy.as_ref(), at);
    check_setting(bucket.anonymous.as_ref(), at);
    check_setting(bucket.tags.as_ref(), at);
    check_setting(bucket.encryption.as_ref(), at);
    check_setting(bucket.notifications.as_ref(), at);
}

fn check_setting<T: Setting>(setting: Option<&T>, at: &mut At) {
    if let Some(setting) = setting {
        at.key(T::FIELD, |at| setting.check_at(at));
    }
}

fn check_tables(spec: &Spec, registry: &str, at: &mut At) {
    for (uri, table) in &spec.tables {
        at.key(&super::short_uri(uri), |at| {
            if uri.bucket().as_str() == registry {
                at.fault("this bucket contains the registry and cannot contain tables");
            }
            if let Some(outer) = outer_table(spec, uri) {
                at.fault(format!(
                    "it lies inside the table {}, whose clean-up would delete its files",
                    quoted(&super::short_uri(outer))
                ));
            }
            check_table(table, at);
        });
    }
}

/// Returns the declared table in whose directory this one lies. Each parent directory is looked up,
/// because a comparison with all tables would take quadratic time.
fn outer_table<'a>(spec: &'a Spec, uri: &TableUri) -> Option<&'a TableUri> {
    let path = uri.path();
    path.match_indices('/').find_map(|(end, _)| {
        let outer = TableUri::new(format!("{}/{}", uri.bucket(), &path[..end])).ok()?;
        spec.tables.get_key_value(&outer).map(|(outer, _)| outer)
    })
}

fn check_table(table: &TableSpec, at: &mut At) {
    let columns = &table.schema.0;
    at.key("schema", |at| {
        if columns.is_empty() {
            at.fault("a table needs at least one column");
        }
        let mut seen = BTreeSet::new();
        for (index, column) in columns.iter().enumerate() {
            let bad = |c: &char| c.is_control();
            if column.name.is_empty()
                || column.name.len() > 255
                || column.name.chars().any(|c| bad(&c))
            {
                at.index(index, |at| {
                    at.fault("the name of a column has 1 to 255 bytes and no control characters");
                });
            }
            if !seen.insert(column.name.to_lowercase()) {
                at.index(index, |at| {
                    at.fault(format!(
                        "the column {} stands here twice (Delta does not tell upper and lower \
                         case apart)",
                        quoted(&column.name)
                    ));
                });
            }
        }
    });
    let names = || columns.iter().map(|column| column.name.as_str());
    let partitions = table.partition_by.as_deref().unwrap_or_default();
    at.key("partition_by", |at| {
        let mut seen = BTreeSet::new();
        for (index, name) in partitions.iter().enumerate() {
            at.index(index, |at| {
                match columns.iter().find(|column| column.name == *name) {
                    None => {
                        let same = names().find(|known| same_name(known, name));
                        let hint = match same {
                            Some(same) => format!("; did you mean {same:?}?"),
                            None => hint(name, names()),
                        };
                        at.fault(format!("{} is no column of the table{hint}", quoted(name)));
                    }
                    Some(column) => {
                        if column.data_type.is_nested() {
                            at.fault(format!(
                                "a table cannot be partitioned by a column of type {}",
                                column.data_type
                            ));
                        }
                    }
                }
                if !seen.insert(name) {
                    at.fault(format!("{} stands here twice", quoted(name)));
                }
            });
        }
        if !columns.is_empty() && seen.len() == columns.len() {
            at.fault("at least one column must not be a partition column: its values are the data");
        }
    });
    at.key("properties", |at| {
        for name in table.properties.iter().flatten().map(|(name, _)| name) {
            if name.starts_with("delta.constraints.") {
                at.key(name, |at| at.fault("declare it under \"constraints\""));
            } else if name.is_empty() {
                at.key(name, |at| at.fault("a property needs a name"));
            }
        }
    });
    at.key("constraints", |at| {
        for (name, condition) in table.constraints.iter().flatten() {
            at.key(name, |at| {
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    at.fault("the name of a constraint is of a-z, A-Z, 0-9 and '_'");
                }
                if condition.trim().is_empty() {
                    at.fault("a constraint needs a condition, such as \"delay >= 0\"");
                }
            });
        }
    });
}

fn check_policies(spec: &Spec, at: &mut At) {
    for (name, declared) in &spec.policies {
        at.key(name.as_str(), |at| {
            if name.is_built_in() {
                at.fault("MinIO comes with a policy of this name: choose another");
            }
            match (&declared.document, &declared.grants) {
                (Some(_), Some(_)) => {
                    at.fault("a policy is a \"document\" or \"grants\", and both were found");
                }
                (None, None) => at.fault("a policy needs a \"document\" or \"grants\""),
                (Some(document), None) => {
                    at.key("document", |at| check_identity_policy(&document.0, at));
                }
                (None, Some(grants)) => at.key("grants", |at| {
                    let few = check_grants(grants, spec.registry_name(), at);
                    let size = || declared.to_document(spec.registry_name()).to_string().len();
                    let bytes = if few { size() } else { 0 };
                    if bytes > policy::MAX_BYTES {
                        at.fault(format!(
                            "they make a document of {bytes} bytes, and MinIO takes at most {}",
                            policy::MAX_BYTES
                        ));
                    }
                }),
            }
        });
    }
}

fn check_identity_policy(document: &serde_json::Value, at: &mut At) {
    let statements = document.get("Statement").and_then(serde_json::Value::as_array);
    at.key("Statement", |at| {
        for (index, statement) in statements.into_iter().flatten().enumerate() {
            for name in ["Principal", "NotPrincipal"] {
                if statement.get(name).is_some() {
                    at.index(index, |at| {
                        at.key(name, |at| {
                            at.fault(
                                "only policies of buckets have principals; this policy applies \
                                 to the users and groups that it is attached to",
                            );
                        });
                    });
                }
            }
        }
    });
}

/// Checks grants and returns whether they are few enough to make their document, whose size is then
/// checked.
fn check_grants(grants: &[Grant], registry: &str, at: &mut At) -> bool {
    if grants.is_empty() {
        at.fault("at least one grant is needed");
    }
    if grants.len() > MAX_GRANTS {
        at.fault(format!("there are {} grants, and at most {MAX_GRANTS} are read", grants.len()));
    }
    for (index, grant) in grants.iter().enumerate() {
        at.index(index, |at| {
            if grant.bucket.as_str() == registry {
                at.key("bucket", |at| {
                    at.fault(
                        "this bucket contains the registry, and only the user that applies specs \
                         may use it",
                    );
                });
            }
            if let Some(prefix) = &grant.prefix {
                at.key("prefix", |at| policy::check_prefix(prefix, at));
            }
        });
    }
    grants.len() <= MAX_GRANTS
}

/// Checks that attached policies are declared in the spec or built into MinIO.
fn attached(spec: &Spec, policies: Option<&[PolicyName]>, at: &mut At) {
    at.key("policies", |at| {
        let mut seen = BTreeSet::new();
        for (index, name) in policies.into_iter().flatten().enumerate() {
            at.index(index, |at| {
                if !spec.policies.contains_key(name) && !name.is_built_in() {
                    at.costly_fault(|| {
                        let known = spec.policies.keys().map(PolicyName::as_str);
                        let hint =
                            hint(name.as_str(), PolicyName::BUILT_IN.into_iter().chain(known));
                        let hint = if hint.is_empty() {
                            format!(
                                ", and MinIO comes with {} only",
                                PolicyName::BUILT_IN.join(", ")
                            )
                        } else {
                            hint
                        };
                        format!("the policy {} is not declared{hint}", quoted(name.as_str()))
                    });
                }
                if !seen.insert(name) {
                    at.fault(format!("{} stands here twice", quoted(name.as_str())));
                }
            });
        }
    });
}

fn memberships(spec: &Spec, groups: Option<&[GroupName]>, at: &mut At) {
    at.key("groups", |at| {
        let mut seen = BTreeSet::new();
        for (index, name) in groups.into_iter().flatten().enumerate() {
            at.index(index, |at| {
                if !spec.groups.contains_key(name) {
                    at.costly_fault(|| {
                        let hint = hint(name.as_str(), spec.groups.keys().map(GroupName::as_str));
                        format!("the group {} is not declared{hint}", quoted(name.as_str()))
                    });
                }
                if !seen.insert(name) {
                    at.fault(format!("{} stands here twice", quoted(name.as_str())));
                }
            });
        }
    });
}

fn check_service_accounts(spec: &Spec, at: &mut At) {
    let mut by_key = BTreeMap::new();
    for (name, account) in &spec.service_accounts {
        at.key(name.as_str(), |at| {
            let key = &account.access_key;
            at.key("access_key", |at| {
                if key.as_str().len() > AccessKey::MAX_SERVICE_ACCOUNT_BYTES {
                    at.fault(format!(
                        "it has {} bytes, and MinIO gives service accounts at most {}",
                        key.as_str().len(),
                        AccessKey::MAX_SERVICE_ACCOUNT_BYTES
                    ));
                }
                if spec.users.contains_key(key) {
                    at.fault(format!("{} is declared as a user already", quoted(key.as_str())));
                }
                if let Some(other) = by_key.insert(key, name) {
                    at.fault(format!(
                        "the service account {} has the same access key",
                        quoted(other.as_str())
                    ));
                }
            });
            if let Some(owner) = &account.owner
                && !spec.users.contains_key(owner)
            {
                at.key("owner", |at| {
                    at.costly_fault(|| {
                        let known = spec.users.keys().map(AccessKey::as_str);
                        let hint = match hint(owner.as_str(), known) {
                            hint if hint.is_empty() => {
                                "; leave the owner out to use the user that applies the spec".into()
                            }
                            hint => hint,
                        };
                        format!("the user {} is not declared{hint}", quoted(owner.as_str()))
                    });
                });
            }
            if let (Some(_), Some(_)) = (&account.policy, &account.grants) {
                at.fault("a service account has a \"policy\" or \"grants\", and both were found");
            }
            let document = match (&account.policy, &account.grants) {
                (Some(document), _) => {
                    at.key("policy", |at| check_identity_policy(&document.0, at));
                    Some(document.0.clone())
                }
                (None, Some(grants)) => {
                    let registry = spec.registry_name();
                    let few = at.key("grants", |at| check_grants(grants, registry, at));
                    few.then(|| policy::of_grants(grants, registry))
                }
                (None, None) => None,
            };
            let chars = document.map_or(0, |document| document.to_string().chars().count());
            if chars > policy::MAX_SESSION_CHARS {
                at.fault(format!(
                    "its policy has {chars} characters, and MinIO takes at most {}: attach a \
                     smaller one, or give the owner less",
                    policy::MAX_SESSION_CHARS
                ));
            }
            if account.description.as_ref().is_some_and(|text| text.len() > MAX_DESCRIPTION) {
                at.key("description", |at| {
                    at.fault(format!("a description has at most {MAX_DESCRIPTION} bytes"));
                });
            }
        });
    }
}
