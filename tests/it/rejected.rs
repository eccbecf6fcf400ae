//! Rejected records: written down masked, and counted once when they can be read after all.

use std::ffi::OsString;
use std::fs::{self};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use super::tools::files;
use super::tools::row::{self, Row};
use super::tools::{Daemon, Ended, Metrics, run};

const SBC: &str = "sbc1.contoso.com";

/// Records, a config and a store in one folder.
struct House(TempDir);

impl House {
    /// With this config for the source `teams`, and this limit on the length of records.
    fn new(source: &str, record_bytes: &str) -> Self {
        let house = Self(TempDir::new().unwrap());
        fs::create_dir(house.path("cdr")).unwrap();
        house.configure(source, record_bytes);
        house
    }

    fn configure(&self, source: &str, record_bytes: &str) {
        let paths = self.path("cdr");
        let text = format!(
            "sources:\n  - name: teams\n    paths: [{}]\n{source}limits:\n  record_bytes: {record_bytes}\n",
            paths.display()
        );
        fs::write(self.path("config.yml"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        files::append(&self.path(name), text.as_bytes());
    }

    fn arguments(&self) -> Vec<OsString> {
        let paths =
            [("--config.file", "config.yml"), ("--storage.path", "data"), ("--rejected.path", "rejected")];
        paths.into_iter().flat_map(|(flag, name)| [flag.into(), self.path(name).into_os_string()]).collect()
    }

    fn serve(&self) -> Daemon {
        Daemon::serve(self.arguments())
    }

    /// Serves until so many records are read and committed, and stops.
    fn read(&self, records: f64) -> Metrics {
        let daemon = self.serve();
        let metrics = daemon.wait_for_metrics("every record read", |metrics| {
            metrics.sum("cdr_exporter_read_records_total", &[]) == records
        });
        daemon.stop();
        metrics
    }

    fn replay(&self) -> Ended {
        run([vec!["replay".into()], self.arguments()].concat())
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("rejected")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn results(metrics: &Metrics) -> [f64; 4] {
    let of = |result| metrics.sum("cdr_exporter_records_total", &[("result", result)]);
    let results = ["counted", "duplicate", "header", "rejected"].map(of);
    assert_eq!(
        metrics.sum("cdr_exporter_read_records_total", &[]),
        results.iter().sum::<f64>() + of("ignored")
    );
    assert_eq!(metrics.sum("cdr_calls_total", &[]), results[0]);
    results
}

/// A row with a property that makes it as long as this, at the least.
fn long(row: &Row, length: usize) -> String {
    let json = row.json();
    format!("{{\"padding\":\"{}\",{}", "x".repeat(length), json.strip_prefix('{').unwrap())
}

#[test]
fn a_rejected_record_is_written_down_masked() {
    let house = House::new("", "2KiB");
    let personal = r#""userDisplayName":"Wanja Jwow","callerNumber":"+1 425 555 0100","x":"wjw@contoso.com""#;
    let bad_code =
        row::ndjson(&[Row::answered(2, SBC)]).replace("\"finalSipCode\":0", "\"finalSipCode\":\"n/a\"");
    let text = [
        row::ndjson(&[Row::answered(1, SBC)]),
        bad_code.replace(r#""userDisplayName":"User One""#, personal),
        format!("{{{personal},\n"),
        long(&Row::answered(3, SBC), 5000) + "\n",
    ]
    .concat();
    house.append("cdr/a.ndjson", &text);
    house.read(4.0);
    let lines = house.lines();
    // Times and lineages have any digits.
    let written = lines.iter().map(|line| line["record"].as_str().unwrap()).collect::<String>();
    for secret in ["Wanja", "Jwow", "425", "555", "0100", "wjw"] {
        assert!(!written.contains(secret), "{secret} in {written}");
    }
    let of = |name: &str| lines.iter().map(|line| line[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("reason"), ["bad_code", "bad_json", "too_long"]);
    let starts = [1, 2, 3].map(|line| text.split_inclusive('\n').take(line).map(str::len).sum::<usize>());
    assert_eq!(of("position"), starts);
    assert!(of("file").iter().all(|file| *file == house.path("cdr/a.ndjson").to_str().unwrap()));
    let record = lines[0]["record"].as_str().unwrap();
    for kept in [r#""finalSipCode":"x/x""#, r#""callEndSubReason":560000"#, SBC, "ByotOut"] {
        assert!(record.contains(kept), "{kept} in {record}");
    }
    assert_eq!(house.path("rejected").metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_fits_after_all_is_counted_once_ever() {
    let house = House::new("", "2KiB");
    let text = [
        row::ndjson(&[Row::answered(1, SBC)]),
        long(&Row::answered(2, SBC), 5000) + "\n",
        "{\"id\":\n".to_owned(),
        long(&Row::failed(3, SBC, (531_004, 410)), 400_000) + "\n",
        row::ndjson(&[Row::failed(4, SBC, (531_004, 410))]),
        // The same as the second, which is counted first.
        long(&Row::answered(2, SBC), 6000) + "\n",
    ]
    .concat();
    house.append("cdr/a.ndjson", &text);
    assert_eq!(results(&house.read(6.0)), [2.0, 0.0, 0.0, 4.0]);

    let unchanged = house.replay();
    assert_eq!(unchanged.code, Some(1), "{unchanged:?}");
    assert!(
        unchanged
            .stdout
            .ends_with("in all\n  1 still cannot be read: bad_json\n  3 still cannot be read: too_long\n")
    );

    house.configure("", "1MiB");
    let replayed = house.replay();
    assert_eq!(replayed.code, Some(1), "one is no JSON: {replayed:?}");
    let said = "in all\n  2 counted now\n  1 came again elsewhere and are counted already: duplicates\n  1 still \
                cannot be read: bad_json\n";
    assert!(replayed.stdout.ends_with(said), "{}", replayed.stdout);
    let again = house.replay();
    assert!(
        again
            .stdout
            .ends_with("in all\n  3 were counted by an earlier replay\n  1 still cannot be read: bad_json\n")
    );

    // Compressed, and the lines are there twice, as they are after a crash.
    fs::write(house.path("cdr/a.ndjson.gz"), files::gzip(text.as_bytes())).unwrap();
    let lines = fs::read_to_string(house.path("rejected")).unwrap();
    house.append("rejected", &lines);
    house.append("rejected", "{\"time\":\"2026-11");
    let daemon = house.serve();
    let name = "cdr_exporter_file_events_total";
    daemon.wait_for_metrics("the copy", |metrics| metrics.sum(name, &[("event", "copied")]) == 1.0);
    fs::remove_file(house.path("cdr/a.ndjson")).unwrap();
    let metrics =
        daemon.wait_for_metrics("the end", |metrics| metrics.sum(name, &[("event", "removed")]) == 1.0);
    assert_eq!(results(&metrics), [4.0, 1.0, 0.0, 4.0]);
    assert_eq!(metrics.sum("cdr_call_failures_total", &[("cause", "IceConnectivityChecksFailed")]), 2.0);
    daemon.stop();
    let again = house.replay();
    assert!(
        again
            .stdout
            .contains("in all\n  3 were counted by an earlier replay\n  1 still cannot be read: bad_json\n")
    );
    let cut = format!("\n{}: lines passed over: 1 cut off, by a crash", house.path("rejected").display());
    assert!(again.code == Some(1) && again.stdout.contains(&cut), "{}", again.stdout);
}

#[test]
fn a_line_that_a_crash_cut_takes_no_other_with_it() {
    let house = House::new("", "2KiB");
    house.append("cdr/a.ndjson", &(long(&Row::answered(1, SBC), 5000) + "\n"));
    house.read(1.0);
    // The crash: half a line, and what it is about was not committed.
    let line = fs::read_to_string(house.path("rejected")).unwrap();
    house.append("rejected", &line[..line.len() / 2]);
    house.append("cdr/a.ndjson", &(long(&Row::answered(2, SBC), 5000) + "\n"));
    house.read(2.0);
    house.configure("", "1MiB");
    let replayed = house.replay();
    assert!(replayed.stdout.ends_with("in all\n  2 counted now\n"), "{replayed:?}");
    assert!(replayed.code == Some(1) && replayed.stdout.contains("passed over: 1 cut off"), "{replayed:?}");
}

#[test]
fn a_file_of_another_kind_is_told_from_one_of_rejected_records() {
    let house = House::new("", "2KiB");
    house.append("cdr/a.ndjson", &row::ndjson(&[Row::answered(1, SBC)]));
    house.read(1.0);
    house.append("config.yml", "\n");
    for other in ["cdr/a.ndjson", "config.yml", "cdr"] {
        let flag = ["replay".into(), "--rejected.path".into(), house.path(other).into_os_string()];
        let replayed = run([flag.to_vec(), house.arguments()[..4].to_vec()].concat());
        let expected = "expected the file that serve writes with --rejected.path";
        assert!(replayed.code == Some(1) && replayed.stderr.contains(expected), "{other}: {replayed:?}");
        assert!(!replayed.stderr.contains("d1000000"), "no text of it is shown: {replayed:?}");
    }
}

#[test]
fn a_compressed_copy_will_do() {
    let house = House::new("", "2KiB");
    let text = row::ndjson(&[Row::answered(1, SBC)]) + &long(&Row::answered(2, SBC), 5000) + "\n";
    house.append("cdr/a.ndjson", &text);
    let daemon = house.serve();
    daemon.wait_for_metrics("both", |metrics| metrics.sum("cdr_exporter_read_records_total", &[]) == 2.0);
    fs::write(house.path("cdr/a.ndjson.gz"), files::gzip(text.as_bytes())).unwrap();
    fs::remove_file(house.path("cdr/a.ndjson")).unwrap();
    let name = "cdr_exporter_file_events_total";
    daemon.wait_for_metrics("a copy", |metrics| metrics.sum(name, &[("event", "copied")]) == 1.0);
    daemon.wait_for_metrics("the end", |metrics| metrics.sum(name, &[("event", "removed")]) == 1.0);
    daemon.stop();
    house.configure("", "1MiB");
    let replayed = house.replay();
    assert_eq!(
        (replayed.code, replayed.stdout.ends_with("in all\n  1 counted now\n")),
        (Some(0), true),
        "{replayed:?}"
    );
    assert_eq!(results(&house.read(3.0)), [2.0, 0.0, 0.0, 1.0]);
}

#[test]
fn a_format_given_wrongly_is_mended() {
    let house = House::new("    format: graph\n    remember: 0s\n", "1MiB");
    house.append(
        "cdr/a.csv",
        "CorrelationId,Success,Final SIP code,Caller Number\na,No,410,+1425555****\nb,Yes,0,\n",
    );
    assert_eq!(results(&house.read(3.0)), [0.0, 0.0, 0.0, 3.0]);
    house.configure("    remember: 0s\n", "1MiB");
    let replayed = house.replay();
    let said = "in all\n  3 are not read yet; the daemon reads them when it goes on\n";
    assert!(replayed.code == Some(1) && replayed.stdout.ends_with(said), "{replayed:?}");
    assert_eq!(results(&house.read(6.0)), [2.0, 0.0, 1.0, 3.0]);
    let replayed = house.replay();
    let said = "in all\n  3 are in files that were read anew since; what those hold is counted\n";
    assert!(replayed.code == Some(0) && replayed.stdout.ends_with(said), "{replayed:?}");
    assert_eq!(results(&house.read(6.0)), [2.0, 0.0, 1.0, 3.0]);
}

#[test]
fn what_is_gone_or_not_read_yet_is_said() {
    let house = House::new("", "2KiB");
    house.append(
        "cdr/a.ndjson",
        &(long(&Row::answered(1, SBC), 5000) + "\n" + &row::ndjson(&[Row::answered(2, SBC)])),
    );
    house.append(
        "cdr/b.ndjson",
        &(long(&Row::answered(3, SBC), 5000) + "\n" + &row::ndjson(&[Row::answered(4, SBC)])),
    );
    house.read(4.0);
    // A line that was written before a crash; what it is about was not committed.
    let ahead = house.lines().into_iter().find(|line| line["file"].as_str().unwrap().ends_with("a.ndjson"));
    let mut ahead = ahead.unwrap();
    ahead["position"] = 1_000_000.into();
    house.append("rejected", &format!("{ahead}\n"));
    fs::write(house.path("cdr/b.ndjson"), row::ndjson(&[Row::answered(5, SBC)]).repeat(30)).unwrap();
    house.configure("", "1MiB");
    let replayed = house.replay();
    assert_eq!(replayed.code, Some(1));
    let said = "in all\n  1 counted now\n  1 are not read yet; the daemon reads them when it goes on\n  1 gone: the \
                file is gone, or written anew\n";
    assert!(replayed.stdout.ends_with(said), "{}", replayed.stdout);
}

#[test]
fn a_replay_needs_a_store_of_its_own_and_a_file() {
    let house = House::new("", "2KiB");
    assert_eq!(house.replay().code, Some(1), "there is no file");
    house.append("rejected", "");
    assert_eq!(house.replay().code, Some(74), "there is no store");
    let daemon = house.serve();
    daemon.wait_until_ready();
    let refused = house.replay();
    assert!(refused.code == Some(74) && refused.stderr.contains("Stop that one first"), "{refused:?}");
    daemon.stop();
    let replayed = house.replay();
    assert_eq!((replayed.code, replayed.stdout.as_str()), (Some(0), "in all\n  no rejected record\n"));
}

#[test]
fn a_file_that_can_no_longer_be_written_stops_nothing() {
    let house = House::new("", "2KiB");
    let daemon = house.serve();
    daemon.wait_until_ready();
    fs::remove_file(house.path("rejected")).unwrap();
    fs::create_dir(house.path("rejected")).unwrap();
    house.append("cdr/a.ndjson", &("{\"id\":\n".to_owned() + &row::ndjson(&[Row::answered(2, SBC)])));
    daemon.wait_for_metrics("both", |metrics| metrics.sum("cdr_exporter_read_records_total", &[]) == 2.0);
    house.append("cdr/a.ndjson", &("{\"id\":\n".to_owned() + &row::ndjson(&[Row::answered(3, SBC)])));
    let metrics =
        daemon.wait_for_metrics("all", |metrics| metrics.sum("cdr_exporter_read_records_total", &[]) == 4.0);
    assert_eq!(results(&metrics), [2.0, 0.0, 0.0, 2.0]);
    let log = daemon.stop();
    assert_eq!(
        log.iter().filter(|line| line.contains("cannot write rejected records")).count(),
        1,
        "{log:?}"
    );
}

#[test]
fn what_takes_the_place_of_the_file_while_it_is_written_is_left_alone() {
    for kind in ["fifo", "symbolic link", "hard link", "folder of the store"] {
        let house = House::new("", "2KiB");
        fs::create_dir(house.path("log")).unwrap();
        let mut arguments = house.arguments();
        *arguments.last_mut().unwrap() = house.path("log/rejected").into();
        let daemon = Daemon::serve(arguments);
        daemon.wait_until_ready();
        let (at, victim) = (house.path("log/rejected"), house.path("victim"));
        fs::write(&victim, "victim").unwrap();
        fs::remove_file(&at).unwrap();
        match kind {
            "fifo" => {
                let (kind, mode) =
                    (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR);
                rustix::fs::mknodat(rustix::fs::CWD, &at, kind, mode, 0).unwrap();
            }
            "symbolic link" => std::os::unix::fs::symlink(&victim, &at).unwrap(),
            "hard link" => fs::hard_link(&victim, &at).unwrap(),
            _ => {
                fs::remove_dir(house.path("log")).unwrap();
                std::os::unix::fs::symlink(house.path("data"), house.path("log")).unwrap();
            }
        }
        for records in [2.0, 4.0] {
            house.append("cdr/a.ndjson", &("{\"id\":\n".to_owned() + &row::ndjson(&[Row::answered(2, SBC)])));
            daemon.wait_for_metrics("both", |metrics| {
                metrics.sum("cdr_exporter_read_records_total", &[]) == records
            });
        }
        let log = daemon.stop();
        let said = log.iter().filter(|line| line.contains("cannot write rejected records")).count();
        assert_eq!((said, fs::read_to_string(&victim).unwrap().as_str()), (1, "victim"), "{kind}: {log:?}");
        let store: Vec<_> =
            fs::read_dir(house.path("data")).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert!(!store.contains(&"rejected".into()), "{kind}: {store:?}");
    }
}

#[test]
fn a_file_that_cannot_be_used_stops_the_start() {
    let house = House::new("", "2KiB");
    fs::create_dir(house.path("data")).unwrap();
    fs::create_dir(house.path("folder")).unwrap();
    std::os::unix::fs::symlink(house.path("data"), house.path("link")).unwrap();
    let regular = "it is no regular file";
    let store = "it is in the folder of the store";
    for (path, expected) in [
        ("absent/rejected", "No such file or directory (os error 2); name a file in a folder that is there"),
        ("folder", regular),
        ("/dev/null", regular),
        ("data/rejected", store),
        ("data/later/rejected", store),
        ("link/rejected", store),
        ("config.yml/rejected", "Not a directory"),
    ] {
        let path = house.path(path);
        let mut arguments = house.arguments();
        *arguments.last_mut().unwrap() = path.clone().into();
        let refused = run([vec!["serve".into()], arguments].concat());
        assert_eq!(refused.code, Some(64), "{refused:?}");
        let named = format!("cdr-exporter serve: --rejected.path {}: ", path.display());
        assert!(refused.stderr.starts_with(&named) && refused.stderr.contains(expected), "{refused:?}");
    }
    let alone = run(["serve", house.0.path().to_str().unwrap(), "--rejected.size", "1MiB"]);
    assert!(alone.code == Some(2) && alone.stderr.contains("--rejected.path <FILE>"), "{alone:?}");
}

#[test]
fn crashes_leave_no_rejection_without_its_line() {
    let house = House::new("", "2KiB");
    house.append("cdr/a.ndjson", &row::ndjson(&[Row::answered(0, SBC)]));
    let read = |daemon: &Daemon, records: f64| {
        daemon.wait_for_metrics("some records", |metrics| {
            metrics.sum("cdr_exporter_read_records_total", &[]) >= records
        })
    };
    for round in 0..15_u32 {
        let daemon = house.serve();
        read(&daemon, f64::from(1 + 20 * round));
        for id in 0..20 {
            house.append("cdr/a.ndjson", &(long(&Row::answered(1 + 20 * round + id, SBC), 2500) + "\n"));
        }
        // In the middle of it, or just before or after a commit.
        read(&daemon, f64::from(1 + 20 * round + round % 4));
        daemon.kill();
    }
    let metrics = house.read(301.0);
    assert_eq!(results(&metrics), [1.0, 0.0, 0.0, 300.0]);
    let positions: std::collections::BTreeSet<u64> =
        house.lines().iter().map(|line| line["position"].as_u64().unwrap()).collect();
    assert_eq!(positions.len(), 300);
    house.configure("", "1MiB");
    let replayed = house.replay();
    assert!(
        replayed.code == Some(0) && replayed.stdout.ends_with("in all\n  300 counted now\n"),
        "{replayed:?}"
    );
    assert_eq!(results(&house.read(601.0)), [301.0, 0.0, 0.0, 300.0]);
}

#[test]
fn a_file_that_a_source_reads_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for read in [path(""), path("*.jsonl"), path("*.1")] {
        let ended = run(["serve", &read, "--rejected.path", &path("rejected.jsonl")]);
        // Both stand on the command line.
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains("is among the files of source `teams`"), "{}", ended.stderr);
    }
}

#[test]
fn a_record_that_was_finished_late_is_not_counted_by_a_replay() {
    let house = House::new("    remember: 0s\n", "2KiB");
    house.append("config.yml", "quiet: 200ms\nunfinished_after: 1s\n");
    let text = row::ndjson(&[Row::answered(1, SBC), Row::answered(2, SBC)]);
    let (begun, end) = text.split_at(text.len() - 50);
    house.append("cdr/a.ndjson", begun);
    assert_eq!(results(&house.read(2.0)), [1.0, 0.0, 0.0, 1.0]);
    house.append("cdr/a.ndjson", end);
    assert_eq!(results(&house.read(3.0)), [2.0, 0.0, 0.0, 1.0]);
    let replay = house.replay();
    assert!(
        replay.stdout.contains("lines passed over: 1 about a record that was not finished"),
        "{replay:?}"
    );
    assert_eq!(replay.code, Some(0));
    assert_eq!(results(&house.read(3.0)), [2.0, 0.0, 0.0, 1.0]);
}
