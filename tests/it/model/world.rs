//! The files of one list, their writers, and where each file can still be read.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::action::Log;
use super::truth::{CSV_HEADER, Record, Truth};

/// How a file can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Under a name that is read.
    Read,
    /// Under another name in its folder.
    Away,
    /// Only by who has it open: it is removed, or its folder was moved.
    Open,
}

/// A file that was written.
#[derive(Debug)]
pub struct Tracked {
    pub log: Log,
    pub path: PathBuf,
    pub reach: Reach,
    /// Whether the running daemon is known to have opened it.
    pub opened: bool,
    /// Whether something of what it holds was counted, so that it is known again after a restart.
    pub known: bool,
    /// Whether it holds a whole record.
    pub has_record: bool,
    /// Whether something of it may not be counted.
    pub uncounted: bool,
}

/// Who writes to a file.
#[derive(Debug)]
struct Writer {
    file: File,
    index: usize,
    /// What is still to come of a record that was begun, and that record if it does not count yet.
    rest: Vec<u8>,
    begun: Option<Record>,
}

/// The folder with all that was written.
#[derive(Debug)]
pub struct World {
    /// Where the folder that is read stands.
    pub root: PathBuf,
    pub files: Vec<Tracked>,
    pub truth: Truth,
    writers: [Option<Writer>; 3],
    records: usize,
    names: usize,
    /// What was written in each format, to be written once more.
    written: [Vec<Record>; 2],
}

impl World {
    pub fn new(root: PathBuf) -> Self {
        fs::create_dir_all(root.join("cdr/deep")).unwrap();
        Self {
            root,
            files: Vec::new(),
            truth: Truth::default(),
            writers: [None, None, None],
            records: 0,
            names: 0,
            written: [Vec::new(), Vec::new()],
        }
    }

    pub fn folder(&self) -> PathBuf {
        self.root.join("cdr")
    }

    /// The path that the writer of a log opens.
    pub fn path(&self, log: Log) -> PathBuf {
        self.folder().join(log.name())
    }

    /// A path beside it that was never used.
    pub fn fresh_path(&mut self, log: Log, suffix: &str) -> PathBuf {
        self.names += 1;
        self.folder().join(format!("{}.{}{suffix}", log.name(), self.names))
    }

    pub fn track(&mut self, log: Log, path: PathBuf, reach: Reach) -> usize {
        self.files.push(Tracked {
            log,
            path,
            reach,
            opened: false,
            known: false,
            has_record: false,
            uncounted: false,
        });
        self.files.len() - 1
    }

    /// The file with this name now.
    pub fn at(&self, path: &Path) -> Option<usize> {
        self.files.iter().position(|file| file.reach != Reach::Open && file.path == path)
    }

    /// The oldest file of a log that is no longer written under its own name.
    pub fn oldest(&self, log: Log) -> Option<usize> {
        let current = self.path(log);
        self.files
            .iter()
            .position(|file| file.log == log && file.reach != Reach::Open && file.path != current)
    }

    /// The file that the writer of a log has open.
    pub fn written_to(&self, log: Log) -> Option<usize> {
        self.writers[log as usize].as_ref().map(|writer| writer.index)
    }

    /// So many records that were never written before, as a log has them.
    pub fn records(&mut self, log: Log, count: u32) -> (Vec<Record>, Vec<u8>) {
        let records: Vec<Record> = (0..count).map(|_| self.record()).collect();
        let text = records.iter().map(|record| text(log, *record)).collect::<String>();
        (records, text.into_bytes())
    }

    pub fn record(&mut self) -> Record {
        self.records += 1;
        Record(self.records)
    }

    /// These records are written, to their last byte.
    pub fn wrote(&mut self, log: Log, index: usize, records: &[Record]) {
        for record in records {
            self.truth.count(*record);
        }
        self.written[usize::from(log == Log::Csv)].extend(records);
        (self.files[index].has_record, self.files[index].uncounted) = (true, true);
    }

    /// The last records of a log's format, but for those of the last write, as a text.
    pub fn again(&self, log: Log, count: u32) -> (usize, Vec<u8>) {
        let written = &self.written[usize::from(log == Log::Csv)];
        let records = &written[written.len().saturating_sub(count as usize)..];
        (records.len(), records.iter().map(|record| text(log, *record)).collect::<String>().into_bytes())
    }

    /// Appends whole records.
    pub fn append(&mut self, log: Log, count: u32) {
        let (records, text) = self.records(log, count);
        let index = self.write(log, &text);
        self.wrote(log, index, &records);
    }

    /// Begins a record; the rest comes later.
    pub fn cut(&mut self, log: Log, thousandths: u32) {
        let record = self.record();
        let text = text(log, record).into_bytes();
        let at = (text.len() * thousandths as usize / 1000).clamp(1, text.len());
        let index = self.write(log, &text[..at]);
        let is_whole = at + 1 >= text.len();
        if is_whole {
            self.wrote(log, index, &[record]);
        }
        if let Some(writer) = &mut self.writers[log as usize] {
            writer.rest = text[at..].to_vec();
            writer.begun = (!is_whole).then_some(record);
        }
    }

    /// Writes a text behind what is there, in one write. Returns to which file.
    pub fn write(&mut self, log: Log, text: &[u8]) -> usize {
        self.complete(log);
        if self.writers[log as usize].is_none() {
            let path = self.path(log);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
            let index = self.at(&path).unwrap_or_else(|| self.track(log, path, Reach::Read));
            self.writers[log as usize] = Some(Writer { file, index, rest: Vec::new(), begun: None });
        }
        let writer = self.writers[log as usize].as_mut().unwrap();
        let is_empty = writer.file.metadata().unwrap().len() == 0;
        let header = if is_empty && log == Log::Csv { CSV_HEADER.as_bytes() } else { b"" };
        writer.file.write_all(&[header, text].concat()).unwrap();
        self.files[writer.index].uncounted = true;
        writer.index
    }

    /// Writes the rest of a record that was begun.
    pub fn complete(&mut self, log: Log) {
        let Some(writer) = &mut self.writers[log as usize] else { return };
        writer.file.write_all(&std::mem::take(&mut writer.rest)).unwrap();
        let (index, begun) = (writer.index, writer.begun.take());
        if let Some(record) = begun {
            self.wrote(log, index, &[record]);
        }
    }

    /// The writer is done with its file.
    pub fn reopen(&mut self, log: Log) {
        self.complete(log);
        self.writers[log as usize] = None;
    }

    /// Whoever writes to this file is done with it.
    pub fn let_go(&mut self, index: usize) {
        for log in Log::ALL {
            if self.written_to(log) == Some(index) {
                self.reopen(log);
            }
        }
    }
}

fn text(log: Log, record: Record) -> String {
    if log == Log::Csv { record.csv() } else { record.json() }
}
