//! The public items of the crate `lakewright` and of the crates that it re-exports, as a text: one
//! line for each item, with its signature. The text is committed, so that a change of the public
//! interface shows in review.
//!
//! The items are read from the sources, because the tool `cargo public-api` and rustdoc's JSON need
//! an unstable compiler. A private module adds nothing to the path of its public items, which is
//! right as long as its parent re-exports them; the lint `unreachable_pub` reports those that no
//! module re-exports.

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Fields, ImplItem, Item, ItemImpl, ItemMod, ItemUse, Macro, TraitItem, Type, UseTree,
    Visibility,
};

use super::source::File;

/// The committed text, from the workspace's root.
pub(super) const PATH: &str = "crates/lakewright/public-api.txt";

/// A crate, and the beginnings of the lines that belong to the interface.
pub(super) struct Crate {
    name: &'static str,
    lines: &'static [&'static str],
}

/// The facade and what it re-exports.
pub(super) const CRATES: &[Crate] = &[
    Crate { name: "lakewright", lines: &[""] },
    Crate { name: "lakewright-admin", lines: &[""] },
    Crate {
        name: "lakewright-client",
        lines: &["lakewright_client::profile", "lakewright_client: pub async fn finish_background"],
    },
    Crate { name: "lakewright-core", lines: &[""] },
    Crate { name: "lakewright-declare", lines: &[""] },
    Crate { name: "lakewright-delta", lines: &[""] },
    Crate { name: "lakewright-embedded", lines: &[""] },
    Crate { name: "lakewright-s3", lines: &[""] },
];

/// Returns the text for these sources.
pub(super) fn text(files: &[File], crates: &[Crate]) -> String {
    let mut all = BTreeSet::new();
    for Crate { name, lines } in crates {
        let source = format!("crates/{name}/src");
        let mut listing = Listing { files, lines: BTreeSet::new(), types: BTreeSet::new() };
        listing.module(&source, "lib.rs", &name.replace('-', "_"));
        let Listing { lines: found, types, .. } = listing;
        let listed = found.into_iter().filter(|line| match &line.of {
            Some(of) => types.contains(of),
            None => true,
        });
        all.extend(
            listed
                .map(|line| line.text)
                .filter(|line| lines.iter().any(|beginning| line.starts_with(beginning))),
        );
    }
    all.into_iter().map(|line| line + "\n").collect()
}

/// Returns the lines that only one of the texts has, each with `-` for the first or `+`.
pub(super) fn difference(committed: &str, current: &str) -> Vec<String> {
    let lines = |text: &str| text.lines().map(String::from).collect::<BTreeSet<_>>();
    let (committed, current) = (lines(committed), lines(current));
    let removed = committed.difference(&current).map(|line| format!("- {line}"));
    removed.chain(current.difference(&committed).map(|line| format!("+ {line}"))).collect()
}

/// A line of the text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    text: String,
    /// The type without which the line is no part of the interface.
    of: Option<String>,
}

/// The public items of one crate.
struct Listing<'a> {
    files: &'a [File],
    lines: BTreeSet<Line>,
    /// The names of the public types.
    types: BTreeSet<String>,
}

impl Listing<'_> {
    /// Adds the items of the file `file` in `folder`; `path` is the public path of its module.
    fn module(&mut self, folder: &str, file: &str, path: &str) {
        let name = format!("{folder}/{file}");
        let Some((_, text)) = self.files.iter().find(|(path, _)| *path == name) else {
            panic!("{name} is not among the sources");
        };
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The modules that `put.rs` declares are in `put/`.
        let below = match Path::new(file).file_stem().and_then(|stem| stem.to_str()) {
            Some("lib" | "mod") | None => folder.to_owned(),
            Some(stem) => format!("{folder}/{stem}"),
        };
        self.items(parsed.items, &below, path);
    }

    fn items(&mut self, items: Vec<Item>, folder: &str, path: &str) {
        for item in items {
            self.item(item, folder, path);
        }
    }

    fn item(&mut self, item: Item, folder: &str, path: &str) {
        match item {
            Item::Mod(item) if !is_test(&item.attrs) => self.inner_module(item, folder, path),
            Item::Use(item) => self.uses(&item, path),
            Item::Fn(item) if is_public(&item.vis) => {
                let (vis, signature) = (&item.vis, &item.sig);
                self.add(path, &item.attrs, quote!(#vis #signature));
            }
            Item::Const(item) if is_public(&item.vis) => {
                let (vis, name, ty) = (&item.vis, &item.ident, &item.ty);
                self.add(path, &item.attrs, quote!(#vis const #name: #ty));
            }
            Item::Static(item) if is_public(&item.vis) => {
                let (vis, name, ty) = (&item.vis, &item.ident, &item.ty);
                self.add(path, &item.attrs, quote!(#vis static #name: #ty));
            }
            Item::Type(item) if is_public(&item.vis) => {
                self.types.insert(item.ident.to_string());
                let (vis, name, generics, ty) = (&item.vis, &item.ident, &item.generics, &item.ty);
                self.add(path, &item.attrs, quote!(#vis type #name #generics = #ty));
            }
            Item::Struct(item) if is_public(&item.vis) => {
                self.types.insert(item.ident.to_string());
                let (vis, name, generics) = (&item.vis, &item.ident, &item.generics);
                let clause = &generics.where_clause;
                self.add(path, &item.attrs, quote!(#vis struct #name #generics #clause));
                // A private field of a struct with a builder has a public setter.
                let built = item.attrs.iter().any(|attribute| derives(attribute, "Builder"));
                self.fields(&item.fields, &format!("{path}::{name}"), built);
            }
            Item::Enum(item) if is_public(&item.vis) => {
                self.types.insert(item.ident.to_string());
                let (vis, name, generics) = (&item.vis, &item.ident, &item.generics);
                let clause = &generics.where_clause;
                self.add(path, &item.attrs, quote!(#vis enum #name #generics #clause));
                for variant in &item.variants {
                    let (variant_name, fields) =
                        (&variant.ident, without_attributes(&variant.fields));
                    let path = format!("{path}::{name}");
                    self.add(&path, &variant.attrs, quote!(#variant_name #fields));
                }
            }
            Item::Trait(item) if is_public(&item.vis) => {
                let (vis, name, generics) = (&item.vis, &item.ident, &item.generics);
                let (supertraits, clause) = (&item.supertraits, &generics.where_clause);
                let header = quote!(#vis trait #name #generics: #supertraits #clause);
                self.add(path, &item.attrs, header);
                let path = format!("{path}::{name}");
                for member in &item.items {
                    match member {
                        TraitItem::Fn(member) => {
                            self.add(&path, &member.attrs, member.sig.to_token_stream());
                        }
                        TraitItem::Const(member) => {
                            let (name, ty) = (&member.ident, &member.ty);
                            self.add(&path, &member.attrs, quote!(const #name: #ty));
                        }
                        TraitItem::Type(member) => {
                            let (name, bounds) = (&member.ident, &member.bounds);
                            self.add(&path, &member.attrs, quote!(type #name: #bounds));
                        }
                        _ => {}
                    }
                }
            }
            Item::Impl(item) if !is_test(&item.attrs) => self.implementation(item, path),
            // A definition of a macro has a name; macros are not exported.
            Item::Macro(item) if item.ident.is_none() && !is_test(&item.attrs) => {
                self.invocation(&item.mac, folder, path);
            }
            _ => {}
        }
    }

    fn inner_module(&mut self, item: ItemMod, folder: &str, path: &str) {
        let name = &item.ident;
        let inner = if is_public(&item.vis) {
            self.add(path, &item.attrs, quote!(pub mod #name));
            format!("{path}::{name}")
        } else {
            path.to_owned()
        };
        let file = format!("{folder}/{name}.rs");
        match item.content {
            Some((_, items)) => self.items(items, &format!("{folder}/{name}"), &inner),
            None if self.files.iter().any(|(path, _)| *path == file) => {
                self.module(folder, &format!("{name}.rs"), &inner);
            }
            None => self.module(&format!("{folder}/{name}"), "mod.rs", &inner),
        }
    }

    /// Adds what other crates' items are re-exported as. Those of this crate are listed anyway.
    fn uses(&mut self, item: &ItemUse, path: &str) {
        if !is_public(&item.vis) {
            return;
        }
        let mut open = vec![(TokenStream::new(), &item.tree)];
        while let Some((before, tree)) = open.pop() {
            match tree {
                UseTree::Path(tree) => {
                    let name = &tree.ident;
                    open.push((quote!(#before #name::), &tree.tree));
                }
                UseTree::Group(tree) => {
                    open.extend(tree.items.iter().map(|tree| (before.clone(), tree)));
                }
                // `module::{self, …}` is the module itself.
                UseTree::Name(leaf) if leaf.ident == "self" => {
                    let module: Vec<_> = before.into_iter().collect();
                    let module = module.iter().take(module.len().saturating_sub(2));
                    self.add(path, &item.attrs, quote!(pub use #(#module)*));
                }
                leaf => self.add(path, &item.attrs, quote!(pub use #before #leaf)),
            }
        }
    }

    fn fields(&mut self, fields: &Fields, path: &str, built: bool) {
        for (number, field) in fields.iter().enumerate() {
            let public = is_public(&field.vis);
            if public || built {
                let vis = public.then_some(&field.vis);
                let name = match &field.ident {
                    Some(name) => name.to_token_stream(),
                    None => syn::Index::from(number).to_token_stream(),
                };
                let ty = &field.ty;
                self.add(path, &field.attrs, quote!(#vis #name: #ty));
            }
        }
    }

    fn implementation(&mut self, item: ItemImpl, path: &str) {
        let Type::Path(of) = &*item.self_ty else { return };
        let Some(name) = of.path.segments.last().map(|segment| segment.ident.to_string()) else {
            return;
        };
        let (generics, clause, ty) = (&item.generics, &item.generics.where_clause, &item.self_ty);
        if let Some((not, implemented, _)) = &item.trait_ {
            let header = quote!(impl #generics #not #implemented for #ty #clause);
            self.add_to(&name, path, &item.attrs, header);
            return;
        }
        let path = format!("{path}::{name}");
        for member in item.items {
            match member {
                ImplItem::Fn(member) if is_public(&member.vis) => {
                    let (vis, signature) = (&member.vis, &member.sig);
                    self.add_to(&name, &path, &member.attrs, quote!(#vis #signature));
                }
                ImplItem::Const(member) if is_public(&member.vis) => {
                    let (vis, constant, ty) = (&member.vis, &member.ident, &member.ty);
                    self.add_to(&name, &path, &member.attrs, quote!(#vis const #constant: #ty));
                }
                _ => {}
            }
        }
    }

    /// Adds what a macro is called with: its items if it is called with items, as macros that
    /// declare types are, or else the call itself, if it declares an item or is for one type.
    fn invocation(&mut self, call: &Macro, folder: &str, path: &str) {
        match syn::parse2::<syn::File>(call.tokens.clone()) {
            Ok(items) if !items.items.is_empty() => self.items(items.items, folder, path),
            _ => {
                let (name, tokens) = (&call.path, without_docs(call.tokens.clone()));
                let all: Vec<String> =
                    tokens.clone().into_iter().map(|token| token.to_string()).collect();
                // `declared! { pub struct Spec("the document") { … } }`
                let declared = all
                    .windows(3)
                    .filter(|three| three[0] == "pub" && ["enum", "struct"].contains(&&*three[1]));
                self.types.extend(declared.map(|three| three[2].clone()));
                if all.len() <= 3 || all.iter().any(|token| token == "pub") {
                    self.add(path, &[], quote!(#name!(#tokens)));
                }
            }
        }
    }

    fn add(&mut self, path: &str, attributes: &[Attribute], item: TokenStream) {
        let text = line(path, attributes, item);
        self.lines.insert(Line { text, of: None });
    }

    /// Adds an item of the implementation of a type.
    fn add_to(&mut self, of: &str, path: &str, attributes: &[Attribute], item: TokenStream) {
        let text = line(path, attributes, item);
        self.lines.insert(Line { text, of: Some(of.to_owned()) });
    }
}

/// The attributes that are a part of the interface.
const ATTRIBUTES: [&str; 5] = ["builder", "cfg", "deprecated", "derive", "non_exhaustive"];

fn line(path: &str, attributes: &[Attribute], item: TokenStream) -> String {
    let attributes = attributes
        .iter()
        .filter(|attribute| ATTRIBUTES.iter().any(|name| attribute.path().is_ident(name)));
    format!("{path}: {}", printed(quote!(#item #(#attributes)*)))
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test")
    })
}

fn derives(attribute: &Attribute, name: &str) -> bool {
    attribute.path().is_ident("derive")
        && attribute.to_token_stream().to_string().split(['(', ',', ')']).any(|n| n.trim() == name)
}

/// Returns the fields of a variant without their attributes.
fn without_attributes(fields: &Fields) -> Fields {
    let mut fields = fields.clone();
    for field in &mut fields {
        field.attrs.clear();
    }
    fields
}

/// Returns the tokens without doc comments.
fn without_docs(tokens: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let is_doc = group.delimiter() == Delimiter::Bracket
                    && matches!(group.stream().into_iter().next(),
                        Some(TokenTree::Ident(name)) if name == "doc");
                if is_doc {
                    // The `#` before it.
                    kept.pop();
                } else {
                    let inner = without_docs(group.stream());
                    kept.push(proc_macro2::Group::new(group.delimiter(), inner).into());
                }
            }
            token => kept.push(token),
        }
    }
    kept.into_iter().collect()
}

/// Prints tokens in the usual form, which does not depend on the line breaks of the source.
fn printed(tokens: TokenStream) -> String {
    let mut out = String::new();
    print(tokens, &mut out);
    out
}

fn print(tokens: TokenStream, out: &mut String) {
    let mut joint = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => (" { ", " }"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                let inner = printed(group.stream());
                out.push_str(inner.trim_end_matches([',', ' ']));
                out.push_str(close);
                joint = false;
            }
            TokenTree::Punct(punct) => {
                let last = punct.spacing() == Spacing::Alone;
                match punct.as_char() {
                    ',' | ';' => out.push_str(&format!("{punct} ")),
                    // `::` has no spaces; `:` has one after it.
                    ':' if !joint && last => out.push_str(": "),
                    // `->` and `=` have spaces around them.
                    '-' | '=' | '+' if !joint => {
                        out.push_str(&format!(" {punct}"));
                        if last {
                            out.push(' ');
                        }
                    }
                    '>' if out.ends_with(" -") || out.ends_with(" =") => out.push_str("> "),
                    '#' if out.ends_with([')', ']', '>']) || ends_with_name(out) => {
                        out.push_str(" #");
                    }
                    '&' | '\'' | '*' if ends_with_name(out) => out.push_str(&format!(" {punct}")),
                    _ => out.push(punct.as_char()),
                }
                joint = !last;
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                if ends_with_name(out) || out.ends_with([')', ']', '>']) {
                    out.push(' ');
                }
                out.push_str(&token.to_string());
                joint = false;
            }
        }
    }
}

fn ends_with_name(out: &str) -> bool {
    out.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"')
}

mod tests {
    use super::{Crate, difference, text};

    #[track_caller]
    fn assert_lists(files: &[(&str, &str)], expected: &[&str]) {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (format!("crates/sample/src/{path}"), (*text).to_owned()))
            .collect();
        let listed = text(&files, &[Crate { name: "sample", lines: &[""] }]);
        assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn public_items_are_listed_with_signatures() {
        let source = "
            pub use other::{self, One, inner::Two as Three};
            /// Documented.
            #[derive(Clone, Builder)]
            #[non_exhaustive]
            pub struct Options<'a> {
                /// Documented.
                #[builder(into)]
                pub name: Option<&'a str>,
                private: u8,
            }
            struct Hidden { pub field: u8 }
            impl Hidden { pub fn visible() {} }
            impl Options<'_> {
                pub async fn put(&self, key: &[u8], with: impl Fn(u8) -> u8,) -> Result<Vec<u8>, Error> { todo!() }
                fn hidden() {}
            }
            impl From<u8> for Options<'_> { fn from(_: u8) -> Self { todo!() } }
            pub enum Kind { Named { at: u64, }, Tuple(u8), Unit }
            pub const LIMIT: usize = 1;
            #[cfg(test)]
            mod tests { pub fn ignored() {} }
        ";
        assert_lists(
            &[("lib.rs", source)],
            &[
                "sample: impl From<u8> for Options<'_>",
                "sample: pub const LIMIT: usize",
                "sample: pub enum Kind",
                "sample: pub struct Options<'a> #[derive(Clone, Builder)] #[non_exhaustive]",
                "sample: pub use other",
                "sample: pub use other::One",
                "sample: pub use other::inner::Two as Three",
                "sample::Kind: Named { at: u64 }",
                "sample::Kind: Tuple(u8)",
                "sample::Kind: Unit",
                "sample::Options: private: u8",
                "sample::Options: pub async fn put(&self, key: &[u8], with: impl Fn(u8) -> u8) \
                 -> Result<Vec<u8>, Error>",
                "sample::Options: pub name: Option<&'a str> #[builder(into)]",
            ],
        );
    }

    #[test]
    fn modules_are_followed_and_private_ones_add_nothing_to_paths() {
        assert_lists(
            &[
                ("lib.rs", "mod put; pub mod spec; types! { pub struct Declared { pub a: u8 } }"),
                ("put.rs", "mod part; pub fn put() {}"),
                ("put/part.rs", "pub fn part() {}"),
                (
                    "spec/mod.rs",
                    "pub type Names = Vec<String>; names!(Names); \
                    declared! { pub struct Spec(\"a spec\") {} } impl Spec { pub fn new() {} }",
                ),
            ],
            &[
                "sample: pub fn part()",
                "sample: pub fn put()",
                "sample: pub mod spec",
                "sample: pub struct Declared",
                "sample::Declared: pub a: u8",
                "sample::spec: declared!(pub struct Spec(\"a spec\") {  })",
                "sample::spec: names!(Names)",
                "sample::spec: pub type Names = Vec<String>",
                "sample::spec::Spec: pub fn new()",
            ],
        );
    }

    #[test]
    fn a_difference_names_the_lines_of_each_side() {
        assert_eq!(difference("a\nb\n", "b\nc\n"), ["- a", "+ c"]);
    }
}
