//! minio-py reads what we encrypt, and we read what it encrypts.

use std::process::Command;

use super::payload::{Suite, decrypt, encrypt};

const SECRET: &str = "a secret, not só simple";

/// Reads lines of hexadecimal from its argument. What it can decrypt it encrypts anew, and says
/// so in hexadecimal.
const SCRIPT: &str = r#"
import io, os, sys
from minio.crypto import decrypt, encrypt

class Answer(io.BytesIO):
    def release_conn(self):
        pass

secret = os.environ["SECRET"]
for line in sys.stdin:
    plain = decrypt(Answer(bytes.fromhex(line)), secret)
    print(encrypt(plain, secret).hex())
"#;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

#[test]
fn minio_py_reads_ours_and_we_read_its_own() {
    let Some(python) = std::env::var_os("LAKEWRIGHT_TEST_PYTHON").filter(|path| !path.is_empty())
    else {
        let required = std::env::var("LAKEWRIGHT_TEST_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|name| name.trim() == "judges"),
            "LAKEWRIGHT_TEST_PYTHON names no Python"
        );
        return eprintln!("SKIPPED: minio-py (LAKEWRIGHT_TEST_PYTHON is not set)");
    };
    // minio-py has no name for the third suite; that MinIO reads it, every end-to-end test shows
    let texts: Vec<Vec<u8>> = [1, 45, 16383, 16384, 16385, 50_000]
        .map(|bytes| (0..bytes).map(|n: u32| (n % 251) as u8).collect())
        .into();
    for suite in [Suite::Argon2Aes, Suite::Argon2ChaCha] {
        let ours: String =
            texts.iter().map(|text| hex(&encrypt(suite, SECRET, text).unwrap()) + "\n").collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ours");
        std::fs::write(&path, ours).unwrap();
        let done = Command::new(&python)
            .args(["-c", SCRIPT])
            .env("SECRET", SECRET)
            .stdin(std::fs::File::open(path).unwrap())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let answers = String::from_utf8(done.stdout).unwrap();
        let theirs: Vec<_> =
            answers.lines().map(|line| decrypt(SECRET, &unhex(line)).unwrap().to_vec()).collect();
        assert!(theirs == texts, "{suite:?}");
    }
}
