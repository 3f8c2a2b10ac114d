//! The metadata of objects: parsed from requests and returned in responses.

use s3s::dto::{Metadata, StorageClass};
use s3s::{S3Error, S3Result, s3_error};

use crate::index::record::Headers;

/// S3's limit on the names and values of `x-amz-meta-*` together, in bytes.
const MAX_METADATA: usize = 2 * 1024;

/// S3's content type for an object that was put without one.
pub(super) const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// Returns the user metadata of a request, within S3's limit.
pub(super) fn metadata(
    metadata: Option<Metadata>,
) -> S3Result<std::collections::BTreeMap<String, String>> {
    let metadata = metadata.unwrap_or_default();
    let bytes: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_METADATA {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size."
        ));
    }
    Ok(metadata.into_iter().collect())
}

/// Returns the user metadata for a response.
pub(super) fn metadata_dto(headers: &Headers) -> Option<Metadata> {
    (!headers.metadata.is_empty())
        .then(|| headers.metadata.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
}

/// Refuses storage classes other than the two that promise no more than what this server offers.
pub(super) fn check_storage_class(class: Option<&StorageClass>) -> S3Result<()> {
    match class.map(StorageClass::as_str) {
        None | Some(StorageClass::STANDARD | StorageClass::REDUCED_REDUNDANCY) => Ok(()),
        Some(_) => Err(s3_error!(
            InvalidStorageClass,
            "The storage class you specified is not valid: only STANDARD and REDUCED_REDUNDANCY are supported."
        )),
    }
}

/// Refuses version ids other than `null`, because objects are not versioned.
pub(super) fn check_version(version: Option<&str>) -> S3Result<()> {
    match version {
        None | Some("null") => Ok(()),
        Some(_) => Err(s3_error!(NoSuchVersion, "The specified version does not exist.")),
    }
}

pub(super) fn not_implemented(feature: &str) -> S3Error {
    s3_error!(NotImplemented, "{feature} is not implemented.")
}

/// Takes the headers that are stored out of a request that creates an object.
macro_rules! take_headers {
    ($input:expr) => {
        $crate::index::record::Headers {
            content_type: $input.content_type.take(),
            content_encoding: $input.content_encoding.take(),
            content_disposition: $input.content_disposition.take(),
            content_language: $input.content_language.take(),
            cache_control: $input.cache_control.take(),
            expires: $input.expires.as_ref().map($crate::index::record::Millis::from_timestamp),
            website_redirect: $input.website_redirect_location.take(),
            metadata: $crate::s3::headers::metadata($input.metadata.take())?,
        }
    };
}

/// Refuses a request that creates an object with a feature that this server lacks. Ignoring such a
/// feature silently, for example encryption, would mislead the client.
macro_rules! refuse_unsupported {
    ($input:expr) => {{
        use $crate::s3::headers::{check_storage_class, not_implemented};
        refuse_customer_key!($input);
        if $input.server_side_encryption.is_some() || $input.ssekms_key_id.is_some() {
            return Err(not_implemented("Server-side encryption"));
        }
        if $input.object_lock_mode.is_some()
            || $input.object_lock_retain_until_date.is_some()
            || $input.object_lock_legal_hold_status.is_some()
        {
            return Err(not_implemented("Object lock"));
        }
        if $input.grant_full_control.is_some()
            || $input.grant_read.is_some()
            || $input.grant_read_acp.is_some()
            || $input.grant_write_acp.is_some()
            || $input.acl.as_ref().is_some_and(|acl| {
                !["private", "bucket-owner-full-control"].contains(&acl.as_str())
            })
        {
            return Err(not_implemented("An access control list"));
        }
        check_storage_class($input.storage_class.as_ref())?;
    }};
}

/// Refuses a request with a customer-provided encryption key.
macro_rules! refuse_customer_key {
    ($input:expr) => {
        if $input.sse_customer_algorithm.is_some() || $input.sse_customer_key.is_some() {
            return Err($crate::s3::headers::not_implemented("Encryption with customer keys"));
        }
    };
}

/// Returns the preconditions of GetObject and HeadObject, after refusing what cannot be read.
macro_rules! read_conditions {
    ($input:expr) => {{
        refuse_customer_key!($input);
        $crate::s3::headers::check_version($input.version_id.as_deref())?;
        $crate::s3::conditions::ReadConditions {
            if_match: $input.if_match,
            if_none_match: $input.if_none_match,
            if_modified_since: $input.if_modified_since,
            if_unmodified_since: $input.if_unmodified_since,
        }
    }};
}

/// Sets the fields that the responses of GetObject and HeadObject share.
macro_rules! describe {
    ($output:ident, $record:expr, $span:expr, $with_checksum:expr) => {{
        let (record, span) = ($record, $span);
        let headers = &record.headers;
        let length = span.bytes.end - span.bytes.start;
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_length = Some($crate::s3::signed(length));
        $output.content_range = span.content_range(record.size);
        $output.e_tag = Some($crate::s3::conditions::etag(record));
        $output.last_modified = Some(record.modified.timestamp());
        $output.content_type = Some(
            headers
                .content_type
                .clone()
                .unwrap_or_else(|| $crate::s3::headers::DEFAULT_CONTENT_TYPE.to_owned()),
        );
        $output.content_encoding = headers.content_encoding.clone();
        $output.content_disposition = headers.content_disposition.clone();
        $output.content_language = headers.content_language.clone();
        $output.cache_control = headers.cache_control.clone();
        $output.expires = headers.expires.map($crate::index::record::Millis::timestamp);
        $output.website_redirect_location = headers.website_redirect.clone();
        $output.metadata = $crate::s3::headers::metadata_dto(headers);
        $output.parts_count = span.parts.and_then(|parts| i32::try_from(parts).ok());
        // The checksum covers the whole object, so it is omitted beside a range.
        if let Some(checksum) = record.checksum.as_ref().filter(|_| $with_checksum && !span.partial)
        {
            $output.checksum_type = Some(checksum.kind.dto());
            $crate::checksum::set_checksum!($output, checksum.algorithm, checksum.value.clone());
        }
    }};
}
pub(super) use {describe, read_conditions, refuse_customer_key, refuse_unsupported, take_headers};
