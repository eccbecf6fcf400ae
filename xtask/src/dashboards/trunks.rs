//! Sixty or six hundred trunks: how many are in trouble, which are the worst, and since when, as a map of trunks by time.

use super::calls::{
    ANSWERED, CHOSEN, EFFECTIVE, NER_MEANS, SURELY_COLORS, SURELY_MEANS, attempts, calls, newest_counts,
    ratio, surely_failing,
};
use super::{KEPT, alerts};
use crate::dashboard::{DASHBOARD, Dashboard, Panel, Row, drill_down, label_variable, series_link};
use serde_json::{Value, json};

pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "cdr-trunks",
        title: "Direct Routing trunks",
        description: "All trunks of a large installation: how many are in trouble, which, and since when.",
        variables: Some(vec![
            label_variable("source", "source", "cdr_calls_total{@exporter}", true),
            label_variable("trunk", "trunk", "cdr_calls_total{@source}", true),
            label_variable("direction", "direction", "cdr_calls_total{@source}", true),
        ]),
        rows: vec![
            Row {
                title: "",
                panels: vec![alerts::count(4)].into_iter().chain(counts()).chain([map()]).collect(),
            },
            Row { title: "In numbers", panels: vec![table("Trunks, the worst first", 24, 14)] },
        ],
        ..DASHBOARD
    }
}

/// Trunks by how they do.
pub fn counts() -> Vec<Panel> {
    let failing = surely_failing("trunk", "@route", "");
    let count = |title: &str, description: &str, expression: &str| {
        Panel::count(title, description, 4).instant(&format!("{expression} or vector(0)"))
    };
    vec![
        count(
            "Trunks failing",
            &format!("Trunks of which 10 % of the calls or more fail for sure. Good: 0. {SURELY_MEANS}"),
            &format!("count({failing} >= 0.1)"),
        )
        .thresholds("green", &[(1.0, "red")]),
        count(
            "Trunks degraded",
            &format!("Trunks of which 5 to 10 % of the calls fail for sure. Good: 0. {SURELY_MEANS}"),
            &format!("count(({failing} >= 0.05) < 0.1)"),
        )
        .thresholds("green", &[(1.0, "orange")]),
        count(
            "Trunks gone quiet",
            "Trunks and directions without a call in the last hour, which had at least ten in the same hour last week. \
             Good: 0. A public holiday shows here as well.",
            &format!("count({QUIET})"),
        )
        .thresholds("green", &[(1.0, "orange")]),
        count("Trunks in use", "Trunks with a call in the last 24 hours.", IN_USE),
        Panel::count("Calls, last hour", "Calls counted, of every outcome.", 4)
            .instant("sum(increase(cdr_calls_total{@route}[1h]))"),
    ]
}

const QUIET: &str = "sum by (trunk, direction) (increase(cdr_calls_total{@route}[1h] offset 1w)) >= 10
    unless sum by (trunk, direction) (increase(cdr_calls_total{@route}[1h])) > 0";
const IN_USE: &str = "count(sum by (trunk) (increase(cdr_calls_total{@route}[24h:20m])) > 0)";

/// The worst trunks as tiles in the colours of the evidence, with the course of it behind each.
pub fn worst(title: &str, width: u32, height: u32, most: u32) -> Panel {
    let now = surely_failing("trunk", "@route", " @ end()");
    // Prometheus sorts series by their labels, here by this one first: four digits that fall as the trunk gets worse.
    let rank = format!(r#"count_values by (trunk) ("by_rank", 2000 - round(1000 * topk({most}, {now})))"#);
    let expression = format!(
        "{} * on (trunk) group_left (failed, calls) ({}) * on (trunk) group_left (by_rank) {rank}",
        surely_failing("trunk", "@route", ""),
        newest_counts("trunk", "@route", " @ end()"),
    );
    Panel::stat(
        title,
        &format!("The trunks that do worst, with failed and all calls behind the name. {SURELY_MEANS}"),
        width,
    )
    .high(height)
    .unit("percentunit")
    .defaults("decimals", json!(0))
    .defaults("min", json!(0))
    .defaults("links", json!([series_link("cdr-trunk", "trunk", &KEPT)]))
    // However long the chosen time is: in its steps, the newest point of a month would be half a day old.
    .always("6h")
    .steps("1m", 60)
    .series("{{trunk}}: {{failed}} of {{calls}}", &expression)
    .sparkline()
    .text_mode("value_and_name")
    .thresholds("green", &SURELY_COLORS)
}

/// Trunks by time, the worst first: a cell is the share of its calls that fails for sure, empty without calls.
pub fn map() -> Panel {
    let bound = {
        let (failed, all) = (
            calls("trunk", "failed", "@route", "[$__interval]"),
            attempts("trunk", "@route", "[$__interval]"),
        );
        format!("(clamp_min(sqrt({failed} or 0 * {all}) - 1, 0) ^ 2 / ({all} > 0))")
    };
    // The order of the rows: four digits that fall as the trunk does worse now. Not at end(), which is the newest step: of a
    // month it is a day old.
    let rank = format!(
        r#"(count_values by (trunk) ("by_rank", 2000 - round(1000 * {}))
            or on (trunk) label_replace(group by (trunk) (cdr_calls_total{{@route}}), "by_rank", "2000", "", ""))"#,
        surely_failing("trunk", "@route", " @ ${__to:date:seconds}")
    );
    let colored = json!({"type": "color-background", "mode": "basic"});
    Panel::table(
        "Trunks by time, the worst now first",
        "A cell is the share of the calls in its time that fails for sure (the lower confidence bound); it is empty \
         where there was no call. A column is headed by the end of its time, and the newest is on the left. Good: green. A \
         red row is one trunk; a red column is what all share. The trunk that does worst at the end of the chosen time is the \
         first, even if the fault is too young for a cell. Newest is the newest time that had calls, Worst the highest of the row.",
        24,
    )
    .high(16)
    .steps("2m", 12)
    .unit("percentunit")
    .defaults("decimals", json!(0))
    .defaults("custom", json!({"align": "center", "cellOptions": colored, "width": 92}))
    .thresholds("green", &SURELY_COLORS)
    .series("{{trunk}}", &format!("{bound} * on (trunk) group_left (by_rank) {rank}"))
    .transform("labelsToFields", json!({"mode": "columns"}))
    .transform("merge", json!({}))
    .transform("sortBy", json!({"fields": {}, "sort": [{"field": "by_rank"}]}))
    .transform("sortBy", json!({"fields": {}, "sort": [{"field": "Time", "desc": true}]}))
    // With the month: times that read alike are one column, the older of them.
    .transform(
        "convertFieldType",
        json!({"fields": {}, "conversions": [{"targetField": "Time", "destinationType": "string", "dateFormat": "MM-DD HH:mm"}]}),
    )
    .transform(
        "groupingToMatrix",
        json!({"columnField": "Time", "rowField": "trunk", "valueField": "Value", "emptyValue": "null"}),
    )
    .transform("calculateField", reduced("Newest", "firstNotNull"))
    .transform("calculateField", reduced("Worst", "max"))
    .transform("organize", json!({"excludeByName": {}, "indexByName": {"trunk\\Time": 0, "Newest": 1, "Worst": 2},
                                  "renameByName": {"trunk\\Time": "Trunk"}}))
    .column(
        "Trunk",
        &[("custom.width", json!(190)), ("custom.align", json!("left")), ("custom.cellOptions", json!({"type": "auto"}))],
    )
    .linked("Trunk", drill_down("Look into ${__value.raw}", "cdr-trunk", "trunk", &KEPT))
}

/// A column with one figure of each row.
fn reduced(name: &str, reducer: &str) -> Value {
    json!({"mode": "reduceRow", "alias": name, "replaceFields": false, "reduce": {"reducer": reducer}})
}

/// Each trunk in numbers over the chosen time.
pub fn table(title: &str, width: u32, height: u32) -> Panel {
    let measures = [
        ("Failing, at least", surely_failing("trunk", "@route", "")),
        ("Calls", attempts("trunk", "@route", CHOSEN)),
        ("Failed", calls("trunk", "failed", "@route", CHOSEN)),
        ("ASR", ratio("trunk", ANSWERED, "@route", CHOSEN)),
        ("NER", ratio("trunk", EFFECTIVE, "@route", CHOSEN)),
        ("Concurrent", super::concurrent("trunk", "@route")),
        ("Calls, last hour", attempts("trunk", "@route", "[1h]")),
        ("Same hour last week", attempts("trunk", "@route", "[1h] offset 1w")),
    ];
    let query: Vec<_> = measures
        .iter()
        .map(|(name, expression)| format!(r#"label_replace({expression}, "measure", "{name}", "", "")"#))
        .collect();
    let percent = [("unit", json!("percentunit")), ("decimals", json!(1)), ("custom.width", json!(100))];
    let colored = json!({"type": "color-background", "mode": "basic"});
    let steps = json!({"mode": "absolute", "steps": [{"color": "green", "value": null},
        {"color": SURELY_COLORS[0].1, "value": SURELY_COLORS[0].0}, {"color": SURELY_COLORS[1].1, "value": SURELY_COLORS[1].0}]});
    Panel::table(
        title,
        &format!(
            "Calls, failed calls, ASR and NER of the chosen time; concurrent calls are the mean of the last hour. A \
             click leads to the trunk. {SURELY_MEANS} {NER_MEANS}"
        ),
        width,
    )
    .high(height)
    .unit("locale")
    .defaults("decimals", json!(0))
    .instant(&query.join(" or "))
    .by_measure("trunk", "Trunk")
    .largest_first(&["Failed", "Failing, at least"])
    .wide("Trunk", 190)
    .wide("Calls", 110)
    .wide("Failed", 110)
    .wide("Calls, last hour", 135)
    .linked("Trunk", drill_down("Look into ${__value.raw}", "cdr-trunk", "trunk", &KEPT))
    .column(
        "Failing, at least",
        &[("unit", json!("percentunit")), ("decimals", json!(1)), ("custom.cellOptions", colored), ("thresholds", steps),
          ("color", json!({"mode": "thresholds"})), ("custom.width", json!(150))],
    )
    .column("Concurrent", &[("decimals", json!(1)), ("custom.width", json!(115))])
    .column("ASR", &percent)
    .column("NER", &percent)
}
