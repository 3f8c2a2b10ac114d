use proptest::prelude::*;
use serde_json::json;

use super::model::{Server, columns, ids};
use super::*;
use crate::bucket_config::ObservedVersioning;
use crate::plan::{BucketAction, StepStatus, TableAction};
use crate::resource::Adoption;
use crate::spec::Versioning;
use crate::state::{Alive, Capabilities, Contents, Reading};

fn spec(document: &Value) -> Spec {
    Spec::from_value(document).unwrap_or_else(|error| panic!("{error:?} {:?}", error.failures()))
}

/// Returns a spec of the stack `s` with these contents.
fn of(mut document: Value) -> Spec {
    document["version"] = json!(1);
    document["stack"] = json!("s");
    spec(&document)
}

fn plan_with(server: &Server, spec: &Spec, options: &DiffOptions) -> Result<Plan> {
    let secrets = server.check_secrets(spec);
    let comparisons = Comparisons { secrets: &secrets, conditions: &SameText };
    diff(spec, &server.observe(), comparisons, &server.registry, options)
}

fn plan(server: &Server, spec: &Spec) -> Result<Plan> {
    plan_with(server, spec, &DiffOptions::default())
}

fn prune_options() -> DiffOptions {
    DiffOptions { prune: true, ..DiffOptions::default() }
}

#[track_caller]
fn applied(spec: &Spec) -> Server {
    let mut server = Server::new();
    let plan = plan(&server, spec).unwrap();
    server.apply(&plan);
    assert_nothing_to_do(&server, spec);
    server
}

#[track_caller]
fn assert_nothing_to_do(server: &Server, spec: &Spec) {
    let again = plan_with(server, spec, &prune_options()).unwrap();
    assert_eq!(again.steps, [], "a second plan has nothing to do");
    assert_eq!(again.intents, BTreeMap::new());
}

#[track_caller]
fn verbs(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{} {}", step.action.verb(), step.resource())).collect()
}

#[track_caller]
fn refusals(result: Result<Plan>) -> Vec<String> {
    let error = result.unwrap_err();
    match error.failures() {
        [] => vec![error.to_string()],
        several => several.iter().map(ToString::to_string).collect(),
    }
}

fn example() -> Spec {
    let mut document = crate::spec::tests::example();
    document["policies"]["custom"]["document"]["Statement"] =
        json!([{ "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*" }]);
    spec(&document)
}

#[test]
fn the_example_is_made_in_order_and_then_there_is_nothing_to_do() {
    let mut server = Server::new();
    let first = plan(&server, &example()).unwrap();
    assert!(!first.is_destructive());
    assert_eq!(first.summary().to_string(), "9 to create");
    let order = verbs(&first);
    let at = |verb: &str| {
        order.iter().position(|have| have == verb).unwrap_or_else(|| panic!("{verb}: {order:#?}"))
    };
    assert!(at("create_bucket bucket raw") < at("create_table table raw/flights"));
    assert!(at("put_policy policy raw-writer") < at("attach_policies group analysts"));
    assert!(at("put_user user etl") < at("join_group user etl"));
    let account = &first.steps[at("create_service_account service account ingest")];
    assert!(account.after.contains(&first.steps[at("join_group user etl")].id));

    // A plan that is read from its file equals the plan.
    let written = first.to_json().unwrap();
    assert_eq!(Plan::from_json(written.as_bytes()).unwrap(), first);
    server.apply(&first);
    assert_nothing_to_do(&server, &example());
}

#[test]
fn a_field_that_is_no_longer_declared_goes_back_to_the_default() {
    let mut server = applied(&example());
    let mut document = crate::spec::tests::example();
    document["policies"] = json!({ "raw-writer": document["policies"]["raw-writer"] });
    document["buckets"]["raw"] = json!({});
    document["tables"]["raw/flights"]["properties"] = json!({});
    document["tables"]["raw/flights"].as_object_mut().unwrap().remove("constraints");
    document["users"]["etl"].as_object_mut().unwrap().remove("groups");
    let less = spec(&document);
    let plan = plan(&server, &less).unwrap();
    assert_eq!(
        verbs(&plan),
        [
            "set_versioning bucket raw",
            "set_tags bucket raw",
            "set_lifecycle bucket raw",
            "set_bucket_policy bucket raw",
            "set_quota bucket raw",
            "set_encryption bucket raw",
            "set_notifications bucket raw",
            "set_table_properties table raw/flights",
            "drop_constraint table raw/flights",
            "leave_group user etl",
        ]
    );
    assert_eq!(plan.notes[0].resource.to_string(), "policy custom");
    assert!(plan.notes[0].text.contains("--prune"), "{:?}", plan.notes);
    assert_eq!(plan.kept, [plan.notes[0].resource.clone()]);
    server.apply(&plan);
    let bucket = &server.has.buckets[&"raw".parse().unwrap()];
    assert_eq!(bucket.versioning, Reading::Is(Versioning::Suspended.into()));
    assert_eq!(bucket.quota, Reading::Is(None));
    // The policy still exists, and the stack still owns it.
    let pruned = plan_with(&server, &less, &prune_options()).unwrap();
    assert_eq!(verbs(&pruned), ["delete_policy policy custom"]);
    assert!(pruned.is_destructive());
}

#[test]
fn a_field_that_was_never_declared_is_not_touched() {
    let spec = of(json!({ "buckets": { "raw": { "versioning": true } } }));
    let mut server = applied(&spec);
    let bucket = server.has.buckets.get_mut(&"raw".parse().unwrap()).unwrap();
    bucket.tags = BTreeMap::from([("by".to_owned(), "hand".to_owned())]).into();
    bucket.quota = Reading::NotRead;
    assert_nothing_to_do(&server, &spec);
}

#[test]
fn an_existing_resource_has_no_owner_until_it_is_adopted() {
    let bare = of(json!({ "buckets": { "raw": { "versioning": true } } }));
    let mut server = applied(&bare);
    server.registry = Registry::default();
    let refusal = refusals(plan(&server, &bare));
    assert_eq!(refusal.len(), 1);
    assert!(refusal[0].starts_with("plan bucket raw: it exists already"), "{refusal:?}");
    assert!(refusal[0].contains("lakewright adopt bucket/raw --stack s"), "{refusal:?}");

    let asked = DiffOptions {
        adopt: BTreeSet::from(["bucket/raw".parse().unwrap()]),
        ..DiffOptions::default()
    };
    assert_eq!(verbs(&plan_with(&server, &bare, &asked).unwrap()), ["adopt bucket raw"]);

    let adopting = of(json!({ "buckets": { "raw": { "tags": {"a": "b"}, "adopt": true } } }));
    let adopted = plan(&server, &adopting).unwrap();
    assert_eq!(verbs(&adopted), ["adopt bucket raw", "set_tags bucket raw"]);
    server.apply(&adopted);
    assert_nothing_to_do(&server, &adopting);
    // After the adoption the field `adopt` may be removed.
    assert_nothing_to_do(&server, &of(json!({ "buckets": { "raw": { "tags": {"a": "b"} } } })));
}

#[test]
fn resources_of_another_stack_are_refused_even_if_they_are_to_be_adopted() {
    let server = applied(&of(json!({ "buckets": { "raw": {} } })));
    let other =
        spec(&json!({ "version": 1, "stack": "other", "buckets": { "raw": { "adopt": true } } }));
    let error = plan(&server, &other).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("belongs to the stack s"), "{error}");
}

#[test]
fn all_impossible_changes_are_reported_at_once_with_the_remedy() {
    let server = applied(&of(json!({
        "buckets": { "raw": {}, "audit": { "object_lock": {} } },
        "tables": { "raw/t": { "schema": { "a": "long", "b": "date" }, "partition_by": ["b"] } },
    })));
    let error = plan(&server, &of(json!({
        "buckets": { "raw": { "object_lock": {} }, "audit": { "versioning": false } },
        "tables": { "raw/t": { "schema": { "a": "string", "b": "date", "c": "long not null" }, "partition_by": [] } },
    })))
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let reported: Vec<String> = error.failures().iter().map(ToString::to_string).collect();
    assert_eq!(reported.len(), 4, "{reported:#?}");
    for (reported, parts) in reported.iter().zip([
        ["bucket audit: versioning cannot be suspended", "leave it out"],
        ["bucket raw: it was made without object lock", "another name"],
        [r#"table raw/t: the column "a: long" is declared as "a: string""#, "without \"not null\""],
        ["table raw/t: it is partitioned by b, not by nothing", "copy the rows"],
    ]) {
        for part in parts {
            assert!(reported.contains(part), "{reported}");
        }
    }
}

#[test]
fn columns_are_added() {
    let one =
        json!({ "buckets": { "raw": {} }, "tables": { "raw/t": { "schema": { "a": "long" } } } });
    let mut server = applied(&of(one));
    let two = of(
        json!({ "buckets": { "raw": {} }, "tables": { "raw/t": { "schema": { "a": "long", "b": "date" } } } }),
    );
    let plan = plan(&server, &two).unwrap();
    assert_eq!(plan.steps[0].changes[0].field, "schema.b");
    assert_eq!(
        plan.steps[0].action,
        Action::Table(
            "raw/t".parse().unwrap(),
            TableAction::AddColumns { columns: columns(&json!({"b": "date"})).0 }
        )
    );
    server.apply(&plan);
    assert_nothing_to_do(&server, &two);
}

/// Puts an object into the bucket `raw`.
fn fill(server: &mut Server) {
    let bucket = server.has.buckets.get_mut(&"raw".parse().unwrap()).unwrap();
    bucket.contents = Contents { other: true, ..Contents::default() }.into();
}

#[test]
fn a_bucket_with_objects_is_deleted_only_if_its_applied_declaration_allows_it() {
    let nothing = of(json!({}));
    let mut server = applied(&of(json!({ "buckets": { "raw": {} } })));
    fill(&mut server);
    let refusal = refusals(plan_with(&server, &nothing, &prune_options()));
    assert!(
        refusal[0].contains("force_destroy") && refusal[0].contains("forget bucket/raw"),
        "{refusal:?}"
    );
    // Without `prune` the plan has only a note.
    assert_eq!(plan(&server, &nothing).unwrap().steps, []);

    let forced = of(json!({ "buckets": { "raw": { "force_destroy": true } } }));
    let record = plan(&server, &forced).unwrap();
    assert_eq!(verbs(&record), ["record bucket raw"]);
    assert_eq!(record.steps[0].changes[0].field, "force_destroy");
    server.apply(&record);
    let gone = plan_with(&server, &nothing, &prune_options()).unwrap();
    let deletion = BucketAction::DeleteBucket { force: true };
    assert_eq!(gone.steps[0].action, Action::Bucket("raw".parse().unwrap(), deletion));
    server.apply(&gone);
    assert_eq!(server.registry.resources, BTreeMap::new());
}

#[test]
fn a_table_with_rows_is_not_dropped_by_accident_and_goes_before_its_bucket() {
    let some =
        json!({ "buckets": { "raw": {} }, "tables": { "raw/t": { "schema": { "a": "long" } } } });
    let mut server = applied(&of(some));
    let plan = plan_with(&server, &of(json!({})), &prune_options()).unwrap();
    assert_eq!(verbs(&plan), ["drop_table table raw/t", "delete_bucket bucket raw"]);
    assert_eq!(plan.steps[1].after, ids(&[0]));
    server.has.tables.values_mut().next().unwrap().empty = false.into();
    let refusal = refusals(plan_with(&server, &of(json!({})), &prune_options()));
    assert!(
        refusal.iter().any(|reported| reported.contains("table raw/t: it has rows")),
        "{refusal:#?}"
    );
}

/// MinIO drops a part of such rules, and the verb would refuse them only halfway through an apply.
#[test]
fn lifecycle_rules_that_minio_ignores_are_refused() {
    let rule = json!({ "id": "a", "expire_after_days": 1, "abort_incomplete_after_days": 2 });
    let declared = of(json!({ "buckets": { "raw": { "lifecycle": [rule] } } }));
    let mut server = Server::new();
    let refusal = refusals(plan(&server, &declared));
    assert!(refusal[0].contains("abort_incomplete_after_days"), "{refusal:#?}");
    server.has.capabilities = Capabilities::S3;
    assert_eq!(
        verbs(&plan(&server, &declared).unwrap()),
        ["create_bucket bucket raw", "set_lifecycle bucket raw"]
    );
}

/// The tables of a bucket are not dropped if the deletion of the bucket would be refused.
#[test]
fn no_table_is_dropped_before_a_bucket_that_stays() {
    let of_bucket = |bucket: Value| {
        of(json!({
            "buckets": { "raw": bucket },
            "tables": { "raw/t": { "schema": { "a": "long" }, "force_destroy": true } },
        }))
    };
    let refused = |server: &Server, why: &str| {
        let refusal = refusals(plan_with(server, &of(json!({})), &prune_options()));
        assert!(refusal.len() == 1 && refusal[0].contains(why), "{refusal:#?}");
        assert!(refusal[0].contains("force_destroy"), "{refusal:#?}");
    };
    let mut server = applied(&of_bucket(json!({})));
    fill(&mut server);
    refused(&server, "bucket raw: it holds objects");
    // Old versions are objects too, and dropping a table creates them.
    let versioned = json!({ "versioning": true });
    refused(&applied(&of_bucket(versioned)), "bucket raw: it has versioning");
    // The files that a missing table left behind count as objects, because no step drops them.
    let mut server = applied(&of_bucket(json!({})));
    server.has.tables.clear();
    let nothing = of(json!({}));
    let mut seen = server.observe();
    let bucket = seen.buckets.get_mut(&"raw".parse().unwrap()).unwrap();
    let tables = BTreeSet::from(["raw/t".parse().unwrap()]);
    bucket.contents = Contents { tables, other: false }.into();
    let secrets = SecretChecks::default();
    let comparisons = Comparisons { secrets: &secrets, conditions: &SameText };
    let refusal = refusals(diff(&nothing, &seen, comparisons, &server.registry, &prune_options()));
    assert!(refusal[0].contains("bucket raw: it holds objects"), "{refusal:#?}");

    let mut server = applied(&of_bucket(json!({ "versioning": true, "force_destroy": true })));
    fill(&mut server);
    let plan = plan_with(&server, &nothing, &prune_options()).unwrap();
    assert_eq!(verbs(&plan), ["drop_table table raw/t", "delete_bucket bucket raw"]);
}

/// Returns a spec of the stack `o` with these tables.
fn of_other(tables: &[&str]) -> Spec {
    let tables: serde_json::Map<String, Value> = tables
        .iter()
        .map(|uri| ((*uri).to_owned(), json!({ "schema": { "a": "long" } })))
        .collect();
    spec(&json!({ "version": 1, "stack": "o", "buckets": {}, "tables": tables }))
}

#[test]
fn a_new_table_lies_neither_inside_nor_around_one_of_another_stack() {
    let raw = json!({ "buckets": { "raw": {} },
        "tables": { "raw/a/t": { "schema": { "a": "long" } } } });
    let server = applied(&of(raw.clone()));
    for (path, why) in [
        ("raw/a/t/x/y", "table raw/a/t/x/y: it lies inside the table raw/a/t of the stack s"),
        ("raw/a", "table raw/a: the table raw/a/t of the stack s lies inside it"),
    ] {
        let error = plan(&server, &of_other(&[path])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains(why), "{error}");
    }
    plan(&server, &of_other(&["raw/a/t2", "raw/a/s", "raw/b"])).unwrap();

    // The same holds for a table of the own stack that the plan drops. After it was dropped, the
    // path is free.
    let mut moved = raw;
    moved["tables"] = json!({ "raw/a/t/x": { "schema": { "a": "long" } } });
    let refusal = refusals(plan_with(&server, &of(moved.clone()), &prune_options()));
    assert!(
        refusal.iter().any(|reported| reported.contains("inside the table raw/a/t")),
        "{refusal:#?}"
    );
    let mut gone = server;
    gone.has.tables.clear();
    plan_with(&gone, &of(moved), &prune_options()).unwrap();
}

#[test]
fn a_table_is_not_dropped_with_or_from_under_another() {
    let raw = |tables: Value| of(json!({ "buckets": { "raw": {} }, "tables": tables }));
    let table = json!({ "schema": { "a": "long" } });
    for (mine, other) in [("raw/a/t", "raw/a/t/x"), ("raw/a/t/x", "raw/a")] {
        // The nested tables exist already: `adopt` by hand does not check for them.
        let mut server = applied(&raw(json!({ mine: table })));
        let foreign: ResourceId = format!("table/{other}").parse().unwrap();
        let owner = StackName::new("o").unwrap();
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        server.registry =
            server.registry.adopt(&Adoption::of(foreign.clone()).unwrap(), &owner, now).unwrap();
        let refusal = refusals(plan_with(&server, &raw(json!({})), &prune_options()));
        assert!(refusal[0].contains("of the stack o"), "{refusal:#?}");
        assert!(refusal[0].contains(&format!("forget table/{mine} --stack s")), "{refusal:#?}");

        let mut server = applied(&raw(json!({ mine: table })));
        server.registry = server
            .registry
            .adopt(&Adoption::of(foreign.clone()).unwrap(), &"s".parse().unwrap(), now)
            .unwrap();
        let at = server.has.tables.values().next().unwrap().clone();
        server.has.tables.insert(other.parse().unwrap(), at);
        let declared = raw(json!({ other: table }));
        let refusal = refusals(plan_with(&server, &declared, &prune_options()));
        assert!(refusal[0].contains("which is declared"), "{refusal:#?}");
        // Both are dropped, the inner one first.
        let both = plan_with(&server, &raw(json!({})), &prune_options()).unwrap();
        let inner = mine.max(other);
        assert_eq!(both.steps[0].resource().address(), format!("table/{inner}"));
        assert_eq!(both.steps[1].after, ids(&[0]));
    }
}

#[test]
fn a_bucket_with_a_table_of_another_stack_stays() {
    let mut server = applied(&of(json!({ "buckets": { "raw": { "force_destroy": true } } })));
    let foreign = plan(&server, &of_other(&["raw/t"])).unwrap();
    server.apply(&foreign);
    let refusal = refusals(plan_with(&server, &of(json!({})), &prune_options()));
    assert!(
        refusal[0].contains("bucket raw: the table raw/t of the stack o is in it"),
        "{refusal:#?}"
    );
    server.apply(&plan_with(&server, &of_other(&[]), &prune_options()).unwrap());
    plan_with(&server, &of(json!({})), &prune_options()).unwrap();
}

#[test]
fn rows_go_with_a_table_only_where_that_was_declared() {
    let declared = |force: bool| {
        of(json!({ "buckets": { "raw": {} },
            "tables": { "raw/t": { "schema": { "a": "long" }, "force_destroy": force } } }))
    };
    for force in [false, true] {
        let server = applied(&declared(force));
        let plan =
            plan_with(&server, &of(json!({ "buckets": { "raw": {} } })), &prune_options()).unwrap();
        let action = TableAction::DropTable { force };
        assert_eq!(plan.steps[0].action, Action::Table("raw/t".parse().unwrap(), action));
    }
}

#[test]
fn a_plan_file_that_was_tampered_with_is_refused() {
    let server = applied(&example());
    let plan = plan_with(&server, &of(json!({})), &prune_options()).unwrap();
    assert_eq!(plan.steps, [], "it is of another stack");
    let nothing = spec(&json!({ "version": 1, "stack": example().stack.as_str() }));
    let mut forced = server;
    for table in forced.has.tables.values_mut() {
        table.empty = true.into();
    }
    for bucket in forced.has.buckets.values_mut() {
        bucket.versioning = ObservedVersioning::default().into();
    }
    let plan = plan_with(&forced, &nothing, &prune_options()).unwrap();
    let value = serde_json::to_value(&plan).unwrap();
    let read = |change: &dyn Fn(&mut Value)| {
        let mut value = value.clone();
        change(&mut value);
        Plan::from_json(value.to_string().as_bytes())
    };
    assert_eq!(read(&|_| {}).unwrap(), plan);
    let first = plan.steps[0].resource().address();
    let other = if first.starts_with("bucket/") { "table/a/b" } else { "bucket/other" };
    type Change<'a> = (&'a dyn Fn(&mut Value), &'a str);
    let changes: [Change<'_>; 5] = [
        (&|plan| plan["steps"][0]["risk"] = json!("safe"), "is not safe"),
        (&|plan| plan["intents"] = json!({}), "has no intent"),
        (&|plan| plan["intents"][&first]["kind"] = json!("forget"), "does not fit the intent"),
        (&|plan| plan["intents"][other] = json!({ "kind": "delete" }), "an intent and no step"),
        (&|plan| plan["steps"][0]["resource"] = json!(other), "not a valid action of the"),
    ];
    for (change, why) in changes {
        let error = read(change).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn a_plan_that_touches_what_another_stack_owns_does_not_begin() {
    let spec = of(json!({ "buckets": { "raw": {} } }));
    let mut server = applied(&spec);
    let own = plan_with(&server, &of(json!({})), &prune_options()).unwrap();
    let foreign = Plan { stack: "o".parse().unwrap(), ..own.clone() };
    let error = server.begin(&foreign).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("belongs to the stack s"), "{error}");

    // A plan cannot claim that the resource was left over by an interrupted apply.
    let stolen = crate::state::Recovered { resource: "bucket/raw".parse().unwrap(), owned: None };
    let stealing = Plan { recovered: vec![stolen.clone()], ..foreign.clone() };
    assert_eq!(server.begin(&stealing).unwrap_err().kind(), ErrorKind::InvalidInput);

    // A plan of any stack recovers the resources of an interrupted apply of another stack.
    server.begin(&own).unwrap();
    server.has.buckets.clear();
    let next = crate::diff::tests::spec(&json!({ "version": 1, "stack": "o" }));
    let next = plan(&server, &next).unwrap();
    assert_eq!(next.recovered, [stolen]);
    let lease = server.registry.lease.clone().unwrap();
    let begun =
        server.registry.take_lease(&next, lease.holder, "t", lease.taken, Alive::Ended).unwrap();
    assert_eq!(begun.resources, BTreeMap::new());
}

#[test]
fn destroying_an_unknown_stack_adds_a_note() {
    let server = applied(&of(json!({ "buckets": { "raw": {} } })));
    let gone = |stack: &str| {
        let (stack, lake) = (stack.parse().unwrap(), "lake".parse().unwrap());
        let options = DiffOptions::default();
        destroy(&stack, &lake, &server.observe(), &server.registry, &options).unwrap()
    };
    let unknown = gone("t");
    assert_eq!(unknown.steps, []);
    assert_eq!(unknown.notes[0].resource.to_string(), "bucket lake");
    assert!(unknown.notes[0].text.contains("has no stack t"), "{:?}", unknown.notes);
    assert_eq!(gone("s").notes, []);
}

#[test]
fn secrets_are_set_when_they_differ_and_with_the_step_that_enables() {
    let user = |rest: Value| {
        let mut user = json!({ "secret": { "env": "A" } });
        user.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        of(json!({ "users": { "etl": user } }))
    };
    let mut server = applied(&user(json!({})));
    let replaced = user(json!({ "secret": { "env": "B" } }));
    let step = plan(&server, &replaced).unwrap();
    assert_eq!(verbs(&step), ["put_user user etl"]);
    server.apply(&step);
    assert_nothing_to_do(&server, &replaced);

    let disabled = user(json!({ "secret": { "env": "B" }, "enabled": false }));
    let step = plan(&server, &disabled).unwrap();
    assert_eq!(verbs(&step), ["set_user_enabled user etl"]);
    server.apply(&step);
    // The secret of a disabled user is not compared: another reference is only recorded.
    let moved = user(json!({ "secret": { "env": "C" }, "enabled": false }));
    let step = plan(&server, &moved).unwrap();
    assert_eq!(verbs(&step), ["record user etl"]);
    server.apply(&step);
    let enabled = user(json!({ "secret": { "env": "C" } }));
    let step = plan(&server, &enabled).unwrap();
    assert_eq!(verbs(&step), ["put_user user etl"]);
    server.apply(&step);
    assert_nothing_to_do(&server, &enabled);
}

#[test]
fn a_service_account_keeps_owner_and_key() {
    let account = |owner: &str, key: &str| {
        let secret = json!({ "env": "A" });
        of(json!({
            "users": { "etl": { "secret": secret }, "web": { "secret": secret } },
            "service_accounts": { "in": { "owner": owner, "access_key": key, "secret": secret } },
        }))
    };
    let server = applied(&account("etl", "key1"));
    for (owner, key, part) in [
        ("web", "key1", "it acts for etl, not for web"),
        ("etl", "key2", "its access key is key1, not key2"),
    ] {
        let refusal = refusals(plan(&server, &account(owner, key)));
        assert!(refusal[0].contains(part) && refusal[0].contains("another name"), "{refusal:?}");
    }
}

#[test]
fn without_the_admin_api_users_and_quotas_are_refused_in_one_sentence() {
    let mut server = Server::new();
    server.has.capabilities = Capabilities { conditional_put: false, ..Capabilities::S3 };
    let error = plan_with(
        &server,
        &example(),
        &DiffOptions { endpoint: "http://x".into(), ..DiffOptions::default() },
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let reported: Vec<String> = error.failures().iter().map(ToString::to_string).collect();
    assert_eq!(reported.len(), 2, "{reported:#?}");
    assert!(reported[0].contains("If-None-Match"), "{reported:#?}");
    assert!(
        reported[1].contains("2 policies, 1 group, 1 user, 1 service account, 1 quota"),
        "{reported:#?}"
    );
    // A setting that the server lacks is also refused for a bucket that is yet to be created.
    server.has.capabilities = Capabilities::S3;
    server.has.capabilities.lacks.insert(crate::state::BucketSetting::Versioning);
    let refusal =
        refusals(plan(&server, &of(json!({ "buckets": { "raw": { "versioning": true } } }))));
    assert!(refusal[0].contains("does not implement \"versioning\""), "{refusal:?}");
}

#[test]
fn versioning_that_leaves_keys_out_is_not_versioning() {
    let spec = of(json!({ "buckets": { "raw": { "versioning": true } } }));
    let mut server = applied(&spec);
    let bucket = server.has.buckets.get_mut(&"raw".parse().unwrap()).unwrap();
    let unversioned = ["tmp/*".to_owned()].into();
    bucket.versioning =
        ObservedVersioning { unversioned, ..ObservedVersioning::from(Versioning::Enabled) }.into();
    let repair = plan(&server, &spec).unwrap();
    assert_eq!(verbs(&repair), ["set_versioning bucket raw"]);
    let old = repair.steps[0].changes[0].old.clone().unwrap();
    assert!(old.to_string().contains("but not for tmp/*"), "{old}");
    server.apply(&repair);
    assert_nothing_to_do(&server, &spec);
}

#[test]
fn a_quota_is_not_given_up_in_silence() {
    let mut server = applied(&of(json!({ "buckets": { "raw": { "quota": "1GiB" } } })));
    server.has.capabilities = Capabilities::S3;
    let without = of(json!({ "buckets": { "raw": { "tags": {} } } }));
    let refusal = refusals(plan(&server, &without));
    assert!(refusal[0].contains("bucket raw: its quota is not declared any more"), "{refusal:?}");
    assert!(refusal[0].contains("forget bucket/raw"), "{refusal:?}");
    server.has.capabilities = Capabilities::MINIO;
    assert_eq!(verbs(&plan(&server, &without).unwrap()), ["set_quota bucket raw"]);
}

#[test]
fn policies_are_compared_by_meaning() {
    let policy = |document: Value| of(json!({ "policies": { "p": { "document": document } } }));
    let mut server = applied(&policy(json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*" },
    ] })));
    // The form in which MinIO returns the policy.
    *server.has.policies.values_mut().next().unwrap() = json!({ "ID": "", "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": ["**"] }] });
    let reworded = policy(json!({ "Version": "2012-10-17", "Id": "x", "Statement":
        { "Sid": "y", "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": ["*"] } }));
    assert_nothing_to_do(&server, &reworded);
}

#[test]
fn a_lease_is_held_by_one_and_ends_with_its_process() {
    let spec = of(json!({ "buckets": { "raw": {} } }));
    let mut server = Server::new();
    let first = plan(&server, &spec).unwrap();
    server.begin(&first).unwrap();
    let lease = server.registry.lease.clone().unwrap();
    let during = lease.taken + crate::state::Lease::RENEW_EVERY;
    let refusal = server
        .registry
        .take_lease(&first, lease.holder.clone(), "mine", during, Alive::Unknown)
        .unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Conflict);
    assert!(
        refusal.to_string().contains("is applying the stack s since 2026-11-21T00:00:00Z"),
        "{refusal}"
    );

    // The process of the holder has ended, so the lease is free. The plan is stale.
    let stale =
        server.registry.take_lease(&first, lease.holder.clone(), "mine", during, Alive::Ended);
    assert_eq!(stale.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    let second = plan(&server, &spec).unwrap();
    let taken = server
        .registry
        .take_lease(&second, lease.holder.clone(), "mine", during, Alive::Ended)
        .unwrap();
    // The renewal by the previous holder fails.
    assert_eq!(taken.renew("token", during).unwrap_err().kind(), ErrorKind::Conflict);
    assert!(taken.renew("mine", during).unwrap().lease.unwrap().expires > lease.expires);
    let late = lease.expires;
    server
        .registry
        .take_lease(&second, lease.holder.clone(), "mine", late, Alive::Unknown)
        .unwrap();
}

#[test]
fn a_process_is_looked_for_where_it_can_be() {
    use crate::state::{Holder, ProcessLookup};
    let not_found = |_| ProcessLookup::NotFound;
    let holder = Holder {
        machine_id: "m".into(),
        boot_id: "b".into(),
        pid_namespace: "pid:[1]".into(),
        pid: 7,
        process_start: 100,
        ..Holder::default()
    };
    assert_eq!(holder.alive(&holder, |_| ProcessLookup::StartedAt(100)), Alive::Yes);
    assert_eq!(holder.alive(&holder, |_| ProcessLookup::StartedAt(101)), Alive::Ended);
    assert_eq!(holder.alive(&holder, not_found), Alive::Ended);
    // A hidden process may still run.
    assert_eq!(holder.alive(&holder, |_| ProcessLookup::Hidden), Alive::Unknown);
    let timeless = Holder { process_start: 0, ..holder.clone() };
    assert_eq!(timeless.alive(&holder, |_| ProcessLookup::StartedAt(101)), Alive::Unknown);
    assert_eq!(timeless.alive(&holder, not_found), Alive::Ended);
    let nowhere = Holder { pid_namespace: String::new(), ..holder.clone() };
    assert_eq!(nowhere.alive(&nowhere, not_found), Alive::Unknown);
    let here = |change: fn(&mut Holder)| {
        let mut here = holder.clone();
        change(&mut here);
        here
    };
    assert_eq!(holder.alive(&here(|h| h.boot_id = "c".into()), not_found), Alive::Unknown);
    assert_eq!(holder.alive(&here(|h| h.machine_id = "n".into()), not_found), Alive::Unknown);
    assert_eq!(
        holder.alive(&here(|h| h.pid_namespace = "pid:[2]".into()), not_found),
        Alive::Unknown
    );
    assert_eq!(Holder::default().alive(&Holder::default(), not_found), Alive::Unknown);
}

#[test]
fn a_lease_is_not_believed_longer_than_it_was_written() {
    let spec = of(json!({ "buckets": { "raw": {} } }));
    let mut server = Server::new();
    let first = plan(&server, &spec).unwrap();
    server.begin(&first).unwrap();
    let taken = server.registry.lease.as_ref().unwrap().taken;
    let seconds = jiff::SignedDuration::from_secs;
    let ends = |registry: Registry| registry.lease.unwrap().expires;
    // The written expiry holds as long as it fits the write time, even of a clock some seconds
    // behind.
    for behind in [0, 4] {
        assert_eq!(
            server.registry.clone().with_write_time(Some(taken - seconds(behind))),
            server.registry
        );
    }
    let mut odd = server.registry.clone();
    let lease = odd.lease.as_mut().unwrap();
    lease.expires = "9999-12-30T22:00:00Z".parse().unwrap();
    (lease.holder.host, lease.holder.user) =
        ("h\u{1b}[2J".repeat(99), Some("\u{202e}eve\n".into()));
    assert_eq!(ends(odd.clone().with_write_time(None)).strftime("%Y").to_string(), "9999");
    let odd = odd.with_write_time(Some(taken));
    assert_eq!(ends(odd.clone()), taken + seconds(35));
    let refused = odd.ensure_free(taken, Alive::Unknown).unwrap_err().to_string();
    assert!(refused.contains(r"\u{202e}eve\n@h\u{1b}[2Jh"), "{refused}");
    assert!(!refused.contains(char::is_control) && refused.len() < 400, "{refused}");
    assert!(odd.ensure_free(taken + seconds(35), Alive::Unknown).is_ok());
}

#[test]
fn adopt_and_forget_by_hand() {
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    let (id, mine, other) =
        ("bucket/raw".parse().unwrap(), StackName::new("s").unwrap(), StackName::new("o").unwrap());
    let bucket = Adoption::of(ResourceId::clone(&id)).unwrap();
    let registry = Registry::default().adopt(&bucket, &mine, now).unwrap();
    assert_eq!(registry.serial, 1);
    assert_eq!(registry.adopt(&bucket, &other, now).unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(registry.forget(&id, &other).unwrap_err().kind(), ErrorKind::Conflict);
    let empty = registry.forget(&id, &mine).unwrap();
    assert_eq!(empty.forget(&id, &mine).unwrap_err().kind(), ErrorKind::NotFound);
    let unknown = br#"{"version": 9, "serial": 1, "resources": {}}"#;
    let error = Registry::from_json(unknown).unwrap_err();
    assert!(error.to_string().contains("version 9"), "{error}");
}

#[test]
fn an_adopted_service_account_is_found_by_its_access_key() {
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    let made = of(json!({ "service_accounts": {
        "ingest": { "access_key": "INGEST1", "secret": { "env": "X" }, "description": "d" },
    } }));
    let mut server = applied(&made);
    server.registry = Registry::default();
    let mine = made.stack.clone();
    let adoption: Adoption = "service-account/ingest=INGEST1".parse().unwrap();
    server.registry = server.registry.adopt(&adoption, &mine, now).unwrap();
    let twice: Adoption = "service-account/other=INGEST1".parse().unwrap();
    let refused = server.registry.adopt(&twice, &mine, now).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let adopted = server.clone();
    // A field that is not declared is not changed: the description stays.
    let plain = of(json!({ "service_accounts": {
        "ingest": { "access_key": "INGEST1", "secret": { "env": "X" } },
    } }));
    let record = plan(&server, &plain).unwrap();
    assert_eq!(verbs(&record), ["record service account ingest"]);
    server.apply(&record);
    assert_nothing_to_do(&server, &plain);
    let gone = plan_with(&adopted, &of(json!({})), &prune_options()).unwrap();
    assert_eq!(verbs(&gone), ["delete_service_account service account ingest"]);
    // After an apply that was interrupted before this step the account is still owned, and the next
    // plan deletes it.
    let mut killed = adopted;
    killed.begin(&gone).unwrap();
    let again = plan_with(&killed, &of(json!({})), &prune_options()).unwrap();
    assert_eq!((verbs(&again), again.recovered), (verbs(&gone), vec![]));
}

// Strategies for specs.

fn maybe(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Option<Value>> {
    prop::option::of(value)
}

/// Returns an object of the fields that have a value.
fn object(fields: Vec<(&'static str, Option<Value>)>) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect())
}

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::sample::select(values).prop_map(|text| {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    })
}

fn some_bucket() -> impl Strategy<Value = Value> {
    (
        maybe(one_of(&["true", "false"])),
        maybe(one_of(&["1024", "\"10GiB\""])),
        maybe(one_of(&["{}", r#"{"a":"b"}"#, r#"{"a":"c","d":"e"}"#])),
        maybe(one_of(&[
            "[]",
            r#"[{"id":"x","expire_after_days":1},{"id":"y","prefix":"","enabled":true,"expire_after_days":2}]"#,
            r#"[{"id":"y","expire_after_days":2}]"#,
        ])),
        maybe(one_of(&[r#""read""#, r#""none""#, r#"{"in/":"write"}"#])),
        maybe(one_of(&[r#""sse_s3""#, r#"{"sse_kms":"k"}"#])),
        maybe(one_of(&["[]", r#"[{"id":"n","arn":"arn:minio:sqs::x:webhook","events":["s3:B","s3:A"]}]"#])),
        maybe(one_of(&[r#"{"mode":"governance","days":1}"#, "{}"])),
        any::<bool>(),
    )
        .prop_map(|(versioning, quota, tags, lifecycle, anonymous, encryption, notifications, lock, force)| {
            let versioning = versioning.filter(|v| lock.is_none() || *v == json!(true));
            object(vec![
                ("versioning", versioning),
                ("quota", quota),
                ("tags", tags),
                ("lifecycle", lifecycle),
                ("anonymous", anonymous),
                ("encryption", encryption),
                ("notifications", notifications),
                ("object_lock", lock),
                ("force_destroy", force.then_some(json!(true))),
            ])
        })
}

fn some_table() -> impl Strategy<Value = Value> {
    (
        one_of(&[r#"{"a":"long","b":"date"}"#, r#"{"a":"long","b":"date","c":"string"}"#]),
        maybe(one_of(&[
            r#"{"delta.appendOnly":"true"}"#,
            r#"{"delta.appendOnly":"false","x":"y"}"#,
            "{}",
        ])),
        maybe(one_of(&[r#"{"c1":"a > 0"}"#, r#"{"c1":"a > 1","c2":"a < 9"}"#, "{}"])),
    )
        .prop_map(|(schema, properties, constraints)| {
            object(vec![
                ("schema", Some(schema)),
                ("partition_by", Some(json!(["b"]))),
                ("properties", properties),
                ("constraints", constraints),
            ])
        })
}

fn names(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::sample::subsequence(names, 0..=names.len()).prop_map(|names| json!(names))
}

fn some_user() -> impl Strategy<Value = Value> {
    (
        one_of(&[r#"{"env":"A"}"#, r#"{"file":"/b"}"#]),
        maybe(one_of(&["true", "false"])),
        maybe(names(&["p1", "p2", "readonly"])),
        maybe(names(&["g1", "g2"])),
    )
        .prop_map(|(secret, enabled, policies, groups)| {
            object(vec![
                ("secret", Some(secret)),
                ("enabled", enabled),
                ("policies", policies),
                ("groups", groups),
            ])
        })
}

fn some_policy() -> impl Strategy<Value = Value> {
    one_of(&[
        r#"{"grants":[{"access":"read","bucket":"aaa"}]}"#,
        r#"{"grants":[{"access":"read_write","bucket":"aaa","prefix":"x/"},{"access":"write","bucket":"bbb"}]}"#,
        r#"{"document":{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}}"#,
    ])
}

fn some_account() -> impl Strategy<Value = Value> {
    (
        one_of(&[r#"{"env":"A"}"#, r#"{"file":"/b"}"#]),
        maybe(one_of(&[
            r#"[{"access":"read","bucket":"aaa"}]"#,
            r#"[{"access":"write","bucket":"aaa"}]"#,
        ])),
        maybe(one_of(&[r#""2030-01-01T00:00:00Z""#, r#""2031-01-01T00:00:00Z""#])),
        maybe(one_of(&[r#""for them""#, r#""""#])),
    )
        .prop_map(|(secret, grants, expires, description)| {
            object(vec![
                ("owner", Some(json!("usr1"))),
                ("access_key", None),
                ("secret", Some(secret)),
                ("grants", grants),
                ("expires", expires),
                ("description", description),
            ])
        })
}

fn some_of(
    keys: &'static [&'static str],
    value: impl Strategy<Value = Value> + 'static,
) -> impl Strategy<Value = Value> {
    let value = value.boxed();
    prop::sample::subsequence(keys, 0..=keys.len()).prop_flat_map(move |keys| {
        let values = prop::collection::vec(value.clone(), keys.len());
        values.prop_map(move |values| {
            Value::Object(keys.iter().map(|key| (*key).to_owned()).zip(values).collect())
        })
    })
}

/// Returns a strategy for valid specs, in which every reference is to a declared resource.
fn some_document() -> impl Strategy<Value = Value> {
    (
        some_of(&["aaa", "bbb", "ccc"], some_bucket()),
        some_of(&["aaa/t", "aaa/u/v", "bbb/t"], some_table()),
        some_of(&["p1", "p2"], some_policy()),
        some_of(
            &["g1", "g2"],
            (maybe(names(&["p1", "p2"])), maybe(one_of(&["true", "false"]))).prop_map(
                |(policies, enabled)| object(vec![("policies", policies), ("enabled", enabled)]),
            ),
        ),
        some_of(&["usr1", "usr2"], some_user()),
        some_of(&["sa1", "sa2"], some_account()),
    )
        .prop_map(|(buckets, mut tables, policies, groups, mut users, mut accounts)| {
            let has = |map: &Value, name: &str| map.get(name).is_some();
            tables.as_object_mut().unwrap().retain(|uri, _| has(&buckets, &uri[..3]));
            let known = |list: &mut Value, known: &Value| {
                if let Some(list) = list.as_array_mut() {
                    list.retain(|name| name == "readonly" || has(known, name.as_str().unwrap()));
                }
            };
            let mut groups = groups;
            for group in groups.as_object_mut().unwrap().values_mut() {
                known(&mut group["policies"], &policies);
            }
            for user in users.as_object_mut().unwrap().values_mut() {
                known(&mut user["policies"], &policies);
                known(&mut user["groups"], &groups);
            }
            for (name, account) in accounts.as_object_mut().unwrap() {
                account["access_key"] = json!(format!("key-{name}"));
            }
            if !has(&users, "usr1") {
                accounts = json!({});
            }
            json!({
                "version": 1, "stack": "s", "buckets": buckets, "tables": tables,
                "policies": policies, "groups": groups, "users": users,
                "service_accounts": accounts,
            })
        })
}

/// Changes the server as an administrator would by hand.
fn tamper(server: &mut Server, dice: &mut impl FnMut(usize) -> usize) {
    for bucket in server.has.buckets.values_mut() {
        match dice(5) {
            0 => bucket.tags = BTreeMap::from([("by".to_owned(), "hand".to_owned())]).into(),
            1 => {
                bucket.policy =
                    Some(json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny" }] }))
                        .into()
            }
            2 => bucket.quota = Reading::Is(None),
            3 => bucket.lifecycle = Reading::Is(vec![]),
            _ => {}
        }
    }
    for table in server.has.tables.values_mut() {
        if dice(3) == 0 {
            table.properties.clear();
            table.constraints.clear();
        }
    }
    let users: Vec<_> = server.has.users.keys().cloned().collect();
    for user in users {
        match dice(4) {
            0 => server.has.users.get_mut(&user).unwrap().enabled ^= true,
            1 => {
                server.secrets.remove(&user);
            }
            2 => {
                server.has.users.remove(&user);
                server.has.service_accounts.retain(|_, account| account.owner != user);
                for group in server.has.groups.values_mut() {
                    group.members.remove(&user);
                }
            }
            _ => {}
        }
    }
    for account in server.has.service_accounts.values_mut() {
        match dice(3) {
            0 => account.enabled = false,
            1 => account.policy = None,
            _ => {}
        }
    }
    for group in server.has.groups.values_mut() {
        if dice(2) == 0 {
            group.members.clear();
            group.policies.clear();
        }
    }
    if dice(2) == 0
        && let Some(name) = server.has.buckets.keys().next().cloned()
    {
        server.has.buckets.remove(&name);
        server.has.tables.retain(|uri, _| *uri.bucket() != name);
    }
}

/// Returns a generator of pseudo-random numbers below a bound, from a seed (xorshift).
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed | 1;
    move |sides| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % sides
    }
}

/// Returns the resources and declarations, without the parts that depend on the order of steps.
fn end_state(server: &Server) -> (Observed, BTreeMap<ResourceId, Option<Declaration>>) {
    let mut has = server.has.clone();
    for bucket in has.buckets.values_mut() {
        // The contents depend on whether a table was dropped before or after its bucket got
        // versioning.
        bucket.contents = Reading::NotRead;
    }
    let owned = server.registry.resources.iter();
    (has, owned.map(|(id, owned)| (id.clone(), owned.declared.clone())).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn an_applied_spec_has_no_drift(document in some_document(), seed in any::<u64>()) {
        let spec = spec(&document);
        let mut server = Server::new();
        let first = plan(&server, &spec).unwrap();
        let written = first.to_json().unwrap();
        prop_assert_eq!(Plan::from_json(written.as_bytes()).unwrap(), first.clone());
        server.begin(&first).unwrap();
        // The steps are done in a random order that their dependencies allow.
        let report = server.run(&first, dice(seed), |_| false, usize::MAX >> 1);
        prop_assert!(report.is_complete(&first));
        server.end(&first, &report);
        assert_nothing_to_do(&server, &spec);
    }

    #[test]
    fn one_document_follows_another(before in some_document(), after in some_document(), seed in any::<u64>()) {
        let (before, after) = (spec(&before), spec(&after));
        let mut server = applied(&before);
        // Some changes are refused as a whole, such as object lock on a bucket without it.
        let Ok(change) = plan_with(&server, &after, &prune_options()) else { return Ok(()) };
        server.begin(&change).unwrap();
        let report = server.run(&change, dice(seed), |_| false, usize::MAX >> 1);
        prop_assert!(report.is_complete(&change));
        server.end(&change, &report);
        assert_nothing_to_do(&server, &after);
        let owned: BTreeSet<_> = server.registry.resources.keys().cloned().collect();
        let made = after.buckets.len() + after.tables.len() + after.policies.len()
            + after.groups.len() + after.users.len() + after.service_accounts.len();
        prop_assert_eq!(owned.len(), made);
    }

    #[test]
    fn drift_is_found_and_repaired(document in some_document(), seed in any::<u64>()) {
        let spec = spec(&document);
        let mut server = applied(&spec);
        tamper(&mut server, &mut dice(seed));
        let Ok(repair) = plan(&server, &spec) else { return Ok(()) };
        server.apply(&repair);
        assert_nothing_to_do(&server, &spec);
    }

    #[test]
    fn killed_at_any_step_it_comes_to_the_same_end(
        before in some_document(), after in some_document(), at in any::<prop::sample::Index>(), seed in any::<u64>(),
    ) {
        let (before, after) = (spec(&before), spec(&after));
        let mut straight = applied(&before);
        let mut killed = straight.clone();
        let Ok(whole) = plan_with(&straight, &after, &prune_options()) else { return Ok(()) };
        straight.apply(&whole);

        killed.begin(&whole).unwrap();
        let budget = at.index(whole.steps.len() + 1);
        let report = killed.run(&whole, dice(seed), |_| false, budget);
        // Half of the cases record the progress before the rest is planned.
        if seed.is_multiple_of(2) {
            let now = "2026-11-21T00:00:05Z".parse().unwrap();
            killed.registry = killed.registry.record("token", &whole, &report, now).unwrap();
        }
        let rest = plan_with(&killed, &after, &prune_options()).unwrap();
        // The lease of the interrupted apply blocks others until it expires.
        let lease = killed.registry.lease.clone().unwrap();
        prop_assert!(killed.registry.ensure_free(lease.taken, Alive::Unknown).is_err());
        let now = lease.expires;
        killed.registry =
            killed.registry.take_lease(&rest, lease.holder, "token", now, Alive::Ended).unwrap();
        let report = killed.run(&rest, dice(seed), |_| false, usize::MAX >> 1);
        prop_assert!(report.is_complete(&rest));
        killed.end(&rest, &report);
        assert_nothing_to_do(&killed, &after);
        prop_assert_eq!(end_state(&killed), end_state(&straight));
    }

    #[test]
    fn failed_steps_are_done_by_the_next_apply(
        before in some_document(), after in some_document(), bad in any::<u64>(), seed in any::<u64>(),
    ) {
        let (before, after) = (spec(&before), spec(&after));
        let mut straight = applied(&before);
        let mut failing = straight.clone();
        let Ok(whole) = plan_with(&straight, &after, &prune_options()) else { return Ok(()) };
        straight.apply(&whole);

        failing.begin(&whole).unwrap();
        let mut luck = dice(bad);
        let report = failing.run(&whole, dice(seed), |_| luck(4) == 0, usize::MAX >> 1);
        let failed = report.outcomes.values().any(|outcome| matches!(outcome, StepStatus::Failed { .. }));
        prop_assert_eq!(report.is_complete(&whole), !failed);
        failing.end(&whole, &report);
        let rest = plan_with(&failing, &after, &prune_options()).unwrap();
        failing.apply(&rest);
        assert_nothing_to_do(&failing, &after);
        prop_assert_eq!(end_state(&failing), end_state(&straight));
    }

    #[test]
    fn destroying_leaves_nothing(document in some_document(), seed in any::<u64>()) {
        let spec = spec(&document);
        let mut server = applied(&spec);
        let bucket = spec.registry_bucket().unwrap();
        let all = destroy(&spec.stack, &bucket, &server.observe(), &server.registry, &DiffOptions::default());
        let all = match all {
            Err(error) => {
                // No step was started: dropped tables in a bucket with versioning leave old
                // versions.
                prop_assert!(error.to_string().contains("it has versioning"), "{}", error);
                return Ok(());
            }
            Ok(all) => all,
        };
        server.begin(&all).unwrap();
        let report = server.run(&all, dice(seed), |_| false, usize::MAX >> 1);
        server.end(&all, &report);
        prop_assert_eq!(&server.registry.resources, &BTreeMap::new());
        prop_assert_eq!(server.has, Server::new().has);
    }

    #[test]
    fn the_order_of_declaration_does_not_matter(document in some_document()) {
        fn reversed(value: &Value) -> String {
            match value {
                Value::Object(map) => {
                    let entries: Vec<String> = map.iter().rev()
                        .map(|(key, value)| format!("{}:{}", json!(key), reversed(value)))
                        .collect();
                    format!("{{{}}}", entries.join(","))
                }
                Value::Array(items) => {
                    let items: Vec<String> = items.iter().map(reversed).collect();
                    format!("[{}]", items.join(","))
                }
                plain => plain.to_string(),
            }
        }
        let straight = spec(&document);
        let turned = Spec::from_json(reversed(&document).as_bytes()).unwrap();
        // The order of columns is that of their map, so tables are compared by name only.
        let tables: Vec<_> = turned.tables.keys().cloned().collect();
        prop_assert_eq!(straight.tables.keys().cloned().collect::<Vec<_>>(), tables);
        let without = |spec: &Spec| Spec { tables: BTreeMap::new(), ..spec.clone() };
        prop_assert_eq!(without(&straight).hash().unwrap(), without(&turned).hash().unwrap());
        let server = applied(&straight);
        prop_assert_eq!(
            plan(&Server::new(), &without(&straight)).unwrap(),
            plan(&Server::new(), &without(&turned)).unwrap(),
        );
        let again = plan(&server, &turned).unwrap();
        prop_assert!(again.steps.iter().all(|step| step.action.verb() == "record"), "{:?}", again.steps);
    }
}
