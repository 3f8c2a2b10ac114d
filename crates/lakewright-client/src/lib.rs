//! The connection below everything in lakewright: a profile, a pool of HTTP connections, a source
//! of credentials, and requests signed with them.
//!
//! [`Client`] sends one signed request and retries it as far as the request allows.
//! `lakewright-s3` gives the same pool and credentials to the S3 SDK; `lakewright-admin` speaks
//! MinIO's admin API over it. [`meaning()`] says what a status and an error code of S3 mean.

mod background;
mod clock;
mod error_body;
mod meaning;
mod pool;
pub mod profile;
mod transport;
mod unreachable;

/// The access key, secret key and session token that a request is signed with.
pub use aws_credential_types::Credentials as SigningKeys;
pub use background::{finish_background_work, spawn_background};
pub use clock::Clock;
pub use error_body::ErrorBody;
pub use meaning::{CREDENTIAL_ERRORS, leaves_outcome_open, meaning};
pub use pool::Pool;
pub use profile::Profile;
pub use transport::{
    Client, FIRST_PAUSE, Guard, MAX_PAUSE, PayloadHash, Repeat, Request, Response,
};
pub use unreachable::{
    Cause, causes, chain, connection_lost, never_connected, root, seconds, unreachable,
};
