//! `lakewright table` and `lakewright sql` in a build without the feature `tables`

use std::ffi::OsString;

use clap::Args;
use lakewright::{Error, ErrorKind};

use crate::failure::Outcome;

/// Takes any arguments, so that whoever types a command of the full build hears where it is and
/// not that there never was one.
#[derive(Args, Debug)]
#[command(
    disable_help_flag = true,
    after_help = "The build of lakewright with the feature `tables` has it."
)]
pub(crate) struct Refused {
    /// What the full build would read
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Refused {
    pub(crate) fn run(self) -> Outcome {
        tracing::debug!(arguments = ?self.arguments, "refused");
        let error = Error::new(ErrorKind::Unsupported, lakewright::declared::NO_TABLES);
        Err(error.into())
    }
}
