//! Errors of requests that got no response.

use std::error::Error as StdError;
use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use lakewright_core::{Error, ErrorKind, Outcome};

use crate::profile::Profile;

/// Returns the error for a request without any response. Its outcome is `NotSent` if no connection
/// was established.
pub fn unreachable(profile: &Profile, error: &ConnectorError) -> Error {
    if error.is_timeout() {
        return timed_out(profile, error);
    }
    let root = root(error);
    let outcome = outcome(error);
    let verb = match outcome {
        Outcome::NotSent => "cannot connect to",
        Outcome::Known | Outcome::Unknown => "lost the connection to",
    };
    Error::new(ErrorKind::Unavailable, format!("{verb} {profile}: {root}")).with_outcome(outcome)
}

/// Returns the error for a request without any response in time. Its outcome is `NotSent` if no
/// connection was established.
pub fn timed_out(profile: &Profile, error: &ConnectorError) -> Error {
    let limits = format!(
        "{} to connect, {} to answer",
        seconds(profile.connect_timeout()),
        seconds(profile.read_timeout())
    );
    let why = format!("{profile} did not answer in time ({limits})");
    Error::new(ErrorKind::Timeout, why).with_outcome(outcome(error))
}

fn outcome(error: &ConnectorError) -> Outcome {
    if never_connected(error) { Outcome::NotSent } else { Outcome::Known }
}

/// Returns the error and its sources, the outermost first.
pub fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Returns the messages of an error and its sources, the outermost first. The errors themselves are
/// not kept, because those of the SDK contain requests and responses, with headers and tokens.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The text of [`chain`] as an error.
#[derive(Debug)]
pub struct Cause(pub String);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

/// Whether no connection was established, so that not a byte of the request was sent: the name
/// was not resolved, or connecting or the TLS handshake failed or took too long.
pub fn never_connected(error: &(dyn StdError + 'static)) -> bool {
    causes(error)
        .filter_map(|error| error.downcast_ref::<hyper_util::client::legacy::Error>())
        .any(hyper_util::client::legacy::Error::is_connect)
}

/// Whether the connection ended before the response did.
pub fn connection_lost(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|error| error.is::<std::io::Error>() || error.is::<hyper::Error>())
}

/// Returns the message of the innermost cause.
pub fn root(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Formats a duration for messages, such as `1.5 s`.
pub fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
