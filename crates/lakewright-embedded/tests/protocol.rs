//! S3's behaviour for requests that no SDK sends, or only after a fault.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod kit;

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit::{Client, read_response};
use lakewright_embedded::{EmbeddedOptions, EmbeddedServer, attach};
use s3s::crypto::{Checksum as _, Md5, Sha256};

struct Server {
    client: Client,
    dir: tempfile::TempDir,
    _server: EmbeddedServer,
}

/// Starts a server with a bucket `raw` and an object `k` of ten bytes.
fn start_server() -> Server {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = runtime.block_on(EmbeddedServer::start(EmbeddedOptions::new(dir.path()))).unwrap();
    let client = Client::new(&attach(dir.path()).unwrap().unwrap());
    client.send("PUT", "/raw", &[], b"").unwrap().expect(200);
    client.send("PUT", "/raw/k", &[], b"0123456789").unwrap().expect(200);
    Server { client, dir, _server: server }
}

#[test]
fn an_invalid_range_is_ignored() {
    let Server { client, .. } = &start_server();
    for range in ["bytes=5-2", "bytes=a-b", "bytes=0-1,4-5", "lines=0-1", "bytes"] {
        let got = client.send("GET", "/raw/k", &[("range", range)], b"").unwrap().expect(200);
        assert_eq!(got.body, b"0123456789", "{range}");
        let head = client.send("HEAD", "/raw/k", &[("range", range)], b"").unwrap().expect(200);
        assert_eq!(head.headers["content-length"], "10", "{range}");
    }
    let got = client.send("GET", "/raw/k", &[("range", "bytes=8-99")], b"").unwrap().expect(206);
    assert_eq!((got.body.as_slice(), &*got.headers["content-range"]), (&b"89"[..], "bytes 8-9/10"));
    for range in ["bytes=10-", "bytes=-0"] {
        let refused = client.send("GET", "/raw/k", &[("range", range)], b"").unwrap().expect(416);
        assert_eq!(refused.code().as_deref(), Some("InvalidRange"));
        assert_eq!(refused.headers["content-range"], "bytes */10");
    }
    let dates = [("if-modified-since", "yesterday"), ("if-unmodified-since", "0")];
    client.send("GET", "/raw/k", &dates, b"").unwrap().expect(200);
    // Errors of the operation are returned unchanged.
    let missing = client.send("GET", "/raw/l", &[("range", "x")], b"").unwrap().expect(404);
    assert_eq!(missing.code().as_deref(), Some("NoSuchKey"));
}

#[test]
fn normalised_requests_still_need_a_valid_signature() {
    let Server { client, .. } = &start_server();
    let head = client.head("GET", "/raw/k", &[("range", "nonsense")]);
    for (from, to) in [("Signature=", "Signature=0"), ("range: nonsense", "range: other")] {
        let mut stream = client.connect().unwrap();
        stream.write_all(head.replace(from, to).as_bytes()).unwrap();
        let refused = read_response(&mut stream, "GET").unwrap().expect(403);
        assert_eq!(refused.code().as_deref(), Some("SignatureDoesNotMatch"), "{to}");
    }
    for request in [
        "GET /raw/k HTTP/1.1\r\nhost: x\r\nrange: nonsense\r\n\r\n",
        "POST /raw?delete HTTP/1.1\r\nhost: x\r\ncontent-md5: x\r\ncontent-length: 0\r\n\r\n",
    ] {
        let mut stream = client.connect().unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let refused = read_response(&mut stream, "GET").unwrap().expect(403);
        assert_eq!(refused.code().as_deref(), Some("AccessDenied"));
    }
}

#[test]
fn signatures_of_version_2_are_refused() {
    let Server { client, .. } = &start_server();
    // The signature does not cover the body, and no server checked this date.
    for date in ["never", "Fri, 24 Jan 2014 12:00:00 GMT"] {
        let authorization = client.authorization_v2("PUT", "/raw/v2", date);
        let rest = format!(
            "/raw/v2 HTTP/1.1\r\nhost: HOST\r\ndate: {date}\r\nauthorization: {authorization}\r\n\
             content-length: 4\r\n\r\nbody"
        );
        let refused = client.send_unsigned("PUT", &rest).unwrap().expect(400);
        assert_eq!(refused.code().as_deref(), Some("InvalidRequest"));
    }
    let target = client.presign_v2("GET", "/raw/k", 4_000_000_000);
    let refused = client.send_unsigned("GET", &format!("{target} HTTP/1.1\r\nhost: HOST\r\n\r\n"));
    assert_eq!(refused.unwrap().expect(400).code().as_deref(), Some("InvalidRequest"));
    client.send("HEAD", "/raw/v2", &[], b"").unwrap().expect(404);
}

#[test]
fn presigned_urls_are_valid_for_seven_days_at_most() {
    let Server { client, .. } = &start_server();
    let get = |expires| {
        let target = client.presign("GET", "/raw/k", expires, &[]);
        client.send_unsigned("GET", &format!("{target} HTTP/1.1\r\nhost: HOST\r\n\r\n")).unwrap()
    };
    assert_eq!(get(604_800).expect(200).body, b"0123456789");
    for expires in [604_801, 1_000_000_000] {
        let refused = get(expires).expect(400);
        assert_eq!(refused.code().as_deref(), Some("AuthorizationQueryParametersError"));
    }
}

#[test]
fn headers_of_s3_must_be_signed() {
    let Server { client, .. } = &start_server();
    let put = |target: &str, headers: &str| {
        let rest =
            format!("{target} HTTP/1.1\r\nhost: HOST\r\n{headers}content-length: 4\r\n\r\nbody");
        client.send_unsigned("PUT", &rest).unwrap()
    };
    // The holder of this URL may upload an object, and must not be able to read another one.
    let target = client.presign("PUT", "/raw/upload", 60, &[]);
    for header in ["x-amz-copy-source: /raw/k", "x-amz-meta-a: b", "x-amz-tagging: a=b"] {
        let refused = put(&target, &format!("{header}\r\n")).expect(403);
        assert_eq!(refused.code().as_deref(), Some("AccessDenied"), "{header}");
    }
    client.send("HEAD", "/raw/upload", &[], b"").unwrap().expect(404);
    put(&target, "").expect(200);
    let target = client.presign("PUT", "/raw/upload", 60, &[("x-amz-meta-a", "b")]);
    put(&target, "x-amz-meta-a: b\r\n").expect(200);
    let head = client.head("PUT", "/raw/upload", &[("content-length", "0")]);
    let head = head.replacen("authorization", "x-amz-copy-source: /raw/k\r\nauthorization", 1);
    let mut stream = client.connect().unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let refused = read_response(&mut stream, "PUT").unwrap().expect(403);
    assert_eq!(refused.code().as_deref(), Some("AccessDenied"));
}

#[test]
fn slow_connections_without_credentials_delay_no_one() {
    let Server { client, .. } = &start_server();
    let mut slow = Vec::new();
    for n in 0..384 {
        let mut stream = client.connect().unwrap();
        let sent = match n % 3 {
            0 => "GET /raw/k HTTP/1.1\r\nhost: x\r\nx-a",
            1 => "PUT /raw/k HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nbody",
            _ => "",
        };
        let _ = stream.write_all(sent.as_bytes());
        slow.push(stream);
    }
    let begin = std::time::Instant::now();
    for _ in 0..20 {
        client.send("GET", "/raw/k", &[], b"").unwrap().expect(200);
    }
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
}

#[test]
fn slow_bodies_of_signed_requests_are_completed() {
    let Server { client, .. } = &start_server();
    let head = client.head("PUT", "/raw/slow", &[("content-length", "4")]);
    let mut slow = client.connect().unwrap();
    slow.write_all(format!("{head}bo").as_bytes()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    // More connections than there are slots: those without a valid request give theirs up.
    let idle: Vec<_> = (0..400).map(|_| client.connect().unwrap()).collect();
    client.send("GET", "/raw/k", &[], b"").unwrap().expect(200);
    slow.write_all(b"dy").unwrap();
    read_response(&mut slow, "PUT").unwrap().expect(200);
    drop(idle);
}

#[test]
fn a_batch_delete_with_a_wrong_checksum_deletes_nothing() {
    let Server { client, .. } = &start_server();
    let xml = b"<Delete><Object><Key>k</Key></Object></Delete>";
    let (mut md5, mut sha) = (Md5::new(), Sha256::new());
    md5.update(xml);
    sha.update(xml);
    let (md5, sha) = (STANDARD.encode(md5.finalize()), STANDARD.encode(sha.finalize()));
    let wrong = STANDARD.encode([0; 16]);
    let wrong_sha = STANDARD.encode([0; 32]);
    for (headers, code) in [
        ([("content-md5", &*wrong)], "BadDigest"),
        ([("content-md5", "nonsense")], "InvalidDigest"),
        ([("x-amz-checksum-sha256", &*wrong_sha)], "BadDigest"),
        ([("x-amz-checksum-sha256", "AAAA")], "InvalidRequest"),
    ] {
        let refused = client.send("POST", "/raw?delete", &headers, xml).unwrap().expect(400);
        assert_eq!(refused.code().as_deref(), Some(code), "{headers:?}");
        client.send("HEAD", "/raw/k", &[], b"").unwrap().expect(200);
    }
    let tags = b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
    let wrong = [("content-md5", &*wrong)];
    client.send("PUT", "/raw/k?tagging", &wrong, tags).unwrap().expect(400);
    let right = [("content-md5", &*md5), ("x-amz-checksum-sha256", &*sha)];
    let done = client.send("POST", "/raw?delete", &right, xml).unwrap().expect(200);
    assert_eq!(done.element("Key").as_deref(), Some("k"));
    client.send("HEAD", "/raw/k", &[], b"").unwrap().expect(404);
}

#[test]
fn limits_of_s3_are_enforced() {
    let Server { client, .. } = &start_server();
    let names = |count: usize| {
        let names: String =
            (0..count).map(|n| format!("<Object><Key>{n}</Key></Object>")).collect();
        format!("<Delete>{names}</Delete>")
    };
    client.send("POST", "/raw?delete", &[], names(1000).as_bytes()).unwrap().expect(200);
    for count in [0, 1001] {
        let refused = client.send("POST", "/raw?delete", &[], names(count).as_bytes()).unwrap();
        assert_eq!(refused.expect(400).code().as_deref(), Some("MalformedXML"));
    }
    let value = |size: usize| "v".repeat(size);
    let fits = value(2048 - "name".len());
    client.send("PUT", "/raw/m", &[("x-amz-meta-name", &fits)], b"").unwrap().expect(200);
    let refused = client.send("PUT", "/raw/m", &[("x-amz-meta-name", &value(2045))], b"").unwrap();
    assert_eq!(refused.expect(400).code().as_deref(), Some("MetadataTooLarge"));
    client.send("PUT", &format!("/raw/{}", "k".repeat(1024)), &[], b"").unwrap().expect(200);
    let refused = client.send("PUT", &format!("/raw/{}", "k".repeat(1025)), &[], b"").unwrap();
    assert_eq!(refused.expect(400).code().as_deref(), Some("KeyTooLongError"));
    let begun = client.send("POST", "/raw/p?uploads", &[], b"").unwrap().expect(200);
    let id = begun.element("UploadId").unwrap();
    for (number, status) in [("0", 400), ("1", 200), ("10000", 200), ("10001", 400)] {
        let target = format!("/raw/p?partNumber={number}&uploadId={id}");
        client.send("PUT", &target, &[], b"x").unwrap().expect(status);
    }
}

#[test]
fn a_form_is_refused_before_its_file_is_read() {
    let Server { client, .. } = &start_server();
    let mut stream = client.connect().unwrap();
    // The request is unsigned, and its file does not end.
    let head = "POST /raw HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
                content-type: multipart/form-data; boundary=b\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let part = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nbytes";
    write!(stream, "{:x}\r\n{part}\r\n", part.len()).unwrap();
    let refused = read_response(&mut stream, "POST").unwrap().expect(501);
    assert_eq!(refused.code().as_deref(), Some("NotImplemented"));
}

#[test]
fn an_incomplete_body_leaves_no_files() {
    let Server { client, dir, .. } = &start_server();
    for size in [100, 1_000_000] {
        let length = (size * 2).to_string();
        let head = client.head("PUT", "/raw/incomplete", &[("content-length", &length)]);
        let mut stream = client.connect().unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&vec![7; size]).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response); // A response is optional, because no client is there to read it.
        let response = String::from_utf8_lossy(&response).into_owned();
        assert!(!response.starts_with("HTTP/1.1 200"), "{response}");
        client.send("GET", "/raw/incomplete", &[], b"").unwrap().expect(404);
    }
    let begin = std::time::Instant::now();
    while std::fs::read_dir(dir.path().join("tmp")).unwrap().next().is_some() {
        assert!(begin.elapsed().as_secs() < 5, "the incomplete file still exists");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Collects all files and directories below `dir`, with their collect_modes.
fn collect_modes(dir: &Path, found: &mut Vec<(std::path::PathBuf, u32)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        found.push((entry.path(), metadata.permissions().mode() & 0o777));
        if metadata.is_dir() {
            collect_modes(&entry.path(), found);
        }
    }
}

#[test]
fn all_files_are_private_even_in_a_public_directory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = runtime.block_on(EmbeddedServer::start(EmbeddedOptions::new(dir.path()))).unwrap();
    let client = Client::new(&attach(dir.path()).unwrap().unwrap());
    client.send("PUT", "/raw", &[], b"").unwrap().expect(200);
    client.send("PUT", "/raw/k", &[], &[7; 100_000]).unwrap().expect(200);
    let mut found = Vec::new();
    collect_modes(dir.path(), &mut found);
    assert!(found.len() > 260, "{found:?}");
    for (path, mode) in found {
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
    drop(server);
}

#[test]
fn damaged_and_missing_bytes_are_reported() {
    let Server { client, dir, .. } = &start_server();
    let blob = || {
        let shards = std::fs::read_dir(dir.path().join("blobs")).unwrap();
        shards
            .flat_map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap())
            .next()
            .unwrap()
            .unwrap()
            .path()
    };
    client.send("PUT", "/raw/big", &[], &[7; 100_000]).unwrap().expect(200);
    let path = blob();
    std::fs::write(&path, [8; 100_000]).unwrap();
    let refused = client.send("GET", "/raw/big", &[], b"").unwrap().expect(500);
    assert!(refused.text().contains("checksum"), "{}", refused.text());
    std::fs::remove_file(&path).unwrap();
    client.send("GET", "/raw/big", &[], b"").unwrap().expect(500);
    let copy = [("x-amz-copy-source", "/raw/big")];
    client.send("PUT", "/raw/copy", &copy, b"").unwrap().expect(500);
    // A file that replaces the blob is not served either, wherever it is.
    symlink("/etc/hostname", &path).unwrap();
    client.send("GET", "/raw/big", &[], b"").unwrap().expect(500);
    // The object can still be deleted, which removes only the link.
    client.send("DELETE", "/raw/big", &[], b"").unwrap().expect(204);
    assert!(Path::new("/etc/hostname").exists());
}

#[test]
fn object_keys_are_never_used_as_paths() {
    let Server { client, dir, .. } = &start_server();
    for key in ["..", "../x", "%2e%2e%2fx", "a/../../../../x", "%00", "/etc/passwd", "%ff"] {
        let target = format!("/raw/{key}");
        let mut stream = client.connect().unwrap();
        let head = client.head("PUT", &target, &[("content-length", "40000")]);
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&[7; 40_000]).unwrap();
        // The request may be accepted or refused: neither this client nor the server may normalise
        // paths.
        let response = read_response(&mut stream, "PUT").unwrap();
        assert!([200, 400, 403].contains(&response.status), "{key}: {}", response.status);
    }
    let mut names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "blobs",
        "credentials.json",
        "index.redb",
        "lakewright-data",
        "lock",
        "reserve",
        "socket",
        "tmp",
    ];
    assert_eq!(names, expected);
    let above: Vec<_> = std::fs::read_dir(dir.path().join("blobs")).unwrap().collect();
    assert_eq!(above.len(), 256);
}

#[test]
fn a_copy_checks_preconditions_on_the_object_it_replaces() {
    let Server { client, .. } = &start_server();
    client.send("PUT", "/raw/there", &[], b"kept").unwrap().expect(200);
    let copy = |key: &str, name: &str, value: &str| {
        let headers = [("x-amz-copy-source", "/raw/k"), (name, value)];
        client.send("PUT", &format!("/raw/{key}"), &headers, b"").unwrap()
    };
    copy("there", "if-none-match", "*").expect(412);
    copy("there", "if-match", "\"other\"").expect(412);
    copy("new", "if-match", "*").expect(404);
    copy("there", "if-match", "nonsense\u{1}").expect(400);
    let got = client.send("GET", "/raw/there", &[], b"").unwrap().expect(200);
    assert_eq!(got.body, b"kept");
    copy("new", "if-none-match", "*").expect(200);
    copy("there", "if-match", &got.headers["etag"]).expect(200);
    let got = client.send("GET", "/raw/there", &[], b"").unwrap().expect(200);
    assert_eq!(got.body, b"0123456789");
}
