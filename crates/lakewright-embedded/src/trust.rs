//! The way to a data directory. A user who may write to a directory may exchange its content, so the
//! directory, all directories above it and all symbolic links on the way must belong to this user
//! or to root, and no other user may write to them.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::{geteuid, getgid};

use crate::folder::Folder;

/// Largest number of symbolic links on the way, as in the kernel.
const MAX_LINKS: usize = 40;

/// Flags of the directories on the way. With `O_PATH` the right to list them is not needed.
#[cfg(target_os = "linux")]
const PASSING: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const PASSING: OFlags = OFlags::RDONLY;

const FLAGS: OFlags = OFlags::NOFOLLOW.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens a directory. `None` when it does not exist.
///
/// # Errors
/// `PermissionDenied` with a sentence when another user could exchange the directory or its content.
pub(crate) fn open(path: &Path) -> io::Result<Option<Folder>> {
    walk(path, Missing::Report)
}

/// Opens a directory; creates it and its missing parents with mode 0700.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_or_create(path: &Path) -> io::Result<Folder> {
    walk(path, Missing::Create)?.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// The treatment of a directory that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    Report,
    Create,
}

fn walk(path: &Path, missing: Missing) -> io::Result<Option<Folder>> {
    let absolute = std::path::absolute(path)?;
    let mut ahead: VecDeque<OsString> = names(&absolute).collect();
    let mut place = Place::root()?;
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        let here = place.path.join(&name);
        let stat = match fs::statat(&place.descriptor, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) if missing == Missing::Report => return Ok(None),
            Err(Errno::NOENT) => {
                match fs::mkdirat(&place.descriptor, &name, Mode::RWXU) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                fs::statat(&place.descriptor, &name, AtFlags::SYMLINK_NOFOLLOW)?
            }
            Err(error) => return Err(error.into()),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                check_owner(&here, &stat)?;
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::LOOP.into());
                }
                let target = fs::readlinkat(&place.descriptor, &name, Vec::new())?;
                let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                if target.is_absolute() {
                    place = Place::root()?;
                }
                for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
                    ahead.push_front(name);
                }
            }
            FileType::Directory => place = place.enter(&name, here)?,
            _ => return Err(Errno::NOTDIR.into()),
        }
    }
    place.into_folder(absolute).map(Some)
}

/// Returns the names that a path consists of, without `/` and `.`.
fn names(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

/// A directory on the way that was checked.
struct Place {
    descriptor: OwnedFd,
    /// The path without links, for messages.
    path: PathBuf,
}

impl Place {
    fn root() -> io::Result<Self> {
        let descriptor = fs::open("/", FLAGS | PASSING, Mode::empty())?;
        check_directory(Path::new("/"), &fs::fstat(&descriptor)?, Sticky::Accepted)?;
        Ok(Self { descriptor, path: "/".into() })
    }

    fn enter(&self, name: &OsStr, path: PathBuf) -> io::Result<Self> {
        let descriptor = fs::openat(&self.descriptor, name, FLAGS | PASSING, Mode::empty())?;
        check_directory(&path, &fs::fstat(&descriptor)?, Sticky::Accepted)?;
        Ok(Self { descriptor, path })
    }

    /// Opens the directory itself, which must belong to this user.
    fn into_folder(self, path: PathBuf) -> io::Result<Folder> {
        let flags = FLAGS | OFlags::RDONLY;
        let descriptor = fs::openat(&self.descriptor, ".", flags, Mode::empty())?;
        let stat = fs::fstat(&descriptor)?;
        if stat.st_uid != geteuid().as_raw() {
            return Err(refuse(&path, &format!("belongs to user {}", stat.st_uid)));
        }
        check_directory(&path, &stat, Sticky::Refused)?;
        Ok(Folder::new(descriptor, path))
    }
}

/// Whether others may write to a directory in which they cannot rename or delete what is not theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sticky {
    Accepted,
    Refused,
}

fn check_directory(path: &Path, stat: &Stat, sticky: Sticky) -> io::Result<()> {
    check_owner(path, stat)?;
    let is_sticky = sticky == Sticky::Accepted && stat.st_mode & 0o1000 != 0;
    // A user's private group has the number of its user, and the user as its only member; systems
    // that create such groups let them write by default (umask 002).
    let is_private_group = stat.st_uid == geteuid().as_raw()
        && stat.st_gid == getgid().as_raw()
        && stat.st_gid == stat.st_uid;
    let writable_by_others =
        stat.st_mode & 0o002 != 0 || (stat.st_mode & 0o020 != 0 && !is_private_group);
    if writable_by_others && !is_sticky {
        return Err(refuse(path, "may be written to by other users (see chmod go-w)"));
    }
    Ok(())
}

fn check_owner(path: &Path, stat: &Stat) -> io::Result<()> {
    let owner = stat.st_uid;
    if owner == geteuid().as_raw() || owner == 0 || Some(owner) == *UNMAPPED_ROOT {
        return Ok(());
    }
    Err(refuse(path, &format!("belongs to user {owner}")))
}

fn refuse(path: &Path, why: &str) -> io::Error {
    let message = format!(
        "{} {why}: a data directory and all directories above it must belong to you or root, and \
         only you may write to them",
        path.display()
    );
    io::Error::new(io::ErrorKind::PermissionDenied, message)
}

/// The number by which files of root appear in a user namespace without root, such as the sandbox
/// of Nix or Bubblewrap; `None` where root is known as 0.
static UNMAPPED_ROOT: LazyLock<Option<u32>> = LazyLock::new(|| {
    // Each line of the map is the first number inside, the first one outside, and how many.
    let map = std::fs::read_to_string("/proc/self/uid_map").ok()?;
    let maps_root = map.lines().any(|line| line.split_whitespace().next() == Some("0"));
    let number = std::fs::read_to_string("/proc/sys/kernel/overflowuid").ok()?;
    if maps_root { None } else { number.trim().parse().ok() }
});

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn directories_that_others_may_write_to_are_refused() {
        let top = tempfile::tempdir().unwrap();
        let above = top.path().join("above");
        let dir = above.join("dir");
        fs::create_dir_all(&dir).unwrap();
        assert!(open(&dir).unwrap().is_some());
        for (path, mode, accepted) in [
            (&above, 0o777, false),
            (&above, 0o1777, true),
            (&above, 0o755, true),
            (&dir, 0o777, false),
            (&dir, 0o1777, false),
            (&dir, 0o755, true),
        ] {
            set_mode(path, mode);
            let opened = open(&dir);
            assert_eq!(opened.is_ok(), accepted, "{} {mode:o}", path.display());
            if let Err(error) = opened {
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
                assert!(error.to_string().contains("other users"), "{error}");
            }
        }
    }

    #[test]
    fn the_way_is_walked_as_the_kernel_does() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path();
        fs::create_dir(top.join("real")).unwrap();
        symlink("real", top.join("relative")).unwrap();
        symlink(top.join("relative"), top.join("absolute")).unwrap();
        symlink("loop", top.join("loop")).unwrap();
        fs::write(top.join("file"), b"").unwrap();
        for path in ["real", "relative", "absolute", "absolute/../real/.", "real/../relative"] {
            let folder = open(&top.join(path)).unwrap().unwrap();
            folder.create_new("found").unwrap();
            fs::remove_file(top.join("real/found")).expect(path);
        }
        assert!(open(&top.join("real/missing")).unwrap().is_none());
        assert_eq!(open(&top.join("loop")).unwrap_err().raw_os_error(), Some(40));
        let not_a_directory = open(&top.join("file")).unwrap_err();
        assert_eq!(not_a_directory.kind(), io::ErrorKind::NotADirectory);
        let created = open_or_create(&top.join("relative/a/b")).unwrap();
        assert_eq!(created.path(), top.join("relative/a/b"));
        assert_eq!(fs::metadata(top.join("real/a")).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
