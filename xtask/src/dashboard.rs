//! What all dashboards share: rows, variables, links and annotations, as Grafana's classic JSON.
//!
//! Only what Grafana 9 to 13 all understand. `panel` has the panels, `colors` the colours.

pub mod colors;
mod panel;

pub use panel::Panel;
use serde_json::{Value, json};

/// A dashboard: rows of panels under variables.
pub struct Dashboard {
    pub uid: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    /// The variables after data source, job and instance; `None` for a dashboard that asks nothing.
    pub variables: Option<Vec<Value>>,
    /// How far back it shows at first.
    pub from: &'static str,
    /// Other spans of time to go to, by their names.
    pub spans: &'static [(&'static str, &'static str)],
    pub rows: Vec<Row>,
}

/// What it is unless it says otherwise.
pub const DASHBOARD: Dashboard = Dashboard {
    uid: "",
    title: "",
    description: "",
    variables: None,
    from: "now-6h",
    spans: &[],
    rows: vec![],
};

/// A row, without a heading if its title is empty; its panels stand side by side and wrap at the width of 24.
pub struct Row {
    pub title: &'static str,
    pub panels: Vec<Panel>,
}

/// The data source that the reader chose.
pub fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// PromQL with the short names of the selectors written out: `@exporter`, `@source`, `@route` and `@trunk`.
pub fn query(text: &str) -> String {
    let exporter = r#"job=~"$job",instance=~"$instance""#;
    let source = format!(r#"{exporter},source=~"$source""#);
    let route = format!(r#"{source},trunk=~"$trunk",direction=~"$direction""#);
    let trunk = format!(r#"{source},trunk="$trunk",direction=~"$direction""#);
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .replace("@exporter", exporter)
        .replace("@source", &source)
        .replace("@route", &route)
        .replace("@trunk", &trunk)
}

/// A variable over the values of a label; `all` tells whether several or all may be chosen.
pub fn label_variable(name: &str, label: &str, metric: &str, all: bool) -> Value {
    let any = if ["job", "instance"].contains(&name) { ".+" } else { ".*" };
    let current =
        if all { json!({"selected": true, "text": ["All"], "value": ["$__all"]}) } else { json!({}) };
    let definition = format!("label_values({}, {name})", query(metric));
    let mut variable = json!({
        "name": name, "label": label, "type": "query", "datasource": datasource(), "definition": definition,
        "query": {"query": definition, "refId": name}, "refresh": 2, "sort": 1, "regex": "", "hide": 0,
        "multi": all, "includeAll": all, "current": current, "options": [], "skipUrlSync": false,
    });
    if all {
        variable["allValue"] = json!(any);
    }
    variable
}

/// A link to another dashboard that keeps the time and these variables, and sets one to the clicked value.
pub fn drill_down(title: &str, uid: &str, sets: &str, keeps: &[&str]) -> Value {
    json!({"title": title, "url": link(uid, keeps, &format!("var-{sets}=${{__value.raw}}")), "targetBlank": false})
}

/// As [`drill_down`], with the label of the clicked series.
pub fn series_link(uid: &str, label: &str, keeps: &[&str]) -> Value {
    let value = format!("${{__field.labels.{label}}}");
    json!({"title": format!("Look into {value}"), "url": link(uid, keeps, &format!("var-{label}={value}")),
           "targetBlank": false})
}

fn link(uid: &str, keeps: &[&str], sets: &str) -> String {
    let kept: String = keeps.iter().map(|name| format!("&${{{name}:queryparam}}")).collect();
    format!("/d/{uid}?${{__url_time_range}}&${{datasource:queryparam}}{kept}&{sets}")
}

impl Dashboard {
    /// The JSON as it is imported.
    pub fn to_json(&self) -> String {
        let dashboard = json!({
            "uid": self.uid, "title": self.title, "description": self.description, "tags": ["cdr-exporter"],
            "schemaVersion": 36, "editable": false, "graphTooltip": 1, "timezone": "", "refresh": "1m",
            "time": {"from": self.from, "to": "now"}, "timepicker": {}, "fiscalYearStartMonth": 0, "weekStart": "",
            "links": self.links(),
            "annotations": {"list": if self.variables.is_some() { self.annotations() } else { vec![] }},
            "templating": {"list": self.templating()},
            "panels": self.panels(),
        });
        serde_json::to_string_pretty(&dashboard).unwrap_or_default()
    }

    /// The other dashboards, and this one over other spans of time.
    fn links(&self) -> Vec<Value> {
        let spans = self.spans.iter().map(|(title, from)| {
            json!({"type": "link", "title": title, "url": format!("/d/{}?from={from}&to=now", self.uid), "icon": "",
                   "tags": [], "asDropdown": false, "includeVars": true, "keepTime": false, "targetBlank": false,
                   "tooltip": ""})
        });
        let others = json!({"type": "dashboards", "tags": ["cdr-exporter"], "title": "Direct Routing", "asDropdown": true,
                            "icon": "", "includeVars": true, "keepTime": true, "targetBlank": false, "tooltip": "",
                            "url": ""});
        spans.chain([others]).collect()
    }

    /// Firing alerts and restarts of the exporter, drawn over every panel: of one alert each trunk while they are few, else one
    /// for them all, since two hundred marks at one place say no more than one.
    fn annotations(&self) -> Vec<Value> {
        let annotation = |name: &str, color: &str, expression: &str, title: &str, text: &str| {
            json!({"name": name, "enable": true, "hide": false, "iconColor": color, "datasource": datasource(),
                   "expr": query(expression), "titleFormat": title, "textFormat": text, "step": "120s",
                   "useValueForTime": false})
        };
        let of_trunk = |variable: &Value| variable["name"] == "trunk";
        let chosen = if self.variables.iter().flatten().any(of_trunk) { r#",trunk=~"$trunk|""# } else { "" };
        let alerts = format!(r#"ALERTS{{alertname=~"Cdr.+",alertstate="firing",severity!="info"{chosen}}}"#);
        let each = format!("group by (alertname, source, trunk) ({alerts})");
        // Windows count, too: to leave them out would take twice as long.
        let number = format!("count by (alertname, source) ({alerts})");
        let firing = format!(
            r#"{each} and on (alertname, source) ({number} < 6)
            or label_replace({number} >= 6, "trunk", "several trunks", "", "")"#
        );
        let restarts = "changes(process_start_time_seconds{@exporter}[5m]) > 0";
        vec![
            annotation("Firing alerts", "red", &firing, "{{alertname}}", "{{trunk}} {{source}}"),
            annotation("Exporter restarts", "blue", restarts, "Exporter restarted", "{{instance}}"),
        ]
    }

    fn templating(&self) -> Vec<Value> {
        let Some(own) = &self.variables else { return vec![] };
        let mut variables = vec![
            json!({"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
                   "refresh": 1, "regex": "", "hide": 0, "multi": false, "includeAll": false, "current": {},
                   "options": [], "skipUrlSync": false}),
            label_variable("job", "job", "cdr_exporter_build_info", true),
            label_variable("instance", "instance", r#"cdr_exporter_build_info{job=~"$job"}"#, true),
        ];
        variables.extend(own.iter().cloned());
        variables
    }

    /// Rows and panels with their numbers and places.
    fn panels(&self) -> Vec<Value> {
        let mut panels = Vec::new();
        let mut top = 0;
        for row in &self.rows {
            if !row.title.is_empty() {
                panels.push(json!({"type": "row", "title": row.title, "collapsed": false, "panels": [],
                                   "id": panels.len() + 1, "gridPos": {"x": 0, "y": top, "w": 24, "h": 1}}));
                top += 1;
            }
            let (mut left, mut tallest) = (0, 0);
            for panel in &row.panels {
                if left + panel.width > 24 {
                    top += tallest;
                    (left, tallest) = (0, 0);
                }
                let mut body = panel.body.clone();
                body.insert("id".into(), json!(panels.len() + 1));
                body.insert(
                    "gridPos".into(),
                    json!({"x": left, "y": top, "w": panel.width, "h": panel.height}),
                );
                panels.push(Value::Object(body));
                left += panel.width;
                tallest = tallest.max(panel.height);
            }
            top += tallest;
        }
        panels
    }
}
