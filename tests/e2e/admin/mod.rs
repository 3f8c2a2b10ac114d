//! MinIO's admin API on a real MinIO: every verb and what it refuses, and servers without it.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::time::Duration;

use jiff::Timestamp;
use lakewright::admin::{
    AccountStatus, NewServiceAccount, Principal, SecretCheck, ServiceAccountUpdate,
    ServiceAccountUpdateBuilder,
};
use lakewright::{Admin, Bucket, BucketName, ErrorKind, Lake, ObjectKey, PutOptions, Secret};
use lakewright_tests::harness::Trial;
use lakewright_tests::server::{OwnMinio, Server, assert_kind, unique_bucket};
use lakewright_tests::tests;
use serde_json::{Value, json};

mod failures;
mod minio_py;
mod wait;

tests![users, groups, policies_and_attachments, service_accounts, quotas_and_server_info];

/// Returns the tests of this module and those below it.
pub(crate) fn all_tests() -> Vec<Trial> {
    [failures::tests(), wait::tests(), minio_py::tests(), tests()].into_iter().flatten().collect()
}

/// A policy document that allows to read the objects of a bucket.
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

/// Connects to the server with the credentials of another user.
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

async fn users(OwnMinio(server): OwnMinio) {
    let admin = server.lake().await.admin();
    assert_eq!(admin.list_users().await.unwrap(), []);
    let name = "ann/ö &?+%";
    for (key, enabled) in [(name, true), ("bob", false)] {
        admin.set_user(key, &Secret::new("first-secret"), enabled.into()).await.unwrap();
        assert_eq!(admin.user_info(key).await.unwrap().enabled, enabled);
    }
    let users = admin.list_users().await.unwrap();
    let found: Vec<_> = users.iter().map(|user| (&*user.access_key, user.enabled)).collect();
    assert_eq!(found, [(name, true), ("bob", false)]);
    assert_eq!(check(&admin, name, "first-secret").await, SecretCheck::Matches);
    assert_eq!(check(&admin, name, "other-secret").await, SecretCheck::Differs);
    assert_eq!(check(&admin, "bob", "first-secret").await, SecretCheck::Disabled);
    assert_eq!(check(&admin, "eve", "first-secret").await, SecretCheck::Unknown);

    // An existing user gets the new secret and status and keeps the attached policies.
    admin.put_policy("reads", &reads("raw")).await.unwrap();
    assert!(admin.attach_policy(&["reads"], Principal::User(name)).await.unwrap());
    admin.set_user(name, &Secret::new("second-secret"), AccountStatus::Enabled).await.unwrap();
    assert_eq!(check(&admin, name, "first-secret").await, SecretCheck::Differs);
    assert_eq!(check(&admin, name, "second-secret").await, SecretCheck::Matches);
    assert_eq!(admin.user_info(name).await.unwrap().policies, set(["reads"]));
    admin.set_user_status(name, AccountStatus::Disabled).await.unwrap();
    admin.set_user_status("bob", AccountStatus::Enabled).await.unwrap();
    let users = admin.list_users().await.unwrap();
    assert_eq!(users.iter().map(|user| user.enabled).collect::<Vec<_>>(), [false, true]);
    // A disabled user is given a secret and stays disabled.
    admin.set_user("bob", &Secret::new("third-secret"), AccountStatus::Disabled).await.unwrap();
    assert_eq!(check(&admin, "bob", "third-secret").await, SecretCheck::Disabled);
    admin.set_user_status("bob", AccountStatus::Enabled).await.unwrap();
    assert_eq!(check(&admin, "bob", "third-secret").await, SecretCheck::Matches);

    admin.remove_user("bob").await.unwrap();
    assert_kind(admin.user_info("bob").await, ErrorKind::NotFound);
    assert_kind(admin.remove_user("bob").await, ErrorKind::NotFound);
    let error = assert_kind(
        admin.set_user_status("bob", AccountStatus::Enabled).await,
        ErrorKind::NotFound,
    );
    let text = error.to_string();
    assert!(text.starts_with("set_user_status bob: the user does not exist (HTTP 404"), "{text}");
    for (key, secret) in
        [("ab", "long-enough"), ("carl", "short"), ("lakewright-test", "as-root-is")]
    {
        let refused = admin.set_user(key, &Secret::new(secret), AccountStatus::Enabled).await;
        let error = assert_kind(refused, ErrorKind::InvalidInput);
        assert!(!error.to_string().contains(secret), "{error}");
    }
}

async fn groups(OwnMinio(server): OwnMinio) {
    let admin = server.lake().await.admin();
    assert!(admin.list_groups().await.unwrap().is_empty());
    for user in ["ann", "bob"] {
        admin.set_user(user, &Secret::new("some-secret"), AccountStatus::Enabled).await.unwrap();
    }
    admin.add_group_members("empty", &[]).await.unwrap();
    admin.add_group_members("readers", &["ann", "bob"]).await.unwrap();
    assert_eq!(admin.list_groups().await.unwrap(), ["empty", "readers"]);
    let group = admin.group_info("readers").await.unwrap();
    assert!(group.enabled && group.policies.is_empty());
    assert_eq!(group.members, set(["ann", "bob"]));
    assert_eq!(admin.user_info("ann").await.unwrap().groups, set(["readers"]));

    admin.attach_policy(&["readonly"], Principal::Group("readers")).await.unwrap();
    admin.set_group_status("readers", AccountStatus::Disabled).await.unwrap();
    admin.remove_group_members("readers", &["bob"]).await.unwrap();
    admin.add_group_members("readers", &["ann"]).await.unwrap();
    let group = admin.group_info("readers").await.unwrap();
    assert!(!group.enabled, "new members do not enable it");
    assert_eq!((group.members, group.policies), (set(["ann"]), set([])));
    let entities = admin.policy_entities().await.unwrap();
    assert_eq!(
        entities.groups["readers"],
        set(["readonly"]),
        "policies stay attached to a disabled group"
    );
    admin.set_group_status("readers", AccountStatus::Enabled).await.unwrap();
    assert_eq!(admin.group_info("readers").await.unwrap().policies, set(["readonly"]));

    let error = assert_kind(admin.remove_group("readers").await, ErrorKind::Conflict);
    assert!(error.to_string().contains("still has members"), "{error}");
    assert_kind(admin.remove_group_members("readers", &[]).await, ErrorKind::InvalidInput);
    assert_eq!(
        admin.list_groups().await.unwrap().len(),
        2,
        "an empty list of members removes no group"
    );
    admin.remove_group_members("readers", &["ann", "bob"]).await.unwrap();
    admin.remove_group("readers").await.unwrap();
    assert_eq!(admin.list_groups().await.unwrap(), ["empty"]);
    assert_kind(admin.remove_group("readers").await, ErrorKind::NotFound);
    assert_kind(admin.group_info("readers").await, ErrorKind::NotFound);
    assert_kind(
        admin.set_group_status("readers", AccountStatus::Enabled).await,
        ErrorKind::NotFound,
    );
    let unknown_member = admin.add_group_members("empty", &["ann", "unknown"]).await;
    let error = assert_kind(unknown_member, ErrorKind::NotFound);
    let text = error.to_string();
    assert!(text.contains(r#"one of the users "ann", "unknown" does not exist"#), "{text}");
    assert!(
        admin.group_info("empty").await.unwrap().members.is_empty(),
        "all members are added, or none"
    );
}

async fn policies_and_attachments(OwnMinio(server): OwnMinio) {
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

    admin.set_user("ann", &Secret::new("some-secret"), AccountStatus::Enabled).await.unwrap();
    let ann = as_user(&server, "ann", "some-secret").await;
    let as_ann = ann.bucket(bucket.name().clone());
    assert_kind(as_ann.get(&key, Default::default()).await, ErrorKind::Denied);
    let to = Principal::User("ann");
    assert!(admin.attach_policy(&["reads", "diagnostics"], to).await.unwrap());
    assert!(!admin.attach_policy(&["reads"], to).await.unwrap(), "it is attached already");
    assert!(
        admin.attach_policy(&["reads", "writeonly"], to).await.unwrap(),
        "one of them is attached already"
    );
    assert_eq!(as_ann.get(&key, Default::default()).await.unwrap().bytes, "x");
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
    assert_kind(as_ann.get(&key, Default::default()).await, ErrorKind::Denied);
    admin.remove_policy("reads").await.unwrap();
    admin.remove_policy("reads").await.unwrap();
    assert!(!admin.list_policies().await.unwrap().contains_key("reads"));

    // `set_policies` replaces all attached policies.
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
        ("nowhere", to, "policy \"nowhere\""),
        ("readonly", Principal::User("unknown"), "user"),
        ("readonly", Principal::Group("unknown"), "group"),
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

async fn service_accounts(OwnMinio(server): OwnMinio) {
    let admin = server.lake().await.admin();
    admin.set_user("ann", &Secret::new("some-secret"), AccountStatus::Enabled).await.unwrap();
    admin.attach_policy(&["readwrite"], Principal::User("ann")).await.unwrap();
    let next_month: Timestamp = Timestamp::now() + Duration::from_secs(30 * 86400);
    let next_month = Timestamp::from_second(next_month.as_second()).unwrap();
    let complete = NewServiceAccount::builder()
        .owner("ann")
        .access_key("ann-etl")
        .secret_key(Secret::new("etl-secret"))
        .policy(reads("raw"))
        .name("etl")
        .description("nightly \"load\"")
        .expires(next_month)
        .build();
    let credentials = admin.add_service_account(complete.clone()).await.unwrap();
    assert_eq!(
        (&*credentials.access_key, credentials.secret_key.expose()),
        ("ann-etl", "etl-secret")
    );
    let created = admin.service_account_info("ann-etl").await.unwrap();
    assert_eq!((&*created.owner, created.enabled), ("ann", true));
    assert_eq!((created.policy, created.expires), (complete.policy.clone(), complete.expires));
    assert_eq!(
        (created.name, created.description),
        (complete.name.clone(), complete.description.clone())
    );
    assert_eq!(check(&admin, "ann-etl", "etl-secret").await, SecretCheck::Matches);
    let taken = admin.add_service_account(complete.clone()).await;
    assert_kind(taken, ErrorKind::AlreadyExists);

    // The server generates the credentials, and the root user is the owner.
    let created = admin.add_service_account(NewServiceAccount::default()).await.unwrap();
    assert_eq!(
        check(&admin, &created.access_key, created.secret_key.expose()).await,
        SecretCheck::Matches
    );
    let own = admin.service_account_info(&created.access_key).await.unwrap();
    assert_eq!((own.policy, own.expires, own.name), (None, None, None));
    let listed = admin.list_service_accounts().await.unwrap();
    let mut owners: Vec<_> = listed.iter().map(|account| &*account.owner).collect();
    owners.sort_unstable();
    assert_eq!(owners, ["ann", "lakewright-test"]);
    let listed = listed.iter().find(|account| account.access_key == "ann-etl").unwrap();
    assert_eq!(listed.expires, Some(next_month));

    // MinIO removes the policy in an update that leaves it out, so `update_service_account` always
    // sends it.
    let keep = |builder: &mut ServiceAccountUpdateBuilder| builder.policy(reads("raw")).build();
    let off = keep(ServiceAccountUpdate::builder().enabled(false));
    admin.update_service_account("ann-etl", off).await.unwrap();
    let info = admin.service_account_info("ann-etl").await.unwrap();
    assert_eq!((info.enabled, info.policy), (false, Some(reads("raw"))));
    assert_eq!((info.name, info.expires), (Some("etl".into()), Some(next_month)));
    assert_eq!(check(&admin, "ann-etl", "etl-secret").await, SecretCheck::Disabled);
    let changed = ServiceAccountUpdate::builder()
        .secret_key(Secret::new("new-secret"))
        .enabled(true)
        .name("load")
        .description("hourly")
        .expires(None)
        .build();
    admin.update_service_account("ann-etl", changed).await.unwrap();
    let info = admin.service_account_info("ann-etl").await.unwrap();
    assert_eq!((info.enabled, info.policy, info.expires), (true, None, None));
    assert_eq!((info.name, info.description), (Some("load".into()), Some("hourly".into())));
    assert_eq!(check(&admin, "ann-etl", "etl-secret").await, SecretCheck::Differs);
    assert_eq!(check(&admin, "ann-etl", "new-secret").await, SecretCheck::Matches);
    // A disabled owner does not disable the account.
    admin.set_user_status("ann", AccountStatus::Disabled).await.unwrap();
    assert_eq!(check(&admin, "ann-etl", "new-secret").await, SecretCheck::Matches);

    let past = keep(ServiceAccountUpdate::builder().expires(Some(Timestamp::now())));
    let error = admin.update_service_account("ann-etl", past).await;
    assert_kind(error, ErrorKind::InvalidInput);
    let short = keep(ServiceAccountUpdate::builder().secret_key(Secret::new("short")));
    assert_kind(admin.update_service_account("ann-etl", short).await, ErrorKind::InvalidInput);
    let mut without_secret = complete.clone();
    without_secret.secret_key = None;
    assert_kind(admin.add_service_account(without_secret).await, ErrorKind::InvalidInput);
    let orphan = NewServiceAccount::builder().owner("unknown").build();
    assert_kind(admin.add_service_account(orphan).await, ErrorKind::NotFound);
    admin.remove_service_account("ann-etl").await.unwrap();
    for error in [
        admin.remove_service_account("ann-etl").await.unwrap_err(),
        admin.service_account_info("ann-etl").await.unwrap_err(),
        admin
            .update_service_account("ann-etl", keep(&mut ServiceAccountUpdate::builder()))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains("the service account does not exist"), "{error}");
    }
    // Removing the owner removes the account.
    admin.set_user_status("ann", AccountStatus::Enabled).await.unwrap();
    admin.add_service_account(complete).await.unwrap();
    admin.remove_user("ann").await.unwrap();
    assert_kind(admin.service_account_info("ann-etl").await, ErrorKind::NotFound);
}

async fn quotas_and_server_info(OwnMinio(server): OwnMinio) {
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
