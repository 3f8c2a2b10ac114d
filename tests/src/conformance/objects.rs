//! Cases for objects: reads, writes, conditions, listings, copies, and unusual keys.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::TryStreamExt;
use lakewright::{
    Bucket, CopyOptions, ErrorKind, GetOptions, Lake, ListOptions, ObjectKey, ObjectRange,
    PutOptions,
};

use super::{bucket, cases};
use crate::server::assert_kind;

cases![
    put_head_get_delete,
    ranges,
    conditions,
    create_race,
    multipart,
    stream_that_fails,
    upload_download,
    list,
    delete_many,
    copy,
    unusual_keys,
];

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(text).unwrap()
}

async fn put(bucket: &Bucket, name: &str, bytes: impl Into<Bytes>) -> lakewright::ObjectInfo {
    bucket.put(&key(name), bytes, PutOptions::default()).await.unwrap()
}

async fn read(bucket: &Bucket, name: &str) -> Bytes {
    bucket.get(&key(name), GetOptions::default()).await.unwrap().bytes
}

/// Returns bytes whose period is far longer than a part, so that exchanged parts are noticed.
fn noise(bytes: usize) -> Bytes {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let numbers = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    numbers.flatten().take(bytes).collect()
}

/// An object is written, described, read, replaced and deleted.
async fn put_head_get_delete(lake: &Lake) {
    let bucket = bucket(lake).await;
    let options = PutOptions::builder()
        .content_type("text/csv")
        .cache_control("no-store")
        .metadata(BTreeMap::from([("source".into(), "dot".into())]))
        .build();
    let written = bucket.put(&key("2013/01.csv"), "a,b\n1,2\n", options).await.unwrap();
    assert_eq!(written.size, 8);
    let info = bucket.head(&key("2013/01.csv")).await.unwrap();
    assert_eq!(info.size, 8);
    assert_eq!(info.etag, written.etag);
    assert_eq!(info.content_type.as_deref(), Some("text/csv"));
    assert_eq!(info.cache_control.as_deref(), Some("no-store"));
    assert_eq!(info.metadata["source"], "dot");
    let object = bucket.get(&key("2013/01.csv"), GetOptions::default()).await.unwrap();
    assert_eq!(object.bytes, "a,b\n1,2\n");
    assert_eq!(object.info.metadata, info.metadata);
    put(&bucket, "2013/01.csv", "new").await;
    assert_eq!(read(&bucket, "2013/01.csv").await, "new");
    assert!(bucket.head(&key("2013/01.csv")).await.unwrap().metadata.is_empty());
    bucket.delete(&key("2013/01.csv")).await.unwrap();
    bucket.delete(&key("2013/01.csv")).await.unwrap();
    let gone = bucket.get(&key("2013/01.csv"), GetOptions::default()).await;
    let error = assert_kind(gone, ErrorKind::NotFound);
    assert_eq!(error.service().unwrap().code.as_deref(), Some("NoSuchKey"));
    put(&bucket, "empty", "").await;
    assert_eq!(read(&bucket, "empty").await.len(), 0);
}

/// A range returns its bytes; one behind the end is refused.
async fn ranges(lake: &Lake) {
    let bucket = bucket(lake).await;
    put(&bucket, "digits", "0123456789").await;
    for (range, wanted) in [
        (ObjectRange::Bounded(0..1), "0"),
        (ObjectRange::Bounded(3..7), "3456"),
        (ObjectRange::Bounded(8..99), "89"),
        (ObjectRange::From(9), "9"),
        (ObjectRange::Last(3), "789"),
        (ObjectRange::Last(99), "0123456789"),
    ] {
        let options = GetOptions::builder().range(range.clone()).build();
        let object = bucket.get(&key("digits"), options).await.unwrap();
        assert_eq!(object.bytes, wanted, "{range:?}");
        assert_eq!(object.info.size, 10);
        assert_eq!(object.range.end - object.range.start, wanted.len() as u64);
    }
    let outside = GetOptions::builder().range(ObjectRange::From(10)).build();
    assert_kind(bucket.get(&key("digits"), outside).await, ErrorKind::InvalidInput);
}

/// Reads and writes with a condition succeed only if the object meets it.
async fn conditions(lake: &Lake) {
    let bucket = bucket(lake).await;
    let absent = || PutOptions::builder().if_absent(true).build();
    let matching = |etag: &str| PutOptions::builder().if_match(etag).build();
    let first = bucket.put(&key("lock"), "1", absent()).await.unwrap().etag.unwrap();
    let error =
        assert_kind(bucket.put(&key("lock"), "2", absent()).await, ErrorKind::AlreadyExists);
    assert_eq!(error.service().unwrap().status, 412);
    let second = bucket.put(&key("lock"), "2", matching(&first)).await.unwrap().etag.unwrap();
    assert_kind(
        bucket.put(&key("lock"), "3", matching(&first)).await,
        ErrorKind::PreconditionFailed,
    );
    assert_kind(
        bucket.put(&key("nothing"), "3", matching(&first)).await,
        ErrorKind::PreconditionFailed,
    );
    assert_eq!(read(&bucket, "lock").await, "2");
    let get = |if_match: Option<&str>, if_none_match: Option<&str>| {
        GetOptions::builder().maybe_if_match(if_match).maybe_if_none_match(if_none_match).build()
    };
    assert!(bucket.get(&key("lock"), get(Some(&second), None)).await.is_ok());
    assert!(bucket.get(&key("lock"), get(None, Some(&first))).await.is_ok());
    for wrong in [get(Some(&first), None), get(None, Some(&second))] {
        assert_kind(bucket.get(&key("lock"), wrong).await, ErrorKind::PreconditionFailed);
    }
}

/// Of many writers that create one object key at once, exactly one succeeds.
async fn create_race(lake: &Lake) {
    let bucket = bucket(lake).await;
    let attempts = (0..16).map(|n| {
        let bucket = bucket.clone();
        tokio::spawn(async move {
            let options = PutOptions::builder().if_absent(true).build();
            bucket.put(&key("prize"), format!("{n}"), options).await.map(|_| n)
        })
    });
    let mut winners = Vec::new();
    for attempt in futures::future::join_all(attempts).await {
        match attempt.unwrap() {
            Ok(n) => winners.push(n),
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Conflict),
                "{error}"
            ),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(read(&bucket, "prize").await, winners[0].to_string());
}

/// Objects written in parts are read back byte for byte, and so are ranges across parts.
async fn multipart(lake: &Lake) {
    let bucket = bucket(lake).await;
    let data = noise((33 << 20) + 17);
    let info = bucket.put(&key("large"), data.clone(), PutOptions::default()).await.unwrap();
    assert_eq!(info.size, data.len() as u64);
    assert!(info.etag.unwrap().ends_with("-3"));
    let head = bucket.head(&key("large")).await.unwrap();
    assert_eq!(head.size, data.len() as u64);
    assert!(read(&bucket, "large").await == data);
    let edge = (16 << 20) as u64;
    let range = Some(ObjectRange::Bounded(edge - 5..edge + 5));
    let across = GetOptions::builder().maybe_range(range).build();
    let across = bucket.get(&key("large"), across).await.unwrap().bytes;
    assert_eq!(across, data.slice(edge as usize - 5..edge as usize + 5));
    // A stream of chunks of odd sizes, with a condition on the object.
    let chunks: Vec<Bytes> = data.chunks(1_000_003).map(Bytes::copy_from_slice).collect();
    let stream = Box::pin(futures::stream::iter(chunks.into_iter().map(Ok)));
    let absent = PutOptions::builder().if_absent(true).build();
    bucket.put_stream(&key("streamed"), stream, absent.clone()).await.unwrap();
    assert!(read(&bucket, "streamed").await == data);
    let stream = Box::pin(futures::stream::iter([Ok(data)]));
    let again = bucket.put_stream(&key("streamed"), stream, absent).await;
    assert_kind(again, ErrorKind::AlreadyExists);
}

/// A stream that fails leaves no object.
async fn stream_that_fails(lake: &Lake) {
    let bucket = bucket(lake).await;
    let broken = lakewright::Error::new(ErrorKind::Corrupt, "the source broke");
    let chunks = vec![Ok(noise(17 << 20)), Ok(noise(5 << 20)), Err(broken)];
    let stream = Box::pin(futures::stream::iter(chunks));
    let result = bucket.put_stream(&key("half"), stream, PutOptions::default()).await;
    assert_kind(result, ErrorKind::Corrupt);
    assert_kind(bucket.head(&key("half")).await, ErrorKind::NotFound);
}

/// Files are uploaded and downloaded with progress; a failed download leaves no file.
async fn upload_download(lake: &Lake) {
    let bucket = bucket(lake).await;
    let directory = tempfile::tempdir().unwrap();
    let (source, target) = (directory.path().join("a"), directory.path().join("b"));
    for size in [0, 1, 33 << 20] {
        let data = noise(size);
        std::fs::write(&source, &data).unwrap();
        let reports = std::sync::Mutex::new(Vec::new());
        let progress = |done, total| reports.lock().unwrap().push((done, total));
        bucket.upload(&source, &key("file"), PutOptions::default(), &progress).await.unwrap();
        let all = size as u64;
        let uploaded = std::mem::take(&mut *reports.lock().unwrap());
        assert!(uploaded.is_sorted() && uploaded.iter().all(|(_, total)| *total == Some(all)));
        assert_eq!((uploaded[0].0, uploaded[uploaded.len() - 1].0), (0, all));
        bucket.download(&key("file"), &target, GetOptions::default(), &progress).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == data);
        let downloaded = reports.into_inner().unwrap();
        assert!(downloaded.is_sorted() && downloaded.iter().all(|(_, total)| *total == Some(all)));
        assert_eq!((downloaded[0].0, downloaded[downloaded.len() - 1].0), (0, all));
    }
    let missing = directory.path().join("missing");
    let none = |_, _| {};
    let result = bucket.upload(&missing, &key("x"), PutOptions::default(), &none).await;
    assert_kind(result, ErrorKind::NotFound);
    let result = bucket.download(&key("nothing"), &missing, GetOptions::default(), &none).await;
    assert_kind(result, ErrorKind::NotFound);
    let left: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// Listings are in order and follow the prefix, delimiter, page size and start that are given.
async fn list(lake: &Lake) {
    let bucket = bucket(lake).await;
    // Not both `x` and `x/y`: MinIO leaves `x/` out of flat listings where there is an `x`.
    let mut keys: Vec<String> = (0..25).map(|n| format!("d/{n:03}")).collect();
    keys.extend(["a", "b/1", "b/2", "b/c/3", "ä", "dd", "e f+g&h=i%20"].map(String::from));
    for name in &keys {
        put(&bucket, name, name.clone()).await;
    }
    keys.sort();
    let all = |prefix: &str, options: ListOptions| {
        let listed = bucket.list(prefix, options);
        async move { listed.map_ok(|o| o.key).try_collect::<Vec<String>>().await.unwrap() }
    };
    assert_eq!(all("", ListOptions::default()).await, keys);
    let paged = ListOptions::builder().page_size(4).build();
    assert_eq!(all("", paged.clone()).await, keys);
    assert_eq!(all("b/", paged).await, ["b/1", "b/2", "b/c/3"]);
    let after = ListOptions::builder().start_after("d/022").build();
    assert_eq!(all("d/", after).await, ["d/023", "d/024"]);
    assert!(all("zzz", ListOptions::default()).await.is_empty());
    let none = ListOptions::builder().page_size(0).build();
    assert_kind(bucket.list("", none).try_collect::<Vec<_>>().await, ErrorKind::InvalidInput);
    let page = bucket.list_with_delimiter("").await.unwrap();
    let direct: Vec<&str> = page.objects.iter().map(|o| o.key.as_str()).collect();
    assert_eq!(direct, ["a", "dd", "e f+g&h=i%20", "ä"]);
    assert_eq!(page.prefixes, ["b/", "d/"]);
    let page = bucket.list_with_delimiter("b/").await.unwrap();
    assert_eq!(page.prefixes, ["b/c/"]);
    let first = page.objects.first().unwrap();
    assert_eq!((first.key.as_str(), first.size), ("b/1", 3));
    assert_eq!(first.etag, bucket.head(&key("b/1")).await.unwrap().etag);
    assert!(first.last_modified.is_some());
}

/// Many objects are deleted in one call; object keys that do not exist are no error.
async fn delete_many(lake: &Lake) {
    let bucket = bucket(lake).await;
    for n in 0..12 {
        put(&bucket, &format!("k/{n}"), "x").await;
    }
    let keys = (0..14).map(|n| key(&format!("k/{n}")));
    bucket.delete_many(keys).await.unwrap();
    let left = bucket.list("", ListOptions::default()).try_collect::<Vec<_>>().await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    bucket.delete_many([]).await.unwrap();
}

/// Objects are copied with their metadata to another bucket.
async fn copy(lake: &Lake) {
    let (from, to) = (bucket(lake).await, bucket(lake).await);
    let options = PutOptions::builder().content_type("text/plain").build();
    from.put(&key("a b/ü"), "copied", options).await.unwrap();
    let if_absent = || CopyOptions::builder().if_absent(true).build();
    let copy = from.copy(&key("a b/ü"), &to, &key("c"), CopyOptions::default()).await.unwrap();
    assert_eq!(copy.etag, from.head(&key("a b/ü")).await.unwrap().etag);
    assert_eq!(read(&to, "c").await, "copied");
    assert_eq!(to.head(&key("c")).await.unwrap().content_type.as_deref(), Some("text/plain"));
    assert_eq!(copy.size, 6);
    let absent = from.copy(&key("a b/ü"), &to, &key("c"), if_absent()).await;
    assert_kind(absent, ErrorKind::AlreadyExists);
    assert_eq!(from.copy(&key("a b/ü"), &to, &key("e"), if_absent()).await.unwrap().size, 6);
    let nothing = from.copy(&key("nothing"), &to, &key("d"), CopyOptions::default()).await;
    assert_kind(nothing, ErrorKind::NotFound);
}

/// Unusual object keys are kept as they are or refused with a clear message, and no object is
/// written into another bucket.
async fn unusual_keys(lake: &Lake) {
    let bucket = bucket(lake).await;
    let longest = format!("{}/{}", "k".repeat(250), "l".repeat(250));
    for name in ["a b", "a+b", "ü/ñ/日本", "%2F", "a?b#c&d=e", "q\"'<>`", "~", "a\\b", &longest]
    {
        put(&bucket, name, name.to_owned()).await;
        assert_eq!(read(&bucket, name).await, name, "{name}");
        let listed = bucket.list(name, ListOptions::default());
        let listed: Vec<_> = listed.try_collect().await.unwrap();
        assert_eq!(listed[0].key, name);
    }
    let other = super::bucket(lake).await;
    for name in ["../x", "a/../../x", &format!("../{}/x", other.name()), "a\0b", "a\nb"] {
        match bucket.put(&key(name), "x", PutOptions::default()).await {
            Ok(_) => assert_eq!(read(&bucket, name).await, "x", "{name:?}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}: {error}");
                assert!(!error.to_string().contains('\0') && !error.to_string().contains('\n'));
            }
        }
    }
    let leaked: Vec<_> = other.list("", ListOptions::default()).try_collect().await.unwrap();
    assert!(leaked.is_empty(), "{leaked:?}");
    assert_kind(ObjectKey::new("k".repeat(1025)), ErrorKind::InvalidInput);
}
