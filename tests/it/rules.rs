//! The rule files: in step with what is generated from them, complete in what each alert says, and tried by promtool.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use regex::Regex;
use serde::Deserialize;

mod cost;
mod together;

use crate::tools::{succeed, under_both, under_newer};

#[derive(Deserialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    record: Option<String>,
    alert: Option<String>,
    expr: String,
    r#for: Option<String>,
    keep_firing_for: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

fn folder() -> PathBuf {
    xtask::repository().join("deploy/prometheus")
}

fn read_groups(file: &str) -> Vec<Group> {
    let text = fs::read_to_string(folder().join(file)).expect("the rule file is there");
    let file: File = serde_saphyr::from_str(&text).expect("the rule file is YAML");
    file.groups
}

fn rules(file: &str) -> Vec<Rule> {
    read_groups(file).into_iter().flat_map(|group| group.rules).collect()
}

#[test]
fn generated_files_are_in_step_with_their_sources() {
    for (path, content) in xtask::generated().expect("the sources can be read") {
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == content, "{} is out of step: run `cargo xtask`", path.display());
    }
}

#[test]
fn each_alert_says_what_is_wrong_and_where_to_go_on() {
    let runbooks =
        fs::read_to_string(xtask::repository().join("docs/runbooks.md")).expect("the runbooks are there");
    let tests: String = fs::read_dir(folder().join("tests"))
        .expect("the unit tests are there")
        .map(|entry| fs::read_to_string(entry.expect("a readable folder").path()).expect("a readable test"))
        .collect();
    for rule in rules("alerts.rules.yml") {
        let name = rule.alert.expect("every rule of the file is an alert");
        let annotation = |key: &str| rule.annotations.get(key).cloned().unwrap_or_default();
        assert!(
            ["critical", "warning", "info"].contains(&rule.labels["severity"].as_str()),
            "{name}: severity"
        );
        assert!(rule.r#for.is_some() && rule.keep_firing_for.is_some(), "{name}: for, keep_firing_for");
        let summary = annotation("summary");
        assert!(summary.ends_with('.') && !summary.contains("{{"), "{name}: a summary is one fixed sentence");
        assert!(annotation("description").contains("Remedy: "), "{name}: the description names no remedy");
        let runbook = annotation("runbook_url");
        assert!(runbook.starts_with("https://"), "{name}: {runbook} is no address");
        assert!(runbook.ends_with(&format!("/runbooks.md#{}", name.to_lowercase())), "{name}: {runbook}");
        assert!(!annotation("headline").is_empty(), "{name}: nothing for a lock screen");
        assert!(runbooks.contains(&format!("\n### {name}\n")), "{name} has no section in the runbooks");
        let link = annotation("dashboard_url");
        let uid = link.split("/d/").nth(1).and_then(|rest| rest.split('?').next()).unwrap_or_default();
        assert!(xtask::dashboards::all().iter().any(|(_, dashboard)| dashboard.uid == uid), "{name}: {link}");
        assert!(tests.contains(&name), "{name} has no test");
    }
}

#[test]
fn each_category_of_failures_has_a_section_in_the_runbooks() {
    let runbooks =
        fs::read_to_string(xtask::repository().join("docs/runbooks.md")).expect("the runbooks are there");
    let catalogue = xtask::repository().join("src/classify/causes.csv");
    for row in csv::Reader::from_path(catalogue).expect("the catalogue is there").deserialize() {
        let row: BTreeMap<String, String> = row.expect("a row with its columns");
        let section = format!("\n### {}\n", row["category"]);
        assert!(row["outcome"] != "failed" || runbooks.contains(&section), "{}", row["category"]);
    }
}

/// What a section advises is Microsoft's advice where a page is named; the others lead to a section that names one.
#[test]
fn each_runbook_about_calls_names_a_page_of_microsoft() {
    let text =
        fs::read_to_string(xtask::repository().join("docs/runbooks.md")).expect("the runbooks are there");
    let definition = Regex::new(r"(?m)^\[([^\]]+)\]: (.+)$").expect("valid");
    let pages: Vec<_> = definition
        .captures_iter(&text)
        .map(|found| (format!("[{}]", &found[1]), found[2].to_owned()))
        .collect();
    let (_, calls) = text.split_once("## Alerts about calls\n").expect("the part about calls");
    let (calls, exporter) = calls.split_once("## Alerts about the exporter\n").expect("the next part");
    let (_, categories) = exporter.split_once("## Categories of causes\n").expect("the part of causes");
    let (categories, listed) = categories.split_once("## Where this is from\n").expect("the list of pages");
    for section in [calls, categories].into_iter().flat_map(|part| part.split("\n### ").skip(1)) {
        let names_one = pages.iter().any(|(name, _)| section.contains(name.as_str()));
        assert!(names_one || section.contains("](#"), "no page is named: {section}");
    }
    for (name, address) in &pages {
        assert!(address.starts_with("https://learn.microsoft.com/"), "{name}: {address}");
        assert!(listed.contains(&format!("- {name}: ")), "{name} is not in the list");
        assert!(text.matches(name.as_str()).count() > 2, "{name} stands behind nothing");
    }
    let in_brackets = Regex::new(r"\(?(\[[a-zA-Z][^\]`]*\])[,);: ]").expect("valid");
    let prose = text.split("```").step_by(2).collect::<String>();
    for found in in_brackets.captures_iter(&prose) {
        assert!(pages.iter().any(|(name, _)| *name == found[1]), "{} leads nowhere", &found[1]);
    }
}

#[test]
fn recorded_names_are_level_metric_operation() {
    let form = Regex::new(r"^[a-z]+(_[a-z]+)*:cdr_[a-z_]+:[a-z]+[a-z0-9_]*$").expect("valid");
    for rule in rules("recording.rules.yml") {
        let name = rule.record.expect("every rule of the file records");
        assert!(form.is_match(&name), "{name}");
    }
}

/// Each costs at every evaluation, so each has a reader: another rule, an alert, or a dashboard.
#[test]
fn every_recorded_series_is_read() {
    let root = xtask::repository();
    let read = |path: &str| fs::read_to_string(root.join(path)).expect("a generated file");
    let dashboards: String =
        xtask::dashboards::all().iter().map(|(name, _)| read(&format!("dashboards/{name}"))).collect();
    let rules = read("deploy/prometheus/recording.rules.yml") + &read("deploy/prometheus/alerts.rules.yml");
    for rule in self::rules("recording.rules.yml") {
        let name = rule.record.expect("every rule of the file records");
        let whole = Regex::new(&format!(r"(record: )?{}\b", regex::escape(&name))).expect("valid");
        let is_read = |text: &str| whole.captures_iter(text).any(|found| found.get(1).is_none());
        assert!(is_read(&rules) || is_read(&dashboards), "nothing reads {name}");
    }
}

under_both!(promtool_accepts_the_rules("promtool" of "prometheus"));

fn promtool_accepts_the_rules(promtool: &Path) {
    succeed(
        Command::new(promtool)
            .args(["check", "rules", "--lint=all", "--lint-fatal"])
            .args(["recording.rules.yml", "alerts.rules.yml"])
            .current_dir(folder()),
    );
}

under_newer!(vmalert_accepts_the_rules("vmalert"));

fn vmalert_accepts_the_rules(vmalert: &Path) {
    succeed(Command::new(vmalert).args(["-dryRun", "-rule=*.rules.yml"]).current_dir(folder()));
}

/// Plays unit tests.
///
/// Nothing in them depends on how fast it is: they take the processor time that tests of running programs leave, and no garbage
/// is collected below a bound of memory.
fn promtool_test(promtool: &Path, file: &Path) {
    let environment = [("GOGC", "off"), ("GOMEMLIMIT", "800MiB")];
    succeed(Command::new("nice").arg(promtool).envs(environment).args(["test", "rules"]).arg(file));
}

/// Plays unit tests that ask which alerts fire, and not for their texts: those are left out of the rules, since each is worked out
/// at every evaluation by a dozen queries.
pub fn test_rules(promtool: &Path, tests: &str) {
    assert!(!tests.contains("alert_rule_test"), "texts are asked for");
    let temporary = tempfile::tempdir().expect("a temporary folder");
    for file in ["recording.rules.yml", "alerts.rules.yml", "collect.rules.yml"] {
        let rules = fs::read_to_string(folder().join(file)).expect("the rule file is there");
        fs::write(temporary.path().join(file), without_annotations(&rules)).expect("room on the disk");
    }
    let file = temporary.path().join("tests/played.test.yml");
    fs::create_dir(temporary.path().join("tests")).expect("room on the disk");
    let tests = tests.replace(&folder().display().to_string(), &temporary.path().display().to_string());
    fs::write(&file, tests).expect("room on the disk");
    promtool_test(promtool, &file);
}

/// The rules without the annotations of alerts, which are the last of each.
fn without_annotations(rules: &str) -> String {
    let mut within = false;
    let kept = rules.lines().filter(|line| {
        within = line.trim() == "annotations:" || within && line.starts_with("          ");
        !within
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn annotations_and_nothing_else_are_left_out() {
    let text = fs::read_to_string(folder().join("alerts.rules.yml")).expect("the rule file is there");
    let read = |text: &str| serde_saphyr::from_str::<serde_json::Value>(text).expect("YAML");
    let mut whole = read(&text);
    let groups = whole["groups"].as_array_mut().expect("groups");
    for rule in groups.iter_mut().flat_map(|group| group["rules"].as_array_mut().expect("rules")) {
        assert!(rule.as_object_mut().expect("a rule").remove("annotations").is_some());
    }
    assert_eq!(read(&without_annotations(&text)), whole);
}

/// Tests for each file, or for some files together, so that they run side by side; and one that no file is left out.
macro_rules! unit_tests {
    ($($name:ident: $($file:literal),+;)*) => {
        $(
            under_both!($name("promtool" of "prometheus"));
            fn $name(promtool: &Path) {
                play(promtool, &[$($file),+]);
            }
        )*

        #[test]
        fn every_file_of_unit_tests_is_played() {
            let mut files: Vec<_> = fs::read_dir(folder().join("tests"))
                .expect("the unit tests are there")
                .map(|entry| entry.expect("a readable folder").file_name().into_string().expect("a plain name"))
                .collect();
            files.sort();
            let mut played = [$($($file),+),*];
            played.sort_unstable();
            assert_eq!(files, played);
        }
    };
}

fn play(promtool: &Path, files: &[&str]) {
    if let [file] = files {
        let file = folder().join("tests").join(file);
        let text = fs::read_to_string(&file).expect("the file is there");
        match text.contains("alert_rule_test") {
            true => promtool_test(promtool, &file),
            false => test_rules(promtool, &text),
        }
    } else {
        test_rules(promtool, &together::together(files));
    }
}

unit_tests! {
    // A sample each quarter of an hour for weeks.
    weeks:
        "decommissioned-rings-for-weeks.test.yml",
        "inbound-dead.test.yml",
        "no-calls.test.yml",
        "silence.test.yml",
        "situations-of-weeks.test.yml";
    // A sample each minute for hours, looked at each five minutes; and some that need days.
    days: "every-alert.test.yml", "everything-late.test.yml", "small-trunk-fails-wholly.test.yml", "tenant.test.yml";
    away: "away.test.yml";
    causes: "causes.test.yml";
    collect: "collect.test.yml";
    exporter: "exporter.test.yml";
    flaps_at_15_minute_files: "flaps-at-15-minute-files.test.yml";
    preferred: "preferred.test.yml";
    ratios: "ratios.test.yml";
    restart_in_fault: "restart-in-fault.test.yml";
    single_tls_failure_pages: "single-tls-failure-pages.test.yml";
    situations: "situations.test.yml";
    spikes: "spikes.test.yml";
    texts: "texts.test.yml";
}
