//! Servers without conditional writes, steps that fail, secrets that are missing, responses that
//! are lost.

use jiff::{SignedDuration, Timestamp};
use lakewright::admin::{AccountStatus, Principal, SecretCheck};
use lakewright::plan::{Plan, StepStatus};
use lakewright::{BucketName, ErrorKind, Secret, Settings};
use lakewright_tests::proxy::{Fault, Proxy};
use lakewright_tests::server::assert_kind;
use lakewright_tests::server_without_conditions::ServerWithoutConditions;
use lakewright_tests::tests;
use serde_json::json;

use super::{
    MARK, World, assert_complete, assert_nothing_to_do, everything, plan_and_apply, plan_of,
    registry, silent,
};

tests![
    server_without_conditions_is_refused,
    partial_failure,
    missing_secrets_are_named,
    invalid_expiry_is_refused_while_planning,
    resources_created_since_the_plan,
    unlisted_bucket_is_not_taken_for_missing,
    lost_responses,
    plan_is_bound_to_its_server_and_registry,
];

async fn server_without_conditions_is_refused() {
    let server = ServerWithoutConditions::start().await;
    let settings = Settings::builder()
        .endpoint(server.endpoint())
        .access_key_id("id")
        .secret_access_key("some-secret")
        .build();
    let lake = lakewright::connect(settings).await.unwrap();
    let spec = json!({"version": 1, "stack": "lake", "buckets": {"raw": {}}});
    let plan = plan_of(&lake, &spec).await.unwrap();
    let applied = lake.apply(&plan, &silent).await;
    assert!(applied.report.outcomes.is_empty());
    let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::Unsupported);
    assert!(error.message().contains("If-None-Match"), "{error}");
    assert_eq!(server.paths(), Vec::<String>::new(), "the probe is deleted");
}

/// After a step that fails, steps that depend on it are skipped and all others are done; the report
/// has the outcome of each.
async fn partial_failure(world: World) {
    let mut spec = json!({
        "version": 1, "stack": "lake",
        "buckets": {"raw": {"tags": {"a": "b"}}},
        "groups": {"analysts": {}},
        // The name of the root user, which MinIO allows for no other user.
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
    let skipped =
        applied.report.outcomes.values().filter(|o| matches!(o, StepStatus::Skipped { .. }));
    assert_eq!(skipped.count(), 2);
    let report = serde_json::to_string(&applied.report).unwrap();
    let registry = String::from_utf8(world.state().await.to_json().unwrap()).unwrap();
    for text in [&report, &registry, &format!("{error:?} {error}"), &plan.to_json().unwrap()] {
        assert!(!text.contains(MARK), "a secret is in {text}");
    }
    let state = world.state().await;
    assert!(state.lease.is_none());
    assert_eq!(state.resources.len(), 2, "a resource that was refused has no owner: {state:?}");
    let user = spec["users"].as_object_mut().unwrap().remove("lakewright-test").unwrap();
    spec["users"]["ann"] = user;
    plan_and_apply(&world.lake, &spec).await;
}

async fn missing_secrets_are_named(world: World) {
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

/// An expiry that the server would refuse during the apply is refused by the plan.
async fn invalid_expiry_is_refused_while_planning(world: World) {
    let spec_for = |left: SignedDuration| {
        json!({
            "version": 1, "stack": "lake", "buckets": {"raw": {}}, "service_accounts": {"ingest": {
                "access_key": "INGEST1", "secret": world.secret("i", "hush-hush-ingest"),
                "expires": Timestamp::from_second((Timestamp::now() + left).as_second()).unwrap()
                    .to_string(),
            }},
        })
    };
    let (minute, day) = (SignedDuration::from_mins(1), SignedDuration::from_hours(24));
    for (left, message) in
        [(-day, "is over"), (minute * 14, "15 minutes away"), (day * 366, "365 days away")]
    {
        let error =
            assert_kind(plan_of(&world.lake, &spec_for(left)).await, ErrorKind::PreconditionFailed);
        assert_eq!(error.resource(), Some("service account ingest"));
        assert!(error.message().contains(message), "{error}");
    }
    for left in [minute * 16, day * 364] {
        plan_and_apply(&world.lake, &spec_for(left)).await;
    }
    super::destroy(&world.lake, "lake").await;
}

/// A resource that another client created between the plan and the apply is not taken over.
async fn resources_created_since_the_plan(world: World) {
    let spec = json!({
        "version": 1, "stack": "lake", "buckets": {"raw": {"force_destroy": true}},
        "users": {"ann": {"secret": world.secret("ann", "hush-hush-ann")}},
    });
    let other_secret = Secret::new("hush-hush-theirs");
    let name = BucketName::new("raw").unwrap();
    for other in ["bucket raw", "user ann"] {
        let plan = plan_of(&world.lake, &spec).await.unwrap();
        match other {
            "bucket raw" => {
                drop(world.lake.create_bucket(&name, Default::default()).await.unwrap())
            }
            _ => world
                .lake
                .admin()
                .set_user("ann", &other_secret, AccountStatus::Enabled)
                .await
                .unwrap(),
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
    let check = world.lake.admin().verify_secret("ann", &other_secret).await.unwrap();
    assert_eq!(check, SecretCheck::Matches);
}

/// A listing leaves out buckets that the user may not list, so a bucket that is not listed may
/// exist.
async fn unlisted_bucket_is_not_taken_for_missing(world: World) {
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
    admin.set_user("ann", &Secret::new("hush-hush-ann"), AccountStatus::Enabled).await.unwrap();
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

/// Lost responses to writes of the registry and to steps do not change the result.
async fn lost_responses(world: World) {
    let proxy = Proxy::to(world.server.endpoint()).await;
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
        let faults = proxy.faults();
        proxy.inject(pattern, Fault::LoseResponse, 1);
        assert_complete(lake.apply(&plan, &silent).await, &plan);
        assert!(proxy.faults() > faults, "{pattern}");
        assert_nothing_to_do(&lake, &spec).await;
        super::destroy(&lake, "lake").await;
        lake.bucket(registry()).empty(Default::default()).await.unwrap();
        lake.delete_bucket(&registry()).await.unwrap();
    }
}

/// A plan is valid for one server and one state of the registry, also after a round trip through
/// JSON.
async fn plan_is_bound_to_its_server_and_registry(world: World, other: World) {
    let spec = json!({"version": 1, "stack": "lake", "buckets": {"raw": {}}});
    let plan = plan_of(&world.lake, &spec).await.unwrap();
    let plan = Plan::from_json(plan.to_json().unwrap().as_bytes()).unwrap();
    let applied = other.lake.apply(&plan, &silent).await;
    let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PreconditionFailed);
    assert!(error.message().contains("plan again"), "{error}");
    assert_complete(world.lake.apply(&plan, &silent).await, &plan);
    let applied = world.lake.apply(&plan, &silent).await;
    assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PreconditionFailed);
}
