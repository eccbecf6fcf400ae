//! Families beside those of calls and causes: time to answer, kinds, countries. Exact across restarts and exports that
//! overlap, capped, and left out where the config says so.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::tools::{Daemon, Metrics};

/// Calls by type, country that is called, outcome, and seconds until answer or failure.
const CALLS: [(&str, &str, bool, u32); 6] = [
    ("ByotOut", "+4930555****", true, 4),
    ("ByotOut", "+4930555****", false, 9),
    ("ByotOut", "+33155****", true, 2),
    ("ByotOutUserTransfer", "+1416555****", true, 3),
    ("ByotInUcap", "+4930555****", true, 1),
    ("ByotOut", "112", false, 30),
];

const NAMES: [&str; 3] =
    ["cdr_call_setup_seconds_count", "cdr_calls_by_kind_total", "cdr_calls_by_country_total"];

fn rows(from: usize) -> String {
    let row = |(number, (call_type, callee, succeeded, setup)): (usize, &(&str, &str, bool, u32))| {
        let id = from + number;
        let (end, microsoft, sip) = if *succeeded {
            (
                format!(
                    r#""startDateTime":"2024-11-05T09:12:{setup:02}.500Z","endDateTime":"2024-11-05T09:20:00Z""#
                ),
                0,
                0,
            )
        } else {
            (format!(r#""failureDateTime":"2024-11-05T09:12:{setup:02}.500Z""#), 531_004, 410)
        };
        format!(
            "{{\"id\":\"f1000000-05ec-4a1b-8c2d-{id:012x}\",\"inviteDateTime\":\"2024-11-05T09:12:00.500Z\",{end},\
             \"callType\":\"{call_type}\",\"successfulCall\":{succeeded},\"calleeNumber\":\"{callee}\",\
             \"finalSipCode\":{sip},\"callEndSubReason\":{microsoft},\
             \"trunkFullyQualifiedDomainName\":\"sbc1.contoso.com\"}}\n"
        )
    };
    CALLS.iter().enumerate().map(row).collect()
}

/// Runs the daemon over these files with this config until it has counted so many calls; what it shows then.
fn shown(folder: &TempDir, config: &str, calls: f64) -> Metrics {
    fs::write(
        folder.path().join("config.yml"),
        format!("sources: [{{name: teams, paths: ['*.ndjson']}}]\n{config}"),
    )
    .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
    command.args(["serve", "--config.file", "config.yml", "--web.listen-address", "127.0.0.1:0"]);
    let daemon = Daemon::of(command.current_dir(folder.path()));
    daemon.wait_until_ready();
    let metrics =
        daemon.wait_for_metrics("the calls counted", |metrics| metrics.sum("cdr_calls_total", &[]) == calls);
    daemon.stop();
    metrics
}

fn expect(metrics: &Metrics, times: f64) {
    let kind =
        |kind, outcome| metrics.value("cdr_calls_by_kind_total", &[("kind", kind), ("outcome", outcome)]);
    let country = |country, outcome| {
        metrics.value("cdr_calls_by_country_total", &[("country", country), ("outcome", outcome)])
    };
    assert_eq!(kind("user", "answered"), Some(2.0 * times));
    assert_eq!(kind("user", "failed"), Some(2.0 * times));
    assert_eq!(kind("transfer", "answered"), Some(times));
    assert_eq!(kind("bot", "answered"), Some(times));
    assert_eq!(kind("emergency", "failed"), Some(0.0), "known kinds stand there before they count");
    assert_eq!(country("DE", "answered"), Some(times));
    assert_eq!(country("DE", "failed"), Some(times));
    assert_eq!(country("FR", "answered"), Some(times));
    assert_eq!(country("CA", "answered"), Some(times));
    assert_eq!(
        metrics.sum("cdr_calls_by_country_total", &[]),
        4.0 * times,
        "112 is of no country, nor are calls from outside"
    );
    let setup = |direction| [("trunk", "sbc1.contoso.com"), ("direction", direction)];
    assert_eq!(metrics.value("cdr_call_setup_seconds_count", &setup("outbound")), Some(5.0 * times));
    assert_eq!(metrics.value("cdr_call_setup_seconds_sum", &setup("outbound")), Some(48.0 * times));
    assert_eq!(metrics.value("cdr_call_setup_seconds_sum", &setup("inbound")), Some(times));
}

#[test]
fn setup_kinds_and_countries_are_exact_across_restarts_and_overlapping_exports() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.ndjson"), rows(0)).unwrap();
    expect(&shown(&folder, "", 6.0), 1.0);
    fs::write(folder.path().join("b.ndjson"), rows(0) + &rows(100)).unwrap();
    expect(&shown(&folder, "", 12.0), 2.0);
}

#[test]
fn families_are_left_out_by_config_and_right_when_they_are_back() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.ndjson"), rows(0)).unwrap();
    let without = shown(&folder, "families: {setup: false, kinds: false, countries: false}\n", 6.0);
    for name in NAMES {
        assert!(without.series(name).is_empty(), "{name}");
    }
    expect(&shown(&folder, "", 6.0), 1.0);
}

#[test]
fn countries_beyond_the_limit_are_other() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.ndjson"), rows(0)).unwrap();
    let metrics = shown(&folder, "limits: {countries_per_source: 1}\n", 6.0);
    let countries = metrics.counted("cdr_calls_by_country_total");
    let names: std::collections::BTreeSet<_> =
        countries.keys().map(|labels| labels["country"].as_str()).collect();
    assert!(names.len() == 2 && names.contains("other"), "{names:?}");
    assert_eq!(metrics.sum("cdr_calls_by_country_total", &[]), 4.0);
}
