//! Buckets and their objects.

use std::path::PathBuf;

use futures::TryStreamExt;
use lakewright::{BucketName, CopyOptions, GetOptions, ListOptions, ObjectKey, PutOptions, Result};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::buffer::{Object, Piece};
use crate::convert::{IfAbsent, Keys, Name, Number, Range, Reduced, TextMap};
use crate::data::ObjectData;
use crate::lake::Lake;
use crate::progress::{ByteProgress, ProgressArgument};
use crate::shared_stream::SharedStream;
use crate::streams::ObjectStream;
use crate::types::{ListPage, ObjectInfo, ObjectVersion};
use crate::verb::{Handle, Open, verbs};

/// The size of the pieces of a streamed object, in bytes: each piece takes the GIL once.
const PIECE_BYTES: usize = 1 << 20;

/// A handle on a bucket, for the objects and settings in it. :meth:`Lake.bucket` returns one
/// without a request. It may be shared between threads, and is pickled with its lake.
#[pyclass(frozen, module = "lakewright", weakref)]
#[derive(Clone)]
pub(crate) struct Bucket {
    lake: Lake,
    name: BucketName,
}

impl Bucket {
    pub(crate) fn new(lake: Lake, name: BucketName) -> Self {
        Self { lake, name }
    }

    /// Returns the lake of the core.
    pub(crate) fn open_lake(&self) -> Result<lakewright::Lake> {
        self.lake.0.lake()
    }
}

impl Handle for Bucket {
    type Inner = lakewright::Bucket;

    fn inner(&self) -> Result<lakewright::Bucket> {
        Ok(self.open_lake()?.bucket(self.name.clone()))
    }
}

#[verbs(Bucket)]
impl Open<Bucket> {
    /// Writes an object. It becomes visible as a whole, before this returns, or not at all.
    ///
    /// ``data`` is bytes-like, a file opened for reading bytes, or an iterator of bytes-like
    /// objects; :meth:`upload` takes a path. ``bytes``, :class:`Object`, :class:`Piece` and
    /// contiguous memoryviews of those are sent without a copy; other data is copied first.
    /// Files and iterators are read piece by piece and may be larger than memory.
    ///
    /// ``if_none_match="*"`` writes only if the key is free (``AlreadyExistsError``),
    /// ``if_match=etag`` only over the object with that ETag (``PreconditionFailedError``).
    /// ``part_bytes`` is the part size of a multipart upload, 5 MiB to 5 GiB.
    ///
    /// Raises also ``NotFoundError`` when the bucket is missing, ``StorageFullError``,
    /// ``TooLargeError``, ``AccessDeniedError``; an exception of the file or iterator unchanged.
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
    async fn put(
        self,
        key: Name<ObjectKey>,
        data: ObjectData,
        content_type: Option<String>,
        content_encoding: Option<String>,
        cache_control: Option<String>,
        metadata: Option<TextMap>,
        if_none_match: Option<IfAbsent>,
        if_match: Option<String>,
        part_bytes: Option<Number<usize>>,
    ) -> Result<ObjectInfo> {
        let options = PutOptions::builder()
            .maybe_content_type(content_type)
            .maybe_content_encoding(content_encoding)
            .maybe_cache_control(cache_control)
            .metadata(metadata.unwrap_or_default().0)
            .if_absent(if_none_match.is_some())
            .maybe_if_match(if_match)
            .maybe_part_bytes(Number::get(part_bytes))
            .build();
        let info = match data {
            ObjectData::Bytes(bytes) => self.inner.put(&key.0, bytes, options).await?,
            ObjectData::Pieces(source) => {
                self.inner.put_stream(&key.0, source.into_stream(), options).await?
            }
        };
        Ok(ObjectInfo(info))
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
    async fn get(
        self,
        key: Name<ObjectKey>,
        range: Option<Range>,
        if_match: Option<String>,
        if_none_match: Option<String>,
        version_id: Option<String>,
    ) -> Result<Object> {
        let range = range.map(|range| range.0);
        let options = GetOptions::builder()
            .maybe_range(range)
            .maybe_if_match(if_match)
            .maybe_if_none_match(if_none_match)
            .maybe_version_id(version_id)
            .build();
        self.inner.get(&key.0, options).await.map(Into::into)
    }

    /// Reads an object, or a range of it, piece by piece: returns an iterator, also an
    /// asynchronous one, of bytes-like pieces of about 1 MiB. A broken connection is resumed.
    ///
    /// Raises what :meth:`get` raises, in part only while the pieces are read.
    ///
    /// >>> raw = lake.create_bucket("raw", exist_ok=True)
    /// >>> _ = raw.put("hello.txt", b"hello")
    /// >>> b"".join(raw.get_stream("hello.txt"))
    /// b'hello'
    #[pyo3(signature = (
        key, *, range=None, if_match=None, if_none_match=None, version_id=None,
    ))]
    async fn get_stream(
        self,
        key: Name<ObjectKey>,
        range: Option<Range>,
        if_match: Option<String>,
        if_none_match: Option<String>,
        version_id: Option<String>,
    ) -> Result<ObjectStream> {
        let range = range.map(|range| range.0);
        let options = GetOptions::builder()
            .maybe_range(range)
            .maybe_if_match(if_match)
            .maybe_if_none_match(if_none_match)
            .maybe_version_id(version_id)
            .build();
        let lakewright::ObjectBody { info, range, body } =
            self.inner.get_stream(&key.0, options).await?;
        let pieces = body.into_pieces(PIECE_BYTES).map_ok(|piece| vec![Piece::from(piece)]);
        Ok(ObjectStream {
            info: ObjectInfo(info),
            range: (range.start, range.end),
            pieces: SharedStream::new(pieces),
        })
    }

    /// Describes an object without reading it.
    ///
    /// Raises ``NotFoundError``, also when the bucket is missing.
    #[pyo3(signature = (key))]
    async fn head(self, key: Name<ObjectKey>) -> Result<ObjectInfo> {
        self.inner.head(&key.0).await.map(ObjectInfo)
    }

    /// Deletes an object, or one version of it (see :meth:`list_versions`). A missing object is
    /// not an error.
    ///
    /// Raises ``NotFoundError`` when the bucket is missing.
    #[pyo3(signature = (key, *, version_id=None))]
    async fn delete(self, key: Name<ObjectKey>, version_id: Option<String>) -> Result<()> {
        match version_id {
            None => self.inner.delete(&key.0).await,
            Some(version) => self.inner.delete_version(&key.0, &version).await,
        }
    }

    /// Deletes many objects, with one request for each thousand.
    ///
    /// Raises ``PartialApplyError`` when some could not be deleted; its ``failures`` name each.
    ///
    /// >>> raw = lake.create_bucket("raw", exist_ok=True)
    /// >>> raw.delete_many(["a", "b"])
    #[pyo3(signature = (keys))]
    async fn delete_many(self, keys: Keys) -> Result<()> {
        self.inner.delete_many(keys.0).await
    }

    /// Copies an object with its metadata to the key ``target`` of this bucket, or of the bucket
    /// named by ``bucket``. The server copies the bytes; with ``if_none_match="*"`` they are
    /// read and written instead. The largest size is 5 GiB.
    ///
    /// Raises ``NotFoundError``; ``AlreadyExistsError`` with ``if_none_match="*"``;
    /// ``InvalidInputError`` for a copy onto itself; ``TooLargeError``.
    #[pyo3(signature = (key, target, *, bucket=None, if_none_match=None))]
    async fn copy(
        self,
        key: Name<ObjectKey>,
        target: Name<ObjectKey>,
        bucket: Option<Name<BucketName>>,
        if_none_match: Option<IfAbsent>,
    ) -> Result<ObjectInfo> {
        let source = self.inner;
        let bucket = match bucket {
            Some(name) => Bucket::new(self.handle.lake, name.0).inner()?,
            None => source.clone(),
        };
        let options = CopyOptions::builder().if_absent(if_none_match.is_some()).build();
        source.copy(&key.0, &bucket, &target.0, options).await.map(ObjectInfo)
    }

    /// Writes the content of a file as an object; a large file becomes a multipart upload. The
    /// other arguments are those of :meth:`put`.
    ///
    /// ``progress`` is ``True`` for a bar on stderr, or a callable that gets the number of bytes
    /// moved so far and the number in all; an exception that it raises ends the upload.
    ///
    /// Raises what :meth:`put` raises; ``NotFoundError``, ``AccessDeniedError`` for the file;
    /// ``ConflictError`` when its size changes during the upload.
    #[pyo3(signature = (
        path, key, *, content_type=None, content_encoding=None, cache_control=None,
        metadata=None, if_none_match=None, if_match=None, part_bytes=None, progress=None,
    ))]
    async fn upload(
        self,
        path: PathBuf,
        key: Name<ObjectKey>,
        content_type: Option<String>,
        content_encoding: Option<String>,
        cache_control: Option<String>,
        metadata: Option<TextMap>,
        if_none_match: Option<IfAbsent>,
        if_match: Option<String>,
        part_bytes: Option<Number<usize>>,
        progress: Option<ProgressArgument>,
    ) -> Result<ObjectInfo> {
        let options = PutOptions::builder()
            .maybe_content_type(content_type)
            .maybe_content_encoding(content_encoding)
            .maybe_cache_control(cache_control)
            .metadata(metadata.unwrap_or_default().0)
            .if_absent(if_none_match.is_some())
            .maybe_if_match(if_match)
            .maybe_part_bytes(Number::get(part_bytes))
            .build();
        let bytes = ByteProgress::default();
        let record = |done, total| bytes.set(done, total);
        let upload = self.inner.upload(&path, &key.0, options, &record);
        ProgressArgument::report(progress, &bytes, upload).await.map(ObjectInfo)
    }

    /// Writes an object to a file, which appears (or replaces an older one) only when all bytes
    /// have arrived. ``progress`` is as in :meth:`upload`.
    ///
    /// Raises what :meth:`get` raises; ``NotFoundError``, ``AccessDeniedError`` or
    /// ``StorageFullError`` for the file.
    #[pyo3(signature = (key, path, *, if_match=None, version_id=None, progress=None))]
    async fn download(
        self,
        key: Name<ObjectKey>,
        path: PathBuf,
        if_match: Option<String>,
        version_id: Option<String>,
        progress: Option<ProgressArgument>,
    ) -> Result<ObjectInfo> {
        let options =
            GetOptions::builder().maybe_if_match(if_match).maybe_version_id(version_id).build();
        let bytes = ByteProgress::default();
        let record = |done, total| bytes.set(done, total);
        let download = self.inner.download(&key.0, &path, options, &record);
        ProgressArgument::report(progress, &bytes, download).await.map(ObjectInfo)
    }

    /// Lists the objects whose key begins with ``prefix``, in the order of the keys' UTF-8 bytes:
    /// returns an iterator that requests a page when it is needed. ``page_size`` is at most 1000.
    ///
    /// Raises, at the first item, ``NotFoundError`` when the bucket is missing.
    ///
    /// >>> raw = lake.create_bucket("raw", exist_ok=True)
    /// >>> _ = raw.put("list/a", b"1"), raw.put("list/b", b"22")
    /// >>> [(o.key, o.size) for o in raw.list("list/")]
    /// [('list/a', 1), ('list/b', 2)]
    #[pyo3(signature = (prefix="", *, start_after=None, page_size=None))]
    fn list(
        self,
        prefix: &str,
        start_after: Option<String>,
        page_size: Option<Number<u16>>,
    ) -> Result<SharedStream<ObjectInfo>> {
        let page_size = Number::get(page_size);
        let prefix = prefix.to_owned();
        let options = ListOptions::builder()
            .maybe_start_after(start_after)
            .maybe_page_size(page_size)
            .build();
        // The lake is opened again at the first request: a listing that is never read must not
        // keep the lake open.
        let handle = self.handle;
        let pages = async move { Ok(handle.inner()?.list_pages(prefix, options)) };
        let objects =
            |page: lakewright::ListPage| page.objects.into_iter().map(ObjectInfo).collect();
        Ok(SharedStream::new(futures::stream::once(pages).try_flatten().map_ok(objects)))
    }

    /// Lists every version of every object whose key begins with ``prefix``, delete markers
    /// included, in the order of their keys, the newest of a key first. Without versioning each
    /// object is one version, ``null``.
    ///
    /// Raises ``UnsupportedError`` on a server without versions.
    #[pyo3(signature = (prefix=""))]
    fn list_versions(self, prefix: &str) -> Result<SharedStream<ObjectVersion>> {
        let (handle, prefix) = (self.handle, prefix.to_owned());
        let pages = async move { Ok(handle.inner()?.list_version_pages(prefix)) };
        let versions =
            |page: lakewright::VersionPage| page.versions.into_iter().map(ObjectVersion).collect();
        Ok(SharedStream::new(futures::stream::once(pages).try_flatten().map_ok(versions)))
    }

    /// Lists the objects and folders directly below ``prefix``; a folder ends at the first slash.
    ///
    /// >>> raw = lake.create_bucket("raw", exist_ok=True)
    /// >>> _ = raw.put("tree/a", b""), raw.put("tree/b/c", b"")
    /// >>> page = raw.list_with_delimiter("tree/")
    /// >>> [o.key for o in page.objects], page.prefixes
    /// (['tree/a'], ['tree/b/'])
    #[pyo3(signature = (prefix=""))]
    async fn list_with_delimiter(self, prefix: &str) -> Result<ListPage> {
        self.inner.list_with_delimiter(prefix).await.map(ListPage)
    }
}

#[pymethods]
impl Bucket {
    /// The bucket's name.
    #[getter]
    fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The lake that the bucket belongs to.
    #[getter]
    fn lake(&self) -> Lake {
        self.lake.clone()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let place = PyString::new(py, &self.lake.0.place()).repr()?;
        Ok(format!("Bucket({}, {place})", PyString::new(py, self.name.as_str()).repr()?))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        let bucket = Bound::new(py, self.lake.clone())?.getattr("bucket")?;
        Ok(Reduced((bucket, (self.name.as_str(),)).into_bound_py_any(py)?))
    }
}
