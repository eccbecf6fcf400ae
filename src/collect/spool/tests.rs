//! Rows into files, files into what is known.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn row(id: &str, code: u64) -> Row {
    Row::cut(&serde_json::json!({"id": id, "finalSipCode": code}).to_string()).unwrap()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// Adds rows and commits; what each was.
fn write(spool: &mut Spool, of: &str, rows: &[(&str, u64)]) -> Vec<Seen> {
    spool.begin(day(of), day("2026-11-18")).unwrap();
    let seen = rows.iter().map(|(id, code)| spool.add(day(of), &row(id, *code)).unwrap()).collect();
    spool.commit().unwrap();
    seen
}

/// Every line that a source reads, by name of file.
fn lines(folder: &Path) -> Vec<String> {
    lines_of(folder, "calls-")
}

fn lines_of(folder: &Path, prefix: &str) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix));
    files.sort();
    let text: String = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn each_row_is_written_once_whatever_comes_again() {
    use Seen::{Changed, Known, New};
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    assert_eq!(write(&mut spool, "2026-11-20", &[("a", 0), ("b", 0), ("a", 0)]), [New, New, Known]);
    assert_eq!(write(&mut spool, "2026-11-20", &[("a", 0), ("b", 0)]), [Known, Known]);
    assert_eq!(lines(folder.path()).len(), 2, "no file without a new row");
    assert_eq!(write(&mut spool, "2026-11-20", &[("b", 487), ("c", 0)]), [Changed, New]);
    assert_eq!(write(&mut spool, "2026-11-19", &[("a", 0), ("d", 0)]), [Known, New], "a neighbour's row");
    drop(spool);
    let mut spool = Spool::open(folder.path()).unwrap();
    assert_eq!(write(&mut spool, "2026-11-20", &[("a", 0), ("b", 487), ("c", 0), ("d", 0)]), [Known; 4]);
    let ids: Vec<String> = lines(folder.path()).iter().map(|line| line[7..8].to_owned()).collect();
    assert_eq!(ids.concat(), "dabc");
    assert_eq!(lines_of(folder.path(), "changed-"), [row("b", 487).line.trim_end()]);
    assert_eq!(write(&mut spool, "2026-11-20", &[("b", 0)]), [Changed], "and back");
    assert_eq!(lines_of(folder.path(), "changed-").len(), 2);
}

#[test]
fn what_was_not_committed_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    write(&mut spool, "2026-11-20", &[("a", 0)]);
    spool.begin(day("2026-11-20"), day("2026-11-18")).unwrap();
    spool.add(day("2026-11-20"), &row("b", 0)).unwrap();
    // As a kill does: nothing is tidied up.
    std::mem::forget(std::mem::take(&mut spool.parts));
    drop(spool);
    assert!(folder.path().join(".calls-2026-11-20.ndjson.tmp").exists());
    let mut spool = Spool::open(folder.path()).unwrap();
    assert!(!folder.path().join(".calls-2026-11-20.ndjson.tmp").exists());
    assert_eq!(write(&mut spool, "2026-11-20", &[("b", 0)]), [Seen::New]);
    assert_eq!(lines(folder.path()).len(), 2);
}

#[test]
fn files_are_the_owners_and_the_folder_is_used_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let spool_folder = folder.path().join("spool/teams");
    let mut spool = Spool::open(&spool_folder).unwrap();
    write(&mut spool, "2026-11-20", &[("a", 0)]);
    for entry in fs::read_dir(&spool_folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
    assert_eq!(fs::metadata(&spool_folder).unwrap().permissions().mode() & 0o777, 0o700);
    let error = Spool::open(&spool_folder).unwrap_err().to_string();
    assert!(error.contains("another cdr-exporter collects"), "{error}");
}

#[test]
fn old_files_go_once_they_are_read_and_their_day_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    for of in ["2026-11-20", "2026-11-10", "2026-11-01"] {
        write(&mut spool, of, &[(of, 0)]);
    }
    let files: Vec<PathBuf> = spool.files().unwrap().into_iter().map(|(_, path)| path).collect();
    let over = |of: Day| of <= day("2026-11-10");
    let tidy = |spool: &mut Spool, keep, read: Option<&[PathBuf]>| {
        let read = read.map(|files| files.iter().cloned().collect());
        spool.tidy(Duration::from_millis(keep), over, day("2026-10-01"), || read).unwrap().0
    };
    assert_eq!(tidy(&mut spool, 60_000, Some(&files)), 3, "too young");
    assert_eq!(tidy(&mut spool, 0, None), 3, "nobody knows whether they are read");
    assert_eq!(tidy(&mut spool, 0, Some(&files[..1])), 3, "just read: it may not be counted for good");
    assert_eq!(tidy(&mut spool, 0, Some(&files)), 2, "the others are just read");
    assert_eq!(tidy(&mut spool, 0, Some(&files)), 1, "a day that is not over stays");
}

/// Tidies twice: what was not read the last time stays. How many files and bytes are left.
fn tidy_all(spool: &mut Spool, forget: &str) -> (u64, u64) {
    let read: HashSet<PathBuf> = spool.files().unwrap().into_iter().map(|(_, path)| path).collect();
    for _ in 0..2 {
        spool.tidy(Duration::ZERO, |_| true, day(forget), || Some(read.clone())).unwrap();
    }
    spool.tidy(Duration::ZERO, |_| true, day(forget), || Some(read)).unwrap()
}

#[test]
fn rows_are_known_after_their_files_went() {
    use Seen::{Changed, Known, New};
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    write(&mut spool, "2026-11-10", &[("a", 0), ("b", 0)]);
    write(&mut spool, "2026-11-10", &[("b", 487)]);
    let (files, bytes) = tidy_all(&mut spool, "2026-10-01");
    assert!(files == 0 && (2 * 16..100).contains(&bytes), "{files} files, {bytes} bytes");
    drop(spool);
    let mut spool = Spool::open(folder.path()).unwrap();
    assert_eq!(
        write(&mut spool, "2026-11-10", &[("a", 0), ("b", 487), ("b", 0), ("c", 0)]),
        [Known, Known, Changed, New]
    );
    drop(spool);
    let mut spool = Spool::open(folder.path()).unwrap();
    assert_eq!(write(&mut spool, "2026-11-11", &[("a", 0)]), [Known], "a neighbour's row");
    assert_eq!(tidy_all(&mut spool, "2026-11-10").0, 0, "prints and later files of a day come together");
    drop(spool);
    let mut spool = Spool::open(folder.path()).unwrap();
    assert_eq!(write(&mut spool, "2026-11-10", &[("a", 0), ("c", 0)]), [Known; 2]);
    assert_eq!(tidy_all(&mut spool, "2026-11-11").1, 0, "nobody can ask for it any more");
}

#[test]
fn a_kill_between_prints_and_files_leaves_each_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    write(&mut spool, "2026-11-10", &[("a", 0)]);
    let (_, file) = spool.files().unwrap().remove(0);
    let rows = fs::read(&file).unwrap();
    let prints = spool.prints_of(day("2026-11-10"));
    tidy_all(&mut spool, "2026-10-01");
    drop(spool);
    // Killed before the file went, and in the midst of the next prints.
    fs::write(&file, rows).unwrap();
    let unfinished = prints.with_added_extension("tmp");
    fs::write(&unfinished, "half").unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    assert!(!unfinished.exists());
    assert_eq!(write(&mut spool, "2026-11-10", &[("a", 0)]), [Seen::Known]);
    assert_eq!(tidy_all(&mut spool, "2026-10-01").0, 0);
    drop(spool);
    let mut spool = Spool::open(folder.path()).unwrap();
    assert_eq!(write(&mut spool, "2026-11-10", &[("a", 0)]), [Seen::Known]);
}

#[test]
fn a_day_with_damaged_prints_is_not_known_and_its_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    for of in ["2026-11-10", "2026-11-11"] {
        write(&mut spool, of, &[(of, 0)]);
    }
    tidy_all(&mut spool, "2026-10-01");
    drop(spool);
    let mut spool = Spool::open(folder.path()).unwrap();
    write(&mut spool, "2026-11-10", &[("late", 0)]);
    let prints = spool.prints_of(day("2026-11-10"));
    fs::write(&prints, "damaged").unwrap();
    let keep_from = day("2026-11-18");
    spool.known.clear();
    assert!(spool.begin(day("2026-11-11"), keep_from).unwrap(), "a neighbour's damage is not its own");
    for _ in 0..2 {
        assert!(!spool.begin(day("2026-11-10"), keep_from).unwrap());
    }
    assert_eq!(tidy_all(&mut spool, "2026-10-01").0, 1, "what it holds is known by it alone");
    fs::remove_file(prints).unwrap();
    assert!(spool.begin(day("2026-11-10"), keep_from).unwrap(), "it is looked at anew");
    assert_eq!(write(&mut spool, "2026-11-10", &[("2026-11-10", 0), ("late", 0)]), [Seen::New, Seen::Known]);
}

#[test]
fn what_stays_of_a_day_has_the_last_word() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    write(&mut spool, "2026-11-10", &[("a", 0)]);
    write(&mut spool, "2026-11-10", &[("a", 487)]);
    // The source did not read the first file yet.
    let mut tidy =
        || spool.tidy(Duration::ZERO, |_| true, day("2026-10-01"), || Some(HashSet::new())).unwrap();
    assert_eq!((tidy().0, tidy().0), (2, 2), "the later word waits for the first");
    drop(spool);
    let mut spool = Spool::open(folder.path()).unwrap();
    assert_eq!(write(&mut spool, "2026-11-10", &[("a", 487)]), [Seen::Known]);
}

#[test]
fn names_say_whose_calls_and_when() {
    let name = Name { day: day("2026-11-20"), fetched: 1_795_256_102_007, kind: Kind::Calls };
    assert_eq!(name.text(), "calls-2026-11-20-fetched-20261121T101502007Z.ndjson");
    assert_eq!(Name::parse(&name.text()), Some(name));
    let changed = Name { kind: Kind::Changed, ..name };
    assert_eq!(Name::parse(&changed.text()), Some(changed));
    let glob = globset::Glob::new(CALLS).unwrap().compile_matcher();
    assert!(glob.is_match(name.text()) && !glob.is_match(changed.text()));
    for other in [
        "calls.ndjson",
        "calls-2026-11-20-fetched-2026Z.ndjson",
        ".lock",
        "calls-x-fetched-20261121T101502007Z.ndjson",
    ] {
        assert_eq!(Name::parse(other), None, "{other}");
    }
}
