//! Buckets and their objects.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;

use futures::TryStreamExt;
use lakewright::{BucketName, GetOptions, ListOptions, ObjectKey, PutOptions, Result};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::buffer::{Object, Piece};
use crate::convert::{Keys, Number, Range, Recipe, if_absent, named};
use crate::data::ObjectData;
use crate::error::OrRaise;
use crate::lake::Lake;
use crate::progress::{Far, Listener};
use crate::runtime::{Awaitable, Done, promise, wait};
use crate::streams::{
    ObjectAsyncIterator, ObjectIterator, ObjectStream, VersionAsyncIterator, VersionIterator,
};
use crate::turns::Turns;
use crate::types::{ListPage, ObjectInfo, ObjectVersion};

/// Pieces of a streamed object, in bytes: each one crosses the border once.
const PIECE: usize = 1 << 20;

/// A handle on a bucket: what happens inside it. Made without a request by
/// :meth:`Lake.bucket`; it may be shared between threads, and pickles with its lake.
#[pyclass(frozen, module = "lakewright", weakref)]
#[derive(Clone)]
pub(crate) struct Bucket {
    lake: Lake,
    name: BucketName,
}

/// What a write may be told, as Python says it.
struct Writing {
    content_type: Option<String>,
    content_encoding: Option<String>,
    cache_control: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    if_none_match: Option<String>,
    if_match: Option<String>,
    part_bytes: Option<Number<usize>>,
}

impl Writing {
    fn options(self, py: Python<'_>) -> PyResult<PutOptions> {
        Ok(PutOptions {
            content_type: self.content_type,
            content_encoding: self.content_encoding,
            cache_control: self.cache_control,
            metadata: self.metadata.unwrap_or_default(),
            if_absent: if_absent(py, self.if_none_match.as_deref())?,
            if_match: self.if_match,
            part_bytes: self.part_bytes.map(|bytes| bytes.0),
        })
    }
}

fn reading(
    range: Option<Range>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    version_id: Option<String>,
) -> GetOptions {
    GetOptions { range: range.map(|range| range.0), if_match, if_none_match, version_id }
}

impl Bucket {
    pub(crate) fn new(lake: Lake, name: BucketName) -> Self {
        Self { lake, name }
    }

    pub(crate) fn inner(&self, py: Python<'_>) -> PyResult<lakewright::Bucket> {
        Ok(self.lake.0.lake().or_raise(py)?.bucket(self.name.clone()))
    }

    fn keyed(&self, py: Python<'_>, key: &str) -> PyResult<(lakewright::Bucket, ObjectKey)> {
        Ok((self.inner(py)?, named(py, key)?))
    }

    fn putting(
        &self,
        py: Python<'_>,
        key: &str,
        data: ObjectData,
        writing: Writing,
    ) -> PyResult<impl Future<Output = Result<ObjectInfo>> + Send + 'static> {
        let (bucket, key) = self.keyed(py, key)?;
        let options = writing.options(py)?;
        Ok(async move {
            let info = match data {
                ObjectData::Bytes(bytes) => bucket.put(&key, bytes, options).await?,
                ObjectData::Pieces(source) => {
                    bucket.put_stream(&key, source.into_stream(), options).await?
                }
            };
            Ok(info.into())
        })
    }

    fn getting(
        &self,
        py: Python<'_>,
        key: &str,
        options: GetOptions,
    ) -> PyResult<impl Future<Output = Result<Object>> + Send + 'static> {
        let (bucket, key) = self.keyed(py, key)?;
        Ok(async move { bucket.get(&key, options).await.map(Into::into) })
    }

    fn streaming(
        &self,
        py: Python<'_>,
        key: &str,
        options: GetOptions,
    ) -> PyResult<impl Future<Output = Result<ObjectStream>> + Send + 'static> {
        let (bucket, key) = self.keyed(py, key)?;
        Ok(async move {
            let lakewright::ObjectBody { info, range, body } =
                bucket.get_stream(&key, options).await?;
            let pieces = body.into_pieces(PIECE).map_ok(|piece| vec![Piece::from(piece)]);
            Ok(ObjectStream {
                info: info.into(),
                range: (range.start, range.end),
                pieces: Turns::new(pieces),
            })
        })
    }

    fn heading(
        &self,
        py: Python<'_>,
        key: &str,
    ) -> PyResult<impl Future<Output = Result<ObjectInfo>> + Send + 'static> {
        let (bucket, key) = self.keyed(py, key)?;
        Ok(async move { bucket.head(&key).await.map(Into::into) })
    }

    fn deleting(
        &self,
        py: Python<'_>,
        key: &str,
        version_id: Option<String>,
    ) -> PyResult<impl Future<Output = Result<Done>> + Send + 'static> {
        let (bucket, key) = self.keyed(py, key)?;
        Ok(async move {
            match version_id {
                None => bucket.delete(&key).await,
                Some(version) => bucket.delete_version(&key, &version).await,
            }
            .map(|()| Done)
        })
    }

    fn deleting_many(
        &self,
        py: Python<'_>,
        keys: Keys,
    ) -> PyResult<impl Future<Output = Result<Done>> + Send + 'static> {
        let (bucket, keys) = (self.inner(py)?, keys.0);
        Ok(async move { bucket.delete_many(keys).await.map(|()| Done) })
    }

    fn copying(
        &self,
        py: Python<'_>,
        key: &str,
        target: &str,
        bucket: Option<&str>,
        if_none_match: Option<&str>,
    ) -> PyResult<impl Future<Output = Result<ObjectInfo>> + Send + 'static> {
        let (source, key) = self.keyed(py, key)?;
        let target_key: ObjectKey = named(py, target)?;
        let target = match bucket {
            Some(name) => source.s3().bucket(named(py, name)?),
            None => source.clone(),
        };
        let if_absent = if_absent(py, if_none_match)?;
        Ok(async move { source.copy(&key, &target, &target_key, if_absent).await.map(Into::into) })
    }

    fn uploading(
        &self,
        py: Python<'_>,
        path: PathBuf,
        key: &str,
        writing: Writing,
        progress: Listener,
    ) -> PyResult<impl Future<Output = Result<ObjectInfo>> + Send + 'static> {
        let (bucket, key) = self.keyed(py, key)?;
        let options = writing.options(py)?;
        Ok(async move {
            let far = Far::default();
            let noting = |done, total| far.note(done, total);
            let upload = bucket.upload(&path, &key, options, &noting);
            progress.hear(&far, upload).await.map(Into::into)
        })
    }

    fn downloading(
        &self,
        py: Python<'_>,
        key: &str,
        path: PathBuf,
        options: GetOptions,
        progress: Listener,
    ) -> PyResult<impl Future<Output = Result<ObjectInfo>> + Send + 'static> {
        let (bucket, key) = self.keyed(py, key)?;
        Ok(async move {
            let far = Far::default();
            let noting = |done, total| far.note(done, total);
            let download = bucket.download(&key, &path, options, &noting);
            progress.hear(&far, download).await.map(Into::into)
        })
    }

    fn listing(
        &self,
        py: Python<'_>,
        prefix: String,
        start_after: Option<String>,
        page_size: Option<Number<u16>>,
    ) -> PyResult<Turns<ObjectInfo>> {
        let options =
            ListOptions { start_after, delimiter: None, page_size: page_size.map(|n| n.0) };
        self.inner(py)?;
        let handle = self.clone();
        // Opened when it is first asked: a listing that nobody reads keeps no lake open.
        let pages = async move {
            let bucket = handle.lake.0.lake()?.bucket(handle.name);
            Ok(bucket.list_pages(prefix, options))
        };
        let objects =
            |page: lakewright::ListPage| page.objects.into_iter().map(Into::into).collect();
        Ok(Turns::new(futures::stream::once(pages).try_flatten().map_ok(objects)))
    }

    fn listing_versions(&self, py: Python<'_>, prefix: String) -> PyResult<Turns<ObjectVersion>> {
        self.inner(py)?;
        let handle = self.clone();
        let pages = async move {
            let bucket = handle.lake.0.lake()?.bucket(handle.name);
            Ok(bucket.list_version_pages(prefix))
        };
        let versions =
            |page: lakewright::VersionPage| page.versions.into_iter().map(Into::into).collect();
        Ok(Turns::new(futures::stream::once(pages).try_flatten().map_ok(versions)))
    }

    fn listing_level(
        &self,
        py: Python<'_>,
        prefix: String,
    ) -> PyResult<impl Future<Output = Result<ListPage>> + Send + 'static> {
        let bucket = self.inner(py)?;
        Ok(async move { bucket.list_with_delimiter(prefix).await.map(Into::into) })
    }
}

#[pymethods]
impl Bucket {
    /// The bucket's name.
    #[getter]
    fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The lake it belongs to.
    #[getter]
    fn lake(&self) -> Lake {
        self.lake.clone()
    }

    /// Writes an object. It is visible when this returns, whole or not at all.
    ///
    /// ``data`` is bytes-like, a file opened for reading bytes, or an iterator of bytes-like
    /// objects; for a path there is :meth:`upload`. ``bytes``, :class:`Object`, :class:`Piece` and
    /// contiguous memoryviews of those are sent without a copy; all else is copied first.
    /// Files and iterators are read piece by piece and may be larger than memory.
    ///
    /// ``if_none_match="*"`` writes only if the key is free (``AlreadyExistsError``),
    /// ``if_match=etag`` only over that very object (``PreconditionFailedError``).
    /// ``part_bytes`` is the size of the parts in which large data goes up, 5 MiB to 5 GiB.
    ///
    /// Raises also ``NotFoundError`` when the bucket is missing, ``StorageFullError``,
    /// ``TooLargeError``, ``AccessDeniedError``; what a file or iterator raises, as it is.
    ///
    /// >>> raw = lake.create_bucket("raw", exist_ok=True)
    /// >>> info = raw.put("2013/01.csv", b"a,b", content_type="text/csv")
    /// >>> info.key, info.size
    /// ('2013/01.csv', 3)
    /// >>> raw.put("2013/01.csv", b"", if_none_match="*")
    /// Traceback (most recent call last):
    /// lakewright.exceptions.AlreadyExistsError: ...
    #[pyo3(signature = (
        key, data, *, content_type=None, content_encoding=None, cache_control=None,
        metadata=None, if_none_match=None, if_match=None, part_bytes=None,
    ))]
    #[allow(clippy::too_many_arguments)]
    fn put(
        &self,
        py: Python<'_>,
        key: &str,
        data: ObjectData,
        content_type: Option<String>,
        content_encoding: Option<String>,
        cache_control: Option<String>,
        metadata: Option<BTreeMap<String, String>>,
        if_none_match: Option<String>,
        if_match: Option<String>,
        part_bytes: Option<Number<usize>>,
    ) -> PyResult<ObjectInfo> {
        let writing = Writing {
            content_type,
            content_encoding,
            cache_control,
            metadata,
            if_none_match,
            if_match,
            part_bytes,
        };
        wait(py, self.putting(py, key, data, writing)?)
    }

    /// The asynchronous twin of :meth:`put`.
    #[pyo3(signature = (
        key, data, *, content_type=None, content_encoding=None, cache_control=None,
        metadata=None, if_none_match=None, if_match=None, part_bytes=None,
    ))]
    #[allow(clippy::too_many_arguments)]
    fn put_async<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        data: ObjectData,
        content_type: Option<String>,
        content_encoding: Option<String>,
        cache_control: Option<String>,
        metadata: Option<BTreeMap<String, String>>,
        if_none_match: Option<String>,
        if_match: Option<String>,
        part_bytes: Option<Number<usize>>,
    ) -> PyResult<Awaitable<'py, ObjectInfo>> {
        let writing = Writing {
            content_type,
            content_encoding,
            cache_control,
            metadata,
            if_none_match,
            if_match,
            part_bytes,
        };
        promise(py, self.putting(py, key, data, writing)?)
    }

    /// Reads an object, or a range of it, into memory.
    ///
    /// ``range`` is ``(start, end)`` in bytes, the end not included and cut at the object's
    /// end; ``(start, None)`` is the rest, ``(-n, None)`` the last n bytes. ``if_match`` and
    /// ``if_none_match`` take an ETag.
    ///
    /// Raises ``NotFoundError``; ``PreconditionFailedError``; ``InvalidInputError`` for a range
    /// outside the object; ``TooLargeError`` when it does not fit into memory.
    ///
    /// >>> raw = lake.create_bucket("raw", exist_ok=True)
    /// >>> _ = raw.put("hello.txt", b"hello")
    /// >>> obj = raw.get("hello.txt", range=(1, 3))
    /// >>> bytes(obj), obj.info.size
    /// (b'el', 5)
    #[pyo3(signature = (
        key, *, range=None, if_match=None, if_none_match=None, version_id=None,
    ))]
    fn get(
        &self,
        py: Python<'_>,
        key: &str,
        range: Option<Range>,
        if_match: Option<String>,
        if_none_match: Option<String>,
        version_id: Option<String>,
    ) -> PyResult<Object> {
        wait(py, self.getting(py, key, reading(range, if_match, if_none_match, version_id))?)
    }

    /// The asynchronous twin of :meth:`get`.
    #[pyo3(signature = (
        key, *, range=None, if_match=None, if_none_match=None, version_id=None,
    ))]
    fn get_async<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        range: Option<Range>,
        if_match: Option<String>,
        if_none_match: Option<String>,
        version_id: Option<String>,
    ) -> PyResult<Awaitable<'py, Object>> {
        promise(py, self.getting(py, key, reading(range, if_match, if_none_match, version_id))?)
    }

    /// Reads an object, or a range of it, piece by piece: an iterator, also an asynchronous one,
    /// of bytes-like pieces of about 1 MiB. A connection that breaks is resumed.
    ///
    /// Raises what :meth:`get` raises, some of it only while the pieces are read.
    ///
    /// >>> raw = lake.create_bucket("raw", exist_ok=True)
    /// >>> _ = raw.put("hello.txt", b"hello")
    /// >>> b"".join(raw.get_stream("hello.txt"))
    /// b'hello'
    #[pyo3(signature = (
        key, *, range=None, if_match=None, if_none_match=None, version_id=None,
    ))]
    fn get_stream(
        &self,
        py: Python<'_>,
        key: &str,
        range: Option<Range>,
        if_match: Option<String>,
        if_none_match: Option<String>,
        version_id: Option<String>,
    ) -> PyResult<ObjectStream> {
        wait(py, self.streaming(py, key, reading(range, if_match, if_none_match, version_id))?)
    }

    /// The asynchronous twin of :meth:`get_stream`.
    #[pyo3(signature = (
        key, *, range=None, if_match=None, if_none_match=None, version_id=None,
    ))]
    fn get_stream_async<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        range: Option<Range>,
        if_match: Option<String>,
        if_none_match: Option<String>,
        version_id: Option<String>,
    ) -> PyResult<Awaitable<'py, ObjectStream>> {
        promise(py, self.streaming(py, key, reading(range, if_match, if_none_match, version_id))?)
    }

    /// Describes an object without reading it.
    ///
    /// Raises ``NotFoundError``, also when the bucket is missing.
    #[pyo3(signature = (key))]
    fn head(&self, py: Python<'_>, key: &str) -> PyResult<ObjectInfo> {
        wait(py, self.heading(py, key)?)
    }

    /// The asynchronous twin of :meth:`head`.
    #[pyo3(signature = (key))]
    fn head_async<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Awaitable<'py, ObjectInfo>> {
        promise(py, self.heading(py, key)?)
    }

    /// Ends an object, or one version of it (see :meth:`list_versions`). What is not there is as
    /// good as deleted.
    ///
    /// Raises ``NotFoundError`` when the bucket is missing.
    #[pyo3(signature = (key, *, version_id=None))]
    fn delete(&self, py: Python<'_>, key: &str, version_id: Option<String>) -> PyResult<Done> {
        wait(py, self.deleting(py, key, version_id)?)
    }

    /// The asynchronous twin of :meth:`delete`.
    #[pyo3(signature = (key, *, version_id=None))]
    fn delete_async<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        version_id: Option<String>,
    ) -> PyResult<Awaitable<'py, Done>> {
        promise(py, self.deleting(py, key, version_id)?)
    }

    /// Ends many objects, a thousand a request.
    ///
    /// Raises ``PartialApplyError`` when some could not be deleted; its ``failures`` name each.
    ///
    /// >>> raw = lake.create_bucket("raw", exist_ok=True)
    /// >>> raw.delete_many(["a", "b"])
    #[pyo3(signature = (keys))]
    fn delete_many(&self, py: Python<'_>, keys: Keys) -> PyResult<Done> {
        wait(py, self.deleting_many(py, keys)?)
    }

    /// The asynchronous twin of :meth:`delete_many`.
    #[pyo3(signature = (keys))]
    fn delete_many_async<'py>(
        &self,
        py: Python<'py>,
        keys: Keys,
    ) -> PyResult<Awaitable<'py, Done>> {
        promise(py, self.deleting_many(py, keys)?)
    }

    /// Copies an object with its metadata to the key ``target`` of this bucket, or of the
    /// bucket named, on the server: the bytes do not travel, but with ``if_none_match="*"``,
    /// where they are read and written anew. Up to 5 GiB.
    ///
    /// Raises ``NotFoundError``; ``AlreadyExistsError`` with ``if_none_match="*"``;
    /// ``InvalidInputError`` for a copy onto itself; ``TooLargeError``.
    #[pyo3(signature = (key, target, *, bucket=None, if_none_match=None))]
    fn copy(
        &self,
        py: Python<'_>,
        key: &str,
        target: &str,
        bucket: Option<&str>,
        if_none_match: Option<&str>,
    ) -> PyResult<ObjectInfo> {
        wait(py, self.copying(py, key, target, bucket, if_none_match)?)
    }

    /// The asynchronous twin of :meth:`copy`.
    #[pyo3(signature = (key, target, *, bucket=None, if_none_match=None))]
    fn copy_async<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        target: &str,
        bucket: Option<&str>,
        if_none_match: Option<&str>,
    ) -> PyResult<Awaitable<'py, ObjectInfo>> {
        promise(py, self.copying(py, key, target, bucket, if_none_match)?)
    }

    /// Writes a file's content as an object; large files go up in parts. The other arguments
    /// are those of :meth:`put`.
    ///
    /// ``progress`` is ``True`` for a bar on stderr, or a callable that gets the bytes moved so
    /// far and their number in all; what it raises ends the upload.
    ///
    /// Raises what :meth:`put` raises; ``NotFoundError``, ``AccessDeniedError`` for the file;
    /// ``ConflictError`` when it changes its size meanwhile.
    #[pyo3(signature = (
        path, key, *, content_type=None, content_encoding=None, cache_control=None,
        metadata=None, if_none_match=None, if_match=None, part_bytes=None,
        progress=Listener::Nobody,
    ))]
    #[allow(clippy::too_many_arguments)]
    fn upload(
        &self,
        py: Python<'_>,
        path: PathBuf,
        key: &str,
        content_type: Option<String>,
        content_encoding: Option<String>,
        cache_control: Option<String>,
        metadata: Option<BTreeMap<String, String>>,
        if_none_match: Option<String>,
        if_match: Option<String>,
        part_bytes: Option<Number<usize>>,
        progress: Listener,
    ) -> PyResult<ObjectInfo> {
        let writing = Writing {
            content_type,
            content_encoding,
            cache_control,
            metadata,
            if_none_match,
            if_match,
            part_bytes,
        };
        wait(py, self.uploading(py, path, key, writing, progress)?)
    }

    /// The asynchronous twin of :meth:`upload`.
    #[pyo3(signature = (
        path, key, *, content_type=None, content_encoding=None, cache_control=None,
        metadata=None, if_none_match=None, if_match=None, part_bytes=None,
        progress=Listener::Nobody,
    ))]
    #[allow(clippy::too_many_arguments)]
    fn upload_async<'py>(
        &self,
        py: Python<'py>,
        path: PathBuf,
        key: &str,
        content_type: Option<String>,
        content_encoding: Option<String>,
        cache_control: Option<String>,
        metadata: Option<BTreeMap<String, String>>,
        if_none_match: Option<String>,
        if_match: Option<String>,
        part_bytes: Option<Number<usize>>,
        progress: Listener,
    ) -> PyResult<Awaitable<'py, ObjectInfo>> {
        let writing = Writing {
            content_type,
            content_encoding,
            cache_control,
            metadata,
            if_none_match,
            if_match,
            part_bytes,
        };
        promise(py, self.uploading(py, path, key, writing, progress)?)
    }

    /// Writes an object to a file, which appears (or replaces an older one) only when all bytes
    /// are there. ``progress`` is as in :meth:`upload`.
    ///
    /// Raises what :meth:`get` raises; ``NotFoundError``, ``AccessDeniedError`` or
    /// ``StorageFullError`` for the file.
    #[pyo3(signature = (
        key, path, *, if_match=None, version_id=None, progress=Listener::Nobody,
    ))]
    fn download(
        &self,
        py: Python<'_>,
        key: &str,
        path: PathBuf,
        if_match: Option<String>,
        version_id: Option<String>,
        progress: Listener,
    ) -> PyResult<ObjectInfo> {
        let options = reading(None, if_match, None, version_id);
        wait(py, self.downloading(py, key, path, options, progress)?)
    }

    /// The asynchronous twin of :meth:`download`.
    #[pyo3(signature = (
        key, path, *, if_match=None, version_id=None, progress=Listener::Nobody,
    ))]
    fn download_async<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        path: PathBuf,
        if_match: Option<String>,
        version_id: Option<String>,
        progress: Listener,
    ) -> PyResult<Awaitable<'py, ObjectInfo>> {
        let options = reading(None, if_match, None, version_id);
        promise(py, self.downloading(py, key, path, options, progress)?)
    }

    /// Every object whose key begins with ``prefix``, in the order of the keys' UTF-8 bytes: an
    /// iterator that asks for the next page when it is needed. ``page_size`` is at most 1000.
    ///
    /// Raises, at the first item, ``NotFoundError`` when the bucket is missing.
    ///
    /// >>> raw = lake.create_bucket("raw", exist_ok=True)
    /// >>> _ = raw.put("list/a", b"1"), raw.put("list/b", b"22")
    /// >>> [(o.key, o.size) for o in raw.list("list/")]
    /// [('list/a', 1), ('list/b', 2)]
    #[pyo3(signature = (prefix=String::new(), *, start_after=None, page_size=None))]
    fn list(
        &self,
        py: Python<'_>,
        prefix: String,
        start_after: Option<String>,
        page_size: Option<Number<u16>>,
    ) -> PyResult<ObjectIterator> {
        Ok(ObjectIterator(self.listing(py, prefix, start_after, page_size)?))
    }

    /// The asynchronous twin of :meth:`list`: for ``async for``.
    #[pyo3(signature = (prefix=String::new(), *, start_after=None, page_size=None))]
    fn list_async(
        &self,
        py: Python<'_>,
        prefix: String,
        start_after: Option<String>,
        page_size: Option<Number<u16>>,
    ) -> PyResult<ObjectAsyncIterator> {
        Ok(ObjectAsyncIterator(self.listing(py, prefix, start_after, page_size)?))
    }

    /// Every version of every object whose key begins with ``prefix``, delete markers included,
    /// in the order of their keys, the newest of a key first. Without versioning each object is
    /// one version, ``null``.
    ///
    /// Raises ``UnsupportedError`` on a server without versions.
    #[pyo3(signature = (prefix=String::new()))]
    fn list_versions(&self, py: Python<'_>, prefix: String) -> PyResult<VersionIterator> {
        Ok(VersionIterator(self.listing_versions(py, prefix)?))
    }

    /// The asynchronous twin of :meth:`list_versions`: for ``async for``.
    #[pyo3(signature = (prefix=String::new()))]
    fn list_versions_async(
        &self,
        py: Python<'_>,
        prefix: String,
    ) -> PyResult<VersionAsyncIterator> {
        Ok(VersionAsyncIterator(self.listing_versions(py, prefix)?))
    }

    /// The objects and folders directly below ``prefix``; folders end at the first slash.
    ///
    /// >>> raw = lake.create_bucket("raw", exist_ok=True)
    /// >>> _ = raw.put("tree/a", b""), raw.put("tree/b/c", b"")
    /// >>> page = raw.list_with_delimiter("tree/")
    /// >>> [o.key for o in page.objects], page.prefixes
    /// (['tree/a'], ['tree/b/'])
    #[pyo3(signature = (prefix=String::new()))]
    fn list_with_delimiter(&self, py: Python<'_>, prefix: String) -> PyResult<ListPage> {
        wait(py, self.listing_level(py, prefix)?)
    }

    /// The asynchronous twin of :meth:`list_with_delimiter`.
    #[pyo3(signature = (prefix=String::new()))]
    fn list_with_delimiter_async<'py>(
        &self,
        py: Python<'py>,
        prefix: String,
    ) -> PyResult<Awaitable<'py, ListPage>> {
        promise(py, self.listing_level(py, prefix)?)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let place = PyString::new(py, &self.lake.0.place()).repr()?;
        Ok(format!("Bucket({}, {place})", PyString::new(py, self.name.as_str()).repr()?))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Recipe<'py>> {
        let bucket = Bound::new(py, self.lake.clone())?.getattr("bucket")?;
        Ok(Recipe((bucket, (self.name.as_str(),)).into_bound_py_any(py)?))
    }
}
