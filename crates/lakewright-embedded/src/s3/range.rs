//! The bytes of an object that a request selects.

use std::ops;

use s3s::dto::Range;
use s3s::{S3Error, S3Result, s3_error};

use crate::index::record::ObjectRecord;

/// The bytes to return.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) bytes: ops::Range<u64>,
    /// Whether the client requested a part of the object, which is status 206.
    pub(super) partial: bool,
    /// The number of parts of the object, if the client requested one of them.
    pub(super) parts: Option<usize>,
}

impl Span {
    /// Returns `Content-Range` for a partial response.
    pub(super) fn content_range(&self, size: u64) -> Option<String> {
        let ops::Range { start, end } = self.bytes;
        self.partial.then(|| format!("bytes {start}-{}/{size}", end.saturating_sub(1)))
    }
}

/// Resolves `Range` or `partNumber`.
pub(super) fn resolve(
    range: Option<Range>,
    part_number: Option<i32>,
    record: &ObjectRecord,
) -> S3Result<Span> {
    match (range, part_number) {
        (None, None) => Ok(Span { bytes: 0..record.size, partial: false, parts: None }),
        (Some(range), None) => {
            Ok(Span { bytes: bytes(range, record.size)?, partial: true, parts: None })
        }
        (None, Some(number)) => part(number, record),
        (Some(_), Some(_)) => Err(s3_error!(
            InvalidRequest,
            "Cannot specify both Range header and partNumber query parameter."
        )),
    }
}

/// Returns the bytes that a range selects, at least one.
pub(super) fn bytes(range: Range, size: u64) -> S3Result<ops::Range<u64>> {
    // No range of an empty object is satisfiable, although s3s accepts a suffix.
    range.check(size).ok().filter(|bytes| !bytes.is_empty()).ok_or_else(|| not_satisfiable(size))
}

fn not_satisfiable(size: u64) -> S3Error {
    let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable.");
    let mut headers = http::HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/xml"));
    if let Ok(value) = http::HeaderValue::try_from(format!("bytes */{size}")) {
        headers.insert(http::header::CONTENT_RANGE, value);
    }
    error.set_headers(headers);
    error
}

fn part(number: i32, record: &ObjectRecord) -> S3Result<Span> {
    let invalid = || {
        super::custom(
            "InvalidPartNumber",
            http::StatusCode::RANGE_NOT_SATISFIABLE,
            "The requested partnumber is not satisfiable.",
        )
    };
    let Some(multipart) = &record.multipart else {
        // An object that was not uploaded in parts consists of one part.
        let span = Span { bytes: 0..record.size, partial: record.size > 0, parts: None };
        return if number == 1 { Ok(span) } else { Err(invalid()) };
    };
    // `number` counts the parts of the object and may differ from the number of the upload.
    let at = usize::try_from(number).ok().and_then(|n| n.checked_sub(1)).ok_or_else(invalid)?;
    let part = multipart.parts.get(at).ok_or_else(invalid)?;
    let start = multipart.parts.iter().take(at).map(|part| part.size).sum::<u64>();
    Ok(Span {
        bytes: start..start + part.size,
        partial: part.size > 0,
        parts: Some(multipart.parts.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Compares with a filter over the single bytes.
        #[test]
        fn ranges_select_bytes(size in 0..20_u64, first in 0..25_u64, more in prop::option::of(0..25_u64), suffix: bool) {
            let (range, expected): (Range, Vec<u64>) = if suffix {
                (Range::Suffix { length: first }, (0..size).filter(|at| at + first >= size).collect())
            } else {
                let last = more.map(|more| first + more);
                (
                    Range::Int { first, last },
                    (0..size).filter(|at| *at >= first && last.is_none_or(|last| *at <= last)).collect(),
                )
            };
            match bytes(range, size) {
                Ok(bytes) => prop_assert_eq!(bytes.collect::<Vec<_>>(), expected),
                Err(error) => {
                    prop_assert!(expected.is_empty());
                    prop_assert_eq!(error.code().as_str(), "InvalidRange");
                }
            }
        }
    }

    #[test]
    fn content_range_has_inclusive_bounds() {
        let span = Span { bytes: 2..5, partial: true, parts: None };
        assert_eq!(span.content_range(9).unwrap(), "bytes 2-4/9");
    }
}
