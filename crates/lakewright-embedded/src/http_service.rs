//! HTTP around S3: connections, request ids, and answering clients that are still sending.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Result, s3_error};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::credentials::Credentials;
use crate::s3::Service;

/// Answers 200 without credentials while the server runs. No bucket can be called `-`.
const HEALTH_PATH: &str = "/-/health";

/// How long requests in flight may take after a graceful end was asked for.
const GRACE: Duration = Duration::from_secs(30);

/// The same when the server is just dropped.
const SHORT_GRACE: Duration = Duration::from_millis(200);

/// Bytes of a refused upload that are read and thrown away. A client that is still sending does
/// not read: closing the connection on it would lose the answer in which the refusal is.
const DRAIN_BYTES: u64 = 64 * 1024 * 1024;

/// How long that may take.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How a server ends.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Requests in flight are answered.
    Graceful,
    /// Only those that are done at once.
    Now,
}

struct OnePair(String, SecretKey);

#[async_trait::async_trait]
impl S3Auth for OnePair {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.0 {
            return Ok(self.1.clone());
        }
        Err(s3_error!(
            InvalidAccessKeyId,
            "The AWS Access Key Id you provided does not exist in our records."
        ))
    }
}

/// The S3 service with its signatures.
pub(crate) fn build(service: Service, credentials: &Credentials) -> S3Service {
    let mut builder = S3ServiceBuilder::new(service);
    let secret = SecretKey::from(credentials.secret_access_key.expose());
    builder.set_auth(OnePair(credentials.access_key_id.clone(), secret));
    builder.build()
}

/// Serves until told to stop, or until nobody can tell any more.
pub(crate) async fn serve(
    listener: TcpListener,
    service: S3Service,
    mut stop: oneshot::Receiver<Stop>,
) {
    let connections = GracefulShutdown::new();
    let how = loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connect(stream, &service, &connections),
                Err(error) => {
                    // Out of file descriptors, mostly. They come back when connections end.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            how = &mut stop => break how.unwrap_or(Stop::Now),
        }
    };
    drop(listener);
    let grace = match how {
        Stop::Graceful => GRACE,
        Stop::Now => SHORT_GRACE,
    };
    if tokio::time::timeout(grace, connections.shutdown()).await.is_err() {
        tracing::warn!("requests were cut off at the end of the server");
    }
}

fn connect(stream: TcpStream, service: &S3Service, connections: &GracefulShutdown) {
    // Answers are small and awaited: waiting for more to send only makes them late.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    let service = service.clone();
    let connection =
        hyper::server::conn::http1::Builder::new().timer(TokioTimer::new()).serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| answer(service.clone(), request)),
        );
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended badly");
        }
    });
}

async fn answer(
    service: S3Service,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == HEALTH_PATH
        && matches!(*request.method(), Method::GET | Method::HEAD)
    {
        return Ok(Response::new(Body::from(Bytes::from_static(b"ok\n"))));
    }
    let waits_for_100 = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let body = SharedBody::new(body);
    let request = Request::from_parts(parts, Body::http_body(body.clone()));
    let mut response = service.call(request).await.unwrap_or_else(|error| {
        let error: Box<dyn std::error::Error + Send + Sync> = error.into();
        tracing::error!(%error, "a request could not be answered");
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    });
    if waits_for_100 && !body.was_asked_for() {
        // Refused before its body was wanted, or an empty one. A client may give up waiting and
        // send its body after all, which on a connection that goes on would be taken for the
        // next request; and botocore, once it was answered without `100 Continue`, takes this
        // answer's status for the next one's too, and so a lost write for a good one.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    } else if response.status().is_client_error() || response.status().is_server_error() {
        body.drain().await;
    }
    let id = uuid::Uuid::now_v7().simple().to_string();
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert("x-amz-request-id", id);
    }
    response.headers_mut().insert(header::SERVER, HeaderValue::from_static("lakewright"));
    Ok(response)
}

/// A body that S3 reads and whose rest can still be had afterwards.
#[derive(Clone)]
struct SharedBody {
    state: Arc<Mutex<State>>,
}

struct State {
    body: Incoming,
    /// Whether the client was told to go on.
    asked_for: bool,
}

impl SharedBody {
    fn new(body: Incoming) -> Self {
        Self { state: Arc::new(Mutex::new(State { body, asked_for: false })) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn was_asked_for(&self) -> bool {
        self.with(|state| state.asked_for)
    }

    async fn drain(mut self) {
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

impl http_body::Body for SharedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.with(|state| {
            // hyper asks for the bytes, with `100 Continue` where the client waits for it, when
            // there are any.
            state.asked_for |= !state.body.is_end_stream();
            Pin::new(&mut state.body).poll_frame(cx)
        })
    }

    fn is_end_stream(&self) -> bool {
        self.with(|state| state.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|state| state.body.size_hint())
    }
}
