//! UploadPartCopy. A part needs the MD5 of its own bytes, so they are read and written again.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{part_number, put_part};
use crate::checksum::set_checksum;
use crate::receive::store_copy;
use crate::s3::Service;
use crate::s3::headers::refuse_customer_key;
use crate::s3::source::{copy_conditions, copy_source};

pub(in crate::s3) async fn upload_part_copy(
    service: &Service,
    req: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let input = req.input;
    refuse_customer_key!(input);
    let number = part_number(input.part_number)?;
    let (source_bucket, source_key) = copy_source(input.copy_source)?;
    let conditions = copy_conditions(
        input.copy_source_if_match,
        input.copy_source_if_none_match,
        input.copy_source_if_modified_since,
        input.copy_source_if_unmodified_since,
    );
    let range = input.copy_source_range.as_deref().map(parse_range).transpose()?;
    let names = (input.bucket, input.key, input.upload_id);
    let (bucket, key, id) = names.clone();
    let received = service
        .run_blocking(move |service| {
            let upload = service.index.read(|view| view.upload(&bucket, &key, &id))?;
            let (_, (), reader) = service.open_object(&source_bucket, &source_key, |record| {
                conditions.check_source(record)?;
                let (first, end) = range.unwrap_or((0, record.size));
                if end > record.size {
                    return Err(s3_error!(
                        InvalidArgument,
                        "Range specified is not valid for source object of size: {}",
                        record.size
                    ));
                }
                Ok((first..end, ()))
            })?;
            store_copy(&service.blobs, reader, upload.checksum.map(|(algorithm, _)| algorithm))
        })
        .await?;
    let part = put_part(service, names, number, received).await?;
    let mut result = CopyPartResult {
        e_tag: Some(ETag::Strong(part.etag)),
        last_modified: Some(part.modified.timestamp()),
        ..Default::default()
    };
    if let Some((algorithm, value)) = part.checksum {
        set_checksum!(result, algorithm, value);
    }
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result: Some(result),
        ..Default::default()
    }))
}

/// Parses `bytes=first-last`. Both ends are required.
fn parse_range(text: &str) -> S3Result<(u64, u64)> {
    match Range::parse(text) {
        Ok(Range::Int { first, last: Some(last) }) => Ok((first, last + 1)),
        _ => Err(s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first \
             and last are the zero-based offsets of the first and last bytes to copy"
        )),
    }
}
