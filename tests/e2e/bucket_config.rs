//! Bucket settings on MinIO: those that only MinIO has or refuses, compared with its own client in
//! both directions.

use lakewright::bucket_config::{
    Access, AnonymousAccess, Encryption, LifecycleRule, Notification, ObjectLock, RetentionMode,
    RetentionPeriod, Versioning,
};
use lakewright::{Bucket, CreateBucketOptions, EmptyOptions, ErrorKind, ObjectKey, PutOptions};
use lakewright_tests::conformance::bucket;
use lakewright_tests::mc::SharedMinioWithMc;
use lakewright_tests::server::{MinioWithoutKms, SharedMinio, assert_kind, unique_bucket};
use lakewright_tests::tests;
use serde_json::Value;

const ARN: &str = "arn:minio:sqs::KIT:webhook";

tests![
    mc_reads_what_lakewright_sets,
    lakewright_reads_what_mc_sets,
    settings_that_minio_refuses,
    empty_under_object_lock,
    empty_many_versions,
];

fn path(bucket: &Bucket) -> String {
    format!("kit/{}", bucket.name())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

async fn put(bucket: &Bucket, key: &str) {
    bucket.put(&ObjectKey::new(key).unwrap(), "x", PutOptions::default()).await.unwrap();
}

async fn mc_reads_what_lakewright_sets(SharedMinioWithMc { server, mc }: SharedMinioWithMc) {
    let lake = server.lake().await;
    let options = CreateBucketOptions::builder().object_lock(true).build();
    let locked = lake.create_bucket(&unique_bucket(), options).await.unwrap();
    let bucket = bucket(&lake).await;
    let (path, locked_path) = (path(&bucket), path(&locked));

    bucket.set_versioning(Versioning::Suspended).await.unwrap();
    let shown = json(&mc.output(&["version", "info", "--json", &path]));
    assert_eq!(shown["versioning"]["status"], "Suspended");

    let lock = ObjectLock::with_retention(RetentionMode::Governance, RetentionPeriod::Days(3));
    locked.set_object_lock(&lock).await.unwrap();
    let shown = json(&mc.output(&["retention", "info", "--default", "--json", &locked_path]));
    assert_eq!((&shown["mode"], &shown["validity"]), (&"GOVERNANCE".into(), &"3DAYS".into()));

    bucket.set_tags(&[("team".to_owned(), "data".to_owned())].into()).await.unwrap();
    let shown = json(&mc.output(&["tag", "list", "--json", &path]));
    assert_eq!(shown["tagset"]["team"], "data");

    let rule = LifecycleRule {
        prefix: Some("tmp/".into()),
        tags: Some([("a".to_owned(), "b".to_owned())].into()),
        expire_after_days: Some(7),
        ..LifecycleRule::new("tmp")
    };
    bucket.set_lifecycle(&[rule]).await.unwrap();
    let shown = json(&mc.output(&["ilm", "rule", "ls", "--json", &path]));
    let rule = &shown["config"]["Rules"][0];
    assert_eq!((&rule["ID"], &rule["Expiration"]["Days"]), (&"tmp".into(), &7.into()), "{shown}");
    assert_eq!(rule["Filter"]["And"]["Prefix"], "tmp/", "{shown}");

    for (access, permission) in
        [(Access::Read, "download"), (Access::Write, "upload"), (Access::ReadWrite, "public")]
    {
        bucket.set_anonymous_access(&AnonymousAccess::to_all(access)).await.unwrap();
        let shown = json(&mc.output(&["anonymous", "get", "--json", &path]));
        assert_eq!(shown["permission"], permission, "{shown}");
        let below = AnonymousAccess([("in/".to_owned(), access)].into());
        bucket.set_anonymous_access(&below).await.unwrap();
        let shown = json(&mc.output(&["anonymous", "get", "--json", &format!("{path}/in/")]));
        assert_eq!(shown["permission"], permission, "{shown}");
    }
    bucket.set_anonymous_access(&AnonymousAccess::none()).await.unwrap();
    let shown = json(&mc.output(&["anonymous", "get", "--json", &path]));
    assert_eq!(shown["permission"], "private", "{shown}");

    for (encryption, algorithm) in
        [(Encryption::SseS3, "sse-s3"), (Encryption::SseKms("lakewright".into()), "sse-kms")]
    {
        bucket.set_encryption(&encryption).await.unwrap();
        assert_eq!(bucket.get_encryption().await.unwrap(), Some(encryption));
        let shown = mc.output(&["encrypt", "info", &path]).to_lowercase();
        assert!(shown.contains(algorithm), "{shown}");
    }

    let notification = Notification {
        id: "created".into(),
        arn: ARN.into(),
        events: ["s3:ObjectCreated:*".to_owned()].into(),
        prefix: Some("in/".into()),
        suffix: Some(".csv".into()),
    };
    bucket.set_notifications(std::slice::from_ref(&notification)).await.unwrap();
    assert_eq!(bucket.get_notifications().await.unwrap(), [notification]);
    let shown = json(&mc.output(&["event", "list", "--json", &path]));
    assert_eq!((&shown["id"], &shown["prefix"]), (&"created".into(), &"in/".into()), "{shown}");
    put(&bucket, "in/a.csv").await;
    server.webhook().wait_for_object_in(bucket.name()).await;
}

async fn lakewright_reads_what_mc_sets(SharedMinioWithMc { server, mc }: SharedMinioWithMc) {
    let lake = server.lake().await;
    let bucket = bucket(&lake).await;
    let path = path(&bucket);

    mc.change(&["version", "enable", &path]);
    assert_eq!(bucket.get_versioning().await.unwrap(), Some(Versioning::Enabled));
    mc.change(&["tag", "set", &path, "a=b&c=d"]);
    assert_eq!(bucket.get_tags().await.unwrap()["c"], "d");
    mc.change(&["encrypt", "set", "sse-kms", "lakewright", &path]);
    let kms = Encryption::SseKms("lakewright".into());
    assert_eq!(bucket.get_encryption().await.unwrap(), Some(kms));

    for (permission, access) in
        [("download", Access::Read), ("upload", Access::Write), ("public", Access::ReadWrite)]
    {
        mc.change(&["anonymous", "set", permission, &path]);
        let found = bucket.get_anonymous_access().await.unwrap();
        assert_eq!(found, AnonymousAccess::to_all(access));
    }
    mc.change(&["anonymous", "set", "download", &path]);
    for (prefix, permission) in [("a/", "download"), ("b/", "upload"), ("c/", "public")] {
        mc.change(&["anonymous", "set", permission, &format!("{path}/{prefix}")]);
    }
    let expected = [("", Access::Read), ("a/", Access::Read), ("b/", Access::Write)];
    let mut expected: std::collections::BTreeMap<_, _> =
        expected.map(|(prefix, access)| (prefix.to_owned(), access)).into();
    expected.insert("c/".into(), Access::ReadWrite);
    assert_eq!(bucket.get_anonymous_access().await.unwrap(), AnonymousAccess(expected));

    mc.change(&["ilm", "rule", "add", "--expire-days", "3", "--prefix", "x/", &path]);
    let rules = bucket.get_lifecycle().await.unwrap();
    assert_eq!((rules[0].expire_after_days, rules[0].prefix.as_deref()), (Some(3), Some("x/")));
    // Elements that only MinIO has: without them the rule would be read incompletely.
    let all = ["ilm", "rule", "add", "--expire-days", "3", "--expire-all-object-versions", &path];
    mc.change(&all);
    let error = assert_kind(bucket.get_lifecycle().await, ErrorKind::Unsupported);
    assert!(error.message().contains("ExpiredObjectAllVersions"), "{error}");

    mc.change(&["event", "add", &path, ARN, "--event", "put", "--suffix", ".csv"]);
    let found = bucket.get_notifications().await.unwrap();
    assert_eq!((&*found[0].arn, found[0].suffix.as_deref()), (ARN, Some(".csv")));
}

/// The message of a refused setting contains the remedy.
async fn settings_that_minio_refuses(MinioWithoutKms(server): MinioWithoutKms) {
    let lake = server.lake().await;
    let bucket = bucket(&lake).await;
    for encryption in [Encryption::SseS3, Encryption::SseKms("k".into())] {
        let error = assert_kind(bucket.set_encryption(&encryption).await, ErrorKind::Unsupported);
        assert!(error.message().contains("MINIO_KMS_SECRET_KEY"), "{error}");
    }
    let without_key = Encryption::SseKms(String::new());
    assert_kind(bucket.set_encryption(&without_key).await, ErrorKind::InvalidInput);
    let to = |arn: &str, event: &str| Notification {
        id: "a".into(),
        arn: arn.into(),
        events: [event.to_owned()].into(),
        ..Notification::default()
    };
    let set = |notification: Notification| {
        let bucket = bucket.clone();
        async move { bucket.set_notifications(&[notification]).await }
    };
    let error = set(to("arn:aws:sns:us-east-1:1:topic", "s3:ObjectCreated:*")).await;
    assert_kind(error, ErrorKind::Unsupported);
    assert_kind(set(to(ARN, "s3:Nonsense")).await, ErrorKind::InvalidInput);
    let unicode = [("ü".to_owned(), String::new())].into();
    let error = assert_kind(bucket.set_tags(&unicode).await, ErrorKind::InvalidInput);
    assert!(error.message().contains("ASCII"), "{error}");
    let name = bucket.name();
    let not_action: Value = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*", "NotAction": "s3:PutObject",
        "Resource": format!("arn:aws:s3:::{name}/*"),
    }]});
    assert_kind(bucket.set_policy(&not_action).await, ErrorKind::Unsupported);
}

/// Locked versions stay and the error names them. `bypass_governance` deletes those under
/// governance, but none under a legal hold.
async fn empty_under_object_lock(SharedMinioWithMc { server, mc }: SharedMinioWithMc) {
    let lake = server.lake().await;
    let options = CreateBucketOptions::builder().object_lock(true).build();
    let bucket = lake.create_bucket(&unique_bucket(), options).await.unwrap();
    put(&bucket, "free").await;
    let lock = ObjectLock::with_retention(RetentionMode::Governance, RetentionPeriod::Days(1));
    bucket.set_object_lock(&lock).await.unwrap();
    put(&bucket, "governed").await;
    put(&bucket, "held").await;
    mc.change(&["legalhold", "set", &format!("{}/held", path(&bucket))]);

    let empty = |bypass_governance| {
        bucket.empty(EmptyOptions::builder().bypass_governance(bypass_governance).build())
    };
    let error = assert_kind(empty(false).await, ErrorKind::PartialApply);
    assert_eq!(error.failures().len(), 2, "{error}");
    assert!(error.failures().iter().all(|failure| failure.kind() == ErrorKind::Denied));
    let held = format!("{}/held", bucket.name());
    assert!(error.failures().iter().any(|failure| failure.resource() == Some(&*held)));
    // Nothing is left to delete, so the error is the reason itself.
    let error = assert_kind(empty(false).await, ErrorKind::Denied);
    assert!(error.message().contains("2 versions are still there"), "{error}");

    let error = assert_kind(empty(true).await, ErrorKind::PartialApply);
    assert_eq!(error.failures().len(), 1);
    assert_kind(lake.delete_bucket(bucket.name()).await, ErrorKind::Conflict);
    mc.change(&["legalhold", "clear", &format!("{}/held", path(&bucket))]);
    assert_eq!(empty(true).await.unwrap().versions, 1);
    lake.delete_bucket(bucket.name()).await.unwrap();
}

/// `empty` deletes more versions than one page lists and one request deletes.
async fn empty_many_versions(SharedMinio(server): SharedMinio) {
    use futures::{StreamExt, TryStreamExt};
    let bucket = &bucket(&server.lake().await).await;
    bucket.set_versioning(Versioning::Enabled).await.unwrap();
    futures::stream::iter(0..1200_u32)
        .for_each_concurrent(8, |n| async move {
            put(bucket, &format!("{}", n % 600)).await;
        })
        .await;
    let listed: Vec<_> = bucket.list_versions("").try_collect().await.unwrap();
    assert_eq!(listed.len(), 1200);
    assert_eq!(listed.iter().filter(|version| version.is_latest).count(), 600);
    assert_eq!(bucket.empty(EmptyOptions::default()).await.unwrap().versions, 1200);
    let left: Vec<_> = bucket.list_versions("").try_collect().await.unwrap();
    assert!(left.is_empty());
}
