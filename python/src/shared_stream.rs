//! Iterators over items that arrive over time.
//!
//! Items that have arrived stay in the iterator until a caller takes them, and an item is taken at
//! the moment when Python gets it. A wait that ends early (a cancelled future, Ctrl-C) therefore
//! loses nothing: the next call gets the item.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::{Stream, StreamExt};
use lakewright::Result;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyStopAsyncIteration, PyStopIteration};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::OrRaise;
use crate::runtime::{Awaitable, Ready, promise, wait};

type Source<T> = Pin<Box<dyn Stream<Item = Result<Vec<T>>> + Send>>;

/// The items of a stream. Threads and tasks may share it; each item goes to one of them.
pub(crate) struct SharedStream<T> {
    /// The items that have arrived, in their order. An error keeps its place among them, because
    /// the items after a gap would pass for all items.
    arrived: Arc<Mutex<VecDeque<Result<T>>>>,
    source: Arc<tokio::sync::Mutex<Source<T>>>,
}

impl<T> Clone for SharedStream<T> {
    fn clone(&self) -> Self {
        Self { arrived: self.arrived.clone(), source: self.source.clone() }
    }
}

impl<T> SharedStream<T>
where
    T: for<'py> IntoPyObject<'py> + Send + 'static,
{
    pub(crate) fn new(source: impl Stream<Item = Result<Vec<T>>> + Send + 'static) -> Self {
        let source: Source<T> = Box::pin(source.fuse());
        Self { arrived: Arc::default(), source: Arc::new(tokio::sync::Mutex::new(source)) }
    }

    fn arrived(&self) -> MutexGuard<'_, VecDeque<Result<T>>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Result<T>> {
        self.arrived().pop_front()
    }

    /// Waits until an item has arrived. Returns `false` at the end of the stream.
    async fn more(self) -> Result<bool> {
        let mut source = self.source.lock().await;
        loop {
            // The previous holder of the lock may have added items.
            if !self.arrived().is_empty() {
                return Ok(true);
            }
            match source.next().await {
                Some(Ok(items)) => self.arrived().extend(items.into_iter().map(Ok)),
                Some(Err(error)) => self.arrived().push_back(Err(error)),
                None => return Ok(false),
            }
        }
    }

    /// Implements `__next__`.
    pub(crate) fn next(&self, py: Python<'_>) -> PyResult<T> {
        loop {
            if let Some(item) = self.take() {
                return item.or_raise(py);
            }
            if !wait(py, self.clone().more())? {
                return Err(PyStopIteration::new_err(()));
            }
        }
    }

    /// Implements `__anext__`.
    pub(crate) fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, T>> {
        // An error stays until the result is awaited, which is where it is raised.
        if !matches!(self.arrived().front(), Some(Err(_)))
            && let Some(item) = self.take()
        {
            return Ready::with(py, item.or_raise(py)?);
        }
        let waiting = Mutex::new(Some(self.wait(py)?));
        let next = Next { waiting, stream: Box::new(self.clone()) };
        Ok(Awaitable::of(Bound::new(py, next)?.into_any()))
    }
}

/// A [`SharedStream`] without the type of its items, which a Python class cannot have.
trait AnyStream: Send + Sync {
    /// Returns the iterator that an event loop drives until an item has arrived.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>>;

    fn take(&self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>>;
}

impl<T> AnyStream for SharedStream<T>
where
    T: for<'py> IntoPyObject<'py> + Send + 'static,
{
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let future = promise(py, self.clone().more())?.into_pyobject(py)?;
        Ok(future.call_method0("__await__")?.unbind())
    }

    fn take(&self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let item = Self::take(self)?;
        Some(item.or_raise(py).and_then(|item| item.into_py_any(py)))
    }
}

/// The result of `__anext__`: it waits, and then takes the item. The future that it waits for does
/// not hold the item, because a task may be cancelled when its future is done already.
#[pyclass(frozen, module = "lakewright._lakewright", name = "_Next")]
pub(crate) struct Next {
    /// The iterator of the awaited future, until that is done.
    waiting: Mutex<Option<Py<PyAny>>>,
    stream: Box<dyn AnyStream>,
}

impl Next {
    fn lock_waiting(&self) -> MutexGuard<'_, Option<Py<PyAny>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Next {
    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        loop {
            let waiting = self.lock_waiting().take();
            let waiting = waiting.map_or_else(|| self.stream.wait(py), Ok)?;
            let stopped = match waiting.call_method0(py, "__next__") {
                Ok(future) => {
                    *self.lock_waiting() = Some(waiting);
                    return Ok(future);
                }
                Err(stopped) if stopped.is_instance_of::<PyStopIteration>(py) => stopped,
                Err(error) => return Err(error),
            };
            let more = stopped.value(py).getattr("value")?.is_truthy()?;
            match self.stream.take(py) {
                Some(item) => return Err(PyStopIteration::new_err((item?,))),
                // Another task took the item.
                None if more => {}
                None => return Err(PyStopAsyncIteration::new_err(())),
            }
        }
    }

    #[pyo3(signature = (value: "object", /))]
    fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let _ = value;
        self.__next__(py)
    }

    #[pyo3(signature = (*raised: "object"))]
    fn throw(&self, py: Python<'_>, raised: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        let waiting = self.lock_waiting().take();
        let waiting = waiting.map_or_else(|| self.stream.wait(py), Ok)?;
        waiting.call_method1(py, "throw", raised)
    }

    fn close(&self) {
        let waiting = self.lock_waiting().take();
        drop(waiting);
    }
}
