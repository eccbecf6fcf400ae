//! `cdr-exporter audit`: the files that still exist, read again up to where they were read, against the ledger.
//!
//! Each file by itself: it must still hold the text that was read, and that text as many records of each kind as were
//! found then. And each source: what the files hold together must not be more than was counted; and where they hold
//! everything that was ever read, it must be the same, for every label set.

mod compare;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};

use clap::Args;
use indicatif::ProgressBar;

use self::compare::Recount;
use super::Exit;
use super::reader;
use super::stopped::{Failed, Stopped};
use crate::app;
use crate::decode::{Decoded, Format};
use crate::ledger::{KnownFile, Ledger, SourceIndex};
use crate::pipeline::booking::Books;
use crate::pipeline::reading::{self, Reading};
use crate::source::identity::{FileId, Records};
use crate::source::tail::TailError;

/// Read the files that still exist again and compare what they hold with what was counted
#[derive(Debug, Args)]
#[command(after_help = "Examples, while the daemon is stopped:
  cdr-exporter audit --storage.path /var/lib/cdr-exporter \\
      --config.file /etc/cdr-exporter/cdr-exporter.yml
  cdr-exporter audit --storage.path /var/lib/cdr-exporter /var/spool/cdr/teams

Nothing is changed. To stop the daemon for it loses nothing: what is written meanwhile is read when
it starts again.

Calls are counted again under the config that is given: trunks, causes, limits and `remember` that
were changed since, and a newer catalogue, show as differences of label sets.

Exit status: 0 no difference, 1 differences, 2 wrong usage, 64 bad config, 74 the store cannot be
used.")]
pub struct Arguments {
    #[command(flatten)]
    stopped: Stopped,
}

/// Audits, and prints each difference.
pub fn run(arguments: &Arguments) -> Exit {
    let (report, differences) = match audit(arguments) {
        Ok(audited) => audited,
        Err(Failed { message, exit }) => {
            eprintln!("cdr-exporter audit: {message}");
            return exit;
        }
    };
    let said = match differences {
        0 => "no difference".to_owned(),
        1 => "1 difference".to_owned(),
        many => format!("{many} differences"),
    };
    // Without anyone to read it, the exit status says it.
    let _ = writeln!(io::stdout(), "{report}{said}");
    if differences == 0 { Exit::Ok } else { Exit::No }
}

/// The report, and how many differences there are.
fn audit(arguments: &Arguments) -> Result<(String, usize), Failed> {
    let (options, mut ledger, sources) = arguments.stopped.open()?;
    let (mut again, books) = options.ledger(app::now());
    let mut audits = Vec::new();
    for ((source, known), books) in options.sources.iter().zip(sources).zip(books) {
        let mut audit = Audit::of(&ledger, known);
        audit.read(source.reading, &mut again, books);
        audits.push(audit);
    }
    let (counted, again) = (ledger.snapshot(true), again.snapshot(true));
    let (mut report, mut differences) = (String::new(), 0);
    for source in &counted.sources {
        let place = options.sources.iter().position(|other| other.books.name == source.name);
        let found = match place {
            Some(place) => {
                let remember = options.sources[place].books.remember;
                audits[place].compare(source.name.as_ref(), &counted, &again, remember)
            }
            None => {
                report += &format!("source {}: not in the config, so its files are not read\n", source.name);
                compare::within(&counted, source)
            }
        };
        if let Some(place) = place {
            report += &format!("source {}: {}\n", source.name, audits[place].summary());
        }
        differences += found.len();
        found.iter().for_each(|difference| report += &format!("  {difference}\n"));
    }
    Ok((report, differences))
}

/// One source's files, read again.
struct Audit {
    /// The file of each text that was read furthest, and then its copies.
    texts: BTreeMap<u64, Vec<KnownFile>>,
    gone: usize,
    recount: Recount,
    progress: ProgressBar,
}

impl Audit {
    /// The files that the ledger knows and that are still there.
    fn of(ledger: &Ledger, source: SourceIndex) -> Self {
        let mut texts: BTreeMap<u64, Vec<KnownFile>> = BTreeMap::new();
        let (mut gone, mut bytes) = (0, 0);
        let files = ledger.files(source).filter(|(id, _)| id.device != FileId::NO_DEVICE);
        for (number, (id, file)) in files.enumerate() {
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
        let recount = Recount::new(ledger.replayed(source) as u64);
        Self { texts, gone, recount, progress: reader::progress(bytes) }
    }

    /// Reads all of them; each text is counted in `again` once.
    fn read(&mut self, options: reading::Options, again: &mut Ledger, source: SourceIndex) {
        let mut texts: Vec<_> = std::mem::take(&mut self.texts).into_values().collect();
        texts.sort_by(|a, b| a.first().map(|file| &file.path).cmp(&b.first().map(|file| &file.path)));
        for files in texts {
            for (number, file) in files.iter().enumerate() {
                let is_copy = number > 0;
                let format = Format::from_name(&file.content.format);
                let books = Books { ledger: again, source, now: app::now(), rejected: None };
                match read(file, reading::Options { format, ..options }, books, is_copy) {
                    Ok(Some(found)) => {
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

    fn summary(&self) -> String {
        let Recount { files, unknown, .. } = &self.recount;
        let mut text = format!("{files} files read again");
        if self.gone > 0 {
            text += &format!(", {} gone", self.gone);
        }
        if *unknown > 0 {
            text += &format!(", {unknown} begun under an older version, which kept no balance of each file");
        }
        text
    }
}

/// What the text of a file holds up to where it was read; `None` when it is another text. Nothing is booked of a copy.
fn read(
    file: &KnownFile,
    options: reading::Options,
    mut books: Books<'_>,
    is_copy: bool,
) -> Result<Option<Records>, TailError> {
    let mut found = Records::default();
    let mut reading = Reading::new(File::open(&file.path)?, options);
    let is_same = reading.again(&file.content, |records, live_within| {
        for record in records {
            *match record.decoded {
                Decoded::Call(_) => &mut found.calls,
                Decoded::Header => &mut found.header,
                Decoded::Ignored => &mut found.ignored,
                Decoded::Rejected(_) => &mut found.rejected,
            } += 1;
        }
        if is_copy { u64::MAX } else { books.book(records, 0, live_within) }
    })?;
    Ok(is_same.then_some(found))
}
