//! The AbortMultipartUpload operation.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use crate::s3::Service;

pub(in crate::s3) async fn abort_multipart_upload(
    service: &Service,
    req: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let AbortMultipartUploadInput { bucket, key, upload_id, .. } = req.input;
    service
        .free(move |tables| {
            tables.upload(&bucket, &key, &upload_id)?;
            tables.remove_upload(&bucket, &key, &upload_id, &[])
        })
        .await?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}
