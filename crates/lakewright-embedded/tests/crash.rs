//! A server that is killed again and again, on a disk that fills up: what it acknowledged is
//! there, byte for byte, and nothing else is.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod kit;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use kit::disk::Disk;
use kit::{Answer, Client};
use lakewright_embedded::{EmbeddedOptions, EmbeddedServer, attach};

/// How often the server is killed, and for how long that may go on on a slow machine.
const ROUNDS: u32 = 25;
const TIME: Duration = Duration::from_secs(12);

/// Clients, each with keys of its own, so that each knows what must be there.
const CLIENTS: u64 = 4;
const KEYS: u64 = 10;

/// Where the child process serves; unset in every other one.
const DATA: &str = "LAKEWRIGHT_TEST_CRASH_DATA";

/// xorshift64, for choices that can be made again from the seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// An object's bytes, by which they can be told from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Body {
    mark: u64,
    size: usize,
}

impl Body {
    fn random(random: &mut Random) -> Self {
        // to the index, to a file, to a file in several runs, and nothing
        let most = [1, 32 * 1024, 100_000, 1_500_000][usize::try_from(random.below(4)).unwrap()];
        let size = usize::try_from(random.below(most)).unwrap();
        Self { mark: random.below(u64::MAX), size }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut random = Random(self.mark | 1);
        let mut bytes = Vec::with_capacity(self.size + 8);
        while bytes.len() < self.size {
            bytes.extend_from_slice(&random.below(u64::MAX).to_le_bytes());
        }
        bytes.truncate(self.size);
        bytes
    }
}

/// What may be found under a key: what was acknowledged last, or what was under way when the
/// server died. `None`: nothing.
type Known = BTreeMap<String, Vec<Option<Body>>>;

/// One client's work until the server is gone.
struct Work<'a> {
    client: &'a Client,
    random: Random,
    known: Known,
    acknowledged: usize,
    refused: usize,
}

/// The server died before it answered.
struct Gone;

impl Work<'_> {
    fn go(&mut self, number: u64, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            let key = format!("{number}/{}", self.random.below(KEYS));
            if self.step(&key).is_err() {
                return;
            }
        }
    }

    fn step(&mut self, key: &str) -> Result<(), Gone> {
        let target = format!("/raw/{key}");
        let body = match self.random.below(5) {
            0 => None,
            _ => Some(Body::random(&mut self.random)),
        };
        // From here to the answer both may be the case.
        let states = self.known.entry(key.to_owned()).or_insert_with(|| vec![None]);
        states.push(body.clone());
        let answer = match &body {
            None => send(self.client, "DELETE", &target, b"")?,
            Some(body) if self.random.below(4) == 0 => match self.multipart(&target, body)? {
                Some(answer) => answer,
                None => {
                    self.took_back(key);
                    return Ok(());
                }
            },
            Some(body) => send(self.client, "PUT", &target, &body.bytes())?,
        };
        match (answer.status, &body) {
            (200, Some(_)) | (204, None) => {
                self.known.insert(key.to_owned(), vec![body]);
                self.acknowledged += 1;
            }
            (507, Some(_)) => {
                self.refused += 1;
                self.took_back(key);
            }
            (status, _) => panic!("{key}: {status} {}", answer.text()),
        }
        Ok(())
    }

    /// What was under way was refused, and is not there.
    fn took_back(&mut self, key: &str) {
        if let Some(states) = self.known.get_mut(key) {
            states.pop();
        }
    }

    /// An upload of one part; some are given up. `None` when nothing was completed.
    fn multipart(&mut self, target: &str, body: &Body) -> Result<Option<Answer>, Gone> {
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

fn send(client: &Client, method: &str, target: &str, body: &[u8]) -> Result<Answer, Gone> {
    client.send(method, target, &[], body).map_err(|_| Gone)
}

/// Holds everything that is there against what is known, and makes that the knowledge.
fn check(client: &Client, known: &mut Known, seed: u64) {
    let mut listed = Vec::new();
    let listing = client.send("GET", "/raw?list-type=2", &[], b"").unwrap().expect(200).text();
    for entry in listing.split("<Key>").skip(1) {
        listed.push(entry.split_once("</Key>").unwrap().0.to_owned());
    }
    for (key, states) in &mut *known {
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
        assert!(known.contains_key(&key), "{key} became visible, seed {seed}");
    }
}

/// Uploads that were under way when the server died: nobody knows them any more.
fn give_up_uploads(client: &Client) {
    let listing = client.send("GET", "/raw?uploads", &[], b"").unwrap().expect(200).text();
    for upload in listing.split("<Upload>").skip(1) {
        let of = |name: &str| {
            let from = upload.split_once(&format!("<{name}>")).unwrap().1;
            from.split_once('<').unwrap().0.to_owned()
        };
        let target = format!("/raw/{}?uploadId={}", of("Key"), of("UploadId"));
        client.send("DELETE", &target, &[], b"").unwrap().expect(204);
    }
}

fn blob_files(data: &Path) -> usize {
    let shards = std::fs::read_dir(data.join("blobs")).unwrap();
    shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum()
}

/// The server in a process of its own.
struct Served {
    child: Child,
    client: Client,
}

impl Served {
    fn start(data: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "serve_until_killed", "--ignored", "--nocapture"])
            .env(DATA, data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        let found = loop {
            if let Ok(Some(found)) = attach(data)
                && found.pid == child.id()
            {
                break found;
            }
            assert!(child.try_wait().unwrap().is_none(), "the server ended by itself");
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

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "the process that the test below starts and kills"]
fn serve_until_killed() {
    let data = std::env::var_os(DATA).expect("it is started by the test below");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = runtime.block_on(EmbeddedServer::start(EmbeddedOptions::new(data)));
    let _server = server.unwrap_or_else(|error| panic!("{error}"));
    loop {
        std::thread::park();
    }
}

#[test]
fn acknowledged_writes_survive_kills_on_a_small_disk() {
    let Some(disk) = Disk::of_mebibytes(12) else { return };
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let seed = u64::try_from(seed % u128::from(u64::MAX)).unwrap() | 1;
    let mut random = Random(seed);

    // Killed while it starts for the first time, too.
    for _ in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "serve_until_killed", "--ignored"])
            .env(DATA, disk.data())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(random.below(40)));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    let mut server = Served::start(disk.data());
    server.client.send("PUT", "/raw", &[], b"").unwrap().expect(200);
    let mut known = Known::new();
    let (mut acknowledged, mut refused, mut unsure) = (0, 0, 0);
    let begin = Instant::now();
    let mut rounds = 0;
    while rounds < ROUNDS && begin.elapsed() < TIME {
        rounds += 1;
        let over = AtomicBool::new(false);
        let life = Duration::from_millis(20 + random.below(300));
        let seeds: Vec<u64> = (0..CLIENTS).map(|_| random.below(u64::MAX) | 1).collect();
        let client = server.client.clone();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..CLIENTS)
                .zip(&seeds)
                .map(|(number, seed)| {
                    let mine = format!("{number}/");
                    let known = known.iter().filter(|(key, _)| key.starts_with(&mine));
                    let mut work = Work {
                        client: &client,
                        random: Random(*seed),
                        known: known.map(|(key, states)| (key.clone(), states.clone())).collect(),
                        acknowledged: 0,
                        refused: 0,
                    };
                    let over = &over;
                    scope.spawn(move || {
                        work.go(number, over);
                        work
                    })
                })
                .collect();
            std::thread::sleep(life);
            server.kill();
            over.store(true, Ordering::Relaxed);
            for worker in workers {
                let work = worker.join().unwrap();
                acknowledged += work.acknowledged;
                refused += work.refused;
                unsure += work.known.values().filter(|states| states.len() > 1).count();
                known.extend(work.known);
            }
        });
        server = Served::start(disk.data());
        check(&server.client, &mut known, seed);
        give_up_uploads(&server.client);
    }
    // A start has swept what the index does not name; what uploads left goes a moment later.
    let files = known.values().flatten().flatten().filter(|body| body.size > 32 * 1024).count();
    let begin = Instant::now();
    while blob_files(disk.data()) != files {
        let found = blob_files(disk.data());
        assert!(begin.elapsed() < Duration::from_secs(5), "{found} files, {files} expected");
        std::thread::sleep(Duration::from_millis(10));
    }
    println!("{rounds} kills: {acknowledged} acknowledged, {refused} refused, {unsure} cut off");
    assert!(acknowledged > 20 && unsure > 0 && refused > 0, "too little was tried");
}
