//! A client for the tests of a running server. It signs requests, and sends requests that no SDK
//! would send.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "each test uses only some of these items, and fails by panicking"
)]

pub(crate) mod disk;

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use lakewright_embedded::Attachment;
use s3s::crypto::{Checksum, Sha1, Sha256};
use s3s::dto::{Timestamp, TimestampFormat};

/// The address of a server and its credentials.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    address: String,
    access_key_id: String,
    secret: String,
}

/// A response of the server.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the code of an S3 error.
    pub(crate) fn code(&self) -> Option<String> {
        self.element("Code")
    }

    /// Returns the text of an XML element.
    pub(crate) fn element(&self, name: &str) -> Option<String> {
        let text = self.text();
        let from = text.split_once(&format!("<{name}>"))?.1;
        Some(from.split_once(&format!("</{name}>"))?.0.to_owned())
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

impl Client {
    pub(crate) fn new(found: &Attachment) -> Self {
        Self {
            address: found.endpoint.strip_prefix("http://").unwrap().to_owned(),
            access_key_id: found.access_key_id.clone(),
            secret: found.secret_access_key.expose().to_owned(),
        }
    }

    /// Opens a new connection.
    pub(crate) fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Sends a request and reads the response. `target` is percent-encoded, its query sorted.
    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let mut stream = self.connect()?;
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        headers.push(("content-length", &length));
        stream.write_all(self.head(method, target, &headers).as_bytes())?;
        // A server may refuse before it has read the whole body; its response is then returned.
        let sent = stream.write_all(body);
        read_response(&mut stream, method).map_err(|error| sent.err().unwrap_or(error))
    }

    /// Returns the target of a presigned URL (Signature Version 4), valid for `expires` seconds. The
    /// request must have these headers.
    pub(crate) fn presign(
        &self,
        method: &str,
        path: &str,
        expires: u64,
        headers: &[(&str, &str)],
    ) -> String {
        let (time, scope) = self.time_and_scope();
        let mut all: BTreeMap<&str, &str> = headers.iter().copied().collect();
        all.insert("host", &self.address);
        let signed = all.keys().copied().collect::<Vec<_>>();
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={time}\
             &X-Amz-Expires={expires}&X-Amz-SignedHeaders={}",
            format!("{}/{scope}", self.access_key_id).replace('/', "%2F"),
            signed.join("%3B")
        );
        let lines: String = all.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let request =
            format!("{method}\n{path}\n{query}\n{lines}\n{}\nUNSIGNED-PAYLOAD", signed.join(";"));
        format!("{path}?{query}&X-Amz-Signature={}", self.signature(&time, &scope, &request))
    }

    /// Returns the value of an `Authorization` header of Signature Version 2.
    pub(crate) fn authorization_v2(&self, method: &str, path: &str, date: &str) -> String {
        let text = format!("{method}\n\n\n{date}\n{path}");
        format!("AWS {}:{}", self.access_key_id, self.signature_v2(&text))
    }

    /// Returns the target of a presigned URL of Signature Version 2.
    pub(crate) fn presign_v2(&self, method: &str, path: &str, expires: u64) -> String {
        let signature = self.signature_v2(&format!("{method}\n\n\n{expires}\n{path}"));
        let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        format!(
            "{path}?AWSAccessKeyId={}&Expires={expires}&Signature={signature}",
            self.access_key_id
        )
    }

    fn signature_v2(&self, text: &str) -> String {
        use base64::Engine as _;
        let mac = hmac::<Sha1>(self.secret.as_bytes(), text.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(mac)
    }

    /// Sends a head without signing it and reads the response.
    pub(crate) fn send_unsigned(&self, method: &str, rest: &str) -> io::Result<Response> {
        let mut stream = self.connect()?;
        stream.write_all(format!("{method} {rest}").replace("HOST", &self.address).as_bytes())?;
        read_response(&mut stream, method)
    }

    /// Returns the time of a signature made now, and its scope.
    fn time_and_scope(&self) -> (String, String) {
        let mut text = Vec::new();
        let now = Timestamp::from(SystemTime::now());
        now.format(TimestampFormat::DateTime, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let time = text.split('.').next().unwrap().trim_end_matches('Z').replace(['-', ':'], "");
        let scope = format!("{}/us-east-1/s3/aws4_request", &time[..8]);
        (format!("{time}Z"), scope)
    }

    /// Returns the signature of a canonical request.
    fn signature(&self, time: &str, scope: &str, request: &str) -> String {
        let hash = hex(&sha(&[request.as_bytes()]));
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
        let secret = format!("AWS4{}", self.secret).into_bytes();
        let key = scope.split('/').fold(secret, |key, part| hmac::<Sha256>(&key, part.as_bytes()));
        hex(&hmac::<Sha256>(&key, to_sign.as_bytes()))
    }

    /// Returns the head of a signed request (Signature Version 4, unsigned payload). All headers
    /// are signed.
    pub(crate) fn head(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> String {
        let (time, scope) = self.time_and_scope();
        let mut all: BTreeMap<&str, &str> = headers.iter().copied().collect();
        all.insert("host", &self.address);
        all.insert("x-amz-date", &time);
        all.insert("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
        let signed = all.keys().copied().collect::<Vec<_>>().join(";");
        let lines: String =
            all.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") })
            .collect::<Vec<_>>()
            .join("&");
        let request = format!("{method}\n{path}\n{query}\n{lines}\n{signed}\nUNSIGNED-PAYLOAD");
        let signature = self.signature(&time, &scope, &request);
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in &all {
            head += &format!("{name}: {value}\r\n");
        }
        head + &format!(
            "authorization: AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, \
             Signature={signature}\r\n\r\n",
            self.access_key_id
        )
    }
}

/// Reads one response.
pub(crate) fn read_response(stream: &mut TcpStream, method: &str) -> io::Result<Response> {
    let broken = |message: &str| io::Error::new(io::ErrorKind::UnexpectedEof, message.to_owned());
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut buffer)? {
            0 => return Err(broken("the connection closed before the response")),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut body = bytes.split_off(end + 4);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length: Option<usize> = headers.get("content-length").and_then(|value| value.parse().ok());
    let status = status.ok_or_else(|| broken("no status"))?;
    let wanted = if method == "HEAD" || status == 304 || status == 204 { Some(0) } else { length };
    let chunked = headers.get("transfer-encoding").is_some_and(|value| value == "chunked");
    while wanted.map_or(!chunked || !body.ends_with(b"0\r\n\r\n"), |wanted| body.len() < wanted) {
        match stream.read(&mut buffer)? {
            0 if wanted.is_none() => break,
            0 => return Err(broken("the connection closed within the response")),
            read => body.extend_from_slice(&buffer[..read]),
        }
    }
    if wanted.is_none() && chunked {
        body = unchunk(&body).ok_or_else(|| broken("the chunks are malformed"))?;
    }
    Ok(Response { status, headers, body })
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(decoded);
        }
        decoded.extend_from_slice(bytes.get(end + 2..end + 2 + size)?);
        bytes = bytes.get(end + 4 + size..)?;
    }
}

fn sha(chunks: &[&[u8]]) -> [u8; 32] {
    let mut sha = Sha256::new();
    chunks.iter().for_each(|chunk| sha.update(chunk));
    sha.finalize()
}

/// HMAC (RFC 2104) with a hash whose block has 64 bytes; all keys here are shorter than it.
fn hmac<H: Checksum<Output: AsRef<[u8]>>>(key: &[u8], text: &[u8]) -> Vec<u8> {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let hash = |chunks: &[&[u8]]| {
        let mut hash = H::new();
        chunks.iter().for_each(|chunk| hash.update(chunk));
        hash.finalize().as_ref().to_vec()
    };
    hash(&[&pad(0x5c), &hash(&[&pad(0x36), text])])
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
