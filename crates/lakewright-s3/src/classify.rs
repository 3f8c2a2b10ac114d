//! From what the SDK reports to what lakewright says.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use lakewright_client::{
    Cause, ErrorBody, Response, causes, chain, meaning, root, seconds, unreachable,
};
use lakewright_core::{Error, ErrorKind, ServiceError};

use crate::S3;

impl S3 {
    /// Says what `error` means for `operation` on `resource`.
    pub(super) fn classify<E>(
        &self,
        error: SdkError<E, HttpResponse>,
        operation: &'static str,
        resource: impl Into<String>,
    ) -> Error
    where
        E: ProvideErrorMetadata + RequestId + StdError + Send + Sync + 'static,
    {
        let said = match &error {
            SdkError::ServiceError(service) => self.service_error(service.err(), service.raw()),
            SdkError::ResponseError(response) if broke_off(&error) => {
                let why = format!("lost the connection to {} in mid-answer", self.profile());
                Error::new(ErrorKind::Unavailable, why).answered(ServiceError {
                    status: response.raw().status().as_u16(),
                    ..ServiceError::default()
                })
            }
            SdkError::ResponseError(response) => unreadable(response.raw()),
            SdkError::TimeoutError(_) => Error::new(
                ErrorKind::Timeout,
                format!(
                    "no answer from {} within {}",
                    self.profile(),
                    seconds(self.profile().timeout())
                ),
            ),
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(connector) if no_keys(connector).is_none() => {
                    unreachable(self.profile(), connector, failure.is_timeout())
                }
                _ => local(&error),
            },
            _ => local(&error),
        };
        said.during(operation).on(resource).caused_by(Cause(chain(&error)))
    }

    fn service_error<E: ProvideErrorMetadata + RequestId>(
        &self,
        error: &E,
        raw: &HttpResponse,
    ) -> Error {
        let header = |name: &str| raw.headers().get(name).map(String::from);
        // A HEAD answer has no body; MinIO then says the code in a header.
        let code = error
            .code()
            .map(String::from)
            .filter(|code| !code.is_empty() && !matches!(&**code, "NotFound" | "Forbidden"))
            .or_else(|| header("x-minio-error-code"));
        let status = raw.status().as_u16();
        if code.is_none() && raw.status().is_success() {
            return unreadable(raw);
        }
        explained(
            error.message(),
            ServiceError {
                status,
                code,
                request_id: error.request_id().map(String::from),
                retry_after: header("retry-after")
                    .and_then(|text| text.parse().ok())
                    .map(Duration::from_secs),
            },
        )
    }
}

/// What an answer without the SDK means that says no.
pub(super) fn refusal(response: &Response) -> Error {
    let refusal = ErrorBody::of(response);
    let code = Some(refusal.code).filter(|code| !code.is_empty());
    if code.is_none() && (200..300).contains(&response.status) {
        return no_s3_answer(response.status);
    }
    explained(
        Some(&refusal.message),
        ServiceError {
            status: response.status,
            code: code.or_else(|| response.header("x-minio-error-code").map(String::from)),
            request_id: response.header("x-amz-request-id").map(String::from),
            retry_after: response.retry_after(),
        },
    )
}

/// What the server said, in our words where we have better ones.
fn explained(text: Option<&str>, said: ServiceError) -> Error {
    let (kind, message) = match text {
        Some(text) if is_locked(text) => LOCKED,
        _ => meaning(said.code.as_deref(), said.status),
    };
    let message = match message {
        Some(message) => message.to_owned(),
        None => text
            .map(|text| text.trim().trim_end_matches('.').to_owned())
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| format!("the server answered {}", said.status)),
    };
    Error::new(kind, message).answered(said)
}

/// Nothing was sent: keys that cannot be had, or a request that cannot be built.
fn local(error: &(dyn StdError + 'static)) -> Error {
    no_keys(error).unwrap_or_else(|| {
        let why = format!("the request cannot be made: {}", root(error));
        Error::new(ErrorKind::InvalidInput, why)
    })
}

/// Why there are no keys to sign with, if that is the cause.
fn no_keys(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut cause = Some(error);
    let mut found = None;
    while let Some(error) = cause {
        if let Some(ours) = error.downcast_ref::<Error>() {
            return Some(ours.told());
        }
        if error.is::<aws_credential_types::provider::error::CredentialsError>() {
            let why = format!("no keys to sign with: {}", root(error));
            found = Some(Error::new(ErrorKind::Unauthenticated, why));
        }
        cause = error.source();
    }
    found
}

/// Whether the answer ended before its end.
fn broke_off(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|error| {
        error.is::<std::io::Error>()
            || error.to_string().contains("end of file before message length")
            || error.to_string().contains("connection")
    })
}

/// An answer that is no S3 answer: a proxy's page, or another kind of server.
fn unreadable(raw: &HttpResponse) -> Error {
    no_s3_answer(raw.status().as_u16())
}

fn no_s3_answer(status: u16) -> Error {
    let kind = if status >= 500 { ErrorKind::Unavailable } else { ErrorKind::Corrupt };
    let why = "the answer is no S3 answer; is the endpoint an S3 server?";
    Error::new(kind, why).answered(ServiceError { status, ..ServiceError::default() })
}

/// What [`is_locked`] means.
pub(super) const LOCKED: (ErrorKind, Option<&str>) = (
    ErrorKind::Denied,
    Some("the version is locked; it stays until its retention and legal hold have ended"),
);

/// Whether the server refuses because of object lock. MinIO and Amazon say so in words only,
/// under codes that also mean other things.
pub(super) fn is_locked(message: &str) -> bool {
    message.contains("WORM protected") || message.contains("protected by object lock")
}
