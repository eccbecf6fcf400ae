//! Quality over a week, a month or half a year: NER, ASR, durations and concurrent calls by hour and direction, with the
//! number of calls behind each.

use super::calls::{ANSWERED, ASR_MEANS, CHOSEN, EFFECTIVE, NER_MEANS, increase, ratio};
use super::{CONCURRENT_MEANS, causes_over_time, concurrent, outcomes_over_time};
use crate::dashboard::{Dashboard, Panel, Row, label_variable};
use serde_json::json;

const DIRECTIONS: [(&str, &str); 2] = [("inbound", "blue"), ("outbound", "orange")];

/// Red is for what should not be.
const KINDS: [(&str, &str); 8] = [
    ("user", "blue"),
    ("bot", "purple"),
    ("transfer", "orange"),
    ("forward", "yellow"),
    ("conference", "green"),
    ("emergency", "red"),
    ("unassigned_number", "#8e8e8e"),
    ("unknown", "#b4b4b4"),
];

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
            Row { title: "Who calls, and where to", panels: tallies() },
            Row { title: "How busy", panels: load() },
        ],
    }
}

/// Steps of an hour over a week, and longer ones where a hundred and eighty do not reach. Less than a day has steps of ten
/// minutes: an hour in steps of an hour is empty.
fn hourly(panel: Panel) -> Panel {
    panel.steps("10m", 180)
}

fn ratio_lines(title: &str, means: &str, outcomes: &str) -> Panel {
    let by_direction = ratio("direction", outcomes, "@route", "[$__interval]");
    hourly(Panel::lines(
        title,
        &format!("By the hour over a week; in longer steps where the time is longer, and in shorter ones within a day. {means}"),
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

/// Calls by kind and by country. They are counted for each source, whatever trunk is chosen.
fn tallies() -> Vec<Panel> {
    let calls = |metric: &str, label: &str| {
        let chosen = format!(
            r#"sum by ({label}) (increase({metric}{{@source,outcome!="elsewhere"}}{CHOSEN} @ end()))"#
        );
        format!(
            r#"sum by ({label}) (increase({metric}{{@source,outcome!="elsewhere"}}[$__interval]))
            and on ({label}) topk(10, {chosen} >= 0.5)"#
        )
    };
    vec![
        hourly(Panel::counts(
            "Calls by kind",
            "Who takes part on the side of Teams: a user, a bot (also auto attendants and call queues), a transfer, a forward, a \
             conference, an emergency call, a number that nobody has. Of all trunks of the source. Good: the shape of a usual week.",
            12,
        ))
        .high(9)
        .series("{{kind}}", &calls("cdr_calls_by_kind_total", "kind"))
        .colors(&KINDS),
        hourly(Panel::counts(
            "Calls from Teams by country",
            "The ten countries that are called most, of all trunks of the source. Good: the shape of a usual week; a country that \
             is not usually there may be fraud.",
            12,
        ))
        .high(9)
        .series("{{country}}", &calls("cdr_calls_by_country_total", "country")),
        share_table("Kinds by the share that fails", "kind"),
        share_table("Countries by the share that fails", "country"),
    ]
}

/// Calls of the chosen time and which share of them failed, the largest share first.
fn share_table(title: &str, label: &str) -> Panel {
    let calls = |outcome: &str| {
        let counter = format!("cdr_calls_by_{label}_total{{@source,{outcome}}}");
        format!("sum by ({label}) ({})", increase(&counter, CHOSEN))
    };
    let (all, failed) = (calls(r#"outcome!="elsewhere""#), calls(r#"outcome="failed""#));
    Panel::table(
        title,
        "Of the chosen time: the share of the calls that failed, and how many calls that was of. With few calls, a share says \
         little. Good: all much alike.",
        12,
    )
    .high(9)
    .instant(&format!(
        r#"({failed} / ({all} >= 0.5)) * on ({label}) group_left (calls) count_values by ({label}) ("calls", round({all} >= 0.5))"#
    ))
    .numbers(&["calls"])
    .columns(&[(label, "Name"), ("Value", "Failed"), ("calls", "Calls")])
    .largest_first(&["Failed"])
    .unit("string")
    .column("Failed", &[("unit", json!("percentunit")), ("decimals", json!(1)), ("custom.width", json!(110))])
    .column("Calls", &[("unit", json!("locale")), ("decimals", json!(0)), ("custom.width", json!(110))])
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
