//! Taking in the bytes of an upload: hashed while they arrive, checked against everything that
//! the client said about them, and on the disk before anything else hears of them.

use bytes::{Bytes, BytesMut};
use crc_fast::Digest;
use futures::StreamExt as _;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, s3_error};
use tokio::sync::mpsc;

use crate::blob::{BlobId, BlobStore, BlobWriter, Reading, StagedBlob, crc64};
use crate::checksum::{Algorithm, Hasher};
use crate::index::record::{Place, Segment};
use crate::index::storage_error;

/// Uploads up to this many bytes are kept in the index: they share its flush and need no file.
/// Larger ones would make the index grow and are better off in files.
pub(crate) const SMALL_BYTES: usize = 32 * 1024;

/// What S3 takes in one PUT or one part.
pub(crate) const MAX_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// Runs of bytes that wait for the disk, for each upload. One comes to a few hundred KiB at
/// most, which is hyper's read buffer.
const QUEUE: usize = 8;

/// What the client said about the bytes to come.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    length: Option<u64>,
    md5: Option<Vec<u8>>,
    algorithm: Option<Algorithm>,
    /// The value, when it came ahead of the bytes.
    checksum: Option<String>,
    /// Where it comes, when it comes behind them.
    trailers: Option<TrailingHeaders>,
}

impl Expected {
    /// Reads the headers of an upload.
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

    /// The algorithm of the client's checksum.
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

/// The refusal of bytes that are not those that were announced.
pub(crate) fn bad_digest(what: &str) -> S3Error {
    s3_error!(BadDigest, "The {what} you specified did not match what we received.")
}

/// The MD5 of some bytes.
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

/// Bytes that arrived whole and are what the client said, but that the index does not name yet.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) size: u64,
    /// MD5 in hex.
    pub(crate) etag: String,
    pub(crate) checksum: Option<(Algorithm, String)>,
    pub(crate) stored: Stored,
}

/// Where the bytes are for now.
#[derive(Debug)]
pub(crate) struct Stored {
    /// What the index is to say; `None` for no bytes.
    pub(crate) segment: Option<Segment>,
    /// Bytes that go into the index.
    pub(crate) small: Option<Bytes>,
    /// The file, which the index has to keep.
    pub(crate) staged: Vec<StagedBlob>,
}

/// Receives a body.
pub(crate) async fn receive(
    store: &BlobStore,
    body: Option<StreamingBlob>,
    expected: Expected,
) -> S3Result<Received> {
    let sums = Sums::new(expected.algorithm);
    let mut body = body;
    let mut head = BytesMut::new();
    while let Some(run) = next(&mut body).await? {
        if head.len() + run.len() > SMALL_BYTES {
            let (sums, staged) = receive_file(store, head.freeze(), run, body, sums).await?;
            return check(sums.finish_file(staged), &expected);
        }
        head.extend_from_slice(&run);
    }
    check(sums.finish_small(head.freeze()), &expected)
}

async fn next(body: &mut Option<StreamingBlob>) -> S3Result<Option<Bytes>> {
    match body {
        None => Ok(None),
        Some(body) => body.next().await.transpose().map_err(body_error),
    }
}

enum Run {
    Bytes(Bytes),
    /// Without this the end of the queue means that the client is gone.
    End,
}

/// Receives what does not fit the index: this task takes bytes from the network while a thread
/// hashes and writes those before.
async fn receive_file(
    store: &BlobStore,
    head: Bytes,
    run: Bytes,
    mut body: Option<StreamingBlob>,
    sums: Sums,
) -> S3Result<(Sums, StagedBlob)> {
    let (queue, runs) = mpsc::channel(QUEUE);
    let store = store.clone();
    let written = tokio::task::spawn_blocking(move || {
        let mut writer = store.create().map_err(storage_error)?;
        let mut sums = sums;
        sums.write(&mut writer, &head)?;
        sums.write(&mut writer, &run)?;
        drain(runs, writer, sums)
    });
    let mut failed = None;
    loop {
        match next(&mut body).await {
            Ok(Some(run)) => {
                if queue.send(Run::Bytes(run)).await.is_err() {
                    break; // the thread has failed and says why below
                }
            }
            Ok(None) => {
                let _ = queue.send(Run::End).await;
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
    mut runs: mpsc::Receiver<Run>,
    mut writer: BlobWriter,
    mut sums: Sums,
) -> S3Result<(Sums, StagedBlob)> {
    loop {
        match runs.blocking_recv() {
            Some(Run::Bytes(run)) => sums.write(&mut writer, &run)?,
            Some(Run::End) => return Ok((sums, writer.finish().map_err(storage_error)?)),
            None => return Err(incomplete()),
        }
    }
}

/// Makes a blob of what is read from others. Blocks.
pub(crate) fn take_in(
    store: &BlobStore,
    mut reading: Reading,
    algorithm: Option<Algorithm>,
) -> S3Result<Received> {
    let mut sums = Sums::new(algorithm);
    if reading.remaining() <= SMALL_BYTES as u64 {
        let mut bytes = BytesMut::new();
        while let Some(run) = reading.next_run().map_err(storage_error)? {
            bytes.extend_from_slice(&run);
        }
        return Ok(sums.finish_small(bytes.freeze()));
    }
    let mut writer = store.create().map_err(storage_error)?;
    while let Some(run) = reading.next_run().map_err(storage_error)? {
        sums.write(&mut writer, &run)?;
    }
    Ok(sums.finish_file(writer.finish().map_err(storage_error)?))
}

/// Hashes of what has arrived.
struct Sums {
    size: u64,
    md5: Md5,
    crc: Digest,
    hasher: Option<Hasher>,
}

impl Sums {
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

/// Holds what arrived against what was said. On failure the file goes with `received`.
fn check(received: Received, expected: &Expected) -> S3Result<Received> {
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
        let said = expected.checksum.as_ref().or(trailer.as_ref());
        if said.is_some_and(|said| said != computed) {
            return Err(bad_digest(algorithm.name()));
        }
    }
    Ok(received)
}

/// The checksum behind the bytes, where the client announced one.
fn trailing_checksum(expected: &Expected, algorithm: Algorithm) -> S3Result<Option<String>> {
    let Some(trailers) = &expected.trailers else { return Ok(None) };
    let value = trailers.take().and_then(|trailers| {
        trailers.get(algorithm.header()).and_then(|value| value.to_str().ok().map(str::to_owned))
    });
    match value {
        None => Err(bad_request(
            "MalformedTrailerError",
            "The request announced a checksum as trailer and did not send it.",
        )),
        Some(value) if algorithm.parse(&value).is_none() => Err(bad_checksum_value(algorithm)),
        Some(value) => Ok(Some(value)),
    }
}

/// A 400 that s3s has no name for.
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

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a String takes everything
        text
    })
}

/// What the client is told when its body breaks off or does not match its signature. s3s keeps
/// these errors private; what they print is all there is to tell them apart, and the tests hold
/// it.
pub(crate) fn body_error(error: StdError) -> S3Error {
    let text = error.to_string();
    let says = |what: &str| text.contains(what);
    let mut answer = if says("UploadStreamError: Sha256Mismatch") {
        bad_request(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    } else if says("AwsChunkedStreamError: SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch, "The signature of a chunk of the body does not match.")
    } else if says("AwsChunkedStreamError: FormatError") || says("TooLarge") || says("TooMany") {
        s3_error!(InvalidRequest, "The aws-chunked encoding of the body is not valid.")
    } else {
        incomplete()
    };
    answer.set_source(error);
    answer
}
