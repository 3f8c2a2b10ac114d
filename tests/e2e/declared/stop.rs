//! An apply that is asked to stop finishes what it has begun and reports it.

use std::future::{Future, pending};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lakewright::declared::{Applied, Event};
use lakewright::plan::{Plan, StepStatus};
use lakewright::{ErrorKind, Lake};
use lakewright_tests::proxy::{Fault, Proxy};
use lakewright_tests::server::{CommandLine, assert_kind};
use lakewright_tests::tests;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{World, assert_nothing_to_do, destroy, plan_and_apply, plan_of, silent};

tests![
    stopped_apply_records_what_it_has_done,
    #[ignore = "takes 15 s: the time that a stopped apply gives its last step"]
    step_without_a_response_is_given_up,
    dropped_apply_records_what_it_has_done,
    signals_stop_the_command,
];

/// Returns a proxy, a lake through it, and a spec with the bucket `slow`, whose requests tests
/// leave without a response.
async fn slow(world: &World) -> (Proxy, Lake, Value) {
    let proxy = Proxy::to(world.server.endpoint()).await;
    let lake = world.server.lake_with(|settings| settings.endpoint = Some(proxy.endpoint())).await;
    let buckets = json!({"aaa": {"tags": {"a": "b"}}, "bbb": {}, "slow": {}});
    (proxy, lake, json!({"version": 1, "stack": "lake", "buckets": buckets}))
}

/// Waits until a condition holds.
async fn until(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Asserts that the done steps are recorded and the lease is released, and applies the rest.
async fn assert_resumes(world: &World, spec: &Value, owned: usize) {
    let state = world.state().await;
    assert!(state.lease.is_none(), "{:?}", state.lease);
    assert_eq!(state.resources.len(), owned, "{:?}", state.resources);
    plan_and_apply(&world.lake, spec).await;
    destroy(&world.lake, "lake").await;
}

/// Applies until the first step has ended, then stops.
async fn one_step(lake: &Lake, plan: &Plan) -> Applied {
    let done = Arc::new(Notify::new());
    let watch = |event: Event<'_>| {
        if let Event::Ended(..) = event {
            done.notify_one();
        }
    };
    lake.apply_until(plan, &watch, done.notified()).await
}

async fn stopped_apply_records_what_it_has_done(world: World) {
    let (_, _, spec) = slow(&world).await;
    let lake = world.server.lake_with(|settings| settings.concurrency = Some(1)).await;
    let plan = plan_of(&lake, &spec).await.unwrap();
    let applied = one_step(&lake, &plan).await;
    assert!(applied.stopped);
    assert_eq!((applied.report.done(), applied.report.outcomes.len()), (1, 1));
    let error = assert_kind::<()>(Err(applied.error.unwrap()), ErrorKind::PartialApply);
    assert!(error.message().contains("1 of 4 steps are done and written down"), "{error}");
    assert!(error.message().contains("apply again"), "{error}");
    assert_resumes(&world, &spec, 1).await;

    // Stopped before the first step.
    let plan = plan_of(&lake, &spec).await.unwrap();
    let applied = lake.apply_until(&plan, &silent, std::future::ready(())).await;
    assert!(applied.stopped && applied.report.outcomes.is_empty());
    assert_resumes(&world, &spec, 0).await;

    // Stopped after the last step: the apply is complete.
    let last = json!({"version": 1, "stack": "lake", "buckets": {"one": {}}});
    let plan = plan_of(&lake, &last).await.unwrap();
    let applied = one_step(&lake, &plan).await;
    assert!(!applied.stopped && applied.error.is_none());
    assert_nothing_to_do(&lake, &last).await;
    destroy(&lake, "lake").await;
}

/// A stopped apply does not wait forever for the response to a step, and reports that the step may
/// be done. Takes a quarter of a minute.
async fn step_without_a_response_is_given_up(world: World) {
    let (proxy, lake, spec) = slow(&world).await;
    let plan = plan_of(&lake, &spec).await.unwrap();
    proxy.inject("PUT /slow", Fault::Swallow, 9);
    let stop = until(|| proxy.faults() > 0);
    let applied = lake.apply_until(&plan, &silent, stop).await;
    assert!(applied.stopped);
    let failed: Vec<_> = applied.report.failed(&plan).collect();
    assert!(failed.len() == 1 && failed[0].1.contains("stopped before"), "{failed:?}");
    let error = applied.error.unwrap();
    assert!(error.message().contains("1 may be done"), "{error}");
    assert_resumes(&world, &spec, 3).await;
}

/// An apply that is dropped, as by Ctrl-C in Python, still records the steps that it has done.
async fn dropped_apply_records_what_it_has_done(world: World) {
    let (proxy, lake, spec) = slow(&world).await;
    let plan = plan_of(&lake, &spec).await.unwrap();
    proxy.inject("PUT /slow", Fault::Swallow, 9);
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
    until(|| proxy.faults() > 0 && ended.lock().unwrap().len() == 3).await;
    applying.abort();
    assert!(applying.await.unwrap_err().is_cancelled());
    assert!(lakewright::finish_background_work(Duration::from_secs(10)).await);
    let last = ended.lock().unwrap().last().cloned().unwrap();
    assert!(matches!(last.1, StepStatus::Failed { .. }), "{last:?}");
    assert_resumes(&world, &spec, 3).await;
}

/// The command stops in order after one signal, and at once after two.
async fn signals_stop_the_command(world: World, CommandLine(command): CommandLine) {
    let (proxy, _, spec) = slow(&world).await;
    let file = world.path("spec.json");
    std::fs::write(&file, spec.to_string()).unwrap();
    for (signal, code, ending) in [("INT", 130, "interrupted"), ("TERM", 143, "terminated")] {
        // The request that creates the bucket `slow` gets no response.
        proxy.inject("PUT /slow", Fault::Swallow, 1);
        let faults = proxy.faults();
        let mut apply = world.unit(&command, &proxy.endpoint());
        let apply = apply.args(["apply", "--yes"]).arg(&file).spawn().unwrap();
        until(|| proxy.faults() > faults).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let signalled = Instant::now();
        let send = |signal: &str| {
            let pid = apply.id().to_string();
            Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap();
        };
        send(signal);
        let twice = ending == "terminated";
        if twice {
            tokio::time::sleep(Duration::from_secs(1)).await;
            send(signal);
        }
        let output =
            tokio::task::spawn_blocking(|| apply.wait_with_output()).await.unwrap().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert!(errors.contains("stopping after the running steps"), "{errors}");
        if twice {
            assert!(signalled.elapsed() < Duration::from_secs(5), "{:?}", signalled.elapsed());
            assert!(errors.ends_with("terminated\n"), "{errors}");
            // The next apply finds that the holder has ended, and observes what was done.
            plan_and_apply(&world.lake, &spec).await;
            destroy(&world.lake, "lake").await;
        } else {
            assert!(
                errors.contains(&format!("{ending}: it was stopped: 3 of 4 steps")),
                "{errors}"
            );
            assert!(errors.contains("apply again"), "{errors}");
            assert!(!output.stdout.is_empty());
            assert_resumes(&world, &spec, 3).await;
        }
    }
}

/// Compiles only while any future can stop an apply and the apply can be sent between threads.
#[expect(dead_code, reason = "the compiler checks it")]
fn any_future_stops_an_apply(lake: &Lake, plan: &Plan, stop: impl Future<Output = ()> + Send) {
    fn send(_: impl Send) {}
    send(lake.apply_until(plan, &silent, stop));
}
