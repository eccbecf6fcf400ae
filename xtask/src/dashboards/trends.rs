//! Quality over a week, a month or half a year: NER, ASR, durations and concurrent calls by hour and direction, with the
//! number of calls behind each.

use super::calls::{ANSWERED, ASR_MEANS, CHOSEN, EFFECTIVE, NER_MEANS, ratio};
use super::{CONCURRENT_MEANS, causes_over_time, concurrent, outcomes_over_time};
use crate::dashboard::{Dashboard, Panel, Row, label_variable};
use serde_json::json;

const DIRECTIONS: [(&str, &str); 2] = [("inbound", "blue"), ("outbound", "orange")];

pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "cdr-trends",
        title: "Direct Routing trends",
        description: "Quality by hour and direction over 7, 30 and 180 days. Prometheus must keep its data for as long.",
        variables: Some(vec![
            label_variable("source", "source", "cdr_calls_total{@exporter}", true),
            label_variable("trunk", "trunk", "cdr_calls_total{@source}", true),
            label_variable("direction", "direction", "cdr_calls_total{@source}", true),
        ]),
        from: "now-7d",
        spans: &[("7 days", "now-7d"), ("30 days", "now-30d"), ("180 days", "now-180d")],
        rows: vec![
            Row { title: "Network effectiveness, and the calls behind it", panels: effectiveness() },
            Row { title: "How calls end, and why they fail", panels: endings() },
            Row { title: "How busy", panels: load() },
        ],
    }
}

/// Steps of an hour, and longer where a hundred and eighty of them do not reach.
fn hourly(panel: Panel) -> Panel {
    panel.steps("1h", 180)
}

fn ratio_lines(title: &str, means: &str, outcomes: &str) -> Panel {
    let by_direction = ratio("direction", outcomes, "@route", "[$__interval]");
    hourly(Panel::lines(
        title,
        &format!("By the hour, or by longer steps where the time is long. {means}"),
        24,
    ))
    .unit("percentunit")
    .defaults("decimals", json!(1))
    .defaults("max", json!(1))
    .defaults("min", json!(null))
    .legend("right", &["mean", "min", "lastNotNull"], "Min")
    .series("{{direction}}", &by_direction)
    .colors(&DIRECTIONS)
}

fn effectiveness() -> Vec<Panel> {
    vec![
        ratio_lines("NER by direction", NER_MEANS, EFFECTIVE),
        hourly(Panel::counts(
            "Calls behind it, by direction",
            "Attempts in each step: with few, a ratio says little. Good: the shape of a usual week.",
            24,
        ))
        .high(7)
        .series("{{direction}}", &super::calls::attempts("direction", "@route", "[$__interval]"))
        .colors(&DIRECTIONS),
        ratio_lines("ASR by direction", ASR_MEANS, ANSWERED),
    ]
}

fn endings() -> Vec<Panel> {
    vec![hourly(causes_over_time("@route", 24)).high(10), hourly(outcomes_over_time("@route", 24)).high(10)]
}

fn load() -> Vec<Panel> {
    let busiest = format!(
        "topk(10, sum by (trunk) (increase(cdr_call_duration_seconds_sum{{@route}}{CHOSEN} @ end())))"
    );
    vec![
        hourly(Panel::lines("Concurrent calls by trunk", CONCURRENT_MEANS, 24))
            .unit("short")
            .defaults("decimals", json!(1))
            .legend("right", &["mean", "max"], "Max")
            .series("{{trunk}}", &format!("{} and on (trunk) {busiest}", concurrent("trunk", "@route"))),
        hourly(Panel::lines(
            "Mean duration of answered calls by direction",
            "Good: steady; a fall means that people hang up early, often for one-way or no sound.",
            24,
        ))
        .unit("s")
        .legend("right", &["mean", "min", "lastNotNull"], "Mean")
        .series(
            "{{direction}}",
            "sum by (direction) (increase(cdr_call_duration_seconds_sum{@route}[$__interval]))
            / (sum by (direction) (increase(cdr_call_duration_seconds_count{@route}[$__interval])) > 0)",
        )
        .colors(&DIRECTIONS),
    ]
}
