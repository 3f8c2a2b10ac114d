//! How a second process finds the server of the first: a file of mode 0600 in the data
//! directory, which counts only while the server's lock is held.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lakewright_core::{Error, ErrorKind, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::credentials::Credentials;
use crate::files;
use crate::lock::DirLock;
use crate::{EmbeddedOptions, EmbeddedServer};

/// Name of the file in the data directory.
const FILE: &str = "server.json";

/// How long a server on loopback may take to accept a connection before it counts as gone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long [`start_or_attach`] waits for another process that has the directory and does not
/// answer yet: it is opening its index, or on its way out. A large index that is being repaired
/// after a kill takes seconds.
const START_OR_ATTACH_TIMEOUT: Duration = Duration::from_secs(30);

/// Between two looks.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// What it takes to talk to a server that another process, or this one, runs.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// The key id to sign with.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// Process id of the server.
    pub pid: u32,
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("endpoint", &self.endpoint)
            .field("pid", &self.pid)
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &self.secret_access_key)
            .finish()
    }
}

/// The server of this process, or the way to another's.
#[derive(Debug)]
pub enum Embedded {
    /// We serve the directory.
    Started(EmbeddedServer),
    /// Somebody else does.
    Attached(Attachment),
}

#[derive(Serialize, Deserialize)]
struct Stored {
    pid: u32,
    address: SocketAddr,
    access_key_id: String,
    secret_access_key: String,
}

/// The attach file of a running server; gone when dropped.
#[derive(Debug)]
pub(crate) struct Published {
    path: PathBuf,
}

/// Removes what a killed server left. Called with the lock in hand, before anything that takes
/// time: while a stale file lies beside a held lock, [`attach`] would follow it.
pub(crate) fn withdraw_stale(data_dir: &Path) -> io::Result<()> {
    match std::fs::remove_file(data_dir.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Published {
    pub(crate) fn write(
        data_dir: &Path,
        address: SocketAddr,
        credentials: &Credentials,
    ) -> io::Result<Self> {
        let stored = Stored {
            pid: std::process::id(),
            address,
            access_key_id: credentials.access_key_id.clone(),
            secret_access_key: credentials.secret_access_key.expose().to_owned(),
        };
        let path = data_dir.join(FILE);
        files::write_private(&path, &serde_json::to_vec_pretty(&stored)?)?;
        Ok(Self { path })
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The endpoint of an address.
pub(crate) fn endpoint(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// The server that a living process runs on this directory, or `None`.
///
/// # Errors
/// `Denied` when the directory or its files may not be read, `Corrupt` when the attach file is
/// not what a server writes, `Unavailable` for other failures of the file system.
pub fn attach(data_dir: impl AsRef<Path>) -> Result<Option<Attachment>> {
    let data_dir = data_dir.as_ref();
    let failed = |error: io::Error| crate::io_error(error, "attach", data_dir);
    if !DirLock::is_held(data_dir).map_err(failed)? {
        return Ok(None);
    }
    let Some(content) = files::read_private(&data_dir.join(FILE)).map_err(failed)? else {
        return Ok(None); // starting, or stopping
    };
    // Without serde's error as the cause: it may quote what it read, which is the secret.
    let stored: Stored = serde_json::from_slice(&content).map_err(|_| {
        Error::new(ErrorKind::Corrupt, format!("{FILE} is not what a server writes"))
            .during("attach")
            .on(data_dir.display().to_string())
    })?;
    // The lock alone is not proof: a fork of the server's process that outlived it still holds
    // it, and so does a new server that has not yet removed the old file.
    if TcpStream::connect_timeout(&stored.address, CONNECT_TIMEOUT).is_err() {
        return Ok(None);
    }
    Ok(Some(Attachment {
        endpoint: endpoint(stored.address),
        access_key_id: stored.access_key_id,
        secret_access_key: Secret::new(stored.secret_access_key),
        pid: stored.pid,
    }))
}

/// Starts a server on the directory, or attaches to the one that is there.
///
/// Two processes may call this at the same moment: one starts, the other waits until it answers.
///
/// # Errors
/// As [`EmbeddedServer::start`] and [`attach`]; `Unavailable` when another process keeps the
/// directory for half a minute without serving it.
pub async fn start_or_attach(options: EmbeddedOptions) -> Result<Embedded> {
    let deadline = Instant::now() + START_OR_ATTACH_TIMEOUT;
    loop {
        let dir = options.data_dir.clone();
        if let Some(attachment) = off_runtime(move || attach(dir)).await? {
            return Ok(Embedded::Attached(attachment));
        }
        match EmbeddedServer::start(options.clone()).await {
            Ok(server) => return Ok(Embedded::Started(server)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if Instant::now() > deadline {
                    return Err(error.of_kind(ErrorKind::Unavailable));
                }
            }
            Err(error) => return Err(error),
        }
        // Not tokio's sleep: the caller's runtime need not have a timer.
        off_runtime(|| {
            std::thread::sleep(RETRY_PAUSE);
            Ok(())
        })
        .await?;
    }
}

/// Runs what blocks beside the caller's runtime.
async fn off_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "the task was lost")
            .during("start_or_attach")
            .caused_by(error))
    })
}
