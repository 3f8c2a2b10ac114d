//! What a bucket can be told to do by itself. One configuration, one file: get, set, and delete
//! where S3 has it.

mod anonymous_access;
mod encryption;
mod lifecycle;
mod notifications;
mod object_lock;
mod policy;
mod server_text;
mod tags;
mod versioning;

use std::error::Error as StdError;

use aws_sdk_s3::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use lakewright_core::{Error, ErrorKind, Result};

use super::Bucket;

impl Bucket {
    /// Says what `error` means for `operation` on this bucket.
    fn refusal<E>(&self, error: SdkError<E, HttpResponse>, operation: &'static str) -> Error
    where
        E: ProvideErrorMetadata + RequestId + StdError + Send + Sync + 'static,
    {
        self.s3().classify(error, operation, self.name.as_str())
    }

    /// `NotFound` where the bucket is missing. MinIO says "nothing configured" or even "done" to
    /// some of these verbs on a bucket that does not exist.
    async fn must_exist(&self, operation: &'static str) -> Result<()> {
        if self.seen {
            return Ok(());
        }
        match self.s3().head_bucket(&self.name).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error.during(operation)),
            // Who may not look may still be allowed to do: the verb itself will tell.
            _ => Ok(()),
        }
    }

    /// A wrong argument of `operation`.
    fn wrong(&self, error: Error, operation: &'static str) -> Error {
        error.during(operation).on(self.name.as_str())
    }

    /// What the server has that we cannot say: better no answer than half of one.
    fn inexpressible(&self, what: &str, operation: &'static str) -> Error {
        let why = format!("{what}, which lakewright has no words for");
        self.wrong(Error::new(ErrorKind::Unsupported, why), operation)
    }
}

/// The service's own code.
fn code(error: &Error) -> &str {
    error.service().and_then(|said| said.code.as_deref()).unwrap_or_default()
}

/// A request that lacks what we always give it.
fn incomplete(error: BuildError) -> Error {
    Error::new(ErrorKind::Internal, "the request is incomplete").caused_by(error)
}
