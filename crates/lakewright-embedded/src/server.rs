//! The life of a server: it has threads and a runtime of its own, so that it answers whatever
//! its owner's runtime does, and even when that is gone.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lakewright_core::{Error, ErrorKind, Result, Secret};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::attach::{self, Published};
use crate::blob::BlobStore;
use crate::credentials::Credentials;
use crate::http_service::{self, MAX_CONNECTIONS, Stop};
use crate::index::{FORMAT, Index, IndexError, OpenError};
use crate::lock::{DirLock, Taken};
use crate::options::EmbeddedOptions;
use crate::reserve::Reserve;
use crate::s3::Service;
use crate::{files, io_error};

/// Threads that move requests. What blocks has threads of its own; hashing large bodies is
/// among that.
const MAX_WORKERS: usize = 4;

/// How long the end waits for work that was cut off, such as a read of a dying disk.
const LAST_WORK: Duration = Duration::from_secs(5);

/// How long a drop waits for the threads to be gone.
const DROP_WAIT: Duration = Duration::from_secs(5);

/// A process that looks whether the directory is served holds its lock for an instant. So the
/// lock is asked for more than once.
const LOCK_ATTEMPTS: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// An S3 server on a directory. It ends when it is shut down or dropped.
pub struct EmbeddedServer {
    address: SocketAddr,
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
            .field("address", &self.address)
            .field("data_dir", &self.data_dir)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl EmbeddedServer {
    /// Starts a server and returns when it answers. The directory is made when it is missing;
    /// what a killed server left in it is mended and swept.
    ///
    /// # Errors
    /// `InvalidInput` for an address that is not loopback; `AlreadyExists` when another server
    /// has the directory; `Unsupported` when a later version of lakewright wrote it; `Corrupt`
    /// when its index is damaged or gone; `Conflict` when the port is taken; `Denied`, `StorageFull` and
    /// `Unavailable` from the file system.
    pub async fn start(options: EmbeddedOptions) -> Result<Self> {
        check(&options)?;
        let data_dir = options.data_dir.clone();
        let lost = || {
            Error::new(ErrorKind::Internal, "the server's thread was lost")
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
        let (address, credentials) = started.await.map_err(|_| lost())??;
        Ok(Self {
            address,
            credentials,
            data_dir,
            pid: std::process::id(),
            stop: Some(stop),
            done: Some(done),
            thread: Some(thread),
        })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        attach::endpoint(self.address)
    }

    /// The key id to sign with.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.credentials.access_key_id
    }

    /// Its secret.
    #[must_use]
    pub fn secret_access_key(&self) -> &Secret {
        &self.credentials.secret_access_key
    }

    /// The directory that it was started on.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Takes no more connections, answers the requests in flight (for up to 30 seconds), flushes
    /// and closes everything, and gives the directory up.
    ///
    /// # Errors
    /// `Internal` when the server's thread was lost before.
    pub async fn shutdown(mut self) -> Result<()> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(Stop::Graceful);
        }
        let Some(done) = self.done.take() else { return Ok(()) };
        done.await.map_err(|_| {
            Error::new(ErrorKind::Internal, "the server's thread was lost")
                .during("stop_embedded_server")
                .on(self.data_dir.display().to_string())
        })
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if self.pid != std::process::id() {
            return; // a fork has this value, and not the thread
        }
        self.stop = None; // tells the server, unless shutdown did
        let deadline = Instant::now() + DROP_WAIT;
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn check(options: &EmbeddedOptions) -> Result<()> {
    let refuse = |why: String| Err(Error::invalid_input(why).during("start_embedded_server"));
    if !options.listen.ip().is_loopback() {
        return refuse(format!(
            "{} is not a loopback address, and this server is for this machine only",
            options.listen
        ));
    }
    match &options.credentials {
        Some((id, secret)) if id.is_empty() || secret.is_empty() => {
            refuse("the key id and the secret must not be empty".to_owned())
        }
        _ => Ok(()),
    }
}

type Ready = oneshot::Sender<Result<(SocketAddr, Credentials)>>;

/// The server's thread.
fn run(options: &EmbeddedOptions, ready: Ready, stop: oneshot::Receiver<Stop>) {
    let mut server = match Running::start(options) {
        Ok(server) => server,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let greeting = (server.address, server.credentials.clone());
    if ready.send(Ok(greeting)).is_ok() {
        server.serve(stop);
    }
    server.end();
}

/// A server's parts, in the order in which they must go.
struct Running {
    address: SocketAddr,
    credentials: Credentials,
    published: Published,
    listener: Option<TcpListener>,
    runtime: Runtime,
    service: Service,
    lock: DirLock,
}

impl Running {
    fn start(options: &EmbeddedOptions) -> Result<Self> {
        let dir = options.data_dir.as_path();
        let failed = |error| io_error(error, "start_embedded_server", dir);
        files::create_private_dir(dir).map_err(failed)?;
        let lock = lock(dir)?;
        attach::withdraw_stale(dir).map_err(failed)?;
        let reserve = Arc::new(Reserve::open(dir).map_err(failed)?);
        let mut parts = Parts::open(options, &reserve);
        if parts.as_ref().is_err_and(|error| error.kind() == ErrorKind::StorageFull)
            && reserve.release()
        {
            // Without a server nothing could be deleted.
            parts = Parts::open(options, &reserve);
        }
        let Parts { address, credentials, published, listener, runtime, service } = parts?;
        Ok(Self {
            address,
            credentials,
            published,
            listener: Some(listener),
            runtime,
            service,
            lock,
        })
    }

    fn serve(&mut self, stop: oneshot::Receiver<Stop>) {
        let Some(listener) = self.listener.take() else { return };
        let service = http_service::build(self.service.clone(), &self.credentials);
        self.runtime.block_on(async {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => http_service::serve(listener, service, MAX_CONNECTIONS, stop).await,
                Err(error) => tracing::error!(%error, "the server cannot listen"),
            }
        });
    }

    fn end(self) {
        // First nobody finds it any more, then its work ends, and only then may another begin.
        drop(self.published);
        self.runtime.shutdown_timeout(LAST_WORK);
        self.service.index.close();
        self.service.blobs.settle(LAST_WORK);
        drop(self.lock);
    }
}

/// What a server has besides the right to its directory.
struct Parts {
    address: SocketAddr,
    credentials: Credentials,
    published: Published,
    listener: TcpListener,
    runtime: Runtime,
    service: Service,
}

impl Parts {
    fn open(options: &EmbeddedOptions, reserve: &Arc<Reserve>) -> Result<Self> {
        let dir = options.data_dir.as_path();
        let failed = |error| io_error(error, "start_embedded_server", dir);
        let credentials = match &options.credentials {
            Some((access_key_id, secret)) => Credentials {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret.clone(),
            },
            None => Credentials::load_or_generate(dir).map_err(failed)?,
        };
        let blobs =
            BlobStore::open(dir, options.durability, Arc::clone(reserve)).map_err(failed)?;
        let workers = std::thread::available_parallelism().map_or(MAX_WORKERS, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers.clamp(2, MAX_WORKERS))
            // A request blocks one at most.
            .max_blocking_threads(MAX_CONNECTIONS + MAX_WORKERS)
            .thread_name("embedded-http")
            .enable_all()
            .build()
            .map_err(failed)?;
        let listener = TcpListener::bind(options.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let open = || Index::open(dir, options.durability, &blobs, Arc::clone(reserve));
        let index = std::panic::catch_unwind(AssertUnwindSafe(open))
            // redb panics on some damage, as a length that points out of its page.
            .unwrap_or_else(|_| Err(IndexError::Record("redb panicked on it".into()).into()))
            .map_err(|error| open_error(error, dir))?;
        let published = match Published::write(dir, address, &credentials) {
            Ok(published) => published,
            Err(error) => {
                // Its thread would keep the database open for a moment, and who starts a server
                // again at once would meet it.
                index.close();
                return Err(failed(error));
            }
        };
        let service = Service { index, blobs };
        Ok(Self { address, credentials, published, listener, runtime, service })
    }
}

fn lock(dir: &Path) -> Result<DirLock> {
    let failed = |error| io_error(error, "start_embedded_server", dir);
    let mut holder = None;
    for attempt in 0..LOCK_ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(LOCK_PAUSE);
        }
        match DirLock::take(dir).map_err(failed)? {
            Taken::Ours(lock) => return Ok(lock),
            Taken::Held(pid) => holder = pid,
        }
    }
    let by = holder.map_or(String::from("another process"), |pid| format!("process {pid}"));
    Err(Error::new(
        ErrorKind::AlreadyExists,
        format!("the directory is already served by {by}; attach to that server instead"),
    )
    .during("start_embedded_server")
    .on(dir.display().to_string()))
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
            "index.redb is missing and blobs/ is not empty: bring the index back, or empty blobs/ \
             if what it held is not wanted any more"
                .to_owned(),
        ),
        OpenError::Index(IndexError::Storage(redb::Error::Io(error)))
            if error.kind() == std::io::ErrorKind::UnexpectedEof =>
        {
            (ErrorKind::Corrupt, "index.redb points behind its own end".to_owned())
        }
        OpenError::Index(IndexError::Storage(redb::Error::Io(error))) => {
            let error = std::io::Error::new(error.kind(), error.to_string());
            return io_error(error, "start_embedded_server", dir);
        }
        OpenError::Index(IndexError::Storage(redb::Error::DatabaseAlreadyOpen)) => (
            ErrorKind::AlreadyExists,
            "index.redb is open in another process, though the lock is free: has the file `lock` \
             been removed under a server?"
                .to_owned(),
        ),
        OpenError::Index(error) => (ErrorKind::Corrupt, error.to_string()),
    };
    Error::new(kind, message).during("start_embedded_server").on(dir.display().to_string())
}
