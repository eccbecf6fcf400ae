//! What the collector says of itself: one that fetches every five minutes, and was told to wait once in a while.

use super::{Series, add, count};

pub fn collector(all: &mut Vec<Series>, calls: f64, start: f64, end: f64) {
    let source = r#"source="teams""#;
    let day = 86_400.0;
    add(all, "cdr_collect_last_success_timestamp_seconds", source, move |minute| {
        end + 60.0 * (minute - minute.rem_euclid(5.0))
    });
    add(all, "cdr_collect_history_seconds", source, move |minute| {
        day * (minute / -3.0).clamp(0.0, 87.0).floor()
    });
    add(all, "cdr_collect_credential_end_timestamp_seconds", source, move |_| end + 200.0 * day);
    add(all, "cdr_collect_spool_bytes", source, move |minute| 200e6 + 1e6 * (minute / 60.0).sin());
    for (result, share) in [("new", 1.0), ("known", 400.0), ("changed", 0.0)] {
        let labels = format!(r#"{source},result="{result}""#);
        add(all, "cdr_collect_rows_total", &labels, move |minute| count(calls * share, start, minute));
    }
    for (endpoint, status, rate) in [("calls", "200", 8.0), ("calls", "503", 0.1), ("sign_in", "200", 0.02)] {
        let labels = format!(r#"{source},endpoint="{endpoint}",status="{status}""#);
        add(all, "cdr_collect_requests_total", &labels, move |minute| count(rate, start, minute));
    }
    for reason in ["sign_in", "permission", "throttled", "unreachable", "server", "answer", "storage"] {
        let is_now = move |minute: f64| reason == "server" && (-50.0..-40.0).contains(&minute);
        let labels = format!(r#"{source},reason="{reason}""#);
        add(all, "cdr_collect_failing", &labels, move |minute| f64::from(u8::from(is_now(minute))));
    }
}
