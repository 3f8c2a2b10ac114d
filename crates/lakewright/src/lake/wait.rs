//! `wait`

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use lakewright_client::{ErrorBody, PayloadHash, Request, Response, Retry, classify_code, seconds};
use lakewright_core::{Error, ErrorKind, Result, ServiceError};
use tokio::time::{Instant, sleep, timeout_at};

use crate::Lake;

/// How long one question may take before it is asked anew: a server that is just starting may
/// take a connection and forget it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long each thing is given to answer at least, however short the whole.
const LEAST: Duration = Duration::from_secs(1);

/// Pauses between two questions: short after a quick start, gentle during a long one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Answers here are read for their status and error code.
const LIMIT: usize = 16 << 20;

impl Lake {
    /// Returns when the server is ready: MinIO when its cluster is whole and it knows its users,
    /// any other server when it lists buckets for these credentials, or says that they may not.
    /// `limit` may be zero: each is asked once then, and given a second to answer.
    ///
    /// # Errors
    /// `Timeout` when `limit` is over, with what was not ready and the last that was heard of
    /// it. At once where waiting is of no use: `Unauthenticated` for wrong keys, `InvalidConfig`
    /// where there are none to be had.
    pub async fn wait(&self, limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        let ready = async {
            let is_minio = until(end, "its cluster", || self.cluster()).await?;
            // MinIO says that it is ready before it has read its users.
            if is_minio && self.client().credential_source().is_some() {
                match until(end, "its users", || self.users()).await {
                    Err(error) if error.kind() == ErrorKind::Unsupported => {}
                    done => return done,
                }
            }
            until(end, "its buckets", || self.buckets()).await
        };
        ready.await.map_err(|error: Error| {
            let error = match error.kind() {
                ErrorKind::Timeout => {
                    let message =
                        format!("not ready within {}: {}", seconds(limit), error.message());
                    error.with_message(message)
                }
                _ => error,
            };
            error.during("wait").on(self.profile().to_string())
        })
    }

    /// MinIO's own word that enough of its servers and drives are there; false for a server
    /// that has no such word.
    async fn cluster(&self) -> Result<bool> {
        let answer = self.ask("/minio/health/cluster", "", false).await?;
        match answer.status {
            200 => Ok(true),
            429 | 500 | 502..=599 => Err(unwell(&answer)),
            _ => Ok(false),
        }
    }

    /// A question that MinIO cannot answer before it has read its users and policies.
    async fn users(&self) -> Result<()> {
        self.admin().probe().await
    }

    async fn buckets(&self) -> Result<()> {
        let answer = self.ask("/", "max-buckets=1", true).await?;
        match answer.status {
            200 => Ok(()),
            _ => match unwell(&answer) {
                denied if denied.kind() == ErrorKind::Denied => Ok(()),
                error => Err(error),
            },
        }
    }

    async fn ask(&self, path: &str, query: &str, signed: bool) -> Result<Response> {
        let request = Request {
            method: Method::GET,
            path,
            query,
            headers: &[],
            body: Bytes::new(),
            hash: PayloadHash::Sha256,
            retry: Retry::Never,
            limit: LIMIT,
        };
        if signed {
            self.client().send(&request).await
        } else {
            self.client().send_with(None, &request).await
        }
    }
}

/// Asks until there is an answer, or an error that waiting does not mend.
async fn until<T, F: Future<Output = Result<T>>>(
    end: Instant,
    what: &str,
    ask: impl Fn() -> F,
) -> Result<T> {
    let mut last: Option<Error> = None;
    let mut pause = FIRST_PAUSE;
    let mut least = Instant::now() + LEAST;
    loop {
        let patience = end.max(least).min(Instant::now() + PATIENCE);
        least = Instant::now();
        match timeout_at(patience, ask()).await {
            Ok(Ok(ready)) => return Ok(ready),
            Ok(Err(error)) if error.is_retryable() => {
                tracing::debug!(%error, "{what} not ready yet");
                last = Some(error);
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => {}
        }
        if Instant::now() + pause >= end {
            let last = last.unwrap_or_else(|| Error::new(ErrorKind::Timeout, "no response"));
            let message = format!("{what}: {}", last.message());
            return Err(last.wrap(ErrorKind::Timeout, message));
        }
        sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// What an answer other than success means.
fn unwell(answer: &Response) -> Error {
    let refusal = ErrorBody::of(answer);
    let code = Some(refusal.code).filter(|code| !code.is_empty());
    let text = Some(refusal.message).filter(|text| !text.is_empty());
    let (kind, said) = classify_code(code.as_deref(), answer.status);
    let message = said.map_or_else(|| format!("the server answered {}", answer.status), Into::into);
    Error::new(kind, message).with_service(ServiceError {
        status: answer.status,
        code,
        message: text,
        request_id: answer.header("x-amz-request-id").map(String::from),
        retry_after: answer.retry_after(),
    })
}
