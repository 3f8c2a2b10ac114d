//! Converts refusals of the admin API into lakewright's errors.

use lakewright_client::{ErrorBody, Response, classify_code};
use lakewright_core::{Error, ErrorKind, ServiceError};

/// The reasons for a refusal that the admin client distinguishes.
pub(super) trait AdminErrorBody {
    /// Whether the access key is disabled. MinIO has a code for that and sometimes uses
    /// `InvalidAccessKeyId` with "Your account is disabled" instead.
    fn is_disabled(&self) -> bool;

    /// Whether a service account cannot be created because its access key is in use. MinIO has
    /// one code for this and for a service account that the caller may not create.
    fn is_access_key_taken(&self) -> bool;

    /// Whether the expiry of a service account is out of range, which MinIO reports as an
    /// internal error.
    fn is_expiry_out_of_range(&self) -> bool;

    /// Whether the server has no admin API: it took the path for a bucket `minio` and an object
    /// key in it, or does not know the path.
    fn has_no_admin_api(&self, status: u16) -> bool;
}

impl AdminErrorBody for ErrorBody {
    fn is_disabled(&self) -> bool {
        matches!(&*self.code, "AccessKeyDisabled" | "XMinioAccessKeyDisabled")
            || (self.code == "InvalidAccessKeyId" && self.message.contains("disabled"))
    }

    fn is_access_key_taken(&self) -> bool {
        self.code == "XMinioIAMServiceAccountNotAllowed" && self.message.contains("already taken")
    }

    fn is_expiry_out_of_range(&self) -> bool {
        self.code == "InternalError" && self.message.contains("invalid service account expiration")
    }

    fn has_no_admin_api(&self, status: u16) -> bool {
        !self.json
            && matches!(
                (&*self.code, status),
                (
                    "NoSuchBucket"
                        | "NoSuchKey"
                        | "InvalidBucketName"
                        | "MethodNotAllowed"
                        | "NotImplemented"
                        | "NoSuchUpload"
                        | "PermanentRedirect",
                    _
                ) | ("", 301 | 404 | 405 | 501)
            )
    }
}

/// Converts a refusal of the admin API.
pub(super) fn classify(response: &Response) -> Error {
    let refusal = ErrorBody::of(response);
    let (kind, explanation) = if refusal.has_no_admin_api(response.status) {
        no_admin_api()
    } else {
        kind_of(&refusal, response.status)
    };
    let text = refusal.message.trim();
    let message = match explanation {
        Some(explanation) => explanation.to_owned(),
        None if text.is_empty() => format!("the server answered {}", response.status),
        None => text.trim_end_matches('.').to_owned(),
    };
    Error::new(kind, message).with_service(ServiceError {
        status: response.status,
        code: Some(refusal.code).filter(|code| !code.is_empty()),
        message: Some(refusal.message).filter(|text| !text.is_empty()),
        request_id: Some(refusal.request_id)
            .filter(|id| !id.is_empty())
            .or_else(|| response.header("x-amz-request-id").map(String::from)),
        retry_after: response.retry_after(),
    })
}

/// Returns the kind and the message of the error for a server without the admin API.
pub(super) fn no_admin_api() -> (ErrorKind, Option<&'static str>) {
    let why =
        "the server has no MinIO admin API: no users, policies or quotas can be managed on it";
    (ErrorKind::Unsupported, Some(why))
}

/// Returns the kind of a refusal and, where lakewright has a better explanation than the server,
/// the message.
fn kind_of(refusal: &ErrorBody, status: u16) -> (ErrorKind, Option<&'static str>) {
    use ErrorKind as K;
    if refusal.is_disabled() {
        return (K::Unauthenticated, Some("the access key is disabled"));
    }
    if refusal.is_access_key_taken() {
        return (K::AlreadyExists, Some("the access key is taken already"));
    }
    if refusal.is_expiry_out_of_range() {
        let why = "a service account expires 15 minutes from now at the earliest, and after a \
                   year at the latest";
        return (K::InvalidInput, Some(why));
    }
    match &*refusal.code {
        "XMinioAdminNoSuchUser" => (K::NotFound, Some("the user does not exist")),
        "XMinioAdminNoSuchGroup" => (K::NotFound, Some("the group does not exist")),
        "XMinioAdminNoSuchPolicy" => (K::NotFound, Some("the policy does not exist")),
        "XMinioAdminServiceAccountNotFound" | "XMinioAdminNoSuchAccessKey" => NO_ACCOUNT,
        // MinIO has one code for a service account that does not exist and for credentials that
        // cannot be set.
        "XMinioInvalidIAMCredentials" if status == 404 => NO_ACCOUNT,
        "XMinioInvalidIAMCredentials" => (K::InvalidInput, None),
        "XMinioAdminNoSuchQuotaConfiguration" => (K::NotFound, Some("the bucket has no quota")),
        "XMinioAdminGroupNotEmpty" => {
            (K::Conflict, Some("the group still has members; remove them first"))
        }
        "XMinioIAMPolicyInUse" => (
            K::Conflict,
            Some("the policy is still attached to a user or a group; detach it first"),
        ),
        "XMinioAdminPolicyChangeAlreadyApplied" => {
            (K::Conflict, Some("the change is already in effect"))
        }
        "XMinioIAMServiceAccountNotAllowed" => (K::Denied, None),
        "XMinioAdminInvalidAccessKey"
        | "XMinioAdminInvalidSecretKey"
        | "XMinioAdminInvalidArgument"
        | "XMinioAdminResourceInvalidArgument"
        | "XMinioAdminGroupNameContainsReservedChars"
        | "XMinioAdminConfigBadJSON"
        | "XMinioMalformedIAMPolicy"
        | "PolicyInvalidName"
        | "MalformedPolicy"
        | "BadRequest" => (K::InvalidInput, None),
        "XMinioAdminVersionMismatch" => {
            (K::Unsupported, Some("the server's admin API is older or newer and has no such call"))
        }
        "XMinioAdminBucketQuotaDisabled" | "XMinioAdminNotImplemented" => (K::Unsupported, None),
        "XMinioIAMNotInitialized" | "XMinioAdminIAMNotInitialized" => {
            (K::Unavailable, Some("the server has not read its users yet"))
        }
        code => classify_code(Some(code).filter(|code| !code.is_empty()), status),
    }
}

const NO_ACCOUNT: (ErrorKind, Option<&str>) =
    (ErrorKind::NotFound, Some("the service account does not exist"));

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn response(status: u16, body: &str) -> Response {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Response { status, headers: HeaderMap::new(), body, repeated: false }
    }

    #[test]
    fn refusals_have_a_kind_and_a_message() {
        let json = |code: &str, message: &str| {
            format!(r#"{{"Code":"{code}","Message":"{message}","Resource":"/","RequestId":"17"}}"#)
        };
        let xml = |code: &str| {
            format!(
                r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>It&#39;s.</Message><BucketName>minio</BucketName><RequestId>17</RequestId></Error>"#
            )
        };
        use ErrorKind as K;
        for (status, body, kind, text) in [
            (404, json("XMinioAdminNoSuchUser", "x"), K::NotFound, "the user does not exist"),
            (404, json("XMinioInvalidIAMCredentials", "x"), K::NotFound, "service account"),
            (403, json("XMinioInvalidIAMCredentials", "like root"), K::InvalidInput, "like root"),
            (
                403,
                json("InvalidAccessKeyId", "Your account is disabled; ."),
                K::Unauthenticated,
                "disabled",
            ),
            (403, json("InvalidAccessKeyId", "x"), K::Unauthenticated, "does not know"),
            (403, json("SignatureDoesNotMatch", "x"), K::Unauthenticated, "secret"),
            (403, json("AccessDenied", "x"), K::Denied, "does not allow"),
            (404, json("NoSuchBucket", "x"), K::NotFound, "the bucket does not exist"),
            (503, json("XMinioServerNotInitialized", "x"), K::Unavailable, "starting"),
            (426, json("XMinioAdminVersionMismatch", "x"), K::Unsupported, "admin API"),
            (400, json("NeverHeardOf", "Some words."), K::InvalidInput, "Some words"),
            (404, xml("NoSuchBucket"), K::Unsupported, "no MinIO admin API"),
            (404, xml("NoSuchKey"), K::Unsupported, "no MinIO admin API"),
            (405, xml("MethodNotAllowed"), K::Unsupported, "no MinIO admin API"),
            (501, xml("NotImplemented"), K::Unsupported, "no MinIO admin API"),
            (403, xml("SignatureDoesNotMatch"), K::Unauthenticated, "secret"),
            (500, xml("InternalError"), K::Unavailable, "It's"),
            (404, "<html>nothing here</html>".into(), K::Unsupported, "no MinIO admin API"),
            (405, String::new(), K::Unsupported, "no MinIO admin API"),
            (502, "Bad gateway".into(), K::Unavailable, "502"),
            (500, "\u{0}<<".repeat(999), K::Unavailable, "500"),
        ] {
            let error = classify(&response(status, &body));
            assert_eq!(error.kind(), kind, "{status} {body}: {error}");
            assert!(error.message().contains(text), "{status} {body}: {error}");
        }
        let error = classify(&response(404, &json("XMinioAdminNoSuchUser", "x")));
        assert_eq!(error.service().unwrap().request_id.as_deref(), Some("17"));
    }
}
