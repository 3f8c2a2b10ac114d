//! Failures of a command, and how they are reported on stderr.

use std::ffi::OsString;
use std::io;

use lakewright::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::human::{printable, printable_json};
use crate::stderr;

/// The reason why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An operation failed.
    Error(Error),
    /// The reader of stdout has closed the pipe, as head(1) does. The exit code is 0.
    ClosedPipe,
    /// The command finished by itself after a signal, before everything was done.
    Stopped(Error),
    /// The command succeeded and found differences, which the exit code reports.
    Differs,
}

/// The exit code of [`Failure::Differs`].
pub(crate) const DIFFERS: u8 = 3;

/// The result of a command.
pub(crate) type CommandResult<T = ()> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Failure {
    /// Converts an error of writing to stdout.
    pub(crate) fn from_write_error(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ClosedPipe;
        }
        Self::Error(io_error(error, "stdout").during("write"))
    }
}

/// Converts an I/O error of this machine; `resource` is the file or stream.
pub(crate) fn io_error(error: io::Error, resource: impl Into<String>) -> Error {
    Error::new(ErrorKind::from(error.kind()), error.to_string()).on(resource).caused_by(error)
}

/// Reports on stderr that a signal stopped the command, and what was done if the command finished
/// by itself.
pub(crate) fn report_stopped(signal: u8, end: Option<&Error>, json: bool) {
    let mut text = String::from(if signal == 2 { "interrupted" } else { "terminated" });
    if let Some(error) = end {
        text.push_str(&format!(": {}", printable(error.message())));
    }
    text.push('\n');
    for failure in end.into_iter().flat_map(Error::failures) {
        text.push_str(&format!("  {}\n", escaped(failure)));
    }
    if let Some(error) = end.filter(|_| json) {
        text.push_str(&format!("{}\n", printable_json(&error_json(error))));
    }
    stderr::write(&text);
}

/// Reports the error on stderr and returns its exit code.
pub(crate) fn report(error: &Error, json: bool) -> u8 {
    let mut text = format!("error: {}\n", escaped(error));
    for failure in error.failures() {
        text.push_str(&format!("  {}\n", escaped(failure)));
    }
    if let Some(hint) = hint(error) {
        text.push_str(&format!("hint: {hint}\n"));
    }
    if json {
        text.push_str(&format!("{}\n", printable_json(&error_json(error))));
    }
    stderr::write(&text);
    error.kind().exit_code()
}

/// Returns the error as text for people. Control characters are escaped, because error messages
/// quote servers and file names, which may contain terminal escape sequences.
fn escaped(error: &Error) -> String {
    let text = error.to_string();
    let lines: Vec<_> = text.lines().map(printable).collect();
    lines.join("\n")
}

/// Prints the help on stdout, or an error in the arguments on stderr, and returns the exit code.
pub(crate) fn report_usage(error: &clap::Error, argv: &[OsString]) -> u8 {
    // Printing fails only when the stream is closed, which is not an error.
    let _ = error.print();
    let Ok(code @ 1..) = u8::try_from(error.exit_code()) else { return 0 };
    // The arguments could not be parsed, so --json is searched for in their text.
    let before_end = argv.iter().take_while(|argument| *argument != "--");
    if before_end.into_iter().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        let message = first.strip_prefix("error: ").unwrap_or(first);
        let document = printable_json(&error_json(&Error::invalid_input(message)));
        stderr::write(&format!("{document}\n"));
    }
    code
}

/// Returns the error as one JSON object; absent values are null.
pub(crate) fn error_json(error: &Error) -> Value {
    let service = error.service();
    let mut document = json!({
        "code": error.kind().code(),
        "operation": error.operation(),
        "resource": error.resource(),
        "message": error.message(),
        "retryable": error.is_retryable(),
        "outcome_unknown": error.outcome_unknown(),
        "status": service.map(|service| service.status),
        "service_code": service.and_then(|service| service.code.as_deref()),
        "request_id": service.and_then(|service| service.request_id.as_deref()),
    });
    if !error.failures().is_empty() {
        document["failures"] = error.failures().iter().map(error_json).collect();
    }
    document
}

/// Returns what the user can do about the error, if that is known. The match names every kind, so
/// that a new kind does not compile until it has been considered here.
fn hint(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Unauthenticated => Some(
            "`lakewright profile show` shows which credentials are used and where they come from",
        ),
        ErrorKind::Denied if error.service().is_some() => Some(
            "the server knows the credentials but denies the operation; `lakewright profile show` \
             shows where they come from",
        ),
        ErrorKind::NotFound if error.service_code() == "NoSuchBucket" => Some(
            "`lakewright bucket list` lists the buckets, `lakewright bucket create` creates one",
        ),
        ErrorKind::PartialApply if error.operation() == Some("apply") => {
            Some("run it again once the cause is fixed: it carries out the remaining steps")
        }
        ErrorKind::AlreadyExists => match error.operation() {
            Some("create_bucket" | "create_table") => Some("--exist-ok accepts one that exists"),
            _ => None,
        },
        ErrorKind::InvalidConfig => {
            Some("`lakewright profile show --help` lists where configuration is read from")
        }
        ErrorKind::Unavailable | ErrorKind::Timeout => {
            Some("`lakewright profile check` tests the connection")
        }
        ErrorKind::InvalidSpec => {
            Some("`lakewright spec schema` prints the format with a description of every field")
        }
        ErrorKind::SchemaMismatch => Some("`lakewright table show` prints the table's columns"),
        ErrorKind::Conflict
        | ErrorKind::Corrupt
        | ErrorKind::Denied
        | ErrorKind::Internal
        | ErrorKind::InvalidInput
        | ErrorKind::NotFound
        | ErrorKind::PartialApply
        | ErrorKind::PreconditionFailed
        | ErrorKind::StorageFull
        | ErrorKind::Throttled
        | ErrorKind::TooLarge
        | ErrorKind::Unsupported => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lakewright::{Outcome, ServiceError};

    #[test]
    fn documents_have_every_field() {
        let plain = error_json(&Error::invalid_input("no"));
        assert_eq!(
            plain,
            json!({"code": "invalid_input", "operation": null, "resource": null, "message": "no",
                   "retryable": false, "outcome_unknown": false, "status": null,
                   "service_code": null, "request_id": null})
        );
        let inner = Error::new(ErrorKind::Throttled, "slow down").during("delete").on("b/k");
        let error = Error::new(ErrorKind::PartialApply, "1 left")
            .with_service(ServiceError { status: 503, ..ServiceError::default() })
            .with_failures(vec![inner]);
        let document = error_json(&error);
        assert_eq!(document["status"], 503);
        assert_eq!(document["failures"][0]["code"], "throttled");
        assert_eq!(document["failures"][0]["retryable"], true);
        let lost = Error::new(ErrorKind::Unavailable, "lost").with_outcome(Outcome::Unknown);
        let document = error_json(&lost);
        assert_eq!(
            (&document["retryable"], &document["outcome_unknown"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(document["message"], "lost");
    }

    #[test]
    fn a_closed_pipe_and_a_full_disk_are_distinguished() {
        let closed = Failure::from_write_error(io::ErrorKind::BrokenPipe.into());
        assert!(matches!(closed, Failure::ClosedPipe));
        let Failure::Error(full) = Failure::from_write_error(io::ErrorKind::StorageFull.into())
        else {
            panic!("a full disk is an error");
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull);
    }
}
