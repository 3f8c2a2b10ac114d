//! The PutObject operation.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::conditions::WriteConditions;
use super::headers::{refuse_customer_key, refuse_unsupported, take_headers};
use super::{Service, text};
use crate::checksum::{Algorithm, ChecksumKind, given_checksums, set_checksum};
use crate::index::record::{Millis, ObjectRecord, StoredChecksum};
use crate::receive::{Expected, SMALL_BYTES, receive};

pub(super) async fn put_object(
    service: &Service,
    req: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let mut input = req.input;
    refuse_unsupported!(input);
    if input.write_offset_bytes.is_some() {
        return Err(super::headers::not_implemented("Appending to an object"));
    }
    let expected = Expected::new(
        input.content_length,
        input.content_md5.as_deref(),
        given_checksums!(input),
        input.checksum_algorithm.as_ref().and_then(Algorithm::from_dto),
        req.trailing_headers,
    )?;
    let conditions = WriteConditions {
        if_match: input.if_match.take(),
        if_none_match: input.if_none_match.take(),
    };
    let headers = take_headers!(input);
    let tags = text::parse_tags(input.tagging.as_deref())?;
    let (bucket, key) = (input.bucket, input.key);

    // A large body is not read if the preconditions already fail. They are checked again in the
    // transaction, which alone decides.
    let is_large = input.content_length.is_none_or(|length| length > SMALL_BYTES as i64);
    if is_large {
        let (bucket, key, conditions) = (bucket.clone(), key.clone(), conditions.clone());
        service
            .read(move |view| match view.find_object(&bucket, &key)? {
                before if !conditions.is_none() => Ok(conditions.check(before.as_ref())?),
                _ => Ok(()),
            })
            .await?;
    }

    let received = receive(&service.blobs, input.body, expected).await?;
    let checksum = received.checksum.map(|(algorithm, value)| StoredChecksum {
        algorithm,
        kind: ChecksumKind::FullObject,
        value,
    });
    let mut output =
        PutObjectOutput { e_tag: Some(ETag::Strong(received.etag.clone())), ..Default::default() };
    if let Some(checksum) = &checksum {
        output.checksum_type = Some(checksum.kind.dto());
        set_checksum!(output, checksum.algorithm, checksum.value.clone());
    }
    let stored = received.stored;
    let small = stored.small;
    let record = ObjectRecord {
        size: received.size,
        etag: received.etag,
        modified: Millis::now(),
        segments: stored.segment.into_iter().collect(),
        headers,
        checksum,
        tags,
        multipart: None,
    };
    service
        .write(stored.staged, move |tables| {
            tables.require_bucket(&bucket)?;
            let before = tables.find_object(&bucket, &key)?;
            conditions.check(before.as_ref())?;
            if let (Some(bytes), [segment]) = (&small, record.segments.as_slice()) {
                tables.insert_small(segment.blob, bytes)?;
            }
            tables.insert_object(&bucket, &key, &record, before)
        })
        .await?;
    Ok(S3Response::new(output))
}
