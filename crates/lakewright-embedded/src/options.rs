//! What a caller may choose about a server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use lakewright_core::Secret;

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The end of the process and of the machine: every acknowledged write was flushed to the
    /// disk (fsync). The default.
    #[default]
    Machine,
    /// The end of the process, `SIGKILL` included, but not a loss of power: the kernel flushes
    /// when it likes. For tests and for data that can be made again.
    Process,
}

/// How to start an [`EmbeddedServer`](crate::EmbeddedServer).
///
/// ```
/// use lakewright_embedded::EmbeddedOptions;
/// let options = EmbeddedOptions::new("./data");
/// assert!(options.listen.ip().is_loopback());
/// assert_eq!(options.listen.port(), 0); // the system chooses
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EmbeddedOptions {
    /// Where everything is kept. Made with mode 0700 when it is not there.
    pub data_dir: PathBuf,
    /// A loopback address; port 0 lets the system choose. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// The key id and secret to serve under, together. Default: a pair generated once and kept
    /// in the data directory with mode 0600.
    pub credentials: Option<(String, Secret)>,
    /// What an acknowledged write survives.
    pub durability: Durability,
}

impl EmbeddedOptions {
    /// The defaults, on this directory.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            credentials: None,
            durability: Durability::default(),
        }
    }

    /// Listens here; anything but a loopback address is refused at start.
    #[must_use]
    pub fn listen(mut self, listen: SocketAddr) -> Self {
        self.listen = listen;
        self
    }

    /// Serves under these keys in place of the generated ones.
    #[must_use]
    pub fn credentials(mut self, access_key_id: impl Into<String>, secret: Secret) -> Self {
        self.credentials = Some((access_key_id.into(), secret));
        self
    }

    /// Chooses what an acknowledged write survives.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
}
