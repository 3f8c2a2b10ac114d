//! Iterators of a bucket: listings, and objects that are read piece by piece.

use pyo3::prelude::*;

use crate::buffer::Piece;
use crate::runtime::Awaitable;
use crate::shared_stream::SharedStream;
use crate::types::{ObjectInfo, ObjectVersion};
use crate::verb::Iterated;

impl Iterated for SharedStream<ObjectInfo> {
    type Iterator = ObjectIterator;
    type AsyncIterator = ObjectAsyncIterator;
}

impl Iterated for SharedStream<ObjectVersion> {
    type Iterator = VersionIterator;
    type AsyncIterator = VersionAsyncIterator;
}

/// The objects of a listing, see :meth:`Bucket.list`.
#[pyclass(frozen, module = "lakewright")]
pub(crate) struct ObjectIterator(SharedStream<ObjectInfo>);

impl From<SharedStream<ObjectInfo>> for ObjectIterator {
    fn from(stream: SharedStream<ObjectInfo>) -> Self {
        Self(stream)
    }
}

#[pymethods]
impl ObjectIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<ObjectInfo> {
        self.0.next(py)
    }
}

/// The objects of a listing, see :meth:`Bucket.list_async`.
#[pyclass(frozen, module = "lakewright")]
pub(crate) struct ObjectAsyncIterator(SharedStream<ObjectInfo>);

impl From<SharedStream<ObjectInfo>> for ObjectAsyncIterator {
    fn from(stream: SharedStream<ObjectInfo>) -> Self {
        Self(stream)
    }
}

#[pymethods]
impl ObjectAsyncIterator {
    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, ObjectInfo>> {
        self.0.next_async(py)
    }
}

/// The versions of a listing, see :meth:`Bucket.list_versions`.
#[pyclass(frozen, module = "lakewright")]
pub(crate) struct VersionIterator(SharedStream<ObjectVersion>);

impl From<SharedStream<ObjectVersion>> for VersionIterator {
    fn from(stream: SharedStream<ObjectVersion>) -> Self {
        Self(stream)
    }
}

#[pymethods]
impl VersionIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<ObjectVersion> {
        self.0.next(py)
    }
}

/// The versions of a listing, see :meth:`Bucket.list_versions_async`.
#[pyclass(frozen, module = "lakewright")]
pub(crate) struct VersionAsyncIterator(SharedStream<ObjectVersion>);

impl From<SharedStream<ObjectVersion>> for VersionAsyncIterator {
    fn from(stream: SharedStream<ObjectVersion>) -> Self {
        Self(stream)
    }
}

#[pymethods]
impl VersionAsyncIterator {
    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, ObjectVersion>> {
        self.0.next_async(py)
    }
}

/// An object that is read piece by piece, see :meth:`Bucket.get_stream`: an iterator, also an
/// asynchronous one.
#[pyclass(frozen, module = "lakewright")]
pub(crate) struct ObjectStream {
    /// The description of the object.
    #[pyo3(get)]
    pub(crate) info: ObjectInfo,
    /// The range of the bytes that are read: ``(start, end)``, the end not included.
    #[pyo3(get)]
    pub(crate) range: (u64, u64),
    pub(crate) pieces: SharedStream<Piece>,
}

#[pymethods]
impl ObjectStream {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Piece> {
        self.pieces.next(py)
    }

    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, Piece>> {
        self.pieces.next_async(py)
    }

    fn __repr__(&self) -> String {
        format!("ObjectStream(range={:?}, size={})", self.range, self.info.0.size)
    }
}
