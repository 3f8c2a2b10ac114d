//! Progress of long work: on stderr, only where somebody watches.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that takes itself away when it is dropped, so that an answer or an error never shares
/// its line. Where nobody watches it is nothing.
pub(crate) struct Meter(Option<ProgressBar>);

/// Whether progress can be shown at all.
pub(crate) fn is_watched(json: bool) -> bool {
    !json && io::stderr().is_terminal()
}

impl Meter {
    /// Counts bytes, of `total` where that is known.
    pub(crate) fn bytes(watched: bool, what: &str, total: Option<u64>) -> Self {
        Self::new(
            watched,
            what,
            total,
            [
                "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
                "{msg} {spinner} {bytes} {bytes_per_sec}",
            ],
        )
    }

    /// Counts things.
    pub(crate) fn items(watched: bool, what: &str) -> Self {
        Self::new(watched, what, None, ["{msg} {pos}/{len}", "{msg} {spinner} {human_pos}"])
    }

    fn new(watched: bool, what: &str, total: Option<u64>, [bar, spinner]: [&str; 2]) -> Self {
        if !watched {
            return Self(None);
        }
        let (meter, template) = match total {
            Some(total) => (ProgressBar::new(total), bar),
            None => (ProgressBar::new_spinner(), spinner),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            meter.set_style(style);
        }
        meter.set_message(crate::human::printable(what).into_owned());
        Self(Some(meter))
    }

    /// So many more.
    pub(crate) fn add(&self, n: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(n);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
