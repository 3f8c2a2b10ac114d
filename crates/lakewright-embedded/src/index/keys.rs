//! Keys of the index tables: byte strings that sort like the names that they encode, so that a
//! listing is a range scan.

use std::ops::Bound;

/// Encodes `bucket 0x00 key`. Bucket names contain no byte below `-`, so the keys of two buckets do
/// not mix, and within one bucket they sort by UTF-8 bytes, as in S3.
pub(crate) fn object(bucket: &str, key: &[u8]) -> Vec<u8> {
    [bucket.as_bytes(), &[0], key].concat()
}

/// Returns the object key of an index key of this bucket.
pub(crate) fn object_key<'k>(bucket: &str, index_key: &'k [u8]) -> &'k [u8] {
    index_key.get(bucket.len() + 1..).unwrap_or_default()
}

/// Returns the exclusive end of the index keys of a bucket.
pub(crate) fn bucket_end(bucket: &str) -> Vec<u8> {
    [bucket.as_bytes(), &[1]].concat()
}

/// Encodes `bucket 0x00 escaped-key 0x00 0x00 upload-id`. The object key may contain NUL, so NUL is
/// escaped as `00 ff` and the key ends with `00 00`: this keeps the order, and the uploads of one
/// key never share a prefix with those of another.
pub(crate) fn upload(bucket: &str, key: &str, upload_id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(bucket.len() + key.len() + upload_id.len() + 8);
    out.extend_from_slice(bucket.as_bytes());
    out.push(0);
    for &byte in key.as_bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(upload_id.as_bytes());
    out
}

/// Returns the object key and upload id of an index key of this bucket.
pub(crate) fn upload_parts(bucket: &str, index_key: &[u8]) -> Option<(String, String)> {
    let rest = index_key.get(bucket.len() + 1..)?;
    let mut key = Vec::with_capacity(rest.len());
    let mut bytes = rest.iter().copied().enumerate();
    while let Some((_, byte)) = bytes.next() {
        if byte != 0 {
            key.push(byte);
            continue;
        }
        match bytes.next()? {
            (_, 0xff) => key.push(0),
            (at, 0) => {
                let id = rest.get(at + 1..)?.to_vec();
                return Some((String::from_utf8(key).ok()?, String::from_utf8(id).ok()?));
            }
            _ => return None,
        }
    }
    None
}

/// Encodes `upload-id number`, so that the parts of an upload are adjacent and in order. All upload
/// ids have the same length.
pub(crate) fn part(upload_id: &str, number: u16) -> Vec<u8> {
    [upload_id.as_bytes(), &number.to_be_bytes()].concat()
}

/// Returns the range of all parts of an upload after this number.
pub(crate) fn parts_after(upload_id: &str, number: u16) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    (Bound::Excluded(part(upload_id, number)), Bound::Included(part(upload_id, u16::MAX)))
}

/// Returns the part number of a part's index key.
pub(crate) fn part_number(index_key: &[u8]) -> Option<u16> {
    index_key.last_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BUCKETS: [&str; 4] = ["raw", "raw-1", "raw.a", "raw0"];

    proptest! {
        #[test]
        fn objects_sort_by_bucket_then_key(
            a in (0..4_usize, "(?s).{0,8}"), b in (0..4_usize, "(?s).{0,8}"),
        ) {
            let name = |(bucket, key): &(usize, String)| (BUCKETS[*bucket], key.clone().into_bytes());
            let encode = |(bucket, key): &(usize, String)| object(BUCKETS[*bucket], key.as_bytes());
            prop_assert_eq!(name(&a).cmp(&name(&b)), encode(&a).cmp(&encode(&b)));
            let encoded = encode(&a);
            prop_assert_eq!(object_key(BUCKETS[a.0], &encoded), a.1.as_bytes());
            prop_assert!(encoded < bucket_end(BUCKETS[a.0]));
        }

        #[test]
        fn uploads_sort_by_key_then_id_and_decode(
            a in ("[\\x00ab\u{ff}]{0,4}", "[0-9a-f]{4}"), b in ("[\\x00ab\u{ff}]{0,4}", "[0-9a-f]{4}"),
        ) {
            let encode = |(key, id): &(String, String)| upload("raw", key, id);
            let plain = |(key, id): &(String, String)| (key.clone().into_bytes(), id.clone());
            prop_assert_eq!(plain(&a).cmp(&plain(&b)), encode(&a).cmp(&encode(&b)));
            prop_assert_eq!(upload_parts("raw", &encode(&a)), Some(a));
        }

        #[test]
        fn parts_sort_by_number(a: u16, b: u16) {
            prop_assert_eq!(a.cmp(&b), part("id", a).cmp(&part("id", b)));
            prop_assert_eq!(part_number(&part("id", a)), Some(a));
        }
    }
}
