//! From our kinds to Python's exceptions.

use std::error::Error as StdError;

use lakewright::{Error, ErrorKind, Result};
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// Turns an error into the exception of its kind.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raise(py, &error))
    }
}

/// The class of each kind in `lakewright.exceptions`. No `_ =>`: who adds a kind decides here.
const fn class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidSpec => "InvalidSpecError",
        ErrorKind::InvalidConfig => "ConfigError",
        ErrorKind::InvalidInput => "InvalidInputError",
        ErrorKind::Unauthenticated => "UnauthenticatedError",
        ErrorKind::Denied => "AccessDeniedError",
        ErrorKind::NotFound => "NotFoundError",
        ErrorKind::AlreadyExists => "AlreadyExistsError",
        ErrorKind::Conflict => "ConflictError",
        ErrorKind::PreconditionFailed => "PreconditionFailedError",
        ErrorKind::TooLarge => "TooLargeError",
        ErrorKind::SchemaMismatch => "SchemaMismatchError",
        ErrorKind::Throttled => "ThrottledError",
        ErrorKind::Unsupported => "UnsupportedError",
        ErrorKind::Unavailable => "UnavailableError",
        ErrorKind::Timeout => "OperationTimeoutError",
        ErrorKind::StorageFull => "StorageFullError",
        ErrorKind::Corrupt => "CorruptError",
        ErrorKind::PartialApply => "PartialApplyError",
        ErrorKind::Internal => "InternalError",
    }
}

/// The exception for an error; one that Python code of the caller raised comes back as it was,
/// but for `StopIteration`, which would end a loop of whoever called us (as in PEP 479).
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    if let Some(theirs) = raised_by_caller(error) {
        let theirs = theirs.clone_ref(py);
        if !theirs.is_instance_of::<PyStopIteration>(py) {
            return theirs;
        }
        let ours = PyRuntimeError::new_err("the caller's code raised StopIteration");
        ours.set_cause(py, Some(theirs));
        return ours;
    }
    match exception(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        // Only while the interpreter shuts down and modules are gone.
        Err(_) => PyRuntimeError::new_err(error.to_string()),
    }
}

fn raised_by_caller(error: &Error) -> Option<&PyErr> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(theirs) = error.downcast_ref::<PyErr>() {
            return Some(theirs);
        }
        cause = error.source();
    }
    None
}

fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let said = PyDict::new(py);
    said.set_item("operation", error.operation())?;
    said.set_item("resource", error.resource())?;
    if let Some(service) = error.service() {
        said.set_item("status", service.status)?;
        said.set_item("service_code", service.code.as_deref())?;
        said.set_item("request_id", service.request_id.as_deref())?;
        said.set_item("retry_after", service.retry_after.map(|pause| pause.as_secs_f64()))?;
    }
    let failures: PyResult<Vec<_>> =
        error.failures().iter().map(|failure| exception(py, failure)).collect();
    said.set_item("failures", PyTuple::new(py, failures?)?)?;
    let module = py.import("lakewright.exceptions")?;
    module.getattr(class(error.kind()))?.call((error.to_string(),), Some(&said))
}

/// An argument that is wrong in itself.
pub(crate) fn invalid(py: Python<'_>, why: impl Into<String>) -> PyErr {
    raise(py, &Error::invalid_input(why))
}

/// Code, HTTP status, exit code, retryable and class of every kind, for the parity test.
#[pyfunction]
#[pyo3(name = "_error_table")]
pub(crate) fn error_table() -> Vec<(&'static str, u16, u8, bool, &'static str)> {
    ErrorKind::ALL
        .into_iter()
        .map(|kind| {
            (kind.code(), kind.http_status(), kind.exit_code(), kind.is_retryable(), class(kind))
        })
        .collect()
}
