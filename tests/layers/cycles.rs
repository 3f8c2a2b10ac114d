//! The rule that modules of a crate do not depend on each other in a cycle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::source::File;

/// The granularity at which modules are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// The modules that the root of the crate declares, each with all modules inside of it.
    Top,
    /// Every file. A file that its parent module uses must not use that parent.
    File,
}

/// Crates that are checked file by file; all others are checked at [`Level::Top`].
pub(super) const FILE_BY_FILE: &[&str] =
    &["crates/lakewright", "crates/lakewright-cli", "crates/lakewright-macros"];

/// Crates that still have cycles between their top-level modules.
pub(super) const CYCLIC: &[&str] = &[
    "crates/lakewright-admin",
    "crates/lakewright-core",
    "crates/lakewright-declare",
    "crates/lakewright-delta",
    "crates/lakewright-s3",
    "python",
];

/// Macros that quote code.
const QUOTES: &[&str] = &["parse_quote", "quote", "quote_spanned"];

/// The path of a module below the root of its crate; empty for the root itself.
type Module = Vec<String>;

/// Paths that a module names, and names that it imports.
#[derive(Default)]
struct Uses {
    /// The segments of each path that the code contains.
    paths: Vec<Vec<String>>,
    /// The segments behind each imported name.
    imports: BTreeMap<String, Vec<String>>,
}

/// Returns every cycle between modules of the crate in this folder, as a sentence. Tests are left
/// out, because a module's tests may use the modules above it.
pub(super) fn cycles(files: &[File], folder: &str, level: Level) -> Vec<String> {
    let edges = edges(files, folder, level);
    let mut reported = BTreeSet::new();
    let mut found = Vec::new();
    for module in edges.keys() {
        if reported.contains(module) {
            continue;
        }
        if let Some(cycle) = shortest_cycle(&edges, module) {
            let names: Vec<String> = cycle.iter().map(|module| name(module)).collect();
            found.push(format!("{folder}: modules form a cycle: {}", names.join(" -> ")));
            reported.extend(cycle);
        }
    }
    found
}

fn name(module: &[String]) -> String {
    if module.is_empty() { "the crate root".into() } else { module.join("::") }
}

/// Returns the modules that each module uses, without itself.
fn edges(files: &[File], folder: &str, level: Level) -> BTreeMap<Module, BTreeSet<Module>> {
    let source = format!("{folder}/src/");
    let library = format!("{source}lib.rs");
    let has_library = files.iter().any(|(path, _)| *path == library);
    let mut uses: BTreeMap<Module, Uses> = BTreeMap::new();
    let mut inside: BTreeMap<Module, Module> = BTreeMap::new();
    for (path, text) in files {
        let Some(relative) = path.strip_prefix(&source) else { continue };
        // The program beside a library is a crate of its own.
        if relative == "main.rs" && has_library {
            continue;
        }
        let module = module_of(relative);
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut found = BTreeMap::new();
        collect(tokens, &module, &mut found);
        found.entry(module.clone()).or_default();
        for (inner, used) in found {
            inside.insert(inner.clone(), module.clone());
            uses.insert(inner, used);
        }
    }
    let mut edges: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    let cut = |module: &[String]| match level {
        Level::Top => module.iter().take(1).cloned().collect(),
        Level::File => inside.get(module).cloned().unwrap_or_default(),
    };
    for (module, used) in &uses {
        for path in &used.paths {
            let target = absolute(&uses, module, path).and_then(|path| resolve(&uses, path));
            let Some(target) = target else { continue };
            let (from, to) = (cut(module), cut(&target));
            if from != to {
                edges.entry(from).or_default().insert(to);
            }
        }
    }
    edges
}

/// Returns the module of a file, by its path below `src/`.
fn module_of(path: &str) -> Module {
    let mut module: Module =
        path.trim_end_matches(".rs").split('/').map(ToOwned::to_owned).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&&**last)) {
        module.pop();
    }
    module
}

/// Converts a path to one from the root of the crate; `None` for a path into another crate, and for
/// a local name.
fn absolute(uses: &BTreeMap<Module, Uses>, module: &[String], path: &[String]) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([module, rest].concat()),
        "super" => {
            let above = path.iter().take_while(|segment| *segment == "super").count();
            let parent = module.get(..module.len().checked_sub(above)?)?;
            Some([parent, &path[above..]].concat())
        }
        _ if uses.contains_key(&[module, &path[..1]].concat()) => Some([module, path].concat()),
        _ => {
            let import = uses.get(module)?.imports.get(first).filter(|import| *import != path)?;
            // An import that begins with its own name is of another crate.
            if import.first() == Some(first) {
                return None;
            }
            Some([absolute(uses, module, import)?, rest.to_vec()].concat())
        }
    }
}

/// Returns the module that an absolute path leads to, through re-exports; `None` for a re-export of
/// another crate.
fn resolve(uses: &BTreeMap<Module, Uses>, mut path: Module) -> Option<Module> {
    // Each re-export is followed once at most.
    for _ in 0..uses.len() {
        let length = (0..=path.len()).rev().find(|n| uses.contains_key(&path[..*n]))?;
        let (module, rest) = path.split_at(length);
        let import = rest.first().and_then(|name| uses.get(module)?.imports.get(name));
        let Some(import) = import else { return Some(module.to_vec()) };
        let target = absolute(uses, module, import)?;
        if target == path {
            return Some(module.to_vec());
        }
        path = [target, rest[1..].to_vec()].concat();
    }
    None
}

/// Returns the shortest chain of modules from a module back to itself, if there is any.
fn shortest_cycle(
    edges: &BTreeMap<Module, BTreeSet<Module>>,
    start: &Module,
) -> Option<Vec<Module>> {
    let mut came_from: BTreeMap<&Module, &Module> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(module) = queue.pop_front() {
        for next in edges.get(module).into_iter().flatten() {
            if next == start {
                let mut cycle = vec![start.clone()];
                let mut step = module;
                while step != start {
                    cycle.push(step.clone());
                    step = came_from[step];
                }
                cycle.push(start.clone());
                cycle.reverse();
                return Some(cycle);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, module);
                queue.push_back(next);
            }
        }
    }
    None
}

/// Collects the paths and the imports of a module, and of the modules that are written inside of
/// it, except items for tests only.
fn collect(tokens: TokenStream, module: &[String], found: &mut BTreeMap<Module, Uses>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += match (token, tokens.get(at + 1), tokens.get(at + 2)) {
            (TokenTree::Punct(hash), Some(TokenTree::Group(attribute)), _)
                if hash.as_char() == '#' && is_for_tests(attribute.stream()) =>
            {
                2 + item_length(&tokens[at + 2..])
            }
            (
                TokenTree::Ident(word),
                Some(TokenTree::Ident(name)),
                Some(TokenTree::Group(body)),
            ) if word == "mod" && body.delimiter() == Delimiter::Brace => {
                let inner = [module, &[name.to_string()]].concat();
                found.entry(inner.clone()).or_default();
                collect(body.stream(), &inner, found);
                3
            }
            // Quoted code is part of the crate that a macro expands in.
            (TokenTree::Ident(word), Some(TokenTree::Punct(bang)), Some(TokenTree::Group(_)))
                if bang.as_char() == '!' && QUOTES.iter().any(|quote| word == quote) =>
            {
                3
            }
            (TokenTree::Ident(word), ..) if word == "use" => {
                let length = item_length(&tokens[at..]);
                let uses = found.entry(module.to_vec()).or_default();
                import(&tokens[at + 1..at + length], &[], uses);
                length
            }
            (TokenTree::Ident(_), ..) => {
                let path = path(&tokens[at..]);
                let length = 3 * path.len() - 2;
                let continues =
                    at > 0 && is_colon(&tokens[at - 1]) && at > 1 && is_colon(&tokens[at - 2]);
                if path.len() > 1 && !continues {
                    found.entry(module.to_vec()).or_default().paths.push(path);
                }
                length
            }
            (TokenTree::Group(group), ..) => {
                collect(group.stream(), module, found);
                1
            }
            _ => 1,
        };
    }
}

/// Whether an attribute leaves its item out of builds without tests.
fn is_for_tests(attribute: TokenStream) -> bool {
    let text: String = attribute.to_string().split_whitespace().collect();
    text.starts_with("cfg(test") || text.starts_with("cfg(all(test")
}

/// Returns the number of tokens of the first item, which ends with a semicolon or a block.
fn item_length(tokens: &[TokenTree]) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    // The braces of an import are followed by its semicolon.
    let is_use = matches!(tokens.first(), Some(TokenTree::Ident(word)) if word == "use");
    let ends_at = tokens.iter().position(|token| match token {
        TokenTree::Group(_) if is_use => false,
        token => is_end(token),
    });
    ends_at.map_or(tokens.len(), |at| at + 1)
}

/// Collects the paths of the tree of a `use` item. `tokens` may end with the semicolon.
fn import(tokens: &[TokenTree], prefix: &[String], uses: &mut Uses) {
    let segments = path(tokens);
    let path = [prefix, &segments].concat();
    let rest = &tokens[(3 * segments.len()).saturating_sub(2).min(tokens.len())..];
    match rest {
        [a, b, TokenTree::Group(group), ..] if is_colon(a) && is_colon(b) => {
            import_each(group.stream(), &path, uses);
            return;
        }
        [TokenTree::Group(group), ..] if segments.is_empty() => {
            import_each(group.stream(), &path, uses);
            return;
        }
        [TokenTree::Ident(word), TokenTree::Ident(alias), ..] if word == "as" => {
            uses.imports.insert(alias.to_string(), path.clone());
        }
        // `use a::*` imports names that are not known here.
        [a, b, TokenTree::Punct(_), ..] if is_colon(a) && is_colon(b) => {}
        _ => {
            let names_itself = path.last().is_some_and(|last| last == "self");
            let path = &path[..path.len() - usize::from(names_itself)];
            if let Some(name) = path.last() {
                uses.imports.insert(name.clone(), path.to_vec());
            }
        }
    }
    uses.paths.push(path.into_iter().filter(|segment| segment != "self").collect());
}

fn import_each(tokens: TokenStream, prefix: &[String], uses: &mut Uses) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
    for tree in tokens.split(is_comma).filter(|tree| !tree.is_empty()) {
        import(tree, prefix, uses);
    }
}

/// Returns the identifiers at the beginning that `::` joins. A path has three tokens for each
/// identifier but the first.
fn path(tokens: &[TokenTree]) -> Vec<String> {
    let mut path = Vec::new();
    let mut rest = tokens;
    while let [TokenTree::Ident(segment), after @ ..] = rest {
        path.push(segment.to_string());
        match after {
            [a, b, next @ ..] if is_colon(a) && is_colon(b) => rest = next,
            _ => break,
        }
    }
    path
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

mod tests {
    use super::{Level, cycles};

    #[track_caller]
    fn assert_finds(level: Level, files: &[(&str, &str)], expected: &[&str]) {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (format!("crates/x/src/{path}"), (*text).to_owned()))
            .collect();
        let expected: Vec<String> = expected
            .iter()
            .map(|cycle| format!("crates/x: modules form a cycle: {cycle}"))
            .collect();
        assert_eq!(cycles(&files, "crates/x", level), expected);
    }

    #[test]
    fn modules_in_layers_pass() {
        let files = [
            (
                "lib.rs",
                "mod args; mod cmd; mod error; pub use error::Error; pub use args::parse;
                 pub use core::plan;",
            ),
            ("main.rs", "fn main() { x::parse() }"),
            ("args.rs", "use crate::cmd; pub fn parse() { cmd::put::run() }"),
            ("cmd/mod.rs", "pub mod put;"),
            ("cmd/put.rs", "use crate::error::{self, Error}; use crate::plan::Plan; use std::fmt;"),
            ("error.rs", "pub struct Error; impl std::fmt::Display for Error {}"),
        ];
        assert_finds(Level::Top, &files, &[]);
        assert_finds(Level::File, &files, &[]);
    }

    #[test]
    fn a_cycle_is_found_through_every_kind_of_path() {
        for back in [
            "use crate::a::A;",
            "use crate::{a::{A, B}, b};",
            "use super::a as other;",
            "fn f() { select! { _ = crate::a::g() => {} } }",
            "#[arg(parser = crate::a::parse)] struct S;",
            "mod inner { fn f() { super::super::a::g() } }",
            "use crate::A;",
        ] {
            assert_finds(
                Level::Top,
                &[
                    ("lib.rs", "mod a; mod b; pub use a::A;"),
                    ("a.rs", "use crate::b;"),
                    ("b.rs", back),
                ],
                &["a -> b -> a"],
            );
        }
    }

    #[test]
    fn a_cycle_through_the_root_is_found() {
        assert_finds(
            Level::Top,
            &[("lib.rs", "mod a; pub fn f() { a::g() }"), ("a.rs", "pub fn g() { crate::f() }")],
            &["the crate root -> a -> the crate root"],
        );
    }

    #[test]
    fn parents_and_children_are_compared_file_by_file() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod b; use b::B; pub fn helper() {}"),
            ("a/b.rs", "use super::helper; pub struct B;"),
        ];
        assert_finds(Level::Top, &files, &[]);
        assert_finds(Level::File, &files, &["a -> a::b -> a"]);
    }

    #[test]
    fn tests_comments_strings_and_other_crates_pass() {
        for text in [
            "#[cfg(test)] mod tests { use crate::a; }",
            "#[cfg(test)] use crate::a;",
            "#[cfg(test)] #[allow(unused)] fn f() { crate::a::g() }",
            "//! crate::a\nconst TEXT: &str = \"crate::a\";",
            "fn f() { quote!(crate::a::g()) }",
            "use other::a; fn f() { a::g(); ::a::g(); Vec::<u8>::new() }",
        ] {
            assert_finds(
                Level::File,
                &[("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b;"), ("b.rs", text)],
                &[],
            );
        }
    }
}
