//! The HTTP layer around S3: connections, request ids, and responses to clients that are still
//! sending.

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
use crate::normalise::Normalise;
use crate::s3::Service;
use crate::shared_body::SharedBody;

/// Path that responds 200 without authentication while the server runs. `-` is not a valid bucket
/// name, so no bucket is hidden by it.
const HEALTH_PATH: &str = "/-/health";

/// How long requests in flight may take after a graceful shutdown was requested.
const GRACE: Duration = Duration::from_secs(30);

/// How long requests in flight may take when the server was dropped without a shutdown.
const SHORT_GRACE: Duration = Duration::from_millis(200);

/// How long a client that has started to send a body may send nothing. Each large upload occupies a
/// thread and a file.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Concurrent connections; further ones wait to be accepted. Each connection may need a file
/// besides its own descriptor, and the usual limit of a process is 1,024 descriptors. hyper closes
/// an idle connection after 30 seconds.
pub(crate) const MAX_CONNECTIONS: usize = 384;

/// The way a server stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Requests in flight are completed.
    Graceful,
    /// Requests in flight are cut off after a short grace period.
    Now,
}

struct SingleCredentials(String, SecretKey);

#[async_trait::async_trait]
impl S3Auth for SingleCredentials {
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

/// Builds the S3 service, which verifies signatures.
pub(crate) fn build_service(service: Service, credentials: &Credentials) -> S3Service {
    let unauthenticated = S3ServiceBuilder::new(service.clone()).build();
    let mut builder = S3ServiceBuilder::new(service);
    builder.set_route(Normalise { unauthenticated });
    let secret = SecretKey::from(credentials.secret_access_key.expose());
    builder.set_auth(SingleCredentials(credentials.access_key_id.clone(), secret));
    builder.build()
}

/// Serves until a stop is requested or the sender of `stop` is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    service: S3Service,
    max_connections: usize,
    mut stop: oneshot::Receiver<Stop>,
) {
    let connections = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(max_connections));
    let next = || async {
        let permit = Arc::clone(&permits).acquire_owned().await;
        listener.accept().await.map(|(stream, _)| (stream, permit.ok()))
    };
    let stop = loop {
        tokio::select! {
            accepted = next() => match accepted {
                Ok((stream, permit)) => serve_connection(stream, permit, &service, &connections),
                Err(error) => {
                    // Usually the process has run out of file descriptors, which are freed when
                    // connections close.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            requested = &mut stop => break requested.unwrap_or(Stop::Now),
        }
    };
    drop(listener);
    let grace = match stop {
        Stop::Graceful => GRACE,
        Stop::Now => SHORT_GRACE,
    };
    if tokio::time::timeout(grace, connections.shutdown()).await.is_err() {
        tracing::warn!("requests were cut off by the shutdown");
    }
}

fn serve_connection(
    stream: TcpStream,
    permit: Option<OwnedSemaphorePermit>,
    service: &S3Service,
    connections: &GracefulShutdown,
) {
    // Responses are small and a client waits for each, so Nagle's algorithm would only add delay.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    let service = service.clone();
    let connection =
        hyper::server::conn::http1::Builder::new().timer(TokioTimer::new()).serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| handle(service.clone(), request)),
        );
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection failed");
        }
        drop(permit);
    });
}

async fn handle(
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
        // s3s would collect the file in memory, up to 5 GiB, before it checks authentication.
        let response = error_response(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            "Uploading with an HTML form is not implemented.",
        );
        return Ok(finish(response));
    }
    let expects_continue = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let body = SharedBody::new(body, STALL_TIMEOUT);
    let request = Request::from_parts(parts, Body::http_body(body.clone()));
    let mut response = service.call(request).await.unwrap_or_else(|error| {
        let error: Box<dyn std::error::Error + Send + Sync> = error.into();
        tracing::error!(%error, "a request failed without a response");
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    });
    if body.has_stalled() {
        response = error_response(
            StatusCode::BAD_REQUEST,
            "RequestTimeout",
            "Your socket connection to the server was not written to within the timeout period.",
        );
    } else if expects_continue && !body.was_requested() {
        // The request was refused before its body was read, or the body is empty. A client may stop
        // waiting for `100 Continue` and send its body after all, which a kept-alive connection
        // would parse as the next request. Also, botocore that got a response without `100
        // Continue` takes the status of this response for that of the next request as well, and so
        // a failed write for a successful one.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    } else if response.status().is_client_error() || response.status().is_server_error() {
        body.drain().await;
    }
    Ok(finish(response))
}

/// Builds an error response that closes the connection, so that the rest of the request is not
/// read.
fn error_response(status: StatusCode, code: &str, message: &str) -> Response<Body> {
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

    async fn send_request(stream: &mut TcpStream) -> std::io::Result<String> {
        let request = format!("GET {HEALTH_PATH} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut response = vec![0; 1024];
        let read = stream.read(&mut response).await?;
        Ok(String::from_utf8_lossy(&response[..read]).into_owned())
    }

    #[test]
    fn a_connection_above_the_limit_waits() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Arc::new(Reserve::open(dir.path()).unwrap());
        let blobs = BlobStore::open(dir.path(), Durability::Process, Arc::clone(&reserve)).unwrap();
        let index = Index::open(dir.path(), Durability::Process, &blobs, reserve).unwrap();
        let credentials = Credentials::load_or_generate(dir.path()).unwrap();
        let service = build_service(Service { index, blobs }, &credentials);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = oneshot::channel();
            let server = tokio::spawn(serve(listener, service, 2, stopped));
            let mut connections = Vec::new();
            for _ in 0..2 {
                let mut stream = TcpStream::connect(address).await.unwrap();
                assert!(send_request(&mut stream).await.unwrap().starts_with("HTTP/1.1 200"));
                connections.push(stream);
            }
            let mut third = TcpStream::connect(address).await.unwrap();
            let result =
                tokio::time::timeout(Duration::from_millis(200), send_request(&mut third)).await;
            assert!(result.is_err(), "{result:?}");
            connections.pop();
            let mut response = vec![0; 1024];
            let read =
                tokio::time::timeout(Duration::from_secs(10), third.read(&mut response)).await;
            assert!(response[..read.unwrap().unwrap()].starts_with(b"HTTP/1.1 200"));
            // The server can be stopped while it waits for a free connection.
            stop.send(Stop::Now).unwrap();
            tokio::time::timeout(Duration::from_secs(10), server).await.unwrap().unwrap();
        });
    }
}
