//! The Unix socket in the data directory, which connects the processes of this user. The folder
//! belongs to the user, so no other user can listen there, and the kernel tells each side which
//! user the other one is.

use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::FileType;
use rustix::process::geteuid;
use tokio::net::{UnixListener, UnixStream};

use crate::folder::Folder;

/// Name of the socket in the data directory.
const FILE: &str = "socket";

/// Delay before another attempt to connect to a server whose queue of connections is full.
const QUEUE_DELAY: Duration = Duration::from_millis(5);

/// The listening socket of a server. Dropping it first removes its name, so that a new client does
/// not find it, and then closes it.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    data: Arc<Folder>,
}

impl Socket {
    /// Creates the socket, in place of one that a killed server left. It must run with the lock
    /// held, and within a runtime.
    pub(crate) fn bind(data: &Arc<Folder>) -> io::Result<Self> {
        let left = data.stat(FILE)?;
        if left.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket) {
            data.remove(FILE)?;
        }
        let listener = UnixListener::bind(address(data)?)?;
        let socket = Self { listener, data: Arc::clone(data) };
        socket.data.make_private(FILE)?;
        Ok(socket)
    }

    /// Waits for the next connection of a process of this user.
    ///
    /// # Errors
    /// `PermissionDenied` for a process of another user.
    pub(crate) async fn accept(&self) -> io::Result<UnixStream> {
        let (stream, _) = self.listener.accept().await?;
        check_peer(&stream)?;
        Ok(stream)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = self.data.remove(FILE) {
            tracing::warn!(%error, "the socket could not be removed; the next start replaces it");
        }
    }
}

/// Connects to the server of a data directory.
///
/// # Errors
/// `NotFound` or `ConnectionRefused` when no process serves the directory; `PermissionDenied` when
/// a process of another user does.
pub(crate) async fn connect(data: &Folder) -> io::Result<UnixStream> {
    let address = address(data)?;
    let stream = loop {
        match UnixStream::connect(&address).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(QUEUE_DELAY).await;
            }
            stream => break stream?,
        }
    };
    check_peer(&stream)?;
    Ok(stream)
}

/// Checks the user that the kernel names for the other side: for a client, the one who called
/// `listen`.
fn check_peer(stream: &UnixStream) -> io::Result<()> {
    let user = stream.peer_cred()?.uid();
    if user == geteuid().as_raw() || user == 0 {
        return Ok(());
    }
    let message = format!("the process at the other end of the socket belongs to user {user}");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}

/// Returns the path of the socket. An address has room for 107 bytes (104 on BSD and macOS), so
/// Linux is given a longer path by way of the open folder.
fn address(data: &Folder) -> io::Result<PathBuf> {
    let path = data.path().join(FILE);
    if SocketAddr::from_pathname(&path).is_ok() {
        return Ok(path);
    }
    let folder = PathBuf::from(format!("/proc/self/fd/{}", data.descriptor().as_raw_fd()));
    if folder.exists() {
        return Ok(folder.join(FILE));
    }
    let message = format!(
        "{} is too long for the address of a socket on this system: choose a shorter path",
        path.display()
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}
