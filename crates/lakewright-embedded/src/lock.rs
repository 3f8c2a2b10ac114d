//! One server per directory, by an advisory lock (flock). The kernel releases it when the process
//! of its holder ends for any reason.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};

use crate::folder::Folder;

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
    pub(crate) fn try_acquire(data: &Folder) -> io::Result<LockAttempt> {
        let mut file = data.open_or_create(FILE)?;
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust;

    #[test]
    fn only_one_process_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let data = trust::open_or_create(dir.path()).unwrap();
        let LockAttempt::Acquired(lock) = DirLock::try_acquire(&data).unwrap() else {
            panic!("taken")
        };
        match DirLock::try_acquire(&data).unwrap() {
            LockAttempt::Held(pid) => assert_eq!(pid, Some(std::process::id())),
            LockAttempt::Acquired(_) => panic!("two holders"),
        }
        drop(lock);
        assert!(matches!(DirLock::try_acquire(&data).unwrap(), LockAttempt::Acquired(_)));
    }
}
