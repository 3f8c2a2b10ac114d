//! DeleteObjects: up to 1,000 keys in one request, deleted in one transaction.

use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::Service;
use super::conditions::WriteConditions;
use super::headers::check_version;
use crate::index::{IndexError, Tables};

/// S3's limit of keys in one request.
const MAX_KEYS: usize = 1000;

pub(super) async fn delete_objects(
    service: &Service,
    req: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let Delete { objects, quiet } = req.input.delete;
    if objects.is_empty() || objects.len() > MAX_KEYS {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided names no object, or more than {MAX_KEYS}."
        ));
    }
    let bucket = req.input.bucket;
    let (deleted, errors) = service
        .free(move |tables| {
            tables.require_bucket(&bucket)?;
            let (mut deleted, mut errors) = (Vec::new(), Vec::new());
            for object in objects.clone() {
                let key = object.key.clone();
                match delete(tables, &bucket, object) {
                    Ok(()) => deleted.push(DeletedObject { key: Some(key), ..Default::default() }),
                    Err(IndexError::Refused(error)) => errors.push(entry(key, &error)),
                    Err(error) => return Err(error),
                }
            }
            Ok((deleted, errors))
        })
        .await?;
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: Some(if quiet == Some(true) { Vec::new() } else { deleted }),
        errors: Some(errors),
        request_charged: None,
    }))
}

fn delete(
    tables: &mut Tables<'_>,
    bucket: &str,
    object: ObjectIdentifier,
) -> Result<(), IndexError> {
    check_version(object.version_id.as_deref())?;
    let if_match = object.e_tag.map(ETagCondition::ETag);
    let conditions = WriteConditions { if_match, if_none_match: None };
    let before = tables.find_object(bucket, &object.key)?;
    conditions.check(before.as_ref())?;
    before.map_or(Ok(()), |record| tables.remove_object(bucket, &object.key, record))
}

fn entry(key: String, error: &S3Error) -> Error {
    Error {
        code: Some(error.code().as_str().to_owned()),
        key: Some(key),
        message: error.message().map(str::to_owned),
        version_id: None,
    }
}
