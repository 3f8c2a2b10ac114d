//! Declared buckets and tables on the embedded server, which has no users, policies or quotas.

use lakewright::{ErrorKind, ObjectKey, PutOptions, TableUri};
use lakewright_tests::server::{OwnEmbedded, assert_kind};
use lakewright_tests::tests;
use serde_json::{Value, json};

use super::{
    assert_complete, assert_nothing_to_do, destroy, document, plan_and_apply, plan_of, registry,
    silent, step_names,
};

tests![
    buckets_and_tables,
    plan_is_valid_after_a_restart,
    unsupported_settings_are_refused_while_planning,
    users_and_quotas_are_refused_while_planning,
];

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

async fn buckets_and_tables(OwnEmbedded(server): OwnEmbedded) {
    let lake = &server.lake().await;
    let mut spec = portable();
    plan_and_apply(lake, &spec).await;
    let uri = TableUri::new("raw/2013/flights").unwrap();
    let details = lake.table(uri.clone()).details().await.unwrap();
    assert_eq!(details.partition_columns, ["carrier"]);
    assert_eq!(details.properties["delta.appendOnly"], "true");

    let raw = lake.bucket("raw".try_into().unwrap());
    lake.drop_table(&uri).await.unwrap();
    let drift = lake.drift(&document(&spec)).await.unwrap();
    assert_eq!(
        step_names(&drift),
        ["create_table table/raw/2013/flights", "add_constraint table/raw/2013/flights",]
    );
    plan_and_apply(lake, &spec).await;

    let table = &mut spec["tables"]["raw/2013/flights"];
    table["properties"] = json!({"delta.appendOnly": "false", "owner": "me"});
    table["constraints"] = json!({"other": "delay < 5000"});
    table["schema"].as_array_mut().unwrap().push(json!({"name": "new", "type": "long"}));
    let plan = plan_and_apply(lake, &spec).await;
    assert_eq!(plan.steps.len(), 4, "{:?}", step_names(&plan));

    spec["tables"]["raw/2013/flights"]["partition_by"] = json!([]);
    let error = assert_kind(plan_of(lake, &spec).await, ErrorKind::PreconditionFailed);
    assert!(error.message().contains("cannot be changed afterwards"), "{error}");

    raw.put(&ObjectKey::new("k").unwrap(), "x", PutOptions::default()).await.unwrap();
    destroy(lake, "lake").await;
    let left: Vec<_> = lake.list_buckets().await.unwrap().into_iter().map(|b| b.name).collect();
    assert_eq!(left, [registry()]);
}

/// A plan is made for a data directory and valid on whatever port its server listens.
async fn plan_is_valid_after_a_restart(OwnEmbedded(server): OwnEmbedded) {
    let lake = server.lake().await;
    let plan = plan_of(&lake, &portable()).await.unwrap();
    drop(lake);
    assert_eq!(lakewright::embedded::attach(server.folder()).unwrap(), None);
    let lake = server.lake().await;
    assert_complete(lake.apply(&plan, &silent).await, &plan);
    assert_nothing_to_do(&lake, &portable()).await;
}

/// Settings that the server does not support are refused before anything is created.
async fn unsupported_settings_are_refused_while_planning(OwnEmbedded(server): OwnEmbedded) {
    let lake = &server.lake().await;
    let spec = json!({"version": 1, "stack": "lake", "buckets": {
        "raw": {"tags": {"a": "b"}, "lifecycle": []}, "bare": {},
    }});
    let error = assert_kind(plan_of(lake, &spec).await, ErrorKind::Unsupported);
    assert_eq!(error.failures().len(), 2, "{error}");
    assert!(error.message().contains("does not implement \"tags\""), "{error}");
    assert!(lake.list_buckets().await.unwrap().is_empty());
}

async fn users_and_quotas_are_refused_while_planning(OwnEmbedded(server): OwnEmbedded) {
    let lake = &server.lake().await;
    let mut spec = portable();
    spec["buckets"]["raw"]["quota"] = "1GiB".into();
    spec["policies"] = json!({"p": {"grants": [{"access": "read", "bucket": "raw"}]}});
    spec["groups"] = json!({"g": {"policies": ["p"]}});
    let error = assert_kind(plan_of(lake, &spec).await, ErrorKind::Unsupported);
    for count in ["1 policy", "1 group", "1 quota"] {
        assert!(error.message().contains(count), "{error}");
    }
    assert!(lake.list_buckets().await.unwrap().is_empty());
}
