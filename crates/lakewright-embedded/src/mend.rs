//! What s3s decides before our operations hear of a request, decided as S3 does. A request that
//! needs it is taken aside once its signature is verified, mended, and handed to a second s3s
//! that checks no signatures.
//!
//! - A `Range` that is not of the form `bytes=…`, or a date that is none, is as if it were not
//!   there (RFC 9110, sections 14.2, 13.1.3 and 13.1.4). s3s answers 400.
//! - `Content-MD5` and `x-amz-checksum-*` of an XML body are verified before anything is done.
//!   s3s hands us what the XML says, and not its bytes.

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use s3s::dto::{Range, Timestamp, TimestampFormat};
use s3s::route::S3Route;
use s3s::service::S3Service;
use s3s::{Body, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use crate::checksum::{Algorithm, Hasher};
use crate::receive::{bad_checksum_value, bad_digest, body_error, hex, md5, parse_md5};

/// The most that an XML body may have, in bytes: s3s's own limit. 1,000 keys of 1,024 bytes,
/// escaped at their worst, are a quarter of it.
const MAX_XML: usize = 20 * 1024 * 1024;

/// The route of the s3s that verifies signatures.
pub(crate) struct Mend {
    /// The one that does not.
    pub(crate) trusting: S3Service,
}

#[async_trait::async_trait]
impl S3Route for Mend {
    fn is_match(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        _: &mut Extensions,
    ) -> bool {
        void_headers(method, headers).next().is_some() || Claims::on(method, uri, headers).is_some()
    }

    async fn call(&self, mut request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let void: Vec<HeaderName> = void_headers(&request.method, &request.headers).collect();
        for name in void {
            request.headers.remove(name);
        }
        if let Some(claims) = Claims::on(&request.method, &request.uri, &request.headers) {
            let body = std::mem::take(&mut request.input);
            let bytes = match Limited::new(body, MAX_XML).collect().await {
                Ok(bytes) => bytes.to_bytes(),
                Err(error) if error.is::<LengthLimitError>() => {
                    return Err(s3_error!(MaxMessageLengthExceeded, "Your request was too big."));
                }
                Err(error) => return Err(body_error(error)),
            };
            let trailers = request.trailing_headers.take().and_then(|trailers| trailers.take());
            claims.check(&bytes, &request.headers, trailers.as_ref())?;
            request.input = Body::from(bytes);
        }
        self.hand_on(request).await
    }
}

impl Mend {
    async fn hand_on(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let mut verified = http::Request::new(request.input);
        *verified.method_mut() = request.method;
        *verified.uri_mut() = without_signature(&request.uri)?;
        *verified.headers_mut() = request.headers;
        verified.headers_mut().remove(header::AUTHORIZATION);
        let answer = self.trusting.call(verified).await;
        let (parts, body) = answer
            .map_err(|error| S3Error::with_source(S3ErrorCode::InternalError, error.into()))?
            .into_parts();
        let mut response = S3Response::with_status(body, parts.status);
        response.headers = parts.headers;
        response.extensions = parts.extensions;
        Ok(response)
    }
}

/// Headers of a read that HTTP tells a server to ignore.
fn void_headers<'h>(
    method: &Method,
    headers: &'h HeaderMap,
) -> impl Iterator<Item = HeaderName> + use<'h> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let names = [header::RANGE, header::IF_MODIFIED_SINCE, header::IF_UNMODIFIED_SINCE];
    names.into_iter().filter(move |name| {
        reads && headers.get_all(name).iter().any(|value| !means_something(name, value))
    })
}

fn means_something(name: &HeaderName, value: &HeaderValue) -> bool {
    let Ok(value) = value.to_str() else { return false };
    if value.is_empty() {
        return true; // s3s takes it for none
    }
    if *name == header::RANGE {
        // s3s takes the number that is missing from `bytes=-` for 0.
        value != "bytes=-" && Range::parse(value).is_ok()
    } else {
        Timestamp::parse(TimestampFormat::HttpDate, value).is_ok()
    }
}

/// What a client says about the bytes of an XML body.
enum Claims {
    /// Their MD5 only: `x-amz-checksum-*` is about something else, the object that is completed.
    Md5,
    /// Every checksum.
    All,
}

impl Claims {
    /// What is to be verified, if anything is.
    fn on(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let query = uri.query().unwrap_or_default();
        let asks = |name: &str| {
            query.split('&').any(|pair| pair.split_once('=').map_or(pair, |pair| pair.0) == name)
        };
        let has_md5 = headers.contains_key("content-md5");
        let has_checksum = headers.contains_key("x-amz-trailer")
            || Algorithm::ALL.iter().any(|algorithm| headers.contains_key(algorithm.header()));
        match *method {
            Method::POST if asks("delete") => (has_md5 || has_checksum).then_some(Self::All),
            Method::PUT if asks("tagging") => (has_md5 || has_checksum).then_some(Self::All),
            Method::POST if asks("uploadId") => has_md5.then_some(Self::Md5),
            _ => None,
        }
    }

    fn check(
        &self,
        bytes: &Bytes,
        headers: &HeaderMap,
        trailers: Option<&HeaderMap>,
    ) -> S3Result<()> {
        if let Some(claimed) = headers.get("content-md5") {
            let claimed = parse_md5(claimed.to_str().unwrap_or_default())?;
            if claimed != md5(bytes) {
                return Err(bad_digest("Content-MD5"));
            }
        }
        if matches!(self, Self::Md5) {
            return Ok(());
        }
        for algorithm in Algorithm::ALL {
            let name = algorithm.header();
            let claimed = headers.get(name).or_else(|| trailers.and_then(|all| all.get(name)));
            let Some(claimed) = claimed else { continue };
            let claimed = algorithm
                .parse(claimed.to_str().unwrap_or_default())
                .ok_or_else(|| bad_checksum_value(algorithm))?;
            let mut hasher = Hasher::new(algorithm);
            hasher.update(bytes);
            if algorithm.parse(&hasher.finish()).is_none_or(|computed| computed != claimed) {
                tracing::debug!(claimed = hex(&claimed), "the checksum of an XML body is wrong");
                return Err(bad_digest(algorithm.name()));
            }
        }
        Ok(())
    }
}

/// The address without what signed it: a server that checks no signatures refuses them.
fn without_signature(uri: &Uri) -> S3Result<Uri> {
    const SIGNING: [&str; 10] = [
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-signature",
        "x-amz-security-token",
        "awsaccesskeyid",
        "expires",
        "signature",
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
    fn what_signed_an_address_is_taken_off() {
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
    fn only_what_is_wrong_is_ignored() {
        let mut headers = HeaderMap::new();
        let mut void = |name: HeaderName, value: &'static str| {
            headers.clear();
            headers.insert(name, HeaderValue::from_static(value));
            void_headers(&Method::GET, &headers).count() == 1
        };
        for range in
            ["bytes=0-1,3-4", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes 0-1"]
        {
            assert!(void(header::RANGE, range), "{range}");
        }
        for range in ["bytes=0-0", "bytes=-7", "bytes=9-", ""] {
            assert!(!void(header::RANGE, range), "{range}");
        }
        assert!(void(header::IF_MODIFIED_SINCE, "yesterday"));
        assert!(!void(header::IF_MODIFIED_SINCE, "Wed, 02 Jan 2030 03:04:05 GMT"));
        headers.insert(header::RANGE, HeaderValue::from_static("nonsense"));
        assert_eq!(void_headers(&Method::PUT, &headers).count(), 0, "writes have no ranges");
    }
}
