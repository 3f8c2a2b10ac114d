use super::*;

fn open(dir: &Path) -> BlobStore {
    let reserve = Arc::new(Reserve::open(dir).unwrap());
    BlobStore::open(dir, Durability::Machine, reserve).unwrap()
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

fn settle(store: &BlobStore) {
    store.settle(Duration::from_secs(10));
}

fn lease(store: &BlobStore, id: BlobId) -> Lease {
    store.lease(|| Ok::<_, io::Error>(((), vec![id]))).unwrap().1
}

fn piece(id: BlobId, bytes: &[u8]) -> Piece {
    let mut crc = crc64();
    crc.update(bytes);
    Piece::File { blob: id, offset: 0, length: bytes.len() as u64, crc: Some(crc.finalize()) }
}

#[test]
fn what_is_not_kept_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut writer = store.create().unwrap();
    writer.write(b"half").unwrap();
    assert_eq!(files(dir.path()), 1);
    drop(writer);
    assert_eq!(files(dir.path()), 0, "unfinished");
    drop(store.create().unwrap().finish().unwrap());
    settle(&store);
    assert_eq!(files(dir.path()), 0, "finished, but not named by the index");
    put(&store, b"kept");
    settle(&store);
    assert_eq!(files(dir.path()), 1);
}

#[test]
fn a_reader_keeps_what_is_retired() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let id = put(&store, b"bytes");
    let (one, two) = (lease(&store, id), lease(&store, id));
    store.retire(vec![id]);
    settle(&store);
    drop(one);
    settle(&store);
    assert_eq!(files(dir.path()), 1, "one reader is left");
    let mut reading = Reading::new(store.clone(), two, vec![piece(id, b"bytes")]);
    assert_eq!(reading.next_run().unwrap().unwrap(), "bytes");
    assert_eq!(reading.next_run().unwrap(), None);
    drop(reading);
    settle(&store);
    assert_eq!(files(dir.path()), 0);
}

#[test]
fn a_link_outlives_its_original() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let id = put(&store, b"bytes");
    let copy = store.link(id).unwrap();
    let copied = copy.id();
    copy.keep();
    store.retire(vec![id]);
    settle(&store);
    assert!(store.open_blob(id).is_err());
    let mut reading =
        Reading::new(store.clone(), lease(&store, copied), vec![piece(copied, b"bytes")]);
    assert_eq!(reading.next_run().unwrap().unwrap(), "bytes");
}

#[test]
fn a_start_sweeps_leftovers_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (known, orphan) = (put(&store, b"known"), put(&store, b"orphan"));
    fs::write(dir.path().join("tmp/torn"), b"half").unwrap();
    fs::write(dir.path().join("blobs/00/not-a-blob"), b"").unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.sweep(|id| id == known).unwrap(), 2);
    assert_eq!(files(dir.path()), 1);
    assert!(store.open_blob(known).is_ok());
    assert!(store.open_blob(orphan).is_err());
}

#[test]
fn rotten_bytes_are_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let id = put(&store, b"bytes");
    let path = store.paths.blob(id);
    for rot in [b"byteS".as_slice(), b"byt", b""] {
        fs::write(&path, rot).unwrap();
        let mut reading = Reading::new(store.clone(), lease(&store, id), vec![piece(id, b"bytes")]);
        let error = reading.next_run().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    }
    fs::remove_file(&path).unwrap();
    let mut reading = Reading::new(store.clone(), lease(&store, id), vec![piece(id, b"bytes")]);
    assert_eq!(reading.next_run().unwrap_err().kind(), io::ErrorKind::NotFound);
}
