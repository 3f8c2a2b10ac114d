//! Discovery of a running server by another process: a file of mode 0600 in the data directory,
//! which is valid only while the server holds its lock.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lakewright_core::{Error, ErrorKind, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::credentials::Credentials;
use crate::error::io_error;
use crate::files;
use crate::lock::DirLock;

/// Name of the file in the data directory.
const FILE: &str = "server.json";

/// How long a server on loopback may take to accept a connection. Later it is treated as stopped.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The endpoint and credentials of a running server, in this or another process.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
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

#[derive(Serialize, Deserialize)]
struct Stored {
    pid: u32,
    address: SocketAddr,
    access_key_id: String,
    secret_access_key: String,
}

/// The attach file of a running server. Dropping it removes the file.
#[derive(Debug)]
pub(crate) struct Published {
    path: PathBuf,
}

/// Removes the attach file that a killed server left. It must run with the lock held and before
/// anything slow: as long as a stale file exists beside a held lock, [`attach`] trusts it.
pub(crate) fn remove_stale_file(data_dir: &Path) -> io::Result<()> {
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

/// Returns the endpoint URL of an address.
pub(crate) fn endpoint(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Returns the connection data of the server that serves this directory, or `None` if there is
/// none.
///
/// # Errors
/// `Denied` when the directory or its files may not be read, `Corrupt` when the attach file is not
/// valid, `Unavailable` for other failures of the file system.
pub fn attach(data_dir: impl AsRef<Path>) -> Result<Option<Attachment>> {
    let data_dir = data_dir.as_ref();
    let failed = |error: io::Error| io_error(error, "attach", data_dir);
    if !DirLock::is_held(data_dir).map_err(failed)? {
        return Ok(None);
    }
    let Some(content) = files::read_private(&data_dir.join(FILE)).map_err(failed)? else {
        return Ok(None); // The server is starting or stopping.
    };
    // serde's error is dropped because it may quote its input, which contains the secret.
    let stored: Stored = serde_json::from_slice(&content).map_err(|_| {
        Error::new(ErrorKind::Corrupt, format!("{FILE} is not a valid attach file"))
            .during("attach")
            .on(data_dir.display().to_string())
    })?;
    // A held lock does not prove that a server is running: a child forked by the server process may
    // still hold it, and a new server holds it before it has removed the old file.
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
