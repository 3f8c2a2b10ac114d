//! Corrects how s3s handles some requests before they reach the operations of this server. Such a
//! request is routed here after its signature was verified, is normalised, and is passed to a
//! second s3s service that checks no signatures.
//!
//! - A `Range` that is not of the form `bytes=…`, and an invalid date, must be ignored (RFC 9110,
//!   sections 14.2, 13.1.3 and 13.1.4). s3s responds with status 400.
//! - `Content-MD5` and `x-amz-checksum-*` of an XML body must be verified before the request is
//!   processed. s3s passes on only the parsed XML and not its bytes.

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use s3s::dto::{Range, Timestamp, TimestampFormat};
use s3s::route::S3Route;
use s3s::service::S3Service;
use s3s::{Body, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use crate::access;
use crate::checksum::{Algorithm, Hasher};
use crate::receive::{bad_checksum_value, bad_digest, body_error, hex, md5, parse_md5};

/// The largest XML body in bytes, which is also s3s's limit. 1,000 keys of 1,024 bytes, all of them
/// escaped, take a quarter of it.
const MAX_XML: usize = 20 * 1024 * 1024;

/// The route of the s3s service that verifies signatures.
pub(crate) struct Normalise {
    /// The s3s service that does not verify signatures.
    pub(crate) unauthenticated: S3Service,
}

#[async_trait::async_trait]
impl S3Route for Normalise {
    fn is_match(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        _: &mut Extensions,
    ) -> bool {
        ignored_headers(method, headers).next().is_some()
            || BodyChecksums::of_request(method, uri, headers).is_some()
    }

    async fn check_access(&self, request: &mut S3Request<Body>) -> S3Result<()> {
        access::check(request.credentials.is_some(), &request.extensions)
    }

    async fn call(&self, mut request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let ignored: Vec<HeaderName> = ignored_headers(&request.method, &request.headers).collect();
        for name in ignored {
            request.headers.remove(name);
        }
        if let Some(checksums) =
            BodyChecksums::of_request(&request.method, &request.uri, &request.headers)
        {
            let body = std::mem::take(&mut request.input);
            let bytes = match Limited::new(body, MAX_XML).collect().await {
                Ok(bytes) => bytes.to_bytes(),
                Err(error) if error.is::<LengthLimitError>() => {
                    return Err(s3_error!(MaxMessageLengthExceeded, "Your request was too big."));
                }
                Err(error) => return Err(body_error(error)),
            };
            let trailers = request.trailing_headers.take().and_then(|trailers| trailers.take());
            checksums.verify(&bytes, &request.headers, trailers.as_ref())?;
            request.input = Body::from(bytes);
        }
        self.forward(request).await
    }
}

impl Normalise {
    async fn forward(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let mut verified = http::Request::new(request.input);
        *verified.method_mut() = request.method;
        *verified.uri_mut() = without_signature(&request.uri)?;
        *verified.headers_mut() = request.headers;
        verified.headers_mut().remove(header::AUTHORIZATION);
        let response = self.unauthenticated.call(verified).await;
        let (parts, body) = response
            .map_err(|error| S3Error::with_source(S3ErrorCode::InternalError, error.into()))?
            .into_parts();
        let mut forwarded = S3Response::with_status(body, parts.status);
        forwarded.headers = parts.headers;
        forwarded.extensions = parts.extensions;
        Ok(forwarded)
    }
}

/// Returns the headers of a read request that HTTP requires a server to ignore.
fn ignored_headers<'h>(
    method: &Method,
    headers: &'h HeaderMap,
) -> impl Iterator<Item = HeaderName> + use<'h> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let names = [header::RANGE, header::IF_MODIFIED_SINCE, header::IF_UNMODIFIED_SINCE];
    names.into_iter().filter(move |name| {
        reads && headers.get_all(name).iter().any(|value| !is_valid(name, value))
    })
}

fn is_valid(name: &HeaderName, value: &HeaderValue) -> bool {
    let Ok(value) = value.to_str() else { return false };
    if value.is_empty() {
        return true; // s3s treats an empty value as absent.
    }
    if *name == header::RANGE {
        // s3s parses `bytes=-` as a suffix of length 0.
        value != "bytes=-" && Range::parse(value).is_ok()
    } else {
        Timestamp::parse(TimestampFormat::HttpDate, value).is_ok()
    }
}

/// The checksums of an XML body that are to be verified.
enum BodyChecksums {
    /// Only its MD5: here `x-amz-checksum-*` belongs to the completed object and not to the body.
    Md5,
    /// All of them.
    All,
}

impl BodyChecksums {
    /// Returns the checksums to verify for a request, if there are any.
    fn of_request(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let query = uri.query().unwrap_or_default();
        let has_parameter = |name: &str| {
            query.split('&').any(|pair| pair.split_once('=').map_or(pair, |pair| pair.0) == name)
        };
        let has_md5 = headers.contains_key("content-md5");
        let has_checksum = headers.contains_key("x-amz-trailer")
            || Algorithm::ALL.iter().any(|algorithm| headers.contains_key(algorithm.header()));
        match *method {
            Method::POST if has_parameter("delete") => {
                (has_md5 || has_checksum).then_some(Self::All)
            }
            Method::PUT if has_parameter("tagging") => {
                (has_md5 || has_checksum).then_some(Self::All)
            }
            Method::POST if has_parameter("uploadId") => has_md5.then_some(Self::Md5),
            _ => None,
        }
    }

    fn verify(
        &self,
        bytes: &Bytes,
        headers: &HeaderMap,
        trailers: Option<&HeaderMap>,
    ) -> S3Result<()> {
        if let Some(declared) = headers.get("content-md5") {
            let declared = parse_md5(declared.to_str().unwrap_or_default())?;
            if declared != md5(bytes) {
                return Err(bad_digest("Content-MD5"));
            }
        }
        if matches!(self, Self::Md5) {
            return Ok(());
        }
        for algorithm in Algorithm::ALL {
            let name = algorithm.header();
            let declared = headers.get(name).or_else(|| trailers.and_then(|all| all.get(name)));
            let Some(declared) = declared else { continue };
            let declared = algorithm
                .parse(declared.to_str().unwrap_or_default())
                .ok_or_else(|| bad_checksum_value(algorithm))?;
            let mut hasher = Hasher::new(algorithm);
            hasher.update(bytes);
            if algorithm.parse(&hasher.finish()).is_none_or(|computed| computed != declared) {
                tracing::debug!(
                    declared = hex(&declared),
                    "the checksum of an XML body does not match"
                );
                return Err(bad_digest(algorithm.name()));
            }
        }
        Ok(())
    }
}

/// Returns the URI without its signature parameters, which a service without authentication
/// refuses.
fn without_signature(uri: &Uri) -> S3Result<Uri> {
    const SIGNING: [&str; 7] = [
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-signature",
        "x-amz-security-token",
    ];
    let Some(query) = uri.query() else { return Ok(uri.clone()) };
    let kept = query.split('&').filter(|pair| {
        let name = pair.split_once('=').map_or(*pair, |pair| pair.0).to_ascii_lowercase();
        !SIGNING.contains(&name.as_str())
    });
    let kept = kept.collect::<Vec<_>>().join("&");
    let target =
        if kept.is_empty() { uri.path().to_owned() } else { format!("{}?{kept}", uri.path()) };
    Uri::try_from(target).map_err(S3Error::internal_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_parameters_are_removed() {
        for (address, expected) in [
            ("/raw/k", "/raw/k"),
            ("/raw?delete", "/raw?delete"),
            ("/raw/k?X-Amz-Signature=1&X-Amz-Date=2", "/raw/k"),
            (
                "/raw/k?partNumber=1&X-Amz-Expires=9&x-id=GetObject",
                "/raw/k?partNumber=1&x-id=GetObject",
            ),
        ] {
            assert_eq!(without_signature(&address.parse().unwrap()).unwrap(), expected);
        }
    }

    #[test]
    fn only_invalid_headers_are_ignored() {
        let mut headers = HeaderMap::new();
        let mut is_ignored = |name: HeaderName, value: &'static str| {
            headers.clear();
            headers.insert(name, HeaderValue::from_static(value));
            ignored_headers(&Method::GET, &headers).count() == 1
        };
        for range in
            ["bytes=0-1,3-4", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes 0-1"]
        {
            assert!(is_ignored(header::RANGE, range), "{range}");
        }
        for range in ["bytes=0-0", "bytes=-7", "bytes=9-", ""] {
            assert!(!is_ignored(header::RANGE, range), "{range}");
        }
        assert!(is_ignored(header::IF_MODIFIED_SINCE, "yesterday"));
        assert!(!is_ignored(header::IF_MODIFIED_SINCE, "Wed, 02 Jan 2030 03:04:05 GMT"));
        headers.insert(header::RANGE, HeaderValue::from_static("nonsense"));
        assert_eq!(ignored_headers(&Method::PUT, &headers).count(), 0, "writes have no ranges");
    }
}
