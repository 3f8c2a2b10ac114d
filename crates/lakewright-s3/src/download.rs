//! `download`

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use lakewright_core::{Error, ErrorKind, ObjectKey, Result};
use tokio::io::AsyncWriteExt;

use super::progress::Moved;
use super::upload::local_error;
use super::{Bucket, GetOptions, ObjectInfo, Progress};

/// The size of the pieces in which a file is written, in bytes: few system calls, little memory.
const PIECE: usize = 1 << 20;

impl Bucket {
    /// Writes an object to a file. The file appears, or replaces an older one, only when it is
    /// complete; after an error the old file is unchanged and no temporary file is left. A file that
    /// is replaced keeps its permissions, a new one has those that the umask gives; until it is
    /// complete only its owner can read it.
    ///
    /// # Errors
    /// Those of [`Bucket::get`]; `NotFound`, `Denied` or `StorageFull` for the file.
    pub async fn download(
        &self,
        key: &ObjectKey,
        path: &Path,
        options: GetOptions,
        progress: Progress<'_>,
    ) -> Result<ObjectInfo> {
        use futures::StreamExt;
        let shown = path.display().to_string();
        let failed = |error: Error| error.during("download").on(shown.clone());
        let local = |error| failed(local_error(error, path));
        // A symbolic link is followed to its target. Only a regular file is ever replaced.
        let resolved = tokio::fs::canonicalize(path).await.unwrap_or_else(|_| path.to_owned());
        let path = resolved.as_path();
        let replaced = tokio::fs::metadata(path).await;
        match &replaced {
            Ok(there) if there.is_dir() => {
                return Err(failed(Error::invalid_input("this is a directory; name the file")));
            }
            Ok(there) if !there.is_file() => {
                return Err(failed(Error::invalid_input("this is no plain file; use get_stream")));
            }
            Ok(_) | Err(_) => {}
        }
        let object = self.open(key, options, "download").await?;
        let unfinished = Unfinished::beside(path).map_err(failed)?;
        let mode = match replaced {
            Ok(there) => there.permissions().mode() & 0o777,
            Err(_) => unfinished.default_mode().await.map_err(local)?,
        };
        let mut file = unfinished.create().await.map_err(local)?;
        let mut moved = Moved::of(Some(object.body.remaining()), progress);
        let mut pieces = std::pin::pin!(object.body.into_pieces(PIECE));
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            file.write_all(&piece).await.map_err(local)?;
            moved.add(piece.len() as u64);
        }
        file.flush().await.map_err(local)?;
        file.set_permissions(Permissions::from_mode(mode)).await.map_err(local)?;
        file.sync_all().await.map_err(local)?;
        tokio::fs::rename(&unfinished.0, path).await.map_err(local)?;
        Ok(object.info)
    }
}

/// The path of an incomplete file, which is removed on drop unless it was renamed.
struct Unfinished(PathBuf);

impl Unfinished {
    fn beside(path: &Path) -> Result<Self> {
        use std::hash::{BuildHasher, Hasher};
        let Some(name) = path.file_name() else {
            return Err(Error::new(ErrorKind::InvalidInput, "the path names no file"));
        };
        // Two downloads to one path must not write to the same temporary file.
        let nonce = std::hash::RandomState::new().build_hasher().finish();
        // Names have at most 255 bytes on the usual file systems, so a long one is cut.
        let stem: String = name.to_string_lossy().chars().take(32).collect();
        Ok(Self(path.with_file_name(format!(".{stem}.{nonce:016x}.part"))))
    }

    /// Creates the file, which only its owner can read.
    async fn create(&self) -> std::io::Result<tokio::fs::File> {
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).open(&self.0).await
    }

    /// Returns the mode of new files: that of an empty file, which is removed again. The umask could
    /// be read only by changing it, for all threads of the process, and a default ACL of the folder
    /// replaces it.
    async fn default_mode(&self) -> std::io::Result<u32> {
        let probe = tokio::fs::File::create_new(&self.0).await?;
        let mode = probe.metadata().await?.permissions().mode();
        tokio::fs::remove_file(&self.0).await?;
        Ok(mode & 0o777)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the rename the file does not exist any more, so an error is expected.
        let _ = std::fs::remove_file(&self.0);
    }
}
