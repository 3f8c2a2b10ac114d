//! Blob files: bytes that are written once and never changed. A file is live only if the index
//! references it; any other file is a leftover.
//!
//! A blob is written under `tmp/`, flushed and moved to `blobs/xx/`, and that directory is flushed;
//! only then does the index reference it. Object keys never become file names.

mod id;
mod read;
mod reclaim;
mod write;

use std::fs::File;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use id::BlobId;
pub(crate) use read::{ObjectReader, Piece, crc64, stream};
pub(crate) use reclaim::PinGuard;
use reclaim::Reclaimer;
pub(crate) use write::{BlobWriter, StagedBlob};

use crate::folder::Folder;
use crate::options::Durability;
use crate::reserve::Reserve;

/// The folders that blobs are spread over. Opening one folder with a million files is slow.
const SHARDS: RangeInclusive<u8> = 0..=u8::MAX;

/// The blob files of one data directory.
#[derive(Clone, Debug)]
pub(crate) struct BlobStore {
    folders: Arc<Folders>,
    reclaimer: Reclaimer,
}

#[derive(Debug)]
struct Folders {
    blobs: Folder,
    temporary: Folder,
    durability: Durability,
    reserve: Arc<Reserve>,
}

impl Folders {
    /// Opens the folder of a blob. All of them kept open would be a quarter of the descriptors that
    /// a process usually has.
    fn shard(&self, id: BlobId) -> io::Result<Folder> {
        self.blobs.folder(&shard_name(id.shard()))
    }

    /// Deletes the file of a blob.
    fn remove(&self, id: BlobId) -> io::Result<()> {
        self.shard(id)?.remove(&id.to_string())
    }

    /// Flushes the folder of a blob, so that its name survives a loss of power.
    fn sync(&self, shard: &Folder) -> io::Result<()> {
        match self.durability {
            Durability::Machine => shard.sync(),
            Durability::Process => Ok(()),
        }
    }

    fn sync_file(&self, file: &File) -> io::Result<()> {
        match self.durability {
            Durability::Machine => file.sync_data(),
            Durability::Process => Ok(()),
        }
    }
}

fn shard_name(shard: u8) -> String {
    format!("{shard:02x}")
}

impl BlobStore {
    /// Opens the store. Creates missing folders and deletes the unfinished blobs in `tmp/`, because
    /// nothing in it was ever acknowledged.
    pub(crate) fn open(
        data: &Folder,
        durability: Durability,
        reserve: Arc<Reserve>,
    ) -> io::Result<Self> {
        let folders = Folders {
            blobs: data.folder_or_create("blobs")?,
            temporary: data.folder_or_create("tmp")?,
            durability,
            reserve,
        };
        for shard in SHARDS {
            folders.blobs.folder_or_create(&shard_name(shard))?;
        }
        folders.blobs.sync()?;
        data.sync()?;
        for name in folders.temporary.names()? {
            if let Some(id) = BlobId::of_file_name(&name) {
                folders.temporary.remove(&id.to_string())?;
            }
        }
        let folders = Arc::new(folders);
        let reclaimer = Reclaimer::start(Arc::clone(&folders))?;
        Ok(Self { folders, reclaimer })
    }

    /// Starts a new blob.
    pub(crate) fn create(&self) -> io::Result<BlobWriter> {
        self.folders.reserve.check_writable()?;
        BlobWriter::create(Arc::clone(&self.folders), self.reclaimer.clone())
    }

    /// Creates another blob with the same bytes as a hard link, without copying them.
    pub(crate) fn link(&self, id: BlobId) -> io::Result<StagedBlob> {
        let copy = BlobId::new();
        let shard = self.folders.shard(copy)?;
        self.folders.shard(id)?.link(&id.to_string(), &shard, &copy.to_string())?;
        let staged = StagedBlob::new(copy, self.reclaimer.clone());
        self.folders.sync(&shard)?;
        Ok(staged)
    }

    /// Opens a blob for reading. Without a [`PinGuard`] the blob may already be deleted.
    pub(crate) fn open_blob(&self, id: BlobId) -> io::Result<File> {
        self.folders.shard(id)?.open_shared(&id.to_string())
    }

    /// Looks blobs up in the index and pins them: they are not deleted before the guard is dropped,
    /// even if their objects are.
    pub(crate) fn pin<T, E>(
        &self,
        find: impl FnOnce() -> Result<(T, Vec<BlobId>), E>,
    ) -> Result<(T, PinGuard), E> {
        self.reclaimer.pin(find)
    }

    /// Deletes blobs that the index no longer references, each after its last reader has finished.
    pub(crate) fn retire(&self, blobs: Vec<BlobId>) {
        self.reclaimer.retire(blobs);
    }

    /// Waits until all blobs retired so far are deleted, for at most `timeout`.
    pub(crate) fn wait_for_deletions(&self, timeout: Duration) {
        self.reclaimer.wait_until_idle(timeout);
    }

    /// Returns whether there is no blob at all.
    pub(crate) fn is_empty(&self) -> io::Result<bool> {
        for shard in SHARDS {
            let names = self.folders.blobs.folder(&shard_name(shard))?.names()?;
            if names.iter().any(|name| BlobId::of_file_name(name).is_some()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes every blob that the index does not reference, such as leftovers of a killed server.
    /// Files with other names are left alone. Returns how many blobs were deleted.
    pub(crate) fn sweep(&self, is_referenced: impl Fn(BlobId) -> bool) -> io::Result<usize> {
        let mut deleted = 0;
        for shard in SHARDS {
            let folder = self.folders.blobs.folder(&shard_name(shard))?;
            for name in folder.names()? {
                let Some(id) = BlobId::of_file_name(&name) else { continue };
                if !is_referenced(id) {
                    folder.remove(&id.to_string())?;
                    deleted += 1;
                }
            }
        }
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests;
