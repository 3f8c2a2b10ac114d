//! Values as text for people.

use jiff::Timestamp;
pub(crate) use lakewright::render::{count, size};
pub(crate) use lakewright::{printable, printable_json};

/// Returns a time in UTC with a resolution of one second, `-` for none.
pub(crate) fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".into(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc() {
        let at: Timestamp = "2013-01-02T03:04:05.678Z".parse().unwrap();
        assert_eq!(time(Some(at)), "2013-01-02 03:04:05Z");
        assert_eq!(time(None), "-");
    }
}
