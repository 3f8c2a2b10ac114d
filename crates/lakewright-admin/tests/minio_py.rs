//! minio-py decrypts what lakewright encrypted, and lakewright decrypts what minio-py encrypted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::ffi::OsStr;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

// The module is private to the library, so it is compiled here again, without its own tests.
#[allow(unused, reason = "the tests of the library belong to another harness")]
#[path = "../src/payload.rs"]
mod payload;

use payload::{Suite, decrypt, encrypt};

const SECRET: &str = "a secret, not só simple";

/// Decrypts the lines of standard input, which are hexadecimal, and prints each encrypted again.
const SCRIPT: &str = r#"
import io, os, sys
from minio.crypto import decrypt, encrypt

class Response(io.BytesIO):
    def release_conn(self):
        pass

secret = os.environ["SECRET"]
for line in sys.stdin:
    plain = decrypt(Response(bytes.fromhex(line)), secret)
    print(encrypt(plain, secret).hex())
"#;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn main() -> ExitCode {
    let test = Trial::ignorable_test("both_decrypt_what_the_other_encrypted", with_python);
    libtest_mimic::run(&Arguments::from_args(), vec![test]).exit_code()
}

/// Runs the test where `LAKEWRIGHT_TEST_PYTHON` names a Python that has minio-py. Without one it is
/// ignored, or fails if `LAKEWRIGHT_TEST_REQUIRE` contains `judges`.
fn with_python() -> Result<Completion, Failed> {
    let Some(python) = std::env::var_os("LAKEWRIGHT_TEST_PYTHON").filter(|path| !path.is_empty())
    else {
        let required = std::env::var("LAKEWRIGHT_TEST_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|name| name.trim() == "judges"),
            "LAKEWRIGHT_TEST_PYTHON names no Python"
        );
        return Ok(Completion::ignored_with("LAKEWRIGHT_TEST_PYTHON is not set"));
    };
    both_decrypt_what_the_other_encrypted(&python);
    Ok(Completion::Completed)
}

fn both_decrypt_what_the_other_encrypted(python: &OsStr) {
    // minio-py does not support the third suite. Every end-to-end test of the API shows that MinIO
    // decrypts it.
    let texts: Vec<Vec<u8>> = [1, 45, 16383, 16384, 16385, 50_000]
        .map(|bytes| (0..bytes).map(|n: u32| (n % 251) as u8).collect())
        .into();
    for suite in [Suite::Argon2Aes, Suite::Argon2ChaCha] {
        let ours: String =
            texts.iter().map(|text| hex(&encrypt(suite, SECRET, text).unwrap()) + "\n").collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ours");
        std::fs::write(&path, ours).unwrap();
        let output = Command::new(python)
            .args(["-c", SCRIPT])
            .env("SECRET", SECRET)
            .stdin(std::fs::File::open(path).unwrap())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).unwrap();
        let theirs: Vec<_> =
            lines.lines().map(|line| decrypt(SECRET, &unhex(line)).unwrap().to_vec()).collect();
        assert!(theirs == texts, "{suite:?}");
    }
}
