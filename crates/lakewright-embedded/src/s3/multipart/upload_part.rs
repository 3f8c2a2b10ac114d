//! The UploadPart operation.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{part_number, put_part};
use crate::checksum::{Algorithm, given_checksums, set_checksum};
use crate::receive::{Expected, receive};
use crate::s3::Service;
use crate::s3::headers::refuse_customer_key;

pub(in crate::s3) async fn upload_part(
    service: &Service,
    req: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let input = req.input;
    refuse_customer_key!(input);
    let number = part_number(input.part_number)?;
    let mut expected = Expected::new(
        input.content_length,
        input.content_md5.as_deref(),
        given_checksums!(input),
        input.checksum_algorithm.as_ref().and_then(Algorithm::from_dto),
        req.trailing_headers,
    )?;
    let names = (input.bucket, input.key, input.upload_id);
    let (bucket, key, id) = names.clone();
    let upload = service.read(move |view| view.upload(&bucket, &key, &id)).await?;
    if let Some((wanted, _)) = upload.checksum {
        match expected.algorithm() {
            None => expected.also_compute(wanted),
            Some(given) if given == wanted => {}
            Some(given) => {
                return Err(s3_error!(
                    InvalidRequest,
                    "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                    wanted.name(),
                    given.name()
                ));
            }
        }
    }
    let received = receive(&service.blobs, input.body, expected).await?;
    let part = put_part(service, names, number, received).await?;
    let mut output =
        UploadPartOutput { e_tag: Some(ETag::Strong(part.etag)), ..Default::default() };
    if let Some((algorithm, value)) = part.checksum {
        set_checksum!(output, algorithm, value);
    }
    Ok(S3Response::new(output))
}
