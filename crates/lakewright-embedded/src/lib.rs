//! An S3 server inside the process, for laptops and tests.
//!
//! It stores its data in one directory, serves the processes of its user over a Unix socket in that
//! directory and other S3 clients over TCP on loopback, and implements enough of S3 for
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
//! | `tmp/` | unfinished uploads; deleted at start |
//! | `credentials.json` | the generated credentials, mode 0600 |
//! | `socket` | the Unix socket of the running server; see [`attach`] |
//! | `lakewright-data` | marks the directory as one of a server |
//! | `lock` | held (flock) by the running server |
//! | `reserve` | 8 MiB that are released when a deletion finds the disk full |
//!
//! A server takes a missing or empty directory, or one with the marker, and changes nothing in any
//! other. Another user must not be able to exchange the directory or its content: the directory must
//! belong to the user who runs the server, those above it to that user or root, and no other user
//! may write to them, except to a directory above it with the sticky bit, such as `/tmp`. Files are
//! opened without following links, and only files that a server names are deleted.
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
//! - A process that connects by the directory ([`attach`], [`open_connection`]) reaches a server of
//!   its own user or none: no other user can listen there. Over TCP there is no such guarantee,
//!   because any user can listen on a port that a server has left.
//! - Connections without a valid signature cannot keep out those with one.

mod access;
mod attach;
mod blob;
mod checksum;
mod connections;
mod credentials;
mod data_dir;
mod error;
mod folder;
#[doc(hidden)]
pub mod fuzz;
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
mod signature;
mod slots;
mod socket;
mod start_or_attach;
mod tcp;
mod trust;

pub use attach::{Attachment, attach, listen, open_connection};
pub use lakewright_core::{Error, ErrorKind, Result, Secret};
pub use options::{Durability, EmbeddedOptions};
pub use server::EmbeddedServer;
pub use start_or_attach::{Embedded, start_or_attach};
