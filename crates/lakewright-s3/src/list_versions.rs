//! `list_versions` and `list_version_pages`

use aws_sdk_s3::types::EncodingType;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use lakewright_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::Bucket;
use super::continuation::{Continuation, Keys};
use super::list::decoded;
use super::types::{timestamp, unquoted};

const OPERATION: &str = "list_versions";

/// A version of an object, or the marker that hides the versions of a deleted one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectVersion {
    /// The key of the object.
    pub key: String,
    /// The id of the version; `null` for one from before the bucket had versioning.
    pub version_id: String,
    /// Whether this is the newest version, which is read when no version id is given.
    #[serde(default)]
    pub is_latest: bool,
    /// Whether this is a delete marker, which has no content.
    #[serde(default)]
    pub is_delete_marker: bool,
    /// The size in bytes; 0 for a marker.
    #[serde(default)]
    pub size: u64,
    /// The entity tag, without quotes; `None` for a marker.
    pub etag: Option<String>,
    /// The time at which the version was written.
    pub last_modified: Option<Timestamp>,
}

/// One page of a listing of versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionPage {
    /// Versions and markers in the order of their keys' UTF-8 bytes, the newest of a key first.
    pub versions: Vec<ObjectVersion>,
}

/// The position at which a listing continues.
#[derive(Clone, Debug, Default)]
struct Position {
    key: Option<String>,
    version: Option<String>,
}

impl Bucket {
    /// Lists every version and delete marker of every object whose key begins with `prefix`.
    /// Reading the stream requests the pages. In a bucket without versioning each object has one
    /// version, `null`.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `Unsupported` on a server without versions; any
    /// connection or server error. The stream ends after the first error.
    pub fn list_versions(
        &self,
        prefix: impl Into<String>,
    ) -> BoxStream<'static, Result<ObjectVersion>> {
        self.list_version_pages(prefix)
            .map_ok(|page| futures::stream::iter(page.versions.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    /// Lists versions in the pages that the server sends, of up to a thousand versions.
    ///
    /// # Errors
    /// Those of [`Bucket::list_versions`].
    pub fn list_version_pages(
        &self,
        prefix: impl Into<String>,
    ) -> BoxStream<'static, Result<VersionPage>> {
        let (bucket, prefix) = (self.clone(), prefix.into());
        let start = Some((Position::default(), Continuation::of(Keys::Repeated)));
        futures::stream::try_unfold(start, move |position| {
            let (bucket, prefix) = (bucket.clone(), prefix.clone());
            async move {
                let Some((position, mut continuation)) = position else { return Ok(None) };
                let (page, next) = bucket.list_version_page(&prefix, position).await?;
                let keys = page.versions.iter().map(|version| &*version.key);
                let position = next.as_ref().map(|next| format!("{next:?}"));
                continuation.check(keys, position.as_deref()).map_err(|error| {
                    error.during(OPERATION).on(format!("{}/{prefix}", bucket.name))
                })?;
                Ok(Some((page, next.map(|next| (next, continuation)))))
            }
        })
        .boxed()
    }

    async fn list_version_page(
        &self,
        prefix: &str,
        position: Position,
    ) -> Result<(VersionPage, Option<Position>)> {
        let resource = || format!("{}/{prefix}", self.name);
        let failed = |error: Error| error.during(OPERATION).on(resource());
        let response = self
            .s3()
            .sdk
            .list_object_versions()
            .bucket(self.name.as_str())
            .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
            .set_key_marker(position.key)
            .set_version_id_marker(position.version)
            // Keys may have characters that XML 1.0 cannot contain.
            .encoding_type(EncodingType::Url)
            .send()
            .await
            .map_err(|error| self.s3().classify(error, OPERATION, resource()))?;
        let encoded = response.encoding_type() == Some(&EncodingType::Url);
        let text = |text: Option<&str>| decoded(text.unwrap_or_default(), encoded).map_err(failed);
        let mut versions = Vec::new();
        for version in response.versions() {
            versions.push(ObjectVersion {
                key: text(version.key())?,
                version_id: version.version_id().unwrap_or("null").to_owned(),
                is_latest: version.is_latest() == Some(true),
                is_delete_marker: false,
                size: version.size().and_then(|size| size.try_into().ok()).unwrap_or(0),
                etag: unquoted(version.e_tag()),
                last_modified: timestamp(version.last_modified()),
            });
        }
        for marker in response.delete_markers() {
            versions.push(ObjectVersion {
                key: text(marker.key())?,
                version_id: marker.version_id().unwrap_or("null").to_owned(),
                is_latest: marker.is_latest() == Some(true),
                is_delete_marker: true,
                size: 0,
                etag: None,
                last_modified: timestamp(marker.last_modified()),
            });
        }
        // The SDK has versions and markers in two lists. Their order is restored by key; of one
        // key, the latest is first and the others are sorted by time.
        versions.sort_by(|a, b| {
            let by_key = a.key.as_bytes().cmp(b.key.as_bytes());
            by_key.then(b.is_latest.cmp(&a.is_latest)).then(b.last_modified.cmp(&a.last_modified))
        });
        let next = if response.is_truncated() == Some(true) {
            let key = response.next_key_marker().filter(|key| !key.is_empty());
            let Some(key) = key else {
                let why = "the server returned a truncated page without the position of the next";
                return Err(failed(Error::new(ErrorKind::Corrupt, why)));
            };
            let version = response.next_version_id_marker().filter(|id| !id.is_empty());
            Some(Position { key: Some(text(Some(key))?), version: version.map(String::from) })
        } else {
            None
        };
        Ok((VersionPage { versions }, next))
    }
}
