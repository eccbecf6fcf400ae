//! What becomes of records that do not count is said to people: in the log, by `status`, `check` and `inspect`; and so is
//! what becomes of a store.

use std::fs;
use std::process::Command;

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
