//! The behaviour of a server on a full disk.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod kit;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use kit::Client;
use kit::disk::{self, Disk, DiskTest};
use lakewright_embedded::{EmbeddedOptions, EmbeddedServer, attach};

fn main() -> ExitCode {
    let tests = [
        DiskTest {
            name: "objects_on_a_full_disk_can_be_read_and_deleted",
            mebibytes: 24,
            run: objects_on_a_full_disk_can_be_read_and_deleted,
        },
        DiskTest {
            name: "a_server_starts_on_a_full_disk_and_deleting_small_objects_frees_space",
            mebibytes: 24,
            run: a_server_starts_on_a_full_disk_and_deleting_small_objects_frees_space,
        },
    ];
    disk::run(tests, [])
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn start(data: &Path) -> (EmbeddedServer, Client) {
    let server = block_on(EmbeddedServer::start(EmbeddedOptions::new(data))).unwrap();
    (server, Client::new(&attach(data).unwrap().unwrap()))
}

fn put(client: &Client, key: &str, body: &[u8]) -> u16 {
    let response = client.send("PUT", &format!("/raw/{key}"), &[], body).unwrap();
    if response.status != 200 {
        assert_eq!(response.status, 507, "{}", response.text());
        assert_eq!(response.code().as_deref(), Some("XMinioStorageFull"));
    }
    response.status
}

fn delete(client: &Client, key: &str) {
    client.send("DELETE", &format!("/raw/{key}"), &[], b"").unwrap().expect(204);
}

/// Puts objects of this size until the disk is full, and then fills the rest. Returns the number of
/// objects.
fn fill(disk: &Disk, client: &Client, size: usize) -> usize {
    let body = vec![7; size];
    let count = (0..).find(|n| put(client, &format!("k{n}"), &body) == 507).unwrap();
    disk.fill();
    assert_eq!(put(client, "one-more", &body), 507);
    count
}

/// Waits until an object of this size can be put: blobs are deleted in the background.
fn wait_for_space(client: &Client, size: usize) {
    let begin = Instant::now();
    while put(client, "again", &vec![9; size]) == 507 {
        assert!(
            begin.elapsed() < Duration::from_secs(15),
            "no space after all objects were deleted"
        );
        // This is longer than the server waits before it checks for space by itself.
        std::thread::sleep(Duration::from_millis(1500));
    }
    let got = client.send("GET", "/raw/again", &[], b"").unwrap().expect(200);
    assert_eq!(got.body, vec![9; size]);
}

fn objects_on_a_full_disk_can_be_read_and_deleted(disk: Disk) {
    let (server, client) = start(disk.data());
    client.send("PUT", "/raw", &[], b"").unwrap().expect(200);
    let count = fill(&disk, &client, 100_000);
    assert!(count > 100, "{count}");
    // The index must have no free page either.
    let small = (0..).find(|n| put(&client, &format!("s{n}"), &[7; 10_000]) == 507).unwrap();

    for n in 0..count {
        let got = client.send("GET", &format!("/raw/k{n}"), &[], b"").unwrap().expect(200);
        assert_eq!(got.body, vec![7; 100_000], "k{n}");
    }
    for n in 0..small {
        delete(&client, &format!("s{n}"));
    }
    delete(&client, "k0");
    let names: String =
        (1..count - 1).map(|n| format!("<Object><Key>k{n}</Key></Object>")).collect();
    let xml = format!("<Delete><Quiet>true</Quiet>{names}</Delete>");
    let response = client.send("POST", "/raw?delete", &[], xml.as_bytes()).unwrap().expect(200);
    assert_eq!(response.code(), None, "{}", response.text());
    wait_for_space(&client, 100_000);
    delete(&client, "again");
    delete(&client, &format!("k{}", count - 1));
    client.send("DELETE", "/raw", &[], b"").unwrap().expect(204);
    block_on(server.shutdown()).unwrap();
}

fn a_server_starts_on_a_full_disk_and_deleting_small_objects_frees_space(disk: Disk) {
    let (server, client) = start(disk.data());
    client.send("PUT", "/raw", &[], b"").unwrap().expect(200);
    // These objects are stored in the index, whose file shrinks only by compaction.
    let count = fill(&disk, &client, 30_000);
    block_on(server.shutdown()).unwrap();
    disk.fill();
    let (server, client) = start(disk.data());
    disk.fill();
    assert_eq!(put(&client, "one-more", &[7; 30_000]), 507);
    for n in 0..count {
        delete(&client, &format!("k{n}"));
    }
    wait_for_space(&client, 30_000);
    wait_for_space(&client, 1_000_000);
    block_on(server.shutdown()).unwrap();
}
