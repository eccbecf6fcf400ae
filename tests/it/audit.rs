//! `audit`: the files against the ledger. What is right shows no difference, whatever happened; what is not does.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::tools::files;
use super::tools::row::{self, Row};
use super::tools::{Daemon, Ended, run};

const ICE: (u64, u16) = (531_004, 410);

/// Three sources in a folder, their config and their store.
struct House(TempDir);

impl House {
    fn new(record_bytes: &str) -> Self {
        let house = Self(TempDir::new().unwrap());
        for name in ["graph", "sbc", "csv"] {
            fs::create_dir(house.path(name)).unwrap();
        }
        house.configure(record_bytes);
        house
    }

    fn configure(&self, record_bytes: &str) {
        let source = |name: &str, more: &str| {
            format!("  - name: {name}\n    paths: ['{}']\n{more}", self.path(name).join("*").display())
        };
        let sources = [
            source("graph", ""),
            source("sbc", "    remember: 0s\n    trunks: [{match: 'sbc(\\d)\\..*', name: 'sbc $1'}]\n"),
            source("csv", ""),
        ];
        let text = format!("sources:\n{}limits:\n  record_bytes: {record_bytes}\n", sources.concat());
        fs::write(self.path("config.yml"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        files::append(&self.path(name), text.as_bytes());
    }

    fn gzip(&self, from: &str, to: &str) {
        fs::write(self.path(to), files::gzip(&fs::read(self.path(from)).unwrap())).unwrap();
    }

    fn arguments(&self, more: &[&str]) -> Vec<OsString> {
        let paths = [("--config.file", "config.yml"), ("--storage.path", "data")];
        let paths =
            paths.into_iter().flat_map(|(flag, name)| [flag.into(), self.path(name).into_os_string()]);
        more.iter().map(OsString::from).chain(paths).collect()
    }

    fn serve(&self) -> Daemon {
        Daemon::serve(self.arguments(&["--rejected.path", self.path("rejected").to_str().unwrap()]))
    }

    fn audit(&self) -> Ended {
        run(self.arguments(&["audit"]))
    }

    fn no_difference(&self) -> String {
        let audit = self.audit();
        assert!(audit.code == Some(0) && audit.stdout.ends_with(" compared: no difference\n"), "{audit:?}");
        audit.stdout
    }

    fn difference(&self, expected: &str) {
        let audit = self.audit();
        assert!(audit.code == Some(1) && audit.stdout.contains(expected), "{expected}: {audit:?}");
    }

    fn state(&self, action: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        command.arg("state").args(action).arg("--storage.path").arg(self.path("data"));
        command
    }

    /// Everything that the store holds.
    fn export(&self) -> Vec<Value> {
        let export = self.state(&["export"]).output().unwrap();
        export
            .stdout
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }

    /// Makes the store hold this.
    fn import(&self, lines: &[Value]) {
        let text: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.path("export"), text.concat()).unwrap();
        let input = Stdio::from(File::open(self.path("export")).unwrap());
        let imported = self.state(&["import", "--force"]).stdin(input).output().unwrap();
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    }

    /// Some of everything, read by a daemon that is then stopped.
    fn filled() -> Self {
        let house = Self::new("2KiB");
        house.append("graph/a.ndjson", &row::ndjson(&rows(0..50)));
        house.append("graph/b.json", &row::response(&rows(40..60)));
        house.append("sbc/c.ndjson", &("{\"id\":\n".to_owned() + &row::ndjson(&rows(0..20)).repeat(2)));
        house.append(
            "csv/d.csv",
            "CorrelationId,Success,Final SIP code,Duration (seconds)\na,No,410,3\nb,Yes,0,70\nc\n",
        );
        let daemon = house.serve();
        read(&daemon, 50 + 20 + 41 + 4);
        daemon.stop();
        house
    }
}

fn rows(ids: std::ops::Range<u32>) -> Vec<Row> {
    let row = |id: u32| match id % 3 {
        0 => Row::answered(id, "sbc1.contoso.com"),
        1 => Row::failed(id, "sbc2.contoso.com", ICE),
        _ => Row::failed(id, "SBC1.contoso.com", (1, 1)).inbound(),
    };
    ids.map(row).collect()
}

/// Waits until so many records are read and committed.
fn read(daemon: &Daemon, records: u32) {
    daemon.wait_for_metrics("every record read", |metrics| {
        metrics.sum("cdr_exporter_read_records_total", &[]) == f64::from(records)
    });
}

fn event(daemon: &Daemon, event: &str) {
    daemon.wait_for_metrics(event, |metrics| {
        metrics.sum("cdr_exporter_file_events_total", &[("event", event)]) >= 1.0
    });
}

#[test]
fn what_is_right_shows_no_difference() {
    let house = House::filled();
    let report = house.no_difference();
    assert!(report.contains("source graph: 2 files read again\n"), "{report}");

    // A daemon that is killed, files that rotate, copies, text that takes the place of other text.
    let daemon = house.serve();
    daemon.wait_until_ready();
    house.append("graph/a.ndjson", &row::ndjson(&rows(60..70)));
    read(&daemon, 125);
    daemon.kill();
    house.no_difference();
    house.append("graph/a.ndjson", "{\"id\":");
    house.no_difference();
    fs::rename(house.path("graph/a.ndjson"), house.path("graph/a.ndjson.1")).unwrap();
    house.append("graph/a.ndjson", &row::ndjson(&rows(100..110)));
    house.gzip("sbc/c.ndjson", "sbc/c.gz");
    let daemon = house.serve();
    event(&daemon, "copied");
    read(&daemon, 135);
    fs::write(house.path("csv/d.csv"), "CorrelationId,Success,Final SIP code\nz,No,410\n").unwrap();
    read(&daemon, 137);
    daemon.stop();
    let report = house.no_difference();
    assert!(report.contains("source sbc: 2 files read again\n"), "{report}");

    fs::remove_file(house.path("sbc/c.ndjson")).unwrap();
    fs::remove_file(house.path("graph/b.json")).unwrap();
    let report = house.no_difference();
    assert!(report.contains("source sbc: 1 file read again, 1 gone\n"), "{report}");
    let daemon = house.serve();
    daemon.wait_until_ready();
    daemon.stop();
    house.no_difference();
}

#[test]
fn members_of_an_archive_in_two_formats_are_no_difference() {
    let house = House::new("2KiB");
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/graph/mixed.zip");
    fs::copy(data, house.path("graph/mixed.zip")).unwrap();
    let daemon = house.serve();
    daemon.wait_until_ready();
    assert!(daemon.metrics().sum("cdr_exporter_records_total", &[("result", "counted")]) > 0.0);
    daemon.stop();
    house.no_difference();
}

#[test]
fn what_was_replayed_is_no_difference() {
    let house = House::new("2KiB");
    let long = |id| format!("{{\"x\":\"{}\",{}\n", "x".repeat(4000), &Row::failed(id, "a", ICE).json()[1..]);
    house.append("sbc/a.ndjson", &(row::ndjson(&rows(0..5)) + &long(7) + &long(8)));
    let daemon = house.serve();
    read(&daemon, 7);
    daemon.stop();
    house.no_difference();
    house.configure("1MiB");
    house.no_difference();
    let replayed =
        run(house.arguments(&["replay", "--rejected.path", house.path("rejected").to_str().unwrap()]));
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    house.no_difference();
    let mut lines = house.export();
    let replayed = lines.iter().position(|line| line["table"] == "replayed").unwrap();
    let mut another = lines[replayed].clone();
    another["key"]["position"] = 1.into();
    lines.insert(replayed, another);
    house.import(&lines);
    house.difference("the ledger: 5 calls were found in files, and 4 in all");
}

#[test]
fn changed_files_are_differences() {
    let house = House::filled();
    let change = |name: &str, change: fn(&str) -> String| {
        let text = fs::read_to_string(house.path(name)).unwrap();
        let mut file = OpenOptions::new().write(true).truncate(true).open(house.path(name)).unwrap();
        file.write_all(change(&text).as_bytes()).unwrap();
        text
    };
    for (name, changed, expected) in [
        (
            "graph/a.ndjson",
            (|text| text[..text.len() / 2].to_owned()) as fn(&str) -> String,
            "it holds other text",
        ),
        ("graph/a.ndjson", |text| text.replace("560000", "560001"), "it holds other text"),
        (
            "graph/a.ndjson",
            |text| text.replacen("{\"id\":", "{\"id\" ", 1),
            "50 calls were found in it, and now 49",
        ),
        ("graph/a.ndjson", |text| text.replacen("531004", "531005", 1), "531005"),
        ("csv/d.csv", |text| text.replace("c\n", "c,c\n"), "it holds other text"),
    ] {
        let before = change(name, changed);
        house.difference(expected);
        fs::write(house.path(name), before).unwrap();
        house.no_difference();
    }
}

/// What is said of a store, and where a number of it was changed by how much, in the first line of which this holds.
type Case = (&'static str, fn(&Value) -> bool, &'static str, i64);

const CASES: [Case; 8] = [
    ("a.ndjson: 51 calls were found in it, and now 50", is_file_a, "/value/content/records/calls", 1),
    ("a.ndjson: it holds other text than was read", is_file_a, "/value/content/position", -1),
    ("records counted and the sum of calls differ", is_answered, "/value/calls/answered/live", 1),
    ("calls that failed and the sum of their causes differ", is_failure, "/value/count", -1),
    ("records read and the sum of their results differ", is_source, "/value/read_records", 5),
    ("headers were found in files, and 0 in all", is_csv, "/value/records/header", -1),
    ("records rejected and the sum of their reasons differ", is_csv, "/value/rejected/bad_csv", 1),
    (
        "trunk=\"\",direction=\"\",le=\"120\"}: the ledger has 2, the files 1",
        is_csv_route,
        "/value/durations/buckets/5",
        1,
    ),
];

fn is_file_a(line: &Value) -> bool {
    line["value"]["path"].as_str().is_some_and(|path| path.ends_with("a.ndjson"))
}

fn is_answered(line: &Value) -> bool {
    line["table"] == "routes" && line["value"]["calls"]["answered"].is_object()
}

fn is_failure(line: &Value) -> bool {
    let code = ICE.0.to_string();
    line["table"] == "failures"
        && line["key"]["microsoft_code"] == code
        && line["value"]["count"].as_u64() > Some(0)
}

fn is_source(line: &Value) -> bool {
    line["table"] == "sources"
}

fn is_csv(line: &Value) -> bool {
    is_source(line) && line["key"] == "csv"
}

fn is_csv_route(line: &Value) -> bool {
    line["table"] == "routes" && line["key"]["source"] == "csv"
}

#[test]
fn doctored_stores_are_differences() {
    let house = House::filled();
    let export = house.export();
    for (expected, is_it, number, by) in CASES {
        let mut lines = export.clone();
        let line = lines.iter_mut().find(|line| is_it(line)).unwrap();
        let value = line.pointer_mut(number).unwrap();
        *value = (value.as_i64().unwrap() + by).into();
        // They are counted twice, and a store in which that differs is refused.
        if let Some(durations) = line.pointer_mut("/value/durations").and_then(Value::as_object_mut) {
            durations.remove("native");
        }
        house.import(&lines);
        house.difference(expected);
    }
    // No sum is wrong: failures under another cause.
    let mut lines = export.clone();
    lines.iter_mut().find(|line| is_failure(line)).unwrap()["key"]["cause"] = "Moved".into();
    house.import(&lines);
    house.difference("cause=\"Moved\",microsoft_code=\"531004\",sip_code=\"410\"}: the ledger has");
    house.import(&export);
    house.no_difference();
}

/// As a file that was read once more leaves it: every sum is right.
#[test]
fn calls_counted_twice_are_a_difference_unless_something_is_gone() {
    let house = House::filled();
    let mut lines = house.export();
    let source = lines.iter_mut().find(|line| is_source(line) && line["key"] == "sbc").unwrap();
    for number in ["/value/read_records", "/value/records/counted"] {
        let value = source.pointer_mut(number).unwrap();
        *value = (value.as_u64().unwrap() + 3).into();
    }
    let route = lines.iter_mut().find(|line| is_answered(line) && line["key"]["source"] == "sbc").unwrap();
    let value = route.pointer_mut("/value/calls/answered/live").unwrap();
    let held = value.as_u64().unwrap();
    *value = (held + 3).into();
    house.import(&lines);
    house.difference(&format!("outcome=\"answered\"}}: the ledger has {}, the files {held}\n", held + 3));
    // More may be what is gone.
    house.append("sbc/d.ndjson", &row::ndjson(&rows(20..25)));
    let daemon = house.serve();
    read(&daemon, 50 + 20 + 41 + 4 + 3 + 5);
    fs::write(house.path("sbc/d.ndjson"), row::ndjson(&rows(25..26))).unwrap();
    event(&daemon, "truncated");
    read(&daemon, 50 + 20 + 41 + 4 + 3 + 6);
    daemon.stop();
    let report = house.no_difference();
    let said = "source sbc: 2 files read again\n  8 more calls were counted than the files hold, which is no \
                difference: files of this source are gone since, or were written anew\n";
    assert!(report.contains(said), "{report}");
}

/// A copy that grows by itself holds calls that the file which was read furthest does not.
#[test]
fn what_only_a_copy_holds_is_no_difference() {
    let house = House::new("2KiB");
    house.append("sbc/a.ndjson", &row::ndjson(&rows(0..20)));
    let daemon = house.serve();
    read(&daemon, 20);
    fs::copy(house.path("sbc/a.ndjson"), house.path("sbc/b.ndjson")).unwrap();
    event(&daemon, "copied");
    house.append("sbc/a.ndjson", &row::ndjson(&rows(20..30)));
    read(&daemon, 30);
    daemon.stop();
    let report = house.no_difference();
    assert!(!report.contains("more calls"), "{report}");
    house.append("sbc/b.ndjson", &row::ndjson(&rows(30..33)));
    let daemon = house.serve();
    read(&daemon, 33);
    daemon.stop();
    let report = house.no_difference();
    assert!(
        report.contains("3 more calls were counted") && report.contains("a copy was written to"),
        "{report}"
    );
}

#[test]
fn a_store_in_use_is_refused() {
    let house = House::new("2KiB");
    let none = house.audit();
    assert!(none.code == Some(74) && none.stderr.contains("there is no store"), "{none:?}");
    let daemon = house.serve();
    daemon.wait_until_ready();
    let refused = house.audit();
    assert!(refused.code == Some(74) && refused.stderr.contains("loses nothing"), "{refused:?}");
    daemon.stop();
    let nothing = house.audit();
    let said = "nothing was compared: no file that was read is still there\n";
    assert!(nothing.code == Some(1) && nothing.stdout.ends_with(said), "{nothing:?}");
}

#[test]
fn to_compare_nothing_is_not_to_find_no_difference() {
    let house = House::filled();
    assert!(house.no_difference().ends_with("\n4 files compared: no difference\n"));
    let data = house.path("data").into_os_string();
    let graph = house.path("graph").into_os_string();
    let other = run(["audit".into(), graph, "--storage.path".into(), data]);
    let said = "nothing was read of the sources that were given (paths alone are the source `teams`); the store has \
                `csv`, `graph`, `sbc`.";
    assert!(other.code == Some(2) && other.stderr.contains(said), "{other:?}");
    for name in ["graph", "sbc", "csv"] {
        fs::remove_dir_all(house.path(name)).unwrap();
        fs::create_dir(house.path(name)).unwrap();
    }
    let nothing = house.audit();
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    assert!(nothing.stdout.contains("source graph: 0 files read again, 2 gone\n"), "{nothing:?}");
    assert!(nothing.stdout.ends_with("nothing was compared: no file that was read is still there\n"));
}

/// A file that came while the daemon was stopped was not counted, and is no difference.
#[test]
fn files_that_the_store_does_not_know_are_named() {
    let house = House::filled();
    house.append("graph/late.ndjson", &row::ndjson(&rows(900..905)));
    house.append("graph/empty.ndjson", "");
    house.append("graph/readme.txt", "no records\nof any format\n");
    let audit = house.audit();
    assert_eq!(audit.code, Some(0), "{audit:?}");
    let late = house.path("graph/late.ndjson");
    let said = format!("\n  {}: not read yet: serve reads it when it runs\n", late.display());
    assert!(audit.stdout.contains(&said) && audit.stdout.contains(", 1 not read yet\n"), "{audit:?}");
    assert!(audit.stdout.ends_with("\n4 files compared: no difference; 1 file not read yet\n"), "{audit:?}");
    let daemon = house.serve();
    read(&daemon, 50 + 20 + 41 + 4 + 5);
    daemon.stop();
    assert!(house.no_difference().ends_with("\n5 files compared: no difference\n"));
}

/// What was forgotten is still in the files: that is said, so that nobody looks for a fault.
#[test]
fn what_was_forgotten_is_told_apart_from_a_fault() {
    let house = House::filled();
    assert!(
        house
            .state(&["forget", "--source", "graph", "--trunk", "sbc2.contoso.com"])
            .status()
            .unwrap()
            .success()
    );
    house.difference(
        "\n  `state forget` took 20 calls and 0 causes of failed calls away, and the files still hold them",
    );
    assert!(house.state(&["forget", "--source", "sbc"]).status().unwrap().success());
    house.difference("\n  less was ever counted than the files hold: so it is after `state forget --source`");
}

/// What README and `--help` say of how far the text is compared.
#[test]
fn another_byte_is_seen_at_the_end_of_the_text_or_in_a_count() {
    let house = House::new("2KiB");
    house.append(
        "sbc/a.ndjson",
        &row::ndjson(&(0..100).map(|id| Row::failed(id, "a.b.example.com", ICE)).collect::<Vec<_>>()),
    );
    let daemon = house.serve();
    read(&daemon, 100);
    daemon.stop();
    let text = fs::read_to_string(house.path("sbc/a.ndjson")).unwrap();
    let change = |place: usize| {
        let changed = [&text[..place], "Z", &text[place + 1..]].concat();
        fs::write(house.path("sbc/a.ndjson"), changed).unwrap();
    };
    let [first, last] = [text.find("User"), text.rfind("User")].map(Option::unwrap);
    change(first);
    house.no_difference();
    change(last);
    house.difference("it holds other text");
}
