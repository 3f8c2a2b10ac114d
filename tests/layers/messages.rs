//! The rule that no code decides by the text of an error's message or rebuilds an error from the
//! kind of another, which would lose whether its outcome is known.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::source::File;

/// A function that may search in the text of a message, and the reason.
pub(super) struct Exception {
    path: &'static str,
    function: &'static str,
    reason: &'static str,
}

/// The functions that isolate what other programs report as text only.
pub(super) const ALLOWED: &[Exception] = &[
    Exception {
        path: "crates/lakewright-core/src/bucket_config/server_text.rs",
        function: "is",
        reason: "MinIO has one service code for several refusals",
    },
    Exception {
        path: "crates/lakewright-admin/src/classify.rs",
        function: "is_disabled",
        reason: "MinIO has one service code for unknown and disabled access keys",
    },
    Exception {
        path: "crates/lakewright-admin/src/classify.rs",
        function: "is_access_key_taken",
        reason: "MinIO has one service code for several refusals of service accounts",
    },
    Exception {
        path: "crates/lakewright-admin/src/classify.rs",
        function: "is_expiry_out_of_range",
        reason: "MinIO reports an invalid expiry as an internal error",
    },
    Exception {
        path: "crates/lakewright-embedded/src/receive.rs",
        function: "body_error",
        reason: "s3s keeps the types of these errors private",
    },
];

/// Methods that compare a text or search in it.
const COMPARISONS: [&str; 12] = [
    "contains",
    "starts_with",
    "ends_with",
    "eq",
    "eq_ignore_ascii_case",
    "find",
    "rfind",
    "matches",
    "strip_prefix",
    "strip_suffix",
    "split_once",
    "rsplit_once",
];

/// Methods that return the text of an error, or the same text in another form.
const FORMS: [&str; 11] = [
    "as_deref",
    "as_ref",
    "as_str",
    "clone",
    "into",
    "to_ascii_lowercase",
    "to_lowercase",
    "to_owned",
    "to_string",
    "trim",
    "unwrap_or_default",
];

/// Names under which code holds an error. `to_string` of other values is no message.
const ERRORS: [&str; 7] = ["cause", "e", "err", "error", "failure", "inner", "source"];

/// Returns every violation of the rules outside tests, as a sentence, and every exception that is
/// not used.
pub(super) fn violations(files: &[File], allowed: &[Exception]) -> Vec<String> {
    let mut found = Vec::new();
    let mut used = vec![false; allowed.len()];
    for (path, text) in files {
        let mut search = Search::default();
        match text.parse() {
            Ok(tokens) => search.block(tokens, "", &[]),
            Err(error) => {
                found.push(format!("{path} is no Rust: {error}"));
                continue;
            }
        }
        for (function, breach) in search.found {
            let exception = allowed.iter().position(|one| {
                one.path == path && one.function == function && breach == Breach::Compares
            });
            match exception {
                Some(at) => used[at] = true,
                None => found.push(breach.sentence(path, &function)),
            }
        }
    }
    for (exception, _) in allowed.iter().zip(used).filter(|(_, used)| !used) {
        let Exception { path, function, reason } = exception;
        found.push(format!("{path}: {function} needs no exception any more ({reason})"));
    }
    found.dedup();
    found
}

/// A violation of the rules.
#[derive(Clone, Copy, PartialEq)]
enum Breach {
    /// The code compares the text of a message or searches in it.
    Compares,
    /// The code makes an error from the kind of another error.
    Rebuilds,
}

impl Breach {
    fn sentence(self, path: &str, function: &str) -> String {
        match self {
            Self::Compares => format!("{path}: {function} decides by the text of a message"),
            Self::Rebuilds => format!(
                "{path}: {function} makes an error of another one's kind; Error::wrap keeps the \
                 outcome"
            ),
        }
    }
}

/// A search for violations in one file.
#[derive(Default)]
struct Search {
    /// The violations, each with the name of its function.
    found: Vec<(String, Breach)>,
}

impl Search {
    /// Searches the tokens between two brackets. `function` is the innermost function around them,
    /// `texts` are the variables of the blocks around them that hold a message.
    fn block(&mut self, tokens: TokenStream, function: &str, texts: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let (mut texts, mut function) = (texts.to_vec(), function.to_owned());
        let mut at = 0;
        while at < tokens.len() {
            if let Some(after) = after_test(&tokens[at..]) {
                at += after;
                continue;
            }
            match &tokens[at] {
                TokenTree::Ident(ident) if ident == "fn" => {
                    if let Some(TokenTree::Ident(name)) = tokens.get(at + 1) {
                        function = name.to_string();
                    }
                }
                TokenTree::Ident(ident) if ident == "let" => {
                    texts.extend(message_variable(&tokens[at + 1..]));
                }
                TokenTree::Ident(ident) if ident == "match" => {
                    let end = tokens[at..].iter().position(is_braces).unwrap_or(0);
                    let held = &tokens[at + 1..at + end.max(1)];
                    if ends_in_message(held, &texts) {
                        self.found.push((function.clone(), Breach::Compares));
                    }
                }
                TokenTree::Ident(ident) if ident == "matches" => {
                    if let Some(TokenTree::Group(group)) = tokens.get(at + 2)
                        && ends_in_message(&first_argument(group), &texts)
                    {
                        self.found.push((function.clone(), Breach::Compares));
                    }
                }
                TokenTree::Ident(ident)
                    if ident == "Error"
                        && rebuilds(&tokens[at + 1..])
                        && !is_of_module(&tokens[..at], "io") =>
                {
                    self.found.push((function.clone(), Breach::Rebuilds));
                }
                TokenTree::Group(group) => self.block(group.stream(), &function, &texts),
                _ => {}
            }
            if compared(&tokens, at, &texts) {
                self.found.push((function.clone(), Breach::Compares));
            }
            at += 1;
        }
    }
}

/// Returns the number of tokens of `#[cfg(test)]` or `#[test]` and the item behind it.
fn after_test(tokens: &[TokenTree]) -> Option<usize> {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = tokens else { return None };
    let text = attribute.stream().to_string().replace(' ', "");
    let is_test = hash.as_char() == '#' && ["cfg(test)", "test", "tokio::test"].contains(&&*text);
    let ends = |token: &TokenTree| {
        is_braces(token) || matches!(token, TokenTree::Punct(p) if p.as_char() == ';')
    };
    let item = tokens.iter().position(ends)?;
    is_test.then_some(item + 1)
}

fn is_braces(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// Whether the tokens are `::new(error.kind(), …)`.
fn rebuilds(tokens: &[TokenTree]) -> bool {
    let [a, b, TokenTree::Ident(new), TokenTree::Group(arguments), ..] = tokens else {
        return false;
    };
    let is_path = is_punct(a, ':') && is_punct(b, ':') && new == "new";
    let first = first_argument(arguments);
    is_path && method_at_end(&first) == Some("kind".to_owned()) && first.len() > 3
}

/// Whether the tokens end in `module::`.
fn is_of_module(tokens: &[TokenTree], module: &str) -> bool {
    let [.., TokenTree::Ident(name), a, b] = tokens else { return false };
    name == module && is_punct(a, ':') && is_punct(b, ':')
}

fn first_argument(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().take_while(|token| !is_punct(token, ',')).collect()
}

fn is_punct(token: &TokenTree, expected: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == expected)
}

/// Returns the name of the method that is called last: `kind` of `error.kind()`.
fn method_at_end(tokens: &[TokenTree]) -> Option<String> {
    let [.., dot, TokenTree::Ident(name), TokenTree::Group(arguments)] = tokens else {
        return None;
    };
    let is_call = is_punct(dot, '.') && arguments.delimiter() == Delimiter::Parenthesis;
    is_call.then(|| name.to_string())
}

/// Returns the variable of `let x = ….message()…;` or of `let x = error.to_string();`; the tokens
/// are those behind `let`.
fn message_variable(tokens: &[TokenTree]) -> Option<String> {
    let end = tokens.iter().position(|token| is_punct(token, ';'))?;
    let [TokenTree::Ident(name), equals, value @ ..] = &tokens[..end] else { return None };
    (is_punct(equals, '=') && ends_in_message(value, &[])).then(|| name.to_string())
}

/// Whether an expression ends in the text of an error: `error.message()`, `service.message`,
/// `error.to_string()`, one of the variables, or a form of them.
fn ends_in_message(tokens: &[TokenTree], texts: &[String]) -> bool {
    if let [.., dot, TokenTree::Ident(name)] = tokens
        && is_punct(dot, '.')
    {
        return name == "message";
    }
    match method_at_end(tokens).as_deref() {
        Some("message") => true,
        Some("to_string") if receiver_is_error(&tokens[..tokens.len() - 3]) => true,
        Some(form) if FORMS.contains(&form) => ends_in_message(&tokens[..tokens.len() - 3], texts),
        Some(_) => false,
        None => {
            matches!(tokens, [.., TokenTree::Ident(name)] if texts.iter().any(|text| name == text))
        }
    }
}

fn receiver_is_error(tokens: &[TokenTree]) -> bool {
    matches!(tokens.last(), Some(TokenTree::Ident(name)) if ERRORS.iter().any(|one| name == one))
}

/// Whether the token at this place compares the message before it or behind it with another value,
/// or passes it to a closure that does.
fn compared(tokens: &[TokenTree], at: usize, texts: &[String]) -> bool {
    let before = &tokens[..at];
    match &tokens[at] {
        TokenTree::Punct(p) if p.as_char() == '.' => {
            let [TokenTree::Ident(method), TokenTree::Group(arguments), ..] = &tokens[at + 1..]
            else {
                return false;
            };
            let compares = COMPARISONS.iter().any(|one| method == one) || {
                let inside = arguments.stream().to_string().replace(' ', "");
                ["is_some_and", "is_ok_and", "map", "filter"].iter().any(|one| method == one)
                    && COMPARISONS.iter().any(|one| inside.contains(&format!(".{one}(")))
            };
            compares && ends_in_message(before, texts)
        }
        TokenTree::Punct(p) if matches!(p.as_char(), '=' | '!') => {
            let equality = matches!(tokens.get(at + 1), Some(token) if is_punct(token, '='));
            let doubled = before.last().is_some_and(|token| is_punct(token, '='));
            equality
                && !doubled
                && (ends_in_message(before, texts) || begins_with_message(&tokens[at + 2..]))
        }
        _ => false,
    }
}

/// Whether the tokens begin with `error.message()`.
fn begins_with_message(tokens: &[TokenTree]) -> bool {
    let end = tokens
        .iter()
        .position(|token| !matches!(token, TokenTree::Ident(_)) && !is_punct(token, '.'))
        .unwrap_or(tokens.len());
    let end = (end + 1).min(tokens.len());
    method_at_end(&tokens[..end]).as_deref() == Some("message")
}

mod tests {
    use super::{Exception, violations};

    const PATH: &str = "crates/lakewright-x/src/put.rs";

    #[track_caller]
    fn assert_finds(text: &str, expected: &[&str]) {
        let expected: Vec<_> = expected.iter().map(|end| format!("{PATH}: {end}")).collect();
        assert_eq!(violations(&[(PATH.to_owned(), text.to_owned())], &[]), expected, "{text}");
    }

    #[test]
    fn comparisons_of_messages_are_found() {
        for body in [
            r#"error.message().starts_with("cannot connect")"#,
            r#"match error.service() { Some(_) => true, None => error.message().contains("x") }"#,
            r#"let text = error.message().to_owned(); run(); if text.ends_with("ARN") { a() }"#,
            r#"error.to_string().contains("dns error")"#,
            r#"let text = error.to_string(); all(|| text.contains("dns error"))"#,
            r#"error.message() == "gone""#,
            r#"if "gone" != error.message() { a() }"#,
            r#"match error.message() { "gone" => 1, _ => 2 }"#,
            r#"matches!(error.message(), "gone" | "lost")"#,
            r#"service.message.as_deref().is_some_and(|text| text.contains("KMS"))"#,
            r#"select! { _ = x => error.message().trim().to_lowercase().contains("a") }"#,
        ] {
            let text = format!("impl X {{ fn check(&self) {{ {body} }} }}");
            assert_finds(&text, &["check decides by the text of a message"]);
        }
    }

    #[test]
    fn errors_made_of_another_ones_kind_are_found() {
        for body in [
            "Error::new(error.kind(), error.message())",
            "failed(Error::new(own.kind(), text).caused_by(own))",
            "lakewright_core::Error::new(self.inner.kind(), why)",
        ] {
            assert_finds(
                &format!("fn again() {{ {body} }}"),
                &["again makes an error of another one's kind; Error::wrap keeps the outcome"],
            );
        }
    }

    #[test]
    fn showing_a_message_and_deciding_by_types_pass() {
        assert_finds(
            r#"
            //! error.message().contains("x")
            fn shown() {
                let text = format!("not ready: {}", error.message());
                tracing::warn!(%error, "a message().contains");
                if error.kind() == ErrorKind::NotFound && name.to_string().starts_with("a") { a() }
                Error::new(ErrorKind::from(error.kind()), error.to_string());
                std::io::Error::new(error.kind(), error.to_string());
                code(&error) == "NoSuchKey" && error.outcome() != Outcome::NotSent
            }
            #[cfg(test)]
            mod tests {
                #[test]
                fn t() { assert!(error.message().contains("x")); }
            }
            "#,
            &[],
        );
    }

    #[test]
    fn exceptions_hold_for_one_function_and_must_be_used() {
        let allowed = [Exception { path: PATH, function: "is", reason: "text only" }];
        let text = r#"
            fn is(s: &S) -> bool { s.message.contains("KMS") }
            fn other(s: &S) -> bool { s.message.contains("KMS") }
        "#;
        assert_eq!(
            violations(&[(PATH.to_owned(), text.to_owned())], &allowed),
            [format!("{PATH}: other decides by the text of a message")]
        );
        assert_eq!(
            violations(&[(PATH.to_owned(), "fn is() {}".to_owned())], &allowed),
            [format!("{PATH}: is needs no exception any more (text only)")]
        );
    }
}
