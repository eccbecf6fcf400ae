//! One call leg of Direct Routing and its codes: the vocabulary that every stage shares.
//!
//! Nothing here reads bytes or knows a record format; a [`Call`] is what a format's decoder makes of one record.

use std::borrow::Cow;
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z; negative before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

/// What makes a record the same record when it comes again in another export: 128 bits, either the record's own
/// GUID or a hash over the fields that identify it. Compared as a whole, within one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordId(pub u128);

/// The two halves that name a cause together. Absence is a state of its own: it is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CodePair {
    /// Microsoft response code (`CallEndSubReason`): usually six digits, but any length occurs, 0 included.
    pub microsoft: Option<u64>,
    /// SIP response code (`CallEndReason`): three digits, or 0 on a normal end.
    pub sip: Option<u16>,
}

/// Which way the call was set up, seen from the PSTN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// PSTN to Teams.
    Inbound,
    /// Teams to PSTN.
    Outbound,
    /// The record does not say.
    Unknown,
}

impl Direction {
    /// The value of the `direction` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Unknown => "",
        }
    }
}

/// How the call ended, as its parties would say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Answered,
    Busy,
    NoAnswer,
    Cancelled,
    Declined,
    /// Another leg or endpoint took the call; nothing was lost and it counts in no ratio.
    Elsewhere,
    Failed,
}

impl Outcome {
    /// Every outcome, in the order in which reports print them.
    pub const ALL: [Self; 7] = [
        Self::Answered,
        Self::Busy,
        Self::NoAnswer,
        Self::Cancelled,
        Self::Declined,
        Self::Elsewhere,
        Self::Failed,
    ];

    /// The value of the `outcome` label and of the `outcome` column of the catalogue.
    pub fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Cancelled => "cancelled",
            Self::Declined => "declined",
            Self::Elsewhere => "elsewhere",
            Self::Failed => "failed",
        }
    }

    /// The outcome with this label, if there is one.
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.label() == label)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A text of a record, without blanks at its ends. It need not be UTF-8, and nobody asks before it is read.
#[derive(Clone)]
pub struct Text<'a>(pub Cow<'a, [u8]>);

impl Text<'_> {
    /// The text; bytes that are not UTF-8 become replacement characters.
    pub fn read(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The same text, which outlasts its record.
    fn owned(&self) -> Text<'static> {
        Text(Cow::Owned(self.0.clone().into_owned()))
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text.as_bytes()))
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.read() == other.read()
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}

/// One call leg, borrowed from the bytes of its record.
#[derive(Debug, Clone, PartialEq)]
pub struct Call<'a> {
    /// Identifies the record when an overlapping export brings it again.
    pub record_id: RecordId,
    /// FQDN of the SBC as the record spells it, `""` when the record has none. Anything may stand there, a telephone
    /// number too: shown is only what the ledger makes of it.
    pub trunk: Text<'a>,
    pub direction: Direction,
    /// The record's own success flag. `Some` wins over any code.
    pub succeeded: Option<bool>,
    pub codes: CodePair,
    /// The phrase that Microsoft prints beside the codes, `""` when the record has none.
    pub phrase: Text<'a>,
    /// When the call ended or failed; `None` when the record does not say.
    pub ended_at: Option<UnixMillis>,
    /// Seconds from INVITE to end or failure; `None` when the record does not say.
    pub duration_seconds: Option<u32>,
}

impl Call<'_> {
    /// The same call, which outlasts its record.
    pub fn owned(&self) -> Call<'static> {
        Call {
            record_id: self.record_id,
            trunk: self.trunk.owned(),
            direction: self.direction,
            succeeded: self.succeeded,
            codes: self.codes,
            phrase: self.phrase.owned(),
            ended_at: self.ended_at,
            duration_seconds: self.duration_seconds,
        }
    }
}
