//! One server a directory: an advisory lock (flock) that the kernel releases when its holder
//! dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Name of the file in the data directory. Never deleted: a lock on a file that was unlinked
/// would exclude nobody.
const FILE: &str = "lock";

/// The right to serve a directory, until dropped.
#[derive(Debug)]
pub(crate) struct DirLock {
    file: File,
}

impl Drop for DirLock {
    /// Closing is not enough: a child that was forked meanwhile has the same open file, and
    /// would keep the lock as long as it lives.
    fn drop(&mut self) {
        // It ends with the file at the latest.
        let _ = self.file.unlock();
    }
}

/// What came of asking for the lock.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is ours.
    Ours(DirLock),
    /// A living process has it; its id, where it wrote one.
    Held(Option<u32>),
}

impl DirLock {
    /// Asks for the lock without waiting.
    pub(crate) fn take(data_dir: &Path) -> io::Result<Taken> {
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
                return Ok(Taken::Held(pid.trim().parse().ok()));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Over the old number and then cut off, not cut off and then written: on a full disk the
        // block that is given up may not come back, and the server could not start.
        let pid = format!("{}\n", std::process::id());
        file.rewind()?;
        file.write_all(pid.as_bytes())?;
        file.set_len(pid.len() as u64)?;
        Ok(Taken::Ours(Self { file }))
    }

    /// Whether somebody holds the lock. A shared lock asks, so that two who ask at the same
    /// time do not take each other for a server.
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
    fn only_one_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!DirLock::is_held(dir.path()).unwrap());
        let Taken::Ours(lock) = DirLock::take(dir.path()).unwrap() else { panic!("taken") };
        assert!(DirLock::is_held(dir.path()).unwrap());
        match DirLock::take(dir.path()).unwrap() {
            Taken::Held(pid) => assert_eq!(pid, Some(std::process::id())),
            Taken::Ours(_) => panic!("two holders"),
        }
        drop(lock);
        assert!(!DirLock::is_held(dir.path()).unwrap());
        assert!(matches!(DirLock::take(dir.path()).unwrap(), Taken::Ours(_)));
    }
}
