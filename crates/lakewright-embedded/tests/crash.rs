//! Kills a server repeatedly, also on a disk that fills up. All acknowledged writes must survive with
//! the same bytes, and no others may appear. `LAKEWRIGHT_TEST_ROUNDS` sets the number of kills under
//! eight clients.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod kit;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use kit::disk::{self, Disk, DiskTest};
use kit::{Client, Response};
use lakewright_embedded::{EmbeddedOptions, EmbeddedServer, attach};
use libtest_mimic::Trial;

/// Number of keys of each client.
const KEYS: u64 = 10;

/// Environment variable with the data directory, set only for the child process.
const DATA: &str = "LAKEWRIGHT_TEST_CRASH_DATA";

/// xorshift64, for choices that can be reproduced from the seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// The content of an object, which differs from that of all others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Body {
    seed: u64,
    size: usize,
}

impl Body {
    fn random(random: &mut Random) -> Self {
        // One byte at most, a blob in the index, a file, and a file of several chunks.
        let most = [1, 32 * 1024, 100_000, 1_500_000][usize::try_from(random.below(4)).unwrap()];
        let size = usize::try_from(random.below(most)).unwrap();
        Self { seed: random.below(u64::MAX), size }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut random = Random(self.seed | 1);
        let mut bytes = Vec::with_capacity(self.size + 8);
        while bytes.len() < self.size {
            bytes.extend_from_slice(&random.below(u64::MAX).to_le_bytes());
        }
        bytes.truncate(self.size);
        bytes
    }
}

/// The states that a key may have: the last acknowledged one, and that of a pending request when
/// the server was killed. `None`: no object.
type PossibleStates = BTreeMap<String, Vec<Option<Body>>>;

/// One client's requests until the server is killed.
struct ClientRun<'a> {
    client: &'a Client,
    random: Random,
    possible: PossibleStates,
    acknowledged: usize,
    refused: usize,
}

/// The server was killed before it responded.
struct ServerKilled;

impl ClientRun<'_> {
    fn run(&mut self, number: u64, stopped: &AtomicBool) {
        while !stopped.load(Ordering::Relaxed) {
            let key = format!("{number}/{}", self.random.below(KEYS));
            if self.send_random_request(&key).is_err() {
                return;
            }
        }
    }

    fn send_random_request(&mut self, key: &str) -> Result<(), ServerKilled> {
        let target = format!("/raw/{key}");
        let body = match self.random.below(5) {
            0 => None,
            _ => Some(Body::random(&mut self.random)),
        };
        // Until the response both the old and the new state are possible.
        let states = self.possible.entry(key.to_owned()).or_insert_with(|| vec![None]);
        states.push(body.clone());
        let response = match &body {
            None => send(self.client, "DELETE", &target, b"")?,
            Some(body) if self.random.below(4) == 0 => match self.multipart(&target, body)? {
                Some(response) => response,
                None => {
                    self.discard_pending_state(key);
                    return Ok(());
                }
            },
            Some(body) => send(self.client, "PUT", &target, &body.bytes())?,
        };
        match (response.status, &body) {
            (200, Some(_)) | (204, None) => {
                self.possible.insert(key.to_owned(), vec![body]);
                self.acknowledged += 1;
            }
            (507, Some(_)) => {
                self.refused += 1;
                self.discard_pending_state(key);
            }
            (status, _) => panic!("{key}: {status} {}", response.text()),
        }
        Ok(())
    }

    /// Removes the pending state of a key: the request was refused, so it had no effect.
    fn discard_pending_state(&mut self, key: &str) {
        if let Some(states) = self.possible.get_mut(key) {
            states.pop();
        }
    }

    /// Uploads an object in one part and sometimes aborts. `None` when nothing was completed.
    fn multipart(&mut self, target: &str, body: &Body) -> Result<Option<Response>, ServerKilled> {
        let begun = send(self.client, "POST", &format!("{target}?uploads"), b"")?;
        if begun.status == 507 {
            return Ok(None);
        }
        let id = begun.expect(200).element("UploadId").unwrap();
        let part = format!("{target}?partNumber=1&uploadId={id}");
        let sent = send(self.client, "PUT", &part, &body.bytes())?;
        if sent.status == 507 || self.random.below(4) == 0 {
            send(self.client, "DELETE", &format!("{target}?uploadId={id}"), b"")?.expect(204);
            return Ok(None);
        }
        let etag = &sent.expect(200).headers["etag"];
        let xml = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>\
             </CompleteMultipartUpload>"
        );
        let done = send(self.client, "POST", &format!("{target}?uploadId={id}"), xml.as_bytes())?;
        if done.status == 507 {
            send(self.client, "DELETE", &format!("{target}?uploadId={id}"), b"")?.expect(204);
            return Ok(None);
        }
        Ok(Some(done))
    }
}

fn send(
    client: &Client,
    method: &str,
    target: &str,
    body: &[u8],
) -> Result<Response, ServerKilled> {
    client.send(method, target, &[], body).map_err(|_| ServerKilled)
}

/// Compares all objects with the possible states, and reduces these to the ones found.
fn check(client: &Client, possible: &mut PossibleStates, seed: u64) {
    let mut listed = Vec::new();
    let listing = client.send("GET", "/raw?list-type=2", &[], b"").unwrap().expect(200).text();
    for entry in listing.split("<Key>").skip(1) {
        listed.push(entry.split_once("</Key>").unwrap().0.to_owned());
    }
    for (key, states) in &mut *possible {
        let got = client.send("GET", &format!("/raw/{key}"), &[], b"").unwrap();
        let there = listed.contains(key);
        assert_eq!(there, got.status == 200, "{key}, seed {seed}: {}", got.status);
        let found = states.iter().find(|state| match state {
            None => got.status == 404,
            Some(body) => got.status == 200 && got.body == body.bytes(),
        });
        let Some(found) = found else {
            panic!(
                "{key}, seed {seed}: HTTP {} with {} bytes, and it should be one of {states:?}",
                got.status,
                got.body.len()
            )
        };
        *states = vec![found.clone()];
    }
    for key in listed {
        assert!(possible.contains_key(&key), "{key} must not exist, seed {seed}");
    }
}

/// Aborts the uploads that were pending when the server was killed.
fn abort_uploads(client: &Client) {
    let listing = client.send("GET", "/raw?uploads", &[], b"").unwrap().expect(200).text();
    for upload in listing.split("<Upload>").skip(1) {
        let element = |name: &str| {
            let from = upload.split_once(&format!("<{name}>")).unwrap().1;
            from.split_once('<').unwrap().0.to_owned()
        };
        let target = format!("/raw/{}?uploadId={}", element("Key"), element("UploadId"));
        client.send("DELETE", &target, &[], b"").unwrap().expect(204);
    }
}

fn blob_files(data: &Path) -> usize {
    let shards = std::fs::read_dir(data.join("blobs")).unwrap();
    shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum()
}

/// A server in another process.
struct ServerProcess {
    child: Child,
    client: Client,
}

impl ServerProcess {
    fn start(data: &Path) -> Self {
        let mut child = spawn_server(data);
        let begin = Instant::now();
        let found = loop {
            if let Ok(Some(found)) = attach(data)
                && found.pid == child.id()
            {
                break found;
            }
            assert!(child.try_wait().unwrap().is_none(), "the server ended unexpectedly");
            assert!(begin.elapsed() < Duration::from_secs(30), "the server does not start");
            std::thread::sleep(Duration::from_millis(2));
        };
        Self { child, client: Client::new(&found) }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap(); // SIGKILL
        self.child.wait().unwrap();
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() -> ExitCode {
    // `ServerProcess` starts this program again as the server that is killed.
    if let Some(data) = std::env::var_os(DATA) {
        serve_until_killed(data.as_ref());
    }
    let on_a_small_disk = DiskTest {
        name: "acknowledged_writes_survive_kills_on_a_small_disk",
        mebibytes: 12,
        run: acknowledged_writes_survive_kills_on_a_small_disk,
    };
    let under_eight_clients =
        Trial::test("acknowledged_writes_survive_kills_under_8_clients", || {
            acknowledged_writes_survive_kills_under_8_clients();
            Ok(())
        });
    disk::run([on_a_small_disk], [under_eight_clients])
}

fn serve_until_killed(data: &Path) -> ! {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = runtime.block_on(EmbeddedServer::start(EmbeddedOptions::new(data)));
    let _server = server.unwrap_or_else(|error| panic!("{error}"));
    loop {
        std::thread::park();
    }
}

/// Starts this program again as a server on `data`.
fn spawn_server(data: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .env(DATA, data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn acknowledged_writes_survive_kills_on_a_small_disk(disk: Disk) {
    let counts = kill_repeatedly(disk.data(), 4, 25, Some(Duration::from_secs(12)));
    assert!(counts.refused > 0, "the disk was never full");
}

fn acknowledged_writes_survive_kills_under_8_clients() {
    let dir = tempfile::tempdir().unwrap();
    let rounds = std::env::var("LAKEWRIGHT_TEST_ROUNDS");
    let rounds = rounds.map_or(3, |rounds| rounds.parse().expect("a number of rounds"));
    kill_repeatedly(&dir.path().join("data"), 8, rounds, None);
}

/// The results of the requests of all clients.
struct Counts {
    acknowledged: usize,
    refused: usize,
    /// Requests without a response when the server was killed.
    uncertain: usize,
}

/// Kills a server `rounds` times, or until `time` has passed, while `clients` send requests. Each has
/// its own keys, so that it knows their expected states.
fn kill_repeatedly(data: &Path, clients: u64, rounds: u32, time: Option<Duration>) -> Counts {
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let seed = u64::try_from(seed % u128::from(u64::MAX)).unwrap() | 1;
    let mut random = Random(seed);

    // The server is also killed during its first start.
    for _ in 0..5 {
        let mut child = spawn_server(data);
        std::thread::sleep(Duration::from_millis(random.below(40)));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    let mut server = ServerProcess::start(data);
    server.client.send("PUT", "/raw", &[], b"").unwrap().expect(200);
    let mut possible = PossibleStates::new();
    let mut counts = Counts { acknowledged: 0, refused: 0, uncertain: 0 };
    let begin = Instant::now();
    let mut kills = 0;
    while kills < rounds && time.is_none_or(|time| begin.elapsed() < time) {
        kills += 1;
        let stopped = AtomicBool::new(false);
        let life = Duration::from_millis(20 + random.below(300));
        let seeds: Vec<u64> = (0..clients).map(|_| random.below(u64::MAX) | 1).collect();
        let client = server.client.clone();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..clients)
                .zip(&seeds)
                .map(|(number, seed)| {
                    let mine = format!("{number}/");
                    let possible = possible.iter().filter(|(key, _)| key.starts_with(&mine));
                    let mut client_run = ClientRun {
                        client: &client,
                        random: Random(*seed),
                        possible: possible
                            .map(|(key, states)| (key.clone(), states.clone()))
                            .collect(),
                        acknowledged: 0,
                        refused: 0,
                    };
                    let stopped = &stopped;
                    scope.spawn(move || {
                        client_run.run(number, stopped);
                        client_run
                    })
                })
                .collect();
            std::thread::sleep(life);
            server.kill();
            stopped.store(true, Ordering::Relaxed);
            for worker in workers {
                let client_run = worker.join().unwrap();
                counts.acknowledged += client_run.acknowledged;
                counts.refused += client_run.refused;
                counts.uncertain +=
                    client_run.possible.values().filter(|states| states.len() > 1).count();
                possible.extend(client_run.possible);
            }
        });
        server = ServerProcess::start(data);
        check(&server.client, &mut possible, seed);
        abort_uploads(&server.client);
    }
    // The start has removed unreferenced files; blobs of aborted uploads are deleted a moment
    // later.
    let files = possible.values().flatten().flatten().filter(|body| body.size > 32 * 1024).count();
    let waiting = Instant::now();
    while blob_files(data) != files {
        let found = blob_files(data);
        assert!(waiting.elapsed() < Duration::from_secs(5), "{found} files, {files} expected");
        std::thread::sleep(Duration::from_millis(10));
    }
    let Counts { acknowledged, refused, uncertain } = counts;
    println!(
        "{kills} kills in {:?}: {acknowledged} acknowledged, {refused} refused, {uncertain} cut off",
        begin.elapsed()
    );
    assert!(acknowledged > 20 && uncertain > 0, "the test covered too few cases");
    counts
}
