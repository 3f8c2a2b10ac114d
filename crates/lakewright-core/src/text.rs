//! Text that is safe to display.

use std::borrow::Cow;

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
    fn control_characters_become_visible() {
        assert_eq!(printable("a b/ä"), "a b/ä");
        assert_eq!(printable("a\n\u{1b}[31mb"), r"a\n\u{1b}[31mb");
        assert_eq!(printable("exe.\u{202e}gpj\u{200b}"), r"exe.\u{202e}gpj\u{200b}");
    }
}
