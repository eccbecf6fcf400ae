//! The commands as people type them: exit codes, what they say, and how they end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::tools::row::{self, Row};
use super::tools::{Daemon, run, run_in, run_on};

const COMMANDS: [&str; 7] = ["serve", "check", "map", "collect", "inspect", "explain", "demo"];
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/graph/rows.ndjson");
const UNKNOWN: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/teams_admin_center/bad/sign_in_page.csv");
const BAD_CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/config/bad/unknown_key.yml");

#[test]
fn exit_codes() {
    let folder = TempDir::new().unwrap();
    let empty = folder.path().to_str().unwrap();
    let no_sources = folder.path().join("no_sources.yml");
    fs::write(&no_sources, "rescan_interval: 5s\n").unwrap();
    let no_sources = no_sources.to_str().unwrap();
    let cases: &[(&[&str], i32)] = &[
        (&["--version"], 0),
        (&["--help"], 0),
        (&[], 2),
        (&["watch"], 2),
        (&["serve"], 2),
        (&["serve", "--no-such-flag"], 2),
        (&["serve", empty, "--web.listen-address", "nonsense"], 2),
        (&["serve", empty, "--web.telemetry-path", "metrics"], 2),
        (&["serve", empty, "--log.level", "loud"], 2),
        (&["serve", empty, "--threads", "20000"], 2),
        (&["serve", "[a"], 2),
        (&["check", "[a"], 2),
        (&["inspect", "[a"], 2),
        (&["inspect", "--code", "/", SAMPLE], 2),
        (&["serve", "--config.file", BAD_CONFIG], 64),
        (&["serve", "--config.file", "/no/such/file.yml"], 64),
        (&["serve", "--config.file", no_sources], 64),
        (&["check"], 2),
        (&["check", SAMPLE], 0),
        (&["check", "--config.file", no_sources], 64),
        (&["check", "--config.file", BAD_CONFIG], 64),
        (&["check", UNKNOWN], 1),
        (&["check", "/no/such/file.json"], 1),
        (&["inspect"], 2),
        (&["inspect", "--output", "xml", SAMPLE], 2),
        (&["inspect", SAMPLE], 0),
        (&["inspect", UNKNOWN], 1),
        (&["inspect", SAMPLE, "/no/such/file.json"], 1),
        (&["explain"], 2),
        (&["explain", "531004", "410"], 0),
        (&["explain", "531004/410"], 0),
        (&["explain", "qqqqqqqq"], 1),
        (&["demo", "--rate", "none"], 2),
    ];
    for (arguments, code) in cases {
        let ended = run(arguments.iter());
        assert_eq!(ended.code, Some(*code), "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        let silent = ended.stderr.is_empty() && ended.stdout.is_empty();
        assert!(!silent, "{arguments:?} says something");
    }
}

#[test]
fn the_version_is_the_packages() {
    let short = concat!("cdr-exporter ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(run(["-V"]).stdout, short);
    let long = run(["--version"]).stdout;
    let rest = long.strip_prefix(short).unwrap_or_else(|| panic!("{long}"));
    assert!(rest.starts_with("revision ") && rest.contains("\nbuilt by rustc "), "{long}");
}

/// Help is wrapped once, to the terminal: no line is longer, and none ends where the next word would have fitted.
#[test]
fn help_fits_the_terminal_and_is_wrapped_once() {
    let subcommands = ["verify", "export", "import", "forget", "reset"].map(|action| vec!["state", action]);
    let alone =
        COMMANDS.into_iter().chain(["compare", "state", "status", "replay", "audit"]).map(|it| vec![it]);
    for command in alone.chain(subcommands).chain([Vec::new()]) {
        for columns in [80, 120] {
            let mut help = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
            let help =
                help.args(&command).arg("--help").env("COLUMNS", columns.to_string()).output().unwrap();
            let help = String::from_utf8(help.stdout).unwrap();
            let width = |line: &str| line.chars().count();
            // A usage is one line, and so is a value with braces in it.
            let is_whole = |line: &&str| !line.starts_with("Usage:");
            for line in help.lines().filter(is_whole) {
                assert!(width(line) <= columns, "{command:?} in {columns} columns: {line}");
            }
            for (line, next) in help.lines().zip(help.lines().skip(1)) {
                let indent = |line: &str| line.len() - line.trim_start().len();
                let is_text = |line: &str| {
                    let begins = ["cdr-exporter", "-", "[", "<", "curl", "zcat", "xdg-open"];
                    let text = line.trim_start();
                    !text.is_empty()
                        && !text.contains("  ")
                        && !begins.iter().any(|begin| text.starts_with(begin))
                };
                let ends = line.ends_with(['.', ':', '\\', '"']) || indent(line) != indent(next);
                let word = next.split_whitespace().next().unwrap_or_default();
                let would_fit = is_text(line) && is_text(next) && width(line) + 1 + width(word) <= columns;
                assert!(ends || !would_fit, "{command:?} in {columns} columns:\n{line}\n{next}");
            }
        }
    }
}

#[test]
fn every_command_shows_an_example() {
    let overview = run(["--help"]).stdout;
    for command in COMMANDS {
        assert!(overview.contains(&format!("\n  {command} ")), "{command} is not in:\n{overview}");
        let help = run([command, "--help"]);
        assert_eq!(help.code, Some(0), "{command}");
        let example = help.stdout.split("Example").nth(1).unwrap_or_default();
        assert!(example.contains(&format!("cdr-exporter {command}")), "{command}:\n{}", help.stdout);
    }
}

#[test]
fn the_usual_address_is_port_10410() {
    for command in ["serve", "demo"] {
        let help = run([command, "--help"]).stdout;
        assert!(help.contains("[default: :10410]"), "{command}:\n{help}");
    }
}

#[test]
fn serve_and_check_say_what_to_give_them() {
    for (command, parts) in [
        ("serve", ["nothing to watch", "cdr-exporter serve /", "cdr-exporter serve --config.file", "demo"]),
        ("check", ["nothing to check", "cdr-exporter check /", "cdr-exporter check --config.file", "globs"]),
    ] {
        let ended = run([command]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        for part in parts {
            assert!(ended.stderr.contains(part), "{part:?} is not in:\n{}", ended.stderr);
        }
    }
}

#[test]
fn inspect_reads_standard_input() {
    let rows = row::ndjson(&[
        Row::answered(1, "sbc1.contoso.com"),
        Row::failed(2, "sbc1.contoso.com", (531_004, 410)),
    ]);
    let ended = run_on(rows.as_bytes(), ["inspect", "-"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("1 of 2 calls failed (50 %)."), "{}", ended.stdout);
    assert!(ended.stdout.contains("IceConnectivityChecksFailed"), "{}", ended.stdout);

    let unknown = run_on(b"<html></html>", ["inspect", "-"]);
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.stderr.starts_with("cdr-exporter inspect: standard input: not read: "),
        "{}",
        unknown.stderr
    );
}

/// As `inspect FILE | head -1`: whoever reads goes away while there is more to say.
#[test]
fn a_reader_that_goes_away_is_no_fault() {
    for arguments in [["inspect", SAMPLE], ["check", SAMPLE]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        let mut child =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {}", output.status);
    }
}

#[test]
fn a_file_may_be_called_like_a_glob() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("calls [1].ndjson");
    fs::write(&file, row::ndjson(&[Row::answered(1, "sbc1.contoso.com")])).unwrap();
    for command in ["inspect", "check"] {
        let ended = run([command, file.to_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{command}: {}{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn sigterm_ends_it_cleanly() {
    let folder = TempDir::new().unwrap();
    let daemon = Daemon::serve([folder.path()]);
    daemon.wait_until_ready();
    let log = daemon.stop();
    assert!(log.last().is_some_and(|line| line.contains("stopped")), "{log:?}");
}

#[test]
fn the_log_is_json_when_asked_for() {
    let folder = TempDir::new().unwrap();
    let daemon = Daemon::serve(["--log.format=json".as_ref(), folder.path().as_os_str()]);
    daemon.wait_until_ready();
    for line in daemon.stop() {
        let read: Result<serde_json::Value, _> = serde_json::from_str(&line);
        assert!(read.is_ok(), "{line}");
    }
}

/// The end of a line is there at once, without a buffer that keeps it until the end.
#[test]
fn the_log_is_not_held_back() {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
    command.args(["serve", "--web.listen-address", "127.0.0.1:0"]).arg(folder.path());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("starting cdr-exporter"), "{first}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Whoever asked must not take silence for an answer.
#[test]
fn what_cannot_be_printed_is_said_and_no_panic() {
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let asked: [&[&str]; 5] = [
        &["explain", "531004", "410"],
        &["inspect", SAMPLE],
        &["compare", SAMPLE, SAMPLE],
        &["map", SAMPLE],
        &["check", SAMPLE],
    ];
    for arguments in asked {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        let ended = command.args(arguments).stdout(full()).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(70), "{arguments:?}: {said}");
        assert!(said.contains("No space left on device"), "{arguments:?}: {said}");
    }
    for (arguments, code) in [(&["explain", "1", "2", "3"][..], 2), (&["check"], 2)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        let ended = command.args(arguments).stderr(full()).output().unwrap();
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}");
    }
}

/// A file that was read is closed: there may be more of them than descriptors.
#[test]
fn more_files_than_descriptors_are_inspected() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..150 {
        let row = super::tools::row::ndjson(&[super::tools::row::Row::answered(number, "sbc1.contoso.com")]);
        std::fs::write(folder.path().join(format!("{number}.ndjson")), row).unwrap();
    }
    let script = format!(
        "ulimit -n 60; exec '{}' inspect --output json '{}'",
        env!("CARGO_BIN_EXE_cdr-exporter"),
        folder.path().display()
    );
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Another command may have read the beginning of the same descriptor.
#[test]
fn standard_input_is_read_from_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..50).map(|id| super::tools::row::Row::answered(id, "sbc1.contoso.com")).collect();
    let text = super::tools::row::ndjson(&rows);
    let behind = text.find('\n').unwrap() + 1;
    let path = folder.path().join("a.ndjson");
    std::fs::write(&path, &text).unwrap();
    let script = format!(
        "exec < '{}'; head -c {behind} > /dev/null; exec '{}' inspect --output json -",
        path.display(),
        env!("CARGO_BIN_EXE_cdr-exporter"),
    );
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["calls"], 49, "{report}");
}

/// Days that nobody can have are said, and are not a day that was fetched.
#[test]
fn days_that_cannot_be_had_are_said() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("config.yml");
    let secret = folder.path().join("secret");
    fs::write(&secret, "x").unwrap();
    let text = "collect:\n- {name: teams, tenant: 00000000-0000-4000-8000-000000000001, \
                client_id: 00000000-0000-4000-8000-000000000002, client_secret_file: SECRET}\n";
    fs::write(&config, text.replace("SECRET", secret.to_str().unwrap())).unwrap();
    let collect = |days: &[&str]| {
        let storage = folder.path().to_str().unwrap();
        let common =
            ["collect", "--once", "--config.file", config.to_str().unwrap(), "--storage.path", storage];
        run(common.iter().chain(days))
    };
    let backwards = collect(&["--from", "2026-11-20", "--to", "2026-11-10"]);
    assert_eq!(
        (backwards.code, &*backwards.stderr),
        (Some(2), "cdr-exporter collect: --to 2026-11-10 is before --from 2026-11-20\n")
    );
    for days in [&["--from", "2199-01-01"][..], &["--from", "2020-01-01", "--to", "2020-01-05"]] {
        let none = collect(days);
        assert!(
            none.stderr.contains("none of these can be had: Microsoft keeps 150 days"),
            "{}",
            none.stderr
        );
        assert_eq!(none.code, Some(1), "{}", none.stderr);
    }
}

/// Every command that is given a name which would write over the terminal says it as numbers.
#[test]
fn names_do_not_write_over_the_terminal() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("\u{1b}[31mstore\u{202e}");
    let config = folder.path().join("\u{1b}]0;title\u{7}\n.yml");
    fs::write(&config, "sources: {}\n").unwrap();
    let (store, config) = (store.to_str().unwrap(), config.to_str().unwrap());
    let cases: &[&[&str]] = &[
        &["serve", "--config.file", config],
        &["check", "--config.file", config],
        &["collect", "--once", "--config.file", config],
        &["inspect", "--config.file", config, SAMPLE],
        &["status", "--storage.path", store],
        &["state", "verify", "--storage.path", store],
        &["state", "export", "--storage.path", store],
        &["state", "forget", "--unlisted", "--storage.path", store],
        &["state", "import", "--storage.path", store, store],
        &["audit", "--storage.path", store, "--config.file", config],
        &["replay", "--storage.path", store, "--config.file", config, "--rejected.path", store],
        &["check", store],
        &["inspect", store],
    ];
    for arguments in cases {
        let ended = run(arguments.iter());
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains("\\u{1b}"), "{arguments:?}: {said}");
        let unsafe_ones = ['\u{1b}', '\u{7}', '\u{202e}'];
        assert!(!said.contains(unsafe_ones), "{arguments:?}: {said:?}");
    }
}

/// What was asked for in vain, or makes no sense, is said in words, once.
#[test]
fn what_makes_no_sense_is_said_once() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let rows = row::ndjson(&[Row::answered(1, "sbc1.contoso.com"), Row::answered(2, "sbc1.contoso.com")]);
    fs::write(at("a.json"), rows).unwrap();
    fs::write(at("nul.json"), [0; 100_000]).unwrap();
    fs::write(at("cut.pdf"), "%PDF-1.4\n").unwrap();
    let nothing = "cdr-exporter compare: nothing to compare: no call that is meant ended";
    for (arguments, code, said) in [
        ("inspect /dev/null", 1, "cdr-exporter inspect: /dev/null: a device is here, not a regular file\n"),
        ("compare --at 2030-01-01 a.json", 1, &*format!("{nothing} at or after 2030-01-01\n")),
        ("compare --at 2000-01-01 a.json", 1, &*format!("{nothing} before 2000-01-01\n")),
        ("inspect --since=-2h a.json", 2, "cdr-exporter inspect: `-2h` is no time: write 2026-11-20"),
        ("inspect --until=-2h a.json", 2, "cdr-exporter inspect: `-2h` is no time: write 2026-11-20"),
        (
            "inspect nul.json",
            1,
            "cdr-exporter inspect: nul.json: it begins with NUL bytes, as a file does that was not",
        ),
    ] {
        let ended = run_in(folder.path(), arguments.split(' '));
        assert!(ended.code == Some(code) && ended.stderr.starts_with(said), "{arguments}: {ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{arguments}: {ended:?}");
    }
    let checked = run_in(folder.path(), ["check", "nul.json"]);
    assert!(checked.stdout.contains("    it begins with NUL bytes"), "{checked:?}");
    let twice =
        run_in(folder.path(), ["inspect", "--output", "csv", "--by", "trunk,outcome,trunk", "a.json"]);
    assert!(
        twice.stdout.starts_with("trunk,outcome,") && !twice.stdout.contains("trunk,outcome,trunk"),
        "{twice:?}"
    );
    // Both halves are of the same files: what is wrong with these is said once.
    let compared = run_in(folder.path(), ["compare", "--at", "2030-01-01", "a.json", "cut.pdf"]);
    assert_eq!(compared.stderr.matches("cut.pdf: not read").count(), 1, "{compared:?}");
}
