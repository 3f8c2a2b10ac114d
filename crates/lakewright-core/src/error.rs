//! The error type of the workspace, and the table of the kinds of errors with their codes, HTTP
//! statuses and exit codes.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

/// The result of lakewright's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of a failure.
///
/// Each kind has a stable code, an HTTP status, an exit code of the command line, and one
/// exception class in Python. The enum is exhaustive on purpose, and code that matches on it has
/// no `_` arm, so that the compiler lists every place that has to handle a new kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// A spec (a file, or a folder of `@configure` functions) is invalid.
    InvalidSpec,
    /// A profile, an environment variable or a configuration file is invalid.
    InvalidConfig,
    /// An argument is invalid: a name, a range, a filter, a size.
    InvalidInput,
    /// Credentials are missing, the access key is unknown, or the signature does not match.
    Unauthenticated,
    /// The credentials are valid and do not permit the operation.
    Denied,
    /// The bucket, object, table, version or file does not exist.
    NotFound,
    /// The resource that was to be created exists.
    AlreadyExists,
    /// A concurrent change makes the operation impossible.
    Conflict,
    /// `If-Match` or an expected version did not hold.
    PreconditionFailed,
    /// More bytes than the service or lakewright accepts.
    TooLarge,
    /// The columns of the data differ from those of the table.
    SchemaMismatch,
    /// The service asks for fewer requests.
    Throttled,
    /// The service or lakewright does not implement the operation.
    Unsupported,
    /// The service cannot be reached, or reports a fault of its own.
    Unavailable,
    /// A response did not arrive within the timeout.
    Timeout,
    /// A quota, a disk or a bucket is full.
    StorageFull,
    /// Bytes or a log are not in the format that they should have.
    Corrupt,
    /// Some steps were done and others failed; the report lists them.
    PartialApply,
    /// A fault of lakewright.
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

    /// Returns code, HTTP status and exit code: the only table of the error contract.
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

    /// Returns the stable machine-readable code, such as `not_found`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().0
    }

    /// Returns the status of an HTTP response that reports this kind.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        self.row().1
    }

    /// Returns the exit code of the command line: 2 for an invalid call, 1 for one that failed.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        self.row().2
    }

    /// Returns whether the cause may pass by itself, so that the same call may succeed later.
    /// [`Error::is_retryable`] also takes the outcome into account.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Timeout)
    }

    /// Returns the kind with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// The meaning of an error of the operating system. A caller that knows a better kind (a file in
/// the place of a directory that was to be created) sets it with [`Error::with_kind`].
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
            // A failing disk and a lost network may recover.
            _ => Self::Unavailable,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Whether an operation that failed may have been carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The request that failed was not sent: no connection was established, or lakewright refused
    /// to send it.
    NotSent,
    /// The operation was not carried out, or it is idempotent (a read, a delete, an unconditional
    /// PUT), so that a retry cannot do harm.
    #[default]
    Known,
    /// A write that is not idempotent may have been carried out: its response was lost. A retry
    /// could write twice, or be refused because the first attempt succeeded.
    Unknown,
}

/// The response of the service to a request that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceError {
    /// HTTP status of the response.
    pub status: u16,
    /// The service's own code, such as `NoSuchBucket`.
    pub code: Option<String>,
    /// The service's own explanation.
    pub message: Option<String>,
    /// The request id that the service's operator can look up.
    pub request_id: Option<String>,
    /// The time that the service asks callers to wait before a retry.
    pub retry_after: Option<Duration>,
}

/// A failure: its kind, the operation, the resource, the reason, and whether a retry helps.
///
/// `Display` is one line for people: operation, resource, reason, whether the outcome is unknown,
/// and the response of the service. It never contains a secret. The cause, where there is one, is
/// [`std::error::Error::source`].
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
    outcome: Outcome,
    source: Option<Box<dyn StdError + Send + Sync>>,
    failures: Vec<Error>,
}

impl Error {
    /// Returns an error of this kind; `message` is a clause that states the reason, without a
    /// full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            operation: None,
            resource: None,
            service: None,
            outcome: Outcome::Known,
            source: None,
            failures: Vec::new(),
        }))
    }

    /// Returns an error of the kind [`ErrorKind::InvalidInput`].
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Puts the error into a wider context: returns an error of `kind` with `message` whose source
    /// is `self`. Operation, resource, outcome, the response of the service and the failures are
    /// those of `self`.
    ///
    /// An error about another error is created with this method and never with [`Error::new`],
    /// which would lose the outcome.
    #[must_use]
    pub fn wrap(mut self, kind: ErrorKind, message: impl Into<String>) -> Self {
        let failures = std::mem::take(&mut self.0.failures);
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            operation: self.0.operation,
            resource: self.0.resource.clone(),
            service: self.0.service.clone(),
            outcome: self.0.outcome,
            failures,
            source: Some(Box::new(self)),
        }))
    }

    /// Sets the operation that failed. The outermost call wins: a failed PUT inside an append is
    /// reported as the append that the caller asked for.
    #[must_use]
    pub fn during(mut self, operation: &'static str) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// Sets the resource of the operation: a bucket, `bucket/key`, a table's URI, a file.
    #[must_use]
    pub fn on(mut self, resource: impl Into<String>) -> Self {
        self.0.resource = Some(resource.into());
        self
    }

    /// Sets the response of the service.
    #[must_use]
    pub fn with_service(mut self, service: ServiceError) -> Self {
        self.0.service = Some(service);
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Replaces the kind, for a caller that knows a better one.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Replaces the message, for a caller that can explain the failure better.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Sets whether the operation may have been carried out. `Display` states an unknown outcome
    /// behind the message.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = outcome;
        self
    }

    /// Sets the errors of the parts of an operation on several resources.
    #[must_use]
    pub fn with_failures(mut self, failures: Vec<Error>) -> Self {
        self.0.failures = failures;
        self
    }

    /// Returns the errors of the parts of an operation on several resources, each with its own
    /// resource.
    #[must_use]
    pub fn failures(&self) -> &[Error] {
        &self.0.failures
    }

    /// Clones the error without its source, so that several callers can own the same failure.
    #[must_use]
    pub fn without_source(&self) -> Self {
        let Inner { kind, message, operation, resource, service, outcome, source: _, failures } =
            &*self.0;
        Self(Box::new(Inner {
            kind: *kind,
            message: message.clone(),
            operation: *operation,
            resource: resource.clone(),
            service: service.clone(),
            outcome: *outcome,
            source: None,
            failures: failures.iter().map(Self::without_source).collect(),
        }))
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the reason, without operation and resource. It is for people: code decides by
    /// [`Error::kind`], [`Error::outcome`] and [`Error::service`].
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the operation that failed, such as `put` or `create_bucket`.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Returns the resource of the operation.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// Returns the response of the service, if there was one.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceError> {
        self.0.service.as_ref()
    }

    /// Returns the error code of the service, such as `NoSuchBucket`; empty if there is none.
    #[must_use]
    pub fn service_code(&self) -> &str {
        self.service().and_then(|service| service.code.as_deref()).unwrap_or_default()
    }

    /// Returns whether the request that failed may have been carried out.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// Returns whether the operation, or one of its parts, may have been carried out although it
    /// failed, so that a retry could do it twice. The caller has to check the state before a retry.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        self.0.outcome == Outcome::Unknown || self.0.failures.iter().any(Self::outcome_unknown)
    }

    /// Returns whether the same call may succeed later and cannot take effect twice. It is false
    /// whenever [`Error::outcome_unknown`] is true.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable() && !self.outcome_unknown()
    }
}

/// Writes text with its control characters escaped. A hostile object key could otherwise move the
/// reader's cursor or forge a line of a log.
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
        let Inner { message, operation, resource, service, outcome, .. } = &*self.0;
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
        if *outcome == Outcome::Unknown {
            f.write_str("; whether it was carried out is not known: check before you repeat it")?;
        }
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
            .field("outcome", &self.0.outcome)
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
    fn codes_are_unique_and_map_back_to_their_kind() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_code(kind.code()), Some(kind));
            assert!((400..=599).contains(&kind.http_status()), "{kind}");
            assert!([1, 2].contains(&kind.exit_code()), "{kind}");
        }
        assert_eq!(ErrorKind::from_code("teapot"), None);
    }

    #[test]
    fn errors_of_the_operating_system_have_a_kind() {
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
        // EIO, which has no variant in std::io::ErrorKind.
        assert_eq!(ErrorKind::from(io::Error::from_raw_os_error(5).kind()), ErrorKind::Unavailable);
    }

    #[test]
    fn display_has_operation_resource_reason_and_response() {
        let error = Error::new(ErrorKind::Denied, "not allowed")
            .during("put")
            .on("raw/a\nb\u{1b}[31m")
            .with_service(ServiceError {
                status: 403,
                code: Some("AccessDenied".into()),
                request_id: Some("17".into()),
                ..ServiceError::default()
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
        let outer = inner
            .wrap(ErrorKind::Unavailable, "connection refused")
            .during("append")
            .on("s3://b/t");
        assert_eq!(outer.operation(), Some("append"));
        assert_eq!(outer.source().unwrap().to_string(), "put b/k: connection refused");
        assert!(outer.is_retryable());
    }

    /// Returns an error with all properties that a new context must keep.
    fn lost(outcome: Outcome) -> Error {
        let service = ServiceError { status: 500, ..ServiceError::default() };
        Error::new(ErrorKind::Unavailable, "lost")
            .during("put")
            .on("b/k")
            .with_service(service)
            .with_outcome(outcome)
    }

    #[test]
    fn a_new_context_keeps_outcome_response_and_retryability() {
        for outcome in [Outcome::NotSent, Outcome::Known, Outcome::Unknown] {
            for error in [
                lost(outcome),
                lost(outcome).wrap(ErrorKind::Timeout, "not ready"),
                lost(outcome).without_source(),
                lost(outcome).with_message("better").with_kind(ErrorKind::Throttled),
                lost(outcome).during("append").on("s3://b/t").caused_by("text"),
            ] {
                assert_eq!(error.outcome(), outcome);
                assert_eq!(error.outcome_unknown(), outcome == Outcome::Unknown);
                assert_eq!(error.is_retryable(), outcome != Outcome::Unknown);
                assert_eq!(error.service().map(|service| service.status), Some(500));
                let stated = error.to_string().contains("is not known: check");
                assert_eq!(stated, outcome == Outcome::Unknown, "{error}");
            }
        }
        let known = Error::new(ErrorKind::Denied, "no").with_outcome(Outcome::Known);
        assert!(!known.outcome_unknown() && !known.is_retryable());
    }

    #[test]
    fn an_unknown_outcome_of_a_part_is_one_of_the_whole() {
        let parts = vec![lost(Outcome::Known), lost(Outcome::Unknown)];
        let error = Error::new(ErrorKind::Unavailable, "2 failed").with_failures(parts);
        assert!(error.outcome_unknown() && !error.is_retryable());
        let wrapped = error.wrap(ErrorKind::Timeout, "late");
        assert!(wrapped.outcome_unknown() && !wrapped.is_retryable());
        assert_eq!(wrapped.failures().len(), 2);
        let known = Error::new(ErrorKind::Unavailable, "1 failed");
        assert!(known.with_failures(vec![lost(Outcome::Known)]).is_retryable());
    }
}
