//! The four dashboards, and the queries that more than one of them asks.

mod cause;
mod exporter;
mod overview;
mod trunk;

use crate::dashboard::{Dashboard, Panel, drill_down};
use serde_json::{Value, json};

/// Every dashboard with the name of its file.
pub fn all() -> Vec<(&'static str, Dashboard)> {
    vec![
        ("overview.json", overview::dashboard()),
        ("cause.json", cause::dashboard()),
        ("trunk.json", trunk::dashboard()),
        ("exporter.json", exporter::dashboard()),
    ]
}

/// Variables that every dashboard of calls passes on.
const KEPT: [&str; 4] = ["job", "instance", "source", "direction"];

/// `cdr_cause_info` with one series for each cause and code pair, also when exporters of two versions disagree.
const INFO: &str = "topk by (cause, microsoft_code, sip_code) (1,
    max by (cause, microsoft_code, sip_code, category, side, remedy) (cdr_cause_info{@exporter}))";

/// Gives failures by cause their category, side and remedy, those outside the catalogue included.
fn with_remedy(failures: &str) -> String {
    format!(
        r#"({failures}) * on (cause, microsoft_code, sip_code) group_left (category, side, remedy) {INFO}
        or label_replace(label_replace(label_replace(
            ({failures}) unless on (cause, microsoft_code, sip_code) cdr_cause_info{{@exporter}},
            "remedy", "Not in the catalogue: look up the code pair, then add it under causes: in the configuration.",
            "", ""), "side", "unlisted", "", ""), "side", "sbc", "cause", "SBC refused.*")"#
    )
}

/// Failures a minute by side.
fn failures_by_side(selector: &str) -> String {
    let failures = format!(
        "sum by (cause, microsoft_code, sip_code) (rate(cdr_call_failures_total{{{selector}}}[$__rate_interval]))"
    );
    format!("60 * sum by (side) ({})", with_remedy(&failures))
}

/// Answered or effective calls against all attempts, in this window.
fn ratio(outcomes: &str, selector: &str, window: &str) -> String {
    format!(
        r#"(sum(increase(cdr_calls_total{{{selector},outcome=~"{outcomes}"}}[{window}])) or vector(0))
        / (sum(increase(cdr_calls_total{{{selector},outcome!="elsewhere"}}[{window}])) > 0)"#
    )
}

const ANSWERED: &str = "answered";
const EFFECTIVE: &str = "answered|busy|no_answer|declined|cancelled";

const ASR_MEANS: &str = "Answer seizure ratio: answered calls of all calls, without those that another leg took. \
    What is good depends on who is called; 60 to 80 % is common, and a sudden drop is what matters.";
const NER_MEANS: &str = "Network effectiveness ratio: calls that got through the network, whether or not somebody \
    answered, of all calls without those that another leg took. Good: 95 % and more.";

/// Causes with codes, count, side and remedy; a click on one leads to its dashboard.
fn cause_table(selector: &str, keep_trunk: bool) -> Panel {
    let failures = format!(
        "topk(25, sum by (cause, microsoft_code, sip_code) (increase(cdr_call_failures_total{{{selector}}}[$__range])) >= 0.5)"
    );
    let mut keeps = KEPT.to_vec();
    if keep_trunk {
        keeps.push("trunk");
    }
    Panel::table(
        "Failed calls by cause, with the remedy",
        "The causes of the chosen time, the most frequent first. Who can fix it is where to turn; the remedy is what \
         to check first. A cause without a remedy is outside the catalogue: add it under causes: in the \
         configuration. Good: short, and nothing new in it.",
        24,
    )
    .high(10)
    .instant(&format!("sort_desc({})", with_remedy(&failures)))
    .columns(&[
        ("cause", "Cause"),
        ("microsoft_code", "Microsoft"),
        ("sip_code", "SIP"),
        ("Value", "Calls"),
        ("side", "Who can fix it"),
        ("remedy", "Remedy"),
    ])
    .sorted_by("Calls")
    .unit("string")
    .column(
        "Cause",
        &[
            ("custom.width", json!(290)),
            ("links", json!([drill_down("Look into ${__value.raw}", "cdr-cause", "cause", &keeps)])),
        ],
    )
    .column("Microsoft", &[("custom.width", json!(95))])
    .column("SIP", &[("custom.width", json!(60))])
    .column("Calls", &[("custom.width", json!(80)), ("decimals", json!(0)), ("unit", json!("locale"))])
    .column("Who can fix it", &side_column())
    .column("Remedy", &[("custom.cellOptions", json!({"type": "auto", "wrapText": true}))])
}

/// The ten largest of failures by this label over the chosen time, in failed calls a minute.
fn ten_largest(label: &str, failures: &str) -> String {
    format!(
        "60 * sum by ({label}) (rate({failures}[$__rate_interval]))
         and on ({label}) topk(10, sum by ({label}) (increase({failures}[$__range] @ end())) > 0)"
    )
}

/// A column of sides in their colours.
fn side_column() -> [(&'static str, Value); 3] {
    let width = ("custom.width", json!(115));
    [width, ("custom.cellOptions", json!({"type": "color-text"})), ("mappings", side_mappings())]
}

fn side_mappings() -> Value {
    let options: serde_json::Map<_, _> = crate::dashboard::SIDES
        .iter()
        .enumerate()
        .map(|(index, (side, color))| {
            (side.to_string(), json!({"color": color, "index": index, "text": side}))
        })
        .collect();
    json!([{"type": "value", "options": options}])
}
