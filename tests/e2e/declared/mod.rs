//! Declared state on real servers: what a document says becomes true, stays true, and goes away.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use lakewright::plan::{Plan, Step};
use lakewright::state::Registry;
use lakewright::{
    Adoption, Applied, BucketName, Event, Lake, PlanOptions, ResourceId, Result, Spec, StackName,
};
use lakewright_tests::Mc;
use lakewright_tests::server::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

mod crash;
mod drift;
mod measure;
mod ownership;
mod portable;
mod stop;
mod trouble;
mod unit;

/// A MinIO with its second judge, or the reason to stop here.
macro_rules! world {
    () => {
        match crate::declared::World::new().await {
            Some(world) => world,
            None => return eprintln!("SKIPPED: MinIO or mc is not there"),
        }
    };
}
pub(crate) use world;

/// A MinIO, mc, and a folder with secrets.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) lake: Lake,
    pub(crate) mc: Mc,
    pub(crate) folder: TempDir,
}

/// What every secret of these tests has in it, to be looked for where it must not be.
pub(crate) const MARK: &str = "hush-hush";

/// Nobody watches.
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

/// What is to be taken over, by its address.
pub(crate) fn adoption(address: &str) -> Adoption {
    address.parse().unwrap()
}

/// Steps as `verb address`, for messages and comparison.
pub(crate) fn told(plan: &Plan) -> Vec<String> {
    let told = |step: &Step| format!("{} {}", step.action.verb(), step.resource.address());
    plan.steps.iter().map(told).collect()
}

/// Everything is done.
#[track_caller]
pub(crate) fn complete(applied: Applied, plan: &Plan) {
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
    let options = PlanOptions { prune: true, ..PlanOptions::default() };
    lake.plan(&document(json), &options).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Plans and applies, and sees that nothing is left to do.
pub(crate) async fn settle(lake: &Lake, json: &Value) -> Plan {
    let plan = plan_of(lake, json).await.unwrap_or_else(|error| {
        let each: Vec<String> = error.failures().iter().map(ToString::to_string).collect();
        panic!("{error}\n{}", each.join("\n"))
    });
    complete(lake.apply(&plan, &silent).await, &plan);
    nothing_left(lake, json).await;
    plan
}

pub(crate) async fn nothing_left(lake: &Lake, json: &Value) {
    let again = plan_of(lake, json).await.unwrap();
    assert_eq!(told(&again), Vec::<String>::new(), "{:#?}", again.steps);
    assert!(again.recovered.is_empty());
}

pub(crate) async fn destroy(lake: &Lake, name: &str) -> Plan {
    let plan = lake.plan_destroy(&stack(name), &registry()).await.unwrap();
    complete(lake.apply(&plan, &silent).await, &plan);
    plan
}

/// Every name that the server knows, the registry's bucket aside.
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

impl World {
    pub(crate) async fn new() -> Option<Self> {
        let Some(server) = Server::minio().await else {
            assert!(
                !lakewright_tests::server::required("minio"),
                "LAKEWRIGHT_TEST_MINIO names no MinIO binary"
            );
            return None;
        };
        let mc = Mc::of(&server)?;
        let lake = server.lake().await;
        Some(Self { server, lake, mc, folder: tempfile::tempdir().unwrap() })
    }

    /// A reference to a secret, in a file that is written.
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

    /// Every field of every resource.
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
                    "description": "what comes in",
                },
                "mine": {"access_key": "MINE1", "secret": self.secret("mine", "hush-hush-mine")},
            },
        })
    }
}
