//! A TCP proxy between client and server that loses or cuts the responses, or changes the requests,
//! that a test chooses.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// A fault that the proxy injects into a request or its response.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The server carries the request out, and the connection closes without a response.
    LoseResponse,
    /// This many bytes of the response arrive, then the connection closes.
    CutAfter(usize),
    /// The request does not reach the server, and the connection stays open without a response.
    Swallow,
    /// The first five bytes of the body are changed so that the CRC32C of the body stays the same.
    ChangeBody,
}

/// A multiple of the polynomial of CRC32C as five bytes of a message. The sum is linear, so a message
/// that differs by it has the same sum. The first bit of a message is the lowest of its first byte.
const CRC32C_MULTIPLE: [u8; 5] = {
    let polynomial: u64 = 1 | 0x82F6_3B78 << 1;
    let [a, b, c, d, e, ..] = polynomial.to_le_bytes();
    [a, b, c, d, e]
};

/// Applies `fault` to the next `times` requests that contain `pattern` in their first line or a
/// header.
#[derive(Debug)]
struct Rule {
    pattern: &'static str,
    fault: Fault,
    times: AtomicU32,
}

/// A TCP proxy on a loopback port. It ends with the runtime.
#[derive(Clone, Debug)]
pub struct Proxy {
    address: SocketAddr,
    rules: Arc<Mutex<Vec<Arc<Rule>>>>,
    faults: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts a proxy to `http://host:port`.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn to(endpoint: &str) -> Self {
        let target = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let proxy = Self {
            address,
            rules: Arc::default(),
            faults: Arc::default(),
            requests: Arc::default(),
        };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (proxy, target) = (serving.clone(), target.clone());
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(target).await {
                        proxy.pump(client, server).await;
                    }
                });
            }
        });
        proxy
    }

    /// The proxy's URL, `http://host:port`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Applies `fault` to the next `times` requests that contain `pattern` in their first line or
    /// a header.
    ///
    /// # Panics
    /// Never.
    pub fn inject(&self, pattern: &'static str, fault: Fault, times: u32) {
        let rule = Rule { pattern, fault, times: AtomicU32::new(times) };
        self.rules.lock().expect("no panic").push(Arc::new(rule));
    }

    /// How many requests met a fault so far. A test asserts it, so that a pattern that matches
    /// nothing fails the test.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.faults.load(Ordering::SeqCst)
    }

    /// How many requests passed so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Counts the request that a packet begins. Clients do not pipeline requests, and each request
    /// begins a packet of its own.
    fn count(&self, read: &[u8]) {
        const METHODS: [&[u8]; 5] = [b"GET /", b"PUT /", b"POST /", b"HEAD /", b"DELETE /"];
        if METHODS.iter().any(|method| read.starts_with(method)) {
            self.requests.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn fault_for(&self, request: &[u8]) -> Option<Fault> {
        let head = String::from_utf8_lossy(&request[..request.len().min(4096)]).into_owned();
        let rules = self.rules.lock().expect("no panic").clone();
        let rule = rules.iter().find(|rule| {
            head.contains(rule.pattern)
                && rule
                    .times
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                    .is_ok()
        })?;
        self.faults.fetch_add(1, Ordering::SeqCst);
        Some(rule.fault)
    }

    /// Copies bytes both ways until a request meets a fault. Clients do not pipeline requests, so
    /// the bytes that follow such a request are its response.
    async fn pump(&self, client: TcpStream, server: TcpStream) {
        let (mut from_client, to_client) = client.into_split();
        let (from_server, mut to_server) = server.into_split();
        let (sender, fault) = tokio::sync::watch::channel(None);
        let responses = tokio::spawn(copy_responses(from_server, to_client, fault));
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            self.count(&buffer[..read]);
            let mut request = buffer[..read].to_vec();
            match self.fault_for(&request) {
                None => {}
                Some(Fault::ChangeBody) => change_body(&mut request, &mut from_client).await,
                Some(fault) => {
                    // Sending fails only when the connection is closed already.
                    let _ = sender.send(Some(fault));
                    if matches!(fault, Fault::Swallow) {
                        continue;
                    }
                }
            }
            if to_server.write_all(&request).await.is_err() {
                break;
            }
        }
        responses.abort();
    }
}

/// Reads a request up to the first bytes of its body and changes these.
async fn change_body(request: &mut Vec<u8>, from: &mut OwnedReadHalf) {
    loop {
        let head = request.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let body = head.and_then(|head| request.get_mut(head + 4..head + 9));
        if let Some(body) = body {
            body.iter_mut().zip(CRC32C_MULTIPLE).for_each(|(byte, change)| *byte ^= change);
            return;
        }
        // The request is passed on as it is where the client closes the connection before.
        if !matches!(from.read_buf(request).await, Ok(1..)) {
            return;
        }
    }
}

async fn copy_responses(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    fault: tokio::sync::watch::Receiver<Option<Fault>>,
) {
    let mut buffer = vec![0; 64 << 10];
    let mut passed = 0;
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let fault = *fault.borrow();
        let through = match fault {
            None => read,
            Some(Fault::LoseResponse | Fault::Swallow | Fault::ChangeBody) => 0,
            Some(Fault::CutAfter(bytes)) => read.min(bytes.saturating_sub(passed)),
        };
        passed += if fault.is_some() { through } else { 0 };
        if to.write_all(&buffer[..through]).await.is_err() || through < read {
            return; // dropping the halves closes the connection
        }
    }
}
