//! The data of a new object: bytes-like, a file, or an iterator of pieces.

use bytes::Bytes;
use futures::StreamExt;
use lakewright::{ByteStream, Error, ErrorKind, Result};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyString};
use pyo3::{Borrowed, type_hint_identifier};
use tokio::sync::mpsc;

use crate::buffer::bytes_of;

/// The size of one read of a file, in bytes: each read takes the GIL.
const READ_BYTES: usize = 4 << 20;

/// How many pieces are buffered between the thread that reads and the runtime.
const BUFFERED_PIECES: usize = 2;

/// The bytes of a new object.
pub(crate) enum ObjectData {
    /// In memory.
    Bytes(Bytes),
    /// Read from a file or an iterator.
    Pieces(Source),
}

/// The origin of pieces.
pub(crate) enum Source {
    File(Py<PyAny>),
    Iterator(Py<PyIterator>),
}

impl FromPyObject<'_, '_> for ObjectData {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("lakewright.typing", "ObjectData");

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Some(bytes) = bytes_of(&object)? {
            return Ok(Self::Bytes(bytes));
        }
        if object.hasattr("read")? {
            return Ok(Self::Pieces(Source::File(object.to_owned().unbind())));
        }
        // The items of a text are characters, and those of a dict are its keys.
        let looks_like_pieces =
            !object.is_instance_of::<PyString>() && !object.is_instance_of::<PyDict>();
        if looks_like_pieces && let Ok(iterator) = object.try_iter() {
            return Ok(Self::Pieces(Source::Iterator(iterator.unbind())));
        }
        Err(PyTypeError::new_err(format!(
            "data is bytes-like, a file opened for bytes, or an iterator of bytes-like objects, \
             not {}; encode text, and use upload() for a path",
            object.get_type().name()?
        )))
    }
}

impl Source {
    /// Reads to the end, to the first error, or until the receiver is dropped.
    fn read(&self, sender: &mpsc::Sender<Result<Bytes>>) {
        // While the interpreter shuts down Python code cannot be called any more.
        while let Some(piece) = Python::try_attach(|py| self.next(py)) {
            let last = piece.as_ref().map_or(true, Bytes::is_empty);
            let piece = piece.map_err(|error| {
                Error::new(ErrorKind::Internal, "reading the data failed").caused_by(error)
            });
            let end = piece.as_ref().is_ok_and(Bytes::is_empty);
            if end || sender.blocking_send(piece).is_err() || last {
                return;
            }
        }
    }

    /// Returns the next piece, an empty one at the end.
    fn next(&self, py: Python<'_>) -> PyResult<Bytes> {
        let (piece, from) = match self {
            Self::File(file) => (file.bind(py).call_method1("read", (READ_BYTES,))?, "read()"),
            Self::Iterator(iterator) => loop {
                let Some(piece) = iterator.bind(py).clone().next().transpose()? else {
                    return Ok(Bytes::new());
                };
                // An empty piece is not the end of an iterator.
                if piece.len().is_ok_and(|length| length == 0) {
                    continue;
                }
                break (piece, "the iterator");
            },
        };
        bytes_of(&piece)?.ok_or_else(|| match piece.get_type().name() {
            Ok(name) => PyTypeError::new_err(format!("{from} gives {name}, not bytes")),
            Err(error) => error,
        })
    }

    /// Returns the pieces as a stream. They are read on a thread of their own, which takes the GIL
    /// for each piece.
    pub(crate) fn into_stream(self) -> ByteStream {
        let (sender, receiver) = mpsc::channel::<Result<Bytes>>(BUFFERED_PIECES);
        let mut reader = Some((self, sender));
        let pieces = futures::stream::unfold(receiver, move |mut receiver| {
            if let Some((source, sender)) = reader.take() {
                tokio::task::spawn_blocking(move || source.read(&sender));
            }
            async move { receiver.recv().await.map(|piece| (piece, receiver)) }
        });
        // A stream may be polled again after its end.
        Box::pin(pieces.fuse())
    }
}
