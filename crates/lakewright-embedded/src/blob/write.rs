//! Writes blob files.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use super::{BlobId, Folders, Reclaimer};

/// A blob that is being written. Dropping it before [`BlobWriter::finish`] deletes the file.
#[derive(Debug)]
pub(crate) struct BlobWriter {
    id: BlobId,
    file: File,
    folders: Arc<Folders>,
    reclaimer: Reclaimer,
    finished: bool,
}

impl BlobWriter {
    pub(super) fn create(folders: Arc<Folders>, reclaimer: Reclaimer) -> io::Result<Self> {
        let id = BlobId::new();
        let file = folders.temporary.create_new(&id.to_string())?;
        Ok(Self { id, file, folders, reclaimer, finished: false })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.folders.reserve.is_released() {
            // The free space of a released reserve is for deletions only.
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_all(bytes)
    }

    /// Flushes the bytes, moves the blob to its final name and flushes the directory.
    pub(crate) fn finish(mut self) -> io::Result<StagedBlob> {
        self.folders.sync_file(&self.file)?;
        let (shard, name) = (self.folders.shard(self.id)?, self.id.to_string());
        self.folders.temporary.rename(&name, &shard, &name)?;
        self.finished = true;
        let staged = StagedBlob::new(self.id, self.reclaimer.clone());
        self.folders.sync(&shard)?;
        Ok(staged)
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if !self.finished {
            // A file that cannot be removed here is removed at the next start.
            let _ = self.folders.temporary.remove(&self.id.to_string());
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
