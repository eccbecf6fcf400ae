//! The success flag, in the words of those who write it.

use super::fields::trimmed;
use crate::call::Reason;

/// Reads a success flag: `Yes` and `No` of the export, `true` and `false` of Graph, `Success` and `Attempt`
/// of the admin center's screen, and what databases and Excel make of these, without case.
#[inline(always)]
pub fn flag(text: &[u8]) -> Result<Option<bool>, Reason> {
    match trimmed(text) {
        [] => Ok(None),
        b"Yes" | b"true" => Ok(Some(true)),
        b"No" | b"false" => Ok(Some(false)),
        text => flag_of_word(text).map(Some).ok_or(Reason::BadSuccess),
    }
}

/// German, French, Spanish, Portuguese and Italian Excel save `true` and `false` in their own words.
fn flag_of_word(text: &[u8]) -> Option<bool> {
    const YES: [&str; 10] =
        ["yes", "true", "success", "1", "1.0", "wahr", "vrai", "verdadero", "verdadeiro", "vero"];
    const NO: [&str; 8] = ["no", "false", "attempt", "0", "0.0", "falsch", "faux", "falso"];
    let is = |word: &&str| text.eq_ignore_ascii_case(word.as_bytes());
    if YES.iter().any(is) { Some(true) } else { NO.iter().any(is).then_some(false) }
}
