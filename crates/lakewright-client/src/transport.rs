//! One signed request without the SDK, for protocols that the SDK does not implement, such as
//! MinIO's admin API, and for small requests, where the SDK's cost of about 50 us is noticeable.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpClient};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body::Body;
use http_body_util::BodyExt;
use lakewright_core::{BucketName, Error, ErrorKind, Outcome, Result};
use ring::digest::{SHA256, digest};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::dial::Dial;
use crate::pool::Pool;
use crate::profile::{CredentialSource, Credentials, Profile, UrlStyle};
use crate::response_limit::LimitedPool;
use crate::unreachable::{Cause, chain, seconds, unreachable};

/// The longest first delay of the jittered exponential backoff. It doubles with each attempt up to
/// [`MAX_DELAY`].
pub const INITIAL_DELAY: Duration = Duration::from_millis(200);
/// The longest delay between two attempts.
pub const MAX_DELAY: Duration = Duration::from_secs(5);

/// Scheme and host of requests to a server that a dialer connects to. They are part of each
/// signature; the top-level domain is reserved for names that no resolver finds (RFC 6761), so that
/// no such request can be sent to another server.
const DIALED_BASE: &str = "http://embedded.invalid";

/// A value that is kept alive for as long as any clone of a client, such as the server behind it.
pub type Guard = Arc<dyn Any + Send + Sync>;

/// The profile, the connection pool and the credentials that requests are made with. Cheap to
/// clone; clones share all of it.
#[derive(Clone)]
pub struct Client {
    profile: Arc<Profile>,
    pool: Pool,
    /// `None` where requests are not signed.
    credentials: Option<Arc<CredentialSource>>,
    /// Scheme, host and port.
    base: Arc<str>,
    guard: Option<Guard>,
}

/// A request. It is signed when it is sent.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The HTTP method.
    pub method: Method,
    /// The bucket that the path is in; `None` for a path of the server.
    pub bucket: Option<&'a BucketName>,
    /// The path, percent-encoded, with its first `/`; empty for a bucket itself.
    pub path: &'a str,
    /// The query, percent-encoded, without the `?`; may be empty.
    pub query: &'a str,
    /// Headers besides those of signing and `Content-Length`.
    pub headers: &'a [(HeaderName, HeaderValue)],
    /// The body; may be empty.
    pub body: Bytes,
    /// The hash of the body in the signature.
    pub hash: PayloadHash,
    /// The condition for retries.
    pub retry: Retry,
    /// The maximum size of the response body, in bytes.
    pub limit: usize,
}

/// The hash of the body in the signature.
#[derive(Clone, Copy, Debug)]
pub enum PayloadHash {
    /// The SHA-256 of the body, computed here.
    Sha256,
    /// The SHA-256 where the profile signs payloads ([`Profile::signs_payloads`]); elsewhere the
    /// body is not part of the signature.
    ByProfile,
}

/// The condition for a retry after a transient failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Retries as often as the profile allows. The request may be carried out twice.
    Always,
    /// Retries only if the request was certainly not carried out. The outcome of any other error is
    /// unknown.
    IfUnsent,
    /// Sends the request once.
    Never,
}

/// A response with any status.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Whether an earlier attempt may have been carried out, so that this is the response to a
    /// second execution.
    pub repeated: bool,
}

impl Response {
    /// Whether the credentials may be the reason for the status, so that a retry with changed ones
    /// may succeed.
    pub fn refused(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// Returns a header; `None` where it is missing or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the delay that the server asks for (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.parse().ok().map(Duration::from_secs)
    }

    /// Whether a retry may succeed: after throttling and faults of the server, as in the SDK.
    fn is_transient(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504)
    }

    /// Whether the server rejected the request before it began to carry it out.
    fn is_rejected_before_start(&self) -> bool {
        matches!(self.status, 429 | 503)
    }
}

impl Client {
    /// Creates a client for `profile`. Nothing is sent.
    ///
    /// # Errors
    /// `InvalidConfig` for an inconsistent profile, for a CA file that cannot be read, and for an
    /// embedded server, which needs a [dialer](Self::dialed).
    pub fn new(profile: Profile) -> Result<Self> {
        let pool = Pool::new(&profile)?;
        Self::with_pool(profile, pool)
    }

    /// Creates a client whose requests use `pool`.
    pub(crate) fn with_pool(profile: Profile, pool: Pool) -> Result<Self> {
        profile.check()?;
        if profile.embedded_directory().is_some() {
            let why = "an embedded server is reached by lakewright::connect only";
            return Err(Error::new(ErrorKind::InvalidConfig, why));
        }
        let base = match profile.endpoint() {
            Some(endpoint) => endpoint.trim_end_matches('/').into(),
            None => amazon_endpoint(profile.region()).into(),
        };
        Ok(Self::with_base(profile, pool, base))
    }

    /// Creates a client whose connections `dial` opens. Nothing is sent.
    ///
    /// # Errors
    /// `InvalidConfig` for an inconsistent profile.
    pub fn dialed(profile: Profile, dial: Arc<dyn Dial>) -> Result<Self> {
        profile.check()?;
        let pool = Pool::dialed(&profile, dial);
        Ok(Self::with_base(profile, pool, DIALED_BASE.into()))
    }

    fn with_base(profile: Profile, pool: Pool, base: Arc<str>) -> Self {
        let credentials = match profile.credentials() {
            Credentials::Anonymous => None,
            credentials => Some(CredentialSource::new(
                credentials.clone(),
                SharedHttpClient::new(LimitedPool(pool.clone())),
                profile.region(),
            )),
        };
        Self { profile: Arc::new(profile), pool, credentials, base, guard: None }
    }

    /// Keeps `guard` alive for as long as any clone of the returned client.
    #[must_use]
    pub fn with_guard(self, guard: Guard) -> Self {
        Self { guard: Some(guard), ..self }
    }

    /// Returns a client on the same connections without the guard, for a handle that must not keep
    /// the guarded value alive.
    #[must_use]
    pub fn without_guard(&self) -> Self {
        Self { guard: None, ..self.clone() }
    }

    /// Returns the profile that requests are made with.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Returns the URL that requests are addressed to: the endpoint of the profile, or a host without
    /// an address for a server that a dialer connects to.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// Returns the connections.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns the server's clock, learnt from the `Date` of its responses.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.pool.clock()
    }

    /// Returns the source of the credentials; `None` if requests are not signed.
    #[must_use]
    pub fn credential_source(&self) -> Option<&Arc<CredentialSource>> {
        self.credentials.as_ref()
    }

    /// Whether the path of an object is `/bucket/key`. Objects at other addresses need the SDK.
    pub fn reaches_buckets(&self) -> bool {
        self.profile.endpoint().is_some() && self.profile.url_style() == UrlStyle::Path
    }

    /// Returns the credentials for the next request; `None` if requests are not signed.
    ///
    /// # Errors
    /// `InvalidConfig` or `Unauthenticated` if there are no credentials.
    pub async fn keys(&self) -> Result<Option<Keys>> {
        let Some(source) = &self.credentials else { return Ok(None) };
        let keys = source.provide_credentials().await.map_err(|error| {
            let ours = std::error::Error::source(&error).and_then(|e| e.downcast_ref::<Error>());
            match ours {
                Some(ours) => ours.without_source(),
                None => {
                    Error::new(ErrorKind::Unauthenticated, "the credentials cannot be obtained")
                        .caused_by(error)
                }
            }
        })?;
        Ok(Some(keys))
    }

    /// Returns, after a refusal, whether a retry would be made with other credentials.
    pub fn has_new_keys(&self) -> bool {
        self.credentials.as_ref().is_some_and(|source| source.refused())
    }

    /// Sends a request with the credentials of the profile. If they are refused and have changed
    /// since, the request is sent once more.
    ///
    /// # Errors
    /// Those of [`Self::send_with`] and [`Self::keys`].
    pub async fn send(&self, request: &Request<'_>) -> Result<Response> {
        let response = self.send_with(self.keys().await?.as_ref(), request).await?;
        if response.refused() && self.has_new_keys() {
            tracing::info!("the keys were refused and have changed; trying the new ones");
            return self.send_with(self.keys().await?.as_ref(), request).await;
        }
        Ok(response)
    }

    /// Sends a request, signed with `keys` if there are any, and retries transient failures as the
    /// request allows. A response with an error status is not an error.
    ///
    /// # Errors
    /// `Unavailable` or `Timeout` if there is no response, `TooLarge` if its body exceeds the
    /// limit, `Internal` for a request that cannot be encoded. With [`Retry::IfUnsent`] the outcome
    /// is unknown if the request may have been carried out.
    pub async fn send_with(&self, keys: Option<&Keys>, request: &Request<'_>) -> Result<Response> {
        let limit = self.profile.timeout();
        timeout(limit, self.attempts(keys, request)).await.unwrap_or_else(|_| {
            let within = seconds(limit);
            let why = format!("no answer from {} within {within}", self.profile);
            let error = Error::new(ErrorKind::Timeout, why);
            Err(match request.retry {
                Retry::IfUnsent => error.with_outcome(Outcome::Unknown),
                Retry::Always | Retry::Never => error,
            })
        })
    }

    async fn attempts(&self, keys: Option<&Keys>, request: &Request<'_>) -> Result<Response> {
        let retries = if request.retry == Retry::Never { 0 } else { self.profile.retries() };
        let (mut repeated, mut attempt) = (false, 0);
        loop {
            let result = self.attempt(keys, request).await;
            let (transient, rejected, retry_after) = match &result {
                Ok(response) => (
                    response.is_transient(),
                    response.is_rejected_before_start(),
                    response.retry_after(),
                ),
                Err(error) => (error.is_retryable(), error.outcome() == Outcome::NotSent, None),
            };
            let may_retry = rejected || request.retry == Retry::Always;
            if !transient || !may_retry || attempt >= retries {
                return match result {
                    Ok(response) => Ok(Response { repeated, ..response }),
                    Err(error) if request.retry == Retry::IfUnsent && !rejected => {
                        Err(error.with_outcome(Outcome::Unknown))
                    }
                    Err(error) => Err(error),
                };
            }
            repeated |= !rejected;
            let delay = retry_after.unwrap_or_else(|| backoff_delay(attempt)).min(MAX_DELAY);
            tracing::debug!(attempt, path = request.path, ?delay, "trying again");
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    /// Sends the request once. A retryable error is a transient failure.
    async fn attempt(&self, keys: Option<&Keys>, request: &Request<'_>) -> Result<Response> {
        let ready = self.signed(keys, request)?;
        let read_timeout = self.profile.read_timeout();
        let response = timeout(read_timeout, self.pool.connector().call(ready)).await;
        let response = match response {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let cause = Cause(chain(&error));
                return Err(unreachable(&self.profile, &error).caused_by(cause));
            }
            Err(_) => return Err(self.timed_out("did not answer in time", read_timeout)),
        };
        self.read(response, request.limit, read_timeout).await
    }

    fn signed(&self, keys: Option<&Keys>, request: &Request<'_>) -> Result<HttpRequest> {
        let impossible = |error: &(dyn std::error::Error + 'static)| {
            let why = format!("the request cannot be encoded: {error}");
            Error::new(ErrorKind::Internal, why).with_outcome(Outcome::NotSent)
        };
        let uri = self.url(request);
        let mut ready = http::Request::builder()
            .method(&request.method)
            .uri(&uri)
            .header(header::CONTENT_LENGTH, request.body.len())
            .body(SdkBody::from(request.body.clone()))
            .map_err(|error| impossible(&error))?;
        for (name, value) in request.headers {
            ready.headers_mut().insert(name, value.clone());
        }
        if let Some(keys) = keys {
            let is_signed = match request.hash {
                PayloadHash::Sha256 => true,
                PayloadHash::ByProfile => self.profile.signs_payloads(),
            };
            let body = if is_signed {
                SignableBody::Precomputed(sha256(&request.body))
            } else {
                SignableBody::UnsignedPayload
            };
            let headers = ready
                .headers()
                .iter()
                .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
            let signable = SignableRequest::new(request.method.as_str(), &uri, headers, body)
                .map_err(|error| impossible(&error))?;
            let identity = keys.clone().into();
            let how = v4::SigningParams::builder()
                .identity(&identity)
                .region(self.profile.region())
                .name("s3")
                .time(SystemTime::now())
                .settings(settings())
                .build()
                .map_err(|error| impossible(&error))?
                .into();
            let signed = sign(signable, &how).map_err(|error| impossible(&error))?;
            signed.into_parts().0.apply_to_request_http1x(&mut ready);
        }
        ready.try_into().map_err(|error| impossible(&error))
    }

    fn url(&self, request: &Request<'_>) -> String {
        let base = match request.bucket {
            Some(bucket) => &*self.bucket_url(bucket),
            None => &*self.base,
        };
        let mut url =
            String::with_capacity(base.len() + request.path.len() + request.query.len() + 1);
        url.push_str(base);
        url.push_str(request.path);
        if !request.query.is_empty() {
            url.push('?');
            url.push_str(request.query);
        }
        url
    }

    /// Returns the URL of a bucket, in the profile's style. A host that is an IP address has no
    /// subdomains, and no certificate for `*.host` covers a name with a dot, so such buckets are
    /// addressed by path, as the SDK does.
    fn bucket_url(&self, bucket: &BucketName) -> String {
        let (scheme, host) = self.base.split_once("://").unwrap_or(("https", &self.base));
        let by_host = self.profile.url_style() == UrlStyle::VirtualHost
            && !(scheme == "https" && bucket.as_str().contains('.'))
            && !is_ip_address(host);
        if by_host {
            format!("{scheme}://{bucket}.{host}")
        } else {
            format!("{}/{bucket}", self.base)
        }
    }

    async fn read(
        &self,
        response: HttpResponse,
        limit: usize,
        read_timeout: Duration,
    ) -> Result<Response> {
        let too_large = || {
            let why = format!("the answer of {} has more than {limit} bytes", self.profile);
            Error::new(ErrorKind::TooLarge, why)
        };
        let response = response
            .try_into_http1x()
            .map_err(|error| Error::new(ErrorKind::Corrupt, error.to_string()))?;
        let (parts, mut frames) = response.into_parts();
        let announced = parts.headers.get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|text| text.to_str().ok()?.parse::<usize>().ok());
        // The response to HEAD has the length of a body that is not sent.
        if announced.is_some_and(|bytes| bytes > limit) && !frames.is_end_stream() {
            return Err(too_large());
        }
        // Most bodies are one frame, which is returned without a copy.
        let (mut first, mut all) = (Bytes::new(), BytesMut::new());
        loop {
            let frame = match timeout(read_timeout, frames.frame()).await {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    let why = format!(
                        "lost the connection to {} in the middle of the response",
                        self.profile
                    );
                    let error =
                        Error::new(ErrorKind::Unavailable, why).caused_by(Cause(chain(&*error)));
                    return Err(error);
                }
                Err(_) => {
                    return Err(
                        self.timed_out("stopped in the middle of the response", read_timeout)
                    );
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            if first.len() + all.len() + data.len() > limit {
                return Err(too_large());
            }
            if first.is_empty() && all.is_empty() {
                first = data;
            } else {
                if all.is_empty() {
                    all.reserve(announced.unwrap_or_default().max(first.len() + data.len()));
                    all.extend_from_slice(&std::mem::take(&mut first));
                }
                all.extend_from_slice(&data);
            }
        }
        Ok(Response {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: if all.is_empty() { first } else { all.freeze() },
            repeated: false,
        })
    }

    fn timed_out(&self, what: &str, limit: Duration) -> Error {
        let why = format!("{} {what} ({})", self.profile, seconds(limit));
        Error::new(ErrorKind::Timeout, why)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("profile", &self.profile)
            .field("has_guard", &self.guard.is_some())
            .finish_non_exhaustive()
    }
}

/// Returns the settings of signatures for S3: the path is signed as it is sent, and a header has
/// the hash of the payload.
fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings
}

/// Returns a delay with full jitter: a random time up to the exponential backoff, so that many
/// clients do not retry at the same time.
fn backoff_delay(attempt: u32) -> Duration {
    let max = INITIAL_DELAY.saturating_mul(1 << attempt.min(16)).min(MAX_DELAY);
    max.mul_f64(fastrand::f64())
}

/// Returns the endpoint of Amazon S3 in a region
/// (<https://docs.aws.amazon.com/general/latest/gr/s3.html>). The regions of China have a domain of
/// their own.
fn amazon_endpoint(region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://s3.{region}.{domain}")
}

/// Whether the host of `authority`, such as `[::1]:9000`, is an IP address.
fn is_ip_address(authority: &str) -> bool {
    let host = authority.split('/').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    host.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok()
}

/// Returns the SHA-256 of `bytes` in hexadecimal digits, as signatures have it.
pub fn sha256(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    let hash = digest(&SHA256, bytes);
    hash.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::profile::Value;

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
    const BROKEN: &str = "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n";
    const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel";
    const CHUNKED: &str =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";

    /// Starts a server that sends one response for each connection and records the requests.
    async fn server(responses: &[&'static str]) -> (Client, Arc<std::sync::Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (asked, responses) = (Arc::new(std::sync::Mutex::default()), responses.to_vec());
        let keep: Arc<std::sync::Mutex<Vec<String>>> = asked.clone();
        tokio::spawn(async move {
            for response in responses {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 8192];
                let read = client.read(&mut request).await.unwrap();
                keep.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).into_owned());
                let response = response.replacen("\r\n", "\r\nconnection: close\r\n", 1);
                client.write_all(response.as_bytes()).await.unwrap();
            }
        });
        let keys = Credentials::Keys {
            access_key_id: Value::Literal("id".to_owned().into()),
            secret_access_key: Value::Literal("secret".to_owned().into()),
            session_token: None,
        };
        let profile = Profile::builder().endpoint(endpoint).credentials(keys).build().unwrap();
        (Client::new(profile).unwrap(), asked)
    }

    fn request(retry: Retry) -> Request<'static> {
        Request {
            method: Method::PUT,
            bucket: None,
            path: "/a%20b",
            query: "c=d%2Fe&a=b",
            headers: &[],
            body: Bytes::from_static(b"body"),
            hash: PayloadHash::Sha256,
            retry,
            limit: 5,
        }
    }

    #[tokio::test]
    async fn requests_are_signed_and_retried_as_they_allow() {
        use Retry::{Always, IfUnsent, Never};
        for (responses, retry, status, requests) in [
            (&[OK][..], Always, Some(200), 1),
            (&[CHUNKED], Always, Some(200), 1),
            (&[BUSY, BROKEN, OK], Always, Some(200), 3),
            (&[BUSY, BUSY, BUSY, BUSY], Always, Some(503), 4),
            (&[CUT, OK], Always, Some(200), 2),
            (&[BUSY, OK], IfUnsent, Some(200), 2),
            (&[BROKEN], IfUnsent, Some(500), 1),
            (&["", OK], IfUnsent, None, 1),
            (&[BUSY], Never, Some(503), 1),
        ] {
            let (client, asked) = server(responses).await;
            let response = client.send(&request(retry)).await;
            let asked = asked.lock().unwrap();
            assert_eq!(asked.len(), requests, "{responses:?}");
            assert_eq!(
                response.as_ref().ok().map(|response| response.status),
                status,
                "{response:?}"
            );
            match response {
                Ok(response) if status == Some(200) => {
                    assert_eq!(response.body, "hello");
                    // After a 500 or a broken connection, the request may have been carried out.
                    let unsure = responses.contains(&BROKEN) || responses.contains(&CUT);
                    assert_eq!(response.repeated, unsure, "{responses:?}");
                }
                Ok(_) => {}
                Err(error) => {
                    assert!(error.outcome_unknown() && !error.is_retryable(), "{error}");
                    assert!(error.to_string().contains("not known"), "{error}");
                }
            }
            let first = asked[0].to_lowercase();
            assert!(first.starts_with("put /a%20b?c=d%2fe&a=b http/1.1"), "{first}");
            for part in ["credential=id/", "/us-east-1/s3/", "\r\n\r\nbody", "content-length: 4"] {
                assert!(first.contains(part), "{part} in {first}");
            }
            let hash = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5";
            assert!(first.contains(&format!("x-amz-content-sha256: {hash}")), "{first}");
        }
    }

    #[tokio::test]
    async fn too_large_responses_are_refused() {
        for response in [OK, CHUNKED] {
            let (client, asked) = server(&[response]).await;
            let error = client.send(&Request { limit: 4, ..request(Retry::Always) }).await;
            assert_eq!(error.unwrap_err().kind(), ErrorKind::TooLarge);
            assert_eq!(asked.lock().unwrap().len(), 1, "the request is sent once");
        }
    }

    #[test]
    fn amazon_has_an_endpoint_in_each_region() {
        assert_eq!(amazon_endpoint("eu-west-1"), "https://s3.eu-west-1.amazonaws.com");
        assert_eq!(amazon_endpoint("cn-north-1"), "https://s3.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn buckets_are_addressed_in_the_style_of_the_profile() {
        let url = |endpoint: &str, style, bucket: &str| {
            let mut profile = Profile::builder();
            profile.endpoint(endpoint).url_style(style).credentials(Credentials::Anonymous);
            let client = Client::new(profile.build().unwrap()).unwrap();
            let bucket = bucket.parse().unwrap();
            client.url(&Request { bucket: Some(&bucket), path: "/k", ..request(Retry::Never) })
        };
        let (path, host) = (UrlStyle::Path, UrlStyle::VirtualHost);
        for (endpoint, style, bucket, expected) in [
            ("http://s3.test:9000", path, "raw", "http://s3.test:9000/raw/k"),
            ("http://s3.test:9000/", host, "raw", "http://raw.s3.test:9000/k"),
            ("https://s3.test", host, "raw", "https://raw.s3.test/k"),
            ("https://s3.test", host, "raw.data", "https://s3.test/raw.data/k"),
            ("http://127.0.0.1:9000", host, "raw", "http://127.0.0.1:9000/raw/k"),
            ("http://[::1]:9000", host, "raw", "http://[::1]:9000/raw/k"),
        ] {
            let found = url(endpoint, style, bucket);
            assert_eq!(found, format!("{expected}?c=d%2Fe&a=b"), "{endpoint} {bucket}");
        }
    }

    #[test]
    fn delays_grow_up_to_a_maximum() {
        for attempt in [0, 1, 5, 40] {
            let max = INITIAL_DELAY.saturating_mul(1 << attempt.min(5)).min(MAX_DELAY);
            assert!((0..100).all(|_| backoff_delay(attempt) <= max), "{attempt}");
        }
    }
}
