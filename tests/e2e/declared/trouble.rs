//! What goes wrong: servers that cannot, steps that fail, secrets that are not there.

use jiff::{SignedDuration, Timestamp};
use lakewright::admin::{Principal, SecretCheck};
use lakewright::plan::{Outcome, Plan};
use lakewright::{BucketName, ErrorKind, Secret, Settings};
use lakewright_tests::careless::Careless;
use lakewright_tests::proxy::{Fault, Proxy};
use lakewright_tests::server::assert_kind;
use serde_json::json;

use super::{MARK, complete, everything, nothing_left, plan_of, registry, settle, silent, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ignores_conditions_is_refused() {
    let careless = Careless::start().await;
    let settings = Settings {
        endpoint: Some(careless.endpoint().into()),
        access_key_id: Some("somebody".into()),
        secret_access_key: Some("something".into()),
        ..Settings::default()
    };
    let lake = lakewright::connect(settings).await.unwrap();
    let spec = json!({"version": 1, "stack": "lake", "buckets": {"raw": {}}});
    let plan = plan_of(&lake, &spec).await.unwrap();
    let applied = lake.apply(&plan, &silent).await;
    assert!(applied.report.outcomes.is_empty());
    let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::Unsupported);
    assert!(error.message().contains("If-None-Match"), "{error}");
    assert_eq!(careless.paths(), Vec::<String>::new(), "what was tried is taken back");
}

/// The rest is done, what hung on it is skipped, and the report says all of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_partial_failure_is_a_report_and_an_error() {
    let world = world!();
    let mut spec = json!({
        "version": 1, "stack": "lake",
        "buckets": {"raw": {"tags": {"a": "b"}}},
        "groups": {"analysts": {}},
        // The name of the kit's root user, which MinIO gives to nobody else.
        "users": {"lakewright-test": {
            "secret": world.secret("ann", "hush-hush-ann"), "groups": ["analysts"],
            "policies": ["readonly"],
        }},
    });
    let plan = plan_of(&world.lake, &spec).await.unwrap();
    let applied = world.lake.apply(&plan, &silent).await;
    let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PartialApply);
    assert_eq!(error.failures().len(), 1, "{error}");
    assert_eq!(error.failures()[0].resource(), Some("user lakewright-test"));
    assert_eq!(error.failures()[0].operation(), Some("set_user"));
    assert_eq!(applied.report.done(), 3);
    assert_eq!(applied.report.outcomes.len(), plan.steps.len());
    let skipped = applied.report.outcomes.values().filter(|o| matches!(o, Outcome::Skipped { .. }));
    assert_eq!(skipped.count(), 2);
    let report = serde_json::to_string(&applied.report).unwrap();
    let registry = String::from_utf8(world.state().await.to_json().unwrap()).unwrap();
    for text in [&report, &registry, &format!("{error:?} {error}"), &plan.to_json().unwrap()] {
        assert!(!text.contains(MARK), "a secret: {text}");
    }
    let state = world.state().await;
    assert!(state.lease.is_none());
    assert_eq!(state.resources.len(), 2, "what was refused is nobody's: {state:?}");
    let user = spec["users"].as_object_mut().unwrap().remove("lakewright-test").unwrap();
    spec["users"]["ann"] = user;
    settle(&world.lake, &spec).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_are_not_there_are_told_by_name() {
    let world = world!();
    let missing = world.path("missing").display().to_string();
    let spec = json!({
        "version": 1, "stack": "lake",
        "users": {
            "ann": {"secret": {"file": missing}},
            "bob": {"secret": {"env": "LAKEWRIGHT_TEST_NO_SUCH_VARIABLE"}},
            "eve": {"secret": world.secret("eve", "short")},
        },
    });
    let error = assert_kind(plan_of(&world.lake, &spec).await, ErrorKind::InvalidConfig);
    let each: Vec<String> = error.failures().iter().map(ToString::to_string).collect();
    assert_eq!(each.len(), 3, "{error}");
    assert!(each[0].contains("user ann") && each[0].contains(&missing), "{each:?}");
    assert!(each[1].contains("LAKEWRIGHT_TEST_NO_SUCH_VARIABLE"), "{each:?}");
    assert!(each[2].contains("fewer than 8") && !each[2].contains("short"), "{each:?}");
    assert!(!everything(&world.lake).await.iter().any(|name| name.contains("ann")));
}

/// What the server would refuse in the middle of an apply is refused before.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_that_cannot_end_then_is_refused_while_planning() {
    let world = world!();
    let of = |left: SignedDuration| {
        json!({
            "version": 1, "stack": "lake", "buckets": {"raw": {}}, "service_accounts": {"ingest": {
                "access_key": "INGEST1", "secret": world.secret("i", "hush-hush-ingest"),
                "expires": Timestamp::from_second((Timestamp::now() + left).as_second()).unwrap()
                    .to_string(),
            }},
        })
    };
    let (minute, day) = (SignedDuration::from_mins(1), SignedDuration::from_hours(24));
    for (left, why) in
        [(-day, "is over"), (minute * 14, "15 minutes away"), (day * 366, "365 days away")]
    {
        let error =
            assert_kind(plan_of(&world.lake, &of(left)).await, ErrorKind::PreconditionFailed);
        assert_eq!(error.resource(), Some("service account ingest"));
        assert!(error.message().contains(why), "{error}");
    }
    for left in [minute * 16, day * 364] {
        settle(&world.lake, &of(left)).await;
    }
    super::destroy(&world.lake, "lake").await;
}

/// Between a plan and its apply others may make what it was to make: it stays theirs.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_made_since_the_plan_is_not_taken() {
    let world = world!();
    let spec = json!({
        "version": 1, "stack": "lake", "buckets": {"raw": {"force_destroy": true}},
        "users": {"ann": {"secret": world.secret("ann", "hush-hush-ann")}},
    });
    let theirs = Secret::new("hush-hush-theirs");
    let name = BucketName::new("raw").unwrap();
    for other in ["bucket raw", "user ann"] {
        let plan = plan_of(&world.lake, &spec).await.unwrap();
        match other {
            "bucket raw" => {
                drop(world.lake.create_bucket(&name, Default::default()).await.unwrap())
            }
            _ => world.lake.admin().set_user("ann", &theirs, true).await.unwrap(),
        }
        let applied = world.lake.apply(&plan, &silent).await;
        assert!(applied.report.outcomes.is_empty());
        let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PreconditionFailed);
        assert_eq!(error.resource(), Some(other), "{error}");
        let state = world.state().await;
        assert!(state.lease.is_none() && state.resources.is_empty(), "{state:?}");
        if other == "bucket raw" {
            world.lake.delete_bucket(&name).await.unwrap();
        }
    }
    let check = world.lake.admin().verify_secret("ann", &theirs).await.unwrap();
    assert_eq!(check, SecretCheck::Matches);
}

/// A list leaves out what these credentials may not list: that is no proof of its absence.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_listed_is_not_taken_for_missing() {
    let world = world!();
    let hidden = BucketName::new("hidden").unwrap();
    for name in [&hidden, &registry()] {
        world.lake.create_bucket(name, Default::default()).await.unwrap();
    }
    let admin = world.lake.admin();
    let own = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:CreateBucket"], "Resource": ["arn:aws:s3:::*"]},
        {"Effect": "Allow", "Action": ["s3:*"], "Resource": [
            "arn:aws:s3:::lakewright-state", "arn:aws:s3:::lakewright-state/*"]},
    ]});
    admin.put_policy("own", &own).await.unwrap();
    admin.set_user("ann", &Secret::new("hush-hush-ann"), true).await.unwrap();
    admin.set_policies(&["own"], Principal::User("ann")).await.unwrap();
    let ann = world.server.lake_with(|settings| {
        settings.access_key_id = Some("ann".into());
        settings.secret_access_key = Some("hush-hush-ann".into());
    });
    let spec =
        json!({"version": 1, "stack": "lake", "buckets": {"hidden": {"force_destroy": true}}});
    let error = assert_kind(plan_of(&ann.await, &spec).await, ErrorKind::Denied);
    assert_eq!(error.resource(), Some("bucket hidden"), "{error}");
    assert!(error.message().contains("s3:ListBucket"), "{error}");
}

/// Answers that are lost on the way, of the registry and of steps, change nothing about the end.
#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_change_nothing() {
    let world = world!();
    let proxy = Proxy::to(world.server.settings.endpoint.as_ref().unwrap()).await;
    let lake = world.server.lake_with(|settings| settings.endpoint = Some(proxy.endpoint())).await;
    let spec = json!({
        "version": 1, "stack": "lake",
        "buckets": {"raw": {"tags": {"a": "b"}, "versioning": true}},
        "groups": {"analysts": {}},
        "users": {"ann": {"secret": world.secret("ann", "hush-hush-ann"), "groups": ["analysts"]}},
    });
    for pattern in [
        "PUT /lakewright-state/registry.json",
        "PUT /lakewright-state",
        "PUT /raw",
        "add-user",
        "update-group-members",
    ] {
        let plan = plan_of(&lake, &spec).await.unwrap();
        let struck = proxy.struck();
        proxy.strike(pattern, Fault::LoseAnswer, 1);
        complete(lake.apply(&plan, &silent).await, &plan);
        assert!(proxy.struck() > struck, "{pattern}");
        nothing_left(&lake, &spec).await;
        super::destroy(&lake, "lake").await;
        lake.bucket(registry()).empty(Default::default()).await.unwrap();
        lake.delete_bucket(&registry()).await.unwrap();
    }
}

/// A plan is for one server and one state of the registry, and survives being written down.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_bound_to_what_it_was_made_from() {
    let (world, other) = (world!(), world!());
    let spec = json!({"version": 1, "stack": "lake", "buckets": {"raw": {}}});
    let plan = plan_of(&world.lake, &spec).await.unwrap();
    let plan = Plan::from_json(plan.to_json().unwrap().as_bytes()).unwrap();
    let applied = other.lake.apply(&plan, &silent).await;
    let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PreconditionFailed);
    assert!(error.message().contains("plan again"), "{error}");
    complete(world.lake.apply(&plan, &silent).await, &plan);
    let applied = world.lake.apply(&plan, &silent).await;
    assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PreconditionFailed);
}
