//! What becomes of records that do not count is said to people: in the log, by `status`, `check` and `inspect`; and so is
//! what becomes of a store.

use std::fs;
use std::process::Command;

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::traffic::Traffic;
use tempfile::TempDir;

use super::tools::files::append;
use super::tools::row::{self, Row};
use super::tools::{Daemon, run, run_in};

const SBC: &str = "sbc1.contoso.com";
/// A row of getPstnCalls.
const CALLING_PLAN: &str = "{\"@odata.type\":\"#microsoft.graph.callRecords.pstnCallLogRow\",\"id\":\"1\"}\n";

fn rejected() -> String {
    row::ndjson(&[Row::failed(1, SBC, (531_004, 410))]).replace("531004", "\"x\"")
}

#[test]
fn where_nothing_counts_the_answer_is_no_and_says_why() {
    let counted = row::ndjson(&[Row::answered(2, SBC)]);
    for (text, code, sentence) in [
        (counted.clone(), 0, ""),
        (counted.clone() + &rejected(), 0, "rejected: record 2"),
        (counted + CALLING_PLAN, 0, "ignored: no Direct Routing calls, such as Calling Plan rows"),
        (rejected(), 1, "none of these records is a call that counts"),
        (CALLING_PLAN.to_owned(), 1, "ignored: no Direct Routing calls, such as Calling Plan rows"),
        ("a line of some log\n".to_owned(), 1, "not recognised: "),
    ] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("a.json"), &text).unwrap();
        let checked = run_in(folder.path(), ["check", "a.json"]);
        assert_eq!(checked.code, Some(code), "{text}: {}", checked.stdout);
        assert!(checked.stdout.contains(sentence), "{text}: {}", checked.stdout);
        let inspected = run_in(folder.path(), ["inspect", "a.json"]);
        assert_eq!(inspected.code, Some(code), "{text}: {}", inspected.stderr);
        assert_eq!(inspected.stderr.is_empty(), code == 0, "{text}: {}", inspected.stderr);
    }
}

/// Named by the operator or not, what `compresscmd xz` of logrotate leaves is no text.
#[test]
fn what_nothing_here_unpacks_is_said_whatever_its_format() {
    for (head, said) in [
        (&b"\xfd7zXZ\0\0\x04\n\0\0"[..], "compressed with xz: unpack it first"),
        (b"BZh91AY&SY\x12\x34\n\0\0", "compressed with bzip2: unpack it first"),
    ] {
        let folder = TempDir::new().unwrap();
        let text = [head, &b"a line\n".repeat(50)[..]].concat();
        fs::write(folder.path().join("acc.log.1"), text).unwrap();
        for format in ["auto", "kamailio", "ribbon", "json, fields: {sip_code: code}"] {
            let config = format!("sources: [{{name: s, paths: [acc.log.1], format: {format}}}]\n");
            fs::write(folder.path().join("config.yml"), config).unwrap();
            let checked = run_in(folder.path(), ["check", "--config.file", "config.yml"]);
            assert!(checked.code == Some(1) && checked.stdout.contains(said), "{format}: {}", checked.stdout);
        }
    }
}

#[test]
fn the_log_says_which_records_do_not_count_and_why() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("cdr")).unwrap();
    let text = rejected() + &row::ndjson(&[Row::answered(2, SBC)]) + &rejected() + CALLING_PLAN;
    fs::write(folder.path().join("cdr/a.json"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
    command.args(["serve", "cdr", "--web.listen-address", "127.0.0.1:0"]).current_dir(folder.path());
    let daemon = Daemon::of(&mut command);
    daemon.wait_for_log("ignored: no Direct Routing calls");
    daemon.wait_for_log("rejected: a SIP or Microsoft code");
    let address = daemon.address().to_string();
    let status = run_in(folder.path(), ["status", "--web.listen-address", &address]);
    assert!(
        status.stdout.ends_with("; 2 records rejected, 1 ignored (`check` says why)\n"),
        "{}",
        status.stdout
    );
    let log = daemon.stop();
    let said = |text: &str| log.iter().filter(|line| line.contains(text)).cloned().collect::<Vec<_>>();
    let rejected = said("msg=\"rejected: ");
    assert_eq!(rejected.len(), 1, "{log:?}");
    for part in ["level=warn", "records=2", "reason=bad_code", "first_at_byte=0", "cdr/a.json"] {
        assert!(rejected[0].contains(part), "{part}: {rejected:?}");
    }
    let ignored = said("msg=\"ignored: ");
    assert!(ignored.len() == 1 && ignored[0].contains("records=1"), "{ignored:?}");
}

#[test]
fn an_empty_folder_and_an_empty_export_are_called_that() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let inspected = run_in(folder.path(), ["inspect", "empty"]);
    assert_eq!(inspected.code, Some(1));
    assert!(inspected.stderr.contains("empty: there is no file in this folder"), "{}", inspected.stderr);
    let imported = run_in(folder.path(), ["state", "import", "--storage.path", "data", "/dev/null"]);
    assert_eq!(imported.code, Some(1));
    assert!(imported.stderr.contains("the input is empty"), "{}", imported.stderr);
    assert!(!folder.path().join("data").exists(), "nothing is made of nothing");
}

const NO_FOLDER: &str = "junk: a file is here, not a folder; --storage.path names the folder of the store";

const NO_TARGET: &str =
    "link: a link that leads to nothing is here, not a folder; --storage.path names the folder of the store";

/// Arguments, the code to leave with, and what is said.
const MISTAKEN: &[(&str, i32, &str)] = &[
    (
        "state import --storage.path s junk",
        1,
        "junk, line 1: this is no line that `state export` wrote: it is no JSON.",
    ),
    (
        "state import --storage.path s row",
        1,
        "row, line 2: this is no line that `state export` wrote: it has other keys",
    ),
    ("state import --storage.path s .", 74, ".: a folder is here, not a file that `state export` wrote"),
    ("state import --storage.path s gone", 74, "gone: No such file or directory\n"),
    ("state import --storage.path junk row", 74, NO_FOLDER),
    ("state verify --storage.path junk", 74, NO_FOLDER),
    ("serve --storage.path junk --web.listen-address 127.0.0.1:0 s", 74, NO_FOLDER),
    ("serve --storage.path junk/x --web.listen-address 127.0.0.1:0 s", 74, NO_FOLDER),
    (
        "serve --storage.path fifo --web.listen-address 127.0.0.1:0 s",
        74,
        "fifo: a FIFO is here, not a folder; --storage",
    ),
    ("serve --storage.path link --web.listen-address 127.0.0.1:0 s", 74, NO_TARGET),
    ("serve --storage.path link/x --web.listen-address 127.0.0.1:0 s", 74, NO_TARGET),
    ("state verify --storage.path link", 74, NO_TARGET),
    ("audit --storage.path fifo s", 74, "fifo: a FIFO is here, not a folder; --storage"),
    (
        "audit",
        2,
        "say what the daemon reads: the paths that serve is started with, or its --config.file FILE",
    ),
    ("check --config.file gone.yml", 64, "gone.yml: there is no such file"),
    ("check --config.file .", 64, ".: a folder is here, not a file"),
    ("serve --threads few s", 2, "write a whole number from 0 to 512"),
    ("serve --web.listen-address 10479 s", 2, "write :10479 for every interface, or 127.0.0.1:10479"),
    ("demo --export gone/x.csv", 70, "cannot write gone/x.csv: No such file or directory; name a file in"),
    ("map header.csv", 1, "header.csv: it has a header and no record below it"),
    ("map binary", 1, "binary: a binary file, not text"),
    ("map report.pdf", 1, "report.pdf: a PDF: export the report as CSV"),
    ("map cut.json", 1, "cut.json: no record in it is whole"),
    ("map empty", 1, "empty: it is empty"),
];

fn make_fifo(path: &std::path::Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// Clap's own message names neither the argument nor what to do.
#[test]
fn paths_that_are_not_utf8_are_named_with_the_way_out() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let folder = TempDir::new().unwrap();
    let name = OsString::from_vec(b"caf\xe9.json".to_vec());
    fs::write(folder.path().join(&name), row::ndjson(&[Row::answered(1, SBC)])).unwrap();
    for command in ["inspect", "check", "compare", "serve"] {
        let ended = run_in(folder.path(), [OsString::from(command), name.clone()]);
        let said = format!(
            "cdr-exporter {command}: caf\\xe9.json: this is not UTF-8. If it is a path, give its folder, or put `*` in the \
             place of what is not UTF-8, in quotes\n"
        );
        assert_eq!((ended.code, &*ended.stderr), (Some(2), &*said), "{command}");
    }
    for path in ["caf*.json", "."] {
        let ended = run_in(folder.path(), ["check", path]);
        assert!(ended.code == Some(0) && ended.stdout.contains("caf\\xe9.json"), "{ended:?}");
    }
}

/// What was given in the place of something else is named, with what to do.
#[test]
fn what_is_given_in_the_place_of_something_else_is_named() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    write("junk", b"junk\n");
    write("row", b"{\"layout\":4}\n{\"a\":1}\n");
    write("header.csv", b"Time;SIP code;Trunk\n");
    write("binary", b"\x7fELF\x02\x01\x01\0\0\0");
    write("report.pdf", b"%PDF-1.4\n");
    write("cut.json", b"{\"a\":1");
    write("empty", b"");
    std::os::unix::fs::symlink("nowhere", folder.path().join("link")).unwrap();
    make_fifo(&folder.path().join("fifo"));
    for (arguments, code, said) in MISTAKEN {
        let ended = run_in(folder.path(), arguments.split(' '));
        assert!(ended.stderr.contains(said), "{arguments}: {}", ended.stderr);
        assert_eq!((ended.code, &*ended.stdout), (Some(*code), ""), "{arguments}: {}", ended.stderr);
        for raw in ["os error", "line 1 column", "invalid digit", "invalid socket"] {
            assert!(!ended.stderr.contains(raw), "{arguments}: {}", ended.stderr);
        }
    }
}

/// A pattern that hides every trunk was hardly meant.
#[test]
fn check_says_which_pattern_hides_every_trunk() {
    let folder = TempDir::new().unwrap();
    let rows = row::ndjson(&[Row::answered(1, SBC), Row::answered(2, "sbc2.contoso.com")]);
    fs::write(folder.path().join("a.json"), rows).unwrap();
    for (only, said) in [
        (
            "contoso.com",
            "  warning: `trunks: only:` hides all 2 trunks of these files: `contoso.com` matches none of them as a \
                         whole. They hold sbc1.contoso.com, sbc2.contoso.com. Write trunks: {only: ['*.contoso.com']}\n",
        ),
        ("*.contoso.com", ""),
        ("sbc1.contoso.com", ""),
    ] {
        let config = format!("sources:\n- {{name: teams, paths: [a.json], trunks: {{only: ['{only}']}}}}\n");
        fs::write(folder.path().join("c.yml"), config).unwrap();
        let ended = run_in(folder.path(), ["check", "--config.file", "c.yml"]);
        assert_eq!(ended.code, Some(0), "a warning is no error: {}", ended.stderr);
        assert_eq!(ended.stdout.contains("warning"), !said.is_empty(), "{}", ended.stdout);
        assert!(ended.stdout.contains(said), "{}", ended.stdout);
    }
}

#[test]
fn a_store_that_was_moved_is_missed() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("cdr")).unwrap();
    let serve = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        command.args(["serve", "cdr", "--web.listen-address", "127.0.0.1:0"]).current_dir(folder.path());
        let daemon = Daemon::of(&mut command);
        daemon.wait_until_ready();
        daemon.stop()
    };
    let says = |log: &[String], text: &str| log.iter().any(|line| line.contains(text));
    assert!(says(&serve(), "there is no store yet"));
    assert!(!says(&serve(), "counting begins at 0"), "it is there");
    fs::rename(folder.path().join("data/ledger.redb"), folder.path().join("elsewhere")).unwrap();
    let log = serve();
    assert!(says(&log, "the store that was here is gone") && says(&log, "level=warn"), "{log:?}");
    assert_eq!(run_in(folder.path(), ["state", "reset"]).code, Some(0));
    let log = serve();
    assert!(says(&log, "the store was set aside") && !says(&log, "is gone"), "{log:?}");
    // The reset of before says nothing of the store that was made since.
    fs::remove_file(folder.path().join("data/ledger.redb")).unwrap();
    let log = serve();
    assert!(says(&log, "the store that was here is gone") && !says(&log, "set aside"), "{log:?}");
}

#[test]
fn a_store_that_never_was_is_not_missed() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("cdr")).unwrap();
    fs::write(at("junk"), "junk\n").unwrap();
    let import = || run_in(folder.path(), ["state", "import", "--storage.path", "data/store", "junk"]);
    let failed = import();
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(!at("data").exists(), "nothing is left of what failed");
    // Something is in the way of a new store.
    fs::create_dir_all(at("data/store/ledger.redb.new/kept")).unwrap();
    assert_eq!(import().code, Some(1));
    assert_eq!(fs::read_dir(at("data/store")).unwrap().count(), 1, "what was there before stays");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
    let arguments = ["serve", "cdr", "--storage.path", "data/store", "--web.listen-address", "127.0.0.1:0"];
    command.args(arguments).current_dir(folder.path());
    assert_eq!(command.output().unwrap().status.code(), Some(74));
    fs::remove_dir_all(at("data/store/ledger.redb.new")).unwrap();
    let daemon = Daemon::of(&mut command);
    daemon.wait_until_ready();
    let log = daemon.stop();
    let says = |text: &str| log.iter().any(|line| line.contains(text));
    assert!(says("there is no store yet") && !says("is gone"), "{log:?}");
}

/// `/dev/zero` stands for whatever has no end and no line.
#[test]
fn an_export_of_one_endless_line_is_refused() {
    let folder = TempDir::new().unwrap();
    let imported = run_in(folder.path(), ["state", "import", "--storage.path", "data", "/dev/zero"]);
    assert_eq!(imported.code, Some(1));
    let said = "/dev/zero, line 1: this is no line that `state export` wrote: it has more than";
    assert!(imported.stderr.contains(said), "{}", imported.stderr);
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_date_of_two_readings_is_told_with_both() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/graph_csv/dates_of_two_readings.csv");
    let folder = TempDir::new().unwrap();
    fs::copy(sample, folder.path().join("a.csv")).unwrap();
    let both = "is 11 April or 4 November, and no day above 12 before it tells which";
    let checked = run_in(folder.path(), ["check", "a.csv"]);
    assert_eq!(checked.code, Some(0), "the calls count: {}", checked.stdout);
    let unread = "counted without failure_time, which could not be read: 5\n";
    assert!(checked.stdout.contains(unread) && checked.stdout.contains(both), "{}", checked.stdout);
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
    command.args(["serve", "a.csv", "--web.listen-address", "127.0.0.1:0"]).current_dir(folder.path());
    let daemon = Daemon::of(&mut command);
    daemon.wait_for_log(both);
    daemon.stop();
}

/// The same made-up calls as Graph writes them and as the admin center does, each over an hour.
fn both_exports(folder: &TempDir) {
    let mut traffic = Traffic::new(1, UnixMillis(1_793_491_200_000));
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/teams_admin_center/export.csv");
    let header = fs::read_to_string(sample).unwrap().lines().next().unwrap().to_owned() + "\r\n";
    let (mut graph, mut admin_center) = (String::new(), header);
    for minute in 0..60 {
        let call = traffic.call(UnixMillis(1_793_491_200_000 + minute * 60_000));
        traffic.graph_row(&call, &mut graph);
        traffic.admin_center_row(&call, &mut admin_center);
    }
    fs::create_dir(folder.path().join("cdr")).unwrap();
    fs::write(folder.path().join("cdr/graph.ndjson"), graph).unwrap();
    fs::write(folder.path().join("cdr/DirectRouting.calls.csv"), admin_center).unwrap();
}

#[test]
fn the_same_calls_in_two_formats_are_told_of() {
    let folder = TempDir::new().unwrap();
    both_exports(&folder);
    let sentence = "the same calls seem to come twice: graph and teams_admin_center both have calls over";
    let checked = run_in(folder.path(), ["check", "cdr"]);
    assert!(checked.stdout.contains(&format!("warning: {sentence}")), "{}", checked.stdout);
    let inspected = run_in(folder.path(), ["inspect", "cdr"]);
    assert!(inspected.stderr.contains(sentence), "{}", inspected.stderr);
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
    command.args(["serve", "cdr", "--web.listen-address", "127.0.0.1:0"]).current_dir(folder.path());
    let daemon = Daemon::of(&mut command);
    daemon.wait_for_log(sentence);
    let log = daemon.stop();
    assert_eq!(log.iter().filter(|line| line.contains(sentence)).count(), 1, "once");
    // Either alone is no reason to say so.
    for file in ["cdr/graph.ndjson", "cdr/DirectRouting.calls.csv"] {
        let checked = run_in(folder.path(), ["check", file]);
        assert!(!checked.stdout.contains("twice"), "{file}: {}", checked.stdout);
    }
}

#[test]
fn check_names_the_column_that_is_missing_and_shows_the_shape_of_what_was_rejected() {
    let folder = TempDir::new().unwrap();
    let header =
        "CorrelationId,Invite time,Success,Call type,Final SIP code,Final Microsoft subcode,SBC FQDN\n";
    let row = "c00000d1-05ec-4a1b-8c2d-0000000000d1,99/99/2024 09:29,No,Dr_Out,410,531000,sbc2.contoso.com\n";
    for (text, sentence) in [
        (
            header.replace("Success", "Succes") + row,
            "`Success` is missing; column 3, `Succes`, looks like it",
        ),
        (
            header.to_owned() + &row.replace("410", "four"),
            "with letters as x and digits as 0: x00000x0-00xx-0x0x-0x0x-0000000000x0,00/00/0000 00:00,No,",
        ),
    ] {
        fs::write(folder.path().join("a.csv"), &text).unwrap();
        let checked = run_in(folder.path(), ["check", "a.csv"]);
        assert_eq!(checked.code, Some(1), "{}", checked.stdout);
        assert!(checked.stdout.contains(sentence), "{}", checked.stdout);
    }
}

/// What `inspect` makes of these files, each named by its number and this extension: how many calls, how many rejected, how
/// many duplicates; and the Microsoft codes.
fn inspected(extension: &str, texts: &[&str]) -> ([u64; 3], Vec<u64>) {
    let folder = TempDir::new().unwrap();
    for (number, text) in texts.iter().enumerate() {
        fs::write(folder.path().join(format!("{number}.{extension}")), text).unwrap();
    }
    let answer = run_in(folder.path(), ["inspect", "--output=json", "."]).stdout;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
    let of = |name: &str| answer["records"][name].as_u64().unwrap_or_default();
    let failures = answer["failures"].as_array().cloned().unwrap_or_default();
    let codes = failures.iter().filter_map(|failure| failure["microsoft_code"].as_u64()).collect();
    (["counted", "rejected", "duplicate"].map(of), codes)
}

#[test]
fn check_names_the_columns_that_are_not_there() {
    let folder = TempDir::new().unwrap();
    let text = "CorrelationId,Success,Final SIP code\nc1000000-05ec-4a1b-8c2d-000000000001,No,403\n";
    fs::write(folder.path().join("a.csv"), text).unwrap();
    let checked = run(["check", &folder.path().display().to_string()]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let said = "no column is named `Final Microsoft subcode`, `SBC FQDN`, `Call type`, `End time`:";
    assert!(checked.stdout.contains(said), "{}", checked.stdout);
    let header =
        "CorrelationId,Success,Final SIP code,Final Microsoft subcode,Call type,SBC FQDN,Invite time\n";
    fs::write(folder.path().join("a.csv"), header.to_owned() + "c1000000-05ec-4a1b-8c2d-000000000001,No,403,560403,ByotIn,sbc1.contoso.com,2026-11-01T10:00:00Z\n").unwrap();
    let checked = run(["check", &folder.path().display().to_string()]);
    assert!(!checked.stdout.contains("no column is named"), "{}", checked.stdout);
}

#[test]
fn what_stands_before_the_records_of_a_file_costs_itself_alone() {
    let rows = row::ndjson(&[1, 2, 3].map(|id| Row::failed(id, SBC, (560_403, 403))));
    let error = r#"{"error":{"code":"TooManyRequests","message":"wait"}}"#;
    let page = format!(r#"{{"value":[{}]}}"#, rows.trim_end().replace('\n', ","));
    for (text, rejected) in [
        (format!("{error}\n{rows}"), 1),
        (format!("{error}\n{page}\n"), 1),
        (format!("[{error},{{\"odd\":1}},{}]", rows.trim_end().replace('\n', ",")), 2),
        (format!("{{\"level\":\"info\",\"msg\":\"fetched\"}}\n{rows}"), 1),
        (format!("Connecting to Graph...\n3 rows\n{rows}"), 2),
        (format!("Connecting to Graph...\n{page}\n"), 1),
    ] {
        assert_eq!(inspected("json", &[&text]), ([3, rejected, 0], vec![560_403]), "{text}");
    }
    let csv = "CorrelationId,Invite time,Success,Final SIP code,Final Microsoft subcode,SBC FQDN\n\
               5cb3a5e0-0000-4000-8000-000000000001,2026-11-01T10:00:00Z,No,403,560403,sbc1.contoso.com\n";
    assert_eq!(inspected("csv", &[&format!("Calls of Monday\n\n{csv}")]), ([1, 1, 0], vec![560_403]));
    assert_eq!(inspected("csv", &[&format!("{error}\n{csv}")]), ([1, 1, 0], vec![560_403]));
    // Only so much.
    let log: String = (0..40).map(|line| format!("line {line} of some log\n")).collect();
    assert_eq!(inspected("json", &[&(log + &rows)]).0, [0, 0, 0]);
    let objects: String = (0..40).map(|line| format!("{{\"line\":{line}}}\n")).collect();
    assert_eq!(inspected("json", &[&objects]).0, [0, 0, 0]);
}

/// A daemon that reads what comes into `cdr` of this folder.
fn watching(folder: &TempDir) -> Daemon {
    fs::create_dir(folder.path().join("cdr")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
    command.args(["serve", "cdr", "--web.listen-address", "127.0.0.1:0"]).current_dir(folder.path());
    let daemon = Daemon::of(&mut command);
    daemon.wait_until_ready();
    daemon
}

#[test]
fn a_file_that_begins_with_something_else_is_read_once_its_rows_come() {
    let folder = TempDir::new().unwrap();
    let daemon = watching(&folder);
    let lines = "a line of some log\n".repeat(8);
    let begin = ["Connecting to Graph...\n", "{\"error\":{\"code\":\"TooManyRequests\"}}\n", &lines];
    for (number, text) in begin.iter().enumerate() {
        fs::write(folder.path().join(format!("cdr/{number}.json")), text).unwrap();
    }
    daemon.wait_for_metrics("none is recognised", |metrics| {
        metrics.sum("cdr_exporter_files", &[("state", "unrecognised")]) == 3.0
    });
    for (number, id) in [(0, 1), (1, 2), (2, 3)] {
        let rows = row::ndjson(&[Row::failed(id, SBC, (560_403, 403))]);
        append(&folder.path().join(format!("cdr/{number}.json")), rows.as_bytes());
    }
    daemon.wait_for_metrics("their rows count", |metrics| {
        metrics.sum("cdr_call_failures_total", &[("microsoft_code", "560403")]) == 3.0
    });
}

#[test]
fn a_file_without_lines_that_is_none_of_ours_is_refused_once_however_it_grows() {
    let folder = TempDir::new().unwrap();
    let daemon = watching(&folder);
    let path = folder.path().join("cdr/a.json");
    append(&path, &b"QUJD".repeat(100_000));
    daemon.wait_for_log("not read: ");
    for number in 1..=5 {
        append(&path, &b"REVG".repeat(100_000));
        // What comes after it shows that its growth was seen.
        let rows = row::ndjson(&[Row::failed(number, SBC, (560_403, 403))]);
        append(&folder.path().join(format!("cdr/{number}.json")), rows.as_bytes());
        daemon.wait_for_metrics("the row counts", |metrics| {
            metrics.sum("cdr_call_failures_total", &[("microsoft_code", "560403")]) == f64::from(number)
        });
    }
    assert_eq!(daemon.log().iter().filter(|line| line.contains("not read: ")).count(), 1);
}

#[test]
fn of_two_columns_of_one_field_the_one_that_is_not_empty_is_read() {
    let id = "\"id\":\"d1000000-05ec-4a1b-8c2d-00000000000";
    let rest = "\"successfulCall\":false,\"callType\":\"ByotIn\",\"trunkFullyQualifiedDomainName\":\"sbc1.contoso.com\"";
    let codes = [
        r#""finalSipCode_s":"","finalSipCode_d":403,"callEndSubReason_d":560403,"callEndSubReason_s":"""#,
        r#""finalSipCode_d":403,"finalSipCode_s":null,"callEndSubReason_s":null,"callEndSubReason_d":560403"#,
        r#""finalSipCode_s":"403","finalSipCode_d":null,"callEndSubReason_d":560403,"callEndSubReason_s":"""#,
    ];
    let rows = codes.iter().enumerate().map(|(number, codes)| format!("{{{id}{number}\",{rest},{codes}}}\n"));
    assert_eq!(inspected("json", &[&rows.collect::<String>()]), ([3, 0, 0], vec![560_403]));
    for separator in [",", ";"] {
        let csv = "id,successfulCall,callType,finalSipCode_s,finalSipCode_d,callEndSubReason_d,callEndSubReason_s\n\
                   d1000000-05ec-4a1b-8c2d-000000000001,false,ByotIn,,403,560403,\n\
                   d1000000-05ec-4a1b-8c2d-000000000002,false,ByotIn,403,,,560403\n";
        assert_eq!(inspected("csv", &[&csv.replace(',', separator)]), ([2, 0, 0], vec![560_403]));
    }
    // Where both are there, each container says the same.
    let both = r#""finalSipCode_d":404,"finalSipCode_s":"403","callEndSubReason":560403"#;
    assert_eq!(inspected("json", &[&format!("{{{id}1\",{rest},{both}}}\n")]), ([1, 0, 0], vec![560_403]));
    let both = "id,successfulCall,callType,finalSipCode_d,finalSipCode_s,callEndSubReason\n\
                d1000000-05ec-4a1b-8c2d-000000000001,false,ByotIn,404,403,560403\n";
    assert_eq!(inspected("csv", &[both]), ([1, 0, 0], vec![560_403]));
}

#[test]
fn rows_in_the_envelopes_of_other_services_and_flags_of_databases_count() {
    let rows = [1, 2, 3].map(|id| Row::failed(id, SBC, (560_403, 403)).json());
    let hits = rows.iter().map(|row| format!(r#"{{"_index":"calls","_source":{row}}}"#)).collect::<Vec<_>>();
    for text in [
        format!(r#"{{"d":{{"results":[{}]}}}}"#, rows.join(",")),
        format!(r#"{{"took":1,"hits":{{"total":{{"value":3}},"hits":[{}]}}}}"#, hits.join(",")),
        rows.join("\n").replace("\"successfulCall\":false", "\"successfulCall\":0"),
        rows.join("\n").replace("\"successfulCall\":false", "\"successfulCall\":\"FALSCH\""),
        rows.join("\n").replace("\"successfulCall\":false", "\"successfulCall\":\"\u{a0}0.0\""),
    ] {
        assert_eq!(inspected("json", &[&text]), ([3, 0, 0], vec![560_403]), "{text}");
    }
}

#[test]
fn what_excel_leaves_below_a_table_and_flags_that_nobody_chose_cost_no_call() {
    let header = "id,correlationId,callType,finalSipCode,callEndSubReason,endDateTime\n";
    let row = |number: u32, codes: &str| {
        format!("d1000000-05ec-4a1b-8c2d-00000000000{number},,ByotIn,{codes},\"45601,38372\"\n")
    };
    // Without a flag, both codes tell what became of a call.
    let text =
        format!("{header}{}{}{},,,,,\n\"\",,,,,\n", row(1, "403,560403"), row(2, "200,0"), row(3, "200,0"));
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.csv"), &text).unwrap();
    let output = run(["inspect", "--output", "json", &folder.path().display().to_string()]);
    let report: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["records"]["counted"], 3, "{report}");
    assert_eq!((&report["records"]["rejected"], &report["records"]["ignored"]), (&0.into(), &2.into()));
    assert!(output.stdout.contains("2024-11-05"), "{report}");
    let outcomes = report["outcomes"].as_array().unwrap().iter();
    let answered =
        outcomes.filter(|outcome| outcome["outcome"] == "answered").map(|outcome| &outcome["count"]);
    assert_eq!(answered.collect::<Vec<_>>(), [2], "{report}");
}

#[test]
fn ids_that_are_numbers_of_rows_make_no_duplicates() {
    let row = |day: u32, row: u32| {
        format!(
            "{{\"id\":{row},\"correlationId\":\"5cb3a5e0-0000-4000-8000-0000000{day:02}{row:03}\",\"successfulCall\":false,\
             \"callType\":\"ByotIn\",\"finalSipCode\":403,\"callEndSubReason\":560403,\
             \"inviteDateTime\":\"2026-11-{day:02}T10:00:{row:02}Z\"}}\n"
        )
    };
    let day = |day: u32| (0..3).map(|number| row(day, number)).collect::<String>();
    assert_eq!(inspected("json", &[&day(1), &day(2)]).0, [6, 0, 0]);
    assert_eq!(
        inspected("json", &[&day(1), &(day(1) + &row(1, 3))]).0,
        [4, 0, 3],
        "a later export of one day"
    );
}

#[test]
fn attempts_within_one_minute_of_an_excel_file_are_calls_of_their_own() {
    let csv = "CorrelationId,Invite time,Failure time,Duration (seconds),Success,Final SIP code,Final Microsoft \
               subcode,SBC FQDN,Call type\n\
               5cb3a5e0-0000-4000-8000-000000000001,11/21/2026 10:00,11/21/2026 10:00,0,No,503,560503,sbc1.contoso.com,dr_out\n\
               5cb3a5e0-0000-4000-8000-000000000001,11/21/2026 10:00,11/21/2026 10:00,0,No,403,560403,sbc1.contoso.com,dr_out\n";
    assert_eq!(inspected("csv", &[csv, csv]).0, [2, 0, 2]);
}
