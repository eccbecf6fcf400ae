//! Every sample under `tests/data/` through the real program, against what its README says must come of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cdr_exporter::format::{ALL, Format, Recognition};
use serde_json::Value;
use walkdir::WalkDir;

use super::tools::{Daemon, Metrics, run};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// The samples of one format: every file that has an `.expected` beside it.
pub fn samples(format: &Format) -> Vec<PathBuf> {
    let mut samples: Vec<PathBuf> = WalkDir::new(Path::new(DATA).join(format.name))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file() && beside(path, "expected").exists())
        .collect();
    samples.sort();
    assert!(!samples.is_empty(), "{format:?} has samples");
    samples
}

/// Those of all formats.
pub fn all_samples() -> Vec<PathBuf> {
    ALL.into_iter().flat_map(samples).collect()
}

/// `sample.json` to `sample.json.expected`.
fn beside(sample: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}.{ending}", sample.display()))
}

fn expected(sample: &Path) -> String {
    fs::read_to_string(beside(sample, "expected")).unwrap()
}

/// What `inspect` leaves with: 1 where no record is a call that counts; `check` does where there are records.
fn exit_status(sample: &Path, command: &str) -> i32 {
    let lines = expected(sample);
    let records = lines.lines().next().unwrap_or_default();
    let is_nothing = records.starts_with("records counted=0 duplicate=0 ");
    i32::from(is_nothing && (command == "inspect" || !records.ends_with("ignored=0 rejected=0")))
}

/// The sentence that the reader of a file of unknown format is told.
fn unknown_sentence(sample: &Path) -> Option<String> {
    let formats = ALL.map(|format| format.name).join(", ");
    let expected = expected(sample);
    expected.strip_prefix("unknown ").map(|sentence| sentence.trim_end().replace("FORMATS", &formats))
}

#[test]
fn samples_give_what_they_must() {
    for sample in all_samples().into_iter().filter(|sample| unknown_sentence(sample).is_none()) {
        let shown = sample.display();
        let file = sample.to_str().unwrap();
        let json = run(["inspect", file, "--output", "json"]);
        assert_eq!(json.code, Some(exit_status(&sample, "inspect")), "{shown}: {}", json.stderr);
        let report = sums_of_report(&serde_json::from_str(&json.stdout).unwrap());
        assert_eq!(report, sums_of_lines(&expected(&sample)), "{shown}, as JSON");

        let metrics = run(["inspect", file, "--output", "prometheus"]);
        assert_eq!(metrics.code, Some(exit_status(&sample, "inspect")), "{shown}: {}", metrics.stderr);
        let found = call_lines(&Metrics::parse(&metrics.stdout));
        let lines = expected(&sample);
        let of_calls = |line: &&str| line.starts_with("call ") || line.starts_with("failure ");
        assert_eq!(found, lines.lines().filter(of_calls).collect::<Vec<_>>(), "{shown}, as metrics");
    }
}

/// However little of a sample is there, it is never taken for one of another format.
#[test]
fn samples_are_of_their_format_only() {
    for format in ALL {
        for sample in samples(format) {
            let text = fs::read(&sample).unwrap();
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
            // Another encoding, or compressed.
            if str::from_utf8(text).is_err() || text.contains(&0) {
                continue;
            }
            let shown = sample.display();
            let foreign = unknown_sentence(&sample).is_some();
            for end in 0..=text.len().min(2000) {
                let recognition = Format::recognise(&text[..end], false);
                let is_own = recognition == Recognition::Known(format);
                let is_right = is_own || recognition == Recognition::NeedMore;
                assert!(is_right || foreign, "{shown}, {end} bytes: {recognition:?}");
            }
            let whole = Format::recognise(text, true);
            assert!(foreign || whole == Recognition::Known(format), "{shown}: {whole:?}");
        }
    }
}

/// The lines about calls of an `.expected` file, from the metrics; calls that came live and late are added up.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of a few rows")]
fn call_lines(metrics: &Metrics) -> Vec<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut add = |key: String, count: f64| *counts.entry(key).or_default() += count as u64;
    for (labels, count) in metrics.counted("cdr_calls_total") {
        let named = |name: &str| Some(labels[name].as_str()).filter(|text| !text.is_empty()).unwrap_or("-");
        add(format!("call {} {} {} ", named("trunk"), named("direction"), named("outcome")), count);
    }
    for (labels, count) in metrics.counted("cdr_call_failures_total") {
        let parts =
            ["trunk", "direction", "cause", "microsoft_code", "sip_code"].map(|name| labels[name].as_str());
        add(format!("failure {}|", parts.join("|")), count);
    }
    let mut lines: Vec<String> = counts.into_iter().map(|(key, count)| format!("{key}{count}")).collect();
    lines.sort();
    lines
}

/// What the report for programs adds up over: outcomes, and failures by cause, codes and trunk.
fn sums_of_report(report: &Value) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (result, count) in report["records"].as_object().unwrap() {
        if let Some(count) = count.as_u64() {
            sums.insert(format!("records {result}"), count);
        }
    }
    for (reason, count) in report["records"]["rejected_by_reason"].as_object().unwrap() {
        sums.insert(format!("rejected {reason}"), count.as_u64().unwrap());
    }
    for (field, count) in report["records"]["unread_by_field"].as_object().unwrap() {
        sums.insert(format!("unread {field}"), count.as_u64().unwrap());
    }
    for line in report["outcomes"].as_array().unwrap() {
        sums.insert(format!("call {}", line["outcome"].as_str().unwrap()), line["count"].as_u64().unwrap());
    }
    for line in report["failures"].as_array().unwrap() {
        let code = |name: &str| match &line[name] {
            Value::String(word) => word.clone(),
            code => code.as_u64().map(|code| code.to_string()).unwrap_or_default(),
        };
        let cause = line["cause"].as_str().unwrap();
        for (trunk, count) in line["by_trunk"].as_object().unwrap() {
            let key = format!("failure {trunk}|{cause}|{}|{}", code("microsoft_code"), code("sip_code"));
            sums.insert(key, count.as_u64().unwrap());
        }
    }
    sums
}

/// The same sums from the lines of an `.expected` file.
fn sums_of_lines(lines: &str) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    let mut add = |key: String, count: &str| *sums.entry(key).or_default() += count.parse::<u64>().unwrap();
    for line in lines.lines() {
        if let Some(records) = line.strip_prefix("records ") {
            for (result, count) in records.split(' ').map(|part| part.split_once('=').unwrap()) {
                add(format!("records {result}"), count);
            }
        } else if let Some(failure) = line.strip_prefix("failure ") {
            let parts: Vec<&str> = failure.split('|').collect();
            let [trunk, _direction, cause, microsoft_code, sip_code, count] = parts[..] else {
                panic!("not a failure: {line}")
            };
            add(format!("failure {trunk}|{cause}|{microsoft_code}|{sip_code}"), count);
        } else {
            let words: Vec<&str> = line.split(' ').collect();
            let (kind, what, count) = (words[0], words[words.len() - 2], words[words.len() - 1]);
            add(format!("{kind} {what}"), count);
        }
    }
    sums
}

#[test]
fn a_file_of_no_known_format_is_said_to_be_so() {
    let unknown = all_samples()
        .into_iter()
        .filter_map(|sample| unknown_sentence(&sample).map(|sentence| (sample, sentence)));
    for (sample, sentence) in unknown {
        let (shown, file) = (sample.display(), sample.to_str().unwrap());
        let check = run(["check", file]);
        assert_eq!(check.code, Some(1), "{shown}: {}", check.stdout);
        let told = format!("\nsource teams: 1 file\n  {file}\n    not recognised: {sentence}\n");
        assert_eq!(check.stdout, told, "{shown}");
        let inspect = run(["inspect", file]);
        assert_eq!(inspect.code, Some(1), "{shown}: {}", inspect.stdout);
        assert_eq!(inspect.stderr, format!("cdr-exporter inspect: {file}: not read: {sentence}\n"));
    }
}

/// What `check` says of a bad input, in a file beside it.
#[test]
fn what_is_wrong_with_a_bad_input_is_said() {
    let bad = all_samples()
        .into_iter()
        .filter(|sample| sample.parent().is_some_and(|folder| folder.ends_with("bad")));
    for sample in bad.filter(|sample| unknown_sentence(sample).is_none()) {
        let (shown, file) = (sample.display(), sample.to_str().unwrap());
        let check = run(["check", file]);
        assert_eq!(
            check.code,
            Some(exit_status(&sample, "check")),
            "a rejected record beside good ones is no reason to say no: {shown}: {}",
            check.stderr
        );
        let told = check.stdout.strip_prefix(&format!("\nsource teams: 1 file\n  {file}\n")).unwrap();
        // What it says of the source as a whole stands behind it.
        let told = told.split_once("  every trunk that").map_or(told, |(told, _)| told);
        let message = fs::read_to_string(beside(&sample, "message")).unwrap_or_default();
        assert_eq!(told, message, "{shown}");
    }
}

/// No part of a number, name or address of the samples.
const PRIVATE: &[&str] = &["1425555", "user.one", "user one", "one, user", "öne", "@contoso"];

fn assert_says_nothing_private(what: &str, text: &str) {
    let text = text.to_lowercase();
    for private in PRIVATE {
        assert!(!text.contains(private), "{what} says {private:?}:\n{text}");
    }
}

#[test]
fn no_number_or_name_is_ever_said() {
    let samples = all_samples();
    let files = || samples.iter().map(|sample| sample.to_str().unwrap());
    let outputs: [&[&str]; 4] =
        [&["check"], &["inspect"], &["inspect", "--output", "json"], &["inspect", "--output", "prometheus"]];
    for command in outputs {
        let ended = run(command.iter().copied().chain(files()));
        assert!(ended.stdout.len() > 100, "{command:?} says something: {}", ended.stderr);
        assert_says_nothing_private(&format!("{command:?}"), &(ended.stdout + &ended.stderr));
    }
    let daemon = Daemon::serve(["--log.level", "debug"].into_iter().chain(files()));
    daemon.wait_until_ready();
    for page in ["/", "/metrics"] {
        assert_says_nothing_private(page, daemon.get(page).text());
    }
    assert_says_nothing_private("the log", &daemon.stop().join("\n"));
}
