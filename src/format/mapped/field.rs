//! The fields of ours that a mapping can fill.

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
