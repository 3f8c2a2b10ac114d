//! What comes bit by bit out of a bucket: listings, and objects piece by piece.

use pyo3::prelude::*;

use crate::buffer::Piece;
use crate::runtime::Awaitable;
use crate::turns::Turns;
use crate::types::{ObjectInfo, ObjectVersion};

/// The objects of a listing, see :meth:`Bucket.list`.
#[pyclass(frozen, module = "lakewright")]
pub(crate) struct ObjectIterator(pub(crate) Turns<ObjectInfo>);

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
pub(crate) struct ObjectAsyncIterator(pub(crate) Turns<ObjectInfo>);

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
pub(crate) struct VersionIterator(pub(crate) Turns<ObjectVersion>);

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
pub(crate) struct VersionAsyncIterator(pub(crate) Turns<ObjectVersion>);

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
    /// What the server says of the object.
    #[pyo3(get)]
    pub(crate) info: ObjectInfo,
    /// Which of its bytes are coming: ``(start, end)``, the end not included.
    #[pyo3(get)]
    pub(crate) range: (u64, u64),
    pub(crate) pieces: Turns<Piece>,
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
        format!("ObjectStream(range={:?}, size={})", self.range, self.info.size)
    }
}
