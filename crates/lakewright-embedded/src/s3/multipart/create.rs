//! The CreateMultipartUpload operation.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use crate::checksum::{Algorithm, ChecksumKind};
use crate::index::record::{Millis, UploadRecord};
use crate::s3::headers::{refuse_customer_key, refuse_unsupported, take_headers};
use crate::s3::{Service, text};

pub(in crate::s3) async fn create_multipart_upload(
    service: &Service,
    req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let mut input = req.input;
    refuse_unsupported!(input);
    let checksum = checksum(input.checksum_algorithm.as_ref(), input.checksum_type.as_ref())?;
    let upload = UploadRecord {
        initiated: Millis::now(),
        headers: take_headers!(input),
        tags: text::parse_tags(input.tagging.as_deref())?,
        checksum,
    };
    // Version 7 UUIDs sort by time, and so do the uploads of one key in a listing.
    let upload_id = uuid::Uuid::now_v7().simple().to_string();
    let (bucket, key) = (input.bucket, input.key);
    let output = CreateMultipartUploadOutput {
        bucket: Some(bucket.clone()),
        key: Some(key.clone()),
        upload_id: Some(upload_id.clone()),
        checksum_algorithm: checksum.map(|(algorithm, _)| algorithm.dto()),
        checksum_type: checksum.map(|(_, kind)| kind.dto()),
        ..Default::default()
    };
    service
        .write(Vec::new(), move |tables| {
            tables.require_bucket(&bucket)?;
            tables.insert_upload(&bucket, &key, &upload_id, &upload)
        })
        .await?;
    Ok(S3Response::new(output))
}

/// Returns the checksum of the object that the client requests.
fn checksum(
    algorithm: Option<&ChecksumAlgorithm>,
    kind: Option<&ChecksumType>,
) -> S3Result<Option<(Algorithm, ChecksumKind)>> {
    let Some(algorithm) = algorithm else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(s3_error!(
                InvalidRequest,
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            )),
        };
    };
    let algorithm = Algorithm::from_dto(algorithm).ok_or_else(|| {
        s3_error!(
            InvalidRequest,
            "Checksum algorithm provided is unsupported. Please try again with any of the valid \
             types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
        )
    })?;
    let kind = match kind {
        None => algorithm.default_kind(),
        Some(kind) => ChecksumKind::from_dto(kind).ok_or_else(|| {
            s3_error!(InvalidRequest, "Value for x-amz-checksum-type header is invalid.")
        })?,
    };
    if !algorithm.allows(kind) {
        return Err(s3_error!(
            InvalidRequest,
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            kind.dto().as_str(),
            algorithm.name()
        ));
    }
    Ok(Some((algorithm, kind)))
}
