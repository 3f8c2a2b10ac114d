//! The body of a request. S3 reads it, the rest can be read after the response is known, and the
//! body fails when the client stops sending.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use s3s::StdError;
use tokio::time::{Instant, Sleep};

/// Bytes of a refused upload that are read and discarded. A client that is still sending does not
/// read, so closing the connection early would lose the response with the error.
const DRAIN_BYTES: u64 = 64 * 1024 * 1024;

/// How long discarding may take.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A request body that is shared by the S3 service and the HTTP layer.
pub(crate) struct SharedBody<B> {
    state: Arc<Mutex<State<B>>>,
}

impl<B> Clone for SharedBody<B> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state) }
    }
}

struct State<B> {
    body: B,
    /// Whether any byte was requested from the client.
    requested: bool,
    /// How long the client may send nothing.
    stall_timeout: Duration,
    /// Runs only while the server waits for the client.
    timer: Option<Pin<Box<Sleep>>>,
    has_stalled: bool,
}

impl<B: Body<Data = Bytes, Error: Into<StdError>> + Unpin> SharedBody<B> {
    pub(crate) fn new(body: B, stall_timeout: Duration) -> Self {
        let state =
            State { body, requested: false, stall_timeout, timer: None, has_stalled: false };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State<B>) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns whether any byte was requested, and so `100 Continue` sent if the client waits for
    /// it.
    pub(crate) fn was_requested(&self) -> bool {
        self.with(|state| state.requested)
    }

    /// Returns whether the client has sent nothing for too long.
    pub(crate) fn has_stalled(&self) -> bool {
        self.with(|state| state.has_stalled)
    }

    /// Reads the rest and discards it.
    pub(crate) async fn drain(mut self) {
        let drain = async {
            let mut drained = 0;
            while let Some(Ok(frame)) = self.frame().await {
                drained += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
                if drained > DRAIN_BYTES {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drain).await;
    }
}

impl<B: Body<Data = Bytes, Error: Into<StdError>> + Unpin> State<B> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        if self.has_stalled {
            return Poll::Ready(None);
        }
        // hyper requests the bytes, with `100 Continue` if the client waits for it, unless the body
        // is empty.
        self.requested |= !self.body.is_end_stream();
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.timer = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let deadline = || Box::pin(tokio::time::sleep_until(Instant::now() + self.stall_timeout));
        let timer = self.timer.get_or_insert_with(deadline);
        ready!(timer.as_mut().poll(cx));
        self.has_stalled = true;
        Poll::Ready(Some(Err("the client has stopped sending".into())))
    }
}

impl<B: Body<Data = Bytes, Error: Into<StdError>> + Unpin> Body for SharedBody<B> {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        self.with(|state| state.poll(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|state| state.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|state| state.body.size_hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{StreamExt as _, stream};
    use http_body_util::StreamBody;

    const STALL: Duration = Duration::from_millis(100);

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.unwrap().block_on(future)
    }

    fn frame(bytes: &'static [u8]) -> Result<Frame<Bytes>, StdError> {
        Ok(Frame::data(Bytes::from_static(bytes)))
    }

    #[test]
    fn a_client_that_stops_sending_is_disconnected() {
        block_on(async {
            let sent = stream::iter([frame(b"half")]).chain(stream::pending());
            let mut body = SharedBody::new(StreamBody::new(sent), STALL);
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
            let begin = Instant::now();
            assert!(body.frame().await.unwrap().is_err());
            assert!(begin.elapsed() >= STALL && body.has_stalled());
            body.clone().drain().await;
            assert!(begin.elapsed() < DRAIN_TIMEOUT, "drain returns at once");
        });
    }

    #[test]
    fn a_client_that_waits_for_the_server_is_kept() {
        block_on(async {
            let sent = stream::iter([frame(b"one"), frame(b"two")]);
            let mut body = SharedBody::new(StreamBody::new(sent), STALL);
            for _ in 0..2 {
                tokio::time::sleep(STALL * 2).await;
                assert!(body.frame().await.unwrap().is_ok());
            }
            assert!(body.frame().await.is_none() && !body.has_stalled());
        });
    }
}
