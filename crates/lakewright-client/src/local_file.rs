//! Small files of this machine: secrets, profiles and certificates.

use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind, Read as _, Result};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

/// Reads a regular file of at most `max_bytes`. The bytes are overwritten when they are dropped.
///
/// The file may lie in a folder of another user, who can replace it at any moment. So it is opened
/// once, without waiting for the writer of a pipe, and what was opened is checked and read. The null
/// device counts as an empty file, because `/dev/null` is the usual name for no file.
///
/// # Errors
/// Those of opening and reading; `InvalidInput` for a directory, a pipe or a device, and
/// `FileTooLarge`.
pub(crate) fn read_small_file(path: &Path, max_bytes: usize) -> Result<Zeroizing<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if is_null_device(&metadata) {
        return Ok(Zeroizing::default());
    }
    if !metadata.is_file() {
        let why = format!("it is {}, not a regular file", kind_of(&metadata));
        return Err(Error::new(ErrorKind::InvalidInput, why));
    }
    // The buffer has its final size from the start, because one that grows leaves copies behind. One
    // byte more than the limit shows that a file is larger, whatever size it had before.
    let mut bytes = Zeroizing::new(vec![0; max_bytes + 1]);
    let mut length = 0;
    while length < bytes.len() {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if length > max_bytes {
        let why = format!("it has more than {max_bytes} bytes");
        return Err(Error::new(ErrorKind::FileTooLarge, why));
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn is_null_device(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device()
        && std::fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == metadata.rdev())
}

fn kind_of(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// Reads in another thread, because a regression would wait forever.
    fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
        let (sender, result) = mpsc::channel();
        let path = path.to_owned();
        std::thread::spawn(move || sender.send(read_small_file(&path, 8)));
        result.recv_timeout(Duration::from_secs(10)).expect("reading does not wait")
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for content in ["", "short", "8 bytes!"] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(*read(&path).unwrap(), content.as_bytes());
        }
        std::fs::write(&path, "9 bytes !").unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(read(&dir.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(read(Path::new("/dev/null")).unwrap().is_empty());
    }

    #[test]
    fn other_kinds_of_files_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for (path, kind) in [
            (pipe.as_path(), "a pipe"),
            (&link, "a pipe"),
            (dir.path(), "a directory"),
            (Path::new("/dev/zero"), "a device"),
        ] {
            let error = read(path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert_eq!(error.to_string(), format!("it is {kind}, not a regular file"));
        }
    }
}
