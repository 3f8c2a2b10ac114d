//! `wait`

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use lakewright_client::{ErrorBody, PayloadHash, Request, Response, Retry, classify_code, seconds};
use lakewright_core::{Error, ErrorKind, Result, ServiceError};
use tokio::time::{Instant, sleep, timeout_at};

use crate::Lake;

/// The timeout of one request, after which it is sent again: a server that is just starting may
/// accept a connection and never respond on it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The minimum timeout of the first request of each check, even if the deadline is earlier.
const MIN_FIRST_TIMEOUT: Duration = Duration::from_secs(1);

/// The delays between two requests: the first, and the longest, up to which they double.
const FIRST_DELAY: Duration = Duration::from_millis(50);
const MAX_DELAY: Duration = Duration::from_secs(1);

/// The maximum size of a response in bytes. Only the status and the error code are used.
const MAX_RESPONSE_BYTES: usize = 16 << 20;

impl Lake {
    /// Waits until the server is ready: MinIO when its cluster is healthy and its users are loaded,
    /// any other server when it lists buckets for these credentials or denies that to them. With a
    /// `timeout` of zero each check sends one request and waits one second for its response.
    ///
    /// # Errors
    /// `Timeout` when the server is not ready in time, with the check that failed and its last
    /// error. Without waiting: `Unauthenticated` for wrong credentials, `InvalidConfig` when no
    /// credentials can be obtained.
    pub async fn wait(&self, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        let ready = async {
            let is_minio = retry_until(deadline, "its cluster", || self.cluster()).await?;
            // MinIO reports a healthy cluster before it has loaded its users.
            if is_minio && self.client().credential_source().is_some() {
                match retry_until(deadline, "its users", || self.users()).await {
                    Err(error) if error.kind() == ErrorKind::Unsupported => {}
                    done => return done,
                }
            }
            retry_until(deadline, "its buckets", || self.buckets()).await
        };
        ready.await.map_err(|error: Error| {
            let error = match error.kind() {
                ErrorKind::Timeout => {
                    let message =
                        format!("not ready within {}: {}", seconds(timeout), error.message());
                    error.with_message(message)
                }
                _ => error,
            };
            error.during("wait").on(self.profile().to_string())
        })
    }

    /// Checks MinIO's health endpoint, which reports whether enough servers and drives are online.
    /// Returns false for a server without this endpoint.
    async fn cluster(&self) -> Result<bool> {
        let response = self.get("/minio/health/cluster", "", false).await?;
        match response.status {
            200 => Ok(true),
            429 | 500 | 502..=599 => Err(error_of(&response)),
            _ => Ok(false),
        }
    }

    /// Sends a request that MinIO can serve only after it has loaded its users and policies.
    async fn users(&self) -> Result<()> {
        self.admin().probe().await
    }

    async fn buckets(&self) -> Result<()> {
        let response = self.get("/", "max-buckets=1", true).await?;
        match response.status {
            200 => Ok(()),
            _ => match error_of(&response) {
                denied if denied.kind() == ErrorKind::Denied => Ok(()),
                error => Err(error),
            },
        }
    }

    async fn get(&self, path: &str, query: &str, signed: bool) -> Result<Response> {
        let request = Request {
            method: Method::GET,
            bucket: None,
            path,
            query,
            headers: &[],
            body: Bytes::new(),
            hash: PayloadHash::Sha256,
            retry: Retry::Never,
            limit: MAX_RESPONSE_BYTES,
        };
        if signed {
            self.client().send(&request).await
        } else {
            self.client().send_with(None, &request).await
        }
    }
}

/// Repeats a check until it succeeds, fails with an error that is not retryable, or the deadline
/// has passed. `name` is the name of the check in messages.
async fn retry_until<T, F: Future<Output = Result<T>>>(
    deadline: Instant,
    name: &str,
    check: impl Fn() -> F,
) -> Result<T> {
    let mut last: Option<Error> = None;
    let mut delay = FIRST_DELAY;
    let mut min_deadline = Instant::now() + MIN_FIRST_TIMEOUT;
    loop {
        let request_deadline = deadline.max(min_deadline).min(Instant::now() + REQUEST_TIMEOUT);
        min_deadline = Instant::now();
        match timeout_at(request_deadline, check()).await {
            Ok(Ok(ready)) => return Ok(ready),
            Ok(Err(error)) if error.is_retryable() => {
                tracing::debug!(%error, "{name} not ready yet");
                last = Some(error);
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => {}
        }
        if Instant::now() + delay >= deadline {
            let last = last.unwrap_or_else(|| Error::new(ErrorKind::Timeout, "no response"));
            let message = format!("{name}: {}", last.message());
            return Err(last.wrap(ErrorKind::Timeout, message));
        }
        sleep(delay).await;
        delay = (delay * 2).min(MAX_DELAY);
    }
}

/// Returns the error that a response other than success reports.
fn error_of(response: &Response) -> Error {
    let body = ErrorBody::of(response);
    let code = Some(body.code).filter(|code| !code.is_empty());
    let text = Some(body.message).filter(|text| !text.is_empty());
    let (kind, known) = classify_code(code.as_deref(), response.status);
    let message =
        known.map_or_else(|| format!("the server answered {}", response.status), Into::into);
    Error::new(kind, message).with_service(ServiceError {
        status: response.status,
        code,
        message: text,
        request_id: response.header("x-amz-request-id").map(String::from),
        retry_after: response.retry_after(),
    })
}
