use super::*;
use crate::classify::Catalogue;
use crate::ledger::PathsNow;

fn snapshot(sources: Vec<SourceSnapshot>) -> Snapshot {
    let loading = Snapshot::loading(Catalogue::built_in());
    Snapshot { loaded: true, ready: true, caught_up: true, sources, ..loading }
}

fn source(files: Vec<(&'static str, u64)>) -> SourceSnapshot {
    SourceSnapshot {
        name: "teams".into(),
        created: UnixMillis(0),
        read_records: 12,
        records: crate::ledger::snapshot::RecordCounts { counted: 12, ..Default::default() },
        rejected: vec![("bad_time", 0)],
        unread: Vec::new(),
        read_bytes: 0,
        pending_bytes: 2048,
        pending_calls: 0,
        late_answers: 0,
        apart: crate::ledger::Apart::default(),
        files,
        paths: Some(PathsNow { matched: 1, left_out: 0, is_up: true, remarks: Vec::new() }),
        prefer: None,
        file_events: Vec::new(),
        call_age: crate::ledger::snapshot::Histogram::new(&[]),
        newest_call: None,
        series_overflow: 0,
        kinds: Vec::new(),
        countries: Vec::new(),
    }
}

fn troubles(snapshot: &Snapshot) -> Vec<String> {
    let status = Status::of(snapshot, HOURS, UnixMillis(0), UnixMillis(90_000));
    assert_eq!((status.uptime_seconds, &*status.at), (90, "1970-01-01T00:01:30Z"));
    status.troubles.iter().map(|trouble| format!("{}: {}", trouble.level, trouble.what)).collect()
}

#[test]
fn what_is_wrong_is_said_and_errors_first() {
    let sound = snapshot(vec![source(vec![("reading", 1), ("unreadable", 0)])]);
    assert_eq!(troubles(&sound), Vec::<String>::new());
    assert_eq!(
        troubles(&Snapshot { loaded: false, ..sound.clone() }),
        ["error: What was counted before is still being loaded."]
    );

    let mut wrong = Snapshot { caught_up: false, ..sound };
    wrong.commits.failing = Some("the disk is full".to_owned());
    wrong.sources[0].files = vec![("unreadable", 2), ("unrecognised", 1)];
    wrong.sources[0].records.rejected = 3;
    wrong.sources[0].series_overflow = 4;
    let mut empty = source(vec![("reading", 0)]);
    empty.name = "other".into();
    empty.paths.as_mut().unwrap().remarks.push("/srv/cdr/*.csv leads to no file".to_owned());
    let gone = SourceSnapshot { paths: None, ..empty.clone() };
    wrong.sources.extend([empty, gone]);
    assert_eq!(
        troubles(&wrong),
        [
            "error: What is read cannot be made durable: the disk is full.",
            "error: Source teams: 2 files cannot be read.",
            "error: Source teams: 1 file is of no format that is known.",
            "warning: Source teams: 3 of 12 records were rejected.",
            "warning: Source teams: 4 calls were counted under `other`.",
            "warning: Source other: /srv/cdr/*.csv leads to no file.",
            "warning: The files present at the start are still being read: 6.0 KiB to go.",
        ]
    );
}

#[test]
fn the_window_ends_with_the_newest_call() {
    let none = snapshot(Vec::new());
    assert_eq!(window(&none, 1, UnixMillis(7_200_000)), 61..121);
    assert_eq!(window(&none, 24, UnixMillis(7_200_000)), 0..121);
    // Nobody can make us write zeros of years.
    assert_eq!(window(&none, 87_840, UnixMillis(720_000_000)), 12_001 - 24 * 60..12_001);
}
