//! The files of one list, their writers, and where each file can still be read.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::action::Log;
use super::truth::{CSV_HEADER, Record, SAME_KIND, Truth};

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

/// Bytes that are to be written later than what stands behind them.
#[derive(Debug)]
struct Hole {
    offset: u64,
    text: Vec<u8>,
    /// In it and behind it.
    records: Vec<Record>,
}

/// Who writes to a file.
#[derive(Debug)]
struct Writer {
    file: File,
    index: usize,
    /// What is still to come of a record that was begun, and that record if it does not count yet.
    rest: Vec<u8>,
    begun: Option<Record>,
    hole: Option<Hole>,
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
        let writer = self.writers[log as usize].as_mut().filter(|writer| writer.index == index);
        if let Some(hole) = writer.and_then(|writer| writer.hole.as_mut()) {
            // What stands behind a hole waits.
            return hole.records.extend(records);
        }
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
            self.writers[log as usize] =
                Some(Writer { file, index, rest: Vec::new(), begun: None, hole: None });
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

    /// Writes `within` records but for what stands between the first and the last byte of theirs that are given, and
    /// `behind` more behind them. Nothing if there is a hole already, or no record before it.
    pub fn write_hole(&mut self, log: Log, within: u32, behind: u32) {
        let is_ready = |world: &Self| {
            let writer = world.writers[log as usize].as_ref();
            writer.is_some_and(|writer| writer.hole.is_none() && world.files[writer.index].has_record)
        };
        self.complete(log);
        if !is_ready(self) {
            return;
        }
        let (mut records, text) = self.records(log, within);
        let (begin, end) = (text.len() / within as usize / 2, text.len() - text.len() / within as usize / 3);
        self.write(log, &text[..begin]);
        let (more, rest) = self.records(log, behind);
        records.extend(more);
        let writer = self.writers[log as usize].as_mut().unwrap();
        let offset = writer.file.metadata().unwrap().len();
        let hole = text[begin..end].to_vec();
        let behind = [&text[end..], &rest].concat();
        anywhere(&writer.file).write_all_at(&behind, offset + hole.len() as u64).unwrap();
        writer.hole = Some(Hole { offset, text: hole, records });
    }

    /// Whether the writer of a log has left a hole.
    pub fn has_hole(&self, log: Log) -> bool {
        self.writers[log as usize].as_ref().is_some_and(|writer| writer.hole.is_some())
    }

    /// Fills the hole that the writer of a log has left.
    pub fn fill_hole(&mut self, log: Log) {
        let Some(writer) = &mut self.writers[log as usize] else { return };
        let Some(Hole { offset, text, records }) = writer.hole.take() else { return };
        anywhere(&writer.file).write_all_at(&text, offset).unwrap();
        let index = writer.index;
        self.wrote(log, index, &records);
    }

    /// Every record that the file holds, in its order, with its place.
    pub fn held(&self, index: usize) -> Vec<(u64, Record)> {
        let id = b"d1000000-05ec-4a1b-8c2d-";
        let text = fs::read(&self.files[index].path).unwrap();
        let row = if self.files[index].log == Log::Csv { 0 } else { "{\"id\":\"".len() };
        memchr::memmem::find_iter(&text, id)
            .map(|at| {
                let number = str::from_utf8(&text[at + id.len()..][..12]).unwrap();
                ((at - row) as u64, Record(usize::from_str_radix(number, 16).unwrap()))
            })
            .collect()
    }

    /// Some records of a file, all of which are counted, become others. Where ids are not remembered, all of it counts.
    pub fn overwrite(&mut self, index: usize, thousandths: u32, count: u32, remembers: bool) {
        let log = self.files[index].log;
        let held = self.held(index);
        let from = held.len() * thousandths as usize / 1000;
        let mut text_now = fs::read(&self.files[index].path).unwrap();
        let mut new = Vec::new();
        for (place, before) in held.iter().skip(from).take(count as usize) {
            // Of the same kind, and so as long.
            let other = Record(before.0 + (self.records + 1 - before.0).next_multiple_of(SAME_KIND));
            self.records = other.0;
            let text = text(log, other);
            text_now[usize::try_from(*place).unwrap()..][..text.len()].copy_from_slice(text.as_bytes());
            new.push(other);
        }
        // In one write: what stands there between two would be a text of its own.
        let file = OpenOptions::new().write(true).open(&self.files[index].path).unwrap();
        let first = held.get(from).map_or(0, |(place, _)| usize::try_from(*place).unwrap());
        file.write_all_at(&text_now[first..], first as u64).unwrap();
        let garbage = text_now.split(|byte| *byte == b'\n').filter(|line| GARBAGE.contains(line)).count();
        if remembers {
            self.wrote(log, index, &new);
        } else {
            let all: Vec<Record> = self.held(index).into_iter().map(|(_, record)| record).collect();
            self.wrote(log, index, &all);
            self.truth.rejected += garbage;
        }
    }

    /// The writer is done with its file.
    pub fn reopen(&mut self, log: Log) {
        self.fill_hole(log);
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

/// A handle that does not append.
fn anywhere(file: &File) -> File {
    OpenOptions::new().write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap()
}

/// Lines that are no record, without their ends.
pub const GARBAGE: [&[u8]; 2] = [b"no,row", b"{\"id\":\"5\",\"finalSipCode\":}"];

fn text(log: Log, record: Record) -> String {
    if log == Log::Csv { record.csv() } else { record.json() }
}
