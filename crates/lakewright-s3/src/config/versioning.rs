//! `get_versioning`, `set_versioning`

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use lakewright_core::bucket_config::Versioning;
use lakewright_core::{ErrorKind, Result};
use serde::Deserialize;

use super::code;
use crate::Bucket;

/// Notes what MinIO adds to the answer and the SDK skips.
#[derive(Clone, Debug, Default)]
struct LeftOut(Arc<OnceLock<Extension>>);

/// MinIO's own elements (`internal/bucket/versioning/versioning.go` in its sources).
#[derive(Debug, Default, Deserialize)]
struct Extension {
    #[serde(rename = "ExcludedPrefixes", default)]
    excluded: Vec<Excluded>,
    #[serde(rename = "ExcludeFolders", default)]
    folders: bool,
}

#[derive(Debug, Deserialize)]
struct Excluded {
    #[serde(rename = "Prefix", default)]
    prefix: String,
}

impl LeftOut {
    fn patterns(&self) -> BTreeSet<String> {
        let Some(Extension { excluded, folders }) = self.0.get() else { return BTreeSet::new() };
        let below = excluded.iter().map(|Excluded { prefix }| format!("{prefix}*"));
        below.chain(folders.then(|| "*/".to_owned())).collect()
    }
}

impl Intercept for LeftOut {
    fn name(&self) -> &'static str {
        "keys left out of versioning"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = String::from_utf8_lossy(context.response().body().bytes().unwrap_or_default());
        // A refusal is no such document, and is told by the SDK.
        if let Ok(extension) = quick_xml::de::from_str(&body) {
            let _ = self.0.set(extension);
        }
        Ok(())
    }
}

impl Bucket {
    /// Whether overwritten and deleted objects are kept; `None` where that was never said.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`; `Unsupported` where MinIO leaves keys out
    /// of it (`mc version enable --excluded-prefixes`); whatever keeps the server from answering.
    pub async fn get_versioning(&self) -> Result<Option<Versioning>> {
        let (versioning, unversioned) = self.versioning_in_full().await?;
        match unversioned.first() {
            None => Ok(versioning),
            Some(keys) => {
                Err(self
                    .inexpressible(&format!("the versioning leaves out {keys}"), "get_versioning"))
            }
        }
    }

    /// That, and the keys that MinIO leaves out of it, as patterns.
    pub async fn versioning_in_full(&self) -> Result<(Option<Versioning>, BTreeSet<String>)> {
        let left_out = LeftOut::default();
        let request = self
            .s3()
            .sdk
            .get_bucket_versioning()
            .bucket(self.name.as_str())
            .customize()
            .interceptor(left_out.clone())
            .send();
        let answer = request.await.map_err(|error| self.refusal(error, "get_versioning"))?;
        let versioning = match answer.status() {
            Some(BucketVersioningStatus::Enabled) => Some(Versioning::Enabled),
            Some(BucketVersioningStatus::Suspended) => Some(Versioning::Suspended),
            None => None,
            Some(other) => {
                let what = format!("the versioning is {:?}", other.as_str());
                return Err(self.inexpressible(&what, "get_versioning"));
            }
        };
        Ok((versioning, left_out.patterns()))
    }

    /// Says whether overwritten and deleted objects are kept.
    ///
    /// # Errors
    /// `Conflict` for suspending under object lock, which needs the versions; `NotFound`,
    /// `Denied`, whatever keeps the server from answering.
    pub async fn set_versioning(&self, versioning: Versioning) -> Result<()> {
        self.must_exist("set_versioning").await?;
        let status = match versioning {
            Versioning::Enabled => BucketVersioningStatus::Enabled,
            Versioning::Suspended => BucketVersioningStatus::Suspended,
        };
        let configuration = VersioningConfiguration::builder().status(status).build();
        let request = self
            .s3()
            .sdk
            .put_bucket_versioning()
            .bucket(self.name.as_str())
            .versioning_configuration(configuration)
            .send();
        request.await.map(drop).map_err(|error| {
            let error = self.refusal(error, "set_versioning");
            match code(&error) {
                "InvalidBucketState" if versioning == Versioning::Suspended => {
                    error.with_kind(ErrorKind::Conflict).with_message(
                        "the bucket has object lock, which keeps every version: versioning \
                         cannot be suspended",
                    )
                }
                _ => error,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(inside: &str) -> Vec<String> {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<VersioningConfiguration \
             xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inside}</VersioningConfiguration>"
        );
        let left_out = LeftOut::default();
        left_out.0.set(quick_xml::de::from_str(&body).unwrap()).unwrap();
        left_out.patterns().into_iter().collect()
    }

    #[test]
    fn what_minio_leaves_out_is_read() {
        let enabled = "<Status>Enabled</Status>";
        assert_eq!(patterns(""), Vec::<String>::new());
        assert_eq!(patterns(&format!("{enabled}<MfaDelete>Disabled</MfaDelete>")), [""; 0]);
        let of = |prefix: &str| {
            format!("<ExcludedPrefixes><Prefix>{prefix}</Prefix></ExcludedPrefixes>")
        };
        let both = format!(
            "{enabled}{}{}<ExcludeFolders>true</ExcludeFolders>",
            of("tmp/"),
            of("a&amp;b")
        );
        assert_eq!(patterns(&both), ["*/", "a&b*", "tmp/*"]);
    }
}
