//! What is known about a question.

use std::cmp::Reverse;

use super::question::Question;
use crate::call::{CodePair, Outcome};
use crate::classify::{Catalogue, Cause, Entry, Standard, category, phrase, q850, range, sip, words};

/// How many entries stand near a question that no entry answers.
const MOST_NEAREST: usize = 5;

#[derive(Debug, Default)]
pub struct Answer<'c> {
    /// Whether anything is known.
    pub found: bool,
    /// Sentences before the causes.
    pub lead: Vec<String>,
    pub causes: Vec<Told<'c>>,
    /// Whether each cause is told in full, however many they are.
    pub in_full: bool,
    /// What the catalogue has near it.
    pub nearest: Vec<&'c Entry>,
}

/// A cause, and the codes of the calls that get it.
#[derive(Debug)]
pub enum Told<'c> {
    /// A row of the catalogue.
    Listed(&'c Entry),
    /// A cause that no row has.
    Outside { heading: String, cause: Cause<'c>, outcome: Outcome, codes: CodePair },
}

/// What is known about a question.
pub fn to<'c>(question: &Question, catalogue: &'c Catalogue) -> Answer<'c> {
    match question {
        Question::Pair(microsoft, sip) => by_pair(catalogue, *microsoft, *sip),
        Question::Microsoft(code) => by_microsoft_code(catalogue, *code),
        Question::Range(thousands) => by_range(catalogue, *thousands),
        Question::Sip(code) => by_sip_code(catalogue, *code),
        Question::Q850(cause) => by_q850(*cause),
        Question::Unlisted => unlisted(),
        Question::SbcRefused(None) => by_range(catalogue, 560),
        Question::SbcRefused(Some(sip)) => sbc_refused(catalogue, *sip),
        Question::Words(words) => by_words(catalogue, words),
    }
}

fn by_pair(catalogue: &Catalogue, microsoft: u64, sip: u16) -> Answer<'_> {
    let rows = catalogue.pair(microsoft, sip);
    if !rows.is_empty() {
        return Answer { in_full: true, ..listed(rows) };
    }
    let nearest = nearest(catalogue, |entry| {
        let distance = entry.microsoft_code.abs_diff(microsoft);
        let is_near = entry.sip_code == sip || same_thousand(entry.microsoft_code, microsoft);
        is_near.then_some((distance != 0, entry.sip_code != sip, distance))
    });
    let codes = CodePair { microsoft: Some(microsoft), sip: Some(sip) };
    let lead = vec![format!("{microsoft}/{sip} is not in the catalogue.")];
    Answer { found: true, lead, causes: vec![as_counted(catalogue, codes)], nearest, ..Answer::default() }
}

fn by_microsoft_code(catalogue: &Catalogue, code: u64) -> Answer<'_> {
    let rows = catalogue.entries().iter().filter(|entry| entry.microsoft_code == code);
    let answer = listed(rows);
    if answer.found {
        return answer;
    }
    // 560xxx names its SIP code itself.
    if let Some(sip) = range::sbc_refusal(code).filter(|sip| *sip < 700) {
        return by_pair(catalogue, code, sip);
    }
    let mut lead = vec![format!("Microsoft code {code} is not in the catalogue.")];
    let nearest = nearest(catalogue, |entry| {
        same_thousand(entry.microsoft_code, code).then_some(entry.microsoft_code.abs_diff(code))
    });
    let codes = CodePair { microsoft: Some(code), sip: None };
    let causes: Vec<_> = range::of(code).map(|_| as_counted(catalogue, codes)).into_iter().collect();
    let found = !causes.is_empty() || !nearest.is_empty();
    if !found {
        lead.push("Neither its range nor any code near it is known.".to_owned());
    }
    Answer { found, lead, causes, nearest, ..Answer::default() }
}

fn by_range(catalogue: &Catalogue, thousands: u64) -> Answer<'_> {
    let rows = catalogue.entries().iter().filter(|entry| entry.microsoft_code / 1000 == thousands);
    let mut answer = listed(rows);
    let range = range::ALL.iter().find(|range| range.codes.end() / 1000 == thousands);
    answer.lead.push(match (range, thousands) {
        (Some(range), _) => range.meaning.to_owned(),
        (None, 560) => range::SBC_REFUSED.to_owned(),
        (None, _) => format!("{thousands}xxx is no range of Microsoft codes that we know."),
    });
    answer.causes.extend(range.map(|range| Told::Outside {
        heading: "Any other code of the range:".to_owned(),
        cause: Cause::Range(range),
        outcome: Outcome::Failed,
        codes: CodePair::default(),
    }));
    Answer { found: !answer.causes.is_empty(), ..answer }
}

fn by_sip_code(catalogue: &Catalogue, code: u16) -> Answer<'_> {
    let mut answer = listed(catalogue.with_sip_code(code));
    answer.lead.push(format!("SIP {}", sip_meaning(code)));
    if !answer.found {
        answer.lead.push("No pair of the catalogue has this SIP code.".to_owned());
    }
    let codes = CodePair { microsoft: None, sip: Some(code) };
    answer.causes.extend(sip::standard(code).map(|standard| by_standard(standard, codes)));
    Answer { found: !answer.causes.is_empty(), ..answer }
}

fn by_q850<'c>(cause: u16) -> Answer<'c> {
    let standard = q850::standard(cause);
    let lead = match standard {
        Some(standard) => format!("Q.850 cause {cause} {}", standard.cause),
        None => format!("Q.850 has no cause {cause}."),
    };
    let causes: Vec<_> =
        standard.map(|standard| by_standard(standard, CodePair::default())).into_iter().collect();
    Answer { found: standard.is_some(), lead: vec![lead], causes, ..Answer::default() }
}

/// The cause that a standard names for records without a Microsoft code.
fn by_standard<'c>(standard: &'static Standard, codes: CodePair) -> Told<'c> {
    let code = match codes.sip {
        Some(sip) => format!("SIP {sip}"),
        None => format!("Q.850 cause {}", standard.code),
    };
    let heading = format!("{code} in a record without a Microsoft code:");
    Told::Outside { heading, cause: Cause::Standard(standard), outcome: standard.outcome, codes }
}

fn unlisted<'c>() -> Answer<'c> {
    let mut lead = vec![
        "Unlisted: a failed call whose code pair is not in the catalogue. The pair is in the labels microsoft_code \
         and sip_code; `cdr-exporter inspect --cause unlisted FILE` lists such pairs with their trunks."
            .to_owned(),
        "A Microsoft code of one of these ranges has the range in its cause:".to_owned(),
    ];
    lead.extend(range::ALL.iter().map(|range| format!("  {}", range.cause)));
    let (cause, codes) = (Cause::Unlisted, CodePair::default());
    let heading = "Any other pair:".to_owned();
    let causes = vec![Told::Outside { heading, cause, outcome: Outcome::Failed, codes }];
    Answer { found: true, lead, causes, ..Answer::default() }
}

fn sbc_refused(catalogue: &Catalogue, sip: u16) -> Answer<'_> {
    let microsoft = 560_000 + u64::from(sip);
    let mut answer = listed(catalogue.pair(microsoft, sip));
    let name = Cause::SbcRefused(sip).name();
    answer.lead.push(format!("{name}: the SBC, or the PSTN behind it, gave SIP {sip} as its final answer."));
    let told = as_counted(catalogue, CodePair { microsoft: Some(microsoft), sip: None });
    answer.causes.push(match told {
        Told::Outside { cause, outcome, codes, .. } if answer.found => {
            Told::Outside { heading: format!("{microsoft} with any other SIP code:"), cause, outcome, codes }
        }
        told => told,
    });
    Answer { found: true, ..answer }
}

fn by_words<'c>(catalogue: &'c Catalogue, words: &str) -> Answer<'c> {
    let entries = || catalogue.entries().iter();
    let is_named = |name: &str| phrase::same(name, words);
    let mut exact = listed(entries().filter(|entry| is_named(&entry.phrase) || is_named(&entry.cause)));
    let by_sip = sip::all().iter().find(|standard| is_named(&standard.cause));
    let by_q850 = q850::all().iter().find(|standard| is_named(&standard.cause));
    exact.causes.extend(
        by_sip.map(|standard| by_standard(standard, CodePair { microsoft: None, sip: Some(standard.code) })),
    );
    exact.causes.extend(by_q850.map(|standard| by_standard(standard, CodePair::default())));
    if !exact.causes.is_empty() {
        return Answer { found: true, ..exact };
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut found: Vec<_> = entries().filter(|entry| words_in(entry, &words) > 0).collect();
    found.sort_by_key(|entry| Reverse(words_in(entry, &words)));
    let complete = found.partition_point(|entry| words_in(entry, &words) == words.len());
    if complete > 0 {
        return listed(found.into_iter().take(complete));
    }
    let meant = entries().filter(|entry| {
        let meaning = category::in_words(&entry.category).unwrap_or_default();
        words.iter().all(|word| words::stand_in(meaning, word))
    });
    let meant = listed(meant);
    if meant.found {
        return meant;
    }
    let of_them = if found.is_empty() { "any" } else { "all" };
    let lead = vec![format!("No phrase or cause of the catalogue has {of_them} of these words.")];
    found.truncate(MOST_NEAREST);
    Answer { found: !found.is_empty(), lead, nearest: found, ..Answer::default() }
}

fn listed<'c>(entries: impl IntoIterator<Item = &'c Entry>) -> Answer<'c> {
    let causes: Vec<_> = entries.into_iter().map(Told::Listed).collect();
    Answer { found: !causes.is_empty(), causes, ..Answer::default() }
}

/// What counting makes of a failed call with these codes, which no row has.
fn as_counted(catalogue: &Catalogue, codes: CodePair) -> Told<'_> {
    let verdict = catalogue.of_failed(codes);
    Told::Outside { heading: String::new(), cause: verdict.cause, outcome: verdict.outcome, codes }
}

/// The entries that have a distance, nearest first.
fn nearest<D: Ord>(catalogue: &Catalogue, distance: impl Fn(&Entry) -> Option<D>) -> Vec<&Entry> {
    let entries = catalogue.entries().iter();
    let mut near: Vec<_> = entries.filter_map(|entry| Some((distance(entry)?, entry))).collect();
    near.sort_by(|(left, _), (right, _)| left.cmp(right));
    near.into_iter().map(|(_, entry)| entry).take(MOST_NEAREST).collect()
}

/// Whether two Microsoft codes belong to one range. Below 1000 there are no ranges.
fn same_thousand(left: u64, right: u64) -> bool {
    left / 1000 == right / 1000 && (left >= 1000 || left == right)
}

/// How many of the words the entry's codes, cause and phrase have.
fn words_in(entry: &Entry, words: &[&str]) -> usize {
    let Entry { microsoft_code, sip_code, cause, phrase, .. } = entry;
    let all = format!("{microsoft_code}/{sip_code} {cause} {phrase}");
    words.iter().filter(|word| words::stand_in(&all, word)).count()
}

/// A SIP code with its reason phrase and class.
pub fn sip_meaning(code: u16) -> String {
    // An end of a call that is no failure is no refusal either.
    let ended = sip::standard(code).and_then(|standard| match standard.outcome {
        Outcome::Busy => Some("the called side was busy"),
        Outcome::NoAnswer => Some("nobody answered, or nobody could be reached"),
        Outcome::Cancelled => Some("the caller hung up before the answer"),
        Outcome::Declined => Some("the called side declined"),
        Outcome::Answered | Outcome::Elsewhere | Outcome::Failed => None,
    });
    match sip::reason(code) {
        Some(reason) => format!("{code} {reason}: {}", ended.unwrap_or_else(|| sip::class(code))),
        None if code == 0 => format!("0: {}", sip::class(code)),
        None => format!("{code}, not registered: {}", sip::class(code)),
    }
}
