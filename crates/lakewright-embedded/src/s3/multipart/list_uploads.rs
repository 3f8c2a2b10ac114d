//! The ListMultipartUploads operation.

use std::ops::Bound;

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use crate::index::record::{self, UploadRecord};
use crate::index::{IndexError, View, keys};
use crate::s3::text::{self, name, wants_url_encoding};
use crate::s3::{Service, page_size};

pub(in crate::s3) async fn list_multipart_uploads(
    service: &Service,
    req: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let input = req.input;
    let urls = wants_url_encoding(input.encoding_type.as_ref())?;
    let limit = page_size(input.max_uploads, "max-uploads")?;
    let query = Query {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().unwrap_or_default(),
        key_marker: input.key_marker.clone().unwrap_or_default(),
        // Without a key marker the upload id marker is ignored.
        upload_id_marker: input.upload_id_marker.clone().filter(|_| input.key_marker.is_some()),
        limit,
    };
    let page = service.read(move |view| query.run(view)).await?;
    let encode = |text: Option<String>| text.map(|text| name(&text, urls));
    let upload = |(key, upload_id, record): (String, String, UploadRecord)| {
        let owner = text::owner();
        MultipartUpload {
            key: Some(name(&key, urls)),
            upload_id: Some(upload_id),
            initiated: Some(record.initiated.timestamp()),
            checksum_algorithm: record.checksum.map(|(algorithm, _)| algorithm.dto()),
            checksum_type: record.checksum.map(|(_, kind)| kind.dto()),
            initiator: Some(Initiator {
                display_name: owner.display_name.clone(),
                id: owner.id.clone(),
            }),
            owner: Some(owner),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        }
    };
    let common = |prefix: String| CommonPrefix { prefix: Some(name(&prefix, urls)) };
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        prefix: Some(encode(input.prefix).unwrap_or_default()),
        delimiter: encode(input.delimiter),
        key_marker: Some(encode(input.key_marker).unwrap_or_default()),
        upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
        max_uploads: i32::try_from(limit).ok(),
        is_truncated: Some(page.next.is_some()),
        next_key_marker: page.next.as_ref().map(|(key, _)| name(key, urls)),
        next_upload_id_marker: page.next.map(|(_, id)| id),
        uploads: Some(page.uploads.into_iter().map(upload).collect()),
        common_prefixes: Some(page.prefixes.into_iter().map(common).collect()),
        encoding_type: input.encoding_type,
        request_charged: None,
    }))
}

struct Query {
    bucket: String,
    prefix: String,
    delimiter: String,
    key_marker: String,
    upload_id_marker: Option<String>,
    limit: usize,
}

#[derive(Default)]
struct Listed {
    uploads: Vec<(String, String, UploadRecord)>,
    prefixes: Vec<String>,
    /// Object key and upload id of the last entry, if more follow.
    next: Option<(String, String)>,
}

impl Query {
    /// Returns a page. There are few unfinished uploads, so common prefixes are found by a scan.
    fn run(&self, view: &View) -> Result<Listed, IndexError> {
        view.bucket(&self.bucket)?;
        let mut listed = Listed::default();
        let mut last = None;
        let from = keys::object(&self.bucket, b"");
        let end = keys::bucket_end(&self.bucket);
        let bounds = (Bound::Included(from.as_slice()), Bound::Excluded(end.as_slice()));
        for entry in view.uploads.range::<&[u8]>(bounds)? {
            let (index_key, record) = entry?;
            let (key, id) = keys::upload_parts(&self.bucket, index_key.value())
                .ok_or_else(|| IndexError::Record("the name of an upload cannot be read".into()))?;
            if !key.starts_with(&self.prefix) || !self.comes_after_markers(&key, &id) {
                continue;
            }
            let common = self.common_prefix(&key);
            if let Some(common) = common
                && (listed.prefixes.last().is_some_and(|last| last == common)
                    || common <= self.key_marker.as_str())
            {
                continue;
            }
            if listed.uploads.len() + listed.prefixes.len() == self.limit {
                listed.next = last; // `None` for a page of no entries.
                break;
            }
            match common {
                Some(common) => {
                    last = Some((common.to_owned(), String::new()));
                    listed.prefixes.push(common.to_owned());
                }
                None => {
                    last = Some((key.clone(), id.clone()));
                    listed.uploads.push((key, id, record::decode(record.value())?));
                }
            }
        }
        Ok(listed)
    }

    fn comes_after_markers(&self, key: &str, id: &str) -> bool {
        match &self.upload_id_marker {
            Some(marker) if key == self.key_marker && !marker.is_empty() => id > marker.as_str(),
            _ => self.key_marker.is_empty() || key > self.key_marker.as_str(),
        }
    }

    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let at = key.get(self.prefix.len()..)?.find(&self.delimiter)?;
        key.get(..self.prefix.len() + at + self.delimiter.len())
    }
}
