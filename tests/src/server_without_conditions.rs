//! An S3 server that ignores the conditions of a PUT, as some servers do. It keeps objects in
//! memory and checks no signatures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// The server, on a loopback port. It ends with the runtime.
#[derive(Clone, Debug)]
pub struct ServerWithoutConditions {
    endpoint: String,
    objects: Objects,
}

impl ServerWithoutConditions {
    /// Starts the server.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let server = Self { endpoint: format!("http://{address}"), objects: Arc::default() };
        let objects = server.objects.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, objects.clone()));
            }
        });
        server
    }

    /// The URL of the server.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The objects on the server, each as `/bucket/key`.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.objects.lock().expect("no panic").keys().cloned().collect()
    }
}

/// Returns the response to a request: status, headers, body.
fn respond(objects: &Objects, method: &str, path: &str, body: Vec<u8>) -> (u16, String, Vec<u8>) {
    let path = path.split('?').next().unwrap_or_default();
    let is_object = path.trim_matches('/').contains('/');
    let mut objects = objects.lock().expect("no panic");
    let missing = |code: &str| {
        (404, String::new(), format!("<Error><Code>{code}</Code></Error>").into_bytes())
    };
    match (method, is_object) {
        ("PUT", true) => {
            objects.insert(path.to_owned(), body);
            (200, "ETag: \"same\"\r\n".into(), Vec::new())
        }
        ("GET", true) => match objects.get(path) {
            Some(body) => (200, "ETag: \"same\"\r\n".into(), body.clone()),
            None => missing("NoSuchKey"),
        },
        ("DELETE", true) => {
            objects.remove(path);
            (204, String::new(), Vec::new())
        }
        ("GET", false) if path == "/" => {
            let none = "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>";
            (200, String::new(), none.into())
        }
        ("PUT", false) => (200, String::new(), Vec::new()),
        _ => missing("NoSuchBucket"),
    }
}

/// Responds to the requests of a connection one after the other. Bodies need `Content-Length`.
async fn serve(client: TcpStream, objects: Objects) {
    let mut client = BufReader::new(client);
    loop {
        let mut first = String::new();
        let mut length = 0;
        if !matches!(client.read_line(&mut first).await, Ok(1..)) {
            return;
        }
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
        let mut parts = first.split(' ');
        let (method, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (status, headers, body) = respond(&objects, method, path, body);
        let length = body.len();
        let head = format!("HTTP/1.1 {status} -\r\n{headers}content-length: {length}\r\n\r\n");
        let response = [head.into_bytes(), body].concat();
        if client.write_all(&response).await.is_err() {
            return;
        }
    }
}
