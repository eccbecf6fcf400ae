//! The daemon with few descriptors and little memory: everything is counted, once, and scrapes are answered.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use zstd::stream::raw::CParameter;

use super::tools::files::{append, gzip};
use super::tools::row::{Row, ndjson};
use super::tools::{Daemon, Metrics};

fn rows(numbers: std::ops::Range<u32>) -> Vec<u8> {
    let rows: Vec<Row> = numbers.map(|id| Row::answered(id, "sbc1.contoso.com")).collect();
    ndjson(&rows).into_bytes()
}

/// Files with a cut zstd frame each, and with a record that is not whole.
const FRAMES: u32 = 24;
const CUT: u32 = 120;

/// The daemon over this folder's `calls`, with its store there too and so many descriptors, hard and soft.
fn start(folder: &Path, descriptors: u32, limits: &str) -> Daemon {
    let config = folder.join("config.yml");
    let paths = folder.join("calls");
    let text =
        format!("sources: [{{name: t, paths: ['{}']}}]\nrescan_interval: 1s\n{limits}", paths.display());
    fs::write(&config, text).unwrap();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -n {descriptors}; exec \"$0\" serve \"$@\""));
    command.arg(env!("CARGO_BIN_EXE_cdr-exporter")).arg("--config.file").arg(config);
    Daemon::of(command.arg("--storage.path").arg(folder.join("store")))
}

/// Waits until so many calls are counted, and asserts that it stays at that.
fn counts(daemon: &Daemon, calls: u32) -> Metrics {
    let metrics = daemon.wait_for_metrics(&format!("{calls} calls"), |metrics| {
        metrics.sum("cdr_calls_total", &[]) >= f64::from(calls)
    });
    assert_eq!(metrics.sum("cdr_calls_total", &[]), f64::from(calls));
    metrics
}

#[test]
fn five_hundred_files_with_64_descriptors() {
    let folder = TempDir::new().unwrap();
    let calls = folder.path().join("calls");
    fs::create_dir(&calls).unwrap();
    let path = |number: u32| calls.join(format!("{number}.ndjson"));
    for number in 0..500 {
        append(&path(number), &rows(number * 10..number * 10 + 2));
    }
    // Some take several turns, as plain text and compressed.
    for number in 0..10 {
        let more = rows(10_000 + number * 3000..10_000 + (number + 1) * 3000);
        match number % 2 {
            0 => append(&calls.join(format!("long{number}.ndjson")), &more),
            _ => append(&calls.join(format!("long{number}.ndjson.gz")), &gzip(&more)),
        }
    }
    let daemon = start(folder.path(), 64, "");
    let idle: Vec<_> = (0..30).map(|_| TcpStream::connect(daemon.address()).unwrap()).collect();
    let metrics = counts(&daemon, 1000 + 10 * 3000);
    assert_eq!(metrics.value("process_max_fds", &[]), Some(64.0));
    for number in 0..500 {
        append(&path(number), &rows(number * 10 + 2..number * 10 + 3));
    }
    let metrics = counts(&daemon, 1500 + 10 * 3000);
    assert_eq!(metrics.sum("cdr_exporter_files", &[("state", "unreadable")]), 0.0);
    assert!(!daemon.log().iter().any(|line| line.contains("Too many open files")), "{:?}", daemon.log());
    drop(idle);
    daemon.stop();
}

/// With so few, no folder could be listed, and the daemon would still say that it is ready.
#[test]
fn a_start_with_too_few_descriptors_is_refused() {
    let folder = TempDir::new().unwrap();
    let serve = |descriptors: u32| {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -n {descriptors}; exec \"$0\" serve \"$@\""));
        command.arg(env!("CARGO_BIN_EXE_cdr-exporter")).arg(folder.path().join("calls"));
        command.args(["--web.listen-address", "127.0.0.1:0", "--storage.path"]);
        command.arg(folder.path().join("store")).output().unwrap()
    };
    for descriptors in [10, 20, 47] {
        let output = serve(descriptors);
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = format!(
            "cdr-exporter serve: only {descriptors} files may be open at once, and at least 48 are needed for the store, the \
             folders of sources and HTTP connections: raise the hard limit with LimitNOFILE= in the systemd unit, or with \
             `ulimit -Hn`\n"
        );
        assert_eq!((&*said, output.status.code()), (&*expected, Some(70)));
    }
    let folder = TempDir::new().unwrap();
    let calls = folder.path().join("calls");
    fs::create_dir(&calls).unwrap();
    append(&calls.join("a.ndjson"), &rows(0..10));
    let daemon = start(folder.path(), 48, "");
    counts(&daemon, 10);
    daemon.stop();
}

#[test]
fn four_hundred_idle_connections_with_300_descriptors() {
    let folder = TempDir::new().unwrap();
    let calls = folder.path().join("calls");
    fs::create_dir(&calls).unwrap();
    let daemon = start(folder.path(), 300, "");
    daemon.wait_until_ready();
    let idle: Vec<_> = (0..400).map(|_| TcpStream::connect(daemon.address()).unwrap()).collect();
    for number in 0..200 {
        append(&calls.join(format!("{number}.ndjson")), &rows(number * 10..number * 10 + 2));
        assert_eq!(daemon.get("/metrics").status, 200);
    }
    let metrics = counts(&daemon, 400);
    let open = metrics.value("process_open_fds", &[]).unwrap();
    assert!(open < 300.0, "{open}");
    assert!(!daemon.log().iter().any(|line| line.contains("Too many open files")), "{:?}", daemon.log());
    drop(idle);
    daemon.stop();
}

/// A zstd frame with a window of so many bits.
fn frame(text: &[u8], window_log: u32) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.set_parameter(CParameter::WindowLog(window_log)).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The most memory that a process ever had resident, in MiB.
pub fn peak(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().split(' ').next().unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn cut_frames_with_large_windows_take_what_they_may_and_no_more() {
    let folder = TempDir::new().unwrap();
    let calls = folder.path().join("calls");
    fs::create_dir(&calls).unwrap();
    let daemon = start(folder.path(), 1024, "limits: {memory_bytes: 17MiB}\n");
    daemon.wait_until_ready();
    let before = peak(&daemon);
    // Each frame fills its window of 8 MiB, and is cut. All windows would be 204 MiB, beside what a daemon in debug takes.
    let bomb = frame(&vec![b'\n'; 9 * 1024 * 1024], 23);
    let (begin, end) = bomb.split_at(bomb.len() * 95 / 100);
    let path = |number: u32| calls.join(format!("{number:02}.ndjson.zst"));
    for number in 0..FRAMES {
        append(&path(number), &[frame(&rows(number..number + 1), 19), begin.to_vec()].concat());
    }
    append(&calls.join("too_large.ndjson.zst"), b"\x28\xb5\x2f\xfd\0\x80\0\0\0");
    append(&calls.join("whole.ndjson.zst"), &frame(&rows(100..200), 23));
    counts(&daemon, FRAMES + 100);
    daemon.wait_until_ready();
    daemon.wait_for_log("takes 64.5 MiB of memory, and limits: memory_bytes allows 17.0 MiB");

    // What was let go of goes on where it was.
    for number in 0..FRAMES {
        append(&path(number), &[end.to_vec(), frame(&rows(200 + number..201 + number), 19)].concat());
    }
    let metrics = counts(&daemon, FRAMES + 100 + FRAMES);
    assert_eq!(metrics.sum("cdr_exporter_rejected_records_total", &[]), 0.0);
    let grown = peak(&daemon) - before;
    assert!(grown < 150, "{grown} MiB beyond {before}");
    daemon.stop();
}

#[test]
fn records_that_are_not_whole_are_held_in_bounded_memory() {
    let folder = TempDir::new().unwrap();
    let calls = folder.path().join("calls");
    fs::create_dir(&calls).unwrap();
    // Begun in each file, a tenth of them compressed: 108 MB of text.
    let begin = [br#"{"padding":""#.to_vec(), vec![b'x'; 900_000]].concat();
    let is_packed = |number: u32| number % 10 == 9;
    let path =
        |number: u32| calls.join(format!("{number:03}.ndjson{}", if is_packed(number) { ".gz" } else { "" }));
    let write = |number: u32, text: &[u8]| match is_packed(number) {
        true => append(&path(number), &gzip(text)),
        false => append(&path(number), text),
    };
    for number in 0..CUT {
        write(number, &[rows(number..number + 1), begin.clone()].concat());
    }
    append(&calls.join("whole.ndjson.gz"), &gzip(&rows(1000..1100)));
    let daemon =
        start(folder.path(), 1024, "limits: {memory_bytes: 16MiB}\nquiet: 1s\nunfinished_after: 3s\n");
    counts(&daemon, CUT + 100);
    // Each is looked at, and given up.
    daemon.wait_for_metrics("all are given up", |metrics| {
        metrics.sum("cdr_exporter_rejected_records_total", &[("reason", "unfinished")]) >= f64::from(CUT)
    });

    // What was let go of goes on where it was.
    for number in 0..CUT {
        let row = String::from_utf8(rows(2000 + number..2001 + number)).unwrap();
        write(number, format!("\",{}", row.strip_prefix('{').unwrap()).as_bytes());
    }
    let metrics = counts(&daemon, CUT + 100 + CUT);
    assert_eq!(metrics.sum("cdr_exporter_rejected_records_total", &[]), f64::from(CUT));
    let peak = peak(&daemon);
    assert!(peak < 100, "{peak} MiB");
    daemon.stop();
}
