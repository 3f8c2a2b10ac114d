//! `get_object_lock`, `set_object_lock`

use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode,
    ObjectLockRule,
};
use lakewright_core::bucket_config::{
    ObjectLock, Retention, RetentionMode, RetentionPeriod, Setting,
};
use lakewright_core::{Error, ErrorKind, Result};

use super::code;
use crate::Bucket;

impl Bucket {
    /// Returns the bucket's object lock; `None` if the bucket was created without it.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Unsupported` for retentions that [`ObjectLock`]
    /// cannot express, `Denied`, and failures of the request.
    pub async fn get_object_lock(&self) -> Result<Option<ObjectLock>> {
        const OPERATION: &str = "get_object_lock";
        let request =
            self.s3().sdk.get_object_lock_configuration().bucket(self.name.as_str()).send();
        let answer = match request.await.map_err(|error| self.refusal(error, OPERATION)) {
            Ok(answer) => answer,
            Err(error) if code(&error) == "ObjectLockConfigurationNotFoundError" => {
                self.must_exist(OPERATION).await?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let Some(configuration) = answer.object_lock_configuration() else { return Ok(None) };
        let Some(retention) = configuration.rule().and_then(ObjectLockRule::default_retention)
        else {
            let enabled = configuration.object_lock_enabled() == Some(&ObjectLockEnabled::Enabled);
            return Ok(enabled.then(ObjectLock::default));
        };
        if retention.default_event_hold().is_some() {
            return Err(self.inexpressible("the retention has an event hold", OPERATION));
        }
        let mode = match retention.mode() {
            Some(ObjectLockRetentionMode::Governance) => RetentionMode::Governance,
            Some(ObjectLockRetentionMode::Compliance) => RetentionMode::Compliance,
            other => {
                let other = other.map_or("", ObjectLockRetentionMode::as_str);
                return Err(
                    self.inexpressible(&format!("the retention mode is {other:?}"), OPERATION)
                );
            }
        };
        // The XML of MinIO and S3 may contain both elements, one of them empty.
        let count = |count: Option<i32>| {
            count.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0)
        };
        let days = count(retention.days()).map(RetentionPeriod::Days);
        let years = count(retention.years()).map(RetentionPeriod::Years);
        match days.or(years) {
            Some(period) => Ok(Some(ObjectLock::with_retention(mode, period))),
            None => Err(self.inexpressible("the retention has no period", OPERATION)),
        }
    }

    /// Sets the default retention of new objects; [`ObjectLock::default`] removes it. The locks of
    /// existing objects stay.
    ///
    /// # Errors
    /// `Conflict` on a bucket that was created without object lock; `InvalidInput`, with its path,
    /// for a period out of range; `NotFound`, `Denied`, and failures of the request.
    pub async fn set_object_lock(&self, lock: &ObjectLock) -> Result<()> {
        const OPERATION: &str = "set_object_lock";
        lock.check().map_err(|error| self.wrong(error, OPERATION))?;
        let count = |count: Option<u32>| {
            count.map(i32::try_from).transpose().map_err(|error| {
                let error = Error::invalid_input("the period is too long").caused_by(error);
                self.wrong(error, OPERATION)
            })
        };
        let rule = match lock.retention {
            None => None,
            Some(Retention { mode, period }) => {
                let mode = match mode {
                    RetentionMode::Governance => ObjectLockRetentionMode::Governance,
                    RetentionMode::Compliance => ObjectLockRetentionMode::Compliance,
                };
                let retention = DefaultRetention::builder()
                    .mode(mode)
                    .set_days(count(period.days())?)
                    .set_years(count(period.years())?)
                    .build();
                Some(ObjectLockRule::builder().default_retention(retention).build())
            }
        };
        let configuration = ObjectLockConfiguration::builder()
            .object_lock_enabled(ObjectLockEnabled::Enabled)
            .set_rule(rule)
            .build();
        let request = self
            .s3()
            .sdk
            .put_object_lock_configuration()
            .bucket(self.name.as_str())
            .object_lock_configuration(configuration)
            .send();
        match request.await.map_err(|error| self.refusal(error, OPERATION)) {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == "InvalidBucketState" => {
                self.must_exist(OPERATION).await?;
                Err(error.with_kind(ErrorKind::Conflict).with_message(
                    "the bucket was made without object lock, which cannot be enabled afterwards: \
                     make a new one with it and copy the objects",
                ))
            }
            Err(error) => Err(error),
        }
    }
}
