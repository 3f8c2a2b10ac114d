//! Declared state on real servers: a spec is applied, drift is found and repaired, resources are
//! deleted.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use lakewright::declared::{Applied, Event};
use lakewright::plan::{Plan, Step};
use lakewright::state::Registry;
use lakewright::{Adoption, BucketName, Lake, PlanOptions, ResourceId, Result, Spec, StackName};
use lakewright_tests::harness::Trial;
use lakewright_tests::server::OwnMinio;
use lakewright_tests::{Fixture, Mc, Server, Skip};
use serde_json::{Value, json};
use tempfile::TempDir;

mod crash;
mod drift;
mod embedded;
mod failures;
pub(crate) mod killed_apply;
mod large_stack;
mod ownership;
mod stop;
mod systemd_unit;

/// Returns the tests of the modules below this one.
pub(crate) fn all_tests() -> Vec<Trial> {
    [
        crash::tests(),
        drift::tests(),
        ownership::tests(),
        stop::tests(),
        failures::tests(),
        systemd_unit::tests(),
        embedded::tests(),
        large_stack::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A MinIO of the test's own, `mc` for it, and a folder for secrets and specs.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) lake: Lake,
    pub(crate) mc: Mc,
    pub(crate) folder: TempDir,
}

/// A text that every secret of these tests contains, and that no output may contain.
pub(crate) const MARK: &str = "hush-hush";

/// Ignores the events of an apply.
pub(crate) fn silent(_: Event<'_>) {}

pub(crate) fn document(json: &Value) -> Spec {
    Spec::from_json(json.to_string().as_bytes()).unwrap()
}

pub(crate) fn stack(name: &str) -> StackName {
    StackName::new(name).unwrap()
}

pub(crate) fn registry() -> BucketName {
    BucketName::new(Spec::DEFAULT_REGISTRY).unwrap()
}

pub(crate) fn id(address: &str) -> ResourceId {
    address.parse().unwrap()
}

/// Parses the address of a resource to adopt.
pub(crate) fn adoption(address: &str) -> Adoption {
    address.parse().unwrap()
}

/// Returns the steps of a plan as `verb address`, to be compared and shown.
pub(crate) fn step_names(plan: &Plan) -> Vec<String> {
    let name = |step: &Step| format!("{} {}", step.action.verb(), step.resource().address());
    plan.steps.iter().map(name).collect()
}

/// Asserts that every step of the plan was done.
#[track_caller]
pub(crate) fn assert_complete(applied: Applied, plan: &Plan) {
    if let Some(error) = applied.error {
        let each: Vec<String> = error.failures().iter().map(ToString::to_string).collect();
        panic!("{error}\n{}", each.join("\n"));
    }
    assert!(applied.report.is_complete(plan), "{:?}", applied.report);
}

pub(crate) async fn plan_of(lake: &Lake, json: &Value) -> Result<Plan> {
    lake.plan(&document(json), &PlanOptions::default()).await
}

pub(crate) async fn pruned(lake: &Lake, json: &Value) -> Plan {
    let options = PlanOptions::builder().prune(true).build();
    lake.plan(&document(json), &options).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Plans and applies, and asserts that nothing is left to do.
pub(crate) async fn plan_and_apply(lake: &Lake, json: &Value) -> Plan {
    let plan = plan_of(lake, json).await.unwrap_or_else(|error| {
        let each: Vec<String> = error.failures().iter().map(ToString::to_string).collect();
        panic!("{error}\n{}", each.join("\n"))
    });
    assert_complete(lake.apply(&plan, &silent).await, &plan);
    assert_nothing_to_do(lake, json).await;
    plan
}

pub(crate) async fn assert_nothing_to_do(lake: &Lake, json: &Value) {
    let again = plan_of(lake, json).await.unwrap();
    assert_eq!(step_names(&again), Vec::<String>::new(), "{:#?}", again.steps);
    assert!(again.recovered.is_empty());
}

pub(crate) async fn destroy(lake: &Lake, name: &str) -> Plan {
    let plan = lake.plan_destroy(&stack(name), &registry()).await.unwrap();
    assert_complete(lake.apply(&plan, &silent).await, &plan);
    plan
}

/// Returns the name of everything on the server except the registry's bucket.
pub(crate) async fn everything(lake: &Lake) -> Vec<String> {
    let admin = lake.admin();
    let mut names: Vec<String> = Vec::new();
    let buckets = lake.list_buckets().await.unwrap();
    names.extend(buckets.iter().map(|b| format!("bucket {}", b.name)));
    names.retain(|name| name != "bucket lakewright-state");
    let users = admin.list_users().await.unwrap();
    names.extend(users.iter().map(|user| format!("user {}", user.access_key)));
    names.extend(admin.list_groups().await.unwrap().iter().map(|name| format!("group {name}")));
    names.extend(admin.list_policies().await.unwrap().keys().map(|name| format!("policy {name}")));
    let accounts = admin.list_service_accounts().await.unwrap();
    names.extend(accounts.iter().map(|account| format!("account {}", account.access_key)));
    names
}

impl Fixture for World {
    async fn set_up() -> Result<Self, Skip> {
        let OwnMinio(server) = OwnMinio::set_up().await?;
        let mc = Mc::for_server(&server)?;
        let lake = server.lake().await;
        Ok(Self { server, lake, mc, folder: tempfile::tempdir().unwrap() })
    }
}

impl World {
    /// Writes a secret into a file and returns the reference to it.
    pub(crate) fn secret(&self, name: &str, text: &str) -> Value {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        json!({ "file": path })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn state(&self) -> Registry {
        self.lake.state(&registry()).await.unwrap()
    }

    /// A spec that sets every field of every kind of resource.
    pub(crate) fn every_field(&self) -> Value {
        let expires = Timestamp::now() + SignedDuration::from_hours(24 * 30);
        let expires = Timestamp::from_second(expires.as_second()).unwrap();
        json!({
            "version": 1,
            "stack": "lake",
            "buckets": {
                "plain": {
                    "versioning": true,
                    "quota": "1GiB",
                    "lifecycle": [
                        {"id": "tmp", "prefix": "tmp/", "tags": {"a": "b"}, "expire_after_days": 7},
                        {"id": "old", "noncurrent_expire_after_days": 3,
                         "newer_noncurrent_versions": 2},
                        {"id": "off", "enabled": false, "prefix": "x/", "expire_on": "2040-01-31"},
                        {"id": "markers", "expired_object_delete_marker": true},
                    ],
                    "policy": {"Version": "2012-10-17", "Statement": [{
                        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                        "Resource": "arn:aws:s3:::plain/public/*",
                    }]},
                    "tags": {"team": "data", "cost": ""},
                    "encryption": "sse_s3",
                    "notifications": [{
                        "id": "csv", "arn": "arn:minio:sqs::KIT:webhook",
                        "events": ["s3:ObjectCreated:*"], "prefix": "in/", "suffix": ".csv",
                    }],
                    "force_destroy": true,
                },
                "locked": {"object_lock": {"mode": "governance", "days": 3}},
                "open": {
                    "anonymous": {"in/": "read_write", "out/": "read"},
                    "encryption": {"sse_kms": "lakewright"},
                    "versioning": "suspended",
                },
            },
            "tables": {
                "plain/t": {
                    "schema": {"id": "long not null", "day": "date", "tags": "map<string,string>"},
                    "partition_by": ["day"],
                    "properties": {"delta.appendOnly": "true", "owner": "ann"},
                    "constraints": {
                        "positive": "id > 0",
                        "listed": "not (id = 7) and id between 1 and 100 and day is not null",
                    },
                },
            },
            "policies": {
                "reads": {"grants": [{"access": "read", "bucket": "plain", "prefix": "in/"}]},
                "lists": {"document": {"Version": "2012-10-17", "Statement": {
                    "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*",
                }}},
            },
            "groups": {
                "analysts": {"policies": ["reads"]},
                "sleepers": {"policies": ["lists"], "enabled": false},
            },
            "users": {
                "ann": {
                    "secret": self.secret("ann", "hush-hush-ann"),
                    "policies": ["lists", "readwrite"],
                    "groups": ["analysts", "sleepers"],
                },
                "bob": {"secret": self.secret("bob", "hush-hush-bob"), "enabled": false,
                        "policies": [], "groups": []},
            },
            "service_accounts": {
                "ingest": {
                    "owner": "ann",
                    "access_key": "INGEST1",
                    "secret": self.secret("ingest", "hush-hush-ingest"),
                    "grants": [{"access": "read_write", "bucket": "plain"}],
                    "expires": expires.to_string(),
                    "description": "incoming data",
                },
                "mine": {"access_key": "MINE1", "secret": self.secret("mine", "hush-hush-mine")},
            },
        })
    }
}
