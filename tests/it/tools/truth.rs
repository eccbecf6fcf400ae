//! What is known of made-up calls, as the series that must be there.

use std::collections::BTreeMap;

use cdr_exporter::cli::demo::truth::Truth;

use super::{Labels, Metrics, labels};

/// Every series of calls and of failures that is not at 0, of calls that ended long ago.
pub fn late_series(source: &str, truth: Truth) -> BTreeMap<Labels, f64> {
    let mut series = BTreeMap::new();
    let late = [("source", source), ("arrival", "late")];
    for calls in truth.calls {
        let [source, arrival] = late;
        let route = [("trunk", calls.trunk), ("direction", calls.direction)];
        let labels = labels([source, arrival, route[0], route[1], ("outcome", calls.outcome)]);
        series.insert(labels, calls.count as f64);
    }
    for failures in truth.failures {
        let [source, arrival] = late;
        let [microsoft, sip] = [failures.microsoft_code.to_string(), failures.sip_code.to_string()];
        let codes = [("microsoft_code", &*microsoft), ("sip_code", &*sip)];
        let route = [("trunk", failures.trunk), ("direction", failures.direction)];
        let cause = ("cause", &*failures.cause);
        let labels = labels([source, arrival, route[0], route[1], cause, codes[0], codes[1]]);
        series.insert(labels, failures.count as f64);
    }
    series
}

/// Every series of calls and of failures that is shown and not at 0.
pub fn shown_series(metrics: &Metrics) -> BTreeMap<Labels, f64> {
    let mut series = metrics.counted("cdr_calls_total");
    series.extend(metrics.counted("cdr_call_failures_total"));
    series
}
