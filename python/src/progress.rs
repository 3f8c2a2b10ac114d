//! Progress of a transfer, told to Python.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lakewright::{Error, ErrorKind, Result};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::PyBool;
use pyo3::{Borrowed, type_hint_identifier, type_hint_union};

/// How often Python hears of it: smooth for the eye, and the GIL is left alone.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Who wants to know: nobody, a callable, or (`True`) a bar on stderr.
pub(crate) struct Listener(Option<Py<PyAny>>);

impl Listener {
    pub(crate) const NOBODY: Self = Self(None);
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
            return Ok(Self(None));
        }
        if let Ok(wanted) = object.cast::<PyBool>() {
            if !wanted.is_true() {
                return Ok(Self(None));
            }
            let bar = object.py().import("lakewright._progress")?.call_method0("bar")?;
            return Ok(Self(Some(bar.unbind())));
        }
        if !object.is_callable() {
            return Err(PyTypeError::new_err("progress is True or a callable(done, total)"));
        }
        Ok(Self(Some(object.to_owned().unbind())))
    }
}

impl Listener {
    /// Runs a transfer that counts its bytes, and tells how far it is. What the callable raises
    /// ends the transfer.
    pub(crate) async fn hear<T>(
        self,
        total: Option<u64>,
        moved: Arc<AtomicU64>,
        transfer: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let Some(listener) = self.0.map(Arc::new) else { return transfer.await };
        let mut transfer = std::pin::pin!(transfer);
        let mut tick = tokio::time::interval(TELL_EVERY);
        let mut told = None;
        loop {
            let answer = tokio::select! {
                answer = &mut transfer => Some(answer),
                _ = tick.tick() => None,
            };
            let done = moved.load(Ordering::Relaxed);
            if told != Some(done) && !matches!(answer, Some(Err(_))) {
                told = Some(done);
                tell(listener.clone(), done, total).await?;
            }
            if let Some(answer) = answer {
                return answer;
            }
        }
    }
}

/// Off the runtime's workers, which never wait for the GIL.
async fn tell(listener: Arc<Py<PyAny>>, done: u64, total: Option<u64>) -> Result<()> {
    let told = tokio::task::spawn_blocking(move || {
        Python::attach(|py| listener.call1(py, (done, total)).map(drop))
    });
    match told.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(raised)) => {
            Err(Error::new(ErrorKind::Internal, "the progress callback failed").caused_by(raised))
        }
        Err(_) => Err(Error::new(ErrorKind::Internal, "the progress callback was lost")),
    }
}
