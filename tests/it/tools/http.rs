//! The least HTTP/1.1 client that tests need: one request, one whole answer, plain TCP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::DEADLINE;

/// A whole answer.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// In the order received, names in lower case.
    pub headers: Vec<(String, String)>,
    /// After chunks are joined; still compressed if `content-encoding` says so.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of the header with this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("a body of UTF-8")
    }
}

/// GET without further headers; panics if there is no answer.
pub fn get(address: SocketAddr, path: &str) -> Response {
    request(address, "GET", path, &[])
}

/// Any request without a body; panics if there is no answer.
pub fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    try_request(address, method, path, headers)
        .unwrap_or_else(|error| panic!("{method} {address}{path}: {error}"))
}

/// POST of JSON; panics if there is no answer.
pub fn post(address: SocketAddr, path: &str, json: &str) -> Response {
    let length = json.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    exchange(address, &(head + json), "POST").unwrap_or_else(|error| panic!("POST {address}{path}: {error}"))
}

/// As [`request`], for a server that may be down.
pub fn try_request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Response, std::io::Error> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    exchange(address, &format!("{head}\r\n"), method)
}

fn exchange(address: SocketAddr, text: &str, method: &str) -> Result<Response, std::io::Error> {
    let mut stream = TcpStream::connect_timeout(&address, DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.write_all(text.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&answer, method).ok_or_else(|| std::io::Error::other("the answer is cut short or is not HTTP"))
}

fn parse(answer: &[u8], method: &str) -> Option<Response> {
    let end = memchr::memmem::find(answer, b"\r\n\r\n")?;
    let mut lines = str::from_utf8(&answer[..end]).ok()?.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .map(|line| {
            line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect::<Option<_>>()?;
    let mut response = Response { status, headers, body: answer[end + 4..].to_vec() };
    if response.header("transfer-encoding") == Some("chunked") {
        response.body = join_chunks(&response.body)?;
    } else if let Some(length) = response.header("content-length").filter(|_| method != "HEAD") {
        (response.body.len() == length.parse::<usize>().ok()?).then_some(())?;
    }
    Some(response)
}

fn join_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = memchr::memmem::find(rest, b"\r\n")?;
        let length = usize::from_str_radix(str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        let chunk = rest.get(end + 2..)?;
        body.extend_from_slice(chunk.get(..length)?);
        rest = chunk.get(length + 2..)?;
    }
}

#[test]
fn an_answer_is_whole_or_refused() {
    let body = |answer: &str| parse(answer.as_bytes(), "GET").map(|response| response.body);
    assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), Some(b"ok".to_vec()));
    assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"), None);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        body(&format!("{chunked}2\r\nok\r\na\r\n0123456789\r\n0\r\n\r\n")),
        Some(b"ok0123456789".to_vec())
    );
    assert_eq!(body(&format!("{chunked}a\r\n01234")), None);
}
