//! The command as a systemd unit runs it: no home, no profile, secrets in
//! `$CREDENTIALS_DIRECTORY`.

use std::path::Path;
use std::process::{Command, Stdio};

use lakewright::Secret;
use lakewright::admin::SecretCheck;
use lakewright_tests::server::CommandLine;
use lakewright_tests::tests;
use serde_json::{Value, json};

use super::{MARK, World, everything};

impl World {
    /// The command with the environment that a unit gives it: `Environment=` with `%d` for the
    /// directory of its credentials.
    pub(super) fn unit(&self, command: &Path, endpoint: &str) -> Command {
        let (access_key, secret_key) = self.server.credentials();
        let credentials = self.path("credentials");
        std::fs::create_dir_all(&credentials).unwrap();
        std::fs::write(credentials.join("id"), format!("{access_key}\n")).unwrap();
        std::fs::write(credentials.join("secret"), secret_key).unwrap();
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
        command
    }
}

tests![applies_with_credentials_alone];

async fn applies_with_credentials_alone(world: World, CommandLine(command): CommandLine) {
    let before = everything(&world.lake).await;
    let apply = |spec: &Value| {
        let file = world.path("spec.json");
        std::fs::write(&file, spec.to_string()).unwrap();
        let mut command = world.unit(&command, world.server.endpoint());
        let output = command.args(["apply", "--yes", "--prune"]).arg(&file).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!errors.contains(MARK), "a secret is in {errors}");
        (output.status.code(), errors)
    };
    let spec = json!({
        "version": 1, "stack": "unit", "buckets": {"raw": {"versioning": true}},
        "users": {"ann": {"secret": {"credential": "ann"}}},
    });
    let (code, errors) = apply(&spec);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("user ann") && errors.contains("credential"), "{errors}");
    let secret = "hush-hush-ann";
    std::fs::write(world.path("credentials").join("ann"), secret).unwrap();
    for _ in 0..2 {
        let (code, errors) = apply(&spec);
        assert_eq!(code, Some(0), "{errors}");
    }
    let check = world.lake.admin().verify_secret("ann", &Secret::new(secret)).await.unwrap();
    assert_eq!(check, SecretCheck::Matches);
    let (code, errors) = apply(&json!({"version": 1, "stack": "unit"}));
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(everything(&world.lake).await, before);
}
