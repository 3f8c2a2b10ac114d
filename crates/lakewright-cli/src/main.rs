//! The `lakewright` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    lakewright_cli::forbid_core_dumps();
    ExitCode::from(lakewright_cli::main(std::env::args_os()))
}
