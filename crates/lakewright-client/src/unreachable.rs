//! Requests without a response: what kept it away, in one error.

use std::error::Error as StdError;
use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use lakewright_core::{Error, ErrorKind};

use crate::profile::Profile;

/// Why there is no answer at all.
pub fn unreachable(profile: &Profile, error: &ConnectorError, timeout: bool) -> Error {
    let root = root(error);
    if timeout || error.is_timeout() {
        let limits = format!(
            "{} to connect, {} to answer",
            seconds(profile.connect_timeout()),
            seconds(profile.read_timeout())
        );
        let why = format!("{profile} did not answer in time ({limits})");
        return Error::new(ErrorKind::Timeout, why);
    }
    let verb = if never_connected(error) { "cannot connect to" } else { "lost the connection to" };
    Error::new(ErrorKind::Unavailable, format!("{verb} {profile}: {root}"))
}

/// The error and what it was caused by, from the outside in.
pub fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// What the SDK and those below it say of a failure, from the outside in. Only what they show
/// to people: the errors themselves hold requests and answers, headers and tokens included.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// That account as an error.
#[derive(Debug)]
pub struct Cause(pub String);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

/// Whether the failure came before a single byte of the request was sent.
pub fn never_connected(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind as Io;
            return matches!(
                io.kind(),
                Io::ConnectionRefused
                    | Io::HostUnreachable
                    | Io::NetworkUnreachable
                    | Io::AddrNotAvailable
            );
        }
        if error.to_string().contains("dns error") {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The text of the innermost cause.
pub fn root(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// A duration for messages, such as `1.5 s`.
pub fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
