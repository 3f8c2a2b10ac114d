//! The GetObject operation.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::headers::{describe, read_conditions, refuse_customer_key};
use super::{Service, range};
use crate::blob;
use crate::index::storage_error;

pub(super) async fn get_object(
    service: &Service,
    req: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let input = req.input;
    let conditions = read_conditions!(input);
    let with_checksum = input.checksum_mode.is_some();
    let (record, span, first, reader) = service
        .run_blocking(move |service| {
            let (record, span, mut reader) =
                service.open_object(&input.bucket, &input.key, |record| {
                    conditions.check(record)?;
                    let span = range::resolve(input.range, input.part_number, record)?;
                    Ok((span.bytes.clone(), span))
                })?;
            // The first chunk is read before the response starts, so that an error can still be
            // reported. For most objects it is the whole body.
            let first = reader.next_chunk().map_err(storage_error)?;
            Ok((record, span, first, reader))
        })
        .await?;
    let mut output = GetObjectOutput::default();
    describe!(output, &record, &span, with_checksum);
    output.body = Some(blob::stream(first, reader));
    output.tag_count = i32::try_from(record.tags.len()).ok().filter(|tags| *tags > 0);
    Ok(S3Response::new(output))
}
