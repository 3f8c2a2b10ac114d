//! HTTP around S3: connections, request ids, and answering clients that are still sending.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Result, s3_error};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::credentials::Credentials;
use crate::mend::Mend;
use crate::s3::Service;
use crate::shared_body::SharedBody;

/// Answers 200 without credentials while the server runs. No bucket can be called `-`.
const HEALTH_PATH: &str = "/-/health";

/// How long requests in flight may take after a graceful end was asked for.
const GRACE: Duration = Duration::from_secs(30);

/// The same when the server is just dropped.
const SHORT_GRACE: Duration = Duration::from_millis(200);

/// How long a client that has begun to send a body may send nothing. Each large upload keeps a
/// thread and a file.
const STALL: Duration = Duration::from_secs(60);

/// Connections at a time; others wait to be accepted. Each may need a file besides its own
/// descriptor, and 1,024 of these are what a process usually has. One on which nothing is asked
/// for is closed by hyper after 30 seconds.
pub(crate) const MAX_CONNECTIONS: usize = 384;

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
    let trusting = S3ServiceBuilder::new(service.clone()).build();
    let mut builder = S3ServiceBuilder::new(service);
    builder.set_route(Mend { trusting });
    let secret = SecretKey::from(credentials.secret_access_key.expose());
    builder.set_auth(OnePair(credentials.access_key_id.clone(), secret));
    builder.build()
}

/// Serves until told to stop, or until nobody can tell any more.
pub(crate) async fn serve(
    listener: TcpListener,
    service: S3Service,
    max_connections: usize,
    mut stop: oneshot::Receiver<Stop>,
) {
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(max_connections));
    let next = || async {
        let place = Arc::clone(&places).acquire_owned().await;
        listener.accept().await.map(|(stream, _)| (stream, place.ok()))
    };
    let how = loop {
        tokio::select! {
            accepted = next() => match accepted {
                Ok((stream, place)) => connect(stream, place, &service, &connections),
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

fn connect(
    stream: TcpStream,
    place: Option<OwnedSemaphorePermit>,
    service: &S3Service,
    connections: &GracefulShutdown,
) {
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
        drop(place);
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
    let is_form = |kind: &HeaderValue| {
        kind.to_str().is_ok_and(|kind| kind.trim_start().to_lowercase().starts_with("multipart/"))
    };
    if request.method() == Method::POST
        && request.headers().get(header::CONTENT_TYPE).is_some_and(is_form)
    {
        // s3s would collect the file in memory, up to 5 GiB, before it asks who sends it.
        let answer = refusal(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            "Uploading with an HTML form is not implemented.",
        );
        return Ok(finish(answer));
    }
    let waits_for_100 = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let body = SharedBody::new(body, STALL);
    let request = Request::from_parts(parts, Body::http_body(body.clone()));
    let mut response = service.call(request).await.unwrap_or_else(|error| {
        let error: Box<dyn std::error::Error + Send + Sync> = error.into();
        tracing::error!(%error, "a request could not be answered");
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    });
    if body.has_stalled() {
        response = refusal(
            StatusCode::BAD_REQUEST,
            "RequestTimeout",
            "Your socket connection to the server was not written to within the timeout period.",
        );
    } else if waits_for_100 && !body.was_asked_for() {
        // Refused before its body was wanted, or an empty one. A client may give up waiting and
        // send its body after all, which on a connection that goes on would be taken for the
        // next request; and botocore, once it was answered without `100 Continue`, takes this
        // answer's status for the next one's too, and so a lost write for a good one.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    } else if response.status().is_client_error() || response.status().is_server_error() {
        body.drain().await;
    }
    Ok(finish(response))
}

/// An answer that ends the connection: what the client goes on to send is not read.
fn refusal(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code>\
         <Message>{message}</Message></Error>"
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn finish(mut response: Response<Body>) -> Response<Body> {
    let id = uuid::Uuid::now_v7().simple().to_string();
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert("x-amz-request-id", id);
    }
    response.headers_mut().insert(header::SERVER, HeaderValue::from_static("lakewright"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::BlobStore;
    use crate::index::Index;
    use crate::options::Durability;
    use crate::reserve::Reserve;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn ask(stream: &mut TcpStream) -> std::io::Result<String> {
        let request = format!("GET {HEALTH_PATH} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = vec![0; 1024];
        let read = stream.read(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
    }

    #[test]
    fn a_connection_too_many_waits_for_its_turn() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Arc::new(Reserve::open(dir.path()).unwrap());
        let blobs = BlobStore::open(dir.path(), Durability::Process, Arc::clone(&reserve)).unwrap();
        let index = Index::open(dir.path(), Durability::Process, &blobs, reserve).unwrap();
        let credentials = Credentials::load_or_generate(dir.path()).unwrap();
        let service = build(Service { index, blobs }, &credentials);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = oneshot::channel();
            let serving = tokio::spawn(serve(listener, service, 2, stopped));
            let mut connections = Vec::new();
            for _ in 0..2 {
                let mut stream = TcpStream::connect(address).await.unwrap();
                assert!(ask(&mut stream).await.unwrap().starts_with("HTTP/1.1 200"));
                connections.push(stream);
            }
            let mut third = TcpStream::connect(address).await.unwrap();
            let waits = tokio::time::timeout(Duration::from_millis(200), ask(&mut third)).await;
            assert!(waits.is_err(), "{waits:?}");
            connections.pop();
            let mut answer = vec![0; 1024];
            let read = tokio::time::timeout(Duration::from_secs(10), third.read(&mut answer)).await;
            assert!(answer[..read.unwrap().unwrap()].starts_with(b"HTTP/1.1 200"));
            // It can be told to stop while it waits for a place.
            stop.send(Stop::Now).unwrap();
            tokio::time::timeout(Duration::from_secs(10), serving).await.unwrap().unwrap();
        });
    }
}
