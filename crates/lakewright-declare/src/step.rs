//! Steps of a plan as calls of verbs. Each step can be repeated.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::pin::Pin;

use lakewright_admin::{NewServiceAccount, Principal, ServiceAccountUpdate};
use lakewright_core::bucket_config::{BucketActionVisitor, ByteSize, Subresource};
use lakewright_core::plan::*;
use lakewright_core::{AccessKey, BucketName, ErrorKind, GroupName, PolicyName, Result};
use lakewright_s3::{CreateBucketOptions, EmptyOptions};

#[cfg(feature = "tables")]
use super::apply::has_rows_by_now;
use super::secrets;
use crate::Provisioner;

impl Provisioner {
    /// Carries out a step of a plan.
    ///
    /// # Errors
    /// Those of the verb, with the resource of the step.
    pub(super) async fn take_step(&self, step: &Step) -> Result<()> {
        let done = match &step.action {
            Action::Bucket(name, action) => {
                action.clone().visit(BucketStep { provisioner: self, name }).await
            }
            #[cfg(feature = "tables")]
            Action::Table(uri, action) => self.step_table(uri, action).await,
            #[cfg(not(feature = "tables"))]
            Action::Table(..) => {
                Err(lakewright_core::Error::new(ErrorKind::Unsupported, super::NO_TABLES))
            }
            Action::Policy(name, action) => self.step_policy(name, action).await,
            Action::Group(name, action) => self.step_group(name, action).await,
            Action::User(name, action) => self.step_user(name, action).await,
            Action::ServiceAccount(_, action) => self.step_service_account(action).await,
            // The apply writes the registry for all steps.
            Action::Registry(..) => Ok(()),
        };
        done.map_err(|error| error.on(step.resource().to_string()))
    }

    #[cfg(feature = "tables")]
    async fn step_table(
        &self,
        uri: &lakewright_core::TableUri,
        action: &TableAction,
    ) -> Result<()> {
        use lakewright_delta::{CreateTableOptions, schema_of_columns};

        let table = self.delta.table(uri.clone());
        match action {
            TableAction::CreateTable { schema: columns, partition_by, properties } => {
                let options = CreateTableOptions::builder()
                    .partition_by(partition_by.clone())
                    // The table exists where an earlier attempt created it.
                    .exist_ok(true)
                    .properties(properties.clone())
                    .build();
                self.delta
                    .create_table(uri, schema_of_columns(&columns.0)?, options)
                    .await
                    .map(drop)
            }
            TableAction::AddColumns { columns } => {
                table.add_columns(schema_of_columns(columns)?).await
            }
            TableAction::SetTableProperties { set, unset } => {
                table.set_properties(set, unset).await
            }
            TableAction::AddConstraint { name, condition } => {
                table.add_constraint(name, condition).await
            }
            TableAction::DropConstraint { name } => table.drop_constraint(name).await,
            TableAction::DropTable { force } => {
                let empty = match table.is_empty().await {
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                    // An interrupted drop leaves a table without a log that can be read.
                    Err(_) if *force => true,
                    empty => empty?,
                };
                if !empty && !force {
                    return Err(has_rows_by_now());
                }
                ignore_not_found(self.delta.drop_table(uri).await.map(drop))
            }
        }
    }

    async fn step_policy(&self, name: &PolicyName, action: &PolicyAction) -> Result<()> {
        let admin = &self.admin;
        match action {
            PolicyAction::PutPolicy { document } => admin.put_policy(name.as_str(), document).await,
            PolicyAction::DeletePolicy => {
                ignore_not_found(admin.remove_policy(name.as_str()).await)
            }
        }
    }

    async fn step_group(&self, name: &GroupName, action: &GroupAction) -> Result<()> {
        let (admin, name) = (&self.admin, name.as_str());
        match action {
            GroupAction::CreateGroup => admin.add_group_members(name, &[]).await,
            GroupAction::SetGroupEnabled { enabled } => {
                admin.set_group_status(name, (*enabled).into()).await
            }
            GroupAction::DeleteGroup => {
                let group = match admin.group_info(name).await {
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                    group => group?,
                };
                let members: Vec<&str> = group.members.iter().map(String::as_str).collect();
                if !members.is_empty() {
                    admin.remove_group_members(name, &members).await?;
                }
                ignore_not_found(admin.remove_group(name).await)
            }
            GroupAction::AttachPolicies { policies } => {
                let now = self.policies_of_group(name).await?;
                let wanted = now.iter().map(String::as_str).chain(names(policies)).collect();
                admin.set_policies(&to_list(wanted), Principal::Group(name)).await
            }
            GroupAction::DetachPolicies { policies } => {
                let now = self.policies_of_group(name).await?;
                let wanted = without(&now, policies);
                admin.set_policies(&wanted, Principal::Group(name)).await
            }
        }
    }

    async fn step_user(&self, name: &AccessKey, action: &UserAction) -> Result<()> {
        let (admin, name) = (&self.admin, name.as_str());
        match action {
            UserAction::PutUser { secret, enabled } => {
                admin.set_user(name, &secrets::read(secret)?, (*enabled).into()).await
            }
            UserAction::SetUserEnabled { enabled } => {
                admin.set_user_status(name, (*enabled).into()).await
            }
            UserAction::DeleteUser => ignore_not_found(admin.remove_user(name).await),
            UserAction::JoinGroup { group } => {
                admin.add_group_members(group.as_str(), &[name]).await
            }
            UserAction::LeaveGroup { group } => {
                ignore_not_found(admin.remove_group_members(group.as_str(), &[name]).await)
            }
            // MinIO's calls that attach and detach derive an encryption key, which takes the
            // server some 50 ms of CPU time. Reading and setting the whole list need no key.
            UserAction::AttachPolicies { policies } => {
                let now = admin.user_info(name).await?.policies;
                let wanted = now.iter().map(String::as_str).chain(names(policies)).collect();
                admin.set_policies(&to_list(wanted), Principal::User(name)).await
            }
            UserAction::DetachPolicies { policies } => {
                let now = admin.user_info(name).await?.policies;
                admin.set_policies(&without(&now, policies), Principal::User(name)).await
            }
        }
    }

    /// Returns the policies of a group. MinIO lists those of a disabled group only among the
    /// policies of all groups.
    async fn policies_of_group(&self, name: &str) -> Result<BTreeSet<String>> {
        let admin = &self.admin;
        let group = admin.group_info(name).await?;
        if group.enabled {
            return Ok(group.policies);
        }
        Ok(admin.policy_entities().await?.groups.remove(name).unwrap_or_default())
    }

    async fn step_service_account(&self, action: &ServiceAccountAction) -> Result<()> {
        let admin = &self.admin;
        match action {
            ServiceAccountAction::CreateServiceAccount {
                owner,
                access_key,
                secret,
                policy,
                expires,
                description,
            } => {
                let new = NewServiceAccount::builder()
                    .maybe_owner(owner.as_ref().map(ToString::to_string))
                    .access_key(access_key.to_string())
                    .secret_key(secrets::read(secret)?)
                    .maybe_policy(policy.clone())
                    .maybe_description(description.clone())
                    .maybe_expires(expires.map(|end| end.0))
                    .build();
                admin.add_service_account(new).await.map(drop)
            }
            ServiceAccountAction::UpdateServiceAccount {
                access_key,
                secret,
                policy,
                expires,
                description,
                enable,
            } => {
                let policy = match policy {
                    // MinIO removes the policy where an update has none.
                    FieldUpdate::Keep => {
                        admin.service_account_info(access_key.as_str()).await?.policy
                    }
                    FieldUpdate::Clear => None,
                    FieldUpdate::To(policy) => Some(policy.clone()),
                };
                let update = ServiceAccountUpdate::builder()
                    .maybe_policy(policy)
                    .maybe_secret_key(secret.as_ref().map(secrets::read).transpose()?)
                    .maybe_enabled(enable.then_some(true))
                    // Planning refuses to clear a description.
                    .maybe_description(match description {
                        FieldUpdate::Keep | FieldUpdate::Clear => None,
                        FieldUpdate::To(text) => Some(text.clone()),
                    })
                    .maybe_expires(match expires {
                        FieldUpdate::Keep => None,
                        FieldUpdate::Clear => Some(None),
                        FieldUpdate::To(end) => Some(Some(end.0)),
                    })
                    .build();
                admin.update_service_account(access_key.as_str(), update).await
            }
            ServiceAccountAction::DeleteServiceAccount { access_key } => {
                ignore_not_found(admin.remove_service_account(access_key.as_str()).await)
            }
        }
    }
}

fn names(policies: &BTreeSet<PolicyName>) -> impl Iterator<Item = &str> {
    policies.iter().map(PolicyName::as_str)
}

fn to_list(names: BTreeSet<&str>) -> Vec<&str> {
    names.into_iter().collect()
}

fn without<'a>(now: &'a BTreeSet<String>, removed: &BTreeSet<PolicyName>) -> Vec<&'a str> {
    let stays = |name: &&str| !names(removed).any(|removed| removed == *name);
    now.iter().map(String::as_str).filter(stays).collect()
}

/// Returns success for a resource to delete that does not exist.
fn ignore_not_found(done: Result<()>) -> Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// The calls of the actions on one bucket.
struct BucketStep<'a> {
    provisioner: &'a Provisioner,
    name: &'a BucketName,
}

impl<'a> BucketActionVisitor for BucketStep<'a> {
    type Output = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

    fn create(self, object_lock: bool) -> Self::Output {
        // The bucket exists where an earlier attempt created it and its response was lost.
        let options =
            CreateBucketOptions::builder().exist_ok(true).object_lock(object_lock).build();
        Box::pin(async { self.provisioner.s3.create_bucket(self.name, options).await.map(drop) })
    }

    fn delete(self, force: bool) -> Self::Output {
        let s3 = &self.provisioner.s3;
        Box::pin(async move {
            // Locked versions are not deleted, and the server then keeps the bucket.
            if force {
                let bucket = s3.bucket(self.name.clone());
                ignore_not_found(bucket.empty(EmptyOptions::default()).await.map(drop))?;
            }
            ignore_not_found(s3.delete_bucket(self.name).await)
        })
    }

    fn quota(self, quota: Option<ByteSize>) -> Self::Output {
        let bytes = quota.and_then(|quota| NonZeroU64::new(quota.0));
        Box::pin(self.provisioner.admin.set_bucket_quota(self.name, bytes))
    }

    fn s3<S: Subresource + Send + Sync + 'static>(self, value: S) -> Self::Output {
        let bucket = self.provisioner.s3.bucket(self.name.clone());
        Box::pin(async move { bucket.set_setting(&value).await })
    }
}
