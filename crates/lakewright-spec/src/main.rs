//! `lakewright-spec` checks and prints spec documents. It knows no server and no SDK, so that a
//! Nix build can have it for little: what a machine would refuse fails where it is declared.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lakewright_core::{Error, ErrorKind, Result, Spec};

/// Checks and prints lakewright's spec documents.
///
/// Exit codes: 0 for a good document, 2 for a wrong one, 1 for a file that cannot be read.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Says whether the document is good, or everything that is wrong with it.
    Check {
        /// The document; `-` is standard input.
        file: PathBuf,
    },
    /// Prints the document in its one way of writing, by which two can be compared.
    Show {
        /// The document; `-` is standard input.
        file: PathBuf,
    },
    /// Prints the JSON Schema of the format.
    Schema,
}

fn main() -> ExitCode {
    let args = Args::parse();
    ExitCode::from(run(&args.command, &mut io::stdout().lock(), &mut io::stderr().lock()))
}

/// Does it and returns the exit code. What cannot be printed has nobody to read it.
fn run(command: &Command, out: &mut impl Write, err: &mut impl Write) -> u8 {
    match answer(command) {
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

fn answer(command: &Command) -> Result<String> {
    match command {
        Command::Check { file } => read(file).map(|spec| spec.summary()),
        Command::Show { file } => read(file)?.canonical(),
        Command::Schema => Spec::json_schema(),
    }
}

fn read(file: &Path) -> Result<Spec> {
    let mut json = Vec::new();
    // One byte more than the largest document, so that a larger one is seen and not held.
    let most = Spec::MAX_BYTES as u64 + 1;
    let read = if file == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut json)
    } else {
        File::open(file).and_then(|file| file.take(most).read_to_end(&mut json))
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

    fn ran(command: &[&str]) -> (u8, String, String) {
        let args = Args::try_parse_from([&["lakewright-spec"], command].concat()).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run(&args.command, &mut out, &mut err);
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn a_good_document_is_summed_up_and_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("spec.json");
        let document =
            r#"{"version": 1, "stack": "lake", "buckets": {"raw": {"quota": "1KiB"}, "a-b": {}}}"#;
        std::fs::write(&file, document).unwrap();
        let file = file.to_str().unwrap();
        assert_eq!(ran(&["check", file]), (0, "stack lake: 2 buckets\n".into(), String::new()));
        let shown = r#"{"buckets":{"a-b":{},"raw":{"quota":1024}},"stack":"lake","version":1}"#;
        assert_eq!(ran(&["show", file]), (0, format!("{shown}\n"), String::new()));
    }

    #[test]
    fn everything_that_is_wrong_stands_on_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("spec.json");
        std::fs::write(
            &file,
            r#"{"version": 1, "stack": "lake", "buckets": {"raw": {"x": 1}, "A": {}}}"#,
        )
        .unwrap();
        let (code, out, err) = ran(&["check", file.to_str().unwrap()]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert_eq!(err.lines().count(), 3, "{err}");
        assert!(err.contains("\n  buckets.raw.x: a bucket has no such field"), "{err}");
    }

    #[test]
    fn a_missing_file_is_no_wrong_document() {
        let (code, _, err) = ran(&["check", "/nowhere/spec.json"]);
        assert_eq!(code, 1);
        assert!(err.starts_with("error: /nowhere/spec.json: "), "{err}");
    }

    #[test]
    fn the_schema_is_the_committed_one() {
        let committed = include_str!("../../lakewright-core/spec.schema.json");
        assert_eq!(ran(&["schema"]), (0, committed.to_owned(), String::new()));
    }
}
