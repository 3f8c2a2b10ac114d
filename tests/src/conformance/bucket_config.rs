//! Cases for bucket settings, which are set, read back, removed and refused.
//!
//! A server may lack a setting; then getting and setting it both return `Unsupported`.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use jiff::civil::date;
use lakewright::bucket_config::{
    Access, AnonymousAccess, Day, Encryption, LifecycleRule, Notification, ObjectLock,
    RetentionMode, RetentionPeriod, Setting as _, Transition, Versioning,
};
use lakewright::{
    Bucket, CreateBucketOptions, EmptyOptions, ErrorKind, Lake, ObjectKey, ObjectVersion,
    PutOptions, Result,
};
use serde_json::json;

use super::{bucket, cases};
use crate::harness::Skip;
use crate::server::{assert_kind, unique_bucket};

cases![
    missing_bucket,
    versioning,
    versions,
    object_lock,
    policy,
    anonymous_access,
    tags,
    lifecycle,
    notifications,
    encryption,
    empty,
    empty_with_versions,
];

/// Returns what `call` returns, or skips the rest of the case where the server does not support
/// the call.
async fn supported<T>(call: impl Future<Output = Result<T>>) -> Result<T, Skip> {
    call.await.map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let operation = error.operation().unwrap_or("the call");
        Skip::unsupported(format!("the server does not support {operation}"))
    })
}

/// Returns the setting of a new bucket, by `get`. Skips the rest of the case where the server does
/// not have the setting; `set` must be refused in the same way then.
async fn initial<T, U: std::fmt::Debug>(
    get: impl Future<Output = Result<T>>,
    set: impl Future<Output = Result<U>>,
) -> Result<T, Skip> {
    let value = supported(get).await;
    if value.is_err() {
        assert_kind(set.await, ErrorKind::Unsupported);
    }
    value
}

/// Creates a bucket with object lock, where the server supports it.
async fn locked_bucket(lake: &Lake) -> Result<Bucket, Skip> {
    let options = CreateBucketOptions::builder().object_lock(true).build();
    supported(lake.create_bucket(&unique_bucket(), options)).await
}

async fn put(bucket: &Bucket, key: &str) {
    bucket.put(&ObjectKey::new(key).unwrap(), "x", PutOptions::default()).await.unwrap();
}

async fn all_versions(bucket: &Bucket) -> Result<Vec<ObjectVersion>, Skip> {
    supported(bucket.list_versions("").try_collect()).await
}

fn tagged<const N: usize>(tags: [(&str, &str); N]) -> BTreeMap<String, String> {
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Every verb on a bucket that does not exist is an error, never an empty setting.
async fn missing_bucket(lake: &Lake) {
    let bucket = &lake.bucket(unique_bucket());
    async fn assert_missing<T: std::fmt::Debug>(verb: &str, call: impl Future<Output = Result<T>>) {
        let error = call.await.expect_err(verb);
        let kinds = [ErrorKind::NotFound, ErrorKind::Unsupported];
        assert!(kinds.contains(&error.kind()), "{verb}: {error}");
    }
    assert_missing("get_versioning", bucket.get_versioning()).await;
    assert_missing("set_versioning", bucket.set_versioning(Versioning::Enabled)).await;
    assert_missing("get_object_lock", bucket.get_object_lock()).await;
    let days = ObjectLock::with_retention(RetentionMode::Governance, RetentionPeriod::Days(1));
    assert_missing("set_object_lock", bucket.set_object_lock(&days)).await;
    assert_missing("get_policy", bucket.get_policy()).await;
    assert_missing("delete_policy", bucket.delete_policy()).await;
    assert_missing("get_anonymous_access", bucket.get_anonymous_access()).await;
    let read = AnonymousAccess::to_all(Access::Read);
    assert_missing("set_anonymous_access", bucket.set_anonymous_access(&read)).await;
    assert_missing("get_tags", bucket.get_tags()).await;
    assert_missing("set_tags", bucket.set_tags(&tagged([("a", "b")]))).await;
    assert_missing("delete_tags", bucket.delete_tags()).await;
    assert_missing("get_lifecycle", bucket.get_lifecycle()).await;
    assert_missing("set_lifecycle", bucket.set_lifecycle(&[expire("a", 1)])).await;
    assert_missing("delete_lifecycle", bucket.delete_lifecycle()).await;
    assert_missing("get_notifications", bucket.get_notifications()).await;
    assert_missing("set_notifications", bucket.set_notifications(&[])).await;
    assert_missing("get_encryption", bucket.get_encryption()).await;
    assert_missing("set_encryption", bucket.set_encryption(&Encryption::SseS3)).await;
    assert_missing("delete_encryption", bucket.delete_encryption()).await;
    assert_missing("empty", bucket.empty(EmptyOptions::default())).await;
    assert_missing("list_versions", bucket.list_versions("").try_collect::<Vec<_>>()).await;
}

/// Versioning is enabled and suspended; a bucket with object lock refuses to suspend it.
async fn versioning(lake: &Lake) -> Result<(), Skip> {
    let bucket = bucket(lake).await;
    let set = |versioning| bucket.set_versioning(versioning);
    let before = initial(bucket.get_versioning(), set(Versioning::Enabled)).await?;
    assert_eq!(before, None);
    // A server without versioning may still return that it is unset.
    supported(set(Versioning::Enabled)).await?;
    for versioning in [Versioning::Enabled, Versioning::Suspended, Versioning::Enabled] {
        set(versioning).await.unwrap();
        assert_eq!(bucket.get_versioning().await.unwrap(), Some(versioning));
    }
    let locked = locked_bucket(lake).await?;
    assert_eq!(locked.get_versioning().await.unwrap(), Some(Versioning::Enabled));
    locked.set_versioning(Versioning::Enabled).await.unwrap();
    let error = locked.set_versioning(Versioning::Suspended).await;
    let error = assert_kind(error, ErrorKind::Conflict);
    assert!(error.message().contains("object lock"), "{error}");
    assert_eq!(error.operation(), Some("set_versioning"));
    assert_eq!(error.resource(), Some(locked.name().as_str()));
    Ok(())
}

/// Versions and delete markers are listed page by page, the newest of a key first.
async fn versions(lake: &Lake) -> Result<(), Skip> {
    let bucket = bucket(lake).await;
    put(&bucket, "before").await;
    let listed = all_versions(&bucket).await?;
    assert_eq!(listed.len(), 1);
    assert_eq!((&*listed[0].version_id, listed[0].is_latest), ("null", true));
    bucket.set_versioning(Versioning::Enabled).await.unwrap();
    for _ in 0..3 {
        put(&bucket, "a b+ü").await;
    }
    bucket.delete(&ObjectKey::new("a b+ü").unwrap()).await.unwrap();
    put(&bucket, "z").await;
    let listed: Vec<_> = bucket.list_versions("a b").try_collect().await.unwrap();
    let flags: Vec<_> = listed.iter().map(|v| (v.is_latest, v.is_delete_marker)).collect();
    assert_eq!(flags, [(true, true), (false, false), (false, false), (false, false)]);
    assert!(listed.iter().all(|version| version.key == "a b+ü"));
    assert!(listed.is_sorted_by(|a, b| a.last_modified >= b.last_modified));
    assert_eq!(listed[1].size, 1);
    let all = all_versions(&bucket).await.unwrap();
    let keys: Vec<_> = all.iter().map(|version| &*version.key).collect();
    assert_eq!(keys, ["a b+ü", "a b+ü", "a b+ü", "a b+ü", "before", "z"]);
    Ok(())
}

/// A retention is set, changed and removed on a bucket created with object lock, and refused on
/// another bucket.
async fn object_lock(lake: &Lake) -> Result<(), Skip> {
    let plain = bucket(lake).await;
    let days = ObjectLock::with_retention(RetentionMode::Governance, RetentionPeriod::Days(30));
    let before = initial(plain.get_object_lock(), plain.set_object_lock(&days)).await?;
    assert_eq!(before, None);
    assert_kind(plain.set_object_lock(&days).await, ErrorKind::Conflict);
    let bucket = locked_bucket(lake).await.expect("a bucket with object lock");
    assert_eq!(bucket.get_object_lock().await.unwrap(), Some(ObjectLock::default()));
    let years = ObjectLock::with_retention(RetentionMode::Compliance, RetentionPeriod::Years(2));
    for lock in [days, years, ObjectLock::default()] {
        bucket.set_object_lock(&lock).await.unwrap();
        assert_eq!(bucket.get_object_lock().await.unwrap(), Some(lock));
    }
    for (period, path) in [
        (RetentionPeriod::Days(0), "object_lock.days: "),
        (RetentionPeriod::Years(101), "object_lock.years: "),
    ] {
        let bad = ObjectLock::with_retention(RetentionMode::Governance, period);
        let error = assert_kind(bucket.set_object_lock(&bad).await, ErrorKind::InvalidInput);
        assert!(error.message().starts_with(path), "{error}");
        assert_eq!(error.resource(), Some(bucket.name().as_str()));
    }
    // The type excludes the other faults, so they are found when JSON is read.
    for bad in [
        json!({"mode": "governance"}),
        json!({"mode": "governance", "days": 1, "years": 1}),
        json!({"days": 1}),
    ] {
        assert_kind(ObjectLock::from_value(&bad), ErrorKind::InvalidInput);
    }
    Ok(())
}

/// A policy document is set, read back with the same meaning, replaced and removed; an invalid one
/// is refused and changes nothing.
async fn policy(lake: &Lake) -> Result<(), Skip> {
    let bucket = bucket(lake).await;
    let document = |action: &str| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": [action],
            "Resource": [format!("arn:aws:s3:::{}/*", bucket.name())],
        }]})
    };
    let get = document("s3:GetObject");
    let before = initial(bucket.get_policy(), bucket.set_policy(&get)).await?;
    assert_eq!(before, None);
    for document in [get, document("s3:PutObject")] {
        bucket.set_policy(&document).await.unwrap();
        assert_eq!(bucket.get_policy().await.unwrap(), Some(document));
    }
    let there = bucket.get_policy().await.unwrap();
    for (pointer, value) in [
        ("/Statement/0/Resource/0", json!("arn:aws:s3:::other/*")),
        ("/Statement/0/Effect", json!("Perhaps")),
        ("/Statement/0/Action/0", json!("s3:Fly")),
        ("/Statement/0/Conditon", json!({})),
        ("/Version", json!("2031-01-01")),
        ("/Statement", json!("none")),
    ] {
        let mut bad = document("s3:GetObject");
        match bad.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => bad["Statement"][0]["Conditon"] = value,
        }
        assert_kind(bucket.set_policy(&bad).await, ErrorKind::InvalidInput);
    }
    let mut long = document("s3:GetObject");
    long["Statement"][0]["Sid"] = json!("x".repeat(20 << 10));
    assert_kind(bucket.set_policy(&long).await, ErrorKind::TooLarge);
    assert_eq!(bucket.get_policy().await.unwrap(), there, "refused policies change nothing");
    bucket.delete_policy().await.unwrap();
    assert_eq!(bucket.get_policy().await.unwrap(), None);
    bucket.delete_policy().await.unwrap();
    Ok(())
}

/// Access to the bucket and to prefixes is read back; a policy that grants anything else is left
/// unchanged.
async fn anonymous_access(lake: &Lake) -> Result<(), Skip> {
    let bucket = bucket(lake).await;
    let read = AnonymousAccess::to_all(Access::Read);
    let before = initial(bucket.get_anonymous_access(), bucket.set_anonymous_access(&read)).await?;
    assert!(before.is_none());
    let mixed = [("in/", Access::Write), ("out/", Access::Read), ("both/ü ", Access::ReadWrite)];
    let mixed = mixed.map(|(prefix, access)| (prefix.to_owned(), access)).into();
    for access in [
        read.clone(),
        AnonymousAccess::to_all(Access::Write),
        AnonymousAccess::to_all(Access::ReadWrite),
        AnonymousAccess(mixed),
        AnonymousAccess::none(),
    ] {
        bucket.set_anonymous_access(&access).await.unwrap();
        assert_eq!(bucket.get_anonymous_access().await.unwrap(), access);
    }
    assert_eq!(bucket.get_policy().await.unwrap(), None);
    let own = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": {"AWS": ["*"]}, "Action": ["s3:DeleteObject"],
        "Resource": [format!("arn:aws:s3:::{}/*", bucket.name())],
    }]});
    bucket.set_policy(&own).await.unwrap();
    assert_kind(bucket.get_anonymous_access().await, ErrorKind::Conflict);
    assert_kind(bucket.set_anonymous_access(&read).await, ErrorKind::Conflict);
    assert_eq!(bucket.get_policy().await.unwrap(), Some(own));
    let starred = AnonymousAccess([("a*".to_owned(), Access::Read)].into());
    assert_kind(bucket.set_anonymous_access(&starred).await, ErrorKind::InvalidInput);
    Ok(())
}

/// Up to fifty tags are set, replaced as a whole and removed.
async fn tags(lake: &Lake) -> Result<(), Skip> {
    let bucket = bucket(lake).await;
    let two = tagged([("team", "data"), ("cost centre", "a+b-c=d._:/@")]);
    let before = initial(bucket.get_tags(), bucket.set_tags(&two)).await?;
    assert!(before.is_empty());
    let fifty: BTreeMap<_, _> = (0..50).map(|n| (format!("key {n}"), "v".repeat(256))).collect();
    for tags in [two, fifty.clone(), tagged([("k", "")])] {
        bucket.set_tags(&tags).await.unwrap();
        assert_eq!(bucket.get_tags().await.unwrap(), tags);
    }
    let mut many = fifty;
    many.insert("one more".into(), String::new());
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    for bad in [many, tagged([("", "")]), tagged([(&*long_key, "")]), tagged([("k", &*long_value)])]
    {
        assert_kind(bucket.set_tags(&bad).await, ErrorKind::InvalidInput);
    }
    assert_eq!(bucket.get_tags().await.unwrap(), tagged([("k", "")]));
    bucket.set_tags(&BTreeMap::new()).await.unwrap();
    assert!(bucket.get_tags().await.unwrap().is_empty());
    bucket.delete_tags().await.unwrap();
    assert!(bucket.get_tags().await.unwrap().is_empty());
    Ok(())
}

fn expire(id: &str, days: u32) -> LifecycleRule {
    LifecycleRule { expire_after_days: Some(days), ..LifecycleRule::new(id) }
}

/// Every field of a rule is read back; an invalid rule is refused and changes nothing.
async fn lifecycle(lake: &Lake) -> Result<(), Skip> {
    let bucket = bucket(lake).await;
    let one = [expire("one", 7)];
    let before = initial(bucket.get_lifecycle(), bucket.set_lifecycle(&one)).await?;
    assert!(before.is_empty());
    let rules = vec![
        LifecycleRule { prefix: Some("tmp/".into()), ..expire("prefix", 7) },
        LifecycleRule { tags: Some(tagged([("a", "b")])), ..expire("tag", 1) },
        LifecycleRule { tags: Some(tagged([("a", "b"), ("c", "")])), ..expire("tags", 1) },
        LifecycleRule {
            enabled: Some(false),
            prefix: Some("x/".into()),
            tags: Some(tagged([("a", "b")])),
            object_size_greater_than: Some(10),
            object_size_less_than: Some(1 << 40),
            ..expire("every filter", 3)
        },
        LifecycleRule { object_size_greater_than: Some(1), ..expire("size", 3) },
        LifecycleRule { expire_on: Some(Day(date(2031, 12, 24))), ..LifecycleRule::new("on") },
        LifecycleRule { expired_object_delete_marker: true, ..LifecycleRule::new("marker") },
        LifecycleRule {
            noncurrent_expire_after_days: Some(5),
            newer_noncurrent_versions: Some(3),
            ..LifecycleRule::new("versions")
        },
    ];
    for rules in [&one[..], &rules, &rules[2..3]] {
        bucket.set_lifecycle(rules).await.unwrap();
        assert_eq!(bucket.get_lifecycle().await.unwrap(), rules);
    }
    let kept = bucket.get_lifecycle().await.unwrap();
    let tier = Transition { storage_class: "NO-TIER".into(), after_days: Some(1), on: None };
    for bad in [
        vec![expire("", 1)],
        vec![expire("a", 0)],
        vec![expire("a", 1), expire("a", 2)],
        vec![LifecycleRule::new("nothing")],
        vec![LifecycleRule { expired_object_delete_marker: true, ..expire("both", 1) }],
        vec![LifecycleRule { transitions: Some(vec![tier]), ..LifecycleRule::new("tier") }],
    ] {
        assert_kind(bucket.set_lifecycle(&bad).await, ErrorKind::InvalidInput);
    }
    assert_eq!(bucket.get_lifecycle().await.unwrap(), kept);
    // A server applies every element of a rule or refuses the rule.
    let abort = LifecycleRule { abort_incomplete_after_days: Some(2), ..LifecycleRule::new("a") };
    for with in [
        abort.clone(),
        LifecycleRule { expire_after_days: Some(1), ..abort },
        LifecycleRule { object_size_greater_than: Some(0), ..expire("not empty", 1) },
    ] {
        let with = [with];
        match bucket.set_lifecycle(&with).await {
            Ok(()) => assert_eq!(bucket.get_lifecycle().await.unwrap(), with),
            error => {
                assert_kind(error, ErrorKind::Unsupported);
                assert_eq!(bucket.get_lifecycle().await.unwrap(), kept);
            }
        }
    }
    bucket.set_lifecycle(&[]).await.unwrap();
    assert!(bucket.get_lifecycle().await.unwrap().is_empty());
    bucket.delete_lifecycle().await.unwrap();
    assert!(bucket.get_lifecycle().await.unwrap().is_empty());
    Ok(())
}

/// An empty list is accepted, and invalid notifications are refused. Valid targets differ between
/// servers, so a test of MinIO sets them.
async fn notifications(lake: &Lake) -> Result<(), Skip> {
    let bucket = bucket(lake).await;
    let before = initial(bucket.get_notifications(), bucket.set_notifications(&[])).await?;
    assert!(before.is_empty());
    bucket.set_notifications(&[]).await.unwrap();
    let good = Notification {
        id: "one".into(),
        arn: "arn:minio:sqs::UNKNOWN:webhook".into(),
        events: ["s3:ObjectCreated:*".to_owned()].into(),
        ..Notification::default()
    };
    let error = bucket.set_notifications(std::slice::from_ref(&good)).await;
    let error = assert_kind(error, ErrorKind::InvalidInput);
    assert!(error.message().contains("UNKNOWN"), "{error}");
    for bad in [
        vec![Notification { id: String::new(), ..good.clone() }],
        vec![Notification { arn: "webhook".into(), ..good.clone() }],
        vec![Notification { events: Default::default(), ..good.clone() }],
        vec![good.clone(), good],
    ] {
        assert_kind(bucket.set_notifications(&bad).await, ErrorKind::InvalidInput);
    }
    assert!(bucket.get_notifications().await.unwrap().is_empty());
    Ok(())
}

/// Encryption with the server's own key is set and removed; a KMS key that does not exist is
/// refused.
async fn encryption(lake: &Lake) -> Result<(), Skip> {
    let bucket = bucket(lake).await;
    let sse_s3 = Encryption::SseS3;
    let before = initial(bucket.get_encryption(), bucket.set_encryption(&sse_s3)).await?;
    bucket.set_encryption(&Encryption::SseS3).await.unwrap();
    assert_eq!(bucket.get_encryption().await.unwrap(), Some(Encryption::SseS3));
    let unknown = Encryption::SseKms("unknown-key".into());
    assert_kind(bucket.set_encryption(&unknown).await, ErrorKind::InvalidInput);
    assert_eq!(bucket.get_encryption().await.unwrap(), Some(Encryption::SseS3));
    put(&bucket, "k").await;
    bucket.delete_encryption().await.unwrap();
    assert_eq!(bucket.get_encryption().await.unwrap(), before);
    bucket.delete_encryption().await.unwrap();
    Ok(())
}

/// Objects are deleted whatever their keys; then the bucket can be deleted.
async fn empty(lake: &Lake) {
    let bucket = bucket(lake).await;
    let emptied = bucket.empty(EmptyOptions::default()).await.unwrap();
    assert_eq!((emptied.versions, emptied.uploads), (0, 0));
    for key in ["a", "b/c", "ü +&<>", "control\u{1}"] {
        put(&bucket, key).await;
    }
    let emptied = bucket.empty(EmptyOptions::default()).await.unwrap();
    assert_eq!(emptied.versions, 4);
    lake.delete_bucket(bucket.name()).await.unwrap();
}

/// Old versions and delete markers are deleted, too.
async fn empty_with_versions(lake: &Lake) -> Result<(), Skip> {
    let bucket = bucket(lake).await;
    supported(bucket.set_versioning(Versioning::Enabled)).await?;
    for _ in 0..3 {
        put(&bucket, "a").await;
    }
    bucket.delete(&ObjectKey::new("a").unwrap()).await.unwrap();
    assert_kind(lake.delete_bucket(bucket.name()).await, ErrorKind::Conflict);
    assert_eq!(bucket.empty(EmptyOptions::default()).await.unwrap().versions, 4);
    lake.delete_bucket(bucket.name()).await.unwrap();
    Ok(())
}
