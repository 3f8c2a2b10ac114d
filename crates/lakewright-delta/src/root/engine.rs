//! The engine with which Delta's kernel reads a log, restricted to the root of the table.

use std::sync::Arc;

use bytes::Bytes;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::engine_data::FilteredEngineData;
use delta_kernel::schema::SchemaRef;
use delta_kernel::{
    DeltaResult, DeltaResultIterator, DeltaResultIteratorStatic, Engine, EngineData,
    EvaluationHandler, FileDataReadResultIterator, FileMeta, FileSize, FileSlice, JsonHandler,
    ParquetFooter, ParquetHandler, PredicateRef, StorageHandler,
};
use lakewright_core::{Error, ErrorKind};
use url::Url;

use super::{actions, contains};

/// An engine that reads and writes only files of a table, and checks the actions that it reads.
///
/// A store that has only the table is not enough for the kernel's own engine: it fetches URLs that
/// look presigned by HTTP, without any store, and of all others it ignores scheme and host.
pub(crate) struct RootEngine {
    inner: Arc<dyn Engine>,
    table: Url,
}

impl RootEngine {
    pub(crate) fn new(inner: Arc<dyn Engine>, table: Url) -> Self {
        Self { inner, table }
    }

    /// Returns a handler of the inner engine together with the table.
    fn inside<T: ?Sized>(&self, handler: Arc<T>) -> Arc<Inside<T>> {
        Arc::new(Inside { handler, table: self.table.clone() })
    }
}

impl Engine for RootEngine {
    fn evaluation_handler(&self) -> Arc<dyn EvaluationHandler> {
        self.inner.evaluation_handler()
    }

    fn storage_handler(&self) -> Arc<dyn StorageHandler> {
        self.inside(self.inner.storage_handler())
    }

    fn json_handler(&self) -> Arc<dyn JsonHandler> {
        self.inside(self.inner.json_handler())
    }

    fn parquet_handler(&self) -> Arc<dyn ParquetHandler> {
        self.inside(self.inner.parquet_handler())
    }
}

/// A handler that gets only URLs of files of the table.
struct Inside<T: ?Sized> {
    handler: Arc<T>,
    table: Url,
}

impl<T: ?Sized> Inside<T> {
    fn check(&self, url: &Url) -> DeltaResult<()> {
        if contains(&self.table, url) {
            return Ok(());
        }
        let why = format!("the log names {:?}, which is no file of the table", url.as_str());
        Err(kernel_error(Error::new(ErrorKind::Corrupt, why)))
    }

    fn check_all(&self, files: &[FileMeta]) -> DeltaResult<()> {
        files.iter().try_for_each(|file| self.check(&file.location))
    }

    /// Checks the actions as they are read.
    fn checked(&self, batches: FileDataReadResultIterator) -> FileDataReadResultIterator {
        Box::new(batches.map(|data| {
            let data = ArrowEngineData::try_from_engine_data(data?)?;
            actions::check(data.record_batch()).map_err(kernel_error)?;
            Ok(data as Box<dyn EngineData>)
        }))
    }
}

fn kernel_error(error: Error) -> delta_kernel::Error {
    delta_kernel::Error::GenericError { source: Box::new(error) }
}

impl StorageHandler for Inside<dyn StorageHandler> {
    fn list_from(
        &self,
        path: &Url,
    ) -> DeltaResult<Box<dyn Iterator<Item = DeltaResult<FileMeta>>>> {
        self.check(path)?;
        self.handler.list_from(path)
    }

    fn read_files(
        &self,
        files: Vec<FileSlice>,
    ) -> DeltaResult<Box<dyn Iterator<Item = DeltaResult<Bytes>>>> {
        files.iter().try_for_each(|(url, _)| self.check(url))?;
        self.handler.read_files(files)
    }

    fn copy_atomic(&self, from: &Url, to: &Url) -> DeltaResult<()> {
        self.check(from)?;
        self.check(to)?;
        self.handler.copy_atomic(from, to)
    }

    fn put(&self, path: &Url, data: Bytes, overwrite: bool) -> DeltaResult<()> {
        self.check(path)?;
        self.handler.put(path, data, overwrite)
    }

    fn head(&self, path: &Url) -> DeltaResult<FileMeta> {
        self.check(path)?;
        self.handler.head(path)
    }

    fn delete(&self, path: &Url) -> DeltaResult<()> {
        self.check(path)?;
        self.handler.delete(path)
    }
}

impl JsonHandler for Inside<dyn JsonHandler> {
    fn parse_json(
        &self,
        json: Box<dyn EngineData>,
        schema: SchemaRef,
    ) -> DeltaResult<Box<dyn EngineData>> {
        self.handler.parse_json(json, schema)
    }

    fn read_json_files(
        &self,
        files: &[FileMeta],
        schema: SchemaRef,
        predicate: Option<PredicateRef>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        self.check_all(files)?;
        Ok(self.checked(self.handler.read_json_files(files, schema, predicate)?))
    }

    fn write_json_file(
        &self,
        path: &Url,
        data: DeltaResultIterator<'_, FilteredEngineData>,
        overwrite: bool,
    ) -> DeltaResult<FileSize> {
        self.check(path)?;
        self.handler.write_json_file(path, data, overwrite)
    }
}

impl ParquetHandler for Inside<dyn ParquetHandler> {
    fn read_parquet_files(
        &self,
        files: &[FileMeta],
        schema: SchemaRef,
        predicate: Option<PredicateRef>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        self.check_all(files)?;
        Ok(self.checked(self.handler.read_parquet_files(files, schema, predicate)?))
    }

    fn write_parquet_file(
        &self,
        location: Url,
        data: DeltaResultIteratorStatic<Box<dyn EngineData>>,
    ) -> DeltaResult<()> {
        self.check(&location)?;
        self.handler.write_parquet_file(location, data)
    }

    fn read_parquet_footer(&self, file: &FileMeta) -> DeltaResult<ParquetFooter> {
        self.check(&file.location)?;
        self.handler.read_parquet_footer(file)
    }
}
