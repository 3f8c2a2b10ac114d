//! Where MinIO's notifications of the kit go.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A web server on loopback that keeps the bodies it is sent. It ends with the runtime.
#[derive(Clone, Debug)]
pub struct Webhook {
    endpoint: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Webhook {
    /// Starts it.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let webhook = Self { endpoint: format!("http://{address}/"), bodies: Arc::default() };
        let bodies = webhook.bodies.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, bodies.clone()));
            }
        });
        webhook
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What it was sent so far.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        self.bodies.lock().expect("no panic").clone()
    }
}

/// Requests one after the other, as far as HTTP/1.1 with `Content-Length` goes: what MinIO sends.
async fn serve(client: TcpStream, bodies: Arc<Mutex<Vec<String>>>) {
    let mut client = BufReader::new(client);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            match client.read_line(&mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) if line.trim().is_empty() => break,
                Ok(_) => {}
            }
            let line = line.to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        if client.read_exact(&mut body).await.is_err() {
            return;
        }
        if !body.is_empty() {
            bodies.lock().expect("no panic").push(String::from_utf8_lossy(&body).into_owned());
        }
        if client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
            return;
        }
    }
}
