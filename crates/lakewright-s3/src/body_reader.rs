//! Elements of a response that the SDK skips.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// An interceptor that reads the body of a response after the SDK has read it. MinIO adds elements
/// of its own, which the SDK skips. Clones share the value: one is given to the request, and the
/// other returns the value.
#[derive(Clone, Debug)]
pub(crate) struct BodyReader<T> {
    read: fn(&str) -> Option<T>,
    value: Arc<Mutex<Option<T>>>,
}

impl<T> BodyReader<T> {
    pub(crate) fn new(read: fn(&str) -> Option<T>) -> Self {
        Self { read, value: Arc::default() }
    }

    /// Takes the value of the last response; `None` where `read` found none.
    pub(crate) fn take(&self) -> Option<T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Replaces the value: a refusal that the SDK retries has a body too, and the SDK's result is
    /// that of the last response.
    fn replace(&self, body: &str) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = (self.read)(body);
    }
}

impl<T: Debug + Send> Intercept for BodyReader<T> {
    fn name(&self) -> &'static str {
        "elements that the SDK skips"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        self.replace(&String::from_utf8_lossy(body));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_response_counts() {
        let reader = BodyReader::new(|body| body.strip_prefix("value ").map(str::to_owned));
        assert_eq!(reader.take(), None);
        for body in ["value of a refusal", "value of the success"] {
            reader.clone().replace(body);
        }
        assert_eq!(reader.take().as_deref(), Some("of the success"));
        reader.replace("value of a refusal");
        reader.replace("none");
        assert_eq!(reader.take(), None);
    }
}
