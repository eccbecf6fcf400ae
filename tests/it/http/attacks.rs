//! Clients that mean no good: each kind with the bound within which everyone else is served.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cdr_exporter::call::{Direction, Outcome, UnixMillis};
use cdr_exporter::expose::{Hosts, Limits, Options};
use cdr_exporter::ledger::snapshot::{Arrival, CallSeries, Route, Snapshot};
use cdr_exporter::ledger::status::FileStatus;
use tokio::net::TcpSocket;

use super::super::tools::{wait_for, wait_until};
use super::client::Client;
use super::metrics::snapshot;
use super::server::Server;

/// Longer than any of these attacks may keep others from being served, on a machine with much else to do.
const SOON: Duration = Duration::from_secs(5);

fn short() -> Limits {
    let millis = Duration::from_millis;
    Limits {
        connections: 64,
        head: millis(500),
        idle: millis(1500),
        stalled: millis(1500),
        answer: millis(4000),
    }
}

fn server(limits: Limits) -> Server {
    Server::start(snapshot(), Options { limits, lifecycle: true, ..Options::default() })
}

/// A snapshot whose text has some 100 bytes for each of so many series.
pub fn large(series: u32) -> Snapshot {
    let route = |number: u32| Route {
        source: "teams".into(),
        trunk: format!("sbc{number}.contoso.com").into(),
        direction: Direction::Inbound,
    };
    let call = |number| CallSeries {
        route: Arc::new(route(number)),
        outcome: Outcome::Answered,
        arrival: Arrival::Live,
        count: u64::from(number),
        created: UnixMillis(0),
    };
    Snapshot { calls: (0..series).map(call).collect(), ..snapshot() }
}

/// A client that takes in a few kilobytes and then no more.
fn small_window(server: &Server) -> Client {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(2048).unwrap();
        socket.connect(server.address).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    Client::over(stream)
}

#[test]
fn clients_that_do_not_read_keep_nobody_from_the_metrics() {
    let server = Server::start(large(40_000), Options { limits: short(), ..Options::default() });
    assert_eq!(server.ask("GET", "/metrics", &[]).status, 200);
    let start = Instant::now();
    let mut stuck: Vec<_> = (0..40).map(|_| small_window(&server)).collect();
    stuck.iter_mut().for_each(|client| client.send("GET", "/metrics", &[]));
    // Within a second the first of them has to make room.
    let reply =
        wait_for("a scrape", || Some(server.ask("GET", "/metrics", &[])).filter(|reply| reply.status == 200));
    assert!(reply.body.len() > 3_000_000 && start.elapsed() < SOON, "{:?}", start.elapsed());
    // They do not read for so long that all are cut off before they have a whole answer.
    thread::sleep((3 * short().stalled).saturating_sub(start.elapsed()));
    for client in &mut stuck {
        assert!(client.drain() < 3_000_000);
    }
    assert!(start.elapsed() < 2 * SOON, "{:?}", start.elapsed());
}

#[test]
fn a_client_that_takes_byte_after_byte_is_cut_off_as_well() {
    let server = Server::start(large(40_000), Options { limits: short(), ..Options::default() });
    let mut trickle = small_window(&server);
    trickle.send("GET", "/metrics", &[]);
    let start = Instant::now();
    let mut taken = 0;
    while let Some(more) = trickle.take(512) {
        taken += more;
        assert!(start.elapsed() < 3 * SOON, "{taken} bytes taken");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(taken < 3_000_000, "{taken} bytes in {:?}", start.elapsed());
}

#[test]
fn few_large_answers_are_made_at_once() {
    let mut server = server(short());
    let file = |number: usize| FileStatus {
        source: "teams".to_owned(),
        path: format!("/cdr/{number}.csv"),
        state: "waiting".into(),
        format: None,
        position: 1,
        size: 2,
        bytes_behind: Some(1),
        bytes_per_second: None,
        rejected: None,
        ignored: None,
        error: None,
        decision: None,
        decided_at: None,
    };
    let files: Vec<_> = (0..50_000).map(file).collect();
    let mut stuck: Vec<_> = (0..40).map(|_| small_window(&server)).collect();
    // Four are asked for before the others come.
    let (first, others) = stuck.split_at_mut(4);
    first.iter_mut().for_each(|client| client.send("GET", "/-/files", &[]));
    let asked: Vec<_> = (0..4).map(|_| server.files.blocking_recv().unwrap()).collect();
    others.iter_mut().for_each(|client| client.send("GET", "/-/files", &[]));
    assert_eq!(server.ask("GET", "/metrics", &[]).status, 200);
    asked.into_iter().for_each(|answer| answer.send(files.clone()).unwrap());
    let refused = stuck.iter_mut().skip(4).map(|client| client.read("GET").status);
    assert!(refused.into_iter().all(|status| status == 503));
    assert!(server.files.try_recv().is_err(), "nothing more was asked of the loop");
}

/// Pages have a few places of their own. Who finds none is told to come again; scrapes and health have theirs.
#[test]
fn a_crowd_that_asks_for_pages_keeps_nobody_from_the_metrics() {
    let server = Server::start(snapshot(), Options::default());
    let mut crowd: Vec<_> = (0..80).map(|_| small_window(&server)).collect();
    crowd.iter_mut().for_each(|client| client.send("GET", "/causes", &[]));
    for path in ["/metrics", "/-/healthy"] {
        assert_eq!(server.ask("GET", path, &[]).status, 200, "{path}");
    }
    let replies: Vec<_> = crowd.iter_mut().map(|client| client.read("GET")).collect();
    let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert!(
        !made.is_empty() && made.iter().all(|reply| reply.text().contains("IceConnectivityChecksFailed"))
    );
    assert!(refused.iter().all(|reply| reply.status == 503 && reply.header("retry-after") == Some("1")));
    wait_for("a page", || Some(server.ask("GET", "/causes", &[])).filter(|reply| reply.status == 200));
}

/// Asks again and again until there are so many scrapes of all; how long each took.
fn scrape_on(address: SocketAddr, done: &AtomicUsize, most: usize) -> Vec<Duration> {
    let (mut client, mut took) = (Client::connect(address), Vec::new());
    while done.load(Ordering::Relaxed) < most {
        let start = Instant::now();
        assert_eq!(client.ask("GET", "/metrics", &[]).status, 200);
        took.push(start.elapsed());
        done.fetch_add(1, Ordering::Relaxed);
    }
    took
}

#[test]
fn health_never_waits_behind_scrapes() {
    const MOST: usize = 240;
    let server = Server::start(large(20_000), Options::default());
    let (address, done) = (server.address, Arc::new(AtomicUsize::new(0)));
    let scraping: Vec<_> = (0..40)
        .map(|_| {
            let done = Arc::clone(&done);
            thread::spawn(move || scrape_on(address, &done, MOST))
        })
        .collect();
    wait_until("all are scraping", || done.load(Ordering::Relaxed) >= 40);
    let (mut client, mut took) = (server.client(), Vec::new());
    while done.load(Ordering::Relaxed) < MOST {
        if took.len() % 50 == 0 {
            server.published.publish(large(20_000));
        }
        let start = Instant::now();
        assert_eq!(client.ask("GET", "/-/healthy", &[]).status, 200);
        took.push(start.elapsed());
        // Some of the time, not all of it: what is asked at once after an answer finds the server at the socket.
        thread::sleep(Duration::from_millis(3));
    }
    let mut scrapes: Vec<_> = scraping.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    took.sort_unstable();
    scrapes.sort_unstable();
    let (median, of_scrapes) = (took[took.len() / 2], scrapes[scrapes.len() / 2]);
    // With a turn after each of the scrapers it is a fifth; on a thread of its own, a hundredth.
    assert!(median * 16 < of_scrapes, "median {median:?}, and {of_scrapes:?} for a scrape");
    // 20 ms by themselves; here the clients themselves, and other tests, want the same processors.
    let p99 = took[took.len() * 99 / 100];
    assert!(p99 < Duration::from_millis(250), "p99 {p99:?}, median {median:?}");
}

#[test]
fn slow_heads_end_and_slow_bodies_are_not_waited_for() {
    let server = server(short());
    let start = Instant::now();
    let mut silent = server.client();
    let mut half = server.client();
    half.send_raw("GET /metrics HTTP/1.1\r\nHo");
    let mut body = server.client();
    body.send("POST", "/-/healthy", &["Content-Length: 1000"]);
    assert_eq!(body.read("POST").status, 405);
    let mut trickle = TcpStream::connect(server.address).unwrap();
    trickle.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n").unwrap();
    while trickle.write_all(b"X-A: b\r\n").is_ok() {
        assert!(start.elapsed() < SOON, "a head that never ends");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(silent.is_closed() && half.is_closed() && body.is_closed());
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[test]
fn idle_connections_end_and_too_many_make_room() {
    let server = server(short());
    let mut kept = server.client();
    assert_eq!(kept.ask("GET", "/-/healthy", &[]).status, 200);
    let start = Instant::now();
    let idle: Vec<_> = (0..1000).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    assert_eq!(server.ask("GET", "/-/healthy", &[]).status, 200);
    // All thousand were taken in, and all but 64 turned out, before it.
    assert!(start.elapsed() < 4 * SOON, "{:?}", start.elapsed());
    assert!(kept.is_closed());
    drop(idle);
}

#[test]
fn what_is_too_large_or_malformed_is_refused() {
    let server = server(Limits::default());
    let long = "x".repeat(5000);
    let longer = "x".repeat(20_000);
    for (request, expected) in [
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), "414"),
        (format!("GET /{longer} HTTP/1.1\r\nHost: a\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {longer}\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(200)), "431"),
        ("POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n".to_owned(), "413"),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/9.9\r\nHost: a\r\n\r\n".to_owned(), "400"),
        // HTTP/2 is spoken above TLS only; there is no answer that its client would understand.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "none"),
    ] {
        let mut client = server.client();
        client.send_raw(&request);
        let shown: String = request.chars().take(80).collect();
        if expected != "none" {
            assert_eq!(client.read("GET").status.to_string(), expected, "{shown:?}");
        }
        assert!(client.is_closed(), "{shown:?} leaves the connection open");
    }
}

#[test]
fn what_follows_a_smuggled_body_is_no_request() {
    let server = server(Limits::default());
    let hidden = "GET /-/files HTTP/1.1\r\nHost: a\r\n\r\n";
    for head in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 5 + hidden.len()),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n\r\n0\r\n\r\n", 5 + hidden.len()),
    ] {
        let mut client = server.client();
        client.send_raw(&format!("POST /-/healthy HTTP/1.1\r\nHost: a\r\n{head}{hidden}"));
        let status = client.read("POST").status;
        assert!(matches!(status, 400 | 405), "{status} for {head:?}");
        assert!(client.is_closed(), "{head:?}");
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = server(Limits::default());
    let mut client = server.client();
    client.send_raw(
        &"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50),
    );
    for _ in 0..50 {
        assert_eq!((client.read("GET").status, client.read("GET").status), (200, 404));
    }
}

#[test]
fn only_named_hosts_are_served_where_some_are_named() {
    let hosts = Hosts { allowed: vec!["cdr.contoso.com".to_owned()], external: None };
    let server = Server::start(snapshot(), Options { hosts, ..Options::default() });
    for (host, expected) in
        [("cdr.contoso.com:10410", 200), ("127.0.0.1:10410", 200), ("rebound.example.com", 421)]
    {
        let mut client = server.client();
        client.send_raw(&format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.read("GET").status, expected, "{host}");
    }
}

#[test]
fn pages_of_other_sites_cannot_reload() {
    let server = server(Limits::default());
    for header in ["Origin: https://example.com", "Origin: null", "Sec-Fetch-Site: cross-site"] {
        let reply = server.ask("POST", "/-/reload", &["Content-Length: 0", header]);
        assert_eq!(reply.status, 403, "{header}");
    }
}

#[test]
fn every_answer_tells_browsers_to_do_nothing_with_it() {
    let server = server(Limits::default());
    for path in ["/", "/metrics", "/-/healthy", "/nowhere", "/-/reload"] {
        let reply = server.ask("GET", path, &[]);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "deny"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}");
        }
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
    }
}

#[test]
fn no_path_reaches_the_file_system() {
    let server = server(Limits::default());
    for path in [
        "/../etc/passwd",
        "/metrics/../../etc/passwd",
        "/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/-/../etc/passwd",
    ] {
        assert_eq!(server.ask("GET", path, &[]).status, 404, "{path}");
    }
}
