//! One row of the catalogue: what it holds, what it may hold, and how `causes.csv` writes it.
//!
//! `build.rs` includes this file to check `causes.csv` by the same rules, so it may use nothing of ours but
//! `call`, `phrase` and `table`.

use std::sync::Arc;

use super::phrase;
use super::table::{self, Refused, Row};
use crate::call::{CodePair, Outcome};

/// One row of the catalogue: a code pair, with or without a phrase, and what it means.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Microsoft response code (`CallEndSubReason`).
    pub microsoft_code: u64,
    /// SIP response code (`CallEndReason`): 0, or 100 to 699.
    pub sip_code: u16,
    /// The phrase as Microsoft prints it, for matching; `""` stands for any other phrase of the pair.
    pub phrase: String,
    /// The value of the `cause` label.
    pub cause: Arc<str>,
    pub outcome: Outcome,
    pub side: Side,
    /// The value of the `category` label: lower-case letters, digits and `_`.
    pub category: String,
    pub ner: NetworkEffectiveness,
    /// Where the pair is documented.
    pub documented_for: String,
    /// What to do about it.
    pub remedy: String,
}

/// Who can do something about a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    User,
    Sbc,
    Carrier,
    Tenant,
    Network,
    Microsoft,
    Bot,
}

impl Side {
    pub const ALL: [Self; 7] =
        [Self::User, Self::Sbc, Self::Carrier, Self::Tenant, Self::Network, Self::Microsoft, Self::Bot];

    /// The value of the `side` label and of the `side` column of the catalogue.
    pub fn label(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Sbc => "sbc",
            Self::Carrier => "carrier",
            Self::Tenant => "tenant",
            Self::Network => "network",
            Self::Microsoft => "microsoft",
            Self::Bot => "bot",
        }
    }

    /// The side with this label, if there is one.
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|side| side.label() == label)
    }

    /// Who that is.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::User => "the people on the call, by what they dial, answer or are signed in to",
            Self::Sbc => "whoever runs the SBC, with its vendor",
            Self::Carrier => "the carrier behind the SBC",
            Self::Tenant => "the administrator of the Teams tenant",
            Self::Network => "whoever runs the network and firewalls between client, SBC and Microsoft",
            Self::Microsoft => "Microsoft, through a support case",
            Self::Bot => "the owner of the called bot or voice application",
        }
    }
}

/// How a code pair counts for the network effectiveness ratio (NER, ITU-T E.425), seen by the codes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetworkEffectiveness {
    Effective,
    Ineffective,
    Ambiguous,
    Excluded,
}

impl NetworkEffectiveness {
    pub const ALL: [Self; 4] = [Self::Effective, Self::Ineffective, Self::Ambiguous, Self::Excluded];

    /// The value of the `ner` column of the catalogue.
    pub fn label(self) -> &'static str {
        match self {
            Self::Effective => "effective",
            Self::Ineffective => "ineffective",
            Self::Ambiguous => "ambiguous",
            Self::Excluded => "excluded",
        }
    }

    /// The class with this label, if there is one.
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.label() == label)
    }

    /// What that means.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Effective => "the network did its part",
            Self::Ineffective => "the network failed the call",
            Self::Ambiguous => "the codes do not show whether the network failed",
            Self::Excluded => "the call went on elsewhere and counts in no ratio",
        }
    }
}

impl From<Outcome> for NetworkEffectiveness {
    /// The class that the outcome alone gives, as the shipped rules count it.
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Failed => Self::Ineffective,
            Outcome::Elsewhere => Self::Excluded,
            _ => Self::Effective,
        }
    }
}

impl Entry {
    /// Whether both stand for the same calls: the same pair and the same phrase.
    pub fn same_key(&self, other: &Self) -> bool {
        self.same_pair(other) && phrase::same(&self.phrase, &other.phrase)
    }

    /// The code pair of a call that the row names.
    pub fn codes(&self) -> CodePair {
        CodePair { microsoft: Some(self.microsoft_code), sip: Some(self.sip_code) }
    }

    /// Whether both belong to the same code pair.
    pub fn same_pair(&self, other: &Self) -> bool {
        (self.microsoft_code, self.sip_code) == (other.microsoft_code, other.sip_code)
    }

    fn check(&self) -> Result<(), String> {
        table::check_cause(&self.cause)?;
        if !matches!(self.sip_code, 0 | 100..=699) {
            return Err(format!("sip_code {} is neither 0 nor from 100 to 699", self.sip_code));
        }
        table::check_category(&self.category)
    }
}

/// Checks entries, each with its line or place, one by one and against each other.
///
/// # Errors
/// The first that breaks a rule, or that stands for the same pair and phrase as an earlier one.
pub fn checked(entries: impl IntoIterator<Item = (usize, Entry)>) -> Result<Vec<Entry>, Refused> {
    let mut accepted: Vec<Entry> = Vec::new();
    for (at, entry) in entries {
        entry.check().map_err(|reason| Refused { at, reason })?;
        if accepted.iter().any(|earlier| earlier.same_key(&entry)) {
            let phrase = match entry.phrase.as_str() {
                "" => String::new(),
                phrase => format!(" with the phrase `{phrase}`"),
            };
            let reason = format!("{}/{}{phrase} is there twice", entry.microsoft_code, entry.sip_code);
            return Err(Refused { at, reason });
        }
        accepted.push(entry);
    }
    Ok(accepted)
}

const COLUMNS: [&str; 10] = [
    "microsoft_code",
    "sip_code",
    "phrase",
    "cause",
    "outcome",
    "side",
    "category",
    "ner",
    "documented_for",
    "remedy",
];

/// Reads and checks the text of `causes.csv`.
///
/// # Errors
/// The first line that is not CSV or breaks a rule.
pub fn read(text: &str) -> Result<Vec<Entry>, Refused> {
    checked(table::read(text, &COLUMNS, from_row)?)
}

fn from_row(row: &Row<'_>) -> Result<Entry, String> {
    Ok(Entry {
        microsoft_code: row.code(0)?,
        sip_code: row.code(1)?,
        phrase: row.text(2).to_owned(),
        cause: row.filled(3)?.into(),
        outcome: Outcome::from_label(row.text(4)).ok_or_else(|| row.unknown(4))?,
        side: Side::from_label(row.text(5)).ok_or_else(|| row.unknown(5))?,
        category: row.filled(6)?,
        ner: NetworkEffectiveness::from_label(row.text(7)).ok_or_else(|| row.unknown(7))?,
        documented_for: row.filled(8)?,
        remedy: row.filled(9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(rows: &str) -> (usize, String) {
        let refused = read(&format!("{}\n{rows}", COLUMNS.join(","))).expect_err(rows);
        (refused.at, refused.reason)
    }

    #[test]
    fn a_good_row() {
        let text = format!("{}\n1,410,P,C,failed,sbc,sdp,ineffective,D,R\n", COLUMNS.join(","));
        let entries = read(&text).expect("a good row");
        assert_eq!((entries[0].microsoft_code, entries[0].sip_code, &*entries[0].cause), (1, 410, "C"));
    }

    #[test]
    fn bad_rows_and_their_messages() {
        let good = "1,410,P,C,failed,sbc,sdp,ineffective,D,R\n";
        for (row, message) in [
            ("x,410,P,C,failed,sbc,sdp,ineffective,D,R", "microsoft_code `x` is not a code"),
            ("-1,410,P,C,failed,sbc,sdp,ineffective,D,R", "microsoft_code `-1` is not a code"),
            ("2,,P,C,failed,sbc,sdp,ineffective,D,R", "sip_code `` is not a code"),
            ("2,99,P,C,failed,sbc,sdp,ineffective,D,R", "sip_code 99 is neither 0 nor from 100 to 699"),
            ("2,410,P,,failed,sbc,sdp,ineffective,D,R", "cause is empty"),
            ("2,410,P, ,failed,sbc,sdp,ineffective,D,R", "the cause is empty"),
            (
                "2,410,P,1234567890123456789012345678901234567890123456789,failed,sbc,sdp,ineffective,D,R",
                "the cause `1234567890123456789012345678901234567890123456789` has 49 characters, \
                 more than the 48 allowed",
            ),
            (
                "2,410,P,C ,failed,sbc,sdp,ineffective,D,R",
                "the cause \"C \" has white space at an end, or a control character",
            ),
            ("2,410,P,C,lost,sbc,sdp,ineffective,D,R", "outcome `lost` is not known"),
            ("2,410,P,C,failed,moon,sdp,ineffective,D,R", "side `moon` is not known"),
            ("2,410,P,C,failed,sbc,sdp,maybe,D,R", "ner `maybe` is not known"),
            (
                "2,410,P,C,failed,sbc,Sdp,ineffective,D,R",
                "the category `Sdp` has other characters than lower-case letters, digits and _",
            ),
            ("2,410,P,C,failed,sbc,sdp,ineffective,D,", "remedy is empty"),
            ("1,410, p.,C,failed,sbc,sdp,ineffective,D,R", "1/410 with the phrase ` p.` is there twice"),
        ] {
            assert_eq!(refused(&format!("{good}{row}\n")), (3, message.to_owned()), "{row}");
        }
        assert_eq!(refused("1,410\n"), (2, "the row has 2 fields instead of 10".to_owned()));
    }

    #[test]
    fn lines_are_counted_with_either_ending() {
        for ending in ["\n", "\r\n"] {
            let rows = ["1,410,P,C,failed,sbc,sdp,ineffective,D,R", "2,410,P,C,lost,sbc,sdp,ineffective,D,R"];
            let text = format!("{}{ending}{}{ending}", COLUMNS.join(","), rows.join(ending));
            assert_eq!(read(&text).expect_err("an unknown outcome").at, 3, "{ending:?}");
        }
    }

    #[test]
    fn another_header() {
        assert_eq!(read("a,b\n").expect_err("another header").at, 1);
    }
}
