//! minio-py sees what we did, and we see what it did.

use std::process::Command;

use lakewright::admin::{NewServiceAccount, Principal};
use lakewright::{Secret, SettingValue};
use lakewright_tests::server::required;
use serde_json::{Value, json};

use super::{minio, reads, set};

/// Does what `mc admin` would, with minio-py: a word and its arguments, JSON on standard output.
const SCRIPT: &str = r#"
import json, os, sys
from minio import MinioAdmin
from minio.credentials import StaticProvider

admin = MinioAdmin(
    endpoint=os.environ["ENDPOINT"],
    credentials=StaticProvider(os.environ["KEY"], os.environ["SECRET"]),
    secure=False,
)
print(getattr(admin, sys.argv[1])(**json.loads(sys.argv[2])) or "null")
"#;

#[tokio::test(flavor = "multi_thread")]
async fn minio_py_and_we_see_the_same() {
    let server = minio!();
    let Some(python) = std::env::var_os("LAKEWRIGHT_TEST_PYTHON").filter(|path| !path.is_empty())
    else {
        assert!(!required("judges"), "LAKEWRIGHT_TEST_PYTHON names no Python");
        return eprintln!("SKIPPED: minio-py (LAKEWRIGHT_TEST_PYTHON is not set)");
    };
    let settings = &server.settings;
    let (Some(SettingValue::Literal(id)), Some(SettingValue::Literal(secret))) =
        (&settings.access_key_id, &settings.secret_access_key)
    else {
        panic!("the kit's keys are literal")
    };
    let judge = |verb: &str, arguments: Value| -> Value {
        let done = Command::new(&python)
            .args(["-c", SCRIPT, verb, &arguments.to_string()])
            .env("ENDPOINT", settings.endpoint.as_ref().unwrap().replace("http://", ""))
            .env("KEY", id.expose())
            .env("SECRET", secret.expose())
            .output()
            .unwrap();
        assert!(done.status.success(), "{verb}: {}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    };
    let admin = server.lake().await.admin();

    // ours, seen by minio-py
    admin.put_policy("reads", &reads("raw")).await.unwrap();
    admin.set_user("ann", &Secret::new("some-secret"), true).await.unwrap();
    admin.attach_policy(&["reads"], Principal::User("ann")).await.unwrap();
    let account = NewServiceAccount {
        owner: Some("ann".into()),
        access_key: Some("ann-etl".into()),
        secret_key: Some(Secret::new("etl-secret")),
        policy: Some(reads("raw")),
        ..Default::default()
    };
    admin.add_service_account(account).await.unwrap();
    let users = judge("user_list", json!({}));
    assert_eq!(
        (&users["ann"]["status"], &users["ann"]["policyName"]),
        (&json!("enabled"), &json!("reads"))
    );
    let seen = judge("get_service_account", json!({"access_key": "ann-etl"}));
    assert_eq!(seen["parentUser"], "ann");
    let policy: Value = serde_json::from_str(seen["policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy, reads("raw"));
    assert_eq!(judge("policy_list", json!({}))["reads"], reads("raw"));

    // minio-py's, seen by us
    judge("user_add", json!({"access_key": "bob", "secret_key": "bobs-secret"}));
    judge("group_add", json!({"group_name": "crew", "members": ["bob"]}));
    judge("attach_policy", json!({"policies": ["reads"], "group": "crew"}));
    let made = judge("add_service_account", json!({"description": "by minio-py"}));
    let key = made["credentials"]["accessKey"].as_str().unwrap();
    let bob = admin.user_info("bob").await.unwrap();
    assert!(bob.enabled && bob.groups == set(["crew"]));
    assert_eq!(admin.policy_entities().await.unwrap().groups["crew"], set(["reads"]));
    let seen = admin.service_account_info(key).await.unwrap();
    assert_eq!(seen.description.as_deref(), Some("by minio-py"));
    let check = admin.verify_secret("bob", &Secret::new("bobs-secret")).await.unwrap();
    assert_eq!(check, lakewright::admin::SecretCheck::Matches);
}
