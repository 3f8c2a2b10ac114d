//! Bytes that cross the border without a copy, both ways. The only unsafe code of this crate:
//! the buffer protocol is a C interface.
// The second is for what #[pymethods] makes of `__getbuffer__`.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

use std::ffi::c_int;

use bytes::Bytes;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyMemoryError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};

use crate::types::ObjectInfo;

/// The bytes of an object, or of a range of it, in memory.
///
/// It has the buffer protocol: ``memoryview(obj)``, ``numpy.frombuffer(obj, ...)`` and whatever
/// else takes bytes-like objects read it without a copy; ``bytes(obj)`` copies. It equals any
/// bytes-like object with the same bytes.
#[pyclass(frozen, module = "lakewright", weakref)]
pub(crate) struct Object {
    /// What the server says of it.
    #[pyo3(get)]
    info: ObjectInfo,
    /// Which of its bytes these are: ``(start, end)``, the end not included.
    #[pyo3(get)]
    range: (u64, u64),
    bytes: Bytes,
}

impl From<lakewright::Object> for Object {
    fn from(object: lakewright::Object) -> Self {
        let lakewright::Object { info, range, bytes } = object;
        Self { info: info.into(), range: (range.start, range.end), bytes }
    }
}

/// A piece of an object that is read as a stream; it has the buffer protocol.
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

            /// The buffer protocol as Python code sees it (PEP 688).
            #[pyo3(signature = (flags, /))]
            fn __buffer__<'py>(
                slf: Bound<'py, Self>,
                flags: i32,
            ) -> PyResult<Bound<'py, PyMemoryView>> {
                // A read-only view serves every request that can be served at all.
                let _ = flags;
                PyMemoryView::from(slf.as_any())
            }

            fn __eq__(&self, value: &Bound<'_, PyAny>) -> PyResult<bool> {
                Ok(bytes_of(value)?.is_some_and(|theirs| theirs == self.bytes))
            }

            fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
                PyBytes::new(py, &self.bytes).hash()
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
        let key = pyo3::types::PyString::new(py, &self.info.key).repr()?;
        Ok(format!("Object(key={key}, range={:?}, size={})", self.range, self.info.size))
    }
});

bytes_like!(Piece {
    fn __repr__(&self) -> String {
        format!("Piece({} bytes)", self.bytes.len())
    }
});

/// Exports `bytes`, which `owner` holds and never changes.
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
    // reference; it is read-only, so nobody writes through the pointer.
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

/// Memory of a read-only buffer of Python, kept alive by a memoryview nobody else has.
struct Foreign {
    start: *const u8,
    length: usize,
    /// Dropped without the GIL it is let go at the next time somebody has it: no worker of the
    /// runtime ever waits for the GIL to free memory.
    _view: Py<PyMemoryView>,
}

// SAFETY: the memory is read-only by the exporter's word and stays in place while the view
// lives; a pointer into it may be read from any thread.
unsafe impl Send for Foreign {}
// SAFETY: as above.
unsafe impl Sync for Foreign {}

impl AsRef<[u8]> for Foreign {
    fn as_ref(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: the view keeps `length` contiguous bytes at `start`, see `bytes_of`.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

/// The bytes of a bytes-like object, `None` for anything else. `bytes` and other contiguous
/// read-only buffers are not copied; what may change under our hands is.
pub(crate) fn bytes_of(object: &Bound<'_, PyAny>) -> PyResult<Option<Bytes>> {
    if let Ok(ours) = object.cast::<Object>() {
        return Ok(Some(ours.get().bytes.clone()));
    }
    if let Ok(ours) = object.cast::<Piece>() {
        return Ok(Some(ours.get().bytes.clone()));
    }
    if object.is_instance_of::<PyBytes>() || object.is_instance_of::<PyByteArray>() {
        let backed: PyBackedBytes = object.extract()?;
        return Ok(Some(Bytes::from_owner(backed)));
    }
    let Ok(buffer) = PyUntypedBuffer::get(object) else { return Ok(None) };
    let shared = buffer.readonly() && buffer.is_c_contiguous();
    drop(buffer);
    let view = PyMemoryView::from(object)?;
    if !shared {
        let copied: PyBackedBytes = view.call_method0("tobytes")?.extract()?;
        return Ok(Some(Bytes::from_owner(copied)));
    }
    let buffer = PyUntypedBuffer::get(view.as_any())?;
    let foreign = Foreign {
        start: buffer.buf_ptr().cast_const().cast(),
        length: buffer.len_bytes(),
        _view: view.unbind(),
    };
    Ok(Some(Bytes::from_owner(foreign)))
}
