use super::*;
use crate::call::Direction;

const DAY: i64 = 24 * 60 * 60 * 1000;
/// 2026-11-01T00:00:00Z.
const START: UnixMillis = UnixMillis(1_793_491_200_000);

fn series(trunk: &str, cause: &str) -> Series {
    let route = Route { source: "teams".into(), trunk: trunk.into(), direction: Direction::Inbound };
    let outcome = if cause.is_empty() { Outcome::Answered } else { Outcome::Failed };
    Series { route: Arc::new(route), outcome, cause: cause.into(), codes: CodePair::default() }
}

impl History {
    fn add_to(&mut self, series: Series, calls: &[(Minute, i32)], now: UnixMillis) {
        let calls =
            calls.iter().map(|(minute, calls)| MinuteCalls { labels: 0, minute: *minute, calls: *calls });
        self.add(&[Some(series)], &calls.collect::<Vec<_>>(), now);
    }
}

fn seen(history: &History) -> Vec<(Minute, String, u32)> {
    let mut seen = Vec::new();
    let all = history.minutes().span().unwrap_or(0..0);
    history.minutes().each(all, |minute, series, calls| {
        seen.push((minute, format!("{} {}", series.route.trunk, series.cause), calls));
    });
    seen
}

/// The store that these changes make of one.
fn store(history: &mut History, rows: &mut BTreeMap<(u8, String), String>) {
    for (table, key, value) in history.changes() {
        let key = (table as u8, key);
        match value {
            Some(value) => drop(rows.insert(key, value)),
            // What came and went between two commits was never stored.
            None => drop(rows.remove(&key)),
        }
    }
    history.settle();
}

fn restored(rows: &BTreeMap<(u8, String), String>) -> History {
    let mut history = History::new(Options::default());
    for ((table, key), value) in rows {
        match *table == crate::ledger::store::Table::History as u8 {
            true => history.restore_minute(key, value).unwrap(),
            false => history.restore_series(key, value).unwrap(),
        }
    }
    history
}

#[test]
fn calls_that_are_taken_away_again_leave_nothing() {
    let first = minute(START).unwrap();
    let mut history = History::new(Options::default());
    history.add_to(series("a", ""), &[(first, 3), (first + 1, 2), (first, -1), (first + 1, -2)], START);
    assert_eq!(seen(&history), [(first, "a ".to_owned(), 2)]);
}

#[test]
fn calls_are_kept_by_minute_for_as_long_as_was_asked() {
    let first = minute(START).unwrap();
    let mut history = History::new(Options { keep: Duration::from_secs(3600), ..Options::default() });
    let late = UnixMillis(START.0 + 3_600_000);
    history.add_to(series("a", ""), &[(first, 1), (first + 1, 2), (first, 3), (first - 1, 9)], late);
    history.add_to(series("b", "Ice"), &[(first + 1, 5)], late);
    history.add_to(series("c", "gone before it came"), &[(first - 1, 5)], late);
    let expected = [(first, "a ", 4), (first + 1, "a ", 2), (first + 1, "b Ice", 5)];
    let expected = expected.map(|(minute, name, calls)| (minute, name.to_owned(), calls));
    assert_eq!(seen(&history), expected);
    assert_eq!(history.minutes().series.len(), 2, "what has no minute is no series");

    let mut rows = BTreeMap::new();
    store(&mut history, &mut rows);
    let shown = history.minutes();
    history.forget_older(UnixMillis(late.0 + 60_000));
    assert_eq!(seen(&history), expected[1..]);
    assert_eq!(shown.span(), Some(first..first + 2), "a reader keeps what it holds");
    store(&mut history, &mut rows);
    assert_eq!(seen(&restored(&rows)), expected[1..]);

    history.forget_older(UnixMillis(late.0 + DAY));
    store(&mut history, &mut rows);
    assert_eq!((seen(&history), rows.len(), history.cells), (Vec::new(), 0, 0));
}

#[test]
fn beyond_so_many_cells_the_oldest_minutes_go() {
    let first = minute(START).unwrap();
    let mut history = History::new(Options { cells: 10, ..Options::default() });
    for at in 0..100 {
        history.add_to(series(if at % 2 == 0 { "a" } else { "b" }, ""), &[(first + at / 2, 1)], START);
        assert!(history.cells <= 10);
    }
    assert_eq!(history.minutes().span(), Some(first + 45..first + 50));
}

#[test]
fn series_are_taken_out_of_the_store_and_their_numbers_given_again() {
    let first = minute(START).unwrap();
    let mut history = History::new(Options::default());
    for trunk in ["a", "b", "c"] {
        history.add_to(series(trunk, ""), &[(first, 1), (first + 60, 2)], START);
    }
    history.add_to(series("b", "Ice"), &[(first + 120, 2)], START);
    let mut rows = BTreeMap::new();
    store(&mut history, &mut rows);
    let mut gone = BTreeSet::new();
    let minutes = crate::ledger::store::Table::History as u8;
    rows.retain(|(table, key), value| {
        if *table == minutes {
            return true;
        }
        let (number, series) = numbered(key, value).unwrap();
        &*series.route.trunk != "b" || !gone.insert(number)
    });
    rows.retain(|(table, _), value| {
        let left = if *table == minutes { without(value, &gone).unwrap() } else { None };
        left.is_none_or(|left| left.map(|left| *value = left).is_some())
    });
    let mut history = restored(&rows);
    assert_eq!(history.minutes().span(), Some(first..first + 61), "an empty minute goes");
    assert_eq!(seen(&history).len(), 4);
    history.add_to(series("d", ""), &[(first, 7)], START);
    assert_eq!(history.numbers[&series("d", "")], 1);
}

#[test]
fn history_is_the_same_when_it_is_read_again() {
    let mut random = fastrand::Rng::with_seed(1);
    let (mut history, mut rows) =
        (History::new(Options { cells: 3000, ..Options::default() }), BTreeMap::new());
    let (mut now, mut most) = (START, 0);
    for _ in 0..300 {
        now.0 += random.i64(0..DAY / 4);
        for _ in 0..random.usize(..20) {
            let calls = [(minute(now).unwrap() - random.u32(..20_000), random.i32(1..9))];
            let (trunk, cause) = (random.u32(..9).to_string(), ["", "Ice", "Media"][random.usize(..3)]);
            history.add_to(series(&trunk, cause), &calls, now);
        }
        history.forget_older(now);
        store(&mut history, &mut rows);
        most = most.max(history.cells);
        let again = restored(&rows);
        assert_eq!(again.minutes(), history.minutes());
        assert_eq!(
            (again.cells, &again.cells_of, &again.numbers),
            (history.cells, &history.cells_of, &history.numbers)
        );
    }
    assert!(most > 500, "{most}");
}

/// The figures of README and of the head of this module: 100,000 calls a day over 200 trunks.
#[test]
fn a_busy_day_takes_about_a_megabyte() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut history = History::new(Options::default());
    let (begin, causes) =
        (minute(START).unwrap(), ["", "", "", "", "", "", "busy", "Ice", "Media", "Refused"]);
    let trunks: Vec<String> = (0..200).map(|trunk| format!("sbc{trunk}.contoso.com")).collect();
    for _ in 0..100_000 {
        let calls = [(begin + random.u32(..24 * 60), 1)];
        history.add_to(series(&trunks[random.usize(..200)], causes[random.usize(..10)]), &calls, START);
    }
    let memory = history.cells * size_of::<Cell>();
    let stored: usize = history.changes().map(|(_, key, value)| key.len() + value.unwrap().len()).sum();
    println!("{} cells, {memory} bytes in memory, {stored} in the store", history.cells);
    assert!((80_000..100_000).contains(&history.cells));
    assert!(memory < 800_000 && stored < 1_000_000, "{memory} {stored}");
}
