//! Progress of a transfer, told to Python.

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

/// How often Python hears of it: smooth for the eye, and the GIL is left alone.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Who wants to know: nobody, a callable, or (`True`) a bar on stderr.
pub(crate) enum Listener {
    Nobody,
    Callable(Py<PyAny>),
    /// Ours, and so ours to put away.
    Bar(Py<PyAny>),
}

/// How far a transfer is: bytes moved, and bytes in all where that is known.
/// Nothing before the transfer has said a first word.
#[derive(Default)]
pub(crate) struct Far {
    is: Mutex<Option<(u64, Option<u64>)>>,
    begun: Notify,
}

impl Far {
    pub(crate) fn note(&self, done: u64, total: Option<u64>) {
        let mut is = self.is.lock().unwrap_or_else(PoisonError::into_inner);
        if is.replace((done, total)).is_none() {
            self.begun.notify_one();
        }
    }

    fn is(&self) -> Option<(u64, Option<u64>)> {
        *self.is.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromPyObject<'_, '_> for Listener {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(
        type_hint_identifier!("builtins", "bool"),
        type_hint_identifier!("lakewright.typing", "ProgressCallback"),
        PyStaticExpr::Constant { value: pyo3::inspect::PyStaticConstant::None }
    );

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if object.is_none() {
            return Ok(Self::Nobody);
        }
        if let Ok(wanted) = object.cast::<PyBool>() {
            if !wanted.is_true() {
                return Ok(Self::Nobody);
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

impl Listener {
    /// Runs a transfer that counts its bytes, and tells how far it is. What the callable raises
    /// ends the transfer.
    pub(crate) async fn hear<T>(
        self,
        far: &Far,
        transfer: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (listener, bar) = match self {
            Self::Nobody => return transfer.await,
            Self::Callable(callable) => (Arc::new(callable), None),
            Self::Bar(bar) => {
                let bar = Arc::new(bar);
                (bar.clone(), Some(PutAway(Some(bar))))
            }
        };
        let answer = tell_all(&listener, far, transfer).await;
        if let Some(bar) = bar {
            bar.now().await;
        }
        answer
    }
}

/// Runs the transfer to its end.
async fn tell_all<T>(
    listener: &Arc<Py<PyAny>>,
    far: &Far,
    transfer: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut transfer = std::pin::pin!(transfer);
    let mut tick = tokio::time::interval(TELL_EVERY);
    let mut told = None;
    loop {
        let answer = tokio::select! {
            answer = &mut transfer => Some(answer),
            _ = tick.tick() => None,
            // A short transfer would be over before the second look.
            () = far.begun.notified() => None,
        };
        if let Some(is) = far.is()
            && told != Some(is)
            && !matches!(answer, Some(Err(_)))
        {
            told = Some(is);
            tell(listener.clone(), is).await?;
        }
        if let Some(answer) = answer {
            return answer;
        }
    }
}

/// Off the runtime's workers, which never wait for the GIL.
async fn tell(listener: Arc<Py<PyAny>>, far: (u64, Option<u64>)) -> Result<()> {
    let told =
        tokio::task::spawn_blocking(move || Python::attach(|py| listener.call1(py, far).map(drop)));
    match told.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(raised)) => {
            Err(Error::new(ErrorKind::Internal, "the progress callback failed").caused_by(raised))
        }
        Err(_) => Err(Error::new(ErrorKind::Internal, "the progress callback was lost")),
    }
}

/// Ends a bar however its transfer ended, so that what is printed next has a line of its own.
struct PutAway(Option<Arc<Py<PyAny>>>);

impl PutAway {
    /// Before the caller hears how the transfer ended.
    async fn now(mut self) {
        if let Some(closing) = self.closing() {
            let _ = closing.await;
        }
    }

    /// Off the workers, which never wait for the GIL.
    fn closing(&mut self) -> Option<tokio::task::JoinHandle<()>> {
        let (bar, runtime) = (self.0.take()?, tokio::runtime::Handle::try_current().ok()?);
        Some(runtime.spawn_blocking(move || {
            // A bar that fails to close has said so where it could.
            Python::try_attach(|py| bar.call_method0(py, "close").map(drop));
        }))
    }
}

impl Drop for PutAway {
    fn drop(&mut self) {
        drop(self.closing());
    }
}
