//! Tags of objects.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::Service;
use super::headers::check_version;
use super::text::check_tags;
use crate::index::no_such_key;

pub(super) async fn get_object_tagging(
    service: &Service,
    req: S3Request<GetObjectTaggingInput>,
) -> S3Result<S3Response<GetObjectTaggingOutput>> {
    let input = req.input;
    check_version(input.version_id.as_deref())?;
    let record = service.read(move |view| view.object(&input.bucket, &input.key)).await?;
    let tag = |(key, value)| Tag { key: Some(key), value: Some(value) };
    Ok(S3Response::new(GetObjectTaggingOutput {
        tag_set: record.tags.into_iter().map(tag).collect(),
        version_id: None,
    }))
}

pub(super) async fn put_object_tagging(
    service: &Service,
    req: S3Request<PutObjectTaggingInput>,
) -> S3Result<S3Response<PutObjectTaggingOutput>> {
    let input = req.input;
    check_version(input.version_id.as_deref())?;
    let tag = |tag: Tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
    let tags = check_tags(input.tagging.tag_set.into_iter().map(tag).collect())?;
    set(service, input.bucket, input.key, tags).await?;
    Ok(S3Response::new(PutObjectTaggingOutput::default()))
}

pub(super) async fn delete_object_tagging(
    service: &Service,
    req: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
    let input = req.input;
    check_version(input.version_id.as_deref())?;
    set(service, input.bucket, input.key, Vec::new()).await?;
    Ok(S3Response::new(DeleteObjectTaggingOutput::default()))
}

async fn set(
    service: &Service,
    bucket: String,
    key: String,
    tags: Vec<(String, String)>,
) -> S3Result<()> {
    service
        .write(Vec::new(), move |tables| {
            tables.require_bucket(&bucket)?;
            let mut record = tables.find_object(&bucket, &key)?.ok_or_else(no_such_key)?;
            record.tags = tags;
            tables.update_object(&bucket, &key, &record)
        })
        .await
}
