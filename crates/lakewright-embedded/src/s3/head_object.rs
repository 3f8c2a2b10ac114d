//! The HeadObject operation.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::headers::{describe, read_conditions, refuse_customer_key};
use super::{Service, range};

pub(super) async fn head_object(
    service: &Service,
    req: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = req.input;
    let conditions = read_conditions!(input);
    let (bucket, key) = (input.bucket, input.key);
    let record = service
        .read(move |view| {
            let record = view.object(&bucket, &key)?;
            conditions.check(&record)?;
            Ok(record)
        })
        .await?;
    let span = range::resolve(input.range, input.part_number, &record)?;
    let mut output = HeadObjectOutput::default();
    describe!(output, &record, &span, input.checksum_mode.is_some());
    // s3s applies the `response-*` parameters for GetObject but not for HeadObject.
    let override_with = |requested: Option<String>, stored: Option<String>| requested.or(stored);
    output.content_type = override_with(input.response_content_type, output.content_type);
    output.content_encoding =
        override_with(input.response_content_encoding, output.content_encoding);
    output.content_disposition =
        override_with(input.response_content_disposition, output.content_disposition);
    output.content_language =
        override_with(input.response_content_language, output.content_language);
    output.cache_control = override_with(input.response_cache_control, output.cache_control);
    output.expires = input.response_expires.or(output.expires);
    Ok(S3Response::new(output))
}
