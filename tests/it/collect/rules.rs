//! The alerts of collecting: tried by promtool, each with its text, its page and its metrics.

use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;

use super::setup::Setup;
use super::stand_in::{StandIn, rows};
use crate::tools::{succeed, under_both};

under_both!(promtool_accepts_the_alerts_and_their_unit_tests_pass("promtool" of "prometheus"));

fn promtool_accepts_the_alerts_and_their_unit_tests_pass(promtool: &Path) {
    let folder = xtask::repository().join("deploy/prometheus");
    let check = ["check", "rules", "--lint=all", "--lint-fatal", "collect.rules.yml"];
    succeed(Command::new(promtool).args(check).current_dir(&folder));
    succeed(Command::new(promtool).args(["test", "rules", "tests/collect.test.yml"]).current_dir(&folder));
}

#[test]
fn each_alert_is_tested_has_its_page_and_asks_for_what_is_shown() {
    let folder = xtask::repository().join("deploy/prometheus");
    let rules = fs::read_to_string(folder.join("collect.rules.yml")).unwrap();
    let tests = fs::read_to_string(folder.join("tests/collect.test.yml")).unwrap();
    let page = fs::read_to_string(xtask::repository().join("docs/collecting.md")).unwrap();
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(alerts.len(), 6, "{alerts:?}");
    for alert in alerts {
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} has no unit test of its text");
        assert!(page.contains(&format!("\n### {alert}\n")), "{alert} has no section in docs/collecting.md");
        assert!(rules.contains(&format!("docs/collecting.md#{}\n", alert.to_lowercase())), "{alert}");
    }

    let stand_in = StandIn::start(rows::calls(1, 3));
    let setup = Setup::with(&stand_in, "every: 300ms\nhistory: 0s\nclient_secret_ends: 2031-05-31");
    let daemon = setup.serve(&stand_in);
    let name = "cdr_collect_last_success_timestamp_seconds";
    let metrics = daemon.wait_for_metrics("a success", |metrics| metrics.sum(name, &[]) > 0.0);
    for name in Regex::new("cdr_collect_[a-z_]+").unwrap().find_iter(&rules) {
        assert!(!metrics.series(name.as_str()).is_empty(), "{} is not shown", name.as_str());
    }
}
