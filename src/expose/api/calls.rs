//! Calls of the history, added up: by outcome with the usual ratios, by cause and trunk, by hour.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{HOURS, minute_text, window};
use crate::call::{CodePair, Outcome, UnixMillis};
use crate::classify::Catalogue;
use crate::ledger::history::{Minute, Series};
use crate::ledger::snapshot::Snapshot;

/// So many causes are told.
const MOST_CAUSES: usize = 20;

/// How calls ended in some hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calls {
    pub hours: u32,
    pub from: String,
    pub to: String,
    pub calls: u64,
    /// By the label `outcome`, all of them.
    pub outcomes: BTreeMap<String, u64>,
    /// answered / (all - elsewhere); `None` without calls.
    pub asr: Option<f64>,
    /// (answered + busy + no_answer + declined + cancelled) / (all - elsewhere); `None` without calls.
    pub ner: Option<f64>,
}

/// Failed calls of one cause on one trunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedCalls {
    pub cause: String,
    #[serde(with = "crate::findings::microsoft_code")]
    pub microsoft_code: Option<u64>,
    pub sip_code: Option<u16>,
    pub trunk: String,
    pub calls: u64,
    /// Of all failed calls in that time.
    pub share: f64,
    /// All calls of the trunk in that time, but those that another leg took.
    pub attempts: u64,
    pub category: String,
    pub side: Option<String>,
    /// Who that is, in words.
    pub who: Option<String>,
    pub remedy: String,
    /// Calls by hour, the oldest first.
    pub by_hour: Vec<u64>,
}

impl FailedCalls {
    /// The code pair.
    pub fn codes(&self) -> CodePair {
        CodePair { microsoft: self.microsoft_code, sip: self.sip_code }
    }
}

/// The outcomes of the last hour, the last day and all of the history, up to the newest call.
pub fn by_span(snapshot: &Snapshot, now: UnixMillis) -> Vec<Calls> {
    let Some(kept) = snapshot.history.span() else { return Vec::new() };
    let mut spans = vec![window(snapshot, 1, now), window(snapshot, HOURS, now)];
    spans.retain(|span| span.start > kept.start);
    let end = window(snapshot, 0, now).end;
    spans.push(kept.start.min(end)..end);
    spans.iter().map(|span| in_span(snapshot, span)).collect()
}

fn in_span(snapshot: &Snapshot, span: &Range<Minute>) -> Calls {
    let mut outcomes = Outcome::ALL.map(|_| 0_u64);
    snapshot.history.each(span.clone(), |_, series, calls| {
        outcomes[series.outcome as usize] += u64::from(calls);
    });
    let all: u64 = outcomes.iter().sum();
    let [elsewhere, failed, answered] =
        [Outcome::Elsewhere, Outcome::Failed, Outcome::Answered].map(|outcome| outcomes[outcome as usize]);
    let attempts = all - elsewhere;
    let share = |count: u64| (attempts > 0).then(|| count as f64 / attempts as f64);
    Calls {
        hours: (span.end - span.start).div_ceil(60),
        from: minute_text(span.start),
        to: minute_text(span.end),
        calls: all,
        outcomes: Outcome::ALL.map(|outcome| (outcome.label().to_owned(), outcomes[outcome as usize])).into(),
        asr: share(answered),
        ner: share(attempts - failed),
    }
}

/// The most frequent causes by trunk.
pub fn failed(snapshot: &Snapshot, span: &Range<Minute>) -> Vec<FailedCalls> {
    type Key = (Arc<str>, CodePair, Arc<str>);
    let hours = (span.end - span.start).div_ceil(60) as usize;
    let mut found = BTreeMap::<Key, Vec<u64>>::new();
    let mut attempts = BTreeMap::<Arc<str>, u64>::new();
    snapshot.history.each(span.clone(), |minute, series, calls| {
        let Series { route, outcome, cause, codes } = series;
        if *outcome != Outcome::Elsewhere {
            *attempts.entry(Arc::clone(&route.trunk)).or_default() += u64::from(calls);
        }
        if *outcome == Outcome::Failed {
            let key = (Arc::clone(cause), *codes, Arc::clone(&route.trunk));
            let by_hour = found.entry(key).or_insert_with(|| vec![0; hours]);
            by_hour[(minute - span.start) as usize / 60] += u64::from(calls);
        }
    });
    let all: u64 = found.values().flatten().sum();
    let mut found: Vec<(u64, Key, Vec<u64>)> =
        found.into_iter().map(|(key, by_hour)| (by_hour.iter().sum(), key, by_hour)).collect();
    found.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    found.truncate(MOST_CAUSES);
    let told = |(calls, (cause, codes, trunk), by_hour): (u64, Key, Vec<u64>)| {
        let attempts = attempts.get(&trunk).copied().unwrap_or_default();
        let failed = FailedCalls {
            trunk: trunk.to_string(),
            calls,
            attempts,
            by_hour,
            ..about(&cause, codes, &snapshot.catalogue)
        };
        FailedCalls { share: calls as f64 / all as f64, ..failed }
    };
    found.into_iter().map(told).collect()
}

/// What is known of a cause, without its calls.
pub fn about(cause: &str, codes: CodePair, catalogue: &Catalogue) -> FailedCalls {
    let about = catalogue.about(cause, codes);
    FailedCalls {
        cause: cause.to_owned(),
        microsoft_code: codes.microsoft,
        sip_code: codes.sip,
        trunk: String::new(),
        calls: 0,
        share: 0.0,
        attempts: 0,
        category: about.category().to_owned(),
        side: about.side().map(|side| side.label().to_owned()),
        who: about.side().map(|side| side.explanation().to_owned()),
        remedy: about.remedy().to_owned(),
        by_hour: Vec::new(),
    }
}

/// The failed calls of one code pair.
#[derive(Debug, Default)]
pub struct OfPair {
    /// Names of the causes that were counted with it.
    pub causes: BTreeMap<Arc<str>, u64>,
    /// By hour, the oldest first.
    pub by_hour: Vec<u64>,
    /// By trunk and direction: failed so, and all calls there but those that another leg took.
    pub trunks: BTreeMap<(Arc<str>, crate::call::Direction), [u64; 2]>,
}

/// The failed calls of a code pair in some minutes.
pub fn of_pair(snapshot: &Snapshot, codes: CodePair, span: &Range<Minute>) -> OfPair {
    let mut found =
        OfPair { by_hour: vec![0; (span.end - span.start).div_ceil(60) as usize], ..OfPair::default() };
    snapshot.history.each(span.clone(), |minute, series, calls| {
        let calls = u64::from(calls);
        let here = found.trunks.entry((Arc::clone(&series.route.trunk), series.route.direction)).or_default();
        here[1] += if series.outcome == Outcome::Elsewhere { 0 } else { calls };
        if series.outcome == Outcome::Failed && series.codes == codes {
            here[0] += calls;
            *found.causes.entry(Arc::clone(&series.cause)).or_default() += calls;
            found.by_hour[(minute - span.start) as usize / 60] += calls;
        }
    });
    found.trunks.retain(|_, [failed, _]| *failed > 0);
    found
}
