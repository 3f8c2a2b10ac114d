//! An S3 server inside the process, for laptops and tests.
//!
//! It listens on loopback, stores its data in one directory, and implements enough of S3 for
//! lakewright, boto3, the AWS SDKs and Delta Lake: buckets, objects, ranges, conditions, multipart
//! uploads, copies, batch deletes, listings, tags and checksums. Other operations return
//! `NotImplemented`. `s3s` parses the protocol and checks signatures; this crate is the rest.
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
//! # The data directory
//!
//! | file | content |
//! |---|---|
//! | `index.redb` | buckets, objects, uploads, parts, and the bytes of small objects |
//! | `blobs/xx/` | the bytes of all other objects, one file per upload or part |
//! | `tmp/` | unfinished uploads; emptied at start |
//! | `credentials.json` | the generated credentials, mode 0600 |
//! | `server.json` | address and credentials of the running server, mode 0600; see [`attach`] |
//! | `lock` | held (flock) by the running server |
//! | `reserve` | 8 MiB that are released when a deletion finds the disk full |
//!
//! # Guarantees
//!
//! - An acknowledged write survives `SIGKILL`, and with [`Durability::Machine`] a loss of power. A
//!   write that was not acknowledged is present completely or not at all.
//! - An object becomes visible only after its length and all checksums that the client sent were
//!   verified.
//! - `If-None-Match` and `If-Match` on writes are checked in the transaction that writes: of any
//!   number of concurrent creators of a key exactly one succeeds.
//! - A GET returns the bytes of the object as it was when the GET started, even if the object is
//!   replaced or deleted meanwhile.
//! - Damaged bytes on the disk are detected when an object is read completely.
//! - On a full disk uploads fail (507) and deletions succeed.

mod attach;
mod blob;
mod checksum;
mod credentials;
mod error;
mod files;
mod http_service;
mod index;
mod lock;
mod normalise;
mod options;
mod receive;
mod reserve;
mod s3;
mod server;
mod shared_body;
mod start_or_attach;

pub use attach::{Attachment, attach};
pub use lakewright_core::{Error, ErrorKind, Result, Secret};
pub use options::{Durability, EmbeddedOptions};
pub use server::EmbeddedServer;
pub use start_or_attach::{Embedded, start_or_attach};
