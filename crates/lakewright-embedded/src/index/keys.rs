//! Keys of the index tables: byte strings whose order is the order of what they name, so that a
//! listing is a range scan.

use std::ops::Bound;

/// `bucket 0x00 key`. Bucket names hold no byte below `-`, so buckets do not mix, and within one
/// bucket the order is that of the keys' UTF-8 bytes, which is S3's.
pub(crate) fn object(bucket: &str, key: &[u8]) -> Vec<u8> {
    [bucket.as_bytes(), &[0], key].concat()
}

/// The object's key in an index key of this bucket.
pub(crate) fn object_key<'k>(bucket: &str, index_key: &'k [u8]) -> &'k [u8] {
    index_key.get(bucket.len() + 1..).unwrap_or_default()
}

/// Where the index keys of a bucket end.
pub(crate) fn bucket_end(bucket: &str) -> Vec<u8> {
    [bucket.as_bytes(), &[1]].concat()
}

/// `bucket 0x00 escaped-key 0x00 0x00 upload-id`. The key is followed by something here, and may
/// hold a NUL itself, so NUL is written `00 ff` and the end `00 00`: order is kept, and no key's
/// uploads begin with another's.
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

/// Key and upload id of an index key of this bucket.
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

/// `upload-id number`, so that the parts of an upload lie together in order. All upload ids have
/// one length.
pub(crate) fn part(upload_id: &str, number: u16) -> Vec<u8> {
    [upload_id.as_bytes(), &number.to_be_bytes()].concat()
}

/// All parts of an upload after this number.
pub(crate) fn parts_after(upload_id: &str, number: u16) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    (Bound::Excluded(part(upload_id, number)), Bound::Included(part(upload_id, u16::MAX)))
}

/// The number in a part's index key.
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
        fn uploads_sort_by_key_then_id_and_lead_back(
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
