//! Connections of other processes to a running server, over the socket in its data directory.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use lakewright_core::{Error, ErrorKind, Result, Secret};
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;

use crate::data_dir;
use crate::error::io_error;
use crate::socket;

/// The request for the [`Attachment`], GET.
pub(crate) const ATTACH_PATH: &str = "/-/attach";

/// The request to listen on TCP, POST. Its response is the attachment too.
pub(crate) const LISTEN_PATH: &str = "/-/listen";

/// How long a server may take to respond to a request of this module. Later it is treated as
/// stopped: a child that was forked by a killed server may still hold its socket.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Largest response in bytes. It holds an address, a path and credentials.
const MAX_RESPONSE: usize = 64 * 1024;

/// The endpoint and credentials of a running server, in this or another process.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// `http://127.0.0.1:PORT`; `embedded:DIR` for a server that does not listen on TCP.
    pub endpoint: String,
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// Process id of the server.
    pub pid: u32,
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("endpoint", &self.endpoint)
            .field("pid", &self.pid)
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &self.secret_access_key)
            .finish()
    }
}

/// The response of a server. `Secret` deliberately does not implement `Serialize`.
#[derive(Serialize, Deserialize)]
struct Description {
    pid: u32,
    endpoint: String,
    access_key_id: String,
    secret_access_key: String,
}

impl Attachment {
    /// Returns the response of the server.
    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Description {
            pid: self.pid,
            endpoint: self.endpoint.clone(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.expose().to_owned(),
        })
    }

    fn from_json(content: &[u8]) -> io::Result<Self> {
        // serde's error is dropped because it may quote its input, which contains the secret.
        let description: Description = serde_json::from_slice(content).map_err(|_| {
            let message = "the server's description of itself is not valid";
            io::Error::new(io::ErrorKind::InvalidData, message)
        })?;
        Ok(Self {
            endpoint: description.endpoint,
            access_key_id: description.access_key_id,
            secret_access_key: Secret::new(description.secret_access_key),
            pid: description.pid,
        })
    }
}

/// Returns the connection data of the server that serves this directory, or `None` if there is
/// none.
///
/// # Errors
/// `Denied` when another user could exchange the directory or its content, or serves it; `Corrupt`
/// when the server's response is not valid; `Unavailable` for other failures of the file system.
pub fn attach(data_dir: impl AsRef<Path>) -> Result<Option<Attachment>> {
    ask_server(data_dir.as_ref(), Method::GET, ATTACH_PATH, "attach")
}

/// Makes the server of this directory listen on a TCP port of loopback, unless it does already, and
/// returns its connection data: for S3 clients that know no Unix sockets.
///
/// # Errors
/// As [`attach`]; `Unavailable` when no process serves the directory.
pub fn listen(data_dir: impl AsRef<Path>) -> Result<Attachment> {
    let data_dir = data_dir.as_ref();
    ask_server(data_dir, Method::POST, LISTEN_PATH, "listen")?
        .ok_or_else(|| io_error(not_served(data_dir), "listen", data_dir))
}

/// Opens a connection to the server of this directory. It speaks HTTP, and the process at the other
/// end belongs to this user or root.
///
/// # Errors
/// `ConnectionRefused` when no process serves the directory, `PermissionDenied` when another user
/// could exchange the directory or serves it.
pub async fn open_connection(data_dir: &Path) -> io::Result<UnixStream> {
    let Some(data) = data_dir::open(data_dir)? else { return Err(not_served(data_dir)) };
    socket::connect(&data)
        .await
        .map_err(|error| if is_not_served(&error) { not_served(data_dir) } else { error })
}

fn not_served(data_dir: &Path) -> io::Error {
    let message = format!(
        "no process serves {} any more; connect again to start a server",
        data_dir.display()
    );
    io::Error::new(io::ErrorKind::ConnectionRefused, message)
}

fn is_not_served(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// Sends a request to the server of this directory; `None` when there is none.
fn ask_server(
    data_dir: &Path,
    method: Method,
    path: &'static str,
    operation: &'static str,
) -> Result<Option<Attachment>> {
    let directory = PathBuf::from(data_dir);
    let exchange = async move {
        let asked = tokio::time::timeout(RESPONSE_TIMEOUT, ask(&directory, method, path)).await;
        asked.unwrap_or(Ok(None))
    };
    // The caller's thread may belong to a runtime, which must not start another one.
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(exchange)
    });
    match thread.join() {
        Ok(answer) => answer.map_err(|error| io_error(error, operation, data_dir)),
        Err(_) => Err(Error::new(ErrorKind::Internal, "the thread ended unexpectedly")
            .during(operation)
            .on(data_dir.display().to_string())),
    }
}

async fn ask(data_dir: &Path, method: Method, path: &str) -> io::Result<Option<Attachment>> {
    let Some(data) = data_dir::open(data_dir)? else { return Ok(None) };
    let stream = match socket::connect(&data).await {
        Err(error) if is_not_served(&error) => return Ok(None),
        stream => stream?,
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(connection);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.method_mut() = method;
    *request.uri_mut() = http::Uri::try_from(path).map_err(io::Error::other)?;
    // A server that is stopping closes the connection without a response.
    let Ok(response) = sender.send_request(request).await else { return Ok(None) };
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, MAX_RESPONSE).collect().await.map_err(io::Error::other)?;
    if parts.status != StatusCode::OK {
        let message = format!("the server responded with {}", parts.status);
        return Err(io::Error::other(message));
    }
    Attachment::from_json(&body.to_bytes()).map(Some)
}
