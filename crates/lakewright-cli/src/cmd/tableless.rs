//! `lakewright table` and `lakewright sql` in a build without the feature `tables`

use std::ffi::OsString;

use clap::Args;
use lakewright::{Error, ErrorKind};

use crate::failure::CommandResult;

/// A verb that fails with `Unsupported`. It takes any arguments, so that a command line for the
/// full build fails because of the missing feature and not because of its arguments.
#[derive(Args, Debug)]
#[command(
    disable_help_flag = true,
    after_help = "Builds of lakewright with the feature `tables` have this command."
)]
pub(crate) struct Unsupported {
    /// The arguments of the full build
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Unsupported {
    pub(crate) fn run(self) -> CommandResult {
        tracing::debug!(arguments = ?self.arguments, "unsupported");
        let error = Error::new(ErrorKind::Unsupported, lakewright::declared::NO_TABLES);
        Err(error.into())
    }
}
