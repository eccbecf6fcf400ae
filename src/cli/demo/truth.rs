//! What a correct reader of made-up calls must show, and exports in which some rows come twice. Tests and benches
//! compare with it.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde::Serialize;

use super::traffic::{MadeUpCall, TRUNKS, Traffic};
use crate::call::{Direction, Outcome, UnixMillis};

/// The true counts, each call once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truth {
    pub calls: Vec<Calls>,
    pub failures: Vec<Failures>,
    /// Rows that came again.
    pub duplicates: u64,
}

/// Calls of one trunk, direction and outcome, named by their labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calls {
    pub trunk: &'static str,
    pub direction: &'static str,
    pub outcome: &'static str,
    pub count: u64,
}

/// Failed calls of one trunk, direction and cause, named by their labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failures {
    pub trunk: &'static str,
    pub direction: &'static str,
    pub cause: String,
    pub microsoft_code: u64,
    pub sip_code: u16,
    pub count: u64,
}

/// Varied calls of which some come again later, as in exports that overlap.
#[derive(Debug)]
pub struct Export {
    pub traffic: Traffic,
    random: Rng,
    duplicate_percent: f64,
    recent: Vec<MadeUpCall>,
    duplicates: u64,
}

/// How many calls may come again at a time; a row then comes again about so many rows later.
const RECENT: usize = 10_000;

impl Export {
    /// An export in which so many rows of a hundred are duplicates.
    pub fn new(seed: u64, start: UnixMillis, duplicate_percent: f64) -> Self {
        Self {
            traffic: Traffic::new(seed, start),
            random: Rng::with_seed(!seed),
            duplicate_percent,
            recent: Vec::with_capacity(RECENT),
            duplicates: 0,
        }
    }

    /// The next row's call: a new one, or one that was there before.
    pub fn next_call(&mut self, ended_at: UnixMillis) -> MadeUpCall {
        let comes_again = !self.recent.is_empty() && self.random.f64() * 100.0 < self.duplicate_percent;
        if comes_again {
            self.duplicates += 1;
            return self.recent[self.random.usize(..self.recent.len())];
        }
        let call = self.traffic.varied_call(ended_at);
        match self.recent.len() < RECENT {
            true => self.recent.push(call),
            false => self.recent[self.random.usize(..RECENT)] = call,
        }
        call
    }

    /// The truth about all calls so far.
    pub fn truth(&self) -> Truth {
        let (mut calls, mut failures) = (BTreeMap::new(), BTreeMap::new());
        for (ending, by_trunk) in self.traffic.counts() {
            let cause = (&*ending.cause, ending.microsoft_code, ending.sip_code);
            for (trunk, direction, count) in routes(by_trunk) {
                *calls.entry((trunk, direction, ending.outcome)).or_insert(0) += count;
                if ending.outcome == Outcome::Failed {
                    *failures.entry((trunk, direction, cause)).or_insert(0) += count;
                }
            }
        }
        let calls = calls.into_iter().map(|((trunk, direction, outcome), count)| Calls {
            trunk,
            direction,
            outcome: outcome.label(),
            count,
        });
        let failures =
            failures.into_iter().map(|((trunk, direction, (cause, microsoft_code, sip_code)), count)| {
                Failures { trunk, direction, cause: cause.to_owned(), microsoft_code, sip_code, count }
            });
        Truth { calls: calls.collect(), failures: failures.collect(), duplicates: self.duplicates }
    }
}

/// The labels of trunk and direction, with how many calls took that way, if any did.
fn routes(by_trunk: &[[u64; 2]; TRUNKS.len()]) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
    TRUNKS.iter().zip(by_trunk).flat_map(|(trunk, [inbound, outbound])| {
        let routes = [(Direction::Inbound, *inbound), (Direction::Outbound, *outbound)]
            .map(|(direction, count)| (trunk.fqdn, direction.label(), count));
        routes.into_iter().filter(|(_, _, count)| *count > 0)
    })
}
