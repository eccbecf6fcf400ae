//! `inspect` as a voice engineer runs it: a made-up day with a fault in it, and what is said of it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::readme;
use super::tools::files::{gzip, zip};
use super::tools::{find, run};

const HEADER: &str = "CorrelationId,SIP Address,Display Name,Invite time,Failure time,End time,Duration (seconds),Success,\
                      Caller Number,Callee Number,Call type,Final SIP code,Final Microsoft subcode,Final SIP Phrase,SBC FQDN";

/// What is nobody's business.
const PERSONAL: [&str; 3] = ["14255550123", "Jane Secret", "jane.secret@contoso.com"];

/// A call of this minute of the day.
struct Call {
    minute: u32,
    trunk: &'static str,
    kind: &'static str,
    /// Microsoft code, SIP code and phrase of a failed call.
    failed: Option<(u32, u32, &'static str)>,
}

impl Call {
    fn row(&self, number: usize) -> String {
        let time = format!("2026-11-20T{:02}:{:02}:30Z", self.minute / 60, self.minute % 60);
        let [number_of, name, address] = PERSONAL;
        let (ended, failed, success, seconds) = match self.failed {
            Some(_) => ("", &*time, "No", 0),
            None => (&*time, "", "Yes", 25),
        };
        let (microsoft, sip, phrase) = self.failed.unwrap_or((540_000, 0, ""));
        format!(
            "00000000-0000-4000-8000-{number:012x},{address},{name},2026-11-20T00:00:00Z,{failed},{ended},{seconds},{success},\
             +{number_of},+{number_of},{},{sip},{microsoft},{phrase},{}",
            self.kind, self.trunk
        )
    }
}

const MEDIA: (u32, u32, &str) = (531_004, 410, "IceConnectivityChecksFailed");
const REFUSED: (u32, u32, &str) = (560_403, 403, "Forbidden");

/// A day of calls on three trunks; over sbc2 those that come in fail from 14:05 to 14:50.
fn day(folder: &Path) -> PathBuf {
    let mut text = format!("{HEADER}\r\n");
    let trunks = ["sbc1.contoso.com", "sbc2.contoso.com", "sbc3.contoso.com"];
    for minute in 0..1440 {
        for (place, trunk) in trunks.into_iter().enumerate() {
            for (kind, every) in [("ByotIn", 1), ("ByotOut", 2)] {
                if !(minute as usize).is_multiple_of(every) {
                    continue;
                }
                let is_burst = place == 1 && kind == "ByotIn" && (845..890).contains(&minute);
                let failed = match () {
                    () if is_burst => Some(MEDIA),
                    () if minute % 240 == 100 => Some(REFUSED),
                    () => None,
                };
                let row = Call { minute, trunk, kind, failed }.row(minute as usize * 8 + place * 2 + every);
                writeln!(text, "{row}\r").unwrap();
            }
        }
    }
    let path = folder.join("DirectRouting.calls.2026-11-20.csv");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_readme_shows_what_the_made_up_day_comes_to() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[String]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        let output = command.args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["demo", "--export", "DirectRouting.calls.2026-11-20.csv"].map(str::to_owned));
    let shown = |begin: &str| {
        let words = |command: &str| command.split(' ').skip(1).map(str::to_owned).collect::<Vec<String>>();
        readme::shown(begin).into_iter().map(move |(command, output)| (words(&command), output))
    };
    let (inspect, explain): (Vec<_>, Vec<_>) = (shown("inspect ").collect(), shown("explain ").collect());
    assert!(inspect.len() >= 2 && !explain.is_empty());
    for (command, output) in inspect.into_iter().chain(explain) {
        let said = run(&command);
        match output.strip_prefix("...\n") {
            Some(part) => assert!(said.contains(part), "{command:?}\n{said}"),
            None => assert_eq!(said, output, "{command:?}"),
        }
    }
}

/// `inspect` of the day, with these arguments.
fn inspect(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = day(folder.path());
    let ended = run(["inspect", path.to_str().unwrap()].iter().chain(arguments));
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{arguments:?}");
    for personal in PERSONAL {
        assert!(!ended.stdout.contains(personal), "{arguments:?} shows {personal}");
    }
    ended.stdout
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&inspect(&[&["--output", "json"], arguments].concat())).unwrap()
}

const SENTENCE: &str = "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com, inbound: all 45 calls on \
                        2026-11-20 from 14:05 to 14:50 UTC; before that none of 845 in 14 hours.";

#[test]
fn the_first_lines_are_the_answer() {
    let text = inspect(&[]).replace("\n   ", " ");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "81 of 6,480 calls failed (1.2 %). Calls from 2026-11-20 00:00 to 2026-11-21 00:00 UTC."
    );
    assert_eq!(
        lines[2],
        format!(
            "1. {SENTENCE} Who can fix it: whoever runs the network and firewalls between client, SBC and \
                                  Microsoft. What to do: Open UDP between SBC and Microsoft: 3478-3481 and 49152-53247; \
                                  with media bypass also 50000-59999. Check NAT."
        )
    );
}

#[test]
fn tables_are_as_wide_as_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = day(folder.path());
    for columns in [80, 120, 200] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        let output = command.arg("inspect").arg(&path).env("COLUMNS", columns.to_string()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= columns, "{widest} of {columns}:\n{text}");
        assert!(!text.contains('\u{1b}'), "colour in a pipe");
        let begins_with_sign =
            |line: &str| ["%", "UTC"].iter().any(|sign| line.trim_start().starts_with(sign));
        assert!(!text.lines().any(begins_with_sign), "a sign stays with its number: {text}");
        assert!(text.contains("Cause of failure"), "{text}");
        assert!(text.contains(" sbc2.contoso.com 45"), "which trunk: {text}");
    }
}

/// On a pseudo terminal: its width and colour, and who turns that off.
#[test]
fn colour_is_for_terminals_that_want_it() {
    const BOLD: &str = "\u{1b}[1m";
    const RED: &str = "\u{1b}[1;31m";
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_cdr-exporter");
    let inspect = format!("'{program}' inspect '{}' 2>/dev/null", day(folder.path()).display());
    let on_terminal = |columns: usize, set: &[(&str, &str)], command: &str| {
        let mut script = Command::new(find("script", "bsdutils"));
        // What this test is run in may say whether it wants colour; where `CI` is set, help is coloured on any terminal.
        for said_around in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
            script.env_remove(said_around);
        }
        script.envs([("TERM", "xterm"), ("SHELL", "/bin/sh"), ("COLUMNS", "150")]);
        script.envs(set.iter().copied()).args(["--quiet", "--return", "--command"]);
        let output =
            script.arg(format!("stty columns {columns}; {command}")).arg("/dev/null").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().replace('\r', "")
    };
    let colours = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    for columns in [80, 120, 200] {
        let coloured = on_terminal(columns, &[], &inspect);
        assert!(coloured.starts_with(&format!("{BOLD}81 of 6,480 calls failed")), "{coloured}");
        assert!(coloured.contains(&format!("{RED}1. No media path")), "{coloured}");
        let plain = on_terminal(columns, &[("NO_COLOR", "1")], &inspect);
        let without = colours.replace_all(&coloured, "").into_owned();
        assert_eq!(plain, without, "the same in {columns} columns, but for colour");
        let widest = plain.lines().map(|line| line.chars().count()).max().unwrap();
        assert!((columns * 3 / 4..=columns).contains(&widest), "{widest} of {columns}:\n{plain}");
    }
    let help = format!("'{program}' inspect --help");
    for (set, command, is_coloured) in [
        (&[("NO_COLOR", "")][..], &inspect, true),
        (&[("NO_COLOR", "1")], &inspect, false),
        (&[("TERM", "dumb")], &inspect, false),
        (&[], &format!("{inspect} | cat"), false),
        (&[], &help, true),
        (&[("NO_COLOR", "1")], &help, false),
        (&[("TERM", "dumb")], &help, false),
    ] {
        let text = on_terminal(100, set, command);
        assert_eq!(text.contains('\u{1b}'), is_coloured, "{set:?} {command}:\n{text}");
    }
}

#[test]
fn json_has_attempts_and_hours() {
    let report = json(&[]);
    assert_eq!(report["findings"][0]["sentence"], SENTENCE);
    assert_eq!((&report["attempts"], &report["failed"]), (&6480.into(), &81.into()));
    let trunk = &report["trunks"][0];
    assert_eq!((&trunk["trunk"], &trunk["attempts"]), (&"sbc2.contoso.com".into(), &2160.into()));
    assert_eq!(trunk["hours"][14]["hour"], "2026-11-20T14:00:00Z");
    assert_eq!((&trunk["hours"][14]["attempts"], &trunk["hours"][14]["failed"]), (&90.into(), &45.into()));
    assert_eq!(report["failures"][0]["hours"][0]["failed"], 45);
}

#[test]
fn where_failures_are_chosen_the_first_line_says_how_many_of_all() {
    for (arguments, line) in [
        (["--side", "network"], "45 of the 81 failed calls are of this choice, 0.7 % of 6,480 calls."),
        (["--code", "999999"], "No failed call is of this choice; 81 of 6,480 calls failed."),
        (["--trunk", "sbc2"], "57 of 2,160 calls failed (2.6 %)."),
    ] {
        let text = inspect(&arguments);
        assert!(text.starts_with(line), "{arguments:?}: {text}");
    }
}

#[test]
fn of_very_many_places_that_cannot_be_read_some_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..50 {
        std::os::unix::fs::symlink("/dev/null", folder.path().join(format!("{number}.csv"))).unwrap();
    }
    let ended = run(["inspect", folder.path().to_str().unwrap()]);
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 21), "{}", ended.stderr);
    assert!(ended.stderr.trim_end().ends_with(": 30 more places cannot be read"), "{}", ended.stderr);
}

#[test]
fn what_is_not_there_is_not_compared() {
    let ended = run(["compare", "a.csv", "b.csv"]);
    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""));
    assert_eq!(
        ended.stderr,
        "cdr-exporter compare: a.csv: there is no such file\ncdr-exporter compare: there are no calls in a.csv\n"
    );
}

/// A file that holds no call is no answer, and says so.
#[test]
fn what_holds_nothing_is_said_to_be_empty() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(at("empty.csv"), "").unwrap();
    fs::write(at("header.csv"), format!("{HEADER}\r\n")).unwrap();
    for (arguments, said) in [
        (vec![at("empty.csv")], "empty.csv: empty: there is no record in it\n"),
        (vec![at("header.csv")], "header.csv: empty but for a header: there is no record below it\n"),
        (vec!["-".to_owned()], "standard input: empty: there is no record in it\n"),
        (vec![folder.path().display().to_string()], "header.csv: empty but for a header"),
    ] {
        let ended = run(["inspect".to_owned()].into_iter().chain(arguments));
        assert_eq!(ended.code, Some(1), "{}", ended.stdout);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    day(folder.path());
    let among_others = run(["inspect", folder.path().to_str().unwrap()]);
    assert_eq!((among_others.code, &*among_others.stderr), (Some(0), ""), "the others have calls");
}

#[test]
fn what_was_read_is_said_where_nothing_of_it_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let day = day(folder.path()).display().to_string();
    let none = run(["inspect", "--trunk", "sbc9", &day]).stdout;
    assert!(
        none.starts_with("None of the 6,480 calls that were read is chosen.\nWhat was read is of sbc1"),
        "{none}"
    );
}

/// Each source has its own names for trunks, and for columns.
#[test]
fn the_names_are_those_of_the_source_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let day = fs::read_to_string(day(folder.path())).unwrap().replace("CorrelationId", "Korrelationskennung");
    let (file, config) = (folder.path().join("german.csv"), folder.path().join("config.yml"));
    fs::write(&file, day).unwrap();
    let text = "sources:\n\
                - {name: resellers, paths: ['/nowhere/*.csv'], trunks: {names: [{match: '.*', name: reseller}]}}\n\
                - {name: teams, paths: ['/nowhere/*.json'], columns: {Korrelationskennung: correlation_id}}\n";
    fs::write(&config, text).unwrap();
    let report = |more: &[&str]| {
        let common = [
            "inspect",
            "--config.file",
            config.to_str().unwrap(),
            "--source",
            "teams",
            file.to_str().unwrap(),
        ];
        run(common.iter().chain(more)).stdout
    };
    assert!(!report(&["--by", "trunk"]).contains("reseller"));
    let calls = report(&["--calls", "--limit", "1"]);
    assert!(calls.contains("00000000-0000-4000-8000-"), "{calls}");
}

/// `check` and `inspect` say alike why a file is not read, or not read to its end, and what to mend in it.
#[test]
fn what_is_wrong_with_a_file_is_said_with_what_to_mend() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let day = fs::read_to_string(day(folder.path())).unwrap();
    let whole = gzip(day.as_bytes());
    fs::write(at("cut.csv.gz"), &whole[..whole.len() / 2]).unwrap();
    fs::write(at("misspelt.csv"), day.replace("CorrelationId", "CorelationId")).unwrap();
    fs::write(at("export.zip"), zip(&[("PSTN.calls.2026-11-01.csv", b"UsageId,Charge\n1,2\n")])).unwrap();
    for (name, said) in [
        (
            "cut.csv.gz",
            "damaged gzip data: it ends in the midst: the file was cut, or is still being written",
        ),
        ("misspelt.csv", "column 1, `CorelationId`, looks like it"),
        (
            "export.zip",
            "without call records: a zip archive of an export that holds Calling Plan calls at most",
        ),
    ] {
        let (inspected, checked) = (run(["inspect", &at(name)]), run(["check", &at(name)]));
        assert_eq!(inspected.code, Some(1), "{name}: {}", inspected.stderr);
        assert!(inspected.stderr.contains(said), "{name}: {}", inspected.stderr);
        assert!(checked.stdout.contains(said), "{name}: {}", checked.stdout);
    }
    let cut = run(["inspect", &at("cut.csv.gz")]);
    assert!(cut.stdout.contains(" calls failed"), "what came before counts: {}", cut.stdout);
}

/// What cannot be had together is refused, and nothing that was asked for is passed over in silence.
#[test]
fn flags_that_do_not_go_together_are_refused() {
    for (arguments, said) in [
        (&["--calls", "--by", "cause"][..], "--calls lists the newest calls, and --by, --sort and --top"),
        (&["--calls", "--top", "3"], "--calls lists the newest calls"),
        (&["--calls", "--sort", "name"], "--calls lists the newest calls"),
        (&["--calls", "--output", "csv"], "--calls is listed as a table, JSON or HTML"),
        (&["--limit", "3"], "--limit is of the list of calls: add --calls"),
        (&["--limit", "3", "--output", "json"], "--limit is of the list of calls"),
        (&["--outcome", "busy", "--cause", "ice"], "--cause, --code and --side choose failed calls"),
        (
            &["--outcome", "gone"],
            "write one of answered, busy, no_answer, cancelled, declined, elsewhere, failed",
        ),
        (
            &["--output", "prometheus", "--outcome", "busy"],
            "--output prometheus has the counters of all calls",
        ),
        (&["--output", "prometheus", "--top", "3"], "--output prometheus has the counters of all calls"),
        (&["--output", "prometheus", "--timezone", "Europe/Berlin"], "--output prometheus has the counters"),
        (&["--top", "many"], "write a whole number from 0 on, such as 15"),
        (&["--cause", "-"], "write words of the cause"),
    ] {
        let ended = run(["inspect", "-"].iter().chain(arguments));
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stdout);
        assert!(ended.stderr.contains(said), "{arguments:?}: {}", ended.stderr);
    }
    let lines = |arguments: &[&str]| json(arguments)["failures"].as_array().unwrap().len();
    assert_eq!((lines(&[]), lines(&["--top", "1"])), (2, 1), "--top is of programs, too, where it is said");
    assert_eq!(json(&["--sort", "name"])["trunks"][0]["trunk"], "sbc1.contoso.com");
    assert_eq!(inspect(&["--output", "csv", "--top", "1"]).lines().count(), 2);
    assert_eq!(inspect(&["--output", "html", "--limit", "1"]).matches("00000000-0000").count(), 1);
}

/// Arguments, and what the JSON then has: attempts and failed calls.
#[test]
fn calls_are_chosen() {
    for (arguments, attempts, failed) in [
        (&["--trunk", "sbc2"][..], 2160, 57),
        (&["--trunk", "SBC2.contoso.com", "--direction", "inbound"], 1440, 51),
        (&["--cause", "ice"], 6480, 45),
        (&["--cause", "no media"], 6480, 45),
        (&["--cause", "hecks"], 6480, 0),
        (&["--code", "560403/403"], 6480, 36),
        (&["--code", "/410"], 6480, 45),
        (&["--side", "network"], 6480, 45),
        (&["--outcome", "failed", "--side", "network"], 6480, 45),
        (&["--outcome", "answered"], 6480, 0),
        (&["--since", "14:00", "--until", "15:00"], 270, 45),
        (
            &["--since", "2026-11-20 15:00", "--until", "2026-11-20T16:00", "--timezone", "Europe/Berlin"],
            270,
            45,
        ),
        (&["--since", "2h"], 540, 0),
    ] {
        let report = json(arguments);
        assert_eq!(
            (&report["attempts"], &report["failed"]),
            (&attempts.into(), &failed.into()),
            "{arguments:?}"
        );
    }
    let ended = run(["inspect", "-", "--since", "soon"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("`soon` is no time: write 2026-11-20"), "{}", ended.stderr);
    let folder = tempfile::tempdir().unwrap();
    let ended =
        run(["inspect", day(folder.path()).to_str().unwrap(), "--since", "15:00", "--until", "14:00"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.ends_with("--until is no later than --since\n"), "{}", ended.stderr);
}

/// Chosen by their outcome, calls are counted, arranged and listed alike, beside all attempts.
#[test]
fn an_outcome_chooses_calls_in_tables_and_lists() {
    let answered = inspect(&["--outcome", "answered", "--by", "trunk"]);
    assert!(
        answered.starts_with("Answered: 6,399 of 6,480 calls (99 %). Calls from 2026-11-20"),
        "{answered}"
    );
    assert!(answered.contains(" trunk             Attempts  Answered  Of attempts"), "{answered}");
    assert!(answered.contains("\n sbc2.contoso.com     2,160     2,103         97 %"), "{answered}");
    assert!(answered.contains("All calls by outcome: failed 81"), "{answered}");
    assert!(!answered.contains("No media path"), "findings are of failed calls: {answered}");
    let failed = inspect(&["--outcome", "failed"]);
    assert!(failed.starts_with("81 of 6,480 calls failed (1.2 %)."), "{failed}");
    assert!(failed.replace("\n   ", " ").contains(SENTENCE), "{failed}");

    let by = json(&["--outcome", "answered,no-answer", "--by", "trunk"])["by"][0].clone();
    let share = 2148.0 / 2160.0;
    assert_eq!(
        by,
        serde_json::json!({"trunk": "sbc1.contoso.com", "calls": 2148, "attempts": 2160, "failed": 0, "share": share})
    );
    for by in ["outcome", "kind,outcome"] {
        let lines = json(&["--outcome", "failed", "--by", by])["by"].clone();
        assert_eq!((lines.as_array().unwrap().len(), &lines[0]["failed"]), (1, &81.into()), "{by}: {lines}");
    }
    for (outcome, expected) in [("failed", "failed"), ("answered", "answered")] {
        let calls = json(&["--calls", "--limit", "100", "--outcome", outcome])["listed_calls"].clone();
        let calls = calls.as_array().unwrap();
        assert!(calls.len() >= 81 && calls.iter().all(|call| call["outcome"] == expected), "{calls:?}");
    }
    let page = inspect(&["--output", "html", "--outcome", "answered", "--limit", "3"]);
    assert!(
        page.contains("<th class=\"n\">Answered</th>") && page.matches("00000000-0000").count() == 3,
        "{page}"
    );
}

#[test]
fn calls_are_gathered() {
    let by = |arguments: &[&str]| json(arguments)["by"].clone();
    let lines = by(&["--by", "trunk,side"]);
    assert_eq!(
        lines[0],
        serde_json::json!({"trunk": "sbc2.contoso.com", "side": "network", "calls": 45, "attempts": 2160, "failed": 45,
                           "share": 45.0 / 2160.0})
    );
    let hours = by(&["--by", "hour", "--timezone", "Europe/Berlin"]);
    assert_eq!((&hours[14]["hour"], &hours[14]["failed"]), (&"2026-11-20 15:00".into(), &45.into()));
    assert_eq!(by(&["--by", "outcome"])[1]["outcome"], "answered");
    for family in ["kind", "country"] {
        let lines = by(&["--by", family]);
        let sum =
            |name: &str| lines.as_array().unwrap().iter().map(|it| it[name].as_u64().unwrap()).sum::<u64>();
        assert_eq!((sum("attempts"), sum("failed")), (6480, 81), "{family}: {lines}");
        assert_eq!(by(&["--by", &format!("outcome,{family}")])[0]["outcome"], "failed");
    }
    for (arguments, error) in [
        (["--by", "kind,trunk"], "--by kind and trunk do not go together"),
        (["--by=country", "--since=2h"], "--by country is of all calls"),
    ] {
        let ended = run(["inspect", "-"].into_iter().chain(arguments));
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains(error), "{}", ended.stderr);
    }

    let csv = inspect(&["--output", "csv", "--by", "cause"]);
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some(
            "cause,calls,attempts,failed,share_of_attempts,first_failed,last_failed,microsoft_code,sip_code,side,remedy"
        )
    );
    assert!(lines.next().unwrap().starts_with(
        "IceConnectivityChecksFailed,45,6480,45,0.006944,2026-11-20T14:05:00Z,2026-11-20T14:49:00Z,531004,410,network,"
    ));
}

#[test]
fn the_config_names_trunks_and_causes() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("cdr-exporter.yml");
    fs::write(
        &config,
        "sources:\n  - name: teams\n    paths: [/nowhere]\n    trunks:\n      - {match: 'sbc(\\d+)\\.contoso\\.com', \
         name: 'site-$1'}\ncauses:\n  - {microsoft_code: 531004, sip_code: 410, cause: Firewall, outcome: failed, side: tenant}\n",
    )
    .unwrap();
    let report = json(&["--config.file", config.to_str().unwrap()]);
    assert_eq!(report["findings"][0]["cause"], "Firewall");
    assert_eq!(report["findings"][0]["trunk"], "site-2");
}

#[test]
fn calls_are_listed_newest_first() {
    let calls = json(&["--calls", "--limit", "2", "--cause", "ice"])["listed_calls"].clone();
    assert_eq!(calls.as_array().unwrap().len(), 2);
    let call = &calls[0];
    assert_eq!(
        (&call["ended"], &call["trunk"]),
        (&"2026-11-20 14:49:30 UTC".into(), &"sbc2.contoso.com".into())
    );
    assert_eq!((&call["microsoft_code"], &call["sip_code"]), (&531_004.into(), &410.into()));
    assert_eq!(call["correlation_id"], "00000000-0000-4000-8000-000000001bcb");
    assert!(call["position"].as_u64().unwrap() > 100_000);
    assert_eq!(calls[1]["ended"], "2026-11-20 14:48:30 UTC");

    let calls = json(&["--calls", "--until", "2026-11-20 12:00"])["listed_calls"].clone();
    assert_eq!(calls[0]["ended"], "2026-11-20 11:59:30 UTC");
    assert!(inspect(&["--calls"]).starts_with(" Ended"));
    let ended = run(["inspect", "-", "--calls", "--until", "2h"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
}

/// Numbers and names in every column where they do not belong.
#[test]
fn nothing_personal_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let columns = HEADER.split(',').count();
    let sound = Call { minute: 60, trunk: "sbc1.contoso.com", kind: "ByotIn", failed: Some(MEDIA) }.row(1);
    let mut text = format!("{HEADER}\n{sound}\n");
    for personal in ["+14255550123", "14255550123", "Jane Secret", "jane.secret@contoso.com"] {
        for column in 0..columns {
            let mut cells: Vec<&str> = sound.split(',').collect();
            cells[column] = personal;
            writeln!(text, "{}", cells.join(",")).unwrap();
        }
    }
    let path = folder.path().join("DirectRouting.calls.2026-11-20.csv");
    fs::write(&path, text).unwrap();
    for arguments in
        [&["--calls", "--limit", "1000"][..], &["--output", "html"], &["--output", "json", "--calls"]]
    {
        let ended = run(["inspect", path.to_str().unwrap()].iter().chain(arguments));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        for personal in ["4255550123", "Jane", "jane"] {
            assert!(!ended.stdout.contains(personal), "{arguments:?} shows {personal}: {}", ended.stdout);
        }
    }
}

#[test]
fn the_page_needs_nothing_else() {
    let page = inspect(&["--output", "html"]);
    assert!(page.starts_with("<!doctype html>"));
    assert!(page.contains("on sbc2.contoso.com, inbound: all 45 calls"), "{page}");
    assert!(page.contains("00000000-0000-4000-8000-000000001bcb"), "correlation ids");
    assert!(page.contains("<td>sbc2.contoso.com\u{a0}45</td>"), "which trunk");
    let by = inspect(&["--output", "html", "--by", "direction"]);
    assert!(
        by.contains("<h2>By direction</h2>") && by.contains("<td>inbound</td>"),
        "what was asked for: {by}"
    );
    for other in ["http:", "https:", "src=", "href=", "<script", "url("] {
        assert!(!page.contains(other), "{other}");
    }
}

#[test]
fn two_lots_of_calls_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = day(folder.path());
    let ended = run(["compare", "--at", "14:00", path.to_str().unwrap(), "--until", "15:00"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let worse = "IceConnectivityChecksFailed 531004/410 on sbc2.contoso.com: 45 of 90 calls failed (50 %); before none of 1,260\n";
    let advice = "    Who can fix it: whoever runs the network and firewalls between client, SBC and Microsoft.\n    What to do: Open UDP";
    let said = ended.stdout.replace("\n    45", " 45");
    assert!(said.contains(&format!("{worse}{advice}")), "{said}");
    assert_eq!(said.matches("Who can fix it").count(), 1, "a trunk as a whole has no remedy: {said}");
    assert!(ended.stdout.contains("Better: nothing that is sure."), "{}", ended.stdout);
    assert_eq!(run(["compare", "one.csv"]).code, Some(2));
}

#[test]
fn a_correlation_id_stands_on_one_line() {
    let text = inspect(&["--calls", "--limit", "3"]);
    let whole = regex::Regex::new(r"\b[0-9a-f]{8}-0000-4000-8000-[0-9a-f]{12}\b").unwrap();
    assert_eq!(whole.find_iter(&text).count(), 3, "{text}");
}

/// A record that only the config can read: that of the source which has the file, or which is named.
#[test]
fn the_config_says_how_its_files_are_read() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::create_dir(at("devices")).unwrap();
    let text = "RecordType;TerminationCause;NAP\nSTOP;503;NAP_A\nSTOP;200;NAP_A\n";
    [at("devices/a.csv"), at("elsewhere.csv")].iter().for_each(|path| fs::write(path, text).unwrap());
    let config = format!(
        "sources:\n- {{name: teams, paths: ['{0}/teams']}}\n- name: devices\n  paths: ['{0}/devices']\n  format: csv\n  \
         delimiter: ';'\n  header: true\n  fields: {{sip_code: TerminationCause, trunk: NAP}}\n",
        folder.path().display()
    );
    fs::write(at("config.yml"), config).unwrap();
    let inspect = |more: &[&str]| {
        let config = at("config.yml");
        run([&["inspect", "--output", "json", "--config.file", &config], more].concat())
    };
    for read in [&[&*at("devices/a.csv")][..], &["--source", "devices", &at("elsewhere.csv")]] {
        let answer: Value = serde_json::from_str(&inspect(read).stdout).unwrap();
        assert_eq!((&answer["attempts"], &answer["failed"]), (&2.into(), &1.into()), "{read:?}");
    }
    assert_eq!(inspect(&[&at("elsewhere.csv")]).code, Some(1), "which source's it is nobody said");
    let unknown = inspect(&["--source", "sbc", &at("elsewhere.csv")]);
    assert!(unknown.stderr.contains("there is no source `sbc`; it has teams, devices"), "{}", unknown.stderr);
}
