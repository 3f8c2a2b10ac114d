//! Values as people read them.

use jiff::Timestamp;
pub(crate) use lakewright::printable;

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
}
