//! The catalogue of code pairs: `causes.csv`, compiled in, with the operator's own entries laid over it; and
//! how a call finds its row there.
//!
//! The record's own success flag wins over any code. After that, the first that names a row decides:
//!
//! 1. Microsoft code, SIP code and phrase; among the phrases of a pair also by the number after `HRESULT=`.
//! 2. Microsoft code and SIP code: the pair's row for any other phrase, or its only row.
//! 3. For a record without a Microsoft code, as an SBC writes it: SIP code and phrase, when that names one
//!    Microsoft code; else the beginning of a phrase that the SBC cut short, when that names one. Not 560xxx, which says
//!    that the SBC's side refused, where the record says that Teams did.
//! 4. Microsoft code 560xxx: the SBC answered SIP xxx.
//! 5. The range of the Microsoft code.
//! 6. For a record without a Microsoft code: what [`super::ending`] says.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use hashbrown::HashMap;

use super::entry::{self, Entry};
use super::table::Refused;
use super::{Cause, Verdict, phrase, q850, range, sip};
use crate::call::{
    Attempt, Call, CodePair, Codes, Detail, Direction, Outcome, RecordId, RefusedBy, Text, Unread, Words,
};

/// Shorter beginnings of a phrase name nothing. An SBC known to cut phrases leaves about this many.
const SHORTEST_BEGINNING: usize = 9;

/// All rows, and how to find one.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// By SIP code, then Microsoft code, so that the rows of a pair, and of a SIP code, stand together.
    entries: Vec<Entry>,
    /// Where the rows of a pair (Microsoft code, SIP code) stand.
    pairs: HashMap<(u64, u16), Range<usize>>,
    /// Where those of an answered call stand, the highest Microsoft code first: most calls end with the first few, which
    /// are found without a hash.
    answered: Vec<(CodePair, usize)>,
    /// The first row of each distinct (cause, Microsoft code, SIP code), of all rows and of the failed ones.
    label_sets: Vec<usize>,
    failed_label_sets: Vec<usize>,
}

impl Catalogue {
    /// The catalogue as compiled in, which is read once.
    ///
    /// # Panics
    /// Never in a binary that was built: `build.rs` has read the same text by the same code.
    #[expect(clippy::expect_used, reason = "build.rs has read the same text by the same code")]
    pub fn built_in() -> Arc<Self> {
        static BUILT_IN: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
            let entries = entry::read(include_str!("causes.csv")).expect("build.rs has checked causes.csv");
            Arc::new(Catalogue::of(entries))
        });
        Arc::clone(&BUILT_IN)
    }

    /// The catalogue as compiled in, with the operator's entries laid over it. An entry for a pair and phrase
    /// that are in the catalogue replaces that row; any other is added. An entry without a phrase stands for
    /// the whole pair: it replaces the pair's only row or, where the pair has several, the one for any other
    /// phrase.
    ///
    /// # Errors
    /// The first entry that breaks a rule of the catalogue, by its place in the list.
    pub fn with_operator_entries(entries: Vec<Entry>) -> Result<Self, Refused> {
        let built_in = Self::built_in();
        let mut rows = built_in.entries.clone();
        let mut entries = entry::checked(entries.into_iter().enumerate())?;
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
        let is_first = |row: usize| row == 0 || !entries[row].same_pair(&entries[row - 1]);
        let answered = entries.iter().enumerate().filter(|(_, entry)| entry.outcome == Outcome::Answered);
        let mut answered: Vec<_> =
            answered.filter(|(row, _)| is_first(*row)).map(|(row, entry)| (entry.codes(), row)).collect();
        answered.sort_by_key(|(codes, _)| (Reverse(codes.microsoft), codes.sip));
        let label_sets = first_of_each_label_set(&entries, |_| true);
        let failed_label_sets = first_of_each_label_set(&entries, |entry| entry.outcome == Outcome::Failed);
        Self { entries, pairs, answered, label_sets, failed_label_sets }
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
        let CodePair { microsoft, sip } = call.codes.pair();
        let listed = match (call.succeeded, microsoft, sip) {
            (Some(true), ..) => return self.answered(call.codes.pair()),
            (_, _, None) => None,
            (_, Some(microsoft), Some(sip)) => self.by_codes(microsoft, sip, &call.codes.text),
            (_, None, Some(sip)) => self.by_words(sip, call),
        };
        match listed {
            Some(entry) if call.succeeded == Some(false) && entry.outcome == Outcome::Answered => {
                Verdict { outcome: Outcome::Failed, cause: Cause::Unlisted, codes: call.codes.pair() }
            }
            Some(entry) => Verdict {
                outcome: entry.outcome,
                cause: Cause::Listed(entry),
                codes: CodePair { microsoft: Some(entry.microsoft_code), sip },
            },
            None if microsoft.is_none() => self.by_side(call),
            None => unlisted(call),
        }
    }

    /// By SIP code and phrase, for a record without a Microsoft code. No phrase says that a call was answered.
    fn by_words(&self, sip: u16, call: &Call<'_>) -> Option<&Entry> {
        let may_be_cut = match call.codes.words {
            Words::Microsoft => false,
            Words::MicrosoftCut => true,
            Words::Other => return None,
        };
        let can_be = |entry: &&Entry| {
            call.codes.refused_by != RefusedBy::Teams || range::sbc_refusal(entry.microsoft_code).is_none()
        };
        self.by_phrase(sip, &call.codes.text.read(), may_be_cut)
            .filter(|entry| entry.outcome != Outcome::Answered)
            .filter(can_be)
    }

    /// Most calls come here, so neither phrase nor memory is touched.
    fn answered(&self, codes: CodePair) -> Verdict<'_> {
        let row = self.answered.iter().find(|(pair, _)| *pair == codes);
        let cause = row.map_or(Cause::Unlisted, |(_, row)| Cause::Listed(&self.entries[*row]));
        Verdict { outcome: Outcome::Answered, cause, codes }
    }

    /// What a failed call with these codes counts as, of which nothing else is known.
    pub fn of_failed(&self, codes: CodePair) -> Verdict<'_> {
        self.classify(&Call {
            record_id: RecordId(0),
            trunk: "".into(),
            direction: Direction::Unknown,
            succeeded: Some(false),
            codes: Codes { microsoft: codes.microsoft, sip: codes.sip, ..Codes::default() },
            ended_at: None,
            duration_seconds: None,
            attempt: Attempt::Only,
            unread: Unread::default(),
            detail: Detail::default(),
        })
    }

    /// What the catalogue says about a cause that was counted under these codes.
    pub fn about(&self, cause: &str, codes: CodePair) -> Cause<'_> {
        let rows = match codes {
            CodePair { microsoft: Some(microsoft), sip: Some(sip) } => self.pair(microsoft, sip),
            _ => &[],
        };
        let listed = rows.iter().find(|entry| &*entry.cause == cause).map(Cause::Listed);
        listed
            .or_else(|| codes.microsoft.and_then(range::sbc_refusal).map(Cause::SbcRefused))
            .or_else(|| codes.microsoft.and_then(range::of).map(Cause::Range))
            .or_else(|| codes.sip.and_then(sip::standard).map(Cause::Standard))
            .filter(|found| found.name() == cause)
            .or_else(|| q850::all().iter().find(|standard| standard.cause == cause).map(Cause::Standard))
            .unwrap_or(Cause::Unlisted)
    }

    pub(super) fn by_codes(
        &self,
        microsoft_code: u64,
        sip_code: u16,
        call_phrase: &Text<'_>,
    ) -> Option<&Entry> {
        match self.pair(microsoft_code, sip_code) {
            [] => None,
            [only] => Some(only),
            rows => {
                let call_phrase = call_phrase.read();
                // Of rows with the same phrase there is one; most phrases are spelled as there.
                let spelled_so = rows.iter().find(|row| row.phrase == call_phrase);
                spelled_so
                    .or_else(|| rows.iter().find(|row| phrase::same(&row.phrase, &call_phrase)))
                    .or_else(|| by_hresult(rows, &call_phrase))
                    .or_else(|| any_other_phrase(rows))
            }
        }
    }

    pub(super) fn by_phrase(&self, sip_code: u16, call_phrase: &str, may_be_cut: bool) -> Option<&Entry> {
        let first = phrase::first_letter(call_phrase)?;
        let rows = self.with_sip_code(sip_code).iter();
        let rows = || rows.clone().filter(|row| phrase::first_letter(&row.phrase) == Some(first));
        self.named_by(rows().filter(|row| phrase::same(&row.phrase, call_phrase))).or_else(|| {
            if !may_be_cut || phrase::length(call_phrase) < SHORTEST_BEGINNING {
                return None;
            }
            self.named_by(rows().filter(|row| phrase::begins(&row.phrase, call_phrase)))
        })
    }

    /// The row that rows of one SIP code name together: the row itself, if it is one; if they share a
    /// Microsoft code, that pair's row for any other phrase.
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
    let CodePair { microsoft, sip } = call.codes.pair();
    if let Some(refusal) = microsoft.and_then(range::sbc_refusal) {
        let outcome = sbc_refusal_outcome(refusal);
        return Verdict { outcome, cause: Cause::SbcRefused(refusal), codes: call.codes.pair() };
    }
    let range = microsoft.and_then(range::of);
    let may_end_well = range.is_none_or(|range| range.has_normal_ends);
    let outcome = match (call.succeeded, sip) {
        (None, Some(0 | 200..=299)) if may_end_well => Outcome::Answered,
        _ => Outcome::Failed,
    };
    Verdict { outcome, cause: range.map_or(Cause::Unlisted, Cause::Range), codes: call.codes.pair() }
}

/// How a call ended that the SBC, or the PSTN behind it, refused with this SIP code.
pub(super) fn sbc_refusal_outcome(sip_code: u16) -> Outcome {
    sip::standard(sip_code).map_or(Outcome::Failed, |standard| standard.outcome)
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

/// The same for a pair with an only row built in. That row has stood for every phrase of its pair, and still
/// does for every other one when the operator names a phrase beside it.
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
mod tests;
