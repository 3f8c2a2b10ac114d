//! The options of a server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use lakewright_core::Secret;

/// The failures that an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// A write survives a crash of the process and of the machine: it is acknowledged after it was
    /// flushed to the disk (fsync). The default.
    #[default]
    Machine,
    /// A write survives a crash of the process, `SIGKILL` included, but not a loss of power: the
    /// kernel decides when to flush. For tests and for data that can be recreated.
    Process,
}

/// How to start an [`EmbeddedServer`](crate::EmbeddedServer).
///
/// ```
/// use lakewright_embedded::EmbeddedOptions;
/// let options = EmbeddedOptions::new("./data");
/// let listen = options.listen.unwrap();
/// assert!(listen.ip().is_loopback());
/// assert_eq!(listen.port(), 0); // the system chooses
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EmbeddedOptions {
    /// The directory of all data. Created with mode 0700 if it is missing. An existing one must be
    /// empty or a data directory already, and no other user may write to it or a directory above it.
    pub data_dir: PathBuf,
    /// The loopback address to listen on for S3 clients of other programs; with port 0 the system
    /// chooses a port. Default `127.0.0.1:0`. With `None` the server listens on TCP only once
    /// [`listen`](crate::listen) is called.
    pub listen: Option<SocketAddr>,
    /// The access key id and secret of the server. Default: credentials that are generated once and
    /// stored in the data directory with mode 0600.
    pub credentials: Option<(String, Secret)>,
    /// The failures that an acknowledged write survives.
    pub durability: Durability,
}

impl EmbeddedOptions {
    /// Returns the default options for this directory.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen: Some((Ipv4Addr::LOCALHOST, 0).into()),
            credentials: None,
            durability: Durability::default(),
        }
    }

    /// Sets the address to listen on. Any address that is not loopback is refused at start.
    #[must_use]
    pub fn listen(mut self, listen: SocketAddr) -> Self {
        self.listen = Some(listen);
        self
    }

    /// Starts the server without a TCP port, so that only lakewright connects to it.
    #[must_use]
    pub fn without_tcp(mut self) -> Self {
        self.listen = None;
        self
    }

    /// Sets the credentials, which replace the generated ones.
    #[must_use]
    pub fn credentials(mut self, access_key_id: impl Into<String>, secret: Secret) -> Self {
        self.credentials = Some((access_key_id.into(), secret));
        self
    }

    /// Sets the failures that an acknowledged write survives.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
}
