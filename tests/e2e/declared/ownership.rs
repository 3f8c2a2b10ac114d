//! Who owns what, and who is applying.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lakewright::plan::Plan;
use lakewright::{Applied, ErrorKind, Event, GetOptions, Lake, ObjectKey, PlanOptions, PutOptions};
use lakewright_tests::server::assert_kind;
use serde_json::{Value, json};

use super::{
    adoption, complete, destroy, id, nothing_left, plan_of, pruned, registry, settle, silent,
    stack, told, world,
};

fn buckets(stack: &str, names: &[&str]) -> Value {
    let buckets: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), json!({"tags": {"a": "b"}}))).collect();
    json!({"version": 1, "stack": stack, "buckets": buckets})
}

/// An apply that stands still at its first step until it is told to go on.
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

#[tokio::test(flavor = "multi_thread")]
async fn one_acts_and_the_other_says_who() {
    let world = world!();
    let lake = &world.lake;
    let ours = buckets("one", &["aaa", "bbb", "shared"]);
    let theirs = buckets("two", &["ccc", "shared"]);
    let plan = plan_of(lake, &ours).await.unwrap();
    let other = plan_of(lake, &theirs).await.unwrap();

    let held = hold(lake, &plan).await;
    let me = std::process::id().to_string();
    for late in [&plan, &other] {
        let applied = lake.apply(late, &silent).await;
        assert!(applied.report.outcomes.is_empty());
        let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::Conflict);
        assert!(error.message().contains(&me) && error.message().contains("stack one"), "{error}");
    }
    for spec in [&ours, &theirs] {
        let error = assert_kind(plan_of(lake, spec).await, ErrorKind::Conflict);
        assert!(error.message().contains(&me), "{error}");
    }
    let ids = [id("bucket/aaa")];
    let adopted = lake.adopt(&registry(), &stack("two"), &[adoption("bucket/aaa")]).await;
    assert_kind(adopted, ErrorKind::Conflict);
    assert_kind(lake.forget(&registry(), &stack("two"), &ids).await, ErrorKind::Conflict);
    held.go.send(()).unwrap();
    complete(held.running.await.unwrap(), &plan);
    nothing_left(lake, &ours).await;

    // the plan was made before: somebody else has moved the registry since
    let applied = lake.apply(&other, &silent).await;
    assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PreconditionFailed);
    let error = assert_kind(plan_of(lake, &theirs).await, ErrorKind::Conflict);
    assert!(error.message().contains("stack one"), "{error}");
    destroy(lake, "one").await;
}

/// Truly at once: of two one takes the lease, whatever they claim.
#[tokio::test(flavor = "multi_thread")]
async fn a_race_has_one_winner() {
    let world = world!();
    let (lake, other) = (&world.lake, &world.server.lake().await);
    for round in 0..5 {
        let ours = buckets("one", &["shared"]);
        let theirs = buckets(if round % 2 == 0 { "one" } else { "two" }, &["shared"]);
        let plans = (plan_of(lake, &ours).await.unwrap(), plan_of(other, &theirs).await.unwrap());
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

#[tokio::test(flavor = "multi_thread")]
async fn what_exists_is_adopted_or_left_alone() {
    let world = world!();
    let lake = &world.lake;
    let _ = world.mc.ask(&["mb", "kit/there"]);
    let _ = world.mc.ask(&["admin", "user", "add", "kit", "old", "hush-hush-before"]);
    let mut spec = buckets("one", &["there"]);
    spec["users"] = json!({"old": {"secret": world.secret("old", "hush-hush-after")}});
    let error = assert_kind(plan_of(lake, &spec).await, ErrorKind::AlreadyExists);
    assert_eq!(error.failures().len(), 2, "{error}");
    assert!(error.message().contains("adopt"), "{error}");

    // by an option, by the document, by the verb
    let options =
        PlanOptions { adopt: [id("bucket/there"), id("user/old")].into(), ..Default::default() };
    let plan = lake.plan(&super::document(&spec), &options).await.unwrap();
    assert_eq!(plan.steps.iter().filter(|step| step.action.is_bookkeeping()).count(), 2);
    assert!(told(&plan).contains(&"put_user user/old".to_owned()), "{:?}", told(&plan));
    complete(lake.apply(&plan, &silent).await, &plan);
    nothing_left(lake, &spec).await;
    let ids = [id("bucket/there"), id("user/old")];
    let state = lake.forget(&registry(), &stack("one"), &ids).await.unwrap();
    assert!(state.resources.is_empty());
    assert_kind(lake.forget(&registry(), &stack("one"), &ids).await, ErrorKind::NotFound);
    spec["buckets"]["there"]["adopt"] = true.into();
    spec["users"]["old"]["adopt"] = true.into();
    settle(lake, &spec).await;
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
    // what is only adopted is taken away like the rest
    let left = json!({"version": 1, "stack": "two"});
    assert_eq!(told(&pruned(lake, &left).await).len(), 2);
    destroy(lake, "two").await;
    assert!(lake.list_buckets().await.unwrap().iter().all(|b| b.name.as_str() != "there"));
}

/// A service account is taken over by name and access key.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_is_adopted_by_its_access_key() {
    let world = world!();
    let lake = &world.lake;
    let of = |access_key: &str| {
        json!({
            "version": 1, "stack": "one", "service_accounts": {
                "ingest": {"access_key": access_key, "secret": world.secret("i", "hush-hush-ingest")},
            },
        })
    };
    settle(lake, &of("INGEST1")).await;
    lake.forget(&registry(), &stack("one"), &[id("service-account/ingest")]).await.unwrap();
    assert_kind(plan_of(lake, &of("INGEST1")).await, ErrorKind::AlreadyExists);
    let missing = [adoption("service-account/ingest=INGEST2")];
    let error =
        assert_kind(lake.adopt(&registry(), &stack("one"), &missing).await, ErrorKind::NotFound);
    assert_eq!(error.resource(), Some("service account ingest"));
    let there = [adoption("service-account/ingest=INGEST1")];
    lake.adopt(&registry(), &stack("one"), &there).await.unwrap();
    assert_kind(lake.adopt(&registry(), &stack("two"), &there).await, ErrorKind::Conflict);
    let plan = settle(lake, &of("INGEST1")).await;
    assert_eq!(told(&plan), ["record service-account/ingest"]);
    destroy(lake, "one").await;
    let left = lake.admin().list_service_accounts().await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

/// Where a bucket stays, the tables in it are not dropped first: neither when something undeclared
/// lies in it, nor when it keeps old versions, nor when either comes after the plan.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_half_taken_away() {
    let world = world!();
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
    settle(lake, &spec(json!({}))).await;
    let bucket = lake.bucket("full".try_into().unwrap());
    let tables = || async { lake.list_tables("full").await.unwrap().len() };
    // Before, between, beside and behind the tables.
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

    settle(lake, &spec(json!({"versioning": true}))).await;
    let refused = lake.plan_destroy(&stack("one"), &registry()).await;
    let error = assert_kind(refused, ErrorKind::PreconditionFailed);
    assert!(error.message().contains("it has versioning"), "{error}");
    assert_eq!(tables().await, 2);
    // Old versions of a table that is gone are objects.
    let left = json!({"version": 1, "stack": "one", "buckets": {"full": {"versioning": true}}});
    let plan = pruned(lake, &left).await;
    complete(lake.apply(&plan, &silent).await, &plan);
    let refused = lake.plan_destroy(&stack("one"), &registry()).await;
    let error = assert_kind(refused, ErrorKind::PreconditionFailed);
    assert!(error.message().contains("it holds objects"), "{error}");
    settle(lake, &spec(json!({"versioning": true, "force_destroy": true}))).await;
    destroy(lake, "one").await;
    assert_kind(lake.head_bucket(bucket.name()).await, ErrorKind::NotFound);
}

/// Rows that come between a plan and its apply keep every table of the plan.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_come_later_are_seen_before_the_first_step() {
    use lakewright::arrow::array::{Int64Array, RecordBatch};
    use lakewright::table::schema_from_types;
    use lakewright::{Batches, TableUri, WriteOptions};
    let world = world!();
    let lake = &world.lake;
    let spec = json!({
        "version": 1, "stack": "one", "buckets": {"raw": {}},
        "tables": {"raw/a": {"schema": {"id": "long"}}, "raw/b": {"schema": {"id": "long"}}},
    });
    settle(lake, &spec).await;
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

/// A lease that somebody's clock made endless ends all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_believed_for_as_long_as_a_lease_lasts() {
    let world = world!();
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

/// Objects are lost only where the declaration last applied said so.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_with_objects_stays() {
    let world = world!();
    let lake = &world.lake;
    let mut spec = buckets("one", &["full"]);
    settle(lake, &spec).await;
    let bucket = lake.bucket("full".try_into().unwrap());
    bucket.put(&ObjectKey::new("k").unwrap(), "x", PutOptions::default()).await.unwrap();
    let refused = lake.plan_destroy(&stack("one"), &registry()).await;
    let error = assert_kind(refused, ErrorKind::PreconditionFailed);
    assert!(error.message().contains("force_destroy"), "{error}");
    spec["buckets"]["full"]["force_destroy"] = true.into();
    settle(lake, &spec).await;
    destroy(lake, "one").await;
    assert_kind(lake.head_bucket(bucket.name()).await, ErrorKind::NotFound);
}

/// Somebody else has taken the lease: nothing more is begun, and the error says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_ends_an_apply() {
    let world = world!();
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
    // The other's registry is as it was.
    let there = state.get(&key, GetOptions::default()).await.unwrap();
    assert_eq!(there.bytes, document);
    let error = assert_kind(plan_of(lake, &buckets("one", &["aaa"])).await, ErrorKind::Conflict);
    assert!(error.message().contains("elsewhere"), "{error}");
}

/// A lease is renewed for as long as its holder works.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute"]
async fn a_lease_is_renewed() {
    use lakewright_tests::proxy::{Fault, Proxy};
    let world = world!();
    let proxy = Proxy::to(world.server.settings.endpoint.as_ref().unwrap()).await;
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
    proxy.strike("PUT /slow", Fault::Swallow, 1);
    let applying = tokio::spawn({
        let (lake, plan) = (lake.clone(), plan.clone());
        async move { lake.apply(&plan, &silent).await }
    });
    // MinIO gives the idle connection up after 30 s, and then the request is sent again.
    tokio::time::sleep(Duration::from_secs(24)).await;
    assert_eq!((proxy.struck(), applying.is_finished()), (1, false));
    let lease = world.state().await.lease.unwrap();
    assert!(lease.expires.duration_since(lease.taken).as_secs() > 40, "{lease:?}");
    complete(applying.await.unwrap(), &plan);
}
