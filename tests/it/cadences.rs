//! The same day as it arrives record by record, in a file each quarter, and in a file each hour: what rings must ring with
//! each of them, without a gap while the fault lasts, and end after it.
//!
//! From the third to the sixth hour `few` loses all of its 15 calls an hour, `many` half of its 600, and the first three
//! calls ever of `new` fail. `healthy` always loses one call in a hundred.

use std::fmt::Write;
use std::path::Path;

use crate::rules::test_rules;
use crate::tools::under_both;

const MINUTES: usize = 9 * 60;
const FAULT: std::ops::Range<usize> = 3 * 60..6 * 60;
const CALLS: &str =
    r#"cdr_calls_total{job="cdr-exporter",instance="a",source="teams",direction="inbound",arrival="live""#;
const FAILURES: &str = r#"cdr_call_failures_total{job="cdr-exporter",instance="a",source="teams",direction="inbound",arrival="live",cause="IceConnectivityChecksFailed",microsoft_code="531004",sip_code="410""#;

/// Answered and failed calls of a trunk in each minute.
type Traffic = fn(usize) -> (u32, u32);

fn few(minute: usize) -> (u32, u32) {
    let calls = u32::from(minute.is_multiple_of(4));
    if FAULT.contains(&minute) { (0, calls) } else { (calls, 0) }
}

fn many(minute: usize) -> (u32, u32) {
    if FAULT.contains(&minute) { (5, 5) } else { (10, 0) }
}

fn healthy(minute: usize) -> (u32, u32) {
    if minute.is_multiple_of(10) { (9, 1) } else { (10, 0) }
}

fn new(minute: usize) -> (u32, u32) {
    (0, u32::from([190, 240, 310].contains(&minute)))
}

/// The values of a counter in promtool's notation: what happened in these minutes, as each file brings it. A counter
/// whose trunk is not known yet is not there.
fn values(of: impl Fn(usize) -> u32, known: impl Fn(usize) -> bool, cadence: usize) -> String {
    let (mut shown, mut pending, mut there, mut text) = (0, 0, false, String::new());
    for minute in 0..MINUTES {
        pending += of(minute);
        if minute.is_multiple_of(cadence) {
            shown += pending;
            pending = 0;
            there = known(minute);
        }
        let _ = if there { write!(text, "{shown} ") } else { write!(text, "_ ") };
    }
    text
}

fn series(trunk: &str, traffic: Traffic, cadence: usize) -> String {
    let first = (0..MINUTES).find(|minute| traffic(*minute) != (0, 0)).unwrap_or(0);
    // Other trunks are known from the start.
    let known = |minute: usize| trunk != "new" || minute >= first;
    let answered = values(|minute| traffic(minute).0, known, cadence);
    let failed = values(|minute| traffic(minute).1, known, cadence);
    format!(
        "      - {{series: '{CALLS},trunk=\"{trunk}\",outcome=\"answered\"}}', values: '{answered}'}}\n\
         \x20     - {{series: '{CALLS},trunk=\"{trunk}\",outcome=\"failed\"}}', values: '{failed}'}}\n\
         \x20     - {{series: '{FAILURES},trunk=\"{trunk}\"}}', values: '{failed}'}}\n"
    )
}

fn scenario(cadence: usize) -> String {
    let rules = xtask::repository().join("deploy/prometheus");
    let trunks: [(&str, Traffic); 4] = [("few", few), ("many", many), ("healthy", healthy), ("new", new)];
    let series: String = trunks.map(|(trunk, traffic)| series(trunk, traffic, cadence)).concat();
    let critical =
        r#"ALERTS{alertstate="firing",alertname="CdrTrunkFailureRatioHigh",window="1h",trunk=~"few|many"}"#;
    // When both must have rung: `few` within the hour, `many` with the second file.
    let rung = FAULT.start + cadence.max(45) + 5;
    let lasts = FAULT.end - rung;
    // The rules are played as often as they are evaluated: each 150 seconds.
    let looks = lasts * 2 / 5;
    format!(
        "rule_files: [{folder}/recording.rules.yml, {folder}/alerts.rules.yml]\n\
         evaluation_interval: 150s\n\
         group_eval_order: [cdr-calls, cdr-history, cdr-ratios, cdr-usual, cdr-exporter, cdr-call-alerts, cdr-slow-alerts, cdr-exporter-alerts]\n\
         tests:\n  - interval: 1m\n    input_series:\n\
         \x20     - {{series: 'up{{job=\"cdr-exporter\",instance=\"a\"}}', values: '1x{MINUTES}'}}\n{series}\
         \x20   promql_expr_test:\n\
         \x20     - {{expr: 'ALERTS', eval_time: {before}m, exp_samples: []}}\n\
         \x20     - expr: count by (trunk) ({critical})\n        eval_time: {rung}m\n        exp_samples: &both\n\
         \x20         - {{labels: '{{trunk=\"few\"}}', value: 1}}\n\
         \x20         - {{labels: '{{trunk=\"many\"}}', value: 1}}\n\
         \x20     - expr: count by (trunk) (count_over_time({critical}[{lasts}m]) >= {looks})\n        eval_time: {end}m\n        exp_samples: *both\n\
         \x20     - {{expr: 'count(ALERTS{{alertstate=\"firing\",trunk=\"new\"}}) > bool 0', eval_time: {told}m, exp_samples: [{{labels: '{{}}', value: 1}}]}}\n\
         \x20     - {{expr: '{critical}', eval_time: {after}m, exp_samples: []}}\n\
         \x20     - {{expr: 'count_over_time(ALERTS{{trunk=\"healthy\"}}[9h])', eval_time: 539m, exp_samples: []}}\n",
        folder = rules.display(),
        before = FAULT.start,
        end = FAULT.end,
        told = FAULT.end + 10,
        after = FAULT.end + 120,
    )
}

fn play(promtool: &Path, cadence: usize) {
    test_rules(promtool, &scenario(cadence));
}

under_both!(alerting_with_records_as_they_come("promtool" of "prometheus"));

fn alerting_with_records_as_they_come(promtool: &Path) {
    play(promtool, 1);
}

under_both!(alerting_with_a_file_each_quarter("promtool" of "prometheus"));

fn alerting_with_a_file_each_quarter(promtool: &Path) {
    play(promtool, 15);
}

under_both!(alerting_with_a_file_each_hour("promtool" of "prometheus"));

fn alerting_with_a_file_each_hour(promtool: &Path) {
    play(promtool, 60);
}
