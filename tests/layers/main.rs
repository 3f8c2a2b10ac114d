//! The layers of the architecture: the dependencies that crates and modules may have.
//!
//! `graph` checks the crates by `cargo metadata`, `source` and `cycles` check the modules by their
//! code. All of them take what they check as a value, so that their own tests can pass a wrong one.

// `clippy.toml` allows these lints in functions marked as tests; helpers of tests need them too.
#![allow(clippy::expect_used, clippy::panic)]

mod cycles;
mod graph;
mod messages;
mod public_api;
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use self::cycles::Level;

/// The workspace's root folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").into()
}

/// Returns `cargo metadata` of the workspace for this platform, with all features. Offline, because
/// every package of this platform is there once this test is built.
fn metadata() -> Value {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--all-features"])
        .args(["--filter-platform", "host-tuple"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "`cargo fetch --locked` fetches missing packages: {errors}");
    serde_json::from_slice(&out.stdout).expect("cargo prints JSON")
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "the layer table is broken:\n  {}", violations.join("\n  "));
}

#[test]
fn crates_keep_to_their_layer() {
    assert_none(&graph::violations(&graph::Graph::from(&metadata()), graph::TABLE));
}

#[test]
fn modules_keep_to_their_layer() {
    let root = root();
    let files = source::files(&root, &["crates", "python/src"]);
    assert!(files.len() > 20, "only {} source files found under {}", files.len(), root.display());
    assert_none(&source::violations(&files, source::TABLE));
}

#[test]
fn ignored_tests_have_a_reason() {
    let files = source::files(&root(), &["crates", "python/src", "tests/src", "tests/e2e"]);
    assert_none(&source::unexplained_ignores(&files));
    let wrong = ["    #[ignore]", "    #[ignore = \"slow\"]", "/// ```ignore"];
    let right = ["    #[ignore = \"takes 30 s\"]", "/// ```text"];
    let text = wrong.iter().chain(&right).map(|line| format!("{line}\n")).collect::<String>();
    assert_eq!(source::unexplained_ignores(&[("x.rs".into(), text)]).len(), wrong.len());
}

#[test]
fn modules_have_no_cycle() {
    let root = root();
    let files = source::files(&root, &["crates", "python/src", "tests/src"]);
    let folders: BTreeSet<&str> =
        files.iter().filter_map(|(path, _)| Some(path.split_once("/src/")?.0)).collect();
    assert!(folders.len() > 5, "only {folders:?} found under {}", root.display());
    let listed = cycles::FILE_BY_FILE.iter().chain(cycles::CYCLIC);
    let absent: Vec<_> = listed.filter(|folder| !folders.contains(*folder)).collect();
    assert!(absent.is_empty(), "listed, but not found: {absent:?}");
    let mut found = Vec::new();
    for folder in folders {
        let level = if cycles::FILE_BY_FILE.contains(&folder) { Level::File } else { Level::Top };
        let cycles = cycles::cycles(&files, folder, level);
        if !cycles::CYCLIC.contains(&folder) {
            found.extend(cycles);
        } else if cycles.is_empty() {
            found.push(format!("{folder} has no cycle any more: remove it from the list"));
        }
    }
    assert_none(&found);
}

#[test]
fn no_code_decides_by_a_message() {
    let files = source::files(&root(), &["crates", "python/src"]);
    let found = messages::violations(&files, messages::ALLOWED);
    assert!(found.is_empty(), "messages are for people:\n  {}", found.join("\n  "));
}

/// The end-to-end tests have a harness of their own, so the compiler drops a function with `#[test]`
/// there without a warning.
#[test]
fn end_to_end_tests_are_on_the_list_of_their_module() {
    let root = root();
    let files = source::files(&root, &["tests/e2e", "tests/src"]);
    assert!(files.len() > 10, "only {} files found under {}", files.len(), root.display());
    let dropped = ["#[test]", "#[tokio::test"];
    let found: Vec<_> = files
        .iter()
        .filter(|(_, text)| dropped.iter().any(|attribute| text.contains(attribute)))
        .map(|(path, _)| format!("{path}: list the test in `tests!` instead"))
        .collect();
    assert!(found.is_empty(), "tests that never run:\n  {}", found.join("\n  "));
}

/// A change of the public interface of the crate `lakewright` shows in its committed text.
#[test]
fn the_public_api_is_the_committed_text() {
    let root = root();
    let files = source::files(&root, &["crates"]);
    let current = public_api::text(&files, public_api::CRATES);
    let path = root.join(public_api::PATH);
    if std::env::var_os("LAKEWRIGHT_TEST_UPDATE").is_some_and(|value| !value.is_empty()) {
        std::fs::write(&path, &current).expect("the text can be written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = public_api::difference(&committed, &current);
    assert!(
        difference.is_empty() && committed == current,
        "{} is not the public interface; LAKEWRIGHT_TEST_UPDATE=1 writes it:\n  {}",
        public_api::PATH,
        difference.join("\n  ")
    );
}

/// No package that the workspace is built with needs a newer compiler than `rust-version`.
#[test]
fn no_dependency_asks_for_a_newer_compiler() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages is a list");
    let (members, others): (Vec<_>, Vec<_>) =
        packages.iter().partition(|package| package["source"].is_null());
    let stated: Vec<_> = members.iter().map(|package| release(&package["rust_version"])).collect();
    assert!(
        stated.windows(2).all(|two| two[0] == two[1]) && stated[0] > [0, 0, 0],
        "every member has `rust-version.workspace = true`"
    );
    let newer: Vec<String> = others
        .iter()
        .filter(|package| release(&package["rust_version"]) > stated[0])
        .map(|package| format!("{} needs rustc {}", package["id"], package["rust_version"]))
        .collect();
    assert!(newer.is_empty(), "`rust-version` is {:?}, but:\n  {}", stated[0], newer.join("\n  "));
}

/// Parses `"1.95"` into three numbers; parts that are missing are 0.
fn release(version: &Value) -> [u32; 3] {
    let mut parts = version.as_str().unwrap_or_default().split('.').map_while(|p| p.parse().ok());
    [(); 3].map(|()| parts.next().unwrap_or(0))
}
