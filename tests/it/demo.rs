//! The demo as its users see it, and its made-up calls read back and compared with the truth about them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::ADMIN_CENTER_HEADER;
use cdr_exporter::cli::demo::traffic::{MadeUpCall, SPIKE_TRUNK, TRUNKS, Traffic};
use cdr_exporter::cli::demo::truth::{Export, Truth};
use serde_json::Value;
use tempfile::TempDir;

use super::tools::{Daemon, Labels, Metrics, labels};

/// 2026-11-01T00:00:00Z.
const START: UnixMillis = UnixMillis(1_793_491_200_000);
const ROWS: i64 = 20_000;

/// What the demo has put into the folder for temporary files.
fn left_in(temporary: &Path) -> Vec<PathBuf> {
    fs::read_dir(temporary).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn demo(temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
    command.arg("demo").env("TMPDIR", temporary);
    command
}

#[test]
fn the_demo_shows_every_trunk_and_counts_on() {
    let temporary = TempDir::new().unwrap();
    let daemon = Daemon::of(demo(temporary.path()).args(["--rate", "500", "--seed", "7"]));
    daemon.wait_until_ready();
    let before = daemon.metrics();
    for trunk in TRUNKS {
        assert!(before.sum("cdr_calls_total", &[("trunk", trunk.fqdn)]) > 0.0, "{}", trunk.fqdn);
    }
    let causes: Vec<String> =
        before.counted("cdr_call_failures_total").into_keys().map(|labels| labels["cause"].clone()).collect();
    for cause in
        ["IceConnectivityChecksFailed", "Phone Number not found", "SBC refused: Bad Gateway", "Unlisted"]
    {
        assert!(causes.iter().any(|known| known == cause), "{cause} is not among {causes:?}");
    }
    let spike = [("trunk", TRUNKS[SPIKE_TRUNK].fqdn), ("cause", "IceConnectivityChecksFailed")];
    for direction in ["inbound", "outbound"] {
        let series = [spike[0], spike[1], ("direction", direction), ("arrival", "live")];
        assert!(
            before.value("cdr_call_failures_total", &series).is_some(),
            "no series for the spike: {series:?}"
        );
    }
    let calls = before.sum("cdr_calls_total", &[]);
    let after =
        daemon.wait_for_metrics("more calls", |after| after.sum("cdr_calls_total", &[]) > calls + 200.0);
    assert_eq!(after.sum("cdr_exporter_rejected_records_total", &[]), 0.0);
    assert_eq!(left_in(temporary.path()).len(), 1);
    daemon.stop();
    assert_eq!(left_in(temporary.path()), Vec::<PathBuf>::new());
}

/// So does a terminal that is closed.
#[test]
fn a_hang_up_ends_the_demo() {
    let temporary = TempDir::new().unwrap();
    let daemon = Daemon::of(demo(temporary.path()).args(["--rate", "5"]));
    daemon.wait_until_ready();
    let log = daemon.stop_by(rustix::process::Signal::HUP);
    assert!(log.iter().any(|line| line.contains("signal=SIGHUP")), "{log:?}");
    assert_eq!(left_in(temporary.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let temporary = TempDir::new().unwrap();
    let output = demo(temporary.path()).args(["--web.listen-address", &address]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(70), "{message}");
    assert!(message.contains(&address) && message.contains("--web.listen-address"), "{message}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    assert_eq!(left_in(temporary.path()), Vec::<PathBuf>::new());
}

#[test]
fn an_export_takes_the_place_of_no_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("calls.csv");
    let export = || demo(folder.path()).arg("--export").arg(&file).output().unwrap();
    assert!(export().status.success());
    let again = export();
    let said = String::from_utf8(again.stderr).unwrap();
    assert_eq!(again.status.code(), Some(2), "{said}");
    assert!(said.ends_with("calls.csv is there already: remove it, or choose another name\n"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 4831);
}

#[test]
fn what_is_no_rate_is_refused() {
    let temporary = TempDir::new().unwrap();
    for rate in ["0", "-3", "many", "1e9"] {
        let output = demo(temporary.path()).arg(format!("--rate={rate}")).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{rate}");
    }
}

#[test]
fn graph_rows_are_counted_as_they_were_made_up() {
    let folder = TempDir::new().unwrap();
    let truth = write(&folder.path().join("calls.ndjson"), "", Traffic::graph_row);
    assert_shows(folder.path(), &truth);
}

#[test]
fn admin_center_rows_are_counted_as_they_were_made_up() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("DirectRouting.calls.2026-11-01.csv");
    let truth = write(&file, ADMIN_CENTER_HEADER, Traffic::admin_center_row);
    assert_shows(folder.path(), &truth);
}

/// Writes a file with one row in twenty twice, and says what must be counted.
fn write(file: &Path, header: &str, row: impl Fn(&Traffic, &MadeUpCall, &mut String)) -> Truth {
    let mut export = Export::new(5, START, 5.0);
    let mut text = header.to_owned();
    for number in 0..ROWS {
        let call = export.next_call(UnixMillis(START.0 + number * 50));
        row(&export.traffic, &call, &mut text);
    }
    fs::write(file, text).unwrap();
    export.truth()
}

fn inspect(folder: &Path, output: &str) -> String {
    let inspect = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"))
        .args(["inspect", "--output", output])
        .arg(folder)
        .output()
        .unwrap();
    assert!(inspect.status.success(), "{}", String::from_utf8_lossy(&inspect.stderr));
    String::from_utf8(inspect.stdout).unwrap()
}

/// Every series that counted anything, and no other; each row in its bucket.
fn assert_shows(folder: &Path, truth: &Truth) {
    let metrics = Metrics::parse(&inspect(folder, "prometheus"));
    let calls = truth.calls.iter().map(|calls| {
        let names = [("trunk", calls.trunk), ("direction", calls.direction), ("outcome", calls.outcome)];
        (labels(names), calls.count as f64)
    });
    let failures = truth.failures.iter().map(|failures| {
        let codes = [failures.microsoft_code.to_string(), failures.sip_code.to_string()];
        let names = [
            ("trunk", failures.trunk),
            ("direction", failures.direction),
            ("cause", &failures.cause),
            ("microsoft_code", &codes[0]),
            ("sip_code", &codes[1]),
        ];
        (labels(names), failures.count as f64)
    });
    assert_eq!(counted(&metrics, "cdr_calls_total"), calls.collect());
    assert_eq!(counted(&metrics, "cdr_call_failures_total"), failures.collect());

    let report: Value = serde_json::from_str(&inspect(folder, "json")).unwrap();
    let record = |result: &str| report["records"][result].as_u64();
    let counted = truth.calls.iter().map(|calls| calls.count).sum::<u64>();
    assert_eq!(counted + truth.duplicates, ROWS.unsigned_abs());
    assert_eq!(record("counted"), Some(counted));
    assert_eq!(record("duplicate"), Some(truth.duplicates));
    assert_eq!((record("ignored"), record("rejected")), (Some(0), Some(0)));
    assert!((900..1_100).contains(&truth.duplicates), "{}", truth.duplicates);
}

/// Counts by their labels, without the source and whether they came late: both depend on who reads, and when.
fn counted(metrics: &Metrics, name: &str) -> BTreeMap<Labels, f64> {
    let mut counts = BTreeMap::new();
    for (mut labels, count) in metrics.counted(name) {
        labels.remove("source");
        labels.remove("arrival");
        *counts.entry(labels).or_insert(0.0) += count;
    }
    counts
}
