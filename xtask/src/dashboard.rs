//! What all dashboards share: panels, rows, variables, links, annotations and colours, as Grafana's classic JSON.
//!
//! Only what Grafana 9 to 13 all understand. A panel is built by naming its kind and then what differs from the rest.

use serde_json::{Map, Value, json};

/// The colour of each outcome, the same wherever it is drawn.
pub const OUTCOMES: [(&str, &str); 7] = [
    ("answered", "green"),
    ("busy", "yellow"),
    ("no_answer", "blue"),
    ("cancelled", "#8e8e8e"),
    ("declined", "purple"),
    ("elsewhere", "#b4b4b4"),
    ("failed", "red"),
];

/// The colour of each side that can fix a cause.
pub const SIDES: [(&str, &str); 8] = [
    ("sbc", "orange"),
    ("network", "red"),
    ("carrier", "dark-yellow"),
    ("tenant", "purple"),
    ("microsoft", "blue"),
    ("bot", "light-blue"),
    ("user", "#8e8e8e"),
    ("unlisted", "#b4b4b4"),
];

/// A dashboard: rows of panels under variables.
pub struct Dashboard {
    pub uid: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    /// The variables after data source, job and instance.
    pub variables: Vec<Value>,
    pub rows: Vec<Row>,
}

/// A titled row; its panels stand side by side and wrap at the width of 24.
pub struct Row {
    pub title: &'static str,
    pub panels: Vec<Panel>,
}

/// One panel with its size in grid units.
pub struct Panel {
    width: u32,
    height: u32,
    body: Map<String, Value>,
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
    let kept: String = keeps.iter().map(|name| format!("&${{{name}:queryparam}}")).collect();
    let url = format!(
        "/d/{uid}?${{__url_time_range}}&${{datasource:queryparam}}{kept}&var-{sets}=${{__value.raw}}"
    );
    json!({"title": title, "url": url, "targetBlank": false})
}

impl Panel {
    fn new(kind: &str, title: &str, description: &str, width: u32, height: u32) -> Self {
        let body = json!({
            "type": kind, "title": title, "description": description, "datasource": datasource(),
            "targets": [], "fieldConfig": {"defaults": {}, "overrides": []}, "options": {},
        });
        let body = if let Value::Object(body) = body { body } else { Map::new() };
        Self { width, height, body }
    }

    /// Lines over time.
    pub fn lines(title: &str, description: &str, width: u32) -> Self {
        let mut panel = Self::new("timeseries", title, description, width, 9);
        panel.body["options"] = json!({
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        });
        panel.defaults("min", json!(0)).defaults(
            "custom",
            json!({"lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": false}),
        )
    }

    /// Areas over time that add up.
    pub fn stacked(title: &str, description: &str, width: u32) -> Self {
        Self::lines(title, description, width).defaults(
            "custom",
            json!({"lineWidth": 1, "fillOpacity": 60, "showPoints": "never", "spanNulls": false,
                   "stacking": {"mode": "normal", "group": "A"}}),
        )
    }

    /// One number, of an instant query unless [`Panel::sparkline`] says otherwise.
    pub fn stat(title: &str, description: &str, width: u32) -> Self {
        let mut panel = Self::new("stat", title, description, width, 4);
        panel.body["options"] = json!({
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
            "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "textMode": "value", "orientation": "auto",
        });
        panel
    }

    /// Rows of an instant query.
    pub fn table(title: &str, description: &str, width: u32) -> Self {
        let mut panel = Self::new("table", title, description, width, 8);
        panel.body["options"] = json!({"showHeader": true, "cellHeight": "sm", "footer": {"show": false}});
        panel
    }

    /// Grid units high.
    pub fn high(mut self, height: u32) -> Self {
        self.height = height;
        self
    }

    /// Grafana's name of the unit.
    pub fn unit(self, unit: &str) -> Self {
        self.defaults("unit", json!(unit))
    }

    /// Sets one of the field defaults.
    pub fn defaults(mut self, name: &str, value: Value) -> Self {
        self.body["fieldConfig"]["defaults"][name] = value;
        self
    }

    /// Colours by value: the first colour, then each from its bound on.
    pub fn thresholds(self, first: &str, steps: &[(f64, &str)]) -> Self {
        let mut all = vec![json!({"color": first, "value": null})];
        all.extend(steps.iter().map(|(bound, color)| json!({"color": color, "value": bound})));
        self.defaults("thresholds", json!({"mode": "absolute", "steps": all}))
            .defaults("color", json!({"mode": "thresholds"}))
    }

    /// Fixed colours by the name of a series.
    pub fn colors(mut self, colors: &[(&str, &str)]) -> Self {
        for (name, color) in colors {
            self = self.column(name, &[("color", json!({"mode": "fixed", "fixedColor": color}))]);
        }
        self
    }

    /// Overrides for the field or series of this name.
    pub fn column(mut self, name: &str, properties: &[(&str, Value)]) -> Self {
        let properties: Vec<_> =
            properties.iter().map(|(id, value)| json!({"id": id, "value": value})).collect();
        if let Some(overrides) = self.body["fieldConfig"]["overrides"].as_array_mut() {
            overrides.push(json!({"matcher": {"id": "byName", "options": name}, "properties": properties}));
        }
        self
    }

    /// A series over time.
    pub fn series(self, legend: &str, expression: &str) -> Self {
        self.target(json!({"expr": query(expression), "legendFormat": legend, "range": true}))
    }

    /// A series over time that shows the call ids that the exporter attaches to its counts.
    pub fn series_with_exemplars(self, legend: &str, expression: &str) -> Self {
        self.target(
            json!({"expr": query(expression), "legendFormat": legend, "range": true, "exemplar": true}),
        )
    }

    /// A value of the end of the range.
    pub fn instant(self, expression: &str) -> Self {
        let format = if self.body["type"] == "table" { "table" } else { "time_series" };
        self.target(json!({"expr": query(expression), "instant": true, "range": false, "format": format}))
    }

    fn target(mut self, mut target: Value) -> Self {
        if let Some(targets) = self.body["targets"].as_array_mut() {
            target["refId"] = json!(char::from(b'A' + targets.len() as u8).to_string());
            target["datasource"] = datasource();
            targets.push(target);
        }
        self
    }

    /// Draws the course of a stat's value behind it.
    pub fn sparkline(mut self) -> Self {
        self.body["options"]["graphMode"] = json!("area");
        self
    }

    /// Shows the names of a stat's series in place of their values.
    pub fn names_of(mut self, legend: &str, expression: &str) -> Self {
        self.body["options"]["textMode"] = json!("name");
        self.target(
            json!({"expr": query(expression), "legendFormat": legend, "instant": true, "range": false}),
        )
    }

    /// One of Grafana's transformations of the result.
    pub fn transform(mut self, id: &str, options: Value) -> Self {
        let step = json!({"id": id, "options": options});
        match self.body.get_mut("transformations").and_then(Value::as_array_mut) {
            Some(steps) => steps.push(step),
            None => drop(self.body.insert("transformations".into(), json!([step]))),
        }
        self
    }

    /// A table's columns from left to right: field and heading; every other field is left out.
    pub fn columns(self, columns: &[(&str, &str)]) -> Self {
        let fields: Vec<_> = columns.iter().map(|(field, _)| *field).collect();
        let order: Map<_, _> =
            columns.iter().enumerate().map(|(i, (f, _))| (f.to_string(), json!(i))).collect();
        let names: Map<_, _> = columns.iter().map(|(f, heading)| (f.to_string(), json!(heading))).collect();
        self.transform("filterFieldsByName", json!({"include": {"names": fields}}))
            .transform("organize", json!({"excludeByName": {}, "indexByName": order, "renameByName": names}))
    }

    /// The column that a table is sorted by, the largest first.
    pub fn sorted_by(mut self, heading: &str) -> Self {
        self.body["options"]["sortBy"] = json!([{"displayName": heading, "desc": true}]);
        self
    }
}

impl Dashboard {
    /// The JSON as it is imported.
    pub fn to_json(&self) -> String {
        let mut variables = vec![
            json!({"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
                   "refresh": 1, "regex": "", "hide": 0, "multi": false, "includeAll": false, "current": {},
                   "options": [], "skipUrlSync": false}),
            label_variable("job", "job", "cdr_exporter_build_info", true),
            label_variable("instance", "instance", r#"cdr_exporter_build_info{job=~"$job"}"#, true),
        ];
        variables.extend(self.variables.iter().cloned());
        let dashboard = json!({
            "uid": self.uid, "title": self.title, "description": self.description, "tags": ["cdr-exporter"],
            "schemaVersion": 36, "editable": false, "graphTooltip": 1, "timezone": "", "refresh": "1m",
            "time": {"from": "now-6h", "to": "now"}, "timepicker": {}, "fiscalYearStartMonth": 0, "weekStart": "",
            "links": [{"type": "dashboards", "tags": ["cdr-exporter"], "title": "", "asDropdown": false, "icon": "",
                       "includeVars": true, "keepTime": true, "targetBlank": false, "tooltip": "", "url": ""}],
            "annotations": {"list": annotations()},
            "templating": {"list": variables},
            "panels": self.panels(),
        });
        serde_json::to_string_pretty(&dashboard).unwrap_or_default()
    }

    /// Rows and panels with their numbers and places.
    fn panels(&self) -> Vec<Value> {
        let mut panels = Vec::new();
        let mut top = 0;
        for row in &self.rows {
            panels.push(json!({"type": "row", "title": row.title, "collapsed": false, "panels": [],
                               "id": panels.len() + 1, "gridPos": {"x": 0, "y": top, "w": 24, "h": 1}}));
            top += 1;
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

/// Firing alerts and restarts of the exporter, drawn over every panel.
fn annotations() -> Vec<Value> {
    let annotation = |name: &str, color: &str, expression: &str, title: &str, text: &str| {
        json!({"name": name, "enable": true, "hide": false, "iconColor": color, "datasource": datasource(),
               "expr": query(expression), "titleFormat": title, "textFormat": text, "step": "60s",
               "useValueForTime": false})
    };
    vec![
        annotation(
            "Firing alerts",
            "red",
            r#"ALERTS{alertname=~"Cdr.+",alertstate="firing"}"#,
            "{{alertname}}",
            "{{trunk}} {{cause}} {{source}}",
        ),
        annotation(
            "Exporter restarts",
            "blue",
            "changes(process_start_time_seconds{@exporter}[5m]) > 0",
            "Exporter restarted",
            "{{instance}}",
        ),
    ]
}
