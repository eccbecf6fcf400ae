//! A loss of power takes what was not synced, whole pages or parts of them in any order: the store is then as of its
//! last commit, or of the one that was being made.

use std::sync::{Arc, Mutex};

use fastrand::Rng;
use redb::{Builder, ReadableTable, StorageBackend};

use super::*;

const PAGE: usize = 4096;
const SECTOR: usize = 512;

/// A disk that remembers what is not yet on it for good, and what is found of it when power is lost now and then.
#[derive(Debug)]
struct Disk {
    random: Rng,
    /// As last synced.
    synced: Vec<u8>,
    /// As the program sees it.
    seen: Vec<u8>,
    /// Pages written since the last sync, each as it was after each write.
    unsynced: Vec<(usize, Vec<u8>)>,
    /// How many commits are made.
    commits: usize,
    /// What is found after a loss of power, each with the commits that were made before.
    found: Vec<(usize, Vec<u8>)>,
}

impl Disk {
    /// An untouched disk with this content.
    fn of(content: Vec<u8>, commits: usize, seed: u64) -> Backend {
        let (synced, seen) = (content.clone(), content);
        let random = Rng::with_seed(seed);
        let disk = Self { random, synced, seen, unsynced: Vec::new(), commits, found: Vec::new() };
        Backend(Arc::new(Mutex::new(disk)))
    }

    /// Now and then notes what would be found if power were lost here.
    fn note(&mut self) {
        if self.random.u8(..16) == 0 {
            let found = self.after_power_loss();
            self.found.push((self.commits, found));
        }
    }

    /// What is found when power is lost now: some of the unsynced pages, of some the first sectors only.
    fn after_power_loss(&mut self) -> Vec<u8> {
        let random = &mut self.random;
        let mut found = self.synced.clone();
        if random.bool() {
            found.resize(self.seen.len(), 0);
        }
        let kept = random.f64();
        for (page, content) in &self.unsynced {
            if random.f64() < kept {
                let torn = random.u8(..4) == 0;
                let written = if torn { random.usize(..PAGE / SECTOR) * SECTOR } else { PAGE };
                let written = written.min(content.len());
                found.resize(found.len().max(page * PAGE + content.len()), 0);
                found[page * PAGE..][..written].copy_from_slice(&content[..written]);
            }
        }
        found
    }
}

#[derive(Debug, Clone)]
struct Backend(Arc<Mutex<Disk>>);

impl StorageBackend for Backend {
    fn len(&self) -> Result<u64, std::io::Error> {
        Ok(self.0.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
        let offset = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.0.lock().unwrap().seen[offset..][..out.len()]);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<(), std::io::Error> {
        let length = usize::try_from(length).unwrap();
        let mut disk = self.0.lock().unwrap();
        disk.seen.resize(length, 0);
        disk.unsynced.retain(|(page, content)| page * PAGE + content.len() <= length);
        disk.note();
        Ok(())
    }

    fn sync_data(&self) -> Result<(), std::io::Error> {
        let mut disk = self.0.lock().unwrap();
        disk.note();
        disk.synced = disk.seen.clone();
        disk.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
        let offset = usize::try_from(offset).unwrap();
        let mut disk = self.0.lock().unwrap();
        disk.seen[offset..][..data.len()].copy_from_slice(data);
        for page in offset / PAGE..(offset + data.len()).div_ceil(PAGE) {
            let end = disk.seen.len().min((page + 1) * PAGE);
            let content = disk.seen[page * PAGE..end].to_vec();
            disk.unsynced.push((page, content));
        }
        disk.note();
        Ok(())
    }
}

fn rows_of(database: &Database) -> Vec<String> {
    let mut rows = Vec::new();
    let read = file::each(database, &mut |row| {
        rows.push(format!("{row:?}"));
        Ok(())
    });
    read.unwrap();
    rows
}

/// What a commit of the ledger may change: rows set and removed, batches of ids added, written again and dropped.
fn some_changes(random: &mut Rng) -> Changes {
    let key = |random: &mut Rng| random.u8(..60).to_string();
    let mut changes = Changes { ready: random.bool(), ..Changes::default() };
    for _ in 0..random.usize(1..20) {
        let table = Table::ALL[random.usize(..Table::ALL.len())];
        let value = (random.u8(..5) > 0).then(|| "x".repeat(random.usize(1..600)));
        changes.rows.push((table, key(random), value));
    }
    for _ in 0..random.usize(..3) {
        let ids = (random.u8(..4) > 0).then(|| vec![random.u8(..); random.usize(..20_000)]);
        changes.ids.push(("source".to_owned(), random.u64(..8), ids));
    }
    changes
}

/// What a daemon finds after the loss of power.
fn opened(found: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE), found).unwrap();
    rows(&mut Store::open_existing(folder.path(), true).unwrap())
}

#[test]
fn a_loss_of_power_leaves_the_last_commit() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let mut content = Vec::new();
    let mut losses = 0;
    // Power is lost again while the store is repaired, and after it.
    for life in 0..5 {
        let disk = Disk::of(content, 0, random.u64(..));
        let open = || Builder::new().create_with_backend(disk.clone()).unwrap();
        let mut database = open();
        if life == 0 {
            file::prepare(&database).unwrap();
            disk.0.lock().unwrap().found.clear();
        }
        let mut states = vec![rows_of(&database)];
        for _ in 0..8 {
            file::write(&database, &some_changes(&mut random)).unwrap();
            states.push(rows_of(&database));
            disk.0.lock().unwrap().commits += 1;
            if random.u8(..4) == 0 {
                drop(database);
                database = open();
            }
        }
        let mut found = std::mem::take(&mut disk.0.lock().unwrap().found);
        for (commits, found) in &found {
            let rows = opened(found);
            let known = states[*commits..].iter().take(2).any(|state| *state == rows);
            assert!(known, "seed {seed}, life {life}, after {commits} commits");
        }
        losses += found.len();
        content = found.swap_remove(random.usize(..found.len())).1;
        drop(database);
    }
    println!("{losses} losses of power");
}

/// The layout, and every row as it stands in the store.
fn as_stored(database: &Database) -> (u64, Vec<String>) {
    let transaction = database.begin_read().unwrap();
    let layout = transaction.open_table(META).unwrap().get("layout").unwrap().unwrap().value();
    let mut rows = Vec::new();
    for table in Table::ALL {
        for row in transaction.open_table(table.definition()).unwrap().iter().unwrap() {
            let (key, value) = row.unwrap();
            rows.push(format!("{table:?} {} {}", key.value(), value.value()));
        }
    }
    (layout, rows)
}

/// Rows of the newest layout.
fn some_rows(random: &mut Rng) -> Changes {
    let mut rows = Vec::new();
    for number in 0..random.usize(1..400) {
        let trunk = "x".repeat(random.usize(..300));
        let key = match random.u8(..3) {
            0 => (Table::Routes, format!(r#"{{"source":"a","trunk":"{number} {trunk}","direction":""}}"#)),
            1 => (Table::Files, format!(r#"{{"source":"a","device":null,"inode":{number}}}"#)),
            _ => (Table::Replayed, format!(r#"{{"source":"a","lineage":{number},"position":0}}"#)),
        };
        let value = match key.0 {
            Table::Files => {
                r#"{"path":"/a","content":{"position":1,"mark":{"end":1,"length":1,"hash":1},"head":{"at":0,"hashes":[]},"place":"Top","format":"graph","header":null,"plain_text_at":null,"lineage":1,"records":null,"unfinished":null},"decision":{"event":"found","at":1}}"#
            }
            _ => "true",
        };
        rows.push((key.0, key.1, Some(value.to_owned())));
    }
    Changes { rows, ..Changes::default() }
}

#[test]
fn a_loss_of_power_while_a_layout_is_raised_leaves_all_of_one_layout() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let mut losses = [0, 0];
    for _ in 0..12 {
        let disk = Disk::of(Vec::new(), 0, random.u64(..));
        let database = Builder::new().create_with_backend(disk.clone()).unwrap();
        file::prepare(&database).unwrap();
        file::write(&database, &some_rows(&mut random)).unwrap();
        let written = as_stored(&database);
        lowered::to_layout_2(&database);
        let older = as_stored(&database);
        disk.0.lock().unwrap().found.clear();
        let changes = Changes { rows: vec![put(Table::Sources, "a", "1")], ..Changes::default() };
        file::write(&database, &changes).unwrap();
        let newest = as_stored(&database);
        let without_change = newest.1.iter().filter(|row| *row != "Sources a 1").cloned().collect();
        assert_eq!((newest.0, without_change), written, "seed {seed}");
        let found = std::mem::take(&mut disk.0.lock().unwrap().found);
        let found = found.into_iter().map(|(_, found)| found).chain([disk.0.lock().unwrap().seen.clone()]);
        for found in found {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(FILE), found).unwrap();
            let store = Store::open_existing(folder.path(), true).unwrap();
            let stored = as_stored(store.database.as_ref().unwrap());
            assert!(stored == older || stored == newest, "seed {seed}: {stored:?}");
            losses[usize::from(stored == newest)] += 1;
        }
    }
    println!("{losses:?} losses of power left the older layout, and the newest");
    assert!(losses.iter().all(|losses| *losses > 0), "{losses:?}");
}
