//! What was asked, from the words as they were typed.

use crate::classify::{range, sip};

/// What was asked.
#[derive(Debug, PartialEq)]
pub enum Question {
    Pair(u64, u16),
    Microsoft(u64),
    /// Microsoft codes by their thousands, as in `569xxx`.
    Range(u64),
    Sip(u16),
    Q850(u16),
    /// The cause of what nothing names.
    Unlisted,
    /// The causes of an SBC's own refusals: one, or all of them.
    SbcRefused(Option<u16>),
    Words(String),
}

impl Question {
    pub fn parse(what: &str) -> Result<Self, String> {
        let words: Vec<&str> =
            what.split([' ', '/', ',', '\t', '\n']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Err("name a code pair such as 531004/410, a code, or words of a phrase".to_owned()),
            _ if words.iter().all(|word| is_number(word)) => by_numbers(&words),
            [kind, code] if is_number(code) && kind.eq_ignore_ascii_case("sip") => {
                let code = number(code)?;
                sip_code(code).map(Self::Sip).ok_or(format!("{code} is no SIP code: 0, or 100 to 699"))
            }
            [kind, code] if is_number(code) && is_q850(kind) => {
                let code = number(code)?;
                let cause = u16::try_from(code).ok().filter(|cause| (1..=127).contains(cause));
                cause.map(Self::Q850).ok_or(format!("{code} is no cause of Q.850: 1 to 127"))
            }
            _ => by_name(what.trim()),
        }
    }
}

fn by_numbers(words: &[&str]) -> Result<Question, String> {
    let codes = words.iter().map(|word| number(word)).collect::<Result<Vec<u64>, String>>()?;
    match codes.as_slice() {
        [code] => {
            Ok(sip_code(*code).filter(|sip| *sip > 0).map_or(Question::Microsoft(*code), Question::Sip))
        }
        [microsoft, sip] => match (sip_code(*sip), sip_code(*microsoft)) {
            (Some(sip), _) => Ok(Question::Pair(*microsoft, sip)),
            // The halves the other way round.
            (None, Some(microsoft)) => Ok(Question::Pair(*sip, microsoft)),
            (None, None) => Err(format!("neither {microsoft} nor {sip} is a SIP code: 0, or 100 to 699")),
        },
        _ => Err("more than two codes; give a Microsoft code and a SIP code".to_owned()),
    }
}

/// The causes that are made up of a name and a code, and else the words themselves.
fn by_name(what: &str) -> Result<Question, String> {
    if !what.chars().any(char::is_alphabetic) {
        return Err(format!("`{what}` is neither codes nor words"));
    }
    if what.eq_ignore_ascii_case("unlisted") {
        return Ok(Question::Unlisted);
    }
    if let Some(refusal) = strip_prefix(what, "sbc refused") {
        let refusal = refusal.trim_start_matches(':').trim();
        if refusal.is_empty() {
            return Ok(Question::SbcRefused(None));
        }
        if let Some(sip) = refusal_code(refusal) {
            return Ok(Question::SbcRefused(Some(sip)));
        }
    }
    let name = strip_prefix(what, "unlisted ").unwrap_or(what);
    let range = name.split([':', ' ']).next().and_then(thousands);
    Ok(range.map_or_else(|| Question::Words(what.to_owned()), Question::Range))
}

/// The SIP code behind `SBC refused: `, by its reason phrase or as `SIP 499`.
fn refusal_code(refusal: &str) -> Option<u16> {
    let by_reason = sip::all().iter().find(|standard| standard.cause.eq_ignore_ascii_case(refusal));
    let by_number = || strip_prefix(refusal, "sip ").unwrap_or(refusal).parse().ok();
    let code = by_reason.map(|standard| standard.code).or_else(by_number)?;
    range::of_sbc_refusal(code).and_then(range::sbc_refusal)
}

/// 569 of `569xxx`.
fn thousands(word: &str) -> Option<u64> {
    let digits = word.len().checked_sub(3)?;
    let (digits, rest) = word.split_at_checked(digits)?;
    digits.parse().ok().filter(|_| rest.eq_ignore_ascii_case("xxx"))
}

fn strip_prefix<'w>(what: &'w str, prefix: &str) -> Option<&'w str> {
    let (start, rest) = what.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn is_q850(word: &str) -> bool {
    ["q.850", "q850"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("{word} is too large for a code"))
}

/// A code as a SIP code, if it can be one.
pub fn sip_code(code: u64) -> Option<u16> {
    u16::try_from(code).ok().filter(|code| matches!(code, 0 | 100..=699))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions() {
        for (what, question) in [
            ("531004 410", Question::Pair(531_004, 410)),
            ("531004/410", Question::Pair(531_004, 410)),
            (" 531004 , 410 ", Question::Pair(531_004, 410)),
            ("410 531004", Question::Pair(531_004, 410)),
            ("0 487", Question::Pair(0, 487)),
            ("540000 0", Question::Pair(540_000, 0)),
            ("531004", Question::Microsoft(531_004)),
            ("1106", Question::Microsoft(1106)),
            ("0", Question::Microsoft(0)),
            ("999", Question::Microsoft(999)),
            ("410", Question::Sip(410)),
            ("SIP 503", Question::Sip(503)),
            ("sip/0", Question::Sip(0)),
            ("Q.850 16", Question::Q850(16)),
            ("q850 127", Question::Q850(127)),
            ("569xxx", Question::Range(569)),
            ("Unlisted 569xxx: TLS, TCP or DNS to the SBC", Question::Range(569)),
            ("unlisted 10XXX", Question::Range(10)),
            ("Unlisted", Question::Unlisted),
            ("SBC refused", Question::SbcRefused(None)),
            ("SBC refused: Busy Here", Question::SbcRefused(Some(486))),
            ("sbc refused: busy here", Question::SbcRefused(Some(486))),
            ("SBC refused: SIP 499", Question::SbcRefused(Some(499))),
            ("SBC refused 488", Question::SbcRefused(Some(488))),
            ("SBC refused: Trying", Question::Words("SBC refused: Trying".to_owned())),
            ("no callee endpoints", Question::Words("no callee endpoints".to_owned())),
            ("504 refused", Question::Words("504 refused".to_owned())),
            ("unlisted words", Question::Words("unlisted words".to_owned())),
            ("xxx", Question::Words("xxx".to_owned())),
            ("é", Question::Words("é".to_owned())),
        ] {
            assert_eq!(Question::parse(what), Ok(question), "{what}");
        }
    }

    #[test]
    fn nonsense() {
        for (what, message) in [
            ("", "name a code pair such as 531004/410, a code, or words of a phrase"),
            (" / ", "name a code pair such as 531004/410, a code, or words of a phrase"),
            ("-?", "`-?` is neither codes nor words"),
            ("1 2 3", "more than two codes; give a Microsoft code and a SIP code"),
            ("531004 999", "neither 531004 nor 999 is a SIP code: 0, or 100 to 699"),
            ("99999999999999999999", "99999999999999999999 is too large for a code"),
            ("SIP 999", "999 is no SIP code: 0, or 100 to 699"),
            ("Q.850 486", "486 is no cause of Q.850: 1 to 127"),
        ] {
            assert_eq!(Question::parse(what), Err(message.to_owned()), "{what}");
        }
    }
}
