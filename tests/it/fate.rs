//! What becomes of records that do not count is said to people: in the log, by `status`, `check` and `inspect`; and so is
//! what becomes of a store.

use std::fs;
use std::process::Command;

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::traffic::Traffic;
use tempfile::TempDir;

use super::tools::row::{self, Row};
use super::tools::{Daemon, run_in};

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
