//! Looks for a secret in the memory of this process after the last handle on its connection was
//! dropped. It is a binary of its own, because other tests use the same memory.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use lakewright_client::profile::{SettingValue, Settings, read_secret};
use lakewright_client::{Client, Profile};
use lakewright_core::{BucketName, ObjectKey, SecretRef};
use lakewright_s3::{PutOptions, S3};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

/// The number of characters of the secret.
const LENGTH: usize = 40;

/// How many copies the SDK may leave in freed memory: aws-sigv4 writes "AWS4" and the secret into a
/// string for each signature and does not overwrite it. Usually the next allocations do, so the number
/// does not grow with that of the requests.
const COPIES_OF_SDK: usize = 2;

/// A secret that is in memory only with all of its bits inverted.
struct Hidden([u8; LENGTH]);

impl Hidden {
    fn new() -> Self {
        let mut bytes = [0; LENGTH];
        let random = File::open("/dev/urandom").unwrap();
        std::io::Read::read_exact(&mut &random, &mut bytes).unwrap();
        Self(bytes.map(|byte| !(b'a' + byte % 26)))
    }

    fn reveal(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        self.0.iter().for_each(|byte| text.push(char::from(!byte)));
        text
    }

    /// Returns how often the second half of the secret is in the writable memory of this process. The
    /// allocator overwrites the first bytes of freed memory.
    fn copies(&self) -> usize {
        let half = &self.0[LENGTH / 2..];
        let memory = File::open("/proc/self/mem").unwrap();
        // The memory is copied piece by piece to one buffer, in which it is not searched again.
        let mut buffer = vec![0; 1 << 16];
        let own = buffer.as_ptr_range();
        let own = own.start.addr() as u64..own.end.addr() as u64;
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let mut copies = 0;
        for line in maps.lines().filter(|line| line.contains(" rw")) {
            let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let [mut at, end] = [start, end].map(|text| u64::from_str_radix(text, 16).unwrap());
            while at + half.len() as u64 <= end {
                let bytes = &mut buffer[..(end - at).min(1 << 16) as usize];
                // Some mappings of the kernel cannot be read.
                if memory.read_exact_at(bytes, at).is_err() {
                    break;
                }
                let found = bytes.windows(half.len()).enumerate().filter(|(offset, window)| {
                    window.iter().zip(half).all(|(a, b)| *a == !*b)
                        && !own.contains(&(at + *offset as u64))
                });
                copies += found.count();
                at += (bytes.len() - half.len() + 1) as u64;
            }
        }
        copies
    }
}

/// Starts a server that accepts every request, and returns its endpoint.
async fn server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 1 << 20];
                while client.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let response = b"HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\n\r\n";
                    client.write_all(response).await.unwrap();
                }
            });
        }
    });
    endpoint
}

/// Connects with `settings`, sends requests with and without the SDK, and closes the connection.
async fn use_connection(settings: Settings) {
    let profile: Profile = settings.resolve().await.unwrap().into_profile().unwrap();
    let s3 = S3::new(&Client::new(profile).unwrap());
    let bucket = s3.bucket(BucketName::new("bucket").unwrap());
    let key = ObjectKey::new("key").unwrap();
    for _ in 0..20 {
        bucket.put(&key, "bytes", PutOptions::default()).await.unwrap();
        bucket.delete(&key).await.unwrap();
    }
}

/// Writes a file with the secret and returns its path.
fn file(folder: &Path, name: &str, before: &str, secret: &Hidden, after: &str) -> PathBuf {
    let path = folder.join(name);
    let mut file = File::create(&path).unwrap();
    for text in [before, &secret.reveal(), after] {
        file.write_all(text.as_bytes()).unwrap();
    }
    path
}

#[test]
fn secrets_do_not_outlive_their_connection() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let endpoint = runtime.block_on(server());
    let settings = || Settings::builder().endpoint(&*endpoint).access_key_id("id").build();

    let secret = Hidden::new();
    let visible = secret.reveal();
    assert_eq!(secret.copies(), 1, "the search finds a secret");
    drop(visible);
    assert_eq!(secret.copies(), 0, "the search leaves no copy");

    let path = file(folder.path(), "secret", "  ", &secret, "\n");
    let reference = SecretRef::File(path);
    let read = read_secret(&reference).unwrap();
    assert_eq!(secret.copies(), 1, "only the secret itself");
    drop(read);
    assert_eq!(secret.copies(), 0, "the reader leaves no copy");

    let mut from_file = settings();
    from_file.secret_access_key = Some(SettingValue::Reference(reference));
    runtime.block_on(use_connection(from_file));
    let copies = secret.copies();
    assert!(copies <= COPIES_OF_SDK, "{copies} copies of a secret from a file");
    println!("{copies} copies");

    let secret = Hidden::new();
    let mut literal = settings();
    let text = lakewright_core::Secret::new(secret.reveal().as_str());
    literal.secret_access_key = Some(SettingValue::Literal(text));
    runtime.block_on(use_connection(literal));
    let copies = secret.copies();
    assert!(copies <= COPIES_OF_SDK, "{copies} copies of a literal secret");
}
