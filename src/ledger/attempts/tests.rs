//! Which attempts wait, and which of them decides.

use super::*;

use crate::classify::Catalogue;
use crate::ledger::{Limits, SourceOptions};

const WITHIN: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_hours(24);

fn attempted(call: u128, attempt: Attempt, outcome: Outcome, sip: u16) -> Attempted {
    Attempted {
        id: RecordId(call),
        attempt,
        labels: Arc::new(LabelSet {
            trunk: "teams".into(),
            direction: Direction::Inbound,
            outcome,
            arrival: Arrival::Live,
            cause: "".into(),
            codes: CodePair { microsoft: None, sip: Some(sip) },
        }),
        ended_at: Some(UnixMillis(1000)),
        duration_seconds: None,
        unread: Unread::default(),
        correlation_id: None,
    }
}

fn codes(due: &[Attempted]) -> Vec<Option<u16>> {
    due.iter().map(|attempted| attempted.labels.codes.sip).collect()
}

#[test]
fn a_call_counts_by_the_attempt_that_decided_it() {
    use Attempt::{Branch, Final};
    for (attempts, expected) in [
        (vec![(Branch, 486)], 486),
        (vec![(Branch, 486), (Branch, 480)], 480),
        (vec![(Branch, 486), (Final, 503), (Branch, 480)], 503),
        (vec![(Final, 503), (Final, 504)], 504),
    ] {
        let mut calls = Attempts::new(true);
        for (number, (attempt, sip)) in attempts.iter().enumerate() {
            let added = calls.add(&attempted(1, *attempt, Outcome::Failed, *sip), UnixMillis(0));
            assert_eq!(added, if number == 0 { Added::Waits } else { Added::Joined });
        }
        assert!(calls.due(WITHIN, UnixMillis(9_999)).is_empty());
        assert_eq!(codes(&calls.due(WITHIN, UnixMillis(10_000))), [Some(expected)], "{attempts:?}");
        assert_eq!(calls.len(), 0);
    }
}

#[test]
fn the_later_attempt_decides_whichever_is_read_first() {
    let at = |millis, sip| {
        let attempted = attempted(1, Attempt::Branch, Outcome::Failed, sip);
        Attempted { ended_at: Some(UnixMillis(millis)), ..attempted }
    };
    let (first, last) = (at(1000, 503), at(5000, 486));
    for order in [[&first, &last], [&last, &first]] {
        let mut calls = Attempts::new(true);
        order.into_iter().for_each(|attempted| {
            calls.add(attempted, UnixMillis(0));
        });
        assert_eq!(codes(&calls.due(Duration::ZERO, UnixMillis(0))), [Some(486)]);
    }
}

#[test]
fn an_answer_decides_at_once() {
    let mut calls = Attempts::new(true);
    let answered = attempted(1, Attempt::Branch, Outcome::Answered, 200);
    assert_eq!(calls.add(&answered, UnixMillis(0)), Added::Decided { was_waiting: false });
    calls.add(&attempted(1, Attempt::Final, Outcome::Failed, 480), UnixMillis(1));
    assert_eq!(calls.add(&answered, UnixMillis(2)), Added::Decided { was_waiting: true });
    assert!(calls.due(Duration::ZERO, UnixMillis(3)).is_empty());
}

#[test]
fn what_waits_outlasts_a_restart() {
    let mut calls = Attempts::new(true);
    for (call, since) in [(u128::MAX, 2), (7, 3)] {
        calls.add(&attempted(call, Attempt::Final, Outcome::Failed, 500), UnixMillis(since));
    }
    let mut changes = Changes::default();
    calls.changes("sbc", &mut changes);
    let mut restored = Attempts::new(true);
    for (_, key, value) in &changes.rows {
        let key: AttemptKey = from_json(key).unwrap();
        restored.restore(key.call.parse().unwrap(), value.as_deref().unwrap()).unwrap();
    }
    restored.restored();
    assert_eq!(restored.due(WITHIN, UnixMillis(10_002)), calls.due(WITHIN, UnixMillis(10_002)));
    assert_eq!(restored.len(), 1);
}

#[test]
fn no_more_calls_wait_than_may() {
    let mut attempts = Attempts::new(true);
    for call in 0..MAXIMUM_WAITING as u128 + 2 {
        attempts.add(&attempted(call, Attempt::Branch, Outcome::Failed, 503), UnixMillis(0));
    }
    assert!(attempts.are_too_many());
    let due = attempts.due(WITHIN, UnixMillis(1));
    assert_eq!(due.iter().map(|it| it.id.0).collect::<Vec<_>>(), [0, 1], "the oldest");
    assert!(!attempts.are_too_many());
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_waiting() {
    let mut calls = Attempts::new(true);
    calls.add(&attempted(1, Attempt::Final, Outcome::Failed, 500), UnixMillis(50_000));
    assert_eq!(calls.due(WITHIN, UnixMillis(0)).len(), 1);
}

/// As a file does that is copied whole each day: what it holds counts once, however long ago it was first seen.
#[test]
fn a_call_that_comes_again_is_remembered_from_then_on() {
    let day = |number: i64| UnixMillis((20_000 + number) * i64::try_from(DAY.as_millis()).unwrap());
    let mut ledger = Ledger::new(Limits::default(), Catalogue::built_in());
    let source = ledger.source(SourceOptions::named("sbc", 3 * DAY), day(0));
    for number in 0..9 {
        let now = day(number);
        let attempts = vec![
            attempted(1, Attempt::Branch, Outcome::Answered, 200),
            attempted(2, Attempt::Branch, Outcome::Failed, 486),
        ];
        let mut batch = Batch::default();
        (batch.now, batch.records.calls, batch.attempts) = (Some(now), 2, attempts);
        let applied = ledger.apply(source, &batch);
        ledger.decide_all_attempts(now);
        ledger.forget(now);
        let expected = match number {
            0 => Applied { counted: 2, ..Applied::default() },
            _ => Applied { duplicate: 2, ..Applied::default() },
        };
        assert_eq!(applied, expected, "day {number}");
    }
}
