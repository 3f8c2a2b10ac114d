//! One signed request without the SDK, for protocols that the SDK does not implement, such as
//! MinIO's admin API, and for small requests, where its cost of some 50 us each is noticeable.

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
use lakewright_core::{Error, ErrorKind, Outcome, Result};
use ring::digest::{SHA256, digest};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::pool::Pool;
use crate::profile::{Addressing, CredentialSource, Credentials, Profile};
use crate::unreachable::{Cause, chain, seconds, unreachable};

/// The first delay of the jittered exponential backoff; it doubles up to `MAX_PAUSE`.
pub const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest delay between two attempts.
pub const MAX_PAUSE: Duration = Duration::from_secs(5);

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
    /// The path, percent-encoded, with its first `/`.
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
    pub repeat: Repeat,
    /// The maximum size of the response body, in bytes.
    pub limit: usize,
}

/// The hash of the body in the signature.
#[derive(Clone, Copy, Debug)]
pub enum PayloadHash {
    /// The SHA-256 of the body, computed here.
    Sha256,
    /// No hash: the body is not part of the signature.
    Unsigned,
}

/// The condition for another attempt after a transient failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Up to the retries of the profile: the request may be carried out twice.
    Freely,
    /// Only where the server has certainly done nothing. Otherwise the outcome of the error is
    /// unknown.
    Unsent,
    /// No other attempt.
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
    /// Whether the status may be due to the credentials, so that changed ones are worth a retry.
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

    /// Whether a retry may help: throttling and faults of the server, as in the SDK.
    fn passing(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504)
    }

    /// Whether the server refused the request before it began with it.
    fn undone(&self) -> bool {
        matches!(self.status, 429 | 503)
    }
}

impl Client {
    /// A client for `profile`. Nothing is sent yet.
    ///
    /// # Errors
    /// `InvalidConfig` for an inconsistent profile, or a CA file that cannot be read.
    pub fn new(profile: Profile) -> Result<Self> {
        profile.check()?;
        let pool = Pool::new(&profile)?;
        let credentials = match profile.credentials() {
            Credentials::Anonymous => None,
            credentials => Some(CredentialSource::new(
                credentials.clone(),
                SharedHttpClient::new(pool.clone()),
                profile.region(),
            )),
        };
        let base = match profile.endpoint() {
            Some(endpoint) => endpoint.trim_end_matches('/').into(),
            None => format!("https://s3.{}.amazonaws.com", profile.region()).into(),
        };
        Ok(Self { profile: Arc::new(profile), pool, credentials, base, guard: None })
    }

    /// Keeps `guard` alive for as long as any clone of the returned client.
    #[must_use]
    pub fn with_guard(self, guard: Guard) -> Self {
        Self { guard: Some(guard), ..self }
    }

    /// The same connections without the guard, for a handle that must not keep it alive.
    #[must_use]
    pub fn without_guard(&self) -> Self {
        Self { guard: None, ..self.clone() }
    }

    /// The profile that requests are made with.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The connections.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The server's clock, learnt from the `Date` of its responses.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.pool.clock()
    }

    /// Where credentials come from; `None` where requests are not signed.
    #[must_use]
    pub fn credential_source(&self) -> Option<&Arc<CredentialSource>> {
        self.credentials.as_ref()
    }

    /// Whether objects are at `/bucket/key`. For other addresses the SDK is needed.
    pub fn reaches_buckets(&self) -> bool {
        self.profile.endpoint().is_some() && self.profile.addressing() == Addressing::Path
    }

    /// Returns the credentials for the next request; `None` when requests are not signed.
    ///
    /// # Errors
    /// `InvalidConfig` or `Unauthenticated` where there are no credentials.
    pub async fn keys(&self) -> Result<Option<Keys>> {
        let Some(source) = &self.credentials else { return Ok(None) };
        let keys = source.provide_credentials().await.map_err(|error| {
            let ours = std::error::Error::source(&error).and_then(|e| e.downcast_ref::<Error>());
            match ours {
                Some(ours) => ours.without_source(),
                None => {
                    Error::new(ErrorKind::Unauthenticated, "no keys can be had").caused_by(error)
                }
            }
        })?;
        Ok(Some(keys))
    }

    /// Returns, after a refusal, whether a retry would be made with other credentials.
    pub fn has_new_keys(&self) -> bool {
        self.credentials.as_ref().is_some_and(|source| source.refused())
    }

    /// Sends a request with the credentials of the profile, and retries it once where they were
    /// refused and have changed.
    ///
    /// # Errors
    /// As [`Self::send_with`], and those of [`Self::keys`].
    pub async fn send(&self, request: &Request<'_>) -> Result<Response> {
        let response = self.send_with(self.keys().await?.as_ref(), request).await?;
        if response.refused() && self.has_new_keys() {
            tracing::info!("the keys were refused and have changed; trying the new ones");
            return self.send_with(self.keys().await?.as_ref(), request).await;
        }
        Ok(response)
    }

    /// Sends a request, signed with `keys` if any. A response with an error status is a result
    /// too. Transient failures are retried as the request allows.
    ///
    /// # Errors
    /// `Unavailable` or `Timeout` where there is no response, `TooLarge` where it exceeds the
    /// limit, `Internal` for a request that cannot be encoded. With [`Repeat::Unsent`] the
    /// outcome is unknown where the request may have been carried out.
    pub async fn send_with(&self, keys: Option<&Keys>, request: &Request<'_>) -> Result<Response> {
        let whole = self.profile.timeout();
        timeout(whole, self.attempts(keys, request)).await.unwrap_or_else(|_| {
            let within = seconds(whole);
            let why = format!("no answer from {} within {within}", self.profile);
            let error = Error::new(ErrorKind::Timeout, why);
            Err(match request.repeat {
                Repeat::Unsent => error.with_outcome(Outcome::Unknown),
                Repeat::Freely | Repeat::Never => error,
            })
        })
    }

    async fn attempts(&self, keys: Option<&Keys>, request: &Request<'_>) -> Result<Response> {
        let most = if request.repeat == Repeat::Never { 0 } else { self.profile.retries() };
        let (mut repeated, mut attempt) = (false, 0);
        loop {
            let result = self.attempt(keys, request).await;
            let (passing, undone, wish) = match &result {
                Ok(response) => (response.passing(), response.undone(), response.retry_after()),
                Err(error) => (error.is_retryable(), error.outcome() == Outcome::NotSent, None),
            };
            let may_repeat = undone || request.repeat == Repeat::Freely;
            if !passing || !may_repeat || attempt >= most {
                return match result {
                    Ok(response) => Ok(Response { repeated, ..response }),
                    Err(error) if request.repeat == Repeat::Unsent && !undone => {
                        Err(error.with_outcome(Outcome::Unknown))
                    }
                    Err(error) => Err(error),
                };
            }
            repeated |= !undone;
            let pause = wish.unwrap_or_else(|| pause(attempt)).min(MAX_PAUSE);
            tracing::debug!(attempt, path = request.path, ?pause, "trying again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Sends the request once. A retryable error is a transient failure.
    async fn attempt(&self, keys: Option<&Keys>, request: &Request<'_>) -> Result<Response> {
        let ready = self.signed(keys, request)?;
        let patience = self.profile.read_timeout();
        let answer = timeout(patience, self.pool.connector().call(ready)).await;
        let answer = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let cause = Cause(chain(&error));
                return Err(unreachable(&self.profile, &error, false).caused_by(cause));
            }
            Err(_) => return Err(self.silent("did not answer in time", patience)),
        };
        self.read(answer, request.limit, patience).await
    }

    fn signed(&self, keys: Option<&Keys>, request: &Request<'_>) -> Result<HttpRequest> {
        let impossible = |error: &(dyn std::error::Error + 'static)| {
            let why = format!("the request cannot be written down: {error}");
            Error::new(ErrorKind::Internal, why).with_outcome(Outcome::NotSent)
        };
        let mut uri =
            String::with_capacity(self.base.len() + request.path.len() + request.query.len() + 1);
        uri.push_str(&self.base);
        uri.push_str(request.path);
        if !request.query.is_empty() {
            uri.push('?');
            uri.push_str(request.query);
        }
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
            let hash;
            let body = match request.hash {
                PayloadHash::Unsigned => SignableBody::UnsignedPayload,
                PayloadHash::Sha256 => {
                    hash = hexadecimal(digest(&SHA256, &request.body).as_ref());
                    SignableBody::Precomputed(hash)
                }
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

    async fn read(
        &self,
        answer: HttpResponse,
        limit: usize,
        patience: Duration,
    ) -> Result<Response> {
        let too_large = || {
            let why = format!("the answer of {} has more than {limit} bytes", self.profile);
            Error::new(ErrorKind::TooLarge, why)
        };
        let answer = answer
            .try_into_http1x()
            .map_err(|error| Error::new(ErrorKind::Corrupt, error.to_string()))?;
        let (parts, mut frames) = answer.into_parts();
        let announced = parts.headers.get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|text| text.to_str().ok()?.parse::<usize>().ok());
        // An answer to HEAD announces what it does not bring.
        if announced.is_some_and(|bytes| bytes > limit) && !frames.is_end_stream() {
            return Err(too_large());
        }
        // Most answers are one frame, which is taken as it is.
        let (mut first, mut all) = (Bytes::new(), BytesMut::new());
        loop {
            let frame = match timeout(patience, frames.frame()).await {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    let why = format!("lost the connection to {} in mid-answer", self.profile);
                    let error =
                        Error::new(ErrorKind::Unavailable, why).caused_by(Cause(chain(&*error)));
                    return Err(error);
                }
                Err(_) => return Err(self.silent("fell silent in mid-answer", patience)),
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

    fn silent(&self, what: &str, patience: Duration) -> Error {
        let why = format!("{} {what} ({})", self.profile, seconds(patience));
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

/// S3's own way to sign: the path as it is sent, and the payload's hash in a header.
fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings
}

/// "Full jitter": anything up to the exponential pause, so that many clients spread out.
fn pause(attempt: u32) -> Duration {
    let most = FIRST_PAUSE.saturating_mul(1 << attempt.min(16)).min(MAX_PAUSE);
    most.mul_f64(fastrand::f64())
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
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

    /// A server that gives these answers, one a connection, and keeps the requests.
    async fn server(answers: &[&'static str]) -> (Client, Arc<std::sync::Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (asked, answers) = (Arc::new(std::sync::Mutex::default()), answers.to_vec());
        let keep: Arc<std::sync::Mutex<Vec<String>>> = asked.clone();
        tokio::spawn(async move {
            for answer in answers {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 8192];
                let read = client.read(&mut request).await.unwrap();
                keep.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).into_owned());
                let answer = answer.replacen("\r\n", "\r\nconnection: close\r\n", 1);
                client.write_all(answer.as_bytes()).await.unwrap();
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

    fn request(repeat: Repeat) -> Request<'static> {
        Request {
            method: Method::PUT,
            path: "/a%20b",
            query: "c=d%2Fe&a=b",
            headers: &[],
            body: Bytes::from_static(b"body"),
            hash: PayloadHash::Sha256,
            repeat,
            limit: 5,
        }
    }

    #[tokio::test]
    async fn requests_are_signed_and_repeated_as_they_allow() {
        use Repeat::{Freely, Never, Unsent};
        for (answers, repeat, status, requests) in [
            (&[OK][..], Freely, Some(200), 1),
            (&[CHUNKED], Freely, Some(200), 1),
            (&[BUSY, BROKEN, OK], Freely, Some(200), 3),
            (&[BUSY, BUSY, BUSY, BUSY], Freely, Some(503), 4),
            (&[CUT, OK], Freely, Some(200), 2),
            (&[BUSY, OK], Unsent, Some(200), 2),
            (&[BROKEN], Unsent, Some(500), 1),
            (&["", OK], Unsent, None, 1),
            (&[BUSY], Never, Some(503), 1),
        ] {
            let (wire, asked) = server(answers).await;
            let answer = wire.send(&request(repeat)).await;
            let asked = asked.lock().unwrap();
            assert_eq!(asked.len(), requests, "{answers:?}");
            assert_eq!(answer.as_ref().ok().map(|answer| answer.status), status, "{answer:?}");
            match answer {
                Ok(answer) if status == Some(200) => {
                    assert_eq!(answer.body, "hello");
                    // After a 503 nothing was done, after a 500 or a cut something may have been.
                    let unsure = answers.contains(&BROKEN) || answers.contains(&CUT);
                    assert_eq!(answer.repeated, unsure, "{answers:?}");
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
    async fn answers_have_an_end() {
        for answer in [OK, CHUNKED] {
            let (wire, asked) = server(&[answer]).await;
            let error = wire.send(&Request { limit: 4, ..request(Repeat::Freely) }).await;
            assert_eq!(error.unwrap_err().kind(), ErrorKind::TooLarge);
            assert_eq!(asked.lock().unwrap().len(), 1, "it is asked for once");
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        for attempt in [0, 1, 5, 40] {
            let most = FIRST_PAUSE.saturating_mul(1 << attempt.min(5)).min(MAX_PAUSE);
            assert!((0..100).all(|_| pause(attempt) <= most), "{attempt}");
        }
    }
}
