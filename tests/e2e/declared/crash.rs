//! SIGKILL before and after every step in turn.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use lakewright::{Event, PlanOptions, Settings, Spec};
use serde_json::{Value, json};

use super::{World, complete, destroy, everything, nothing_left, plan_of, silent, told, world};

/// What the child is told by.
const KILLED_AT: &str = "LAKEWRIGHT_TEST_KILLED_AT";
const CHILD: &str = "declared::crash::child";

/// Not a test of its own: what [`World::killed`] starts. It applies a document and ends itself
/// with SIGKILL at the event of that number.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(at) = std::env::var(KILLED_AT) else { return };
    let at: usize = at.parse().unwrap();
    let spec = std::fs::read(std::env::var("LAKEWRIGHT_TEST_SPEC").unwrap()).unwrap();
    let spec = Spec::from_json(&spec).unwrap();
    let lake = lakewright::connect(Settings::default()).await.unwrap();
    let prune = PlanOptions { prune: true, ..PlanOptions::default() };
    let plan = lake.plan(&spec, &prune).await.unwrap();
    let seen = AtomicUsize::new(0);
    let watch = |_: Event<'_>| {
        if seen.fetch_add(1, Ordering::SeqCst) == at {
            let me = std::process::id().to_string();
            Command::new("kill").args(["-KILL", &me]).status().unwrap();
            // The signal is on its way.
            loop {
                std::thread::park();
            }
        }
    };
    complete(lake.apply(&plan, &watch).await, &plan);
}

impl World {
    /// Applies a document, with `prune`, in a process that is killed at this event. Whether it
    /// was: there may be fewer.
    fn killed(&self, spec: &Value, at: usize) -> bool {
        let file = self.path("spec.json");
        std::fs::write(&file, spec.to_string()).unwrap();
        let settings = &self.server.settings;
        let text = |value: &Option<lakewright::SettingValue>| match value {
            Some(lakewright::SettingValue::Literal(secret)) => secret.expose().to_owned(),
            other => panic!("the kit's keys are literal: {other:?}"),
        };
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--test-threads", "1", "--nocapture"])
            .env(KILLED_AT, at.to_string())
            .env("LAKEWRIGHT_TEST_SPEC", file)
            .env("LAKEWRIGHT_ENDPOINT", settings.endpoint.as_ref().unwrap())
            .env("LAKEWRIGHT_ACCESS_KEY_ID", text(&settings.access_key_id))
            .env("LAKEWRIGHT_SECRET_ACCESS_KEY", text(&settings.secret_access_key))
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        match status.signal() {
            Some(9) => true,
            _ => {
                assert!(status.success(), "the child ended with {status}");
                false
            }
        }
    }
}

/// One of each kind, small enough to be killed at every step.
fn one_of_each(world: &World) -> Value {
    json!({
        "version": 1,
        "stack": "lake",
        "buckets": {
            "raw": {"versioning": true, "quota": "1GiB", "tags": {"a": "b"}, "force_destroy": true},
        },
        "tables": {"raw/t": {"schema": {"id": "long"}, "constraints": {"positive": "id > 0"}}},
        "policies": {"reads": {"grants": [{"access": "read", "bucket": "raw"}]}},
        "groups": {"analysts": {"policies": ["reads"]}},
        "users": {"ann": {
            "secret": world.secret("ann", "hush-hush-ann"),
            "policies": ["reads"], "groups": ["analysts"],
        }},
        "service_accounts": {"ingest": {
            "owner": "ann", "access_key": "INGEST1",
            "secret": world.secret("ingest", "hush-hush-ingest"),
        }},
    })
}

/// Made, killed in between, made again: the same end, and nothing that is nobody's.
#[tokio::test(flavor = "multi_thread")]
async fn making_is_resumed() {
    let world = world!();
    let before = everything(&world.lake).await;
    let spec = one_of_each(&world);
    let mut at = 0;
    while world.killed(&spec, at) {
        let lease = world.state().await.lease.expect("it was killed under its lease");
        assert!(!lease.pending.is_empty());
        // Its process is gone: nobody waits for its lease to end.
        let plan = plan_of(&world.lake, &spec).await.unwrap_or_else(|e| panic!("{at}: {e}"));
        complete(world.lake.apply(&plan, &silent).await, &plan);
        nothing_left(&world.lake, &spec).await;
        assert!(world.state().await.lease.is_none());
        let owned = world.state().await.resources;
        assert_eq!(owned.len(), 6, "killed at {at}: {owned:?}");
        assert!(owned.values().all(|owned| owned.attempted.is_none()));
        destroy(&world.lake, "lake").await;
        assert_eq!(everything(&world.lake).await, before, "killed at {at}");
        at += 1;
    }
    assert!(at >= 24, "killed at {at} events only");
    destroy(&world.lake, "lake").await;
    assert_eq!(everything(&world.lake).await, before);
}

/// Taken away, killed in between, taken away again.
#[tokio::test(flavor = "multi_thread")]
async fn taking_away_is_resumed() {
    let world = world!();
    let before = everything(&world.lake).await;
    let (spec, nothing) = (one_of_each(&world), json!({"version": 1, "stack": "lake"}));
    super::settle(&world.lake, &spec).await;
    let mut at = 0;
    while world.killed(&nothing, at) {
        destroy(&world.lake, "lake").await;
        let state = world.state().await;
        assert!(state.resources.is_empty() && state.lease.is_none(), "{at}: {state:?}");
        assert_eq!(everything(&world.lake).await, before, "killed at {at}");
        super::settle(&world.lake, &spec).await;
        at += 1;
    }
    assert!(at >= 12, "killed at {at} events only");
    assert_eq!(everything(&world.lake).await, before);
}

/// Changed, killed in between: what the cut off document had set and the next one leaves out
/// goes back to the default.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_attempted_is_taken_back() {
    let world = world!();
    let bare = json!({"version": 1, "stack": "lake", "buckets": {"raw": {}}});
    let rich = json!({"version": 1, "stack": "lake", "buckets": {"raw": {
        "tags": {"a": "b"}, "quota": "1GiB", "lifecycle": [{"id": "x", "expire_after_days": 1}],
    }}});
    super::settle(&world.lake, &bare).await;
    let mut at = 0;
    while world.killed(&rich, at) {
        super::settle(&world.lake, &bare).await;
        let bucket = world.lake.bucket("raw".try_into().unwrap());
        assert!(bucket.get_tags().await.unwrap().is_empty(), "{at}");
        assert!(bucket.get_lifecycle().await.unwrap().is_empty(), "{at}");
        assert!(world.lake.admin().bucket_quota(bucket.name()).await.unwrap().is_none(), "{at}");
        at += 1;
    }
    assert_eq!(at, 6);
    let plan = plan_of(&world.lake, &rich).await.unwrap();
    assert_eq!(told(&plan), Vec::<String>::new());
}
