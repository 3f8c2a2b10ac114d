//! Open folders. Files are opened, renamed and deleted by name within a folder that is open, never
//! by a path, so that nothing that happens to the path afterwards can lead elsewhere.
//!
//! Every file that exists already is checked after it was opened: it must be a regular file of this
//! user. A symbolic link is not followed, and a FIFO does not block.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::geteuid;

/// Mode of folders: only the owner has access.
const FOLDER_MODE: Mode = Mode::RWXU;

/// Mode of files: only the owner has access.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Flags of every open call: a link is not followed, a FIFO does not block, a terminal does not
/// become the controlling one, and child processes do not inherit the descriptor.
const FLAGS: OFlags =
    OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder {
    descriptor: OwnedFd,
    /// The path by which it was opened, for messages and for the address of the socket.
    path: PathBuf,
}

/// The number of names that a file may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Links {
    /// One. A second one could be in a folder that others write to.
    One,
    /// Any number: a copy of a blob is a second name of its file.
    Any,
}

impl Folder {
    /// Wraps an open directory.
    pub(crate) fn new(descriptor: OwnedFd, path: PathBuf) -> Self {
        Self { descriptor, path }
    }

    /// Returns the path by which the folder was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the descriptor.
    pub(crate) fn descriptor(&self) -> &OwnedFd {
        &self.descriptor
    }

    /// Opens a folder inside this one.
    pub(crate) fn folder(&self, name: &str) -> io::Result<Self> {
        let flags = FLAGS | OFlags::RDONLY | OFlags::DIRECTORY;
        let descriptor = fs::openat(&self.descriptor, name, flags, Mode::empty())
            .map_err(|error| self.open_error(error, name))?;
        let stat = fs::fstat(&descriptor)?;
        if stat.st_uid != geteuid().as_raw() || stat.st_mode & 0o022 != 0 {
            return Err(self.refuse(name, "belongs to another user, or others may write to it"));
        }
        Ok(Self { descriptor, path: self.path.join(name) })
    }

    /// Opens a folder inside this one; creates it if it is missing.
    pub(crate) fn folder_or_create(&self, name: &str) -> io::Result<Self> {
        match fs::mkdirat(&self.descriptor, name, FOLDER_MODE) {
            Ok(()) | Err(Errno::EXIST) => self.folder(name),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a file for reading; `None` when it does not exist.
    pub(crate) fn open(&self, name: &str) -> io::Result<Option<File>> {
        absent_as_none(self.open_file(name, OFlags::RDONLY, Links::One))
    }

    /// Opens a file for reading that may have further names in this data directory.
    pub(crate) fn open_shared(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDONLY, Links::Any)
    }

    /// Opens a file for reading and writing; creates it if it is missing.
    pub(crate) fn open_or_create(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR | OFlags::CREATE, Links::One)
    }

    /// Creates a file for reading and writing. Fails if the name exists, whatever it is.
    pub(crate) fn create_new(&self, name: &str) -> io::Result<File> {
        let flags = FLAGS | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        Ok(fs::openat(&self.descriptor, name, flags, FILE_MODE)?.into())
    }

    fn open_file(&self, name: &str, access: OFlags, links: Links) -> io::Result<File> {
        let descriptor = fs::openat(&self.descriptor, name, FLAGS | access, FILE_MODE)
            .map_err(|error| self.open_error(error, name))?;
        let stat = fs::fstat(&descriptor)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(self.refuse(name, "is not a regular file"));
        }
        if stat.st_uid != geteuid().as_raw() {
            return Err(self.refuse(name, "belongs to another user"));
        }
        if links == Links::One && stat.st_nlink != 1 {
            return Err(self.refuse(name, "has a second name (a hard link)"));
        }
        Ok(descriptor.into())
    }

    /// Returns the metadata of a name, without following a link; `None` when it does not exist.
    pub(crate) fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        let stat = fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW);
        absent_as_none(stat.map_err(io::Error::from))
    }

    /// Returns all names in the folder.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.descriptor)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name.to_vec()));
            }
        }
        Ok(names)
    }

    /// Removes a name that is not a folder. A link is removed, not what it refers to.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.descriptor, name, AtFlags::empty())?)
    }

    /// Removes a name that may not exist.
    pub(crate) fn remove_if_present(&self, name: &str) -> io::Result<()> {
        absent_as_none(self.remove(name)).map(|_| ())
    }

    /// Moves a file to `target` in another folder, or renames it. An existing target is replaced.
    pub(crate) fn rename(&self, name: &str, folder: &Self, target: &str) -> io::Result<()> {
        Ok(fs::renameat(&self.descriptor, name, &folder.descriptor, target)?)
    }

    /// Gives a file a second name in another folder.
    pub(crate) fn link(&self, name: &str, folder: &Self, target: &str) -> io::Result<()> {
        let flags = AtFlags::empty();
        Ok(fs::linkat(&self.descriptor, name, &folder.descriptor, target, flags)?)
    }

    /// Restricts a name to its owner.
    pub(crate) fn make_private(&self, name: &str) -> io::Result<()> {
        Ok(fs::chmodat(&self.descriptor, name, FILE_MODE, AtFlags::empty())?)
    }

    /// Flushes the folder, so that its names survive a loss of power: on Linux the fsync of a file
    /// does not guarantee that its name is on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(fs::fsync(&self.descriptor)?)
    }

    /// Writes a file of mode 0600 under a temporary name and renames it, so that a reader sees
    /// either the old content or the new one.
    pub(crate) fn write_private(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let temporary = format!("{name}.new");
        self.remove_if_present(&temporary)?;
        let mut file = self.create_new(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        self.rename(&temporary, self, name)?;
        self.sync()
    }

    /// Reads a file that holds secrets, and first restricts it to mode 0600 if group or others have
    /// access. `None` when it does not exist.
    pub(crate) fn read_private(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(mut file) = self.open(name)? else { return Ok(None) };
        if fs::fstat(&file)?.st_mode & 0o077 != 0 {
            fs::fchmod(&file, FILE_MODE)?;
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok(Some(content))
    }

    /// Returns the error of an open call, with a sentence for what may be an attack.
    fn open_error(&self, error: Errno, name: &str) -> io::Error {
        match error {
            Errno::LOOP => self.refuse(name, "is a symbolic link"),
            Errno::NOTDIR => self.refuse(name, "is not a folder"),
            Errno::ISDIR => self.refuse(name, "is a folder"),
            // The error of opening a socket, or a FIFO without a reader.
            Errno::NXIO => self.refuse(name, "is not a regular file"),
            error => error.into(),
        }
    }

    fn refuse(&self, name: &str, why: &str) -> io::Error {
        let message = format!(
            "{} {why}: the server uses only regular files and folders of the user who runs it",
            self.path.join(name).display()
        );
        io::Error::new(io::ErrorKind::PermissionDenied, message)
    }
}

/// Returns `None` for a name that does not exist.
fn absent_as_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    #[test]
    fn private_files_keep_their_mode() {
        let dir = tempfile::tempdir().unwrap();
        let folder = trust::open_or_create(dir.path()).unwrap();
        assert!(folder.read_private("keys").unwrap().is_none());
        folder.write_private("keys", b"one").unwrap();
        folder.write_private("keys", b"two").unwrap();
        let path = dir.path().join("keys");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(folder.read_private("keys").unwrap().unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(folder.names().unwrap(), ["keys"], "no temporary file is left");
    }

    #[test]
    fn only_regular_files_with_one_name_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let folder = trust::open_or_create(dir.path()).unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("file"), b"content").unwrap();
        symlink(path("file"), path("link")).unwrap();
        symlink(path("missing"), path("dangling")).unwrap();
        std::fs::hard_link(path("file"), path("second")).unwrap();
        std::fs::create_dir(path("folder")).unwrap();
        let fifo = FileType::Fifo;
        fs::mknodat(folder.descriptor(), "fifo", fifo, FILE_MODE, 0).unwrap();
        for name in ["file", "link", "dangling", "second", "folder", "fifo"] {
            for opened in [folder.open(name).map(|_| ()), folder.open_or_create(name).map(|_| ())] {
                let error = opened.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{name}: {error}");
                assert!(error.to_string().contains(name), "{error}");
            }
        }
        assert!(!path("missing").exists(), "the target of a link was created");
        assert_eq!(std::fs::read(path("file")).unwrap(), b"content");
        assert!(folder.open_shared("second").is_ok());
        for name in ["file", "link"] {
            assert!(folder.folder(name).is_err(), "{name}");
        }
        symlink(path("folder"), path("linked-folder")).unwrap();
        assert!(folder.folder_or_create("linked-folder").is_err());
        std::fs::set_permissions(path("folder"), std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(folder.folder("folder").is_err(), "others may write to it");
    }
}
