//! Progress of long operations, shown on stderr when stderr is a terminal.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use crate::human::printable;
use crate::stderr;

/// Whether progress is shown: stderr is a terminal and the output is not JSON.
pub(crate) fn is_shown(json: bool) -> bool {
    !json && io::stderr().is_terminal()
}

/// A progress bar that is removed when it is dropped, so that no output or error shares its line.
/// It does nothing where progress is not shown.
pub(crate) struct Meter(Option<ProgressBar>);

impl Meter {
    /// Creates a meter that counts bytes.
    pub(crate) fn bytes(shown: bool, label: &str) -> Self {
        Self::new(shown, label, "{msg} {spinner} {bytes} {bytes_per_sec}")
    }

    /// Creates a meter that counts items.
    pub(crate) fn items(shown: bool, label: &str) -> Self {
        Self::new(shown, label, "{msg} {spinner} {human_pos}")
    }

    fn new(shown: bool, label: &str, template: &str) -> Self {
        if !shown {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        bar.set_message(printable(label).into_owned());
        Self(Some(with_template(bar, template)))
    }

    /// Sets the number of bytes that are done, and the total if it is known.
    pub(crate) fn set(&self, done: u64, total: Option<u64>) {
        let Some(bar) = &self.0 else { return };
        if total.is_some() && bar.length() != total {
            bar.set_length(total.unwrap_or(done));
            let template = "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            let _ = with_template(bar.clone(), template);
        }
        bar.set_position(done);
    }

    /// Adds to the number of bytes or items that are done.
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

/// Progress of the steps of a plan: a progress bar and a line for each failed step where progress
/// is shown, a line for each step otherwise.
pub(crate) struct StepProgress(Option<ProgressBar>);

impl StepProgress {
    pub(crate) fn new(shown: bool, total: usize) -> Self {
        if !shown || total == 0 {
            return Self(None);
        }
        let bar = ProgressBar::new(total as u64);
        Self(Some(with_template(bar, "{pos}/{len} {bar:30} {wide_msg}")))
    }

    /// Prints a line on stderr.
    pub(crate) fn print(&self, line: &str) {
        match &self.0 {
            None => stderr::write(&format!("{line}\n")),
            Some(bar) => bar.println(line),
        }
    }

    /// Reports that a step was started.
    pub(crate) fn started(&self, step: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(step.to_owned());
        }
    }

    /// Reports that a step has ended, with the error if it failed.
    pub(crate) fn ended(&self, step: &str, error: Option<&str>) {
        let line = match error {
            None => format!("done: {step}"),
            Some(error) => format!("not done: {step}: {}", printable(error)),
        };
        match &self.0 {
            None => stderr::write(&format!("{line}\n")),
            Some(bar) => {
                bar.inc(1);
                if error.is_some() {
                    bar.println(line);
                }
            }
        }
    }
}

impl Drop for StepProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Sets the layout of a bar. An invalid template leaves the default layout; those above are valid.
fn with_template(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
