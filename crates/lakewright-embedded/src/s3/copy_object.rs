//! CopyObject. No bytes are copied from files, which get hard links; small blobs get new rows.

use bytes::Bytes;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::conditions::WriteConditions;
use super::headers::{refuse_customer_key, refuse_unsupported, take_headers};
use super::source::{copy_conditions, copy_source};
use super::{Service, conditions, text};
use crate::blob::{BlobId, StagedBlob};
use crate::checksum::set_checksum;
use crate::index::record::{Headers, Millis, ObjectRecord, Place, Segment};
use crate::index::{IndexError, storage_error};
use crate::receive::MAX_BYTES;

pub(super) async fn copy_object(
    service: &Service,
    req: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    // s3s does not parse preconditions on the object that a copy replaces.
    let replaced = WriteConditions::from_headers(&req.headers)?;
    let mut input = req.input;
    refuse_unsupported!(input);
    let (source_bucket, source_key) = copy_source(input.copy_source)?;
    let conditions = copy_conditions(
        input.copy_source_if_match,
        input.copy_source_if_none_match,
        input.copy_source_if_modified_since,
        input.copy_source_if_unmodified_since,
    );
    let replaces = |directive: Option<&str>| match directive {
        None | Some(MetadataDirective::COPY) => Ok(false),
        Some(MetadataDirective::REPLACE) => Ok(true),
        Some(_) => Err(s3_error!(InvalidArgument, "Unknown metadata or tagging directive.")),
    };
    let new_headers =
        match replaces(input.metadata_directive.as_ref().map(MetadataDirective::as_str))? {
            true => Some(take_headers!(input)),
            false => None,
        };
    let new_tags = replaces(input.tagging_directive.as_ref().map(TaggingDirective::as_str))?
        .then(|| text::parse_tags(input.tagging.as_deref()))
        .transpose()?;
    let (bucket, key) = (input.bucket, input.key);
    if source_bucket == bucket
        && source_key == key
        && new_headers.is_none()
        && new_tags.is_none()
        && input.storage_class.is_none()
        && input.website_redirect_location.is_none()
    {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without \
             changing the object's metadata, storage class, website redirect location or \
             encryption attributes."
        ));
    }

    let copy = service
        .run_blocking(move |service| {
            let (bucket, key) = (source_bucket, source_key);
            let find = |view: &crate::index::View| {
                let record = view.object(&bucket, &key)?;
                conditions.check_source(&record)?;
                check_size(&record)?;
                let mut small = Vec::new();
                for segment in record.segments.iter().filter(|s| s.place == Place::Index) {
                    small.push(view.small(segment)?);
                }
                let files = record.segments.iter().filter(|s| s.place == Place::File);
                let files = files.map(|segment| segment.blob).collect();
                Ok::<_, IndexError>(((record, small), files))
            };
            let ((record, small), _pin) = service.blobs.pin(|| service.index.read(find))?;
            Copy::link(service, record, small, new_headers, new_tags)
        })
        .await?;

    let record = copy.record;
    let mut result = CopyObjectResult {
        e_tag: Some(conditions::etag(&record)),
        last_modified: Some(record.modified.timestamp()),
        ..Default::default()
    };
    if let Some(checksum) = &record.checksum {
        result.checksum_type = Some(checksum.kind.dto());
        set_checksum!(result, checksum.algorithm, checksum.value.clone());
    }
    let small = copy.small;
    service
        .write(copy.staged, move |tables| {
            tables.require_bucket(&bucket)?;
            let before = tables.find_object(&bucket, &key)?;
            replaced.check(before.as_ref())?;
            for (blob, bytes) in &small {
                tables.insert_small(*blob, bytes)?;
            }
            tables.insert_object(&bucket, &key, &record, before)
        })
        .await?;
    Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() }))
}

fn check_size(record: &ObjectRecord) -> S3Result<()> {
    if record.size > MAX_BYTES {
        return Err(s3_error!(
            InvalidRequest,
            "The specified copy source is larger than the maximum allowable size for a copy source: {MAX_BYTES}"
        ));
    }
    Ok(())
}

/// A copy that the index does not reference yet.
struct Copy {
    record: ObjectRecord,
    small: Vec<(BlobId, Bytes)>,
    staged: Vec<StagedBlob>,
}

impl Copy {
    /// Creates a second blob for every blob of the source. The bytes stay the same, and so do ETag,
    /// parts and checksum.
    fn link(
        service: &Service,
        source: ObjectRecord,
        small: Vec<Bytes>,
        headers: Option<Headers>,
        tags: Option<Vec<(String, String)>>,
    ) -> S3Result<Self> {
        let mut copy = Self { record: source, small: Vec::new(), staged: Vec::new() };
        let mut small = small.into_iter();
        for segment in &mut copy.record.segments {
            let Segment { blob, place, .. } = segment;
            match place {
                Place::Index => {
                    *blob = BlobId::new();
                    copy.small.extend(small.next().map(|bytes| (*blob, bytes)));
                }
                Place::File => {
                    let staged = service.blobs.link(*blob).map_err(storage_error)?;
                    *blob = staged.id();
                    copy.staged.push(staged);
                }
            }
        }
        copy.record.modified = Millis::now();
        if let Some(headers) = headers {
            copy.record.headers = headers;
        }
        if let Some(tags) = tags {
            copy.record.tags = tags;
        }
        Ok(copy)
    }
}
