//! `cdr-exporter audit`: the files that still exist, read again up to where they were read, against the ledger.
//!
//! Each file by itself: the text that was read must still end as it did, and hold as many records of each kind as were
//! found then. And each source: what the files hold together must not be more than was counted; and where they hold
//! everything that was ever read, or nothing of the source is gone, it must be the same, for every label set.

mod compare;

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressBar;

use self::compare::{Compared, GONE, Recount};
use super::reader;
use super::stopped::{Failed, Stopped};
use super::texts;
use super::{Exit, counted, one_or_more};
use crate::clock;
use crate::findings::thousands;
use crate::format::{Format, Recognition};
use crate::ledger::snapshot::Snapshot;
use crate::ledger::{Holder, KnownFile, Ledger, SourceIndex};
use crate::pipeline::Source;
use crate::reading::{self, Batch, Reading, Records};
use crate::shown;
use crate::source::archive::Archive;
use crate::source::companion;
use crate::source::identity::FileId;
use crate::source::open::open;
use crate::source::tail::TailError;

/// Read the files that still exist again and compare what they hold with what was counted
#[derive(Debug, Args)]
#[command(after_help = "Examples, while the daemon is stopped:
  cdr-exporter audit --storage.path /var/lib/cdr-exporter \\
      --config.file /etc/cdr-exporter/cdr-exporter.yml
  cdr-exporter audit --storage.path /var/lib/cdr-exporter /var/spool/cdr/teams

Compared are, of each file, how many records of each kind stand up to where it was read, and the \
last 4 KiB of that text; of each source, its counts by label set. Another byte before those 4 KiB is \
seen when it changes a count. A source whose files are all still there, and were never written anew, \
must have the same counts. Otherwise more may have been counted than the files hold: that is said.

A file of a source of which the store knows nothing is named as not read yet, and is no difference: \
serve reads it when it runs. So is one that begins like another and is too short to tell them apart.

Nothing is changed. To stop the daemon for it loses nothing: what is written meanwhile is read when \
it starts again.

Calls are counted again under the config that is given: trunks, causes, limits and `remember` that \
were changed since, and a newer catalogue, show as differences of label sets.

Exit status: 0 no difference, 1 differences, or nothing that could be compared, 2 wrong usage (such \
as sources that the store does not have), 64 bad config, 74 the store cannot be used.")]
pub struct Arguments {
    #[command(flatten)]
    stopped: Stopped,
}

/// Audits, and prints each difference.
pub fn run(arguments: &Arguments) -> Exit {
    let Audited { report, compared, unread, differences } = match audit(arguments) {
        Ok(audited) => audited,
        Err(Failed { message, exit }) => {
            super::say("audit", message);
            return exit;
        }
    };
    let said = match (compared, differences) {
        (0, 0) => "nothing was compared: no file that was read is still there".to_owned(),
        (files, 0) => {
            format!("{}: no difference", one_or_more(files as u64, "file compared", "files compared"))
        }
        (files, differences) => format!(
            "{}: {}",
            one_or_more(files as u64, "file compared", "files compared"),
            counted(differences as u64, "difference")
        ),
    };
    let said = match unread {
        0 => said,
        unread => format!("{said}; {} not read yet", counted(unread as u64, "file")),
    };
    let exit = if compared > 0 && differences == 0 { Exit::Ok } else { Exit::No };
    super::print("audit", &format!("{}{said}\n", shown::lines(&report)), exit)
}

/// So many files that were not read yet are named, of each source.
const UNREAD_NAMED: usize = 20;

/// What came of it.
#[derive(Debug, Default)]
struct Audited {
    /// A paragraph for each source.
    report: String,
    /// Files read again.
    compared: usize,
    /// Files that were not read yet.
    unread: usize,
    differences: usize,
}

fn audit(arguments: &Arguments) -> Result<Audited, Failed> {
    let (options, mut ledger, sources) = arguments.stopped.open()?;
    let place_of = |name: &str| options.sources.iter().position(|other| *other.books.name == *name);
    // As in what is read again, nothing more is to come of the calls that wait.
    ledger.decide_all_attempts(clock::now());
    let counted = ledger.snapshot(true);
    are_known(&counted, |name| place_of(name).is_some())?;
    let (mut again, books) = options.ledger(clock::now());
    let mut audits = Vec::new();
    for ((source, known), books) in options.sources.iter().zip(sources).zip(books) {
        let mut audit = Audit::of(&ledger, known, source);
        audit.read(source.reading, &mut again, books);
        audits.push(audit);
    }
    again.decide_all_attempts(clock::now());
    let again = again.snapshot(true);
    let mut audited = Audited::default();
    for source in &counted.sources {
        let mut unread = Vec::new();
        let (said, found) = match place_of(&source.name) {
            Some(place) => {
                let remember = options.sources[place].books.remember;
                audited.compared += audits[place].compared;
                let found = audits[place].compare(source.name.as_ref(), &counted, &again, remember);
                audited.unread += audits[place].unread.len();
                unread = audits[place].unread_lines();
                (audits[place].summary(), found)
            }
            None => {
                let differences = compare::within(&counted, source);
                let said = "not in the config, so its files are not read".to_owned();
                (said, Compared { differences, note: None })
            }
        };
        audited.report += &format!("source {}: {said}\n", source.name);
        audited.differences += found.differences.len();
        let lines = found.differences.iter().chain(&found.note).chain(&unread);
        lines.for_each(|line| audited.report += &format!("  {line}\n"));
    }
    Ok(audited)
}

/// A config, or paths, none of whose sources was ever read is that of another daemon.
fn are_known(counted: &Snapshot, is_known: impl Fn(&str) -> bool) -> Result<(), Failed> {
    let read = counted.sources.iter().filter(|source| source.read_records > 0);
    let (known, strange): (Vec<_>, Vec<_>) = read.partition(|source| is_known(&source.name));
    if !known.is_empty() || strange.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = strange.iter().map(|source| format!("`{}`", source.name)).collect();
    let message = format!(
        "nothing was read of the sources that were given (paths alone are the source `teams`); the store has {}. Give \
         the config or the paths that serve is started with",
        names.join(", ")
    );
    Err(Failed::new(message, Exit::Usage))
}

/// One source's files, read again.
struct Audit {
    /// The file of each text that was read furthest, and then its copies.
    texts: BTreeMap<u64, Vec<KnownFile>>,
    gone: usize,
    /// Files read again.
    compared: usize,
    /// Files of the source of which the ledger knows nothing.
    unread: Vec<PathBuf>,
    recount: Recount,
    progress: ProgressBar,
}

impl Audit {
    /// The files that the ledger knows and that are still there, and those that it does not know.
    fn of(ledger: &Ledger, source: SourceIndex, configured: &Source) -> Self {
        let mut texts: BTreeMap<u64, Vec<KnownFile>> = BTreeMap::new();
        let (mut gone, mut bytes) = (0, 0);
        let contents = ledger.contents(source);
        let is_past = |(holder, _): &(Holder, &KnownFile)| matches!(holder, Holder::Past(_));
        for (number, (id, file)) in contents.files().enumerate() {
            match file.path.metadata().ok().filter(|metadata| FileId::of(metadata) == id) {
                Some(metadata) => {
                    bytes += metadata.len();
                    // A file from before there were lineages is a text of its own.
                    let lineage = Some(file.content.lineage).filter(|lineage| *lineage != 0);
                    texts.entry(lineage.unwrap_or(number as u64)).or_default().push(file.clone());
                }
                None => gone += 1,
            }
        }
        for files in texts.values_mut() {
            files.sort_by_key(|file| (std::cmp::Reverse(file.content.position), file.path.clone()));
        }
        let mut recount = Recount::new(ledger.replayed(source) as u64);
        if gone > 0 || contents.all().any(|known| is_past(&known)) {
            recount.note_more(GONE);
        }
        if texts.values().any(|files| files.iter().skip(1).any(|copy| !is_within(copy, &files[0]))) {
            recount.note_more("a copy was written to by itself since, and holds calls that are in it alone");
        }
        let is_unread = |(path, metadata): &(PathBuf, Metadata)| {
            metadata.len() > 0
                && contents.of(FileId::of(metadata)).is_none()
                && companion::explanation_at(path).is_none()
                && may_hold_records(path, configured.reading)
        };
        let found = configured.discover.scan().files.into_iter();
        let unread = found.filter(is_unread).map(|(path, _)| path).collect();
        Self { texts, gone, compared: 0, unread, recount, progress: reader::progress(bytes) }
    }

    /// Reads all of them; each text is counted in `again` once.
    fn read(&mut self, options: reading::Options, again: &mut Ledger, source: SourceIndex) {
        let mut texts: Vec<_> = std::mem::take(&mut self.texts).into_values().collect();
        texts.sort_by(|a, b| a.first().map(|file| &file.path).cmp(&b.first().map(|file| &file.path)));
        for files in texts {
            for (number, file) in files.iter().enumerate() {
                self.compared += 1;
                let is_copy = number > 0;
                let wanted = options.format.filter(|format| format.name == file.content.format);
                // Each member of an archive has its own.
                let is_archive =
                    open(&file.path).is_ok_and(|file| matches!(Archive::recognise(&file), Ok(Some(true))));
                let then = || Format::named(&file.content.format).filter(|_| !is_archive);
                let format = wanted.or_else(then);
                let options = reading::Options { format, ..options };
                match read(file, options, (!is_copy).then_some((&mut *again, source))) {
                    Ok(Some((found, has_attempts))) => {
                        self.recount.has_attempts |= has_attempts;
                        self.recount.add_file(&file.path, file.content.records, found, is_copy)
                    }
                    Ok(None) => self.recount.differs(&file.path, "it holds other text than was read"),
                    Err(error) => self.recount.differs(&file.path, &format!("it cannot be read: {error}")),
                }
                self.progress.inc(file.path.metadata().map_or(0, |metadata| metadata.len()));
            }
        }
        self.progress.finish_and_clear();
    }

    /// A line for each of the first files that were not read yet.
    fn unread_lines(&self) -> Vec<String> {
        let line =
            |path: &PathBuf| format!("{}: not read yet: serve reads it when it runs", shown::path(path));
        let more = self.unread.len().saturating_sub(UNREAD_NAMED);
        let said = (more > 0).then(|| format!("and {} not read yet", counted(more as u64, "more file")));
        self.unread.iter().take(UNREAD_NAMED).map(line).chain(said).collect()
    }

    fn summary(&self) -> String {
        let Recount { unknown, .. } = &self.recount;
        let mut text = format!("{} read again", counted(self.compared as u64, "file"));
        if self.gone > 0 {
            text += &format!(", {} gone", self.gone);
        }
        if !self.unread.is_empty() {
            text += &format!(", {} not read yet", thousands(self.unread.len() as u64));
        }
        if *unknown > 0 {
            text += &format!(", {unknown} begun under an older version, which kept no balance of each file");
        }
        text
    }
}

/// Whether a file that was not read may be one of records: one of no known format was looked at, and told of as such.
fn may_hold_records(path: &Path, options: reading::Options) -> bool {
    let Some(text) = texts::text_at(path, 0).filter(|_| options.format.is_none()) else { return true };
    let finished = text.len() < texts::RECORD_BYTES;
    Format::recognise_with(&text, finished, options.names) != Recognition::Unknown
}

/// Whether a copy holds no other text than the file that was read furthest. `false` where that does not show without
/// decompressing it.
fn is_within(copy: &KnownFile, furthest: &KnownFile) -> bool {
    let (mark, known) = (&copy.content.mark, &furthest.content);
    let holds = || mark.holds(&open(&furthest.path).ok()?, known.plain_text_at?).ok();
    *mark == known.mark || holds().unwrap_or(false)
}

/// What the text of a file holds up to where it was read, and whether attempts of calls are among it; `None` when it is another
/// text. It is counted in `again`, if it is to be.
fn read(
    file: &KnownFile,
    options: reading::Options,
    mut again: Option<(&mut Ledger, SourceIndex)>,
) -> Result<Option<(Records, bool)>, TailError> {
    let (mut records, mut batch, mut has_attempts) = (Records::default(), Batch::default(), false);
    let mut reading = Reading::new(open(&file.path)?, options);
    let context = again.as_ref().map(|(ledger, source)| ledger.context(*source, clock::now(), false));
    let is_same = reading.again(&file.content, |found, how, so_far| {
        records = *so_far;
        let (Some((ledger, source)), Some(context)) = (&mut again, &context) else { return };
        batch.add(found, how, so_far, context);
        has_attempts |= !batch.attempts.is_empty();
        if batch.is_full() {
            ledger.apply(*source, &std::mem::take(&mut batch));
        }
    })?;
    if let Some((ledger, source)) = again {
        ledger.apply(source, &batch);
    }
    Ok(is_same.then_some((records, has_attempts)))
}
