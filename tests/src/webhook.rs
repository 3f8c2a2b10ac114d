//! The receiver of notifications of the kit's MinIO servers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lakewright::BucketName;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A web server on a loopback port that keeps the bodies of requests. It ends with the runtime.
#[derive(Clone, Debug)]
pub struct Webhook {
    endpoint: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Webhook {
    /// Starts the server.
    ///
    /// # Panics
    /// When no port is free.
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

    /// The URL of the server.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The bodies of the requests so far.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        self.bodies.lock().expect("no panic").clone()
    }

    /// Waits for the notification of an object that was created in `bucket`.
    ///
    /// # Panics
    /// When no such notification arrives within ten seconds.
    pub async fn wait_for_object_in(&self, bucket: &BucketName) {
        let begin = Instant::now();
        let bucket = format!("\"name\":\"{bucket}\"");
        let of_it = |body: &String| body.contains("s3:ObjectCreated:Put") && body.contains(&bucket);
        while !self.bodies().iter().any(of_it) {
            assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", self.bodies());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Responds to the requests of a connection one after the other. Bodies need `Content-Length`,
/// which MinIO sends.
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
