//! Converts refusals of the admin API into lakewright's errors.

use std::borrow::Cow;

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

    /// Whether the server, or a proxy before it, redirects every request to another address. S3's
    /// own redirect, `PermanentRedirect`, is about a single bucket and is not one of these.
    fn is_redirect(&self, status: u16) -> bool;
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
                ) | ("", 404 | 405 | 501)
            )
    }

    fn is_redirect(&self, status: u16) -> bool {
        self.code.is_empty() && matches!(status, 301 | 302 | 303 | 307 | 308)
    }
}

/// The names in the body of a call that are not the name of its resource. The message for a
/// missing one contains them, because the error otherwise names only the resource.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    pub(super) users: Vec<String>,
    pub(super) policies: Vec<String>,
}

impl Mentions {
    /// The largest number of names in a message.
    const SHOWN: usize = 5;

    /// Returns the message for a missing resource of this kind, which is one of `names`, or the
    /// resource of the call if there are none.
    fn missing(kind: &str, plural: &str, names: &[String]) -> Cow<'static, str> {
        let shown: Vec<_> =
            names.iter().take(Self::SHOWN).map(|name| format!("{name:?}")).collect();
        let more = if names.len() > Self::SHOWN { ", ..." } else { "" };
        let shown = shown.join(", ");
        match names.len() {
            0 => format!("the {kind} does not exist").into(),
            1 => format!("the {kind} {shown} does not exist").into(),
            _ => format!("one of the {plural} {shown}{more} does not exist").into(),
        }
    }
}

/// Converts a refusal of the admin API. `mentions` are the names in the body of the call.
pub(super) fn classify(response: &Response, mentions: &Mentions) -> Error {
    let refusal = ErrorBody::of(response);
    let (kind, explanation) = if refusal.is_redirect(response.status) {
        redirected(response.header("location"))
    } else if refusal.has_no_admin_api(response.status) {
        let (kind, explanation) = no_admin_api();
        (kind, Some(explanation.into()))
    } else {
        kind_of(&refusal, response.status, mentions)
    };
    let text = refusal.message.trim();
    let message = match explanation {
        Some(explanation) => explanation.into_owned(),
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
pub(super) fn no_admin_api() -> (ErrorKind, &'static str) {
    let why =
        "the server has no MinIO admin API: no users, policies or quotas can be managed on it";
    (ErrorKind::Unsupported, why)
}

type Explained = (ErrorKind, Option<Cow<'static, str>>);

/// Returns the kind and the message of the error for a redirect, which does not tell whether
/// the server has the admin API.
fn redirected(location: Option<&str>) -> Explained {
    let to = location.unwrap_or("another address");
    let why = format!(
        "the endpoint redirects to {to}, and requests are not sent there, because they are signed \
         for the endpoint: set the endpoint to the server's own address"
    );
    (ErrorKind::InvalidConfig, Some(why.into()))
}

/// Returns the kind of a refusal and, where lakewright has a better explanation than the server,
/// the message.
fn kind_of(refusal: &ErrorBody, status: u16, mentions: &Mentions) -> Explained {
    use ErrorKind as K;
    match &*refusal.code {
        "XMinioAdminNoSuchUser" => {
            return (K::NotFound, Some(Mentions::missing("user", "users", &mentions.users)));
        }
        "XMinioAdminNoSuchPolicy" => {
            let message = Mentions::missing("policy", "policies", &mentions.policies);
            return (K::NotFound, Some(message));
        }
        _ => {}
    }
    let (kind, explanation) = kind_of_code(refusal, status);
    (kind, explanation.map(Cow::Borrowed))
}

/// Returns the kind and the message that do not depend on the names in the call.
fn kind_of_code(refusal: &ErrorBody, status: u16) -> (ErrorKind, Option<&'static str>) {
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
        "XMinioAdminNoSuchGroup" => (K::NotFound, Some("the group does not exist")),
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
            let error = classify(&response(status, &body), &Mentions::default());
            assert_eq!(error.kind(), kind, "{status} {body}: {error}");
            assert!(error.message().contains(text), "{status} {body}: {error}");
        }
        let missing = response(404, &json("XMinioAdminNoSuchUser", "x"));
        let error = classify(&missing, &Mentions::default());
        assert_eq!(error.service().unwrap().request_id.as_deref(), Some("17"));
    }

    #[test]
    fn a_missing_name_of_the_body_is_named_with_its_kind() {
        let message = |code: &str, mentions: &Mentions| {
            let body = format!(r#"{{"Code":"{code}","Message":"x","RequestId":"17"}}"#);
            classify(&response(404, &body), mentions).message().to_owned()
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let members = Mentions { users: names(&["ann", "bob"]), ..Mentions::default() };
        assert_eq!(
            message("XMinioAdminNoSuchUser", &members),
            r#"one of the users "ann", "bob" does not exist"#
        );
        assert_eq!(message("XMinioAdminNoSuchGroup", &members), "the group does not exist");
        let attached = Mentions { policies: names(&["reads"]), ..Mentions::default() };
        assert_eq!(
            message("XMinioAdminNoSuchPolicy", &attached),
            r#"the policy "reads" does not exist"#
        );
        assert_eq!(message("XMinioAdminNoSuchUser", &attached), "the user does not exist");
        let many = Mentions { users: vec!["u".to_owned(); 9], ..Mentions::default() };
        assert!(message("XMinioAdminNoSuchUser", &many).ends_with(r#""u", ... does not exist"#));
    }

    #[test]
    fn a_redirect_is_not_a_server_without_the_admin_api() {
        for status in [301, 302, 307, 308] {
            let mut redirect = response(status, "<html>Moved</html>");
            redirect.headers.insert("location", "https://s3.lan/minio/".parse().unwrap());
            let error = classify(&redirect, &Mentions::default());
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{status}: {error}");
            assert!(error.message().contains("redirects to https://s3.lan/minio/"), "{error}");
        }
        // Amazon redirects the bucket `minio` to its region, and has no admin API anywhere.
        let bucket = "<Error><Code>PermanentRedirect</Code><Message>x</Message></Error>";
        let error = classify(&response(301, bucket), &Mentions::default());
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}
