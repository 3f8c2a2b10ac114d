//! Room for deleting. A database that writes copies needs a few pages even to remove a row, so on
//! a disk that is full to the last block nothing could be deleted, and the disk would stay full.
//! A file of some megabytes is kept for that moment: it is given up when a deletion meets a full
//! disk, and made again as soon as there is room.
//!
//! While it is out only what frees may write; uploads would eat the room that deleting needs.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// Name of the file in the data directory.
const FILE: &str = "reserve";

/// Bytes that are kept. A batch delete of 1,000 keys that lie far apart copies some 2,000 pages of
/// 4 KiB: those of the objects and those of the small blobs.
const BYTES: u64 = 8 * 1024 * 1024;

/// The file of one data directory.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    out: AtomicBool,
    /// Held by who makes or removes the file.
    turn: Mutex<()>,
}

impl Reserve {
    /// Finds the file, or makes it. A disk without room for it is served all the same.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let reserve =
            Self { path: data_dir.join(FILE), out: AtomicBool::new(true), turn: Mutex::new(()) };
        if !reserve.take()? {
            tracing::warn!("the disk is full: until there is room, things can only be deleted");
        }
        Ok(reserve)
    }

    /// Whether it was given up, and not made again yet.
    pub(crate) fn is_out(&self) -> bool {
        self.out.load(Ordering::Acquire)
    }

    /// Makes the file unless it is there. `false` when there is no room for it.
    pub(crate) fn take(&self) -> io::Result<bool> {
        if !self.is_out() {
            return Ok(true);
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_out() {
            return Ok(true); // somebody was faster
        }
        match self.allocate() {
            Ok(()) => {
                self.out.store(false, Ordering::Release);
                Ok(true)
            }
            Err(error) => {
                // What was allocated of it helps nobody here.
                let _ = fs::remove_file(&self.path);
                if is_full(&error) { Ok(false) } else { Err(error) }
            }
        }
    }

    fn allocate(&self) -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, BYTES) {
            Ok(()) => Ok(()),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(file),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the room up for deleting. Whether it was there to be given.
    pub(crate) fn release(&self) -> bool {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // First the word, then the room: who writes looks at the word.
        if self.out.swap(true, Ordering::AcqRel) {
            return false;
        }
        match fs::remove_file(&self.path) {
            Ok(()) => {
                tracing::warn!("the disk is full: until there is room, things can only be deleted");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the reserve could not be given up");
                false
            }
        }
    }

    /// Refuses to store anything while the reserve is out and cannot be made again.
    pub(crate) fn admit(&self) -> io::Result<()> {
        if self.take()? { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }
}

/// Takes room where the file system cannot be asked for it: by writing.
fn fill(mut file: File) -> io::Result<()> {
    use std::io::Write as _;
    let zeros = vec![0; 64 * 1024];
    for _ in 0..BYTES / zeros.len() as u64 {
        file.write_all(&zeros)?;
    }
    // A file system that allocates late says only now that there is no room.
    file.sync_all()
}

/// Whether this is the error of a full disk.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn room_is_taken_given_up_and_taken_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE);
        let reserve = Reserve::open(dir.path()).unwrap();
        let found = fs::metadata(&file).unwrap();
        assert!(found.blocks() * 512 >= BYTES, "the room is only promised");
        assert_eq!(found.mode() & 0o777, 0o600);
        assert!(!reserve.is_out());

        assert!(reserve.release());
        assert!(reserve.is_out() && !file.exists());
        assert!(!reserve.release(), "it is given up once");

        reserve.admit().unwrap();
        assert!(!reserve.is_out() && file.exists());
        drop(reserve);
        assert!(!Reserve::open(dir.path()).unwrap().is_out());
    }

    #[test]
    fn a_file_system_that_cannot_be_asked_is_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("filled");
        fill(File::create(&path).unwrap()).unwrap();
        assert!(fs::metadata(&path).unwrap().blocks() * 512 >= BYTES);
    }
}
