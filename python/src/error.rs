//! Converts errors into Python's exceptions.

use std::error::Error as StdError;

use lakewright::{Error, ErrorKind, Result};
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// Converts the error of a result into the exception of its kind.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raise(py, &error))
    }
}

/// The class of each kind in `lakewright.exceptions`. Without a `_` arm, so that a new kind does
/// not compile before it has a class.
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

/// Returns the exception for an error. An exception that the caller's own Python code raised is
/// raised again unchanged, except for `StopIteration`, which would end a loop of the caller (PEP
/// 479).
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
        // Importing the module fails only while the interpreter shuts down.
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
    let attributes = PyDict::new(py);
    attributes.set_item("operation", error.operation())?;
    attributes.set_item("resource", error.resource())?;
    attributes.set_item("retryable", error.is_retryable())?;
    attributes.set_item("outcome_unknown", error.outcome_unknown())?;
    if let Some(service) = error.service() {
        attributes.set_item("status", service.status)?;
        attributes.set_item("service_code", service.code.as_deref())?;
        attributes.set_item("request_id", service.request_id.as_deref())?;
        attributes.set_item("retry_after", service.retry_after.map(|delay| delay.as_secs_f64()))?;
    }
    let failures: PyResult<Vec<_>> =
        error.failures().iter().map(|failure| exception(py, failure)).collect();
    attributes.set_item("failures", PyTuple::new(py, failures?)?)?;
    let module = py.import("lakewright.exceptions")?;
    module.getattr(class(error.kind()))?.call((error.to_string(),), Some(&attributes))
}

/// The exception for an invalid argument.
pub(crate) fn invalid(py: Python<'_>, why: impl Into<String>) -> PyErr {
    raise(py, &Error::invalid_input(why))
}

/// Code, HTTP status, exit code, retryable (with a known outcome) and class of every kind, for the
/// parity test.
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
