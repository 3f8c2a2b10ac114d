//! The connections of a server: those over the socket, of processes of this user, and those over
//! TCP, of anyone on this machine.

use std::convert::Infallible;
use std::io;
use std::net;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Semaphore, oneshot};

use crate::http_service::{HttpService, Peer};
use crate::slots::Slots;
use crate::socket::Socket;

/// How long requests in flight may take after a graceful shutdown was requested.
const GRACE: Duration = Duration::from_secs(30);

/// How long requests in flight may take when the server was dropped without a shutdown.
const SHORT_GRACE: Duration = Duration::from_millis(200);

/// How long a client may take for the head of a request, and so how long a connection may be idle.
/// lakewright's own clients close idle connections after 20 seconds.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Delay before connections are accepted again after a failure.
const ACCEPT_DELAY: Duration = Duration::from_millis(10);

/// The number of connections of each kind. Those over the socket above it wait to be accepted; those
/// over TCP take the slot of one that is not proven, see [`Slots`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) local: usize,
    pub(crate) tcp: usize,
}

impl Limits {
    /// Each connection may need a file besides its own descriptor, and the usual limit of a process
    /// is 1,024 descriptors.
    pub(crate) const DEFAULT: Self = Self { local: 192, tcp: 192 };

    /// Returns the number of all connections.
    pub(crate) const fn total(self) -> usize {
        self.local + self.tcp
    }
}

/// The way a server stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Requests in flight are completed.
    Graceful,
    /// Requests in flight are cut off after a short grace period.
    Now,
}

/// Serves until a stop is requested or the sender of `stop` is dropped. Then the name of the socket
/// is removed before anything is closed.
pub(crate) async fn serve(
    socket: Socket,
    tcp: &mut UnboundedReceiver<net::TcpListener>,
    service: &HttpService,
    limits: Limits,
    stop: oneshot::Receiver<Stop>,
) {
    let connections = GracefulShutdown::new();
    let stop = tokio::select! {
        never = accept_local(&socket, limits.local, service, &connections) => match never {},
        never = accept_tcp(tcp, limits.tcp, service, &connections) => match never {},
        requested = stop => requested.unwrap_or(Stop::Now),
    };
    drop(socket);
    let grace = match stop {
        Stop::Graceful => GRACE,
        Stop::Now => SHORT_GRACE,
    };
    if tokio::time::timeout(grace, connections.shutdown()).await.is_err() {
        tracing::warn!("requests were cut off by the shutdown");
    }
}

async fn accept_local(
    socket: &Socket,
    limit: usize,
    service: &HttpService,
    connections: &GracefulShutdown,
) -> Infallible {
    let permits = Arc::new(Semaphore::new(limit));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await;
        match socket.accept().await {
            Ok(stream) => {
                let connection =
                    serve_connection(stream, service.clone(), Peer::SameUser, connections);
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(error) => report(&error).await,
        }
    }
}

/// Accepts connections once the TCP port is open.
async fn accept_tcp(
    listeners: &mut UnboundedReceiver<net::TcpListener>,
    limit: usize,
    service: &HttpService,
    connections: &GracefulShutdown,
) -> Infallible {
    let listener = match listeners.recv().await.map(TcpListener::from_std) {
        Some(Ok(listener)) => listener,
        Some(Err(error)) => {
            tracing::error!(%error, "the server cannot listen on TCP");
            return std::future::pending().await;
        }
        None => return std::future::pending().await,
    };
    let slots = Slots::new(limit);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                report(&error).await;
                continue;
            }
        };
        // Responses are small and a client waits for each, so Nagle's algorithm would only add
        // delay.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was not set");
        }
        let mut slot = slots.take().await;
        let peer = Peer::Unknown(slot.proof());
        let connection = serve_connection(stream, service.clone(), peer, connections);
        tokio::spawn(async move {
            tokio::select! {
                () = connection => {}
                () = slot.evicted() => tracing::debug!("a connection gave its slot to another one"),
            }
        });
    }
}

/// Logs a connection that could not be accepted. Usually the process has run out of file
/// descriptors, which are freed when connections close.
async fn report(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(ACCEPT_DELAY).await;
}

/// Returns the HTTP protocol of all connections.
pub(crate) fn http1() -> http1::Builder {
    let mut http1 = http1::Builder::new();
    http1.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    http1
}

/// Serves the requests of one connection.
fn serve_connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    service: HttpService,
    peer: Peer,
    connections: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    let respond = service_fn(move |request| {
        let (service, peer) = (service.clone(), peer.clone());
        async move { Ok::<_, Infallible>(service.respond(&peer, request).await) }
    });
    let connection = http1().serve_connection(TokioIo::new(stream), respond);
    let connection = connections.watch(connection);
    async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::BlobStore;
    use crate::credentials::Credentials;
    use crate::http_service::HEALTH_PATH;
    use crate::index::Index;
    use crate::options::Durability;
    use crate::reserve::Reserve;
    use crate::s3::Service;
    use crate::tcp::TcpPort;
    use crate::{socket, trust};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_secs(10);

    async fn request(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<String> {
        let request = format!("GET {HEALTH_PATH} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut response = vec![0; 1024];
        let read = stream.read(&mut response).await?;
        Ok(String::from_utf8_lossy(&response[..read]).into_owned())
    }

    #[test]
    fn connections_above_the_limits_wait_or_take_a_slot() {
        let dir = tempfile::tempdir().unwrap();
        let data = Arc::new(trust::open_or_create(dir.path()).unwrap());
        let reserve = Arc::new(Reserve::open(&data).unwrap());
        let blobs = BlobStore::open(&data, Durability::Process, Arc::clone(&reserve)).unwrap();
        let index = Index::open(&data, Durability::Process, &blobs, reserve).unwrap();
        let credentials = Credentials::load_or_generate(&data).unwrap();
        let (port, mut listener) = TcpPort::new();
        let address = port.open(([127, 0, 0, 1], 0).into()).unwrap();
        let service = HttpService::new(
            Service { index, blobs },
            credentials,
            Arc::new(port),
            dir.path().to_owned(),
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let socket = Socket::bind(&data).unwrap();
            let (stop, stopped) = oneshot::channel();
            let limits = Limits { local: 2, tcp: 2 };
            let server = tokio::spawn(async move {
                serve(socket, &mut listener, &service, limits, stopped).await;
            });

            // No request over TCP has a signature, so the third connection takes the first slot.
            let mut streams = Vec::new();
            for _ in 0..3 {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let response = timeout(SOON, request(&mut stream)).await.unwrap().unwrap();
                assert!(response.starts_with("HTTP/1.1 200"));
                streams.push(stream);
            }
            assert!(!request(&mut streams[0]).await.is_ok_and(|text| !text.is_empty()));
            for stream in &mut streams[1..] {
                assert!(request(stream).await.unwrap().starts_with("HTTP/1.1 200"));
            }

            // Over the socket, the third connection waits.
            let mut streams = Vec::new();
            for _ in 0..2 {
                let mut stream = socket::connect(&data).await.unwrap();
                assert!(request(&mut stream).await.unwrap().starts_with("HTTP/1.1 200"));
                streams.push(stream);
            }
            let mut third = socket::connect(&data).await.unwrap();
            let result = timeout(Duration::from_millis(200), request(&mut third)).await;
            assert!(result.is_err(), "{result:?}");
            streams.pop();
            let mut response = vec![0; 1024];
            let read = timeout(SOON, third.read(&mut response)).await.unwrap().unwrap();
            assert!(response[..read].starts_with(b"HTTP/1.1 200"));
            // The server can be stopped while it waits for a free connection.
            stop.send(Stop::Now).unwrap();
            timeout(SOON, server).await.unwrap().unwrap();
        });
    }
}
