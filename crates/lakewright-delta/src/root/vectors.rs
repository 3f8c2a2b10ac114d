//! Deletion vectors: which rows of a file are deleted.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StructArray};
use arrow::datatypes::Int32Type;
use async_trait::async_trait;
use deltalake::DeltaTable;
use futures::StreamExt;
use futures::stream::BoxStream;
use lakewright_core::{Error, ErrorKind, Result};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use roaring::RoaringTreemap;
use uuid::Uuid;

use super::actions::UUID_CHARACTERS;
use crate::classify::Failure;

/// The greatest number of rows of a file with a deletion vector. The kernel makes a list of all rows
/// up to the last deleted one, with a byte for each.
const MAX_ROWS: u64 = 1 << 28;

/// The number of bytes of the magic number before a bitmap.
const MAGIC: usize = 4;

/// The number of bytes of the size before the magic number, in a file.
const SIZE: usize = 4;

/// Checks the rows of an inline deletion vector.
pub(super) fn check_inline(text: &str) -> Result<()> {
    let malformed = |_| Error::new(ErrorKind::Corrupt, "an inline deletion vector is not in Z85");
    check_rows(&z85::decode(text).map_err(malformed)?)
}

/// Checks the rows of a deletion vector that begins with its magic number.
fn check_rows(vector: &[u8]) -> Result<()> {
    let corrupt = |why: String| Err(Error::new(ErrorKind::Corrupt, why));
    let Some(bitmap) = vector.get(MAGIC..) else {
        return corrupt("a deletion vector is too short".into());
    };
    match RoaringTreemap::deserialize_from(bitmap).map(|rows| rows.max()) {
        Ok(Some(last)) if last >= MAX_ROWS => {
            corrupt(format!("a deletion vector deletes row {last}, and files have fewer rows"))
        }
        Ok(_) => Ok(()),
        Err(error) => corrupt(format!("a deletion vector is no bitmap: {error}")),
    }
}

/// The object store of a table, which checks the deletion vectors that are read.
#[derive(Debug)]
pub(crate) struct VectorStore {
    table: Arc<dyn ObjectStore>,
    /// The positions and sizes of the deletion vectors in a file.
    vectors: HashMap<Path, Vec<(usize, usize)>>,
}

impl VectorStore {
    /// Creates the store of a version of a table.
    ///
    /// # Errors
    /// `Corrupt` where the name of a deletion vector cannot be one.
    pub(crate) fn new(version: &DeltaTable, table: Arc<dyn ObjectStore>) -> Result<Self, Failure> {
        let mut vectors = HashMap::new();
        for batch in version.snapshot()?.add_actions_batches(false)? {
            for (path, position, size) in stored_vectors(&batch) {
                vectors.entry(path?).or_insert_with(Vec::new).push((position, size));
            }
        }
        Ok(Self { table, vectors })
    }

    fn check(&self, path: &Path, file: &[u8]) -> Result<()> {
        let Some(vectors) = self.vectors.get(path) else {
            let why = format!("{path} is read as a deletion vector, which the table cannot have");
            return Err(Error::new(ErrorKind::Corrupt, why));
        };
        vectors.iter().try_for_each(|(position, size)| {
            let start = position.saturating_add(SIZE);
            match file.get(start..start.saturating_add(*size)) {
                Some(vector) => check_rows(vector),
                None => {
                    let why = format!("the deletion vector at {position} in {path} is cut off");
                    Err(Error::new(ErrorKind::Corrupt, why))
                }
            }
        })
    }
}

/// Returns the file, the position and the size of the deletion vectors that are in files.
fn stored_vectors(batch: &RecordBatch) -> impl Iterator<Item = (Result<Path>, usize, usize)> + '_ {
    let vectors = batch.column_by_name("deletion_vector").and_then(|c| c.as_struct_opt());
    vectors.into_iter().flat_map(|vectors| {
        (0..vectors.len()).filter_map(move |row| {
            let name = text(vectors, "storageType", row).filter(|storage| *storage == "u")?;
            let name = text(vectors, "pathOrInlineDv", row).unwrap_or(name);
            let number = |field| {
                let column = vectors.column_by_name(field)?.as_primitive_opt::<Int32Type>()?;
                column.is_valid(row).then(|| usize::try_from(column.value(row)).ok())?
            };
            // Without a position, the vector follows the version of the format, which is a byte.
            Some((path(name), number("offset").unwrap_or(1), number("sizeInBytes").unwrap_or(0)))
        })
    })
}

fn text<'a>(vectors: &'a StructArray, name: &str, row: usize) -> Option<&'a str> {
    let column = vectors.column_by_name(name)?.as_string_opt::<i32>()?;
    (vectors.is_valid(row) && column.is_valid(row)).then(|| column.value(row))
}

/// Returns the path of the file of a deletion vector (Delta protocol, "Derived Fields").
fn path(name: &str) -> Result<Path> {
    let malformed = || Error::new(ErrorKind::Corrupt, format!("{name:?} is no deletion vector"));
    let (prefix, id) = name
        .len()
        .checked_sub(UUID_CHARACTERS)
        .and_then(|prefix| name.split_at_checked(prefix))
        .ok_or_else(malformed)?;
    let id =
        z85::decode(id).ok().and_then(|id| Uuid::from_slice(&id).ok()).ok_or_else(malformed)?;
    let file = format!("deletion_vector_{id}.bin");
    // As in the kernel, which encodes the path of a URL again.
    let url = url::Url::parse(super::FOLDER).and_then(|folder| match prefix {
        "" => folder.join(&file),
        prefix => folder.join(&format!("{prefix}/{file}")),
    });
    let url = url.map_err(|_| malformed())?;
    let folder = url::Url::parse(super::FOLDER).map_err(|_| malformed())?;
    Ok(Path::from(url.path().strip_prefix(folder.path()).ok_or_else(malformed)?))
}

impl fmt::Display for VectorStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for VectorStore {
    async fn get_opts(
        &self,
        location: &Path,
        options: GetOptions,
    ) -> object_store::Result<GetResult> {
        // Data files are read in ranges, and deletion vectors as a whole.
        let whole = options.range.is_none() && !options.head;
        let mut result = self.table.get_opts(location, options).await?;
        if whole {
            let (meta, range) = (result.meta.clone(), result.range.clone());
            let attributes = std::mem::take(&mut result.attributes);
            let file = result.bytes().await?;
            self.check(location, &file).map_err(|error| object_store::Error::Generic {
                store: "lakewright",
                source: Box::new(error),
            })?;
            let payload = futures::stream::once(std::future::ready(Ok(file))).boxed();
            let payload = GetResultPayload::Stream(payload);
            return Ok(GetResult { payload, meta, range, attributes });
        }
        Ok(result)
    }

    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.table.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.table.put_multipart_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.table.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.table.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.table.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.table.copy_opts(from, to, options).await
    }
}
