//! One trunk: its calls, ratios and durations, its causes, and all that against the week before.

use super::{ANSWERED, ASR_MEANS, EFFECTIVE, NER_MEANS, cause_table, failures_by_side, ratio, ten_largest};
use crate::dashboard::{Dashboard, OUTCOMES, Panel, Row, SIDES, label_variable};
use serde_json::json;

pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "cdr-trunk",
        title: "Direct Routing trunk",
        description: "One session border controller: its calls, how they end, why they fail, against the week before.",
        variables: vec![
            label_variable("source", "source", "cdr_calls_total{@exporter}", true),
            label_variable("trunk", "trunk", "cdr_calls_total{@source}", false),
            label_variable("direction", "direction", "cdr_calls_total{@source}", true),
        ],
        rows: vec![
            Row { title: "$trunk", panels: figures() },
            Row { title: "How calls end", panels: course() },
            Row { title: "Why calls fail", panels: failures() },
        ],
    }
}

fn figures() -> Vec<Panel> {
    let text = |panel: Panel| panel.thresholds("text", &[]);
    vec![
        text(
            Panel::stat("Calls, last hour", "Good: as on the same day of other weeks.", 4)
                .unit("locale")
                .defaults("decimals", json!(0))
                .instant("sum(increase(cdr_calls_total{@trunk}[1h]))"),
        ),
        text(
            Panel::stat("Same hour last week", "What the last hour is to be held against.", 4)
                .unit("locale")
                .defaults("decimals", json!(0))
                .defaults("noValue", json!("Not known yet"))
                .instant("sum(increase(cdr_calls_total{@trunk}[1h] offset 1w))"),
        ),
        text(
            Panel::stat("Failed calls, last hour", "Good: few, and no more than usual.", 4)
                .unit("locale")
                .defaults("decimals", json!(0))
                .instant(r#"sum(increase(cdr_calls_total{@trunk,outcome="failed"}[1h]))"#),
        ),
        Panel::stat("ASR, last hour", ASR_MEANS, 4)
            .unit("percentunit")
            .defaults("decimals", json!(1))
            .instant(&ratio(ANSWERED, "@trunk", "1h"))
            .thresholds("red", &[(0.3, "orange"), (0.5, "green")]),
        Panel::stat("NER, last hour", NER_MEANS, 4)
            .unit("percentunit")
            .defaults("decimals", json!(1))
            .instant(&ratio(EFFECTIVE, "@trunk", "1h"))
            .thresholds("red", &[(0.9, "orange"), (0.95, "green")]),
        text(
            Panel::stat(
                "Mean duration, last hour",
                "Of the answered calls. A sudden fall to a few seconds means that people hang up: often one-way or no \
                 sound.",
                4,
            )
            .unit("s")
            .defaults("decimals", json!(1))
            .instant(
                "sum(increase(cdr_call_duration_seconds_sum{@trunk}[1h]))
                / (sum(increase(cdr_call_duration_seconds_count{@trunk}[1h])) > 0)",
            ),
        ),
    ]
}

fn course() -> Vec<Panel> {
    let quantile = |q: &str| {
        format!(
            "histogram_quantile({q}, sum by (le) (rate(cdr_call_duration_seconds_bucket{{@trunk}}[$__rate_interval])))"
        )
    };
    vec![
        Panel::stacked("Calls by outcome", "Calls a minute. Good: the shape of a usual day, with little red.", 12)
            .unit("cpm")
            .series("{{outcome}}", "60 * sum by (outcome) (rate(cdr_calls_total{@trunk}[$__rate_interval]))")
            .colors(&OUTCOMES),
        Panel::lines(
            "Calls against last week",
            "Calls a minute now and a week earlier. Good: the two lie close; calls that stop are CdrTrunkSilent.",
            12,
        )
        .unit("cpm")
        .series("now", "60 * sum(rate(cdr_calls_total{@trunk}[$__rate_interval]))")
        .series("a week earlier", "60 * sum(rate(cdr_calls_total{@trunk}[$__rate_interval] offset 1w))")
        .colors(&[("now", "green"), ("a week earlier", "#8e8e8e")]),
        Panel::lines("ASR and NER", &format!("{ASR_MEANS} {NER_MEANS}"), 12)
            .unit("percentunit")
            .defaults("max", json!(1))
            .series("ASR", &ratio(ANSWERED, "@trunk", "$__rate_interval"))
            .series("NER", &ratio(EFFECTIVE, "@trunk", "$__rate_interval"))
            .colors(&[("ASR", "green"), ("NER", "blue")]),
        Panel::lines(
            "Duration of answered calls",
            "Half of the calls are shorter than the median; one in twenty is longer than the upper line. Good: \
             steady over days; a median of a few seconds means that people hang up at once.",
            12,
        )
        .unit("s")
        .series("median", &quantile("0.5"))
        .series("95 %", &quantile("0.95"))
        .colors(&[("median", "green"), ("95 %", "blue")]),
    ]
}

fn failures() -> Vec<Panel> {
    vec![
        Panel::stacked(
            "Failed calls by cause",
            "The ten most frequent causes, in failed calls a minute. Good: low and flat.",
            12,
        )
        .unit("cpm")
        .series_with_exemplars("{{cause}}", &ten_largest("cause", "cdr_call_failures_total{@trunk}")),
        Panel::stacked(
            "Failed calls by who can fix them",
            "Failed calls a minute by side. Good: low and flat; the side is where to turn.",
            12,
        )
        .unit("cpm")
        .series("{{side}}", &failures_by_side("@trunk"))
        .colors(&SIDES),
        Panel::lines(
            "Failed calls against last week",
            "Failed calls a minute now and a week earlier. Good: now is no higher.",
            24,
        )
        .unit("cpm")
        .series("now", r#"60 * sum(rate(cdr_calls_total{@trunk,outcome="failed"}[$__rate_interval]))"#)
        .series(
            "a week earlier",
            r#"60 * sum(rate(cdr_calls_total{@trunk,outcome="failed"}[$__rate_interval] offset 1w))"#,
        )
        .colors(&[("now", "red"), ("a week earlier", "#8e8e8e")]),
        cause_table("@trunk", true),
    ]
}
