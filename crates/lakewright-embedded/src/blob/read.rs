//! Reading an object back: pieces in sequence, in large reads that never run on an async worker.

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

use super::{BlobId, BlobStore, Lease};

/// Bytes a read asks for. Larger ones cost memory (two are in flight for each GET) and gain
/// nothing; smaller ones pay for more hops between threads.
pub(crate) const READ_BYTES: u64 = 512 * 1024;

/// A fresh CRC-64/NVME, the checksum that guards bytes at rest.
pub(crate) fn crc64() -> Digest {
    Digest::new(CrcAlgorithm::Crc64Nvme)
}

/// A run of bytes of an object.
#[derive(Debug)]
pub(crate) enum Piece {
    /// From the table of small blobs.
    Bytes(Bytes),
    /// From a file.
    File {
        blob: BlobId,
        offset: u64,
        length: u64,
        /// The CRC-64/NVME that the bytes must have, when the piece is a whole blob.
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

/// An object that is being read. It blocks: use it where that is allowed.
#[derive(Debug)]
pub(crate) struct Reading {
    pieces: VecDeque<Piece>,
    open: Option<Open>,
    store: BlobStore,
    _lease: Lease,
}

#[derive(Debug)]
struct Open {
    blob: BlobId,
    file: File,
    remaining: u64,
    check: Option<(Digest, u64)>,
}

impl Reading {
    pub(crate) fn new(store: BlobStore, lease: Lease, pieces: Vec<Piece>) -> Self {
        Self { pieces: pieces.into(), open: None, store, _lease: lease }
    }

    /// Bytes that are left.
    pub(crate) fn remaining(&self) -> u64 {
        self.pieces.iter().map(Piece::len).sum::<u64>()
            + self.open.as_ref().map_or(0, |open| open.remaining)
    }

    /// The next run of bytes, at most [`READ_BYTES`] of a file; `None` at the end.
    ///
    /// # Errors
    /// Besides those of the file system, `InvalidData` when the bytes are not those that were
    /// stored. The last run of a piece is held back until it is known to be right.
    pub(crate) fn next_run(&mut self) -> io::Result<Option<Bytes>> {
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
                    self.open = Some(Open { blob, file, remaining: length, check });
                }
            }
        }
    }
}

impl Open {
    fn read(&mut self) -> io::Result<Bytes> {
        let wanted = self.remaining.min(READ_BYTES);
        // `read_to_end` into spare capacity does not pay for zeroes that are overwritten.
        let mut run = Vec::with_capacity(usize::try_from(wanted).map_err(io::Error::other)?);
        (&self.file).take(wanted).read_to_end(&mut run)?;
        if run.len() as u64 != wanted {
            return Err(self.rotten("is shorter than the index says"));
        }
        self.remaining -= wanted;
        if let Some((digest, crc)) = &mut self.check {
            digest.update(&run);
            if self.remaining == 0 && digest.finalize() != *crc {
                return Err(self.rotten("does not have the checksum that it was stored with"));
            }
        }
        Ok(run.into())
    }

    fn rotten(&self, why: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("blob {} {why}", self.blob))
    }
}

type Turn = (Reading, io::Result<Option<Bytes>>);

/// The body of an answer: what was read already, and then the rest, always one read ahead of
/// the client.
struct Body {
    ready: Option<Bytes>,
    ahead: Option<JoinHandle<Turn>>,
    remaining: u64,
}

/// Streams `first` and then what `reading` has left. Call it within the server's runtime.
pub(crate) fn stream(first: Option<Bytes>, reading: Reading) -> StreamingBlob {
    let left = reading.remaining();
    let remaining = left + first.as_ref().map_or(0, |bytes| bytes.len() as u64);
    let ahead = (left > 0).then(|| read_ahead(reading));
    StreamingBlob::new(Body { ready: first, ahead, remaining })
}

fn read_ahead(mut reading: Reading) -> JoinHandle<Turn> {
    tokio::task::spawn_blocking(move || {
        let run = reading.next_run();
        (reading, run)
    })
}

impl Stream for Body {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let run = match self.ready.take() {
            Some(run) => run,
            None => {
                let Some(ahead) = &mut self.ahead else { return Poll::Ready(None) };
                let turn = ready!(Pin::new(ahead).poll(cx));
                self.ahead = None;
                match turn {
                    Ok((reading, Ok(Some(run)))) => {
                        if reading.remaining() > 0 {
                            self.ahead = Some(read_ahead(reading));
                        }
                        run
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
        self.remaining = self.remaining.saturating_sub(run.len() as u64);
        Poll::Ready(Some(Ok(run)))
    }
}

impl ByteStream for Body {
    fn remaining_length(&self) -> RemainingLength {
        usize::try_from(self.remaining)
            .map_or(RemainingLength::unknown(), RemainingLength::new_exact)
    }
}
