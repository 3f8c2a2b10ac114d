//! The encryption of secrets in MinIO's admin API. The key is derived from the secret key that also
//! signs the request.
//!
//! `salt[32] | id[1] | nonce[8] | fragments`. A fragment consists of up to 16384 bytes of
//! plaintext, encrypted, and a tag of 16 bytes; only the last may be shorter. Its nonce is the
//! eight bytes followed by its number, counted from 1 (little-endian); its additional data is a
//! flag (0x80 for the last) and the tag of an empty message with number 0. The format is that of
//! `minio.crypto` in minio-py, with which `tests/minio_py.rs` compares it.

use std::num::NonZeroU32;
use std::sync::OnceLock;

use argon2::{Algorithm, Argon2, Params, Version};
use lakewright_core::{Error, ErrorKind, Result};
use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

const SALT: usize = 32;
const NONCE: usize = 8;
const HEAD: usize = SALT + 1 + NONCE;
/// The number of plaintext bytes in a full fragment.
const FRAGMENT: usize = 16384;
const TAG: usize = 16;

const LAST: u8 = 0x80;

/// The parameters of Argon2id in MinIO: one pass over 64 MiB (in KiB) in four lanes. It takes about
/// 70 ms.
const ARGON2_MEMORY: u32 = 65536;
const ARGON2_PASSES: u32 = 1;
const ARGON2_LANES: u32 = 4;

const PBKDF2_ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(8191);

/// The key derivation and the cipher, identified by the byte after the salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Suite {
    /// The suite of MinIO's responses.
    Argon2Aes = 0x00,
    /// The suite of MinIO's responses on machines without AES instructions.
    Argon2ChaCha = 0x01,
    /// The suite of requests. The server accepts it like the others, and it is thirty times cheaper
    /// for both sides. It does not weaken the secret: the signature of the request can be used for
    /// guessing as well and is cheaper still.
    Pbkdf2Aes = 0x02,
}

impl Suite {
    fn of(id: u8) -> Option<Self> {
        [Self::Argon2Aes, Self::Argon2ChaCha, Self::Pbkdf2Aes]
            .into_iter()
            .find(|suite| *suite as u8 == id)
    }

    fn key(self, secret: &str, salt: &[u8]) -> Result<LessSafeKey> {
        let mut key = Zeroizing::new([0; 32]);
        match self {
            Self::Argon2Aes | Self::Argon2ChaCha => {
                let size = Some(key.len());
                Params::new(ARGON2_MEMORY, ARGON2_PASSES, ARGON2_LANES, size)
                    .and_then(|params| {
                        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
                            secret.as_bytes(),
                            salt,
                            &mut *key,
                        )
                    })
                    .map_err(|error| internal_error(&format!("no key can be derived: {error}")))?;
            }
            Self::Pbkdf2Aes => ring::pbkdf2::derive(
                ring::pbkdf2::PBKDF2_HMAC_SHA256,
                PBKDF2_ROUNDS,
                salt,
                secret.as_bytes(),
                &mut *key,
            ),
        }
        let cipher = match self {
            Self::Argon2Aes | Self::Pbkdf2Aes => &AES_256_GCM,
            Self::Argon2ChaCha => &CHACHA20_POLY1305,
        };
        UnboundKey::new(cipher, &*key)
            .map(LessSafeKey::new)
            .map_err(|_| internal_error("the key does not fit the cipher"))
    }
}

/// Encrypts `plain` with a key derived from `secret`. Takes 3 ms; with Argon2id 70 ms and 64 MiB.
///
/// # Errors
/// `Internal` if the system provides no randomness.
pub(super) fn encrypt(suite: Suite, secret: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let mut head = [0; HEAD];
    SystemRandom::new()
        .fill(&mut head)
        .map_err(|_| internal_error("the system has no randomness"))?;
    encrypt_under(suite, secret, plain, head)
}

/// Encrypts with the salt and the nonce of `head`.
fn encrypt_under(
    suite: Suite,
    secret: &str,
    plain: &[u8],
    mut head: [u8; HEAD],
) -> Result<Vec<u8>> {
    head[SALT] = suite as u8;
    let key = suite.key(secret, &head[..SALT])?;
    let mut sealed = Vec::with_capacity(HEAD + plain.len() + (plain.len() / FRAGMENT + 1) * TAG);
    sealed.extend_from_slice(&head);
    seal(&key, &head[SALT + 1..], plain, &mut sealed)?;
    Ok(sealed)
}

/// Decrypts data that was encrypted with `secret`. With Argon2id it takes 70 ms and 64 MiB;
/// asynchronous callers use [`decrypt_off_thread`].
///
/// # Errors
/// `Corrupt` if the data was not encrypted with this secret or has been changed.
pub(super) fn decrypt(secret: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let corrupt = |why: &str| Error::new(ErrorKind::Corrupt, why);
    let Some((head, fragments)) = sealed.split_at_checked(HEAD) else {
        return Err(corrupt("the encrypted answer is too short"));
    };
    let Some(suite) = Suite::of(head[SALT]) else {
        let why = format!("the answer is encrypted in an unknown way ({:#04x})", head[SALT]);
        return Err(corrupt(&why));
    };
    let key = suite.key(secret, &head[..SALT])?;
    open(&key, &head[SALT + 1..], fragments)
        .ok_or_else(|| corrupt("the encrypted answer does not fit the secret key, or was changed"))
}

/// Runs [`decrypt`] on a blocking thread. The number of concurrent decryptions is limited, because
/// each takes 64 MiB.
///
/// # Errors
/// Those of [`decrypt`].
pub(super) async fn decrypt_off_thread(
    secret: Zeroizing<String>,
    sealed: bytes::Bytes,
) -> Result<Zeroizing<Vec<u8>>> {
    static PERMITS: OnceLock<Semaphore> = OnceLock::new();
    let permits = PERMITS.get_or_init(|| {
        // More decryptions than cores would only need more memory.
        Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from))
    });
    let _permit = permits.acquire().await.map_err(|error| internal_error(&error.to_string()))?;
    tokio::task::spawn_blocking(move || decrypt(&secret, &sealed))
        .await
        .map_err(|error| internal_error("a decryption ended early").caused_by(error))?
}

fn nonce(start: &[u8], number: u32) -> Nonce {
    let mut nonce = [0; NONCE + 4];
    nonce[..NONCE].copy_from_slice(start);
    nonce[NONCE..].copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// Returns the additional data of fragments: the flag, and the tag of an empty message with number
/// 0.
fn additional(key: &LessSafeKey, start: &[u8]) -> Option<[u8; 1 + TAG]> {
    let tag = key.seal_in_place_separate_tag(nonce(start, 0), Aad::empty(), &mut []).ok()?;
    let mut additional = [0; 1 + TAG];
    additional[1..].copy_from_slice(tag.as_ref());
    Some(additional)
}

/// Appends the fragments of `plain`. There is always a last fragment, which may be empty.
fn seal(key: &LessSafeKey, start: &[u8], plain: &[u8], sealed: &mut Vec<u8>) -> Result<()> {
    let refused = || internal_error("the payload cannot be encrypted");
    let mut additional = additional(key, start).ok_or_else(refused)?;
    let mut left = plain;
    for number in 1.. {
        let (fragment, rest) = left.split_at(left.len().min(FRAGMENT));
        if rest.is_empty() {
            additional[0] = LAST;
        }
        let at = sealed.len();
        sealed.extend_from_slice(fragment);
        let nonce = nonce(start, number);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(additional), &mut sealed[at..]);
        sealed.extend_from_slice(tag.map_err(|_| refused())?.as_ref());
        if rest.is_empty() {
            break;
        }
        left = rest;
    }
    Ok(())
}

/// Returns the plaintext of `fragments`; `None` if one was changed or is missing.
fn open(key: &LessSafeKey, start: &[u8], fragments: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut additional = additional(key, start)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(fragments.len()));
    let mut left = fragments;
    for number in 1.. {
        let (fragment, rest) = left.split_at(left.len().min(FRAGMENT + TAG));
        if rest.is_empty() {
            additional[0] = LAST;
        }
        let at = plain.len();
        plain.extend_from_slice(fragment);
        let opened =
            key.open_in_place(nonce(start, number), Aad::from(additional), &mut plain[at..]);
        let bytes = opened.ok()?.len();
        plain.truncate(at + bytes);
        if rest.is_empty() {
            return Some(plain);
        }
        left = rest;
    }
    None
}

fn internal_error(why: &str) -> Error {
    Error::new(ErrorKind::Internal, why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "minioadmin";

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    /// The expected bytes were made with minio-py's `minio.crypto`.
    #[test]
    fn known_ciphertext() {
        let mut head = [0; HEAD];
        (0..32).for_each(|n| head[usize::from(n)] = n);
        (0..8).for_each(|n| head[33 + usize::from(n)] = n);
        let plain = br#"{"status":"enabled","secretKey":"s3cr3t-key"}"#;
        let sealed = encrypt_under(Suite::Argon2Aes, SECRET, plain, head).unwrap();
        assert_eq!(sealed[..HEAD], head);
        let body = "778fcfeb360f3bb29b9c05dd4490c52d292adbc636b124117a3a5584e23c6ed64c3199e9d9c9b\
                    7beb7fe528171a4ec288b683119215ef7a1f12ee28107";
        assert_eq!(sealed[HEAD..], hex(body));
    }

    #[test]
    fn every_suite_round_trips_and_requires_its_secret() {
        for suite in [Suite::Argon2Aes, Suite::Argon2ChaCha, Suite::Pbkdf2Aes] {
            let sealed = encrypt(suite, SECRET, b"text").unwrap();
            assert_eq!(**decrypt(SECRET, &sealed).unwrap(), *b"text");
            assert_eq!(decrypt("minioadmim", &sealed).unwrap_err().kind(), ErrorKind::Corrupt);
            assert_ne!(encrypt(suite, SECRET, b"text").unwrap(), sealed, "random salt and nonce");
            for length in [0, 1, HEAD - 1, HEAD, HEAD + TAG - 1] {
                let error = decrypt(SECRET, &sealed[..length]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt);
            }
        }
        let mut sealed = encrypt(Suite::Pbkdf2Aes, SECRET, b"text").unwrap();
        sealed[SALT] = 3;
        assert!(decrypt(SECRET, &sealed).unwrap_err().to_string().contains("0x03"));
    }

    /// Encrypts without the derivation of the key, which is slow.
    fn fragments(chacha: bool, plain: &[u8]) -> (LessSafeKey, Vec<u8>) {
        let cipher = if chacha { &CHACHA20_POLY1305 } else { &AES_256_GCM };
        let key = LessSafeKey::new(UnboundKey::new(cipher, &[7; 32]).unwrap());
        let mut sealed = Vec::new();
        seal(&key, &[9; NONCE], plain, &mut sealed).unwrap();
        (key, sealed)
    }

    /// Lengths of zero to three fragments, mostly close to the boundaries of fragments.
    fn lengths() -> impl Strategy<Value = usize> {
        prop_oneof![
            (0..4_usize, -2..=2_isize).prop_map(|(n, by)| (n * FRAGMENT).saturating_add_signed(by)),
            0..3 * FRAGMENT,
        ]
    }

    fn text(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|n| (n % 251) as u8).collect()
    }

    proptest! {
        #[test]
        fn any_length_round_trips(bytes in lengths(), chacha: bool) {
            let plain = text(bytes);
            let (key, sealed) = fragments(chacha, &plain);
            let count = bytes.div_ceil(FRAGMENT).max(1);
            prop_assert_eq!(sealed.len(), bytes + count * TAG);
            prop_assert_eq!(&**open(&key, &[9; NONCE], &sealed).unwrap(), &plain);
            prop_assert!(open(&key, &[8; NONCE], &sealed).is_none());
        }

        #[test]
        fn any_flipped_bit_is_refused(bytes in lengths(), chacha: bool, at: prop::sample::Index, bit in 0..8) {
            let (key, mut sealed) = fragments(chacha, &text(bytes));
            let at = at.index(sealed.len());
            sealed[at] ^= 1_u8 << bit;
            prop_assert!(open(&key, &[9; NONCE], &sealed).is_none());
        }

        #[test]
        fn any_shorter_or_longer_one_is_refused(bytes in lengths(), chacha: bool, at: prop::sample::Index) {
            let (key, mut sealed) = fragments(chacha, &text(bytes));
            let at = at.index(sealed.len());
            prop_assert!(open(&key, &[9; NONCE], &sealed[..at]).is_none());
            let whole = at - at % (FRAGMENT + TAG);
            prop_assert!(open(&key, &[9; NONCE], &sealed[..whole]).is_none());
            sealed.extend_from_within(..at.max(1));
            prop_assert!(open(&key, &[9; NONCE], &sealed).is_none());
        }

        #[test]
        fn another_order_is_refused(count in 2..5_usize, one: prop::sample::Index, other: prop::sample::Index) {
            let (one, other) = (one.index(count), other.index(count));
            prop_assume!(one != other);
            // all fragments have the same plaintext, so that only their numbers differ
            let (key, sealed) = fragments(false, &vec![1; count * FRAGMENT]);
            let mut parts: Vec<&[u8]> = sealed.chunks(FRAGMENT + TAG).collect();
            parts.swap(one, other);
            prop_assert!(open(&key, &[9; NONCE], &parts.concat()).is_none());
        }
    }
}
