//! Ownership of resources, and the lease of an apply.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lakewright::declared::{Applied, Event};
use lakewright::plan::Plan;
use lakewright::{ErrorKind, GetOptions, Lake, ObjectKey, PlanOptions, PutOptions};
use lakewright_tests::server::assert_kind;
use lakewright_tests::tests;
use serde_json::{Value, json};

use super::{
    World, adoption, assert_complete, assert_nothing_to_do, destroy, document, id, plan_and_apply,
    plan_of, pruned, registry, silent, stack, step_names,
};

tests![
    second_apply_is_refused_and_names_the_holder,
    concurrent_applies_have_one_winner,
    existing_resources_are_adopted_or_left_unchanged,
    service_account_is_adopted_by_its_access_key,
    bucket_and_its_tables_are_deleted_together,
    rows_written_since_the_plan,
    entries_of_another_user_delete_nothing,
    a_registry_key_is_introduced_and_replaced,
    expiry_of_a_lease_is_limited,
    bucket_with_objects_is_kept,
    lost_lease_ends_the_apply,
    #[ignore = "takes 30 s: MinIO closes an idle connection after that time"]
    lease_is_renewed,
];

fn buckets(stack: &str, names: &[&str]) -> Value {
    let buckets: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), json!({"tags": {"a": "b"}}))).collect();
    json!({"version": 1, "stack": stack, "buckets": buckets})
}

/// An apply that waits at its first step until `go` is sent.
struct Held {
    go: mpsc::Sender<()>,
    running: tokio::task::JoinHandle<Applied>,
}

async fn hold(lake: &Lake, plan: &Plan) -> Held {
    let (go, wait) = mpsc::channel::<()>();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let (wait, begun) = (Arc::new(Mutex::new(wait)), Mutex::new(Some(begun)));
    let (lake, plan) = (lake.clone(), plan.clone());
    let running = tokio::spawn(async move {
        let watch = move |event: Event<'_>| {
            if let Event::Started(_) = event
                && let Some(begun) = begun.lock().unwrap().take()
            {
                begun.send(()).unwrap();
                tokio::task::block_in_place(|| wait.lock().unwrap().recv().unwrap());
            }
        };
        lake.apply(&plan, &watch).await
    });
    begins.await.unwrap();
    Held { go, running }
}

async fn second_apply_is_refused_and_names_the_holder(world: World) {
    let lake = &world.lake;
    let ours = buckets("one", &["aaa", "bbb", "shared"]);
    let other_spec = buckets("two", &["ccc", "shared"]);
    let plan = plan_of(lake, &ours).await.unwrap();
    let other = plan_of(lake, &other_spec).await.unwrap();

    let held = hold(lake, &plan).await;
    let me = std::process::id().to_string();
    for late in [&plan, &other] {
        let applied = lake.apply(late, &silent).await;
        assert!(applied.report.outcomes.is_empty());
        let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::Conflict);
        assert!(error.message().contains(&me) && error.message().contains("stack one"), "{error}");
    }
    for spec in [&ours, &other_spec] {
        let error = assert_kind(plan_of(lake, spec).await, ErrorKind::Conflict);
        assert!(error.message().contains(&me), "{error}");
    }
    let ids = [id("bucket/aaa")];
    let adopted = lake.adopt(&registry(), &stack("two"), &[adoption("bucket/aaa")]).await;
    assert_kind(adopted, ErrorKind::Conflict);
    assert_kind(lake.forget(&registry(), &stack("two"), &ids).await, ErrorKind::Conflict);
    held.go.send(()).unwrap();
    assert_complete(held.running.await.unwrap(), &plan);
    assert_nothing_to_do(lake, &ours).await;

    // The registry has changed since this plan was made.
    let applied = lake.apply(&other, &silent).await;
    assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PreconditionFailed);
    let error = assert_kind(plan_of(lake, &other_spec).await, ErrorKind::Conflict);
    assert!(error.message().contains("stack one"), "{error}");
    destroy(lake, "one").await;
}

/// Of two applies at the same moment, one takes the lease.
async fn concurrent_applies_have_one_winner(world: World) {
    let (lake, other) = (&world.lake, &world.server.lake().await);
    for round in 0..5 {
        let ours = buckets("one", &["shared"]);
        let other_spec = buckets(if round % 2 == 0 { "one" } else { "two" }, &["shared"]);
        let plans =
            (plan_of(lake, &ours).await.unwrap(), plan_of(other, &other_spec).await.unwrap());
        let (a, b) = tokio::join!(lake.apply(&plans.0, &silent), other.apply(&plans.1, &silent));
        let (won, lost) = if a.error.is_none() { (a, b) } else { (b, a) };
        assert!(won.error.is_none());
        assert!(lost.report.outcomes.is_empty());
        let kind = lost.error.unwrap().kind();
        assert!(matches!(kind, ErrorKind::Conflict | ErrorKind::PreconditionFailed), "{kind}");
        destroy(lake, "one").await;
        destroy(lake, "two").await;
    }
}

async fn existing_resources_are_adopted_or_left_unchanged(world: World) {
    let lake = &world.lake;
    world.mc.change(&["mb", "kit/there"]);
    world.mc.change(&["admin", "user", "add", "kit", "old", "hush-hush-before"]);
    let mut spec = buckets("one", &["there"]);
    spec["users"] = json!({"old": {"secret": world.secret("old", "hush-hush-after")}});
    let error = assert_kind(plan_of(lake, &spec).await, ErrorKind::AlreadyExists);
    assert_eq!(error.failures().len(), 2, "{error}");
    assert!(error.message().contains("adopt"), "{error}");

    // Adopted by an option of the plan, by the spec and by the verb.
    let options = PlanOptions::builder().adopt([id("bucket/there"), id("user/old")].into()).build();
    let plan = lake.plan(&super::document(&spec), &options).await.unwrap();
    assert_eq!(plan.steps.iter().filter(|step| step.action.is_bookkeeping()).count(), 2);
    assert!(step_names(&plan).contains(&"put_user user/old".to_owned()), "{:?}", step_names(&plan));
    assert_complete(lake.apply(&plan, &silent).await, &plan);
    assert_nothing_to_do(lake, &spec).await;
    let ids = [id("bucket/there"), id("user/old")];
    let state = lake.forget(&registry(), &stack("one"), &ids).await.unwrap();
    assert!(state.resources.is_empty());
    assert_kind(lake.forget(&registry(), &stack("one"), &ids).await, ErrorKind::NotFound);
    spec["buckets"]["there"]["adopt"] = true.into();
    spec["users"]["old"]["adopt"] = true.into();
    plan_and_apply(lake, &spec).await;
    let two = stack("two");
    let both = [adoption("bucket/there"), adoption("user/old")];
    assert_kind(lake.adopt(&registry(), &two, &both).await, ErrorKind::Conflict);
    lake.forget(&registry(), &stack("one"), &ids).await.unwrap();
    lake.adopt(&registry(), &two, &both).await.unwrap();
    let nowhere = [adoption("bucket/there"), adoption("bucket/nowhere")];
    let error = assert_kind(lake.adopt(&registry(), &two, &nowhere).await, ErrorKind::NotFound);
    assert_eq!(error.resource(), Some("bucket nowhere"));
    let error = assert_kind(plan_of(lake, &spec).await, ErrorKind::Conflict);
    assert!(error.to_string().contains("stack two"), "{error}");
    // An adopted resource is deleted like any other.
    let left = json!({"version": 1, "stack": "two"});
    assert_eq!(step_names(&pruned(lake, &left).await).len(), 2);
    destroy(lake, "two").await;
    assert!(lake.list_buckets().await.unwrap().iter().all(|b| b.name.as_str() != "there"));
}

/// A service account is adopted by its name and its access key.
async fn service_account_is_adopted_by_its_access_key(world: World) {
    let lake = &world.lake;
    let spec_for = |access_key: &str| {
        json!({
            "version": 1, "stack": "one", "service_accounts": {
                "ingest": {"access_key": access_key, "secret": world.secret("i", "hush-hush-ingest")},
            },
        })
    };
    plan_and_apply(lake, &spec_for("INGEST1")).await;
    lake.forget(&registry(), &stack("one"), &[id("service-account/ingest")]).await.unwrap();
    assert_kind(plan_of(lake, &spec_for("INGEST1")).await, ErrorKind::AlreadyExists);
    let missing = [adoption("service-account/ingest=INGEST2")];
    let error =
        assert_kind(lake.adopt(&registry(), &stack("one"), &missing).await, ErrorKind::NotFound);
    assert_eq!(error.resource(), Some("service account ingest"));
    let there = [adoption("service-account/ingest=INGEST1")];
    lake.adopt(&registry(), &stack("one"), &there).await.unwrap();
    assert_kind(lake.adopt(&registry(), &stack("two"), &there).await, ErrorKind::Conflict);
    let plan = plan_and_apply(lake, &spec_for("INGEST1")).await;
    assert_eq!(step_names(&plan), ["record service-account/ingest"]);
    destroy(lake, "one").await;
    let left = lake.admin().list_service_accounts().await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

/// Where a bucket cannot be deleted, its tables are not dropped either: because of an undeclared
/// object, because of old versions, and where the object is written after the plan was made.
async fn bucket_and_its_tables_are_deleted_together(world: World) {
    let lake = &world.lake;
    let spec = |bucket: Value| {
        json!({
            "version": 1, "stack": "one", "buckets": {"full": bucket},
            "tables": {
                "full/a": {"schema": {"id": "long"}, "force_destroy": true},
                "full/b": {"schema": {"id": "long"}, "force_destroy": true},
            },
        })
    };
    plan_and_apply(lake, &spec(json!({}))).await;
    let bucket = lake.bucket("full".try_into().unwrap());
    let tables = || async { lake.list_tables("full").await.unwrap().len() };
    // Keys before, between and after those of the tables.
    for key in ["0", "a0", "a-1", "b0", "z"] {
        let key = ObjectKey::new(key).unwrap();
        let plan = lake.plan_destroy(&stack("one"), &registry()).await.unwrap();
        bucket.put(&key, "x", PutOptions::default()).await.unwrap();
        let refused = lake.plan_destroy(&stack("one"), &registry()).await;
        let error = assert_kind(refused, ErrorKind::PreconditionFailed);
        assert!(error.message().contains("it holds objects"), "{key}: {error}");
        let applied = lake.apply(&plan, &silent).await;
        assert!(applied.report.outcomes.is_empty(), "{:?}", applied.report);
        let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PreconditionFailed);
        assert!(error.message().contains("since the plan was made"), "{key}: {error}");
        assert_eq!((error.resource(), tables().await), (Some("bucket full"), 2));
        bucket.delete(&key).await.unwrap();
    }
    destroy(lake, "one").await;
    assert_kind(lake.head_bucket(bucket.name()).await, ErrorKind::NotFound);

    plan_and_apply(lake, &spec(json!({"versioning": true}))).await;
    let refused = lake.plan_destroy(&stack("one"), &registry()).await;
    let error = assert_kind(refused, ErrorKind::PreconditionFailed);
    assert!(error.message().contains("it has versioning"), "{error}");
    assert_eq!(tables().await, 2);
    // Old versions of a dropped table count as objects.
    let left = json!({"version": 1, "stack": "one", "buckets": {"full": {"versioning": true}}});
    let plan = pruned(lake, &left).await;
    assert_complete(lake.apply(&plan, &silent).await, &plan);
    let refused = lake.plan_destroy(&stack("one"), &registry()).await;
    let error = assert_kind(refused, ErrorKind::PreconditionFailed);
    assert!(error.message().contains("it holds objects"), "{error}");
    plan_and_apply(lake, &spec(json!({"versioning": true, "force_destroy": true}))).await;
    destroy(lake, "one").await;
    assert_kind(lake.head_bucket(bucket.name()).await, ErrorKind::NotFound);
}

/// Rows that are written between a plan and its apply keep every table of the plan.
async fn rows_written_since_the_plan(world: World) {
    use lakewright::arrow::array::{Int64Array, RecordBatch};
    use lakewright::table::schema_from_types;
    use lakewright::{Batches, TableUri, WriteOptions};
    let lake = &world.lake;
    let spec = json!({
        "version": 1, "stack": "one", "buckets": {"raw": {}},
        "tables": {"raw/a": {"schema": {"id": "long"}}, "raw/b": {"schema": {"id": "long"}}},
    });
    plan_and_apply(lake, &spec).await;
    let plan = lake.plan_destroy(&stack("one"), &registry()).await.unwrap();
    let schema = schema_from_types([("id", "long")]).unwrap();
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(Int64Array::from(vec![1]))]);
    let rows = Batches::from_batches(schema, vec![batch.unwrap()]);
    let table = lake.table(TableUri::new("raw/b").unwrap());
    table.append(rows, WriteOptions::default()).await.unwrap();
    let applied = lake.apply(&plan, &silent).await;
    assert!(applied.report.outcomes.is_empty(), "{:?}", applied.report);
    let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PreconditionFailed);
    assert_eq!(error.resource(), Some("table raw/b"), "{error}");
    assert_eq!(lake.list_tables("raw").await.unwrap().len(), 2);
    assert!(world.state().await.lease.is_none());
}

/// Changes the registry as a user can who may write to its bucket.
async fn tamper(lake: &Lake, change: impl FnOnce(&mut Value)) {
    let (state, key) = (lake.bucket(registry()), ObjectKey::new("registry.json").unwrap());
    let there = state.get(&key, GetOptions::default()).await.unwrap();
    let mut document: Value = serde_json::from_slice(&there.bytes).unwrap();
    change(&mut document);
    state.put(&key, document.to_string(), PutOptions::default()).await.unwrap();
}

async fn lake_with_key(world: &World, key: &'static str) -> Lake {
    world.server.lake_with(|settings| settings.registry_key = Some(key.into())).await
}

const REGISTRY_KEY: &str = "a registry key of these tests";

/// Entries and announcements that another user added to the registry have nothing deleted, neither
/// by a prune nor by `destroy` nor by a plan that was made before.
async fn entries_of_another_user_delete_nothing(world: World) {
    let lake = &lake_with_key(&world, REGISTRY_KEY).await;
    let spec = buckets("one", &["aaa", "bbb"]);
    plan_and_apply(lake, &spec).await;
    lake.create_bucket(&"victim".try_into().unwrap(), Default::default()).await.unwrap();
    let owned = json!({"stack": "one", "declared": {}, "since": "2026-01-02T03:04:05Z"});
    let announced = json!({
        "token": "t", "holder": {"host": "h", "pid": 9, "process_start": 1}, "stack": "one",
        "taken": "2026-01-02T03:04:05Z", "expires": "2026-01-02T03:04:35Z",
        "pending": {"bucket/victim": {"kind": "create", "declared": {}}},
    });
    let sound = world.state().await;
    let attacks: [&dyn Fn(&mut Value); 3] = [
        &|registry| registry["resources"]["bucket/victim"] = owned.clone(),
        &|registry| {
            let ours = registry["resources"]["bucket/aaa"].clone();
            registry["resources"]["bucket/victim"] = ours;
        },
        &|registry| registry["lease"] = announced.clone(),
    ];
    let options = PlanOptions::builder().prune(true).build();
    let smaller = buckets("one", &["aaa"]);
    for attack in attacks {
        let before = pruned(lake, &smaller).await;
        tamper(lake, attack).await;
        let refused = lake.plan(&document(&smaller), &options).await;
        let error = assert_kind(refused, ErrorKind::Corrupt);
        assert!(error.message().contains("bucket victim"), "{error}");
        let refused = lake.plan_destroy(&stack("one"), &registry()).await;
        assert_kind(refused, ErrorKind::Corrupt);
        // A plan of someone who planned before, or wrote the plan by hand.
        let error = lake.apply(&before, &silent).await.error.unwrap();
        assert_kind::<()>(Err(error), ErrorKind::Corrupt);
        tamper(lake, |registry| *registry = serde_json::to_value(&sound).unwrap()).await;
    }
    lake.head_bucket(&"victim".try_into().unwrap()).await.unwrap();
    let plan = pruned(lake, &smaller).await;
    assert_eq!(step_names(&plan), ["delete_bucket bucket/bbb"]);
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
    assert_complete(lake.apply(&plan, &silent).await, &plan);
}

/// A registry from before there was a key, and one of another key, are refused until their entries
/// are sealed; a profile without the key does not use a sealed one.
async fn a_registry_key_is_introduced_and_replaced(world: World) {
    let (without, spec) = (&world.lake, buckets("one", &["aaa", "bbb"]));
    plan_and_apply(without, &spec).await;
    plan_and_apply(without, &buckets("two", &["ccc"])).await;
    let unsealed = pruned(without, &buckets("one", &["aaa"])).await;
    let [note] = &*unsealed.notes else { panic!("{:?}", unsealed.notes) };
    assert!(note.text.contains("registry_key"), "{}", note.text);
    for key in [REGISTRY_KEY, "another registry key, of later"] {
        let lake = &lake_with_key(&world, key).await;
        let error = assert_kind(plan_of(lake, &spec).await, ErrorKind::Corrupt);
        for word in ["bucket aaa", "bucket bbb", "lakewright seal"] {
            assert!(error.message().contains(word), "{error}");
        }
        lake.seal(&registry(), &stack("one")).await.unwrap();
        assert_nothing_to_do(lake, &spec).await;
    }
    assert_kind(plan_of(without, &spec).await, ErrorKind::InvalidConfig);
    // The entries of the other stack are as they were.
    assert_nothing_to_do(without, &buckets("two", &["ccc"])).await;
    assert_kind(without.seal(&registry(), &stack("one")).await, ErrorKind::InvalidConfig);
}

/// A lease whose recorded expiry is far in the future, as with a wrong clock, is limited to the
/// duration of a lease.
async fn expiry_of_a_lease_is_limited(world: World) {
    let lake = &world.lake;
    let plan = plan_of(lake, &buckets("one", &["aaa"])).await.unwrap();
    let held = hold(lake, &plan).await;
    let (state, key) = (lake.bucket(registry()), ObjectKey::new("registry.json").unwrap());
    let there = state.get(&key, GetOptions::default()).await.unwrap();
    let mut document: Value = serde_json::from_slice(&there.bytes).unwrap();
    document["lease"]["expires"] = "9999-01-01T00:00:00Z".into();
    document["lease"]["holder"]["host"] = "\u{202e}elsewhere".into();
    document["lease"]["holder"]["machine_id"] = "another".into();
    state.put(&key, document.to_string(), PutOptions::default()).await.unwrap();
    let lease = world.state().await.lease.unwrap();
    let left = lease.expires.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((20..=36).contains(&left), "{left} seconds");
    let error = assert_kind(plan_of(lake, &buckets("one", &["aaa"])).await, ErrorKind::Conflict);
    assert!(!error.message().contains("9999"), "{error}");
    assert!(error.message().contains(r"\u{202e}elsewhere"), "{error}");
    held.go.send(()).unwrap();
    let _ = held.running.await.unwrap();
}

/// A bucket with objects is deleted only where the last applied spec has `force_destroy`.
async fn bucket_with_objects_is_kept(world: World) {
    let lake = &world.lake;
    let mut spec = buckets("one", &["full"]);
    plan_and_apply(lake, &spec).await;
    let bucket = lake.bucket("full".try_into().unwrap());
    bucket.put(&ObjectKey::new("k").unwrap(), "x", PutOptions::default()).await.unwrap();
    let refused = lake.plan_destroy(&stack("one"), &registry()).await;
    let error = assert_kind(refused, ErrorKind::PreconditionFailed);
    assert!(error.message().contains("force_destroy"), "{error}");
    spec["buckets"]["full"]["force_destroy"] = true.into();
    plan_and_apply(lake, &spec).await;
    destroy(lake, "one").await;
    assert_kind(lake.head_bucket(bucket.name()).await, ErrorKind::NotFound);
}

/// An apply whose lease was taken by another process starts no further step and fails.
async fn lost_lease_ends_the_apply(world: World) {
    let lake = &world.server.lake_with(|settings| settings.concurrency = Some(1)).await;
    let plan = plan_of(lake, &buckets("one", &["aaa", "bbb"])).await.unwrap();
    let held = hold(lake, &plan).await;
    let (state, key) = (lake.bucket(registry()), ObjectKey::new("registry.json").unwrap());
    let there = state.get(&key, GetOptions::default()).await.unwrap();
    let mut document: Value = serde_json::from_slice(&there.bytes).unwrap();
    document["lease"]["token"] = "another".into();
    document["lease"]["holder"]["host"] = "elsewhere".into();
    document["lease"]["holder"]["machine_id"] = "another".into();
    let document = document.to_string();
    state.put(&key, document.clone(), PutOptions::default()).await.unwrap();
    held.go.send(()).unwrap();
    let applied = held.running.await.unwrap();
    let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::Conflict);
    assert!(error.message().contains("plan again"), "{error}");
    // The registry is as the other process wrote it.
    let there = state.get(&key, GetOptions::default()).await.unwrap();
    assert_eq!(there.bytes, document);
    let error = assert_kind(plan_of(lake, &buckets("one", &["aaa"])).await, ErrorKind::Conflict);
    assert!(error.message().contains("elsewhere"), "{error}");
}

/// A lease is renewed while its holder applies. Takes half a minute.
async fn lease_is_renewed(world: World) {
    use lakewright_tests::proxy::{Fault, Proxy};
    let proxy = Proxy::to(world.server.endpoint()).await;
    let lake = world
        .server
        .lake_with(|settings| {
            settings.endpoint = Some(proxy.endpoint());
            settings.timeout = Some(Duration::from_secs(60));
            settings.read_timeout = Some(Duration::from_secs(40));
        })
        .await;
    let spec = buckets("one", &["slow"]);
    let plan = plan_of(&lake, &spec).await.unwrap();
    proxy.inject("PUT /slow", Fault::Swallow, 1);
    let applying = tokio::spawn({
        let (lake, plan) = (lake.clone(), plan.clone());
        async move { lake.apply(&plan, &silent).await }
    });
    // MinIO closes the idle connection after 30 s, and then the request is retried.
    tokio::time::sleep(Duration::from_secs(24)).await;
    assert_eq!((proxy.faults(), applying.is_finished()), (1, false));
    let lease = world.state().await.lease.unwrap();
    assert!(lease.expires.duration_since(lease.taken).as_secs() > 40, "{lease:?}");
    assert_complete(applying.await.unwrap(), &plan);
}
