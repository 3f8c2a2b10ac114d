//! The lifecycle of a server: start, discovery and end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod kit;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use lakewright_embedded::{
    Durability, Embedded, EmbeddedOptions, EmbeddedServer, ErrorKind, Secret, attach, listen,
    start_or_attach,
};

fn runtime() -> tokio::runtime::Runtime {
    // The least capable runtime: no timer and no I/O.
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn get(endpoint: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn a_server_starts_is_discovered_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("new/data");
    assert!(attach(&data).unwrap().is_none());
    let server = runtime().block_on(EmbeddedServer::start(EmbeddedOptions::new(&data))).unwrap();
    // The runtime of its owner is gone, but the server still responds.
    assert!(get(&server.endpoint(), "/-/health").starts_with("HTTP/1.1 200"));
    let refused = get(&server.endpoint(), "/bucket/key");
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("AccessDenied"), "{refused}");

    let found = attach(&data).unwrap().unwrap();
    assert_eq!(found.endpoint, server.endpoint());
    assert_eq!(found.access_key_id, server.access_key_id());
    assert_eq!(&found.secret_access_key, server.secret_access_key());
    assert_eq!(found.pid, std::process::id());
    for shown in [format!("{found:?}"), format!("{server:?}")] {
        assert!(!shown.contains(server.secret_access_key().expose()), "{shown}");
    }
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in ["socket", "credentials.json", "index.redb", "lock", "lakewright-data"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }

    let second = runtime().block_on(EmbeddedServer::start(EmbeddedOptions::new(&data)));
    let refused = second.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert!(refused.to_string().contains("attach"), "{refused}");

    let (endpoint, secret) = (server.endpoint(), server.secret_access_key().clone());
    runtime().block_on(server.shutdown()).unwrap();
    assert!(attach(&data).unwrap().is_none());
    assert!(!data.join("socket").exists());
    assert!(TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).is_err());

    let again = runtime().block_on(EmbeddedServer::start(EmbeddedOptions::new(&data))).unwrap();
    assert_eq!(again.secret_access_key(), &secret, "the credentials are stable");
    drop(again);
    assert!(attach(&data).unwrap().is_none());
}

#[test]
fn of_concurrent_starters_one_serves_and_the_others_attach() {
    let dir = tempfile::tempdir().unwrap();
    let starters: Vec<_> = (0..8)
        .map(|_| {
            let options = EmbeddedOptions::new(dir.path());
            std::thread::spawn(move || runtime().block_on(start_or_attach(options)).unwrap())
        })
        .collect();
    let embedded: Vec<_> = starters.into_iter().map(|starter| starter.join().unwrap()).collect();
    let servers: Vec<_> = embedded
        .iter()
        .filter_map(|one| match one {
            Embedded::Started(server) => Some(server),
            Embedded::Attached(_) => None,
        })
        .collect();
    assert_eq!(servers.len(), 1);
    for one in &embedded {
        if let Embedded::Attached(attachment) = one {
            assert_eq!(attachment.endpoint, servers[0].endpoint());
        }
    }
}

#[test]
fn the_socket_of_a_killed_server_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    drop(runtime().block_on(EmbeddedServer::start(EmbeddedOptions::new(dir.path()))).unwrap());
    fs::remove_file(dir.path().join("credentials.json")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap());
    assert!(attach(dir.path()).unwrap().is_none());
    let options = EmbeddedOptions::new(dir.path()).credentials("id", Secret::new("secret"));
    let server = runtime().block_on(EmbeddedServer::start(options)).unwrap();
    let found = attach(dir.path()).unwrap().unwrap();
    assert_eq!((found.endpoint, found.access_key_id.as_str()), (server.endpoint(), "id"));
    assert!(
        !dir.path().join("credentials.json").exists(),
        "credentials from the options are not stored"
    );
}

#[test]
fn a_tcp_port_is_opened_when_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let refused = listen(dir.path()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused}");
    let options = EmbeddedOptions::new(dir.path()).without_tcp();
    let server = runtime().block_on(EmbeddedServer::start(options)).unwrap();
    let directory = format!("embedded:{}", dir.path().display());
    assert_eq!(server.endpoint(), directory);
    assert_eq!(attach(dir.path()).unwrap().unwrap().endpoint, directory);
    let listening = listen(dir.path()).unwrap();
    assert!(get(&listening.endpoint, "/-/health").starts_with("HTTP/1.1 200"));
    assert_eq!(listen(dir.path()).unwrap(), listening, "a second port was opened");
    assert_eq!(attach(dir.path()).unwrap().unwrap(), listening);
    assert_eq!(server.endpoint(), listening.endpoint);
    // Only processes of the same user receive the credentials.
    for path in ["/-/attach", "/-/listen"] {
        let refused = get(&listening.endpoint, path);
        assert!(!refused.contains(&listening.access_key_id), "{refused}");
        assert!(refused.starts_with("HTTP/1.1 4"), "{refused}");
    }
}

#[test]
fn a_long_path_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("d".repeat(100)).join("e".repeat(100));
    let server = runtime().block_on(EmbeddedServer::start(EmbeddedOptions::new(&data))).unwrap();
    assert_eq!(attach(&data).unwrap().unwrap().endpoint, server.endpoint());
    drop(server);
    assert!(attach(&data).unwrap().is_none());
}

#[test]
fn a_server_that_is_stopping_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let server =
        runtime().block_on(EmbeddedServer::start(EmbeddedOptions::new(dir.path()))).unwrap();
    let found = attach(dir.path()).unwrap().unwrap();
    let client = kit::Client::new(&found);
    client.send("PUT", "/raw", &[], b"").unwrap().expect(200);
    // This request keeps the server running for up to 30 seconds.
    let mut half_sent = client.connect().unwrap();
    let head = client.head("PUT", "/raw/k", &[("content-length", "4")]);
    half_sent.write_all(format!("{head}bo").as_bytes()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    let stopping = std::thread::spawn(move || runtime().block_on(server.shutdown()));
    // Another program takes the port.
    let address = found.endpoint.strip_prefix("http://").unwrap();
    let begin = std::time::Instant::now();
    let _stranger = loop {
        match std::net::TcpListener::bind(address) {
            Ok(listener) => break listener,
            Err(_) if begin.elapsed().as_secs() < 10 => {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(attach(dir.path()).unwrap(), None);
    assert!(!stopping.is_finished(), "the request was not in flight");
    half_sent.write_all(b"dy").unwrap();
    kit::read_response(&mut half_sent, "PUT").unwrap().expect(200);
    stopping.join().unwrap().unwrap();
}

#[test]
fn invalid_options_and_occupied_ports_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let start = |options| runtime().block_on(EmbeddedServer::start(options)).unwrap_err();
    let open = EmbeddedOptions::new(dir.path()).listen(([0, 0, 0, 0], 0).into());
    assert_eq!(start(open).kind(), ErrorKind::InvalidInput);
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    assert_eq!(start(EmbeddedOptions::new(&file)).kind(), ErrorKind::InvalidInput);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = EmbeddedOptions::new(dir.path().join("d")).listen(taken.local_addr().unwrap());
    assert_eq!(start(port).kind(), ErrorKind::Conflict);
    // A failed start leaves nothing that would make the next one fail.
    let again = EmbeddedOptions::new(dir.path().join("d"));
    drop(runtime().block_on(EmbeddedServer::start(again)).unwrap());
    fs::write(dir.path().join("d/index.redb"), b"nonsense".repeat(4096)).unwrap();
    let damaged = start(EmbeddedOptions::new(dir.path().join("d")));
    assert_eq!(damaged.kind(), ErrorKind::Corrupt, "{damaged}");
}

#[test]
fn a_damaged_index_is_reported_as_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let start = || runtime().block_on(EmbeddedServer::start(EmbeddedOptions::new(dir.path())));
    drop(start().unwrap());
    let index = dir.path().join("index.redb");
    let original = fs::read(&index).unwrap();
    let mut damaged_copies: Vec<Vec<u8>> =
        vec![original[..original.len() / 2].to_vec(), original[..5000].to_vec()];
    for at in [0, 9, 64, 100, 192, 320] {
        let mut bytes = original.clone();
        bytes[at..at + 48].iter_mut().for_each(|byte| *byte ^= 0xff);
        damaged_copies.push(bytes);
    }
    for (n, bytes) in damaged_copies.iter().enumerate() {
        fs::write(&index, bytes).unwrap();
        match start() {
            // redb has two headers, and one of them may suffice.
            Ok(server) => runtime().block_on(server.shutdown()).unwrap(),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{n}: {error}"),
        }
    }
    fs::write(&index, &original).unwrap();
    drop(start().unwrap());
}

#[test]
fn a_damaged_index_never_leads_to_wrong_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let options = || EmbeddedOptions::new(dir.path()).durability(Durability::Process);
    let start = || runtime().block_on(EmbeddedServer::start(options()));
    let client = || kit::Client::new(&attach(dir.path()).unwrap().unwrap());
    let server = start().unwrap();
    client().send("PUT", "/raw", &[], b"").unwrap().expect(200);
    let body = |n: u8| vec![n; usize::from(n) * 700];
    for n in 0..20 {
        client().send("PUT", &format!("/raw/{n}"), &[], &body(n)).unwrap().expect(200);
    }
    runtime().block_on(server.shutdown()).unwrap();
    let index = dir.path().join("index.redb");
    let original = fs::read(&index).unwrap();
    let page = |page: &usize| &original[page * 4096..(page + 1) * 4096];
    let used: Vec<usize> =
        (0..original.len() / 4096).filter(|at| page(at).iter().any(|byte| *byte != 0)).collect();
    for (round, at) in used.iter().cycle().take(40).enumerate() {
        let mut bytes = original.clone();
        for n in 0..3 {
            bytes[at * 4096 + (round * 37 + n * 11) % 200] ^= 1 << (round % 8);
        }
        fs::write(&index, &bytes).unwrap();
        let server = match start() {
            Ok(server) => server,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                continue;
            }
        };
        for n in 0..20 {
            // A missing response is acceptable: the connection is closed when a read fails.
            let Ok(got) = client().send("GET", &format!("/raw/{n}"), &[], b"") else { continue };
            assert!([200, 404, 500].contains(&got.status), "{}", got.status);
            assert!(got.status != 200 || got.body == body(n), "round {round}, object {n}");
        }
        let _ = client().send("PUT", "/raw/new", &[], b"new");
        let _ = runtime().block_on(server.shutdown());
    }
}
