//! The statuses and error codes of S3 servers.

use lakewright_core::ErrorKind;

/// The error codes of refused credentials.
pub const CREDENTIAL_ERRORS: [&str; 8] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "InvalidTokenId",
    "TokenRefreshRequired",
    "AccessKeyDisabled",
    "XMinioAccessKeyDisabled",
];

/// Whether a response with this status leaves open whether the request was carried out. Servers
/// send 429 and 503 before they begin, and other statuses from 300 to 499 as refusals. An error
/// behind a status of success, or a fault of the server, may come after the request was carried
/// out.
pub const fn leaves_outcome_open(status: u16) -> bool {
    match status {
        // 408 ends a request that did not arrive in time; 501 and 507 are refusals.
        200..300 | 408 => true,
        501 | 503 | 507 => false,
        500.. => true,
        _ => false,
    }
}

/// Returns the kind of a refusal and, where lakewright has a better explanation than the server,
/// the message.
pub fn classify_code(code: Option<&str>, status: u16) -> (ErrorKind, Option<&'static str>) {
    use ErrorKind as K;
    let known = match code.unwrap_or_default() {
        "NoSuchBucket" => (K::NotFound, Some("the bucket does not exist")),
        "NoSuchKey" => (K::NotFound, Some("the object does not exist")),
        "NoSuchVersion" => (K::NotFound, Some("the object has no such version")),
        "NoSuchUpload" => (K::NotFound, Some("the multipart upload does not exist (any more)")),
        "BucketAlreadyOwnedByYou" => (K::AlreadyExists, Some("the bucket exists already")),
        "BucketAlreadyExists" => {
            (K::AlreadyExists, Some("the bucket name is taken by another account"))
        }
        "BucketNotEmpty" => {
            (K::Conflict, Some("the bucket still holds objects; delete them first"))
        }
        "PreconditionFailed" => (K::PreconditionFailed, Some("the condition does not hold")),
        "ConditionalRequestConflict" | "OperationAborted" => {
            (K::Conflict, Some("another request is changing it at the same time"))
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
        code if CREDENTIAL_ERRORS.contains(&code) => (K::Unauthenticated, None),
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
            (K::InvalidConfig, Some("the bucket is in another region or at another endpoint"))
        }
        "NotImplemented" | "MethodNotAllowed" => (K::Unsupported, None),
        "InvalidStorageClass" => (
            K::InvalidInput,
            Some("the server has no such storage class; on MinIO, create the tier first"),
        ),
        "PolicyTooLarge" => (K::TooLarge, Some("the policy is larger than the server takes")),
        // Not `NotFound`, which the caller would take for a missing bucket.
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
    // The response to HEAD has no body, so only the status is known.
    match (known, code, status) {
        ((kind, None), None, 404) => (kind, Some("it does not exist")),
        ((kind, None), None, 403) => (
            kind,
            Some("denied, or the credentials are wrong; the response to HEAD does not tell which"),
        ),
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
    fn codes_and_statuses_have_a_kind() {
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
            assert_eq!(classify_code(code, status).0, kind, "{code:?} {status}");
        }
        assert!(
            CREDENTIAL_ERRORS
                .iter()
                .all(|code| classify_code(Some(code), 403).0 == ErrorKind::Unauthenticated)
        );
    }
}
