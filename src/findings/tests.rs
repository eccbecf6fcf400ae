//! Made-up days with the sentences expected: what is there is named, and nothing on a quiet day.

use fastrand::Rng;
use jiff::tz::TimeZone;

use super::*;

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

const ALL: &[usize] = &[0, 1, 2, 3];
const INBOUND: &[Direction] = &[Direction::Inbound];

/// A day's name, its calls, and what is to be said of it.
type Day = (&'static str, fn(u64) -> Made, &'static [&'static str]);

const DAYS: &[Day] = &[
    (
        "a burst on one trunk",
        |seed| Made::new(seed).calls(0, 24, 30.0, &[fault(845, 890, &[1], MEDIA, 0.8)]),
        &[
            "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com: 46 of 55 calls on 2026-11-20 from 14:05 to 14:50 UTC; before that 5 of 763 in 14 hours.",
        ],
    ),
    (
        "a burst in one direction",
        |seed| {
            let burst = Fault { directions: INBOUND, ..fault(845, 890, &[1], MEDIA, 0.9) };
            Made::new(seed).calls(0, 24, 60.0, &[burst])
        },
        &[
            "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com, inbound: 59 of 65 calls on 2026-11-20 from 14:05 to 14:50 UTC; before that 2 of 736 in 14 hours.",
        ],
    ),
    (
        "a burst on all trunks",
        |seed| Made::new(seed).calls(0, 24, 30.0, &[fault(600, 660, ALL, REFUSED, 0.3)]),
        &[
            "Refused by the SBC (Forbidden; Call rejected 560403/403) on 4 trunks: 103 of 362 calls on 2026-11-20 from 10:00 to 11:00 UTC; before that 4 of 1,378 in 10 hours.",
        ],
    ),
    (
        "a slow rise",
        |seed| {
            let rise = [(12, 0.02), (14, 0.04), (16, 0.06), (18, 0.08), (20, 0.1), (22, 0.12)];
            let steps = rise.map(|(hour, share)| fault(hour * 60, hour * 60 + 120, &[0], NUMBER, share));
            Made::new(seed).calls(0, 24, 60.0, &steps)
        },
        &[
            "Getting user info by number failed 510302/404 on sbc1.contoso.com: 84 of 1,446 calls since 2026-11-20 12:00 UTC; before that 2 of 1,011 in 12 hours.",
        ],
    ),
    (
        "a certificate ends",
        |seed| Made::new(seed).calls(0, 24, 20.0, &[fault(600, 1440, &[2], CERTIFICATE, 1.0)]),
        &[
            "Certificate or TLS (INVITE not delivered: certificate expired 569008/504) on sbc3.contoso.com: all 667 calls since 2026-11-20 10:00 UTC; before that none of 238 in 10 hours.",
        ],
    ),
    (
        "a new cause",
        |seed| {
            let mut made = Made::new(seed).calls(0, 72, 10.0, &[]);
            for minute in [3500, 3720, 3990, 4050, 4222, 4300] {
                made.add(minute, TRUNKS[3], Direction::Outbound, Some(CERTIFICATE));
            }
            made
        },
        &[
            "New: certificate or TLS (INVITE not delivered: certificate expired 569008/504) on sbc4.contoso.com: 6 calls since 2026-11-22 10:20 UTC; before that none of 3,872 in 2 days.",
        ],
    ),
    (
        "a trunk that differs",
        |seed| Made::new(seed).calls(0, 24, 10.0, &[fault(0, 1440, &[2], REFUSED, 0.1)]),
        &[
            "Calls on sbc3.contoso.com fail more often: 47 of 428 calls (11 %) against 14 of 1,267 on the other 3 trunks; most of them refused by the SBC (Forbidden; Call rejected 560403/403), 46 calls.",
        ],
    ),
    (
        "everything fails, all day",
        |seed| Made::new(seed).calls(0, 24, 10.0, &[fault(0, 1440, ALL, CERTIFICATE, 0.9)]),
        &[
            "Calls on 4 trunks fail all the time: 1,522 of 1,693 calls (90 %); most of them certificate or TLS (INVITE not delivered: certificate expired 569008/504), 1,520 calls.",
        ],
    ),
    (
        "a holiday",
        |seed| {
            let mut made = Made::new(seed).calls(0, 72, 40.0, &[]).calls(72, 96, 3.0, &[]);
            made = made.calls(96, 120, 40.0, &[]);
            made
        },
        &[],
    ),
    (
        "one call an hour, and none comes through from the afternoon on",
        |seed| {
            let mut made = Made::new(seed);
            for hour in 0..24 {
                let failed = (hour >= 14).then_some(CERTIFICATE);
                made.add(hour * HOUR + 20, TRUNKS[0], Direction::Inbound, failed);
            }
            made
        },
        &[
            "New: certificate or TLS (INVITE not delivered: certificate expired 569008/504) on sbc1.contoso.com: all 10 calls since 2026-11-20 14:20 UTC; before that none of 14 in 14 hours.",
        ],
    ),
    (
        "one call an hour, of which two fail",
        |seed| {
            let mut made = Made::new(seed);
            for hour in 0..24 {
                let failed = matches!(hour, 9 | 10).then_some(REFUSED);
                made.add(hour * HOUR + 20, TRUNKS[0], Direction::Inbound, failed);
            }
            made
        },
        &[],
    ),
    (
        "two faults at once",
        |seed| {
            let faults = [fault(845, 890, &[1], MEDIA, 0.8), fault(840, 960, &[0, 2, 3], REFUSED, 0.25)];
            Made::new(seed).calls(0, 24, 60.0, &faults)
        },
        &[
            "Refused by the SBC (Forbidden; Call rejected 560403/403) on 3 trunks: 267 of 1,444 calls on 2026-11-20 from 14:00 to 16:00 UTC; before that 23 of 5,730 in 14 hours.",
            "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com: 95 of 114 calls on 2026-11-20 from 14:05 to 14:50 UTC; before that 7 of 1,445 in 14 hours.",
        ],
    ),
];

#[test]
fn days_are_told_in_sentences() {
    let said: Vec<(&str, Vec<String>)> = DAYS.iter().map(|(name, made, _)| (*name, made(7).says())).collect();
    for ((name, said), (_, _, expected)) in said.iter().zip(DAYS) {
        assert_eq!(said, expected, "{name}; all of them: {said:#?}");
    }
}
