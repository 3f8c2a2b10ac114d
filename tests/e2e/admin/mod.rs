//! MinIO's admin API on a real MinIO: every verb, what it refuses, and other servers.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use lakewright::admin::{NewServiceAccount, Principal, SecretCheck, ServiceAccountUpdate};
use lakewright::{
    Admin, Bucket, BucketName, ErrorKind, Lake, ObjectKey, PutOptions, Secret, SecretRef,
    SettingValue, Settings,
};
use lakewright_tests::proxy::{Fault, Proxy};
use lakewright_tests::server::{Server, assert_kind, unique_bucket};
use serde_json::{Value, json};

mod judge;
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

/// Who may not, and who is not who she says.
#[tokio::test(flavor = "multi_thread")]
async fn refusals() {
    let server = minio!();
    let admin = server.lake().await.admin();
    admin.set_user("ann", &Secret::new("some-secret"), true).await.unwrap();
    let ann = as_user(&server, "ann", "some-secret").await.admin();
    ann.require().await.expect("the API is there, if not for her");
    assert_kind(ann.list_users().await, ErrorKind::Denied);
    assert_kind(ann.put_policy("mine", &reads("raw")).await, ErrorKind::Denied);
    assert_kind(ann.set_user("eve", &Secret::new("some-secret"), true).await, ErrorKind::Denied);
    // of her own service accounts she is mistress, once she may anything
    admin.set_policies(&["readwrite"], Principal::User("ann")).await.unwrap();
    let own = ann.add_service_account(NewServiceAccount::default()).await.unwrap();
    assert_eq!(ann.service_account_info(&own.access_key).await.unwrap().owner, "ann");

    for (key, secret) in [("lakewright-test", "wrong-secret"), ("nobody", "some-secret")] {
        let wrong = as_user(&server, key, secret).await.admin();
        let set = wrong.set_user("eve", &Secret::new("eves-secret"), true).await;
        for error in [
            wrong.list_users().await.unwrap_err(),
            wrong.list_policies().await.unwrap_err(),
            wrong.require().await.unwrap_err(),
            set.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
            let text = format!("{error} {error:?}");
            assert!(!text.contains(secret) && !text.contains("eves-secret"), "{text}");
        }
    }
    let anonymous = Settings {
        endpoint: server.settings.endpoint.clone(),
        anonymous: Some(true),
        ..Settings::default()
    };
    let anonymous = lakewright::connect(anonymous).await.unwrap().admin();
    let error = assert_kind(anonymous.list_users().await, ErrorKind::Unauthenticated);
    assert!(error.to_string().contains("no keys"), "{error}");
    assert_eq!(admin.list_users().await.unwrap().len(), 1, "nobody was made");
}

/// A secret that was exchanged in its file is taken up, and the payload encrypted anew for it.
#[tokio::test(flavor = "multi_thread")]
async fn an_exchanged_secret_is_taken_up() {
    let server = minio!();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let Some(SettingValue::Literal(right)) = &server.settings.secret_access_key else { panic!() };
    std::fs::write(&path, right.expose()).unwrap();
    let lake = server
        .lake_with(|s| {
            s.secret_access_key = Some(SettingValue::Reference(SecretRef::File(path.clone())));
        })
        .await;
    let admin = lake.admin();
    admin.set_user("ann", &Secret::new("some-secret"), true).await.unwrap();
    std::fs::write(&path, "not-the-right-one-now").unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_kind(admin.list_users().await, ErrorKind::Unauthenticated);
    std::fs::write(&path, right.expose()).unwrap();
    admin.set_user("bob", &Secret::new("bobs-secret"), true).await.unwrap();
    assert_eq!(admin.list_users().await.unwrap().len(), 2);
    assert_eq!(check(&admin, "bob", "bobs-secret").await, SecretCheck::Matches);
}

/// What was done and whose answer was lost is not an error when it is done again, and is done
/// once where twice would be.
#[tokio::test(flavor = "multi_thread")]
async fn lost_answers() {
    let server = minio!();
    let proxy = Proxy::to(server.settings.endpoint.as_deref().unwrap()).await;
    let admin = server.lake_with(|s| s.endpoint = Some(proxy.endpoint())).await.admin();
    let direct = server.lake().await.admin();
    proxy.strike("/add-user", Fault::LoseAnswer, 1);
    admin.set_user("ann", &Secret::new("some-secret"), true).await.unwrap();
    proxy.strike("policy/attach", Fault::LoseAnswer, 1);
    // "already" is what the second time says
    admin.attach_policy(&["readonly"], Principal::User("ann")).await.unwrap();
    assert_eq!(direct.user_info("ann").await.unwrap().policies, set(["readonly"]));
    proxy.strike("/list-users", Fault::CutAfter(300), 1);
    assert_eq!(admin.list_users().await.unwrap().len(), 1);
    proxy.strike("/remove-user", Fault::LoseAnswer, 1);
    admin.remove_user("ann").await.unwrap();
    assert_eq!(direct.list_users().await.unwrap(), []);
    proxy.strike("/add-service-account", Fault::LoseAnswer, 2);
    let made = admin.add_service_account(NewServiceAccount::default()).await;
    let error = assert_kind(made, ErrorKind::Unavailable);
    assert!(!error.is_retryable() && error.to_string().contains("not known"), "{error}");
    assert_eq!(proxy.struck(), 5, "sent once");
    assert_eq!(direct.list_service_accounts().await.unwrap().len(), 1);
}

/// Servers without the API say so, and nothing is written into a bucket that happens to have the
/// name of the path.
#[tokio::test(flavor = "multi_thread")]
async fn servers_without_it() {
    let server = Server::embedded().await;
    let lake = server.lake().await;
    for with_bucket in [false, true] {
        if with_bucket {
            let name = BucketName::new("minio").unwrap();
            let bucket = lake.create_bucket(&name, Default::default()).await.unwrap();
            for route in ["groups", "list-canned-policies"] {
                let key = ObjectKey::new(format!("admin/v3/{route}")).unwrap();
                bucket.put(&key, "{\"a\": 1}", PutOptions::default()).await.unwrap();
            }
        }
        let admin = lake.admin();
        let nobody = Secret::new("some-secret");
        let errors = [
            admin.require().await.unwrap_err(),
            admin.set_user("ann", &nobody, true).await.unwrap_err(),
            admin.put_policy("reads", &reads("raw")).await.unwrap_err(),
            admin.attach_policy(&["reads"], Principal::User("ann")).await.unwrap_err(),
            admin.remove_user("ann").await.unwrap_err(),
            admin.list_users().await.unwrap_err(),
            admin.bucket_quota(&unique_bucket()).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.to_string().contains("no MinIO admin API"), "{error}");
        }
    }
    let bucket = lake.bucket(BucketName::new("minio").unwrap());
    let keys: Vec<_> = bucket.list("", Default::default()).try_collect().await.unwrap();
    assert_eq!(keys.len(), 2, "nothing was written");

    let amazon = Settings {
        region: Some("eu-west-1".into()),
        access_key_id: Some("id".into()),
        secret_access_key: Some("some-secret".into()),
        ..Settings::default()
    };
    let amazon = lakewright::connect(amazon).await.unwrap().admin();
    let error = assert_kind(amazon.list_users().await, ErrorKind::Unsupported);
    assert!(error.to_string().contains("Amazon"), "{error}");
}

/// As many as an organisation has: made side by side, told of in one request each.
#[tokio::test(flavor = "multi_thread")]
async fn many() {
    const USERS: usize = 300;
    let server = minio!();
    let admin = server.lake().await.admin();
    for policy in 0..10 {
        admin.put_policy(&format!("p{policy}"), &reads(&format!("b{policy}"))).await.unwrap();
    }
    let begin = Instant::now();
    futures::stream::iter(0..USERS)
        .map(|n| {
            let admin = admin.clone();
            async move {
                let name = format!("user-{n:04}");
                admin.set_user(&name, &Secret::new("some-secret"), true).await?;
                admin.set_policies(&[&format!("p{}", n % 10)], Principal::User(&name)).await
            }
        })
        .buffer_unordered(8)
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    let made = begin.elapsed();
    let begin = Instant::now();
    let users = admin.list_users().await.unwrap();
    let entities = admin.policy_entities().await.unwrap();
    let told = begin.elapsed();
    eprintln!("{USERS} users with policies: made in {made:?}, told of in {told:?}");
    assert_eq!(users.len(), USERS);
    assert!(users.iter().all(|user| entities.users[&user.access_key] == user.policies));
    assert!(users.is_sorted_by(|a, b| a.access_key < b.access_key));
    // several payloads of Argon2 at once share the memory of a few
    let all = futures::future::try_join_all((0..16).map(|_| admin.list_users())).await.unwrap();
    assert!(all.iter().all(|list| *list == users));
}
