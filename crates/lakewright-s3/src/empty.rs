//! `empty`

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use lakewright_core::{Error, ErrorKind, Result};
use lakewright_macros::Builder;
use serde::{Deserialize, Serialize};

use super::continuation::{Continuation, Keys};
use super::delete_many::BATCH;
use super::{Bucket, ListOptions};

/// The maximum number of failures that are kept; others are only counted, because a bucket may have
/// millions of locked versions.
const MAX_FAILURES: usize = 1000;

/// The options of [`Bucket::empty`].
#[derive(Clone, Debug, Default, Builder)]
#[non_exhaustive]
pub struct EmptyOptions {
    /// Whether versions that are locked in governance mode are deleted too, which needs
    /// `s3:BypassGovernanceRetention`. Legal holds and compliance mode still apply.
    #[builder(default)]
    pub bypass_governance: bool,
}

/// The result of [`Bucket::empty`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Emptied {
    /// The number of versions and delete markers that were deleted.
    pub versions: u64,
    /// The number of multipart uploads that were aborted.
    pub uploads: u64,
}

/// An object key and, on a server with versions, the id of a version.
type Target = (String, Option<String>);

/// The result of deleting some targets.
#[derive(Default)]
struct Tally {
    deleted: u64,
    refused: u64,
    failures: Vec<Error>,
}

impl Tally {
    fn add(&mut self, mut other: Self) {
        self.deleted += other.deleted;
        self.refused += other.refused;
        let room = MAX_FAILURES.saturating_sub(self.failures.len());
        other.failures.truncate(room);
        self.failures.append(&mut other.failures);
    }
}

impl Bucket {
    /// Deletes all versions of all objects and all delete markers, and aborts all uploads. Objects
    /// that other processes write meanwhile may remain. After an error, another call continues.
    ///
    /// # Errors
    /// `PartialApply` when some versions could not be deleted: [`Error::failures`] names up to a
    /// thousand of them, and all others are deleted. When none could be deleted, for one reason,
    /// that reason: `Denied` for locked versions. `NotFound` when the bucket is missing; any
    /// connection or server error.
    pub async fn empty(&self, options: EmptyOptions) -> Result<Emptied> {
        let failed = |error: Error| error.during("empty").on(self.name.as_str());
        let EmptyOptions { bypass_governance } = options;
        let uploads = self.abort_uploads().await.map_err(failed)?;
        let limit = self.s3().profile().concurrency();
        let mut tallies = self
            .list_targets()
            .await
            .map_err(failed)?
            .map_ok(|targets| self.delete_targets(targets, bypass_governance))
            .try_buffer_unordered(limit);
        let mut tally = Tally::default();
        while let Some(page) = tallies.try_next().await.map_err(failed)? {
            tally.add(page);
        }
        let Tally { deleted, refused, failures } = tally;
        let Some(first) = failures.first() else {
            return Ok(Emptied { versions: deleted, uploads });
        };
        let why = format!("{refused} versions are still there; the first: {first}");
        let one_reason = failures.iter().all(|other| other.kind() == first.kind());
        // Nothing was deleted, for one reason, which is no partial failure.
        let kind = if deleted == 0 && one_reason { first.kind() } else { ErrorKind::PartialApply };
        Err(failed(Error::new(kind, why)).with_failures(failures))
    }

    /// Lists the versions to be deleted, page by page, or the objects on a server without versions.
    async fn list_targets(&self) -> Result<BoxStream<'static, Result<Vec<Target>>>> {
        let mut pages = self.list_version_pages("").map_ok(|page| {
            let versions = page.versions.into_iter();
            versions.map(|version| (version.key, Some(version.version_id))).collect()
        });
        match pages.next().await {
            Some(Err(error)) if error.kind() == ErrorKind::Unsupported => {
                let pages = self.list_pages("", ListOptions::default());
                let keys = |page: super::ListPage| {
                    page.objects.into_iter().map(|object| (object.key, None)).collect()
                };
                Ok(pages.map_ok(keys).boxed())
            }
            Some(first) => {
                let first = first?;
                Ok(futures::stream::iter([Ok(first)]).chain(pages).boxed())
            }
            None => Ok(futures::stream::empty().boxed()),
        }
    }

    async fn delete_targets(&self, targets: Vec<Target>, bypass: bool) -> Result<Tally> {
        // The XML of a batch cannot contain control characters, so such keys are sent one by one.
        let (single, batched): (Vec<_>, Vec<_>) =
            targets.into_iter().partition(|(key, _)| key.chars().any(char::is_control));
        let mut tally = Tally::default();
        for batch in batched.chunks(BATCH) {
            let objects = batch.iter().map(|(key, version)| (&**key, version.as_deref()));
            let failures = self.delete_objects(objects, bypass, "empty").await?;
            let refused = failures.len() as u64;
            let deleted = (batch.len() as u64).saturating_sub(refused);
            tally.add(Tally { deleted, refused, failures });
        }
        for (key, version) in single {
            match self.delete_target(&key, version, bypass).await {
                Ok(()) => tally.add(Tally { deleted: 1, ..Tally::default() }),
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => {
                    tally.add(Tally { deleted: 0, refused: 1, failures: vec![error] });
                }
            }
        }
        Ok(tally)
    }

    async fn delete_target(&self, key: &str, version: Option<String>, bypass: bool) -> Result<()> {
        let request = self
            .s3()
            .sdk
            .delete_object()
            .bucket(self.name.as_str())
            .key(key)
            .set_version_id(version)
            .set_bypass_governance_retention(bypass.then_some(true))
            .send();
        let resource = format!("{}/{key}", self.name);
        request.await.map(drop).map_err(|error| self.s3().classify(error, "delete", resource))
    }

    /// Aborts all uploads that are not complete and returns their number.
    async fn abort_uploads(&self) -> Result<u64> {
        let (mut aborted, mut key, mut id) = (0, None, None);
        let mut continuation = Continuation::of(Keys::Repeated);
        loop {
            let request = self
                .s3()
                .sdk
                .list_multipart_uploads()
                .bucket(self.name.as_str())
                .set_key_marker(key)
                .set_upload_id_marker(id)
                .send();
            let page = request
                .await
                .map_err(|error| self.s3().classify(error, "empty", self.name.as_str()))?;
            for upload in page.uploads() {
                let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
                let request = self
                    .s3()
                    .sdk
                    .abort_multipart_upload()
                    .bucket(self.name.as_str())
                    .key(key)
                    .upload_id(id)
                    .send();
                let resource = || format!("{}/{key}", self.name);
                match request.await {
                    Ok(_) => aborted += 1,
                    Err(error) => {
                        let error = self.s3().classify(error, "empty", resource());
                        // Another process may have completed or aborted the upload meanwhile.
                        if error.kind() != ErrorKind::NotFound {
                            return Err(error);
                        }
                    }
                }
            }
            let more = page.is_truncated() == Some(true);
            key = page.next_key_marker().filter(|key| !key.is_empty()).map(String::from);
            id = page.next_upload_id_marker().filter(|id| !id.is_empty()).map(String::from);
            let next =
                key.as_ref().filter(|_| more).map(|key: &String| format!("{:?}", (key, &id)));
            let keys = page.uploads().iter().filter_map(|upload| upload.key());
            continuation.check(keys, next.as_deref())?;
            if next.is_none() {
                return Ok(aborted);
            }
        }
    }
}
