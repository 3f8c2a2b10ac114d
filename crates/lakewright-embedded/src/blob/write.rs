//! Writes blob files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use super::{BlobId, Paths, Reclaimer};

/// A blob that is being written. Dropping it before [`BlobWriter::finish`] deletes the file.
#[derive(Debug)]
pub(crate) struct BlobWriter {
    id: BlobId,
    file: File,
    paths: Arc<Paths>,
    reclaimer: Reclaimer,
    finished: bool,
}

impl BlobWriter {
    pub(super) fn create(paths: Arc<Paths>, reclaimer: Reclaimer) -> io::Result<Self> {
        let id = BlobId::new();
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(paths.temporary(id))?;
        Ok(Self { id, file, paths, reclaimer, finished: false })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.paths.reserve.is_released() {
            // The free space of a released reserve is for deletions only.
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_all(bytes)
    }

    /// Flushes the bytes, moves the blob to its final name and flushes the directory.
    pub(crate) fn finish(mut self) -> io::Result<StagedBlob> {
        self.paths.sync_file(&self.file)?;
        fs::rename(self.paths.temporary(self.id), self.paths.blob(self.id))?;
        self.finished = true;
        let staged = StagedBlob::new(self.id, self.reclaimer.clone());
        self.paths.sync_shard(self.id)?;
        Ok(staged)
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if !self.finished {
            // A file that cannot be removed here is removed at the next start, which empties the
            // directory.
            let _ = fs::remove_file(self.paths.temporary(self.id));
        }
    }
}

/// A complete, flushed blob that the index does not reference yet. Dropping it before
/// [`StagedBlob::keep`] deletes it.
#[derive(Debug)]
pub(crate) struct StagedBlob {
    id: BlobId,
    reclaimer: Option<Reclaimer>,
}

impl StagedBlob {
    pub(super) fn new(id: BlobId, reclaimer: Reclaimer) -> Self {
        Self { id, reclaimer: Some(reclaimer) }
    }

    pub(crate) fn id(&self) -> BlobId {
        self.id
    }

    /// Keeps the blob: the index references it now, or may reference it.
    pub(crate) fn keep(mut self) {
        self.reclaimer = None;
    }
}

impl Drop for StagedBlob {
    fn drop(&mut self) {
        if let Some(reclaimer) = self.reclaimer.take() {
            reclaimer.retire(vec![self.id]);
        }
    }
}
