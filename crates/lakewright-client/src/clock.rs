//! The server's clock. Leases expire by it, because the clocks of the clients differ and all
//! of them use one server.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

/// The difference between the server's clock and the local one, from the `Date` of its responses,
/// which counts whole seconds.
#[derive(Debug, Default)]
pub struct Clock {
    /// Set once a response had a valid date.
    known: OnceLock<()>,
    /// The server's time minus the local time, in milliseconds.
    ahead_ms: AtomicI64,
}

impl Clock {
    /// Updates the difference from the `Date` (RFC 9110, 6.6.1) of a response that just arrived.
    pub fn learn(&self, date: &str) {
        static PARSER: DateTimeParser = DateTimeParser::new();
        let Ok(there) = PARSER.parse_timestamp(date) else { return };
        let ahead = there.as_millisecond() - Timestamp::now().as_millisecond();
        self.ahead_ms.store(ahead, Ordering::Relaxed);
        // Another thread may have set it already; the value is the same.
        let _ = self.known.set(());
    }

    /// Returns the server's time, or the local time before the first response.
    pub fn now(&self) -> Timestamp {
        let here = Timestamp::now();
        if self.known.get().is_none() {
            return here;
        }
        let ahead = SignedDuration::from_millis(self.ahead_ms.load(Ordering::Relaxed));
        // `Date` has no fractions, so a difference of up to a second means equal clocks.
        if ahead.abs() <= SignedDuration::from_secs(1) {
            here
        } else {
            here.checked_add(ahead).unwrap_or(here)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_time_counts_once_it_is_known() {
        let clock = Clock::default();
        let off = |clock: &Clock| (clock.now().as_second() - Timestamp::now().as_second()).abs();
        assert!(off(&clock) <= 1);
        clock.learn("no date");
        assert!(off(&clock) <= 1);
        clock.learn("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(clock.now().strftime("%Y-%m-%d %H:%M").to_string(), "1994-11-06 08:49");
    }
}
