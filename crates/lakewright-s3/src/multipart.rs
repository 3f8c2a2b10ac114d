//! Multipart uploads.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::primitives::ByteStream as SdkStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use lakewright_core::{Error, ErrorKind, ObjectKey, Outcome, Result};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::classify::may_be_carried_out;
use super::overrides::{overrides, with};
use super::payload::PayloadSigning;
use super::put::crc32c;
use super::types::quoted;
use super::{Bucket, ObjectInfo, PutOptions};
use lakewright_client::spawn_background;

/// S3's limits on multipart uploads
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
const MIN_PART: usize = 5 << 20;
const MAX_PART: usize = 5 << 30;
const MAX_PARTS: usize = 10_000;

/// The default size of a part in bytes: large enough that the cost of a request is negligible,
/// small enough that eight parts fit into memory and a retry sends little.
const PART: usize = 16 << 20;

/// A multipart upload. The object becomes visible with [`Multipart::complete`]; an upload that is
/// dropped before is aborted in the background.
pub struct Multipart {
    upload: Arc<Upload>,
    options: PutOptions,
    next: i32,
    size: u64,
    under_way: JoinSet<Result<()>>,
    room: Arc<Semaphore>,
}

struct Upload {
    bucket: Bucket,
    key: ObjectKey,
    id: String,
    operation: &'static str,
    done: Mutex<Vec<CompletedPart>>,
}

impl Multipart {
    /// Returns the size of parts in bytes for an object of `size` bytes, or of unknown size.
    pub(super) fn part_bytes(wanted: Option<usize>, size: Option<u64>) -> Result<usize> {
        if let Some(wanted) = wanted
            && !(MIN_PART..=MAX_PART).contains(&wanted)
        {
            return Err(Error::invalid_input(format!(
                "part_bytes is {wanted}; S3 takes parts of {MIN_PART} to {MAX_PART} bytes"
            )));
        }
        let least = size.map_or(0, |size| size.div_ceil(MAX_PARTS as u64));
        let least = usize::try_from(least).unwrap_or(usize::MAX);
        if least > MAX_PART {
            return Err(Error::new(ErrorKind::TooLarge, "S3 takes objects of up to 48.8 TiB"));
        }
        Ok(wanted.unwrap_or(PART).max(least))
    }

    /// Creates an upload. `operation` is the verb that errors name.
    ///
    /// # Errors
    /// Those of [`Bucket::put`].
    pub async fn create(
        bucket: Bucket,
        key: ObjectKey,
        options: PutOptions,
        operation: &'static str,
    ) -> Result<Self> {
        options.check().map_err(|error| error.during(operation).on(bucket.path(&key)))?;
        let checksums = bucket.s3().profile().checksums();
        let response = bucket
            .s3()
            .sdk
            .create_multipart_upload()
            .bucket(bucket.name.as_str())
            .key(key.as_str())
            .set_checksum_algorithm(checksums.then_some(ChecksumAlgorithm::Crc32C))
            .set_checksum_type(checksums.then_some(ChecksumType::Composite))
            .set_content_type(options.content_type.clone())
            .set_content_encoding(options.content_encoding.clone())
            .set_cache_control(options.cache_control.clone())
            .set_metadata((!options.metadata.is_empty()).then(|| {
                options.metadata.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
            }))
            .send()
            .await
            .map_err(|error| bucket.s3().classify(error, operation, bucket.path(&key)))?;
        let Some(id) = response.upload_id().map(String::from) else {
            let why = "the server created an upload without an id";
            return Err(Error::new(ErrorKind::Corrupt, why)
                .during(operation)
                .on(bucket.path(&key)));
        };
        let room = Arc::new(Semaphore::new(bucket.s3().profile().concurrency()));
        Ok(Self {
            upload: Arc::new(Upload { bucket, key, id, operation, done: Mutex::default() }),
            options,
            next: 1,
            size: 0,
            under_way: JoinSet::new(),
            room,
        })
    }

    /// Gives the next part its number and returns the future that sends it.
    pub fn part(
        &mut self,
        bytes: Bytes,
    ) -> Result<impl Future<Output = Result<()>> + Send + 'static> {
        if self.next as usize > MAX_PARTS {
            let why = format!(
                "the stream is longer than {MAX_PARTS} parts of {} bytes; give larger part_bytes",
                bytes.len()
            );
            return Err(self.upload.failed(Error::new(ErrorKind::TooLarge, why)));
        }
        let (upload, number) = (self.upload.clone(), self.next);
        self.next += 1;
        self.size += bytes.len() as u64;
        Ok(async move { upload.part(number, bytes).await })
    }

    /// Begins to send the next part, as soon as fewer are being sent than the profile allows.
    pub async fn send(&mut self, bytes: Bytes) -> Result<()> {
        while let Some(part) = self.under_way.try_join_next() {
            part.map_err(|_| self.upload.lost())??;
        }
        let permit = self.room.clone().acquire_owned().await.map_err(|_| self.upload.lost())?;
        let part = self.part(bytes)?;
        self.under_way.spawn(async move {
            let sent = part.await;
            drop(permit);
            sent
        });
        Ok(())
    }

    /// Waits for all parts and makes the object visible.
    pub async fn complete(&mut self) -> Result<ObjectInfo> {
        while let Some(part) = self.under_way.join_next().await {
            part.map_err(|_| self.upload.lost())??;
        }
        let Upload { bucket, key, id, operation, done } = &*self.upload;
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner).clone();
        done.sort_by_key(CompletedPart::part_number);
        if done.len() + 1 != self.next as usize {
            return Err(self.upload.lost());
        }
        let request = bucket
            .s3()
            .sdk
            .complete_multipart_upload()
            .bucket(bucket.name.as_str())
            .key(key.as_str())
            .upload_id(id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(done)).build())
            .set_if_none_match(self.options.if_absent.then(|| "*".into()))
            .set_if_match(self.options.if_match.as_deref().map(quoted))
            .customize();
        // A retry after a completion that was carried out would not find the upload any more.
        let own = overrides(bucket.s3().profile(), 0, 1, true);
        let response = with(request, own).send().await.map_err(|error| {
            let error = bucket.s3().classify(error, operation, bucket.path(key));
            if may_be_carried_out(&error) {
                return error.with_outcome(Outcome::Unknown);
            }
            self.options.explain(error)
        })?;
        let info = self.options.info(key, self.size, response.e_tag(), response.version_id());
        self.next = 0; // completed: nothing to abort
        Ok(info)
    }

    /// Aborts the upload, which removes its parts.
    pub async fn abort(&mut self) -> Result<()> {
        self.next = 0;
        self.under_way.shutdown().await;
        self.upload.abort().await
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        if self.next == 0 {
            return;
        }
        // `drop` cannot wait, so the upload is aborted in the background.
        let (upload, mut under_way) = (self.upload.clone(), std::mem::take(&mut self.under_way));
        spawn_background(async move {
            under_way.shutdown().await;
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, "the parts of an unfinished upload could not be removed");
            }
        });
    }
}

impl Upload {
    async fn part(&self, number: i32, bytes: Bytes) -> Result<()> {
        let s3 = self.bucket.s3();
        let sum = s3.profile().checksums().then(|| crc32c(&bytes));
        let own = overrides(s3.profile(), bytes.len(), s3.profile().concurrency(), false);
        let signing = PayloadSigning::of(&bytes, s3.profile()).await;
        let request = s3
            .sdk
            .upload_part()
            .bucket(self.bucket.name.as_str())
            .key(self.key.as_str())
            .upload_id(&self.id)
            .part_number(number)
            .set_checksum_crc32_c(sum.clone())
            .body(SdkStream::from(bytes))
            .customize()
            .interceptor(signing);
        let response = with(request, own)
            .send()
            .await
            .map_err(|error| s3.classify(error, self.operation, self.bucket.path(&self.key)))?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(response.e_tag().map(String::from))
            .set_checksum_crc32_c(sum)
            .build();
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(part);
        Ok(())
    }

    async fn abort(&self) -> Result<()> {
        let s3 = self.bucket.s3();
        let response = s3
            .sdk
            .abort_multipart_upload()
            .bucket(self.bucket.name.as_str())
            .key(self.key.as_str())
            .upload_id(&self.id)
            .send()
            .await;
        response
            .map_err(|error| s3.classify(error, self.operation, self.bucket.path(&self.key)))?;
        Ok(())
    }

    fn failed(&self, error: Error) -> Error {
        error.during(self.operation).on(self.bucket.path(&self.key))
    }

    fn lost(&self) -> Error {
        self.failed(Error::new(ErrorKind::Internal, "the task that sends a part ended early"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_so_that_ten_thousand_suffice() {
        assert_eq!(Multipart::part_bytes(None, None).unwrap(), PART);
        assert_eq!(
            Multipart::part_bytes(None, Some(1 << 40)).unwrap(),
            (1_usize << 40).div_ceil(10_000)
        );
        assert_eq!(Multipart::part_bytes(Some(MIN_PART), Some(1)).unwrap(), MIN_PART);
        for bad in [0, MIN_PART - 1, MAX_PART + 1] {
            assert_eq!(
                Multipart::part_bytes(Some(bad), None).unwrap_err().kind(),
                ErrorKind::InvalidInput
            );
        }
        assert_eq!(
            Multipart::part_bytes(None, Some(u64::MAX)).unwrap_err().kind(),
            ErrorKind::TooLarge
        );
    }
}
