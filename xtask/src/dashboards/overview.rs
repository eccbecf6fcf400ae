//! Direct Routing overview: without scrolling, what is wrong, where, since when, how bad, whose job and what to do.

use super::calls::{
    ANSWERED, ASR_MEANS, CHOSEN, EFFECTIVE, NER_MEANS, SURELY_COLORS, SURELY_MEANS, ratio, surely_failing,
};
use super::{
    CONCURRENT_MEANS, KEPT, alerts, cause_table, causes_over_time, concurrent, outcomes_over_time,
    sides_over_time, ten_largest, trunks,
};
use crate::dashboard::{DASHBOARD, Dashboard, Panel, Row, label_variable, series_link};
use serde_json::json;

pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "cdr-overview",
        title: "Direct Routing overview",
        description: "Calls between Microsoft Teams and the telephone network: is anything wrong, where, and what to do.",
        variables: Some(vec![
            label_variable("source", "source", "cdr_calls_total{@exporter}", true),
            label_variable("trunk", "trunk", "cdr_calls_total{@source}", true),
            label_variable("direction", "direction", "cdr_calls_total{@source}", true),
        ]),
        rows: vec![
            Row { title: "", panels: at_a_glance() },
            Row { title: "The course of it", panels: trends() },
            Row { title: "Every trunk", panels: every_trunk() },
            Row { title: "Every source", panels: vec![super::sources::table(24, 6)] },
        ],
        ..DASHBOARD
    }
}

/// What is seen without scrolling at 1400 by 900.
fn at_a_glance() -> Vec<Panel> {
    let mut panels = figures();
    panels.push(alerts::table("What is wrong, where, since when, how bad, and what to do", 8));
    panels.push(trunks::worst("The worst trunks: the share of calls that fails for sure", 24, 5, 6));
    panels.push(cause_table("Of which causes, and what to do", "@route", 5));
    panels
}

fn figures() -> Vec<Panel> {
    vec![
        alerts::count(4),
        Panel::stat("Calls failing, at least", SURELY_MEANS, 4)
            .unit("percentunit")
            .defaults("decimals", json!(1))
            .instant(&format!("{} or vector(0)", surely_failing("", "@route", "")))
            .thresholds("green", &SURELY_COLORS),
        Panel::count(
            "Failed, last hour",
            "Calls that failed, whoever's doing it was. Good: few, and no more than usual; see the course below.",
            4,
        )
        .instant(r#"sum(increase(cdr_calls_total{@route,outcome="failed"}[1h]))"#),
        Panel::count("Calls, last hour", "Calls counted, of every outcome. Good: as in the same hour last week.", 4)
            .instant("sum(increase(cdr_calls_total{@route}[1h]))"),
        Panel::count(
            "Same hour last week",
            "Calls counted, of every outcome; what the last hour is to be held against.",
            4,
        )
        .defaults("noValue", json!("Not known"))
        .instant("sum(increase(cdr_calls_total{@route}[1h] offset 1w))"),
        newest_call(4),
    ]
}

/// How old the newest call is, in the colours of what that means for the alerts.
pub fn newest_call(width: u32) -> Panel {
    Panel::stat(
        "Newest call ended",
        "How long ago the newest call that was counted ended. Good: no longer than your export usually takes. From an \
         hour on (orange), no record arrives or nobody calls; from 6 hours on (red), calls that are as old count as \
         late with most sources, and no alert looks at them.",
        width,
    )
    .unit("s")
    .defaults("decimals", json!(0))
    .instant("time() - max(cdr_newest_call_timestamp_seconds{@source}) or vector(NaN)")
    .defaults("mappings", json!([{"type": "special", "options": {"match": "null+nan",
        "result": {"text": "No call yet", "color": "orange", "index": 0}}}]))
    .thresholds("green", &[(3600.0, "orange"), (21_600.0, "red")])
}

fn trends() -> Vec<Panel> {
    vec![
        causes_over_time("@route", 14).high(10),
        sides_over_time("@route", 10).high(10),
        outcomes_over_time("@route", 14).high(10),
        Panel::lines("ASR and NER", &format!("{ASR_MEANS} {NER_MEANS}"), 10)
            .high(10)
            .unit("percentunit")
            .defaults("decimals", json!(1))
            .defaults("max", json!(1))
            .steps("2m", 90)
            .series("ASR", &ratio("", ANSWERED, "@route", "[$__rate_interval]"))
            .series("NER", &ratio("", EFFECTIVE, "@route", "[$__rate_interval]"))
            .legend("bottom", &["mean", "min", "lastNotNull"], "Name")
            .colors(&[("ASR", "green"), ("NER", "blue")]),
    ]
}

fn every_trunk() -> Vec<Panel> {
    vec![
        trunks::table("Trunks, the worst first", 24, 10),
        Panel::counts(
            "Failed calls by trunk",
            "The ten trunks with the most failed calls. Good: low and flat; one trunk above the others means its SBC, \
             its carrier or its network.",
            12,
        )
        .series("{{trunk}}", &ten_largest("trunk", "@route"))
        .worst_is_red(),
        Panel::lines("Concurrent calls by trunk", CONCURRENT_MEANS, 12)
            .unit("short")
            .defaults("decimals", json!(1))
            .steps("2m", 90)
            .legend("right", &["mean", "max"], "Max")
            .defaults("links", json!([series_link("cdr-trunk", "trunk", &KEPT)]))
            .series(
                "{{trunk}}",
                &format!(
                    "{} and on (trunk) topk(10, sum by (trunk) (increase(cdr_call_duration_seconds_sum{{@route}}{CHOSEN} @ end())))",
                    concurrent("trunk", "@route")
                ),
            ),
    ]
}
