//! One cause: what it means and the remedy, whether there is more of it than usual, on which trunk, and since when.

use super::{KEPT, side_column, ten_largest, with_remedy};
use crate::dashboard::{Dashboard, Panel, Row, drill_down, label_variable};
use serde_json::json;

const FAILURES: &str = r#"cdr_call_failures_total{@route,cause="$cause"}"#;

pub fn dashboard() -> Dashboard {
    let mut cause = label_variable("cause", "cause", "cdr_call_failures_total{@exporter}", false);
    // Shown until another is chosen; where it is not known, Grafana takes the first.
    cause["current"] = json!({"text": "IceConnectivityChecksFailed", "value": "IceConnectivityChecksFailed"});
    Dashboard {
        uid: "cdr-cause",
        title: "Direct Routing cause",
        description: "One cause of failed calls: what it means, the remedy, how much of it there is and where.",
        variables: vec![
            cause,
            label_variable("source", "source", "cdr_calls_total{@exporter}", true),
            label_variable("trunk", "trunk", "cdr_calls_total{@source}", true),
            label_variable("direction", "direction", "cdr_calls_total{@source}", true),
        ],
        rows: vec![
            Row { title: "$cause", panels: meaning() },
            Row { title: "More than usual?", panels: course() },
            Row { title: "Where?", panels: places() },
        ],
    }
}

fn meaning() -> Vec<Panel> {
    let pairs =
        r#"count by (cause, microsoft_code, sip_code) (cdr_call_failures_total{@exporter,cause="$cause"})"#;
    let described =
        format!("max by (microsoft_code, sip_code, side, category, remedy) ({})", with_remedy(pairs));
    let seen = format!("vector(time()) and on () (sum(increase({FAILURES}[5m])) > 0)");
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
        Panel::stat("Failed calls", "Calls of the chosen time that failed of this cause. Good: 0, or as usual.", 6)
            .unit("locale")
            .defaults("decimals", json!(0))
            .instant(&format!("sum(increase({FAILURES}[$__range]))"))
            .thresholds("text", &[]),
        Panel::stat("Share of the calls", "Of all calls of the chosen time, without those that another leg took.", 6)
            .unit("percentunit")
            .defaults("decimals", json!(2))
            .instant(&format!(
                r#"sum(increase({FAILURES}[$__range]))
                / (sum(increase(cdr_calls_total{{@route,outcome!="elsewhere"}}[$__range])) > 0)"#
            ))
            .thresholds("text", &[]),
        Panel::stat("Time since first seen", "Since such a call was first counted in the chosen time, to 5 minutes.", 6)
            .unit("s")
            .defaults("noValue", json!("Not in this time"))
            .instant(&format!("time() - min_over_time(({seen})[$__range:5m])"))
            .thresholds("text", &[]),
        Panel::stat("Time since last seen", "Since such a call was last counted in the chosen time, to 5 minutes.", 6)
            .unit("s")
            .defaults("noValue", json!("Not in this time"))
            .instant(&format!("time() - max_over_time(({seen})[$__range:5m])"))
            .thresholds("text", &[]),
    ]
}

fn course() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Rate against the usual",
            "Failed calls a minute now, a week earlier, and what the spike alert takes for usual (the share of the \
             last week; from the recording rules, absent without them). Good: now is no higher than the others; the \
             alert rings at three times the usual.",
            12,
        )
        .unit("cpm")
        .series_with_exemplars("now", &format!("60 * sum(rate({FAILURES}[$__rate_interval]))"))
        .series("a week earlier", &format!("60 * sum(rate({FAILURES}[$__rate_interval] offset 1w))"))
        .series(
            "usual",
            r#"sum(trunk_cause:cdr_call_failures_live:expected10m{job=~"$job",source=~"$source",trunk=~"$trunk",cause="$cause"}) / 10"#,
        )
        .colors(&[("now", "red"), ("a week earlier", "#8e8e8e"), ("usual", "blue")]),
        Panel::stacked(
            "Live and late",
            "Failed calls a minute by arrival. Live calls ended shortly before they were counted and may ring an \
             alert; late ones are a backlog, a late export or an import, and ring none.",
            12,
        )
        .unit("cpm")
        .series("{{arrival}}", &format!("60 * sum by (arrival) (rate({FAILURES}[$__rate_interval]))"))
        .colors(&[("live", "red"), ("late", "#8e8e8e")]),
    ]
}

fn places() -> Vec<Panel> {
    vec![
        Panel::stacked(
            "By trunk",
            "The ten trunks with most of it, in failed calls a minute. One trunk alone: look at its SBC, its network \
             and its carrier. All trunks at once: look at what they share, which is the tenant or Microsoft.",
            12,
        )
        .high(9)
        .unit("cpm")
        .series_with_exemplars(
            "{{trunk}}",
            &ten_largest("trunk", FAILURES),
        ),
        Panel::table(
            "By trunk and direction",
            "Failed calls of the chosen time; a click leads to the trunk. Inbound is from the telephone network to \
             Teams.",
            12,
        )
        .high(9)
        .unit("string")
        .instant(&format!("sort_desc(sum by (trunk, direction) (increase({FAILURES}[$__range])) >= 0.5)"))
        .columns(&[("trunk", "Trunk"), ("direction", "Direction"), ("Value", "Calls")])
        .sorted_by("Calls")
        .column("Trunk", &[("links", json!([drill_down("Look into ${__value.raw}", "cdr-trunk", "trunk", &KEPT)]))])
        .column("Direction", &[("custom.width", json!(120))])
        .column("Calls", &[("custom.width", json!(90)), ("decimals", json!(0)), ("unit", json!("locale"))]),
    ]
}
