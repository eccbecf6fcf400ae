//! Made-up days with the sentences expected: what is there is named, and nothing on a quiet day.

use fastrand::Rng;
use jiff::tz::TimeZone;

use super::*;

mod days;

/// 2026-11-20T00:00Z, a Friday.
const MIDNIGHT: i64 = 29_918_880;
const HOUR: i64 = 60;
const TRUNKS: [&str; 4] = ["sbc1.contoso.com", "sbc2.contoso.com", "sbc3.contoso.com", "sbc4.contoso.com"];
const DIRECTIONS: [Direction; 2] = [Direction::Inbound, Direction::Outbound];

type Code = (&'static str, u64, u16);
const MEDIA: Code = ("IceConnectivityChecksFailed", 531_004, 410);
const REFUSED: Code = ("Forbidden; Call rejected", 560_403, 403);
const CERTIFICATE: Code = ("INVITE not delivered: certificate expired", 569_008, 504);
const NUMBER: Code = ("Getting user info by number failed", 510_302, 404);

/// Made-up calls: what is usual, and faults on top.
struct Made {
    tallies: Tallies,
    random: Rng,
}

/// A fault: between two minutes, so much of what calls there are fails.
struct Fault {
    from: i64,
    to: i64,
    trunks: &'static [usize],
    directions: &'static [Direction],
    code: Code,
    share: f64,
}

impl Made {
    /// Nothing yet.
    fn new(seed: u64) -> Self {
        Self { tallies: Tallies::default(), random: Rng::with_seed(seed) }
    }

    /// Calls between two hours, so many an hour for each trunk and direction, of which 1 % fails, of three causes.
    fn calls(mut self, from: i64, to: i64, an_hour: f64, faults: &[Fault]) -> Self {
        for minute in from * HOUR..to * HOUR {
            for (place, trunk) in TRUNKS.iter().enumerate() {
                for direction in DIRECTIONS {
                    let here = faults.iter().find(|fault| {
                        (fault.from..fault.to).contains(&minute)
                            && fault.trunks.contains(&place)
                            && fault.directions.contains(&direction)
                    });
                    for _ in 0..self.some(an_hour * busy(minute) / 60.0) {
                        self.call(minute, trunk, direction, here);
                    }
                }
            }
        }
        self
    }

    /// A number of calls that is this in the mean: rounded up as often as it takes.
    fn some(&mut self, mean: f64) -> u64 {
        // The sum of many small chances is as good as Poisson's.
        (0..20).filter(|_| self.random.f64() < mean / 20.0).count() as u64
    }

    fn call(&mut self, minute: i64, trunk: &str, direction: Direction, fault: Option<&Fault>) {
        let chance = self.random.f64();
        let failed = match fault {
            Some(fault) if self.random.f64() < fault.share => Some(fault.code),
            _ if chance < 0.004 => Some(MEDIA),
            _ if chance < 0.008 => Some(REFUSED),
            _ if chance < 0.010 => Some(NUMBER),
            _ => None,
        };
        self.add(minute, trunk, direction, failed);
    }

    fn add(&mut self, minute: i64, trunk: &str, direction: Direction, failed: Option<Code>) {
        let (cause, codes) = match failed {
            Some((cause, microsoft, sip)) => (cause, CodePair { microsoft: Some(microsoft), sip: Some(sip) }),
            None => ("", CodePair::default()),
        };
        let outcome = if failed.is_some() { Outcome::Failed } else { Outcome::Answered };
        self.tallies.add(Tally {
            minute: MIDNIGHT + minute,
            trunk,
            direction,
            outcome,
            cause,
            codes,
            calls: 1,
        });
    }

    /// Each sentence.
    fn says(&self) -> Vec<String> {
        let findings = self.tallies.findings(&Catalogue::built_in());
        findings.findings.iter().map(|finding| finding.sentence(&TimeZone::UTC)).collect()
    }
}

/// More calls by day than by night.
fn busy(minute: i64) -> f64 {
    match minute.rem_euclid(1440) / HOUR {
        8..18 => 1.5,
        6..8 | 18..21 => 0.8,
        _ => 0.2,
    }
}

fn fault(from: i64, to: i64, trunks: &'static [usize], code: Code, share: f64) -> Fault {
    Fault { from, to, trunks, directions: &DIRECTIONS, code, share }
}

#[test]
fn quiet_days_name_nothing() {
    for (seed, an_hour) in (0..40).zip([1.0, 4.0, 30.0, 120.0].into_iter().cycle()) {
        let made = Made::new(seed).calls(0, 24, an_hour, &[]);
        assert_eq!(made.says(), Vec::<String>::new(), "seed {seed}, {an_hour} an hour");
    }
}

/// It begins with few failed calls in its first minute, which are of the same fault.
#[test]
fn a_fault_that_sets_in_within_a_minute_is_one() {
    let mut made = Made::new(1);
    for minute in 0..42 {
        let failed = match minute {
            40 => 23,
            41 => 181,
            _ => u64::from(minute % 2 == 0),
        };
        for call in 0..300 {
            made.add(minute, TRUNKS[1], DIRECTIONS[0], (call < failed).then_some(MEDIA));
        }
    }
    assert_eq!(
        made.says(),
        [
            "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com, inbound: 204 of 600 calls since 2026-11-20 00:40 UTC; before that 20 of 12,000 in 40 minutes."
        ]
    );
}

/// A burst over the hour that comes twice in Berlin, of which each time says which it is.
#[test]
fn a_burst_while_the_clock_is_set_back_is_as_long_as_it_was() {
    // 2026-10-25T00:00Z is 26 days before.
    const CHANGE: i64 = 26 * 1440;
    let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
    let mut made = Made::new(1);
    for minute in 0..720 {
        let failed = (15..105).contains(&minute).then_some(MEDIA);
        made.add(minute - CHANGE, TRUNKS[1], DIRECTIONS[0], failed);
    }
    let findings = made.tallies.findings(&Catalogue::built_in()).findings;
    assert_eq!(
        findings[0].sentence(&berlin),
        "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com, inbound: all 90 calls on 2026-10-25 from \
         02:15 CEST to 02:45 CET; before that none of 15 in 15 minutes."
    );
}

/// Of a few calls nothing can be told but what they are.
#[test]
fn a_few_calls_are_not_said_to_be_a_quiet_day() {
    let mut made = Made::new(1);
    [600, 700, 900].into_iter().for_each(|minute| made.add(minute, TRUNKS[0], DIRECTIONS[0], Some(MEDIA)));
    let quiet = made.tallies.findings(&Catalogue::built_in()).quiet().expect("calls that failed");
    let begin = "These are too few calls to tell what stands out. Most frequent: no media path (IceConnectivityChecksFailed \
                 531004/410), 3 of 3 failed. What to do: Open UDP";
    assert!(quiet.starts_with(begin), "{quiet}");
}
