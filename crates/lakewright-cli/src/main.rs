//! The `lakewright` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(lakewright_cli::main(std::env::args_os()))
}
