//! Iterators over what arrives bit by bit.
//!
//! What arrived lies in the iterator until somebody takes it, and is taken in the very moment in
//! which Python gets it. A wait that ends early (a future that is cancelled, Ctrl-C) loses
//! nothing: the next one who asks finds it.

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
pub(crate) struct Turns<T> {
    /// In their order; an error has its place among them, or the items behind a gap would pass
    /// for all.
    here: Arc<Mutex<VecDeque<Result<T>>>>,
    source: Arc<tokio::sync::Mutex<Source<T>>>,
}

impl<T> Clone for Turns<T> {
    fn clone(&self) -> Self {
        Self { here: self.here.clone(), source: self.source.clone() }
    }
}

impl<T> Turns<T>
where
    T: for<'py> IntoPyObject<'py> + Send + 'static,
{
    pub(crate) fn new(source: impl Stream<Item = Result<Vec<T>>> + Send + 'static) -> Self {
        let source: Source<T> = Box::pin(source.fuse());
        Self { here: Arc::default(), source: Arc::new(tokio::sync::Mutex::new(source)) }
    }

    fn here(&self) -> MutexGuard<'_, VecDeque<Result<T>>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Result<T>> {
        self.here().pop_front()
    }

    /// Comes back when there is something to take, with `false` when there never will be.
    async fn more(self) -> Result<bool> {
        let mut source = self.source.lock().await;
        loop {
            // Who held the lock before may have brought something.
            if !self.here().is_empty() {
                return Ok(true);
            }
            match source.next().await {
                Some(Ok(items)) => self.here().extend(items.into_iter().map(Ok)),
                Some(Err(error)) => self.here().push_back(Err(error)),
                None => return Ok(false),
            }
        }
    }

    /// `__next__`
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

    /// `__anext__`
    pub(crate) fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, T>> {
        // An error waits for whoever awaits.
        if !matches!(self.here().front(), Some(Err(_)))
            && let Some(item) = self.take()
        {
            return Ready::with(py, item.or_raise(py)?);
        }
        let next =
            Next { waiting: Mutex::new(Some(self.wait(py)?)), turns: Box::new(self.clone()) };
        Ok(Awaitable::of(Bound::new(py, next)?.into_any()))
    }
}

/// [`Turns`] without the type of its items, which a class of Python cannot have.
trait Turn: Send + Sync {
    /// What an event loop asks until there is something to take.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>>;

    fn take(&self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>>;
}

impl<T> Turn for Turns<T>
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

/// What `__anext__` returns: a wait, and behind it the item. A future could not hold the item,
/// because a task may be cancelled when its future is done already.
#[pyclass(frozen, module = "lakewright._lakewright", name = "_Next")]
pub(crate) struct Next {
    /// The iterator of the future that is awaited, until it is over.
    waiting: Mutex<Option<Py<PyAny>>>,
    turns: Box<dyn Turn>,
}

impl Next {
    fn waiting(&self) -> MutexGuard<'_, Option<Py<PyAny>>> {
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
            let waiting = self.waiting().take();
            let waiting = waiting.map_or_else(|| self.turns.wait(py), Ok)?;
            let over = match waiting.call_method0(py, "__next__") {
                Ok(future) => {
                    *self.waiting() = Some(waiting);
                    return Ok(future);
                }
                Err(over) if over.is_instance_of::<PyStopIteration>(py) => over,
                Err(error) => return Err(error),
            };
            let more = over.value(py).getattr("value")?.is_truthy()?;
            match self.turns.take(py) {
                Some(item) => return Err(PyStopIteration::new_err((item?,))),
                // Somebody else was faster.
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
        let waiting = self.waiting().take();
        let waiting = waiting.map_or_else(|| self.turns.wait(py), Ok)?;
        waiting.call_method1(py, "throw", raised)
    }

    fn close(&self) {
        let waiting = self.waiting().take();
        drop(waiting);
    }
}
