//! `put` and `put_stream`

use std::collections::BTreeMap;
use std::pin::Pin;

use aws_sdk_s3::primitives::ByteStream as SdkStream;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use crc_fast::CrcAlgorithm;
use futures::stream::Fuse;
use futures::{Stream, StreamExt};
use http::{HeaderName, HeaderValue, Method};
use lakewright_core::{Error, ErrorKind, ObjectKey, Outcome, Result};
use lakewright_macros::Builder;
use percent_encoding::utf8_percent_encode;

use super::classify::{may_be_carried_out, refusal};
use super::overrides::{SMALL, overrides, with};
use super::payload::PayloadSigning;
use super::types::{IN_PATH, quoted, unquoted};
use super::{Bucket, Multipart, ObjectInfo};
use lakewright_client::{PayloadHash, Request, Retry};

/// The bytes of an object to be written.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// The options of [`Bucket::put`].
#[derive(Clone, Debug, Default, Builder)]
#[non_exhaustive]
pub struct PutOptions {
    /// The media type; the server's default is `binary/octet-stream`.
    #[builder(into)]
    pub content_type: Option<String>,
    /// The encoding of the bytes, such as `gzip`.
    #[builder(into)]
    pub content_encoding: Option<String>,
    /// The `Cache-Control` header.
    #[builder(into)]
    pub cache_control: Option<String>,
    /// The user metadata, sent as `x-amz-meta-*`. Names are ASCII and compared in lower case.
    #[builder(default)]
    pub metadata: BTreeMap<String, String>,
    /// Writes the object only if there is none with this key.
    #[builder(default)]
    pub if_absent: bool,
    /// Writes the object only if it replaces one with this ETag.
    #[builder(into)]
    pub if_match: Option<String>,
    /// The size of the parts of a large upload in bytes, 5 MiB to 5 GiB.
    pub part_bytes: Option<usize>,
}

/// The size in bytes above which an object is uploaded in parts, which use several connections and
/// are retried one by one.
pub(super) const ONE_PUT: usize = 32 << 20;

/// The maximum size of the response to a PUT in bytes. Only refusals have a body.
const REFUSAL: usize = 64 << 10;

/// The header of the CRC32C of a body.
pub(super) const CHECKSUM_HEADER: HeaderName = HeaderName::from_static("x-amz-checksum-crc32c");

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let wrong = || Error::invalid_input(format!("{name} cannot stand in a header: {value:?}"));
    let name = HeaderName::try_from(name).map_err(|_| wrong())?;
    Ok((name, HeaderValue::try_from(value).map_err(|_| wrong())?))
}

/// Returns the value of the CRC32C header: base64 of the big-endian sum
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>).
pub(super) fn crc32c(bytes: &[u8]) -> String {
    let sum = crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes);
    BASE64_STANDARD.encode((sum as u32).to_be_bytes())
}

impl PutOptions {
    pub(super) fn check(&self) -> Result<()> {
        if self.if_absent && self.if_match.is_some() {
            let why = "if_none_match and if_match exclude each other";
            return Err(Error::invalid_input(why));
        }
        for (name, value) in &self.metadata {
            let fine = !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
                && value.bytes().all(|b| b == b'\t' || (0x20..0x7f).contains(&b));
            if !fine {
                return Err(Error::invalid_input(format!(
                    "metadata travels in HTTP headers: {name:?} must be ASCII letters, digits, \
                     '-', '_' or '.', and its value printable ASCII"
                )));
            }
        }
        Ok(())
    }

    /// Returns the headers of a PUT that follow from the options.
    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>> {
        let if_match = self.if_match.as_deref().map(quoted);
        let given = [
            ("content-type", self.content_type.as_deref()),
            ("content-encoding", self.content_encoding.as_deref()),
            ("cache-control", self.cache_control.as_deref()),
            ("if-none-match", self.if_absent.then_some("*")),
            ("if-match", if_match.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some(header(name, value?)));
        let metadata =
            self.metadata.iter().map(|(name, value)| header(&format!("x-amz-meta-{name}"), value));
        given.chain(metadata).collect()
    }

    /// Returns the description of an object that was written with these options.
    pub(super) fn info(
        &self,
        key: &ObjectKey,
        size: u64,
        etag: Option<&str>,
        version_id: Option<&str>,
    ) -> ObjectInfo {
        ObjectInfo {
            key: key.to_string(),
            size,
            etag: unquoted(etag),
            version_id: version_id.map(String::from),
            content_type: self.content_type.clone(),
            content_encoding: self.content_encoding.clone(),
            cache_control: self.cache_control.clone(),
            metadata: self.metadata.clone(),
            last_modified: None,
        }
    }

    pub(super) fn is_conditional(&self) -> bool {
        self.if_absent || self.if_match.is_some()
    }

    /// Explains a failed write: a condition that did not hold, or an outcome that is unknown.
    pub(super) fn explain(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::PreconditionFailed if self.if_absent => {
                error.with_kind(ErrorKind::AlreadyExists).with_message("the object exists already")
            }
            ErrorKind::PreconditionFailed => {
                error.with_message("the object is not the one that if_match names")
            }
            // A retry would be refused because of the success of the first attempt.
            _ if self.is_conditional() && may_be_carried_out(&error) => {
                error.with_outcome(Outcome::Unknown)
            }
            ErrorKind::NotFound
                if self.if_match.is_some() && error.service_code() == "NoSuchKey" =>
            {
                error
                    .with_kind(ErrorKind::PreconditionFailed)
                    .with_message("there is no object that if_match could name")
            }
            _ => error,
        }
    }
}

impl Bucket {
    /// Writes an object from memory. It becomes visible as a whole or not at all.
    ///
    /// # Errors
    /// `AlreadyExists` or `PreconditionFailed` when a condition does not hold; `NotFound` when
    /// the bucket is missing; `StorageFull`, `TooLarge`, `Denied`; `Unavailable` and `Timeout`,
    /// whose outcome is unknown where a *conditional* write may have been carried out.
    pub async fn put(
        &self,
        key: &ObjectKey,
        bytes: impl Into<Bytes>,
        options: PutOptions,
    ) -> Result<ObjectInfo> {
        let bytes = bytes.into();
        if bytes.len() > options.part_bytes.unwrap_or(ONE_PUT).max(ONE_PUT) {
            let pieces = futures::stream::iter([Ok(bytes)]).boxed();
            return self.put_stream(key, pieces, options).await;
        }
        self.put_once(key, bytes, &options, "put").await
    }

    pub(super) async fn put_once(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        options: &PutOptions,
        operation: &'static str,
    ) -> Result<ObjectInfo> {
        options.check().map_err(|error| error.during(operation).on(self.path(key)))?;
        if key.as_str().trim().is_empty() {
            // S3 accepts such a key, but the SDK, which reads and deletes objects, refuses it.
            let why = "the key consists of white space, so the object could not be read again";
            return Err(Error::invalid_input(why).during(operation).on(self.path(key)));
        }
        let sum = self.s3().profile().checksums().then(|| crc32c(&bytes));
        if bytes.len() <= SMALL && self.s3().client().reaches_buckets() {
            return self.put_small(key, bytes, sum, options, operation).await;
        }
        let size = bytes.len() as u64;
        let signing = PayloadSigning::of(&bytes, self.s3().profile()).await;
        let request = self
            .s3()
            .sdk
            .put_object()
            .bucket(self.name.as_str())
            .key(key.as_str())
            .set_checksum_crc32_c(sum)
            .set_content_type(options.content_type.clone())
            .set_content_encoding(options.content_encoding.clone())
            .set_cache_control(options.cache_control.clone())
            .set_metadata((!options.metadata.is_empty()).then(|| {
                options.metadata.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
            }))
            .set_if_none_match(options.if_absent.then(|| "*".into()))
            .set_if_match(options.if_match.as_deref().map(quoted))
            .body(SdkStream::from(bytes))
            .customize()
            .interceptor(signing);
        let own = overrides(self.s3().profile(), size as usize, 1, options.is_conditional());
        let response = with(request, own).send().await.map_err(|error| {
            options.explain(self.s3().classify(error, operation, self.path(key)))
        })?;
        Ok(options.info(key, size, response.e_tag(), response.version_id()))
    }

    /// Writes a small object without the SDK, whose cost for each request is high in comparison
    /// with the transfer of few bytes.
    async fn put_small(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        sum: Option<String>,
        options: &PutOptions,
        operation: &'static str,
    ) -> Result<ObjectInfo> {
        let failed = |error: Error| error.during(operation).on(self.path(key));
        let size = bytes.len() as u64;
        let mut headers = options.headers().map_err(failed)?;
        if let Some(sum) = sum {
            headers.push(header(CHECKSUM_HEADER.as_str(), &sum).map_err(failed)?);
        }
        let request = Request {
            method: Method::PUT,
            bucket: None,
            path: &format!("/{}/{}", self.name, utf8_percent_encode(key.as_str(), IN_PATH)),
            query: "",
            headers: &headers,
            body: bytes,
            hash: PayloadHash::ByProfile,
            retry: if options.is_conditional() { Retry::IfUnsent } else { Retry::Always },
            limit: REFUSAL,
        };
        let response = self.s3().client().send(&request).await.map_err(failed)?;
        // A server that fails after it has sent the status 200 reports the error in the body. A
        // response without an ETag is not one of S3.
        if response.status != 200 || !response.body.is_empty() || response.header("etag").is_none()
        {
            return Err(options.explain(failed(refusal(&response))));
        }
        Ok(options.info(key, size, response.header("etag"), response.header("x-amz-version-id")))
    }

    /// Writes an object from a stream of unknown length. A stream that is shorter than one part is
    /// sent in one PUT, others in parts, of which at most `concurrency` are in memory.
    ///
    /// # Errors
    /// Those of [`Bucket::put`], and those of the stream. After an error whose outcome is known, or
    /// when the future is dropped, no object is visible and the parts are removed.
    pub async fn put_stream(
        &self,
        key: &ObjectKey,
        stream: ByteStream,
        options: PutOptions,
    ) -> Result<ObjectInfo> {
        let failed = |error: Error| error.during("put").on(self.path(key));
        options.check().map_err(failed)?;
        let part_bytes = Multipart::part_bytes(options.part_bytes, None).map_err(failed)?;
        let mut pieces = Pieces::new(stream, part_bytes);
        let first = pieces.next().await.map_err(failed)?;
        if first.len() < part_bytes {
            return self.put_once(key, first, &options, "put").await;
        }
        let mut upload = Multipart::create(self.clone(), key.clone(), options, "put").await?;
        upload.send(first).await?;
        loop {
            let piece = pieces.next().await.map_err(failed)?;
            if piece.is_empty() {
                return upload.complete().await;
            }
            upload.send(piece).await?;
        }
    }
}

/// Cuts a stream into pieces of one size. A piece that lies in one buffer is not copied.
struct Pieces {
    stream: Fuse<ByteStream>,
    rest: Bytes,
    size: usize,
}

impl Pieces {
    fn new(stream: ByteStream, size: usize) -> Self {
        Self { stream: stream.fuse(), rest: Bytes::new(), size }
    }

    /// Returns the next piece, which is shorter than the size only at the end, and empty after it.
    async fn next(&mut self) -> Result<Bytes> {
        if self.rest.len() >= self.size {
            return Ok(self.rest.split_to(self.size));
        }
        let mut piece = BytesMut::new();
        loop {
            if !self.rest.is_empty() {
                if piece.is_empty() && self.rest.len() >= self.size {
                    return Ok(self.rest.split_to(self.size));
                }
                let wanted = (self.size - piece.len()).min(self.rest.len());
                piece.extend_from_slice(&self.rest.split_to(wanted));
            }
            if piece.len() == self.size {
                return Ok(piece.freeze());
            }
            match self.stream.next().await {
                Some(bytes) => self.rest = bytes?,
                None => return Ok(piece.freeze()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn crc32c_of_the_check_string() {
        // RFC 3720, B.4 gives the polynomial; "123456789" has the check value 0xE3069283.
        assert_eq!(crc32c(b"123456789"), BASE64_STANDARD.encode(0xE306_9283_u32.to_be_bytes()));
    }

    proptest! {
        #[test]
        fn pieces_are_the_stream(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20), size in 1usize..50) {
            let whole: Vec<u8> = chunks.concat();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let got = runtime.block_on(async {
                let stream: ByteStream =
                    futures::stream::iter(chunks.into_iter().map(|c| Ok(Bytes::from(c)))).boxed();
                let mut pieces = Pieces::new(stream, size);
                let mut got = Vec::new();
                loop {
                    let piece = pieces.next().await.unwrap();
                    if piece.is_empty() { return got; }
                    got.push(piece);
                }
            });
            prop_assert!(got.iter().rev().skip(1).all(|piece| piece.len() == size));
            prop_assert_eq!(got.concat(), whole);
        }
    }

    #[test]
    fn metadata_that_headers_cannot_carry_is_refused() {
        for (name, value) in
            [("", "x"), ("a b", "x"), ("a", "ä"), ("a", "x\r\nx-evil: 1"), ("a:", "x")]
        {
            let options = PutOptions::builder()
                .metadata(BTreeMap::from([(name.into(), value.into())]))
                .build();
            assert_eq!(options.check().unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
}
