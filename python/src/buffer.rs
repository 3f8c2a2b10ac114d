//! The buffer protocol: bytes are passed to and from Python without a copy. The only unsafe code
//! of this crate, because the protocol is a C interface.
// The second lint is for the code that #[pymethods] generates for `__getbuffer__`.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

use std::ffi::c_int;

use bytes::Bytes;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyBufferError, PyMemoryError};
use pyo3::ffi;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBool, PyBytes, PyMemoryView, PyNotImplemented};
use pyo3::{IntoPyObjectExt as _, PyTypeInfo as _};

use crate::convert::Number;
use crate::types::ObjectInfo;

/// The bytes of an object, or of a range of it, in memory.
///
/// It supports the buffer protocol: ``memoryview(obj)``, ``numpy.frombuffer(obj, ...)`` and every
/// other consumer of bytes-like objects read it without a copy; ``bytes(obj)`` copies. It equals
/// ``bytes`` with the same content, and every buffer whose items are the same bytes in a row; its
/// hash is theirs.
#[pyclass(frozen, module = "lakewright", weakref)]
pub(crate) struct Object {
    /// The description of the object.
    #[pyo3(get)]
    info: ObjectInfo,
    /// The range of the object that was read: ``(start, end)``, the end not included.
    #[pyo3(get)]
    range: (u64, u64),
    bytes: Bytes,
}

impl From<lakewright::Object> for Object {
    fn from(object: lakewright::Object) -> Self {
        let lakewright::Object { info, range, bytes } = object;
        Self { info: ObjectInfo(info), range: (range.start, range.end), bytes }
    }
}

/// A piece of an object that is read as a stream. It supports the buffer protocol.
#[pyclass(frozen, module = "lakewright", weakref)]
pub(crate) struct Piece {
    bytes: Bytes,
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self { bytes }
    }
}

macro_rules! bytes_like {
    ($name:ident { $($more:tt)* }) => {
        #[pymethods]
        impl $name {
            $($more)*

            fn __len__(&self) -> usize {
                self.bytes.len()
            }

            fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
                PyBytes::new(py, &self.bytes)
            }

            /// Returns a view of the bytes: the buffer protocol in Python (PEP 688).
            #[pyo3(signature = (flags, /))]
            fn __buffer__<'py>(
                slf: Bound<'py, Self>,
                flags: Number<i32>,
            ) -> PyResult<Bound<'py, PyMemoryView>> {
                if flags.0 & ffi::PyBUF_WRITABLE != 0 {
                    return Err(PyBufferError::new_err("Object is not writable."));
                }
                // A read-only view satisfies every other request.
                PyMemoryView::from(slf.as_any())
            }

            fn __eq__(&self, value: &Bound<'_, PyAny>) -> PyResult<Equality> {
                Ok(Equality(comparable(value)?.map(|other| other == self.bytes)))
            }

            fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
                hash(py, &self.bytes)
            }

            unsafe fn __getbuffer__(
                slf: Bound<'_, Self>,
                view: *mut ffi::Py_buffer,
                flags: c_int,
            ) -> PyResult<()> {
                // SAFETY: the interpreter passes a view to be filled.
                unsafe { fill(slf.as_any(), &slf.get().bytes, view, flags) }
            }
        }
    };
}

bytes_like!(Object {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let key = pyo3::types::PyString::new(py, &self.info.0.key).repr()?;
        Ok(format!("Object(key={key}, range={:?}, size={})", self.range, self.info.0.size))
    }
});

bytes_like!(Piece {
    fn __repr__(&self) -> String {
        format!("Piece({} bytes)", self.bytes.len())
    }
});

/// The result of a comparison; `None` is Python's `NotImplemented`, which leaves the comparison to
/// the other object.
struct Equality(Option<bool>);

impl<'py> IntoPyObject<'py> for Equality {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = PyBool::TYPE_HINT;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match self.0 {
            Some(equal) => equal.into_bound_py_any(py),
            None => Ok(PyNotImplemented::get(py).to_owned().into_any()),
        }
    }
}

/// Returns the hash that Python's `bytes` of the same content has.
fn hash(py: Python<'_>, bytes: &[u8]) -> PyResult<isize> {
    let length = bytes.len().try_into().map_err(|_| PyMemoryError::new_err("too many bytes"))?;
    // The limited API cannot hash bytes. A memoryview hashes as `bytes` do, without a copy, and first
    // asks the object that it is of for its hash; a view of plain memory is of no object.
    // SAFETY: the view is read-only and is dropped before this function returns, so that it does
    // not outlive the bytes. Hashing it gives no other code a reference to it.
    let view = unsafe {
        let memory = bytes.as_ptr().cast_mut().cast();
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyMemoryView_FromMemory(memory, length, ffi::PyBUF_READ),
        )
    }?;
    view.hash()
}

/// Fills the view with `bytes`, which `owner` holds and never changes.
///
/// # Safety
/// `view` is null or points to a `Py_buffer` to be filled.
unsafe fn fill(
    owner: &Bound<'_, PyAny>,
    bytes: &Bytes,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<()> {
    const READ_ONLY: c_int = 1;
    let length = bytes.len().try_into().map_err(|_| PyMemoryError::new_err("too many bytes"))?;
    // SAFETY: the bytes live as long as their owner, to which the filled view holds a
    // reference; it is read-only, so nothing writes through the pointer.
    let filled = unsafe {
        ffi::PyBuffer_FillInfo(
            view,
            owner.as_ptr(),
            bytes.as_ptr().cast_mut().cast(),
            length,
            READ_ONLY,
            flags,
        )
    };
    if filled == 0 { Ok(()) } else { Err(PyErr::fetch(owner.py())) }
}

/// Returns the bytes of an object that cannot change them: `bytes`, [`Object`] and [`Piece`].
fn immutable(object: &Bound<'_, PyAny>) -> PyResult<Option<Bytes>> {
    if let Ok(object) = object.cast::<Object>() {
        return Ok(Some(object.get().bytes.clone()));
    }
    if let Ok(piece) = object.cast::<Piece>() {
        return Ok(Some(piece.get().bytes.clone()));
    }
    // A subclass may export another buffer.
    if object.is_exact_instance_of::<PyBytes>() {
        let backed: PyBackedBytes = object.extract()?;
        return Ok(Some(Bytes::from_owner(backed)));
    }
    Ok(None)
}

/// Returns the part of its owner's bytes that a memoryview covers, `None` if the bytes may change
/// or are not contiguous.
fn viewed(view: &Bound<'_, PyMemoryView>) -> PyResult<Option<Bytes>> {
    let Some(whole) = immutable(&view.getattr("obj")?)? else { return Ok(None) };
    let buffer = PyUntypedBuffer::get(view.as_any())?;
    let length = buffer.len_bytes();
    if length == 0 {
        return Ok(Some(Bytes::new()));
    }
    let start = (buffer.buf_ptr() as usize).checked_sub(whole.as_ptr() as usize);
    let inside = start.filter(|start| start + length <= whole.len());
    match inside {
        Some(start) if buffer.is_c_contiguous() => Ok(Some(whole.slice(start..start + length))),
        _ => Ok(None),
    }
}

/// Returns the bytes of a bytes-like object, `None` for any other object. `bytes`, [`Object`],
/// [`Piece`] and views of those are not copied. Other buffers are, because a buffer that is
/// exported read-only may still be changed by its owner.
pub(crate) fn bytes_of(object: &Bound<'_, PyAny>) -> PyResult<Option<Bytes>> {
    if let Some(bytes) = immutable(object)? {
        return Ok(Some(bytes));
    }
    match PyMemoryView::from(object) {
        Ok(view) => content(&view).map(Some),
        // The memoryview was released.
        Err(error) if object.is_instance_of::<PyMemoryView>() => Err(error),
        Err(_) => Ok(None),
    }
}

/// Returns the bytes of an object that can equal bytes: a buffer with one dimension and items of one
/// byte. Buffers of other items are compared by their items and have other hashes, if any.
///
/// A released memoryview has no bytes, and equals only itself.
fn comparable(object: &Bound<'_, PyAny>) -> PyResult<Option<Bytes>> {
    if let Some(bytes) = immutable(object)? {
        return Ok(Some(bytes));
    }
    let Ok(view) = PyMemoryView::from(object) else { return Ok(None) };
    // Asked of the memoryview, because PyO3 refuses a buffer without dimensions.
    let shape: (usize, usize) =
        (view.getattr("ndim")?.extract()?, view.getattr("itemsize")?.extract()?);
    if shape != (1, 1) {
        return Ok(None);
    }
    content(&view).map(Some)
}

/// Returns the bytes of a memoryview, without a copy where they cannot change.
fn content(view: &Bound<'_, PyMemoryView>) -> PyResult<Bytes> {
    if let Some(bytes) = viewed(view)? {
        return Ok(bytes);
    }
    let copied: PyBackedBytes = view.call_method0("tobytes")?.extract()?;
    Ok(Bytes::from_owner(copied))
}
