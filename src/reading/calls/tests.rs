//! That calls taken away leave what the others are by themselves, and that a batch goes on where the one before it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::call::{Codes, Country, Direction, Kind, UnreadField};
use crate::format::graph;
use crate::format::trunk::HIDDEN;
use crate::reading::histogram::Histogram;
use crate::reading::observations::Observations;
use crate::reading::sums::{DURATION_SECONDS, SETUP_SECONDS};
use crate::reading::{Batch, Found, Records};

const NOW: UnixMillis = UnixMillis(1_793_491_200_000);

/// What a ledger takes of sums, in a form that can be compared.
fn picture(sums: &Sums) -> String {
    let histogram = |it: Histogram| {
        let it = Some(it).filter(|it| it.count() > 0)?;
        let native = it.native.counts.iter().zip(it.native.first..).filter(|(count, _)| **count > 0);
        Some((it.buckets.clone(), it.sum, it.native.zero, native.map(|(n, at)| (*n, at)).collect::<Vec<_>>()))
    };
    let by_label_set: Vec<_> = (sums.by_label_set.iter().enumerate())
        .filter(|(_, sum)| sum.count > 0)
        .map(|(place, sum)| {
            let mut minutes = BTreeMap::new();
            for MinuteCalls { minute, calls, .. } in
                sums.minutes.iter().filter(|it| it.labels as usize == place)
            {
                *minutes.entry(minute).or_default() += calls;
            }
            minutes.retain(|_, calls: &mut i32| *calls > 0);
            (place, sum.count, sum.seen, minutes)
        })
        .collect();
    let observed = |of: &Observations, bounds, route| {
        let mut all = Histogram::new(bounds);
        of.add_to(route, &mut all);
        histogram(all)
    };
    let by_route: Vec<_> = (0..4)
        .map(|route| {
            let durations = observed(&sums.durations, DURATION_SECONDS, route);
            (durations, observed(&sums.setups, SETUP_SECONDS, route))
        })
        .collect();
    let countries: BTreeMap<_, _> = sums.tallies.countries.iter().collect();
    let (ages, kinds) = (histogram(sums.ages.clone()), sums.tallies.kinds);
    let rest = (sums.records, sums.newest, sums.unread, sums.unread_time);
    format!("{by_label_set:?} {by_route:?} {ages:?} {kinds:?} {countries:?} {rest:?}")
}

fn some_calls(random: &mut fastrand::Rng) -> Calls {
    let mut calls = Calls::default();
    for place in 0..12_usize {
        calls.add_label_set(Arc::new(LabelSet {
            trunk: ["a", "b"][place % 2].into(),
            direction: Direction::Inbound,
            outcome: Outcome::ALL[place % 4],
            arrival: Arrival::Late,
            cause: place.to_string().into(),
            codes: Default::default(),
        }));
    }
    for id in 0..random.u128(..80) {
        let labels = random.u32(..12);
        let mut unread = Unread::default();
        if random.u8(..5) == 0 {
            unread.add(UnreadField::ALL[random.usize(..UnreadField::ALL.len())]);
        }
        let detail = Detail {
            setup_millis: random.bool().then(|| random.u32(..90_000)),
            kind: Kind::ALL[random.usize(..Kind::ALL.len())],
            country: Country::of_code([b"US", b"DE", b"FR"][random.usize(..3)]),
            more: if random.u8(..9) == 0 { 3 } else { 0 },
        };
        let counted = Counted {
            id: RecordId(id),
            ended_at: (random.u8(..9) > 0).then(|| UnixMillis(NOW.0 - random.i64(..600_000))),
            duration_seconds: random.bool().then(|| random.u32(..4000)),
            detail,
            labels,
            route: calls.routes[labels as usize],
        };
        calls.note_unread(unread, true);
        let outcome = calls.label_sets[labels as usize].outcome;
        calls.fold(counted, outcome, age(counted.ended_at, NOW), true);
    }
    calls
}

#[test]
fn new_calls_count_as_if_they_were_the_only_ones() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..500 {
        let calls = some_calls(&mut random);
        let share = random.u8(..=10);
        let new: Vec<bool> = calls.ids().map(|_| random.u8(..10) < share).collect();
        assert_eq!(picture(&calls.only(&new, NOW)), picture(&calls.folded(&new, true, NOW)), "{new:?}");
    }
}

const HOW: HowRead = HowRead { format: &graph::FORMAT, live_within: Duration::ZERO, ignored_are: None };

fn call(trunk: &str) -> Call<'_> {
    Call {
        record_id: RecordId(1),
        trunk: trunk.into(),
        direction: Direction::Inbound,
        succeeded: Some(true),
        codes: Codes::default(),
        ended_at: None,
        duration_seconds: None,
        attempt: Attempt::Only,
        unread: Unread::default(),
        detail: Detail::default(),
    }
}

#[test]
fn all_calls_of_a_batch_are_as_old_as_when_it_was_begun() {
    let mut batch = Batch::default();
    for later in [0, 5_000, 3_600_000] {
        let calls = [Call { ended_at: Some(NOW), ..call("sbc1.contoso.com") }];
        let context = Context { remembers: true, ..Context::of_counts(UnixMillis(NOW.0 + later)) };
        let found = Found::Calls { calls: &calls, positions: &[0] };
        batch.add(&found, HOW, &Records::default(), &context);
    }
    let begun = batch.now.unwrap();
    let left = batch.calls.only(&[true, false, true], begun);
    assert_eq!(picture(&left), picture(&batch.calls.folded(&[true, false, true], true, begun)));
}

#[test]
fn the_next_batch_goes_on_with_the_same_label_sets() {
    let trunks = |calls: &Calls| calls.trunks().map(str::to_owned).collect::<Vec<_>>();
    let add = |calls: &mut Calls, trunk, only: Option<&str>| {
        let only = only.map(|only| Arc::new(Only::of([only]).unwrap()));
        let context = Context { trunks: only.clone(), ..Context::of_counts(NOW) };
        calls.follow(HOW.format, only.as_ref());
        calls.add(&call(trunk), HOW, NOW, &context);
    };
    let mut calls = Calls::default();
    add(&mut calls, "sbc1.contoso.com", None);
    add(&mut calls, "sbc2.contoso.com", None);
    let mut next = calls.successor();
    assert_eq!(next.bytes(), 0, "what was made before fills no batch");
    add(&mut next, "sbc2.contoso.com", None);
    add(&mut next, "sbc2.contoso.com", None);
    assert_eq!((trunks(&next), next.all().records), (vec!["sbc2.contoso.com".to_owned()], 2));
    assert!(Arc::ptr_eq(&next.label_sets[0], &calls.label_sets[1]));
    let mut last = next.successor();
    add(&mut last, "sbc2.contoso.com", Some("sbc1.contoso.com"));
    assert_eq!(trunks(&last), [HIDDEN], "another config shows other trunks");
}
