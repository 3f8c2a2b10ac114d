//! One action of a plan, one call of a verb. Each can be repeated.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use lakewright_core::plan::{Action, Set, Step};
use lakewright_core::{
    AccessKey, BucketName, Error, ErrorKind, GroupName, PolicyName, ResourceId, Result,
};

#[cfg(feature = "tables")]
use super::apply::has_rows_by_now;
use super::secrets;
use crate::Provisioner;
use lakewright_admin::{NewServiceAccount, Principal, ServiceAccountUpdate};
use lakewright_s3::{CreateBucketOptions, EmptyOptions};

impl Provisioner {
    /// Takes a step of a plan.
    ///
    /// # Errors
    /// Those of the verb that does it, on the resource of the step.
    pub(super) async fn take_step(&self, step: &Step) -> Result<()> {
        let done = match &step.resource {
            ResourceId::Bucket(name) => self.step_bucket(name, &step.action).await,
            #[cfg(feature = "tables")]
            ResourceId::Table(uri) => self.step_table(uri, &step.action).await,
            #[cfg(not(feature = "tables"))]
            ResourceId::Table(_) => Err(Error::new(ErrorKind::Unsupported, super::NO_TABLES)),
            ResourceId::Policy(name) => self.step_policy(name, &step.action).await,
            ResourceId::Group(name) => self.step_group(name, &step.action).await,
            ResourceId::User(name) => self.step_user(name, &step.action).await,
            ResourceId::ServiceAccount(_) => self.step_service_account(&step.action).await,
        };
        done.map_err(|error| error.on(step.resource.to_string()))
    }

    async fn step_bucket(&self, name: &BucketName, action: &Action) -> Result<()> {
        let bucket = self.s3.bucket(name.clone());
        match action {
            Action::CreateBucket { object_lock } => {
                // A retry may meet what the first attempt made.
                let options = CreateBucketOptions { exist_ok: true, object_lock: *object_lock };
                self.s3.create_bucket(name, options).await.map(drop)
            }
            Action::SetVersioning { versioning } => bucket.set_versioning(*versioning).await,
            Action::SetObjectLock { object_lock } => bucket.set_object_lock(object_lock).await,
            Action::SetQuota { quota } => {
                let bytes = quota.and_then(|quota| NonZeroU64::new(quota.0));
                self.admin.set_bucket_quota(name, bytes).await
            }
            Action::SetLifecycle { rules } if rules.is_empty() => bucket.delete_lifecycle().await,
            Action::SetLifecycle { rules } => bucket.set_lifecycle(rules).await,
            Action::SetBucketPolicy { document: None } => bucket.delete_policy().await,
            Action::SetBucketPolicy { document: Some(document) } => {
                bucket.set_policy(document).await
            }
            Action::SetTags { tags } => bucket.set_tags(tags).await,
            Action::SetEncryption { encryption: None } => bucket.delete_encryption().await,
            Action::SetEncryption { encryption: Some(encryption) } => {
                bucket.set_encryption(encryption).await
            }
            Action::SetNotifications { notifications } => {
                bucket.set_notifications(notifications).await
            }
            Action::DeleteBucket { force } => {
                // Locked versions stay, and with them the bucket: a lock is there to be respected.
                if *force {
                    gone_is_done(bucket.empty(EmptyOptions::default()).await.map(drop))?;
                }
                gone_is_done(self.s3.delete_bucket(name).await)
            }
            other => bookkeeping(other),
        }
    }

    #[cfg(feature = "tables")]
    async fn step_table(&self, uri: &lakewright_core::TableUri, action: &Action) -> Result<()> {
        use lakewright_delta::{CreateTableOptions, schema_of_columns};

        let table = self.delta.table(uri.clone());
        match action {
            Action::CreateTable { schema: columns, partition_by, properties } => {
                let options = CreateTableOptions {
                    partition_by: partition_by.clone(),
                    // A retry may meet what the first attempt made.
                    exist_ok: true,
                    properties: properties.clone(),
                    ..CreateTableOptions::default()
                };
                self.delta
                    .create_table(uri, schema_of_columns(&columns.0)?, options)
                    .await
                    .map(drop)
            }
            Action::AddColumns { columns } => table.add_columns(schema_of_columns(columns)?).await,
            Action::SetTableProperties { set, unset } => table.set_properties(set, unset).await,
            Action::AddConstraint { name, condition } => {
                table.add_constraint(name, condition).await
            }
            Action::DropConstraint { name } => table.drop_constraint(name).await,
            Action::DropTable { force } => {
                let empty = match table.is_empty().await {
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                    // What was half dropped has no log that could be read.
                    Err(_) if *force => true,
                    empty => empty?,
                };
                if !empty && !force {
                    return Err(has_rows_by_now());
                }
                gone_is_done(self.delta.drop_table(uri).await.map(drop))
            }
            other => bookkeeping(other),
        }
    }

    async fn step_policy(&self, name: &PolicyName, action: &Action) -> Result<()> {
        let admin = &self.admin;
        match action {
            Action::PutPolicy { document } => admin.put_policy(name.as_str(), document).await,
            Action::DeletePolicy => gone_is_done(admin.remove_policy(name.as_str()).await),
            other => bookkeeping(other),
        }
    }

    async fn step_group(&self, name: &GroupName, action: &Action) -> Result<()> {
        let (admin, name) = (&self.admin, name.as_str());
        match action {
            Action::CreateGroup => admin.add_group_members(name, &[]).await,
            Action::SetGroupEnabled { enabled } => admin.set_group_status(name, *enabled).await,
            Action::DeleteGroup => {
                let group = match admin.group_info(name).await {
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                    group => group?,
                };
                let members: Vec<&str> = group.members.iter().map(String::as_str).collect();
                if !members.is_empty() {
                    admin.remove_group_members(name, &members).await?;
                }
                gone_is_done(admin.remove_group(name).await)
            }
            Action::AttachPolicies { policies } => {
                let now = self.policies_of_group(name).await?;
                let wanted = now.iter().map(String::as_str).chain(strings(policies)).collect();
                admin.set_policies(&listed(wanted), Principal::Group(name)).await
            }
            Action::DetachPolicies { policies } => {
                let now = self.policies_of_group(name).await?;
                let wanted = without(&now, policies);
                admin.set_policies(&wanted, Principal::Group(name)).await
            }
            other => bookkeeping(other),
        }
    }

    async fn step_user(&self, name: &AccessKey, action: &Action) -> Result<()> {
        let (admin, name) = (&self.admin, name.as_str());
        match action {
            Action::PutUser { secret, enabled } => {
                admin.set_user(name, &secrets::read(secret)?, *enabled).await
            }
            Action::SetUserEnabled { enabled } => admin.set_user_status(name, *enabled).await,
            Action::DeleteUser => gone_is_done(admin.remove_user(name).await),
            Action::JoinGroup { group } => admin.add_group_members(group.as_str(), &[name]).await,
            Action::LeaveGroup { group } => {
                gone_is_done(admin.remove_group_members(group.as_str(), &[name]).await)
            }
            // The verbs that attach and detach are encrypted both ways, which costs the server a
            // twentieth of a second; these two requests cost it nothing.
            Action::AttachPolicies { policies } => {
                let now = admin.user_info(name).await?.policies;
                let wanted = now.iter().map(String::as_str).chain(strings(policies)).collect();
                admin.set_policies(&listed(wanted), Principal::User(name)).await
            }
            Action::DetachPolicies { policies } => {
                let now = admin.user_info(name).await?.policies;
                admin.set_policies(&without(&now, policies), Principal::User(name)).await
            }
            other => bookkeeping(other),
        }
    }

    /// The policies of a group. Of a disabled one MinIO shows them only in the list of all, and
    /// neither attaches nor detaches any: they have to be set.
    async fn policies_of_group(&self, name: &str) -> Result<BTreeSet<String>> {
        let admin = &self.admin;
        let group = admin.group_info(name).await?;
        if group.enabled {
            return Ok(group.policies);
        }
        Ok(admin.policy_entities().await?.groups.remove(name).unwrap_or_default())
    }

    async fn step_service_account(&self, action: &Action) -> Result<()> {
        let admin = &self.admin;
        match action {
            Action::CreateServiceAccount {
                owner,
                access_key,
                secret,
                policy,
                expires,
                description,
            } => {
                let new = NewServiceAccount {
                    owner: owner.as_ref().map(ToString::to_string),
                    access_key: Some(access_key.to_string()),
                    secret_key: Some(secrets::read(secret)?),
                    policy: policy.clone(),
                    name: None,
                    description: description.clone(),
                    expires: expires.map(|end| end.0),
                };
                admin.add_service_account(new).await.map(drop)
            }
            Action::UpdateServiceAccount {
                access_key,
                secret,
                policy,
                expires,
                description,
                enable,
            } => {
                let policy = match policy {
                    // MinIO takes away what is not said again.
                    Set::Keep => admin.service_account_info(access_key.as_str()).await?.policy,
                    Set::Clear => None,
                    Set::To(policy) => Some(policy.clone()),
                };
                let update = ServiceAccountUpdate {
                    policy,
                    secret_key: secret.as_ref().map(secrets::read).transpose()?,
                    enabled: enable.then_some(true),
                    name: None,
                    // Planning refuses to clear it.
                    description: match description {
                        Set::Keep | Set::Clear => None,
                        Set::To(text) => Some(text.clone()),
                    },
                    expires: match expires {
                        Set::Keep => None,
                        Set::Clear => Some(None),
                        Set::To(end) => Some(Some(end.0)),
                    },
                };
                admin.update_service_account(access_key.as_str(), update).await
            }
            Action::DeleteServiceAccount { access_key } => {
                gone_is_done(admin.remove_service_account(access_key.as_str()).await)
            }
            other => bookkeeping(other),
        }
    }
}

fn strings(policies: &BTreeSet<PolicyName>) -> impl Iterator<Item = &str> {
    policies.iter().map(PolicyName::as_str)
}

fn listed(names: BTreeSet<&str>) -> Vec<&str> {
    names.into_iter().collect()
}

fn without<'a>(now: &'a BTreeSet<String>, gone: &BTreeSet<PolicyName>) -> Vec<&'a str> {
    let stays = |name: &&str| !strings(gone).any(|gone| gone == *name);
    now.iter().map(String::as_str).filter(stays).collect()
}

/// What is to be gone and is not there is as it should be.
fn gone_is_done(done: Result<()>) -> Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// What the registry alone is changed by, and what does not go with the kind of resource: a plan
/// file may say anything.
fn bookkeeping(action: &Action) -> Result<()> {
    if action.is_bookkeeping() {
        return Ok(());
    }
    let why = format!("the plan is wrong: it cannot {}", action.verb());
    Err(Error::invalid_input(why))
}
