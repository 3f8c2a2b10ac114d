//! An S3 server inside the process, for laptops and tests.
//!
//! It listens on loopback, keeps its data in one directory, and speaks enough S3 for lakewright,
//! boto3, the AWS SDKs and Delta Lake: buckets, objects, ranges, conditions, multipart uploads,
//! copies, batch deletes, listings, tags and checksums. What it lacks answers `NotImplemented`.
//! `s3s` reads and writes the protocol and checks signatures; everything behind it is here.
//!
//! ```
//! use lakewright_embedded::{EmbeddedOptions, EmbeddedServer};
//! # let dir = tempfile::tempdir()?;
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let server = EmbeddedServer::start(EmbeddedOptions::new(dir.path())).await?;
//! println!("{} {}", server.endpoint(), server.access_key_id());
//! server.shutdown().await?;
//! # Ok::<(), lakewright_embedded::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is kept where
//!
//! | in the directory | holds |
//! |---|---|
//! | `index.redb` | buckets, objects, uploads, parts, and the bytes of small objects |
//! | `blobs/xx/` | the bytes of all others, a file for each upload or part |
//! | `tmp/` | uploads that have not arrived; emptied at start |
//! | `credentials.json` | the generated keys, mode 0600 |
//! | `server.json` | where the running server is, mode 0600; see [`attach`] |
//! | `lock` | held (flock) by the running server |
//! | `reserve` | 8 MiB that are given up when a deletion meets a full disk |
//!
//! # Promises
//!
//! - A write that was answered is there after `SIGKILL`, and with [`Durability::Machine`] after a
//!   loss of power. One that was not answered is there whole or not at all.
//! - Nothing is visible before its length and every checksum that the client gave were verified.
//! - `If-None-Match` and `If-Match` on writes are decided in the transaction that writes: of any
//!   number of concurrent creators of a key exactly one succeeds.
//! - A GET that has begun ends with the bytes it began with, whatever happens to the object.
//! - Bytes that have rotted on the disk are noticed when an object is read whole.
//! - A full disk refuses uploads (507) and lets things be deleted.

mod attach;
mod blob;
mod checksum;
mod credentials;
mod files;
mod http_service;
mod index;
mod lock;
mod mend;
mod options;
mod receive;
mod reserve;
mod s3;
mod server;
mod shared_body;

use std::io;
use std::path::Path;

pub use attach::{Attachment, Embedded, attach, start_or_attach};
pub use lakewright_core::{Error, ErrorKind, Result, Secret};
pub use options::{Durability, EmbeddedOptions};
pub use server::EmbeddedServer;

/// An error of the file system, or of the network, in our words.
fn io_error(error: io::Error, operation: &'static str, path: &Path) -> Error {
    let kind = match error.kind() {
        // Something other than a directory is in the data directory's place. `AlreadyExists`
        // means here that another server has the directory.
        io::ErrorKind::AlreadyExists => ErrorKind::InvalidInput,
        kind => kind.into(),
    };
    Error::new(kind, error.to_string())
        .during(operation)
        .on(path.display().to_string())
        .caused_by(error)
}
