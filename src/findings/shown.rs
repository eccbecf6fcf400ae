//! A finding for programs: what `inspect --output json` and the API write.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Against, Finding, time};

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    pub kind: &'static str,
    pub sentence: String,
    pub cause: String,
    #[serde(with = "super::microsoft_code")]
    pub microsoft_code: Option<u64>,
    pub sip_code: Option<u16>,
    pub category: String,
    pub side: Option<&'static str>,
    pub who: Option<&'static str>,
    pub remedy: String,
    /// `None` where it is on several.
    pub trunk: Option<String>,
    pub trunks: usize,
    /// Their names.
    pub on: Vec<String>,
    /// `None` where it is in both.
    pub direction: Option<&'static str>,
    pub from: String,
    pub to: String,
    /// Whether it lasts to the end of what there is.
    pub goes_on: bool,
    /// Failed calls: of the cause, or of every cause where a trunk or the whole is meant.
    pub failed: u64,
    pub failed_of_cause: u64,
    pub attempts: u64,
    pub usual: Usual,
    /// Failed calls beyond the usual.
    pub excess: f64,
}

/// What is usual there.
#[derive(Debug, Clone, Serialize)]
pub struct Usual {
    pub against: &'static str,
    pub failed: u64,
    pub attempts: u64,
    pub minutes: i64,
}

impl Shown {
    /// With the times of its sentence in this zone.
    pub fn of(finding: &Finding, zone: &TimeZone) -> Self {
        let usual = finding.usual;
        Self {
            kind: finding.kind.label(),
            sentence: finding.sentence(zone),
            cause: finding.cause.to_string(),
            microsoft_code: finding.codes.microsoft,
            sip_code: finding.codes.sip,
            category: finding.category.clone(),
            side: finding.side.map(|side| side.label()),
            who: finding.who(),
            remedy: finding.remedy.clone(),
            trunk: finding.trunk.as_ref().map(|trunk| trunk.to_string()),
            trunks: finding.on.len(),
            on: finding.on.iter().map(|trunk| trunk.to_string()).collect(),
            direction: finding.direction.map(|direction| direction.label()),
            from: time::rfc3339(finding.from),
            to: time::rfc3339(finding.to),
            goes_on: finding.goes_on,
            failed: finding.calls,
            failed_of_cause: finding.of_cause,
            attempts: finding.attempts,
            usual: Usual {
                against: match usual.against {
                    Against::Before => "before",
                    Against::After => "after",
                    Against::OtherTrunks(_) => "other_trunks",
                    Against::Nothing => "nothing",
                },
                failed: usual.calls,
                attempts: usual.attempts,
                minutes: usual.minutes,
            },
            excess: finding.excess,
        }
    }
}
