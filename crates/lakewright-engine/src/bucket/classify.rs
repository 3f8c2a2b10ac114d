//! From what the SDK reports to what lakewright says.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use lakewright_core::{Error, ErrorKind, ServiceError};

use super::S3;
use crate::admin::Refusal;
use crate::profile::Profile;
use crate::wire::Response;

/// Codes by which a server says that it does not know who asks.
pub(crate) const REFUSED_KEYS: [&str; 8] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "InvalidTokenId",
    "TokenRefreshRequired",
    "AccessKeyDisabled",
    "XMinioAccessKeyDisabled",
];

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
                let why = format!("lost the connection to {} in mid-answer", self.profile);
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
                    self.profile,
                    seconds(self.profile.timeout())
                ),
            ),
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(connector) if no_keys(connector).is_none() => {
                    unreachable(&self.profile, connector, failure.is_timeout())
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
    let refusal = Refusal::of(response);
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

/// Why there is no answer at all.
pub(crate) fn unreachable(profile: &Profile, error: &ConnectorError, timeout: bool) -> Error {
    let root = root(error);
    if timeout || error.is_timeout() {
        let limits = format!(
            "{} to connect, {} to answer",
            seconds(profile.connect_timeout()),
            seconds(profile.read_timeout())
        );
        let why = format!("{profile} did not answer in time ({limits})");
        return Error::new(ErrorKind::Timeout, why);
    }
    let verb = if never_connected(error) { "cannot connect to" } else { "lost the connection to" };
    Error::new(ErrorKind::Unavailable, format!("{verb} {profile}: {root}"))
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

/// The error and what it was caused by, from the outside in.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// What the SDK and those below it say of a failure, from the outside in. Only what they show
/// to people: the errors themselves hold requests and answers, headers and tokens included.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// That account as an error.
#[derive(Debug)]
pub(crate) struct Cause(pub(crate) String);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

/// Whether the failure came before a single byte of the request was sent.
pub(crate) fn never_connected(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind as Io;
            return matches!(
                io.kind(),
                Io::ConnectionRefused
                    | Io::HostUnreachable
                    | Io::NetworkUnreachable
                    | Io::AddrNotAvailable
            );
        }
        if error.to_string().contains("dns error") {
            return true;
        }
        cause = error.source();
    }
    false
}

fn root(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
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

/// Kind and, where we can say it better than the server, the message.
pub(crate) fn meaning(code: Option<&str>, status: u16) -> (ErrorKind, Option<&'static str>) {
    use ErrorKind as K;
    let known = match code.unwrap_or_default() {
        "NoSuchBucket" => (K::NotFound, Some("the bucket does not exist")),
        "NoSuchKey" => (K::NotFound, Some("the object does not exist")),
        "NoSuchVersion" => (K::NotFound, Some("the object has no such version")),
        "NoSuchUpload" => (K::NotFound, Some("the multipart upload does not exist (any more)")),
        "BucketAlreadyOwnedByYou" => (K::AlreadyExists, Some("the bucket exists already")),
        "BucketAlreadyExists" => {
            (K::AlreadyExists, Some("the bucket exists already and belongs to somebody else"))
        }
        "BucketNotEmpty" => {
            (K::Conflict, Some("the bucket still holds objects; delete them first"))
        }
        "PreconditionFailed" => (K::PreconditionFailed, Some("the condition does not hold")),
        "ConditionalRequestConflict" | "OperationAborted" => {
            (K::Conflict, Some("somebody else is changing it at the same time"))
        }
        "InvalidAccessKeyId" => {
            (K::Unauthenticated, Some("the server does not know the access key id"))
        }
        "SignatureDoesNotMatch" => {
            (K::Unauthenticated, Some("the secret access key does not belong to the access key id"))
        }
        "ExpiredToken" | "TokenRefreshRequired" => {
            (K::Unauthenticated, Some("the temporary credentials have expired"))
        }
        "AccessKeyDisabled" | "XMinioAccessKeyDisabled" => {
            (K::Unauthenticated, Some("the access key is disabled"))
        }
        code if REFUSED_KEYS.contains(&code) => (K::Unauthenticated, None),
        "RequestTimeTooSkewed" => {
            (K::Unauthenticated, Some("this machine's clock differs too much from the server's"))
        }
        "AccessDenied" | "AllAccessDisabled" => {
            (K::Denied, Some("the server does not allow it with these credentials"))
        }
        "KeyTooLongError" => (K::InvalidInput, Some("the key is too long for the server")),
        "XMinioInvalidObjectName" | "XMinioInvalidResourceName" => (
            K::InvalidInput,
            Some(
                "the server does not accept this key; avoid '.', '..' and '//' in it, and control characters",
            ),
        ),
        "InvalidRange" => (K::InvalidInput, Some("the range lies outside the object")),
        "EntityTooLarge" | "MaxMessageLengthExceeded" => (K::TooLarge, None),
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "TooManyRequests"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded" => (K::Throttled, Some("the server asks for fewer requests")),
        "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed" => {
            (K::InvalidConfig, Some("the bucket lives in another region or at another endpoint"))
        }
        "NotImplemented" | "MethodNotAllowed" => (K::Unsupported, None),
        "InvalidStorageClass" => (
            K::InvalidInput,
            Some("the server has no such storage class; a tier of MinIO's has to be made first"),
        ),
        "PolicyTooLarge" => (K::TooLarge, Some("the policy is larger than the server takes")),
        // Of the thing, not of what was asked for: nobody shall think that the bucket is missing.
        "kms:KeyNotFound" | "KMS.NotFoundException" | "XMinioKMSKeyNotFound" => {
            (K::InvalidInput, Some("the server's KMS has no key of this name"))
        }
        "RequestTimeout" => (K::Timeout, None),
        "XMinioServerNotInitialized" => (K::Unavailable, Some("the server is still starting")),
        "XMinioStorageFull" | "QuotaExceeded" | "XMinioAdminBucketQuotaExceeded" => {
            (K::StorageFull, None)
        }
        "BadDigest"
        | "XAmzContentChecksumMismatch"
        | "XAmzContentSHA256Mismatch"
        | "InvalidDigest" => {
            (K::Corrupt, Some("the bytes that arrived are not the bytes that were sent"))
        }
        _ => (by_status(status), None),
    };
    // Without a code (HEAD), the status is all there is to say.
    match (known, code, status) {
        ((kind, None), None, 404) => (kind, Some("it does not exist")),
        ((kind, None), None, 403) => {
            (kind, Some("denied, or the keys are wrong: an answer to HEAD does not say which"))
        }
        (known, ..) => known,
    }
}

fn by_status(status: u16) -> ErrorKind {
    match status {
        301 | 307 | 308 => ErrorKind::InvalidConfig,
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        405 | 501 => ErrorKind::Unsupported,
        408 | 504 => ErrorKind::Timeout,
        409 => ErrorKind::Conflict,
        412 | 304 => ErrorKind::PreconditionFailed,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::Throttled,
        507 => ErrorKind::StorageFull,
        400..=499 => ErrorKind::InvalidInput,
        _ => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_have_a_meaning() {
        for (code, status, kind) in [
            (Some("NoSuchBucket"), 404, ErrorKind::NotFound),
            (Some("SignatureDoesNotMatch"), 403, ErrorKind::Unauthenticated),
            (Some("AccessDenied"), 403, ErrorKind::Denied),
            (Some("SlowDownWrite"), 503, ErrorKind::Throttled),
            (Some("NeverHeardOf"), 418, ErrorKind::InvalidInput),
            (Some("InternalError"), 500, ErrorKind::Unavailable),
            (None, 404, ErrorKind::NotFound),
            (None, 304, ErrorKind::PreconditionFailed),
        ] {
            assert_eq!(meaning(code, status).0, kind, "{code:?} {status}");
        }
        assert!(
            REFUSED_KEYS
                .iter()
                .all(|code| meaning(Some(code), 403).0 == ErrorKind::Unauthenticated)
        );
    }
}
