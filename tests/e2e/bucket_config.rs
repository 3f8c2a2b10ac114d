//! Bucket configuration on MinIO: what only it has or refuses, with its own client as the second
//! judge in both directions.

use std::time::{Duration, Instant};

use lakewright::{
    Access, AnonymousAccess, Bucket, CreateBucketOptions, EmptyOptions, Encryption, ErrorKind,
    LifecycleRule, Notification, ObjectKey, ObjectLock, PutOptions, RetentionMode, RetentionPeriod,
    Versioning,
};
use lakewright_tests::Mc;
use lakewright_tests::conformance::bucket;
use lakewright_tests::server::{Server, assert_kind, required, unique_bucket};
use serde_json::Value;

const ARN: &str = "arn:minio:sqs::KIT:webhook";

/// A MinIO, or the reason to stop here.
macro_rules! minio {
    ($start:expr) => {
        match $start.await {
            Some(minio) => minio,
            None if required("minio") => panic!("LAKEWRIGHT_TEST_MINIO names no MinIO binary"),
            None => return eprintln!("SKIPPED: MinIO (LAKEWRIGHT_TEST_MINIO is not set)"),
        }
    };
}

fn path(bucket: &Bucket) -> String {
    format!("kit/{}", bucket.name())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

async fn put(bucket: &Bucket, key: &str) {
    bucket.put(&ObjectKey::new(key).unwrap(), "x", PutOptions::default()).await.unwrap();
}

/// What we set, mc reads.
#[tokio::test(flavor = "multi_thread")]
async fn mc_reads_what_we_set() {
    let server = minio!(Server::minio());
    let Some(mc) = Mc::of(&server) else { return };
    let lake = server.lake().await;
    let options = CreateBucketOptions { object_lock: true, ..CreateBucketOptions::default() };
    let locked = lake.create_bucket(&unique_bucket(), options).await.unwrap();
    let bucket = bucket(&lake).await;
    let (path, locked_path) = (path(&bucket), path(&locked));

    bucket.set_versioning(Versioning::Suspended).await.unwrap();
    let said = json(&mc.ask(&["version", "info", "--json", &path]));
    assert_eq!(said["versioning"]["status"], "Suspended");

    let lock = ObjectLock::with_retention(RetentionMode::Governance, RetentionPeriod::Days(3));
    locked.set_object_lock(&lock).await.unwrap();
    let said = json(&mc.ask(&["retention", "info", "--default", "--json", &locked_path]));
    assert_eq!((&said["mode"], &said["validity"]), (&"GOVERNANCE".into(), &"3DAYS".into()));

    bucket.set_tags(&[("team".to_owned(), "data".to_owned())].into()).await.unwrap();
    let said = json(&mc.ask(&["tag", "list", "--json", &path]));
    assert_eq!(said["tagset"]["team"], "data");

    let rule = LifecycleRule {
        prefix: Some("tmp/".into()),
        tags: Some([("a".to_owned(), "b".to_owned())].into()),
        expire_after_days: Some(7),
        ..LifecycleRule::new("tmp")
    };
    bucket.set_lifecycle(&[rule]).await.unwrap();
    let said = json(&mc.ask(&["ilm", "rule", "ls", "--json", &path]));
    let rule = &said["config"]["Rules"][0];
    assert_eq!((&rule["ID"], &rule["Expiration"]["Days"]), (&"tmp".into(), &7.into()), "{said}");
    assert_eq!(rule["Filter"]["And"]["Prefix"], "tmp/", "{said}");

    for (access, word) in
        [(Access::Read, "download"), (Access::Write, "upload"), (Access::ReadWrite, "public")]
    {
        bucket.set_anonymous_access(&AnonymousAccess::to_all(access)).await.unwrap();
        let said = json(&mc.ask(&["anonymous", "get", "--json", &path]));
        assert_eq!(said["permission"], word, "{said}");
        let below = AnonymousAccess([("in/".to_owned(), access)].into());
        bucket.set_anonymous_access(&below).await.unwrap();
        let said = json(&mc.ask(&["anonymous", "get", "--json", &format!("{path}/in/")]));
        assert_eq!(said["permission"], word, "{said}");
    }
    bucket.set_anonymous_access(&AnonymousAccess::none()).await.unwrap();
    let said = json(&mc.ask(&["anonymous", "get", "--json", &path]));
    assert_eq!(said["permission"], "private", "{said}");

    for (encryption, algorithm) in
        [(Encryption::SseS3, "sse-s3"), (Encryption::SseKms("lakewright".into()), "sse-kms")]
    {
        bucket.set_encryption(&encryption).await.unwrap();
        assert_eq!(bucket.get_encryption().await.unwrap(), Some(encryption));
        let said = mc.ask(&["encrypt", "info", &path]).to_lowercase();
        assert!(said.contains(algorithm), "{said}");
    }

    let notification = Notification {
        id: "made".into(),
        arn: ARN.into(),
        events: ["s3:ObjectCreated:*".to_owned()].into(),
        prefix: Some("in/".into()),
        suffix: Some(".csv".into()),
    };
    bucket.set_notifications(std::slice::from_ref(&notification)).await.unwrap();
    assert_eq!(bucket.get_notifications().await.unwrap(), [notification]);
    let said = json(&mc.ask(&["event", "list", "--json", &path]));
    assert_eq!((&said["id"], &said["prefix"]), (&"made".into(), &"in/".into()), "{said}");
    put(&bucket, "in/a.csv").await;
    let begin = Instant::now();
    while !server.webhook().bodies().iter().any(|body| body.contains("s3:ObjectCreated:Put")) {
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", server.webhook().bodies());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What mc sets, we read.
#[tokio::test(flavor = "multi_thread")]
async fn we_read_what_mc_sets() {
    let server = minio!(Server::minio());
    let Some(mc) = Mc::of(&server) else { return };
    let lake = server.lake().await;
    let bucket = bucket(&lake).await;
    let path = path(&bucket);

    let _ = mc.ask(&["version", "enable", &path]);
    assert_eq!(bucket.get_versioning().await.unwrap(), Some(Versioning::Enabled));
    let _ = mc.ask(&["tag", "set", &path, "a=b&c=d"]);
    assert_eq!(bucket.get_tags().await.unwrap()["c"], "d");
    let _ = mc.ask(&["encrypt", "set", "sse-kms", "lakewright", &path]);
    let kms = Encryption::SseKms("lakewright".into());
    assert_eq!(bucket.get_encryption().await.unwrap(), Some(kms));

    for (word, access) in
        [("download", Access::Read), ("upload", Access::Write), ("public", Access::ReadWrite)]
    {
        let _ = mc.ask(&["anonymous", "set", word, &path]);
        let said = bucket.get_anonymous_access().await.unwrap();
        assert_eq!(said, AnonymousAccess::to_all(access));
    }
    let _ = mc.ask(&["anonymous", "set", "download", &path]);
    for (prefix, word) in [("a/", "download"), ("b/", "upload"), ("c/", "public")] {
        let _ = mc.ask(&["anonymous", "set", word, &format!("{path}/{prefix}")]);
    }
    let expected = [("", Access::Read), ("a/", Access::Read), ("b/", Access::Write)];
    let mut expected: std::collections::BTreeMap<_, _> =
        expected.map(|(prefix, access)| (prefix.to_owned(), access)).into();
    expected.insert("c/".into(), Access::ReadWrite);
    assert_eq!(bucket.get_anonymous_access().await.unwrap(), AnonymousAccess(expected));

    let _ = mc.ask(&["ilm", "rule", "add", "--expire-days", "3", "--prefix", "x/", &path]);
    let rules = bucket.get_lifecycle().await.unwrap();
    assert_eq!((rules[0].expire_after_days, rules[0].prefix.as_deref()), (Some(3), Some("x/")));
    // Elements that only MinIO has: half a rule would be read without them.
    let all = ["ilm", "rule", "add", "--expire-days", "3", "--expire-all-object-versions", &path];
    let _ = mc.ask(&all);
    let error = assert_kind(bucket.get_lifecycle().await, ErrorKind::Unsupported);
    assert!(error.message().contains("ExpiredObjectAllVersions"), "{error}");

    let _ = mc.ask(&["event", "add", &path, ARN, "--event", "put", "--suffix", ".csv"]);
    let told = bucket.get_notifications().await.unwrap();
    assert_eq!((&*told[0].arn, told[0].suffix.as_deref()), (ARN, Some(".csv")));
}

/// What MinIO refuses is refused in words that say what to do.
#[tokio::test(flavor = "multi_thread")]
async fn refusals() {
    let server = minio!(Server::minio_without_kms());
    let lake = server.lake().await;
    let bucket = bucket(&lake).await;
    for encryption in [Encryption::SseS3, Encryption::SseKms("k".into())] {
        let error = assert_kind(bucket.set_encryption(&encryption).await, ErrorKind::Unsupported);
        assert!(error.message().contains("MINIO_KMS_SECRET_KEY"), "{error}");
    }
    let nameless = Encryption::SseKms(String::new());
    assert_kind(bucket.set_encryption(&nameless).await, ErrorKind::InvalidInput);
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

/// Locked versions stay and are named, governance ends when told, a legal hold does not; other
/// versions, markers and unfinished uploads go.
#[tokio::test(flavor = "multi_thread")]
async fn emptying_under_locks() {
    let server = minio!(Server::minio());
    let Some(mc) = Mc::of(&server) else { return };
    let lake = server.lake().await;
    let options = CreateBucketOptions { object_lock: true, ..CreateBucketOptions::default() };
    let bucket = lake.create_bucket(&unique_bucket(), options).await.unwrap();
    put(&bucket, "free").await;
    let lock = ObjectLock::with_retention(RetentionMode::Governance, RetentionPeriod::Days(1));
    bucket.set_object_lock(&lock).await.unwrap();
    put(&bucket, "governed").await;
    put(&bucket, "held").await;
    let _ = mc.ask(&["legalhold", "set", &format!("{}/held", path(&bucket))]);

    let empty = |bypass_governance| bucket.empty(EmptyOptions { bypass_governance });
    let error = assert_kind(empty(false).await, ErrorKind::PartialApply);
    assert_eq!(error.failures().len(), 2, "{error}");
    assert!(error.failures().iter().all(|failure| failure.kind() == ErrorKind::Denied));
    let held = format!("{}/held", bucket.name());
    assert!(error.failures().iter().any(|failure| failure.resource() == Some(&*held)));
    // Nothing else is left to delete: the one reason is the error.
    let error = assert_kind(empty(false).await, ErrorKind::Denied);
    assert!(error.message().contains("2 versions are still there"), "{error}");

    let error = assert_kind(empty(true).await, ErrorKind::PartialApply);
    assert_eq!(error.failures().len(), 1);
    assert_kind(lake.delete_bucket(bucket.name()).await, ErrorKind::Conflict);
    let _ = mc.ask(&["legalhold", "clear", &format!("{}/held", path(&bucket))]);
    assert_eq!(empty(true).await.unwrap().versions, 1);
    lake.delete_bucket(bucket.name()).await.unwrap();
}

/// More versions than one page has, deleted a thousand a request.
#[tokio::test(flavor = "multi_thread")]
async fn emptying_many() {
    use futures::{StreamExt, TryStreamExt};
    let server = minio!(Server::minio());
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
