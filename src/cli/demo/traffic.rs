//! Made-up calls over five trunks, the same for the same seed, and the truth about how they ended.

use fastrand::Rng;

use super::endings::{Ending, Endings};
use crate::call::{Direction, Outcome, UnixMillis};

/// A trunk that calls are made up for.
#[derive(Debug)]
pub struct Trunk {
    pub fqdn: &'static str,
    /// Per cent of all calls.
    share: u8,
    /// Where Microsoft handles media and signalling.
    pub regions: [&'static str; 2],
    pub media_bypass: bool,
}

/// The trunks, all fictional.
pub const TRUNKS: [Trunk; 5] = [
    Trunk { fqdn: "sbc1.contoso.com", share: 33, regions: ["USWE", "USWE"], media_bypass: true },
    Trunk { fqdn: "sbc2.contoso.com", share: 25, regions: ["USEA", "USWE"], media_bypass: true },
    Trunk { fqdn: "sbc3.contoso.com", share: 20, regions: ["EUNO", "EUNO"], media_bypass: false },
    Trunk { fqdn: "sbc4.contoso.com", share: 14, regions: ["EUWE", "EUNO"], media_bypass: false },
    Trunk { fqdn: "sbc5.contoso.com", share: 8, regions: ["APSE", "APSE"], media_bypass: false },
];

/// The trunk over which calls fail in a spike: sbc2.contoso.com.
pub const SPIKE_TRUNK: usize = 1;
/// Milliseconds from the start to the first spike: long enough for Prometheus to have seen calmer traffic.
pub const FIRST_SPIKE_AFTER: i64 = 90_000;
/// Milliseconds from the beginning of a spike to the next.
pub const SPIKE_EVERY: i64 = 240_000;
/// Milliseconds that a spike lasts.
pub const SPIKE_LASTS: i64 = 60_000;
/// Per cent of the trunk's calls that fail in a spike.
const SPIKE_SHARE: u8 = 60;

/// Of so many varied calls, one ends in the next of all ways there are.
const VARIED_EVERY: usize = 50;
/// Per cent of calls that are the transferred leg of an earlier one.
const TRANSFERRED: u8 = 3;
/// Per cent of calls without a user: bots and auto attendants.
const WITHOUT_USER: u8 = 4;
const USERS: usize = 200;
/// Area codes of the numbers outside.
const AREAS: [u16; 8] = [206, 212, 303, 312, 404, 425, 509, 617];

/// One call leg. A copy writes the same rows again.
#[derive(Debug, Clone, Copy)]
pub struct MadeUpCall {
    pub id: u128,
    pub correlation_id: u128,
    /// Place of the user, and the user's object id.
    pub user: Option<(usize, u128)>,
    pub trunk: usize,
    pub direction: Direction,
    /// Whether this is the leg to which a call was transferred; it has the correlation id of that call.
    pub transferred: bool,
    pub ending: usize,
    pub invited_at: UnixMillis,
    /// When the call was answered; when it ended, if it never was.
    pub started_at: UnixMillis,
    pub ended_at: UnixMillis,
    /// Area code of the number outside.
    pub area: u16,
}

/// Makes calls up and keeps count of them.
#[derive(Debug)]
pub struct Traffic {
    random: Rng,
    start: UnixMillis,
    endings: Endings,
    users: Vec<u128>,
    varied: usize,
    /// The correlation id of the last call that was not transferred.
    correlation_id: u128,
    /// By ending, then trunk, then direction.
    counts: Vec<[[u64; 2]; TRUNKS.len()]>,
}

impl Traffic {
    /// Traffic whose spikes are counted from `start`.
    pub fn new(seed: u64, start: UnixMillis) -> Self {
        let mut random = Rng::with_seed(seed);
        let endings = Endings::new();
        Self {
            users: (0..USERS).map(|_| random.u128(..)).collect(),
            varied: 0,
            correlation_id: random.u128(..),
            counts: vec![Default::default(); endings.all().len()],
            random,
            start,
            endings,
        }
    }

    /// An everyday call or, on the spike's trunk in its time, perhaps one of the spike.
    pub fn call(&mut self, ended_at: UnixMillis) -> MadeUpCall {
        self.call_where(spike_is_on(self.start, ended_at), ended_at)
    }

    /// The same, where a spike is on or not.
    pub fn call_where(&mut self, spike_is_on: bool, ended_at: UnixMillis) -> MadeUpCall {
        let trunk = self.trunk();
        let direction = self.direction();
        let fails = trunk == SPIKE_TRUNK && spike_is_on && self.random.u8(..100) < SPIKE_SHARE;
        let ending = match fails {
            true => self.endings.spike(),
            false => self.endings.everyday(direction, &mut self.random),
        };
        self.end(trunk, direction, ending, ended_at)
    }

    /// A call as from [`Traffic::call`], but every 50th ends in the next of all ways there are, so that some thousands
    /// show each of them.
    pub fn varied_call(&mut self, ended_at: UnixMillis) -> MadeUpCall {
        self.varied += 1;
        if !self.varied.is_multiple_of(VARIED_EVERY) {
            return self.call(ended_at);
        }
        let ending = self.varied / VARIED_EVERY % self.endings.all().len();
        let (trunk, drawn) = (self.trunk(), self.direction());
        let direction = match (drawn, self.endings.all()[ending].fits(drawn)) {
            (direction, true) => direction,
            (Direction::Inbound, false) => Direction::Outbound,
            (_, false) => Direction::Inbound,
        };
        self.end(trunk, direction, ending, ended_at)
    }

    /// How the call ended.
    pub fn ending(&self, call: &MadeUpCall) -> &Ending {
        &self.endings.all()[call.ending]
    }

    /// Every ending there is, each with how many calls ended so by trunk and direction (inbound, outbound).
    pub fn counts(&self) -> impl Iterator<Item = (&Ending, &[[u64; 2]; TRUNKS.len()])> {
        self.endings.all().iter().zip(&self.counts)
    }

    fn trunk(&mut self) -> usize {
        let mut number = self.random.u8(..100);
        let is_drawn = |trunk: &Trunk| {
            let drawn = number < trunk.share;
            number = number.saturating_sub(trunk.share);
            drawn
        };
        TRUNKS.iter().position(is_drawn).unwrap_or_default()
    }

    fn direction(&mut self) -> Direction {
        if self.random.u8(..100) < 55 { Direction::Inbound } else { Direction::Outbound }
    }

    fn end(&mut self, trunk: usize, direction: Direction, ending: usize, ended_at: UnixMillis) -> MadeUpCall {
        self.counts[ending][trunk][direction as usize] += 1;
        let random = &mut self.random;
        let transferred = direction == Direction::Outbound && random.u8(..100) < TRANSFERRED;
        if !transferred {
            self.correlation_id = random.u128(..);
        }
        let (ringing, talking) = lengths(self.endings.all()[ending].outcome, random);
        let user = random.usize(..USERS);
        MadeUpCall {
            id: random.u128(..),
            correlation_id: self.correlation_id,
            user: (random.u8(..100) >= WITHOUT_USER).then(|| (user, self.users[user])),
            trunk,
            direction,
            transferred,
            ending,
            invited_at: UnixMillis(ended_at.0 - talking - ringing),
            started_at: UnixMillis(ended_at.0 - talking),
            ended_at,
            area: AREAS[random.usize(..AREAS.len())],
        }
    }
}

/// Milliseconds from INVITE to the answer or failure, and from there to the end.
fn lengths(outcome: Outcome, random: &mut Rng) -> (i64, i64) {
    match outcome {
        Outcome::Answered => (random.i64(1_500..20_000), talking(random)),
        Outcome::NoAnswer => (random.i64(20_000..60_000), 0),
        Outcome::Busy | Outcome::Failed => (random.i64(100..8_000), 0),
        Outcome::Cancelled | Outcome::Declined | Outcome::Elsewhere => (random.i64(2_000..30_000), 0),
    }
}

/// Most talks are short, few are very long.
fn talking(random: &mut Rng) -> i64 {
    match random.u8(..20) {
        0..=7 => random.i64(3_000..60_000),
        8..=14 => random.i64(60_000..300_000),
        15..=18 => random.i64(300_000..1_200_000),
        _ => random.i64(1_200_000..7_000_000),
    }
}

/// Whether a spike is on at `at`, for traffic that began at `start`.
pub fn spike_is_on(start: UnixMillis, at: UnixMillis) -> bool {
    let since_first = at.0 - start.0 - FIRST_SPIKE_AFTER;
    since_first >= 0 && since_first % SPIKE_EVERY < SPIKE_LASTS
}

/// When the next spike after `at` begins, for traffic that began at `start`.
pub fn next_spike(start: UnixMillis, at: UnixMillis) -> UnixMillis {
    let since_first = at.0 - start.0 - FIRST_SPIKE_AFTER;
    let begun = if since_first < 0 { 0 } else { since_first / SPIKE_EVERY + 1 };
    UnixMillis(start.0 + FIRST_SPIKE_AFTER + begun * SPIKE_EVERY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis(1_795_305_600_000);

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(START.0 + seconds * 1000)
    }

    #[test]
    fn shares_are_per_cent() {
        assert_eq!(TRUNKS.iter().map(|trunk| trunk.share).sum::<u8>(), 100);
    }

    #[test]
    fn spikes_come_on_time() {
        for (seconds, is_on, next) in [
            (-3600, false, 90),
            (0, false, 90),
            (89, false, 90),
            (90, true, 330),
            (149, true, 330),
            (150, false, 330),
            (329, false, 330),
            (330, true, 570),
        ] {
            assert_eq!(spike_is_on(START, at(seconds)), is_on, "{seconds}");
            assert_eq!(next_spike(START, at(seconds)), at(next), "{seconds}");
        }
    }

    #[test]
    fn everyday_traffic_is_mostly_good() {
        let mut traffic = Traffic::new(1, START);
        for _ in 0..50_000 {
            traffic.call(START);
        }
        let count = |outcome: Outcome| -> u64 {
            let ended_so = traffic.counts().filter(|(ending, _)| ending.outcome == outcome);
            ended_so.flat_map(|(_, counts)| counts.as_flattened()).sum()
        };
        assert!((46_000..=47_000).contains(&count(Outcome::Answered)), "{}", count(Outcome::Answered));
        assert!((800..=1_200).contains(&count(Outcome::Failed)), "{}", count(Outcome::Failed));
    }

    #[test]
    fn a_spike_is_on_one_trunk() {
        let mut traffic = Traffic::new(2, START);
        for _ in 0..10_000 {
            traffic.call(at(100));
        }
        let (_, counts) = traffic
            .counts()
            .find(|(ending, _)| ending.microsoft_code == 531_004)
            .expect("the spike's ending");
        for (trunk, counts) in counts.iter().enumerate() {
            assert_eq!(counts.iter().sum::<u64>() > 1_000, trunk == SPIKE_TRUNK, "{trunk}: {counts:?}");
        }
    }

    #[test]
    fn some_thousands_of_varied_calls_end_in_every_way() {
        let mut traffic = Traffic::new(3, START);
        for _ in 0..6_000 {
            traffic.varied_call(START);
        }
        for (ending, counts) in traffic.counts() {
            assert!(counts.as_flattened().iter().sum::<u64>() > 0, "{}", ending.cause);
        }
    }
}
