//! Values as people read them.

use std::borrow::Cow;

use jiff::Timestamp;

/// A size in bytes with a binary unit and at most four digits: `17 B`, `1.5 KiB`, `1023 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // What would be printed as 1024 belongs to the next unit.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let decimals = usize::from(value < 99.95);
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// A time to the second, in UTC.
pub(crate) fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".into(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// `1 object`, `2 objects`.
pub(crate) fn count(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// Text as it is seen: a hostile key must not move the reader's cursor, turn the direction of
/// writing or hide a part of itself, and a line must stay a line.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
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

/// Control characters, and those of Unicode's general category Cf, Zl and Zp that terminals obey
/// without showing them: directions (UAX #9), joiners, separators, tags.
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
    fn sizes() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (100 << 10, "100 KiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (1 << 20, "1.0 MiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn times_and_counts() {
        let at: Timestamp = "2013-01-02T03:04:05.678Z".parse().unwrap();
        assert_eq!(time(Some(at)), "2013-01-02 03:04:05Z");
        assert_eq!(time(None), "-");
        assert_eq!(
            (count(1, "object"), count(0, "object")),
            ("1 object".into(), "0 objects".into())
        );
    }

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(printable("a b/ä"), "a b/ä");
        assert_eq!(printable("a\n\u{1b}[31mb"), r"a\n\u{1b}[31mb");
        assert_eq!(printable("exe.\u{202e}gpj\u{200b}"), r"exe.\u{202e}gpj\u{200b}");
    }
}
