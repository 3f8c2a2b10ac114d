//! minio-py reads what lakewright changed, and lakewright reads what minio-py changed.

use std::process::Command;

use lakewright::Secret;
use lakewright::admin::{AccountStatus, NewServiceAccount, Principal};
use lakewright_tests::server::{MinioPy, OwnMinio};
use lakewright_tests::tests;
use serde_json::{Value, json};

use super::{reads, set};

/// Calls a method of minio-py's admin client. Its name and its arguments as JSON are the
/// arguments of the script; the result is JSON on standard output.
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

tests![both_clients_read_the_same_state];

async fn both_clients_read_the_same_state(OwnMinio(server): OwnMinio, MinioPy(python): MinioPy) {
    let (access_key, secret_key) = server.credentials();
    let minio_py = |verb: &str, arguments: Value| -> Value {
        let output = Command::new(&python)
            .args(["-c", SCRIPT, verb, &arguments.to_string()])
            .env("ENDPOINT", server.endpoint().replace("http://", ""))
            .env("KEY", access_key)
            .env("SECRET", secret_key)
            .output()
            .unwrap();
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let admin = server.lake().await.admin();

    // Changed by lakewright, read by minio-py.
    admin.put_policy("reads", &reads("raw")).await.unwrap();
    admin.set_user("ann", &Secret::new("some-secret"), AccountStatus::Enabled).await.unwrap();
    admin.attach_policy(&["reads"], Principal::User("ann")).await.unwrap();
    let account = NewServiceAccount::builder()
        .owner("ann")
        .access_key("ann-etl")
        .secret_key(Secret::new("etl-secret"))
        .policy(reads("raw"))
        .build();
    admin.add_service_account(account).await.unwrap();
    let users = minio_py("user_list", json!({}));
    assert_eq!(
        (&users["ann"]["status"], &users["ann"]["policyName"]),
        (&json!("enabled"), &json!("reads"))
    );
    let account = minio_py("get_service_account", json!({"access_key": "ann-etl"}));
    assert_eq!(account["parentUser"], "ann");
    let policy: Value = serde_json::from_str(account["policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy, reads("raw"));
    assert_eq!(minio_py("policy_list", json!({}))["reads"], reads("raw"));

    // Changed by minio-py, read by lakewright.
    minio_py("user_add", json!({"access_key": "bob", "secret_key": "bobs-secret"}));
    minio_py("group_add", json!({"group_name": "crew", "members": ["bob"]}));
    minio_py("attach_policy", json!({"policies": ["reads"], "group": "crew"}));
    let created = minio_py("add_service_account", json!({"description": "by minio-py"}));
    let key = created["credentials"]["accessKey"].as_str().unwrap();
    let bob = admin.user_info("bob").await.unwrap();
    assert!(bob.enabled && bob.groups == set(["crew"]));
    assert_eq!(admin.policy_entities().await.unwrap().groups["crew"], set(["reads"]));
    let account = admin.service_account_info(key).await.unwrap();
    assert_eq!(account.description.as_deref(), Some("by minio-py"));
    let check = admin.verify_secret("bob", &Secret::new("bobs-secret")).await.unwrap();
    assert_eq!(check, lakewright::admin::SecretCheck::Matches);
}
