//! The files of one source: complete ones only, each row once. What is known of rows is what these files hold, and the
//! prints of those that went.
//!
//! A row that comes again with another content goes into a file of its own beside them, which no source reads: its call
//! is counted.
//!
//! A file is written under a hidden name, synced and renamed, so that a kill at any point leaves whole files; there is no
//! index beside them that could differ. A file goes after its prints are written: a kill between leaves both, which say
//! the same.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::day::Day;
use super::prints::{self, Known};
use super::row::{Print, Row};

/// What a row is to the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    New,
    Known,
    /// Its id is known, and its content is another.
    Changed,
}

/// The folder, locked.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    _lock: File,
    /// Of each day that is asked for.
    known: BTreeMap<Day, Known>,
    /// Of these, what is known is not whole: their prints are damaged.
    damaged: BTreeSet<Day>,
    parts: BTreeMap<Kind, Part>,
    /// Files that were read to their end when this was last tidied. What was read since may not be counted for good.
    read_before: HashSet<PathBuf>,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Rows as they first came. What the source reads.
    Calls,
    /// Rows that differ from what came first.
    Changed,
}

/// A file that is being written.
#[derive(Debug)]
struct Part {
    day: Day,
    file: BufWriter<File>,
    temporary: PathBuf,
    rows: Known,
}

impl Spool {
    /// Makes the folder where it is missing, and clears away what a kill left unfinished.
    ///
    /// # Errors
    /// When another collector uses it, or the disk refuses.
    pub fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(".lock"))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => {
                io::Error::other("another cdr-exporter collects into this folder; stop it first")
            }
            fs::TryLockError::Error(error) => error,
        })?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "tmp") {
                fs::remove_file(path)?;
            }
        }
        Ok(Self {
            folder: folder.to_path_buf(),
            _lock: lock,
            known: BTreeMap::new(),
            damaged: BTreeSet::new(),
            parts: BTreeMap::new(),
            read_before: HashSet::new(),
        })
    }

    /// Gets ready for the rows of a day. Days from `keep_from` on stay in memory; of others only the neighbours do,
    /// since no public source says for sure to which day a call of midnight belongs. Returns whether all is known of the
    /// day; if not, rows that were counted would be taken for new.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn begin(&mut self, day: Day, keep_from: Day) -> io::Result<bool> {
        self.abandon();
        let near = [day, day.previous(), day.next()];
        // What is damaged is looked at anew: somebody may have mended it.
        let damaged = std::mem::take(&mut self.damaged);
        self.known.retain(|known, _| {
            !damaged.contains(known) && (*known >= keep_from.previous() || near.contains(known))
        });
        for day in near {
            if !self.known.contains_key(&day) {
                let known = self.read(day)?;
                self.known.insert(day, known);
            }
        }
        Ok(!self.damaged.contains(&day))
    }

    fn read(&mut self, day: Day) -> io::Result<Known> {
        let mut known = prints::read(&self.folder, day)?.unwrap_or_else(|| {
            self.damaged.insert(day);
            Known::new()
        });
        // In the order of time: the last word on a row stays.
        for (_, path) in self.files()?.into_iter().filter(|(name, _)| name.day == day) {
            read_rows(&path, &mut known)?;
        }
        Ok(known)
    }

    /// Where the prints of a day stand.
    pub fn prints_of(&self, day: Day) -> PathBuf {
        prints::path(&self.folder, day)
    }

    /// Takes a row of this day: writes it unless it stands in a file as it is.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add(&mut self, day: Day, row: &Row) -> io::Result<Seen> {
        let near = [day, day.previous(), day.next()];
        let in_part = |kind| self.parts.get(&kind).and_then(|part: &Part| part.rows.get(&row.print.id));
        let in_parts = in_part(Kind::Changed).or_else(|| in_part(Kind::Calls));
        let in_files = || near.iter().find_map(|day| self.known.get(day)?.get(&row.print.id));
        let (seen, kind) = match in_parts.or_else(in_files) {
            Some(content) if *content == row.print.content => return Ok(Seen::Known),
            Some(_) => (Seen::Changed, Kind::Changed),
            None => (Seen::New, Kind::Calls),
        };
        let part = match self.parts.entry(kind) {
            Entry::Occupied(part) => part.into_mut(),
            Entry::Vacant(place) => place.insert(Part::new(&self.folder, kind, day)?),
        };
        part.file.write_all(row.line.as_bytes())?;
        part.rows.insert(row.print.id, row.print.content);
        Ok(seen)
    }

    /// Makes what was added a file, safe from a crash.
    ///
    /// # Errors
    /// When the disk refuses; then it is as if nothing was added.
    pub fn commit(&mut self) -> io::Result<()> {
        while let Some((kind, part)) = self.parts.pop_first() {
            if let Err(error) = self.finish(kind, part) {
                self.abandon();
                return Err(error);
            }
        }
        Ok(())
    }

    fn finish(&mut self, kind: Kind, part: Part) -> io::Result<()> {
        let written = part.file.into_inner().map_err(io::IntoInnerError::into_error);
        let renamed = written.and_then(|file| file.sync_all()).and_then(|()| {
            fs::rename(&part.temporary, self.free_name(kind, part.day))?;
            File::open(&self.folder)?.sync_all()
        });
        if let Err(error) = renamed {
            let _ = fs::remove_file(&part.temporary);
            return Err(error);
        }
        self.known.entry(part.day).or_default().extend(part.rows);
        Ok(())
    }

    /// Forgets what was added since the last file.
    pub fn abandon(&mut self) {
        while let Some((_, part)) = self.parts.pop_first() {
            let _ = fs::remove_file(&part.temporary);
        }
    }

    /// A name that sorts by time within its day, and is new.
    fn free_name(&self, kind: Kind, day: Day) -> PathBuf {
        let last = self.files().ok().and_then(|files| {
            files.iter().filter(|(name, _)| name.day == day).map(|(name, _)| name.fetched).max()
        });
        let fetched = super::now().max(last.map_or(0, |last| last + 1));
        self.folder.join(Name { day, fetched, kind }.text())
    }

    /// Every file, oldest first.
    fn files(&self) -> io::Result<Vec<(Name, PathBuf)>> {
        let mut files = self.named(Name::parse)?;
        files.sort();
        Ok(files)
    }

    /// What has a name of this kind.
    fn named<T>(&self, parse: impl Fn(&str) -> Option<T>) -> io::Result<Vec<(T, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if let Some(name) = entry.file_name().to_str().and_then(&parse) {
                found.push((name, entry.path()));
            }
        }
        Ok(found)
    }

    /// Removes files older than `keep` of days that are over, once they are read, and were so the last time, and keeps
    /// their prints until the day is before `forget`; how many files and bytes are left. `read` names the files that are
    /// read to their end, if that can be known.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn tidy(
        &mut self,
        keep: Duration,
        is_over: impl Fn(Day) -> bool,
        forget: Day,
        read: impl FnOnce() -> Option<HashSet<PathBuf>>,
    ) -> io::Result<(u64, u64)> {
        let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let files = self.files()?;
        let is_old = |name: &Name| super::now() - name.fetched >= keep && is_over(name.day);
        if files.iter().any(|(name, _)| is_old(name))
            && let Some(read) = read()
        {
            let before = std::mem::replace(&mut self.read_before, read);
            let is_counted = |path: &PathBuf| before.contains(path) && self.read_before.contains(path);
            let may_go = |name: &Name, path: &PathBuf| {
                is_old(name) && (name.kind == Kind::Changed || is_counted(path))
            };
            for of_day in files.chunk_by(|(one, _), (next, _)| one.day == next.day) {
                // The oldest first, so that what stays has the last word on a row.
                self.remove(of_day.iter().take_while(|(name, path)| may_go(name, path)))?;
            }
        }
        let prints = self.forget_before(forget)?;
        let files = self.files()?;
        let paths = files.iter().map(|(_, path)| path).chain(prints.iter().map(|(_, path)| path));
        let sizes = paths.filter_map(|path| fs::metadata(path).ok());
        Ok((files.len() as u64, sizes.map(|metadata| metadata.len()).sum()))
    }

    /// Removes files of one day, after their prints are on the disk. Those of a day with damaged prints stay: the prints
    /// that would be written are not all.
    fn remove<'a>(&self, files: impl Iterator<Item = &'a (Name, PathBuf)>) -> io::Result<()> {
        let files: Vec<_> = files.collect();
        let Some((name, _)) = files.first() else { return Ok(()) };
        let Some(mut known) = prints::read(&self.folder, name.day)? else { return Ok(()) };
        for (_, path) in &files {
            read_rows(path, &mut known)?;
        }
        prints::write(&self.folder, name.day, &known)?;
        files.iter().try_for_each(|(_, path)| fs::remove_file(path))
    }

    /// Forgets days that can be asked for no more; the prints of the others.
    fn forget_before(&self, day: Day) -> io::Result<Vec<(Day, PathBuf)>> {
        let (gone, kept): (Vec<_>, Vec<_>) =
            self.named(prints::day_of)?.into_iter().partition(|(of, _)| *of < day);
        gone.iter().try_for_each(|(_, path)| fs::remove_file(path))?;
        Ok(kept)
    }
}

/// What the rows of a file are known by.
fn read_rows(path: &Path, known: &mut Known) -> io::Result<()> {
    let at = |error: io::Error| {
        let path = path.display();
        io::Error::new(
            error.kind(),
            format!("{path}: {error}; move this file away, and its rows are fetched again"),
        )
    };
    for line in BufReader::new(File::open(path).map_err(at)?).lines() {
        let print = Print::of(&line.map_err(at)?);
        known.insert(print.id, print.content);
    }
    Ok(())
}

impl Part {
    fn new(folder: &Path, kind: Kind, day: Day) -> io::Result<Self> {
        let temporary = folder.join(format!(".{}{day}.ndjson.tmp", kind.prefix()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        Ok(Self { day, file: BufWriter::new(file), temporary, rows: Known::new() })
    }
}

impl Kind {
    const ALL: [Self; 2] = [Self::Calls, Self::Changed];

    fn prefix(self) -> &'static str {
        match self {
            Self::Calls => "calls-",
            Self::Changed => "changed-",
        }
    }
}

/// What the files that a source reads are called: a glob.
pub const CALLS: &str = "calls-*.ndjson";

/// A file's name: which calls, and fetched when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    day: Day,
    /// In milliseconds since 1970.
    fetched: i64,
    kind: Kind,
}

impl Name {
    const TIME: &str = "%Y%m%dT%H%M%S";

    /// `calls-2026-11-20-fetched-20261121T101502123Z.ndjson`
    fn text(self) -> String {
        let time =
            Timestamp::from_millisecond(self.fetched).unwrap_or_default().strftime(Self::TIME).to_string();
        format!(
            "{}{}-fetched-{time}{:03}Z.ndjson",
            self.kind.prefix(),
            self.day,
            self.fetched.rem_euclid(1000)
        )
    }

    fn parse(name: &str) -> Option<Self> {
        let kind = Kind::ALL.into_iter().find(|kind| name.starts_with(kind.prefix()))?;
        let (day, fetched) =
            name.strip_prefix(kind.prefix())?.strip_suffix("Z.ndjson")?.split_once("-fetched-")?;
        let (time, millis) = fetched.split_at_checked(15)?;
        let time = jiff::civil::DateTime::strptime(Self::TIME, time).ok()?;
        let seconds = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
        Some(Self { day: day.parse().ok()?, fetched: seconds + millis.parse::<i64>().ok()?, kind })
    }
}

/// Puts a small file in the place of the one before, or leaves that as it is.
///
/// # Errors
/// When the disk refuses.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let temporary = path.with_added_extension("tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests;
