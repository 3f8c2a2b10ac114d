//! `lakewright-spec` checks and prints specs. It depends on no SDK and contacts no server, so it is
//! cheap to build in Nix, where it reports an invalid spec at evaluation of the configuration.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lakewright_core::{Error, ErrorKind, Result, Spec};

/// Checks and prints lakewright's specs.
///
/// Exit codes: 0 for a valid spec, 2 for an invalid one, 1 for a file that cannot be read.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks a spec and prints a summary and warnings, or all its faults.
    Check {
        /// The spec file; `-` is standard input.
        file: PathBuf,
    },
    /// Prints the canonical form of a spec, by which two specs can be compared.
    Show {
        /// The spec file; `-` is standard input.
        file: PathBuf,
    },
    /// Prints the JSON Schema of the format.
    Schema,
}

fn main() -> ExitCode {
    let args = Args::parse();
    ExitCode::from(run(&args.command, &mut io::stdout().lock(), &mut io::stderr().lock()))
}

/// Runs the command and returns the exit code. Write errors are ignored, because there is no other
/// place to report them.
fn run(command: &Command, out: &mut impl Write, err: &mut impl Write) -> u8 {
    match execute(command, err) {
        Ok(text) => {
            let _ = writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush());
            0
        }
        Err(error) => {
            let _ = writeln!(err, "error: {error}");
            for failure in error.failures() {
                let _ = writeln!(err, "  {failure}");
            }
            error.kind().exit_code()
        }
    }
}

fn execute(command: &Command, err: &mut impl Write) -> Result<String> {
    match command {
        Command::Check { file } => {
            let spec = read(file)?;
            for warning in spec.warnings() {
                let _ = writeln!(err, "warning: {warning}");
            }
            Ok(spec.summary())
        }
        Command::Show { file } => read(file)?.canonical(),
        Command::Schema => Spec::json_schema(),
    }
}

fn read(file: &Path) -> Result<Spec> {
    let mut json = Vec::new();
    // One byte more than the limit is read, so that a larger file is recognised without reading all
    // of it.
    let limit = Spec::MAX_BYTES as u64 + 1;
    let read = if file == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut json)
    } else {
        File::open(file).and_then(|file| file.take(limit).read_to_end(&mut json))
    };
    read.map_err(|error| {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            _ => ErrorKind::Unavailable,
        };
        Error::new(kind, error.to_string()).on(file.display().to_string()).caused_by(error)
    })?;
    Spec::from_json(&json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_with(command: &[&str]) -> (u8, String, String) {
        let args = Args::try_parse_from([&["lakewright-spec"], command].concat()).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run(&args.command, &mut out, &mut err);
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn a_valid_spec_is_summarised_and_printed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("spec.json");
        let spec =
            r#"{"version": 1, "stack": "lake", "buckets": {"raw": {"quota": "1KiB"}, "a-b": {}}}"#;
        std::fs::write(&file, spec).unwrap();
        let file = file.to_str().unwrap();
        assert_eq!(
            run_with(&["check", file]),
            (0, "stack lake: 2 buckets\n".into(), String::new())
        );
        let shown = r#"{"buckets":{"a-b":{},"raw":{"quota":1024}},"stack":"lake","version":1}"#;
        assert_eq!(run_with(&["show", file]), (0, format!("{shown}\n"), String::new()));
    }

    #[test]
    fn warnings_are_printed_beside_the_summary() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("spec.json");
        let spec =
            r#"{"version": 1, "stack": "lake", "groups": {"all": {"policies": ["readwrite"]}}}"#;
        std::fs::write(&file, spec).unwrap();
        let (code, out, err) = run_with(&["check", file.to_str().unwrap()]);
        assert_eq!((code, out.as_str()), (0, "stack lake: 1 group\n"));
        assert!(err.starts_with("warning: groups.all.policies[0]: \"readwrite\" allows"), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }

    #[test]
    fn each_fault_is_printed_on_its_own_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("spec.json");
        std::fs::write(
            &file,
            r#"{"version": 1, "stack": "lake", "buckets": {"raw": {"x": 1}, "A": {}}}"#,
        )
        .unwrap();
        let (code, out, err) = run_with(&["check", file.to_str().unwrap()]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert_eq!(err.lines().count(), 3, "{err}");
        assert!(err.contains("\n  buckets.raw.x: a bucket has no such field"), "{err}");
    }

    #[test]
    fn a_missing_file_is_not_reported_as_an_invalid_spec() {
        let (code, _, err) = run_with(&["check", "/nowhere/spec.json"]);
        assert_eq!(code, 1);
        assert!(err.starts_with("error: /nowhere/spec.json: "), "{err}");
    }

    #[test]
    fn the_schema_is_the_committed_one() {
        let committed = include_str!("../../lakewright-core/spec.schema.json");
        assert_eq!(run_with(&["schema"]), (0, committed.to_owned(), String::new()));
    }
}
