//! Each device's files as the device writes, renames and rotates them, through the daemon.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::tools::files::append;
use super::tools::{Daemon, Metrics};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// A folder that a device writes into, and a daemon that reads it.
struct Device {
    folder: TempDir,
    daemon: Daemon,
}

impl Device {
    /// `keys` are those of the source beside its name and its paths, which are all files of the folder.
    fn new(keys: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let cdr = folder.path().join("cdr");
        fs::create_dir(&cdr).unwrap();
        let config = folder.path().join("config.yml");
        let paths = format!("{}/**", cdr.display());
        let text = format!(
            "sources: [{{name: sbc, paths: ['{paths}'], attempts_within: 1s, {keys}}}]\nrescan_interval: 1s\nquiet: 1s\n"
        );
        fs::write(&config, text).unwrap();
        let daemon = Daemon::serve(["--config.file", config.to_str().unwrap()]);
        daemon.wait_until_ready();
        Self { folder, daemon }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("cdr").join(name)
    }

    fn append(&self, name: &str, text: &str) {
        append(&self.path(name), text.as_bytes());
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Waits until so many calls with these labels are counted, and no record is rejected; returns what it shows then.
    fn counted(&self, calls: f64, labels: &[(&str, &str)]) -> Metrics {
        let metrics = self.daemon.wait_for_metrics(&format!("{calls} calls with {labels:?}"), |metrics| {
            metrics.sum("cdr_calls_total", labels) == calls
        });
        let rejected = metrics.sum("cdr_exporter_records_total", &[("result", "rejected")]);
        assert_eq!(rejected, 0.0, "none is rejected:\n{}", self.daemon.log().join("\n"));
        metrics
    }
}

fn sample(name: &str) -> String {
    fs::read_to_string(format!("{DATA}/{name}")).unwrap()
}

#[test]
fn oracle_renames_a_file_once_it_is_whole() {
    let device = Device::new("format: oracle, teams_side: [teams*]");
    let text = sample("oracle/cdr202411050900a");
    let (first, rest) = text.split_at(text.len() / 2);
    device.append("temp-cdr202411050900a", first);
    device.daemon.wait_for_metrics("a file that is left alone", |metrics| {
        metrics.sum("cdr_exporter_files", &[("state", "ignored")]) == 1.0
    });
    device.append("temp-cdr202411050900a", rest);
    device.rename("temp-cdr202411050900a", "cdr202411050900a");
    device.counted(5.0, &[]);
    device.append("temp-cdr202411051000a", &text.replace("@192.0.2.9", "@192.0.2.10"));
    device.rename("temp-cdr202411051000a", "cdr202411051000a");
    device.counted(10.0, &[]);
    device.counted(6.0, &[("direction", "outbound"), ("trunk", "teams")]);
    let metrics = device.counted(4.0, &[("direction", "inbound"), ("trunk", "teams")]);
    let failures = |code| metrics.sum("cdr_call_failures_total", &[("microsoft_code", code)]);
    assert_eq!((failures("560403"), failures("10037")), (2.0, 2.0), "named by rule, and by phrase");
    device.daemon.stop();
}

#[test]
fn oracle_by_the_operators_own_layout() {
    let folder = TempDir::new().unwrap();
    let layout = folder.path().join("layout.csv");
    let text = sample("oracle/with_names.csv");
    let (names, records) = text.split_once('\n').unwrap();
    fs::write(&layout, names).unwrap();
    let device = Device::new(&format!("format: oracle, layout: '{}'", layout.display()));
    device.append("temp-cdr202411050900a", records);
    device.rename("temp-cdr202411050900a", "cdr202411050900a");
    device.counted(1.0, &[("outcome", "declined")]);
    device.counted(1.0, &[("outcome", "failed")]);
    device.daemon.stop();
}

#[test]
fn freeswitch_writes_a_document_a_leg() {
    let device = Device::new("format: freeswitch_xml");
    let (refused, answered) =
        (sample("freeswitch_xml/refused_by_teams.cdr.xml"), sample("freeswitch_xml/both_legs.xml"));
    let end = answered.find("</cdr>").unwrap() + "</cdr>\n".len();
    let (a_leg, b_leg) = answered.split_at(end);
    // It may be seen while it is being written.
    let (begin, rest) = refused.split_at(refused.len() / 2);
    device.append("a_1.cdr.xml", begin);
    device.append("a_3.cdr.xml", a_leg);
    device.counted(1.0, &[("outcome", "answered")]);
    device.append("a_1.cdr.xml", rest);
    device.append("4.cdr.xml", b_leg);
    device.counted(1.0, &[("outcome", "failed")]);
    device.daemon.wait_for_metrics("the B leg left alone", |metrics| {
        metrics.sum("cdr_exporter_records_total", &[("result", "ignored")]) == 1.0
    });
    device.counted(2.0, &[]);
    device.daemon.stop();
}

#[test]
fn freeswitch_renames_master_csv_and_writes_each_account_its_own() {
    let template = r#""${uuid}","${sip_gateway_name}","${answer_stamp}","${end_stamp}","${sip_invite_failure_status}","${sip_reason}""#;
    let keys = format!("format: freeswitch_csv, layout: '{template}', teams_side: [teams]");
    let device = Device::new(&keys);
    let refused = r#""1","teams","","2024-11-05 09:00:20","403","Q.850;cause=21;text="Call Rejected"""#;
    let answered = r#""2","teams","2024-11-05 09:00:05","2024-11-05 09:00:20","","""#;
    device.append("Master.csv", &format!("{refused}\n"));
    device.append("account.csv", &format!("{refused}\n"));
    device.counted(1.0, &[("outcome", "failed"), ("direction", "outbound"), ("trunk", "teams")]);
    device.rename("Master.csv", "Master.csv.2024-11-05-10-00-00");
    device.append("Master.csv", &format!("{answered}\n"));
    device.counted(1.0, &[("outcome", "answered")]);
    let metrics = device.counted(2.0, &[]);
    assert_eq!(metrics.sum("cdr_call_failures_total", &[("microsoft_code", "560403")]), 1.0);
    device.daemon.stop();
}

#[test]
fn audiocodes_renames_current_when_it_rotates() {
    let device = Device::new("format: audiocodes, teams_side: [Teams]");
    let text = sample("audiocodes/CDR_24.11.05-14.20.02_00010.csv");
    let (first, rest) = text.split_at(text.len() / 2);
    device.append("Current", first);
    device.daemon.wait_for_metrics("the header row", |metrics| {
        metrics.sum("cdr_exporter_records_total", &[("result", "header")]) == 1.0
    });
    device.append("Current", rest);
    device.counted(3.0, &[("trunk", "teams")]);
    device.rename("Current", "CDR_24.11.05-14.20.02_00010.csv");
    device.append("Current", &text.replace("c62532", "c62533"));
    device.counted(6.0, &[("trunk", "teams")]);
    device.daemon.stop();
}

/// An SBC Core and a router close a file and open one with another name; Asterisk and a syslog server have theirs renamed. What was
/// written in two pieces, and what comes after the rotation with other ids, counts once.
#[test]
fn what_these_devices_write_counts_once_as_they_rotate() {
    for (keys, text, calls, names, ids) in [
        (
            "format: ribbon, teams_side: ['TG_TEAMS*']",
            sample("ribbon/1000001.ACT"),
            3.0,
            ["1000001.ACT", "1000001.ACT", "1000002.ACT"],
            ["0x000", "0x100"],
        ),
        (
            "format: asterisk",
            sample("asterisk/cdr-csv.Master.csv"),
            4.0,
            ["Master.csv", "Master.csv.1", "Master.csv"],
            ["173079", "183079"],
        ),
        (
            "format: kamailio",
            sample("kamailio/acc.log"),
            3.0,
            ["acc.log", "acc.log.1", "acc.log"],
            ["call_id=c", "call_id=d"],
        ),
        (
            "format: opensips",
            sample("kamailio/opensips_cdr.log"),
            3.0,
            ["acc.log", "acc.log.1", "acc.log"],
            ["call_id=", "call_id=d"],
        ),
        (
            "format: cube",
            sample("cube/cdr.router.11_05_2024_09_00_00.000"),
            4.0,
            ["cdr.router.09_00", "cdr.router.09_00", "cdr.router.10_00"],
            ["9364550F", "9364550E"],
        ),
    ] {
        counts_once_as_it_rotates(keys, &text, calls, names, ids);
    }
}

/// As a syslog server or logrotate renames them.
#[test]
fn what_a_mapping_reads_counts_once_as_it_rotates() {
    for (keys, text, calls, names, ids) in [
        (
            "format: csv, fields: {id: Call, sip_code: Code, trunk: Route}",
            "Call,Code,Route\nc1,486,teams\nc2,503,teams\nc1,486,teams\nc3,200,\"te\nams\"\n".to_owned(),
            3.0,
            ["calls.csv", "calls.csv.1", "calls.csv"],
            ["\nc", "\nd"],
        ),
        (
            "format: json, records_in: [], fields: {id: id, sip_code: /end/code}",
            "{\"id\":\"c1\",\"items\":[1],\"end\":{\"code\":486}}\n{\"id\":\"c2\",\"end\":{\"code\":503}}\n".repeat(2),
            2.0,
            ["calls.json", "calls-20241105.json", "calls.json"],
            [":\"c", ":\"d"],
        ),
        (
            "format: regex, patterns: ['id=(?<id>\\w+) code=(?<code>\\d{3})'], fields: {id: id, sip_code: code}",
            "Nov 5 sbc: up\nNov 5 sbc: id=c1 code=486\nNov 5 sbc: id=c2 code=503\nNov 5 sbc: id=c1 code=486\n".to_owned(),
            2.0,
            ["calls.log", "calls.log.1", "calls.log"],
            ["id=c", "id=d"],
        ),
    ] {
        counts_once_as_it_rotates(keys, &text, calls, names, ids);
    }
}

/// A file under its name, under that which it has when it is full, and the next one; and what makes its ids others.
fn counts_once_as_it_rotates(
    keys: &str,
    text: &str,
    calls: f64,
    [name, renamed, next]: [&str; 3],
    [ids, others]: [&str; 2],
) {
    let device = Device::new(keys);
    let (first, rest) = text.split_at(text.len() / 2);
    device.append(name, first);
    device.daemon.wait_for_metrics("the first piece", |metrics| {
        metrics.sum("cdr_exporter_read_records_total", &[]) > 0.0
    });
    device.append(name, rest);
    device.counted(calls, &[]);
    device.rename(name, renamed);
    device.append(next, &text.replace(ids, others));
    device.counted(2.0 * calls, &[]);
    device.daemon.stop();
}
