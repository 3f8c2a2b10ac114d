//! Every field of every kind of resource: set, changed by another client, repaired, reset.

use lakewright_tests::tests;
use serde_json::json;

use super::{
    MARK, World, assert_complete, assert_nothing_to_do, destroy, document, everything,
    plan_and_apply, plan_of, pruned, silent, step_names,
};

tests![
    every_field_is_applied_and_deleted,
    changes_by_other_clients_are_repaired,
    changed_and_removed_fields,
];

async fn every_field_is_applied_and_deleted(world: World) {
    let before = everything(&world.lake).await;
    let spec = world.every_field();
    let plan = plan_and_apply(&world.lake, &spec).await;

    let registry = String::from_utf8(world.state().await.to_json().unwrap()).unwrap();
    for text in [&registry, &plan.to_json().unwrap(), &format!("{plan:?}")] {
        assert!(!text.contains(MARK), "a secret is in {text}");
    }
    assert!(world.state().await.lease.is_none());
    // Resources that no spec declared have no owner.
    assert_eq!(world.state().await.resources.len(), 12);

    let left = json!({"version": 1, "stack": "lake"});
    let kept = plan_of(&world.lake, &left).await.unwrap();
    assert!(kept.is_empty() && kept.notes.len() == 12, "{:?}", step_names(&kept));
    assert!(kept.differs() && kept.kept.len() == 12, "{:?}", kept.kept);
    let plan = pruned(&world.lake, &left).await;
    assert!(plan.is_destructive());
    assert_complete(world.lake.apply(&plan, &silent).await, &plan);
    assert_eq!(everything(&world.lake).await, before);
    assert!(world.state().await.resources.is_empty());
}

async fn changes_by_other_clients_are_repaired(world: World) {
    let spec = world.every_field();
    plan_and_apply(&world.lake, &spec).await;
    let other = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}]});
    let other_file = world.path("other.json");
    std::fs::write(&other_file, other.to_string()).unwrap();
    let other_file = other_file.to_str().unwrap();
    let everyone = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"],
        "Resource": ["arn:aws:s3:::plain/*"]}]});
    let everyone_file = world.path("everyone.json");
    std::fs::write(&everyone_file, everyone.to_string()).unwrap();
    let everyone_file = everyone_file.to_str().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["version", "suspend", "kit/plain"], "set_versioning bucket/plain"),
        (
            &["version", "enable", "--excluded-prefixes", "tmp/,x", "kit/plain"],
            "set_versioning bucket/plain",
        ),
        (&["version", "enable", "--exclude-folders", "kit/plain"], "set_versioning bucket/plain"),
        (&["quota", "set", "kit/plain", "--size", "2GiB"], "set_quota bucket/plain"),
        (&["quota", "clear", "kit/plain"], "set_quota bucket/plain"),
        (&["ilm", "rule", "rm", "--id", "tmp", "kit/plain"], "set_lifecycle bucket/plain"),
        (&["anonymous", "set-json", everyone_file, "kit/plain"], "set_bucket_policy bucket/plain"),
        (&["anonymous", "set", "download", "kit/open"], "set_bucket_policy bucket/open"),
        (&["tag", "set", "kit/plain", "team=other"], "set_tags bucket/plain"),
        (&["tag", "remove", "kit/plain"], "set_tags bucket/plain"),
        (&["encrypt", "clear", "kit/plain"], "set_encryption bucket/plain"),
        (&["encrypt", "set", "sse-s3", "kit/open"], "set_encryption bucket/open"),
        (&["event", "remove", "kit/plain", "--force"], "set_notifications bucket/plain"),
        (
            &["retention", "set", "--default", "compliance", "5d", "kit/locked"],
            "set_object_lock bucket/locked",
        ),
        (&["admin", "policy", "create", "kit", "reads", other_file], "put_policy policy/reads"),
        (
            &["admin", "policy", "detach", "kit", "reads", "--group", "analysts"],
            "attach_policies group/analysts",
        ),
        (
            &["admin", "policy", "attach", "kit", "readwrite", "--group", "analysts"],
            "detach_policies group/analysts",
        ),
        (&["admin", "group", "disable", "kit", "analysts"], "set_group_enabled group/analysts"),
        (&["admin", "group", "enable", "kit", "sleepers"], "set_group_enabled group/sleepers"),
        (&["admin", "group", "remove", "kit", "analysts", "ann"], "join_group user/ann"),
        (&["admin", "group", "add", "kit", "analysts", "bob"], "leave_group user/bob"),
        (&["admin", "user", "add", "kit", "ann", "another-secret"], "put_user user/ann"),
        (&["admin", "user", "disable", "kit", "ann"], "put_user user/ann"),
        (&["admin", "user", "enable", "kit", "bob"], "set_user_enabled user/bob"),
        (
            &["admin", "policy", "detach", "kit", "lists", "--user", "ann"],
            "attach_policies user/ann",
        ),
        (
            &["admin", "policy", "attach", "kit", "readonly", "--user", "ann"],
            "detach_policies user/ann",
        ),
        (
            &["admin", "user", "svcacct", "edit", "kit", "INGEST1", "--secret-key", "another-one"],
            "update_service_account service-account/ingest",
        ),
        (
            &["admin", "user", "svcacct", "disable", "kit", "INGEST1"],
            "update_service_account service-account/ingest",
        ),
        (
            &["admin", "user", "svcacct", "edit", "kit", "INGEST1", "--policy", other_file],
            "update_service_account service-account/ingest",
        ),
        (
            &["admin", "user", "svcacct", "edit", "kit", "INGEST1", "--description", "other"],
            "update_service_account service-account/ingest",
        ),
        (&["rb", "--force", "kit/open"], "create_bucket bucket/open"),
        (&["rm", "-r", "--force", "--versions", "kit/plain/t/"], "create_table table/plain/t"),
        (&["admin", "user", "remove", "kit", "bob"], "put_user user/bob"),
        (
            &["admin", "user", "svcacct", "rm", "kit", "INGEST1"],
            "create_service_account service-account/ingest",
        ),
    ];
    for (command, expected) in cases {
        world.mc.change(command);
        let drift = world.lake.drift(&document(&spec)).await;
        let drift = drift.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let found = step_names(&drift);
        assert!(found.iter().any(|step| step == expected), "{command:?}: {found:?}");
        let address = expected.split_once(' ').unwrap().1;
        // No other step, which shows that the case before was repaired.
        assert!(found.iter().all(|step| step.ends_with(address)), "{command:?}: {found:?}");
        let plan = plan_of(&world.lake, &spec).await.unwrap();
        assert_complete(world.lake.apply(&plan, &silent).await, &plan);
    }
    assert_nothing_to_do(&world.lake, &spec).await;
    destroy(&world.lake, "lake").await;
}

/// A changed field of the spec is applied; a field that the spec leaves out is reset.
async fn changed_and_removed_fields(world: World) {
    let mut spec = world.every_field();
    plan_and_apply(&world.lake, &spec).await;
    let plain = &mut spec["buckets"]["plain"];
    plain["versioning"] = "suspended".into();
    plain["quota"] = 5_000_000_000_u64.into();
    plain["lifecycle"] = json!([{"id": "tmp", "expire_after_days": 8}]);
    plain["tags"] = json!({});
    plain["encryption"] = json!({"sse_kms": "lakewright"});
    plain["notifications"][0]["suffix"] = ".json".into();
    plain["policy"]["Statement"][0]["Action"] = "s3:PutObject".into();
    spec["buckets"]["locked"]["object_lock"] = json!({"mode": "governance", "years": 1});
    spec["buckets"]["open"]["anonymous"] = "none".into();
    let table = &mut spec["tables"]["plain/t"];
    table["schema"]["more"] = "array<double>".into();
    table["properties"] = json!({"owner": "bob", "delta.logRetentionDuration": "interval 9 days"});
    table["constraints"] = json!({"positive": "id > 1"});
    spec["policies"]["lists"]["document"]["Statement"]["Action"] = "s3:ListBucket".into();
    spec["groups"]["analysts"] = json!({"policies": ["lists"], "enabled": false});
    spec["groups"]["sleepers"] = json!({"policies": []});
    world.secret("ann", "hush-hush-changed");
    spec["users"]["ann"]["policies"] = json!(["reads"]);
    spec["users"]["ann"]["groups"] = json!(["sleepers"]);
    spec["users"]["bob"]["enabled"] = true.into();
    let ingest = &mut spec["service_accounts"]["ingest"];
    ingest["description"] = "outgoing data".into();
    world.secret("ingest", "hush-hush-again");
    let fields = ingest.as_object_mut().unwrap();
    fields.remove("expires");
    fields.remove("grants");
    plan_and_apply(&world.lake, &spec).await;
    let account = world.lake.admin().service_account_info("INGEST1").await.unwrap();
    assert_eq!((account.policy, account.expires), (None, None));
    assert_eq!(account.description.as_deref(), Some("outgoing data"));

    // Fields that are left out are reset to their defaults.
    for bucket in ["plain", "locked", "open"] {
        spec["buckets"][bucket] = json!({"force_destroy": true});
    }
    for field in ["properties", "constraints"] {
        spec["tables"]["plain/t"].as_object_mut().unwrap().remove(field);
    }
    plan_and_apply(&world.lake, &spec).await;
    let plain = world.lake.bucket("plain".try_into().unwrap());
    assert!(plain.get_lifecycle().await.unwrap().is_empty());
    assert!(plain.get_notifications().await.unwrap().is_empty());
    assert!(plain.get_policy().await.unwrap().is_none());
    assert!(plain.get_encryption().await.unwrap().is_none());
    assert!(world.lake.admin().bucket_quota(plain.name()).await.unwrap().is_none());
    let locked = world.lake.bucket("locked".try_into().unwrap());
    assert_eq!(locked.get_object_lock().await.unwrap(), Some(Default::default()));
    let table = world.lake.table(lakewright::TableUri::new("plain/t").unwrap());
    let properties = table.details().await.unwrap().properties;
    assert!(properties.is_empty(), "{properties:?}");
    assert_nothing_to_do(&world.lake, &spec).await;
    destroy(&world.lake, "lake").await;
}
