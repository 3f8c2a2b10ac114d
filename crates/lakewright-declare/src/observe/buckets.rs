//! Reads buckets and their settings.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

use lakewright_core::bucket_config::{ByteSize, SettingVisitor, Subresource};
use lakewright_core::state::{BucketSetting, Needs, ObservedBucket, Reading};
use lakewright_core::{BucketName, ErrorKind, ResourceId, Result};

use super::Lookup;
use crate::Provisioner;
use lakewright_admin::Admin;
use lakewright_s3::Bucket;

type Buckets = (BTreeMap<BucketName, ObservedBucket>, BTreeSet<BucketSetting>);

/// Enters one setting into the bucket that it was read from.
type Found = Box<dyn FnOnce(&mut ObservedBucket) + Send>;

impl Provisioner {
    /// Reads buckets with the settings in `needs`, one request each. Also returns the settings that
    /// the server is known not to implement.
    pub(super) async fn observe_buckets(&self, needs: &Needs, admin: bool) -> Result<Buckets> {
        if needs.buckets.is_empty() {
            return Ok(Buckets::default());
        }
        let mut there: BTreeSet<BucketName> =
            self.s3.list_buckets().await?.into_iter().map(|info| info.name).collect();
        there.extend(
            self.unlisted(needs.buckets.keys().filter(|name| !there.contains(*name))).await?,
        );
        let mut buckets: BTreeMap<BucketName, ObservedBucket> = BTreeMap::new();
        let mut lookups: Vec<Lookup<'_, (&BucketName, Found)>> = Vec::new();
        for (name, settings) in &needs.buckets {
            if !there.contains(name) {
                continue;
            }
            buckets.insert(name.clone(), ObservedBucket::default());
            for setting in settings {
                lookups.push(Box::pin(async move {
                    let bucket = self.s3.bucket(name.clone()).assume_exists();
                    let admin = admin.then_some(&self.admin);
                    let found = setting.visit(Read { bucket, admin, needs }).await;
                    let on = || ResourceId::Bucket(name.clone()).to_string();
                    Ok((name, found.map_err(|error| error.on(on()))?))
                }));
            }
        }
        let found = self.at_once(lookups).await?;
        for (name, enter) in found {
            if let Some(bucket) = buckets.get_mut(name) {
                enter(bucket);
            }
        }
        let mut lacks: BTreeSet<BucketSetting> =
            buckets.values().flat_map(ObservedBucket::unsupported).collect();
        if !self.admin.is_confirmed() {
            lacks.extend(self.probe(needs, &buckets).await?);
        }
        Ok((buckets, lacks))
    }

    /// Returns the buckets that exist although the list does not contain them: the list leaves out
    /// the buckets that these credentials may not list.
    async fn unlisted<'a>(
        &self,
        names: impl Iterator<Item = &'a BucketName>,
    ) -> Result<Vec<BucketName>> {
        let mut lookups: Vec<Lookup<'_, Option<BucketName>>> = Vec::new();
        for name in names.cloned() {
            lookups.push(Box::pin(async move {
                match self.s3.head_bucket(&name).await {
                    Ok(_) => Ok(Some(name)),
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                    Err(error) if error.kind() == ErrorKind::Denied => Err(error
                        .with_message(
                            "these credentials may not see whether it exists (s3:ListBucket)",
                        )
                        .on(ResourceId::Bucket(name).to_string())),
                    Err(error) => Err(error.on(ResourceId::Bucket(name).to_string())),
                }
            }));
        }
        Ok(self.at_once(lookups).await?.into_iter().flatten().collect())
    }

    /// Returns the settings of buckets to be created that the server does not implement. A server
    /// other than MinIO may lack any of them, and its response is the same for a missing bucket.
    async fn probe(
        &self,
        needs: &Needs,
        there: &BTreeMap<BucketName, ObservedBucket>,
    ) -> Result<BTreeSet<BucketSetting>> {
        let mut missing: BTreeMap<BucketSetting, &BucketName> = BTreeMap::new();
        for (name, settings) in &needs.buckets {
            if !there.contains_key(name) {
                missing.extend(settings.iter().map(|setting| (*setting, name)));
            }
        }
        let asked = |setting: &BucketSetting| {
            let mut asked = needs.buckets.iter().filter(|(name, _)| there.contains_key(*name));
            asked.any(|(_, settings)| settings.contains(setting))
        };
        missing.retain(|setting, _| {
            !matches!(setting, BucketSetting::Contents | BucketSetting::Quota) && !asked(setting)
        });
        let mut lookups: Vec<Lookup<'_, Option<Found>>> = Vec::new();
        for (setting, name) in missing {
            lookups.push(Box::pin(async move {
                // The bucket is missing, and any other error is also one of its creation.
                let bucket = self.s3.bucket(name.clone());
                Ok(setting.visit(Read { bucket, admin: None, needs }).await.ok())
            }));
        }
        let mut nowhere = ObservedBucket::default();
        for enter in self.at_once(lookups).await?.into_iter().flatten() {
            enter(&mut nowhere);
        }
        Ok(nowhere.unsupported().collect())
    }
}

/// Converts the response "not implemented" to [`Reading::Unsupported`].
fn unless_unsupported<T>(response: Result<T>) -> Result<Reading<T>> {
    match response {
        Ok(value) => Ok(Reading::Is(value)),
        Err(error)
            if error.kind() == ErrorKind::Unsupported
                && error.service().is_some_and(|service| matches!(service.status, 405 | 501)) =>
        {
            Ok(Reading::Unsupported)
        }
        Err(error) => Err(error),
    }
}

/// The reading of one part of a bucket.
struct Read<'a> {
    bucket: Bucket,
    admin: Option<&'a Admin>,
    needs: &'a Needs,
}

impl<'a> SettingVisitor for Read<'a> {
    type Output = Pin<Box<dyn Future<Output = Result<Found>> + Send + 'a>>;

    fn contents(self) -> Self::Output {
        Box::pin(async move {
            let tables = self.needs.tables.iter().filter(|uri| uri.bucket() == self.bucket.name());
            let contents = self.bucket.contents(&tables.cloned().collect()).await?.into();
            Ok(Box::new(move |found: &mut ObservedBucket| found.contents = contents) as Found)
        })
    }

    fn quota(self) -> Self::Output {
        Box::pin(async move {
            let quota = match self.admin {
                Some(admin) => {
                    let quota = admin.bucket_quota(self.bucket.name()).await?;
                    quota.map(|bytes| ByteSize(bytes.get())).into()
                }
                None => Reading::Unsupported,
            };
            Ok(Box::new(move |found: &mut ObservedBucket| found.quota = quota) as Found)
        })
    }

    fn s3<S: Subresource + Send + Sync + 'static>(
        self,
        enter: fn(&mut ObservedBucket, Reading<S>),
    ) -> Self::Output {
        Box::pin(async move {
            let reading = unless_unsupported(self.bucket.get_setting::<S>().await)?;
            Ok(Box::new(move |found: &mut ObservedBucket| enter(found, reading)) as Found)
        })
    }
}
