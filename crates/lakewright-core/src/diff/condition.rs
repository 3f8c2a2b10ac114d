//! Equivalence of the conditions of table constraints.

use std::fmt::Debug;

use crate::spec::Columns;

/// Decides whether two conditions of a table are equivalent. This crate compares their text;
/// `lakewright-declare` implements the trait with the SQL parser that evaluates the conditions.
pub trait ConditionEquivalence: Debug + Sync {
    /// Returns whether the two conditions are known to accept the same rows of a table with these
    /// columns.
    fn is_equivalent(&self, columns: &Columns, a: &str, b: &str) -> bool;
}

/// Compares conditions by their text only.
#[derive(Clone, Copy, Debug)]
pub struct SameText;

impl ConditionEquivalence for SameText {
    fn is_equivalent(&self, _: &Columns, a: &str, b: &str) -> bool {
        same_text(a, b)
    }
}

impl dyn ConditionEquivalence + '_ {
    /// Whether the conditions are written the same or are equivalent.
    pub(super) fn is_same(&self, columns: &Columns, a: &str, b: &str) -> bool {
        same_text(a, b) || self.is_equivalent(columns, a, b)
    }
}

/// Whether two conditions are written the same except for white space between tokens, outer
/// parentheses, quotes around names that need none and the case of unquoted text. Writers of
/// Delta Lake store a condition as their own SQL printer writes it.
fn same_text(a: &str, b: &str) -> bool {
    fn normal(text: &str) -> Vec<String> {
        let mut tokens = tokens(text);
        while in_parentheses(&tokens) {
            tokens.pop();
            tokens.remove(0);
        }
        tokens
    }
    a == b || normal(a) == normal(b)
}

/// Splits a condition into tokens: names and numbers in lower case, quoted text unchanged, and
/// every other character on its own.
fn tokens(text: &str) -> Vec<String> {
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = match c {
            // A doubled quote is an escaped quote and does not end the text.
            '\'' | '"' | '`' => quoted_end(rest, c),
            c if plain(c) => rest.find(|c| !plain(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, remainder) = rest.split_at(end);
        let inside = token.strip_prefix(['"', '`']).and_then(|name| name.strip_suffix(['"', '`']));
        match inside {
            // The name has the same meaning without its quotes.
            Some(name)
                if name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                    && name.chars().all(plain)
                    && name.to_lowercase() == name =>
            {
                tokens.push(name.to_owned());
            }
            Some(name) => tokens.push(format!("\"{name}\"")),
            None if c == '\'' => tokens.push(token.to_owned()),
            None if c.is_whitespace() => {}
            None => tokens.push(token.to_lowercase()),
        }
        rest = remainder;
    }
    tokens
}

/// Returns the offset after the closing quote of quoted text; the length of the text if the quote
/// is not closed.
fn quoted_end(text: &str, quote: char) -> usize {
    let mut marks = text.match_indices(quote).map(|(at, _)| at).skip(1).peekable();
    while let Some(at) = marks.next() {
        if marks.next_if_eq(&(at + 1)).is_none() {
            return at + 1;
        }
    }
    text.len()
}

/// Whether one pair of parentheses encloses all tokens.
fn in_parentheses(tokens: &[String]) -> bool {
    let [first, inner @ .., last] = tokens else { return false };
    let mut open = 0_i32;
    let closed_early = inner.iter().any(|token| {
        open += match token.as_str() {
            "(" => 1,
            ")" => -1,
            _ => 0,
        };
        open < 0
    });
    first == "(" && last == ")" && !closed_early
}

#[cfg(test)]
mod tests {
    use super::same_text;

    #[test]
    fn conditions_are_compared_by_their_tokens() {
        assert!(same_text("delay > 0", "(Delay >  0)"));
        assert!(same_text("`a` = 'X'", "a='X'"));
        assert!(!same_text("a = 'x'", "a = 'X'"));
        assert!(!same_text("a = 'x y'", "a = 'xy'"));
        assert!(!same_text("(a) or (b)", "a) or (b"));
        assert!(same_text("((a)or(b))", "( a ) OR ( b )"));
    }

    #[test]
    fn quoted_text_is_compared_unchanged() {
        // Both names are possible in one table.
        assert!(!same_text("\"a b\" > 0", "\"ab\" > 0"));
        assert!(!same_text("`a  b` > 0", "`a b` > 0"));
        assert!(!same_text("\"A\" > 0", "a > 0"));
        assert!(!same_text("`x > y`", "x > y"));
        assert!(!same_text("\"a\"\"b\" > 0", "\"ab\" > 0"));
        assert!(!same_text("a = 'it''s (so'", "a = 'it''s(so'"));
        assert!(!same_text("a = '\"x\"'", "a = 'x'"));
        assert!(same_text("( `a b`>0 )", "\"a b\" > 0"));
        assert!(same_text("\"a\" > 0 AND `b`='`'", "a > 0 and b = '`'"));
        // White space separates tokens.
        assert!(!same_text("not a", "nota"));
        assert!(!same_text("'open", "open"));
    }

    proptest::proptest! {
        #[test]
        fn names_with_white_space_differ(a in "[ a-cA-C.\"'()]{1,5}", b in "[ a-cA-C.\"'()]{1,5}") {
            let of = |name: &str| format!("\"{}\" > 0", name.replace('"', "\"\""));
            proptest::prop_assert_eq!(same_text(&of(&a), &of(&b)), a == b);
            let printed = format!("( {} )", of(&a).replace(" > ", "  >  "));
            // White space inside quotes belongs to the name.
            if !a.contains(" > ") {
                proptest::prop_assert!(same_text(&of(&a), &printed));
            }
        }
    }
}
