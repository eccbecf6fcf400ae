//! What rings: the firing alerts with since when, how bad, of which cause, whose job and what to do.
//!
//! Of an alert's labels only alertname, severity, source and trunk are needed; the rest is asked of the calls.

use super::{KEPT, calls, leading_cause, side_column};
use crate::dashboard::{Panel, drill_down};
use crate::repository;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The recorded series by which it is seen whether our rules are loaded.
const RULES_LOADED: &str = "group(cause:cdr_cause_info:one)";
const FIRING: &str = r#"ALERTS{alertname=~"Cdr.+",alertstate="firing",trunk=~"$trunk|"}"#;

/// Of recorded series, which have no instance.
const OF_SOURCE: &str = r#"job=~"$job",source=~"$source""#;

const TRUNKS: &str = "group by (trunk) (cdr_calls_total{@source}) or group(cdr_calls_total{@source})";

/// How many alerts fire: none is green only where rules are loaded.
pub fn count(width: u32) -> Panel {
    let text = |text: &str, color: &str| json!({"text": text, "color": color, "index": 0});
    Panel::stat(
        "Alerts firing",
        "Alerts of our rules. Good: 0. Where Prometheus has not loaded the rules of deploy/prometheus, it says so.",
        width,
    )
    .unit("short")
    .instant(&format!("count({FIRING}) or 0 * {RULES_LOADED} or vector(-1)"))
    .defaults("mappings", json!([{"type": "value", "options": {"-1": text("No rules loaded", "orange")}}]))
    .thresholds("green", &[(1.0, "red")])
}

/// Every firing alert, the worst first; a line that says so if none fires or no rules are loaded.
fn firing() -> String {
    let alerts = format!(
        r#"label_replace(label_replace(label_replace(label_replace(label_replace(
            min by (alertname, severity, source, trunk) (
                ALERTS_FOR_STATE{{alertname=~"Cdr.+",trunk=~"$trunk|"}} and ignoring (alertstate) {FIRING}),
            "page", "$1", "alertname", "(.+)"), "runbook", "Open", "", ""),
            "rank", "1", "severity", "critical"), "rank", "2", "severity", "warning"), "rank", "3", "severity", "info")"#
    );
    // What is known of each trunk, of all together as trunk "", and nothing for an alert of the exporter.
    let known = format!(
        "({} or {}) * on (trunk) group_left (cause, side, remedy) ({} or on (trunk) group by (trunk) ({alerts} or {TRUNKS}))",
        calls::newest_counts("trunk", calls::OF_TRUNKS, ""),
        calls::newest_counts("", "@source", ""),
        leading_cause(),
    );
    let of_calls = format!(r#"({alerts} unless on (alertname) ALERTS{{alertname=~"CdrExporter.+"}})"#);
    let nothing = |unless: &str, line: &str, remedy: &str| {
        format!(
            r#"label_replace(label_replace(label_replace({unless}, "alertname", "{line}", "", ""),
                "remedy", "{remedy}", "", ""), "rank", "4", "", "")"#
        )
    };
    let lasting = format!(
        "({of_calls} * on (trunk) group_left (failed, calls, cause, side, remedy) ({known} or on (trunk) group by (trunk) ({alerts}))
        or on (alertname, source, trunk) {alerts})
        * on (alertname, source, trunk) group_left (got, direction, usual)
        ({} or on (alertname, source, trunk) group by (alertname, source, trunk) ({alerts}))",
        missing()
    );
    format!(
        r#"label_replace(label_replace(label_replace(label_replace(label_replace(label_replace(label_replace(
            label_join(label_join(label_join(label_join(label_join(time() - ({lasting}),
            "trunk_side_alertname", ";", "trunk", "side", "alertname"), "remedy_alertname", ";", "remedy", "alertname"),
            "bad", " of ", "failed", "calls"), "calls_missing", " ", "got", "direction"),
            "calls_missing", ", usually ", "calls_missing", "usual"), "bad", "$1 fail", "bad", "(.+ of .+)"), "bad", "", "bad", " of "),
            "bad", "", "alertname", "CdrTrunkSilent"), "bad", "$1", "calls_missing", "(.+, usually .+)"), "remedy", "$1", "remedy_alertname", ";(.+)"),
            "side", "sbc", "trunk_side_alertname", ".+;;CdrTrunkSilent"), "side", "exporter", "trunk_side_alertname", ".*;;CdrExporter.+")
            or {} or {}"#,
        nothing(&format!("(0 * {RULES_LOADED} unless on () {FIRING})"), "Nothing rings", "Nothing to do."),
        nothing(
            &format!("(vector(0) unless on () {RULES_LOADED} unless on () {FIRING})"),
            "No rules are loaded",
            "Add deploy/prometheus to Prometheus."
        ),
    )
}

/// The calls of each silent trunk as labels of a series of 1: how many it has, in which direction, and how many are usual. Of the
/// shortest time that shows it, as in the message, which also says how long that is.
fn missing() -> String {
    let of_windows = |calls: &dyn Fn(&str) -> String| {
        let of = |window| format!("sum by (source, trunk, direction) ({})", calls(window));
        ["10m", "1h", "6h", "1d"].map(of).join(" or on (source, trunk) ")
    };
    let usual = of_windows(&|window| format!("trunk_direction:cdr_calls:missing{window}{{{OF_SOURCE}}}"));
    let got = of_windows(&|window| {
        let missing = format!("trunk_direction:cdr_calls:missing{window}{{{OF_SOURCE}}}");
        format!("(trunk_direction:cdr_calls:increase{window}{{{OF_SOURCE}}} and {missing}) or 0 * {missing}")
    });
    let counted = |labels: &str, name: &str, calls: &str| {
        format!(r#"count_values by ({labels}) ("{name}", round(sum by ({labels}) ({calls})))"#)
    };
    format!(
        r#"label_replace({} * on (source, trunk) group_left (got) {} * on (source, trunk) group_left (direction) (
            group by (source, trunk, direction) ({usual}) unless on (source, trunk) count by (source, trunk) ({usual}) > 1
            or on (source, trunk) label_replace(group by (source, trunk) ({usual}), "direction", "calls", "", "")),
            "alertname", "CdrTrunkSilent", "", "")"#,
        counted("source, trunk", "usual", &usual),
        counted("source, trunk", "got", &got),
    )
}

/// The table of the firing alerts.
pub fn table(title: &str, height: u32) -> Panel {
    let rank = json!([{"type": "value", "options": {
        "1": {"text": "critical", "color": "red", "index": 0}, "2": {"text": "warning", "color": "orange", "index": 1},
        "3": {"text": "info", "color": "blue", "index": 2}, "4": {"text": " ", "color": "transparent", "index": 3}}}]);
    let background = json!({"type": "color-background", "mode": "basic"});
    Panel::table(
        title,
        "Every alert of ours that fires, the worst first: where, since when, how many of the newest calls fail (of the \
         last hour; of 24 hours where that had fewer than ten) or, of a silent trunk, how many calls it has and how many are usual, \
         the leading cause, who can fix it and what to do. The runbook is a click away. Good: nothing rings. Needs the rules of deploy/prometheus.",
        24,
    )
    .high(height)
    .rows_of_two_lines()
    .unit("string")
    .instant(&firing())
    .columns(&[
        ("rank", "Severity"),
        ("alertname", "What is wrong"),
        ("trunk", "Trunk"),
        ("Value", "For"),
        ("bad", "How bad"),
        ("cause", "Leading cause"),
        ("side", "Who can fix it"),
        ("remedy", "What to do"),
        ("source", "Source"),
        ("runbook", "Runbook"),
        ("page", "page"),
    ])
    .transform("sortBy", json!({"fields": {}, "sort": [{"field": "Trunk"}]}))
    .transform("sortBy", json!({"fields": {}, "sort": [{"field": "Severity"}]}))
    .column(
        "Severity",
        &[("custom.width", json!(70)), ("mappings", rank), ("custom.cellOptions", background)],
    )
    .column("What is wrong", &[("custom.width", json!(235)), ("mappings", summaries())])
    .wrapped("What is wrong")
    .wide("Trunk", 160)
    .linked("Trunk", drill_down("Look into ${__value.raw}", "cdr-trunk", "trunk", &KEPT))
    .wide("Source", 60)
    .column("For", &[("custom.width", json!(65)), ("unit", json!("s")), ("decimals", json!(0))])
    .wide("How bad", 100)
    .wrapped("How bad")
    .wide("Leading cause", 212)
    .wrapped("Leading cause")
    .linked("Leading cause", drill_down("Look into ${__value.raw}", "cdr-cause", "cause", &KEPT))
    .column("Who can fix it", &side_column())
    // Where no cause says what to do, the name of the alert stands for what the alert itself says.
    .column("What to do", &[("mappings", remedies())])
    .wrapped("What to do")
    .wide("Runbook", 70)
    .linked("Runbook", json!({"title": "Open the runbook", "targetBlank": false,
                              "url": "/d/cdr-runbooks?viewPanel=${__data.fields.page.text}"}))
    // Hidden, as Grafana says it now and as it said it before 12.
    .column(
        "page",
        &[
            ("custom.hideFrom.viz", json!(true)),
            ("custom.hidden", json!(true)),
            ("mappings", runbook_pages()),
        ],
    )
}

/// The alerts of the rule file, each with its summary.
fn summaries() -> Value {
    mapping(|annotations| Some(annotations.get("summary")?.clone()))
}

/// The alerts of the rule file, each with how the remedy of its description begins, where that is the same for each trunk.
fn remedies() -> Value {
    mapping(|annotations| {
        let remedy = annotations.get("description")?.split_once("Remedy: ")?.1;
        Some(first_step(remedy).unwrap_or_else(|| "See the runbook.".into()))
    })
}

/// As much of a remedy as fits into the two lines of a row, up to where something else begins: the height of a row goes by the
/// name that is in its cell, and not by the text that stands for it.
fn first_step(remedy: &str) -> Option<String> {
    let first = |end: &str| remedy.find(end);
    let sentence =
        [". ", ";", ":"].into_iter().filter_map(first).min().unwrap_or(remedy.trim_end_matches('.').len());
    let end =
        [Some(sentence), first(", "), first(" and ")].into_iter().flatten().find(|place| *place <= 64)?;
    let step = remedy.get(..end).filter(|step| !step.contains('{'))?;
    let mut letters = step.chars();
    Some(letters.next()?.to_uppercase().chain(letters).chain(['.']).collect())
}

/// Each alert of the rule files, and what is shown for its name.
fn mapping(text: impl Fn(&BTreeMap<String, String>) -> Option<String>) -> Value {
    let mut options = serde_json::Map::new();
    for file in ["alerts.rules.yml", "collect.rules.yml"] {
        let path = repository().join("deploy/prometheus").join(file);
        for (name, annotations) in annotations_of(&std::fs::read_to_string(path).unwrap_or_default()) {
            if let Some(text) = text(&annotations).filter(|_| !options.contains_key(&name)) {
                options.insert(name, json!({"text": text, "index": options.len()}));
            }
        }
    }
    json!([{"type": "value", "options": options}])
}

/// The alerts of a rule file with their annotations, each of which `rules` writes as a block of one line.
fn annotations_of(rules: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut alerts: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    let mut lines = rules.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("- alert: ") {
            alerts.push((name.to_owned(), BTreeMap::new()));
        } else if let (Some((_, annotations)), Some(key)) = (alerts.last_mut(), line.strip_suffix(": |-")) {
            annotations.insert(key.to_owned(), lines.next().unwrap_or_default().to_owned());
        }
    }
    alerts
}

/// Of each alert the panel of the dashboard of runbooks that is about it.
fn runbook_pages() -> Value {
    let page = |(name, number): (String, usize)| (name, json!({"text": number.to_string(), "index": number}));
    let options: serde_json::Map<_, _> = super::runbooks::pages().into_iter().map(page).collect();
    json!([{"type": "value", "options": options}])
}
