//! The loop hangs, as on a dead network drive: it shows, and the daemon ends all the same.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use cdr_exporter::call::UnixMillis;
use cdr_exporter::clock::{self, Clock, Moment};
use cdr_exporter::config;
use cdr_exporter::expose::Options;
use cdr_exporter::expose::access::Access;
use cdr_exporter::ledger::snapshot::Snapshot;
use cdr_exporter::pipeline::{Event, Host, Pipeline};
use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::http::metrics::snapshot;
use super::http::server::Server;
use super::tools::files::append;
use super::tools::row::{Row, ndjson};
use super::tools::{Child, Daemon, Metrics, find, http, wait_for, wait_until};

/// A clock that can be set forward, and that a thread of this name waits for as long as it stands.
fn clock_of(name: &'static str, stands: &Arc<AtomicBool>, ahead: &Arc<AtomicU64>) -> Clock {
    let (stands, ahead) = (Arc::clone(stands), Arc::clone(ahead));
    Arc::new(move || {
        while thread::current().name() == Some(name) && stands.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        let ahead = Duration::from_secs(ahead.load(Ordering::SeqCst));
        Moment { wall: clock::now(), steady: Instant::now() + ahead }
    })
}

#[test]
fn a_loop_that_hangs_is_neither_healthy_nor_ready() {
    let (stands, ahead) = (Arc::default(), Arc::default());
    let clock = clock_of("a loop", &stands, &ahead);
    let (folder, published) = (TempDir::new().unwrap(), Snapshot::loading(config::defaults().catalogue));
    let access = Access::open().unwrap();
    let server = Server::start_under(Arc::clone(&clock), published, Options::default(), access);
    let options = config::load(None, &[folder.path().display().to_string()]).unwrap();
    let (ledger, _) = options.ledger(UnixMillis(0));
    let (events, inbox) = mpsc::channel();
    let (wake, published, heartbeat) = (events.clone(), server.published.clone(), server.heartbeat.clone());
    let host = Host { wake, published, clock, heartbeat, open_files: 256 };
    let pipeline = move || Pipeline::new(options, ledger, None, host).run(&inbox);
    let thread = thread::Builder::new().name("a loop".to_owned()).spawn(pipeline).unwrap();

    let answers = |path: &str, status: u16, text: &str| {
        wait_for(&format!("{path}: {status} {text}"), || {
            let reply = server.ask("GET", path, &[]);
            (reply.status == status && reply.text().contains(text)).then_some(())
        });
    };
    answers("/-/ready", 200, "Ready.");
    answers("/-/healthy", 200, "Healthy.");
    stands.store(true, Ordering::SeqCst);
    ahead.store(75, Ordering::SeqCst);
    answers("/-/healthy", 503, "Not healthy: the loop that reads files has not turned for 7");
    answers("/-/ready", 503, "Not ready: the loop that reads files has not turned for 7");
    answers("/metrics", 200, "cdr_exporter_loop_last_turn_timestamp_seconds 1");
    stands.store(false, Ordering::SeqCst);
    answers("/-/healthy", 200, "Healthy.");
    answers("/-/ready", 200, "Ready.");
    events.send(Event::Stop).unwrap();
    thread.join().unwrap();
}

/// The daemon under `strace`, which lets each read of this file wait for ten minutes, with systemd's socket.
fn start(folder: &Path, hanging: &Path, notify: &Path) -> (Child, std::net::SocketAddr) {
    let mut command = Command::new(find("strace", "strace"));
    // The tracer is the grandchild: what is started here, signalled and waited for is the daemon.
    command.args(["-D", "-f", "-qq", "-o", "/dev/null", "--trace=pread64"]);
    command.arg("--inject=pread64:delay_enter=600s").arg("-P").arg(hanging);
    command.arg(env!("CARGO_BIN_EXE_cdr-exporter")).arg("serve").arg(folder.join("calls"));
    command.arg("--storage.path").arg(folder.join("store")).args(["--web.listen-address", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", notify).env("WATCHDOG_USEC", "400000");
    let mut child = Child::start(&mut command);
    let address = child.announced_address("listening");
    (child, address)
}

fn rows(numbers: std::ops::Range<u32>) -> Vec<u8> {
    let rows: Vec<Row> = numbers.map(|id| Row::answered(id, "sbc1.contoso.com")).collect();
    ndjson(&rows).into_bytes()
}

#[test]
fn a_daemon_whose_loop_hangs_ends_in_time_and_counts_once() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let calls = folder.join("calls");
    fs::create_dir(&calls).unwrap();
    append(&calls.join("a.ndjson"), &rows(0..10));
    let (hanging, notify) = (calls.join("hanging.ndjson"), folder.join("notify"));
    let socket = UnixDatagram::bind(&notify).unwrap();
    let (mut child, address) = start(folder, &hanging, &notify);

    let told = || {
        let mut text = [0; 64];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap().trim().to_owned()
    };
    assert_eq!(told(), "READY=1");
    assert_eq!([told(), told(), told()], ["WATCHDOG=1"; 3]);
    let counted = || {
        let response = http::get(address, "/metrics");
        response.text().contains("cdr_exporter_records_total{source=\"teams\",result=\"counted\"} 10\n")
    };
    wait_until("what is there is counted", counted);
    append(&hanging, &rows(10..20));
    child.wait_for_log("watchdog is not told that all is well");
    assert_eq!(http::get(address, "/metrics").status, 200, "scrapes do not wait for the loop");

    let asked = Instant::now();
    child.signal(Signal::TERM);
    let status = |thread: &str| fs::read_to_string(format!("/proc/{}/{thread}status", child.id())).unwrap();
    wait_until("it has called exit", || status("").contains("State:\tZ"));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    // What waits in strace is buried by strace only.
    let tracer = Regex::new(r"TracerPid:\t([1-9]\d*)").unwrap();
    let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
    let tracers = tasks.filter_map(|task| {
        let task = task.unwrap().file_name().into_string().unwrap();
        tracer.captures(&status(&format!("task/{task}/")))?[1].parse().ok()
    });
    let tracer = tracers.min().and_then(Pid::from_raw).unwrap();
    kill_process(tracer, Signal::KILL).unwrap();
    let status = child.wait();
    assert_eq!(status.code(), Some(0), "{:?}", child.log());
    assert!(child.log().iter().any(|line| line.contains("did not end in time")), "{:?}", child.log());

    let again =
        Daemon::serve([calls.as_os_str(), "--storage.path".as_ref(), folder.join("store").as_os_str()]);
    let counted = |metrics: &Metrics| metrics.sum("cdr_exporter_records_total", &[]) >= 20.0;
    let metrics = again.wait_for_metrics("every record", counted);
    assert_eq!(metrics.sum("cdr_calls_total", &[]), 20.0);
    again.stop();
}

/// What the program `faketime` loads into others. It would wait for them beside, which hides them from signals.
fn faketime() -> PathBuf {
    find("faketime", "faketime");
    let folders = fs::read_dir("/usr/lib").unwrap().map(|folder| folder.unwrap().path());
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketime.so.1"));
    libraries.find(|library| library.exists()).unwrap()
}

#[test]
fn no_clock_that_a_system_can_have_panics_anywhere() {
    // Linux takes no time before 1970 and after 2232, and hyper has no date before it; see also the loop under a clock of
    // its own.
    for time in ["1970-01-01 00:00:01", "2250-01-01 00:00:00"] {
        let (folder, store) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        append(&folder.path().join("a.ndjson"), &rows(0..10));
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        command.env("LD_PRELOAD", faketime()).env("FAKETIME", format!("@{time}"));
        // What waits, waits.
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").arg("serve").arg(folder.path());
        let daemon = Daemon::of(command.arg("--storage.path").arg(store.path()));
        daemon.wait_until_ready();
        append(&folder.path().join("a.ndjson"), &rows(10..20));
        let counted = |metrics: &Metrics| metrics.sum("cdr_exporter_records_total", &[]) >= 20.0;
        let metrics = daemon.wait_for_metrics("every record", counted);
        assert_eq!(metrics.sum("cdr_calls_total", &[]), 20.0, "{time}");
        assert_eq!(metrics.value("cdr_exporter_panics_total", &[]), Some(0.0), "{time}");
        for path in ["/", "/-/ready", "/-/healthy", "/-/files"] {
            assert_eq!(daemon.get(path).status, 200, "{time}: {path}");
        }
        daemon.reload();
        daemon.wait_for_log("config reloaded");
        let log = daemon.log().join("\n");
        assert!(!log.contains("panicked") && !log.contains("fault of the program"), "{log}");
    }
}

/// Its disk is full, or who reads it is gone: counting goes on, and how many lines are lost is counted.
#[test]
fn without_a_log_it_counts_on() {
    let (folder, store) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let socket = store.path().join("http");
    append(&folder.path().join("a.ndjson"), &rows(0..10));
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
    command.arg("serve").arg(folder.path()).arg("--storage.path").arg(store.path().join("store"));
    command.arg(format!("--web.listen-address=unix:{}", socket.display()));
    command.stdout(fs::File::create("/dev/full").unwrap()).stderr(fs::File::create("/dev/full").unwrap());
    let mut daemon = command.spawn().unwrap();
    let text = wait_for("its metrics", || {
        let mut stream = std::os::unix::net::UnixStream::connect(&socket).ok()?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        text.contains("result=\"counted\"} 10\n").then_some(text)
    });
    kill_process(Pid::from_child(&daemon), Signal::TERM).unwrap();
    assert!(daemon.wait().unwrap().success());
    let body = text.split_once("\r\n\r\n").unwrap().1;
    assert!(Metrics::parse(body).value("cdr_exporter_lost_log_lines_total", &[]) > Some(1.0), "{body}");
}

#[test]
fn a_panic_ends_one_connection_and_is_counted() {
    let panics = Arc::new(AtomicBool::new(false));
    let clock: Clock = Arc::new({
        let panics = Arc::clone(&panics);
        move || {
            assert!(!panics.load(Ordering::SeqCst), "of +14255550199");
            clock::system()()
        }
    });
    cdr_exporter::telemetry::init(Default::default(), Default::default());
    let server = Server::start_under(clock, snapshot(), Options::default(), Access::open().unwrap());
    let mut bystander = server.client();
    assert_eq!(bystander.ask("GET", "/-/healthy", &[]).status, 200);
    panics.store(true, Ordering::SeqCst);
    let broken = http::try_request(server.address, "GET", "/-/healthy", &[]);
    assert!(broken.is_err(), "{broken:?}");
    panics.store(false, Ordering::SeqCst);
    assert_eq!(bystander.ask("GET", "/-/healthy", &[]).status, 200, "its connection is as it was");
    assert!(bystander.ask("GET", "/metrics", &[]).text().contains("\ncdr_exporter_panics_total 1\n"));
}

/// As `ulimit -f` and `LimitFSIZE=` do: what cannot be written is refused, and ends nothing.
#[test]
fn a_limit_on_the_size_of_files_ends_nothing() {
    let (folder, store) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    append(&folder.path().join("a.ndjson"), &rows(0..10));
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 512; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_cdr-exporter"), "serve"]);
    let daemon = Daemon::of(command.arg(folder.path()).arg("--storage.path").arg(store.path()));
    daemon.wait_until_ready();
    append(&folder.path().join("b.ndjson"), &rows(10..60_000));
    wait_for("a commit that is refused", || {
        let ready = daemon.get("/-/ready");
        (ready.status == 503 && ready.text().contains("durable")).then_some(())
    });
    assert!(daemon.metrics().sum("cdr_calls_total", &[]) >= 10.0);
    daemon.stop();
}

/// Read, it would be committed again with each commit, without end.
#[test]
fn a_store_among_the_files_of_a_source_is_ignored() {
    let folder = TempDir::new().unwrap();
    let (file, store) = (folder.path().join("a.ndjson"), folder.path().join("data"));
    let start = || Daemon::serve([folder.path(), Path::new("--storage.path"), &store]);
    let daemon = start();
    for round in 1..=3 {
        append(&file, &rows(round * 10..round * 10 + 10));
        daemon.wait_for_metrics("the calls", |metrics| {
            metrics.sum("cdr_calls_total", &[]) == f64::from(round) * 10.0
        });
    }
    daemon.stop();
    // Now the store is there before its first commit.
    let daemon = start();
    let metrics = daemon.wait_for_metrics("the files of the store", |metrics| {
        metrics.sum("cdr_exporter_files", &[("state", "ignored")]) == 2.0
    });
    let size = fs::metadata(&file).unwrap().len();
    assert_eq!(metrics.sum("cdr_exporter_read_bytes_total", &[]), size as f64);
    assert_eq!(metrics.sum("cdr_exporter_files", &[("state", "unrecognised")]), 0.0);
    let status = daemon.get("/-/files").text().to_owned();
    assert!(status.contains("the store of cdr-exporter"), "{status}");
    daemon.stop();
}
