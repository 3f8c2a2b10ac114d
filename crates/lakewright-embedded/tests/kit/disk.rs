//! A disk that is small enough to be filled.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Trial};

/// A tmpfs. Dropping it unmounts it.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: tempfile::TempDir,
    data: PathBuf,
}

impl Disk {
    /// Mounts a tmpfs of this size. The error is the reason why that is not possible here: it takes
    /// root on Linux.
    fn of_mebibytes(size: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}m,mode=700"), "tmpfs"])
            .arg(folder.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => {
                let data = folder.path().join("data");
                Ok(Self { folder, data })
            }
            Ok(output) => {
                let message = String::from_utf8_lossy(&output.stderr);
                Err(message.lines().next().unwrap_or_default().to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
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

/// A test of a server on a small disk.
pub(crate) struct DiskTest {
    pub(crate) name: &'static str,
    pub(crate) mebibytes: u32,
    pub(crate) run: fn(Disk),
}

/// Runs tests as the built-in harness does. A test without its disk is counted as ignored, with the
/// reason, or fails if `LAKEWRIGHT_TEST_REQUIRE` contains `embedded`. `others` need no disk.
pub(crate) fn run<const N: usize, const M: usize>(
    tests: [DiskTest; N],
    others: [Trial; M],
) -> ExitCode {
    let required = std::env::var("LAKEWRIGHT_TEST_REQUIRE")
        .is_ok_and(|list| list.split(',').any(|name| name.trim() == "embedded"));
    let trial = |DiskTest { name, mebibytes, run }| {
        Trial::ignorable_test(name, move || match Disk::of_mebibytes(mebibytes) {
            Ok(disk) => {
                run(disk);
                Ok(Completion::Completed)
            }
            Err(reason) => {
                let reason = format!("a small disk cannot be mounted: {reason}");
                if required { Err(reason.into()) } else { Ok(Completion::ignored_with(reason)) }
            }
        })
    };
    let trials = tests.map(trial).into_iter().chain(others).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
