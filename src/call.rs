//! One call leg of Direct Routing, its codes, and why a record is no call: the vocabulary that every stage shares.
//!
//! Nothing here reads bytes or knows a record format; a [`Call`] is what a format's decoder makes of one record.

// Paths are said since build.rs takes this file from elsewhere.
#[path = "call/country.rs"]
mod country;
#[path = "call/detail.rs"]
mod detail;
#[path = "call/reason.rs"]
mod reason;
#[path = "call/unread.rs"]
mod unread;

use std::borrow::Cow;
use std::fmt;

#[allow(unused_imports, reason = "build.rs needs less of this file")]
pub use self::country::Country;
#[allow(unused_imports, reason = "build.rs needs less of this file")]
pub use self::detail::{Detail, Kind};
#[allow(unused_imports, reason = "build.rs needs less of this file")]
pub use self::reason::Reason;
#[allow(unused_imports, reason = "build.rs needs less of this file")]
pub use self::unread::{Shape, TwoReadings, Unread, UnreadField, UnreadTime};

/// Milliseconds since 1970-01-01T00:00:00Z; negative before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

/// What makes a record the same record when it comes again in another export: 128 bits, either the record's own
/// GUID or a hash over the fields that identify it. Compared as a whole, within one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordId(pub u128);

/// 128 bits in the form of a GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guid(pub u128);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let [a, b, c, d, e] = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
        write!(f, "{a}-{b}-{c}-{d}-{e}")
    }
}

/// A call by which others of its series can be looked up: what OpenMetrics calls an exemplar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exemplar {
    /// The GUID under which Microsoft and the SBC know the call.
    pub correlation_id: Guid,
    pub ended_at: UnixMillis,
    /// What the call adds to the series: 1 to a counter, seconds to a histogram.
    pub value: f64,
}

impl Exemplar {
    /// The newer of two; of two equally new ones, this.
    pub fn newer_than(self, other: Option<Self>) -> Option<Self> {
        Some(other.filter(|other| other.ended_at > self.ended_at).unwrap_or(self))
    }
}

/// The two codes that name a cause together, as labels show them. Absence is a state of its own: it is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CodePair {
    /// Microsoft response code (`CallEndSubReason`): usually six digits, but any length occurs, 0 included.
    pub microsoft: Option<u64>,
    /// SIP response code (`CallEndReason`): three digits, or 0 on a normal end.
    pub sip: Option<u16>,
}

impl CodePair {
    /// Stands for every Microsoft code that may be a telephone number.
    pub const OTHER: u64 = u64::MAX;

    /// Microsoft's codes have six digits at the most, all that are known.
    const MOST_DIGITS: u64 = 999_999;

    /// Without a Microsoft code that may be a telephone number, which must not become a label.
    pub fn without_numbers(self) -> Self {
        let microsoft = self.microsoft.map(|code| if code > Self::MOST_DIGITS { Self::OTHER } else { code });
        Self { microsoft, ..self }
    }

    /// For people, as Microsoft's pages write it: `531004/410`, with `-` for a code that is not there.
    pub fn shown(self) -> String {
        let microsoft = self.microsoft.map_or_else(|| "-".to_owned(), |_| self.microsoft_label());
        let sip = self.sip.map_or_else(|| "-".to_owned(), |code| code.to_string());
        format!("{microsoft}/{sip}")
    }

    /// The Microsoft code as the label shows it: `""` where there is none, `other` for what may be a telephone number.
    pub fn microsoft_label(self) -> String {
        match self.microsoft {
            Some(Self::OTHER) => "other".to_owned(),
            code => code.map(|code| code.to_string()).unwrap_or_default(),
        }
    }
}

/// How the call ended, in the codes that its record has. Which of them there are depends on who wrote the record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Codes<'a> {
    /// As in [`CodePair`].
    pub microsoft: Option<u64>,
    /// As in [`CodePair`].
    pub sip: Option<u16>,
    /// Cause of ITU-T Q.850: 0 to 127.
    pub q850: Option<u8>,
    /// The words beside the codes: Microsoft's phrase, or the vendor's name of the cause; `""` when there are none. One that is cut may
    /// end in the blank behind which it was.
    pub text: Text<'a>,
    pub words: Words,
    pub refused_by: RefusedBy,
}

/// Whose words stand beside the codes, and whether all of them are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Words {
    /// A phrase of Microsoft.
    #[default]
    Microsoft,
    /// The beginning of a phrase of Microsoft, which the device that wrote the record cut short; it may be whole.
    MicrosoftCut,
    /// Of a device or a carrier: they name no Microsoft code, though they may begin like a phrase of Microsoft.
    Other,
}

/// Who gave the final answer to a call that was not answered. Where the Microsoft code is missing, it follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefusedBy {
    /// The SBC, or the PSTN behind it, to a call from Teams.
    SbcSide,
    /// The SBC itself, to a call from Teams: no called side said anything.
    Sbc,
    /// Teams, to a call from the PSTN.
    Teams,
    /// The called side, whichever side is Teams.
    Called,
    /// The record does not tell, or none of these: the SBC itself or the caller ended a call to Teams. Or it has a Microsoft code, which
    /// tells more.
    #[default]
    Unknown,
}

impl Codes<'_> {
    /// The codes that become labels.
    pub fn pair(&self) -> CodePair {
        CodePair { microsoft: self.microsoft, sip: self.sip }
    }

    /// Whether there is no code. A text alone does not say how the call ended.
    pub fn is_empty(&self) -> bool {
        self.pair() == CodePair::default() && self.q850.is_none()
    }

    /// The same codes, which outlast their record.
    fn owned(&self) -> Codes<'static> {
        let Self { microsoft, sip, q850, words, refused_by, .. } = *self;
        Codes { microsoft, sip, q850, text: self.text.owned(), words, refused_by }
    }
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

/// How soon after its end a call was counted: the `arrival` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arrival {
    /// Within the source's `live_within`.
    Live,
    /// Later than that, or at an unknown time: a bulk import, a late export, a restart after an outage.
    Late,
}

impl Arrival {
    /// The value of the `arrival` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Late => "late",
        }
    }
}

/// A text of a record, without blanks at its ends. It need not be UTF-8, and nobody asks before it is read.
#[derive(Clone, Default)]
pub struct Text<'a>(pub Cow<'a, [u8]>);

impl Text<'_> {
    /// The text; bytes that are not UTF-8 become replacement characters.
    pub fn read(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The same text, which outlasts its record.
    pub fn owned(&self) -> Text<'static> {
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

/// Whether a record is its whole call. A call counts once, by the attempt that decided it: answered if one was, else the
/// final one, else the last by its own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Attempt {
    /// One of several: a branch, a dialled device, an earlier route.
    Branch,
    /// One of several, by which the call ended.
    Final,
    /// The only record of its call.
    #[default]
    Only,
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
    pub codes: Codes<'a>,
    /// When the call ended or failed; `None` when the record does not say.
    pub ended_at: Option<UnixMillis>,
    /// How many seconds the record says that the call lasted: Microsoft's from INVITE to end or failure, some devices' from the
    /// answer on. `None` when it does not say.
    pub duration_seconds: Option<u32>,
    /// The attempts of one call have one record id.
    pub attempt: Attempt,
    /// What of the record could not be read. The call counts all the same.
    pub unread: Unread,
    pub detail: Detail,
}

impl Call<'_> {
    /// The same call, which outlasts its record.
    pub fn owned(&self) -> Call<'static> {
        Call {
            record_id: self.record_id,
            trunk: self.trunk.owned(),
            direction: self.direction,
            succeeded: self.succeeded,
            codes: self.codes.owned(),
            ended_at: self.ended_at,
            duration_seconds: self.duration_seconds,
            attempt: self.attempt,
            unread: self.unread,
            detail: self.detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_lower_case_hex() {
        assert_eq!(Guid(0xf1 << 120).to_string(), "f1000000-0000-0000-0000-000000000000");
        assert_eq!(Guid(0x1f).to_string(), "00000000-0000-0000-0000-00000000001f");
    }
}
