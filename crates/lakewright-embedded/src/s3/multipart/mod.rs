//! Multipart uploads. Parts are blobs like any other; completing an upload references them in the
//! record of the object, in order, and copies no bytes.

pub(super) mod abort;
pub(super) mod complete;
pub(super) mod create;
pub(super) mod list_parts;
pub(super) mod list_uploads;
pub(super) mod upload_part;
pub(super) mod upload_part_copy;

use s3s::{S3Result, s3_error};

use super::Service;
use crate::index::record::{Millis, PartRecord};
use crate::receive::Received;

/// Validates a part number and converts it to the type of the index.
fn part_number(number: i32) -> S3Result<u16> {
    u16::try_from(number).ok().filter(|number| (1..=10_000).contains(number)).ok_or_else(|| {
        s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive")
    })
}

/// Inserts received bytes as a part, if the upload still exists.
async fn put_part(
    service: &Service,
    (bucket, key, upload_id): (String, String, String),
    number: u16,
    received: Received,
) -> S3Result<PartRecord> {
    let stored = received.stored;
    let part = PartRecord {
        size: received.size,
        etag: received.etag,
        modified: Millis::now(),
        segment: stored.segment,
        checksum: received.checksum,
    };
    let small = stored.small;
    service
        .write(stored.staged, move |tables| {
            tables.upload(&bucket, &key, &upload_id)?;
            tables.insert_part(&upload_id, number, &part, small.as_deref())?;
            Ok(part)
        })
        .await
}
