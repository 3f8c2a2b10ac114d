//! A server that sends more than a client should keep in memory.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The part that is sent once: the status line, the headers and the begin of the body.
    pub begin: String,
    /// The part that is sent again and again, until the client closes the connection; empty for a response
    /// that ends.
    pub endless: String,
}

impl Response {
    /// A response with this XML as its whole body.
    #[must_use]
    pub fn page(xml: &str) -> Self {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close";
        let begin = format!("{head}\r\nContent-Length: {}\r\n\r\n{xml}", xml.len());
        Self { begin, endless: String::new() }
    }

    /// A response with this status whose body begins with `begin` and then repeats `endless`.
    #[must_use]
    pub fn endless(status: u16, begin: &str, endless: &str) -> Self {
        let head = format!("HTTP/1.1 {status} X\r\nContent-Type: application/xml");
        // The system calls are few enough to fill the client's memory quickly.
        let endless = endless.repeat((256 << 10) / endless.len() + 1);
        Self { begin: format!("{head}\r\nConnection: close\r\n\r\n{begin}"), endless }
    }
}

/// A server on a loopback port that gives every request the response of a function, which receives
/// the number of the request. It ends with the runtime.
#[derive(Clone, Debug)]
pub struct HostileServer(SocketAddr);

impl HostileServer {
    /// Starts the server.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(respond: impl Fn(usize) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((client, _)) = listener.accept().await else { return };
                let response = respond(number);
                // An error means that the client has closed the connection, which ends the response.
                tokio::spawn(async move { drop(serve(client, response).await) });
            }
        });
        Self(address)
    }

    /// The server's URL, `http://host:port`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.0)
    }
}

async fn serve(mut client: TcpStream, response: Response) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    client.write_all(response.begin.as_bytes()).await?;
    while !response.endless.is_empty() {
        client.write_all(response.endless.as_bytes()).await?;
    }
    client.shutdown().await
}
