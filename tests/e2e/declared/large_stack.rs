//! A measurement: time and requests for 200 buckets, 100 users and 50 policies, and the time that
//! `mc` takes for the same.
//!
//! `cargo test --release --workspace --test e2e -- --ignored declared::large_stack`

use std::time::{Duration, Instant};

use lakewright_tests::proxy::Proxy;
use lakewright_tests::tests;
use serde_json::{Map, Value, json};

use super::{World, assert_complete, plan_of, silent};

tests![
    #[ignore = "a measurement, for release builds"]
    time_and_requests,
];

const BUCKETS: usize = 200;
const USERS: usize = 100;
const POLICIES: usize = 50;

fn large(world: &World) -> Value {
    let buckets: Map<_, _> = (0..BUCKETS)
        .map(|n| {
            let bucket =
                json!({"versioning": true, "quota": "10GiB", "tags": {"n": n.to_string()}});
            (format!("bucket-{n}"), bucket)
        })
        .collect();
    let policies: Map<_, _> = (0..POLICIES)
        .map(|n| {
            let bucket = format!("bucket-{n}");
            (format!("policy-{n}"), json!({"grants": [{"access": "read", "bucket": bucket}]}))
        })
        .collect();
    let users: Map<_, _> = (0..USERS)
        .map(|n| {
            let secret = world.secret(&format!("user-{n}"), &format!("hush-hush-{n}"));
            let policy = format!("policy-{}", n % POLICIES);
            (format!("user-{n}"), json!({"secret": secret, "policies": [policy]}))
        })
        .collect();
    json!({"version": 1, "stack": "large", "buckets": buckets, "policies": policies, "users": users})
}

/// Creates the same with one command of `mc` after the other, as a script does. Returns the time.
fn by_mc(world: &World, spec: &Value) -> Duration {
    let begin = Instant::now();
    for (name, bucket) in spec["buckets"].as_object().unwrap() {
        let path = format!("kit/{name}");
        world.mc.change(&["mb", &path]);
        world.mc.change(&["version", "enable", &path]);
        world.mc.change(&["quota", "set", &path, "--size", "10GiB"]);
        world.mc.change(&[
            "tag",
            "set",
            &path,
            &format!("n={}", bucket["tags"]["n"].as_str().unwrap()),
        ]);
    }
    let document = world.path("policy.json");
    std::fs::write(
        &document,
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"]}]})
        .to_string(),
    )
    .unwrap();
    for name in spec["policies"].as_object().unwrap().keys() {
        let document = document.to_str().unwrap();
        world.mc.change(&["admin", "policy", "create", "kit", name, document]);
    }
    for (name, user) in spec["users"].as_object().unwrap() {
        world.mc.change(&["admin", "user", "add", "kit", name, "hush-hush-mc"]);
        let policy = user["policies"][0].as_str().unwrap();
        world.mc.change(&["admin", "policy", "attach", "kit", policy, "--user", name]);
    }
    begin.elapsed()
}

async fn time_and_requests(world: World) {
    let proxy = Proxy::to(world.server.endpoint()).await;
    let counted = world.server.lake_with(|s| s.endpoint = Some(proxy.endpoint())).await;
    let direct = &world.lake;
    let spec = large(&world);
    let show = |what: &str, took: Duration, requests: Option<usize>| {
        let requests = requests.map(|n| format!("{n} requests")).unwrap_or_default();
        eprintln!("{what:<24} {:>9.3} s  {requests}", took.as_secs_f64());
    };

    // Requests are counted through a proxy, and times are measured without it.
    for (lake, through_proxy) in [(&counted, true), (direct, false)] {
        let step = async |what: &str, begin: Instant, before: usize| {
            let requests = through_proxy.then(|| proxy.requests() - before);
            show(what, begin.elapsed(), requests);
        };
        let (begin, before) = (Instant::now(), proxy.requests());
        let plan = plan_of(lake, &spec).await.unwrap();
        step("first plan", begin, before).await;
        let (begin, before) = (Instant::now(), proxy.requests());
        assert_complete(lake.apply(&plan, &silent).await, &plan);
        step("apply", begin, before).await;
        let (begin, before) = (Instant::now(), proxy.requests());
        assert!(plan_of(lake, &spec).await.unwrap().is_empty());
        step("second plan", begin, before).await;
        let (begin, before) = (Instant::now(), proxy.requests());
        let plan = lake.plan_destroy(&super::stack("large"), &super::registry()).await.unwrap();
        step("plan of destroy", begin, before).await;
        let (begin, before) = (Instant::now(), proxy.requests());
        assert_complete(lake.apply(&plan, &silent).await, &plan);
        step("destroy", begin, before).await;
        eprintln!();
    }
    show("mc in a loop", by_mc(&world, &spec), None);
}
