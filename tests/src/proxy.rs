//! A network that fails on purpose: between client and server, told which answers to lose.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What happens to the answer of a request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The server does what it was asked; nobody hears of it.
    LoseAnswer,
    /// So many bytes of the answer arrive, then the connection breaks.
    CutAfter(usize),
    /// The request arrives nowhere, and nothing comes back.
    Swallow,
}

/// Requests that contain `pattern`, in their first line or a header, suffer `fault`, `times`
/// times.
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
    struck: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts a proxy to `http://host:port`.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn to(endpoint: &str) -> Self {
        let target = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let proxy = Self {
            address,
            rules: Arc::default(),
            struck: Arc::default(),
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

    /// `http://host:port` of the proxy.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on.
    ///
    /// # Panics
    /// Never.
    pub fn strike(&self, pattern: &'static str, fault: Fault, times: u32) {
        let rule = Rule { pattern, fault, times: AtomicU32::new(times) };
        self.rules.lock().expect("no panic").push(Arc::new(rule));
    }

    /// How often a rule struck: a test that meant to break something must see that it did.
    #[must_use]
    pub fn struck(&self) -> usize {
        self.struck.load(Ordering::SeqCst)
    }

    /// How many requests came by so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Requests are not pipelined, and each begins a packet of its own.
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
        self.struck.fetch_add(1, Ordering::SeqCst);
        Some(rule.fault)
    }

    /// Bytes go both ways until a request is struck. Requests are not pipelined, so what comes
    /// back after a struck one is its answer.
    async fn pump(&self, client: TcpStream, server: TcpStream) {
        let (mut from_client, to_client) = client.into_split();
        let (from_server, mut to_server) = server.into_split();
        let (strike, struck) = tokio::sync::watch::channel(None);
        let answers = tokio::spawn(answers(from_server, to_client, struck));
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            self.count(&buffer[..read]);
            if let Some(fault) = self.fault_for(&buffer[..read]) {
                // The other side is gone only when the connection is.
                let _ = strike.send(Some(fault));
                if matches!(fault, Fault::Swallow) {
                    continue;
                }
            }
            if to_server.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        answers.abort();
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    struck: tokio::sync::watch::Receiver<Option<Fault>>,
) {
    let mut buffer = vec![0; 64 << 10];
    let mut passed = 0;
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let fault = *struck.borrow();
        let through = match fault {
            None => read,
            Some(Fault::LoseAnswer | Fault::Swallow) => 0,
            Some(Fault::CutAfter(bytes)) => read.min(bytes.saturating_sub(passed)),
        };
        passed += if fault.is_some() { through } else { 0 };
        if to.write_all(&buffer[..through]).await.is_err() || through < read {
            return; // dropping the halves closes the connection
        }
    }
}
