//! What a record tells of its call beside cause, trunk, direction and outcome. Nothing here decides whether it counts.

use std::fmt;

use super::country::Country;

/// What else is counted of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Detail {
    /// From INVITE to answer or failure.
    pub setup_millis: Option<u32>,
    pub kind: Kind,
    /// Which country was called; `None` where the record does not say, and of calls from the PSTN.
    pub country: Option<Country>,
    /// How many calls beside the first the record stands for: 0, but in rows of a report.
    pub more: u32,
}

impl Detail {
    /// How many calls the record stands for.
    pub fn calls(&self) -> u64 {
        u64::from(self.more) + 1
    }
}

/// Who or what takes part on the side of Teams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Kind {
    User,
    /// A bot, an auto attendant or a call queue.
    Bot,
    Transfer,
    Forward,
    Conference,
    Emergency,
    /// A call to a number that is assigned to nobody.
    UnassignedNumber,
    /// The record does not say.
    #[default]
    Unknown,
}

impl Kind {
    /// Every kind, in the order in which they are exposed.
    pub const ALL: [Self; 8] = [
        Self::User,
        Self::Bot,
        Self::Transfer,
        Self::Forward,
        Self::Conference,
        Self::Emergency,
        Self::UnassignedNumber,
        Self::Unknown,
    ];

    /// The value of the `kind` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Bot => "bot",
            Self::Transfer => "transfer",
            Self::Forward => "forward",
            Self::Conference => "conference",
            Self::Emergency => "emergency",
            Self::UnassignedNumber => "unassigned_number",
            Self::Unknown => "unknown",
        }
    }

    /// The kind with this label, if there is one.
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label() == label)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
