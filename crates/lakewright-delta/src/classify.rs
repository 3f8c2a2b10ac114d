//! From what deltalake, DataFusion and Arrow report to what lakewright says.

use std::error::Error as StdError;

use arrow::error::ArrowError;
use deltalake::DeltaTableError;
use deltalake::datafusion::error::DataFusionError;
use deltalake::kernel::transaction::{CommitConflictError, TransactionError};
use lakewright_core::{Error, ErrorKind, Result};

use super::Table;

/// Says what a failure means for a verb on a table.
pub(super) trait Classify<T> {
    fn classify(self, table: &Table, operation: &'static str) -> Result<T>;
}

impl<T, E: Into<Failure>> Classify<T> for Result<T, E> {
    fn classify(self, table: &Table, operation: &'static str) -> Result<T> {
        self.map_err(|error| error.into().explain().during(operation).on(table.uri().to_string()))
    }
}

/// Whatever may come from below.
#[derive(Debug)]
pub(super) enum Failure {
    Ours(Error),
    Delta(DeltaTableError),
    Query(DataFusionError),
    Arrow(ArrowError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<DeltaTableError> for Failure {
    fn from(error: DeltaTableError) -> Self {
        Self::Delta(error)
    }
}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        Self::Query(error)
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

impl Failure {
    pub(super) fn explain(self) -> Error {
        let (kind, message) = match &self {
            Self::Ours(_) => (ErrorKind::Internal, String::new()),
            Self::Delta(error) => meaning(error),
            Self::Query(error) => meaning(error),
            Self::Arrow(error) => meaning(error),
        };
        match self {
            Self::Ours(error) => error,
            Self::Delta(error) => Error::new(kind, message).keeping(&error).caused_by(error),
            Self::Query(error) => Error::new(kind, message).keeping(&error).caused_by(error),
            Self::Arrow(error) => Error::new(kind, message).keeping(&error).caused_by(error),
        }
    }
}

/// Takes over what the service said to the request that failed at the bottom.
trait Keeping {
    fn keeping(self, error: &(dyn StdError + 'static)) -> Self;
}

impl Keeping for Error {
    fn keeping(self, error: &(dyn StdError + 'static)) -> Self {
        let said = causes(error).find_map(|e| e.downcast_ref::<Error>()?.service().cloned());
        match said {
            Some(said) => self.answered(said),
            None => self,
        }
    }
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| inner(*error))
}

/// The next cause. DataFusion and Arrow hide theirs behind variants that `source` skips.
fn inner<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    if let Some(error) = error.downcast_ref::<DataFusionError>() {
        match error {
            DataFusionError::External(inner) => return Some(inner.as_ref()),
            DataFusionError::ArrowError(inner, _) => return Some(inner.as_ref()),
            DataFusionError::Shared(inner) => return Some(inner.as_ref()),
            DataFusionError::Context(_, inner) => return Some(inner.as_ref()),
            DataFusionError::Diagnostic(_, inner) => return Some(inner.as_ref()),
            DataFusionError::ObjectStore(inner) => return Some(inner.as_ref()),
            DataFusionError::ParquetError(inner) => return Some(inner.as_ref()),
            _ => {}
        }
    }
    if let Some(delta_kernel::Error::ObjectStore(inner)) = error.downcast_ref() {
        return Some(inner);
    }
    if let Some(ArrowError::ExternalError(inner)) = error.downcast_ref::<ArrowError>() {
        return Some(inner.as_ref());
    }
    error.source()
}

/// The kind and the message: from the most telling cause on the way down.
fn meaning(error: &(dyn StdError + 'static)) -> (ErrorKind, String) {
    for error in causes(error) {
        if let Some(ours) = error.downcast_ref::<Error>() {
            return (ours.kind(), ours.message().to_owned());
        }
        if let Some(delta_kernel::Error::FileNotFound(_)) = error.downcast_ref() {
            return (ErrorKind::NotFound, "there is no Delta table here, or no such bucket".into());
        }
        if let Some(known) = error.downcast_ref::<DeltaTableError>().and_then(delta) {
            return known;
        }
        if let Some(known) = error.downcast_ref::<TransactionError>().and_then(transaction) {
            return known;
        }
        if let Some(known) = error.downcast_ref::<DataFusionError>().and_then(query) {
            return known;
        }
        if let Some(known) = error.downcast_ref::<ArrowError>().and_then(columns) {
            return known;
        }
    }
    // What nobody knows better is said as it is.
    let text = plain(&error.to_string());
    if let Some((rows, _)) = text.split_once(" rows failed validation check") {
        // deltalake goes on with a preview of the rows; data does not belong in messages.
        let rows = rows.rsplit(' ').next().unwrap_or("some");
        let why = format!("{rows} rows break replace_where, or a constraint of the table");
        return (ErrorKind::InvalidInput, why);
    }
    let known = UNTYPED.iter().find(|(words, _)| text.contains(words));
    (known.map_or(ErrorKind::Internal, |(_, kind)| *kind), text)
}

/// Failures that deltalake and its kernel report as text without a type of their own.
const UNTYPED: [(&str, ErrorKind); 3] = [
    ("Error parsing property", ErrorKind::InvalidInput),
    ("not supported", ErrorKind::Unsupported),
    ("unsupported", ErrorKind::Unsupported),
];

fn delta(error: &DeltaTableError) -> Option<(ErrorKind, String)> {
    use DeltaTableError as D;
    let known = match error {
        D::NotATable(why) if why.starts_with("the table is not that old") => {
            (ErrorKind::NotFound, why.clone())
        }
        D::NotATable(_) | D::NotInitialized => {
            (ErrorKind::NotFound, "there is no Delta table here".into())
        }
        D::InvalidVersion(version) => {
            (ErrorKind::NotFound, format!("the table has no version {version}"))
        }
        D::SchemaMismatch { msg } => (ErrorKind::SchemaMismatch, plain(msg)),
        D::InvalidData { message } => (ErrorKind::InvalidInput, plain(message)),
        D::PartitionError { .. } | D::InvalidPartitionFilter { .. } => {
            (ErrorKind::InvalidInput, plain(&error.to_string()))
        }
        D::InvalidJsonLog { version, .. } => {
            (ErrorKind::Corrupt, format!("the commit of version {version} is no JSON"))
        }
        D::InvalidStatsJson { .. } | D::MetadataError(_) | D::NoSchema => {
            (ErrorKind::Corrupt, plain(&error.to_string()))
        }
        D::VersionAlreadyExists(version) => {
            (ErrorKind::Conflict, format!("somebody else committed version {version} first"))
        }
        D::UnsupportedColumnMapping { .. } | D::MissingFeature { .. } => {
            (ErrorKind::Unsupported, plain(&error.to_string()))
        }
        D::Transaction { source } => return transaction(source),
        _ => return None,
    };
    Some(known)
}

fn transaction(error: &TransactionError) -> Option<(ErrorKind, String)> {
    use TransactionError as T;
    let known = match error {
        T::VersionAlreadyExists(version) => {
            (ErrorKind::Conflict, format!("somebody else committed version {version} first"))
        }
        T::MaxCommitAttempts(times) => {
            (ErrorKind::Conflict, format!("others committed first, {times} times in a row"))
        }
        T::CommitConflict(
            CommitConflictError::UnsupportedReaderVersion(_)
            | CommitConflictError::UnsupportedWriterVersion(_),
        ) => (ErrorKind::Unsupported, plain(&error.to_string())),
        T::CommitConflict(conflict) => (
            ErrorKind::Conflict,
            format!("a concurrent commit stands against it: {}", plain(&conflict.to_string())),
        ),
        T::DeltaTableAppendOnly => {
            (ErrorKind::Unsupported, "the table is append-only (delta.appendOnly)".into())
        }
        T::UnsupportedTableFeatures(features) => (
            ErrorKind::Unsupported,
            format!("the table needs features that are not supported here: {features:?}"),
        ),
        T::TableFeaturesRequired(feature) => {
            (ErrorKind::Unsupported, format!("the table lacks the feature {feature:?}"))
        }
        T::SerializeLogJson { .. } | T::ObjectStore { .. } | T::LogStoreError { .. } => {
            return None;
        }
    };
    Some(known)
}

fn query(error: &DataFusionError) -> Option<(ErrorKind, String)> {
    use DataFusionError as Q;
    let known = match error {
        Q::SchemaError(inner, _) => (ErrorKind::InvalidInput, plain(&inner.to_string())),
        Q::SQL(inner, _) => {
            (ErrorKind::InvalidInput, format!("this is no SQL: {}", plain(&inner.to_string())))
        }
        Q::Plan(text) | Q::Configuration(text) => (ErrorKind::InvalidInput, plain(text)),
        Q::NotImplemented(text) => (ErrorKind::Unsupported, plain(text)),
        Q::ResourcesExhausted(text) => (ErrorKind::TooLarge, plain(text)),
        Q::Execution(text) if text.contains("violat") || text.contains("Invalid data") => {
            (ErrorKind::InvalidInput, plain(text))
        }
        _ => return None,
    };
    Some(known)
}

fn columns(error: &ArrowError) -> Option<(ErrorKind, String)> {
    use ArrowError as A;
    let known = match error {
        A::SchemaError(text) => (ErrorKind::SchemaMismatch, plain(text)),
        A::CastError(text) => (ErrorKind::SchemaMismatch, plain(text)),
        A::ParseError(text)
        | A::InvalidArgumentError(text)
        | A::CsvError(text)
        | A::JsonError(text) => (ErrorKind::InvalidInput, plain(text)),
        A::NotYetImplemented(text) => (ErrorKind::Unsupported, plain(text)),
        A::DivideByZero => (ErrorKind::InvalidInput, "division by zero".into()),
        A::ArithmeticOverflow(text) => (ErrorKind::InvalidInput, plain(text)),
        _ => return None,
    };
    Some(known)
}

/// One line without colour codes, ended like all our messages.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                // ESC [ … letter
                for c in chars.by_ref() {
                    if c.is_ascii_alphabetic() {
                        break;
                    }
                }
            }
            '\n' | '\r' | '\t' => plain.push(' '),
            c => plain.push(c),
        }
    }
    // DataFusion adds its call stack behind this line in builds that ask for it.
    let plain = plain.split("backtrace:").next().unwrap_or_default();
    plain.trim().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_our_error_at_the_bottom() {
        let bottom = Error::new(ErrorKind::Unavailable, "cannot connect")
            .answered(lakewright_core::ServiceError { status: 503, ..Default::default() });
        let store = object_store::Error::Generic { store: "s3", source: bottom.into() };
        for failure in [
            Failure::from(DeltaTableError::from(object_store::Error::NotFound {
                path: "x".into(),
                source: Box::new(
                    Error::new(ErrorKind::Unavailable, "cannot connect").answered(
                        lakewright_core::ServiceError { status: 503, ..Default::default() },
                    ),
                ),
            })),
            Failure::from(DataFusionError::External(Box::new(store))),
        ] {
            let error = failure.explain();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert_eq!(error.message(), "cannot connect");
            assert_eq!(error.service().unwrap().status, 503);
        }
    }

    #[test]
    fn messages_are_one_plain_line() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\nline. "), "red line");
    }
}
