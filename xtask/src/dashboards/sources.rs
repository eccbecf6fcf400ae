//! Sources side by side: those that are live beside those that are complete, and which of them alerts look at.

use super::calls::{CHOSEN, attempts, calls};
use crate::dashboard::Panel;
use serde_json::json;

/// What alerts do with a source: it has none to prefer, it leaves them to another, or that one is silent.
const ALERTS: &str = r#"max by (source) (cdr_exporter_source_info{@exporter,prefer=""})
    or 2 * max by (source) (cdr_exporter_source_info{@exporter,prefer!=""} and on (job, source) source:cdr_call_alerts:yielding)
    or 3 * max by (source) (cdr_exporter_source_info{@exporter})"#;
const NEWEST: &str = "time() - max by (source) (cdr_newest_call_timestamp_seconds{@exporter})";
const DELAY: &str =
    "histogram_quantile(0.5, sum by (source, le) (increase(cdr_call_age_seconds_bucket{@exporter}[1h])))";

/// Every source in numbers, whichever are chosen.
pub fn table(width: u32, height: u32) -> Panel {
    let measures = [
        ("Alerts", ALERTS.to_owned()),
        ("Counted after", DELAY.to_owned()),
        ("Newest call ended", NEWEST.to_owned()),
        ("Calls, last hour", attempts("source", "@exporter", "[1h]")),
        ("Failed, last hour", calls("source", "failed", "@exporter", "[1h]")),
        ("Calls", attempts("source", "@exporter", CHOSEN)),
        ("Failed", calls("source", "failed", "@exporter", CHOSEN)),
    ];
    let query: Vec<_> = measures
        .iter()
        .map(|(name, expression)| format!(r#"label_replace({expression}, "measure", "{name}", "", "")"#))
        .collect();
    let words = json!([{"type": "value", "options": {
        "1": {"text": "look here", "color": "green", "index": 0},
        "2": {"text": "look at the preferred source", "color": "blue", "index": 1},
        "3": {"text": "look here: the preferred source is silent", "color": "orange", "index": 2}}}]);
    let seconds = [("unit", json!("s")), ("decimals", json!(0))];
    Panel::table(
        "Live beside complete",
        "Each source by itself. The same call may stand in two: an SBC's log has it within seconds, Microsoft's records have every call, \
         hours later. Sums over both count it twice: choose one source above. Counted after is the median of the last hour, from the end \
         of a call on. Alerts leave out a source that says `prefer`, while the preferred one brings calls.",
        width,
    )
    .high(height)
    .unit("locale")
    .defaults("decimals", json!(0))
    .instant(&query.join(" or "))
    .by_measure("source", "Source")
    .column("Alerts", &[("custom.width", json!(260)), ("mappings", words)])
    .column("Counted after", &seconds)
    .column("Newest call ended", &seconds)
}
