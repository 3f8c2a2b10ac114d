//! The settings of a bucket by their names, in the form of a spec. The settings of everyday use also
//! have verbs of their own, with types, on [`Bucket`].

use std::pin::Pin;

use lakewright_admin::Admin;
use lakewright_core::bucket_config::{
    BucketSetting, ByteSize, ObservedBucket, Setting as _, SettingVisitor, Subresource,
};
use lakewright_core::state::Reading;
use lakewright_core::{BucketName, Error, ErrorKind, Result};
use lakewright_s3::Bucket;
use serde_json::Value;

use crate::Lake;

impl Lake {
    /// Returns a setting of a bucket in JSON, in the form of a spec; `null` where nothing is
    /// configured.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`; `Unsupported` for a value that no spec can
    /// declare, and on a server without the setting; any connection or server error.
    pub async fn get_bucket_setting(
        &self,
        name: &BucketName,
        setting: BucketSetting,
    ) -> Result<Value> {
        setting.visit(Get { bucket: self.bucket(name.clone()), admin: self.admin() }).await
    }

    /// Sets a setting of a bucket to a value in the form of a spec; `null` removes the setting.
    ///
    /// # Errors
    /// `InvalidInput` for a fault of the value, with its path, and for a setting that cannot be
    /// removed; `NotFound` when the bucket is missing, `Denied`; `Unsupported` on a server without
    /// the setting; any connection or server error.
    pub async fn set_bucket_setting(
        &self,
        name: &BucketName,
        setting: BucketSetting,
        value: &Value,
    ) -> Result<()> {
        setting.visit(Set { bucket: self.bucket(name.clone()), admin: self.admin(), value }).await
    }
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

struct Get {
    bucket: Bucket,
    admin: Admin,
}

impl SettingVisitor for Get {
    type Output = Pending<'static, Value>;

    fn contents(self) -> Self::Output {
        Box::pin(
            async move { Err(no_setting().during("get_setting").on(self.bucket.name().as_str())) },
        )
    }

    fn quota(self) -> Self::Output {
        Box::pin(async move {
            let quota = self.admin.bucket_quota(self.bucket.name()).await?;
            Ok(quota.map_or(Value::Null, |bytes| bytes.get().into()))
        })
    }

    fn s3<S: Subresource + Send + Sync + 'static>(
        self,
        _: fn(&mut ObservedBucket, Reading<S>),
    ) -> Self::Output {
        Box::pin(async move {
            let value: S = self.bucket.get_setting().await?;
            let wrong = |error: Error| error.during(S::GET).on(self.bucket.name().as_str());
            value.into_value().map_err(wrong)
        })
    }
}

struct Set<'a> {
    bucket: Bucket,
    admin: Admin,
    value: &'a Value,
}

impl<'a> SettingVisitor for Set<'a> {
    type Output = Pending<'a, ()>;

    fn contents(self) -> Self::Output {
        Box::pin(
            async move { Err(no_setting().during("set_setting").on(self.bucket.name().as_str())) },
        )
    }

    fn quota(self) -> Self::Output {
        Box::pin(async move {
            let name = self.bucket.name();
            let quota = read_quota(self.value);
            let quota =
                quota.map_err(|error| error.during("set_bucket_quota").on(name.as_str()))?;
            self.admin.set_bucket_quota(name, quota.and_then(|bytes| bytes.0.try_into().ok())).await
        })
    }

    fn s3<S: Subresource + Send + Sync + 'static>(
        self,
        _: fn(&mut ObservedBucket, Reading<S>),
    ) -> Self::Output {
        Box::pin(async move {
            let wrong = |error: Error| error.during(S::SET).on(self.bucket.name().as_str());
            let value = S::from_declared_value(self.value).map_err(wrong)?;
            self.bucket.set_setting(&value).await
        })
    }
}

fn read_quota(value: &Value) -> Result<Option<ByteSize>> {
    if value.is_null() {
        return Ok(None);
    }
    let quota = ByteSize::from_value(value)?;
    quota.check()?;
    Ok(Some(quota))
}

fn no_setting() -> Error {
    Error::new(ErrorKind::InvalidInput, "the contents of a bucket are no setting")
}
