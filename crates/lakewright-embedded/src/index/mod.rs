//! The index: what there is, in one redb database. Everything that a request may see is decided
//! here, in transactions; files only hold bytes.

mod backend;
mod error;
pub(crate) mod keys;
pub(crate) mod record;
mod tables;
mod walk;
mod writer;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, ReadableDatabase as _, ReadableTable as _};

pub(crate) use error::{IndexError, storage_error};
pub(crate) use tables::{Tables, View, no_such_key};
pub(crate) use walk::{Found, Page, Walk, walk};
use writer::{Purpose, Writer};

use crate::blob::{BlobId, BlobStore, StagedBlob};
use crate::files::sync_dir;
use crate::options::Durability;
use crate::reserve::Reserve;
use record::Place;

/// The layout of tables and records that this version writes. A higher number in the database
/// is refused: a later version has been here.
pub(crate) const FORMAT: u32 = 1;

/// Bytes of the database that are kept in memory. redb's own default is 1 GiB, which a server
/// inside somebody else's process must not take.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// How the index can fail to open.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// A later version of lakewright wrote it; its format.
    Newer(u64),
    /// It is gone, and blobs that it would have named are not.
    Missing,
    /// It is not a database of ours, or it is damaged.
    Index(IndexError),
}

impl<E: Into<IndexError>> From<E> for OpenError {
    fn from(error: E) -> Self {
        Self::Index(error.into())
    }
}

/// The database, and what it takes to open it again: redb refuses all work after the first
/// failed write (a full disk) until it is reopened.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    durability: Durability,
    /// `None` while it could not be reopened, and after the end.
    database: RwLock<Option<Database>>,
}

impl Shared {
    fn open_file(&self, path: &Path) -> Result<Database, IndexError> {
        let file = backend::open(path, self.durability)?;
        Ok(Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(file)?)
    }

    /// Makes a new database. It gets its name when it is whole: redb takes a file that was begun
    /// and not finished for one that is not a database, and a server that was killed in its first
    /// moment would never start again.
    fn create(&self) -> Result<(), IndexError> {
        let begun = self.path.with_extension("redb.new");
        match fs::remove_file(&begun) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let database = self.open_file(&begun)?;
        let txn = database.begin_write()?;
        Tables::open(&txn)?;
        txn.commit()?;
        drop(database);
        fs::rename(&begun, &self.path)?;
        Ok(self.path.parent().map_or(Ok(()), sync_dir)?)
    }

    /// Closes the database, if it is open, and opens it again.
    fn reopen(&self) -> Result<(), IndexError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        *database = None;
        *database = Some(self.open_file(&self.path)?);
        Ok(())
    }

    /// Gives back to the file system what deleting has freed within the file.
    fn compact(&self) -> Result<(), IndexError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        database.as_mut().ok_or(IndexError::Closed)?.compact()?;
        Ok(())
    }

    fn close(&self) {
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        work(database.as_ref().ok_or(IndexError::Closed)?)
    }
}

/// The index of one data directory. Its methods block; only [`Index::write`] may be called from
/// async code.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    shared: Arc<Shared>,
    writer: Writer,
}

impl Index {
    /// Opens the index, making it where it is missing, and sweeps the blobs that it does not
    /// name. A database that was not closed is checked and mended by redb first.
    pub(crate) fn open(
        data_dir: &Path,
        durability: Durability,
        blobs: &BlobStore,
        reserve: Arc<Reserve>,
    ) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared {
            path: data_dir.join("index.redb"),
            durability,
            database: RwLock::new(None),
        });
        // An empty file is what a version that made the database in its place left when it was
        // killed on the way.
        let is_new = fs::metadata(&shared.path).map_or_else(
            |error| if error.kind() == io::ErrorKind::NotFound { Ok(true) } else { Err(error) },
            |file| Ok(file.len() == 0),
        )?;
        if is_new {
            // The sweep below would take every blob for a leftover.
            if !blobs.is_empty()? {
                return Err(OpenError::Missing);
            }
            shared.create()?;
        }
        shared.reopen()?;
        match shared.with(tables::stored_format)? {
            Some(newer) if newer > u64::from(FORMAT) => return Err(OpenError::Newer(newer)),
            // A database, and not yet ours: as good as none.
            None if !blobs.is_empty()? => return Err(OpenError::Missing),
            _ => shared.with(|database| {
                let txn = database.begin_write()?;
                Tables::open(&txn)?;
                Ok(txn.commit()?)
            })?,
        }
        let known = shared.with(|database| View::open(&database.begin_read()?)?.known_files())?;
        let swept = blobs.sweep(|id| known.contains(&id))?;
        if swept > 0 {
            tracing::info!(swept, "removed leftovers of a server that was killed");
        }
        let writer = Writer::start(Arc::clone(&shared), blobs.clone(), reserve)?;
        Ok(Self { shared, writer })
    }

    /// Reads one consistent state.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&View) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        self.shared.with(|database| look(&View::open(&database.begin_read()?)?))
    }

    /// Changes the index: `decide` sees the state with everything before it done, answers, and
    /// must not have changed anything when it refuses. When this returns `Ok` the change is
    /// durable and `staged` blobs are kept; otherwise nothing happened and they are deleted.
    ///
    /// If the caller stops waiting, the change happens all the same, whole.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        staged: Vec<StagedBlob>,
        decide: impl FnOnce(&mut Tables<'_>) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, IndexError> {
        let mut decide = Some(decide);
        let decide = move |tables: &mut Tables<'_>| match decide.take() {
            Some(decide) => decide(tables),
            None => Err(IndexError::Closed), // it is decided once: only what frees is repeated
        };
        let answer = self.writer.submit(staged, decide, Purpose::Store);
        answer.await.unwrap_or(Err(IndexError::Closed))
    }

    /// As [`Index::write`], for a change that leaves less than there was: it is let through on a
    /// full disk. It is decided again when there was no room for it at first.
    pub(crate) async fn free<T: Send + 'static>(
        &self,
        decide: impl FnMut(&mut Tables<'_>) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, IndexError> {
        let answer = self.writer.submit(Vec::new(), decide, Purpose::Free);
        answer.await.unwrap_or(Err(IndexError::Closed))
    }

    /// Finishes what was submitted and closes the database.
    pub(crate) fn close(&self) {
        self.writer.finish();
        self.shared.close();
    }
}

impl View {
    /// Every blob that must be there as a file.
    fn known_files(&self) -> Result<HashSet<BlobId>, IndexError> {
        let mut known = HashSet::new();
        for entry in self.objects.iter()? {
            let object: record::ObjectRecord = record::decode(entry?.1.value())?;
            let files = object.segments.iter().filter(|segment| segment.place == Place::File);
            known.extend(files.map(|segment| segment.blob));
        }
        for entry in self.parts.iter()? {
            let part: record::PartRecord = record::decode(entry?.1.value())?;
            let file = part.segment.filter(|segment| segment.place == Place::File);
            known.extend(file.map(|segment| segment.blob));
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests;
