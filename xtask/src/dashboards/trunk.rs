//! One trunk: its calls, ratios and durations, its causes, and all that against the week before.

use super::calls::{
    ANSWERED, ASR_MEANS, EFFECTIVE, NER_MEANS, SURELY_COLORS, SURELY_MEANS, attempts, ratio, surely_failing,
};
use super::{
    CONCURRENT_MEANS, cause_table, causes_over_time, concurrent, outcomes_over_time, sides_over_time,
};
use crate::dashboard::{DASHBOARD, Dashboard, Panel, Row, label_variable};
use serde_json::json;

const DIRECTIONS: [(&str, &str); 2] = [("inbound", "blue"), ("outbound", "orange")];

pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "cdr-trunk",
        title: "Direct Routing trunk",
        description: "One session border controller: its calls, how they end, why they fail, against the week before.",
        variables: Some(vec![
            label_variable("source", "source", "cdr_calls_total{@exporter}", true),
            label_variable("trunk", "trunk", "cdr_calls_total{@source}", false),
            label_variable("direction", "direction", "cdr_calls_total{@source}", true),
        ]),
        rows: vec![
            Row { title: "$trunk", panels: figures() },
            Row { title: "Why calls fail", panels: failures() },
            Row { title: "How calls end", panels: course() },
            Row { title: "Quality by hour and direction, and how busy", panels: quality() },
        ],
        ..DASHBOARD
    }
}

fn figures() -> Vec<Panel> {
    vec![
        Panel::stat("Calls failing, at least", SURELY_MEANS, 4)
            .unit("percentunit")
            .defaults("decimals", json!(1))
            .instant(&format!("{} or vector(0)", surely_failing("", "@trunk", "")))
            .thresholds("green", &SURELY_COLORS),
        Panel::count("Failed, last hour", "Good: few, and no more than usual.", 4)
            .instant(r#"sum(increase(cdr_calls_total{@trunk,outcome="failed"}[1h]))"#),
        Panel::count("Calls, last hour", "Good: as in the same hour last week.", 4)
            .instant("sum(increase(cdr_calls_total{@trunk}[1h]))"),
        Panel::count("Same hour last week", "What the last hour is to be held against.", 4)
            .defaults("noValue", json!("Not known"))
            .instant("sum(increase(cdr_calls_total{@trunk}[1h] offset 1w))"),
        Panel::stat("Concurrent calls", CONCURRENT_MEANS, 4)
            .unit("short")
            .defaults("decimals", json!(1))
            .thresholds("text", &[])
            .instant(&concurrent("", "@trunk")),
        Panel::stat(
            "Mean duration",
            "Of the calls answered in the last hour. A sudden fall to a few seconds means that people hang up: often one-way or no \
             sound.",
            4,
        )
        .unit("s")
        .defaults("decimals", json!(1))
        .defaults("noValue", json!("None answered"))
        .thresholds("text", &[])
        .instant(
            "sum(increase(cdr_call_duration_seconds_sum{@trunk}[1h]))
            / (sum(increase(cdr_call_duration_seconds_count{@trunk}[1h])) > 0)",
        ),
    ]
}

fn failures() -> Vec<Panel> {
    vec![
        cause_table("Of which causes, and what to do", "@trunk", 7),
        causes_over_time("@trunk", 14),
        sides_over_time("@trunk", 10),
    ]
}

fn course() -> Vec<Panel> {
    let now_and_before = |panel: Panel, selector: &str, color: &str| {
        let calls = format!("60 * sum(rate(cdr_calls_total{{{selector}}}[$__rate_interval]");
        panel
            .unit("cpm")
            .defaults("decimals", json!(1))
            .steps("2m", 90)
            .series("now", &format!("{calls}))"))
            .series("a week earlier", &format!("{calls} offset 1w))"))
            .colors(&[("now", color), ("a week earlier", "#8e8e8e")])
    };
    vec![
        outcomes_over_time("@trunk", 24),
        now_and_before(
            Panel::lines(
                "Calls against last week",
                "Calls a minute now and a week earlier. Good: the two lie close; calls that stop are CdrTrunkSilent.",
                12,
            ),
            "@trunk",
            "green",
        ),
        now_and_before(
            Panel::lines(
                "Failed calls against last week",
                "Failed calls a minute now and a week earlier. Good: now is no higher.",
                12,
            ),
            r#"@trunk,outcome="failed""#,
            "red",
        ),
    ]
}

fn quality() -> Vec<Panel> {
    let lines = |title: &str, means: &str, outcomes: &str| {
        Panel::lines(title, &format!("Of the hour before each point. {means}"), 12)
            .unit("percentunit")
            .defaults("decimals", json!(1))
            .defaults("max", json!(1))
            .steps("2m", 90)
            .legend("bottom", &["mean", "min", "lastNotNull"], "Min")
            .series("{{direction}}", &ratio("direction", outcomes, "@trunk", "[1h]"))
            .colors(&DIRECTIONS)
    };
    let quantile = |of: &str, q: &str| {
        format!("histogram_quantile({q}, sum by (le) (rate(cdr_call_{of}_seconds_bucket{{@trunk}}[1h])))")
    };
    vec![
        lines("NER by hour and direction", NER_MEANS, EFFECTIVE),
        lines("ASR by hour and direction", ASR_MEANS, ANSWERED),
        Panel::lines(
            "Calls an hour by direction",
            "Attempts in the hour before each point: the calls behind the ratios above. With few, a ratio says little.",
            12,
        )
        .unit("locale")
        .defaults("decimals", json!(0))
        .steps("2m", 90)
        .series("{{direction}}", &attempts("direction", "@trunk", "[1h]"))
        .colors(&DIRECTIONS),
        Panel::lines("Concurrent calls by direction", CONCURRENT_MEANS, 12)
            .unit("short")
            .defaults("decimals", json!(1))
            .steps("2m", 90)
            .legend("bottom", &["mean", "max", "lastNotNull"], "Max")
            .series("{{direction}}", &concurrent("direction", "@trunk"))
            .colors(&DIRECTIONS),
        Panel::lines(
            "Time to answer or failure",
            "From INVITE, of the calls of the hour before each point: half of them take less than the median; one in twenty takes \
             longer than the upper line. Good: steady; a rise of the upper line alone is often one destination or one route.",
            12,
        )
        .unit("s")
        .defaults("decimals", json!(1))
        .steps("2m", 90)
        .series("median", &quantile("setup", "0.5"))
        .series("95 %", &quantile("setup", "0.95"))
        .colors(&[("median", "green"), ("95 %", "blue")]),
        Panel::lines(
            "Duration of answered calls",
            "Of the hour before each point: half of the calls are shorter than the median; one in twenty is longer than \
             the upper line. Good: steady over days; a median of a few seconds means that people hang up at once.",
            12,
        )
        .unit("s")
        .defaults("decimals", json!(1))
        .steps("2m", 90)
        .series("median", &quantile("duration", "0.5"))
        .series("95 %", &quantile("duration", "0.95"))
        .colors(&[("median", "green"), ("95 %", "blue")]),
    ]
}
