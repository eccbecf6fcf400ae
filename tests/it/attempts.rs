//! Calls of which a device writes several records: what they count as, and what `check`, `inspect` and `audit` say of them.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::tools::files::append;
use super::tools::{Daemon, Ended, run};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// A source `sbc`, whose files are those of a folder.
struct Source(TempDir);

impl Source {
    fn new(keys: &str) -> Self {
        let source = Self(TempDir::new().unwrap());
        fs::create_dir(source.path("cdr")).unwrap();
        let paths = source.path("cdr/*");
        let text = format!(
            "sources: [{{name: sbc, paths: ['{}'], {keys}}}]\nrescan_interval: 1s\nquiet: 1s\n",
            paths.display()
        );
        fs::write(source.path("c.yml"), text).unwrap();
        source
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        append(&self.path("cdr").join(name), text.as_bytes());
    }

    fn run(&self, command: &str, more: &[&str]) -> Ended {
        let config = self.path("c.yml");
        let arguments = [command, "--config.file", config.to_str().unwrap()];
        run(arguments.iter().chain(more))
    }

    fn serve(&self) -> Daemon {
        let (config, data) = (self.path("c.yml"), self.path("data"));
        Daemon::serve(["--config.file", config.to_str().unwrap(), "--storage.path", data.to_str().unwrap()])
    }
}

/// A line of Kamailio's `acc` module, so many seconds after nine.
fn acc(kind: &str, call: &str, code: u16, seconds: u32) -> String {
    let at = 1_730_797_200 + seconds;
    format!(
        "Nov  5 09:01:00 proxy kamailio[1]: NOTICE: acc [acc.c:279]: acc_log_request(): ACC: {kind}: timestamp={at};method=INVITE;\
         from_tag=a;to_tag=b;call_id={call}@x;code={code};reason=x;trunk=teams-1\n"
    )
}

fn sample(name: &str) -> String {
    fs::read_to_string(format!("{DATA}/{name}")).unwrap()
}

#[test]
fn nothing_that_counts_is_said_with_the_names_that_are_there() {
    for (keys, file, said) in [
        (
            "format: audiocodes, teams_side: ['Teems*']",
            "audiocodes/syslog.log",
            "none counts: no name of their sides is in `teams_side`; they have Carrier, Interface, Proxies, Teams",
        ),
        ("format: ribbon, teams_side: [TG_TEEMS]", "ribbon/1000001.ACT", "they have TG_PSTN, TG_TEAMS"),
        ("format: oracle, teams_side: [teems]", "oracle/cdr202411050900a", "they have "),
        ("format: asterisk, teams_side: [teems]", "asterisk/cdr-csv.Master.csv", "they have "),
        (
            "format: kamailio",
            "audiocodes/syslog.log",
            "as `kamailio` has them: by its beginning it is of the format `audiocodes`",
        ),
    ] {
        let source = Source::new(keys);
        source.append("a.log", &sample(file));
        let check = source.run("check", &[]);
        assert!(check.code == Some(1) && check.stdout.contains(said), "{keys}: {check:?}");
        let path = source.path("cdr/a.log");
        let inspect = source.run("inspect", &[path.to_str().unwrap()]);
        assert!(inspect.code == Some(1) && inspect.stderr.contains(said), "{keys}: {inspect:?}");
        // A file beside it that counts: calls that are not Teams' are nothing to mend.
        if file == "audiocodes/syslog.log" && keys.contains("Teems") {
            source.append("b.log", &sample(file).replace("(Teams)", "(Teems)"));
            let check = source.run("check", &[]);
            assert!(check.code == Some(0) && check.stdout.contains(said), "{check:?}");
        }
    }
}

/// What stands in the places of names is none, then: it may be anything.
#[test]
fn of_records_with_unknown_columns_no_sides_are_told() {
    let source = Source::new("format: audiocodes, teams_side: ['Teams*']");
    let record = "09:00:01 10.0.10.22 [S=1] |CALL_END |b:1 |LCL |Teams |x |503 |\n".repeat(3);
    source.append("a.log", &format!("{record}09:00:02 10.0.10.22 [S=2] |CALL_START |b:1 |x\n"));
    let check = source.run("check", &[]);
    assert!(check.code == Some(1) && check.stdout.contains("unknown_columns: "), "{check:?}");
    assert!(
        !check.stdout.contains("teams_side") && !check.stdout.contains("none of its records"),
        "{check:?}"
    );
}

/// The daemon says of a log what `check` says, once, and no name but those that operators give.
#[test]
fn the_daemon_says_once_of_a_log_that_none_of_its_calls_has_a_side_that_counts() {
    let said = "no name of their sides is in `teams_side`; they have Carrier, Interface, Proxies, Teams";
    let calls = sample("audiocodes/syslog.log").repeat(10);
    for (keys, lines) in [("teams_side: ['Teems*']", 1), ("teams_side: ['Teams*']", 0)] {
        let source = Source::new(&format!("format: audiocodes, {keys}"));
        let daemon = source.serve();
        daemon.wait_until_ready();
        let mut records = 0.0;
        for _ in 0..3 {
            source.append("a.log", &calls);
            daemon.wait_for_metrics("all of it", |metrics| {
                let read = metrics.sum("cdr_exporter_read_records_total", &[]);
                std::mem::replace(&mut records, read) < read
            });
        }
        let last = acc("call missed", "1", 480, 0).replace("acc", "debug");
        source.append("a.log", &format!("{last}|CALL_END |SBC\n"));
        daemon.wait_for_log("rejected: ");
        let log: Vec<String> = daemon.log().into_iter().filter(|line| line.contains(said)).collect();
        assert_eq!(log.len(), lines, "{keys}: {log:?}");
        daemon.stop();
    }
}

#[test]
fn the_daemon_says_of_a_log_that_two_devices_write_into_it() {
    let source = Source::new("exclude: []");
    let daemon = source.serve();
    daemon.wait_until_ready();
    source.append("a.log", &sample("audiocodes/syslog.log"));
    daemon.wait_for_metrics("the first device", |metrics| metrics.sum("cdr_calls_total", &[]) > 0.0);
    source.append("a.log", &acc("call missed", "1", 480, 0));
    daemon.wait_for_log(
        "read as `audiocodes`, though it seems to have records of kamailio, too, which are ignored",
    );
    daemon.stop();
}

/// Yesterday's file has the header of a customised record, today's has not.
#[test]
fn a_header_in_yesterdays_file_is_shown_for_the_config() {
    let titles = "SBCReportType |SessionId |SIPCallId |Orig |IPGroup |ConnectTime |ReleaseTime |Durat |SIPTrmReason |SIPTermDesc";
    let leg = "CALL_END |a:1:1 |q1@x |LCL |Teams | |09:01:30.000  UTC Tue Nov 05 2024 |0 |503 |";
    let before = "2024-11-05 09:01:00 local3.notice 10.0.10.11  [S=7] |";
    let source = Source::new("format: audiocodes, teams_side: ['Teams*']");
    source.append("sbc.log.1", &format!("{before}{titles}\n"));
    source.append("sbc.log", &format!("{before}{leg}\n"));
    let check = source.run("check", &[]);
    let titles = titles.replace(" |", ",");
    let layout = format!("layout: \"{titles}\"");
    assert!(check.stdout.contains("unknown_columns") && check.stdout.contains(&layout), "{check:?}");
    let with = Source::new(&format!("format: audiocodes, teams_side: ['Teams*'], {layout}"));
    with.append("sbc.log", &format!("{before}{leg}\n"));
    let check = with.run("check", &[]);
    assert!(check.code == Some(0) && check.stdout.contains("records: 1 counted"), "{check:?}");
}

#[test]
fn the_latest_attempt_decides_whichever_file_is_read_first() {
    let source = Source::new("format: kamailio");
    source.append("a.log.1", &acc("transaction answered", "1", 503, 10));
    source.append("a.log", &acc("transaction answered", "1", 486, 14));
    let [older, newer] =
        ["cdr/a.log.1", "cdr/a.log"].map(|name| source.path(name).to_str().unwrap().to_owned());
    for files in [[&*older, &*newer], [&*newer, &*older]] {
        let calls = source.run("inspect", &[files[0], files[1], "--calls"]);
        assert!(calls.stdout.contains("486") && !calls.stdout.contains("503"), "{calls:?}");
        let counted =
            source.run("inspect", &[files[0], files[1], "--threads", "1", "--output", "prometheus"]);
        let busy = counted.stdout.lines().find(|line| line.contains("outcome=\"busy\""));
        assert!(busy.is_some_and(|line| line.ends_with(" 1")), "{counted:?}");
    }
}

#[test]
fn an_answer_that_comes_late_counts_and_is_counted_once() {
    let source = Source::new("format: kamailio, attempts_within: 1s");
    let daemon = source.serve();
    daemon.wait_until_ready();
    source.append("acc.log", &acc("call missed", "1", 480, 0));
    daemon.wait_for_metrics("the call that nobody answered yet", |metrics| {
        metrics.sum("cdr_calls_total", &[("outcome", "failed")]) == 1.0
    });
    let answered = acc("transaction answered", "1", 200, 16);
    source.append("acc.log", &answered);
    let both = daemon.wait_for_metrics("its answer", |metrics| {
        metrics.sum("cdr_calls_total", &[("outcome", "answered")]) == 1.0
    });
    assert_eq!(both.sum("cdr_exporter_late_answers_total", &[]), 1.0);
    source.append("acc.log", &answered);
    source.append("acc.log", &acc("call missed", "1", 480, 0));
    let again = daemon.wait_for_metrics("two that came before", |metrics| {
        metrics.sum("cdr_exporter_records_total", &[("result", "duplicate")]) == 2.0
    });
    assert_eq!(again.sum("cdr_calls_total", &[]), 2.0);
    daemon.stop();
    let data = source.path("data");
    let audit = source.run("audit", &["--storage.path", data.to_str().unwrap()]);
    assert!(audit.code == Some(0) && audit.stdout.contains("label sets are not compared"), "{audit:?}");
}

#[test]
fn audit_finds_no_difference_where_calls_have_attempts() {
    let source = Source::new("format: kamailio");
    for call in ["1", "2", "3"] {
        source.append("acc.log", &acc("call missed", call, 503, 0));
        source.append("acc.log", &acc("transaction answered", call, 200, 3));
    }
    let daemon = source.serve();
    daemon.wait_for_metrics("three calls", |metrics| metrics.sum("cdr_calls_total", &[]) == 3.0);
    daemon.stop();
    let data = source.path("data");
    let audit = source.run("audit", &["--storage.path", data.to_str().unwrap()]);
    assert!(audit.code == Some(0) && audit.stdout.ends_with("1 file compared: no difference\n"), "{audit:?}");
    assert!(!audit.stdout.contains("not compared"), "label sets are the same: {audit:?}");
}

#[test]
fn audit_finds_no_difference_where_a_call_waits() {
    let source = Source::new("format: kamailio, attempts_within: 1h");
    let daemon = source.serve();
    daemon.wait_until_ready();
    source.append("acc.log", &acc("transaction answered", "1", 200, 0));
    source.append("acc.log", &acc("call missed", "2", 503, 0));
    daemon.wait_for_metrics("a call that waits", |metrics| {
        metrics.sum("cdr_exporter_pending_calls", &[]) == 1.0 && metrics.sum("cdr_calls_total", &[]) == 1.0
    });
    daemon.stop();
    let data = source.path("data");
    let audit = source.run("audit", &["--storage.path", data.to_str().unwrap()]);
    assert!(audit.code == Some(0) && audit.stdout.ends_with("1 file compared: no difference\n"), "{audit:?}");
}

/// What is published first is no increase. So nothing of it may be missing, or that shows as one.
#[test]
fn calls_of_the_past_that_failed_are_published_with_those_that_were_answered() {
    let source = Source::new("format: kamailio, attempts_within: 1h");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = u32::try_from(now - 1_730_797_200).unwrap();
    source.append("acc.log", &acc("transaction answered", "1", 200, 0));
    source.append("acc.log", &acc("call missed", "2", 486, 0));
    source.append("acc.log", &acc("call missed", "2", 503, 4));
    source.append("acc.log", &acc("call missed", "3", 503, now));
    let daemon = source.serve();
    daemon.wait_until_ready();
    let first = daemon.metrics();
    let calls = |outcome| first.sum("cdr_calls_total", &[("outcome", outcome)]);
    assert_eq!([calls("answered"), calls("failed"), calls("busy")], [1.0, 1.0, 0.0]);
    assert_eq!(first.sum("cdr_exporter_pending_calls", &[]), 1.0, "more may come of the last");
    source.append("acc.log", &acc("transaction answered", "3", 200, now));
    daemon.wait_for_metrics("its answer", |metrics| metrics.sum("cdr_calls_total", &[]) == 3.0);
}

/// As one that came from Teams and is sent back there: both of its legs are on Teams' side.
#[test]
fn a_call_from_teams_to_teams_counts_once_in_whatever_order_its_legs_end() {
    let text = sample("audiocodes/syslog.log");
    let to_teams = text.lines().find(|line| line.contains("|CALL_END|")).unwrap();
    let from_teams = [
        ("a1@10.0.2.11", "b1@52.114.75.24"),
        ("|LCL     |", "|RMT     |"),
        ("+14255550100@carrier.example.com", "+14255550100@sip.pstnhub.microsoft.com"),
    ];
    let from_teams = from_teams.iter().fold(to_teams.to_owned(), |line, (from, to)| line.replace(from, to));
    for legs in [[to_teams, &from_teams], [&from_teams, to_teams]] {
        let source = Source::new("format: audiocodes");
        source.append("a.log", &legs.map(|leg| format!("{leg}\n")).concat());
        let counted =
            source.run("inspect", &[source.path("cdr/a.log").to_str().unwrap(), "--output", "prometheus"]);
        let calls = counted
            .stdout
            .lines()
            .filter(|line| line.starts_with("cdr_calls_total") && !line.ends_with(" 0"));
        let calls: Vec<_> = calls.collect();
        assert!(
            calls.len() == 1 && calls[0].contains("\"outbound\"") && calls[0].ends_with(" 1"),
            "{calls:?}"
        );
    }
}

#[test]
fn a_log_is_known_by_records_that_come_late_and_named_where_it_has_none() {
    let debug = "09:00:00.001 10.0.10.11 local1.notice [S=1] INVITE sip:x@y SIP/2.0\n";
    let source = Source::new("exclude: []");
    source.append("sbc.log", &(debug.repeat(1500) + &sample("audiocodes/syslog.log")));
    source.append("other.log", &debug.repeat(5000));
    let check = source.run("check", &[]);
    assert!(check.stdout.contains("sbc.log\n    audiocodes, UTF-8"), "{check:?}");
    assert!(check.stdout.contains("name the device that writes it in `format`"), "{check:?}");
}

#[test]
fn a_log_of_several_devices_is_told_of() {
    let source = Source::new("exclude: []");
    source
        .append("mixed.log", &(sample("audiocodes/syslog.log") + &acc("transaction answered", "1", 503, 0)));
    let said = "read as `audiocodes`, though it seems to have records of kamailio, too";
    let check = source.run("check", &[]);
    assert!(check.stdout.contains(said), "{check:?}");
    let path = source.path("cdr/mixed.log");
    let inspect = source.run("inspect", &[path.to_str().unwrap()]);
    assert!(inspect.stderr.contains(said), "{inspect:?}");
}

#[test]
fn calls_are_listed_under_microsofts_correlation_id() {
    let guid = "5e19725b-7fad-4e89-bae3-dfc5df88bb96";
    for file in ["audiocodes/syslog.log", "kamailio/acc.log"] {
        let source = Source::new("exclude: []");
        source.append("a.log", &sample(file));
        let path = source.path("cdr/a.log");
        let calls = source.run("inspect", &[path.to_str().unwrap(), "--calls"]);
        assert!(calls.stdout.contains(guid), "{file}: {calls:?}");
        let daemon = source.serve();
        daemon.wait_until_ready();
        crate::tools::wait_until("an exemplar", || {
            let headers = [("accept", "application/openmetrics-text; version=1.0.0")];
            let shown = crate::tools::http::request(daemon.address(), "GET", "/metrics", &headers);
            shown.text().contains(&format!("correlation_id=\"{guid}\""))
        });
        daemon.stop();
    }
}

#[test]
fn a_device_and_microsoft_in_one_source_are_told_of() {
    let source = Source::new("exclude: []");
    source.append("a.log", &sample("audiocodes/syslog.log"));
    let row = "{\"id\":\"1\",\"successfulCall\":true,\"callEndSubReason\":0,\"finalSipCode\":0}\n";
    source.append("b.json", row);
    let check = source.run("check", &[]);
    assert!(check.stdout.contains("Make each a source of its own"), "{check:?}");
}
