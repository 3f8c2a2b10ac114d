//! A disk that is small enough to be filled.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tmpfs. Dropping it unmounts it.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: tempfile::TempDir,
    data: PathBuf,
}

impl Disk {
    /// Mounts a tmpfs of this size. `None` without the permission to mount, which takes root on
    /// Linux; the test is then skipped with a message, or fails if `LAKEWRIGHT_TEST_REQUIRE`
    /// contains `embedded`.
    pub(crate) fn of_mebibytes(size: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}m,mode=700"), "tmpfs"])
            .arg(folder.path())
            .output();
        let reason = match mounted {
            Ok(output) if output.status.success() => {
                let data = folder.path().join("data");
                return Some(Self { folder, data });
            }
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        let required = std::env::var("LAKEWRIGHT_TEST_REQUIRE")
            .is_ok_and(|list| list.split(',').any(|name| name.trim() == "embedded"));
        assert!(!required, "a small disk cannot be mounted: {reason}");
        eprintln!("SKIPPED: a small disk cannot be mounted ({reason})");
        None
    }

    /// Returns the directory for the data of a server.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Fills the disk to the last byte with a file outside the data directory.
    pub(crate) fn fill(&self) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("filler"))
            .unwrap();
        for size in [64 * 1024, 4096, 1] {
            let zeros = vec![0; size];
            while match file.write(&zeros) {
                Ok(written) => written > 0,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::StorageFull);
                    false
                }
            } {}
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The lazy mode allows for a killed server whose files are open for a moment.
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}
