//! One cause: what it means and the remedy, whether there is more of it than usual, on which trunk, and since when.

use super::calls::{CHOSEN, attempts, failures};
use super::{KEPT, side_column, ten_largest, with_remedy};
use crate::dashboard::{DASHBOARD, Dashboard, Panel, Row, drill_down, label_variable};
use serde_json::json;

const SELECTOR: &str = r#"@route,cause="$cause""#;
const FAILURES: &str = r#"cdr_call_failures_total{@route,cause="$cause"}"#;

pub fn dashboard() -> Dashboard {
    let mut cause = label_variable("cause", "cause", "cdr_call_failures_total{@exporter}", false);
    // Shown until another is chosen; where it is not known, Grafana takes the first.
    cause["current"] = json!({"text": "IceConnectivityChecksFailed", "value": "IceConnectivityChecksFailed"});
    Dashboard {
        uid: "cdr-cause",
        title: "Direct Routing cause",
        description: "One cause of failed calls: what it means, the remedy, how much of it there is and where.",
        variables: Some(vec![
            cause,
            label_variable("source", "source", "cdr_calls_total{@exporter}", true),
            label_variable("trunk", "trunk", "cdr_calls_total{@source}", true),
            label_variable("direction", "direction", "cdr_calls_total{@source}", true),
        ]),
        rows: vec![
            Row { title: "$cause", panels: meaning() },
            Row { title: "More than usual?", panels: course() },
            Row { title: "Where?", panels: places() },
        ],
        ..DASHBOARD
    }
}

fn meaning() -> Vec<Panel> {
    let pairs =
        r#"count by (cause, microsoft_code, sip_code) (cdr_call_failures_total{@exporter,cause="$cause"})"#;
    let described =
        format!("max by (microsoft_code, sip_code, side, category, remedy) ({})", with_remedy(pairs));
    let seen = |end: &str| {
        format!(
            "time() - {end}_over_time((vector(time()) and on () (sum(increase({FAILURES}[$__rate_interval])) > 0)){CHOSEN})"
        )
    };
    vec![
        Panel::table(
            "What it is and what to do",
            "The code pairs that have this cause, who can fix it, and the remedy from the catalogue. The runbooks \
             (docs/runbooks.md) say more about each category.",
            24,
        )
        .high(4)
        .unit("string")
        .instant(&described)
        .columns(&[
            ("microsoft_code", "Microsoft"),
            ("sip_code", "SIP"),
            ("category", "Category"),
            ("side", "Who can fix it"),
            ("remedy", "Remedy"),
        ])
        .column("Microsoft", &[("custom.width", json!(95))])
        .column("SIP", &[("custom.width", json!(60))])
        .column("Category", &[("custom.width", json!(170))])
        .column("Who can fix it", &side_column())
        .column("Remedy", &[("custom.cellOptions", json!({"type": "auto", "wrapText": true}))]),
        Panel::count("Failed calls", "Calls of the chosen time that failed of this cause. Good: 0, or as usual.", 6)
            .steps("1m", 100)
            .instant(&failures("", SELECTOR, CHOSEN)),
        Panel::stat("Share of the calls", "Of all calls of the chosen time, without those that another leg took.", 6)
            .unit("percentunit")
            .defaults("decimals", json!(2))
            .steps("1m", 100)
            .instant(&format!("{} / ({} > 0)", failures("", SELECTOR, CHOSEN), attempts("", "@route", CHOSEN)))
            .thresholds("text", &[]),
        Panel::stat("Time since first seen", "Since such a call was first counted in the chosen time, to a 240th of it.", 6)
            .unit("s")
            .defaults("noValue", json!("Not in this time"))
            .steps("1m", 240)
            .instant(&seen("min"))
            .thresholds("text", &[]),
        Panel::stat("Time since last seen", "Since such a call was last counted in the chosen time, to a 240th of it.", 6)
            .unit("s")
            .defaults("noValue", json!("Not in this time"))
            .steps("1m", 240)
            .instant(&seen("max"))
            .thresholds("text", &[]),
    ]
}

fn course() -> Vec<Panel> {
    let rate = |earlier: &str| format!("60 * sum(rate({FAILURES}[$__rate_interval]{earlier}))");
    vec![
        Panel::lines(
            "Rate against earlier weeks",
            "Failed calls a minute now, one week and two weeks earlier. Good: now is no higher than the others.",
            24,
        )
        .unit("cpm")
        .defaults("decimals", json!(1))
        .steps("2m", 90)
        .series_with_exemplars("now", &rate(""))
        .series("a week earlier", &rate(" offset 1w"))
        .series("two weeks earlier", &rate(" offset 2w"))
        .colors(&[("now", "red"), ("a week earlier", "#8e8e8e"), ("two weeks earlier", "#5a7fb0")]),
    ]
}

fn places() -> Vec<Panel> {
    vec![
        Panel::counts(
            "By trunk",
            "The ten trunks with most of it. One trunk alone: look at its SBC, its network \
             and its carrier. All trunks at once: look at what they share, which is the tenant or Microsoft.",
            12,
        )
        .series_with_exemplars("{{trunk}}", &ten_largest("trunk", SELECTOR))
        .worst_is_red(),
        Panel::table(
            "By trunk and direction",
            "Failed calls of the chosen time; a click leads to the trunk. Inbound is from the telephone network to \
             Teams.",
            12,
        )
        .high(9)
        .unit("string")
        .instant(&format!("sort_desc({} >= 0.5)", failures("trunk, direction", SELECTOR, CHOSEN)))
        .columns(&[("trunk", "Trunk"), ("direction", "Direction"), ("Value", "Calls")])
        .largest_first(&["Calls"])
        .column("Trunk", &[("links", json!([drill_down("Look into ${__value.raw}", "cdr-trunk", "trunk", &KEPT)]))])
        .column("Direction", &[("custom.width", json!(120))])
        .column("Calls", &[("custom.width", json!(90)), ("decimals", json!(0)), ("unit", json!("locale"))]),
    ]
}
