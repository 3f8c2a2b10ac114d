//! Buckets and tables on the embedded server, which is not MinIO.

use lakewright::{ErrorKind, ObjectKey, PutOptions, TableUri};
use lakewright_tests::server::{Server, assert_kind};
use serde_json::{Value, json};

use super::{complete, destroy, document, nothing_left, plan_of, registry, settle, silent, told};

fn portable() -> Value {
    json!({
        "version": 1,
        "stack": "lake",
        "buckets": {
            "raw": {"force_destroy": true},
            "bare": {},
        },
        "tables": {
            "raw/2013/flights": {
                "schema": [
                    {"name": "carrier", "type": "string"},
                    {"name": "delay", "type": "decimal(10,2)", "nullable": false},
                    {"name": "deep", "type": "struct<a:long,b:array<map<string,date>>>"},
                ],
                "partition_by": ["carrier"],
                "properties": {"delta.appendOnly": "true"},
                "constraints": {"sane": "delay > -100 and carrier in ('AA', 'UA')"},
            },
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_and_tables() {
    let server = Server::embedded().await;
    let lake = &server.lake().await;
    let mut spec = portable();
    settle(lake, &spec).await;
    let uri = TableUri::new("raw/2013/flights").unwrap();
    let details = lake.table(uri.clone()).details().await.unwrap();
    assert_eq!(details.partition_columns, ["carrier"]);
    assert_eq!(details.properties["delta.appendOnly"], "true");

    let raw = lake.bucket("raw".try_into().unwrap());
    lake.drop_table(&uri).await.unwrap();
    let drift = lake.drift(&document(&spec)).await.unwrap();
    assert_eq!(
        told(&drift),
        ["create_table table/raw/2013/flights", "add_constraint table/raw/2013/flights",]
    );
    settle(lake, &spec).await;

    let table = &mut spec["tables"]["raw/2013/flights"];
    table["properties"] = json!({"delta.appendOnly": "false", "who": "me"});
    table["constraints"] = json!({"other": "delay < 5000"});
    table["schema"].as_array_mut().unwrap().push(json!({"name": "new", "type": "long"}));
    let plan = settle(lake, &spec).await;
    assert_eq!(plan.steps.len(), 4, "{:?}", told(&plan));

    spec["tables"]["raw/2013/flights"]["partition_by"] = json!([]);
    let error = assert_kind(plan_of(lake, &spec).await, ErrorKind::PreconditionFailed);
    assert!(error.message().contains("cannot be changed afterwards"), "{error}");

    raw.put(&ObjectKey::new("k").unwrap(), "x", PutOptions::default()).await.unwrap();
    destroy(lake, "lake").await;
    let left: Vec<_> = lake.list_buckets().await.unwrap().into_iter().map(|b| b.name).collect();
    assert_eq!(left, [registry()]);
}

/// A plan is for a directory, whatever port its server has.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_outlives_its_server() {
    let server = Server::embedded().await;
    let lake = server.lake().await;
    let plan = plan_of(&lake, &portable()).await.unwrap();
    let port = lake.profile().to_string();
    drop(lake);
    let lake = server.lake().await;
    assert_ne!(lake.profile().to_string(), port);
    complete(lake.apply(&plan, &silent).await, &plan);
    nothing_left(&lake, &portable()).await;
}

/// What the server does not have is refused before anything is made.
#[tokio::test(flavor = "multi_thread")]
async fn missing_settings_are_refused_while_planning() {
    let server = Server::embedded().await;
    let lake = &server.lake().await;
    let spec = json!({"version": 1, "stack": "lake", "buckets": {
        "raw": {"tags": {"a": "b"}, "lifecycle": []}, "bare": {},
    }});
    let error = assert_kind(plan_of(lake, &spec).await, ErrorKind::Unsupported);
    assert_eq!(error.failures().len(), 2, "{error}");
    assert!(error.message().contains("no such thing as \"tags\""), "{error}");
    assert!(lake.list_buckets().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_quotas_are_refused_while_planning() {
    let server = Server::embedded().await;
    let lake = &server.lake().await;
    let mut spec = portable();
    spec["buckets"]["raw"]["quota"] = "1GiB".into();
    spec["policies"] = json!({"p": {"grants": [{"access": "read", "bucket": "raw"}]}});
    spec["groups"] = json!({"g": {"policies": ["p"]}});
    let error = assert_kind(plan_of(lake, &spec).await, ErrorKind::Unsupported);
    for word in ["1 policy", "1 group", "1 quota"] {
        assert!(error.message().contains(word), "{error}");
    }
    assert!(lake.list_buckets().await.unwrap().is_empty());
}
