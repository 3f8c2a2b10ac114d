//! The data directory: an explicit marker file shows that a directory is one. A server takes an
//! empty directory or one with the marker, and touches no other.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::folder::Folder;
use crate::trust;

/// Name of the marker file.
const MARKER: &str = "lakewright-data";

/// Content of the marker file. A server that was killed while it wrote the file has left the
/// beginning of it.
const CONTENT: &[u8] =
    b"This directory holds the data of an embedded server of lakewright. Format 1.\n";

/// Names in a data directory of before the marker was introduced.
const EARLIER: [&str; 11] = [
    "blobs",
    "credentials.json",
    "credentials.json.new",
    "index.redb",
    "index.redb.new",
    "lock",
    "reserve",
    "server.json",
    "server.json.new",
    "tmp",
    MARKER,
];

/// The first bytes of every database of redb.
const DATABASE: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";

/// Opens a data directory. `None` when there is none.
///
/// # Errors
/// Those of [`trust::open`] and of the file system.
pub(crate) fn open(path: &Path) -> io::Result<Option<Folder>> {
    let Some(folder) = trust::open(path)? else { return Ok(None) };
    Ok(has_marker(&folder)?.then_some(folder))
}

/// Opens a data directory; makes one of a missing or an empty directory.
///
/// # Errors
/// `InvalidInput` for a directory with other content, in which nothing is changed; those of
/// [`trust::open`] and of the file system.
pub(crate) fn open_or_create(path: &Path) -> io::Result<Folder> {
    let folder = trust::open_or_create(path)?;
    if has_marker(&folder)? {
        return Ok(folder);
    }
    let names = folder.names()?;
    if names.is_empty() {
        create_marker(&folder)?;
    } else if is_earlier_format(&folder, &names)? {
        // The file held credentials for a server that listened on TCP.
        folder.remove_if_present("server.json")?;
        folder.remove_if_present("server.json.new")?;
        create_marker(&folder)?;
    } else if !has_marker(&folder)? {
        // Another process had not created the marker before the names were listed either.
        let message = format!(
            "the directory is not empty and no data directory of lakewright (it has no file \
             `{MARKER}`): choose a new or an empty directory. Nothing in it was changed"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(folder)
}

fn has_marker(folder: &Folder) -> io::Result<bool> {
    let Some(file) = folder.open(MARKER)? else { return Ok(false) };
    let mut content = Vec::new();
    file.take(CONTENT.len() as u64 + 1).read_to_end(&mut content)?;
    if CONTENT.starts_with(&content) {
        return Ok(true);
    }
    let message = format!(
        "`{MARKER}` was written by another program or a later version of lakewright: choose another \
         directory"
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

fn create_marker(folder: &Folder) -> io::Result<()> {
    match folder.create_new(MARKER) {
        Ok(mut file) => {
            file.write_all(CONTENT)?;
            file.sync_all()?;
            folder.sync()
        }
        // Another process took the directory at the same moment; the lock decides which serves it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether the directory is plainly one of an earlier version: it has an index, and nothing that a
/// server does not put there.
fn is_earlier_format(folder: &Folder, names: &[OsString]) -> io::Result<bool> {
    if !names.iter().all(|name| EARLIER.iter().any(|known| name == known)) {
        return Ok(false);
    }
    let Some(index) = folder.open("index.redb")? else { return Ok(false) };
    let mut first = Vec::new();
    index.take(DATABASE.len() as u64).read_to_end(&mut first)?;
    Ok(first == DATABASE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_empty_and_marked_directories_are_taken() {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("dir");
        assert!(open(&dir).unwrap().is_none() && !dir.exists());
        open_or_create(&dir).unwrap();
        assert!(open(&dir).unwrap().is_some());
        open_or_create(&dir).unwrap();
        // A server was killed while it wrote the marker.
        fs::write(dir.join(MARKER), &CONTENT[..5]).unwrap();
        fs::write(dir.join("thesis.txt"), b"thesis").unwrap();
        open_or_create(&dir).unwrap();
        fs::write(dir.join(MARKER), b"something else").unwrap();
        assert_eq!(open_or_create(&dir).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        fs::remove_file(dir.join(MARKER)).unwrap();
        assert!(open(&dir).unwrap().is_none());
        assert_eq!(open_or_create(&dir).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
    }

    #[test]
    fn directories_of_the_earlier_format_get_the_marker() {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("dir");
        fs::create_dir_all(dir.join("blobs/00")).unwrap();
        fs::create_dir(dir.join("tmp")).unwrap();
        fs::write(dir.join("lock"), b"1\n").unwrap();
        fs::write(dir.join("server.json"), b"{}").unwrap();
        assert!(open_or_create(&dir).is_err(), "without an index");
        fs::write(dir.join("index.redb"), b"SQLite format 3").unwrap();
        assert!(open_or_create(&dir).is_err(), "the index of another program");
        let mut index = DATABASE.to_vec();
        index.extend([0; 100]);
        fs::write(dir.join("index.redb"), index).unwrap();
        fs::write(dir.join("thesis.txt"), b"thesis").unwrap();
        assert!(open_or_create(&dir).is_err(), "a file that no server made");
        fs::remove_file(dir.join("thesis.txt")).unwrap();
        open_or_create(&dir).unwrap();
        assert!(open(&dir).unwrap().is_some());
        assert!(!dir.join("server.json").exists());
    }
}
