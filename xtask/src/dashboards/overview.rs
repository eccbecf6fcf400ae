//! Direct Routing overview: is anything wrong, since when, of which cause, on which trunk, and what to do.

use super::{
    ANSWERED, ASR_MEANS, EFFECTIVE, KEPT, NER_MEANS, cause_table, failures_by_side, ratio, side_column,
    ten_largest,
};
use crate::dashboard::{Dashboard, OUTCOMES, Panel, Row, SIDES, drill_down, label_variable};
use serde_json::json;

pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "cdr-overview",
        title: "Direct Routing overview",
        description: "Calls between Microsoft Teams and the telephone network: is anything wrong, where, and what to do.",
        variables: vec![
            label_variable("source", "source", "cdr_calls_total{@exporter}", true),
            label_variable("trunk", "trunk", "cdr_calls_total{@source}", true),
            label_variable("direction", "direction", "cdr_calls_total{@source}", true),
        ],
        rows: vec![
            Row { title: "Is anything wrong now?", panels: now() },
            Row { title: "Since when?", panels: trends() },
            Row { title: "Of which cause, and what to do?", panels: vec![cause_table("@route", true)] },
            Row { title: "On which trunk?", panels: trunks() },
        ],
    }
}

fn now() -> Vec<Panel> {
    vec![
        Panel::stat("Alerts firing", "Alerts of our rules. Good: 0. Needs the rules of deploy/prometheus.", 4)
            .unit("short")
            .instant(r#"count(ALERTS{alertname=~"Cdr.+",alertstate="firing"}) or vector(0)"#)
            .thresholds("green", &[(1.0, "red")]),
        Panel::stat("Calls, last hour", "Calls counted, of every outcome. Good: as on the same day of other weeks.", 4)
            .unit("locale")
            .defaults("decimals", json!(0))
            .instant("sum(increase(cdr_calls_total{@route}[1h]))")
            .thresholds("text", &[]),
        Panel::stat(
            "Failed calls, last hour",
            "Calls that failed, whoever's doing it was. Good: few, and no more than usual; see the trend below.",
            4,
        )
        .unit("locale")
        .defaults("decimals", json!(0))
        .instant(r#"sum(increase(cdr_calls_total{@route,outcome="failed"}[1h]))"#)
        .thresholds("text", &[]),
        Panel::stat("ASR, last hour", ASR_MEANS, 4)
            .unit("percentunit")
            .defaults("decimals", json!(1))
            .instant(&ratio(ANSWERED, "@route", "1h"))
            .thresholds("red", &[(0.3, "orange"), (0.5, "green")]),
        Panel::stat("NER, last hour", NER_MEANS, 4)
            .unit("percentunit")
            .defaults("decimals", json!(1))
            .instant(&ratio(EFFECTIVE, "@route", "1h"))
            .thresholds("red", &[(0.9, "orange"), (0.95, "green")]),
        Panel::stat(
            "Newest call ended",
            "How long ago the newest call that was counted ended. Good: no longer than your export usually takes; \
             longer means that no record arrives, or that nobody calls.",
            4,
        )
        .unit("s")
        .defaults("decimals", json!(0))
        .instant("time() - max(cdr_newest_call_timestamp_seconds{@source})")
        .thresholds("text", &[]),
        firing(),
    ]
}

fn firing() -> Panel {
    Panel::table(
        "What rings",
        "Every alert of ours that fires, with the trunk and the cause. Good: empty. Needs the rules of \
         deploy/prometheus.",
        24,
    )
    .high(5)
    .defaults("noValue", json!("Nothing rings"))
    .unit("string")
    .instant(
        r#"max by (alertname, severity, trunk, cause, side, source) (ALERTS{alertname=~"Cdr.+",alertstate="firing"})"#,
    )
    .columns(&[
        ("severity", "Severity"),
        ("alertname", "Alert"),
        ("trunk", "Trunk"),
        ("cause", "Cause"),
        ("side", "Who can fix it"),
        ("source", "Source"),
    ])
    .column("Severity", &[("custom.width", json!(90))])
    .column("Alert", &[("custom.width", json!(320))])
    .column("Trunk", &[("links", json!([drill_down("Look into ${__value.raw}", "cdr-trunk", "trunk", &KEPT)]))])
    .column("Cause", &[("links", json!([drill_down("Look into ${__value.raw}", "cdr-cause", "cause", &KEPT)]))])
    .column("Who can fix it", &side_column())
    .column("Source", &[("custom.width", json!(120))])
}

fn trends() -> Vec<Panel> {
    vec![
        Panel::stacked("Calls by outcome", "Calls a minute. Good: the shape of a usual day, with little red.", 12)
            .unit("cpm")
            .series("{{outcome}}", "60 * sum by (outcome) (rate(cdr_calls_total{@route}[$__rate_interval]))")
            .colors(&OUTCOMES),
        Panel::lines("ASR and NER", &format!("{ASR_MEANS} {NER_MEANS}"), 12)
            .unit("percentunit")
            .defaults("max", json!(1))
            .series("ASR", &ratio(ANSWERED, "@route", "$__rate_interval"))
            .series("NER", &ratio(EFFECTIVE, "@route", "$__rate_interval"))
            .colors(&[("ASR", "green"), ("NER", "blue")]),
        Panel::stacked(
            "Failed calls by cause",
            "The ten most frequent causes, in failed calls a minute. Good: low and flat; a new colour or a hill is \
             what to look into.",
            12,
        )
        .unit("cpm")
        .series_with_exemplars(
            "{{cause}}",
            &ten_largest("cause", "cdr_call_failures_total{@route}"),
        ),
        Panel::stacked(
            "Failed calls by who can fix them",
            "Failed calls a minute by side: the SBC, the network, the carrier, the tenant's settings, Microsoft, \
             or the people on the line. Good: low and flat.",
            12,
        )
        .unit("cpm")
        .series("{{side}}", &failures_by_side("@route"))
        .colors(&SIDES),
    ]
}

fn trunks() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Failed calls by trunk",
            "The ten trunks with the most failed calls a minute. Good: low and flat; one trunk above the others \
             means its SBC, its carrier or its network.",
            12,
        )
        .high(10)
        .unit("cpm")
        .series("{{trunk}}", &ten_largest("trunk", "cdr_call_failures_total{@route}")),
        trunk_table(),
    ]
}

fn trunk_table() -> Panel {
    let attempts = r#"sum by (trunk) (increase(cdr_calls_total{@route,outcome!="elsewhere"}[$__range]))"#;
    let part = |outcomes: &str| {
        format!(
            r#"(sum by (trunk) (increase(cdr_calls_total{{@route,outcome=~"{outcomes}"}}[$__range])) or 0 * {attempts})"#
        )
    };
    let measures = [
        ("Calls", attempts.to_string()),
        ("Failed", part("failed")),
        ("ASR", format!("{} / ({attempts} > 0)", part(ANSWERED))),
        ("NER", format!("{} / ({attempts} > 0)", part(EFFECTIVE))),
    ];
    let query: Vec<_> = measures
        .iter()
        .map(|(name, expression)| format!(r#"label_replace({expression}, "measure", "{name}", "", "")"#))
        .collect();
    let percent = [("unit", json!("percentunit")), ("decimals", json!(1)), ("custom.width", json!(75))];
    Panel::table(
        "Trunks",
        &format!("Calls of the chosen time by trunk; a click leads to the trunk. {ASR_MEANS} {NER_MEANS}"),
        12,
    )
    .high(10)
    .unit("locale")
    .defaults("decimals", json!(0))
    .instant(&query.join(" or "))
    .transform(
        "groupingToMatrix",
        json!({"columnField": "measure", "rowField": "trunk", "valueField": "Value", "emptyValue": "null"}),
    )
    .transform(
        "organize",
        json!({"excludeByName": {}, "indexByName": {}, "renameByName": {"trunk\\measure": "Trunk"}}),
    )
    .transform("sortBy", json!({"fields": {}, "sort": [{"field": "Failed", "desc": true}]}))
    .column(
        "Trunk",
        &[("links", json!([drill_down("Look into ${__value.raw}", "cdr-trunk", "trunk", &KEPT)]))],
    )
    .column("Calls", &[("custom.width", json!(85))])
    .column("Failed", &[("custom.width", json!(80))])
    .column("ASR", &percent)
    .column("NER", &percent)
}
