//! Asked to stop, an apply says what it has done.

use std::future::{Future, pending};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lakewright::plan::{Outcome, Plan};
use lakewright::{Applied, ErrorKind, Event, Lake};
use lakewright_tests::proxy::{Fault, Proxy};
use lakewright_tests::server::assert_kind;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{World, destroy, nothing_left, plan_of, settle, silent, world};

/// Buckets of which `slow` is never answered, and what goes through there.
async fn slow(world: &World) -> (Proxy, Lake, Value) {
    let proxy = Proxy::to(world.server.settings.endpoint.as_ref().unwrap()).await;
    let lake = world.server.lake_with(|settings| settings.endpoint = Some(proxy.endpoint())).await;
    let buckets = json!({"aaa": {"tags": {"a": "b"}}, "bbb": {}, "slow": {}});
    (proxy, lake, json!({"version": 1, "stack": "lake", "buckets": buckets}))
}

async fn until(wanted: impl Fn() -> bool) {
    let begun = Instant::now();
    while !wanted() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What was done is recorded, the lease is given back, and the next apply does the rest.
async fn resumes(world: &World, spec: &Value, owned: usize) {
    let state = world.state().await;
    assert!(state.lease.is_none(), "{:?}", state.lease);
    assert_eq!(state.resources.len(), owned, "{:?}", state.resources);
    settle(&world.lake, spec).await;
    destroy(&world.lake, "lake").await;
}

/// Applies until the first step has ended.
async fn one_step(lake: &Lake, plan: &Plan) -> Applied {
    let done = Arc::new(Notify::new());
    let watch = |event: Event<'_>| {
        if let Event::Ended(..) = event {
            done.notify_one();
        }
    };
    lake.apply_until(plan, &watch, done.notified()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_it_begins_nothing_more_and_records_the_rest() {
    let world = world!();
    let (_, _, spec) = slow(&world).await;
    let lake = world.server.lake_with(|settings| settings.concurrency = Some(1)).await;
    let plan = plan_of(&lake, &spec).await.unwrap();
    let applied = one_step(&lake, &plan).await;
    assert!(applied.stopped);
    assert_eq!((applied.report.done(), applied.report.outcomes.len()), (1, 1));
    let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PartialApply);
    assert!(error.message().contains("1 of 4 steps are done and written down"), "{error}");
    assert!(error.message().contains("apply again"), "{error}");
    resumes(&world, &spec, 1).await;

    // Before its first step.
    let plan = plan_of(&lake, &spec).await.unwrap();
    let applied = lake.apply_until(&plan, &silent, std::future::ready(())).await;
    assert!(applied.stopped && applied.report.outcomes.is_empty());
    resumes(&world, &spec, 0).await;

    // Asked when all is done, it is done.
    let last = json!({"version": 1, "stack": "lake", "buckets": {"one": {}}});
    let plan = plan_of(&lake, &last).await.unwrap();
    let applied = one_step(&lake, &plan).await;
    assert!(!applied.stopped && applied.error.is_none());
    nothing_left(&lake, &last).await;
    destroy(&lake, "lake").await;
}

/// A step that nobody answers may be done: the apply does not wait for it for ever.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a quarter of a minute"]
async fn what_is_not_answered_in_time_is_given_up() {
    let world = world!();
    let (proxy, lake, spec) = slow(&world).await;
    let plan = plan_of(&lake, &spec).await.unwrap();
    proxy.strike("PUT /slow", Fault::Swallow, 9);
    let stop = until(|| proxy.struck() > 0);
    let applied = lake.apply_until(&plan, &silent, stop).await;
    assert!(applied.stopped);
    let failed: Vec<_> = applied.report.failed(&plan).collect();
    assert!(failed.len() == 1 && failed[0].1.contains("stopped before"), "{failed:?}");
    let error = applied.error.unwrap();
    assert!(error.message().contains("1 may be done"), "{error}");
    resumes(&world, &spec, 3).await;
}

/// Dropped, as by Ctrl-C in Python: what was done is recorded afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn dropped_it_records_what_was_done() {
    let world = world!();
    let (proxy, lake, spec) = slow(&world).await;
    let plan = plan_of(&lake, &spec).await.unwrap();
    proxy.strike("PUT /slow", Fault::Swallow, 9);
    let ended = Arc::new(std::sync::Mutex::new(Vec::new()));
    let applying = tokio::spawn({
        let (lake, plan, ended) = (lake.clone(), plan.clone(), ended.clone());
        async move {
            let watch = |event: Event<'_>| {
                if let Event::Ended(step, outcome) = event {
                    ended.lock().unwrap().push((step.id, outcome.clone()));
                }
            };
            lake.apply_until(&plan, &watch, pending()).await
        }
    });
    until(|| proxy.struck() > 0 && ended.lock().unwrap().len() == 3).await;
    applying.abort();
    assert!(applying.await.unwrap_err().is_cancelled());
    assert!(lakewright::finish_background_work(Duration::from_secs(10)).await);
    let last = ended.lock().unwrap().last().cloned().unwrap();
    assert!(matches!(last.1, Outcome::Failed { .. }), "{last:?}");
    resumes(&world, &spec, 3).await;
}

/// The command, by signal: once for an orderly end, twice for one at once.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_ends_in_order_when_it_is_asked_to() {
    let world = world!();
    let (proxy, _, spec) = slow(&world).await;
    let file = world.path("spec.json");
    std::fs::write(&file, spec.to_string()).unwrap();
    for (signal, code, word) in [("INT", 130, "interrupted"), ("TERM", 143, "terminated")] {
        // One connection at a time: the answer of the second bucket is on its way for ever.
        proxy.strike("PUT /slow", Fault::Swallow, 1);
        let struck = proxy.struck();
        let Some(mut apply) = world.unit(&proxy.endpoint()) else {
            return eprintln!("SKIPPED: LAKEWRIGHT_TEST_CLI names no command");
        };
        let apply = apply.args(["apply", "--yes"]).arg(&file).spawn().unwrap();
        until(|| proxy.struck() > struck).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let asked = Instant::now();
        let send = |signal: &str| {
            let pid = apply.id().to_string();
            Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap();
        };
        send(signal);
        let again = word == "terminated";
        if again {
            tokio::time::sleep(Duration::from_secs(1)).await;
            send(signal);
        }
        let done = tokio::task::spawn_blocking(|| apply.wait_with_output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(code), "{said}");
        assert!(said.contains("stopping: what is under way"), "{said}");
        if again {
            assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
            assert!(said.ends_with("terminated\n"), "{said}");
            // The next finds the holder gone and looks.
            settle(&world.lake, &spec).await;
            destroy(&world.lake, "lake").await;
        } else {
            assert!(said.contains(&format!("{word}: it was stopped: 3 of 4 steps")), "{said}");
            assert!(said.contains("apply again"), "{said}");
            assert!(!done.stdout.is_empty());
            resumes(&world, &spec, 3).await;
        }
    }
}

#[allow(dead_code)]
fn stops_can_be_anything(lake: &Lake, plan: &Plan, stop: impl Future<Output = ()> + Send) {
    fn send(_: impl Send) {}
    send(lake.apply_until(plan, &silent, stop));
}
