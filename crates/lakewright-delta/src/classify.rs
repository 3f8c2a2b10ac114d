//! Converts errors of deltalake, DataFusion and Arrow into lakewright's errors.

use std::error::Error as StdError;

use arrow::error::ArrowError;
use deltalake::DeltaTableError;
use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::sql::sqlparser::parser::ParserError;
use deltalake::kernel::transaction::{CommitConflictError, TransactionError};
use lakewright_core::{Error, ErrorKind, Result};

use super::Table;

/// Converts a failure into the error of an operation on a table.
pub(super) trait Classify<T> {
    fn classify(self, table: &Table, operation: &'static str) -> Result<T>;
}

impl<T, E: Into<Failure>> Classify<T> for Result<T, E> {
    fn classify(self, table: &Table, operation: &'static str) -> Result<T> {
        self.map_err(|error| error.into().explain().during(operation).on(table.uri().to_string()))
    }
}

/// An error of lakewright or of one of the libraries that tables are built on.
#[derive(Debug)]
pub(crate) enum Failure {
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
        match self {
            Self::Ours(error) => error,
            Self::Delta(error) => explain(error),
            Self::Query(error) => explain(error),
            Self::Arrow(error) => explain(error),
        }
    }
}

/// Returns the error for a failure of a library. Where a request of the bucket below it failed, the
/// outcome and the response of the service are those of the request.
fn explain(failure: impl StdError + Send + Sync + 'static) -> Error {
    let (kind, message) = kind_and_message(&failure);
    let error = match request_error(&failure) {
        Some(error) => error.without_source().with_kind(kind).with_message(message),
        None => Error::new(kind, message),
    };
    error.caused_by(failure)
}

/// Returns the error of the request that made a library fail, if a request did.
pub(super) fn request_error<'a>(failure: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    causes(failure).find_map(|error| error.downcast_ref())
}

/// Returns the error and its sources, the outermost first.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| inner(*error))
}

/// Returns the source of an error. DataFusion, Arrow and Delta's kernel have variants whose source is not
/// returned by `source`.
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
    match error.downcast_ref::<delta_kernel::Error>() {
        Some(delta_kernel::Error::ObjectStore(inner)) => return Some(inner),
        // The kernel adds a backtrace where RUST_BACKTRACE is set. `source` returns the box.
        Some(delta_kernel::Error::Backtraced { source, .. }) => return Some(source.as_ref()),
        _ => {}
    }
    if let Some(ArrowError::ExternalError(inner)) = error.downcast_ref::<ArrowError>() {
        return Some(inner.as_ref());
    }
    error.source()
}

/// Returns the kind and the message of the outermost error whose meaning is known.
fn kind_and_message(error: &(dyn StdError + 'static)) -> (ErrorKind, String) {
    for error in causes(error) {
        if let Some(ours) = error.downcast_ref::<Error>() {
            return (ours.kind(), ours.message().to_owned());
        }
        if let Some(known) = error.downcast_ref::<delta_kernel::Error>().and_then(kernel) {
            return known;
        }
        if let Some(error) = error.downcast_ref::<ParserError>() {
            let why = format!("this is no SQL: {}", plain(&error.to_string()));
            return (ErrorKind::InvalidInput, why);
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
    let text = plain(&error.to_string());
    if let Some(message) = invalid_rows(&text) {
        return (ErrorKind::InvalidInput, message);
    }
    let kind = if is_unsupported(&text) { ErrorKind::Unsupported } else { ErrorKind::Internal };
    (kind, text)
}

/// Returns the explanation of invalid data where deltalake has turned its typed error into text, as
/// it does with the rows of an overwrite that `replace_where` does not match.
fn invalid_rows(text: &str) -> Option<String> {
    text.find(INVALID_DATA).map(|start| without_rows(&text[start..]))
}

/// Whether an error of Delta's kernel without a type of its own is about a feature that is not
/// implemented.
fn is_unsupported(text: &str) -> bool {
    text.contains("not supported") || text.contains("unsupported")
}

/// Whether DataFusion stopped because a row breaks a condition of the table. deltalake reports a
/// condition that is false for every row, and a null in a column that may not be null, as plain
/// text of `DataFusionError::Execution`.
fn is_invalid_data(text: &str) -> bool {
    text.contains("violat") || text.contains("Invalid data")
}

/// Returns the explanation of invalid data without deltalake's preview of the rows, because data
/// does not belong in messages.
fn without_rows(text: &str) -> String {
    let first = text.split(PREVIEW).next().unwrap_or_default();
    plain(first)
}

/// The beginning of deltalake's message about invalid rows.
const INVALID_DATA: &str = "Invalid data found:";

/// The beginning of deltalake's preview of invalid rows.
const PREVIEW: &str = "Preview of invalid data:";

fn delta(error: &DeltaTableError) -> Option<(ErrorKind, String)> {
    use DeltaTableError as D;
    let known = match error {
        D::NotATable(_) | D::NotInitialized => {
            (ErrorKind::NotFound, "there is no Delta table here".into())
        }
        D::InvalidVersion(version) => {
            (ErrorKind::NotFound, format!("the table has no version {version}"))
        }
        D::SchemaMismatch { msg } => (ErrorKind::SchemaMismatch, plain(msg)),
        D::InvalidData { message } => (ErrorKind::InvalidInput, without_rows(message)),
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
            (ErrorKind::Conflict, format!("another writer committed version {version} first"))
        }
        D::UnsupportedColumnMapping { .. } | D::MissingFeature { .. } => {
            (ErrorKind::Unsupported, plain(&error.to_string()))
        }
        D::Transaction { source } => return transaction(source),
        _ => return None,
    };
    Some(known)
}

/// Returns the meaning of an error of Delta's kernel, which does little but read a log.
fn kernel(error: &delta_kernel::Error) -> Option<(ErrorKind, String)> {
    use delta_kernel::Error as K;
    let known = match error {
        K::FileNotFound(_) => {
            (ErrorKind::NotFound, "there is no Delta table here, or no such bucket".into())
        }
        K::Unsupported(text) => (ErrorKind::Unsupported, plain(text)),
        // The error of the request below is more precise than the text.
        _ if request_error(error).is_some() => return None,
        K::Arrow(_)
        | K::DeletionVector(_)
        | K::EngineDataType(_)
        | K::Extract(..)
        | K::InvalidCheckpoint(_)
        | K::InvalidColumnMappingMode(_)
        | K::InvalidDecimal(_)
        | K::InvalidLogPath(_)
        | K::InvalidProtocol(_)
        | K::InvalidSelectionVector(_)
        | K::InvalidStructData(_)
        | K::InvalidUrl(_)
        | K::MalformedJson(_)
        | K::MissingColumn(_)
        | K::MissingData(_)
        | K::MissingMetadata
        | K::MissingMetadataAndProtocol
        | K::MissingProtocol
        | K::MissingVersion
        | K::ObjectStorePath(_)
        | K::Parquet(_)
        | K::ParseError(..)
        | K::ParseIntError(_)
        | K::ParseIntervalError(_)
        | K::Schema(_)
        | K::UnexpectedColumnType(_)
        | K::Utf8Error(_) => (ErrorKind::Corrupt, plain(&error.to_string())),
        K::Generic(text) | K::InternalError(text) if !is_unsupported(text) => {
            (ErrorKind::Corrupt, plain(text))
        }
        _ => return None,
    };
    Some(known)
}

fn transaction(error: &TransactionError) -> Option<(ErrorKind, String)> {
    use TransactionError as T;
    let known = match error {
        T::VersionAlreadyExists(version) => {
            (ErrorKind::Conflict, format!("another writer committed version {version} first"))
        }
        T::MaxCommitAttempts(times) => {
            (ErrorKind::Conflict, format!("other writers committed first, {times} times in a row"))
        }
        T::CommitConflict(
            CommitConflictError::UnsupportedReaderVersion(_)
            | CommitConflictError::UnsupportedWriterVersion(_),
        ) => (ErrorKind::Unsupported, plain(&error.to_string())),
        T::CommitConflict(conflict) => (
            ErrorKind::Conflict,
            format!("it conflicts with a concurrent commit: {}", plain(&conflict.to_string())),
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
        Q::ParquetError(_) if request_error(error).is_none() => {
            (ErrorKind::Corrupt, plain(&error.to_string()))
        }
        Q::ResourcesExhausted(text) => (ErrorKind::TooLarge, plain(text)),
        Q::Execution(text) if is_invalid_data(text) => (ErrorKind::InvalidInput, plain(text)),
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

/// Returns the text as one line without colour codes and without a full stop.
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
    // DataFusion appends its call stack behind this word where a build enables that.
    let plain = plain.split("backtrace:").next().unwrap_or_default();
    plain.trim().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lakewright_core::Outcome;

    #[test]
    fn the_error_of_the_request_is_kept() {
        for outcome in [Outcome::NotSent, Outcome::Known, Outcome::Unknown] {
            let request = || {
                let service = lakewright_core::ServiceError { status: 500, ..Default::default() };
                Error::new(ErrorKind::Unavailable, "cannot connect")
                    .with_service(service)
                    .with_outcome(outcome)
            };
            let store =
                || object_store::Error::Generic { store: "s3", source: Box::new(request()) };
            let commit = TransactionError::ObjectStore { source: store() };
            for failure in [
                Failure::from(DeltaTableError::from(store())),
                Failure::from(DeltaTableError::from(commit)),
                Failure::from(DataFusionError::External(Box::new(store()))),
                Failure::from(DataFusionError::Shared(std::sync::Arc::new(
                    DataFusionError::External(Box::new(DeltaTableError::from(store()))),
                ))),
            ] {
                let error = failure.explain();
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                assert_eq!(error.message(), "cannot connect");
                assert_eq!(error.service().unwrap().status, 500);
                assert_eq!(error.outcome(), outcome);
                assert_eq!(error.is_retryable(), outcome != Outcome::Unknown);
            }
        }
    }

    #[test]
    fn rows_do_not_appear_in_messages() {
        let text = "Invalid data found: 3 rows failed validation check.\nPreview of invalid \
                    data:\n\n+----+\n| 17 |\n+----+";
        assert_eq!(without_rows(text), "Invalid data found: 3 rows failed validation check");
        let wrapped = DeltaTableError::Generic(format!("External error: {text}"));
        let (kind, message) = kind_and_message(&wrapped);
        assert_eq!(kind, ErrorKind::InvalidInput);
        assert_eq!(message, "Invalid data found: 3 rows failed validation check");
        assert_eq!(without_rows("a null in id."), "a null in id");
    }

    #[test]
    fn messages_are_one_plain_line() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\nline. "), "red line");
    }
}
