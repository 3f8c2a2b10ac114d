//! Progress of a transfer, reported to a Python callable.

use std::future::Future;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lakewright::{Error, ErrorKind, Result};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::PyBool;
use pyo3::{Borrowed, type_hint_identifier, type_hint_union};
use tokio::sync::Notify;

use crate::convert::hint;

/// How often the callable is called at most: often enough for a smooth bar, and seldom enough to
/// leave the GIL to others.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// The `progress` argument of a transfer: nothing, a callable, or (`True`) a bar on stderr.
pub(crate) enum ProgressArgument {
    Off,
    Callable(Py<PyAny>),
    /// A bar that this module created, and therefore closes.
    Bar(Py<PyAny>),
}

/// The number of bytes moved, and of bytes in all where it is known.
type Bytes = (u64, Option<u64>);

/// How many bytes a transfer has moved; nothing before its first report.
#[derive(Default)]
pub(crate) struct ByteProgress {
    bytes: Mutex<Option<Bytes>>,
    started: Notify,
}

impl ByteProgress {
    /// Records the number of bytes moved so far.
    pub(crate) fn set(&self, done: u64, total: Option<u64>) {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.replace((done, total)).is_none() {
            self.started.notify_one();
        }
    }

    fn get(&self) -> Option<Bytes> {
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromPyObject<'_, '_> for ProgressArgument {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(
        hint::BOOL,
        type_hint_identifier!("lakewright.typing", "ProgressCallback")
    );

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(wanted) = object.cast::<PyBool>() {
            if !wanted.is_true() {
                return Ok(Self::Off);
            }
            let bar = object.py().import("lakewright._progress")?.call_method0("bar")?;
            return Ok(Self::Bar(bar.unbind()));
        }
        if !object.is_callable() {
            return Err(PyTypeError::new_err("progress is True or a callable(done, total)"));
        }
        Ok(Self::Callable(object.to_owned().unbind()))
    }
}

impl ProgressArgument {
    /// Runs a transfer that records its bytes in `progress`, and reports them. An exception that
    /// the callable raises ends the transfer.
    pub(crate) async fn report<T>(
        this: Option<Self>,
        progress: &ByteProgress,
        transfer: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (callable, bar) = match this {
            None | Some(Self::Off) => return transfer.await,
            Some(Self::Callable(callable)) => (Arc::new(callable), None),
            Some(Self::Bar(bar)) => {
                let bar = Arc::new(bar);
                (bar.clone(), Some(CloseBar(Some(bar))))
            }
        };
        let result = report_until_done(&callable, progress, transfer).await;
        if let Some(bar) = bar {
            bar.close().await;
        }
        result
    }
}

async fn report_until_done<T>(
    callable: &Arc<Py<PyAny>>,
    progress: &ByteProgress,
    transfer: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut transfer = std::pin::pin!(transfer);
    let mut tick = tokio::time::interval(REPORT_INTERVAL);
    let mut reported = None;
    loop {
        let result = tokio::select! {
            result = &mut transfer => Some(result),
            _ = tick.tick() => None,
            // A short transfer would be done before the second tick.
            () = progress.started.notified() => None,
        };
        if let Some(bytes) = progress.get()
            && reported != Some(bytes)
            && !matches!(result, Some(Err(_)))
        {
            reported = Some(bytes);
            call(callable.clone(), bytes).await?;
        }
        if let Some(result) = result {
            return result;
        }
    }
}

/// Calls the callable on a blocking thread: the workers of the runtime never wait for the GIL.
async fn call(callable: Arc<Py<PyAny>>, bytes: Bytes) -> Result<()> {
    let call = move || Python::attach(|py| callable.call1(py, bytes).map(drop));
    match tokio::task::spawn_blocking(call).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(raised)) => {
            Err(Error::new(ErrorKind::Internal, "the progress callback failed").caused_by(raised))
        }
        Err(_) => Err(Error::new(ErrorKind::Internal, "the progress callback was lost")),
    }
}

/// Closes a bar however its transfer ends, so that later output begins on a line of its own.
struct CloseBar(Option<Arc<Py<PyAny>>>);

impl CloseBar {
    /// Closes the bar, and waits until it is closed.
    async fn close(mut self) {
        if let Some(closing) = self.start() {
            // Joining fails only when the runtime is shut down.
            let _ = closing.await;
        }
    }

    /// Starts closing on a blocking thread: the workers of the runtime never wait for the GIL.
    fn start(&mut self) -> Option<tokio::task::JoinHandle<()>> {
        let (bar, runtime) = (self.0.take()?, tokio::runtime::Handle::try_current().ok()?);
        Some(runtime.spawn_blocking(move || {
            // A bar that cannot be closed must not hide the result of the transfer.
            Python::try_attach(|py| bar.call_method0(py, "close").map(drop));
        }))
    }
}

impl Drop for CloseBar {
    fn drop(&mut self) {
        drop(self.start());
    }
}
