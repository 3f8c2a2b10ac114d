//! Text that is safe to display.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// Escapes the characters that are not visible, so that a hostile name cannot move the cursor,
/// change the direction of writing, hide a part of itself or break a line.
///
/// ```
/// assert_eq!(lakewright_core::printable("a\u{202e}b\n"), r"a\u{202e}b\n");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().flat_map(|c| {
        let (plain, escaped) =
            if is_unseen(c) { (None, Some(c.escape_default())) } else { (Some(c), None) };
        plain.into_iter().chain(escaped.into_iter().flatten())
    });
    Cow::Owned(escaped.collect())
}

/// Writes a value as JSON in one line, with the characters that are not visible as `\\uXXXX`: a
/// program reads the same value, and a terminal shows it.
///
/// ```
/// use serde_json::json;
/// assert_eq!(lakewright_core::printable_json(&json!("a\u{202e}b\u{9b}")), r#""a\u202eb\u009b""#);
/// ```
#[must_use]
pub fn printable_json(value: &Value) -> String {
    let mut bytes = Vec::new();
    // Writing a JSON value to memory cannot fail; the result would be an empty text.
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, Escaping));
    written.ok().and_then(|()| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Escapes the characters of a text that are not visible as JSON does, in a text that is JSON
/// already: its line breaks and escapes remain. Only the strings of JSON can have such characters.
#[must_use]
pub fn printable_json_text(json: &str) -> Cow<'_, str> {
    let is_escaped = |c: char| is_unseen(c) && !matches!(c, '\n' | '\r' | '\t');
    if !json.chars().any(is_escaped) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if !is_escaped(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    Cow::Owned(escaped)
}

struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        writer.write_all(printable_json_text(fragment).as_bytes())
    }
}

/// Returns whether a character is a control character, or one of Unicode's general categories Cf,
/// Zl and Zp that terminals interpret without displaying it: directions (UAX #9), joiners,
/// separators, tags.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_value_and_shows_every_character() {
        let text: String =
            ('\0'..'\u{10ffff}').filter(|c| is_unseen(*c)).chain("aä\"\\".chars()).collect();
        let value = serde_json::json!({ text.clone(): [text, 1] });
        let json = printable_json(&value);
        assert!(!json.chars().any(is_unseen), "{json}");
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
        let lines = format!("{value}\n{value}\n");
        assert_eq!(printable_json_text(&lines), format!("{json}\n{json}\n"));
        assert!(json.contains("\\udb40\\udc01"), "pairs of UTF-16: {json}");
    }

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(printable("a b/ä"), "a b/ä");
        assert_eq!(printable("a\n\u{1b}[31mb"), r"a\n\u{1b}[31mb");
        assert_eq!(printable("exe.\u{202e}gpj\u{200b}"), r"exe.\u{202e}gpj\u{200b}");
    }
}
