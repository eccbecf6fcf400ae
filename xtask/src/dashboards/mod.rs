//! The dashboards, and the panels and queries that more than one of them has.

mod alerts;
mod calls;
mod cause;
mod exporter;
mod overview;
mod runbooks;
mod sources;
mod trends;
mod trunk;
mod trunks;
mod wall;

use crate::dashboard::colors::{OUTCOMES, SIDES};
use crate::dashboard::{Dashboard, Panel, drill_down};
use calls::CHOSEN;
use serde_json::{Value, json};

/// Every dashboard with the name of its file.
pub fn all() -> Vec<(&'static str, Dashboard)> {
    vec![
        ("overview.json", overview::dashboard()),
        ("trunks.json", trunks::dashboard()),
        ("wall.json", wall::dashboard()),
        ("trends.json", trends::dashboard()),
        ("cause.json", cause::dashboard()),
        ("trunk.json", trunk::dashboard()),
        ("exporter.json", exporter::dashboard()),
        ("runbooks.json", runbooks::dashboard()),
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
        r#"{failures} * on (cause, microsoft_code, sip_code) group_left (category, side, remedy) (
            {INFO} or on (cause, microsoft_code, sip_code)
            label_replace(label_replace(label_replace(
                group by (cause, microsoft_code, sip_code) (cdr_call_failures_total{{@exporter}}),
                "remedy", "Not in the catalogue: look up the code pair, then add it under causes: in the configuration.",
                "", ""), "side", "unlisted", "", ""), "side", "sbc", "cause", "SBC refused.*"))"#
    )
}

/// Failures by side in a window.
fn failures_by_side(selector: &str, window: &str) -> String {
    let failures = calls::failures("cause, microsoft_code, sip_code", selector, window);
    format!("sum by (side) ({})", with_remedy(&failures))
}

/// The cause that most of the newest failed calls of each trunk have, and of all trunks together (as trunk ""), with
/// side and remedy; for trunks only of which something fails for sure.
fn leading_cause() -> String {
    let of_trunks = calls::OF_TRUNKS;
    let most = |window: &str, labels: &str, by: &str, selector: &str| {
        let failures = calls::failures(&format!("{labels}cause, microsoft_code, sip_code"), selector, window);
        format!("topk {by}(1, {failures} >= 0.5)")
    };
    let leading = format!(
        "({} or on (trunk) {} or on (trunk) {})",
        most("[1h]", "trunk, ", "by (trunk) ", of_trunks),
        most("[24h:20m]", "trunk, ", "by (trunk) ", of_trunks),
        most("[1h]", "", "", "@source"),
    );
    let failing = format!(
        "({} or {}) >= 0.02",
        calls::surely_failing("trunk", of_trunks, ""),
        calls::surely_failing("", "@source", "")
    );
    format!("(({} and on (trunk) {failing}) > bool 0)", with_remedy(&leading))
}

/// Causes with codes, count, side and remedy; a click on one leads to its dashboard.
fn cause_table(title: &str, selector: &str, height: u32) -> Panel {
    let codes = "cause, microsoft_code, sip_code";
    let failures = calls::failures(codes, selector, CHOSEN);
    let failures = format!("(topk(25, {failures}) >= 0.5)");
    let trunks = format!(
        r#"count_values by ({codes}) ("trunks", count by ({codes}) ({} >= 0.5))"#,
        calls::failures(&format!("trunk, {codes}"), selector, CHOSEN)
    );
    let with_trunks = format!("{failures} * on ({codes}) group_left (trunks) {trunks}");
    let keeps = [&KEPT[..], &["trunk"]].concat();
    Panel::table(
        title,
        "The causes of the chosen time, the most frequent first, with the number of trunks that have them. Who can fix \
         it is where to turn; the remedy is what to check first. A cause without a remedy is outside the catalogue: \
         add it under causes: in the configuration. Good: short, and nothing new in it.",
        24,
    )
    .high(height)
    .instant(&format!("sort_desc({})", with_remedy(&with_trunks)))
    .numbers(&["trunks"])
    .columns(&[
        ("cause", "Cause"),
        ("microsoft_code", "Microsoft"),
        ("sip_code", "SIP"),
        ("Value", "Calls"),
        ("trunks", "Trunks"),
        ("side", "Who can fix it"),
        ("remedy", "What to do"),
    ])
    .largest_first(&["Calls"])
    .unit("string")
    .wide("Cause", 290)
    .linked("Cause", drill_down("Look into ${__value.raw}", "cdr-cause", "cause", &keeps))
    .wide("Microsoft", 85)
    .wide("SIP", 60)
    .column("Calls", &[("custom.width", json!(90)), ("decimals", json!(0)), ("unit", json!("locale"))])
    .column("Trunks", &[("custom.width", json!(70)), ("decimals", json!(0)), ("unit", json!("locale"))])
    .column("Who can fix it", &side_column())
    .wrapped("What to do")
}

/// The failures of the ten largest by this label over the chosen time, in counts that tile it.
fn ten_largest(label: &str, selector: &str) -> String {
    let chosen = calls::failures(label, selector, &format!("{CHOSEN} @ end()"));
    format!(
        "{} and on ({label}) topk(10, {chosen} >= 0.5)",
        calls::failures(label, selector, "[$__interval]")
    )
}

/// Failed calls by cause over time, each cause in its colour.
fn causes_over_time(selector: &str, width: u32) -> Panel {
    Panel::counts(
        "Failed calls by cause",
        "The ten most frequent causes, each always in the same colour; their totals beside them. Good: low and flat; \
         a hill, or a colour that is not usually there, is what to look into.",
        width,
    )
    .series_with_exemplars("{{cause}}", &ten_largest("cause", selector))
    .colors_of_causes()
}

/// Failed calls by side over time.
fn sides_over_time(selector: &str, width: u32) -> Panel {
    Panel::counts(
        "Failed calls by who can fix them",
        "By side: the SBC, the network, the carrier, the tenant's settings, Microsoft, or the people on the line. \
         Good: low and flat; the side is where to turn.",
        width,
    )
    .series("{{side}}", &format!("{} > 0", failures_by_side(selector, "[$__interval]")))
    .colors(&SIDES)
}

/// Calls by outcome over time.
fn outcomes_over_time(selector: &str, width: u32) -> Panel {
    let outcomes = format!("sum by (outcome) (increase(cdr_calls_total{{{selector}}}[$__interval]))");
    Panel::counts("Calls by outcome", "Good: the shape of a usual day, with little red.", width)
        .series("{{outcome}}", &outcomes)
        .colors(&OUTCOMES)
}

/// The mean number of calls that are up at once, by these labels: their seconds by the second.
fn concurrent(labels: &str, selector: &str) -> String {
    format!("sum {}(rate(cdr_call_duration_seconds_sum{{{selector}}}[1h]))", calls::by(labels))
}

const CONCURRENT_MEANS: &str = "The mean number of answered calls that were up at once over the hour before (erlang), by \
    the durations of the calls that ended in it; the highest value is the busy hour, by which channels are planned. Within the \
    hour there are peaks above it. Good: well under the channels of the SBC and the carrier.";

/// A column of sides in their colours.
fn side_column() -> [(&'static str, Value); 3] {
    let width = ("custom.width", json!(115));
    [width, ("custom.cellOptions", json!({"type": "color-text"})), ("mappings", side_mappings())]
}

fn side_mappings() -> Value {
    // An alert about the exporter itself is its host's.
    let sides = SIDES.iter().chain(&[("exporter", "#8e8e8e")]);
    let options: serde_json::Map<_, _> = sides
        .enumerate()
        .map(|(index, (side, color))| {
            (side.to_string(), json!({"color": color, "index": index, "text": side}))
        })
        .collect();
    json!([{"type": "value", "options": options}])
}
