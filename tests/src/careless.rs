//! An S3 server that ignores the conditions of a PUT, as some do: buckets and objects in memory,
//! and no signature is looked at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// The server, on loopback. It ends with the runtime.
#[derive(Clone, Debug)]
pub struct Careless {
    endpoint: String,
    objects: Objects,
}

impl Careless {
    /// Starts it.
    ///
    /// # Panics
    /// When there is no port.
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

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The objects that it has, as `/bucket/key`.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.objects.lock().expect("no panic").keys().cloned().collect()
    }
}

/// What there is to say to a request: status, headers, body.
fn answer(objects: &Objects, method: &str, path: &str, body: Vec<u8>) -> (u16, String, Vec<u8>) {
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

/// Requests one after the other, as far as HTTP/1.1 with `Content-Length` goes.
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
        let mut words = first.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (status, headers, body) = answer(&objects, method, path, body);
        let length = body.len();
        let head = format!("HTTP/1.1 {status} -\r\n{headers}content-length: {length}\r\n\r\n");
        let whole = [head.into_bytes(), body].concat();
        if client.write_all(&whole).await.is_err() {
            return;
        }
    }
}
