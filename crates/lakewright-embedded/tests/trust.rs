//! Directories that a server must not take: those with other content, and those that another user
//! can exchange. The attacks of another user are carried out as `nobody`, which takes root.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use lakewright_embedded::{
    Embedded, EmbeddedOptions, EmbeddedServer, Error, ErrorKind, attach, start_or_attach,
};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// The user and group of attacks, `nobody`.
const ATTACKER: u32 = 65534;

/// A start must not take longer, for example by opening a FIFO.
const START_TIMEOUT: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let own: [(&str, fn()); 3] = [
        ("folders_with_other_content_are_left_alone", folders_with_other_content_are_left_alone),
        ("links_and_fifos_in_a_data_directory_are_refused", links_and_fifos_are_refused),
        ("directories_of_the_earlier_format_are_served", directories_of_the_earlier_format),
    ];
    let others: [(&str, fn()); 3] = [
        ("directories_of_another_user_are_refused", directories_of_another_user_are_refused),
        ("directories_below_those_of_another_user_are_refused", directories_below_are_refused),
        ("another_user_reaches_no_socket", another_user_reaches_no_socket),
    ];
    let mut trials: Vec<Trial> = own
        .map(|(name, run)| {
            Trial::test(name, move || {
                run();
                Ok(())
            })
        })
        .into();
    trials.extend(others.map(|(name, run)| {
        Trial::ignorable_test(name, move || {
            let reason = "only root can act as another user";
            if rustix::process::geteuid().is_root() {
                run();
                Ok(Completion::Completed)
            } else if is_required() {
                Err(Failed::from(reason))
            } else {
                Ok(Completion::ignored_with(reason))
            }
        })
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn is_required() -> bool {
    std::env::var("LAKEWRIGHT_TEST_REQUIRE")
        .is_ok_and(|list| list.split(',').any(|name| name.trim() == "embedded"))
}

/// Starts a server or attaches to one, and fails if that takes too long.
fn start(dir: &Path) -> Result<Embedded, Error> {
    let options = EmbeddedOptions::new(dir);
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(start_or_attach(options))
    });
    let begin = Instant::now();
    while !thread.is_finished() {
        assert!(begin.elapsed() < START_TIMEOUT, "the start hangs");
        std::thread::sleep(Duration::from_millis(5));
    }
    thread.join().unwrap()
}

#[track_caller]
fn assert_refused(dir: &Path, kind: ErrorKind) {
    let before = snapshot(dir);
    match start(dir) {
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
        Ok(taken) => panic!("{}: {taken:?}", dir.display()),
    }
    assert_eq!(snapshot(dir), before, "the directory was changed");
}

/// Everything below a directory: its kind, mode and length, and the content of files.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, (u32, u64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.path().symlink_metadata().unwrap();
        let content = if metadata.is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
        found.insert(entry.path(), (metadata.mode(), metadata.len(), content));
        if metadata.is_dir() {
            found.extend(snapshot(&entry.path()));
        }
    }
    found
}

fn folders_with_other_content_are_left_alone() {
    let top = tempfile::tempdir().unwrap();
    let dir = top.path();
    fs::create_dir(dir.join("tmp")).unwrap();
    fs::write(dir.join("tmp/thesis.txt"), b"four years of work").unwrap();
    fs::write(dir.join("lock"), b"the lock of another program").unwrap();
    assert_eq!(attach(dir).unwrap(), None);
    assert_refused(dir, ErrorKind::InvalidInput);
    fs::remove_dir_all(dir.join("tmp")).unwrap();
    assert_refused(dir, ErrorKind::InvalidInput);
    fs::rename(dir.join("lock"), dir.join(".hidden")).unwrap();
    assert_refused(dir, ErrorKind::InvalidInput);
    fs::remove_file(dir.join(".hidden")).unwrap();
    drop(start(dir).unwrap());
    // Once it is a data directory, the user may put files there.
    fs::write(dir.join("tmp/thesis.txt"), b"four years of work").unwrap();
    fs::write(dir.join("notes.txt"), b"notes").unwrap();
    drop(start(dir).unwrap());
    assert!(dir.join("tmp/thesis.txt").exists() && dir.join("notes.txt").exists());
}

fn directories_of_the_earlier_format() {
    let top = tempfile::tempdir().unwrap();
    let dir = top.path();
    drop(start(dir).unwrap());
    fs::remove_file(dir.join("lakewright-data")).unwrap();
    fs::write(dir.join("server.json"), b"{}").unwrap();
    drop(start(dir).unwrap());
    assert!(dir.join("lakewright-data").exists() && !dir.join("server.json").exists());
}

/// A trap that an attacker puts in the place of a file or folder of the server.
#[derive(Clone, Copy, Debug)]
enum Trap {
    Link,
    HardLink,
    Fifo,
}

fn links_and_fifos_are_refused() {
    let top = tempfile::tempdir().unwrap();
    let (dir, victim) = (top.path().join("data"), top.path().join("victim"));
    drop(start(&dir).unwrap());
    fs::create_dir(&victim).unwrap();
    let precious = victim.join("f".repeat(32)); // also the name of a blob
    fs::write(&precious, b"precious").unwrap();
    fs::set_permissions(&precious, fs::Permissions::from_mode(0o644)).unwrap();
    let expected = snapshot(&victim);
    let aside = top.path().join("aside");
    for (name, traps) in [
        ("lakewright-data", &[Trap::Link, Trap::HardLink, Trap::Fifo][..]),
        ("lock", &[Trap::Link, Trap::HardLink, Trap::Fifo]),
        ("reserve", &[Trap::Link, Trap::HardLink, Trap::Fifo]),
        ("credentials.json", &[Trap::Link, Trap::HardLink, Trap::Fifo]),
        ("index.redb", &[Trap::Link, Trap::HardLink, Trap::Fifo]),
        ("tmp", &[Trap::Link, Trap::Fifo]),
        ("blobs", &[Trap::Link, Trap::Fifo]),
        ("blobs/ff", &[Trap::Link, Trap::Fifo]),
    ] {
        for trap in traps {
            let place = dir.join(name);
            fs::rename(&place, &aside).unwrap();
            let target = if aside.is_dir() { &victim } else { &precious };
            match trap {
                Trap::Link => symlink(target, &place).unwrap(),
                Trap::HardLink => fs::hard_link(target, &place).unwrap(),
                Trap::Fifo => {
                    let made = Command::new("mkfifo").arg(&place).status().unwrap();
                    assert!(made.success());
                }
            }
            match start(&dir) {
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::Denied | ErrorKind::InvalidInput),
                    "{name}, {trap:?}: {error}"
                ),
                Ok(_) => panic!("{name}, {trap:?}: the server started"),
            }
            assert_eq!(snapshot(&victim), expected, "{name}, {trap:?}");
            fs::remove_file(&place).unwrap();
            fs::rename(&aside, &place).unwrap();
        }
    }
    drop(start(&dir).unwrap());
}

/// A folder that every user may write to, as `/tmp`.
fn shared_folder() -> tempfile::TempDir {
    let top = tempfile::tempdir().unwrap();
    fs::set_permissions(top.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    top
}

/// Runs a shell script as `nobody` in this folder.
fn attack(folder: &Path, script: &str) -> Child {
    Command::new("sh")
        .args(["-euc", script])
        .current_dir(folder)
        .uid(ATTACKER)
        .gid(ATTACKER)
        .spawn()
        .unwrap()
}

#[track_caller]
fn attack_and_wait(folder: &Path, script: &str) {
    assert!(attack(folder, script).wait().unwrap().success(), "{script}");
}

fn directories_of_another_user_are_refused() {
    let victim = tempfile::tempdir().unwrap();
    let precious = victim.path().join("precious");
    fs::write(&precious, b"precious").unwrap();
    let expected = snapshot(victim.path());
    let target = precious.display();
    for files in [
        "true".to_owned(),
        format!("ln -s {target} lock"),
        format!("ln -s {target} reserve; : > lock"),
        format!("ln -s {target} credentials.json"),
        format!("ln -s {} tmp", victim.path().display()),
        format!("mkdir blobs; ln -s {} blobs/00", victim.path().display()),
        "mkfifo lock".to_owned(),
        "echo > lakewright-data; ln -s /etc/hostname index.redb".to_owned(),
    ] {
        for mode in ["755", "777", "1777"] {
            let shared = shared_folder();
            attack_and_wait(
                shared.path(),
                &format!("mkdir data; cd data; {files}; chmod {mode} ."),
            );
            let data = shared.path().join("data");
            assert_eq!(attach(&data).unwrap_err().kind(), ErrorKind::Denied, "{files}");
            assert_refused(&data, ErrorKind::Denied);
            assert_eq!(snapshot(victim.path()), expected, "{files}");
        }
    }
    // The lock and the address of a server that the attacker runs.
    let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let address = stranger.local_addr().unwrap();
    let shared = shared_folder();
    let script = format!(
        "mkdir data; cd data; chmod 777 .; echo '{{\"pid\":1,\"address\":\"{address}\",\
         \"access_key_id\":\"a\",\"secret_access_key\":\"b\"}}' > server.json; : > lock; chmod 644 *; \
         exec flock lock sleep 30"
    );
    let mut holder = attack(shared.path(), &script);
    let data = shared.path().join("data");
    while !data.join("lock").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
    let attached = start(&data);
    holder.kill().unwrap();
    holder.wait().unwrap();
    match attached {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Denied, "{error}"),
        Ok(attached) => panic!("{attached:?}"),
    }
    assert!(stranger.accept().is_err(), "a connection to the attacker's server");
}

fn directories_below_are_refused() {
    let shared = shared_folder();
    attack_and_wait(shared.path(), "mkdir theirs; chmod 755 theirs");
    let theirs = shared.path().join("theirs");
    // Root has made a directory in a folder of the attacker, who may exchange it.
    let data = theirs.join("data");
    fs::create_dir(&data).unwrap();
    assert_refused(&data, ErrorKind::Denied);
    let deep = data.join("deep");
    fs::create_dir(&deep).unwrap();
    assert_refused(&deep, ErrorKind::Denied);

    // A link of the attacker to a data directory of the victim.
    let own = tempfile::tempdir().unwrap();
    let data = own.path().join("data");
    drop(start(&data).unwrap());
    attack_and_wait(shared.path(), &format!("ln -s {} link", data.display()));
    assert_refused(&shared.path().join("link"), ErrorKind::Denied);
    assert_refused(&shared.path().join("link/../data"), ErrorKind::Denied);

    // A folder that the attacker may write to, without the sticky bit.
    let open = own.path().join("open");
    fs::create_dir_all(open.join("data")).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    assert_refused(&open.join("data"), ErrorKind::Denied);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o775)).unwrap();
    chown(&open, None, Some(ATTACKER)).unwrap();
    assert_refused(&open.join("data"), ErrorKind::Denied);
    // Below a folder like `/tmp`, a directory of one's own is safe.
    drop(start(&shared.path().join("own")).unwrap());
}

fn another_user_reaches_no_socket() {
    let shared = shared_folder();
    let data = shared.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = runtime.block_on(EmbeddedServer::start(EmbeddedOptions::new(&data))).unwrap();
    let socket = data.join("socket");
    let connect = format!("test -S {0} && ! test -w {0}", socket.display());
    attack_and_wait(shared.path(), &connect);
    // Even with the right to connect, the server refuses a process of another user.
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let python = "import socket, sys
s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])
try:
    s.sendall(b'GET /-/attach HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')
    received = s.recv(1000)
except (BrokenPipeError, ConnectionResetError):
    received = b''
sys.exit(received != b'')";
    let attempt = Command::new("python3")
        .args(["-c", python])
        .arg(&socket)
        .current_dir(shared.path())
        .uid(ATTACKER)
        .gid(ATTACKER)
        .status();
    assert!(attempt.unwrap().success(), "the server told another user its credentials");
    assert!(attach(&data).unwrap().is_some());
    drop(server);
}
