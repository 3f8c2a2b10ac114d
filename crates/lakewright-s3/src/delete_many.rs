//! `delete_many`

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures::StreamExt;
use lakewright_core::{Error, ErrorKind, ObjectKey, Result, ServiceError};

use super::Bucket;
use super::classify::{LOCKED, is_locked};
use lakewright_client::classify_code;

/// The maximum number of keys in one `DeleteObjects`.
pub(super) const BATCH: usize = 1000;

impl Bucket {
    /// Deletes many objects, a thousand in a request. A missing object is no error.
    ///
    /// # Errors
    /// `PartialApply` when some could not be deleted: [`Error::failures`] names each of them, and
    /// all others are deleted. When none could be deleted, for one reason, that reason.
    pub async fn delete_many(&self, keys: impl IntoIterator<Item = ObjectKey>) -> Result<()> {
        // The XML of a batch cannot contain control characters, so such keys are sent one by one.
        let (single, batched): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| key.as_str().chars().any(char::is_control));
        let limit = self.s3().profile().concurrency();
        let batches: Vec<Vec<ObjectKey>> = batched.chunks(BATCH).map(<[_]>::to_vec).collect();
        let total = batched.len() + single.len();
        let refused: Vec<Vec<Error>> = futures::stream::iter(batches)
            .map(|batch| self.delete_batch(batch))
            .buffer_unordered(limit)
            .collect()
            .await;
        let mut failures: Vec<Error> = refused.into_iter().flatten().collect();
        for key in single {
            failures.extend(self.delete(&key).await.err());
        }
        let Some(first) = failures.first() else { return Ok(()) };
        if failures.len() == total && failures.iter().all(|other| other.kind() == first.kind()) {
            // Nothing was deleted, for one reason, which is no partial failure.
            return Err(first.without_source().during("delete_many").on(self.name.as_str()));
        }
        let why = format!("{} objects are still there; the first: {first}", failures.len());
        Err(Error::new(ErrorKind::PartialApply, why)
            .during("delete_many")
            .on(self.name.as_str())
            .with_failures(failures))
    }

    /// Deletes up to a thousand objects and returns one failure for each that may still exist.
    async fn delete_batch(&self, keys: Vec<ObjectKey>) -> Vec<Error> {
        match self.try_delete_batch(&keys).await {
            Ok(refused) => refused,
            Err(error) => keys
                .iter()
                .map(|key| error.without_source().during("delete").on(self.path(key)))
                .collect(),
        }
    }

    async fn try_delete_batch(&self, keys: &[ObjectKey]) -> Result<Vec<Error>> {
        let keys = keys.iter().map(|key| (key.as_str(), None));
        self.delete_objects(keys, false, "delete_many").await
    }

    /// Sends one `DeleteObjects` with at most [`BATCH`] keys, each with or without a version, and
    /// returns one failure for each that the server refused.
    pub(super) async fn delete_objects<'a>(
        &self,
        objects: impl Iterator<Item = (&'a str, Option<&'a str>)>,
        bypass_governance: bool,
        operation: &'static str,
    ) -> Result<Vec<Error>> {
        let failed = |error: Error| error.during(operation).on(self.name.as_str());
        let mut delete = Delete::builder().quiet(true);
        for (key, version) in objects {
            let object = ObjectIdentifier::builder()
                .key(key)
                .set_version_id(version.map(String::from))
                .build()
                .map_err(|error| {
                    failed(
                        Error::new(ErrorKind::Internal, "an object key is missing")
                            .caused_by(error),
                    )
                })?;
            delete = delete.objects(object);
        }
        let delete = delete.build().map_err(|error| {
            failed(Error::new(ErrorKind::Internal, "the batch is empty").caused_by(error))
        })?;
        let request = self
            .s3()
            .sdk
            .delete_objects()
            .bucket(self.name.as_str())
            .delete(delete)
            .set_bypass_governance_retention(bypass_governance.then_some(true))
            .send();
        let response = request
            .await
            .map_err(|error| self.s3().classify(error, operation, self.name.as_str()))?;
        let refused = response.errors().iter().map(|error| {
            let text = error.message().unwrap_or("the server refused");
            let (kind, message) =
                if is_locked(text) { LOCKED } else { classify_code(error.code(), 400) };
            Error::new(kind, message.unwrap_or(text))
                .during("delete")
                .on(format!("{}/{}", self.name, error.key().unwrap_or("?")))
                .with_service(ServiceError {
                    status: 200,
                    code: error.code().map(String::from),
                    message: error.message().map(String::from),
                    ..ServiceError::default()
                })
        });
        Ok(refused.collect())
    }
}
