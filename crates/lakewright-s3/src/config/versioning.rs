//! `get_versioning`, `set_versioning`

use std::collections::BTreeSet;

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use lakewright_core::bucket_config::Versioning;
use lakewright_core::{ErrorKind, Result};
use serde::Deserialize;

use super::code;
use crate::Bucket;
use crate::body_reader::BodyReader;

/// MinIO's own elements (`internal/bucket/versioning/versioning.go` in its sources).
#[derive(Clone, Debug, Default, Deserialize)]
struct Extension {
    #[serde(rename = "ExcludedPrefixes", default)]
    excluded: Vec<Excluded>,
    #[serde(rename = "ExcludeFolders", default)]
    folders: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct Excluded {
    #[serde(rename = "Prefix", default)]
    prefix: String,
}

impl Extension {
    /// Reads the elements; `None` for a body that is not XML. The body of a refusal has none of
    /// them.
    fn read(body: &str) -> Option<Self> {
        quick_xml::de::from_str(body).ok()
    }

    /// Returns the object keys without versioning, as patterns such as `tmp/*`.
    fn patterns(&self) -> BTreeSet<String> {
        let below = self.excluded.iter().map(|Excluded { prefix }| format!("{prefix}*"));
        below.chain(self.folders.then(|| "*/".to_owned())).collect()
    }
}

impl Bucket {
    /// Returns whether overwritten and deleted objects are kept; `None` for a bucket that never had
    /// versioning.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`; `Unsupported` where MinIO leaves object
    /// keys out of it (`mc version enable --excluded-prefixes`); any connection or server error.
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

    /// Returns the versioning, and the object keys that MinIO leaves out of it as patterns such as
    /// `tmp/*`.
    ///
    /// # Errors
    /// Those of [`Bucket::get_versioning`], except for the keys that are left out.
    pub async fn versioning_in_full(&self) -> Result<(Option<Versioning>, BTreeSet<String>)> {
        let extension = BodyReader::new(Extension::read);
        let request = self
            .s3()
            .sdk
            .get_bucket_versioning()
            .bucket(self.name.as_str())
            .customize()
            .interceptor(extension.clone())
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
        Ok((versioning, extension.take().unwrap_or_default().patterns()))
    }

    /// Sets whether overwritten and deleted objects are kept.
    ///
    /// # Errors
    /// `Conflict` for suspending under object lock, which needs the versions; `NotFound`,
    /// `Denied`, any connection or server error.
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
        Extension::read(&body).unwrap().patterns().into_iter().collect()
    }

    #[test]
    fn excluded_prefixes_and_folders_are_read() {
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
