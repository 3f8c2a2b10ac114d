//! Blob files: bytes that are written once and never changed. A file is live only if the index
//! references it; any other file is a leftover.
//!
//! A blob is written under `tmp/`, flushed and moved to `blobs/xx/`, and that directory is flushed;
//! only then does the index reference it. Object keys never become file names.

mod id;
mod read;
mod reclaim;
mod write;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use id::BlobId;
pub(crate) use read::{ObjectReader, Piece, crc64, stream};
pub(crate) use reclaim::PinGuard;
use reclaim::Reclaimer;
pub(crate) use write::{BlobWriter, StagedBlob};

use crate::files::{create_private_dir, sync_dir};
use crate::options::Durability;
use crate::reserve::Reserve;

/// Number of directories that blobs are spread over. Opening one directory with a million files is
/// slow.
const SHARDS: u16 = 256;

/// The blob files of one data directory.
#[derive(Clone, Debug)]
pub(crate) struct BlobStore {
    paths: Arc<Paths>,
    reclaimer: Reclaimer,
}

#[derive(Debug)]
struct Paths {
    blobs: PathBuf,
    temporary: PathBuf,
    durability: Durability,
    reserve: Arc<Reserve>,
}

impl Paths {
    fn shard(&self, id: BlobId) -> PathBuf {
        self.blobs.join(format!("{:02x}", id.shard()))
    }

    fn blob(&self, id: BlobId) -> PathBuf {
        self.shard(id).join(id.to_string())
    }

    fn temporary(&self, id: BlobId) -> PathBuf {
        self.temporary.join(id.to_string())
    }

    /// Flushes the directory of a blob, so that its name survives a loss of power.
    fn sync_shard(&self, id: BlobId) -> io::Result<()> {
        match self.durability {
            Durability::Machine => sync_dir(&self.shard(id)),
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

impl BlobStore {
    /// Opens the store. Creates missing directories and empties `tmp/`, because nothing in it was
    /// ever acknowledged.
    pub(crate) fn open(
        data_dir: &Path,
        durability: Durability,
        reserve: Arc<Reserve>,
    ) -> io::Result<Self> {
        let paths = Paths {
            blobs: data_dir.join("blobs"),
            temporary: data_dir.join("tmp"),
            durability,
            reserve,
        };
        create_private_dir(&paths.temporary)?;
        for shard in 0..SHARDS {
            create_private_dir(&paths.blobs.join(format!("{shard:02x}")))?;
        }
        sync_dir(&paths.blobs)?;
        sync_dir(data_dir)?;
        for entry in fs::read_dir(&paths.temporary)? {
            fs::remove_file(entry?.path())?;
        }
        let paths = Arc::new(paths);
        let reclaimer = Reclaimer::start(Arc::clone(&paths))?;
        Ok(Self { paths, reclaimer })
    }

    /// Starts a new blob.
    pub(crate) fn create(&self) -> io::Result<BlobWriter> {
        self.paths.reserve.check_writable()?;
        BlobWriter::create(Arc::clone(&self.paths), self.reclaimer.clone())
    }

    /// Creates another blob with the same bytes as a hard link, without copying them.
    pub(crate) fn link(&self, id: BlobId) -> io::Result<StagedBlob> {
        let copy = BlobId::new();
        fs::hard_link(self.paths.blob(id), self.paths.blob(copy))?;
        let staged = StagedBlob::new(copy, self.reclaimer.clone());
        self.paths.sync_shard(copy)?;
        Ok(staged)
    }

    /// Opens a blob for reading. Without a [`PinGuard`] the blob may already be deleted.
    pub(crate) fn open_blob(&self, id: BlobId) -> io::Result<File> {
        File::open(self.paths.blob(id))
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

    /// Returns whether there is no blob file at all.
    pub(crate) fn is_empty(&self) -> io::Result<bool> {
        for shard in 0..SHARDS {
            let shard = self.paths.blobs.join(format!("{shard:02x}"));
            if fs::read_dir(shard)?.next().transpose()?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes every file that the index does not reference, such as leftovers of a killed server.
    /// Returns how many files were deleted.
    pub(crate) fn sweep(&self, is_referenced: impl Fn(BlobId) -> bool) -> io::Result<usize> {
        let mut deleted = 0;
        for shard in 0..SHARDS {
            for entry in fs::read_dir(self.paths.blobs.join(format!("{shard:02x}")))? {
                let entry = entry?;
                let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
                if !id.is_some_and(&is_referenced) {
                    fs::remove_file(entry.path())?;
                    deleted += 1;
                }
            }
        }
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests;
