//! Tests of the command inside another program, such as the Python wheel.

use std::ffi::OsString;

fn run(line: &str) -> u8 {
    lakewright_cli::main(line.split(' ').map(OsString::from))
}

/// A command that fails, because no server listens on port 1. It needs no credentials and prints
/// nothing to stdout.
const UNREACHABLE: &str =
    "lakewright profile check --anonymous --endpoint http://127.0.0.1:1 --retries 0";

#[test]
fn runs_again_and_in_any_thread() {
    assert_eq!(run(UNREACHABLE), 1);
    let threads: Vec<_> = (0..3).map(|_| std::thread::spawn(|| run(UNREACHABLE))).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 1);
    }
    assert_eq!(run("lakewright bucket creat raw"), 2);
    assert_eq!(lakewright_cli::main([]), 2);
}
