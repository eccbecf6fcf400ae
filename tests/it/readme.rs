//! README shows what the commands print: its blocks are run in a folder as README has it, and compared.

use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use tempfile::TempDir;

use super::tools::{Daemon, run_in};

/// Commands of README's blocks that begin so, each with what is to come of it.
pub fn shown(begin: &str) -> Vec<(String, String)> {
    let readme = fs::read_to_string(xtask::repository().join("README.md")).unwrap();
    let blocks = readme.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    let commands = blocks.filter_map(|block| block.strip_prefix("$ ")).flat_map(|block| block.split("\n$ "));
    let commands = commands.map(|command| command.split_once('\n').unwrap_or((command, "")));
    (commands.filter(|(command, _)| command.starts_with(&format!("cdr-exporter {begin}"))))
        .map(|(command, output)| (command.to_owned(), format!("{}\n", output.trim_end())))
        .collect()
}

/// What a command prints in this folder, which README calls `/srv`.
fn printed(folder: &Path, command: &str) -> String {
    let program = env!("CARGO_BIN_EXE_cdr-exporter");
    let script = command.replace("cdr-exporter ", &format!("'{program}' "));
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {script}; }} 2>&1")])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.replace(folder.to_str().unwrap(), "/srv")
}

/// Without the times and speeds of a day.
fn masked(text: &str) -> String {
    let masks = [
        (r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "since then"),
        (r"\(found \d\d-\d\d \d\d:\d\d UTC\)", "(found then)"),
        (r" +[\d.]+ [KMG]?i?B/s", "  fast"),
        (r"reset-\d{8}T\d{9}Z", "reset-then"),
    ];
    masks.iter().fold(text.trim_start().to_owned(), |text, (pattern, mask)| {
        Regex::new(pattern).unwrap().replace_all(&text, *mask).into_owned()
    })
}

fn compare(folder: &Path, command: &str, as_run: &str, expected: &str) {
    let said = printed(folder, as_run);
    assert_eq!(masked(&said), masked(expected), "{command} prints\n{said}");
}

/// The spool of README: a made-up export, rows of Graph of which one is broken, an error page, and a file that is not whole.
fn spool(folder: &Path) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let at = |name: &str| folder.join("spool").join(name);
    fs::create_dir(folder.join("spool")).unwrap();
    let export = "spool/DirectRouting.calls.2026-11-20.csv";
    assert_eq!(run_in(folder, ["demo", "--export", export]).code, Some(0));
    let rows = fs::read_to_string(data.join("graph/bad/bad_json.ndjson")).unwrap();
    fs::write(at("graph-2026-11-22.ndjson"), rows.replace("2024-11-05", "2026-11-22")).unwrap();
    fs::write(at("graph-2026-11-23.json.part"), "{").unwrap();
    fs::copy(data.join("teams_admin_center/bad/sign_in_page.csv"), at("report.csv")).unwrap();
    fs::write(folder.join("cdr-exporter.yml"), "sources:\n  - name: teams\n    paths: [spool]\n").unwrap();
}

#[test]
fn check_status_state_and_audit_print_what_it_shows() {
    let folder = TempDir::new().unwrap();
    spool(folder.path());
    let of = |begin: &str| {
        let shown = shown(begin);
        assert!(!shown.is_empty(), "README shows no {begin}");
        shown
    };
    for (command, expected) in of("check spool") {
        compare(folder.path(), &command, &command, &expected);
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
    let daemon = Daemon::of(command.args(["serve", "spool"]).current_dir(folder.path()));
    daemon.wait_until_ready();
    for (command, expected) in of("status") {
        let as_run = format!("{command} --web.listen-address {}", daemon.address());
        compare(folder.path(), &command, &as_run, &expected);
    }
    daemon.stop();
    for (command, expected) in of("audit").into_iter().chain(of("state")) {
        compare(folder.path(), &command, &command, &expected);
    }
}
