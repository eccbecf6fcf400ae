//! Paths, methods, encodings, limits, and how the server ends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use cdr_exporter::call::UnixMillis;
use cdr_exporter::expose::Options;
use cdr_exporter::ledger::snapshot::Snapshot;
use cdr_exporter::ledger::status::{FileStatus, Files};
use flate2::read::GzDecoder;

use super::super::tools::wait_for;
use super::metrics::snapshot;
use super::server::Server;

fn server() -> Server {
    Server::start(snapshot(), Options { lifecycle: true, ..Options::default() })
}

/// As `nc -N` does: nothing more will be asked, and the answer is waited for.
#[test]
fn who_has_asked_all_and_says_so_gets_an_answer() {
    let server = server();
    for path in ["/metrics", "/", "/causes", "/api/v1/status", "/-/healthy"] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {answer}");
    }
}

#[test]
fn each_path_answers_its_methods() {
    let server = server();
    let (read, write) = (Some("GET, HEAD, OPTIONS"), Some("POST, PUT, OPTIONS"));
    for (method, path, status, allow) in [
        ("GET", "/metrics", 200, None),
        ("GET", "/metrics?name=value", 200, None),
        ("HEAD", "/metrics", 200, None),
        ("OPTIONS", "/metrics", 204, read),
        ("POST", "/metrics", 405, read),
        ("GET", "/", 200, None),
        ("HEAD", "/", 200, None),
        ("DELETE", "/", 405, read),
        ("GET", "/?hours=1", 200, None),
        ("GET", "/causes?q=ice", 200, None),
        ("HEAD", "/causes/531004-410", 200, None),
        ("POST", "/causes/531004-410", 405, read),
        ("GET", "/causes/x-y", 404, None),
        ("GET", "/api/v1/status", 200, None),
        ("OPTIONS", "/api/v1/findings", 204, read),
        ("GET", "/api/v2/status", 404, None),
        ("GET", "/-/healthy", 200, None),
        ("HEAD", "/-/healthy", 200, None),
        ("PUT", "/-/healthy", 405, read),
        ("GET", "/-/ready", 200, None),
        ("HEAD", "/-/ready", 200, None),
        ("OPTIONS", "/-/files", 204, read),
        ("POST", "/-/files", 405, read),
        ("GET", "/-/reload", 405, write),
        ("HEAD", "/-/reload", 405, write),
        ("OPTIONS", "/-/reload", 204, write),
        ("GET", "/metrics/", 404, None),
        ("GET", "/-/", 404, None),
        ("POST", "/nowhere", 404, None),
        ("OPTIONS", "/nowhere", 404, None),
    ] {
        let reply = server.ask(method, path, &[]);
        assert_eq!((reply.status, reply.header("allow")), (status, allow), "{method} {path}");
    }
}

#[test]
fn metrics_say_what_they_are() {
    let reply = server().ask("GET", "/metrics", &[]);
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
    let started: i64 = reply.header("process-start-time-unix").unwrap().parse().unwrap();
    assert!((1_700_000_000..=cdr_exporter::clock::now().0 / 1000).contains(&started), "{started}");
}

#[test]
fn metrics_are_compressed_for_those_who_ask() {
    let server = server();
    let reply = server.ask("GET", "/metrics", &["Accept-Encoding: deflate, gzip;q=0.8"]);
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(reply.body.as_slice()).read_to_string(&mut text).unwrap();
    assert!(text.contains("\ncdr_calls_total{"), "{text}");
    assert!(reply.body.len() < text.len() / 2, "{} of {} bytes", reply.body.len(), text.len());

    let plain = server.ask("GET", "/metrics", &["Accept-Encoding: gzip;q=0"]);
    assert_eq!(plain.header("content-encoding"), None);
}

#[test]
fn head_has_a_length_but_no_body() {
    let server = server();
    let mut client = server.client();
    let head = client.ask("HEAD", "/metrics", &[]);
    assert!(head.header("content-length").unwrap().parse::<usize>().unwrap() > 1000);
    // A body would be taken for the next answer on this connection.
    let next = client.ask("GET", "/-/healthy", &[]);
    assert_eq!((next.status, next.text()), (200, "Healthy.\n"));
}

#[test]
fn the_page_leads_to_the_metrics() {
    let options = Options { telemetry_path: "/of/calls".to_owned(), ..Options::default() };
    let server = Server::start(snapshot(), options);
    let page = server.ask("GET", "/", &[]);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains(r#"<a href="of/calls">"#), "{}", page.text());
    assert_eq!(server.ask("GET", "/of/calls", &[]).status, 200);
    assert_eq!(server.ask("GET", "/metrics", &[]).status, 404);
}

#[test]
fn metrics_at_the_root_are_metrics() {
    let server = Server::start(snapshot(), Options { telemetry_path: "/".to_owned(), ..Options::default() });
    assert!(server.ask("GET", "/", &[]).text().contains("\ncdr_calls_total{"));
}

#[test]
fn readiness_waits_for_the_first_files() {
    let server = Server::start(Snapshot { caught_up: false, ..snapshot() }, Options::default());
    let reply = server.ask("GET", "/-/ready", &[]);
    let reason = "Not ready: the files present at the start are still being read, 1578 bytes to go.\n";
    assert_eq!((reply.status, reply.text()), (503, reason));
    assert_eq!(server.ask("GET", "/-/healthy", &[]).status, 200);
    server.published.publish(snapshot());
    assert_eq!(server.ask("GET", "/-/ready", &[]).status, 200);
}

#[test]
fn files_are_told_when_the_loop_says_so() {
    let mut server = server();
    let file = FileStatus {
        source: "teams".to_owned(),
        path: "/cdr/a.csv".to_owned(),
        state: "waiting".into(),
        format: None,
        position: 1,
        size: 2,
        bytes_behind: Some(1),
        bytes_per_second: Some(0.5),
        rejected: None,
        ignored: None,
        error: None,
        decision: None,
        decided_at: Some(UnixMillis(1_795_396_203_000)),
    };
    let mut client = server.client();
    client.send("GET", "/-/files", &[]);
    server.files.blocking_recv().unwrap().send(vec![file.clone()]).unwrap();
    let reply = client.read("GET");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(serde_json::from_slice::<Files>(&reply.body).unwrap(), Files { files: vec![file] });
    client.send("GET", "/-/files", &[]);
    drop(server.files.blocking_recv().unwrap());
    assert_eq!(client.read("GET").status, 503);
}

#[test]
fn a_reload_is_answered_with_its_outcome() {
    let mut server = server();
    let mut client = server.client();
    for (method, outcome, status, text) in [
        ("POST", Ok(()), 200, "Configuration reloaded.\n"),
        ("PUT", Ok(()), 200, "Configuration reloaded.\n"),
        ("POST", Err("line 3: no such key".to_owned()), 500, "line 3: no such key\n"),
    ] {
        client.send(method, "/-/reload", &["Content-Length: 0"]);
        server.reloads.blocking_recv().unwrap().send(outcome).unwrap();
        let reply = client.read(method);
        assert_eq!((reply.status, reply.text()), (status, text));
    }
}

#[test]
fn reloads_are_off_unless_they_are_wanted() {
    let server = Server::start(snapshot(), Options::default());
    let reply = server.ask("POST", "/-/reload", &["Content-Length: 0"]);
    assert_eq!(
        (reply.status, reply.text()),
        (403, "Lifecycle API is not enabled: start with --web.enable-lifecycle, or send SIGHUP.\n")
    );
}

#[test]
fn one_reload_waits_and_no_more() {
    let mut server = server();
    let mut waiting = server.client();
    waiting.send("POST", "/-/reload", &["Content-Length: 0"]);
    let under_way = server.reloads.blocking_recv().unwrap();
    let mut next = server.client();
    next.send("POST", "/-/reload", &["Content-Length: 0"]);
    let refusal = wait_for("the place to be taken", || {
        Some(server.ask("POST", "/-/reload", &["Content-Length: 0"])).filter(|reply| reply.status == 503)
    });
    assert_eq!(refusal.text(), "A reload is waiting already, try again later.\n");
    assert_eq!(refusal.header("retry-after"), Some("1"));
    under_way.send(Ok(())).unwrap();
    assert_eq!(waiting.read("POST").status, 200);
    server.reloads.blocking_recv().unwrap().send(Ok(())).unwrap();
    assert_eq!(next.read("POST").status, 200);
}

#[test]
fn a_prefix_is_before_every_path() {
    let server = Server::start(snapshot(), Options { route_prefix: "/cdr".to_owned(), ..Options::default() });
    for (path, status, location) in [
        ("/cdr/metrics", 200, None),
        ("/cdr/-/healthy", 200, None),
        ("/cdr/", 200, None),
        ("/cdr", 302, Some("/cdr/")),
        ("/", 302, Some("/cdr/")),
        ("/metrics", 404, None),
    ] {
        let reply = server.ask("GET", path, &[]);
        assert_eq!((reply.status, reply.header("location")), (status, location), "{path}");
    }
}

#[test]
fn one_broken_connection_leaves_the_others_alone() {
    let server = server();
    let mut healthy = server.client();
    assert_eq!(healthy.ask("GET", "/-/healthy", &[]).status, 200);
    let mut broken = server.client();
    broken.send_raw("this is no HTTP\r\n\r\n");
    assert_eq!(broken.read("").status, 400);
    assert!(broken.is_closed());
    let mut cut_off = server.client();
    cut_off.send_raw("GET /metrics HTTP/1.1\r\nHo");
    drop(cut_off);
    assert_eq!(healthy.ask("GET", "/-/healthy", &[]).status, 200);
}

#[test]
fn stopping_finishes_requests_and_closes_idle_connections() {
    let mut server = server();
    let mut idle = server.client();
    assert_eq!(idle.ask("GET", "/-/healthy", &[]).status, 200);
    let mut busy = server.client();
    busy.send("POST", "/-/reload", &["Content-Length: 0"]);
    let reload = server.reloads.blocking_recv().unwrap();

    server.stop();
    assert!(idle.is_closed());
    reload.send(Ok(())).unwrap();
    assert_eq!(busy.read("POST").status, 200);
    assert!(busy.is_closed());
    server.join();
    assert!(TcpStream::connect(server.address).is_err());
}

#[test]
fn a_request_that_does_not_end_is_cut_off() {
    let mut server = server();
    let mut stuck = server.client();
    stuck.send("POST", "/-/reload", &["Content-Length: 0"]);
    let _never_answered = server.reloads.blocking_recv().unwrap();
    server.stop();
    server.join();
    assert!(stuck.is_closed());
}
