//! One panel, built by naming its kind and then what differs from the rest.

use super::{datasource, query};
use serde_json::{Map, Value, json};

/// One panel with its size in grid units.
pub struct Panel {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) body: Map<String, Value>,
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
        panel.body["options"] = json!({"tooltip": {"mode": "multi", "sort": "desc"}});
        panel.legend("bottom", &["mean", "max", "lastNotNull"], "Max").defaults("min", json!(0)).defaults(
            "custom",
            json!({"lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": false}),
        )
    }

    /// Counts over time that add up, as bars of two minutes or more that tile the time: their total is in the legend.
    /// Bars have no outline: that of an empty one would lie in its colour on the one below.
    pub fn counts(title: &str, description: &str, width: u32) -> Self {
        let bars = json!({"drawStyle": "bars", "lineWidth": 0, "fillOpacity": 90, "barWidthFactor": 0.9,
                          "showPoints": "never", "stacking": {"mode": "normal", "group": "A"}});
        Self::lines(title, description, width)
            .legend("right", &["sum"], "Total")
            .defaults("custom", bars)
            .unit("locale")
            .defaults("decimals", json!(0))
            .steps("2m", 90)
    }

    /// The legend as a table with these figures of each series, sorted by one of them, the largest first.
    pub fn legend(mut self, placement: &str, figures: &[&str], sorted_by: &str) -> Self {
        self.body["options"]["legend"] = json!({
            "displayMode": "table", "placement": placement, "showLegend": true, "calcs": figures,
            "sortBy": sorted_by, "sortDesc": true,
        });
        self
    }

    /// Without a legend.
    pub fn no_legend(mut self) -> Self {
        self.body["options"]["legend"] =
            json!({"displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": []});
        self
    }

    /// The shortest step of the queries, and how many steps the chosen time has at most.
    pub fn steps(mut self, shortest: &str, most: u32) -> Self {
        self.body.insert("interval".into(), json!(shortest));
        self.body.insert("maxDataPoints".into(), json!(most));
        self
    }

    /// The last so many hours, whatever time is chosen, unless it is one that is past.
    pub fn always(mut self, span: &str) -> Self {
        self.body.insert("timeFrom".into(), json!(span));
        self
    }

    /// One number, of an instant query unless [`Panel::sparkline`] says otherwise.
    pub fn stat(title: &str, description: &str, width: u32) -> Self {
        let mut panel = Self::new("stat", title, description, width, 3);
        panel.body["options"] = json!({
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
            "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "textMode": "value", "orientation": "auto",
        });
        panel
    }

    /// A count, without decimals and without a judgement.
    pub fn count(title: &str, description: &str, width: u32) -> Self {
        Self::stat(title, description, width)
            .unit("locale")
            .defaults("decimals", json!(0))
            .thresholds("text", &[])
    }

    /// Rows of an instant query. Its totals of the chosen time are added up in steps of a minute or a hundredth of it.
    pub fn table(title: &str, description: &str, width: u32) -> Self {
        let mut panel = Self::new("table", title, description, width, 8);
        panel.body["options"] = json!({"showHeader": true, "cellHeight": "sm", "footer": {"show": false}});
        panel.steps("1m", 100)
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

    /// Colours from yellow to red by the highest value of a series: of failures, none is green.
    pub fn worst_is_red(self) -> Self {
        self.defaults("color", json!({"mode": "continuous-YlRd", "seriesBy": "max"}))
    }

    /// Fixed colours by the name of a series.
    pub fn colors<'c>(mut self, colors: impl IntoIterator<Item = &'c (&'c str, &'c str)>) -> Self {
        for (name, color) in colors {
            self = self.column(name, &[("color", json!({"mode": "fixed", "fixedColor": color}))]);
        }
        self
    }

    /// Every cause in its colour, also those outside the catalogue.
    pub fn colors_of_causes(mut self) -> Self {
        for (cause, color) in super::colors::causes() {
            self = self.colors([&(cause.as_str(), color.as_str())]);
        }
        let fixed = |color: &str| [("color", json!({"mode": "fixed", "fixedColor": color}))];
        self.matching("byRegexp", "/^SBC refused/", &fixed("#c98a2b")).matching(
            "byRegexp",
            "/^Unlisted/",
            &fixed("#b4b4b4"),
        )
    }

    /// Overrides for the field or series of this name.
    pub fn column(self, name: &str, properties: &[(&str, Value)]) -> Self {
        self.matching("byName", name, properties)
    }

    /// Overrides for the fields or series that one of Grafana's matchers finds.
    pub fn matching(mut self, matcher: &str, wanted: &str, properties: &[(&str, Value)]) -> Self {
        let properties: Vec<_> =
            properties.iter().map(|(id, value)| json!({"id": id, "value": value})).collect();
        if let Some(overrides) = self.body["fieldConfig"]["overrides"].as_array_mut() {
            overrides.push(json!({"matcher": {"id": matcher, "options": wanted}, "properties": properties}));
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

    /// What a stat shows: value, name or both.
    pub fn text_mode(mut self, mode: &str) -> Self {
        self.body["options"]["textMode"] = json!(mode);
        self
    }

    /// Shows the names of a stat's series in place of their values.
    pub fn names_of(mut self, legend: &str, expression: &str) -> Self {
        self = self.text_mode("name");
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

    /// A table with a row for each value of a label and a column for each `measure` of the queries.
    pub fn by_measure(self, label: &str, heading: &str) -> Self {
        let names = Map::from_iter([(format!("{label}\\measure"), json!(heading))]);
        self.transform(
            "groupingToMatrix",
            json!({"columnField": "measure", "rowField": label, "valueField": "Value", "emptyValue": "null"}),
        )
        .transform("organize", json!({"excludeByName": {}, "indexByName": {}, "renameByName": names}))
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

    /// Sorts rows by these columns, the largest first; the last one decides.
    pub fn largest_first(self, columns: &[&str]) -> Self {
        columns.iter().fold(self, |panel, column| {
            panel.transform("sortBy", json!({"fields": {}, "sort": [{"field": column, "desc": true}]}))
        })
    }

    /// Columns of text that hold numbers.
    pub fn numbers(self, fields: &[&str]) -> Self {
        let conversions: Vec<_> =
            fields.iter().map(|field| json!({"targetField": field, "destinationType": "number"})).collect();
        self.transform("convertFieldType", json!({"fields": {}, "conversions": conversions}))
    }

    /// A column of this width in pixels.
    pub fn wide(self, heading: &str, width: u32) -> Self {
        self.column(heading, &[("custom.width", json!(width))])
    }

    /// A link behind each value of a column.
    pub fn linked(self, heading: &str, link: Value) -> Self {
        self.column(heading, &[("links", json!([link]))])
    }

    /// Rows with room for two lines: Grafana measures a cell by its value, not by the text that is mapped to it.
    pub fn rows_of_two_lines(mut self) -> Self {
        self.body["options"]["cellHeight"] = json!("lg");
        self
    }

    /// A column whose text takes as many lines as it needs.
    pub fn wrapped(self, heading: &str) -> Self {
        let cell = json!({"type": "auto", "wrapText": true});
        // The first is what newer Grafanas read.
        self.column(heading, &[("custom.wrapText", json!(true)), ("custom.cellOptions", cell)])
    }

    /// Text of Grafana's markdown in place of a query.
    pub fn text(title: &str, markdown: &str, width: u32, height: u32) -> Self {
        let mut panel = Self::new("text", title, "", width, height);
        for field in ["description", "datasource", "targets", "fieldConfig"] {
            panel.body.remove(field);
        }
        panel.body["options"] = json!({"mode": "markdown", "content": markdown});
        panel
    }
}
