//! The admin center's zip as it comes: copied slowly, written out of order, copied again, replaced, renamed, with a kill in
//! between. Record ids are not remembered, so whatever is read twice counts twice.

use std::fs::{self, File, OpenOptions};
use std::io::{Cursor, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::tools::{Daemon, Metrics, run, wait_until};

const HEADER: &str = "CorrelationId,Invite time,End time,Duration (seconds),Success,Call type,Final SIP code,\
                      Final Microsoft subcode,Final SIP Phrase,SBC FQDN\r\n";

/// A day's calls, all of which failed. A byte-order mark begins them, as in each file of an export.
fn day(day: u32, rows: usize) -> String {
    let row = |row: usize| {
        let (minute, second) = (row / 60 % 60, row % 60);
        format!(
            "c{day:07}-05ec-4a1b-8c2d-{row:012x},2024-11-{day:02}T09:{minute:02}:{second:02}Z,,0,No,ByotOut,403,560403,\
             Forbidden; Call rejected,sbc1.contoso.com\r\n"
        )
    };
    format!("\u{feff}{HEADER}{}", (0..rows).map(row).collect::<String>())
}

/// An export of these days, with what always comes with it.
fn export(days: &[(u32, usize)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut add = |name: String, text: &str| {
        writer.start_file(name, options).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    };
    add("parameters.json".into(), "{\"a\":1}");
    for (number, rows) in days {
        add(format!("PSTN.calls.2024-11-{number:02}.csv"), "UsageId,Call ID,Charge,Currency\r\n1,2,3,4\r\n");
        add(format!("DirectRouting.calls.2024-11-{number:02}.csv"), &day(*number, *rows));
    }
    writer.finish().unwrap().into_inner()
}

struct House {
    folder: TempDir,
}

impl House {
    fn new() -> Self {
        let house = Self { folder: TempDir::new().unwrap() };
        fs::create_dir(house.path("cdr")).unwrap();
        let config = format!(
            "sources:\n  - name: teams\n    paths: ['{}']\n    remember: 0s\nrescan_interval: 1s\nquiet: 1s\n\
             unfinished_after: 2s\n",
            house.path("cdr").display()
        );
        fs::write(house.path("config.yml"), config).unwrap();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn serve(&self) -> Daemon {
        let (config, storage) = (self.path("config.yml"), self.path("data"));
        Daemon::serve([Path::new("--config.file"), &config, Path::new("--storage.path"), &storage])
    }
}

fn records(metrics: &Metrics, result: &str) -> f64 {
    metrics.sum("cdr_exporter_records_total", &[("result", result)])
}

fn files(metrics: &Metrics, state: &str) -> f64 {
    metrics.sum("cdr_exporter_files", &[("state", state)])
}

fn wait_for_calls(daemon: &Daemon, calls: usize) {
    let calls = calls as f64;
    let metrics = daemon.wait_for_metrics(&format!("{calls} calls"), |metrics| {
        metrics.sum("cdr_calls_total", &[]) >= calls && files(metrics, "reading") == 0.0
    });
    assert_eq!(metrics.sum("cdr_calls_total", &[]), calls, "{:?}", daemon.log());
    assert_eq!(records(&metrics, "rejected"), 0.0);
}

fn rename_into_place(house: &House, name: &str, bytes: &[u8]) {
    fs::write(house.path("unfinished"), bytes).unwrap();
    fs::rename(house.path("unfinished"), house.path("cdr").join(name)).unwrap();
}

/// To check one against its checksums takes a while. Nothing waits for that but its own calls.
#[test]
fn a_large_archive_holds_nothing_up() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let blank = " ".repeat(256 * 1024 * 1024);
    for (name, text) in [("DirectRouting.calls.2024-11-05.csv", day(5, 3)), ("other.csv", blank)] {
        writer.start_file(name, options).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    let archive = writer.finish().unwrap().into_inner();

    let house = House::new();
    let daemon = house.serve();
    daemon.wait_until_ready();
    rename_into_place(&house, "Calls.Export.1.zip", &archive);
    let is_open = |file: &Path| fs::read_link(file).is_ok_and(|file| file.ends_with("Calls.Export.1.zip"));
    wait_until("the archive is open", || {
        fs::read_dir(format!("/proc/{}/fd", daemon.id())).unwrap().any(|file| is_open(&file.unwrap().path()))
    });
    rename_into_place(&house, "small.csv", day(6, 2).as_bytes());
    let metrics = daemon.wait_for_metrics("calls", |metrics| metrics.sum("cdr_calls_total", &[]) > 0.0);
    assert_eq!(metrics.sum("cdr_calls_total", &[]), 2.0, "{:?}", daemon.log());
    wait_for_calls(&daemon, 5);
}

#[test]
fn an_export_counts_once_however_it_comes() {
    let house = House::new();
    let daemon = house.serve();
    let whole = export(&[(5, 40), (6, 25)]);

    // Copied slowly: longer than a writer is waited for.
    let mut copied = File::create(house.path("cdr/Calls.Export.1.zip")).unwrap();
    let (begin, end) = whole.split_at(whole.len() / 2);
    copied.write_all(begin).unwrap();
    daemon.wait_for_metrics("given up for now", |metrics| files(metrics, "unrecognised") == 1.0);
    assert!(daemon.log().join("\n").contains("a zip archive whose end is not there"));
    copied.write_all(end).unwrap();
    wait_for_calls(&daemon, 65);
    daemon.wait_for_metrics("read after all", |metrics| files(metrics, "unrecognised") == 0.0);

    // A copy, and the members unpacked beside it: the first file is as long as the text of the archive's first.
    fs::copy(house.path("cdr/Calls.Export.1.zip"), house.path("cdr/Calls.Export.1 (1).zip")).unwrap();
    wait_for_calls(&daemon, 65);
    for (name, text) in
        [("PSTN.calls.2024-11-05.csv", "UsageId,Call ID\r\n1,2\r\n"), ("parameters.json", "{\"a\":1}")]
    {
        rename_into_place(&house, name, text.as_bytes());
    }
    let metrics = daemon.wait_for_metrics("companions", |metrics| files(metrics, "ignored") == 2.0);
    assert_eq!((files(&metrics, "unrecognised"), files(&metrics, "unreadable")), (0.0, 0.0));

    // Renamed, and replaced by an export of a day more.
    fs::rename(house.path("cdr/Calls.Export.1.zip"), house.path("cdr/old.zip")).unwrap();
    rename_into_place(&house, "Calls.Export.1 (1).zip", &export(&[(5, 40), (6, 25), (7, 10)]));
    wait_for_calls(&daemon, 75);
    fs::remove_file(house.path("cdr/old.zip")).unwrap();
    daemon.wait_for_metrics("removed", |metrics| {
        metrics.sum("cdr_exporter_file_events_total", &[("event", "removed")]) >= 1.0
    });
    wait_for_calls(&daemon, 75);
    let log = daemon.stop().join("\n");
    assert!(!log.contains("cannot read on"), "{log}");
}

#[test]
fn blocks_that_come_out_of_order_are_waited_for() {
    let house = House::new();
    let daemon = house.serve();
    let whole = export(&[(5, 300)]);
    let path = house.path("cdr/export.zip");
    let file = OpenOptions::new().create_new(true).write(true).open(&path).unwrap();
    // Of full size from the beginning, its end first, as a parallel download writes it.
    file.set_len(whole.len() as u64).unwrap();
    let (third, two_thirds) = (whole.len() / 3, whole.len() * 2 / 3);
    file.write_all_at(&whole[two_thirds..], two_thirds as u64).unwrap();
    file.write_all_at(&whole[..third], 0).unwrap();
    daemon.wait_for_metrics("given up for now", |metrics| files(metrics, "unrecognised") == 1.0);
    assert_eq!(daemon.metrics().sum("cdr_calls_total", &[]), 0.0);
    file.write_all_at(&whole[third..two_thirds], third as u64).unwrap();
    wait_for_calls(&daemon, 300);
    daemon.stop();
}

#[test]
fn a_kill_in_the_midst_of_an_archive_loses_and_doubles_nothing() {
    let house = House::new();
    let rows = 60_000;
    rename_into_place(&house, "export.zip", &export(&[(5, rows), (6, rows)]));
    let mut seen = 0.0;
    for _ in 0..20 {
        let daemon = house.serve();
        let before = seen;
        let metrics =
            daemon.wait_for_metrics("some more", |metrics| metrics.sum("cdr_calls_total", &[]) > before);
        seen = metrics.sum("cdr_calls_total", &[]);
        daemon.kill();
        if seen >= 2.0 * rows as f64 {
            break;
        }
    }
    let daemon = house.serve();
    wait_for_calls(&daemon, 2 * rows);
    wait_until("read to its end", || files(&daemon.metrics(), "waiting") == 1.0);
    wait_for_calls(&daemon, 2 * rows);
    daemon.stop();
}

#[test]
fn check_and_inspect_leave_companions_alone() {
    let house = House::new();
    rename_into_place(&house, "export.zip", &export(&[(5, 3)]));
    rename_into_place(&house, "desktop.ini", b"[.ShellClassInfo]\r\n");
    let folder = house.path("cdr");
    let check = run([Path::new("check"), &folder]);
    assert_eq!(check.code, Some(0), "{}{}", check.stdout, check.stderr);
    assert!(check.stdout.contains("desktop.ini\n    ignored: how a folder is shown\n"), "{}", check.stdout);
    assert!(check.stdout.contains("    teams_admin_center, zip archive\n"), "{}", check.stdout);
    let inspect = run([Path::new("inspect"), &folder]);
    assert_eq!((inspect.code, inspect.stderr.as_str()), (Some(0), ""));
}
