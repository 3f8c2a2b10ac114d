//! The forms of signatures that are accepted. `s3s` verifies signatures, but it accepts forms of them that leave
//! a request open to changes; those are refused before it sees the request.
//!
//! - Only Signature Version 4 is accepted. Version 2 covers neither the body nor most headers, and
//!   `s3s` does not check its date.
//! - A presigned URL is valid for at most seven days, as in S3.
//! - The signature must cover the host and every `x-amz-*` header: with a presigned URL for an
//!   upload, an `x-amz-copy-source` that is not covered would read another object.

use http::{HeaderMap, StatusCode, Uri, header};

/// The only algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The longest validity of a presigned URL in seconds: seven days.
const MAX_EXPIRES: u64 = 7 * 24 * 60 * 60;

/// A refusal with the status, the code and the message of S3.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

/// Checks the form of a request's signature, if it has one.
pub(crate) fn check(headers: &HeaderMap, uri: &Uri) -> Result<(), Refusal> {
    let mut signed_headers = Vec::new();
    let authorizations = headers.get_all(header::AUTHORIZATION);
    for value in authorizations {
        let value = value.to_str().ok();
        signed_headers.push(value.and_then(signed_by_header).ok_or(UNSUPPORTED)?.to_owned());
    }
    // The names and values are decoded as s3s does it.
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        match &*name {
            "Signature" | "AWSAccessKeyId" => return Err(UNSUPPORTED),
            // s3s refuses a value that is not a number.
            "X-Amz-Expires" if value.parse::<u64>().is_ok_and(|seconds| seconds > MAX_EXPIRES) => {
                return Err(TOO_LONG);
            }
            "X-Amz-SignedHeaders" => signed_headers.push(value.into_owned()),
            _ => {}
        }
    }
    match signed_headers.as_slice() {
        [] => Ok(()), // Without a signature, s3s denies access.
        [signed] => {
            // s3s looks for the names as they are listed, so that another case is another name.
            let is_signed = |name: &str| signed.split(';').any(|signed| signed == name);
            let must_be_signed = |name: &str| name == "host" || name.starts_with("x-amz-");
            let mut names = headers.keys().map(|name| name.as_str());
            if names.all(|name| !must_be_signed(name) || is_signed(name)) {
                Ok(())
            } else {
                Err(NOT_SIGNED)
            }
        }
        _ => Err(AMBIGUOUS),
    }
}

/// Returns the names in `SignedHeaders` of an `Authorization` header; `None` for another algorithm.
fn signed_by_header(value: &str) -> Option<&str> {
    let parameters = value.strip_prefix(ALGORITHM)?.strip_prefix([' ', '\t'])?;
    parameters.split(',').find_map(|parameter| parameter.trim().strip_prefix("SignedHeaders="))
}

const UNSUPPORTED: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    code: "InvalidRequest",
    message: "The authorization mechanism you have provided is not supported. Please use \
              AWS4-HMAC-SHA256.",
};

const TOO_LONG: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    code: "AuthorizationQueryParametersError",
    message: "X-Amz-Expires must be less than a week (in seconds); that is, the given \
              X-Amz-Expires must be less than 604800 seconds",
};

const NOT_SIGNED: Refusal = Refusal {
    status: StatusCode::FORBIDDEN,
    code: "AccessDenied",
    message: "There were headers present in the request which were not signed",
};

const AMBIGUOUS: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    code: "InvalidArgument",
    message: "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature \
              query string parameter or the Authorization header should be specified",
};

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn check_request(target: &str, headers: &[(&'static str, &str)]) -> Result<(), Refusal> {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        check(&headers.collect(), &target.parse().unwrap())
    }

    fn authorization(signed: &str) -> String {
        format!("{ALGORITHM} Credential=A/1/r/s3/aws4_request, SignedHeaders={signed}, Signature=0")
    }

    #[test]
    fn only_version_4_is_supported() {
        for value in [
            "AWS key:signature",
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA1 Credential=A, SignedHeaders=host, Signature=0",
            "Bearer token",
            "",
        ] {
            let refused = check_request("/raw", &[("authorization", value)]);
            assert_eq!(refused, Err(UNSUPPORTED), "{value}");
        }
        for query in ["Signature=x", "AWSAccessKeyId=A&Expires=1", "a=b&%53ignature=x"] {
            assert_eq!(check_request(&format!("/raw?{query}"), &[]), Err(UNSUPPORTED), "{query}");
        }
        assert_eq!(check_request("/raw/Signature=x?a=Signature", &[("host", "h")]), Ok(()));
    }

    #[test]
    fn presigned_urls_expire_after_seven_days() {
        let expires = |seconds: &str| {
            check_request(&format!("/k?X-Amz-SignedHeaders=host&X-Amz-Expires={seconds}"), &[])
        };
        assert_eq!(expires("604800"), Ok(()));
        assert_eq!(expires("604801"), Err(TOO_LONG));
        assert_eq!(expires("18446744073709551615"), Err(TOO_LONG));
        assert_eq!(expires("1&X%2DAmz-Expires=604801"), Err(TOO_LONG));
    }

    #[test]
    fn the_signature_covers_every_header_of_s3() {
        let all =
            [("host", "h"), ("x-amz-date", "d"), ("x-amz-copy-source", "/a/b"), ("range", "")];
        for (signed, expected) in [
            ("host;x-amz-copy-source;x-amz-date", Ok(())),
            ("host;range;x-amz-copy-source;x-amz-date", Ok(())),
            ("host;x-amz-date", Err(NOT_SIGNED)),
            ("x-amz-copy-source;x-amz-date", Err(NOT_SIGNED)),
            ("host;X-Amz-Copy-Source;x-amz-date", Err(NOT_SIGNED)),
            ("", Err(NOT_SIGNED)),
        ] {
            let value = authorization(signed);
            let mut headers = all.to_vec();
            headers.push(("authorization", &value));
            assert_eq!(check_request("/k", &headers), expected, "{signed}");
            let target = format!("/k?X-Amz-SignedHeaders={}", signed.replace(';', "%3B"));
            assert_eq!(check_request(&target, &all), expected, "{signed}");
            assert_eq!(check_request(&target, &headers), Err(AMBIGUOUS));
        }
    }
}
