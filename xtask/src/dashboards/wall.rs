//! For a screen on a wall: one page without a control, read from across a room.

use super::calls::{EFFECTIVE, NER_MEANS, ratio};
use super::{alerts, causes_over_time, overview, trunks};
use crate::dashboard::{DASHBOARD, Dashboard, Panel, Row, label_variable};
use serde_json::json;

pub fn dashboard() -> Dashboard {
    let hidden = |name: &str, metric: &str| {
        let mut variable = label_variable(name, name, metric, true);
        variable["hide"] = json!(2);
        variable
    };
    Dashboard {
        uid: "cdr-wall",
        title: "Direct Routing wall",
        description: "One page for a large screen: open it with &kiosk. It fits 1920 by 1080.",
        variables: Some(vec![
            hidden("source", "cdr_calls_total{@exporter}"),
            hidden("trunk", "cdr_calls_total{@source}"),
            hidden("direction", "cdr_calls_total{@source}"),
        ]),
        from: "now-24h",
        rows: vec![Row { title: "", panels: panels() }],
        ..DASHBOARD
    }
}

fn panels() -> Vec<Panel> {
    let mut panels = vec![alerts::count(4).high(5)];
    panels.extend(trunks::counts().into_iter().take(3).map(|panel| panel.high(5)));
    panels.push(
        Panel::stat("NER, last hour", NER_MEANS, 4)
            .high(5)
            .unit("percentunit")
            .defaults("decimals", json!(1))
            .instant(&ratio("", EFFECTIVE, "@route", "[1h]"))
            .thresholds("text", &[]),
    );
    panels.push(overview::newest_call(4).high(5));
    panels.push(trunks::worst("The worst trunks: the share of calls that fails for sure", 24, 8, 6));
    panels.push(alerts::table("What rings", 8));
    panels.push(causes_over_time("@route", 24).high(6));
    panels
}
