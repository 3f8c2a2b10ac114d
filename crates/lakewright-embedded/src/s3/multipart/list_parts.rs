//! The ListParts operation.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use crate::checksum::set_checksum;
use crate::index::record::{self, PartRecord};
use crate::index::{IndexError, keys};
use crate::s3::headers::refuse_customer_key;
use crate::s3::{Service, page_size, signed, text};

pub(in crate::s3) async fn list_parts(
    service: &Service,
    req: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = req.input;
    refuse_customer_key!(input);
    let limit = page_size(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or(0);
    let (bucket, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id.clone());
    let (upload, parts, truncated) = service
        .read(move |view| {
            let upload = view.upload(&bucket, &key, &id)?;
            let after = u16::try_from(marker.max(0)).unwrap_or(u16::MAX);
            let (from, to) = keys::parts_after(&id, after);
            let bounds = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
            let mut parts = Vec::new();
            let mut truncated = false;
            for entry in view.parts.range::<&[u8]>(bounds)? {
                let (key, part) = entry?;
                if parts.len() == limit {
                    truncated = limit > 0;
                    break;
                }
                let number = keys::part_number(key.value())
                    .ok_or_else(|| IndexError::Record("a part has no number".into()))?;
                parts.push(describe(number, record::decode(part.value())?));
            }
            Ok((upload, parts, truncated))
        })
        .await?;
    let owner = text::owner();
    let next = parts.last().and_then(|part| part.part_number).filter(|_| truncated);
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        part_number_marker: Some(marker),
        next_part_number_marker: next,
        max_parts: i32::try_from(limit).ok(),
        is_truncated: Some(truncated),
        parts: Some(parts),
        checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm.dto()),
        checksum_type: upload.checksum.map(|(_, kind)| kind.dto()),
        initiator: Some(Initiator {
            display_name: owner.display_name.clone(),
            id: owner.id.clone(),
        }),
        owner: Some(owner),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        ..Default::default()
    }))
}

fn describe(number: u16, part: PartRecord) -> Part {
    let mut described = Part {
        part_number: Some(i32::from(number)),
        size: Some(signed(part.size)),
        e_tag: Some(ETag::Strong(part.etag)),
        last_modified: Some(part.modified.timestamp()),
        ..Default::default()
    };
    if let Some((algorithm, value)) = part.checksum {
        set_checksum!(described, algorithm, value);
    }
    described
}
