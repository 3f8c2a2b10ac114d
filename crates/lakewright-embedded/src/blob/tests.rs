use std::fs;
use std::path::Path;

use super::*;
use crate::trust;

fn open(dir: &Path) -> BlobStore {
    let data = Arc::new(trust::open_or_create(dir).unwrap());
    let reserve = Arc::new(Reserve::open(&data).unwrap());
    BlobStore::open(&data, Durability::Machine, reserve).unwrap()
}

fn put(store: &BlobStore, bytes: &[u8]) -> BlobId {
    let mut writer = store.create().unwrap();
    writer.write(bytes).unwrap();
    let staged = writer.finish().unwrap();
    let id = staged.id();
    staged.keep();
    id
}

fn files(dir: &Path) -> usize {
    let blobs: usize = fs::read_dir(dir.join("blobs"))
        .unwrap()
        .map(|shard| fs::read_dir(shard.unwrap().path()).unwrap().count())
        .sum();
    blobs + fs::read_dir(dir.join("tmp")).unwrap().count()
}

fn wait_for_deletions(store: &BlobStore) {
    store.wait_for_deletions(Duration::from_secs(10));
}

fn pin(store: &BlobStore, id: BlobId) -> PinGuard {
    store.pin(|| Ok::<_, io::Error>(((), vec![id]))).unwrap().1
}

fn piece(id: BlobId, bytes: &[u8]) -> Piece {
    let mut crc = crc64();
    crc.update(bytes);
    Piece::File { blob: id, offset: 0, length: bytes.len() as u64, crc: Some(crc.finalize()) }
}

#[test]
fn blobs_that_are_not_kept_are_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut writer = store.create().unwrap();
    writer.write(b"half").unwrap();
    assert_eq!(files(dir.path()), 1);
    drop(writer);
    assert_eq!(files(dir.path()), 0, "unfinished");
    drop(store.create().unwrap().finish().unwrap());
    wait_for_deletions(&store);
    assert_eq!(files(dir.path()), 0, "finished, but not referenced by the index");
    put(&store, b"kept");
    wait_for_deletions(&store);
    assert_eq!(files(dir.path()), 1);
}

#[test]
fn a_retired_blob_is_deleted_after_its_last_reader() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let id = put(&store, b"bytes");
    let (one, two) = (pin(&store, id), pin(&store, id));
    store.retire(vec![id]);
    wait_for_deletions(&store);
    drop(one);
    wait_for_deletions(&store);
    assert_eq!(files(dir.path()), 1, "one reader is left");
    let mut reader = ObjectReader::new(store.clone(), two, vec![piece(id, b"bytes")]);
    assert_eq!(reader.next_chunk().unwrap().unwrap(), "bytes");
    assert_eq!(reader.next_chunk().unwrap(), None);
    drop(reader);
    wait_for_deletions(&store);
    assert_eq!(files(dir.path()), 0);
}

#[test]
fn a_hard_link_outlives_its_original() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let id = put(&store, b"bytes");
    let copy = store.link(id).unwrap();
    let copied = copy.id();
    copy.keep();
    store.retire(vec![id]);
    wait_for_deletions(&store);
    assert!(store.open_blob(id).is_err());
    let mut reader =
        ObjectReader::new(store.clone(), pin(&store, copied), vec![piece(copied, b"bytes")]);
    assert_eq!(reader.next_chunk().unwrap().unwrap(), "bytes");
}

#[test]
fn a_sweep_deletes_only_unreferenced_blobs() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (known, orphan) = (put(&store, b"known"), put(&store, b"orphan"));
    let unfinished = dir.path().join("tmp").join(BlobId::new().to_string());
    fs::write(&unfinished, b"half").unwrap();
    // Other notations of a UUID are not names of blobs.
    let not_a_blob = format!("blobs/00/{{{}}}", uuid::Uuid::nil());
    let not_ours = ["tmp/thesis.txt", "blobs/00/thesis.txt", &not_a_blob];
    for name in not_ours {
        fs::write(dir.path().join(name), b"").unwrap();
    }
    drop(store);
    let store = open(dir.path());
    assert!(!unfinished.exists());
    assert_eq!(store.sweep(|id| id == known).unwrap(), 1);
    for name in not_ours {
        fs::remove_file(dir.path().join(name)).expect("a file of another program was deleted");
    }
    assert_eq!(files(dir.path()), 1);
    assert!(store.open_blob(known).is_ok());
    assert!(store.open_blob(orphan).is_err());
}

#[test]
fn damaged_bytes_are_detected() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let id = put(&store, b"bytes");
    let path = dir.path().join(format!("blobs/{:02x}/{id}", id.shard()));
    for damaged in [b"byteS".as_slice(), b"byt", b""] {
        fs::write(&path, damaged).unwrap();
        let mut reader =
            ObjectReader::new(store.clone(), pin(&store, id), vec![piece(id, b"bytes")]);
        let error = reader.next_chunk().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    }
    fs::remove_file(&path).unwrap();
    let mut reader = ObjectReader::new(store.clone(), pin(&store, id), vec![piece(id, b"bytes")]);
    assert_eq!(reader.next_chunk().unwrap_err().kind(), io::ErrorKind::NotFound);
}
