//! The handles that verbs are called on. `#[verbs]` declares a verb once and makes the blocking
//! method and its asynchronous twin of it.

use std::ops::Deref;

use lakewright::Result;
pub(crate) use lakewright_macros::verbs;
use pyo3::prelude::*;

use crate::error::OrRaise;

/// A Python class that has verbs.
pub(crate) trait Handle: Clone {
    /// The handle of the core, which sends the requests of a verb.
    type Inner;

    /// Returns the inner handle for the length of a call.
    ///
    /// # Errors
    /// `InvalidInput` when the lake was closed.
    fn inner(&self) -> Result<Self::Inner>;
}

/// A handle whose lake is open, and stays open until the verb has returned.
pub(crate) struct Open<H: Handle> {
    /// The Python object that the verb was called on.
    pub(crate) handle: H,
    /// The handle of the core.
    pub(crate) inner: H::Inner,
}

impl<H: Handle> Open<H> {
    pub(crate) fn new(py: Python<'_>, handle: &H) -> PyResult<Self> {
        Ok(Self { inner: handle.inner().or_raise(py)?, handle: handle.clone() })
    }
}

/// A value that needs these lakes open.
pub(crate) struct Guarded<T> {
    value: T,
    _lakes: Vec<lakewright::Lake>,
}

impl<T> Guarded<T> {
    pub(crate) fn new(value: T, lakes: Vec<lakewright::Lake>) -> Self {
        Self { value, _lakes: lakes }
    }
}

impl<T> Deref for Guarded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The result of a verb that lists: the iterators that its two methods return.
pub(crate) trait Iterated: Sized {
    type Iterator: From<Self>;
    type AsyncIterator: From<Self>;
}

/// Returns the iterator of a blocking verb.
pub(crate) fn iterate<T: Iterated>(py: Python<'_>, listing: Result<T>) -> PyResult<T::Iterator> {
    listing.or_raise(py).map(Into::into)
}

/// Returns the iterator of an asynchronous twin.
pub(crate) fn iterate_async<T: Iterated>(
    py: Python<'_>,
    listing: Result<T>,
) -> PyResult<T::AsyncIterator> {
    listing.or_raise(py).map(Into::into)
}
