//! Preconditions of requests, such as `If-Match` (RFC 9110, section 13, with S3's semantics).

use http::{HeaderMap, HeaderName, header};
use s3s::dto::{ETag, ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::index::no_such_key;
use crate::index::record::{Millis, ObjectRecord};

fn precondition_failed(condition: &str) -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the preconditions you specified did not hold: {condition}"
    )
}

/// Returns the ETag of an object for a response.
pub(super) fn etag(record: &ObjectRecord) -> ETag {
    ETag::Strong(record.etag.clone())
}

fn matches(condition: &ETagCondition, record: &ObjectRecord) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == record.etag,
    }
}

/// Preconditions on the object that a write replaces. They are checked in the transaction that
/// writes.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
}

impl WriteConditions {
    /// Parses `If-Match` and `If-None-Match`.
    pub(super) fn from_headers(headers: &HeaderMap) -> S3Result<Self> {
        let condition = |name: HeaderName| {
            let Some(value) = headers.get(&name) else { return Ok(None) };
            ETagCondition::parse_http_header(value.as_bytes()).map(Some).map_err(|_| {
                s3_error!(InvalidArgument, "The value of {name} is neither an ETag nor *.")
            })
        };
        Ok(Self {
            if_match: condition(header::IF_MATCH)?,
            if_none_match: condition(header::IF_NONE_MATCH)?,
        })
    }

    pub(super) fn is_none(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    pub(super) fn check(&self, before: Option<&ObjectRecord>) -> S3Result<()> {
        match (&self.if_match, before) {
            (Some(_), None) => return Err(no_such_key()),
            (Some(condition), Some(record)) if !matches(condition, record) => {
                return Err(precondition_failed("If-Match"));
            }
            _ => {}
        }
        match (&self.if_none_match, before) {
            (Some(condition), Some(record)) if matches(condition, record) => {
                Err(precondition_failed("If-None-Match"))
            }
            _ => Ok(()),
        }
    }
}

/// Preconditions on the object that a request reads.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Decision {
    Read,
    NotModified,
    Failed(&'static str),
}

impl ReadConditions {
    /// Evaluates the conditions in the order of RFC 9110, section 13.2.2.
    fn decide(&self, record: &ObjectRecord) -> Decision {
        if let Some(condition) = &self.if_match {
            if !matches(condition, record) {
                return Decision::Failed("If-Match");
            }
        } else if let Some(since) = &self.if_unmodified_since
            && record.modified.seconds() > seconds(since)
        {
            return Decision::Failed("If-Unmodified-Since");
        }
        if let Some(condition) = &self.if_none_match {
            if matches(condition, record) {
                return Decision::NotModified;
            }
        } else if let Some(since) = &self.if_modified_since
            && record.modified.seconds() <= seconds(since)
        {
            return Decision::NotModified;
        }
        Decision::Read
    }

    /// Checks the conditions of GET and HEAD: fails with 412, or with 304 and the headers that a
    /// cache needs.
    pub(super) fn check(&self, record: &ObjectRecord) -> S3Result<()> {
        match self.decide(record) {
            Decision::Read => Ok(()),
            Decision::Failed(condition) => Err(precondition_failed(condition)),
            Decision::NotModified => Err(not_modified(record)),
        }
    }

    /// Checks the conditions on the source of a copy, for which a 304 would be meaningless.
    pub(super) fn check_source(&self, record: &ObjectRecord) -> S3Result<()> {
        match self.decide(record) {
            Decision::Read => Ok(()),
            Decision::Failed(condition) => Err(precondition_failed(condition)),
            Decision::NotModified => Err(precondition_failed("If-None-Match or If-Modified-Since")),
        }
    }
}

fn not_modified(record: &ObjectRecord) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = http::HeaderMap::new();
    if let Ok(etag) = etag(record).to_http_header() {
        headers.insert(http::header::ETAG, etag);
    }
    if let Some(modified) = http_date(record.modified) {
        headers.insert(http::header::LAST_MODIFIED, modified);
    }
    error.set_headers(headers);
    error
}

fn http_date(time: Millis) -> Option<http::HeaderValue> {
    let mut text = Vec::new();
    time.timestamp().format(s3s::dto::TimestampFormat::HttpDate, &mut text).ok()?;
    http::HeaderValue::from_bytes(&text).ok()
}

fn seconds(timestamp: &Timestamp) -> u64 {
    Millis::from_timestamp(timestamp).seconds()
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3s::dto::TimestampFormat;

    fn object() -> ObjectRecord {
        let json = br#"{"size":1,"etag":"e","modified":1000500}"#;
        crate::index::record::decode(json).unwrap()
    }

    fn tag(value: &str) -> Option<ETagCondition> {
        Some(ETagCondition::ETag(ETag::Strong(value.to_owned())))
    }

    fn at(seconds: u64) -> Option<Timestamp> {
        Some(Timestamp::parse(TimestampFormat::EpochSeconds, &seconds.to_string()).unwrap())
    }

    fn code(result: S3Result<()>) -> Option<String> {
        result.err().map(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn write_conditions() {
        let any = Some(ETagCondition::Any);
        for (if_match, if_none_match, there, absent) in [
            (None, None, None, None),
            (None, any.clone(), Some("PreconditionFailed"), None),
            (None, tag("e"), Some("PreconditionFailed"), None),
            (None, tag("f"), None, None),
            (tag("e"), None, None, Some("NoSuchKey")),
            (any, None, None, Some("NoSuchKey")),
            (tag("f"), None, Some("PreconditionFailed"), Some("NoSuchKey")),
        ] {
            let conditions = WriteConditions { if_match, if_none_match };
            assert_eq!(code(conditions.check(Some(&object()))).as_deref(), there, "{conditions:?}");
            assert_eq!(code(conditions.check(None)).as_deref(), absent, "{conditions:?}");
        }
    }

    #[test]
    fn read_conditions() {
        let none = ReadConditions::default;
        for (conditions, expected) in [
            (none(), Decision::Read),
            (ReadConditions { if_match: tag("e"), ..none() }, Decision::Read),
            (ReadConditions { if_match: tag("f"), ..none() }, Decision::Failed("If-Match")),
            (ReadConditions { if_none_match: tag("e"), ..none() }, Decision::NotModified),
            (ReadConditions { if_none_match: tag("f"), ..none() }, Decision::Read),
            // The object's half second is invisible to clients.
            (ReadConditions { if_modified_since: at(1000), ..none() }, Decision::NotModified),
            (ReadConditions { if_modified_since: at(999), ..none() }, Decision::Read),
            (ReadConditions { if_unmodified_since: at(1000), ..none() }, Decision::Read),
            (
                ReadConditions { if_unmodified_since: at(999), ..none() },
                Decision::Failed("If-Unmodified-Since"),
            ),
            // Only the stronger condition of a pair is evaluated.
            (
                ReadConditions { if_match: tag("e"), if_unmodified_since: at(1), ..none() },
                Decision::Read,
            ),
            (
                ReadConditions { if_none_match: tag("f"), if_modified_since: at(2000), ..none() },
                Decision::Read,
            ),
        ] {
            assert_eq!(conditions.decide(&object()), expected, "{conditions:?}");
        }
    }
}
