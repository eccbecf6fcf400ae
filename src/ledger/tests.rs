//! A ledger that is opened again is the ledger that was committed, and goes on as that one does.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use fastrand::Rng;
use redb::Database;

use super::snapshot::Route;
use super::store::tests::lowered::to_layout_2;
use super::store::{Row, Table};
use super::*;
use crate::call::{Attempt, Call, CodePair, Codes, Detail, Direction, Outcome, Reason, RecordId, Unread};
use crate::format::graph;
use crate::framing::{Nesting, Place};
use crate::reading::{Content, Found, Hole, HowRead, Records};
use crate::source::blocks::Blocks;
use crate::source::identity::{FileId, Head, Mark, Stamp};

const DAY: i64 = 24 * 60 * 60 * 1000;
/// 2026-11-01T00:00:00Z.
const START: UnixMillis = UnixMillis(1_793_491_200_000);

const HOW: HowRead =
    HowRead { format: &graph::FORMAT, live_within: Duration::from_secs(3600), ignored_are: None };

/// More of everything than the limits let through.
const TRUNKS: [&str; 8] = [
    "",
    "sbc1.contoso.com",
    "SBC1.Contoso.com",
    "sbc2.contoso.com",
    "sbc3.contoso.com",
    "other",
    "a.fabrikam.com",
    "b.fabrikam.com",
];
const CODES: [(Option<u64>, Option<u16>); 8] = [
    (Some(0), Some(0)),
    (Some(531_004), Some(410)),
    (Some(531_005), Some(410)),
    (Some(560_486), Some(486)),
    (Some(560_777), Some(777)),
    (Some(123), Some(400)),
    (None, Some(503)),
    (None, None),
];

fn some_limits(random: &mut Rng) -> Limits {
    Limits {
        trunks_per_source: random.usize(1..5),
        unlisted_per_source: random.usize(0..20),
        countries_per_source: random.usize(0..3),
        ..Limits::default()
    }
}

fn open(folder: &Path, limits: Limits, now: UnixMillis) -> Ledger {
    let catalogue = Catalogue::built_in();
    let mut ledger = Ledger::open(Store::open(folder).unwrap(), limits, catalogue, now).unwrap();
    for (name, days) in [("ids", 7), ("plain", 0)] {
        let remember = Duration::from_secs(days * 24 * 60 * 60);
        ledger.source(SourceOptions::named(name, remember), now);
    }
    ledger
}

fn some_call(random: &mut Rng, now: UnixMillis) -> Call<'static> {
    let (microsoft, sip) = CODES[random.usize(..CODES.len())];
    let directions = [Direction::Inbound, Direction::Outbound, Direction::Unknown];
    Call {
        record_id: RecordId(u128::from(random.u16(..3000)) << 70),
        trunk: TRUNKS[random.usize(..TRUNKS.len())].into(),
        direction: directions[random.usize(..3)],
        succeeded: [None, Some(true), Some(false)][random.usize(..3)],
        codes: Codes { microsoft, sip, ..Codes::default() },
        ended_at: (random.u8(..5) > 0).then(|| UnixMillis(now.0 - random.i64(-DAY..2 * DAY))),
        duration_seconds: (random.u8(..5) > 0).then(|| random.u32(..9000)),
        attempt: Attempt::Only,
        unread: Unread::default(),
        detail: Detail::default(),
    }
}

fn some_hole(random: &mut Rng) -> Hole {
    let [begin, start, end, until, rejected] = [(); 5].map(|()| random.u64(..));
    Hole { begin, start, end, until, place: Place::Within(Nesting(0b10)), rejected }
}

fn some_file(random: &mut Rng, now: UnixMillis) -> (FileId, Option<KnownFile>) {
    let text = vec![random.u8(..); random.usize(..3000)];
    let mut blocks = Blocks::default();
    blocks.add(&text);
    let hashed = random.bool().then_some(blocks);
    let content = Content {
        position: hashed.as_ref().map_or_else(|| random.u64(..), Blocks::end),
        mark: Mark::of_text(&text, random.u64(..)),
        head: Head::of(&text, random.u64(..)),
        place: Place::Top,
        format: "graph".to_owned(),
        header: random.bool().then(|| "a,\"b\"\n".to_owned()),
        unfinished: random.bool().then(|| random.u64(..)),
        plain_text_at: random.bool().then(|| random.u64(..)),
        lineage: random.u64(..),
        records: random.bool().then(|| Records { calls: random.u64(..), ..Records::default() }),
        holes: (0..random.usize(..3)).map(|_| some_hole(random)).collect(),
        blocks: hashed,
    };
    let path = OsStr::from_bytes(&[b"/var/spool/caf\xe9"[..].to_vec(), vec![random.u8(1..)]].concat()).into();
    let event = FileEvent::ALL[random.usize(..FileEvent::ALL.len())];
    let decision = random.bool().then_some(Decision { event, at: now });
    let whole = random.bool().then(|| Stamp {
        size: random.u64(..),
        modified: random.i64(..),
        changed: random.i64(..),
    });
    let file = KnownFile { path, content: Arc::new(content), decision, whole };
    let id = FileId { device: u64::MAX - random.u64(1..3), inode: random.u64(..20) };
    (id, (random.u8(..4) > 0).then_some(file))
}

/// Something that the loop may do.
fn act(ledger: &mut Ledger, random: &mut Rng, now: UnixMillis) {
    let source = SourceIndex(random.usize(..2));
    match random.u8(..40) {
        0 => {
            let reason = Reason::ALL[random.usize(..Reason::ALL.len())];
            let rejected = Found::Rejected { reason, position: 0, text: b"{}", bytes: 2 };
            let found = [Found::Header { position: 0 }, Found::Ignored { positions: &[0] }, rejected];
            apply(ledger, source, &found[random.usize(..3)..], now);
        }
        1 => {
            let mut batch = Batch::default();
            batch.read_bytes = random.u64(..1_000_000);
            ledger.apply(source, &batch);
        }
        2 => {
            // Several at once, the same one twice among them.
            let mut calls: Vec<Call<'_>> =
                (0..random.usize(1..200)).map(|_| some_call(random, now)).collect();
            calls.push(calls[0].clone());
            apply(ledger, source, &[Found::Calls { calls: &calls, positions: &[] }], now);
        }
        4 => ledger.file_event(source, FileEvent::ALL[random.usize(..FileEvent::ALL.len())]),
        5 => {
            let (id, file) = some_file(random, now);
            let contents = ledger.contents_mut(source);
            match file {
                Some(file) => contents.set(id, file),
                None if random.bool() => contents.retire(id),
                None => drop(contents.forget(id)),
            }
        }
        6 => {
            ledger.replay(source, random.u64(..5), random.u64(..5));
        }
        7 if random.u8(..10) == 0 => {
            let limits = some_limits(random);
            ledger.reconfigure(limits, Catalogue::built_in(), now);
        }
        _ => {
            let call = some_call(random, now);
            apply(ledger, source, &[Found::Calls { calls: &[call], positions: &[] }], now);
        }
    }
}

/// Counts a batch of these.
fn apply(ledger: &mut Ledger, source: SourceIndex, found: &[Found<'_>], now: UnixMillis) -> Applied {
    let mut batch = Batch::default();
    let context = ledger.context(source, now, false);
    found.iter().for_each(|found| batch.add(found, HOW, &Records::default(), &context));
    ledger.apply(source, &batch)
}

/// All of a ledger that was just committed, in an order of its own.
fn picture(ledger: &mut Ledger) -> Vec<String> {
    let snapshot = ledger.snapshot(false);
    let mut picture = vec![
        format!("unlisted {:?}, {} ids", ledger.counts.unlisted, ledger.remembered()),
        format!("ready {}", snapshot.ready),
    ];
    picture.extend(snapshot.sources.iter().map(|source| format!("{source:?}")));
    picture.extend(snapshot.calls.iter().map(|series| format!("{series:?}")));
    picture.extend(snapshot.failures.iter().map(|series| format!("{series:?}")));
    picture.extend(snapshot.durations.iter().map(|series| format!("{series:?}")));
    snapshot.history.each(0..u32::MAX, |minute, series, calls| {
        let history::Series { route, outcome, cause, codes } = series;
        let Route { source, trunk, direction } = &**route;
        let direction = direction.label();
        picture.push(format!("{minute} {source} {trunk} {direction} {outcome} {cause} {codes:?}: {calls}"));
    });
    for account in &ledger.accounts {
        picture.extend(account.contents.all().map(|file| format!("{} {file:?}", account.name)));
        picture.extend(account.replayed.iter().map(|replayed| format!("{} {replayed:?}", account.name)));
    }
    picture.sort();
    picture
}

fn assert_same(one: &mut Ledger, other: &mut Ledger, when: &str) {
    assert_same_lines(&picture(one), &picture(other), when);
}

fn assert_same_lines(one: &[String], other: &[String], when: &str) {
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|line| !those.contains(line)).cloned().collect::<Vec<_>>().join("\n")
    };
    assert!(
        one == other,
        "{when}\nof one:\n{}\nof the one opened again:\n{}",
        only(one, other),
        only(other, one)
    );
}

#[test]
fn what_cannot_be_a_trunk_is_no_label_and_is_not_kept() {
    let mut ledger = Ledger::new(Limits::default(), Catalogue::built_in());
    let options = SourceOptions::named("a", Duration::ZERO);
    let source = ledger.source(options, START);
    let mut random = Rng::with_seed(1);
    for trunk in ["+14255550100", "user.one", "sbc1.contoso.com", "SBC1.contoso.com", "", "+14255550101"] {
        let call = Call { trunk: trunk.into(), ..some_call(&mut random, START) };
        apply(&mut ledger, source, &[Found::Calls { calls: &[call], positions: &[] }], START);
    }
    let mut calls = std::collections::BTreeMap::<String, u64>::new();
    for series in ledger.snapshot(true).calls {
        *calls.entry(series.route.trunk.to_string()).or_default() += series.count;
    }
    let expected = [("", 4), ("sbc1.contoso.com", 2)].map(|(trunk, count)| (trunk.to_owned(), count));
    assert_eq!((calls.into_iter().collect::<Vec<_>>(), ledger.counts.spellings()), (expected.to_vec(), 3));
}

/// The rows of the store, without those of how long commits took.
fn rows(ledger: &mut Ledger) -> Vec<String> {
    let mut rows = Vec::new();
    let store = ledger.store.as_mut().unwrap();
    assert_eq!(store.layout().unwrap(), store::LAYOUT);
    let read = store.each(|row| {
        if matches!(row, Row::Text { table, .. } if table != Table::Commits) {
            rows.push(format!("{row:?}"));
        }
        Ok(())
    });
    read.unwrap();
    rows
}

/// Lives of a ledger: before each but the first it is opened again, from a copy of its store to which `prepare` did
/// something that must not matter.
fn plays_on_the_same(seed: u64, prepare: impl Fn(&Path)) {
    let mut random = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut now = START;
    let limits = some_limits(&mut random);
    let mut ledger = open(&folder.path().join("0"), limits, now);
    for life in 1..5 {
        for commit in 0..random.u8(..6) {
            (0..random.usize(..400)).for_each(|_| act(&mut ledger, &mut random, now));
            now.0 += random.i64(0..DAY);
            ledger.forget(now);
            ledger.commit(life > 2 && commit > 2).unwrap();
        }
        ledger.commit(false).unwrap();
        // A copy of the store of a ledger that is in use: as after a crash.
        let copy = folder.path().join(life.to_string());
        fs::create_dir(&copy).unwrap();
        fs::copy(folder.path().join((life - 1).to_string()).join(store::FILE), copy.join(store::FILE))
            .unwrap();
        prepare(&copy.join(store::FILE));
        let mut restored = open(&copy, ledger.counts.limits, now);
        assert_same(&mut ledger, &mut restored, &format!("seed {seed}, life {life}: as it was committed"));

        let same = random.u64(..);
        for ledger in [&mut ledger, &mut restored] {
            let mut random = Rng::with_seed(same);
            (0..300).for_each(|_| act(ledger, &mut random, now));
        }
        ledger.commit(false).unwrap();
        restored.commit(false).unwrap();
        let when = format!("seed {seed}, life {life}: after the same calls");
        assert_same(&mut ledger, &mut restored, &when);
        assert_same_lines(&rows(&mut ledger), &rows(&mut restored), &when);
        ledger = restored;
    }
}

#[test]
fn a_ledger_opened_again_is_the_same_and_goes_on_the_same() {
    for seed in (0..8).chain([fastrand::u64(..)]) {
        plays_on_the_same(seed, |_| {});
    }
}

#[test]
fn a_ledger_of_an_older_layout_is_the_same_and_its_first_commit_raises_all_of_it() {
    for seed in (0..4).chain([fastrand::u64(..)]) {
        plays_on_the_same(seed, |store| to_layout_2(&Database::open(store).unwrap()));
    }
}

/// By series of the history: its sum, and what the counters say.
fn sums(snapshot: &Snapshot) -> std::collections::BTreeMap<history::Series, [u64; 2]> {
    let mut sums = std::collections::BTreeMap::<_, [u64; 2]>::new();
    snapshot.history.each(0..u32::MAX, |_, series, calls| {
        sums.entry(series.clone()).or_default()[0] += u64::from(calls);
    });
    for series in &snapshot.calls {
        if series.outcome != Outcome::Failed && series.count > 0 {
            let (route, outcome) = (Arc::clone(&series.route), series.outcome);
            let key = history::Series { route, outcome, cause: "".into(), codes: CodePair::default() };
            sums.entry(key).or_default()[1] += series.count;
        }
    }
    for series in snapshot.failures.iter().filter(|series| series.count > 0) {
        let (route, cause, codes) = (Arc::clone(&series.route), Arc::clone(&series.cause), series.codes);
        let key = history::Series { route, outcome: Outcome::Failed, cause, codes };
        sums.entry(key).or_default()[1] += series.count;
    }
    sums
}

/// Where each call has a time of the last days, what was counted is what the minutes hold: at each commit, and in the
/// store that a crash leaves.
#[test]
fn the_history_is_in_step_with_the_counters_at_every_commit() {
    for seed in [1, 2, fastrand::u64(..)] {
        let mut random = Rng::with_seed(seed);
        let folder = tempfile::tempdir().unwrap();
        let limits = some_limits(&mut random);
        let (mut now, mut ledger) = (START, open(&folder.path().join("0"), limits, START));
        for commit in 1..12 {
            for _ in 0..random.usize(..9) {
                let call = |random: &mut Rng| {
                    let ended_at = Some(UnixMillis(now.0 - random.i64(0..DAY)));
                    Call { ended_at, ..some_call(random, now) }
                };
                let calls: Vec<Call<'_>> = (0..random.usize(1..90)).map(|_| call(&mut random)).collect();
                let source = SourceIndex(random.usize(..2));
                apply(&mut ledger, source, &[Found::Calls { calls: &calls, positions: &[] }], now);
            }
            now.0 += random.i64(0..DAY / 2);
            let committed = ledger.commit(true).unwrap();
            let crashed = folder.path().join(commit.to_string());
            fs::create_dir(&crashed).unwrap();
            fs::copy(folder.path().join("0").join(store::FILE), crashed.join(store::FILE)).unwrap();
            for snapshot in [committed, open(&crashed, limits, now).snapshot(true)] {
                let wrong: Vec<_> = sums(&snapshot)
                    .into_iter()
                    .filter(|(_, [minutes, counted])| minutes != counted)
                    .collect();
                assert!(wrong.is_empty(), "seed {seed}, commit {commit}: {wrong:?}");
            }
        }
        assert!(sums(&ledger.snapshot(true)).len() > 5);
    }
}
