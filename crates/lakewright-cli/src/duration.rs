//! Durations as command-line values.

use std::time::Duration;

/// Parses a duration: a number of seconds, or a number with the unit ms, s, m or h.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 4] = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let unit = UNITS.iter().find_map(|(unit, length)| Some((text.strip_suffix(unit)?, *length)));
    let (number, length) = unit.unwrap_or((text, 1.0));
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| "write a number of seconds, such as 2.5, or 500ms, 2m")?;
    Duration::try_from_secs_f64(number * length).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, millis) in
            [("2.5", 2500), ("500ms", 500), ("60s", 60_000), ("1.5m", 90_000), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["soon", "-1", "NaN", "inf", "s", "5 days"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
