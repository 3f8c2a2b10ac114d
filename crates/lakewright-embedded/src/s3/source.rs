//! Opens objects for reading: for GetObject and for copies.

use std::ops::Range;

use s3s::dto::{CopySource, ETagCondition, Timestamp};
use s3s::{S3Result, s3_error};

use super::Service;
use super::conditions::ReadConditions;
use crate::blob::{BlobId, ObjectReader, Piece};
use crate::index::record::{ObjectRecord, Place};
use crate::index::{IndexError, View};

/// Returns the pieces that make up these bytes of an object, and the files that they need.
fn pieces(
    view: &View,
    record: &ObjectRecord,
    bytes: &Range<u64>,
) -> Result<(Vec<Piece>, Vec<BlobId>), IndexError> {
    let (mut pieces, mut files) = (Vec::new(), Vec::new());
    let mut begins = 0;
    for segment in &record.segments {
        let ends = begins + segment.size;
        let (from, to) = (bytes.start.max(begins), bytes.end.min(ends));
        if from < to {
            let (offset, length) = (from - begins, to - from);
            pieces.push(match segment.place {
                Place::Index => Piece::Bytes(cut(&view.small(segment)?, offset, length)?),
                Place::File => {
                    files.push(segment.blob);
                    let crc = (length == segment.size).then_some(segment.crc);
                    Piece::File { blob: segment.blob, offset, length, crc }
                }
            });
        }
        begins = ends;
    }
    if bytes.end > begins {
        return Err(IndexError::Record("the segments of an object are too short".into()));
    }
    Ok((pieces, files))
}

fn cut(bytes: &bytes::Bytes, offset: u64, length: u64) -> Result<bytes::Bytes, IndexError> {
    let wrong = |_| IndexError::Record("a small blob is not small".into());
    let from = usize::try_from(offset).map_err(wrong)?;
    let to = usize::try_from(offset + length).map_err(wrong)?;
    Ok(bytes.slice(from..to)) // `View::small` has checked the length.
}

impl Service {
    /// Looks an object up and prepares its reading, in one consistent state. `choose` gets the
    /// record and returns the bytes to read, or refuses. Blocks.
    pub(super) fn open_object<T>(
        &self,
        bucket: &str,
        key: &str,
        choose: impl FnOnce(&ObjectRecord) -> S3Result<(Range<u64>, T)>,
    ) -> S3Result<(ObjectRecord, T, ObjectReader)> {
        let find = |view: &View| {
            let record = view.object(bucket, key)?;
            let (bytes, chosen) = choose(&record)?;
            let (pieces, files) = pieces(view, &record, &bytes)?;
            Ok(((record, chosen, pieces), files))
        };
        let ((record, chosen, pieces), pin) = self.blobs.pin(|| self.index.read(find))?;
        Ok((record, chosen, ObjectReader::new(self.blobs.clone(), pin, pieces)))
    }
}

/// Returns bucket and object key of `x-amz-copy-source`.
pub(super) fn copy_source(source: CopySource) -> S3Result<(String, String)> {
    match source {
        CopySource::Bucket { bucket, key, version_id } => {
            super::headers::check_version(version_id.as_deref())?;
            Ok((bucket.into(), key.into()))
        }
        CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => {
            Err(s3_error!(NotImplemented, "Copying from an access point is not implemented."))
        }
    }
}

/// Returns the conditions of `x-amz-copy-source-if-*`.
pub(super) fn copy_conditions(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
    if_modified_since: Option<Timestamp>,
    if_unmodified_since: Option<Timestamp>,
) -> ReadConditions {
    ReadConditions { if_match, if_none_match, if_modified_since, if_unmodified_since }
}
