//! The example programs of the crate `lakewright`: each runs to its end on an embedded server and
//! prints what its job produced.

use std::path::PathBuf;
use std::process::Command;

use lakewright_tests::harness::{Fixture, Skip};
use lakewright_tests::tests;

tests![objects, tables, declared];

/// The folder of the example programs. Cargo builds them with `cargo test`, unless a test target is
/// chosen by `--test`.
struct Examples(PathBuf);

impl Fixture for Examples {
    async fn set_up() -> Result<Self, Skip> {
        let this = std::env::current_exe().expect("the path of this program");
        // This program is `target/debug/deps/e2e-…`.
        let folder = this.ancestors().nth(2).expect("the target folder").join("examples");
        if folder.join("objects").exists() {
            return Ok(Self(folder));
        }
        let why = format!("{} has no examples: `cargo test --workspace`", folder.display());
        Err(Skip::missing("embedded", why))
    }
}

impl Examples {
    /// Runs a program and returns its output. The program inherits no environment, because
    /// variables may name another profile.
    async fn run(&self, name: &str) -> String {
        let mut command = Command::new(self.0.join(name));
        command.env_clear();
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {}\n{errors}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }
}

async fn objects(examples: Examples) {
    let output = examples.run("objects").await;
    assert!(output.contains("kept 2013/01.csv"), "{output}");
    assert!(output.contains("latest.csv begins with \"day,delay\""), "{output}");
}

async fn tables(examples: Examples) {
    let output = examples.run("tables").await;
    let (newest, older) = output.split_once("before January was replaced:").unwrap();
    assert!(!newest.contains("| AA") && older.contains("| AA"), "{output}");
}

async fn declared(examples: Examples) {
    let output = examples.run("declared").await;
    assert!(output.contains("drift: false"), "{output}");
    assert!(output.contains("table lake/flights  DESTROYED"), "{output}");
}
