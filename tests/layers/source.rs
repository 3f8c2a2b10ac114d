//! The rules for the names that modules may use, which the graph of crates does not contain.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

/// Code outside `only_in` must not name `name`.
pub(super) struct Rule {
    /// An identifier: a crate (`aws_sdk_s3`) or a type (`Bucket`).
    name: &'static str,
    /// Where the rule looks: beginnings of paths from the workspace's root.
    within: &'static [&'static str],
    /// Where the name is allowed: beginnings of paths again.
    only_in: &'static [&'static str],
}

/// The rules, one for each name.
pub(super) const TABLE: &[Rule] = &[
    Rule { name: "aws_sdk_s3", within: &[""], only_in: &["crates/lakewright-s3/src/"] },
    Rule { name: "deltalake", within: &[""], only_in: &["crates/lakewright-delta/src/"] },
    Rule { name: "object_store", within: &[""], only_in: &["crates/lakewright-delta/src/"] },
    // A table's verbs reach a bucket only through the store that bridges the two.
    Rule {
        name: "Bucket",
        within: &["crates/lakewright-delta/src/"],
        only_in: &["crates/lakewright-delta/src/store.rs"],
    },
    // Python calls the command's `main` and nothing else of its crate.
    Rule { name: "lakewright_cli", within: &["python/src/"], only_in: &["python/src/lib.rs"] },
];

/// A source file: its path from the workspace's root, and its text.
pub(super) type File = (String, String);

/// Returns all Rust files in these folders, except those in `tests` folders of crates.
pub(super) fn files(root: &Path, folders: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    let mut open: Vec<_> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a source folder is readable") {
            let path = entry.expect("a source folder is readable").path();
            let relative = path.strip_prefix(root).expect("it lies under the root");
            let relative = relative.to_str().expect("our paths are UTF-8").to_owned();
            if path.is_dir() {
                if !relative.ends_with("/tests") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((relative, std::fs::read_to_string(&path).expect("it is readable")));
            }
        }
    }
    found.sort();
    found
}

/// Returns every test and example that is ignored without a reason of more than one word, as a sentence.
/// The summary of a test run prints these reasons.
pub(super) fn unexplained_ignores(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        for (number, line) in text.lines().enumerate() {
            let attribute = line.trim_start().strip_prefix("#[ignore");
            let reason = attribute.and_then(|rest| rest.split('"').nth(1)).unwrap_or_default();
            let is_example = line.trim_start_matches(['/', '!', ' ']).starts_with("```ignore");
            if is_example || (attribute.is_some() && !reason.contains(' ')) {
                found.push(format!("{path}:{}: ignored without a reason", number + 1));
            }
        }
    }
    found
}

/// Returns every violation of the table, as a sentence.
pub(super) fn violations(files: &[File], table: &[Rule]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        let begins = |beginnings: &[&str]| beginnings.iter().any(|b| path.starts_with(b));
        let names = match text.parse() {
            Ok(tokens) => names(tokens),
            Err(error) => {
                found.push(format!("{path} is no Rust: {error}"));
                continue;
            }
        };
        for rule in table.iter().filter(|rule| begins(rule.within) && !begins(rule.only_in)) {
            if names.iter().any(|name| name == rule.name) {
                found.push(match rule.only_in {
                    [] => format!("{path} must not name {}", rule.name),
                    allowed => format!(
                        "{path} must not name {}: only {} may",
                        rule.name,
                        allowed.join(" and ")
                    ),
                });
            }
        }
    }
    found
}

/// Returns the identifiers of the code. Comments and strings contain none; a doc comment is an
/// attribute, whose text is a literal.
fn names(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => found.push(ident.to_string()),
            TokenTree::Group(group) => found.extend(names(group.stream())),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    found
}

mod tests {
    use super::{TABLE, violations};

    #[track_caller]
    fn assert_finds(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(violations(&[(path.to_owned(), text.to_owned())], TABLE), expected);
    }

    #[test]
    fn the_right_place_passes() {
        assert_finds(
            "crates/lakewright-s3/src/get.rs",
            "use aws_sdk_s3::Client; use crate::{Bucket, retry};",
            &[],
        );
        assert_finds(
            "crates/lakewright-delta/src/store.rs",
            "use object_store::ObjectStore; use lakewright_s3::Bucket;",
            &[],
        );
    }

    #[test]
    fn names_in_comments_and_strings_pass() {
        assert_finds(
            "crates/lakewright-cli/src/log.rs",
            "//! deltalake is loud\n/* aws_sdk_s3 */ const FILTER: &str = r#\"object_store=warn\"#;",
            &[],
        );
    }

    #[test]
    fn an_sdk_in_the_wrong_place_is_found() {
        assert_finds(
            "crates/lakewright/src/lake.rs",
            "fn f() { select! { _ = aws_sdk_s3::Client::new() => {} } }",
            &["crates/lakewright/src/lake.rs must not name aws_sdk_s3: \
               only crates/lakewright-s3/src/ may"],
        );
        assert_finds(
            "python/src/table.rs",
            "use deltalake as harmless;",
            &["python/src/table.rs must not name deltalake: \
               only crates/lakewright-delta/src/ may"],
        );
        assert_finds(
            "crates/lakewright-s3/src/list.rs",
            "use object_store::path::Path;",
            &["crates/lakewright-s3/src/list.rs must not name object_store: \
               only crates/lakewright-delta/src/ may"],
        );
    }

    #[test]
    fn a_verb_of_tables_that_goes_around_the_store_is_found() {
        for text in [
            "use lakewright_s3::Bucket;",
            "use lakewright_s3::{Bucket, ListOptions};",
            "fn f(bucket: &lakewright_s3::Bucket) {}",
        ] {
            assert_finds(
                "crates/lakewright-delta/src/list.rs",
                text,
                &["crates/lakewright-delta/src/list.rs must not name Bucket: \
                   only crates/lakewright-delta/src/store.rs may"],
            );
        }
    }
}
