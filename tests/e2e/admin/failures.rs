//! Errors of the admin API, lost responses, servers without the API, and many users.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt};
use lakewright::admin::{AccountStatus, NewServiceAccount, Principal, SecretCheck};
use lakewright::{
    BucketName, ErrorKind, ObjectKey, PutOptions, Secret, SecretRef, SettingValue, Settings,
};
use lakewright_tests::proxy::{Fault, Proxy};
use lakewright_tests::server::{OwnEmbedded, OwnMinio, assert_kind, unique_bucket};
use lakewright_tests::tests;

use super::{as_user, check, reads, set};

tests![
    denied_and_unauthenticated,
    changed_secret_file_is_read_again,
    lost_responses,
    servers_without_the_admin_api,
    three_hundred_users,
];

/// Users without rights are denied, and wrong credentials are unauthenticated.
async fn denied_and_unauthenticated(OwnMinio(server): OwnMinio) {
    let admin = server.lake().await.admin();
    admin.set_user("ann", &Secret::new("some-secret"), AccountStatus::Enabled).await.unwrap();
    let ann = as_user(&server, "ann", "some-secret").await.admin();
    ann.require().await.expect("the API is there, though this user may not use it");
    assert_kind(ann.list_users().await, ErrorKind::Denied);
    assert_kind(ann.put_policy("mine", &reads("raw")).await, ErrorKind::Denied);
    assert_kind(
        ann.set_user("eve", &Secret::new("some-secret"), AccountStatus::Enabled).await,
        ErrorKind::Denied,
    );
    // A user with any rights manages the service accounts of that user.
    admin.set_policies(&["readwrite"], Principal::User("ann")).await.unwrap();
    let own = ann.add_service_account(NewServiceAccount::default()).await.unwrap();
    assert_eq!(ann.service_account_info(&own.access_key).await.unwrap().owner, "ann");

    for (key, secret) in [("lakewright-test", "wrong-secret"), ("unknown", "some-secret")] {
        let wrong = as_user(&server, key, secret).await.admin();
        let set = wrong.set_user("eve", &Secret::new("eves-secret"), AccountStatus::Enabled).await;
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
    let anonymous = Settings::builder()
        .maybe_endpoint(server.settings.endpoint.clone())
        .anonymous(true)
        .build();
    let anonymous = lakewright::connect(anonymous).await.unwrap().admin();
    let error = assert_kind(anonymous.list_users().await, ErrorKind::Unauthenticated);
    assert!(error.to_string().contains("no keys"), "{error}");
    assert_eq!(admin.list_users().await.unwrap().len(), 1, "no user was created");
}

/// A secret that was changed in its file is used, and the request is encrypted again with it.
async fn changed_secret_file_is_read_again(OwnMinio(server): OwnMinio) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let right = server.credentials().1;
    std::fs::write(&path, right).unwrap();
    let lake = server
        .lake_with(|s| {
            s.secret_access_key = Some(SettingValue::Reference(SecretRef::File(path.clone())));
        })
        .await;
    let admin = lake.admin();
    admin.set_user("ann", &Secret::new("some-secret"), AccountStatus::Enabled).await.unwrap();
    std::fs::write(&path, "not-the-right-one-now").unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_kind(admin.list_users().await, ErrorKind::Unauthenticated);
    std::fs::write(&path, right).unwrap();
    admin.set_user("bob", &Secret::new("bobs-secret"), AccountStatus::Enabled).await.unwrap();
    assert_eq!(admin.list_users().await.unwrap().len(), 2);
    assert_eq!(check(&admin, "bob", "bobs-secret").await, SecretCheck::Matches);
}

/// A request whose response was lost is retried without an error where that is harmless, and is
/// sent once where it is not.
async fn lost_responses(OwnMinio(server): OwnMinio) {
    let proxy = Proxy::to(server.endpoint()).await;
    let admin = server.lake_with(|s| s.endpoint = Some(proxy.endpoint())).await.admin();
    let direct = server.lake().await.admin();
    proxy.inject("/add-user", Fault::LoseResponse, 1);
    admin.set_user("ann", &Secret::new("some-secret"), AccountStatus::Enabled).await.unwrap();
    proxy.inject("policy/attach", Fault::LoseResponse, 1);
    // MinIO responds to the retry that the policy is attached already.
    admin.attach_policy(&["readonly"], Principal::User("ann")).await.unwrap();
    assert_eq!(direct.user_info("ann").await.unwrap().policies, set(["readonly"]));
    proxy.inject("/list-users", Fault::CutAfter(300), 1);
    assert_eq!(admin.list_users().await.unwrap().len(), 1);
    proxy.inject("/remove-user", Fault::LoseResponse, 1);
    admin.remove_user("ann").await.unwrap();
    assert_eq!(direct.list_users().await.unwrap(), []);
    proxy.inject("/add-service-account", Fault::LoseResponse, 2);
    let created = admin.add_service_account(NewServiceAccount::default()).await;
    let error = assert_kind(created, ErrorKind::Unavailable);
    assert!(!error.is_retryable() && error.to_string().contains("not known"), "{error}");
    assert!(error.outcome_unknown(), "{error}");
    assert_eq!(proxy.faults(), 5, "sent once");
    assert_eq!(direct.list_service_accounts().await.unwrap().len(), 1);
}

/// Servers without the API return `Unsupported`, and nothing is written into a bucket that has the
/// name of the API's path.
async fn servers_without_the_admin_api(OwnEmbedded(server): OwnEmbedded) {
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
        let secret = Secret::new("some-secret");
        let errors = [
            admin.require().await.unwrap_err(),
            admin.set_user("ann", &secret, AccountStatus::Enabled).await.unwrap_err(),
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

    let amazon = Settings::builder()
        .region("eu-west-1")
        .access_key_id("id")
        .secret_access_key("some-secret")
        .build();
    let amazon = lakewright::connect(amazon).await.unwrap().admin();
    let error = assert_kind(amazon.list_users().await, ErrorKind::Unsupported);
    assert!(error.to_string().contains("Amazon"), "{error}");
}

/// As many users as an organisation has are created concurrently and listed in one request.
async fn three_hundred_users(OwnMinio(server): OwnMinio) {
    const USERS: usize = 300;
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
                admin.set_user(&name, &Secret::new("some-secret"), AccountStatus::Enabled).await?;
                admin.set_policies(&[&format!("p{}", n % 10)], Principal::User(&name)).await
            }
        })
        .buffer_unordered(8)
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    let created = begin.elapsed();
    let begin = Instant::now();
    let users = admin.list_users().await.unwrap();
    let entities = admin.policy_entities().await.unwrap();
    let listed = begin.elapsed();
    eprintln!("{USERS} users with policies: created in {created:?}, listed in {listed:?}");
    assert_eq!(users.len(), USERS);
    assert!(users.iter().all(|user| entities.users[&user.access_key] == user.policies));
    assert!(users.is_sorted_by(|a, b| a.access_key < b.access_key));
    // The client limits how many Argon2 computations run at once, because each takes 64 MiB.
    let all = futures::future::try_join_all((0..16).map(|_| admin.list_users())).await.unwrap();
    assert!(all.iter().all(|list| *list == users));
}
