//! Reads an object back: its pieces in sequence, in large reads that never run on an async worker.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use futures::Stream;
use s3s::StdError;
use s3s::dto::StreamingBlob;
use s3s::stream::{ByteStream, RemainingLength};
use tokio::task::JoinHandle;

use super::{BlobId, BlobStore, PinGuard};

/// Bytes per read. Larger reads cost memory (two are in flight for each GET) without a gain;
/// smaller ones cost more switches between threads.
pub(crate) const READ_BYTES: u64 = 512 * 1024;

/// Returns a new CRC-64/NVME digest, the checksum of stored bytes.
pub(crate) fn crc64() -> Digest {
    Digest::new(CrcAlgorithm::Crc64Nvme)
}

/// A contiguous range of an object's bytes.
#[derive(Debug)]
pub(crate) enum Piece {
    /// From the table of small blobs.
    Bytes(Bytes),
    /// From a file.
    File {
        blob: BlobId,
        offset: u64,
        length: u64,
        /// The expected CRC-64/NVME, when the piece is a whole blob.
        crc: Option<u64>,
    },
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }
}

/// Reads the bytes of an object. All methods block.
#[derive(Debug)]
pub(crate) struct ObjectReader {
    pieces: VecDeque<Piece>,
    open: Option<OpenBlob>,
    store: BlobStore,
    _pin: PinGuard,
}

#[derive(Debug)]
struct OpenBlob {
    blob: BlobId,
    file: File,
    remaining: u64,
    check: Option<(Digest, u64)>,
}

impl ObjectReader {
    pub(crate) fn new(store: BlobStore, pin: PinGuard, pieces: Vec<Piece>) -> Self {
        Self { pieces: pieces.into(), open: None, store, _pin: pin }
    }

    /// Returns the number of bytes not yet read.
    pub(crate) fn remaining(&self) -> u64 {
        self.pieces.iter().map(Piece::len).sum::<u64>()
            + self.open.as_ref().map_or(0, |open| open.remaining)
    }

    /// Returns the next chunk, at most [`READ_BYTES`] of a file; `None` at the end.
    ///
    /// # Errors
    /// Those of the file system, and `InvalidData` when the bytes differ from those that were
    /// stored. The last chunk of a piece is returned only after the checksum was verified.
    pub(crate) fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(open) = &mut self.open {
                if open.remaining > 0 {
                    return open.read().map(Some);
                }
                self.open = None;
            }
            match self.pieces.pop_front() {
                None => return Ok(None),
                Some(Piece::Bytes(bytes)) if bytes.is_empty() => {}
                Some(Piece::Bytes(bytes)) => return Ok(Some(bytes)),
                Some(Piece::File { blob, offset, length, crc }) => {
                    let mut file = self.store.open_blob(blob)?;
                    if offset > 0 {
                        file.seek(SeekFrom::Start(offset))?;
                    }
                    let check = crc.map(|crc| (crc64(), crc));
                    self.open = Some(OpenBlob { blob, file, remaining: length, check });
                }
            }
        }
    }
}

impl OpenBlob {
    fn read(&mut self) -> io::Result<Bytes> {
        let wanted = self.remaining.min(READ_BYTES);
        // `read_to_end` into spare capacity avoids filling the buffer with zeroes first.
        let mut chunk = Vec::with_capacity(usize::try_from(wanted).map_err(io::Error::other)?);
        (&self.file).take(wanted).read_to_end(&mut chunk)?;
        if chunk.len() as u64 != wanted {
            return Err(self.corrupt("is shorter than its size in the index"));
        }
        self.remaining -= wanted;
        if let Some((digest, crc)) = &mut self.check {
            digest.update(&chunk);
            if self.remaining == 0 && digest.finalize() != *crc {
                return Err(self.corrupt("does not match its stored checksum"));
            }
        }
        Ok(chunk.into())
    }

    fn corrupt(&self, why: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("blob {} {why}", self.blob))
    }
}

type ReadResult = (ObjectReader, io::Result<Option<Bytes>>);

/// The body of a response: the first chunk, then the rest, always one read ahead of the client.
struct Body {
    ready: Option<Bytes>,
    ahead: Option<JoinHandle<ReadResult>>,
    remaining: u64,
}

/// Streams `first` and then the rest of `reader`. Must be called within the server's runtime.
pub(crate) fn stream(first: Option<Bytes>, reader: ObjectReader) -> StreamingBlob {
    let left = reader.remaining();
    let remaining = left + first.as_ref().map_or(0, |bytes| bytes.len() as u64);
    let ahead = (left > 0).then(|| read_ahead(reader));
    StreamingBlob::new(Body { ready: first, ahead, remaining })
}

fn read_ahead(mut reader: ObjectReader) -> JoinHandle<ReadResult> {
    tokio::task::spawn_blocking(move || {
        let chunk = reader.next_chunk();
        (reader, chunk)
    })
}

impl Stream for Body {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = match self.ready.take() {
            Some(chunk) => chunk,
            None => {
                let Some(ahead) = &mut self.ahead else { return Poll::Ready(None) };
                let result = ready!(Pin::new(ahead).poll(cx));
                self.ahead = None;
                match result {
                    Ok((reader, Ok(Some(chunk)))) => {
                        if reader.remaining() > 0 {
                            self.ahead = Some(read_ahead(reader));
                        }
                        chunk
                    }
                    Ok((_, Ok(None))) => return Poll::Ready(None),
                    Ok((_, Err(error))) => {
                        tracing::error!(%error, "an object could not be read to its end");
                        return Poll::Ready(Some(Err(error.into())));
                    }
                    Err(error) => return Poll::Ready(Some(Err(error.into()))),
                }
            }
        };
        self.remaining = self.remaining.saturating_sub(chunk.len() as u64);
        Poll::Ready(Some(Ok(chunk)))
    }
}

impl ByteStream for Body {
    fn remaining_length(&self) -> RemainingLength {
        usize::try_from(self.remaining)
            .map_or(RemainingLength::unknown(), RemainingLength::new_exact)
    }
}
