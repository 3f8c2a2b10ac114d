//! Converts errors of the SDK and responses of S3 into lakewright's errors.

use std::error::Error as StdError;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use lakewright_client::{
    Cause, ErrorBody, Response, causes, chain, classify_code, connection_lost, leaves_outcome_open,
    root, seconds, timed_out, unreachable,
};
use lakewright_core::{Error, ErrorKind, Outcome, ServiceError};

use crate::S3;

impl S3 {
    /// Converts an error of the SDK for `operation` on `resource`.
    pub(super) fn classify<E>(
        &self,
        error: SdkError<E, HttpResponse>,
        operation: &'static str,
        resource: impl Into<String>,
    ) -> Error
    where
        E: ProvideErrorMetadata + RequestId + StdError + Send + Sync + 'static,
    {
        let converted = match &error {
            _ if own_error(&error).is_some_and(|own| own.kind() == ErrorKind::TooLarge) => {
                let why =
                    format!("the response of {} is too large to be one of S3", self.profile());
                Error::new(ErrorKind::TooLarge, why)
            }
            SdkError::ServiceError(service) => self.service_error(service.err(), service.raw()),
            SdkError::ResponseError(response) if connection_lost(&error) => {
                let why = format!(
                    "lost the connection to {} in the middle of the response",
                    self.profile()
                );
                Error::new(ErrorKind::Unavailable, why).with_service(ServiceError {
                    status: response.raw().status().as_u16(),
                    ..ServiceError::default()
                })
            }
            SdkError::ResponseError(response) => unreadable(response.raw()),
            // The SDK does not report whether the last attempt was sent.
            SdkError::TimeoutError(_) => Error::new(
                ErrorKind::Timeout,
                format!(
                    "no answer from {} within {}",
                    self.profile(),
                    seconds(self.profile().timeout())
                ),
            ),
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(connector) if missing_credentials(connector).is_none() => {
                    // The SDK reports a timeout of its own on the failure and not on its cause.
                    let convert = if failure.is_timeout() { timed_out } else { unreachable };
                    convert(self.profile(), connector)
                }
                _ => not_sent(&error),
            },
            _ => not_sent(&error),
        };
        converted.during(operation).on(resource).caused_by(Cause(chain(&error)))
    }

    fn service_error<E: ProvideErrorMetadata + RequestId>(
        &self,
        error: &E,
        raw: &HttpResponse,
    ) -> Error {
        let header = |name: &str| raw.headers().get(name).map(String::from);
        // The response to HEAD has no body; MinIO sends the code in a header too.
        let code = error
            .code()
            .map(String::from)
            .filter(|code| !code.is_empty() && !matches!(&**code, "NotFound" | "Forbidden"))
            .or_else(|| header("x-minio-error-code"));
        let status = raw.status().as_u16();
        if code.is_none() && raw.status().is_success() {
            return unreadable(raw);
        }
        explained(ServiceError {
            status,
            code,
            message: error.message().map(String::from),
            request_id: error.request_id().map(String::from),
            retry_after: header("retry-after")
                .and_then(|text| text.parse().ok())
                .map(Duration::from_secs),
        })
    }
}

/// Converts the response to a refused request that was sent without the SDK.
pub(super) fn refusal(response: &Response) -> Error {
    let refusal = ErrorBody::of(response);
    let code = Some(refusal.code).filter(|code| !code.is_empty());
    if code.is_none() && (200..300).contains(&response.status) {
        return not_an_s3_response(response.status);
    }
    explained(ServiceError {
        status: response.status,
        code: code.or_else(|| response.header("x-minio-error-code").map(String::from)),
        message: Some(refusal.message),
        request_id: response.header("x-amz-request-id").map(String::from),
        retry_after: response.retry_after(),
    })
}

/// Returns the error for a refusal, with lakewright's explanation if it has one and that of the
/// service otherwise.
fn explained(service: ServiceError) -> Error {
    let text = service.message.as_deref().unwrap_or_default();
    let (kind, message) = if is_locked(text) {
        LOCKED
    } else {
        classify_code(service.code.as_deref(), service.status)
    };
    let text = text.trim().trim_end_matches('.');
    let message = match message {
        Some(message) => message.to_owned(),
        None if text.is_empty() => format!("the server answered {}", service.status),
        None => text.to_owned(),
    };
    Error::new(kind, message).with_service(service)
}

/// Whether a request that failed with `error` may have been carried out.
pub(super) fn may_be_carried_out(error: &Error) -> bool {
    match error.service() {
        Some(service) => leaves_outcome_open(service.status),
        None => error.outcome() != Outcome::NotSent,
    }
}

/// Returns the error for a request that was not sent, because there are no credentials or because
/// the request cannot be built.
fn not_sent(error: &(dyn StdError + 'static)) -> Error {
    let error = missing_credentials(error).unwrap_or_else(|| {
        let why = format!("the request cannot be made: {}", root(error));
        Error::new(ErrorKind::InvalidInput, why)
    });
    error.with_outcome(Outcome::NotSent)
}

/// Returns the error of lakewright that caused an error of the SDK.
fn own_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Returns the reason why there are no credentials to sign with, if that is the cause of `error`.
fn missing_credentials(error: &(dyn StdError + 'static)) -> Option<Error> {
    if let Some(own) = own_error(error) {
        return Some(own.without_source());
    }
    causes(error).find(|error| error.is::<CredentialsError>()).map(|error| {
        let why = format!("no keys to sign with: {}", root(error));
        Error::new(ErrorKind::Unauthenticated, why)
    })
}

/// Returns the error for a response that the SDK cannot read.
fn unreadable(raw: &HttpResponse) -> Error {
    not_an_s3_response(raw.status().as_u16())
}

/// Returns the error for a response that is not one of S3, such as the page of a proxy.
fn not_an_s3_response(status: u16) -> Error {
    let kind = if status >= 500 { ErrorKind::Unavailable } else { ErrorKind::Corrupt };
    let why = "the response is not one of S3; is the endpoint an S3 server?";
    Error::new(kind, why).with_service(ServiceError { status, ..ServiceError::default() })
}

/// The kind and message for a refusal that [`is_locked`] recognises.
pub(super) const LOCKED: (ErrorKind, Option<&str>) = (
    ErrorKind::Denied,
    Some("the version is locked; it stays until its retention and legal hold have ended"),
);

/// Whether the server's explanation is that the version is locked. MinIO and Amazon refuse under
/// `InvalidRequest`, `MethodNotAllowed` and `AccessDenied`, which also mean other things.
pub(super) fn is_locked(text: &str) -> bool {
    text.contains("WORM protected") || text.contains("protected by object lock")
}
