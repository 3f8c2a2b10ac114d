//! Operations on buckets: create, head, list, delete, location and versioning.

use lakewright_core::BucketName;
use redb::ReadableTable as _;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{REGION, Service, page_size};
use crate::index::IndexError;
use crate::index::record::{self, BucketRecord, Millis};

pub(super) async fn create_bucket(
    service: &Service,
    req: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
    let input = req.input;
    if input.object_lock_enabled_for_bucket == Some(true) {
        return Err(s3_error!(NotImplemented, "Object lock is not implemented."));
    }
    if input.acl.as_ref().is_some_and(|acl| acl.as_str() != BucketCannedACL::PRIVATE)
        || input.grant_full_control.is_some()
        || input.grant_read.is_some()
        || input.grant_read_acp.is_some()
        || input.grant_write.is_some()
        || input.grant_write_acp.is_some()
    {
        return Err(s3_error!(NotImplemented, "Access control lists are not implemented."));
    }
    let bucket = BucketName::new(input.bucket)
        .map_err(|error| s3_error!(InvalidBucketName, "{}", error.message()))?;
    let location = format!("/{}", bucket.as_str());
    service
        .write(Vec::new(), move |tables| {
            if tables.find_bucket(bucket.as_str())?.is_some() {
                return Err(s3_error!(
                    BucketAlreadyOwnedByYou,
                    "Your previous request to create the named bucket succeeded and you already own it."
                )
                .into());
            }
            tables.insert_bucket(bucket.as_str(), &BucketRecord { created: Millis::now() })
        })
        .await?;
    Ok(S3Response::new(CreateBucketOutput { location: Some(location) }))
}

pub(super) async fn head_bucket(
    service: &Service,
    req: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    service.read(move |view| view.bucket(&req.input.bucket)).await?;
    Ok(S3Response::new(HeadBucketOutput {
        bucket_region: Some(REGION.to_owned()),
        ..Default::default()
    }))
}

pub(super) async fn list_buckets(
    service: &Service,
    req: S3Request<ListBucketsInput>,
) -> S3Result<S3Response<ListBucketsOutput>> {
    let ListBucketsInput { prefix, continuation_token, max_buckets, .. } = req.input;
    let limit = match max_buckets {
        None => usize::MAX,
        requested => page_size(requested, "max-buckets")?,
    };
    let (found_prefix, after) = (prefix.clone(), continuation_token);
    let (buckets, next) = service
        .read(move |view| {
            let mut buckets: Vec<Bucket> = Vec::new();
            for entry in view.buckets.iter()? {
                let (name, bucket) = entry?;
                let name = String::from_utf8_lossy(name.value()).into_owned();
                let wanted = prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
                    && after.as_ref().is_none_or(|after| name > *after);
                if !wanted {
                    continue;
                }
                if buckets.len() == limit {
                    let next = buckets.last().and_then(|last| last.name.clone());
                    return Ok((buckets, next));
                }
                let bucket: BucketRecord = record::decode(bucket.value())?;
                buckets.push(Bucket {
                    name: Some(name),
                    creation_date: Some(bucket.created.timestamp()),
                    bucket_region: None,
                });
            }
            Ok((buckets, None))
        })
        .await?;
    Ok(S3Response::new(ListBucketsOutput {
        buckets: Some(buckets),
        continuation_token: next,
        owner: Some(super::text::owner()),
        prefix: found_prefix,
    }))
}

pub(super) async fn delete_bucket(
    service: &Service,
    req: S3Request<DeleteBucketInput>,
) -> S3Result<S3Response<DeleteBucketOutput>> {
    let bucket = req.input.bucket;
    service
        .free(move |tables| {
            tables.require_bucket(&bucket)?;
            if !tables.is_empty(&bucket)? {
                return Err(IndexError::from(s3_error!(
                    BucketNotEmpty,
                    "The bucket you tried to delete is not empty."
                )));
            }
            // As in S3, unfinished uploads do not prevent the deletion of a bucket: they are
            // aborted.
            for (key, upload_id) in tables.uploads(&bucket)? {
                tables.remove_upload(&bucket, &key, &upload_id, &[])?;
            }
            tables.remove_bucket(&bucket)
        })
        .await?;
    Ok(S3Response::new(DeleteBucketOutput {}))
}

pub(super) async fn get_bucket_location(
    service: &Service,
    req: S3Request<GetBucketLocationInput>,
) -> S3Result<S3Response<GetBucketLocationOutput>> {
    service.read(move |view| view.bucket(&req.input.bucket)).await?;
    // S3 omits the name of us-east-1 here, and only of this region.
    Ok(S3Response::new(GetBucketLocationOutput::default()))
}

pub(super) async fn get_bucket_versioning(
    service: &Service,
    req: S3Request<GetBucketVersioningInput>,
) -> S3Result<S3Response<GetBucketVersioningOutput>> {
    service.read(move |view| view.bucket(&req.input.bucket)).await?;
    Ok(S3Response::new(GetBucketVersioningOutput::default()))
}
