//! What goes wrong on the way to the admin API, and how much of it may be done at once.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt};
use lakewright::admin::{NewServiceAccount, Principal, SecretCheck};
use lakewright::{
    BucketName, ErrorKind, ObjectKey, PutOptions, Secret, SecretRef, SettingValue, Settings,
};
use lakewright_tests::proxy::{Fault, Proxy};
use lakewright_tests::server::{Server, assert_kind, unique_bucket};

use super::{as_user, check, minio, reads, set};

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
    assert!(error.outcome_unknown(), "{error}");
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
