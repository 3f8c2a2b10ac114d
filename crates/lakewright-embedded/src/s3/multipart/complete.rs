//! The CompleteMultipartUpload operation.

use std::collections::HashMap;

use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use crate::checksum::{Algorithm, ChecksumKind, given_checksums, set_checksum};
use crate::index::record::{
    Millis, MultipartOrigin, ObjectRecord, PartRecord, PartSummary, Segment, StoredChecksum,
    UploadRecord,
};
use crate::index::{IndexError, Tables};
use crate::receive::hex;
use crate::s3::Service;
use crate::s3::conditions::{self, WriteConditions};
use crate::s3::headers::refuse_customer_key;

/// S3's smallest size in bytes of a part that is not the last.
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;

pub(in crate::s3) async fn complete_multipart_upload(
    service: &Service,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let mut input = req.input;
    refuse_customer_key!(input);
    let parts = input.multipart_upload.take().and_then(|upload| upload.parts).unwrap_or_default();
    let request = CompleteRequest {
        parts: parts.into_iter().map(RequestedPart::new).collect::<S3Result<_>>()?,
        checksum: given_checksums!(input)
            .into_iter()
            .find_map(|(algorithm, value)| Some((algorithm, value?))),
        kind: input.checksum_type.as_ref().and_then(ChecksumKind::from_dto),
        size: input.mpu_object_size.map(|size| u64::try_from(size).unwrap_or(u64::MAX)),
    };
    if request.parts.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    let conditions =
        WriteConditions { if_match: input.if_match, if_none_match: input.if_none_match };
    let (bucket, key, upload_id) = (input.bucket, input.key, input.upload_id);
    let mut output = CompleteMultipartUploadOutput {
        bucket: Some(bucket.clone()),
        key: Some(key.clone()),
        location: Some(format!("/{bucket}/{key}")),
        ..Default::default()
    };
    let record = service
        .write(Vec::new(), move |tables| {
            complete(tables, (&bucket, &key, &upload_id), &request, &conditions)
        })
        .await?;
    output.e_tag = Some(conditions::etag(&record));
    if let Some(checksum) = record.checksum {
        output.checksum_type = Some(checksum.kind.dto());
        set_checksum!(output, checksum.algorithm, checksum.value);
    }
    Ok(S3Response::new(output))
}

fn complete(
    tables: &mut Tables<'_>,
    (bucket, key, upload_id): (&str, &str, &str),
    request: &CompleteRequest,
    conditions: &WriteConditions,
) -> Result<ObjectRecord, IndexError> {
    let before = tables.find_object(bucket, key)?;
    let upload = match tables.upload(bucket, key, upload_id) {
        Ok(upload) => upload,
        Err(error) => {
            // The request may be repeated by a client that lost the first response.
            let same = |record: &ObjectRecord| {
                record.multipart.as_ref().is_some_and(|origin| origin.upload_id == upload_id)
            };
            return before.filter(same).ok_or(error);
        }
    };
    let parts = request.resolve(tables.parts(upload_id)?)?;
    let record = assemble(&upload, upload_id, request, parts)?;
    conditions.check(before.as_ref())?;
    tables.remove_upload(bucket, key, upload_id, &record.segments)?;
    tables.insert_object(bucket, key, &record, before)?;
    Ok(record)
}

/// The parts, checksum and size of the object that the client requests.
struct CompleteRequest {
    parts: Vec<RequestedPart>,
    checksum: Option<(Algorithm, String)>,
    kind: Option<ChecksumKind>,
    size: Option<u64>,
}

struct RequestedPart {
    number: u16,
    etag: String,
    checksum: Option<(Algorithm, String)>,
}

impl RequestedPart {
    fn new(part: CompletedPart) -> S3Result<Self> {
        let checksum = given_checksums!(part)
            .into_iter()
            .find_map(|(algorithm, value)| Some((algorithm, value?)));
        let malformed = || s3_error!(MalformedXML, "A part must have a PartNumber and an ETag");
        Ok(Self {
            number: super::part_number(part.part_number.ok_or_else(malformed)?)?,
            etag: part.e_tag.ok_or_else(malformed)?.into_value(),
            checksum,
        })
    }

    fn matches(&self, part: &PartRecord) -> bool {
        self.etag == part.etag
            && match (&self.checksum, &part.checksum) {
                (None, _) => true,
                (requested, stored) => requested == stored,
            }
    }
}

fn invalid_part(number: u16) -> S3Error {
    s3_error!(
        InvalidPart,
        "Part {number} could not be found. It may not have been uploaded, or its ETag or checksum \
         may not be the one given."
    )
}

impl CompleteRequest {
    /// Returns the requested parts, if all of them were uploaded.
    fn resolve(&self, uploaded: Vec<(u16, PartRecord)>) -> S3Result<Vec<(u16, PartRecord)>> {
        let ascending = self.parts.windows(2).all(|pair| match pair {
            [one, next] => one.number < next.number,
            _ => true,
        });
        if !ascending {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order. Parts must be ordered by part number."
            ));
        }
        let mut uploaded: HashMap<u16, PartRecord> = uploaded.into_iter().collect();
        let mut parts = Vec::with_capacity(self.parts.len());
        for requested in &self.parts {
            let part = uploaded.remove(&requested.number).filter(|part| requested.matches(part));
            parts.push((requested.number, part.ok_or_else(|| invalid_part(requested.number))?));
        }
        let small = parts.iter().rev().skip(1).any(|(_, part)| part.size < MIN_PART_BYTES);
        if small {
            return Err(s3_error!(
                EntityTooSmall,
                "Your proposed upload is smaller than the minimum allowed object size: every part \
                 but the last must have 5 MiB or more."
            ));
        }
        Ok(parts)
    }
}

/// Returns the record of the object that consists of the parts.
fn assemble(
    upload: &UploadRecord,
    upload_id: &str,
    request: &CompleteRequest,
    parts: Vec<(u16, PartRecord)>,
) -> S3Result<ObjectRecord> {
    let size: u64 = parts.iter().map(|(_, part)| part.size).sum();
    if request.size.is_some_and(|requested| requested != size) {
        return Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header does not match what was uploaded."
        ));
    }
    let checksum = checksum(upload, request, &parts)?;
    let etag = etag(&parts)?;
    let summary = |(number, part): &(u16, PartRecord)| PartSummary {
        number: *number,
        size: part.size,
        checksum: part.checksum.as_ref().map(|(_, value)| value.clone()),
    };
    let origin = MultipartOrigin {
        upload_id: upload_id.to_owned(),
        parts: parts.iter().map(summary).collect(),
    };
    let segments: Vec<Segment> = parts.into_iter().filter_map(|(_, part)| part.segment).collect();
    Ok(ObjectRecord {
        size,
        etag,
        modified: Millis::now(),
        segments,
        headers: upload.headers.clone(),
        checksum,
        tags: upload.tags.clone(),
        multipart: Some(origin),
    })
}

/// Returns S3's ETag of a multipart object: the MD5 of the MD5s of its parts, and their number.
fn etag(parts: &[(u16, PartRecord)]) -> S3Result<String> {
    let mut md5 = Md5::new();
    for (_, part) in parts {
        let number = u128::from_str_radix(&part.etag, 16).map_err(S3Error::internal_error)?;
        md5.update(&number.to_be_bytes());
    }
    Ok(format!("{}-{}", hex(&md5.finalize()), parts.len()))
}

/// Computes the checksum of the object from those of its parts and verifies the client's.
fn checksum(
    upload: &UploadRecord,
    request: &CompleteRequest,
    parts: &[(u16, PartRecord)],
) -> S3Result<Option<StoredChecksum>> {
    let Some((algorithm, kind)) = upload.checksum else { return Ok(None) };
    if request.kind.is_some_and(|requested| requested != kind) {
        return Err(s3_error!(
            InvalidRequest,
            "The upload was created with the {} checksum type.",
            kind.dto().as_str()
        ));
    }
    let mut values = Vec::with_capacity(parts.len());
    for (number, part) in parts {
        match &part.checksum {
            Some((of, value)) if *of == algorithm => values.push((value.as_str(), part.size)),
            _ => return Err(invalid_part(*number)),
        }
    }
    let value = algorithm.combine(kind, &values).ok_or_else(|| {
        s3_error!(InternalError, "The checksums of the parts cannot be combined.")
    })?;
    match &request.checksum {
        Some((of, requested)) if *of != algorithm || !same(kind, requested, &value) => {
            Err(s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                of.name()
            ))
        }
        _ => Ok(Some(StoredChecksum { algorithm, kind, value })),
    }
}

/// Compares checksums. A client may omit the `-N` of a composite one.
fn same(kind: ChecksumKind, requested: &str, value: &str) -> bool {
    requested == value
        || kind == ChecksumKind::Composite
            && value.rsplit_once('-').is_some_and(|(bare, _)| bare == requested)
}
