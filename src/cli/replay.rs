//! `cdr-exporter replay`: counts rejected records that can be read now, each at most once ever.
//!
//! The file of rejected records only says where to look. The records are read again from the files that they stand in,
//! and only there where the ledger knows that file and has read it beyond them: what it has not, it will read itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Exit;
use super::stopped::{Failed, Stopped};
use crate::call::Call;
use crate::call::Reason;
use crate::clock;
use crate::ledger::{Holder, KnownFile, Ledger, SourceIndex};
use crate::pipeline::rejected::{Line, older};
use crate::reading::{self, Batch, Found, HowRead, Reading, Records};
use crate::shown;
use crate::source::open::open;
use crate::source::tail::TailError;

/// Count rejected records that can be read now, after a fix of the config or with a newer version
#[derive(Debug, Args)]
#[command(after_help = "Examples, while the daemon is stopped:
  cdr-exporter replay --rejected.path /var/log/cdr-exporter/rejected.jsonl \\
      --storage.path /var/lib/cdr-exporter \\
      --config.file /etc/cdr-exporter/cdr-exporter.yml

It reads FILE and FILE.1, finds each record in the file that it stood in, and counts it if it can be \
read now. That file, or a copy that the daemon has recognised, must still be there. Each record is \
counted once, however often this is run: which ones were is kept in the store, in one transaction \
with the counts. Where serve has read the file anew since, as it does when `format` was mended, what \
it holds is counted already, and nothing remains to be done.

Exit status: 0 all of them are counted, 1 some still cannot be read or are gone, 2 wrong usage, \
64 bad config, 74 the store cannot be used.")]
pub struct Arguments {
    /// The file of rejected records that serve was given
    #[arg(long = "rejected.path", value_name = "FILE")]
    rejected_path: PathBuf,
    #[command(flatten)]
    stopped: Stopped,
}

/// Replays, and says what became of the records of each file.
pub fn run(arguments: &Arguments) -> Exit {
    match replay(arguments) {
        Ok((report, exit)) => super::print("replay", &shown::lines(&report), exit),
        Err(Failed { message, exit }) => {
            super::say("replay", message);
            exit
        }
    }
}

fn replay(arguments: &Arguments) -> Result<(String, Exit), Failed> {
    let Rejected { texts, unfinished, cut, strange } = rejected(&arguments.rejected_path)?;
    let (options, mut ledger, sources) = arguments.stopped.open()?;
    let mut report = String::new();
    let mut all = Outcome::default();
    for ((name, lineage), Text { file, positions }) in texts {
        let known = options.sources.iter().zip(&sources).find(|(source, _)| *source.books.name == *name);
        let outcome = match known {
            Some((source, books)) => {
                let wanted = Wanted { source: *books, lineage, file: &file, positions: &positions };
                wanted.replay(&mut ledger, source.reading)
            }
            None => Outcome::gone(positions.len(), "its source is not in the config"),
        };
        report += &format!("{name}: {file}\n{outcome}");
        all.add(outcome);
    }
    for index in sources {
        ledger.forget_replayed(index);
    }
    ledger.commit(false)?;
    for (count, what) in [(unfinished, UNFINISHED), (cut, CUT), (strange, STRANGE)] {
        if count > 0 {
            report += &format!("{}: lines passed over: {count} {what}\n", arguments.rejected_path.display());
        }
    }
    report += &format!("in all\n{all}");
    Ok((report, if all.remain() + cut + strange == 0 { Exit::Ok } else { Exit::No }))
}

/// What a line may be that is passed over.
const UNFINISHED: &str = "about a record that was not finished; where its end came, serve counted it";
const CUT: &str = "cut off, by a crash or a full disk (after a crash, what it said stands there again)";
const STRANGE: &str = "that serve did not write";

/// The rejected records of one text.
#[derive(Debug, Default)]
struct Text {
    /// The name of its file when the last of them was rejected.
    file: String,
    positions: BTreeSet<u64>,
}

/// By source and lineage of the text.
type Texts = BTreeMap<(String, u64), Text>;

/// The rejected records of both generations, each once.
#[derive(Debug, Default)]
struct Rejected {
    texts: Texts,
    /// Lines about records that were not finished: they are no less to be read by serve.
    unfinished: usize,
    /// Lines of which only the beginning is there.
    cut: usize,
    /// Other lines that are none.
    strange: usize,
}

impl Rejected {
    fn add(&mut self, text: &[u8]) {
        for bytes in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line = serde_json::from_slice::<Line>(bytes);
            let is_cut = line.as_ref().is_err_and(serde_json::Error::is_eof);
            match line.ok().and_then(|line| Some((line.lineage()?, line))) {
                Some((_, line)) if line.reason == Reason::Unfinished.label() => self.unfinished += 1,
                Some((lineage, line)) => {
                    let text = self.texts.entry((line.source, lineage)).or_default();
                    text.file = line.file;
                    text.positions.insert(line.position);
                }
                None if is_cut => self.cut += 1,
                None => self.strange += 1,
            }
        }
    }
}

/// Reads both generations of a file of rejected records.
fn rejected(path: &Path) -> Result<Rejected, Failed> {
    let refused = |path: &Path, error: io::Error| {
        Failed::new(format!("{}: {error}; {EXPECTED}", path.display()), Exit::No)
    };
    let mut rejected = Rejected::default();
    let older = older(path);
    let has_older = match read_all(&older) {
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        read => {
            rejected.add(&read.map_err(|error| refused(&older, error))?);
            true
        }
    };
    match read_all(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && has_older => {}
        read => rejected.add(&read.map_err(|error| refused(path, error))?),
    }
    if rejected.texts.is_empty() && rejected.strange > 0 {
        let error = io::Error::other("there is no rejected record in it, only text of another kind");
        return Err(refused(path, error));
    }
    Ok(rejected)
}

fn read_all(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What `--rejected.path` is to be.
const EXPECTED: &str = "expected the file that serve writes with --rejected.path: JSON lines with source, file, \
                        lineage, position and reason of each rejected record";

/// What is to be replayed of one text.
struct Wanted<'w> {
    source: SourceIndex,
    lineage: u64,
    /// The name of its file then.
    file: &'w str,
    positions: &'w BTreeSet<u64>,
}

/// A record that was rejected, as it reads now.
type Read = (u64, Result<(Call<'static>, HowRead), Option<Reason>>);

/// What became of looking for records in a file.
enum Search {
    Found(Vec<Read>),
    /// It does not hold what the ledger read of it.
    OtherText,
    /// It is to be read as another format than it was: serve reads it anew.
    OtherFormat,
}

impl Wanted<'_> {
    fn replay(&self, ledger: &mut Ledger, options: reading::Options) -> Outcome {
        let has_text = |(_, file): &(Holder, &KnownFile)| file.content.lineage == self.lineage;
        let texts = ledger.contents(self.source).all().filter(has_text);
        let texts = texts.map(|(holder, file)| (holder, file.clone()));
        let (past, mut files): (Vec<_>, Vec<_>) =
            texts.partition(|(holder, _)| matches!(holder, Holder::Past(_)));
        files.sort_by_key(|(_, file)| file.content.position);
        let mut why = "the file is gone, or written anew";
        while let Some((_, file)) = files.pop() {
            match self.find(&file, options) {
                Ok(Search::Found(found)) => return self.count(found, file.content.position, ledger),
                Ok(Search::OtherFormat) => {
                    return Outcome { unread: self.positions.len(), ..Outcome::default() };
                }
                Ok(Search::OtherText) => {}
                Err(_) => why = "the file cannot be read",
            }
        }
        match past.iter().find_map(|(_, past)| self.read_anew(past, ledger, options)) {
            Some(read_to) => {
                let read_anew = self.positions.range(..read_to).count();
                Outcome { read_anew, unread: self.positions.len() - read_anew, ..Outcome::default() }
            }
            None => Outcome::gone(self.positions.len(), why),
        }
    }

    /// How far the text was read once more from its beginning, if it was: it is known as no file's, but the file that
    /// has its name now holds it, and was read as another text. So it is where `format` was mended.
    fn read_anew(&self, past: &KnownFile, ledger: &Ledger, options: reading::Options) -> Option<u64> {
        let has_name = |file: &KnownFile| file.path == past.path || file.path == Path::new(self.file);
        let mut files = ledger
            .contents(self.source)
            .files()
            .filter(|(_, file)| file.content.lineage != self.lineage && has_name(file));
        files.find_map(|(_, file)| {
            let mut reading = Reading::new(open(&file.path).ok()?, options);
            let is_same = reading.again(&past.content, |_, _, _| ()).ok()?;
            is_same.then_some(file.content.position)
        })
    }

    /// The records as they read now.
    fn find(&self, file: &KnownFile, options: reading::Options) -> Result<Search, TailError> {
        let mut read = Vec::new();
        let mut reading = Reading::new(open(&file.path)?, options);
        let is_same = reading.again(&file.content, |found, how, _| {
            let is_wanted = |position: &u64| self.positions.contains(position);
            match found {
                Found::Calls { calls, positions } => {
                    let wanted = calls.iter().zip(*positions).filter(|(_, position)| is_wanted(position));
                    read.extend(wanted.map(|(call, position)| (*position, Ok((call.owned(), how)))));
                }
                Found::Header { position } if is_wanted(position) => read.push((*position, Err(None))),
                Found::Ignored { positions } => {
                    let wanted = positions.iter().filter(|position| is_wanted(position));
                    read.extend(wanted.map(|position| (*position, Err(None))));
                }
                Found::Rejected { reason, position, .. } if is_wanted(position) => {
                    read.push((*position, Err(Some(*reason))));
                }
                Found::Header { .. } | Found::Rejected { .. } => {}
            }
        })?;
        Ok(match reading.format() {
            Some(format) if format.name != file.content.format => Search::OtherFormat,
            Some(_) if is_same => Search::Found(read),
            _ => Search::OtherText,
        })
    }

    fn count(&self, found: Vec<Read>, read_to: u64, ledger: &mut Ledger) -> Outcome {
        let mut outcome = Outcome::default();
        outcome.unread = self.positions.range(read_to..).count();
        outcome.no_record = self.positions.len() - outcome.unread - found.len();
        for (position, record) in found {
            let (call, how) = match record {
                Ok(call) => call,
                Err(Some(reason)) => {
                    *outcome.rejected.entry(reason.label()).or_default() += 1;
                    continue;
                }
                Err(None) => {
                    outcome.no_call += 1;
                    continue;
                }
            };
            if !ledger.replay(self.source, self.lineage, position) {
                outcome.before += 1;
                continue;
            }
            let found = Found::Calls { calls: &[call], positions: &[position] };
            let mut batch = Batch::default();
            batch.add(&found, how, &Records::default(), &ledger.context(self.source, clock::now(), false));
            match ledger.apply(self.source, &batch).counted {
                0 => outcome.duplicate += 1,
                _ => outcome.counted += 1,
            }
        }
        outcome
    }
}

/// What became of rejected records.
#[derive(Debug, Default)]
struct Outcome {
    counted: usize,
    duplicate: usize,
    /// Counted by an earlier replay.
    before: usize,
    no_call: usize,
    /// By reason.
    rejected: BTreeMap<&'static str, usize>,
    no_record: usize,
    unread: usize,
    /// In texts that were read once more from their beginning.
    read_anew: usize,
    /// By why.
    gone: BTreeMap<&'static str, usize>,
}

impl Outcome {
    fn gone(count: usize, why: &'static str) -> Self {
        Self { gone: [(why, count)].into(), ..Self::default() }
    }

    fn add(&mut self, other: Self) {
        self.counted += other.counted;
        self.duplicate += other.duplicate;
        self.before += other.before;
        self.no_call += other.no_call;
        self.no_record += other.no_record;
        self.unread += other.unread;
        self.read_anew += other.read_anew;
        for (reason, count) in other.rejected {
            *self.rejected.entry(reason).or_default() += count;
        }
        for (why, count) in other.gone {
            *self.gone.entry(why).or_default() += count;
        }
    }

    /// How many are still not counted, and should be.
    fn remain(&self) -> usize {
        self.rejected.values().sum::<usize>()
            + self.no_record
            + self.unread
            + self.gone.values().sum::<usize>()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, what) in [
            (self.counted, "counted now"),
            (self.duplicate, "came again elsewhere and are counted already: duplicates"),
            (self.before, "were counted by an earlier replay"),
            (self.no_call, "are no calls: headers, or records of another kind"),
            (self.read_anew, "are in files that were read anew since; what those hold is counted"),
            (self.no_record, "still cannot be read: no record begins there"),
            (self.unread, "are not read yet; the daemon reads them when it goes on"),
        ] {
            if count > 0 {
                writeln!(f, "  {count} {what}")?;
            }
        }
        for (reason, count) in &self.rejected {
            writeln!(f, "  {count} still cannot be read: {reason}")?;
        }
        for (why, count) in &self.gone {
            writeln!(f, "  {count} gone: {why}")?;
        }
        if self.counted + self.duplicate + self.before + self.no_call + self.read_anew + self.remain() == 0 {
            writeln!(f, "  no rejected record")?;
        }
        Ok(())
    }
}
