//! SIGKILL before and after every step in turn.

use std::os::unix::process::ExitStatusExt;

use lakewright_tests::tests;
use serde_json::{Value, json};

use super::killed_apply::KilledApply;
use super::{
    World, assert_complete, assert_nothing_to_do, destroy, everything, plan_and_apply, plan_of,
    silent, step_names,
};

tests![killed_while_creating, killed_while_deleting, attempted_settings_are_reset,];

impl World {
    /// Applies a spec, with `prune`, in a process that is killed at this event. Returns false
    /// where the apply had fewer events and was completed.
    fn killed(&self, spec: &Value, event: usize) -> bool {
        let file = self.path("spec.json");
        std::fs::write(&file, spec.to_string()).unwrap();
        let status = KilledApply { event, spec: file }.start(&self.server);
        match status.signal() {
            Some(9) => true,
            _ => {
                assert!(status.success(), "the process ended with {status}");
                false
            }
        }
    }
}

/// One resource of each kind, few enough to be killed at every step.
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

/// A killed apply that creates resources is completed by the next one, which owns all of them.
async fn killed_while_creating(world: World) {
    let before = everything(&world.lake).await;
    let spec = one_of_each(&world);
    let mut at = 0;
    while world.killed(&spec, at) {
        let lease =
            world.state().await.lease.expect("the process was killed while it held a lease");
        assert!(!lease.pending.is_empty());
        // The lease is taken over at once, because the process that held it has ended.
        let plan = plan_of(&world.lake, &spec).await.unwrap_or_else(|e| panic!("{at}: {e}"));
        assert_complete(world.lake.apply(&plan, &silent).await, &plan);
        assert_nothing_to_do(&world.lake, &spec).await;
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

/// A killed apply that deletes resources is completed by the next one.
async fn killed_while_deleting(world: World) {
    let before = everything(&world.lake).await;
    let (spec, nothing) = (one_of_each(&world), json!({"version": 1, "stack": "lake"}));
    plan_and_apply(&world.lake, &spec).await;
    let mut at = 0;
    while world.killed(&nothing, at) {
        destroy(&world.lake, "lake").await;
        let state = world.state().await;
        assert!(state.resources.is_empty() && state.lease.is_none(), "{at}: {state:?}");
        assert_eq!(everything(&world.lake).await, before, "killed at {at}");
        plan_and_apply(&world.lake, &spec).await;
        at += 1;
    }
    assert!(at >= 12, "killed at {at} events only");
    assert_eq!(everything(&world.lake).await, before);
}

/// Settings that the killed apply had set and the next spec leaves out are reset to their defaults.
async fn attempted_settings_are_reset(world: World) {
    let bare = json!({"version": 1, "stack": "lake", "buckets": {"raw": {}}});
    let rich = json!({"version": 1, "stack": "lake", "buckets": {"raw": {
        "tags": {"a": "b"}, "quota": "1GiB", "lifecycle": [{"id": "x", "expire_after_days": 1}],
    }}});
    plan_and_apply(&world.lake, &bare).await;
    let mut at = 0;
    while world.killed(&rich, at) {
        plan_and_apply(&world.lake, &bare).await;
        let bucket = world.lake.bucket("raw".try_into().unwrap());
        assert!(bucket.get_tags().await.unwrap().is_empty(), "{at}");
        assert!(bucket.get_lifecycle().await.unwrap().is_empty(), "{at}");
        assert!(world.lake.admin().bucket_quota(bucket.name()).await.unwrap().is_none(), "{at}");
        at += 1;
    }
    assert_eq!(at, 6);
    let plan = plan_of(&world.lake, &rich).await.unwrap();
    assert_eq!(step_names(&plan), Vec::<String>::new());
}
