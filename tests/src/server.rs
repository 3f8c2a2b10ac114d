//! The servers that tests run against.

use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lakewright::{BucketName, ErrorKind, Lake, Settings};
use tempfile::TempDir;

use crate::Command;
use crate::webhook::Webhook;

/// The keys of every MinIO that the kit starts. Long enough for MinIO, and no default.
const ACCESS_KEY_ID: &str = "lakewright-test";
const SECRET_ACCESS_KEY: &str = "lakewright-test-secret";

/// The name and the 32 bytes of the key that MinIO encrypts with.
const KMS_KEY: &str = "lakewright:bGFrZXdyaWdodC10ZXN0LWtleS1vZi0zMi1ieXRlcyE=";

/// From cold, on a busy machine with two cores.
const START: Duration = Duration::from_secs(60);

/// A server under test. Ended when dropped.
#[derive(Debug)]
pub struct Server {
    /// How test output calls it.
    pub name: &'static str,
    /// How to connect to it.
    pub settings: Settings,
    data: Option<TempDir>,
    minio: Option<Minio>,
    webhook: Option<Webhook>,
}

#[derive(Debug)]
struct Minio {
    command: Command,
    child: Child,
}

impl Drop for Minio {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether `LAKEWRIGHT_TEST_REQUIRE` names `what`.
#[must_use]
pub fn required(what: &str) -> bool {
    std::env::var("LAKEWRIGHT_TEST_REQUIRE")
        .is_ok_and(|list| list.split(',').any(|name| name.trim() == what))
}

/// Every server that can be had: MinIO and the embedded one, or the one that
/// `LAKEWRIGHT_TEST_S3_URL` names. What is missing is said, and fails when it is required.
///
/// # Panics
/// When a required server is missing or one does not start.
pub async fn servers() -> Vec<Server> {
    if let Ok(url) = std::env::var("LAKEWRIGHT_TEST_S3_URL") {
        return vec![Server::remote(url)];
    }
    let mut servers = vec![Server::embedded().await];
    match Server::minio().await {
        Some(minio) => servers.push(minio),
        None if required("minio") => panic!("LAKEWRIGHT_TEST_MINIO names no MinIO binary"),
        None => eprintln!("SKIPPED: MinIO (LAKEWRIGHT_TEST_MINIO is not set)"),
    }
    servers
}

impl Server {
    fn remote(url: String) -> Self {
        let var = |name: &str| std::env::var(name).unwrap_or_default();
        let settings = Settings {
            endpoint: Some(url),
            access_key_id: Some((&*var("LAKEWRIGHT_TEST_ACCESS_KEY_ID")).into()),
            secret_access_key: Some((&*var("LAKEWRIGHT_TEST_SECRET_ACCESS_KEY")).into()),
            ..Settings::default()
        };
        Self { name: "remote", settings, data: None, minio: None, webhook: None }
    }

    /// An embedded server on a new directory. It starts with the first connection.
    ///
    /// # Panics
    /// When there is no place for the directory.
    pub async fn embedded() -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let endpoint = Some(format!("embedded:{}", data.path().display()));
        let settings = Settings { endpoint, ..Settings::default() };
        Self { name: "embedded", settings, data: Some(data), minio: None, webhook: None }
    }

    /// A MinIO of its own on a free port; `None` where there is no binary.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn minio() -> Option<Self> {
        Self::start_minio(Some(KMS_KEY), |_, _| {}).await
    }

    /// The same without a key to encrypt with.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn minio_without_kms() -> Option<Self> {
        Self::start_minio(None, |_, _| {}).await
    }

    /// The same behind TLS, with a certificate of its own that the settings trust.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn minio_with_tls() -> Option<Self> {
        Self::start_minio(Some(KMS_KEY), |folder, settings| {
            let names = vec!["127.0.0.1".to_owned()];
            let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
            let certificates = folder.join("certs");
            std::fs::create_dir(&certificates).expect("a folder");
            std::fs::write(certificates.join("public.crt"), made.cert.pem()).expect("written");
            let key = made.signing_key.serialize_pem();
            std::fs::write(certificates.join("private.key"), key).expect("written");
            settings.endpoint = settings.endpoint.take().map(|e| e.replace("http:", "https:"));
            settings.ca_file = Some(certificates.join("public.crt"));
        })
        .await
    }

    /// `prepare` may lay things into the server's folder and change how to connect to it.
    async fn start_minio(
        kms_key: Option<&str>,
        prepare: impl FnOnce(&Path, &mut Settings),
    ) -> Option<Self> {
        let executable =
            std::env::var_os("LAKEWRIGHT_TEST_MINIO").filter(|path| !path.is_empty())?;
        let folder = tempfile::tempdir().expect("a temporary directory");
        let (port, console) = (free_port(), free_port());
        let mut settings = Settings {
            endpoint: Some(format!("http://127.0.0.1:{port}")),
            access_key_id: Some(ACCESS_KEY_ID.into()),
            secret_access_key: Some(SECRET_ACCESS_KEY.into()),
            ..Settings::default()
        };
        prepare(folder.path(), &mut settings);
        let webhook = Webhook::start().await;
        let command = Command::builder()
            .executable(executable.into())
            .arg("server".into())
            .arg(folder.path().join("data").into())
            .arg("--address".into())
            .arg(format!("127.0.0.1:{port}").into())
            .arg("--console-address".into())
            .arg(format!("127.0.0.1:{console}").into())
            // A folder without certificates means plain HTTP.
            .arg("--certs-dir".into())
            .arg(folder.path().join("certs").into())
            .var(("HOME".into(), folder.path().display().to_string()))
            .var(("MINIO_ROOT_USER".into(), ACCESS_KEY_ID.into()))
            .var(("MINIO_ROOT_PASSWORD".into(), SECRET_ACCESS_KEY.into()))
            // A key of the kit's own, so that encryption can be tested. Empty is none.
            .var(("MINIO_KMS_SECRET_KEY".into(), kms_key.unwrap_or_default().into()))
            .var(("MINIO_NOTIFY_WEBHOOK_ENABLE_KIT".into(), "on".into()))
            .var(("MINIO_NOTIFY_WEBHOOK_ENDPOINT_KIT".into(), webhook.endpoint().into()))
            .current_dir(folder.path().into())
            .build()
            .expect("nothing is missing");
        let child = command.spawn().expect("MinIO starts");
        let minio = Some(Minio { command, child });
        let webhook = Some(webhook);
        let server = Self { name: "minio", settings, data: Some(folder), minio, webhook };
        server.ready().await;
        Some(server)
    }

    /// Connects.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn lake(&self) -> Lake {
        self.lake_with(|_| {}).await
    }

    /// Connects with settings changed by the test.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn lake_with(&self, change: impl FnOnce(&mut Settings)) -> Lake {
        let mut settings = self.settings.clone();
        change(&mut settings);
        lakewright::connect(settings).await.expect("connects")
    }

    /// Where it keeps its data.
    ///
    /// # Panics
    /// For a server that the kit did not start.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.as_ref().expect("a server of the kit's").path()
    }

    /// Where its notifications go, to the target `arn:minio:sqs::KIT:webhook`.
    ///
    /// # Panics
    /// For a server that has none.
    #[must_use]
    pub fn webhook(&self) -> &Webhook {
        self.webhook.as_ref().expect("a MinIO of the kit's")
    }

    /// Ends MinIO with SIGKILL, in the middle of whatever it does.
    ///
    /// # Panics
    /// For another server.
    pub fn kill(&mut self) {
        let minio = self.minio.as_mut().expect("a MinIO of the kit's");
        minio.child.kill().expect("it can be killed");
        minio.child.wait().expect("it ends");
    }

    /// Starts a killed MinIO on the same data and port.
    ///
    /// # Panics
    /// For another server, or when it does not start again.
    pub async fn restart(&mut self) {
        let minio = self.minio.as_mut().expect("a MinIO of the kit's");
        minio.child = minio.command.spawn().expect("MinIO starts");
        self.ready().await;
    }

    /// Until it lists buckets: the health page answers before users are known.
    async fn ready(&self) {
        let lake = self.lake_with(|settings| settings.retries = Some(0)).await;
        let begin = Instant::now();
        while let Err(error) = lake.list_buckets().await {
            assert!(begin.elapsed() < START, "{} does not start: {error}", self.name);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A name that no other test uses.
///
/// # Panics
/// Never: the name is made to be valid.
#[must_use]
pub fn unique_bucket() -> BucketName {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("test-{}-{}-{number}", std::process::id(), nonce());
    BucketName::new(name).expect("a valid name")
}

fn nonce() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap_or_default().as_micros() % 1_000_000_000
}

/// A port nobody listens on. Another program may take it before the server does; then the
/// server does not start and says so.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    listener.local_addr().expect("its address").port()
}

/// Asserts what kind of error it is, showing it when it is another.
///
/// # Panics
/// When it is no error or another.
#[track_caller]
pub fn assert_kind<T: std::fmt::Debug>(
    result: lakewright::Result<T>,
    kind: ErrorKind,
) -> lakewright::Error {
    match result {
        Err(error) if error.kind() == kind => error,
        other => panic!("wanted {kind}, got {other:?}"),
    }
}
