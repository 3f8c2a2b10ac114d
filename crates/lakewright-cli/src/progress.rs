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
    /// Counts bytes.
    pub(crate) fn bytes(watched: bool, what: &str) -> Self {
        Self::new(watched, what, "{msg} {spinner} {bytes} {bytes_per_sec}")
    }

    /// Counts things.
    pub(crate) fn items(watched: bool, what: &str) -> Self {
        Self::new(watched, what, "{msg} {spinner} {human_pos}")
    }

    fn new(watched: bool, what: &str, template: &str) -> Self {
        if !watched {
            return Self(None);
        }
        let meter = ProgressBar::new_spinner();
        meter.set_message(crate::human::printable(what).into_owned());
        Self(Some(styled(meter, template)))
    }

    /// So many bytes so far, of `total` where that is known.
    pub(crate) fn is_at(&self, done: u64, total: Option<u64>) {
        let Some(bar) = &self.0 else { return };
        if total.is_some() && bar.length() != total {
            bar.set_length(total.unwrap_or(done));
            let _ =
                styled(bar.clone(), "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
        }
        bar.set_position(done);
    }

    /// So many more.
    pub(crate) fn add(&self, n: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(n);
        }
    }
}

/// Steps of a plan, as they are done: on a terminal one line that moves and a line for what went
/// wrong, otherwise a line for each.
pub(crate) struct Steps(Option<ProgressBar>);

impl Steps {
    pub(crate) fn new(watched: bool, total: usize) -> Self {
        if !watched || total == 0 {
            return Self(None);
        }
        let bar = ProgressBar::new(total as u64);
        Self(Some(styled(bar, "{pos}/{len} {bar:30} {wide_msg}")))
    }

    /// A line for people.
    pub(crate) fn say(&self, line: &str) {
        match &self.0 {
            None => crate::failure::say(&format!("{line}\n")),
            Some(bar) => bar.println(line),
        }
    }

    /// This step is under way.
    pub(crate) fn started(&self, step: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(step.to_owned());
        }
    }

    /// This step has come to its end, or to the error that is named.
    pub(crate) fn ended(&self, step: &str, error: Option<&str>) {
        let line = match error {
            None => format!("done: {step}"),
            Some(error) => format!("not done: {step}: {}", crate::human::printable(error)),
        };
        match &self.0 {
            None => crate::failure::say(&format!("{line}\n")),
            Some(bar) => {
                bar.inc(1);
                if error.is_some() {
                    bar.println(line);
                }
            }
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar, // the templates above are well formed; a plain bar would do as well
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
