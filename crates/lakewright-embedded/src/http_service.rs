//! The HTTP layer around S3: request ids, the requests of this server's own, and responses to
//! clients that are still sending.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Result, s3_error};

use crate::access::SignedRequests;
use crate::attach::{ATTACH_PATH, Attachment, LISTEN_PATH};
use crate::credentials::Credentials;
use crate::normalise::Normalise;
use crate::s3::Service;
use crate::shared_body::SharedBody;
use crate::signature;
use crate::slots::Proof;
use crate::tcp::TcpPort;

/// Path that responds 200 without authentication while the server runs. `-` is not a valid bucket
/// name, so no bucket is hidden by it.
pub(crate) const HEALTH_PATH: &str = "/-/health";

/// How long a client that has started to send a body may send nothing. Each large upload occupies a
/// thread and a file.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The address of a TCP port that is opened while the server runs: the system chooses the port.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The process at the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// A process of the user who runs the server, or of root.
    SameUser,
    /// A process of any user; requests with a valid signature accept the proof.
    Unknown(Proof),
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

/// The service behind every connection. Cheap to clone.
#[derive(Clone)]
pub(crate) struct HttpService {
    s3: S3Service,
    server: Arc<Description>,
}

/// The description of the server for a process that attaches to it.
struct Description {
    credentials: Credentials,
    port: Arc<TcpPort>,
    /// The absolute path of the data directory.
    data_dir: PathBuf,
}

impl HttpService {
    /// Builds the service. `data_dir` is absolute.
    pub(crate) fn new(
        service: Service,
        credentials: Credentials,
        port: Arc<TcpPort>,
        data_dir: PathBuf,
    ) -> Self {
        let unauthenticated = without_authentication(service.clone());
        let mut builder = S3ServiceBuilder::new(service);
        builder.set_route(Normalise { unauthenticated });
        let secret = SecretKey::from(credentials.secret_access_key.expose());
        builder.set_auth(SingleCredentials(credentials.access_key_id.clone(), secret));
        builder.set_access(SignedRequests);
        let server = Arc::new(Description { credentials, port, data_dir });
        Self { s3: builder.build(), server }
    }

    /// Builds a service that allows every request, for fuzz targets.
    pub(crate) fn without_signatures(
        service: Service,
        credentials: Credentials,
        port: Arc<TcpPort>,
        data_dir: PathBuf,
    ) -> Self {
        let server = Arc::new(Description { credentials, port, data_dir });
        Self { s3: without_authentication(service), server }
    }

    /// Responds to a request.
    pub(crate) async fn respond(&self, peer: &Peer, request: Request<Incoming>) -> Response<Body> {
        let response = match self.own_response(peer, &request) {
            Some(response) => response,
            None => self.s3_response(peer, request).await,
        };
        finish(response)
    }

    /// Responds to the requests that are not S3's; `None` for all others.
    fn own_response(&self, peer: &Peer, request: &Request<Incoming>) -> Option<Response<Body>> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match (request.uri().path(), peer) {
            (HEALTH_PATH, _) if reads => {
                Some(Response::new(Body::from(Bytes::from_static(b"ok\n"))))
            }
            (ATTACH_PATH, Peer::SameUser) if reads => Some(self.server.describe()),
            (LISTEN_PATH, Peer::SameUser) if *request.method() == Method::POST => {
                Some(match self.server.port.open(ANY_PORT) {
                    Ok(_) => self.server.describe(),
                    Err(error) => internal_error("the TCP port could not be opened", &error),
                })
            }
            _ => None,
        }
    }

    async fn s3_response(&self, peer: &Peer, request: Request<Incoming>) -> Response<Body> {
        if is_form(&request) {
            // s3s would collect the file in memory, up to 5 GiB, before it checks authentication.
            return error_response(
                StatusCode::NOT_IMPLEMENTED,
                "NotImplemented",
                "Uploading with an HTML form is not implemented.",
            );
        }
        let expects_continue = request.headers().contains_key(header::EXPECT);
        let refused = signature::check(request.headers(), request.uri()).err();
        let (parts, body) = request.into_parts();
        let body = SharedBody::new(body, STALL_TIMEOUT);
        let mut response = match refused {
            Some(refusal) => error_response(refusal.status, refusal.code, refusal.message),
            None => {
                let mut request = Request::from_parts(parts, Body::http_body(body.clone()));
                if let Peer::Unknown(proof) = peer {
                    request.extensions_mut().insert(proof.clone());
                }
                self.s3.call(request).await.unwrap_or_else(|error| {
                    let error: Box<dyn std::error::Error + Send + Sync> = error.into();
                    internal_error("a request failed without a response", &*error)
                })
            }
        };
        if body.has_stalled() {
            response = error_response(
                StatusCode::BAD_REQUEST,
                "RequestTimeout",
                "Your socket connection to the server was not written to within the timeout \
                 period.",
            );
        } else if expects_continue && !body.was_requested() {
            // The request was refused before its body was read, or the body is empty. A client may
            // stop waiting for `100 Continue` and send its body after all, which a kept-alive
            // connection would parse as the next request. Also, botocore that got a response
            // without `100 Continue` takes the status of this response for that of the next request
            // as well, and so a failed write for a successful one.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        } else if response.status().is_client_error() || response.status().is_server_error() {
            body.drain().await;
        }
        response
    }
}

fn without_authentication(service: Service) -> S3Service {
    S3ServiceBuilder::new(service).build()
}

impl Description {
    fn describe(&self) -> Response<Body> {
        let attachment = Attachment {
            endpoint: endpoint(&self.port, &self.data_dir),
            access_key_id: self.credentials.access_key_id.clone(),
            secret_access_key: self.credentials.secret_access_key.clone(),
            pid: std::process::id(),
        };
        match attachment.to_json() {
            Ok(json) => Response::new(Body::from(json)),
            Err(error) => internal_error("the server could not be described", &error),
        }
    }
}

/// Returns the endpoint of a server: its URL, or `embedded:DIR` while it does not listen on TCP.
pub(crate) fn endpoint(port: &TcpPort, data_dir: &std::path::Path) -> String {
    match port.address() {
        Some(address) => format!("http://{address}"),
        None => format!("embedded:{}", data_dir.display()),
    }
}

fn is_form(request: &Request<Incoming>) -> bool {
    let is_form = |kind: &HeaderValue| {
        kind.to_str().is_ok_and(|kind| kind.trim_start().to_lowercase().starts_with("multipart/"))
    };
    request.method() == Method::POST
        && request.headers().get(header::CONTENT_TYPE).is_some_and(is_form)
}

fn internal_error(what: &'static str, error: &dyn std::error::Error) -> Response<Body> {
    tracing::error!(%error, "{what}");
    error_response(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", what)
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
