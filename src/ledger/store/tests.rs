pub mod lowered;
mod power_loss;

use redb::ReadableDatabase;

use super::*;

fn rows(store: &mut Store) -> Vec<String> {
    let mut rows = Vec::new();
    store
        .each(|row| {
            rows.push(format!("{row:?}"));
            Ok(())
        })
        .unwrap();
    rows
}

fn put(table: Table, key: &str, value: &str) -> (Table, String, Option<String>) {
    (table, key.to_owned(), Some(value.to_owned()))
}

#[test]
fn what_is_written_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    assert_eq!(rows(&mut store), Vec::<String>::new());
    let changes = Changes {
        ready: true,
        rows: vec![
            put(Table::Files, "[1]", "{}"),
            put(Table::Sources, "a", "1"),
            put(Table::Sources, "b", "2"),
        ],
        ids: vec![("a".into(), 1, Some(vec![1])), ("a".into(), 0, Some(vec![2]))],
    };
    store.write(&changes).unwrap();
    let changes = Changes {
        rows: vec![(Table::Sources, "b".into(), None)],
        ids: vec![("a".into(), 0, None)],
        ..Changes::default()
    };
    store.write(&changes).unwrap();
    let before = rows(&mut store);
    drop(store);
    assert_eq!(rows(&mut Store::open(folder.path()).unwrap()), before);
    assert_eq!(
        before,
        [
            "Ready",
            r#"Text { table: Sources, key: "a", value: "1" }"#,
            r#"Text { table: Files, key: "[1]", value: "{}" }"#,
            r#"Ids { source: "a", number: 1, ids: [1] }"#,
        ]
    );
}

#[test]
fn the_folder_is_the_owners() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    Store::open(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open(folder.path()).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::InUse(_))));
    assert!(matches!(Store::open_existing(folder.path(), false), Err(StoreError::InUse(_))));
    drop(first);
    Store::open(folder.path()).unwrap();
}

#[test]
fn a_newer_layout_is_refused_with_both() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let transaction = store.database.as_ref().unwrap().begin_write().unwrap();
    transaction.open_table(META).unwrap().insert("layout", LAYOUT + 1).unwrap();
    transaction.commit().unwrap();
    drop(store);
    let message = Store::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("layout 5, and this version knows layouts up to 4"), "{message}");
}

#[test]
fn layout_1_is_read_and_raised_by_the_first_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.write(&Changes { rows: vec![put(Table::Sources, "a", "1")], ..Changes::default() }).unwrap();
    let layout = |store: &Store| {
        let meta = store.database.as_ref().unwrap().begin_read().unwrap().open_table(META).unwrap();
        meta.get("layout").unwrap().unwrap().value()
    };
    let transaction = store.database.as_ref().unwrap().begin_write().unwrap();
    transaction.delete_table(Table::Replayed.definition()).unwrap();
    transaction.open_table(META).unwrap().insert("layout", 1).unwrap();
    transaction.commit().unwrap();
    drop(store);

    let mut store = Store::open(folder.path()).unwrap();
    assert_eq!((rows(&mut store).len(), layout(&store)), (1, 1), "to read changes nothing");
    store.write(&Changes { rows: vec![put(Table::Replayed, "[1]", "true")], ..Changes::default() }).unwrap();
    assert_eq!((rows(&mut store).len(), layout(&store)), (2, LAYOUT));
}

#[test]
fn damage_is_said_and_nothing_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let row = |number| put(Table::Sources, &format!("source {number}"), &"x".repeat(1000));
    store.write(&Changes { rows: (0..100).map(row).collect(), ..Changes::default() }).unwrap();
    drop(store);
    let path = folder.path().join(FILE);
    let whole = fs::read(&path).unwrap();
    let middle = memchr::memmem::rfind(&whole, b"xxxx").unwrap();
    let mut flipped = whole.clone();
    flipped[middle] ^= 0x40;
    let cases: [(&str, Vec<u8>); 4] = [
        ("a head only", whole[..100].to_vec()),
        ("half", whole[..whole.len() / 2].to_vec()),
        ("garbage", vec![0xa5; whole.len()]),
        ("a flipped bit", flipped),
    ];
    let words = ["it ends too early", "it does not begin as a store does", "a part of it cannot be read"];
    for (case, content) in cases {
        fs::write(&path, &content).unwrap();
        let error = Store::open(folder.path()).map(|mut store| rows(&mut store).len()).unwrap_err();
        let StoreError::Damaged { reason, .. } = &error else { panic!("{case}: {error:?}") };
        assert!(words.contains(&&**reason), "{case}, in redb's words: {reason}");
        assert!(error.to_string().contains("state verify"), "{case}: {error}");
    }
    fs::write(&path, "").unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(&error, StoreError::Empty(_)), "{error:?}");
    assert!(error.to_string().contains("Nothing can be saved from it"), "{error}");
    fs::write(&path, &whole).unwrap();
    assert_eq!(rows(&mut Store::open(folder.path()).unwrap()).len(), 100);
}

#[test]
fn a_write_that_failed_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.database = None;
    let changes = Changes { rows: vec![put(Table::Sources, "a", "1")], ..Changes::default() };
    store.write(&changes).unwrap();
    assert_eq!(rows(&mut store).len(), 1);
}

#[test]
fn a_store_that_is_no_longer_in_its_place_takes_nothing() {
    for open in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        if !open {
            store.database = None;
        }
        let (path, elsewhere) = (store.path.clone(), folder.path().join("elsewhere"));
        fs::rename(&path, &elsewhere).unwrap();
        let changes = Changes { rows: vec![put(Table::Sources, "a", "1")], ..Changes::default() };
        assert!(matches!(store.write(&changes), Err(StoreError::Gone(_))), "removed");
        assert!(matches!(lock(folder.path()), Err(StoreError::InUse(_))), "the lock is held all the while");
        fs::copy(&elsewhere, &path).unwrap();
        assert!(matches!(store.write(&changes), Err(StoreError::Gone(_))), "replaced");
        fs::rename(&elsewhere, &path).unwrap();
        store.write(&changes).unwrap();
        assert_eq!(rows(&mut store).len(), 1);
    }
}

#[test]
fn every_error_says_what_to_do() {
    let path = Path::new("/var/lib/cdr-exporter/ledger.redb");
    let refused = |kind: io::ErrorKind| StoreError::refused(path, io::Error::from(kind));
    for (error, message) in [
        (
            StoreError::InUse(path.into()),
            "a running cdr-exporter uses this store. Stop that one first, or choose another folder with \
             --storage.path. To stop it loses nothing: when it starts again, files are read on where it stopped",
        ),
        (StoreError::Missing(path.into()), "there is no store; name its folder with --storage.path"),
        (
            StoreError::damaged(path, "page 7 has another checksum"),
            "the store is damaged: page 7 has another checksum. Nothing was changed. `cdr-exporter state verify \
             --storage.path /var/lib/cdr-exporter` says how to go on",
        ),
        (
            StoreError::Newer { path: path.into(), found: 9 },
            "the store has layout 9, and this version knows layouts up to 4: a newer cdr-exporter wrote it. Run that \
             version, or move the store aside with `cdr-exporter state reset --storage.path /var/lib/cdr-exporter`",
        ),
        (
            StoreError::Gone(path.into()),
            "the store was removed, or another was put in its place, while it was in use. Put it back, or start \
             again to go on with what is there",
        ),
        (refused(io::ErrorKind::StorageFull), "no storage space; make room there: nothing is lost meanwhile"),
        (
            refused(io::ErrorKind::ReadOnlyFilesystem),
            "read-only filesystem or storage medium; let the user of cdr-exporter write there, or choose another \
             folder with --storage.path",
        ),
        (
            refused(io::ErrorKind::PermissionDenied),
            "permission denied; let the user of cdr-exporter write there, or choose another folder with \
             --storage.path",
        ),
        (
            refused(io::ErrorKind::NotADirectory),
            "not a directory; the folder of the store is named with --storage.path",
        ),
    ] {
        assert_eq!(error.to_string(), format!("/var/lib/cdr-exporter/ledger.redb: {message}"));
    }
    let here = StoreError::damaged(Path::new("ledger.redb"), "").to_string();
    assert!(here.contains("state verify --storage.path .`"), "{here}");
}
