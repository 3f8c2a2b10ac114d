//! The command as a unit of systemd runs it: no home, no profile, secrets in
//! `$CREDENTIALS_DIRECTORY`.

use std::process::{Command, Stdio};

use lakewright::admin::SecretCheck;
use lakewright::{Secret, SettingValue};
use serde_json::{Value, json};

use super::{MARK, World, everything, world};

impl World {
    /// The command with nothing but what a unit gives it: `Environment=` with `%d` for the
    /// directory of its credentials.
    pub(super) fn unit(&self, endpoint: &str) -> Option<Command> {
        let command = std::env::var_os("LAKEWRIGHT_TEST_CLI")?;
        let key = |value: &Option<SettingValue>| match value {
            Some(SettingValue::Literal(secret)) => secret.expose().to_owned(),
            other => panic!("the kit's keys are literal: {other:?}"),
        };
        let credentials = self.path("credentials");
        std::fs::create_dir_all(&credentials).unwrap();
        let settings = &self.server.settings;
        std::fs::write(credentials.join("id"), key(&settings.access_key_id) + "\n").unwrap();
        std::fs::write(credentials.join("secret"), key(&settings.secret_access_key)).unwrap();
        let mut command = Command::new(command);
        command
            .env_clear()
            .env("CREDENTIALS_DIRECTORY", &credentials)
            .env("LAKEWRIGHT_ENDPOINT", endpoint)
            .env("LAKEWRIGHT_ACCESS_KEY_ID_FILE", credentials.join("id"))
            .env("LAKEWRIGHT_SECRET_ACCESS_KEY_FILE", credentials.join("secret"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Some(command)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn applies_with_credentials_alone() {
    let world = world!();
    let before = everything(&world.lake).await;
    let endpoint = world.server.settings.endpoint.clone().unwrap();
    let apply = |spec: &Value| {
        let file = world.path("spec.json");
        std::fs::write(&file, spec.to_string()).unwrap();
        let mut command = world.unit(&endpoint)?;
        let done = command.args(["apply", "--yes", "--prune"]).arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!said.contains(MARK), "a secret: {said}");
        Some((done.status.code(), said))
    };
    let spec = json!({
        "version": 1, "stack": "unit", "buckets": {"raw": {"versioning": true}},
        "users": {"ann": {"secret": {"credential": "ann"}}},
    });
    let Some((code, said)) = apply(&spec) else {
        return eprintln!("SKIPPED: LAKEWRIGHT_TEST_CLI names no command");
    };
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("user ann") && said.contains("credential"), "{said}");
    let secret = "hush-hush-ann";
    std::fs::write(world.path("credentials").join("ann"), secret).unwrap();
    for _ in 0..2 {
        let (code, said) = apply(&spec).unwrap();
        assert_eq!(code, Some(0), "{said}");
    }
    let check = world.lake.admin().verify_secret("ann", &Secret::new(secret)).await.unwrap();
    assert_eq!(check, SecretCheck::Matches);
    let (code, said) = apply(&json!({"version": 1, "stack": "unit"})).unwrap();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(everything(&world.lake).await, before);
}
