//! The body of an object that is being read. It detects stalls and resumes broken connections.

use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream as SdkStream;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;
use lakewright_core::{Error, ErrorKind, ObjectKey, Result};

use super::get::extent;
use super::types::quoted;
use super::{Bucket, ObjectInfo};

/// The delay before the rest of a broken body is requested; it doubles with each break.
const INITIAL_DELAY: Duration = Duration::from_millis(100);

/// The rest of an object that is being read. Read with [`Body::chunk`], [`Body::into_bytes`] or
/// [`Body::into_stream`].
pub struct Body {
    bucket: Bucket,
    key: ObjectKey,
    etag: Option<String>,
    version_id: Option<String>,
    /// The bytes that have not arrived yet.
    missing: Range<u64>,
    stream: SdkStream,
    breaks: u32,
    operation: &'static str,
}

impl Body {
    pub(super) fn new(
        bucket: Bucket,
        key: ObjectKey,
        info: &ObjectInfo,
        range: Range<u64>,
        stream: SdkStream,
        operation: &'static str,
    ) -> Self {
        let (etag, version_id) = (info.etag.clone(), info.version_id.clone());
        Self { bucket, key, etag, version_id, missing: range, stream, breaks: 0, operation }
    }

    /// Returns the number of bytes that have not arrived yet.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.missing.end - self.missing.start
    }

    /// Returns the next bytes; `None` at the end. Together they are as many as were announced.
    ///
    /// # Errors
    /// `Unavailable` or `Timeout` when the connection breaks or stalls more often than the profile
    /// allows retries; `Corrupt` when the server sends another number of bytes than it announced;
    /// `PreconditionFailed` when the object was replaced meanwhile.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.missing.is_empty() {
                return Ok(None);
            }
            let stall = self.bucket.s3().profile().read_timeout();
            let broken = match tokio::time::timeout(stall, self.stream.next()).await {
                Ok(Some(Ok(bytes))) if bytes.is_empty() => continue,
                Ok(Some(Ok(bytes))) if bytes.len() as u64 > self.remaining() => {
                    let why = "the server sends more bytes than it announced";
                    return Err(self.failed(Error::new(ErrorKind::Corrupt, why)));
                }
                Ok(Some(Ok(bytes))) => {
                    self.missing.start += bytes.len() as u64;
                    self.breaks = 0;
                    return Ok(Some(bytes));
                }
                Ok(None) => Error::new(ErrorKind::Unavailable, "the body ended too early"),
                Ok(Some(Err(error))) => Error::new(
                    ErrorKind::Unavailable,
                    "the connection broke while the body was read",
                )
                .caused_by(error),
                Err(_) => {
                    let why = format!("no byte arrived for {} s", stall.as_secs_f64());
                    Error::new(ErrorKind::Timeout, why)
                }
            };
            self.resume(broken).await?;
        }
    }

    /// Requests the bytes that are missing, on the condition that the object is still the same.
    async fn resume(&mut self, broken: Error) -> Result<()> {
        let Some(etag) = self.etag.as_deref() else { return Err(self.failed(broken)) };
        if self.breaks >= self.bucket.s3().profile().retries() {
            return Err(self.failed(broken));
        }
        tokio::time::sleep(INITIAL_DELAY * 2_u32.saturating_pow(self.breaks.min(6))).await;
        self.breaks += 1;
        let Range { start, end } = self.missing;
        tracing::debug!(key = %self.key, start, end, error = %broken, "resuming a body");
        let response =
            self.bucket
                .s3()
                .sdk
                .get_object()
                .bucket(self.bucket.name().as_str())
                .key(self.key.as_str())
                .range(format!("bytes={start}-{}", end - 1))
                .if_match(quoted(etag))
                .set_version_id(self.version_id.clone())
                .send()
                .await
                .map_err(|error| {
                    let path = self.bucket.path(&self.key);
                    let error = self.bucket.s3().classify(error, self.operation, path);
                    match error.kind() {
                        ErrorKind::PreconditionFailed | ErrorKind::NotFound => error
                            .with_message("the object was replaced or deleted while it was read"),
                        _ => error,
                    }
                })?;
        let (range, _) = extent(response.content_range(), None);
        if range != Some(start..end) {
            let why = "the server returned another range than the missing one";
            return Err(self.failed(Error::new(ErrorKind::Corrupt, why)));
        }
        self.stream = response.body;
        Ok(())
    }

    /// Reads the rest into one buffer of the announced size.
    ///
    /// # Errors
    /// Those of [`Body::chunk`], and `TooLarge` when there is too little memory.
    pub async fn into_bytes(mut self) -> Result<Bytes> {
        let length = self.remaining();
        // A single frame with the whole body needs no second buffer.
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        if first.len() as u64 == length {
            return Ok(first);
        }
        let mut buffer = Vec::new();
        let room = usize::try_from(length).unwrap_or(usize::MAX);
        if buffer.try_reserve_exact(room).is_err() {
            let why = format!("{length} bytes do not fit into memory; download it to a file");
            return Err(self.failed(Error::new(ErrorKind::TooLarge, why)));
        }
        buffer.extend_from_slice(&first);
        while let Some(bytes) = self.chunk().await? {
            buffer.extend_from_slice(&bytes);
        }
        Ok(buffer.into())
    }

    /// Returns the chunks as a stream, which ends after the first error.
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        futures::stream::try_unfold(self, |mut body| async move {
            Ok(body.chunk().await?.map(|bytes| (bytes, body)))
        })
        .boxed()
    }

    /// Returns the chunks as a stream, joined to pieces of at least `bytes` each, except for the
    /// last. Chunks have a few kilobytes, so pieces reduce the cost of handing them over.
    pub fn into_pieces(self, bytes: usize) -> BoxStream<'static, Result<Bytes>> {
        futures::stream::try_unfold(self, move |mut body| async move {
            let mut piece = BytesMut::new();
            while piece.len() < bytes {
                match body.chunk().await? {
                    Some(chunk) if piece.is_empty() && chunk.len() >= bytes => {
                        return Ok(Some((chunk, body)));
                    }
                    Some(chunk) => {
                        if piece.is_empty() {
                            piece.reserve(
                                bytes.min(usize::try_from(body.remaining()).unwrap_or(bytes))
                                    + chunk.len(),
                            );
                        }
                        piece.extend_from_slice(&chunk);
                    }
                    None => break,
                }
            }
            Ok((!piece.is_empty()).then(|| (piece.freeze(), body)))
        })
        .boxed()
    }

    fn failed(&self, error: Error) -> Error {
        error.during(self.operation).on(self.bucket.path(&self.key))
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body")
            .field("key", &self.key)
            .field("missing", &self.missing)
            .finish_non_exhaustive()
    }
}
