//! The lifecycle of a server. It has its own threads and its own runtime, so that it works
//! independently of the runtime of its owner.

use std::fmt;
use std::net::TcpListener;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lakewright_core::{Error, ErrorKind, Result, Secret};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use crate::blob::BlobStore;
use crate::connections::{self, Limits, Stop};
use crate::credentials::Credentials;
use crate::data_dir;
use crate::error::io_error;
use crate::folder::Folder;
use crate::http_service::{self, HttpService};
use crate::index::{FORMAT, Index, IndexError, OpenError};
use crate::lock::{DirLock, LockAttempt};
use crate::options::EmbeddedOptions;
use crate::reserve::Reserve;
use crate::s3::Service;
use crate::socket::Socket;
use crate::tcp::TcpPort;

/// Largest number of async worker threads. Blocking work, such as hashing large bodies, runs on
/// other threads.
const MAX_WORKERS: usize = 4;

/// How long a shutdown waits for work that was cut off, such as a read of a failing disk.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a drop waits for the threads to end.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// An S3 server on a directory. It stops when it is shut down or dropped.
pub struct EmbeddedServer {
    port: Arc<TcpPort>,
    credentials: Credentials,
    data_dir: PathBuf,
    pid: u32,
    stop: Option<oneshot::Sender<Stop>>,
    done: Option<oneshot::Receiver<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for EmbeddedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedServer")
            .field("address", &self.port.address())
            .field("data_dir", &self.data_dir)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl EmbeddedServer {
    /// Starts a server and returns when it accepts connections. Creates the directory if it is
    /// missing, and recovers the data of a server that was killed.
    ///
    /// # Errors
    /// `InvalidInput` for an address that is not loopback, and for a directory that is neither empty
    /// nor a data directory; `Denied` when another user could exchange the directory or its content;
    /// `AlreadyExists` when another server has
    /// the directory; `Unsupported` when a later version of lakewright wrote it; `Corrupt` when its
    /// index is damaged or missing; `Conflict` when the port is in use; `Denied`, `StorageFull` and
    /// `Unavailable` from the file system. Nothing is changed in a directory that is refused.
    pub async fn start(options: EmbeddedOptions) -> Result<Self> {
        validate(&options)?;
        let data_dir = options.data_dir.clone();
        let thread_lost = || {
            Error::new(ErrorKind::Internal, "the server's thread ended unexpectedly")
                .during("start_embedded_server")
                .on(data_dir.display().to_string())
        };
        let (ready, started) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let (finished, done) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("embedded-server".into())
            .spawn(move || {
                run(&options, ready, stopped);
                let _ = finished.send(());
            })
            .map_err(|error| io_error(error, "start_embedded_server", &data_dir))?;
        let (port, credentials) = started.await.map_err(|_| thread_lost())??;
        Ok(Self {
            port,
            credentials,
            data_dir,
            pid: std::process::id(),
            stop: Some(stop),
            done: Some(done),
            thread: Some(thread),
        })
    }

    /// Returns the endpoint URL, `http://127.0.0.1:PORT`; `embedded:DIR` for a server that does not
    /// listen on TCP.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let absolute = std::path::absolute(&self.data_dir);
        http_service::endpoint(&self.port, absolute.as_deref().unwrap_or(&self.data_dir))
    }

    /// Returns the access key id.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.credentials.access_key_id
    }

    /// Returns the secret access key.
    #[must_use]
    pub fn secret_access_key(&self) -> &Secret {
        &self.credentials.secret_access_key
    }

    /// Returns the data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Stops the server: refuses new connections, completes the requests in flight (for up to 30
    /// seconds), flushes and closes all files and releases the directory.
    ///
    /// # Errors
    /// `Internal` when the server's thread has ended unexpectedly.
    pub async fn shutdown(mut self) -> Result<()> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(Stop::Graceful);
        }
        let Some(done) = self.done.take() else { return Ok(()) };
        done.await.map_err(|_| {
            Error::new(ErrorKind::Internal, "the server's thread ended unexpectedly")
                .during("stop_embedded_server")
                .on(self.data_dir.display().to_string())
        })
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if self.pid != std::process::id() {
            return; // A forked child has this value but not the thread.
        }
        self.stop = None; // Dropping the sender stops the server, unless shutdown did.
        let deadline = Instant::now() + DROP_TIMEOUT;
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn validate(options: &EmbeddedOptions) -> Result<()> {
    let refuse =
        |message: String| Err(Error::invalid_input(message).during("start_embedded_server"));
    if let Some(listen) = options.listen.filter(|listen| !listen.ip().is_loopback()) {
        return refuse(format!(
            "{listen} is not a loopback address; the embedded server accepts only local connections"
        ));
    }
    match &options.credentials {
        Some((id, secret)) if id.is_empty() || secret.is_empty() => {
            refuse("the access key id and the secret must not be empty".to_owned())
        }
        _ => Ok(()),
    }
}

type Ready = oneshot::Sender<Result<(Arc<TcpPort>, Credentials)>>;

/// Runs the server; the main function of its thread.
fn run(options: &EmbeddedOptions, ready: Ready, stop: oneshot::Receiver<Stop>) {
    let mut server = match Running::start(options) {
        Ok(server) => server,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let started = (Arc::clone(&server.port), server.credentials.clone());
    if ready.send(Ok(started)).is_ok() {
        server.serve(stop);
    }
    server.shut_down();
}

/// The parts of a running server, in the order in which they must be dropped.
struct Running {
    port: Arc<TcpPort>,
    credentials: Credentials,
    data_dir: PathBuf,
    socket: Option<Socket>,
    tcp: UnboundedReceiver<TcpListener>,
    runtime: Runtime,
    service: Service,
    lock: DirLock,
}

impl Running {
    fn start(options: &EmbeddedOptions) -> Result<Self> {
        let dir = options.data_dir.as_path();
        let failed = |error| io_error(error, "start_embedded_server", dir);
        let data = Arc::new(data_dir::open_or_create(dir).map_err(failed)?);
        let lock = acquire_lock(&data)?;
        let reserve = Arc::new(Reserve::open(&data).map_err(failed)?);
        let mut parts = Parts::open(options, &data, &reserve);
        if parts.as_ref().is_err_and(|error| error.kind() == ErrorKind::StorageFull)
            && reserve.release()
        {
            // The reserve is released because without a server no object could be deleted.
            parts = Parts::open(options, &data, &reserve);
        }
        let Parts { port, tcp, credentials, socket, runtime, service } = parts?;
        let (data_dir, socket) = (data.path().to_owned(), Some(socket));
        Ok(Self { port, credentials, data_dir, socket, tcp, runtime, service, lock })
    }

    fn serve(&mut self, stop: oneshot::Receiver<Stop>) {
        let Some(socket) = self.socket.take() else { return };
        let service = HttpService::new(
            self.service.clone(),
            self.credentials.clone(),
            Arc::clone(&self.port),
            self.data_dir.clone(),
        );
        let limits = Limits::DEFAULT;
        self.runtime.block_on(connections::serve(socket, &mut self.tcp, &service, limits, stop));
    }

    fn shut_down(self) {
        // The name of the socket is removed first, so that no client finds the server; the lock is
        // released last, after all work has ended.
        drop(self.socket);
        self.runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
        self.service.index.close();
        self.service.blobs.wait_for_deletions(SHUTDOWN_TIMEOUT);
        drop(self.lock);
    }
}

/// The parts of a server besides the lock of its directory.
struct Parts {
    port: Arc<TcpPort>,
    tcp: UnboundedReceiver<TcpListener>,
    credentials: Credentials,
    socket: Socket,
    runtime: Runtime,
    service: Service,
}

impl Parts {
    fn open(options: &EmbeddedOptions, data: &Arc<Folder>, reserve: &Arc<Reserve>) -> Result<Self> {
        let dir = options.data_dir.as_path();
        let failed = |error| io_error(error, "start_embedded_server", dir);
        let credentials = match &options.credentials {
            Some((access_key_id, secret)) => Credentials {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret.clone(),
            },
            None => Credentials::load_or_generate(data).map_err(failed)?,
        };
        let blobs =
            BlobStore::open(data, options.durability, Arc::clone(reserve)).map_err(failed)?;
        let workers = std::thread::available_parallelism().map_or(MAX_WORKERS, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers.clamp(2, MAX_WORKERS))
            // Each request occupies at most one blocking thread.
            .max_blocking_threads(Limits::DEFAULT.total() + MAX_WORKERS)
            .thread_name("embedded-http")
            .enable_all()
            .build()
            .map_err(failed)?;
        let (port, tcp) = TcpPort::new();
        if let Some(listen) = options.listen {
            port.open(listen).map_err(failed)?;
        }
        let open = || Index::open(data, options.durability, &blobs, Arc::clone(reserve));
        let index = std::panic::catch_unwind(AssertUnwindSafe(open))
            // redb panics on some damage, for example a length that exceeds its page.
            .unwrap_or_else(|_| Err(IndexError::Record("redb panicked".into()).into()))
            .map_err(|error| open_error(error, dir))?;
        // The socket is opened last: a process that can connect to it expects a response.
        let socket = {
            let _within = runtime.enter();
            Socket::bind(data)
        };
        let socket = match socket {
            Ok(socket) => socket,
            Err(error) => {
                // The index thread would keep the database open for a moment, and a server that is
                // started again at once would fail.
                index.close();
                return Err(failed(error));
            }
        };
        let (port, service) = (Arc::new(port), Service { index, blobs });
        Ok(Self { port, tcp, credentials, socket, runtime, service })
    }
}

fn acquire_lock(data: &Folder) -> Result<DirLock> {
    let dir = data.path();
    match DirLock::try_acquire(data) {
        Ok(LockAttempt::Acquired(lock)) => Ok(lock),
        Ok(LockAttempt::Held(pid)) => {
            let by = pid.map_or(String::from("another process"), |pid| format!("process {pid}"));
            Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("the directory is already served by {by}; attach to that server instead"),
            )
            .during("start_embedded_server")
            .on(dir.display().to_string()))
        }
        Err(error) => Err(io_error(error, "start_embedded_server", dir)),
    }
}

fn open_error(error: OpenError, dir: &Path) -> Error {
    let (kind, message) = match &error {
        OpenError::Newer(found) => (
            ErrorKind::Unsupported,
            format!(
                "the directory was written by a later version of lakewright: its format is \
                 {found}, and this version reads up to {FORMAT}"
            ),
        ),
        OpenError::Missing => (
            ErrorKind::Corrupt,
            "index.redb is missing although blobs/ is not empty: restore the index, or empty blobs/ \
             if its data is not needed"
                .to_owned(),
        ),
        OpenError::Empty => (
            ErrorKind::Corrupt,
            "index.redb is empty although blobs/ is not: restore the index, or empty blobs/ if its \
             data is not needed"
                .to_owned(),
        ),
        OpenError::Foreign => (
            ErrorKind::Corrupt,
            "index.redb is a database of another program, not an index of lakewright: choose \
             another directory, or move the file away"
                .to_owned(),
        ),
        OpenError::Index(IndexError::Storage(redb::Error::Io(error)))
            if error.kind() == std::io::ErrorKind::UnexpectedEof =>
        {
            (ErrorKind::Corrupt, "index.redb refers to pages beyond its end".to_owned())
        }
        OpenError::Index(IndexError::Storage(redb::Error::Io(error))) => {
            let error = std::io::Error::new(error.kind(), error.to_string());
            return io_error(error, "start_embedded_server", dir);
        }
        OpenError::Index(IndexError::Storage(redb::Error::DatabaseAlreadyOpen)) => (
            ErrorKind::AlreadyExists,
            "index.redb is open in another process, although the lock is free: the file `lock` may \
             have been removed while a server was running"
                .to_owned(),
        ),
        OpenError::Index(error) => (ErrorKind::Corrupt, error.to_string()),
    };
    Error::new(kind, message).during("start_embedded_server").on(dir.display().to_string())
}
