//! The web config at work: TLS, client certificates, passwords, headers and the rate, and how changes take hold.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use cdr_exporter::expose::access::Access;
use cdr_exporter::expose::{Limits, Options};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use super::super::tools::wait_until;
use super::certificates;
use super::client::Client;
use super::metrics::snapshot;
use super::server::Server;

const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

/// A server under a web config, which lies in a folder with certificates.
struct House {
    folder: TempDir,
    ca: Issuer<'static, KeyPair>,
    server: Server,
}

impl House {
    fn new(web_config: &str) -> Self {
        Self::with(web_config, Options::default())
    }

    fn with(web_config: &str, options: Options) -> Self {
        let folder = TempDir::new().unwrap();
        let ca = certificates::write(folder.path());
        let file = folder.path().join("web.yml");
        fs::write(&file, web_config).unwrap();
        let server = Server::start_with(snapshot(), options, Access::from_file(&file).unwrap());
        Self { folder, ca, server }
    }

    /// Puts other text in the place of the web config.
    fn write(&self, web_config: &str) {
        fs::write(self.folder.path().join("new"), web_config).unwrap();
        fs::rename(self.folder.path().join("new"), self.folder.path().join("web.yml")).unwrap();
    }

    /// A connection through TLS, with a client's certificate or without.
    fn tls(&self, client: Option<&str>) -> StreamOwned<ClientConnection, TcpStream> {
        connect(self.server.address, self.folder.path(), client)
    }

    fn tls_client(&self, client: Option<&str>) -> Client {
        Client::over(self.tls(client))
    }

    /// The status of a request with the name and password in Base64, if any.
    fn status(&self, credentials: Option<&str>) -> u16 {
        let header = credentials.map(|credentials| format!("Authorization: Basic {credentials}"));
        self.server.ask("GET", "/metrics", &header.as_deref().into_iter().collect::<Vec<_>>()).status
    }
}

fn client_config(folder: &Path, client: Option<&str>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.crt")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    match client {
        None => config.with_no_client_auth(),
        Some(name) => {
            let certificate = CertificateDer::from_pem_file(folder.join(format!("{name}.crt"))).unwrap();
            let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    }
}

fn connect(
    address: SocketAddr,
    folder: &Path,
    client: Option<&str>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let config = Arc::new(client_config(folder, client));
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    StreamOwned::new(ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap(), stream)
}

/// Whether a client with this certificate gets an answer.
fn is_let_in(house: &House, client: Option<&str>) -> bool {
    let mut stream = house.tls(client);
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = Vec::new();
    stream.write_all(request).and_then(|()| stream.read_to_end(&mut answer)).is_ok()
        && answer.starts_with(b"HTTP/1.1 200")
}

#[test]
fn a_renewed_certificate_holds_at_once_and_a_bad_one_never() {
    let house = House::new(TLS);
    let served = || {
        let mut stream = house.tls(None);
        stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        stream.conn.peer_certificates().unwrap()[0].to_vec()
    };
    // What the process says may be a twentieth of a second old.
    let shows = |name: &str, value: u32| {
        wait_until(&format!("{name} {value}"), || {
            let scrape = house.tls_client(None).ask("GET", "/metrics", &[]);
            scrape.text().lines().any(|line| line == format!("{name} {value}"))
        });
    };
    let first = served();
    assert_eq!(served(), first);
    certificates::renew_server(house.folder.path(), &house.ca);
    let second = served();
    assert_ne!(second, first);
    shows("cdr_exporter_web_config_last_reload_successful", 1);

    let key = house.folder.path().join("server.key");
    let good = fs::read_to_string(&key).unwrap();
    fs::write(&key, "no key").unwrap();
    assert_eq!(served(), second, "the old one is kept");
    assert_eq!(served(), second);
    shows("cdr_exporter_web_config_last_reload_successful", 0);
    shows("cdr_exporter_web_config_reload_failures_total", 1);
    fs::write(&key, good).unwrap();
    assert_eq!(served(), second);
    shows("cdr_exporter_web_config_last_reload_successful", 1);
    house.write("# no TLS any more\n");
    assert_eq!(served(), second, "TLS is not turned off while it runs");
    shows("cdr_exporter_web_config_reload_failures_total", 2);
}

#[test]
fn client_certificates_are_asked_for_as_it_is_written() {
    let asked = |kind: &str| House::new(&format!("{TLS}  client_auth_type: {kind}\n"));
    let verified = |kind: &str, ca: &str, more: &str| {
        House::new(&format!("{TLS}  client_auth_type: {kind}\n  client_ca_file: {ca}\n{more}"))
    };
    let names = |name: &str| format!("  client_allowed_sans: [{name}]\n");
    let both = "RequireAndVerifyClientCert";
    // Whether one comes in without a certificate, with one of the CA, with one that signed itself.
    for (what, house, expected) in [
        ("nothing", House::new(TLS), [true, true, true]),
        ("NoClientCert", asked("NoClientCert"), [true, true, true]),
        ("RequestClientCert", asked("RequestClientCert"), [true, true, true]),
        ("RequireAnyClientCert", asked("RequireAnyClientCert"), [false, true, true]),
        ("RequireClientCert", asked("RequireClientCert"), [false, true, true]),
        ("given", verified("VerifyClientCertIfGiven", "ca.crt", ""), [true, true, false]),
        ("required", verified(both, "ca.crt", ""), [false, true, false]),
        ("its own CA", verified(both, "stranger.crt", ""), [false, false, true]),
        ("a DNS name", verified(both, "ca.crt", &names(certificates::CLIENT_NAMES[0])), [false, true, false]),
        ("an address", verified(both, "ca.crt", &names(certificates::CLIENT_NAMES[1])), [false, true, false]),
        ("another name", verified(both, "ca.crt", &names("other.contoso.com")), [false, false, false]),
        ("no name", verified(both, "ca.crt", "  client_allowed_sans: []\n"), [false, false, false]),
    ] {
        let let_in = [None, Some("client"), Some("stranger")].map(|client| is_let_in(&house, client));
        assert_eq!(let_in, expected, "{what}");
    }
}

#[test]
fn http2_is_spoken_above_tls_unless_it_is_turned_off() {
    for (more, expected) in
        [("", Some(&b"h2"[..])), ("http_server_config: {http2: false}\n", Some(b"http/1.1"))]
    {
        let house = House::new(&format!("{TLS}{more}"));
        let mut config = client_config(house.folder.path(), None);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(house.server.address).await.unwrap();
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), expected);
            if expected != Some(b"h2") {
                return;
            }
            let io = TokioIo::new(stream);
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
            let connection = tokio::spawn(connection);
            for _ in 0..3 {
                let request = hyper::Request::get("https://localhost/metrics");
                let request = request.body(http_body_util::Empty::<hyper::body::Bytes>::new()).unwrap();
                let answer = sender.send_request(request).await.unwrap();
                assert_eq!(answer.status(), 200);
                let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
                assert!(body.starts_with(b"# HELP cdr_"), "{}", body.len());
            }
            for path in ["/metrics", "/", "/-/healthy", "/causes", "/nowhere"] {
                let request = hyper::Request::head(format!("https://localhost{path}"));
                let request = request.body(http_body_util::Empty::<hyper::body::Bytes>::new()).unwrap();
                let answer = sender.send_request(request).await.unwrap();
                let length = answer.headers()["content-length"].to_str().unwrap().parse::<u64>().unwrap();
                let body = http_body_util::BodyExt::collect(answer.into_body()).await;
                assert_eq!(
                    (length > 0, body.map(|body| body.to_bytes().len()).ok()),
                    (true, Some(0)),
                    "{path}"
                );
            }
            connection.abort();
        });
    }
}

/// A body that takes its time: so many pieces of 16 KiB, each once the one before was taken.
struct Pieces(Arc<AtomicUsize>);

impl hyper::body::Body for Pieces {
    type Data = hyper::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        let piece = || hyper::body::Frame::data(vec![0; 16 * 1024].into());
        let left = self.0.load(Relaxed);
        self.0.store(left.saturating_sub(1), Relaxed);
        Poll::Ready((left > 0).then(|| Ok(piece())))
    }
}

/// A reset behind the answer would be right as well, but curl shows its user a fault then, and no 413.
#[test]
fn a_large_body_over_http2_is_refused_and_taken_in() {
    let house = House::new(TLS);
    let mut config = client_config(house.folder.path(), None);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(house.server.address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        for (length, expected) in [(Some(4 * 1024 * 1024), 413), (None, 405)] {
            let left = Arc::new(AtomicUsize::new(256));
            let mut request = hyper::Request::post("https://localhost/metrics");
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            let answer = sender.send_request(request.body(Pieces(Arc::clone(&left))).unwrap()).await.unwrap();
            assert_eq!(answer.status(), expected);
            let deadline = Instant::now() + Duration::from_secs(20);
            while left.load(Relaxed) > 0 && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(left.load(Relaxed), 0, "pieces that were not taken");
        }
        connection.abort();
    });
}

/// Requests that are taken back as soon as they are made cost their client next to nothing, and us no more than that.
#[test]
fn a_client_that_resets_its_requests_is_cut_off() {
    let house = House::new(TLS);
    let mut config = client_config(house.folder.path(), None);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(house.server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let name = "localhost".try_into().unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream);
    let frame = |kind: u8, flags: u8, id: u32, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &id.to_be_bytes(), payload].concat()
    };
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(4, 0, 0, b"")).unwrap();
    // GET / over HTTPS of localhost, whole, and its reset as no longer wanted.
    let request = b"\x82\x87\x84\x01\x09localhost";
    let reset = |id| [frame(1, 5, id, request), frame(3, 0, id, &8_u32.to_be_bytes())].concat();
    // One that is let be is answered, so it is the resets that end it.
    stream.write_all(&frame(1, 5, 1, request)).unwrap();
    let mut head = [0; 9];
    while head[3] != 1 {
        stream.read_exact(&mut head).unwrap();
        let length = usize::from(head[1]) << 8 | usize::from(head[2]);
        stream.read_exact(&mut vec![0; length]).unwrap();
    }
    let mut sent = 1;
    let flood = (0..100).try_for_each(|_| {
        let resets: Vec<u8> = (sent..sent + 1000).flat_map(|number| reset(2 * number + 1)).collect();
        sent += 1000;
        stream.write_all(&resets).and_then(|()| stream.flush())
    });
    assert!(flood.is_err() && sent < 50_000, "{sent} resets were taken");
    assert!(is_let_in(&house, None));
}

#[test]
fn what_is_no_tls_is_told_so_or_dropped() {
    let limits = Limits { head: Duration::from_millis(300), ..Limits::default() };
    let house = House::with(TLS, Options { limits, ..Options::default() });
    let mut plain = house.server.client();
    plain.send("GET", "/metrics", &[]);
    assert_eq!(plain.read("GET").status, 400);
    let mut garbage = house.server.client();
    garbage.send_raw("\u{16}\u{3}\u{1}\u{7f}garbage that is no handshake");
    let mut slow = house.server.client();
    slow.send_raw("\u{16}\u{3}");
    let start = Instant::now();
    garbage.drain();
    slow.drain();
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(is_let_in(&house, None));
}

#[test]
fn passwords_are_asked_for_and_new_ones_hold_at_once() {
    // alice:secret and alice:other in Base64.
    let (secret, other) = ("YWxpY2U6c2VjcmV0", "YWxpY2U6b3RoZXI=");
    let config = |password| format!("basic_auth_users:\n  alice: {}\n", bcrypt::hash(password, 4).unwrap());
    let house = House::new(&config("secret"));
    let refusal = house.server.ask("GET", "/-/healthy", &[]);
    assert_eq!(refusal.status, 401);
    assert!(refusal.header("www-authenticate").unwrap().starts_with("Basic "));
    let statuses = || [None, Some(secret), Some(other)].map(|credentials| house.status(credentials));
    assert_eq!(statuses(), [401, 200, 401]);
    house.write(&config("other"));
    assert_eq!(statuses(), [401, 401, 200]);
    house.write("basic_auth_users: [alice]\n");
    assert_eq!(statuses(), [401, 401, 200], "a bad config opens nothing");
    house.write("");
    assert_eq!(statuses(), [401, 401, 200], "an empty one may be one that is being written");
    wait_until("it is meant", || statuses() == [200, 200, 200]);
}

/// As editors and redirections write: emptied first, then piece by piece.
#[test]
fn a_file_that_is_being_written_lets_nobody_in() {
    let users = format!("basic_auth_users:\n  alice: {}\n", bcrypt::hash("secret", 4).unwrap());
    let verified = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n";
    let house = House::new(&format!("{TLS}{verified}{users}rate_limit: {{interval: 1ms, burst: 9}}\n"));
    let is_closed = |text: &str| {
        fs::write(house.folder.path().join("web.yml"), text).unwrap();
        !is_let_in(&house, None) && !is_let_in(&house, Some("client"))
    };
    for text in
        ["", TLS, &format!("{TLS}{verified}"), &format!("{TLS}{users}"), &format!("{TLS}{verified}basic_a")]
    {
        assert!(is_closed(text), "{text}");
    }
}

#[test]
fn a_file_that_comes_after_the_config_that_names_it_is_read() {
    let house = House::new(TLS);
    house.write(&TLS.replace("server.key", "later.key"));
    let failures = || {
        let scrape = house.tls_client(None).ask("GET", "/metrics", &[]);
        scrape.text().contains("\ncdr_exporter_web_config_last_reload_successful 0\n")
    };
    wait_until("it is missing", failures);
    fs::rename(house.folder.path().join("server.key"), house.folder.path().join("later.key")).unwrap();
    wait_until("it is read", || !failures());
}

#[test]
fn guesses_stall_nobody() {
    let hash = bcrypt::hash("secret", 11).unwrap();
    let house = House::new(&format!("basic_auth_users:\n  alice: {hash}\n"));
    assert_eq!(house.status(Some("YWxpY2U6c2VjcmV0")), 200);
    let mut guessing: Vec<_> = (0..20).map(|_| house.server.client()).collect();
    for client in &mut guessing {
        client.send("GET", "/metrics", &["Authorization: Basic YWxpY2U6d3Jvbmc="]);
    }
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(house.status(Some("YWxpY2U6c2VjcmV0")), 200);
    }
    let scraped = start.elapsed() / 20;
    let mut statuses: Vec<_> = guessing.iter_mut().map(|client| client.read("GET").status).collect();
    statuses.sort_unstable();
    assert!(scraped < Duration::from_millis(100), "{scraped:?} for each scrape");
    assert_eq!(
        statuses.iter().filter(|status| **status == 401).count(),
        2,
        "the others are not looked at: {statuses:?}"
    );
}

#[test]
fn headers_and_the_rate_are_as_they_are_written() {
    let house = House::new(
        "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n    \
         Strict-Transport-Security: max-age=31536000\nrate_limit: {interval: 1h, burst: 3}\n",
    );
    let answer = house.server.ask("GET", "/", &[]);
    assert_eq!(answer.header("x-frame-options"), Some("sameorigin"));
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    assert_eq!([(); 3].map(|()| house.status(None)), [200, 200, 429]);
    house.write("rate_limit: {interval: 1us, burst: 3}\n");
    wait_until("the new rate", || house.status(None) == 200);
}
