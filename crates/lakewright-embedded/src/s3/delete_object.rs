//! The DeleteObject operation.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::Service;
use super::conditions::WriteConditions;
use super::headers::{check_version, not_implemented};

pub(super) async fn delete_object(
    service: &Service,
    req: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let input = req.input;
    check_version(input.version_id.as_deref())?;
    if input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
        return Err(not_implemented("Deleting on condition of a size or a time"));
    }
    let conditions = WriteConditions { if_match: input.if_match, if_none_match: None };
    let (bucket, key) = (input.bucket, input.key);
    service
        .free(move |tables| {
            tables.require_bucket(&bucket)?;
            let before = tables.find_object(&bucket, &key)?;
            conditions.check(before.as_ref())?;
            before.map_or(Ok(()), |record| tables.remove_object(&bucket, &key, record))
        })
        .await?;
    Ok(S3Response::new(DeleteObjectOutput::default()))
}
