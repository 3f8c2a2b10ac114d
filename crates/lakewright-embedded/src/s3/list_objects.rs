//! ListObjectsV2 and ListObjects.

use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::text::{name, owner, wants_url_encoding};
use super::{Service, conditions, page_size, signed};
use crate::index::record::{self, ObjectRecord};
use crate::index::{Entry, IndexError, Page, View, Walk, keys, walk};

pub(super) async fn list_objects_v2(
    service: &Service,
    req: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let input = req.input;
    let urls = wants_url_encoding(input.encoding_type.as_ref())?;
    let limit = page_size(input.max_keys, "max-keys")?;
    let after = match &input.continuation_token {
        Some(token) => Some(decode_token(token)?),
        None => input.start_after.clone(),
    };
    let query = Query {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().unwrap_or_default(),
        after,
        limit,
    };
    let page = query.run(service).await?;
    let next = page.entries.last().filter(|_| page.truncated).map(|last| encode_token(last.name()));
    let truncated = page.truncated;
    let count = i32::try_from(page.entries.len()).ok();
    let (contents, common_prefixes) = split(page, urls, input.fetch_owner == Some(true));
    let encode = |text: Option<String>| text.map(|text| name(&text, urls));
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encode(input.prefix).unwrap_or_default()),
        max_keys: i32::try_from(limit).ok(),
        key_count: count,
        continuation_token: input.continuation_token,
        is_truncated: Some(truncated),
        next_continuation_token: next,
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        delimiter: encode(input.delimiter),
        encoding_type: input.encoding_type,
        start_after: encode(input.start_after),
        request_charged: None,
    }))
}

pub(super) async fn list_objects(
    service: &Service,
    req: S3Request<ListObjectsInput>,
) -> S3Result<S3Response<ListObjectsOutput>> {
    let input = req.input;
    let urls = wants_url_encoding(input.encoding_type.as_ref())?;
    let limit = page_size(input.max_keys, "max-keys")?;
    let query = Query {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().unwrap_or_default(),
        after: input.marker.clone().filter(|marker| !marker.is_empty()),
        limit,
    };
    let page = query.run(service).await?;
    // Without a delimiter S3 omits the marker, which is then the last key.
    let next = page
        .entries
        .last()
        .filter(|_| page.truncated && !query.delimiter.is_empty())
        .map(|last| name(last.name(), urls));
    let truncated = page.truncated;
    let (contents, common_prefixes) = split(page, urls, true);
    let encode = |text: Option<String>| text.map(|text| name(&text, urls));
    Ok(S3Response::new(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(encode(input.prefix).unwrap_or_default()),
        marker: Some(encode(input.marker).unwrap_or_default()),
        max_keys: i32::try_from(limit).ok(),
        is_truncated: Some(truncated),
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        delimiter: encode(input.delimiter),
        next_marker: next,
        encoding_type: input.encoding_type,
        request_charged: None,
    }))
}

/// The parameters that both operations share.
#[derive(Clone, Debug)]
struct Query {
    bucket: String,
    prefix: String,
    delimiter: String,
    after: Option<String>,
    limit: usize,
}

impl Query {
    async fn run(&self, service: &Service) -> S3Result<Page<ObjectRecord>> {
        let query = self.clone();
        service.read(move |view| query.walk(view)).await
    }

    fn walk(&self, view: &View) -> Result<Page<ObjectRecord>, IndexError> {
        view.bucket(&self.bucket)?;
        let walk_query = Walk {
            prefix: &self.prefix,
            delimiter: &self.delimiter,
            after: self.after.as_deref(),
            limit: self.limit,
        };
        let end = keys::bucket_end(&self.bucket);
        let scan = |from: Bound<&[u8]>| {
            let from = from.map(|key| keys::object(&self.bucket, key));
            let bounds = (from.as_ref().map(Vec::as_slice), Bound::Excluded(end.as_slice()));
            let entries = view.objects.range::<&[u8]>(bounds)?;
            Ok(entries.map(|entry| {
                let (key, record) = entry?;
                Ok((keys::object_key(&self.bucket, key.value()).to_vec(), record))
            }))
        };
        walk(&walk_query, scan, |record| record::decode(record.value()))
    }
}

fn split(
    page: Page<ObjectRecord>,
    urls: bool,
    with_owner: bool,
) -> (Vec<Object>, Vec<CommonPrefix>) {
    let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
    for entry in page.entries {
        match entry {
            Entry::Prefix(prefix) => {
                prefixes.push(CommonPrefix { prefix: Some(name(&prefix, urls)) });
            }
            Entry::Key(key, record) => contents.push(Object {
                key: Some(name(&key, urls)),
                size: Some(signed(record.size)),
                e_tag: Some(conditions::etag(&record)),
                last_modified: Some(record.modified.timestamp()),
                storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                owner: with_owner.then(owner),
                checksum_algorithm: record
                    .checksum
                    .as_ref()
                    .map(|checksum| vec![checksum.algorithm.dto()]),
                checksum_type: record.checksum.as_ref().map(|checksum| checksum.kind.dto()),
                restore_status: None,
            }),
        }
    }
    (contents, prefixes)
}

/// First byte of a continuation token, so that an object key is not accepted as one. A token names
/// the entry after which the next page begins, encoded so that it can hold any key.
const TOKEN_PREFIX: u8 = 1;

fn encode_token(last: &str) -> String {
    URL_SAFE_NO_PAD.encode([&[TOKEN_PREFIX], last.as_bytes()].concat())
}

fn decode_token(token: &str) -> S3Result<String> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .filter(|bytes| bytes.first() == Some(&TOKEN_PREFIX))
        .and_then(|mut bytes| String::from_utf8(bytes.split_off(1)).ok())
        .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}
