use std::fs;
use std::path::Path;
use std::sync::{Arc, Barrier};

use super::record::{BucketRecord, Millis, ObjectRecord, Segment};
use super::*;
use s3s::s3_error;

fn open(dir: &Path) -> (Index, BlobStore) {
    let (index, blobs) = try_open(dir);
    (index.unwrap(), blobs)
}

fn try_open(dir: &Path) -> (Result<Index, OpenError>, BlobStore) {
    let data = Arc::new(crate::trust::open_or_create(dir).unwrap());
    let reserve = Arc::new(Reserve::open(&data).unwrap());
    let blobs = BlobStore::open(&data, Durability::Machine, Arc::clone(&reserve)).unwrap();
    (Index::open(&data, Durability::Machine, &blobs, reserve), blobs)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn object(size: u64) -> ObjectRecord {
    record::decode(format!(r#"{{"size":{size},"etag":"e","modified":1}}"#).as_bytes()).unwrap()
}

fn create_bucket(index: &Index) {
    let bucket = BucketRecord { created: Millis(1) };
    block_on(index.write(Vec::new(), move |tables| tables.insert_bucket("raw", &bucket))).unwrap();
}

/// Puts an object as a file, unless the key exists.
async fn create(
    index: &Index,
    blobs: &BlobStore,
    key: &str,
    bytes: &[u8],
) -> Result<(), IndexError> {
    let mut writer = blobs.create().unwrap();
    writer.write(bytes).unwrap();
    let staged = writer.finish().unwrap();
    let mut record = object(bytes.len() as u64);
    record.segments.push(Segment {
        blob: staged.id(),
        place: Place::File,
        size: bytes.len() as u64,
        crc: 0,
    });
    let key = key.to_owned();
    let decide = move |tables: &mut Tables<'_>| match tables.find_object("raw", &key)? {
        None => tables.insert_object("raw", &key, &record, None),
        Some(_) => Err(s3_error!(PreconditionFailed).into()),
    };
    index.write(vec![staged], decide).await
}

fn files(dir: &Path) -> usize {
    fs::read_dir(dir.join("blobs"))
        .unwrap()
        .map(|shard| fs::read_dir(shard.unwrap().path()).unwrap().count())
        .sum()
}

fn wait_for_deletions(blobs: &BlobStore) {
    blobs.wait_for_deletions(std::time::Duration::from_secs(10));
}

#[test]
fn of_concurrent_creators_one_succeeds_and_the_others_leave_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let (index, blobs) = open(dir.path());
    create_bucket(&index);
    let barrier = Arc::new(Barrier::new(16));
    let threads: Vec<_> = (0..16_u8)
        .map(|n| {
            let (index, blobs, barrier) = (index.clone(), blobs.clone(), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                (0..20)
                    .filter(|k| block_on(create(&index, &blobs, &format!("k{k}"), &[n])).is_ok())
                    .count()
            })
        })
        .collect();
    let won: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(won, 20);
    wait_for_deletions(&blobs);
    assert_eq!(files(dir.path()), 20);
}

#[test]
fn acknowledged_changes_survive_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let (index, blobs) = open(dir.path());
    create_bucket(&index);
    block_on(create(&index, &blobs, "k", b"bytes")).unwrap();
    index.close();
    assert!(matches!(index.read(|view| view.object("raw", "k")), Err(IndexError::Closed)));
    assert!(matches!(block_on(create(&index, &blobs, "l", b"")), Err(IndexError::Closed)));
    drop((index, blobs));
    // The files that a server leaves which was killed between writing a file and committing.
    let name = "0".repeat(32);
    let (orphan, unfinished) =
        (dir.path().join("blobs/00").join(&name), dir.path().join("tmp").join(&name));
    fs::write(&orphan, b"orphan").unwrap();
    fs::write(&unfinished, b"unfinished").unwrap();
    let (index, blobs) = open(dir.path());
    assert!(!orphan.exists() && !unfinished.exists());
    let record = index.read(|view| view.object("raw", "k")).unwrap();
    assert!(blobs.open_blob(record.segments[0].blob).is_ok());
    assert!(index.read(|view| view.find_object("raw", "l")).unwrap().is_none());
}

#[test]
fn a_refusal_changes_nothing_and_its_batch_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    let (index, blobs) = open(dir.path());
    create_bucket(&index);
    block_on(async {
        let (one, two, three) = tokio::join!(
            create(&index, &blobs, "k", b"1"),
            create(&index, &blobs, "k", b"2"),
            create(&index, &blobs, "l", b"3"),
        );
        assert!(one.is_ok() && three.is_ok());
        assert!(matches!(two, Err(IndexError::Refused(_))));
    });
    wait_for_deletions(&blobs);
    assert_eq!(files(dir.path()), 2);
}

#[test]
fn a_change_is_completed_when_its_future_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let (index, blobs) = open(dir.path());
    create_bucket(&index);
    for n in 0..50 {
        // One poll submits the change; then the future is dropped.
        let key = format!("k{n}");
        let mut write = Box::pin(create(&index, &blobs, &key, b"bytes"));
        let waker = std::task::Waker::noop();
        let _ = write.as_mut().poll(&mut std::task::Context::from_waker(waker));
    }
    index.close();
    wait_for_deletions(&blobs);
    drop((index, blobs));
    let (index, blobs) = open(dir.path());
    for n in 0..50 {
        let record = index.read(|view| view.object("raw", &format!("k{n}"))).unwrap();
        assert!(blobs.open_blob(record.segments[0].blob).is_ok());
    }
}

#[test]
fn a_later_format_is_refused_and_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).0.close();
    {
        let database = Database::open(dir.path().join("index.redb")).unwrap();
        let txn = database.begin_write().unwrap();
        let meta: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("meta");
        txn.open_table(meta).unwrap().insert("format", u64::from(FORMAT) + 1).unwrap();
        txn.commit().unwrap();
    }
    let refused = try_open(dir.path()).0;
    assert!(matches!(refused, Err(OpenError::Newer(2))), "{refused:?}");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("index.redb"), b"not a database".repeat(1000)).unwrap();
    assert!(try_open(dir.path()).0.is_err());
}

#[test]
fn blobs_without_an_index_are_not_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let (index, blobs) = open(dir.path());
    create_bucket(&index);
    block_on(create(&index, &blobs, "k", b"bytes")).unwrap();
    index.close();
    drop((index, blobs));
    let (there, away) = (dir.path().join("index.redb"), dir.path().join("away"));
    fs::rename(&there, &away).unwrap();
    assert!(matches!(try_open(dir.path()).0, Err(OpenError::Missing)));
    fs::write(&there, b"").unwrap();
    assert!(matches!(try_open(dir.path()).0, Err(OpenError::Empty)));
    fs::remove_file(&there).unwrap();
    Database::create(&there).unwrap();
    assert!(matches!(try_open(dir.path()).0, Err(OpenError::Empty)), "a database without tables");
    assert_eq!(files(dir.path()), 1, "the blob is still there");
    fs::rename(&away, &there).unwrap();
    let (index, _) = open(dir.path());
    assert!(index.read(|view| view.object("raw", "k")).is_ok());
}

#[test]
fn a_database_of_another_program_is_refused_and_not_changed() {
    const TEXTS: redb::TableDefinition<'_, &str, &str> = redb::TableDefinition::new("texts");
    const META: redb::TableDefinition<'_, &str, &str> = redb::TableDefinition::new("meta");
    const LISTS: redb::MultimapTableDefinition<'_, u64, u64> =
        redb::MultimapTableDefinition::new("lists");
    let fill: [fn(&redb::WriteTransaction); 3] = [
        |txn| drop(txn.open_table(TEXTS).unwrap()),
        |txn| drop(txn.open_table(META).unwrap()),
        |txn| drop(txn.open_multimap_table(LISTS).unwrap()),
    ];
    for fill in fill {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index.redb");
        let database = Database::create(&path).unwrap();
        let txn = database.begin_write().unwrap();
        fill(&txn);
        txn.commit().unwrap();
        drop(database);
        assert!(matches!(try_open(dir.path()).0, Err(OpenError::Foreign)));
        let database = Database::open(&path).unwrap();
        let txn = database.begin_read().unwrap();
        let tables = txn.list_tables().unwrap().count();
        assert_eq!(tables + txn.list_multimap_tables().unwrap().count(), 1);
    }
}

#[test]
fn a_refused_part_leaves_no_bytes_in_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let (index, _) = open(dir.path());
    let part = |blob: BlobId| record::PartRecord {
        size: 5,
        etag: "e".into(),
        modified: Millis(1),
        segment: Some(Segment { blob, place: Place::Index, size: 5, crc: 0 }),
        checksum: None,
    };
    let number_of_blobs =
        || index.read(|view| Ok(redb::ReadableTableMetadata::len(&view.small)?)).unwrap();
    let first = part(BlobId::new());
    let insert = |part: record::PartRecord| {
        block_on(index.write(Vec::new(), move |tables| {
            tables.insert_part("upload", 1, &part, Some(b"bytes"))
        }))
    };
    insert(first).unwrap();
    assert_eq!(number_of_blobs(), 1);
    insert(part(BlobId::new())).unwrap();
    assert_eq!(number_of_blobs(), 1, "a replaced part takes its bytes with it");
    let damage = index.write(Vec::new(), |tables| tables.damage_part("upload", 1));
    block_on(damage).unwrap();
    assert!(matches!(insert(part(BlobId::new())), Err(IndexError::Record(_))));
    assert_eq!(number_of_blobs(), 1, "the refused part has left no bytes");
}

#[test]
fn a_server_killed_while_it_creates_its_index_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    // redb writes its magic number last, so an unfinished file begins with zeroes.
    fs::write(dir.path().join("index.redb.new"), vec![0; 1_056_768]).unwrap();
    let (index, _) = open(dir.path());
    create_bucket(&index);
    assert!(!dir.path().join("index.redb.new").exists());
}

#[test]
fn the_reserve_is_restored_before_the_next_upload() {
    let dir = tempfile::tempdir().unwrap();
    let data = Arc::new(crate::trust::open_or_create(dir.path()).unwrap());
    let reserve = Arc::new(Reserve::open(&data).unwrap());
    let blobs = BlobStore::open(&data, Durability::Machine, Arc::clone(&reserve)).unwrap();
    let index = Index::open(&data, Durability::Machine, &blobs, Arc::clone(&reserve)).unwrap();
    create_bucket(&index);
    block_on(create(&index, &blobs, "k", b"bytes")).unwrap();
    reserve.release();
    // There is space, so the reserve is created again before the next upload.
    block_on(create(&index, &blobs, "l", b"bytes")).unwrap();
    assert!(!reserve.is_released());
    let freed = index.free(|tables| {
        let record = tables.find_object("raw", "k")?.unwrap();
        tables.remove_object("raw", "k", record)
    });
    block_on(freed).unwrap();
    wait_for_deletions(&blobs);
    assert_eq!(files(dir.path()), 1);
}
