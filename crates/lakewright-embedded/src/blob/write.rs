//! A blob on its way to the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use super::{BlobId, Paths, Reclaimer};

/// A blob that is being written. Dropped before [`BlobWriter::finish`], it leaves nothing.
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
        if self.paths.reserve.is_out() {
            // This would take the room that was made for deleting.
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_all(bytes)
    }

    /// Flushes the bytes, gives the blob its name, and flushes that.
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
            // If this fails the file stays until the next start, which empties the directory.
            let _ = fs::remove_file(self.paths.temporary(self.id));
        }
    }
}

/// A blob that is whole and on the disk, and that the index does not name yet. Dropped before
/// [`StagedBlob::keep`], it is deleted.
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

    /// The index names it now, or may: it stays.
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
