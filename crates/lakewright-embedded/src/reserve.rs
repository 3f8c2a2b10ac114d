//! Disk space that is reserved for deletions. A copy-on-write database needs free pages even to
//! remove a row, so on a completely full disk no object could be deleted and the disk would stay
//! full. A file of some megabytes is kept for this case: it is released when a deletion finds the
//! disk full, and created again as soon as there is space.
//!
//! While the reserve is released only deletions may write; uploads would use up the space that
//! deletions need.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use crate::folder::Folder;

/// Name of the file in the data directory.
const FILE: &str = "reserve";

/// Size of the reserve. A batch delete of 1,000 keys that lie far apart copies some 2,000 pages of
/// 4 KiB: those of the objects and those of the small blobs.
const BYTES: u64 = 8 * 1024 * 1024;

/// The reserve file of one data directory.
#[derive(Debug)]
pub(crate) struct Reserve {
    data: Arc<Folder>,
    released: AtomicBool,
    /// Held while the file is created or removed.
    file_lock: Mutex<()>,
}

impl Reserve {
    /// Opens the reserve and creates its file if there is space. A directory on a full disk can be
    /// served without it.
    pub(crate) fn open(data: &Arc<Folder>) -> io::Result<Self> {
        let reserve = Self {
            data: Arc::clone(data),
            released: AtomicBool::new(true),
            file_lock: Mutex::new(()),
        };
        if !reserve.try_restore()? {
            tracing::warn!("the disk is full: until there is space, only deletions are possible");
        }
        Ok(reserve)
    }

    /// Returns whether the reserve was released and not created again yet.
    pub(crate) fn is_released(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }

    /// Creates the file unless it exists. Returns `false` when there is no space for it.
    pub(crate) fn try_restore(&self) -> io::Result<bool> {
        if !self.is_released() {
            return Ok(true);
        }
        let _guard = self.file_lock.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_released() {
            return Ok(true); // Another thread created it first.
        }
        let file = match self.data.open_or_create(FILE) {
            Ok(file) => file,
            Err(error) if is_full(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        match allocate(file) {
            Ok(()) => {
                self.released.store(false, Ordering::Release);
                Ok(true)
            }
            Err(error) => {
                // A partly allocated file would only occupy space.
                let _ = self.data.remove(FILE);
                if is_full(&error) { Ok(false) } else { Err(error) }
            }
        }
    }

    /// Releases the space for deletions. Returns whether the reserve still had it.
    pub(crate) fn release(&self) -> bool {
        let _guard = self.file_lock.lock().unwrap_or_else(PoisonError::into_inner);
        // The flag is set before the space is freed, because writers check the flag.
        if self.released.swap(true, Ordering::AcqRel) {
            return false;
        }
        match self.data.remove(FILE) {
            Ok(()) => {
                tracing::warn!(
                    "the disk is full: until there is space, only deletions are possible"
                );
                true
            }
            Err(error) => {
                tracing::error!(%error, "the reserve could not be released");
                false
            }
        }
    }

    /// Fails with `StorageFull` while the reserve is released and cannot be created again.
    pub(crate) fn check_writable(&self) -> io::Result<()> {
        if self.try_restore()? { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }
}

/// Allocates the space.
fn allocate(file: File) -> io::Result<()> {
    match fallocate(&file, FallocateFlags::empty(), 0, BYTES) {
        Ok(()) => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(file),
        Err(error) => Err(error.into()),
    }
}

/// Allocates space by writing, for file systems without `fallocate`.
fn fill(mut file: File) -> io::Result<()> {
    use std::io::Write as _;
    let zeros = vec![0; 64 * 1024];
    for _ in 0..BYTES / zeros.len() as u64 {
        file.write_all(&zeros)?;
    }
    // A file system with delayed allocation reports a full disk only here.
    file.sync_all()
}

/// Returns whether this is the error of a full disk.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust;
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn the_reserve_is_created_released_and_restored() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE);
        let data = Arc::new(trust::open_or_create(dir.path()).unwrap());
        let reserve = Reserve::open(&data).unwrap();
        let found = fs::metadata(&file).unwrap();
        assert!(found.blocks() * 512 >= BYTES, "the space is not allocated");
        assert_eq!(found.mode() & 0o777, 0o600);
        assert!(!reserve.is_released());

        assert!(reserve.release());
        assert!(reserve.is_released() && !file.exists());
        assert!(!reserve.release(), "a released reserve is released again");

        reserve.check_writable().unwrap();
        assert!(!reserve.is_released() && file.exists());
        drop(reserve);
        assert!(!Reserve::open(&data).unwrap().is_released());
    }

    #[test]
    fn fill_allocates_the_space() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("filled");
        fill(File::create(&path).unwrap()).unwrap();
        assert!(fs::metadata(&path).unwrap().blocks() * 512 >= BYTES);
    }
}
