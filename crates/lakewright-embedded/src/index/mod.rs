//! The index of all buckets, objects and uploads, in one redb database. Requests are decided in its
//! transactions; files only hold bytes.

mod backend;
mod error;
pub(crate) mod keys;
pub(crate) mod record;
mod tables;
mod walk;
mod writer;

use std::collections::HashSet;
use std::fs::File;
use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, ReadableDatabase as _, ReadableTable as _};

pub(crate) use error::{IndexError, storage_error};
use tables::Content;
pub(crate) use tables::{Tables, View, no_such_key};
pub(crate) use walk::{Entry, Page, Walk, walk};
use writer::{Purpose, Writer};

use crate::blob::{BlobId, BlobStore, StagedBlob};
use crate::folder::Folder;
use crate::options::Durability;
use crate::reserve::Reserve;
use record::Place;

/// The layout of tables and records that this version writes. A database with a higher number was
/// written by a later version and is refused.
pub(crate) const FORMAT: u32 = 1;

/// Name of the index in the data directory.
const FILE: &str = "index.redb";

/// Name of an index that is being created.
const UNFINISHED: &str = "index.redb.new";

/// Size of the database cache in bytes. redb's default of 1 GiB is too much for a server inside
/// another process.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// The reasons for which the index cannot be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// A later version of lakewright wrote it, with this format.
    Newer(u64),
    /// The index file is missing, but there are blobs.
    Missing,
    /// The index file has no content, but there are blobs.
    Empty,
    /// The index file is a database of another program.
    Foreign,
    /// The file is not an index, or it is damaged.
    Index(IndexError),
}

impl<E: Into<IndexError>> From<E> for OpenError {
    fn from(error: E) -> Self {
        Self::Index(error.into())
    }
}

/// The database and the parameters to open it again: after the first failed write (a full disk)
/// redb refuses all work until it is reopened.
#[derive(Debug)]
struct Shared {
    data: Arc<Folder>,
    durability: Durability,
    /// `None` if it could not be reopened, and after the shutdown.
    database: RwLock<Option<Database>>,
}

impl Shared {
    fn open_database(&self, file: File) -> Result<Database, IndexError> {
        let file = backend::open(file, self.durability)?;
        Ok(Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(file)?)
    }

    /// Creates a new database under a temporary name and renames it when it is complete. redb
    /// refuses a partly created file, so a server that was killed during its first start could
    /// never start again.
    fn create(&self) -> Result<(), IndexError> {
        self.data.remove_if_present(UNFINISHED)?;
        let database = self.open_database(self.data.create_new(UNFINISHED)?)?;
        let txn = database.begin_write()?;
        Tables::open(&txn)?;
        txn.commit()?;
        drop(database);
        self.data.rename(UNFINISHED, &self.data, FILE)?;
        Ok(self.data.sync()?)
    }

    /// Closes the database, if it is open, and opens it again.
    fn reopen(&self) -> Result<(), IndexError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        *database = None;
        *database = Some(self.open_database(self.data.open_or_create(FILE)?)?);
        Ok(())
    }

    /// Returns the space freed by deletions to the file system.
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

/// The index of one data directory. All methods block, except [`Index::write`] and [`Index::free`].
#[derive(Clone, Debug)]
pub(crate) struct Index {
    shared: Arc<Shared>,
    writer: Writer,
}

impl Index {
    /// Opens the index, creates it if it is missing, and deletes the blobs that it does not
    /// reference. redb first checks and repairs a database that was not closed.
    pub(crate) fn open(
        data: &Arc<Folder>,
        durability: Durability,
        blobs: &BlobStore,
        reserve: Arc<Reserve>,
    ) -> Result<Self, OpenError> {
        let shared =
            Arc::new(Shared { data: Arc::clone(data), durability, database: RwLock::new(None) });
        let length = match data.open(FILE)? {
            Some(file) => Some(file.metadata()?.len()),
            None => None,
        };
        // Without these checks the sweep below would delete all blobs as leftovers.
        match length {
            None if !blobs.is_empty()? => return Err(OpenError::Missing),
            Some(0) if !blobs.is_empty()? => return Err(OpenError::Empty),
            // An empty file may have been left by a version that created the database in place and
            // was killed.
            None | Some(0) => shared.create()?,
            Some(_) => {}
        }
        shared.reopen()?;
        match shared.with(tables::content)? {
            Content::Index(newer) if newer > u64::from(FORMAT) => {
                return Err(OpenError::Newer(newer));
            }
            Content::Foreign => return Err(OpenError::Foreign),
            // The version that created the database in place was killed before its first commit.
            Content::Empty if !blobs.is_empty()? => return Err(OpenError::Empty),
            Content::Empty | Content::Index(_) => shared.with(|database| {
                let txn = database.begin_write()?;
                Tables::open(&txn)?;
                Ok(txn.commit()?)
            })?,
        }
        let referenced =
            shared.with(|database| View::open(&database.begin_read()?)?.referenced_files())?;
        let deleted = blobs.sweep(|id| referenced.contains(&id))?;
        if deleted > 0 {
            tracing::info!(deleted, "removed leftovers of a server that was killed");
        }
        let writer = Writer::start(Arc::clone(&shared), blobs.clone(), reserve)?;
        Ok(Self { shared, writer })
    }

    /// Reads one consistent state.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&View) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        self.shared.with(|database| query(&View::open(&database.begin_read()?)?))
    }

    /// Changes the index. `decide` sees the state after all earlier changes and returns the result;
    /// when it refuses, it must not have changed anything. When this returns `Ok` the change is
    /// durable and the `staged` blobs are kept; otherwise nothing was changed and they are deleted.
    ///
    /// If the caller drops the future, the change is still made completely.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        staged: Vec<StagedBlob>,
        decide: impl FnOnce(&mut Tables<'_>) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, IndexError> {
        let mut decide = Some(decide);
        let decide = move |tables: &mut Tables<'_>| match decide.take() {
            Some(decide) => decide(tables),
            None => Err(IndexError::Closed), // Only changes that free space are decided again.
        };
        let result = self.writer.submit(staged, decide, Purpose::Store);
        result.await.unwrap_or(Err(IndexError::Closed))
    }

    /// As [`Index::write`], for a change that frees space, which is allowed on a full disk.
    /// `decide` runs again if there was no space for the first attempt.
    pub(crate) async fn free<T: Send + 'static>(
        &self,
        decide: impl FnMut(&mut Tables<'_>) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, IndexError> {
        let result = self.writer.submit(Vec::new(), decide, Purpose::Free);
        result.await.unwrap_or(Err(IndexError::Closed))
    }

    /// Completes the submitted changes and closes the database.
    pub(crate) fn close(&self) {
        self.writer.finish();
        self.shared.close();
    }
}

impl View {
    /// Returns all blobs that must exist as files.
    fn referenced_files(&self) -> Result<HashSet<BlobId>, IndexError> {
        let mut referenced = HashSet::new();
        for entry in self.objects.iter()? {
            let object: record::ObjectRecord = record::decode(entry?.1.value())?;
            let files = object.segments.iter().filter(|segment| segment.place == Place::File);
            referenced.extend(files.map(|segment| segment.blob));
        }
        for entry in self.parts.iter()? {
            let part: record::PartRecord = record::decode(entry?.1.value())?;
            let file = part.segment.filter(|segment| segment.place == Place::File);
            referenced.extend(file.map(|segment| segment.blob));
        }
        Ok(referenced)
    }
}

#[cfg(test)]
mod tests;
