//! The least HTTPS server that the stand-in needs: a private certificate authority, HTTP/1.1 with kept connections.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::{Fault, Part};

/// One request.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    pub fn is_for_calls(&self) -> bool {
        self.path.contains("/getDirectRoutingCalls(")
    }

    /// A field of the form in its body.
    pub fn field(&self, name: &str) -> Option<String> {
        let fields = self.body.split('&').filter_map(|field| field.split_once('='));
        fields.into_iter().find(|(known, _)| *known == name).map(|(_, value)| decode(value))
    }
}

fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                decoded.push(u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            byte => decoded.push(byte),
        }
    }
    String::from_utf8(decoded).unwrap()
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
    cut: bool,
    silent: Option<Duration>,
    trickle: Option<Part>,
    /// How far the `Date` is ahead, in seconds.
    pub clock: i64,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub fn json(status: u16, body: Value) -> Self {
        let body = body.to_string().into_bytes();
        let headers = "Content-Type: application/json\r\n".to_owned();
        Self { status, headers, body, cut: false, silent: None, trickle: None, clock: 0 }
    }

    /// What a fault makes of it.
    pub fn spoil(&mut self, fault: Fault) {
        let html = "<!DOCTYPE html><html><body>Sign in to +14255550199</body></html>";
        match fault {
            Fault::Status(status, wait) => {
                let error = json!({"error": {"code": "SpoiltByTest", "message": "Try again later."}});
                *self = Self { clock: self.clock, ..Self::json(status, error) };
                if let Some(wait) = wait {
                    self.headers += &format!("Retry-After: {wait}\r\n");
                }
            }
            Fault::Cut => self.cut = true,
            Fault::Silent(time) => self.silent = Some(time),
            Fault::Html => {
                (self.body, self.headers) = (html.into(), "Content-Type: text/html\r\n".to_owned())
            }
            Fault::Garbage => self.body = b"{\"value\": [{\"id\": ".to_vec(),
            Fault::Strange => self.body = json!({"value": "User One"}).to_string().into_bytes(),
            Fault::Odd(text, odd) => {
                let at = self.body.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
                self.body.splice(at..at + text.len(), odd.iter().copied());
            }
            Fault::Next(url) => {
                let mut page: Value = serde_json::from_slice(&self.body).unwrap();
                page["@odata.nextLink"] = url.into();
                self.body = page.to_string().into_bytes();
            }
            Fault::Redirect(status, to) => {
                (self.status, self.headers) = (status, format!("Location: {to}\r\n"));
            }
            Fault::Trickle(part) => self.trickle = Some(part),
            Fault::Bomb => {
                self.body = bomb();
                self.headers += "Content-Encoding: gzip\r\n";
            }
            Fault::Lasts(seconds) => {
                let mut token: Value = serde_json::from_slice(&self.body).unwrap();
                token["expires_in"] = seconds.into();
                self.body = token.to_string().into_bytes();
            }
            Fault::Token(text) => {
                let mut token: Value = serde_json::from_slice(&self.body).unwrap();
                token["access_token"] = text.into();
                self.body = token.to_string().into_bytes();
            }
        }
    }

    fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        if let Some(time) = self.silent {
            thread::sleep(time);
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let date = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(self.clock);
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
        let Self { status, headers, body, .. } = self;
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} X\r\nDate: {date}\r\n{headers}Content-Length: {length}\r\n\r\n");
        match self.trickle {
            Some(Part::All) => trickle(stream, head.as_bytes())?,
            Some(Part::Body) | None => stream.write_all(head.as_bytes())?,
        }
        if self.trickle.is_some() {
            return trickle(stream, body);
        }
        if self.cut {
            stream.write_all(&body[..length / 2])?;
            stream.flush()?;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        stream.write_all(body)?;
        stream.flush()
    }
}

/// Two gigabytes in a few megabytes of gzip, without packing more than one: it is packed to stand behind itself.
fn bomb() -> Vec<u8> {
    let mut packer = flate2::Compress::new(flate2::Compression::fast(), false);
    let mut pack = |text: &str| {
        let mut packed = Vec::with_capacity(1 << 20);
        packer.compress_vec(text.as_bytes(), &mut packed, flate2::FlushCompress::Full).unwrap();
        packed
    };
    let (begin, megabyte) = (pack("{\"value\": ["), pack(&"[[],".repeat(1 << 18)));
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&head[..], &begin, &megabyte.repeat(2048)].concat()
}

/// Slowly, as a broken line or a bad neighbour does.
fn trickle(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte])?;
        stream.flush()?;
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

pub type Handler = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// Listens until the process ends.
pub struct Server {
    pub address: SocketAddr,
    pub plain: SocketAddr,
}

impl Server {
    /// Writes the certificate of its authority to `ca.pem` in this folder.
    pub fn start(folder: &Path, handler: Handler) -> Self {
        let config = Arc::new(certificates(folder));
        let encrypted = Arc::clone(&handler);
        let address = listen(move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            converse(StreamOwned::new(connection, stream), &encrypted)
        });
        let plain = listen(move |stream| converse(stream, &handler));
        Self { address, plain }
    }
}

fn certificates(folder: &Path) -> ServerConfig {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    fs::write(folder.join("ca.pem"), authority_certificate.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, &authority_key);
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap()
}

/// Takes connections, each on a thread of its own.
pub fn listen(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // Head and body are written apart: without this, each answer waits for the client's acknowledgement.
            let _ = stream.set_nodelay(true);
            let serve = Arc::clone(&serve);
            // Clients are killed in the middle of things: that is what the tests are about.
            thread::spawn(move || drop(serve(stream)));
        }
    });
    address
}

fn converse(stream: impl Read + Write, handler: &Handler) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream)? {
        handler(&request).write(stream.get_mut())?;
    }
    Ok(())
}

fn read(stream: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut first = String::new();
    if stream.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut parts = first.split(' ').map(str::to_owned);
    let (method, path) = (parts.next().unwrap(), parts.next().unwrap());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { method, path, headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    request.body = String::from_utf8(body).unwrap();
    Ok(Some(request))
}
