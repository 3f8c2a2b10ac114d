//! The connection below everything in lakewright: a profile, a pool of HTTP connections, a source
//! of credentials, and requests signed with them.
//!
//! [`Client`] sends one signed request and retries it as far as the request allows.
//! `lakewright-s3` gives the same pool and credentials to the S3 SDK; `lakewright-admin` sends the
//! requests of MinIO's admin API with it. [`classify_code`] converts a status and an error code of
//! S3 into the kind of an error.

mod background;
mod clock;
mod dial;
mod error_body;
mod error_code;
#[doc(hidden)]
pub mod fuzz;
mod local_file;
mod pool;
pub mod profile;
mod response_limit;
mod transport;
mod unreachable;

/// The access key, secret key and session token that a request is signed with.
pub use aws_credential_types::Credentials as SigningKeys;
pub use background::{finish_background_work, spawn_background};
pub use clock::Clock;
pub use dial::{Dial, DialFuture};
pub use error_body::ErrorBody;
pub use error_code::{CREDENTIAL_ERRORS, classify_code, leaves_outcome_open};
pub use pool::Pool;
pub use profile::Profile;
pub use response_limit::{MAX_RESPONSE_BYTES, limit_response};
pub use transport::{
    Client, Guard, INITIAL_DELAY, MAX_DELAY, PayloadHash, Request, Response, Retry, sha256,
};
pub use unreachable::{
    Cause, causes, chain, connection_lost, never_connected, root, seconds, timed_out, unreachable,
};
