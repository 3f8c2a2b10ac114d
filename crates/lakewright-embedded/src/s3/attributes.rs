//! The GetObjectAttributes operation.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::headers::{check_version, refuse_customer_key};
use super::{Service, conditions, page_size, signed};
use crate::checksum::set_checksum;
use crate::index::record::ObjectRecord;

pub(super) async fn get_object_attributes(
    service: &Service,
    req: S3Request<GetObjectAttributesInput>,
) -> S3Result<S3Response<GetObjectAttributesOutput>> {
    let input = req.input;
    refuse_customer_key!(input);
    check_version(input.version_id.as_deref())?;
    let (bucket, key) = (input.bucket, input.key);
    let record = service.read(move |view| view.object(&bucket, &key)).await?;
    // s3s parses each header as one name, but clients send several names in one header, separated
    // by commas.
    let names = || input.object_attributes.iter().flat_map(|names| names.as_str().split(','));
    let wants = |name: &str| names().any(|wanted| wanted.trim() == name);
    let mut output = GetObjectAttributesOutput {
        last_modified: Some(record.modified.timestamp()),
        ..Default::default()
    };
    if wants(ObjectAttributes::ETAG) {
        output.e_tag = Some(conditions::etag(&record));
    }
    if wants(ObjectAttributes::OBJECT_SIZE) {
        output.object_size = Some(signed(record.size));
    }
    if wants(ObjectAttributes::STORAGE_CLASS) {
        output.storage_class = Some(StorageClass::from_static(StorageClass::STANDARD));
    }
    if wants(ObjectAttributes::CHECKSUM)
        && let Some(stored) = &record.checksum
    {
        let mut checksum =
            Checksum { checksum_type: Some(stored.kind.dto()), ..Default::default() };
        set_checksum!(checksum, stored.algorithm, stored.value.clone());
        output.checksum = Some(checksum);
    }
    if wants(ObjectAttributes::OBJECT_PARTS) {
        let limit = page_size(input.max_parts, "max-parts")?;
        output.object_parts = parts(&record, input.part_number_marker.unwrap_or(0), limit);
    }
    Ok(S3Response::new(output))
}

fn parts(record: &ObjectRecord, marker: i32, limit: usize) -> Option<GetObjectAttributesParts> {
    let parts = &record.multipart.as_ref()?.parts;
    let mut left = parts.iter().filter(|part| i32::from(part.number) > marker);
    let page: Vec<_> = left.by_ref().take(limit).collect();
    let next = page.last().map_or(marker, |part| i32::from(part.number));
    let describe = |part: &&crate::index::record::PartSummary| {
        let mut described = ObjectPart {
            part_number: Some(i32::from(part.number)),
            size: Some(signed(part.size)),
            ..Default::default()
        };
        if let (Some(checksum), Some(value)) = (&record.checksum, &part.checksum) {
            set_checksum!(described, checksum.algorithm, value.clone());
        }
        described
    };
    Some(GetObjectAttributesParts {
        is_truncated: Some(left.next().is_some()),
        max_parts: i32::try_from(limit).ok(),
        next_part_number_marker: Some(next),
        part_number_marker: Some(marker),
        total_parts_count: i32::try_from(parts.len()).ok(),
        // As in S3, only parts with checksums are listed one by one.
        parts: record.checksum.is_some().then(|| page.iter().map(describe).collect()),
    })
}
