//! Which calls are meant: by trunk, cause, codes, direction, side, outcome and time.

use clap::Args;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SpanRelativeTo, Timestamp, Unit};

use crate::call::{CodePair, Direction, Outcome};
use crate::classify::{Catalogue, Side, category, words};
use crate::findings::Labels;

/// What of all calls is looked at
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which calls")]
pub struct Choice {
    /// Only this trunk, by its name or the first part of it (sbc2); several times for several
    #[arg(long, value_name = "TRUNK")]
    trunk: Vec<String>,
    /// Only failures with a cause of these words, or beginnings of words: ice, "no media"
    #[arg(long, value_name = "WORDS", value_parser = some_words)]
    cause: Vec<String>,
    /// Only failures with these codes: 531004/410, 531004, or /410
    #[arg(long, value_name = "CODES", value_parser = codes)]
    code: Vec<CodePair>,
    /// Only calls in this direction
    #[arg(long, value_name = "DIRECTION", value_parser = direction)]
    direction: Option<Direction>,
    /// Only failures that this side can fix: user, sbc, carrier, tenant, network, microsoft, bot
    #[arg(long, value_name = "SIDE", value_parser = side)]
    side: Option<Side>,
    /// Only calls that ended from that minute on: 2026-11-20, "2026-11-20 14:05", 14:05 (of the last day), or 2h (before the last call)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only calls that ended before that minute
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Times are read and written in this zone: Europe/Berlin, local
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone, hide_default_value = true)]
    timezone: TimeZone,
    /// The outcomes that are meant; none is all.
    #[arg(skip)]
    outcomes: Vec<Outcome>,
}

impl Choice {
    /// The same calls, from a time on.
    pub fn since(&self, time: &str) -> Self {
        Self { since: Some(time.to_owned()), ..self.clone() }
    }

    /// The same calls, before a time.
    pub fn until(&self, time: &str) -> Self {
        Self { until: Some(time.to_owned()), ..self.clone() }
    }

    /// The same calls, as far as they had these outcomes; none is all.
    pub fn with_outcomes(&self, outcomes: &[Outcome]) -> Self {
        Self { outcomes: outcomes.to_vec(), ..self.clone() }
    }

    /// Whether calls are chosen by their outcome.
    pub fn is_by_outcome(&self) -> bool {
        !self.outcomes.is_empty()
    }

    /// Whether calls of this outcome are meant.
    pub fn has_outcome(&self, outcome: Outcome) -> bool {
        self.outcomes.is_empty() || self.outcomes.contains(&outcome)
    }

    /// The outcomes that were chosen, in words.
    pub fn outcomes_in_words(&self) -> String {
        let labels: Vec<&str> = self.outcomes.iter().map(|outcome| outcome.label()).collect();
        labels.join(" or ").replace('_', " ")
    }

    /// Whether calls are chosen by other outcomes than that they failed.
    pub fn has_other_outcomes(&self) -> bool {
        self.is_by_outcome() && self.outcomes != [Outcome::Failed]
    }

    /// The zone of times.
    pub fn zone(&self) -> &TimeZone {
        &self.timezone
    }

    /// Whether all calls are meant, whenever they ended.
    pub fn is_at_any_time(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    /// The minutes that are meant, of calls that ended between two.
    ///
    /// # Errors
    /// Which text is no time.
    pub fn minutes(&self, (first, end): (i64, i64)) -> Result<(i64, i64), String> {
        let minute = |text: &Option<String>, otherwise: i64| match text {
            None => Ok(otherwise),
            Some(text) => minute(text, end, &self.timezone).ok_or_else(|| {
                format!("`{text}` is no time: write 2026-11-20, \"2026-11-20 14:05\", 14:05 or 2h")
            }),
        };
        let (since, until) = (minute(&self.since, first)?, minute(&self.until, end)?);
        match (&self.since, &self.until) {
            (Some(_), Some(_)) if until <= since => Err("--until is no later than --since".to_owned()),
            _ => Ok((since, until)),
        }
    }

    /// The minute before which calls must have ended, if that does not depend on which the last call is.
    pub fn fixed_end(&self) -> Option<i64> {
        let text = self.until.as_ref()?;
        let (early, late) =
            (minute(text, 1_000_000, &self.timezone), minute(text, 2_000_000, &self.timezone));
        early.filter(|_| early == late)
    }

    /// Whether there is such a minute, or none is asked for.
    pub fn has_fixed_end(&self) -> bool {
        self.until.is_none() || self.fixed_end().is_some()
    }

    /// Whether calls over this trunk in this direction are meant.
    pub fn has_route(&self, trunk: &str, direction: Direction) -> bool {
        let is_this = |name: &String| {
            let begin = trunk.get(..name.len()).filter(|begin| begin.eq_ignore_ascii_case(name));
            begin.is_some() && (trunk.len() == name.len() || trunk[name.len()..].starts_with('.'))
        };
        (self.trunk.is_empty() || self.trunk.iter().any(is_this))
            && self.direction.is_none_or(|only| only == direction)
    }

    /// Whether only some failures are meant.
    pub fn has_only_some_failures(&self) -> bool {
        !self.cause.is_empty() || !self.code.is_empty() || self.side.is_some()
    }

    /// Whether all calls are meant.
    pub fn is_of_all(&self) -> bool {
        self.is_at_any_time()
            && !self.has_only_some_failures()
            && self.trunk.is_empty()
            && self.direction.is_none()
            && self.outcomes.is_empty()
    }

    /// Whether failures of this cause are meant.
    pub fn has_cause(&self, cause: &str, codes: CodePair, catalogue: &Catalogue) -> bool {
        let has = |only: Option<u64>, code: Option<u64>| only.is_none() || only == code;
        let is_pair = |only: &CodePair| {
            has(only.microsoft, codes.microsoft) && has(only.sip.map(u64::from), codes.sip.map(u64::from))
        };
        let is_named = |words: &String| {
            // As findings call it, too.
            let meaning = || category::in_words(catalogue.about(cause, codes).category());
            words::stand_in(cause, words) || meaning().is_some_and(|meaning| words::stand_in(meaning, words))
        };
        (self.cause.is_empty() || self.cause.iter().any(is_named))
            && (self.code.is_empty() || self.code.iter().any(is_pair))
            && self.side.is_none_or(|side| catalogue.about(cause, codes).side() == Some(side))
    }

    /// Whether such a call is of the part of the attempts that is told of: a failure, or where outcomes were chosen one of
    /// those.
    pub fn is_part(&self, labels: &Labels, catalogue: &Catalogue) -> bool {
        labels.outcome != Outcome::Failed && self.outcomes.contains(&labels.outcome)
            || self.is_failure(labels, catalogue)
    }

    /// Whether such a call is a failure that is meant.
    pub fn is_failure(&self, labels: &Labels, catalogue: &Catalogue) -> bool {
        labels.outcome == Outcome::Failed
            && self.has_outcome(Outcome::Failed)
            && (!self.has_only_some_failures() || self.has_cause(&labels.cause, labels.codes, catalogue))
    }
}

fn some_words(text: &str) -> Result<String, String> {
    match text.chars().any(char::is_alphanumeric) {
        true => Ok(text.to_owned()),
        false => Err("write words of the cause, such as ice or \"no media\"".to_owned()),
    }
}

/// The minute that a text means, where the last call ended before `end`.
fn minute(text: &str, end: i64, zone: &TimeZone) -> Option<i64> {
    let text = text.trim();
    let in_zone = |at: DateTime| Some(zone.to_ambiguous_zoned(at).compatible().ok()?.timestamp());
    let last = || crate::findings::time::at(end - 1, zone).datetime();
    let ago = || {
        // What is before the last call is no time after it.
        let span = text
            .strip_suffix(" ago")
            .unwrap_or(text)
            .parse::<jiff::Span>()
            .ok()
            .filter(|span| !span.is_negative())?;
        let minutes = span.total((Unit::Minute, SpanRelativeTo::days_are_24_hours())).ok()?;
        Timestamp::from_second((end * 60).checked_sub(seconds(minutes)?)?).ok()
    };
    let at = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().filter(|_| text.len() > 10).and_then(in_zone))
        .or_else(|| text.parse::<Date>().ok().and_then(|day| in_zone(day.at(0, 0, 0, 0))))
        .or_else(|| text.parse::<Time>().ok().and_then(|time| in_zone(last().date().to_datetime(time))))
        .or_else(ago)?;
    Some(at.as_second().div_euclid(60))
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be in range before")]
fn seconds(minutes: f64) -> Option<i64> {
    (minutes.is_finite() && minutes.abs() < 1e12).then(|| (minutes * 60.0).round() as i64)
}

fn codes(text: &str) -> Result<CodePair, String> {
    let (microsoft, sip) = text.split_once('/').unwrap_or((text, ""));
    const RIGHT: &str = "write 531004/410, 531004 or /410";
    let wrong = |_| RIGHT.to_owned();
    let microsoft = (!microsoft.is_empty()).then(|| microsoft.parse()).transpose().map_err(wrong)?;
    let sip = (!sip.is_empty()).then(|| sip.parse()).transpose().map_err(wrong)?;
    // Neither would be every failure.
    if microsoft.is_none() && sip.is_none() { Err(RIGHT.to_owned()) } else { Ok(CodePair { microsoft, sip }) }
}

/// An outcome, as it is written in labels or in words.
///
/// # Errors
/// What to write instead.
pub fn outcome(text: &str) -> Result<Outcome, String> {
    let label = text.to_lowercase().replace(['-', ' '], "_");
    let all = || Outcome::ALL.map(Outcome::label).join(", ");
    Outcome::from_label(&label).ok_or_else(|| format!("write one of {}", all()))
}

fn direction(text: &str) -> Result<Direction, String> {
    [Direction::Inbound, Direction::Outbound]
        .into_iter()
        .find(|direction| direction.label() == text)
        .ok_or_else(|| "write inbound or outbound".to_owned())
}

fn side(text: &str) -> Result<Side, String> {
    let all = || Side::ALL.map(Side::label).join(", ");
    Side::from_label(text).ok_or_else(|| format!("write one of {}", all()))
}

fn zone(text: &str) -> Result<TimeZone, String> {
    match text {
        "local" => Ok(TimeZone::system()),
        name => {
            TimeZone::get(name).map_err(|_| "there is no such zone; write it as Europe/Berlin".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let minute_of = |text: &str| text.parse::<Timestamp>().expect("a time").as_second() / 60;
        let end = minute_of("2026-11-20T18:00:00Z");
        let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
        for (text, utc, in_berlin) in [
            ("2026-11-20", "2026-11-20T00:00:00Z", "2026-11-19T23:00:00Z"),
            ("2026-11-20 14:05", "2026-11-20T14:05:00Z", "2026-11-20T13:05:00Z"),
            ("2026-11-20T14:05", "2026-11-20T14:05:00Z", "2026-11-20T13:05:00Z"),
            ("2026-11-20T14:05:00Z", "2026-11-20T14:05:00Z", "2026-11-20T14:05:00Z"),
            ("14:05", "2026-11-20T14:05:00Z", "2026-11-20T13:05:00Z"),
            ("2h", "2026-11-20T16:00:00Z", "2026-11-20T16:00:00Z"),
            ("2h ago", "2026-11-20T16:00:00Z", "2026-11-20T16:00:00Z"),
            ("30m", "2026-11-20T17:30:00Z", "2026-11-20T17:30:00Z"),
            ("1d", "2026-11-19T18:00:00Z", "2026-11-19T18:00:00Z"),
        ] {
            assert_eq!(minute(text, end, &TimeZone::UTC), Some(minute_of(utc)), "{text}");
            assert_eq!(minute(text, end, &berlin), Some(minute_of(in_berlin)), "{text} in Berlin");
        }
        for wrong in ["yesterday", "-2h", "-2h ago", "-P1D", "-"] {
            assert_eq!(minute(wrong, end, &TimeZone::UTC), None, "{wrong}");
        }
    }

    #[test]
    fn codes_are_read_in_parts() {
        for (text, expected) in [
            ("531004/410", Ok((Some(531_004), Some(410)))),
            ("531004", Ok((Some(531_004), None))),
            ("/410", Ok((None, Some(410)))),
            ("x", Err(())),
            ("/", Err(())),
        ] {
            let read = codes(text).map(|pair| (pair.microsoft, pair.sip)).map_err(|_| ());
            assert_eq!(read, expected, "{text}");
        }
    }
}
