//! The least HTTP/1.1 client that can see what an answer really is, byte by byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection that stays open from request to request.
pub struct Client {
    stream: BufReader<Box<dyn Stream>>,
}

/// What a connection may go through.
pub trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// An answer as it came: the status, the head with names in lower case, and the body.
pub struct Reply {
    pub status: u16,
    head: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self::over(stream)
    }

    pub fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: BufReader::new(Box::new(stream)) }
    }

    /// Sends a request without waiting for its answer.
    pub fn send(&mut self, method: &str, path: &str, headers: &[&str]) {
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        self.send_raw(&format!("{method} {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"));
    }

    pub fn send_raw(&mut self, bytes: &str) {
        self.stream.get_mut().write_all(bytes.as_bytes()).unwrap();
    }

    /// Reads the next answer; one to HEAD has no body, whatever its head says.
    pub fn read(&mut self, method: &str) -> Reply {
        let mut line = self.line();
        assert!(line.starts_with("HTTP/1."), "no answer, but {line:?}");
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut head = Vec::new();
        loop {
            line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            head.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let mut reply = Reply { status, head, body: Vec::new() };
        if method != "HEAD" {
            let length = reply.header("content-length").map_or(0, |length| length.parse().unwrap());
            reply.body = vec![0; length];
            self.stream.read_exact(&mut reply.body).unwrap();
        }
        reply
    }

    pub fn ask(&mut self, method: &str, path: &str, headers: &[&str]) -> Reply {
        self.send(method, path, headers);
        self.read(method)
    }

    /// Whether the server closes this connection without another byte.
    pub fn is_closed(&mut self) -> bool {
        self.stream.fill_buf().is_ok_and(<[u8]>::is_empty)
    }

    /// Reads and drops what comes until the server closes; how many bytes that were.
    pub fn drain(&mut self) -> u64 {
        std::io::copy(&mut self.stream, &mut std::io::sink()).unwrap_or_default()
    }

    /// Takes up to so many bytes of what comes; `None` once nothing comes any more.
    pub fn take(&mut self, most: usize) -> Option<usize> {
        let mut bytes = vec![0; most];
        self.stream.get_mut().read(&mut bytes).ok().filter(|taken| *taken > 0)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
