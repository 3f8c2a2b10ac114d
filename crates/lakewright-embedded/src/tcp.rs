//! The TCP port on loopback, for S3 clients of other programs. It is opened when the server starts,
//! or when it is asked for.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The address of the port, once it is open.
#[derive(Debug)]
pub(crate) struct TcpPort {
    address: Mutex<Option<SocketAddr>>,
    opened: UnboundedSender<TcpListener>,
}

impl TcpPort {
    /// Returns a port that is not open, and the receiver of its listener.
    pub(crate) fn new() -> (Self, UnboundedReceiver<TcpListener>) {
        let (opened, listener) = unbounded_channel();
        (Self { address: Mutex::new(None), opened }, listener)
    }

    /// Returns the address; `None` while the port is not open.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the port at this address, unless it is open already. Returns the address at which it
    /// is open.
    pub(crate) fn open(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let mut open = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = *open {
            return Ok(address);
        }
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        // The receiver is dropped when the server stops.
        self.opened.send(listener).map_err(|_| io::ErrorKind::ConnectionAborted)?;
        *open = Some(address);
        Ok(address)
    }
}
