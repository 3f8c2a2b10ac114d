//! The servers that tests run against.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use lakewright::{BucketName, ErrorKind, Lake, SettingValue, Settings};
use tempfile::TempDir;

use crate::harness::{Fixture, Shared, Skip};
use crate::process::{Command, Process};
use crate::webhook::Webhook;

/// The root credentials of every MinIO of the kit. Long enough for MinIO, and no default.
const ACCESS_KEY_ID: &str = "lakewright-test";
const SECRET_ACCESS_KEY: &str = "lakewright-test-secret";

/// The name and the 32 bytes of the key that MinIO encrypts with.
const KMS_KEY: &str = "lakewright:bGFrZXdyaWdodC10ZXN0LWtleS1vZi0zMi1ieXRlcyE=";

/// How long MinIO may take to start: a cold start on a busy machine with two cores.
const START: Duration = Duration::from_secs(60);

/// A server under test. It ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    /// The name of the server in the names and messages of tests.
    pub name: &'static str,
    /// How to connect to the server.
    pub settings: Settings,
    minio: Option<Minio>,
    webhook: Option<Webhook>,
    /// Keeps an embedded server running between the connections of tests.
    lake_guard: Option<Lake>,
    // The last field: the server ends before its folder is removed.
    folder: Option<TempDir>,
}

#[derive(Debug)]
struct Minio {
    command: Command,
    process: Process,
}

impl Server {
    fn remote(url: String) -> Self {
        let var = |name: &str| std::env::var(name).unwrap_or_default();
        let settings = Settings::builder()
            .endpoint(url)
            .access_key_id(&*var("LAKEWRIGHT_TEST_ACCESS_KEY_ID"))
            .secret_access_key(&*var("LAKEWRIGHT_TEST_SECRET_ACCESS_KEY"))
            .build();
        Self {
            name: "remote",
            settings,
            minio: None,
            webhook: None,
            lake_guard: None,
            folder: None,
        }
    }

    /// An embedded server on a new folder. It starts with the first connection and ends with the
    /// last one.
    fn embedded() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let endpoint = Some(format!("embedded:{}", folder.path().display()));
        let settings = Settings::builder().maybe_endpoint(endpoint).build();
        let folder = Some(folder);
        Self { name: "embedded", settings, minio: None, webhook: None, lake_guard: None, folder }
    }

    /// Starts a MinIO on a free port. Without a `kms_key` it cannot encrypt. `prepare` may put
    /// files into the server's folder and change how to connect to it.
    async fn minio(
        kms_key: Option<&str>,
        prepare: impl FnOnce(&Path, &mut Settings),
    ) -> Result<Self, Skip> {
        let executable = std::env::var_os("LAKEWRIGHT_TEST_MINIO").filter(|path| !path.is_empty());
        let executable =
            executable.ok_or_else(|| Skip::missing("minio", "LAKEWRIGHT_TEST_MINIO is not set"))?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (port, console) = (free_port(), free_port());
        let mut settings = Settings::builder()
            .endpoint(format!("http://127.0.0.1:{port}"))
            .access_key_id(ACCESS_KEY_ID)
            .secret_access_key(SECRET_ACCESS_KEY)
            .build();
        prepare(folder.path(), &mut settings);
        let webhook = Webhook::start().await;
        let command = Command::builder()
            .executable(executable)
            .arg("server")
            .arg(folder.path().join("data"))
            .arg("--address")
            .arg(format!("127.0.0.1:{port}"))
            .arg("--console-address")
            .arg(format!("127.0.0.1:{console}"))
            // A folder without certificates means plain HTTP.
            .arg("--certs-dir")
            .arg(folder.path().join("certs"))
            .var(("HOME".into(), folder.path().display().to_string()))
            .var(("MINIO_ROOT_USER".into(), ACCESS_KEY_ID.into()))
            .var(("MINIO_ROOT_PASSWORD".into(), SECRET_ACCESS_KEY.into()))
            // MinIO takes an empty key for none.
            .var(("MINIO_KMS_SECRET_KEY".into(), kms_key.unwrap_or_default().into()))
            .var(("MINIO_NOTIFY_WEBHOOK_ENABLE_KIT".into(), "on".into()))
            .var(("MINIO_NOTIFY_WEBHOOK_ENDPOINT_KIT".into(), webhook.endpoint().into()))
            .current_dir(folder.path())
            .build()
            .expect("every required field is set");
        let process = command.spawn().expect("MinIO starts");
        let server = Self {
            name: "minio",
            settings,
            minio: Some(Minio { command, process }),
            webhook: Some(webhook),
            lake_guard: None,
            folder: Some(folder),
        };
        server.ready().await;
        Ok(server)
    }

    /// Connects.
    ///
    /// # Panics
    /// When the connection fails.
    pub async fn lake(&self) -> Lake {
        self.lake_with(|_| {}).await
    }

    /// Connects with settings that `change` has changed.
    ///
    /// # Panics
    /// When the connection fails.
    pub async fn lake_with(&self, change: impl FnOnce(&mut Settings)) -> Lake {
        let mut settings = self.settings.clone();
        change(&mut settings);
        lakewright::connect(settings).await.expect("connects")
    }

    /// The URL of the server.
    ///
    /// # Panics
    /// When the settings name none.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.settings.endpoint.as_deref().expect("an endpoint")
    }

    /// The access key and the secret key of the server's root user.
    ///
    /// # Panics
    /// When the settings hold references to credentials, or none.
    #[must_use]
    pub fn credentials(&self) -> (&str, &str) {
        match (&self.settings.access_key_id, &self.settings.secret_access_key) {
            (Some(SettingValue::Literal(id)), Some(SettingValue::Literal(secret))) => {
                (id.expose(), secret.expose())
            }
            other => panic!("the kit's credentials are literal: {other:?}"),
        }
    }

    /// The folder in which the server keeps its data.
    ///
    /// # Panics
    /// For a server that the kit did not start.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().expect("a server of the kit").path()
    }

    /// The receiver of notifications to the target `arn:minio:sqs::KIT:webhook`.
    ///
    /// # Panics
    /// For a server other than MinIO.
    #[must_use]
    pub fn webhook(&self) -> &Webhook {
        self.webhook.as_ref().expect("a MinIO of the kit")
    }

    /// Ends MinIO with SIGKILL.
    ///
    /// # Panics
    /// For another server.
    pub fn kill(&mut self) {
        self.minio.as_mut().expect("a MinIO of the kit").process.kill().expect("MinIO ends");
    }

    /// Starts a killed MinIO on the same data and port.
    ///
    /// # Panics
    /// For another server, or when MinIO does not start.
    pub async fn restart(&mut self) {
        let minio = self.minio.as_mut().expect("a MinIO of the kit");
        minio.process = minio.command.spawn().expect("MinIO starts");
        self.ready().await;
    }

    /// Waits until the server lists buckets. Its health page responds before it has loaded users.
    async fn ready(&self) {
        let lake = self.lake_with(|settings| settings.retries = Some(0)).await;
        let begin = Instant::now();
        while let Err(error) = lake.list_buckets().await {
            assert!(begin.elapsed() < START, "{} does not start: {error}", self.name);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A MinIO of the test's own: it may be killed, and nothing else is on it.
#[derive(Debug)]
pub struct OwnMinio(pub Server);

impl Fixture for OwnMinio {
    async fn set_up() -> Result<Self, Skip> {
        Server::minio(Some(KMS_KEY), |_, _| {}).await.map(Self)
    }
}

/// A MinIO of the test's own that has no key to encrypt with.
#[derive(Debug)]
pub struct MinioWithoutKms(pub Server);

impl Fixture for MinioWithoutKms {
    async fn set_up() -> Result<Self, Skip> {
        Server::minio(None, |_, _| {}).await.map(Self)
    }
}

/// A MinIO of the test's own behind TLS, with a certificate that only its settings trust.
#[derive(Debug)]
pub struct MinioWithTls(pub Server);

impl Fixture for MinioWithTls {
    async fn set_up() -> Result<Self, Skip> {
        let prepare = |folder: &Path, settings: &mut Settings| {
            let names = vec!["127.0.0.1".to_owned()];
            let certificate = rcgen::generate_simple_self_signed(names).expect("a certificate");
            let certificates = folder.join("certs");
            std::fs::create_dir(&certificates).expect("a folder");
            std::fs::write(certificates.join("public.crt"), certificate.cert.pem())
                .expect("written");
            let key = certificate.signing_key.serialize_pem();
            std::fs::write(certificates.join("private.key"), key).expect("written");
            settings.endpoint = settings.endpoint.take().map(|e| e.replace("http:", "https:"));
            settings.ca_file = Some(certificates.join("public.crt"));
        };
        Server::minio(Some(KMS_KEY), prepare).await.map(Self)
    }
}

/// An embedded server of the test's own. It runs for as long as a connection to it is open.
#[derive(Debug)]
pub struct OwnEmbedded(pub Server);

impl Fixture for OwnEmbedded {
    async fn set_up() -> Result<Self, Skip> {
        Ok(Self(Server::embedded()))
    }
}

/// The MinIO that the tests of this process share. It starts with the first of them. Other
/// tests use it at the same time, so a test keeps to [buckets of its own](unique_bucket).
#[derive(Debug)]
pub struct SharedMinio(pub Arc<Server>);

static SHARED_MINIO: Shared<Server> = Shared::new();

impl Fixture for SharedMinio {
    async fn set_up() -> Result<Self, Skip> {
        let start = on_shared_runtime(Server::minio(Some(KMS_KEY), |_, _| {}));
        SHARED_MINIO.get(start).await.map(Self)
    }
}

static SHARED_EMBEDDED: Shared<Server> = Shared::new();

async fn shared_embedded() -> Result<Arc<Server>, Skip> {
    let start = on_shared_runtime(async {
        let mut server = Server::embedded();
        server.lake_guard = Some(server.lake().await);
        Ok(server)
    });
    SHARED_EMBEDDED.get(start).await
}

/// Runs `start` on a runtime that does not end with the test, as servers need which other tests
/// will use.
async fn on_shared_runtime<T: Send + 'static>(
    start: impl Future<Output = T> + Send + 'static,
) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().expect("a runtime for the servers")
    });
    runtime.spawn(start).await.expect("the server starts")
}

/// Stops the servers that tests shared. No test may run any more.
pub fn stop_shared() {
    SHARED_MINIO.clear();
    SHARED_EMBEDDED.clear();
}

/// The servers that must pass the conformance suite.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// The embedded server that tests share.
    Embedded,
    /// The MinIO that tests share.
    Minio,
    /// The server that `LAKEWRIGHT_TEST_S3_URL` names.
    Remote,
}

impl Target {
    /// The targets of this run: the remote server where the environment names one, else the
    /// embedded server and MinIO.
    #[must_use]
    pub fn all() -> &'static [Self] {
        match std::env::var_os("LAKEWRIGHT_TEST_S3_URL") {
            Some(_) => &[Self::Remote],
            None => &[Self::Embedded, Self::Minio],
        }
    }

    /// The name of the target in the names of tests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Minio => "minio",
            Self::Remote => "remote",
        }
    }

    /// Starts the server, if no test has done so yet.
    ///
    /// # Errors
    /// [`Skip`] where the server is not on this machine.
    pub async fn server(self) -> Result<Arc<Server>, Skip> {
        match self {
            Self::Embedded => shared_embedded().await,
            Self::Minio => SharedMinio::set_up().await.map(|shared| shared.0),
            Self::Remote => {
                let url = std::env::var("LAKEWRIGHT_TEST_S3_URL").unwrap_or_default();
                Ok(Arc::new(Server::remote(url)))
            }
        }
    }
}

/// The `lakewright` command: the one that `LAKEWRIGHT_TEST_CLI` names, or else the one that cargo
/// built beside this test.
#[derive(Debug)]
pub struct CommandLine(pub PathBuf);

impl Fixture for CommandLine {
    async fn set_up() -> Result<Self, Skip> {
        if let Some(path) = std::env::var_os("LAKEWRIGHT_TEST_CLI").filter(|path| !path.is_empty())
        {
            return Ok(Self(path.into()));
        }
        let this = std::env::current_exe().expect("the path of this program");
        // This program is `target/debug/deps/e2e-…`.
        let command = this.ancestors().nth(2).expect("the target folder").join("lakewright");
        if command.exists() {
            return Ok(Self(command));
        }
        let missing = format!("{} is not built: `cargo build --workspace`", command.display());
        Err(Skip::missing("cli", missing))
    }
}

/// A Python with minio-py, a second client of the admin API.
#[derive(Debug)]
pub struct MinioPy(pub PathBuf);

impl Fixture for MinioPy {
    async fn set_up() -> Result<Self, Skip> {
        match std::env::var_os("LAKEWRIGHT_TEST_PYTHON").filter(|path| !path.is_empty()) {
            Some(python) => Ok(Self(python.into())),
            None => Err(Skip::missing("judges", "LAKEWRIGHT_TEST_PYTHON is not set")),
        }
    }
}

/// A name that no other test uses.
///
/// # Panics
/// Never: the name has only allowed characters and is short enough.
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

/// A port that is free now. Another program may take it before the server does; then the server
/// does not start, and the test fails with that message.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    listener.local_addr().expect("its address").port()
}

/// Asserts the kind of an error and returns the error.
///
/// # Panics
/// When the result is no error or one of another kind; the message shows it.
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
