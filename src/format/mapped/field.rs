//! The fields of ours that a mapping can fill.

use super::call::without_phrase;
use crate::format::fields;

/// Our fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Id,
    Trunk,
    Direction,
    Success,
    MicrosoftCode,
    SipCode,
    Phrase,
    ReasonHeader,
    Q850,
    Started,
    Answered,
    Ended,
    Duration,
    /// How many calls the record stands for.
    Count,
}

impl Field {
    /// What to write for this field in place of a text that means nothing as one. An empty text means that there is none.
    pub fn instead_of(self, text: &str) -> Option<&'static str> {
        let number = || fields::whole_number(without_phrase(text).as_bytes());
        let is = |words: [&str; 2]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        let (means_something, right) = match self {
            _ if text.trim().is_empty() => return None,
            Self::Direction => (is(["inbound", "outbound"]), "inbound or outbound"),
            Self::Success => (fields::flag(text.as_bytes()).is_ok(), "true or false"),
            Self::SipCode => (fields::sip_code(number()).is_ok(), "a SIP code such as 486"),
            Self::MicrosoftCode => (fields::microsoft_code(number()).is_ok(), "a number such as 560486"),
            Self::Q850 => (number().is_ok_and(|cause| cause <= Some(127)), "a cause from 1 to 127"),
            Self::Duration | Self::Count => (number().is_ok(), "a whole number"),
            Self::Id
            | Self::Trunk
            | Self::Phrase
            | Self::ReasonHeader
            | Self::Started
            | Self::Answered
            | Self::Ended => return None,
        };
        (!means_something).then_some(right)
    }

    /// Whether it says how a call ended. Without one of these nothing does.
    pub fn is_ending(self) -> bool {
        use Field::{Answered, MicrosoftCode, Q850, SipCode, Success};
        matches!(self, Success | Answered | MicrosoftCode | SipCode | Q850)
    }
}

/// Our fields by their names in the config.
pub const FIELDS: [(&str, Field); 14] = [
    ("id", Field::Id),
    ("trunk", Field::Trunk),
    ("direction", Field::Direction),
    ("success", Field::Success),
    ("microsoft_code", Field::MicrosoftCode),
    ("sip_code", Field::SipCode),
    ("phrase", Field::Phrase),
    ("reason_header", Field::ReasonHeader),
    ("q850", Field::Q850),
    ("started", Field::Started),
    ("answered", Field::Answered),
    ("ended", Field::Ended),
    ("duration", Field::Duration),
    ("count", Field::Count),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_field_can_be_is_known_before_the_first_record() {
        for (field, right, wrong) in [
            (Field::Direction, &["inbound", "Outbound", ""][..], &["in", "both"][..]),
            (Field::Success, &["true", "No", "1", ""], &["maybe", "2", "OK"]),
            (Field::SipCode, &["486", "404 Not Found", "0", ""], &["busy", "4860", "-1"]),
            (Field::MicrosoftCode, &["0", "560486", ""], &["none"]),
            (Field::Q850, &["0", "17", ""], &["128", "busy"]),
            (Field::Count, &["0", "12"], &["many"]),
            (Field::Trunk, &["sbc", "486"], &[]),
        ] {
            assert!(right.iter().all(|text| field.instead_of(text).is_none()), "{field:?} {right:?}");
            assert!(wrong.iter().all(|text| field.instead_of(text).is_some()), "{field:?} {wrong:?}");
        }
    }
}
