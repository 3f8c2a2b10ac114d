//! One error type and one table of what each kind means at every door.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

/// What lakewright's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the words every door shares.
///
/// Each kind has a code (machine-readable, stable), an HTTP status, an exit code of the command
/// line, and one exception class in Python. The enum is exhaustive on purpose: who adds a kind
/// is told by the compiler at which doors it must still be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// A declaration (spec document, `@configure` file) is wrong.
    InvalidSpec,
    /// A profile, an environment variable or a configuration file is wrong.
    InvalidConfig,
    /// An argument is wrong: a name, a range, a filter, a size.
    InvalidInput,
    /// No credentials, unknown credentials, or a signature that does not match.
    Unauthenticated,
    /// The caller is known and not allowed.
    Denied,
    /// The bucket, object, table, version or file is not there.
    NotFound,
    /// It is there already.
    AlreadyExists,
    /// Somebody else won: a concurrent change makes this one void.
    Conflict,
    /// `If-Match` or an expected version did not hold.
    PreconditionFailed,
    /// More bytes than the service, or we, accept.
    TooLarge,
    /// Data and table do not have the same columns.
    SchemaMismatch,
    /// The service asks for fewer requests.
    Throttled,
    /// The service or lakewright cannot do this.
    Unsupported,
    /// The service cannot be reached or answers that it is out of order.
    Unavailable,
    /// No answer within the time allowed.
    Timeout,
    /// Quota, disk or bucket is full.
    StorageFull,
    /// Bytes or a log are not what they claim to be.
    Corrupt,
    /// Some steps were done and others failed; the report says which.
    PartialApply,
    /// A fault of lakewright's own.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the table.
    pub const ALL: [Self; 19] = [
        Self::InvalidSpec,
        Self::InvalidConfig,
        Self::InvalidInput,
        Self::Unauthenticated,
        Self::Denied,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::TooLarge,
        Self::SchemaMismatch,
        Self::Throttled,
        Self::Unsupported,
        Self::Unavailable,
        Self::Timeout,
        Self::StorageFull,
        Self::Corrupt,
        Self::PartialApply,
        Self::Internal,
    ];

    /// Code, HTTP status, exit code. The one table of the error contract.
    const fn row(self) -> (&'static str, u16, u8) {
        match self {
            Self::InvalidSpec => ("invalid_spec", 422, 2),
            Self::InvalidConfig => ("invalid_config", 500, 2),
            Self::InvalidInput => ("invalid_input", 400, 2),
            Self::Unauthenticated => ("unauthenticated", 401, 1),
            Self::Denied => ("denied", 403, 1),
            Self::NotFound => ("not_found", 404, 1),
            Self::AlreadyExists => ("already_exists", 409, 1),
            Self::Conflict => ("conflict", 409, 1),
            Self::PreconditionFailed => ("precondition_failed", 412, 1),
            Self::TooLarge => ("too_large", 413, 1),
            Self::SchemaMismatch => ("schema_mismatch", 422, 1),
            Self::Throttled => ("throttled", 429, 1),
            Self::Unsupported => ("unsupported", 501, 1),
            Self::Unavailable => ("unavailable", 503, 1),
            Self::Timeout => ("timeout", 504, 1),
            Self::StorageFull => ("storage_full", 507, 1),
            Self::Corrupt => ("corrupt", 500, 1),
            Self::PartialApply => ("partial_apply", 500, 1),
            Self::Internal => ("internal", 500, 1),
        }
    }

    /// The stable machine-readable code, such as `not_found`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().0
    }

    /// The status an HTTP answer carries.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        self.row().1
    }

    /// The exit code of the command line: 2 where the question was wrong, 1 where the answer is no.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        self.row().2
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Timeout)
    }

    /// The kind with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// What the operating system's word means at our doors. Who knows better what a word means where
/// it was said (a file in the place of a directory that was to be made) says so after this.
impl From<io::ErrorKind> for ErrorKind {
    fn from(kind: io::ErrorKind) -> Self {
        use io::ErrorKind as Io;
        match kind {
            Io::NotFound => Self::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => Self::Denied,
            Io::AlreadyExists => Self::AlreadyExists,
            Io::AddrInUse => Self::Conflict,
            Io::StorageFull | Io::QuotaExceeded => Self::StorageFull,
            Io::FileTooLarge => Self::TooLarge,
            Io::IsADirectory
            | Io::NotADirectory
            | Io::InvalidInput
            | Io::InvalidFilename
            | Io::AddrNotAvailable => Self::InvalidInput,
            Io::InvalidData => Self::Corrupt,
            Io::TimedOut => Self::Timeout,
            // A disk that fails and a network that is gone are out of order, and may recover.
            _ => Self::Unavailable,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What the service itself said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceError {
    /// HTTP status of the answer.
    pub status: u16,
    /// The service's own code, such as `NoSuchBucket`.
    pub code: Option<String>,
    /// The request id that the service's operator can look up.
    pub request_id: Option<String>,
    /// How long the service asks callers to wait.
    pub retry_after: Option<Duration>,
}

/// Anything that went wrong, with what was being done and to what.
///
/// `Display` is one line for people: operation, resource, reason, and what the service said. It
/// never holds a secret. The cause, where there is one, is [`std::error::Error::source`].
///
/// ```
/// use lakewright_core::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::NotFound, "the bucket does not exist")
///     .during("head_bucket")
///     .on("raw");
/// assert_eq!(error.to_string(), "head_bucket raw: the bucket does not exist");
/// assert_eq!(error.kind().exit_code(), 1);
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    operation: Option<&'static str>,
    resource: Option<String>,
    service: Option<ServiceError>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    failures: Vec<Error>,
    unknown_outcome: bool,
}

impl Error {
    /// An error of this kind; `message` is a clause that says why, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            operation: None,
            resource: None,
            service: None,
            source: None,
            failures: Vec::new(),
            unknown_outcome: false,
        }))
    }

    /// Shorthand for the commonest kind a caller can mend alone.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Names the verb that was under way. The outermost call wins: a failed PUT inside an
    /// append is reported as the append that the caller asked for.
    #[must_use]
    pub fn during(mut self, operation: &'static str) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// Names what the verb was working on: a bucket, `bucket/key`, a table's URI, a file.
    #[must_use]
    pub fn on(mut self, resource: impl Into<String>) -> Self {
        self.0.resource = Some(resource.into());
        self
    }

    /// Adds what the service said.
    #[must_use]
    pub fn answered(mut self, service: ServiceError) -> Self {
        self.0.service = Some(service);
        self
    }

    /// Keeps the cause for whoever wants to look below.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error under another kind, for a caller that knows better what it means.
    #[must_use]
    pub fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The same error in better words.
    #[must_use]
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// What was asked may have been done although the answer is an error: repeating it blindly
    /// may do it twice, or meet its own success. Such an error is not retryable.
    #[must_use]
    pub fn of_unknown_outcome(mut self) -> Self {
        if !self.0.unknown_outcome {
            self.0.message +=
                "; whether it was carried out is not known: look before you repeat it";
            self.0.unknown_outcome = true;
        }
        self
    }

    /// Adds what failed of several things, so that nobody has to guess the rest.
    #[must_use]
    pub fn with_failures(mut self, failures: Vec<Error>) -> Self {
        self.0.failures = failures;
        self
    }

    /// What failed of several things, each with its own resource; empty for a single thing.
    #[must_use]
    pub fn failures(&self) -> &[Error] {
        &self.0.failures
    }

    /// The same error once more, without its cause: for telling two callers of one failure.
    #[must_use]
    pub fn told(&self) -> Self {
        let Inner {
            kind, message, operation, resource, service, failures, unknown_outcome, ..
        } = &*self.0;
        Self(Box::new(Inner {
            unknown_outcome: *unknown_outcome,
            kind: *kind,
            message: message.clone(),
            operation: *operation,
            resource: resource.clone(),
            service: service.clone(),
            source: None,
            failures: failures.iter().map(Self::told).collect(),
        }))
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Why, without operation and resource.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The verb that failed, such as `put` or `create_bucket`.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// What it was working on.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// What the service said, where it said anything.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceError> {
        self.0.service.as_ref()
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable() && !self.0.unknown_outcome
    }
}

/// Control characters would let a hostile key move the reader's cursor or forge a log line.
fn write_printable(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for c in text.chars() {
        if c.is_control() {
            write!(f, "{}", c.escape_default())?;
        } else {
            fmt::Write::write_char(f, c)?;
        }
    }
    Ok(())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { message, operation, resource, service, .. } = &*self.0;
        match (operation, resource) {
            (Some(operation), Some(resource)) => {
                write!(f, "{operation} ")?;
                write_printable(f, resource)?;
                f.write_str(": ")?;
            }
            (Some(operation), None) => write!(f, "{operation}: ")?,
            (None, Some(resource)) => {
                write_printable(f, resource)?;
                f.write_str(": ")?;
            }
            (None, None) => {}
        }
        write_printable(f, message)?;
        if let Some(service) = service {
            write!(f, " (HTTP {}", service.status)?;
            if let Some(code) = &service.code {
                f.write_str(", ")?;
                write_printable(f, code)?;
            }
            if let Some(id) = &service.request_id {
                f.write_str(", request ")?;
                write_printable(f, id)?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("text", &self.to_string())
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_lead_back() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_code(kind.code()), Some(kind));
            assert!((400..=599).contains(&kind.http_status()), "{kind}");
            assert!([1, 2].contains(&kind.exit_code()), "{kind}");
        }
        assert_eq!(ErrorKind::from_code("teapot"), None);
    }

    #[test]
    fn the_systems_words_become_ours() {
        for (theirs, ours) in [
            (io::ErrorKind::NotFound, ErrorKind::NotFound),
            (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::Denied),
            (io::ErrorKind::QuotaExceeded, ErrorKind::StorageFull),
            (io::ErrorKind::NotADirectory, ErrorKind::InvalidInput),
            (io::ErrorKind::InvalidData, ErrorKind::Corrupt),
            (io::ErrorKind::Other, ErrorKind::Unavailable),
        ] {
            assert_eq!(ErrorKind::from(theirs), ours, "{theirs}");
        }
        // EIO, which std has no name for
        assert_eq!(ErrorKind::from(io::Error::from_raw_os_error(5).kind()), ErrorKind::Unavailable);
    }

    #[test]
    fn says_operation_resource_reason_and_service() {
        let error = Error::new(ErrorKind::Denied, "not allowed")
            .during("put")
            .on("raw/a\nb\u{1b}[31m")
            .answered(ServiceError {
                status: 403,
                code: Some("AccessDenied".into()),
                request_id: Some("17".into()),
                retry_after: None,
            });
        assert_eq!(
            error.to_string(),
            r"put raw/a\nb\u{1b}[31m: not allowed (HTTP 403, AccessDenied, request 17)"
        );
        assert!(!error.is_retryable());
    }

    #[test]
    fn outermost_operation_wins_and_the_cause_stays() {
        let inner =
            Error::new(ErrorKind::Unavailable, "connection refused").during("put").on("b/k");
        let outer = Error::new(inner.kind(), inner.message())
            .during("append")
            .on("s3://b/t")
            .caused_by(inner);
        assert_eq!(outer.operation(), Some("append"));
        assert_eq!(outer.source().unwrap().to_string(), "put b/k: connection refused");
        assert!(outer.is_retryable());
    }
}
