//! The peers of a lakewright client when the embedded server behind it ends. The attacker listens on
//! the server's TCP port as soon as it is free, as another user where the tests run as root.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lakewright::{ErrorKind, Lake, ObjectKey, PutOptions, Settings};
use lakewright_tests::conformance::bucket;
use lakewright_tests::harness::Skip;
use lakewright_tests::server::{CommandLine, OwnEmbedded, assert_kind};
use lakewright_tests::tests;

tests![
    no_request_reaches_a_stranger,
    a_connection_continues_with_the_next_server,
    storage_options_open_a_port,
    a_directory_of_another_program_is_refused,
];

/// The user of the attacker, `nobody`.
const ATTACKER: u32 = 65534;

/// Number of servers that are stopped and killed; `LAKEWRIGHT_TEST_ROUNDS` sets it.
fn rounds() -> u32 {
    let rounds = std::env::var("LAKEWRIGHT_TEST_ROUNDS");
    rounds.map_or(3, |rounds| rounds.parse().expect("a number of rounds"))
}

/// A program that listens on a port from the moment at which it is free, accepts every request, and
/// prints the bytes that it has received.
const STRANGER: &str = r#"
import selectors, socket, sys, time
address = ("127.0.0.1", int(sys.argv[1]))
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
print("ready", flush=True)
while True:
    try:
        listener.bind(address)
        break
    except OSError:
        time.sleep(0.0002)
listener.listen(100)
listener.setblocking(False)
print("listening", flush=True)
chosen = selectors.DefaultSelector()
chosen.register(listener, selectors.EVENT_READ)
chosen.register(sys.stdin, selectors.EVENT_READ)
received = connections = 0
while True:
    for key, _ in chosen.select():
        if key.fileobj is sys.stdin:
            print(connections, received, flush=True)
            sys.exit()
        elif key.fileobj is listener:
            connections += 1
            chosen.register(listener.accept()[0], selectors.EVENT_READ)
        else:
            data = key.fileobj.recv(1 << 20)
            received += len(data)
            if data:
                key.fileobj.send(b"HTTP/1.1 200 OK\r\netag: \"0\"\r\ncontent-length: 0\r\n\r\n")
            else:
                chosen.unregister(key.fileobj)
"#;

/// A running [`STRANGER`].
struct Stranger {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Stranger {
    fn start(python: &Path, port: u16) -> Self {
        let mut command = attacker_command(python);
        command.args(["-c", STRANGER, &port.to_string()]);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.expect("Python starts");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut stranger = Self { child, output };
        stranger.wait_for("ready");
        stranger
    }

    fn wait_for(&mut self, expected: &str) {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), expected);
    }

    /// Stops the program. Returns the numbers of connections and bytes that it has received.
    fn received(mut self) -> (u64, u64) {
        drop(self.child.stdin.take());
        let mut line = String::new();
        self.output.read_to_string(&mut line).unwrap();
        self.child.wait().unwrap();
        let (connections, bytes) = line.trim().split_once(' ').expect(&line);
        (connections.parse().unwrap(), bytes.parse().unwrap())
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// Returns a command that the attacker runs.
fn attacker_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if is_root() {
        command.uid(ATTACKER).gid(ATTACKER);
    }
    command
}

/// Returns a Python that the attacker may run.
fn python() -> Result<PathBuf, Skip> {
    let of_the_tests = std::env::var_os("LAKEWRIGHT_TEST_PYTHON").unwrap_or_default();
    let candidates = [of_the_tests.into(), PathBuf::from("python3")];
    let runs = |python: &PathBuf| {
        let status = attacker_command(python).args(["-c", ""]).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let missing = || Skip::missing("judges", "the attacker may not run Python");
    candidates.into_iter().find(runs).ok_or_else(missing)
}

/// `lakewright embedded` in a process of its own.
struct Server(Child);

impl Server {
    async fn start(command: &Path, directory: &Path, port: u16) -> Self {
        let child = Command::new(command)
            .args(["embedded", "--durability", "process", "--listen", &format!("127.0.0.1:{port}")])
            .arg("--data")
            .arg(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        let server = Self(child);
        let begin = Instant::now();
        while !lakewright::embedded::attach(directory).is_ok_and(|there| there.is_some()) {
            assert!(begin.elapsed() < Duration::from_secs(20), "the server does not start");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server
    }

    /// Sends a signal, and waits for the end of the process.
    async fn end(mut self, signal: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let ended = tokio::task::spawn_blocking(move || self.0.wait());
        ended.await.unwrap().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn attach(directory: &Path) -> Lake {
    let settings = Settings::builder()
        .endpoint(format!("embedded:{}", directory.display()))
        .retries(0_u32)
        .timeout(Duration::from_secs(5))
        .build();
    lakewright::connect(settings).await.unwrap()
}

/// Puts objects one after the other until one fails. Returns the number of objects and the error.
async fn put_until_it_fails(lake: Lake, name: lakewright::BucketName) -> (u32, lakewright::Error) {
    let bucket = lake.bucket(name);
    for n in 0.. {
        // Small objects are sent without the SDK, larger ones with it.
        let size = if n % 2 == 0 { 1000 } else { 2_000_000 };
        let key = ObjectKey::new(format!("{n}")).unwrap();
        if let Err(error) = bucket.put(&key, vec![7; size], PutOptions::default()).await {
            return (n, error);
        }
    }
    unreachable!("the server ends")
}

async fn no_request_reaches_a_stranger(CommandLine(command): CommandLine) -> Result<(), Skip> {
    let python = python()?;
    let directory = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    let mut written = 0;
    for round in 0..rounds() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let server = Server::start(&command, directory.path(), port).await;
        let lake = attach(directory.path()).await;
        let bucket = bucket(&lake).await.name().clone();
        let mut stranger = Stranger::start(&python, port);
        let writers: Vec<_> = (0..4)
            .map(|_| tokio::spawn(put_until_it_fails(lake.clone(), bucket.clone())))
            .collect();
        tokio::time::sleep(Duration::from_millis(u64::from(50 + round % 50))).await;
        // Every other server is killed.
        server.end(["-TERM", "-KILL"][usize::from(round % 2 == 1)]).await;
        for writer in writers {
            let (objects, error) = writer.await.unwrap();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            written += objects;
        }
        stranger.wait_for("listening");
        for n in 0..5 {
            let key = ObjectKey::new(format!("later-{n}")).unwrap();
            let bucket = lake.bucket(bucket.clone());
            let put = bucket.put(&key, "secret", PutOptions::default()).await;
            let error = assert_kind(put, ErrorKind::Unavailable);
            assert!(error.is_retryable(), "{error}");
            assert!(error.to_string().contains("no process serves"), "{error}");
        }
        assert_eq!(stranger.received(), (0, 0), "connections and bytes, round {round}");
    }
    eprintln!("{} rounds with {written} objects in {:?}", rounds(), begin.elapsed());
    Ok(())
}

async fn a_connection_continues_with_the_next_server(CommandLine(command): CommandLine) {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&command, directory.path(), 0).await;
    let lake = attach(directory.path()).await;
    let bucket = bucket(&lake).await;
    let key = ObjectKey::new("k").unwrap();
    server.end("-KILL").await;
    assert_kind(bucket.put(&key, "one", PutOptions::default()).await, ErrorKind::Unavailable);
    let _next = Server::start(&command, directory.path(), 0).await;
    bucket.put(&key, "two", PutOptions::default()).await.unwrap();
}

async fn storage_options_open_a_port(OwnEmbedded(server): OwnEmbedded) {
    let lake = server.lake().await;
    assert_eq!(lake.profile().endpoint(), Some(server.endpoint()));
    let attached = lakewright::embedded::attach(server.folder()).unwrap().unwrap();
    assert_eq!(attached.endpoint, server.endpoint(), "a port was opened without need");
    let options = lake.storage_options().await.unwrap();
    let url = &options["aws_endpoint_url"];
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert_eq!(options["aws_allow_http"], "true");
    let attached = lakewright::embedded::attach(server.folder()).unwrap().unwrap();
    assert_eq!(&attached.endpoint, url);
    // As another client uses them.
    let settings = Settings::builder()
        .endpoint(url.clone())
        .access_key_id(&*options["aws_access_key_id"])
        .secret_access_key(&*options["aws_secret_access_key"])
        .build();
    let other = lakewright::connect(settings).await.unwrap();
    let name = bucket(&lake).await.name().clone();
    assert!(other.list_buckets().await.unwrap().iter().any(|bucket| bucket.name == name));
}

async fn a_directory_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("tmp")).unwrap();
    let thesis = directory.path().join("tmp/thesis.txt");
    std::fs::write(&thesis, "four years of work").unwrap();
    let endpoint = format!("embedded:{}", directory.path().display());
    let connected = lakewright::connect(Settings::builder().endpoint(endpoint).build()).await;
    assert_kind(connected, ErrorKind::InvalidInput);
    assert!(thesis.exists());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}
