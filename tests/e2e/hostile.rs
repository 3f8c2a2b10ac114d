//! Servers, networks and folders that attack the client: endless responses, bodies that are changed
//! on their way, files that run programs.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use lakewright::{ErrorKind, GetOptions, ObjectKey, PutOptions};
use lakewright_tests::conformance::bucket;
use lakewright_tests::hostile_server::{HostileServer, Response};
use lakewright_tests::proxy::{Fault, Proxy};
use lakewright_tests::server::{CommandLine, SharedMinio, assert_kind};
use lakewright_tests::tests;

tests![
    endless_responses_are_refused,
    listings_that_do_not_advance_are_refused,
    changed_bodies_are_refused,
    no_program_of_the_current_folder_is_run,
    exposed_secrets_are_reported,
    downloads_keep_permissions,
];

/// The memory in bytes that a command may use. The build that is tested needs 60 MB by itself, and the
/// largest page that is parsed some 230 MB.
const MAX_MEMORY: u64 = 500 << 20;

/// The time after which a command is ended. It would fill the memory of the machine otherwise.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs the command against `server` and returns its output and its peak of memory, from the
/// kernel's record of the process (`VmHWM` in `/proc/PID/status`). A command that exceeds the time
/// or twice the memory that it may use is killed.
fn run(command: &Path, server: &HostileServer, arguments: &[&str]) -> (Output, u64) {
    let mut child = Command::new(command)
        .args(arguments)
        .args(["--json", "--retries", "1", "--endpoint", &server.endpoint()])
        .env_clear()
        .env("LAKEWRIGHT_ACCESS_KEY_ID", "id")
        .env("LAKEWRIGHT_SECRET_ACCESS_KEY", "secret")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (begin, mut peak) = (Instant::now(), 0);
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(peak_memory(child.id()));
        if begin.elapsed() > LIMIT || peak > 2 * MAX_MEMORY {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    (child.wait_with_output().unwrap(), peak)
}

fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kilobytes = line.trim().trim_end_matches("kB").trim();
    kilobytes.parse::<u64>().unwrap_or_default() << 10 // a process that has ended has no memory
}

/// Runs the command, which must fail with `code` within the limits.
async fn assert_refused(
    CommandLine(command): &CommandLine,
    what: &str,
    code: &str,
    arguments: &'static [&'static str],
    respond: impl Fn(usize) -> Response + Send + Sync + 'static,
) {
    let server = HostileServer::start(respond).await;
    let command = command.clone();
    let (output, peak) =
        tokio::task::spawn_blocking(move || run(&command, &server, arguments)).await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let document = stderr.lines().last().unwrap_or_default();
    assert!(peak > 0, "{what}: the peak is read before the process ends");
    assert!(peak < MAX_MEMORY, "{what}: {} MB: {stderr}", peak >> 20);
    assert_eq!(output.status.code(), Some(1), "{what}: {stderr}");
    let found: serde_json::Value = serde_json::from_str(document).expect(&stderr);
    assert_eq!(found["code"], code, "{what}: {stderr}");
    eprintln!("{what}: {} MB", peak >> 20);
}

const LIST: &[&str] = &["object", "list", "raw", "--recursive"];
const OBJECTS: &str = "<ListBucketResult><IsTruncated>true</IsTruncated>";
const VERSIONS: &str = "<ListVersionsResult><IsTruncated>true</IsTruncated>";
const BUCKETS: &str = "<ListAllMyBucketsResult><Buckets>";

async fn endless_responses_are_refused(cli: CommandLine) {
    for (what, code, arguments, status, begin, endless) in [
        ("objects", "too_large", LIST, 200, OBJECTS, "<Contents/>"),
        ("spaces", "too_large", LIST, 200, OBJECTS, "                "),
        ("one key", "too_large", LIST, 200, "<ListBucketResult><Contents><Key>", "kkkkkkkkkkkk"),
        ("prefixes", "too_large", LIST, 200, OBJECTS, "<CommonPrefixes/>"),
        ("error of a listing", "too_large", LIST, 403, "<Error><Message>", "refused "),
        (
            "versions",
            "too_large",
            &["object", "list", "raw", "--versions"],
            200,
            VERSIONS,
            "<Version/>",
        ),
        ("buckets", "too_large", &["bucket", "list"], 200, BUCKETS, "<Bucket/>"),
        (
            "error of a GET",
            "too_large",
            &["object", "get", "raw/key", "-"],
            404,
            "<Error><Code>",
            "NoSuchKey",
        ),
        (
            "setting",
            "too_large",
            &["bucket", "setting", "get", "raw", "tags"],
            200,
            "<Tagging>",
            "<TagSet/>",
        ),
        (
            "setting of the admin API",
            "too_large",
            &["bucket", "setting", "get", "raw", "quota"],
            200,
            "{\"a\":[",
            "[],",
        ),
    ] {
        let response = Response::endless(status, begin, endless);
        assert_refused(&cli, what, code, arguments, move |_| response.clone()).await;
    }
    // The largest responses that are parsed.
    let objects = "<Contents/>".repeat(520_000);
    let page = Response::page(&format!("{OBJECTS}{objects}</ListBucketResult>"));
    assert_refused(&cli, "a page of tags", "corrupt", LIST, move |_| page.clone()).await;
    let quota: &[&str] = &["bucket", "setting", "get", "raw", "quota"];
    let values = Response::page(&format!("{{\"quota\":[{}0]}}", "[],".repeat(1_000_000)));
    assert_refused(&cli, "a list of values", "corrupt", quota, move |_| values.clone()).await;
    let endless = "X-Header: and so on\r\n".repeat(10_000);
    let headers = Response { begin: "HTTP/1.1 200 OK\r\n".into(), endless };
    assert_refused(&cli, "headers", "unavailable", LIST, move |_| headers.clone()).await;
}

async fn listings_that_do_not_advance_are_refused(cli: CommandLine) {
    let objects = |keys: &str, token: &str| {
        let next = format!("<NextContinuationToken>{token}</NextContinuationToken>");
        Response::page(&format!("{OBJECTS}{keys}{next}</ListBucketResult>"))
    };
    let one = "<Contents><Key>k</Key></Contents>";
    assert_refused(&cli, "one token", "corrupt", LIST, move |_| objects(one, "t")).await;
    assert_refused(&cli, "one key", "corrupt", LIST, move |n| objects(one, &n.to_string())).await;
    assert_refused(&cli, "no keys", "corrupt", LIST, move |n| objects("", &n.to_string())).await;
    let grouped: &[&str] = &["object", "list", "raw"];
    let prefix = "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>";
    let respond = move |n: usize| objects(prefix, &n.to_string());
    assert_refused(&cli, "one prefix", "corrupt", grouped, respond).await;

    let versions = |number: usize| {
        let next = format!("<NextVersionIdMarker>{}</NextVersionIdMarker>", number % 7);
        let version = "<Version><Key>k</Key><VersionId>v</VersionId></Version>";
        Response::page(&format!(
            "{VERSIONS}{version}<NextKeyMarker>k</NextKeyMarker>{next}</ListVersionsResult>"
        ))
    };
    let list: &[&str] = &["object", "list", "raw", "--versions"];
    assert_refused(&cli, "a circle of versions", "corrupt", list, versions).await;

    let uploads = |_| {
        let next = "<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>";
        let page = format!("<IsTruncated>true</IsTruncated>{next}");
        Response::page(&format!("<ListMultipartUploadsResult>{page}</ListMultipartUploadsResult>"))
    };
    let empty: &[&str] = &["bucket", "empty", "raw", "--yes"];
    assert_refused(&cli, "uploads", "corrupt", empty, uploads).await;

    let buckets = |_| {
        let token = "<ContinuationToken>t</ContinuationToken>";
        Response::page(&format!("{BUCKETS}</Buckets>{token}</ListAllMyBucketsResult>"))
    };
    assert_refused(&cli, "buckets", "corrupt", &["bucket", "list"], buckets).await;
}

/// A proxy changes bodies so that their CRC32C stays the same. Signed payloads are refused by the
/// server; unsigned ones are stored, which shows that the proxy does what it should.
async fn changed_bodies_are_refused(SharedMinio(server): SharedMinio) {
    let proxy = Proxy::to(server.endpoint()).await;
    let lake = |payload_signing| {
        let endpoint = proxy.endpoint();
        server.lake_with(move |settings| {
            settings.endpoint = Some(endpoint);
            settings.payload_signing = Some(payload_signing);
            settings.retries = Some(0);
        })
    };
    let (signed, unsigned) = (lake(true).await, lake(false).await);
    let name = bucket(&signed).await.name().clone();
    let key = ObjectKey::new("key").unwrap();
    // One PUT without the SDK, one of the SDK, and an upload in parts.
    for bytes in [1000, 3 << 20, 40 << 20] {
        let body = vec![7_u8; bytes];
        let put = |lake: &lakewright::Lake| {
            let (bucket, key, body) = (lake.bucket(name.clone()), key.clone(), body.clone());
            async move { bucket.put(&key, body, PutOptions::default()).await }
        };
        proxy.inject("PUT /", Fault::ChangeBody, 1);
        assert_kind(put(&signed).await, ErrorKind::Corrupt);
        assert_kind(
            signed.bucket(name.clone()).get(&key, GetOptions::default()).await,
            ErrorKind::NotFound,
        );
        put(&signed).await.unwrap();
        assert_eq!(stored(&signed, &name, &key).await, body);

        proxy.inject("PUT /", Fault::ChangeBody, 1);
        put(&unsigned).await.unwrap();
        assert_ne!(stored(&signed, &name, &key).await, body);
        signed.bucket(name.clone()).delete(&key).await.unwrap();
    }
    assert_eq!(proxy.faults(), 6);
}

async fn stored(
    lake: &lakewright::Lake,
    bucket: &lakewright::BucketName,
    key: &ObjectKey,
) -> Vec<u8> {
    lake.bucket(bucket.clone()).get(key, GetOptions::default()).await.unwrap().bytes.to_vec()
}

/// A folder of another user must not supply the configuration of a process without a home directory,
/// such as a service.
async fn no_program_of_the_current_folder_is_run(CommandLine(command): CommandLine) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    let keys = r#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b"}"#;
    std::fs::write(&program, format!("#!/bin/sh\ntouch ran\necho '{keys}'\n")).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let config = format!("[default]\ncredential_process = {}\n", program.display());
    for home in ["~", ".", "home"] {
        let aws = folder.path().join(home).join(".aws");
        std::fs::create_dir_all(&aws).unwrap();
        std::fs::write(aws.join("config"), &config).unwrap();
    }
    let ran = folder.path().join("ran");
    let list = |variables: &[(&str, &str)]| {
        let mut list = Command::new(&command);
        list.args(["bucket", "list", "--retries", "0", "--endpoint", "http://127.0.0.1:9"]);
        list.env_clear().envs(variables.iter().copied()).current_dir(folder.path());
        list.output().unwrap()
    };
    for variables in [
        &[][..],
        &[("HOME", "")],
        &[("HOME", "home")],
        &[("HOME", ".")],
        &[("AWS_PROFILE", "default")],
        &[("AWS_CONFIG_FILE", "~/.aws/config")],
    ] {
        let output = list(variables);
        assert!(!ran.exists(), "{variables:?}");
        assert!(!output.status.success(), "{variables:?}");
    }
    // The same file below an absolute home directory is the user's own.
    list(&[("HOME", folder.path().join("home").to_str().unwrap())]);
    assert!(ran.exists(), "the program can be run");
}

async fn exposed_secrets_are_reported(CommandLine(command): CommandLine) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("profiles.toml");
    let server = HostileServer::start(|_| {
        Response::page("<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>")
    });
    let server = server.await;
    let keys = "access_key_id = \"a\"\nsecret_access_key = \"hunter2\"\n";
    let text = format!("[default]\nendpoint = \"{}\"\n{keys}", server.endpoint());
    std::fs::write(&file, text).unwrap();
    for (mode, is_reported) in [(0o644, true), (0o640, false), (0o600, false)] {
        std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let (command, path) = (command.clone(), file.clone());
        let output = tokio::task::spawn_blocking(move || {
            let mut check = Command::new(command);
            check.args(["profile", "check", "--json"]).env_clear();
            check.env("LAKEWRIGHT_PROFILES_FILE", path).output().unwrap()
        });
        let Output { stdout, stderr, .. } = output.await.unwrap();
        let (stdout, stderr) =
            (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        let found: serde_json::Value = serde_json::from_str(&stdout).expect(&stderr);
        let found = found["exposed_secrets"]["mode"].as_str();
        assert_eq!(found, is_reported.then_some("0644"), "{stdout}");
        let warnings = stderr.matches(file.to_str().unwrap()).count();
        assert_eq!(warnings, usize::from(is_reported), "one warning: {stderr}");
        assert!(!(stdout + &stderr).contains("hunter2"));
    }
}

async fn downloads_keep_permissions(SharedMinio(server): SharedMinio) {
    let lake = server.lake().await;
    let (bucket, key) = (bucket(&lake).await, ObjectKey::new("key").unwrap());
    bucket.put(&key, "bytes", PutOptions::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let download = async |name: &str| {
        let path = folder.path().join(name);
        bucket.download(&key, &path, GetOptions::default(), &|_, _| {}).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"bytes");
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    let usual = folder.path().join("usual");
    std::fs::write(&usual, "").unwrap();
    let usual = std::fs::metadata(usual).unwrap().permissions().mode() & 0o777;
    assert_eq!(download("new").await, usual, "that of the umask");
    for mode in [0o600, 0o640, 0o444] {
        let path = folder.path().join("old");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(download("old").await, mode);
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file is left");
}
