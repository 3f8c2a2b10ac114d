//! The settings of a bucket. Each has its own file with get, set and, if S3 has it, delete.

mod anonymous_access;
mod encryption;
mod lifecycle;
mod notifications;
mod object_lock;
mod policy;
mod setting;
mod tags;
mod versioning;

use std::error::Error as StdError;

use aws_sdk_s3::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use lakewright_core::{Error, ErrorKind, Result};

use super::Bucket;

impl Bucket {
    /// Returns the error of `operation` on this bucket for an error of the SDK.
    fn refusal<E>(&self, error: SdkError<E, HttpResponse>, operation: &'static str) -> Error
    where
        E: ProvideErrorMetadata + RequestId + StdError + Send + Sync + 'static,
    {
        self.s3().classify(error, operation, self.name.as_str())
    }

    /// Returns `NotFound` if the bucket is missing. MinIO reports "nothing configured", or even
    /// success, to some of these verbs on a bucket that does not exist.
    async fn must_exist(&self, operation: &'static str) -> Result<()> {
        if self.assume_exists {
            return Ok(());
        }
        match self.s3().head_bucket(&self.name).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error.during(operation)),
            // Credentials without access to the bucket may have access to the setting.
            _ => Ok(()),
        }
    }

    /// Returns the error of a wrong argument of `operation`.
    fn wrong(&self, error: Error, operation: &'static str) -> Error {
        error.during(operation).on(self.name.as_str())
    }

    /// Returns the error for a value on the server that the types of lakewright cannot express. A
    /// part of the value would be wrong.
    fn inexpressible(&self, what: &str, operation: &'static str) -> Error {
        let why = format!("{what}, which lakewright cannot represent");
        self.wrong(Error::new(ErrorKind::Unsupported, why), operation)
    }
}

/// Returns the code of the service; empty if there is none.
fn code(error: &Error) -> &str {
    error.service().and_then(|service| service.code.as_deref()).unwrap_or_default()
}

/// Returns the error of a request that lacks a field, which every verb gives it.
fn incomplete(error: BuildError) -> Error {
    Error::new(ErrorKind::Internal, "the request is incomplete").caused_by(error)
}
