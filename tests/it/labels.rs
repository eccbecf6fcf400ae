//! What records bring as labels: how much of it is shown, and how it is taken away again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::tools::row::{self, Row};
use super::tools::{Daemon, Ended, Labels, Metrics, run_in};

/// Far more than `limits.unlisted_per_source`.
const PAIRS: u32 = 20_000;

/// Rows of calls with as many code pairs, none of them in the catalogue.
fn many_pairs() -> String {
    let row = |number: u32| Row::failed(number, "sbc1.contoso.com", (900_000 + u64::from(number), 599));
    row::ndjson(&(0..PAIRS).map(row).collect::<Vec<_>>())
}

#[test]
fn a_file_of_many_code_pairs_takes_no_room_from_an_sbc_that_comes_later() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.ndjson"), many_pairs()).unwrap();
    let later = [
        Row::failed(PAIRS, "sbc2.contoso.com", (531_004, 410)),
        Row::failed(PAIRS + 1, "sbc2.contoso.com", (900_000, 598)),
    ];
    fs::write(folder.path().join("b.ndjson"), row::ndjson(&later)).unwrap();
    let ended = run_in(
        folder.path(),
        ["inspect", "--threads", "1", "--output", "prometheus", "a.ndjson", "b.ndjson"],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let metrics = Metrics::parse(&ended.stdout);
    let failures = |trunk: &str, cause: &str| {
        metrics.sum("cdr_call_failures_total", &[("trunk", trunk), ("cause", cause)])
    };
    let [first, later] = ["sbc1.contoso.com", "sbc2.contoso.com"];
    assert_eq!((failures(first, "Unlisted"), failures(first, "other")), (5_000.0, 15_000.0));
    assert_eq!(failures(later, "IceConnectivityChecksFailed"), 1.0, "a cause of the catalogue fits");
    assert_eq!((failures(later, "Unlisted"), failures(later, "other")), (0.0, 1.0));
    // Each failed row of the catalogue stands there at 0, for the new SBC as for the first.
    let series = metrics.series("cdr_call_failures_total");
    let zeros = |trunk: &str| {
        series.iter().filter(|(labels, value)| labels["trunk"] == trunk && **value == 0.0).count()
    };
    assert_eq!(zeros(later) + 1, zeros(first));
}

/// A daemon over a folder of its own, with a config that leaves little room.
struct House(TempDir);

const CONFIG: &str = "sources:
- {name: teams, paths: ['cdr/*.ndjson']}
- {name: old, paths: ['old/*.ndjson']}
limits: {unlisted_per_source: 3}
rescan_interval: 1s
";

impl House {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("cdr")).unwrap();
        fs::create_dir(folder.path().join("old")).unwrap();
        fs::write(folder.path().join("config.yml"), CONFIG).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, rows: &[Row]) {
        fs::write(self.0.path().join(name), row::ndjson(rows)).unwrap();
    }

    fn serve(&self) -> Daemon {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        command.args(["serve", "--config.file", "config.yml", "--web.listen-address", "127.0.0.1:0"]);
        Daemon::of(command.current_dir(self.0.path()))
    }

    /// Runs the daemon until it has counted so many calls in all; returns what it shows then.
    fn counted(&self, calls: f64) -> Metrics {
        let daemon = self.serve();
        daemon.wait_until_ready();
        let metrics = daemon
            .wait_for_metrics("the calls counted", |metrics| metrics.sum("cdr_calls_total", &[]) == calls);
        daemon.stop();
        metrics
    }

    fn audit(&self) -> Ended {
        run_in(self.0.path(), ["audit", "--config.file", "config.yml"])
    }

    fn forget(&self, arguments: &[&str]) -> Ended {
        run_in(self.0.path(), ["state", "forget"].iter().chain(arguments))
    }
}

/// Every series of calls and every counter of a source, without those whose labels have this value.
fn all_but(metrics: &Metrics, value: &str) -> BTreeMap<Labels, f64> {
    let mut all = BTreeMap::new();
    for name in ["cdr_calls_total", "cdr_call_failures_total", "cdr_exporter_records_total"] {
        for (mut labels, count) in metrics.series(name) {
            if !labels.values().any(|label| label == value) {
                labels.insert("__name__".to_owned(), name.to_owned());
                all.insert(labels, count);
            }
        }
    }
    all
}

fn shows(metrics: &Metrics, value: &str) -> bool {
    let names = ["cdr_calls_total", "cdr_call_failures_total", "cdr_call_duration_seconds_count"];
    names
        .iter()
        .any(|name| metrics.series(name).keys().any(|labels| labels.values().any(|label| label == value)))
}

const SBC: &str = "sbc1.contoso.com";
const GONE: &str = "sbc2.contoso.com";

#[test]
fn a_trunk_that_is_forgotten_is_gone_and_all_else_is_exact() {
    let house = House::new();
    let rows = [
        Row::answered(1, SBC),
        Row::failed(2, SBC, (531_004, 410)),
        Row::answered(3, GONE),
        Row::failed(4, GONE, (531_004, 410)).inbound(),
    ];
    house.write("cdr/a.ndjson", &rows);
    let before = house.counted(4.0);
    let ended = house.forget(&["--trunk", GONE]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("forgotten: 2 routes, "), "{}", ended.stderr);
    let after = house.counted(2.0);
    assert!(shows(&before, GONE) && !shows(&after, GONE));
    assert_eq!(
        all_but(&after, GONE),
        all_but(&before, GONE),
        "nothing else changes, and nothing is read anew"
    );
    assert_eq!(after.value("cdr_exporter_forgotten_calls_total", &[("source", "teams")]), Some(2.0));
    assert_eq!(after.sum("cdr_exporter_forgotten_causes_total", &[]), 0.0, "their calls went with them");
    // It begins at 0 if it comes again. The same rows do not.
    house.write("cdr/b.ndjson", &[rows[2].clone(), Row::answered(5, GONE)]);
    let again = house.counted(3.0);
    assert_eq!(again.sum("cdr_calls_total", &[("trunk", GONE)]), 1.0);

    let ended = house.forget(&["--trunk", "sbc3.contoso.com"]);
    assert_eq!(ended.code, Some(1));
    let known = format!("there is no such trunk; the store has the trunks `{SBC}`, `{GONE}`");
    assert!(ended.stderr.contains(&known), "{}", ended.stderr);
    assert_eq!(
        house.forget(&["--trunk", SBC, "--source", "old"]).code,
        Some(1),
        "only where it is asked for"
    );
    assert_eq!(house.forget(&[]).code, Some(2), "what?");
}

#[test]
fn what_unlisted_failures_took_of_their_limit_is_free_once_they_are_forgotten() {
    let house = House::new();
    let unlisted = |id: u32| Row::failed(id, SBC, (900_000 + u64::from(id), 599));
    let rows: Vec<Row> = (1..=5).map(unlisted).chain([Row::failed(6, SBC, (531_004, 410))]).collect();
    house.write("cdr/a.ndjson", &rows);
    let before = house.counted(6.0);
    let failures =
        |metrics: &Metrics, cause: &str| metrics.sum("cdr_call_failures_total", &[("cause", cause)]);
    assert_eq!((failures(&before, "Unlisted"), failures(&before, "other")), (3.0, 2.0));
    assert_eq!(before.sum("cdr_exporter_series_overflow_total", &[]), 2.0, "calls, as its help says");
    let ended = house.forget(&["--unlisted"]);
    assert!(ended.stderr.contains("forgotten: 0 routes, 4 counters of failed calls\n"), "{}", ended.stderr);
    house.write("cdr/b.ndjson", &[unlisted(7)]);
    let after = house.counted(7.0);
    assert_eq!((failures(&after, "Unlisted"), failures(&after, "other")), (1.0, 0.0));
    assert_eq!(failures(&after, "IceConnectivityChecksFailed"), 1.0);
    assert_eq!(after.sum("cdr_calls_total", &[("outcome", "failed")]), 7.0, "the calls themselves stay");
    assert_eq!(after.sum("cdr_exporter_forgotten_causes_total", &[]), 5.0);
    assert_eq!(after.sum("cdr_exporter_forgotten_calls_total", &[]), 0.0);
    let audit = house.audit();
    assert!(audit.stdout.ends_with(": no difference\n"), "its books balance: {}", audit.stdout);
}

#[test]
fn a_source_that_is_forgotten_is_gone_and_its_files_stay_read() {
    let house = House::new();
    house.write("cdr/a.ndjson", &[Row::answered(1, SBC)]);
    house.write("old/a.ndjson", &[Row::answered(2, GONE), Row::failed(3, GONE, (531_004, 410))]);
    let before = house.counted(3.0);
    assert_eq!(house.forget(&["--source", "old"]).code, Some(0));
    // The config still has it: it begins at 0, and what was read of its files is not read again.
    let after = house.counted(1.0);
    assert_eq!(all_but(&after, "old"), all_but(&before, "old"));
    assert_eq!(after.sum("cdr_exporter_read_bytes_total", &[("source", "old")]), 0.0);
    house.write("old/b.ndjson", &[Row::answered(2, GONE), Row::answered(4, GONE)]);
    let again = house.counted(2.0);
    assert_eq!(
        again.value("cdr_exporter_records_total", &[("source", "old"), ("result", "duplicate")]),
        Some(1.0)
    );
    // The config has it no more: nothing of it is shown.
    assert_eq!(house.forget(&["--source", "old"]).code, Some(0));
    let config = CONFIG.replace("- {name: old, paths: ['old/*.ndjson']}\n", "");
    fs::write(house.0.path().join("config.yml"), config).unwrap();
    let gone = house.counted(1.0);
    assert_eq!(all_but(&gone, "old"), all_but(&gone, "nothing"), "not even its own counters");
}

#[test]
fn what_the_operator_did_not_name_is_shown_as_hidden() {
    let house = House::new();
    let trunks = [
        SBC,
        "SBC1.contoso.com",
        "jane.secret.person",
        "secretperson.de",
        "sbc1.fabrikam.com",
        "user.one",
        "",
    ];
    let rows: Vec<Row> = (1..).zip(trunks).map(|(id, trunk)| Row::answered(id, trunk)).collect();
    house.write("cdr/a.ndjson", &rows);
    let config = CONFIG.replace(
        "'cdr/*.ndjson']",
        "'cdr/*.ndjson'], trunks: {only: ['*.contoso.com'], names: [{match: '.+', name: all}]}",
    );
    fs::write(house.0.path().join("config.yml"), &config).unwrap();
    let metrics = house.counted(7.0);
    let calls = |trunk: &str| metrics.sum("cdr_calls_total", &[("trunk", trunk)]);
    assert_eq!((calls("all"), calls("hidden"), calls("")), (2.0, 4.0, 1.0));
    let series = metrics.series("cdr_calls_total").into_keys();
    let trunks: BTreeSet<String> = series.map(|labels| labels["trunk"].clone()).collect();
    assert_eq!(trunks, ["", "all", "hidden"].map(str::to_owned).into());
}

#[test]
fn a_first_start_and_check_propose_what_to_let_through() {
    let house = House::new();
    house.write(
        "cdr/a.ndjson",
        &[Row::answered(1, SBC), Row::answered(2, GONE), Row::answered(3, "fabrikam.com")],
    );
    let config = "trunks: {only: ['*.contoso.com', 'fabrikam.com']}";
    let said = |daemon: Daemon| {
        daemon
            .stop()
            .iter()
            .any(|line| line.contains("every trunk that records name is shown") && line.contains(config))
    };
    let daemon = house.serve();
    daemon.wait_for_log("every trunk that records name is shown");
    assert!(said(daemon));
    let daemon = house.serve();
    daemon.wait_until_ready();
    assert!(!said(daemon), "at the first start only");
    let checked = run_in(house.0.path(), ["check", "--config.file", "config.yml"]);
    assert!(checked.stdout.contains(config), "{}", checked.stdout);
}
