//! What goes wrong in the sample traffic, and the alerts that fire for it.

use super::{Series, add, traffic_until, trunk_name};

/// A fault of some trunks between two minutes, of which the end is 0.
pub struct Fault {
    trunks: Trunks,
    /// The direction that it is confined to, if it is.
    direction: Option<&'static str>,
    from: f64,
    until: f64,
    /// The Microsoft code that calls fail with; none if no calls arrive.
    pub code: &'static str,
    /// The share of the calls that fail.
    share: f64,
}

enum Trunks {
    All,
    /// The trunk at this place, or the last before it.
    One(usize),
    /// Of every twenty the one at this place.
    OfTwenty(usize),
}

pub const FAULTS: [Fault; 5] = [
    // No media path on one trunk, until now.
    Fault { trunks: Trunks::One(0), direction: None, from: -40.0, until: 0.0, code: "531004", share: 0.7 },
    // Inbound dead, until now.
    Fault {
        trunks: Trunks::One(3),
        direction: Some("inbound"),
        from: -150.0,
        until: 0.0,
        code: "",
        share: 1.0,
    },
    // A site, over since a quarter of an hour.
    Fault {
        trunks: Trunks::OfTwenty(7),
        direction: None,
        from: -100.0,
        until: -15.0,
        code: "560503",
        share: 0.4,
    },
    // Yesterday, one trunk, two hours.
    Fault {
        trunks: Trunks::One(1),
        direction: None,
        from: -1000.0,
        until: -880.0,
        code: "500001",
        share: 0.5,
    },
    // Twelve days ago, the tenant, half a day.
    Fault {
        trunks: Trunks::All,
        direction: None,
        from: -18_000.0,
        until: -17_280.0,
        code: "540500",
        share: 0.3,
    },
];

impl Fault {
    /// Whether this trunk of so many has it in this direction.
    pub fn strikes(&self, trunk: usize, trunks: usize, direction: &str) -> bool {
        let there = match self.trunks {
            Trunks::All => true,
            Trunks::One(place) if self.code.is_empty() => trunk == place,
            Trunks::One(place) => trunk == place.min(trunks - 1),
            Trunks::OfTwenty(place) => trunk % 20 == place,
        };
        there && self.direction.is_none_or(|only| only == direction)
    }

    /// Minutes' worth of traffic that it failed until this minute.
    pub fn calls_failed(&self, start: f64, minute: f64) -> f64 {
        if self.code.is_empty() { 0.0 } else { self.share * self.struck(start, minute) }
    }

    /// Minutes' worth of traffic that did not arrive until this minute.
    pub fn calls_missing(&self, start: f64, minute: f64) -> f64 {
        if self.code.is_empty() { self.share * self.struck(start, minute) } else { 0.0 }
    }

    /// Minutes' worth of traffic while it lasted, from the start until this minute.
    fn struck(&self, start: f64, minute: f64) -> f64 {
        let from = self.from.max(start);
        traffic_until(minute.clamp(from, self.until.max(from))) - traffic_until(from)
    }
}

/// The alerts of the faults that last, and one of the exporter.
pub fn alerts(all: &mut Vec<Series>, trunks: usize, end: f64) {
    let mut alert = |name: &str, severity: &str, trunk: &str, from: f64| {
        let labels = format!(r#"alertname="{name}",severity="{severity}",source="teams",trunk="{trunk}""#);
        let firing = format!(r#"{labels},alertstate="firing""#);
        add(all, "ALERTS", &firing, move |minute| if minute > from + 2.0 { 1.0 } else { f64::NAN });
        let since = end + from * 60.0;
        add(all, "ALERTS_FOR_STATE", &labels, move |minute| if minute > from { since } else { f64::NAN });
    };
    alert("CdrTrunkFailureRatioHigh", "critical", &trunk_name(0), -38.0);
    if trunks > 3 {
        alert("CdrTrunkSilent", "critical", &trunk_name(3), -120.0);
    }
    for trunk in (7..trunks).step_by(20) {
        alert("CdrCauseSpike", "warning", &trunk_name(trunk), -95.0);
    }
    alert("CdrExporterFilesNotRead", "warning", "", -300.0);
    if trunks > 3 {
        silence(all, &trunk_name(3), 9.0);
    }
}

/// What the rules record of a trunk without inbound calls, of which so many a minute are usual.
fn silence(all: &mut Vec<Series>, trunk: &str, usual: f64) {
    let labels = format!(r#"source="teams",trunk="{trunk}",direction="inbound""#);
    add(all, "trunk_direction:cdr_calls:missing10m", &labels, move |minute| {
        usual * (traffic_until(minute) - traffic_until(minute - 10.0))
    });
    add(all, "trunk_direction:cdr_calls:increase10m", &labels, |_| 0.0);
}
