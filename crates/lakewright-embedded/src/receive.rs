//! Receives the bytes of an upload: hashes them while they arrive, verifies them against the length
//! and checksums that the client declared, and flushes them before the index references them.

use bytes::{Bytes, BytesMut};
use crc_fast::Digest;
use futures::StreamExt as _;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, s3_error};
use tokio::sync::mpsc;

use crate::blob::{BlobId, BlobStore, BlobWriter, ObjectReader, StagedBlob, crc64};
use crate::checksum::{Algorithm, Hasher};
use crate::index::record::{Place, Segment};
use crate::index::storage_error;

/// Uploads of up to this many bytes are stored in the index: they share its flush and need no file.
/// Larger ones are stored in files, because they would make the index grow.
pub(crate) const SMALL_BYTES: usize = 32 * 1024;

/// The largest body in bytes that S3 accepts for one PUT or one part.
pub(crate) const MAX_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// Chunks that may wait for the disk, for each upload. One has at most a few hundred KiB, the size
/// of hyper's read buffer.
const QUEUE: usize = 8;

/// The length and checksums that the client declared for a body.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    length: Option<u64>,
    md5: Option<Vec<u8>>,
    algorithm: Option<Algorithm>,
    /// The checksum's value, if it was sent in a header.
    checksum: Option<String>,
    /// The trailers that will carry the value, if it is sent after the body.
    trailers: Option<TrailingHeaders>,
}

impl Expected {
    /// Reads the declarations from the headers of an upload.
    pub(crate) fn new(
        length: Option<i64>,
        content_md5: Option<&str>,
        given: [(Algorithm, Option<String>); 5],
        declared: Option<Algorithm>,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<Self> {
        let length = length
            .map(u64::try_from)
            .transpose()
            .map_err(|_| s3_error!(InvalidArgument, "Content-Length must not be negative."))?;
        if length.is_some_and(|length| length > MAX_BYTES) {
            return Err(too_large());
        }
        let md5 = content_md5.map(parse_md5).transpose()?;
        let mut given =
            given.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value?)));
        let (algorithm, checksum) = match given.next() {
            None => (declared, None),
            Some((algorithm, value)) => {
                if algorithm.parse(&value).is_none() {
                    return Err(bad_checksum_value(algorithm));
                }
                (Some(algorithm), Some(value))
            }
        };
        if given.next().is_some() {
            return Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed."
            ));
        }
        Ok(Self { length, md5, algorithm, checksum, trailers })
    }

    /// Returns the algorithm of the client's checksum.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// Computes this checksum even if the client sends none.
    pub(crate) fn also_compute(&mut self, algorithm: Algorithm) {
        self.algorithm = Some(algorithm);
    }
}

fn too_large() -> S3Error {
    s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size of 5 GiB.")
}

/// Returns the error for bytes that do not match a declared checksum.
pub(crate) fn bad_digest(name: &str) -> S3Error {
    s3_error!(BadDigest, "The {name} you specified did not match what we received.")
}

/// Returns the MD5 of `bytes`.
pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    let mut md5 = Md5::new();
    md5.update(bytes);
    md5.finalize()
}

pub(crate) fn bad_checksum_value(algorithm: Algorithm) -> S3Error {
    s3_error!(InvalidRequest, "Value for {} header is invalid.", algorithm.header())
}

pub(crate) fn parse_md5(text: &str) -> S3Result<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .ok()
        .filter(|bytes| bytes.len() == 16)
        .ok_or_else(|| s3_error!(InvalidDigest, "The Content-MD5 you specified is not valid."))
}

/// A completely received and verified body that the index does not reference yet.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) size: u64,
    /// MD5 in hex.
    pub(crate) etag: String,
    pub(crate) checksum: Option<(Algorithm, String)>,
    pub(crate) stored: Stored,
}

/// Where the bytes of a received body are stored.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The segment for the index; `None` for an empty body.
    pub(crate) segment: Option<Segment>,
    /// Bytes that are to be stored in the index.
    pub(crate) small: Option<Bytes>,
    /// The file, which is deleted unless the index references it.
    pub(crate) staged: Vec<StagedBlob>,
}

/// Receives a body.
pub(crate) async fn receive(
    store: &BlobStore,
    body: Option<StreamingBlob>,
    expected: Expected,
) -> S3Result<Received> {
    let digests = Digests::new(expected.algorithm);
    let mut body = body;
    let mut head = BytesMut::new();
    while let Some(chunk) = next(&mut body).await? {
        if head.len() + chunk.len() > SMALL_BYTES {
            let (digests, staged) =
                receive_file(store, head.freeze(), chunk, body, digests).await?;
            return verify(digests.finish_file(staged), &expected);
        }
        head.extend_from_slice(&chunk);
    }
    verify(digests.finish_small(head.freeze()), &expected)
}

async fn next(body: &mut Option<StreamingBlob>) -> S3Result<Option<Bytes>> {
    match body {
        None => Ok(None),
        Some(body) => body.next().await.transpose().map_err(body_error),
    }
}

enum Chunk {
    Bytes(Bytes),
    /// Marks a complete body. A queue that closes without it means that the client disconnected.
    End,
}

/// Receives a body that is too large for the index: this task reads from the network while a thread
/// hashes and writes the chunks before.
async fn receive_file(
    store: &BlobStore,
    head: Bytes,
    chunk: Bytes,
    mut body: Option<StreamingBlob>,
    digests: Digests,
) -> S3Result<(Digests, StagedBlob)> {
    let (queue, chunks) = mpsc::channel(QUEUE);
    let store = store.clone();
    let written = tokio::task::spawn_blocking(move || {
        let mut writer = store.create().map_err(storage_error)?;
        let mut digests = digests;
        digests.write(&mut writer, &head)?;
        digests.write(&mut writer, &chunk)?;
        drain(chunks, writer, digests)
    });
    let mut failed = None;
    loop {
        match next(&mut body).await {
            Ok(Some(chunk)) => {
                if queue.send(Chunk::Bytes(chunk)).await.is_err() {
                    break; // The thread has failed; its error is returned below.
                }
            }
            Ok(None) => {
                let _ = queue.send(Chunk::End).await;
                break;
            }
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    drop(queue);
    let written = written.await.map_err(S3Error::internal_error)?;
    failed.map_or(written, Err)
}

fn drain(
    mut chunks: mpsc::Receiver<Chunk>,
    mut writer: BlobWriter,
    mut digests: Digests,
) -> S3Result<(Digests, StagedBlob)> {
    loop {
        match chunks.blocking_recv() {
            Some(Chunk::Bytes(chunk)) => digests.write(&mut writer, &chunk)?,
            Some(Chunk::End) => return Ok((digests, writer.finish().map_err(storage_error)?)),
            None => return Err(incomplete()),
        }
    }
}

/// Stores the bytes of `reader` as a new blob. Blocks.
pub(crate) fn store_copy(
    store: &BlobStore,
    mut reader: ObjectReader,
    algorithm: Option<Algorithm>,
) -> S3Result<Received> {
    let mut digests = Digests::new(algorithm);
    if reader.remaining() <= SMALL_BYTES as u64 {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = reader.next_chunk().map_err(storage_error)? {
            bytes.extend_from_slice(&chunk);
        }
        return Ok(digests.finish_small(bytes.freeze()));
    }
    let mut writer = store.create().map_err(storage_error)?;
    while let Some(chunk) = reader.next_chunk().map_err(storage_error)? {
        digests.write(&mut writer, &chunk)?;
    }
    Ok(digests.finish_file(writer.finish().map_err(storage_error)?))
}

/// Size and hashes of the bytes received so far.
struct Digests {
    size: u64,
    md5: Md5,
    crc: Digest,
    hasher: Option<Hasher>,
}

impl Digests {
    fn new(algorithm: Option<Algorithm>) -> Self {
        Self { size: 0, md5: Md5::new(), crc: crc64(), hasher: algorithm.map(Hasher::new) }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.md5.update(bytes);
        self.crc.update(bytes);
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
    }

    fn write(&mut self, writer: &mut BlobWriter, bytes: &[u8]) -> S3Result<()> {
        self.update(bytes);
        if self.size > MAX_BYTES {
            return Err(too_large());
        }
        writer.write(bytes).map_err(storage_error)
    }

    fn segment(&self, blob: BlobId, place: Place) -> Option<Segment> {
        (self.size > 0).then(|| Segment { blob, place, size: self.size, crc: self.crc.finalize() })
    }

    fn finish_small(mut self, bytes: Bytes) -> Received {
        self.update(&bytes);
        let segment = self.segment(BlobId::new(), Place::Index);
        let small = segment.is_some().then_some(bytes);
        self.finish(Stored { segment, small, staged: Vec::new() })
    }

    fn finish_file(self, staged: StagedBlob) -> Received {
        let segment = self.segment(staged.id(), Place::File);
        self.finish(Stored { segment, small: None, staged: vec![staged] })
    }

    fn finish(self, stored: Stored) -> Received {
        let (size, hasher) = (self.size, self.hasher);
        Received {
            size,
            etag: hex(&self.md5.finalize()),
            checksum: hasher.map(|hasher| (hasher.algorithm(), hasher.finish())),
            stored,
        }
    }
}

/// Verifies a received body against the declared length and checksums. On failure `received` is
/// dropped, which deletes its file.
fn verify(received: Received, expected: &Expected) -> S3Result<Received> {
    if expected.length.is_some_and(|length| length != received.size) {
        return Err(incomplete());
    }
    if expected.md5.as_ref().is_some_and(|md5| hex(md5) != received.etag) {
        return Err(bad_digest("Content-MD5"));
    }
    if let Some((algorithm, computed)) = &received.checksum {
        let trailer = match &expected.checksum {
            Some(_) => None,
            None => trailing_checksum(expected, *algorithm)?,
        };
        let declared = expected.checksum.as_ref().or(trailer.as_ref());
        if declared.is_some_and(|declared| declared != computed) {
            return Err(bad_digest(algorithm.name()));
        }
    }
    Ok(received)
}

/// Returns the checksum from the trailers, if the client announced one.
fn trailing_checksum(expected: &Expected, algorithm: Algorithm) -> S3Result<Option<String>> {
    let Some(trailers) = &expected.trailers else { return Ok(None) };
    let value = trailers.take().and_then(|trailers| {
        trailers.get(algorithm.header()).and_then(|value| value.to_str().ok().map(str::to_owned))
    });
    match value {
        None => Err(bad_request(
            "MalformedTrailerError",
            "The request announced a checksum as a trailer but did not send it.",
        )),
        Some(value) if algorithm.parse(&value).is_none() => Err(bad_checksum_value(algorithm)),
        Some(value) => Ok(Some(value)),
    }
}

/// Returns an error of status 400 with a code that s3s does not define.
fn bad_request(code: &'static str, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(http::StatusCode::BAD_REQUEST);
    error
}

fn incomplete() -> S3Error {
    s3_error!(
        IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header."
    )
}

/// Returns the bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // Writing to a String cannot fail.
        text
    })
}

/// Returns the S3 error for a body that breaks off or does not match its signature. s3s keeps these
/// error types private, so only their text tells them apart; the tests detect a change of it.
pub(crate) fn body_error(error: StdError) -> S3Error {
    let text = error.to_string();
    let contains = |part: &str| text.contains(part);
    let mut response = if contains("UploadStreamError: Sha256Mismatch") {
        bad_request(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    } else if contains("AwsChunkedStreamError: SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch, "The signature of a chunk of the body does not match.")
    } else if contains("AwsChunkedStreamError: FormatError")
        || contains("TooLarge")
        || contains("TooMany")
    {
        s3_error!(InvalidRequest, "The aws-chunked encoding of the body is not valid.")
    } else {
        incomplete()
    };
    response.set_source(error);
    response
}
