//! `upload`

use std::path::Path;

use bytes::Bytes;
use lakewright_core::{Error, ErrorKind, ObjectKey, Result};
use tokio::io::AsyncReadExt;

use super::progress::Moved;
use super::put::ONE_PUT;
use super::{Bucket, Multipart, ObjectInfo, Progress, PutOptions};

impl Bucket {
    /// Writes the content of a file as an object. Large files are uploaded in parts; the object
    /// becomes visible as a whole or not at all.
    ///
    /// # Errors
    /// Those of [`Bucket::put`]; `NotFound`, `Denied` or `InvalidInput` for a file that cannot
    /// be read; `Conflict` when its size changes meanwhile.
    pub async fn upload(
        &self,
        path: &Path,
        key: &ObjectKey,
        options: PutOptions,
        progress: Progress<'_>,
    ) -> Result<ObjectInfo> {
        let failed = |error: Error| error.during("upload").on(path.display().to_string());
        let local = |error| failed(local_error(error, path));
        let mut file = tokio::fs::File::open(path).await.map_err(local)?;
        let metadata = file.metadata().await.map_err(local)?;
        if metadata.is_dir() {
            return Err(failed(Error::invalid_input("this is a directory, not a file")));
        }
        let size = metadata.len();
        let known = metadata.is_file().then_some(size);
        let mut moved = Moved::of(known, progress);
        if metadata.is_file() && size <= ONE_PUT as u64 {
            let bytes = read(&mut file, usize::try_from(size).unwrap_or(ONE_PUT) + 1)
                .await
                .map_err(local)?;
            if bytes.len() as u64 != size {
                return Err(failed(changed()));
            }
            let info = self.put_once(key, bytes, &options, "upload").await?;
            moved.add(size);
            return Ok(info);
        }
        let part = Multipart::part_bytes(options.part_bytes, known).map_err(failed)?;
        let mut upload = Multipart::create(self.clone(), key.clone(), options, "upload").await?;
        loop {
            let piece = read(&mut file, part).await.map_err(local)?;
            let bytes = piece.len() as u64;
            // S3 requires at least one part, even for an empty pipe.
            if bytes == 0 && moved.done() > 0 {
                break;
            }
            upload.send(piece).await?;
            moved.add(bytes);
            if bytes < part as u64 {
                break;
            }
        }
        if known.is_some_and(|size| size != moved.done()) {
            return Err(failed(changed()));
        }
        upload.complete().await
    }
}

/// Reads `bytes` bytes, fewer only at the end of the file.
async fn read(file: &mut tokio::fs::File, bytes: usize) -> std::io::Result<Bytes> {
    let mut piece = Vec::with_capacity(bytes);
    file.take(bytes as u64).read_to_end(&mut piece).await?;
    Ok(piece.into())
}

fn changed() -> Error {
    Error::new(ErrorKind::Conflict, "the file changed its size while it was read")
}

/// Converts an error of the file system.
pub(super) fn local_error(error: std::io::Error, path: &Path) -> Error {
    let kind = ErrorKind::from(error.kind());
    Error::new(kind, error.to_string()).on(path.display().to_string()).caused_by(error)
}
