//! Blob files: bytes that are written once, whole, and never changed. Only the index says which
//! of them mean anything; a file that it does not name is a leftover.
//!
//! A blob is written under `tmp/`, flushed, moved to `blobs/xx/`, and the directory is flushed;
//! then the index is told. Keys of objects never become file names.

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
pub(crate) use read::{Piece, Reading, crc64, stream};
pub(crate) use reclaim::Lease;
use reclaim::Reclaimer;
pub(crate) use write::{BlobWriter, StagedBlob};

use crate::files::{create_private_dir, sync_dir};
use crate::options::Durability;
use crate::reserve::Reserve;

/// Directories the blobs are spread over: a directory of a million files is slow to open.
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

    /// Makes a blob's name survive a loss of power.
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
    /// Opens the store, making its directories where they are missing, and empties `tmp/`:
    /// nothing in there was ever acknowledged.
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

    /// Begins a new blob.
    pub(crate) fn create(&self) -> io::Result<BlobWriter> {
        self.paths.reserve.admit()?;
        BlobWriter::create(Arc::clone(&self.paths), self.reclaimer.clone())
    }

    /// Another blob with the same bytes, which are not copied: a hard link.
    pub(crate) fn link(&self, id: BlobId) -> io::Result<StagedBlob> {
        let copy = BlobId::new();
        fs::hard_link(self.paths.blob(id), self.paths.blob(copy))?;
        let staged = StagedBlob::new(copy, self.reclaimer.clone());
        self.paths.sync_shard(copy)?;
        Ok(staged)
    }

    /// Opens a blob for reading. Hold a [`Lease`] on it, or it may be gone.
    pub(crate) fn open_blob(&self, id: BlobId) -> io::Result<File> {
        File::open(self.paths.blob(id))
    }

    /// Looks blobs up in the index, and keeps them from being deleted as long as the lease
    /// lives, whatever happens to the objects that they belong to.
    pub(crate) fn lease<T, E>(
        &self,
        look_up: impl FnOnce() -> Result<(T, Vec<BlobId>), E>,
    ) -> Result<(T, Lease), E> {
        self.reclaimer.lease(look_up)
    }

    /// Deletes blobs that the index has stopped naming, once their last reader is done.
    pub(crate) fn retire(&self, blobs: Vec<BlobId>) {
        self.reclaimer.retire(blobs);
    }

    /// Waits until what was retired so far is deleted, but no longer than this.
    pub(crate) fn settle(&self, timeout: Duration) {
        self.reclaimer.settle(timeout);
    }

    /// Whether there is any file at all.
    pub(crate) fn is_empty(&self) -> io::Result<bool> {
        for shard in 0..SHARDS {
            let shard = self.paths.blobs.join(format!("{shard:02x}"));
            if fs::read_dir(shard)?.next().transpose()?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes every file that the index does not name: what a killed server left behind. How
    /// many there were.
    pub(crate) fn sweep(&self, is_known: impl Fn(BlobId) -> bool) -> io::Result<usize> {
        let mut swept = 0;
        for shard in 0..SHARDS {
            for entry in fs::read_dir(self.paths.blobs.join(format!("{shard:02x}")))? {
                let entry = entry?;
                let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
                if !id.is_some_and(&is_known) {
                    fs::remove_file(entry.path())?;
                    swept += 1;
                }
            }
        }
        Ok(swept)
    }
}

#[cfg(test)]
mod tests;
