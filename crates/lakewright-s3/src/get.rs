//! `get` and `get_stream`

use std::ops::Range;

use bytes::Bytes;
use lakewright_core::{Error, ErrorKind, ObjectKey, Result};
use lakewright_macros::Builder;

use super::body::Body;
use super::types::{quoted, timestamp, unquoted};
use super::{Bucket, ObjectInfo};

/// A range of the bytes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectRange {
    /// From the first offset up to, not including, the second; limited by the object's size.
    Bounded(Range<u64>),
    /// From this offset to the end.
    From(u64),
    /// This number of bytes at the end.
    Last(u64),
}

impl ObjectRange {
    /// Returns the value of the `Range` header (RFC 9110, 14.1.2).
    fn header(&self) -> Result<String> {
        match self {
            Self::Bounded(range) if range.start < range.end => {
                Ok(format!("bytes={}-{}", range.start, range.end - 1))
            }
            Self::Bounded(range) => Err(Error::invalid_input(format!(
                "the range {}..{} holds no byte",
                range.start, range.end
            ))),
            Self::From(start) => Ok(format!("bytes={start}-")),
            Self::Last(0) => Err(Error::invalid_input("the last 0 bytes are no range")),
            Self::Last(bytes) => Ok(format!("bytes=-{bytes}")),
        }
    }
}

/// The options of [`Bucket::get`].
#[derive(Clone, Debug, Default, Builder)]
#[non_exhaustive]
pub struct GetOptions {
    /// The bytes to read; `None` for all.
    pub range: Option<ObjectRange>,
    /// Reads the object only if it has this ETag.
    #[builder(into)]
    pub if_match: Option<String>,
    /// Reads the object only if it does not have this ETag.
    #[builder(into)]
    pub if_none_match: Option<String>,
    /// The version to read; `None` for the newest.
    #[builder(into)]
    pub version_id: Option<String>,
}

/// An object in memory.
#[derive(Clone, Debug)]
pub struct Object {
    /// The description of the object by the server.
    pub info: ObjectInfo,
    /// The range of the object that was read.
    pub range: Range<u64>,
    /// The bytes.
    pub bytes: Bytes,
}

/// An object that is being read.
#[derive(Debug)]
pub struct ObjectBody {
    /// The description of the object by the server.
    pub info: ObjectInfo,
    /// The range of the object that is read.
    pub range: Range<u64>,
    /// The bytes, as they arrive.
    pub body: Body,
}

impl Bucket {
    /// Reads an object, or a range of it, into one buffer.
    ///
    /// # Errors
    /// `NotFound`; `PreconditionFailed` when a condition does not hold; `InvalidInput` for a range
    /// outside the object; `TooLarge` when the range does not fit into memory; any connection or
    /// server error.
    pub async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<Object> {
        let ObjectBody { info, range, body } = self.open(key, options, "get").await?;
        let bytes = body.into_bytes().await?;
        Ok(Object { info, range, bytes })
    }

    /// Reads an object, or a range of it, as a stream. After a broken connection the rest is
    /// requested, as long as the object is still the same.
    ///
    /// # Errors
    /// Those of [`Bucket::get`], some of which occur only while the body is read.
    pub async fn get_stream(&self, key: &ObjectKey, options: GetOptions) -> Result<ObjectBody> {
        self.open(key, options, "get").await
    }

    pub(super) async fn open(
        &self,
        key: &ObjectKey,
        options: GetOptions,
        operation: &'static str,
    ) -> Result<ObjectBody> {
        let failed = |error: Error| error.during(operation).on(self.path(key));
        let range = options.range.as_ref().map(ObjectRange::header).transpose().map_err(failed)?;
        let response = self
            .s3()
            .sdk
            .get_object()
            .bucket(self.name.as_str())
            .key(key.as_str())
            .set_range(range)
            .set_if_match(options.if_match.as_deref().map(quoted))
            .set_if_none_match(options.if_none_match.as_deref().map(quoted))
            .set_version_id(options.version_id.clone())
            .send()
            .await
            .map_err(|error| self.s3().classify(error, operation, self.path(key)))?;
        let length = response.content_length().and_then(|length| u64::try_from(length).ok());
        let (Some(range), Some(size)) = extent(response.content_range(), length) else {
            let why = "the response does not state which bytes it contains";
            return Err(failed(Error::new(ErrorKind::Corrupt, why)));
        };
        let info = ObjectInfo {
            key: key.to_string(),
            size,
            etag: unquoted(response.e_tag()),
            last_modified: timestamp(response.last_modified()),
            version_id: response.version_id().map(String::from),
            content_type: response.content_type().map(String::from),
            content_encoding: response.content_encoding().map(String::from),
            cache_control: response.cache_control().map(String::from),
            metadata: response.metadata().cloned().unwrap_or_default().into_iter().collect(),
        };
        let body =
            Body::new(self.clone(), key.clone(), &info, range.clone(), response.body, operation);
        Ok(ObjectBody { info, range, body })
    }
}

/// Returns the range of a response and the size of the whole object, from `Content-Range`
/// (`bytes 0-9/100`) or, for a whole object, `Content-Length`.
pub(super) fn extent(
    content_range: Option<&str>,
    length: Option<u64>,
) -> (Option<Range<u64>>, Option<u64>) {
    let Some(text) = content_range else {
        return (length.map(|length| 0..length), length);
    };
    let parsed = || {
        let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        let end = last.checked_add(1).filter(|end| *end > first)?;
        Some((first..end, size.parse().ok().filter(|size| end <= *size)?))
    };
    match parsed() {
        Some((range, size)) => (Some(range), Some(size)),
        None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_have_the_syntax_of_http() {
        for (range, header) in [
            (ObjectRange::Bounded(0..1), Some("bytes=0-0")),
            (ObjectRange::Bounded(5..10), Some("bytes=5-9")),
            (ObjectRange::From(7), Some("bytes=7-")),
            (ObjectRange::Last(3), Some("bytes=-3")),
            (ObjectRange::Last(0), None),
            #[allow(clippy::reversed_empty_ranges)]
            (ObjectRange::Bounded(4..2), None),
        ] {
            assert_eq!(range.header().ok().as_deref(), header, "{range:?}");
        }
    }

    proptest! {
        #[test]
        fn extents_are_within_the_object(text in "(bytes )?[0-9]{0,21}-[0-9]{0,21}/([0-9]{0,21}|\\*)") {
            if let (Some(range), Some(size)) = extent(Some(&text), None) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }

        #[test]
        fn extents_round_trip(first in 0u64..1000, more in 1u64..1000, rest in 0u64..1000) {
            let (end, size) = (first + more, first + more + rest);
            let text = format!("bytes {first}-{}/{size}", end - 1);
            prop_assert_eq!(extent(Some(&text), None), (Some(first..end), Some(size)));
        }
    }
}
