use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::ErrorKind;
use crate::bucket_config::Setting;

/// Returns the example of the documentation, which has every field of a spec.
pub(crate) fn example() -> Value {
    json!({
        "version": 1, "stack": "lake",
        "buckets": {
            "raw": {
                "versioning": true, "quota": "10GiB", "tags": {"team": "data"},
                "lifecycle": [
                    { "id": "tmp", "prefix": "tmp/", "expire_after_days": 7 },
                    { "id": "old", "noncurrent_expire_after_days": 30, "newer_noncurrent_versions": 2 },
                    { "id": "day", "enabled": false, "expire_on": "2027-01-01", "tags": {"a": "b"} },
                    { "id": "cold", "object_size_greater_than": 1000, "object_size_less_than": 100_000,
                      "transitions": [{ "storage_class": "COLD", "after_days": 30 },
                                      { "storage_class": "FROZEN", "on": "2031-01-01" }],
                      "noncurrent_transitions": [{ "storage_class": "COLD", "after_days": 1,
                                                   "newer_noncurrent_versions": 3 }] },
                ],
                "encryption": "sse_s3",
                "notifications": [
                    { "id": "n", "arn": "arn:minio:sqs::one:webhook", "events": ["s3:ObjectCreated:*"] },
                ],
                "policy": { "Version": "2012-10-17", "Statement": [
                    { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                      "Resource": "arn:aws:s3:::raw/*" },
                ] },
            },
            "audit": { "object_lock": { "mode": "governance", "days": 30 } },
            "web": { "anonymous": { "public/": "read", "in/": "write" }, "force_destroy": true,
                     "encryption": { "sse_kms": "k1" } },
        },
        "tables": {
            "raw/flights": {
                "schema": { "day": "date", "carrier": "string", "delay": "double not null" },
                "partition_by": ["day"],
                "properties": { "delta.appendOnly": "true" },
                "constraints": { "sane": "delay > -1000" },
            },
        },
        "policies": {
            "raw-writer": { "grants": [ { "access": "read_write", "bucket": "raw", "prefix": "in/" } ] },
            "custom": { "document": { "Version": "2012-10-17", "Statement": [] } },
        },
        "groups": { "analysts": { "policies": ["raw-writer", "readonly"] } },
        "users": {
            "etl": { "secret": {"file": "/run/agenix/etl"}, "policies": ["raw-writer"],
                     "groups": ["analysts"] },
        },
        "service_accounts": {
            "ingest": { "owner": "etl", "access_key": "ingest", "secret": {"credential": "ingest"},
                        "expires": "2027-01-01T00:00:00Z" },
        },
    })
}

#[track_caller]
fn faults(json: &str) -> Vec<String> {
    let error = Spec::from_json(json.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    match error.failures() {
        [] => vec![error.to_string()],
        several => several.iter().map(ToString::to_string).collect(),
    }
}

/// Returns the faults of a spec with these contents.
#[track_caller]
fn faults_of(rest: &str) -> Vec<String> {
    faults(&format!(r#"{{"version": 1, "stack": "s", {rest}}}"#))
}

#[track_caller]
fn only_fault_of(rest: &str) -> String {
    let faults = faults_of(rest);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults.into_iter().next().unwrap()
}

#[test]
fn the_example_reads_and_its_canonical_form_stays() {
    let spec = Spec::from_value(&example()).unwrap();
    let canonical = spec.canonical().unwrap();
    let again = Spec::from_json(canonical.as_bytes()).unwrap();
    assert_eq!(again, spec);
    assert_eq!(again.canonical().unwrap(), canonical);
    assert_eq!(spec.hash().unwrap().len(), 64);
    assert!(canonical.contains(r#""quota":10737418240"#), "{canonical}");
    assert!(canonical.contains(r#""raw/flights":{"#), "{canonical}");
    assert_eq!(spec.registry_bucket().unwrap().as_str(), "lakewright-state");
}

#[test]
fn columns_keep_the_order_they_are_written_in() {
    let text = r#"{"version": 1, "stack": "s", "tables": {"raw/t": {"schema": {"z": "long", "a": "bigint not null"}}}}"#;
    let spec = Spec::from_json(text.as_bytes()).unwrap();
    let table = spec.tables.values().next().unwrap();
    let columns: Vec<String> = table.schema.0.iter().map(ToString::to_string).collect();
    assert_eq!(columns, ["z: long", "a: long not null"]);
}

#[test]
fn faults_name_path_expectation_and_what_was_meant() {
    for (rest, fault) in [
        (
            r#""buckets": {"raw": {"quotta": 1}}"#,
            r#"buckets.raw.quotta: a bucket has no such field; did you mean "quota"?"#,
        ),
        (r#""bucket": {}"#, r#"bucket: the document has no such field; did you mean "buckets"?"#),
        (
            r#""buckets": {"raw": {"versioning": "enable"}}"#,
            r#"buckets.raw.versioning: versioning (true or "enabled", false or "suspended") is expected here, and "enable" was found; did you mean "enabled"?"#,
        ),
        (
            r#""buckets": {"raw": {"tags": {"a": 1}}}"#,
            "buckets.raw.tags.a: a text is expected here, and a number was found",
        ),
        (
            r#""buckets": {"raw": {"lifecycle": [{"id": "x", "expire_after_days": -1}]}}"#,
            "buckets.raw.lifecycle[0].expire_after_days: a whole number from 0 to 4294967295 is expected here",
        ),
        (
            r#""tables": {"raw/t": {"schema": {"a": "strng"}}}"#,
            r#"tables["raw/t"].schema.a: "strng" is no type of a column: "strng" is no type of Delta; did you mean "string"?"#,
        ),
        (
            r#""buckets": {"raw": {"quota": "10GiBi"}}"#,
            r#"buckets.raw.quota: "GiBi" is no unit of size; there are B, KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB, PB"#,
        ),
    ] {
        assert_eq!(only_fault_of(rest), fault);
    }
}

#[test]
fn all_faults_are_reported_at_once() {
    let error = Spec::from_json(
        br#"{"version": 1, "stack": "a b", "buckets": {"Raw": {}, "raw": {"quota": true, "x": 1}}}"#,
    )
    .unwrap_err();
    assert_eq!(error.failures().len(), 4, "{:?}", error.failures());
    let text = error.to_string();
    assert!(text.starts_with("4 things are wrong with the document; the first: stack: "), "{text}");
}

#[test]
fn versions_are_named() {
    assert_eq!(
        faults(r#"{"version": 2, "stack": "s", "new_words": 1}"#),
        ["version: version 2 of the format is not known; this lakewright knows version 1"]
    );
    assert_eq!(faults(r#"{"stack": "s"}"#), [r#"the field "version" is missing"#]);
    assert_eq!(faults("[]"), ["the document (a map) is expected here, and a list was found"]);
}

#[test]
fn literal_secrets_are_refused_and_never_quoted() {
    for secret in [
        r#""hunter2""#,
        "77777",
        r#"{"value": "hunter2"}"#,
        r#"{"hunter2": 1}"#,
        r#"{"file": "a", "env": "hunter2"}"#,
        r#"["hunter2"]"#,
    ] {
        let fault = only_fault_of(&format!(r#""users": {{"etl": {{"secret": {secret}}}}}"#));
        assert!(fault.starts_with("users.etl.secret: "), "{fault}");
        assert!(fault.contains(r#"{"file": PATH}"#), "{fault}");
        assert!(!fault.contains("hunter2") && !fault.contains("77777"), "{fault}");
    }
    let fault = only_fault_of(r#""users": {"etl": {"secret": "hunter2"}}"#);
    assert!(fault.contains("never written into a declaration"), "{fault}");
}

#[test]
fn a_duplicate_key_is_refused() {
    let faults = faults(r#"{"version": 1, "stack": "s", "buckets": {"raw": {}, "raw": {}}}"#);
    assert!(faults[0].contains(r#"the key "raw" stands twice"#), "{faults:?}");
    let fault = only_fault_of(
        r#""tables": {"raw/t": {"schema": {"a": "long"}}, "s3://raw/t/": {"schema": {"a": "long"}}}"#,
    );
    assert!(fault.contains("twice, written in two ways"), "{fault}");
}

/// Returns the paths of the warnings about a spec with these contents.
fn warned(rest: &Value) -> Vec<String> {
    let mut all = json!({ "version": 1, "stack": "s" });
    for (field, value) in rest.as_object().unwrap() {
        all[field] = value.clone();
    }
    let warnings = Spec::from_value(&all).unwrap().warnings();
    warnings.into_iter().map(|warning| warning.path).collect()
}

#[test]
fn access_to_the_registry_is_warned_of() {
    let secret = json!({ "env": "X" });
    let found = warned(&json!({
        "policies": { "raw": { "grants": [{ "access": "read", "bucket": "raw" }] } },
        "groups": { "all": { "policies": ["diagnostics", "readonly", "writeonly"] } },
        "users": {
            "ann": { "secret": secret, "policies": ["readwrite"] },
            "ben": { "secret": secret, "policies": ["readwrite", "raw"] },
            "eve": { "secret": secret, "policies": ["consoleAdmin"] },
            "tim": { "secret": secret, "policies": ["raw", "consoleAdmin"] },
        },
    }));
    // The policy of grants keeps ben out, and tim, who could not apply specs.
    let expected = [
        "groups.all.policies[1]",
        "groups.all.policies[2]",
        "users.ann.policies[0]",
        "users.tim.policies[1]",
    ];
    assert_eq!(found, expected);

    let allow = |action: &str, resource: &str| {
        json!({ "Effect": "Allow", "Action": action,
                "Resource": format!("arn:aws:s3:::{resource}") })
    };
    let deny = json!({ "Effect": "Deny", "Action": "s3:*",
                       "Resource": ["arn:aws:s3:::mine", "arn:aws:s3:::mine/*"] });
    let mut deny_on_condition = deny.clone();
    deny_on_condition["Condition"] = json!({ "Bool": { "aws:SecureTransport": "false" } });
    let everywhere_else = json!({ "Effect": "Allow", "Action": ["s3:*"],
                                  "NotResource": ["arn:aws:s3:::mine*"] });
    for (statements, is_warned) in [
        (json!([allow("s3:*", "*")]), true),
        (json!([allow("S3:Get*", "mi?e/*.json")]), true),
        (json!(allow("s3:PutBucketPolicy", "mine")), true),
        (json!([allow("s3:*", "*"), deny_on_condition]), true),
        (json!([allow("s3:*", "*"), deny]), false),
        (json!([allow("s3:*", "mines/*"), allow("s3:GetObject", "mine/other")]), false),
        (json!([allow("s3:ListAllMyBuckets", "*"), everywhere_else]), false),
        (json!([deny]), false),
    ] {
        let document = json!({ "Version": "2012-10-17", "Statement": statements });
        let found = warned(&json!({
            "registry": "mine",
            "policies": { "p": { "document": document } },
            "service_accounts": {
                "a": { "access_key": "abcdefgh", "secret": secret, "policy": document },
            },
        }));
        let expected: &[&str] =
            if is_warned { &["policies.p.document", "service_accounts.a.policy"] } else { &[] };
        assert_eq!(found, expected, "{statements}");
    }
}

#[test]
fn contradictions_are_found_without_a_server() {
    let user = r#""secret": {"env": "X"}"#;
    for (rest, part) in [
        (r#""buckets": {"lakewright-state": {}}"#.to_owned(), "registry"),
        (r#""registry": "mine", "buckets": {"mine": {}}"#.into(), "registry"),
        (r#""tables": {"lakewright-state/t": {"schema": {"a": "long"}}}"#.into(), "registry"),
        (r#""buckets": {"raw": {"object_lock": {}, "versioning": false}}"#.into(), "object lock needs versioning"),
        (r#""buckets": {"raw": {"object_lock": {"mode": "governance"}}}"#.into(), "days or years"),
        (r#""buckets": {"raw": {"object_lock": {"days": 3}}}"#.into(), "needs a mode"),
        (r#""buckets": {"raw": {"object_lock": {"mode": "compliance", "days": 0}}}"#.into(), "from 1 to"),
        (r#""buckets": {"raw": {"quota": 0}}"#.into(), "no quota to MinIO"),
        (r#""buckets": {"raw": {"quota": "99999999999PiB"}}"#.into(), "too large"),
        (r#""buckets": {"raw": {"anonymous": "read", "policy": {"Version": "2012-10-17", "Statement": []}}}"#.into(), "one policy"),
        (r#""buckets": {"raw": {"anonymous": {"a*": "read"}}}"#.into(), "pattern"),
        (r#""buckets": {"raw": {"policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}}}"#.into(), "needs a \"Principal\""),
        (r#""buckets": {"raw": {"policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Alow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}}}"#.into(), "\"Allow\" or \"Deny\""),
        (r#""buckets": {"raw": {"policy": {"Version": "2008-10-17", "Statement": []}}}"#.into(), "2012-10-17"),
        (r#""buckets": {"raw": {"policy": {"Statement": []}}}"#.into(), "2012-10-17"),
        (r#""policies": {"p": {"document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Ressource": "*"}]}}}"#.into(), "did you mean \"Resource\""),
        (r#""policies": {"p": {"document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}}}"#.into(), "policies of buckets"),
        (r#""buckets": {"raw": {"lifecycle": [{"id": "x"}]}}"#.into(), "does nothing"),
        (r#""buckets": {"raw": {"lifecycle": [{"id": "x", "expire_after_days": 1, "expire_on": "2027-01-01"}]}}"#.into(), "one at a time"),
        (r#""buckets": {"raw": {"lifecycle": [{"id": "x", "expire_after_days": 1}, {"id": "x", "expire_after_days": 1}]}}"#.into(), "another rule"),
        (r#""buckets": {"raw": {"lifecycle": [{"id": "x", "expire_on": "2027-13-01"}]}}"#.into(), "is no day"),
        (r#""buckets": {"raw": {"lifecycle": [{"id": "x", "abort_incomplete_multipart_upload_after_days": 1, "expire_after_days": 1}]}}"#.into(), "did you mean \"abort_incomplete_after_days\""),
        (r#""buckets": {"raw": {"tags": {"a": "{"}}}"#.into(), "cannot stand in a tag"),
        (r#""buckets": {"raw": {"notifications": [{"id": "x", "arn": "arn:minio:sqs::x:webhook", "events": ["ObjectCreated"]}]}}"#.into(), "no event of S3"),
        (r#""tables": {"raw/t": {"schema": {}}}"#.into(), "at least one column"),
        (r#""tables": {"raw/t": {"schema": {"a": "long", "A": "long"}}}"#.into(), "twice"),
        (r#""tables": {"raw/t": {"schema": {"a": "long", "b": "long"}, "partition_by": ["c"]}}"#.into(), "no column"),
        (r#""tables": {"raw/t": {"schema": {"a": "long"}, "partition_by": ["a"]}}"#.into(), "at least one column must not"),
        (r#""tables": {"raw/t": {"schema": {"a": "long"}}, "raw/t/u": {"schema": {"a": "long"}}}"#.into(), "lies inside the table \"raw/t\""),
        (r#""tables": {"raw/t": {"schema": {"a": "long"}, "properties": {"delta.constraints.x": "a > 1"}}}"#.into(), "under \"constraints\""),
        (r#""policies": {"readonly": {"grants": [{"access": "read", "bucket": "raw"}]}}"#.into(), "comes with a policy"),
        (r#""policies": {"p": {}}"#.into(), "needs a \"document\" or \"grants\""),
        (r#""policies": {"p": {"grants": []}}"#.into(), "at least one grant"),
        (r#""policies": {"p": {"grants": [{"access": "read", "bucket": "lakewright-state"}]}}"#.into(), "p.grants[0].bucket: this bucket contains the registry"),
        (r#""registry": "mine", "policies": {"p": {"grants": [{"access": "write", "bucket": "mine", "prefix": "a/"}]}}"#.into(), "contains the registry"),
        (format!(r#""service_accounts": {{"a": {{"access_key": "abc", {user}, "grants": [{{"access": "read", "bucket": "lakewright-state"}}]}}}}"#), "contains the registry"),
        (r#""groups": {"g": {"policies": ["raeder"]}, "k": {"policies": ["reader"]}}, "policies": {"reader": {"grants": [{"access": "read", "bucket": "raw"}]}}"#.into(), "did you mean \"reader\""),
        (format!(r#""users": {{"etl": {{{user}, "groups": ["g"]}}}}"#), "the group \"g\" is not declared"),
        (format!(r#""users": {{"et": {{{user}}}}}"#), "at least 3"),
        (format!(r#""service_accounts": {{"a": {{"owner": "nobody", "access_key": "abc", {user}}}}}"#), "the user \"nobody\" is not declared"),
        (format!(r#""service_accounts": {{"a": {{"access_key": "{}", {user}}}}}"#, "k".repeat(21)), "at most 20"),
        (format!(r#""service_accounts": {{"a": {{"access_key": "abc", {user}}}, "b": {{"access_key": "abc", {user}}}}}"#), "has the same access key"),
        (format!(r#""users": {{"abc": {{{user}}}}}, "service_accounts": {{"a": {{"access_key": "abc", {user}}}}}"#), "as a user already"),
        (format!(r#""service_accounts": {{"a": {{"access_key": "abc", {user}, "expires": "tomorrow"}}}}"#), "is no time"),
    ] {
        let fault = only_fault_of(&rest);
        assert!(fault.contains(part), "{rest}\n{fault}");
    }
}

/// Returns the faults that the verb of a setting reports for this value.
fn faults_of_verb<T: Setting>(value: &Value) -> Vec<String> {
    let error = T::from_value(value).and_then(|setting| setting.check()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    match error.failures() {
        [] => vec![error.to_string()],
        several => several.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_setting_has_the_same_faults_in_a_spec_and_in_a_verb() {
    type Faults = fn(&Value) -> Vec<String>;
    let cases: [(&str, Faults, Value); 12] = [
        ("versioning", faults_of_verb::<Versioning>, json!("enable")),
        ("object_lock", faults_of_verb::<ObjectLock>, json!({"mode": "governance"})),
        ("object_lock", faults_of_verb::<ObjectLock>, json!({"mode": "governance", "days": 0})),
        ("quota", faults_of_verb::<ByteSize>, json!(0)),
        ("lifecycle", faults_of_verb::<Vec<LifecycleRule>>, json!([{"id": "x", "expire_in": 3}])),
        (
            "lifecycle",
            faults_of_verb::<Vec<LifecycleRule>>,
            json!([{"id": "x", "expire_after_days": 1}, {"id": "x", "expire_after_days": 0}]),
        ),
        ("policy", faults_of_verb::<PolicyDocument>, json!({"Version": "2012-10-17"})),
        ("anonymous", faults_of_verb::<AnonymousAccess>, json!({"a*": "read"})),
        ("anonymous", faults_of_verb::<AnonymousAccess>, json!({"a": "raed"})),
        ("tags", faults_of_verb::<BTreeMap<String, String>>, json!({"a": "{"})),
        ("encryption", faults_of_verb::<Encryption>, json!("sse_s4")),
        (
            "notifications",
            faults_of_verb::<Vec<Notification>>,
            json!([{"id": "x", "arn": "arn:x", "events": ["s3:a", "b"]}]),
        ),
    ];
    for (field, faults_of_verb, value) in cases {
        let of_spec = faults_of(&format!(r#""buckets": {{"raw": {{"{field}": {value}}}}}"#));
        let of_verb = faults_of_verb(&value);
        assert!(of_verb.iter().all(|fault| fault.starts_with(field)), "{of_verb:#?}");
        let of_verb: Vec<_> =
            of_verb.into_iter().map(|fault| format!("buckets.raw.{fault}")).collect();
        assert_eq!(of_spec, of_verb);
    }
}

#[test]
fn hostile_documents_are_refused_in_bounded_memory() {
    let deep = "[".repeat(8 << 20);
    assert!(faults(&deep)[0].contains("32 deep"));
    let deep =
        format!(r#"{{"version": 1, "stack": {}1{}}}"#, r#"{"a":"#.repeat(60), "}".repeat(60));
    assert!(faults(&deep)[0].contains("32 deep"));
    let wide = format!("[{}0]", "0,".repeat(2 << 20));
    assert!(faults(&wide)[0].contains("more than 1048576 values"));
    let large = " ".repeat(17 << 20);
    assert!(faults(&large)[0].contains("more than 16777216 bytes"));
    // Of a hundred thousand faults a hundred are kept.
    let many: Vec<String> = (0..100_000).map(|n| format!(r#""x{n}": 1"#)).collect();
    let error = Spec::from_json(
        format!(r#"{{"version": 1, "stack": "s", {}}}"#, many.join(",")).as_bytes(),
    )
    .unwrap_err();
    assert_eq!(error.failures().len(), 101);
    assert!(error.to_string().len() < 1000, "{error}");
    // Misspelt names are compared with a bounded number of names, so the time is not quadratic.
    let many = |of: &dyn Fn(usize) -> String| (0..20_000).map(of).collect::<Vec<_>>().join(",");
    let began = std::time::Instant::now();
    let groups = format!(
        r#""groups": {{{}}}, "policies": {{{}}}"#,
        many(&|n| format!(r#""group{n}": {{"policies": ["a-policy-that-is-nowhere-{n}"]}}"#)),
        many(&|n| format!(
            r#""the-policy-that-is-there-{n}": {{"grants": [{{"access": "read", "bucket": "raw"}}]}}"#
        )),
    );
    assert_eq!(faults_of(&groups).len(), 101);
    assert!(began.elapsed() < std::time::Duration::from_secs(60), "{:?}", began.elapsed());
    let long_word = only_fault_of(&format!(
        r#""buckets": {{"raw": {{"anonymous": "{}"}}}}"#,
        "x".repeat(1 << 20)
    ));
    assert!(long_word.len() < 1000);
    let long_name = only_fault_of(&format!(r#""buckets": {{"{}": {{}}}}"#, "x".repeat(1 << 20)));
    assert!(long_name.len() < 1000, "{}", long_name.len());
    let bomb: Vec<String> = (0..20_000).map(|n| format!(r#""s3:Get{n}""#)).collect();
    let bomb = format!(
        r#""policies": {{"p": {{"document": {{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": [{}], "Resource": "*"}}]}}}}}}"#,
        bomb.join(",")
    );
    assert!(only_fault_of(&bomb).contains("at most 20480"));
}

#[test]
fn the_committed_schema_is_the_one_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/spec.schema.json");
    let schema = Spec::json_schema().unwrap();
    if std::env::var_os("LAKEWRIGHT_WRITE_SCHEMA").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == schema,
        "spec.schema.json is not what the types say: run \
         `cargo run -p lakewright-spec -- schema > crates/lakewright-core/spec.schema.json`"
    );
}

fn json_values() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "version",
        "stack",
        "buckets",
        "tables",
        "users",
        "raw",
        "raw/t",
        "schema",
        "secret",
        "file",
        "policies",
        "document",
        "grants",
        "Statement",
        "lifecycle",
        "anonymous",
        "quota",
        "10GiB",
        "sse_s3",
        "encryption",
        "enabled",
        "long",
        "struct<a:",
        "ü\u{202e}",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let key = prop_oneof![words.clone().prop_map(str::to_owned), ".{0,8}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Returns a strategy for the example with one value replaced by another.
fn mangled() -> impl Strategy<Value = Value> {
    (prop::collection::vec(any::<prop::sample::Index>(), 1..7), json_values()).prop_map(
        |(path, value)| {
            let mut document = example();
            let mut here = &mut document;
            for index in path {
                let next = match &*here {
                    Value::Object(map) if !map.is_empty() => index.index(map.len()),
                    Value::Array(list) if !list.is_empty() => index.index(list.len()),
                    _ => break,
                };
                here = match here {
                    Value::Object(map) => map.values_mut().nth(next).unwrap(),
                    Value::Array(list) => &mut list[next],
                    _ => unreachable!(),
                };
            }
            *here = value;
            document
        },
    )
}

#[test]
fn numbers_of_a_policy_come_back_to_the_last_bit() {
    let spec = Spec::from_value(&json!({ "version": 1, "stack": "s", "policies": { "p": {
        "document": { "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Action": "s3:ListBucket", "Resource": "*",
            "Condition": { "NumericLessThan": { "s3:max-keys": 2.8529806388043286e-180 } } }] },
    } } }))
    .unwrap();
    let canonical = spec.canonical().unwrap();
    assert_eq!(Spec::from_json(canonical.as_bytes()).unwrap(), spec);
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let result = Spec::from_json(&bytes);
        prop_assert!(result.is_err());
    }

    #[test]
    fn any_document_is_read_or_refused_briefly(document in prop_oneof![json_values(), mangled()]) {
        match Spec::from_value(&document) {
            Ok(spec) => {
                let canonical = spec.canonical().unwrap();
                prop_assert_eq!(Spec::from_json(canonical.as_bytes()).unwrap(), spec);
            }
            Err(error) => {
                prop_assert!(error.to_string().len() < 2000);
                prop_assert!(error.failures().len() <= 101);
                prop_assert_eq!(error.kind(), ErrorKind::InvalidSpec);
            }
        }
    }

    #[test]
    fn sizes_round_trip(bytes in any::<u64>()) {
        let shown = ByteSize(bytes).to_string();
        let read: ByteSize = serde_json::from_value(json!(shown)).unwrap();
        prop_assert_eq!(read, ByteSize(bytes));
    }

    #[test]
    fn any_name_of_a_field_comes_back(names in prop::collection::vec("[a`<>:, ]{1,6}|.{1,6}", 1..3)) {
        let fields = names.into_iter().map(|name| (name, ColumnType::Long)).collect();
        let written = ColumnType::Struct(fields);
        prop_assert_eq!(ColumnType::new(written.to_string()).unwrap(), written);
    }

    #[test]
    fn any_text_is_a_type_or_is_not(text in "[a-z<>(),: 0-9`]{0,40}") {
        if let Ok(parsed) = ColumnType::new(&text) {
            prop_assert_eq!(ColumnType::new(parsed.to_string()).unwrap(), parsed);
        }
    }
}
