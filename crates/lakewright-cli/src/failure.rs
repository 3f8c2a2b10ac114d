//! How a command ends when it does not end well.

use std::ffi::OsString;
use std::io::{self, Write};

use lakewright::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::human::printable;

/// Why a verb stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something went wrong.
    Error(Error),
    /// Whoever read stdout has read enough. Not an error.
    ClosedPipe,
    /// It was asked to stop, and came to an end of its own before everything was done.
    Stopped(Error),
    /// The answer is that something differs, and only the exit code has still to say so.
    Differs,
}

/// The exit code of [`Failure::Differs`].
pub(crate) const DIFFERS: u8 = 3;

/// What verbs return.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Failure {
    /// What writing the answer met.
    pub(crate) fn writing(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ClosedPipe;
        }
        Self::Error(local(error, "stdout").during("write"))
    }
}

/// What the file system said about `what`, as one of our kinds.
pub(crate) fn local(error: io::Error, what: impl Into<String>) -> Error {
    Error::new(ErrorKind::from(error.kind()), error.to_string()).on(what).caused_by(error)
}

/// Says by which signal the command was stopped, and how far it had come if it came to an end of
/// its own.
pub(crate) fn report_stopped(number: u8, end: Option<&Error>, json: bool) {
    let mut text = String::from(if number == 2 { "interrupted" } else { "terminated" });
    if let Some(error) = end {
        text.push_str(&format!(": {}", printable(error.message())));
    }
    text.push('\n');
    for failure in end.into_iter().flat_map(Error::failures) {
        text.push_str(&format!("  {}\n", shown(failure)));
    }
    if let Some(error) = end.filter(|_| json) {
        text.push_str(&format!("{}\n", document(error)));
    }
    say(&text);
}

/// Prints the error on stderr and returns its exit code.
pub(crate) fn report(error: &Error, json: bool) -> u8 {
    let mut text = format!("error: {}\n", shown(error));
    // The sum already quotes the first of several failures.
    for failure in error.failures() {
        text.push_str(&format!("  {}\n", shown(failure)));
    }
    if let Some(hint) = hint(error) {
        text.push_str(&format!("hint: {hint}\n"));
    }
    if json {
        text.push_str(&format!("{}\n", document(error)));
    }
    say(&text);
    error.kind().exit_code()
}

/// An error as lines for people. What it quotes was written by others, and may want to play with
/// the terminal.
fn shown(error: &Error) -> String {
    let text = error.to_string();
    let lines: Vec<_> = text.lines().map(printable).collect();
    lines.join("\n")
}

/// Prints what clap has to say (help on stdout, mistakes on stderr) and returns the exit code.
pub(crate) fn report_usage(error: &clap::Error, argv: &[OsString]) -> u8 {
    // A closed pipe is no error here either.
    let _ = error.print();
    let Ok(code @ 1..) = u8::try_from(error.exit_code()) else { return 0 };
    // clap could not finish, so whether JSON was asked for is only written in the arguments.
    let before_end = argv.iter().take_while(|argument| *argument != "--");
    if before_end.into_iter().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        let message = first.strip_prefix("error: ").unwrap_or(first);
        say(&format!("{}\n", document(&Error::invalid_input(message))));
    }
    code
}

/// One line on stderr for people, unless stderr is gone.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// The error as one JSON object; absent parts are null.
pub(crate) fn document(error: &Error) -> Value {
    let service = error.service();
    let mut document = json!({
        "code": error.kind().code(),
        "operation": error.operation(),
        "resource": error.resource(),
        "message": error.message(),
        "retryable": error.is_retryable(),
        "status": service.map(|said| said.status),
        "service_code": service.and_then(|said| said.code.as_deref()),
        "request_id": service.and_then(|said| said.request_id.as_deref()),
    });
    if !error.failures().is_empty() {
        document["failures"] = error.failures().iter().map(self::document).collect();
    }
    document
}

/// What to do next, where that is known. Every kind is decided here: a new one does not compile
/// until somebody did.
fn hint(error: &Error) -> Option<&'static str> {
    let service_code = error.service().and_then(|said| said.code.as_deref());
    match error.kind() {
        ErrorKind::Unauthenticated => Some(
            "`lakewright profile show` says which credentials are used and where they come from",
        ),
        ErrorKind::Denied if error.service().is_some() => Some(
            "the credentials are known but may not do this; `lakewright profile show` says whose \
             they are",
        ),
        ErrorKind::NotFound if service_code == Some("NoSuchBucket") => {
            Some("`lakewright bucket list` shows the buckets, `lakewright bucket create` makes one")
        }
        ErrorKind::PartialApply if error.operation() == Some("apply") => {
            Some("run it again once the cause is mended: it does what is left")
        }
        ErrorKind::AlreadyExists => match error.operation() {
            Some("create_bucket" | "create_table") => Some("say --exist-ok where that is fine"),
            _ => None,
        },
        ErrorKind::InvalidConfig => {
            Some("`lakewright profile show --help` lists where configuration is read from")
        }
        ErrorKind::Unavailable | ErrorKind::Timeout => {
            Some("`lakewright profile check` asks the server for a sign of life")
        }
        ErrorKind::InvalidSpec => {
            Some("`lakewright spec schema` prints the format, with a word on every field")
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
    use lakewright::ServiceError;

    #[test]
    fn documents_have_every_field() {
        let plain = document(&Error::invalid_input("no"));
        assert_eq!(
            plain,
            json!({"code": "invalid_input", "operation": null, "resource": null, "message": "no",
                   "retryable": false, "status": null, "service_code": null, "request_id": null})
        );
        let inner = Error::new(ErrorKind::Throttled, "slow down").during("delete").on("b/k");
        let error = Error::new(ErrorKind::PartialApply, "1 left")
            .answered(ServiceError { status: 503, ..ServiceError::default() })
            .with_failures(vec![inner]);
        let document = document(&error);
        assert_eq!(document["status"], 503);
        assert_eq!(document["failures"][0]["code"], "throttled");
        assert_eq!(document["failures"][0]["retryable"], true);
    }

    #[test]
    fn a_closed_pipe_is_told_from_a_full_disk() {
        let closed = Failure::writing(io::ErrorKind::BrokenPipe.into());
        assert!(matches!(closed, Failure::ClosedPipe));
        let Failure::Error(full) = Failure::writing(io::ErrorKind::StorageFull.into()) else {
            panic!("a full disk is an error");
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull);
    }
}
