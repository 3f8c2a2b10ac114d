//! One server per directory, by an advisory lock (flock). The kernel releases it when the process
//! of its holder ends for any reason.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Name of the file in the data directory. The file is never deleted, because a lock on an unlinked
/// file would exclude no other process.
const FILE: &str = "lock";

/// The exclusive right to serve a directory. Dropping it releases the lock.
#[derive(Debug)]
pub(crate) struct DirLock {
    file: File,
}

impl Drop for DirLock {
    /// Releases the lock explicitly. Closing the file is not enough: a child that was forked
    /// meanwhile shares the open file and would hold the lock until it exits.
    fn drop(&mut self) {
        // A failure is harmless, because closing the file releases the lock as well.
        let _ = self.file.unlock();
    }
}

/// The result of a lock attempt.
#[derive(Debug)]
pub(crate) enum LockAttempt {
    /// The lock was acquired.
    Acquired(DirLock),
    /// Another process holds the lock; its process id, if the file contains one.
    Held(Option<u32>),
}

impl DirLock {
    /// Tries to acquire the lock without waiting.
    pub(crate) fn try_acquire(data_dir: &Path) -> io::Result<LockAttempt> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(data_dir.join(FILE))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid)?;
                return Ok(LockAttempt::Held(pid.trim().parse().ok()));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // The old number is overwritten and the file then truncated, not the reverse: on a full
        // disk a block that is freed may not be available again, and the server could not start.
        let pid = format!("{}\n", std::process::id());
        file.rewind()?;
        file.write_all(pid.as_bytes())?;
        file.set_len(pid.len() as u64)?;
        Ok(LockAttempt::Acquired(Self { file }))
    }

    /// Returns whether a process holds the lock. The probe uses a shared lock, so that two
    /// concurrent probes do not mistake each other for a server.
    pub(crate) fn is_held(data_dir: &Path) -> io::Result<bool> {
        let file = match File::open(data_dir.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_process_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!DirLock::is_held(dir.path()).unwrap());
        let LockAttempt::Acquired(lock) = DirLock::try_acquire(dir.path()).unwrap() else {
            panic!("taken")
        };
        assert!(DirLock::is_held(dir.path()).unwrap());
        match DirLock::try_acquire(dir.path()).unwrap() {
            LockAttempt::Held(pid) => assert_eq!(pid, Some(std::process::id())),
            LockAttempt::Acquired(_) => panic!("two holders"),
        }
        drop(lock);
        assert!(!DirLock::is_held(dir.path()).unwrap());
        assert!(matches!(DirLock::try_acquire(dir.path()).unwrap(), LockAttempt::Acquired(_)));
    }
}
