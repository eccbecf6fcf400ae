//! The catalogue of code pairs: `causes.csv`, compiled in, with the operator's own entries laid over it; and how a
//! call finds its row there.
//!
//! The record's own success flag wins over any code. After that, the first that names a row decides:
//!
//! 1. Microsoft code, SIP code and phrase; among the phrases of a pair also by the number after `HRESULT=`.
//! 2. Microsoft code and SIP code: the pair's row for any other phrase, or its only row.
//! 3. For a record without a Microsoft code, as an SBC writes it: SIP code and phrase, when that names one Microsoft
//!    code; else the beginning of a phrase that the SBC cut short, when that names one.
//! 4. Microsoft code 560xxx: the SBC answered SIP xxx.

use std::collections::HashSet;
use std::ops::Range;

use hashbrown::HashMap;

use super::entry::{self, Entry, Refused};
use super::{Cause, Verdict, phrase};
use crate::call::{Call, CodePair, Outcome};

/// Shorter beginnings of a phrase name nothing: 9 is the least that an SBC known to cut phrases leaves of one.
const SHORTEST_BEGINNING: usize = 9;

/// All rows, and how to find one.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// By SIP code, then Microsoft code, so that the rows of a pair, and of a SIP code, stand together.
    entries: Vec<Entry>,
    /// Where the rows of a pair (Microsoft code, SIP code) stand.
    pairs: HashMap<(u64, u16), Range<usize>>,
    /// The first row of each distinct (cause, Microsoft code, SIP code), of all rows and of the failed ones.
    label_sets: Vec<usize>,
    failed_label_sets: Vec<usize>,
}

impl Catalogue {
    /// The catalogue as compiled in.
    ///
    /// # Panics
    /// Never in a binary that was built: `build.rs` has read the same text by the same code.
    pub fn built_in() -> Self {
        Self::of(entry::read(include_str!("causes.csv")).expect("build.rs has checked causes.csv"))
    }

    /// The catalogue as compiled in, with the operator's entries laid over it. An entry for a pair and phrase that
    /// are in the catalogue replaces that row; any other is added. An entry without a phrase stands for the whole
    /// pair: it replaces the pair's only row or, where the pair has several, the one for any other phrase.
    ///
    /// # Errors
    /// The first entry that breaks a rule of the catalogue, by its place in the list.
    pub fn with_operator_entries(entries: Vec<Entry>) -> Result<Self, Refused> {
        let built_in = Self::built_in();
        let mut rows = built_in.entries.clone();
        let mut entries = entry::checked(entries.into_iter().enumerate().map(Ok))?;
        // Entries for a whole pair first, so that their order in the config makes no difference.
        entries.sort_by_key(|entry| !entry.phrase.is_empty());
        for entry in entries {
            match built_in.pair(entry.microsoft_code, entry.sip_code) {
                [only] => lay_over_only(&mut rows, only, entry),
                _ => lay_over(&mut rows, entry),
            }
        }
        Ok(Self::of(rows))
    }

    fn of(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| (entry.sip_code, entry.microsoft_code));
        let mut pairs = HashMap::new();
        for (row, entry) in entries.iter().enumerate() {
            pairs.entry((entry.microsoft_code, entry.sip_code)).or_insert(row..row).end = row + 1;
        }
        let label_sets = first_of_each_label_set(&entries, |_| true);
        let failed_label_sets = first_of_each_label_set(&entries, |entry| entry.outcome == Outcome::Failed);
        Self { entries, pairs, label_sets, failed_label_sets }
    }

    /// Every row, by SIP code and then Microsoft code.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The rows of a pair, one for each phrase; none for a pair outside the catalogue.
    pub fn pair(&self, microsoft_code: u64, sip_code: u16) -> &[Entry] {
        match self.pairs.get(&(microsoft_code, sip_code)) {
            Some(rows) => &self.entries[rows.clone()],
            None => &[],
        }
    }

    /// The rows of every pair, pair by pair.
    pub fn pairs(&self) -> impl Iterator<Item = &[Entry]> {
        self.entries.chunk_by(Entry::same_pair)
    }

    /// The rows of a SIP code.
    pub fn with_sip_code(&self, sip_code: u16) -> &[Entry] {
        let start = self.entries.partition_point(|entry| entry.sip_code < sip_code);
        let end = self.entries.partition_point(|entry| entry.sip_code <= sip_code);
        &self.entries[start..end]
    }

    /// One row for each distinct (cause, Microsoft code, SIP code): the rows of `cdr_cause_info`.
    pub fn info_rows(&self) -> impl Iterator<Item = &Entry> {
        self.label_sets.iter().map(|row| &self.entries[*row])
    }

    /// One row for each distinct (cause, Microsoft code, SIP code) of a failure: the series of
    /// `cdr_call_failures_total` that exist from the start.
    pub fn failed_label_sets(&self) -> impl Iterator<Item = &Entry> {
        self.failed_label_sets.iter().map(|row| &self.entries[*row])
    }

    /// Which outcome a call had and of which cause.
    pub fn classify(&self, call: &Call<'_>) -> Verdict<'_> {
        let CodePair { microsoft, sip } = call.codes;
        let listed = match (call.succeeded, microsoft, sip) {
            (Some(true), ..) => return self.answered(call.codes),
            (_, _, None) => None,
            (_, Some(microsoft), Some(sip)) => self.by_codes(microsoft, sip, &call.phrase),
            (_, None, Some(sip)) => self.by_phrase(sip, &call.phrase),
        };
        match listed {
            Some(entry) if call.succeeded == Some(false) && entry.outcome == Outcome::Answered => {
                Verdict { outcome: Outcome::Failed, cause: Cause::Unlisted, codes: call.codes }
            }
            Some(entry) => Verdict {
                outcome: entry.outcome,
                cause: Cause::Listed(entry),
                codes: CodePair { microsoft: Some(entry.microsoft_code), sip },
            },
            None => unlisted(call),
        }
    }

    /// Most calls come here, so neither phrase nor memory is touched.
    fn answered(&self, codes: CodePair) -> Verdict<'_> {
        let row = match codes {
            CodePair { microsoft: Some(microsoft), sip: Some(sip) } => self.pair(microsoft, sip).first(),
            _ => None,
        };
        let cause = match row {
            Some(entry) if entry.outcome == Outcome::Answered => Cause::Listed(entry),
            _ => Cause::Unlisted,
        };
        Verdict { outcome: Outcome::Answered, cause, codes }
    }

    fn by_codes(&self, microsoft_code: u64, sip_code: u16, call_phrase: &str) -> Option<&Entry> {
        match self.pair(microsoft_code, sip_code) {
            [] => None,
            [only] => Some(only),
            rows => rows
                .iter()
                .find(|row| phrase::same(&row.phrase, call_phrase))
                .or_else(|| by_hresult(rows, call_phrase))
                .or_else(|| any_other_phrase(rows)),
        }
    }

    fn by_phrase(&self, sip_code: u16, call_phrase: &str) -> Option<&Entry> {
        let rows = || self.with_sip_code(sip_code).iter().filter(|row| !row.phrase.is_empty());
        self.named_by(rows().filter(|row| phrase::same(&row.phrase, call_phrase))).or_else(|| {
            if phrase::length(call_phrase) < SHORTEST_BEGINNING {
                return None;
            }
            self.named_by(rows().filter(|row| phrase::begins(&row.phrase, call_phrase)))
        })
    }

    /// The row that rows of one SIP code name together: the row itself, if it is one; if they share a Microsoft
    /// code, that pair's row for any other phrase.
    fn named_by<'c>(&'c self, mut rows: impl Iterator<Item = &'c Entry>) -> Option<&'c Entry> {
        let first = rows.next()?;
        match rows.next() {
            None => Some(first),
            Some(second) if !first.same_pair(second) || !rows.all(|row| first.same_pair(row)) => None,
            Some(_) => any_other_phrase(self.pair(first.microsoft_code, first.sip_code)),
        }
    }
}

fn unlisted(call: &Call<'_>) -> Verdict<'static> {
    let cause = call.codes.microsoft.and_then(sbc_refusal).map_or(Cause::Unlisted, Cause::SbcRefused);
    let ended_well = cause == Cause::Unlisted && matches!(call.codes.sip, Some(0 | 200..=299));
    let outcome = match call.succeeded {
        None if ended_well => Outcome::Answered,
        _ => Outcome::Failed,
    };
    Verdict { outcome, cause, codes: call.codes }
}

/// The SIP code that Microsoft code 560xxx says the SBC refused with. Below 300 nothing is refused.
fn sbc_refusal(microsoft_code: u64) -> Option<u16> {
    match microsoft_code {
        560_300..=560_999 => u16::try_from(microsoft_code - 560_000).ok(),
        _ => None,
    }
}

fn any_other_phrase(rows: &[Entry]) -> Option<&Entry> {
    rows.iter().find(|row| row.phrase.is_empty())
}

fn by_hresult<'c>(rows: &'c [Entry], call_phrase: &str) -> Option<&'c Entry> {
    let number = phrase::hresult(call_phrase)?;
    let mut named = rows.iter().filter(|row| phrase::hresult(&row.phrase) == Some(number));
    named.next().filter(|_| named.next().is_none())
}

/// Replaces the row with the entry's key, or adds the entry.
fn lay_over(rows: &mut Vec<Entry>, entry: Entry) {
    match rows.iter_mut().find(|row| row.same_key(&entry)) {
        Some(row) => *row = entry,
        None => rows.push(entry),
    }
}

/// The same for a pair with an only row built in. That row has stood for every phrase of its pair, and still does
/// for every other one when the operator names a phrase beside it.
fn lay_over_only(rows: &mut Vec<Entry>, only: &Entry, mut entry: Entry) {
    if entry.phrase.is_empty() {
        entry.phrase.clone_from(&only.phrase);
    } else if !entry.same_key(only) && !rows.iter().any(|row| row.same_pair(only) && row.phrase.is_empty()) {
        let general = rows.iter().find(|row| row.same_key(only)).unwrap_or(only).clone();
        rows.push(Entry { phrase: String::new(), ..general });
    }
    lay_over(rows, entry);
}

fn first_of_each_label_set(entries: &[Entry], wanted: impl Fn(&Entry) -> bool) -> Vec<usize> {
    let mut seen = HashSet::new();
    let rows = entries.iter().enumerate().filter(|(_, entry)| wanted(entry));
    rows.filter(|(_, entry)| seen.insert((&entry.cause, entry.microsoft_code, entry.sip_code)))
        .map(|(row, _)| row)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::call::{Direction, RecordId};
    use crate::classify::{NetworkEffectiveness, Side};

    fn call(codes: (Option<u64>, Option<u16>), phrase: &str, succeeded: Option<bool>) -> Call<'_> {
        Call {
            record_id: RecordId(1),
            trunk: Cow::Borrowed(""),
            direction: Direction::Unknown,
            succeeded,
            codes: CodePair { microsoft: codes.0, sip: codes.1 },
            phrase: Cow::Borrowed(phrase),
            ended_at: None,
            duration_seconds: None,
        }
    }

    fn entry(microsoft_code: u64, sip_code: u16, phrase: &str, cause: &str) -> Entry {
        Entry {
            microsoft_code,
            sip_code,
            phrase: phrase.to_owned(),
            cause: cause.into(),
            outcome: Outcome::Failed,
            side: Side::Sbc,
            category: "ours".to_owned(),
            ner: NetworkEffectiveness::Ineffective,
            documented_for: "the operator's config".to_owned(),
            remedy: "Ask.".to_owned(),
        }
    }

    fn operator(entries: Vec<Entry>) -> Catalogue {
        Catalogue::with_operator_entries(entries).expect("good entries")
    }

    fn cause(catalogue: &Catalogue, microsoft: u64, sip: u16, phrase: &str) -> String {
        let call = call((Some(microsoft), Some(sip)), phrase, Some(false));
        catalogue.classify(&call).cause.name().into_owned()
    }

    #[test]
    fn by_both_codes_and_phrase() {
        let catalogue = Catalogue::built_in();
        for (microsoft, sip, phrase, expected) in [
            // An only row, whatever the phrase.
            (531_004, 410, "IceConnectivityChecksFailed", "IceConnectivityChecksFailed"),
            (531_004, 410, "", "IceConnectivityChecksFailed"),
            (531_004, 410, "words of a later version", "IceConnectivityChecksFailed"),
            // One code, two pairs.
            (531_000, 410, "", "SdpParsingFailure"),
            (531_000, 488, "", "SDP offer not acceptable"),
            // Several phrases: by phrase, in any spelling of it, else the row for any other.
            (510_532, 403, "No trunk config was found", "No trunk config was found"),
            (510_532, 403, " no trunk  config was found. ", "No trunk config was found"),
            (510_532, 403, "No trunk config was", "Inbound trunk config not found"),
            (510_532, 403, "", "Inbound trunk config not found"),
            // HRESULT decides when the rest of the phrase differs, and when it names one row.
            (569_002, 504, "Broken: HRESULT=0x80096004", "INVITE not delivered: certificate signature"),
            (
                569_002,
                504,
                "TLS decryption failed HRESULT=0x90317",
                "INVITE not delivered: TLS session expired",
            ),
            (569_002, 504, "Broken: HRESULT=0x80090322", "INVITE not delivered"),
            (569_002, 504, "Broken: HRESULT=0x1", "INVITE not delivered"),
            // 560xxx outside the catalogue, by its own last digits; not for codes that refuse nothing.
            (560_488, 488, "", "SBC refused: Not Acceptable Here"),
            (560_486, 480, "", "SBC refused: Busy Here"),
            (560_499, 499, "", "SBC refused: SIP 499"),
            (560_183, 183, "", "Unlisted"),
            (561_488, 488, "", "Unlisted"),
            // Nothing names it.
            (531_004, 411, "IceConnectivityChecksFailed", "Unlisted"),
            (777_777, 410, "IceConnectivityChecksFailed", "Unlisted"),
            (u64::MAX, 699, "", "Unlisted"),
        ] {
            assert_eq!(cause(&catalogue, microsoft, sip, phrase), expected, "{microsoft}/{sip} {phrase}");
        }
    }

    #[test]
    fn by_sip_code_and_phrase() {
        let catalogue = Catalogue::built_in();
        for (sip, phrase, microsoft, expected) in [
            (480, "No callee endpoints were found.", Some(10037), "No callee endpoints were found"),
            (
                403,
                "Current call site state prevents fork to this entity",
                Some(10500),
                "Call site state prevents fork",
            ),
            (
                487,
                "call was CANCELLED on timeout, as target user did not accept or reject it on time",
                Some(10004),
                "Not answered in time",
            ),
            // Cut short, to the least that names something.
            (480, "No callee", Some(10037), "No callee endpoints were found"),
            (480, "No calle", None, "Unlisted"),
            (402, "Payment r", Some(560_402), "Payment required"),
            // Whole before cut short: this one is also the beginning of another.
            (
                403,
                "User is not Enterprise Voice enabled",
                Some(510_560),
                "User is not Enterprise Voice enabled",
            ),
            (
                403,
                "User is not Enterprise Voice enabled. User",
                Some(510_560),
                "User is not Enterprise Voice enabled (dial out)",
            ),
            // Several phrases of one Microsoft code: the code is known, the variant is not.
            (488, "InternalDiagCode: ", Some(531_000), "SDP offer not acceptable"),
            // Several Microsoft codes.
            (420, "Bad Extension", None, "Unlisted"),
            (504, "Unable to deliver INVITE: Invalid Request/Response line", None, "Unlisted"),
            (504, "Unable to", None, "Unlisted"),
            // The phrase of another SIP code, a phrase that goes on, no phrase.
            (486, "No callee endpoints were found", None, "Unlisted"),
            (480, "No callee endpoints were found today", None, "Unlisted"),
            (480, "", None, "Unlisted"),
        ] {
            let verdict = catalogue.classify(&call((None, Some(sip)), phrase, Some(false)));
            assert_eq!(verdict.cause.name(), expected, "{sip} {phrase}");
            assert_eq!(verdict.codes, CodePair { microsoft, sip: Some(sip) }, "{sip} {phrase}");
        }
    }

    #[test]
    fn the_success_flag_wins() {
        let catalogue = Catalogue::built_in();
        let ice = (Some(531_004), Some(410));
        for (codes, succeeded, outcome, cause) in [
            ((Some(540_000), Some(0)), Some(true), Outcome::Answered, "Normal end"),
            ((Some(540_000), Some(0)), None, Outcome::Answered, "Normal end"),
            ((Some(540_000), Some(0)), Some(false), Outcome::Failed, "Unlisted"),
            (ice, Some(true), Outcome::Answered, "Unlisted"),
            (ice, Some(false), Outcome::Failed, "IceConnectivityChecksFailed"),
            (ice, None, Outcome::Failed, "IceConnectivityChecksFailed"),
            ((Some(560_486), Some(486)), Some(false), Outcome::Busy, "Called number was busy"),
            ((Some(560_486), Some(486)), None, Outcome::Busy, "Called number was busy"),
            ((Some(540_200), Some(487)), Some(false), Outcome::Elsewhere, "Call completed elsewhere"),
            ((None, None), Some(true), Outcome::Answered, "Unlisted"),
            ((None, None), Some(false), Outcome::Failed, "Unlisted"),
            ((None, None), None, Outcome::Failed, "Unlisted"),
            ((None, Some(0)), None, Outcome::Answered, "Unlisted"),
            ((None, Some(200)), None, Outcome::Answered, "Unlisted"),
            ((None, Some(200)), Some(false), Outcome::Failed, "Unlisted"),
            ((None, Some(302)), None, Outcome::Failed, "Unlisted"),
            ((Some(560_488), None), None, Outcome::Failed, "SBC refused: Not Acceptable Here"),
            ((Some(531_004), None), None, Outcome::Failed, "Unlisted"),
        ] {
            let verdict = catalogue.classify(&call(codes, "", succeeded));
            assert_eq!(
                (verdict.outcome, &*verdict.cause.name()),
                (outcome, cause),
                "{codes:?} {succeeded:?}"
            );
            assert_eq!(verdict.codes, CodePair { microsoft: codes.0, sip: codes.1 }, "{codes:?}");
        }
    }

    #[test]
    fn an_operator_names_a_new_pair() {
        let ours =
            operator(vec![entry(777_777, 410, "One", "Ours one"), entry(777_777, 410, "Two", "Ours two")]);
        assert_eq!(cause(&ours, 777_777, 410, "two."), "Ours two");
        assert_eq!(cause(&ours, 777_777, 410, "Three"), "Unlisted");
        assert_eq!(ours.entries().len(), Catalogue::built_in().entries().len() + 2);
    }

    #[test]
    fn an_operator_renames_a_row() {
        let ours = operator(vec![entry(531_004, 410, "iceconnectivitychecksfailed.", "Our ICE")]);
        assert_eq!(cause(&ours, 531_004, 410, ""), "Our ICE");
        let ours = operator(vec![entry(531_004, 410, "", "Our ICE")]);
        assert_eq!(cause(&ours, 531_004, 410, "IceConnectivityChecksFailed"), "Our ICE");
        assert_eq!(ours.entries().len(), Catalogue::built_in().entries().len());
        // The phrase still leads an SBC's record there.
        let verdict = ours.classify(&call((None, Some(410)), "IceConnec", None));
        assert_eq!(verdict.codes.microsoft, Some(531_004));
    }

    #[test]
    fn an_operator_names_a_phrase_beside_an_only_row() {
        let phrase = entry(531_004, 410, "Special", "Our special");
        let pair = entry(531_004, 410, "", "Our ICE");
        for (entries, general) in [
            (vec![phrase.clone()], "IceConnectivityChecksFailed"),
            (vec![phrase.clone(), pair.clone()], "Our ICE"),
            (vec![pair, phrase], "Our ICE"),
        ] {
            let ours = operator(entries);
            assert_eq!(cause(&ours, 531_004, 410, "Special"), "Our special");
            for other in ["IceConnectivityChecksFailed", "", "Other"] {
                assert_eq!(cause(&ours, 531_004, 410, other), general, "{other}");
            }
        }
    }

    #[test]
    fn an_operator_replaces_the_row_for_any_other_phrase() {
        let ours = operator(vec![entry(569_002, 504, "", "SBC not reached")]);
        assert_eq!(cause(&ours, 569_002, 504, "Other"), "SBC not reached");
        assert_eq!(cause(&ours, 569_002, 504, "HRESULT=590615"), "INVITE not delivered: TLS session expired");
    }

    #[test]
    fn entries_of_an_operator_are_refused() {
        let long = "12345678901234567890123456789012345678901234567890";
        for (entries, at, reason) in [
            (vec![entry(1, 400, "", "One"), entry(2, 400, "", "")], 1, "the cause is empty"),
            (vec![entry(1, 400, "", long)], 0, "has 50 characters, more than the 48 allowed"),
            (
                vec![entry(1, 400, "A", "One"), entry(1, 400, "a.", "Two")],
                1,
                "1/400 with the phrase `a.` is there twice",
            ),
            (vec![entry(1, 1000, "", "One")], 0, "sip_code 1000 is neither 0 nor from 100 to 699"),
        ] {
            let refused = Catalogue::with_operator_entries(entries).expect_err(reason);
            assert!(refused.at == at && refused.reason.ends_with(reason), "{refused:?}");
        }
    }

    #[test]
    fn label_sets_are_distinct() {
        let catalogue = Catalogue::built_in();
        let labels = |row: &Entry| (row.cause.clone(), row.microsoft_code, row.sip_code);
        let all: HashSet<_> = catalogue.entries().iter().map(labels).collect();
        assert_eq!(catalogue.info_rows().map(labels).collect::<HashSet<_>>(), all);
        assert_eq!(catalogue.info_rows().count(), all.len());
        assert!(all.len() < catalogue.entries().len(), "some rows share a label set");
        let failed: Vec<_> = catalogue.failed_label_sets().map(labels).collect();
        assert_eq!(failed.iter().collect::<HashSet<_>>().len(), failed.len());
        assert!(catalogue.failed_label_sets().all(|row| row.outcome == Outcome::Failed));
        let rows = catalogue.entries().iter().filter(|row| row.outcome == Outcome::Failed);
        assert!(rows.map(labels).all(|labels| failed.contains(&labels)));
    }
}
