//! The entry point of fuzz targets: arbitrary bytes as one HTTP request to the service of a server,
//! without sockets.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use lakewright_core::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;

use crate::blob::BlobStore;
use crate::connections::http1;
use crate::credentials::Credentials;
use crate::data_dir;
use crate::error::io_error;
use crate::http_service::{HttpService, Peer};
use crate::index::Index;
use crate::options::Durability;
use crate::reserve::Reserve;
use crate::s3::Service;
use crate::slots::Slots;
use crate::tcp::TcpPort;

/// Bytes in flight in each direction.
const BUFFER: usize = 64 * 1024;

/// The service of a server on a data directory.
pub struct FuzzTarget {
    runtime: Runtime,
    index: Index,
    signed: HttpService,
    open: HttpService,
}

impl std::fmt::Debug for FuzzTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FuzzTarget").finish_non_exhaustive()
    }
}

/// Whether requests need a signature. Few random requests have a valid one, so that the code behind
/// the signature needs requests without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// As in a server.
    Required,
    /// Every request is allowed.
    Ignored,
}

impl FuzzTarget {
    /// Opens a service on a directory, which no server may serve meanwhile.
    ///
    /// # Errors
    /// Those of [`EmbeddedServer::start`](crate::EmbeddedServer::start).
    pub fn new(data_dir: &Path) -> Result<Self> {
        let failed = |error| io_error(error, "open_fuzz_target", data_dir);
        let data = Arc::new(data_dir::open_or_create(data_dir).map_err(failed)?);
        let reserve = Arc::new(Reserve::open(&data).map_err(failed)?);
        let blobs =
            BlobStore::open(&data, Durability::Process, Arc::clone(&reserve)).map_err(failed)?;
        let index = Index::open(&data, Durability::Process, &blobs, reserve).map_err(|error| {
            Error::new(ErrorKind::Corrupt, format!("the index cannot be opened: {error:?}"))
        })?;
        let credentials = Credentials::load_or_generate(&data).map_err(failed)?;
        let service = Service { index: index.clone(), blobs };
        let port = || Arc::new(TcpPort::new().0);
        let signed =
            HttpService::new(service.clone(), credentials.clone(), port(), data.path().to_owned());
        let open =
            HttpService::without_signatures(service, credentials, port(), data.path().to_owned());
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        Ok(Self { runtime, index, signed, open })
    }

    /// Sends `bytes` over a connection of its own and closes the sending side. Returns all that the
    /// service has responded; nothing where it closed the connection.
    pub fn respond(&self, bytes: &[u8], signatures: Signatures) -> Vec<u8> {
        let service = match signatures {
            Signatures::Required => self.signed.clone(),
            Signatures::Ignored => self.open.clone(),
        };
        self.runtime.block_on(async {
            let (client, server) = tokio::io::duplex(BUFFER);
            let slot = Slots::new(1).take().await;
            let peer = Peer::Unknown(slot.proof());
            let respond = service_fn(|request| async {
                Ok::<_, Infallible>(service.respond(&peer, request).await)
            });
            // The end of the bytes must not cancel the request.
            let connection =
                http1().half_close(true).serve_connection(TokioIo::new(server), respond);
            let (mut receiver, mut sender) = tokio::io::split(client);
            let send = async {
                // The service may close the connection before it has read everything.
                let _ = sender.write_all(bytes).await;
                let _ = sender.shutdown().await;
            };
            let mut response = Vec::new();
            let receive = async {
                let _ = receiver.read_to_end(&mut response).await;
            };
            // A connection that fails has responded, or closed without a response.
            let _ = tokio::join!(connection, send, receive);
            response
        })
    }
}

impl Drop for FuzzTarget {
    fn drop(&mut self) {
        self.index.close();
    }
}
