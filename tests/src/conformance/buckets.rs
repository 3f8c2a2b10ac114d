//! Cases for buckets: creation, listing, deletion, and invalid names.

use lakewright::{BucketName, CreateBucketOptions, Creation, ErrorKind, Lake, ObjectKey};

use super::{bucket, cases};
use crate::server::{assert_kind, unique_bucket};

cases![create_head_list_delete, create_twice, delete_not_empty, missing_bucket, invalid_names,];

/// A bucket is created, found, listed and deleted.
async fn create_head_list_delete(lake: &Lake) {
    let name = unique_bucket();
    assert_kind(lake.head_bucket(&name).await, ErrorKind::NotFound);
    lake.create_bucket(&name, CreateBucketOptions::default()).await.unwrap();
    assert_eq!(lake.head_bucket(&name).await.unwrap().name, name);
    let listed = lake.list_buckets().await.unwrap();
    let found = listed.iter().find(|bucket| bucket.name == name).unwrap();
    let age = jiff::Timestamp::now().as_second() - found.created.unwrap().as_second();
    assert!((-5..600).contains(&age), "created {age} s ago");
    assert!(listed.is_sorted_by(|a, b| a.name < b.name));
    lake.delete_bucket(&name).await.unwrap();
    assert_kind(lake.head_bucket(&name).await, ErrorKind::NotFound);
}

/// A second creation is refused, unless the caller allows an existing bucket.
async fn create_twice(lake: &Lake) {
    let name = unique_bucket();
    lake.create_bucket(&name, CreateBucketOptions::default()).await.unwrap();
    let again = lake.create_bucket(&name, CreateBucketOptions::default()).await;
    let error = assert_kind(again, ErrorKind::AlreadyExists);
    assert_eq!(error.operation(), Some("create_bucket"));
    assert_eq!(error.resource(), Some(name.as_str()));
    assert_eq!(error.service().unwrap().status, 409);
    let options = CreateBucketOptions::builder().exist_ok(true).build();
    let (_, status) = lake.create_bucket_with_status(&name, options.clone()).await.unwrap();
    assert_eq!(status, Creation::Exists);
    let (_, status) = lake.create_bucket_with_status(&unique_bucket(), options).await.unwrap();
    assert_eq!(status, Creation::Created);
}

/// A bucket with objects is not deleted.
async fn delete_not_empty(lake: &Lake) {
    let bucket = bucket(lake).await;
    bucket.put(&ObjectKey::new("k").unwrap(), "v", Default::default()).await.unwrap();
    assert_kind(lake.delete_bucket(bucket.name()).await, ErrorKind::Conflict);
    bucket.delete(&ObjectKey::new("k").unwrap()).await.unwrap();
    lake.delete_bucket(bucket.name()).await.unwrap();
}

/// Every verb on a bucket that does not exist returns `NotFound`.
async fn missing_bucket(lake: &Lake) {
    let name = unique_bucket();
    assert_kind(lake.delete_bucket(&name).await, ErrorKind::NotFound);
    let bucket = lake.bucket(name);
    let key = ObjectKey::new("k").unwrap();
    assert_kind(bucket.get(&key, Default::default()).await, ErrorKind::NotFound);
    assert_kind(bucket.head(&key).await, ErrorKind::NotFound);
    assert_kind(bucket.put(&key, "v", Default::default()).await, ErrorKind::NotFound);
    assert_kind(bucket.delete(&key).await, ErrorKind::NotFound);
    assert_kind(bucket.list_with_delimiter("").await, ErrorKind::NotFound);
}

/// Names that S3 does not allow are refused before a request is sent.
async fn invalid_names(_: &Lake) {
    for bad in ["A", "ab", "a..b", "1.2.3.4", "x/y", "bücher"] {
        assert_kind(BucketName::new(bad), ErrorKind::InvalidInput);
    }
}
