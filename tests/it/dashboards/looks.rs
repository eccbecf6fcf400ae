//! What was seen to be wrong in pictures of the dashboards, and must not come back.

use std::collections::BTreeSet;
use std::fs;

use regex::Regex;
use serde_json::Value;

use super::{TRAFFIC, asking, dashboards, filled_in, list, panels, store, text};
use crate::tools::{Labels, Prometheus};
use xtask::traffic::Traffic;

/// The panels of every dashboard.
fn all_panels() -> Vec<Value> {
    asking().iter().flat_map(|dashboard| panels(dashboard).cloned().collect::<Vec<_>>()).collect()
}

/// The panel of the overview whose title begins so.
fn of_overview(title: &str) -> Value {
    let overview = &dashboards()[0];
    panels(overview).find(|panel| text(panel, "title").starts_with(title)).cloned().expect("it is there")
}

/// A text for no value stands in every empty cell of a table: "Nothing rings" stood in rows of alerts that ring.
#[test]
fn no_table_has_a_text_for_empty_cells() {
    let tables: Vec<_> = all_panels().into_iter().filter(|panel| panel["type"] == "table").collect();
    assert!(tables.len() > 5);
    for panel in tables {
        assert!(panel.pointer("/fieldConfig/defaults/noValue").is_none(), "{}", text(&panel, "title"));
    }
}

/// The outline of a series without values lay in its colour on the series below it.
#[test]
fn what_is_stacked_has_no_outline() {
    let is_stacked = |panel: &Value| panel.pointer("/fieldConfig/defaults/custom/stacking").is_some();
    let stacked: Vec<_> = all_panels().into_iter().filter(is_stacked).collect();
    assert!(stacked.len() > 5);
    for panel in stacked {
        assert_eq!(panel["fieldConfig"]["defaults"]["custom"]["lineWidth"], 0, "{}", text(&panel, "title"));
    }
}

#[test]
fn legends_are_sorted_tables() {
    for panel in all_panels().iter().filter(|panel| panel["type"] == "timeseries") {
        let legend = &panel["options"]["legend"];
        let sorted = !text(legend, "sortBy").is_empty() && !list(legend, "/calcs").is_empty();
        assert!(legend["displayMode"] == "table" && sorted, "{}", text(panel, "title"));
        let adds_up = panel.pointer("/fieldConfig/defaults/custom/stacking").is_some();
        assert_eq!(adds_up, legend["sortBy"] == "Total", "{}", text(panel, "title"));
    }
}

/// Whatever else is shown, a cause has its colour.
#[test]
fn causes_have_fixed_colours() {
    let catalogue = fs::read_to_string("src/classify/causes.csv").expect("the catalogue");
    let by_cause: Vec<_> = all_panels()
        .into_iter()
        .filter(|panel| list(panel, "/targets").iter().any(|target| target["legendFormat"] == "{{cause}}"))
        .collect();
    assert!(by_cause.len() >= 3);
    for panel in by_cause {
        let colored: BTreeSet<_> = list(&panel, "/fieldConfig/overrides")
            .iter()
            .filter(|field| list(field, "/properties").iter().any(|property| property["id"] == "color"))
            .map(|field| field["matcher"]["options"].as_str().unwrap_or_default())
            .collect();
        for row in csv::Reader::from_reader(catalogue.as_bytes()).records() {
            let row = row.expect("a row");
            assert!(&row[4] != "failed" || colored.contains(&row[3]), "{} has no colour", &row[3]);
        }
    }
}

/// 900 pixels less title and controls are 21 grid units of 38; the course of things comes after that.
#[test]
fn what_is_wrong_needs_no_scrolling() {
    let overview = &dashboards()[0];
    let first_heading = list(overview, "/panels").iter().find(|panel| panel["type"] == "row").expect("a row");
    assert!(first_heading["gridPos"]["y"].as_u64() <= Some(21));
}

/// Where no rules are loaded, nothing fires, which is no reason for a green 0.
#[test]
fn without_rules_the_overview_says_so() {
    let prometheus = Prometheus::start("global: {}\n");
    let ask = |title: &str| {
        let panel = of_overview(title);
        prometheus.query(&filled_in(text(&panel["targets"][0], "expr")))
    };
    assert_eq!(ask("Alerts firing").into_values().collect::<Vec<_>>(), [-1.0]);
    let mapped = of_overview("Alerts firing");
    assert_eq!(mapped["fieldConfig"]["defaults"]["mappings"][0]["options"]["-1"]["text"], "No rules loaded");
    let rows = ask("What is wrong");
    let names: Vec<_> = rows.keys().map(|labels| labels["alertname"].as_str()).collect();
    assert_eq!(names, ["No rules are loaded"]);
}

/// Of calls that fail it is said how many; of a silent trunk once nothing stood there.
#[test]
fn of_each_trunk_that_rings_it_is_said_how_bad_it_is() {
    let folder = store(&TRAFFIC);
    let prometheus = Prometheus::start_in(folder.path(), "global: {scrape_interval: 30s}\n");
    let query = filled_in(text(&of_overview("What is wrong")["targets"][0], "expr"));
    let rows = prometheus.query_at(&query, TRAFFIC.end as f64);
    let bad = |alert: &str| {
        let of_alert = |labels: &&Labels| labels["alertname"] == alert;
        rows.keys().find(of_alert).map(|labels| labels.get("bad").cloned().unwrap_or_default())
    };
    let fails = Regex::new("^[0-9]+ of [0-9]+ fail$").expect("valid");
    assert!(fails.is_match(&bad("CdrTrunkFailureRatioHigh").unwrap()), "{rows:?}");
    let misses = Regex::new("^0 inbound, usually [0-9]+$").expect("valid");
    assert!(misses.is_match(&bad("CdrTrunkSilent").unwrap()), "{rows:?}");
    assert_eq!(bad("CdrExporterFilesNotRead").as_deref(), Some(""), "{rows:?}");
}

#[test]
fn recorded_series_of_the_dashboards_are_recorded() {
    let rules = fs::read_to_string("deploy/prometheus/recording.rules.yml").expect("the rules");
    let recorded = Regex::new(r"[a-z_]+:cdr_[a-z0-9_]+:[a-z0-9_]+").expect("valid");
    for panel in all_panels() {
        for found in recorded.find_iter(&panel.to_string()) {
            assert!(rules.contains(&format!("record: {}\n", found.as_str())), "{}", found.as_str());
        }
    }
}

/// The column of the overview that shows an alert's name as its summary once showed `|-` for each.
#[test]
fn every_alert_is_shown_with_its_summary() {
    let rules: Value =
        serde_saphyr::from_str(&fs::read_to_string("deploy/prometheus/alerts.rules.yml").expect("the rules"))
            .expect("YAML");
    let shown = mappings(&of_overview("What is wrong"), "What is wrong");
    for rule in list(&rules, "/groups").iter().flat_map(|group| list(group, "/rules")) {
        let name = text(rule, "alert");
        assert_eq!(shown[name]["text"], rule["annotations"]["summary"], "{name}");
    }
    // The second line of a summary was cut off: rows are measured by the name.
    assert_eq!(of_overview("What is wrong")["options"]["cellHeight"], "lg");
}

/// Texts in place of the values of a column.
fn mappings(table: &Value, column: &str) -> Value {
    list(table, "/fieldConfig/overrides")
        .iter()
        .filter(|field| field["matcher"]["options"] == column)
        .flat_map(|field| list(field, "/properties"))
        .find(|property| property["id"] == "mappings")
        .map(|property| property["value"][0]["options"].clone())
        .expect("a column with texts")
}

/// A click on an alert opens its runbook.
#[test]
fn every_alert_has_its_runbook() {
    let rules = fs::read_to_string("deploy/prometheus/alerts.rules.yml").expect("the rules");
    let table = of_overview("What is wrong");
    // The number of a panel says nothing to people: it stands in a column of its own, which is hidden.
    let pages = mappings(&table, "page");
    let properties = |column: &str| {
        let overrides = list(&table, "/fieldConfig/overrides").iter();
        overrides
            .filter(|field| field["matcher"]["options"] == column)
            .map(Value::to_string)
            .collect::<String>()
    };
    assert!(properties("page").contains("hideFrom") && properties("page").contains("custom.hidden"));
    assert!(properties("Runbook").contains("${__data.fields.page.text}"));
    let runbooks =
        dashboards().into_iter().find(|dashboard| dashboard["uid"] == "cdr-runbooks").expect("runbooks");
    for name in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let page = pages[name]["text"].as_str().and_then(|page| page.parse::<u64>().ok());
        let panel = list(&runbooks, "/panels").iter().find(|panel| panel["id"].as_u64() == page);
        assert_eq!(panel.map(|panel| text(panel, "title")), Some(name));
    }
}

/// "Newest call ended" was green where no call had ever come.
#[test]
fn no_call_yet_is_not_good() {
    for panel in all_panels().iter().filter(|panel| text(panel, "title") == "Newest call ended") {
        assert!(text(&panel["targets"][0], "expr").ends_with("or vector(NaN)"));
        let special = &panel["fieldConfig"]["defaults"]["mappings"][0]["options"];
        assert_eq!((&special["match"], &special["result"]["color"]), (&"null+nan".into(), &"orange".into()));
    }
}

/// Two hundred trunks that ring at once drew a thousand marks over every panel, and those of other trunks over a trunk's own.
#[test]
fn alerts_of_many_trunks_are_one_mark() {
    for dashboard in asking() {
        let firing = text(&list(&dashboard, "/annotations/list")[0], "expr").to_owned();
        assert!(firing.contains("group by (alertname, source, trunk)") && firing.contains("several trunks"));
        let has_trunk = list(&dashboard, "/templating/list").iter().any(|one| one["name"] == "trunk");
        assert_eq!(has_trunk, firing.contains(r#"trunk=~"$trunk|""#), "{}", text(&dashboard, "uid"));
    }
}

/// Totals of a day stood at the last of its steps, a quarter of an hour ago: half of an outage that began half an hour ago was
/// missing, and its cause was not the first. Here of four hours, for speed.
#[test]
fn totals_have_the_newest_minutes() {
    // The end lies 14 minutes behind a step of 15.
    let end = TRAFFIC.end.next_multiple_of(900) + 840;
    let folder = store(&Traffic { trunks: 1, minutes: 240, end, ..TRAFFIC });
    let prometheus = Prometheus::start_in(folder.path(), "global: {scrape_interval: 30s}\n");
    let of_hours = |expression: &str| {
        let filled = expression.replace("$__range_s", "14400").replace("$__range", "4h");
        let filled = filled.replace("$__interval_ms", "900000").replace("$__interval", "15m");
        prometheus.query_at(&filled_in(&filled), end as f64)
    };
    let counted = of_hours(
        r#"sum by (cause) (cdr_call_failures_total) - sum by (cause) (cdr_call_failures_total offset 4h)"#,
    );
    let shown = of_hours(text(&of_overview("Of which causes")["targets"][0], "expr"));
    assert!(shown.len() > 5);
    for (labels, value) in shown {
        let of_cause =
            counted.iter().find(|(found, _)| found["cause"] == labels["cause"]).expect("it is counted").1;
        // One call beside, since other steps begin with half a count.
        assert!((value - of_cause).abs() < 2.0 + of_cause * 0.02, "{labels:?}: {value} for {of_cause}");
    }
}

/// The tiles of the worst trunks showed the newest step of the chosen time, which of a month is half a day old.
#[test]
fn tiles_of_the_worst_trunks_are_of_now() {
    let tiles: Vec<_> = all_panels()
        .into_iter()
        .filter(|panel| text(panel, "title").starts_with("The worst trunks"))
        .collect();
    assert_eq!(tiles.len(), 2);
    for panel in tiles {
        assert_eq!(text(&panel, "timeFrom"), "6h");
    }
}

/// Over 30 days from the first of a month to the first of the next, `01 00:00` was one column for both, with the older of them as the
/// newest: an outage of today was not in the map.
#[test]
fn times_of_the_map_of_trunks_are_told_apart_over_months() {
    let maps: Vec<_> =
        all_panels().into_iter().filter(|panel| text(panel, "title").starts_with("Trunks by time")).collect();
    assert!(!maps.is_empty());
    for panel in maps {
        let formats: Vec<_> = panel["transformations"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|transformation| transformation["id"] == "convertFieldType")
            .map(|transformation| text(&transformation["options"]["conversions"][0], "dateFormat").to_owned())
            .collect();
        assert_eq!(formats, ["MM-DD HH:mm"]);
    }
}
