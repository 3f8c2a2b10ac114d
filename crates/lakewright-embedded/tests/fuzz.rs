//! Random requests: the service responds to all of them, or closes the connection, and no thread of
//! it panics. The number of cases is that of proptest, `PROPTEST_CASES`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, OnceLock};

use lakewright_embedded::fuzz::{FuzzTarget, Signatures};
use proptest::prelude::*;

/// Panics in all threads, those of the service included, whose runtime would hide them.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn respond(bytes: &[u8], signatures: Signatures) -> String {
    static TARGET: OnceLock<(tempfile::TempDir, Mutex<FuzzTarget>)> = OnceLock::new();
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            report(info);
        }));
    });
    let (_, target) = TARGET.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let target = FuzzTarget::new(dir.path()).unwrap();
        for (request, status) in [
            ("PUT /raw HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", "200"),
            ("PUT /raw/k HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody", "200"),
            ("GET /raw/k HTTP/1.1\r\nhost: x\r\n\r\n", "200"),
        ] {
            let bytes = target.respond(request.as_bytes(), Signatures::Ignored);
            let response = String::from_utf8_lossy(&bytes);
            assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{response}");
            let bytes = target.respond(request.as_bytes(), Signatures::Required);
            assert!(bytes.starts_with(b"HTTP/1.1 403"), "a request without a signature");
        }
        (dir, Mutex::new(target))
    });
    let before = PANICS.load(Ordering::Relaxed);
    let response = target.lock().unwrap().respond(bytes, signatures);
    assert_eq!(PANICS.load(Ordering::Relaxed), before, "a thread of the service panicked");
    String::from_utf8_lossy(&response).into_owned()
}

fn signatures() -> impl Strategy<Value = Signatures> {
    prop_oneof![Just(Signatures::Required), Just(Signatures::Ignored)]
}

fn method() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"];
    prop_oneof![9 => proptest::sample::select(KNOWN).prop_map(String::from), 1 => "[A-Z]{1,9}"]
}

/// Targets of the operations that there are, and others.
fn target() -> impl Strategy<Value = String> {
    let path = prop_oneof!["/", "/raw", "/raw/", "/raw/k", "/raw/[a-z/%.]{0,9}", "/[ -~]{0,20}"];
    let name = prop_oneof![
        4 => proptest::sample::select(
            &[
                "uploads", "uploadId", "partNumber", "delete", "tagging", "list-type", "prefix",
                "delimiter", "max-keys", "continuation-token", "start-after", "marker", "location",
                "versioning", "policy", "attributes", "encoding-type", "X-Amz-Expires",
                "X-Amz-SignedHeaders", "X-Amz-Signature", "Signature", "x-id", "versionId",
            ][..]
        )
        .prop_map(String::from),
        1 => "[!-~&&[^#]]{0,9}",
    ];
    let value = prop_oneof!["", "[0-9]{1,20}", "[!-~&&[^#&]]{0,12}", "%[0-9a-fA-F]{2}", "-1"];
    let query = proptest::collection::vec((name, value), 0..4).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("&")
    });
    (path, query).prop_map(|(path, query)| format!("{path}?{query}").replace(' ', "%20"))
}

fn header() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        6 => proptest::sample::select(
            &[
                "range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since",
                "content-md5", "content-type", "content-encoding", "transfer-encoding", "expect",
                "authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-copy-source",
                "x-amz-copy-source-range", "x-amz-decoded-content-length", "x-amz-trailer",
                "x-amz-checksum-crc32c", "x-amz-checksum-algorithm", "x-amz-tagging",
                "x-amz-meta-a", "x-amz-metadata-directive", "x-amz-object-attributes",
                "x-amz-storage-class", "x-amz-acl", "host", "connection", "content-length",
            ][..]
        )
        .prop_map(String::from),
        1 => "[a-zA-Z-]{1,12}",
    ];
    let value = prop_oneof![
        "[ -~]{0,30}",
        "bytes=[0-9]{0,20}-[0-9]{0,20}",
        "\"?[0-9a-f]{32}\"?",
        "/raw/k",
        "(STREAMING-)?UNSIGNED-PAYLOAD(-TRAILER)?",
        "AWS4-HMAC-SHA256 Credential=[A-Z0-9/]{0,30}, SignedHeaders=[a-z;-]{0,20}, Signature=[0-9a-f]{64}",
        "AWS [A-Z]{0,9}:[A-Za-z=]{0,9}",
        "chunked",
        "100-continue",
        "[0-9]{1,20}",
    ];
    (name, value).prop_map(|(name, value)| format!("{name}: {value}\r\n"))
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let element = "(<(Delete|Object|Key|Tagging|TagSet|Tag|CompleteMultipartUpload|Part|ETag)>|</[A-Z][a-z]{0,9}>|[ -~]{0,5}|&#?[a-z0-9]{0,9};)";
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        proptest::collection::vec(element, 0..12).prop_map(|parts| parts.concat().into_bytes()),
        "[0-9a-f]{1,16}(;chunk-signature=[0-9a-f]{64})?\r\n[ -~]{0,30}\r\n0\r\n\r\n"
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        signatures in signatures(),
    ) {
        let response = respond(&bytes, signatures);
        prop_assert!(response.is_empty() || response.starts_with("HTTP/1."), "{response}");
    }

    #[test]
    fn requests_that_resemble_those_of_s3_never_panic(
        method in method(),
        target in target(),
        headers in proptest::collection::vec(header(), 0..6),
        body in body(),
        signatures in signatures(),
    ) {
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n{}\r\n",
            body.len(),
            headers.concat(),
        );
        let mut request = head.into_bytes();
        request.extend(body);
        let response = respond(&request, signatures);
        prop_assert!(response.is_empty() || response.starts_with("HTTP/1."), "{response}");
        prop_assert!(!response.starts_with("HTTP/1.1 500"), "{response}");
    }
}
