//! Findings as sentences.

use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Against, Finding, Findings, Kind};
use crate::call::{CodePair, Direction};
use crate::classify::category;
use crate::findings::time::Span;

/// Of fewer calls than this nothing can be told but what they are.
const FEW_CALLS: u64 = 10;

impl Findings {
    /// How many calls failed of how many, in one sentence.
    pub fn headline(&self) -> String {
        match (self.attempts, self.failed) {
            (0, _) => "There are no calls.".to_owned(),
            (1, 0) => "The only call did not fail.".to_owned(),
            (attempts, 0) => format!("None of {} failed.", calls(attempts)),
            (attempts, failed) => {
                let share = percent(failed as f64 / attempts as f64);
                format!("{} of {} failed ({share}).", thousands(failed), calls(attempts))
            }
        }
    }

    /// What to say where nothing stands out; `None` where something does, or nothing failed.
    pub fn quiet(&self) -> Option<String> {
        let leading = self.leading.as_ref().filter(|_| self.findings.is_empty())?;
        let most = format!(
            "Most frequent: {}, {} of {} failed.",
            leading.cause_in_words(),
            thousands(leading.of_cause),
            thousands(self.failed)
        );
        Some(match self.attempts {
            ..FEW_CALLS => {
                let remedy = &leading.remedy;
                format!("These are too few calls to tell what stands out. {most} What to do: {remedy}")
            }
            _ => format!("Nothing stands out: no burst, no trunk that differs, no new cause. {most}"),
        })
    }
}

impl Finding {
    /// What happened, in one sentence, with times in this zone.
    pub fn sentence(&self, zone: &TimeZone) -> String {
        let (cause, place) = (self.cause_in_words(), self.place());
        let when = Span { from: self.from, to: self.to, zone };
        let count = self.count();
        let share = percent(self.share());
        match self.kind {
            Kind::Burst if self.goes_on => {
                format!("{}{place}: {count} {}{}.", capital(&cause), when.since(), self.usual_in_words())
            }
            Kind::Burst => format!("{}{place}: {count} {when}{}.", capital(&cause), self.usual_in_words()),
            Kind::New => format!(
                "New: {cause}{place}: {} {}{}.",
                if self.calls == self.attempts { count } else { calls(self.calls) },
                when.since(),
                self.usual_in_words()
            ),
            Kind::Peers => format!(
                "Calls{place} fail more often: {count} ({share}){}; {} {cause}, {}.",
                self.usual_in_words(),
                self.how_many_of_cause(),
                calls(self.of_cause)
            ),
            Kind::Level => format!(
                "Calls{place} fail all the time: {count} ({share}); {} {cause}, {}.",
                self.how_many_of_cause(),
                calls(self.of_cause)
            ),
        }
    }

    /// Who can do something about it; `None` where the codes do not tell.
    pub fn who(&self) -> Option<&'static str> {
        self.side.map(|side| side.explanation())
    }

    /// What it is: in plain words, by its name and by its codes.
    pub fn cause_in_words(&self) -> String {
        match category::in_words(&self.category) {
            Some(words) => format!("{words} ({}{})", self.cause, Codes(self.codes)),
            None => format!("{}{}", self.cause, Codes(self.codes)),
        }
    }

    fn place(&self) -> String {
        let trunk = match &self.trunk {
            Some(trunk) if trunk.is_empty() => " without a trunk".to_owned(),
            Some(trunk) => format!(" on {trunk}"),
            None => match &self.on[..] {
                few @ ([_, _] | [_, _, _]) => format!(" on {}", listed(few)),
                [_] => " on one trunk".to_owned(),
                many => format!(" on {} trunks", many.len()),
            },
        };
        match self.direction {
            Some(Direction::Inbound) => format!("{trunk}, inbound"),
            Some(Direction::Outbound) => format!("{trunk}, outbound"),
            Some(Direction::Unknown) | None => trunk,
        }
    }

    fn how_many_of_cause(&self) -> &'static str {
        if self.of_cause * 2 > self.calls { "most of them" } else { "most often" }
    }

    fn count(&self) -> String {
        match (self.calls, self.attempts) {
            (failed, attempts) if failed == attempts => format!("all {}", calls(failed)),
            (failed, attempts) => format!("{} of {}", thousands(failed), calls(attempts)),
        }
    }

    fn usual_in_words(&self) -> String {
        let usual = &self.usual;
        let counted = match usual.calls {
            0 => format!("none of {}", thousands(usual.attempts)),
            failed => format!("{} of {}", thousands(failed), thousands(usual.attempts)),
        };
        match usual.against {
            Against::Before => format!("; before that {counted} in {}", duration(usual.minutes)),
            Against::After => format!("; after that {counted} in {}", duration(usual.minutes)),
            Against::OtherTrunks(1) => format!(" against {counted} on the other trunk"),
            Against::OtherTrunks(others) => format!(" against {counted} on the other {others} trunks"),
            Against::Nothing => String::new(),
        }
    }
}

/// `sbc1, sbc2 and sbc3`.
fn listed(trunks: &[Arc<str>]) -> String {
    let names = trunks.iter().map(|trunk| if trunk.is_empty() { "no trunk" } else { trunk });
    let names: Vec<&str> = names.collect();
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

/// A code pair behind the name of its cause: ` 531004/410`.
struct Codes(CodePair);

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.microsoft, self.0.sip) {
            (None, None) => Ok(()),
            (Some(_), Some(sip)) => write!(f, " {}/{sip}", self.0.microsoft_label()),
            (Some(_), None) => write!(f, " {}", self.0.microsoft_label()),
            (None, Some(sip)) => write!(f, " SIP {sip}"),
        }
    }
}

/// A text that begins with a capital.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

/// `1 call`, `4,310 calls`.
pub fn calls(number: u64) -> String {
    format!("{} {}", thousands(number), if number == 1 { "call" } else { "calls" })
}

/// A length of time as people say it.
fn duration(minutes: i64) -> String {
    let (number, unit) = match minutes {
        ..120 => (minutes, "minute"),
        120..2880 => ((minutes + 30) / 60, "hour"),
        _ => ((minutes + 720) / 1440, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// A part of a whole, as [`percent`]; of nothing, there is none.
pub fn percent_of(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { percent(part as f64 / whole as f64) }
}

/// A share for people: two digits that say something.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        percent if percent < 0.1 => "< 0.1 %".to_owned(),
        percent if percent < 9.95 => format!("{percent:.1} %"),
        percent if percent > 99.5 && percent < 100.0 => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }
}

/// A number with a comma before each three digits.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
