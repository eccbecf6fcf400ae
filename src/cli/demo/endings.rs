//! The ways in which made-up calls end: every row of the catalogue and two codes that are in none, dealt by how
//! often they come.

use std::sync::Arc;

use fastrand::Rng;

use crate::call::{Direction, Outcome};
use crate::classify::{Catalogue, Entry};

/// How many of a thousand everyday calls end so.
const PER_THOUSAND: [(Outcome, u16); Outcome::ALL.len()] = [
    (Outcome::Answered, 930),
    (Outcome::NoAnswer, 16),
    (Outcome::Busy, 14),
    (Outcome::Cancelled, 12),
    (Outcome::Declined, 4),
    (Outcome::Elsewhere, 4),
    (Outcome::Failed, 20),
];

/// The failures of everyday traffic: Microsoft code, SIP code, weight. What someone is called for at once, an expired
/// certificate say, is not among them.
const EVERYDAY_FAILURES: [(u64, u16, usize); 21] = [
    (560_404, 404, 18),
    (10_037, 480, 12),
    (560_403, 403, 10),
    (560_484, 484, 8),
    (560_408, 408, 8),
    (560_503, 503, 8),
    (560_500, 500, 6),
    (511_404, 404, 5),
    (531_004, 410, 4),
    (500_001, 408, 4),
    (10_191, 480, 4),
    (510_563, 403, 4),
    (510_403, 403, 3),
    (531_005, 410, 3),
    (10_057, 408, 3),
    (560_502, 502, 3),
    (540_400, 400, 2),
    (531_000, 410, 2),
    (510_412, 412, 2),
    (10_202, 404, 2),
    (1_106, 408, 1),
];

/// How calls fail in a spike: IceConnectivityChecksFailed.
const SPIKE: (u64, u16) = (531_004, 410);

/// One way to end.
#[derive(Debug)]
pub struct Ending {
    pub microsoft_code: u64,
    pub sip_code: u16,
    /// The phrase as a JSON string, with its quotes.
    pub json_phrase: String,
    /// The phrase as a CSV field, in quotes where RFC 4180 wants them.
    pub csv_phrase: String,
    /// The value of the `cause` label, for a failure.
    pub cause: Arc<str>,
    pub outcome: Outcome,
    /// The only direction in which calls end so, if there is one.
    direction: Option<Direction>,
}

/// All of them.
#[derive(Debug)]
pub struct Endings {
    all: Vec<Ending>,
    /// By direction, then outcome: places in `all`, each as often as its weight says.
    decks: [[Vec<usize>; Outcome::ALL.len()]; 2],
    spike: usize,
}

impl Endings {
    pub fn new() -> Self {
        let catalogue = Catalogue::built_in();
        let listed = catalogue.entries().iter().filter(|entry| !is_of_others(entry)).map(|entry| {
            let phrase = if entry.phrase.is_empty() { "A phrase of its own" } else { &entry.phrase };
            Ending::new(entry.microsoft_code, entry.sip_code, phrase, &entry.cause, entry.outcome)
        });
        let unlisted = [
            Ending::new(560_502, 502, "Bad Gateway", "SBC refused: Bad Gateway", Outcome::Failed),
            Ending::new(590_001, 500, "Not in the catalogue", "Unlisted", Outcome::Failed),
        ];
        let all: Vec<Ending> = listed.chain(unlisted).collect();
        let decks = [Direction::Inbound, Direction::Outbound]
            .map(|direction| Outcome::ALL.map(|outcome| deck(&all, direction, outcome)));
        let spike = all.iter().position(|ending| (ending.microsoft_code, ending.sip_code) == SPIKE);
        Self { all, decks, spike: spike.unwrap_or_default() }
    }

    /// Every ending, by place.
    pub fn all(&self) -> &[Ending] {
        &self.all
    }

    /// The place of the ending that comes in spikes.
    pub fn spike(&self) -> usize {
        self.spike
    }

    /// Deals the place of an everyday ending.
    pub fn everyday(&self, direction: Direction, random: &mut Rng) -> usize {
        let mut number = random.u16(..1000);
        let is_drawn = |(_, share): &&(Outcome, u16)| {
            let drawn = number < *share;
            number = number.saturating_sub(*share);
            drawn
        };
        let outcome = PER_THOUSAND.iter().find(is_drawn).map_or(Outcome::Answered, |(outcome, _)| *outcome);
        let deck = &self.decks[direction as usize][outcome as usize];
        deck[random.usize(..deck.len())]
    }
}

impl Ending {
    fn new(microsoft_code: u64, sip_code: u16, phrase: &str, cause: &str, outcome: Outcome) -> Self {
        let csv_phrase = match phrase.contains([',', '"', '\r', '\n']) {
            true => format!("\"{}\"", phrase.replace('"', "\"\"")),
            false => phrase.to_owned(),
        };
        Self {
            microsoft_code,
            sip_code,
            json_phrase: serde_json::Value::from(phrase).to_string(),
            csv_phrase,
            cause: cause.into(),
            outcome,
            direction: only_direction(microsoft_code, phrase),
        }
    }

    /// Whether calls of this direction may end so.
    pub fn fits(&self, direction: Direction) -> bool {
        self.direction.is_none_or(|only| only == direction)
    }

    fn weight(&self) -> usize {
        if self.outcome != Outcome::Failed {
            return 1;
        }
        let listed = EVERYDAY_FAILURES
            .iter()
            .find(|(microsoft, sip, _)| (self.microsoft_code, self.sip_code) == (*microsoft, *sip));
        listed.map_or(0, |(_, _, weight)| *weight)
    }
}

fn deck(all: &[Ending], direction: Direction, outcome: Outcome) -> Vec<usize> {
    let fitting =
        all.iter().enumerate().filter(|(_, ending)| ending.outcome == outcome && ending.fits(direction));
    fitting.flat_map(|(place, ending)| std::iter::repeat_n(place, ending.weight())).collect()
}

/// Azure Communication Services documents 54xxxx for the inbound leg and 56xxxx for the outbound one; other phrases
/// name theirs.
fn only_direction(microsoft_code: u64, phrase: &str) -> Option<Direction> {
    match microsoft_code {
        540_000..=549_999 => Some(Direction::Inbound),
        560_000..=569_999 => Some(Direction::Outbound),
        _ if phrase.contains("Inbound") => Some(Direction::Inbound),
        _ if phrase.contains("Outbound") || phrase.contains("dial out") => Some(Direction::Outbound),
        _ => None,
    }
}

/// Whether calls of bots, browsers and meetings end so, but none of Direct Routing.
fn is_of_others(entry: &Entry) -> bool {
    matches!(entry.microsoft_code, 7 | 1005 | 3100..=9999 | 10_009 | 10_550 | 18_503)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_a_thousand() {
        assert_eq!(PER_THOUSAND.iter().map(|(_, share)| share).sum::<u16>(), 1000);
    }

    #[test]
    fn every_outcome_can_be_dealt_in_both_directions() {
        for decks in Endings::new().decks {
            for (outcome, deck) in Outcome::ALL.iter().zip(decks) {
                assert!(!deck.is_empty(), "{outcome}");
            }
        }
    }

    #[test]
    fn every_weighted_pair_is_an_ending() {
        let endings = Endings::new();
        for (microsoft, sip, _) in EVERYDAY_FAILURES {
            let is_pair = |ending: &Ending| (ending.microsoft_code, ending.sip_code) == (microsoft, sip);
            assert!(endings.all.iter().any(is_pair), "{microsoft}/{sip}");
        }
        assert_eq!(&*endings.all[endings.spike].cause, "IceConnectivityChecksFailed");
    }
}
