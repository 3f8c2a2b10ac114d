//! MinIO's admin API on a real MinIO: every verb, what it refuses, and other servers.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::time::Duration;

use jiff::Timestamp;
use lakewright::admin::{NewServiceAccount, Principal, SecretCheck, ServiceAccountUpdate};
use lakewright::{Admin, Bucket, BucketName, ErrorKind, Lake, ObjectKey, PutOptions, Secret};
use lakewright_tests::server::{Server, assert_kind, unique_bucket};
use serde_json::{Value, json};

mod judge;
mod trouble;
mod wait;

/// A MinIO, or the reason to stop here.
macro_rules! minio {
    () => {
        match lakewright_tests::Server::minio().await {
            Some(minio) => minio,
            None if lakewright_tests::server::required("minio") => {
                panic!("LAKEWRIGHT_TEST_MINIO names no MinIO binary")
            }
            None => return eprintln!("SKIPPED: MinIO (LAKEWRIGHT_TEST_MINIO is not set)"),
        }
    };
}
pub(crate) use minio;

fn reads(bucket: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": [format!("arn:aws:s3:::{bucket}/*")],
    }]})
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(String::from).collect()
}

async fn bucket(lake: &Lake) -> Bucket {
    lake.create_bucket(&unique_bucket(), Default::default()).await.unwrap()
}

/// The same server seen by somebody else.
async fn as_user(server: &Server, access_key: &str, secret: &str) -> Lake {
    server
        .lake_with(|settings| {
            settings.access_key_id = Some(access_key.into());
            settings.secret_access_key = Some(secret.into());
        })
        .await
}

async fn check(admin: &Admin, access_key: &str, secret: &str) -> SecretCheck {
    admin.verify_secret(access_key, &Secret::new(secret)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn users() {
    let server = minio!();
    let admin = server.lake().await.admin();
    assert_eq!(admin.list_users().await.unwrap(), []);
    let name = "ann/ö &?+%";
    for (key, enabled) in [(name, true), ("bob", false)] {
        admin.set_user(key, &Secret::new("first-secret"), enabled).await.unwrap();
        assert_eq!(admin.user_info(key).await.unwrap().enabled, enabled);
    }
    let users = admin.list_users().await.unwrap();
    let seen: Vec<_> = users.iter().map(|user| (&*user.access_key, user.enabled)).collect();
    assert_eq!(seen, [(name, true), ("bob", false)]);
    assert_eq!(check(&admin, name, "first-secret").await, SecretCheck::Matches);
    assert_eq!(check(&admin, name, "other-secret").await, SecretCheck::Differs);
    assert_eq!(check(&admin, "bob", "first-secret").await, SecretCheck::Disabled);
    assert_eq!(check(&admin, "eve", "first-secret").await, SecretCheck::Unknown);

    // who is there gets the new secret and status and keeps the rest
    admin.put_policy("reads", &reads("raw")).await.unwrap();
    assert!(admin.attach_policy(&["reads"], Principal::User(name)).await.unwrap());
    admin.set_user(name, &Secret::new("second-secret"), true).await.unwrap();
    assert_eq!(check(&admin, name, "first-secret").await, SecretCheck::Differs);
    assert_eq!(check(&admin, name, "second-secret").await, SecretCheck::Matches);
    assert_eq!(admin.user_info(name).await.unwrap().policies, set(["reads"]));
    admin.set_user_status(name, false).await.unwrap();
    admin.set_user_status("bob", true).await.unwrap();
    let users = admin.list_users().await.unwrap();
    assert_eq!(users.iter().map(|user| user.enabled).collect::<Vec<_>>(), [false, true]);
    // a disabled user is given a secret with her status, and keeps it
    admin.set_user("bob", &Secret::new("third-secret"), false).await.unwrap();
    assert_eq!(check(&admin, "bob", "third-secret").await, SecretCheck::Disabled);
    admin.set_user_status("bob", true).await.unwrap();
    assert_eq!(check(&admin, "bob", "third-secret").await, SecretCheck::Matches);

    admin.remove_user("bob").await.unwrap();
    assert_kind(admin.user_info("bob").await, ErrorKind::NotFound);
    assert_kind(admin.remove_user("bob").await, ErrorKind::NotFound);
    let error = assert_kind(admin.set_user_status("bob", true).await, ErrorKind::NotFound);
    let text = error.to_string();
    assert!(text.starts_with("set_user_status bob: the user does not exist (HTTP 404"), "{text}");
    for (key, secret) in
        [("ab", "long-enough"), ("carl", "short"), ("lakewright-test", "as-root-is")]
    {
        let refused = admin.set_user(key, &Secret::new(secret), true).await;
        let error = assert_kind(refused, ErrorKind::InvalidInput);
        assert!(!error.to_string().contains(secret), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups() {
    let server = minio!();
    let admin = server.lake().await.admin();
    assert!(admin.list_groups().await.unwrap().is_empty());
    for user in ["ann", "bob"] {
        admin.set_user(user, &Secret::new("some-secret"), true).await.unwrap();
    }
    admin.add_group_members("empty", &[]).await.unwrap();
    admin.add_group_members("readers", &["ann", "bob"]).await.unwrap();
    assert_eq!(admin.list_groups().await.unwrap(), ["empty", "readers"]);
    let group = admin.group_info("readers").await.unwrap();
    assert!(group.enabled && group.policies.is_empty());
    assert_eq!(group.members, set(["ann", "bob"]));
    assert_eq!(admin.user_info("ann").await.unwrap().groups, set(["readers"]));

    admin.attach_policy(&["readonly"], Principal::Group("readers")).await.unwrap();
    admin.set_group_status("readers", false).await.unwrap();
    admin.remove_group_members("readers", &["bob"]).await.unwrap();
    admin.add_group_members("readers", &["ann"]).await.unwrap();
    let group = admin.group_info("readers").await.unwrap();
    assert!(!group.enabled, "new members do not enable it");
    assert_eq!((group.members, group.policies), (set(["ann"]), set([])));
    let entities = admin.policy_entities().await.unwrap();
    assert_eq!(entities.groups["readers"], set(["readonly"]), "though it is disabled");
    admin.set_group_status("readers", true).await.unwrap();
    assert_eq!(admin.group_info("readers").await.unwrap().policies, set(["readonly"]));

    let error = assert_kind(admin.remove_group("readers").await, ErrorKind::Conflict);
    assert!(error.to_string().contains("still has members"), "{error}");
    assert_kind(admin.remove_group_members("readers", &[]).await, ErrorKind::InvalidInput);
    assert_eq!(admin.list_groups().await.unwrap().len(), 2, "nothing named is nothing removed");
    admin.remove_group_members("readers", &["ann", "bob"]).await.unwrap();
    admin.remove_group("readers").await.unwrap();
    assert_eq!(admin.list_groups().await.unwrap(), ["empty"]);
    assert_kind(admin.remove_group("readers").await, ErrorKind::NotFound);
    assert_kind(admin.group_info("readers").await, ErrorKind::NotFound);
    assert_kind(admin.set_group_status("readers", true).await, ErrorKind::NotFound);
    let stranger = admin.add_group_members("empty", &["ann", "nobody"]).await;
    let error = assert_kind(stranger, ErrorKind::NotFound);
    assert!(error.to_string().contains("user does not exist"), "{error}");
    assert!(admin.group_info("empty").await.unwrap().members.is_empty(), "all or none");
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_and_attachments() {
    let server = minio!();
    let lake = server.lake().await;
    let admin = lake.admin();
    let bucket = bucket(&lake).await;
    let key = ObjectKey::new("k").unwrap();
    bucket.put(&key, "x", PutOptions::default()).await.unwrap();
    let document = reads(bucket.name().as_str());
    admin.put_policy("reads", &document).await.unwrap();
    let policies = admin.list_policies().await.unwrap();
    assert_eq!(policies["reads"], document);
    for name in lakewright::admin::BUILT_IN_POLICIES {
        assert!(policies.contains_key(name), "{name}");
    }

    admin.set_user("ann", &Secret::new("some-secret"), true).await.unwrap();
    let ann = as_user(&server, "ann", "some-secret").await;
    let mine = ann.bucket(bucket.name().clone());
    assert_kind(mine.get(&key, Default::default()).await, ErrorKind::Denied);
    let to = Principal::User("ann");
    assert!(admin.attach_policy(&["reads", "diagnostics"], to).await.unwrap());
    assert!(!admin.attach_policy(&["reads"], to).await.unwrap(), "it is so already");
    assert!(admin.attach_policy(&["reads", "writeonly"], to).await.unwrap(), "half of it");
    assert_eq!(mine.get(&key, Default::default()).await.unwrap().bytes, "x");
    let three = set(["diagnostics", "reads", "writeonly"]);
    assert_eq!(admin.user_info("ann").await.unwrap().policies, three);
    assert_eq!(admin.list_users().await.unwrap()[0].policies, three);
    let entities = admin.policy_entities().await.unwrap();
    assert_eq!(entities.users["ann"], three);
    assert!(entities.groups.is_empty());

    let error = assert_kind(admin.remove_policy("reads").await, ErrorKind::Conflict);
    assert!(error.to_string().contains("still attached"), "{error}");
    assert!(admin.detach_policy(&["reads", "diagnostics", "nowhere"], to).await.unwrap());
    assert!(!admin.detach_policy(&["reads"], to).await.unwrap());
    assert_eq!(admin.user_info("ann").await.unwrap().policies, set(["writeonly"]));
    assert_kind(mine.get(&key, Default::default()).await, ErrorKind::Denied);
    admin.remove_policy("reads").await.unwrap();
    admin.remove_policy("reads").await.unwrap();
    assert!(!admin.list_policies().await.unwrap().contains_key("reads"));

    // all at once
    admin.set_policies(&["readonly", "diagnostics"], to).await.unwrap();
    admin.set_policies(&["readonly", "diagnostics"], to).await.unwrap();
    assert_eq!(admin.user_info("ann").await.unwrap().policies, set(["diagnostics", "readonly"]));
    assert_kind(admin.set_policies(&["nowhere"], to).await, ErrorKind::NotFound);
    assert_eq!(admin.user_info("ann").await.unwrap().policies, set(["diagnostics", "readonly"]));
    admin.set_policies(&[], to).await.unwrap();
    assert_eq!(admin.user_info("ann").await.unwrap().policies, set([]));
    admin.add_group_members("crew", &["ann"]).await.unwrap();
    admin.set_policies(&["readonly"], Principal::Group("crew")).await.unwrap();
    assert_eq!(admin.group_info("crew").await.unwrap().policies, set(["readonly"]));

    for (policy, to, what) in [
        ("nowhere", to, "policy"),
        ("readonly", Principal::User("nobody"), "user"),
        ("readonly", Principal::Group("nobody"), "group"),
    ] {
        let error = assert_kind(admin.attach_policy(&[policy], to).await, ErrorKind::NotFound);
        assert!(error.to_string().contains(&format!("the {what} does not exist")), "{error}");
        let error = assert_kind(admin.set_policies(&[policy], to).await, ErrorKind::NotFound);
        assert!(error.to_string().contains(&format!("the {what} does not exist")), "{error}");
    }
    assert_kind(admin.attach_policy(&[], to).await, ErrorKind::InvalidInput);
    for (name, document) in [
        ("a,b", reads("raw")),
        ("no-version", json!({"Statement": []})),
        ("no-policy", json!("text")),
        ("no-effect", json!({"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps"}]})),
    ] {
        assert_kind(admin.put_policy(name, &document).await, ErrorKind::InvalidInput);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn service_accounts() {
    let server = minio!();
    let admin = server.lake().await.admin();
    admin.set_user("ann", &Secret::new("some-secret"), true).await.unwrap();
    admin.attach_policy(&["readwrite"], Principal::User("ann")).await.unwrap();
    let next_month: Timestamp = Timestamp::now() + Duration::from_secs(30 * 86400);
    let next_month = Timestamp::from_second(next_month.as_second()).unwrap();
    let whole = NewServiceAccount {
        owner: Some("ann".into()),
        access_key: Some("ann-etl".into()),
        secret_key: Some(Secret::new("etl-secret")),
        policy: Some(reads("raw")),
        name: Some("etl".into()),
        description: Some("nightly \"load\"".into()),
        expires: Some(next_month),
    };
    let keys = admin.add_service_account(whole.clone()).await.unwrap();
    assert_eq!((&*keys.access_key, keys.secret_key.expose()), ("ann-etl", "etl-secret"));
    let made = admin.service_account_info("ann-etl").await.unwrap();
    assert_eq!((&*made.owner, made.enabled), ("ann", true));
    assert_eq!((made.policy, made.expires), (whole.policy.clone(), whole.expires));
    assert_eq!((made.name, made.description), (whole.name.clone(), whole.description.clone()));
    assert_eq!(check(&admin, "ann-etl", "etl-secret").await, SecretCheck::Matches);
    let taken = admin.add_service_account(whole.clone()).await;
    assert_kind(taken, ErrorKind::AlreadyExists);

    // the server makes the keys; root is the owner
    let made = admin.add_service_account(NewServiceAccount::default()).await.unwrap();
    assert_eq!(
        check(&admin, &made.access_key, made.secret_key.expose()).await,
        SecretCheck::Matches
    );
    let own = admin.service_account_info(&made.access_key).await.unwrap();
    assert_eq!((own.policy, own.expires, own.name), (None, None, None));
    let listed = admin.list_service_accounts().await.unwrap();
    let mut owners: Vec<_> = listed.iter().map(|account| &*account.owner).collect();
    owners.sort_unstable();
    assert_eq!(owners, ["ann", "lakewright-test"]);
    let listed = listed.iter().find(|account| account.access_key == "ann-etl").unwrap();
    assert_eq!(listed.expires, Some(next_month));

    // an update that does not speak of the policy would take it away; ours always does
    let keep = || ServiceAccountUpdate { policy: Some(reads("raw")), ..Default::default() };
    let off = ServiceAccountUpdate { enabled: Some(false), ..keep() };
    admin.update_service_account("ann-etl", off).await.unwrap();
    let info = admin.service_account_info("ann-etl").await.unwrap();
    assert_eq!((info.enabled, info.policy), (false, Some(reads("raw"))));
    assert_eq!((info.name, info.expires), (Some("etl".into()), Some(next_month)));
    assert_eq!(check(&admin, "ann-etl", "etl-secret").await, SecretCheck::Disabled);
    let changed = ServiceAccountUpdate {
        policy: None,
        secret_key: Some(Secret::new("new-secret")),
        enabled: Some(true),
        name: Some("load".into()),
        description: Some("hourly".into()),
        expires: Some(None),
    };
    admin.update_service_account("ann-etl", changed).await.unwrap();
    let info = admin.service_account_info("ann-etl").await.unwrap();
    assert_eq!((info.enabled, info.policy, info.expires), (true, None, None));
    assert_eq!((info.name, info.description), (Some("load".into()), Some("hourly".into())));
    assert_eq!(check(&admin, "ann-etl", "etl-secret").await, SecretCheck::Differs);
    assert_eq!(check(&admin, "ann-etl", "new-secret").await, SecretCheck::Matches);
    // its owner's absence is its own
    admin.set_user_status("ann", false).await.unwrap();
    assert_eq!(check(&admin, "ann-etl", "new-secret").await, SecretCheck::Matches);

    let past = ServiceAccountUpdate { expires: Some(Some(Timestamp::now())), ..keep() };
    let error = admin.update_service_account("ann-etl", past).await;
    assert_kind(error, ErrorKind::InvalidInput);
    let short = ServiceAccountUpdate { secret_key: Some(Secret::new("short")), ..keep() };
    assert_kind(admin.update_service_account("ann-etl", short).await, ErrorKind::InvalidInput);
    let half = NewServiceAccount { secret_key: None, ..whole.clone() };
    assert_kind(admin.add_service_account(half).await, ErrorKind::InvalidInput);
    let orphan = NewServiceAccount { owner: Some("nobody".into()), ..NewServiceAccount::default() };
    assert_kind(admin.add_service_account(orphan).await, ErrorKind::NotFound);
    admin.remove_service_account("ann-etl").await.unwrap();
    for error in [
        admin.remove_service_account("ann-etl").await.unwrap_err(),
        admin.service_account_info("ann-etl").await.unwrap_err(),
        admin.update_service_account("ann-etl", keep()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains("the service account does not exist"), "{error}");
    }
    // an owner takes her accounts with her
    admin.set_user_status("ann", true).await.unwrap();
    admin.add_service_account(whole).await.unwrap();
    admin.remove_user("ann").await.unwrap();
    assert_kind(admin.service_account_info("ann-etl").await, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_and_the_server() {
    let server = minio!();
    let lake = server.lake().await;
    let admin = lake.admin();
    let bucket = bucket(&lake).await;
    assert_eq!(admin.bucket_quota(bucket.name()).await.unwrap(), None);
    for bytes in [NonZeroU64::new(1 << 20), NonZeroU64::new(u64::MAX), None] {
        admin.set_bucket_quota(bucket.name(), bytes).await.unwrap();
        assert_eq!(admin.bucket_quota(bucket.name()).await.unwrap(), bytes);
    }
    let all = admin.export_bucket_metadata().await.unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), [bucket.name()]);
    assert_eq!(all[bucket.name()].quota, None);
    let bytes = NonZeroU64::new(5 << 30);
    admin.set_bucket_quota(bucket.name(), bytes).await.unwrap();
    let mut document = reads(bucket.name().as_str());
    document["Statement"][0]["Principal"] = json!({"AWS": ["*"]});
    bucket.set_policy(&document).await.unwrap();
    let all = admin.export_bucket_metadata().await.unwrap();
    assert_eq!(all[bucket.name()].quota, bytes);
    let policy: Value =
        serde_json::from_slice(&all[bucket.name()].documents["policy.json"]).unwrap();
    assert_eq!(policy, document);
    assert!(!all[bucket.name()].documents.contains_key("bucket-targets.json"));

    let nowhere = BucketName::new("not-there").unwrap();
    let error = assert_kind(admin.bucket_quota(&nowhere).await, ErrorKind::NotFound);
    assert!(error.to_string().contains("the bucket does not exist"), "{error}");
    assert_kind(admin.set_bucket_quota(&nowhere, None).await, ErrorKind::NotFound);

    let info = admin.server_info().await.unwrap();
    assert_eq!((&*info.mode, info.servers.len()), ("online", 1));
    assert!(!info.deployment_id.is_empty());
    let node = &info.servers[0];
    assert_eq!((&*node.state, node.drives, node.drives_ok), ("online", 1, 1));
    assert!(node.version.is_some());
}
