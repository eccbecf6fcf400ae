//! The file of rejected records, for people who want to know what was wrong and for `replay`: JSON lines, everything
//! personal masked. It is bounded, with one older generation beside it; that it cannot be written stops nothing.
//!
//! Lines are on the disk before the rejections are committed. So after a crash a line may stand there twice, and never
//! not at all; `lineage` and `position` say which record it is about.

mod place;

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use self::place::Place;
use crate::call::UnixMillis;
use crate::follow::Read;
use crate::reading::batch::Rejected;
use crate::shown;

/// Where rejected records are written.
#[derive(Debug, Clone)]
pub struct Options {
    pub path: PathBuf,
    /// A file that would grow beyond this becomes the older generation.
    pub size: u64,
    /// The folder of the store, where nothing is written.
    pub storage: PathBuf,
}

impl Options {
    /// Tries the file, and makes it where it is missing: to say at the start what is wrong with it is better than to
    /// find that nothing was written down.
    ///
    /// # Errors
    /// Why it cannot be used, which is also when it lies in the folder of the store: that is the store's alone.
    pub fn try_out(&self) -> Result<(), String> {
        let path = &self.path;
        let storage = real(&self.storage);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if [folder, path].iter().any(|place| real(place).starts_with(&storage)) {
            return Err(format!("it is in the folder of the store, {}; choose another", storage.display()));
        }
        if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err("it is no regular file but a folder, a device or the like; choose another".to_owned());
        }
        let writes = "name a file in a folder that is there, and let the user of cdr-exporter write to it";
        let opened = Place::of(self).and_then(|place| place.open());
        opened.map(drop).map_err(|error| format!("{error}; {writes}"))
    }
}

/// A path without links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_path_buf())
}

/// So much is written at once, when there is no commit before.
const BUFFER_BYTES: usize = 1024 * 1024;

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it was rejected, in RFC 3339.
    pub time: String,
    pub source: String,
    pub file: String,
    /// The lineage of the text, in hexadecimal digits: other tools cut long numbers.
    pub lineage: String,
    /// Offset of the record's first byte in the text of the file, which is UTF-8 and not compressed.
    pub position: u64,
    pub reason: String,
    /// The record's length in bytes; 0 where it is too long.
    pub bytes: usize,
    /// Masked, and cut where it is long.
    pub record: String,
}

impl Line {
    /// The lineage as the ledger has it.
    pub fn lineage(&self) -> Option<u64> {
        u64::from_str_radix(&self.lineage, 16).ok()
    }
}

/// The name of the older generation.
pub fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

/// Writes rejected records.
#[derive(Debug)]
pub struct Log {
    options: Options,
    lines: Vec<u8>,
    failing: bool,
}

impl Log {
    /// A log that has nothing to write yet.
    pub fn new(options: Options) -> Self {
        Self { options, lines: Vec::new(), failing: false }
    }

    /// Notes the rejected records of what was read.
    pub fn take(&mut self, source: &str, read: &Read, now: UnixMillis) {
        for rejected in &read.batch.rejected {
            self.note(source, read, now, rejected);
        }
    }

    fn note(&mut self, source: &str, read: &Read, now: UnixMillis, rejected: &Rejected) {
        let line = Line {
            time: Timestamp::from_millisecond(now.0).unwrap_or_default().to_string(),
            source: source.to_owned(),
            file: read.path.to_string_lossy().into_owned(),
            lineage: format!("{:016x}", read.lineage),
            position: rejected.position,
            reason: rejected.reason.label().to_owned(),
            bytes: rejected.bytes,
            record: rejected.masked.clone(),
        };
        self.lines.extend(shown::json(serde_json::to_string(&line).unwrap_or_default()).into_bytes());
        self.lines.push(b'\n');
        if self.lines.len() >= BUFFER_BYTES {
            self.write();
        }
    }

    /// Writes what was taken and waits until it is on the disk. What cannot be written is let go, and said once.
    pub fn write(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        let written = append(&self.options, &lines);
        let path = self.options.path.display();
        match &written {
            Ok(()) if self.failing => info!(%path, "rejected records are written again"),
            Err(error) if !self.failing => {
                warn!(%path, %error, "cannot write rejected records; they are counted all the same");
            }
            _ => {}
        }
        self.failing = written.is_err();
    }
}

/// Appends whole lines to the file, or to the next one where it is full.
fn append(options: &Options, lines: &[u8]) -> io::Result<()> {
    let place = Place::of(options)?;
    let mut file = place.open()?;
    end_last_line(&mut file)?;
    let mut length = file.metadata()?.len();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        if length > 0 && length + line.len() as u64 > options.size {
            file.sync_data()?;
            file = place.next_generation()?;
            length = 0;
        }
        file.write_all(line)?;
        length += line.len() as u64;
    }
    file.sync_data()
}

/// A crash or a full disk may have cut the last line: the next one must not become a part of it.
fn end_last_line(file: &mut File) -> io::Result<()> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(()) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    if byte == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::call::Reason;
    use crate::reading::Batch;

    fn log(path: &Path, size: u64) -> Log {
        Log::new(Options { path: path.to_path_buf(), size, storage: "/nowhere".into() })
    }

    fn note(log: &mut Log, position: u64) {
        let masked = "xxxx xxx,0".to_owned();
        let rejected = Rejected { number: 1, position, reason: Reason::BadCsv, bytes: 10, masked };
        let mut batch = Batch::default();
        batch.rejected.push(rejected);
        log.take("teams", &Read { batch, path: "/cdr/a.csv".into(), lineage: 0xabc }, UnixMillis(0));
    }

    fn positions(path: &Path) -> Vec<u64> {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str::<Line>(line).unwrap().position).collect()
    }

    #[test]
    fn a_full_file_becomes_the_older_generation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejected.jsonl");
        let mut log = log(&path, 400);
        for position in 0..5 {
            note(&mut log, position);
            if position != 3 {
                log.write();
            }
        }
        assert_eq!((positions(&older(&path)), positions(&path)), (vec![2, 3], vec![4]));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            r#"{"time":"1970-01-01T00:00:00Z","source":"teams","file":"/cdr/a.csv","lineage":"0000000000000abc","#
                .to_owned()
                + r#""position":4,"reason":"bad_csv","bytes":10,"record":"xxxx xxx,0"}"#
                + "\n"
        );
    }

    #[test]
    fn a_line_that_was_cut_takes_no_other_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejected.jsonl");
        let mut log = log(&path, 4000);
        for position in [1, 2] {
            note(&mut log, position);
            log.write();
            let whole = fs::read(&path).unwrap();
            fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        }
        note(&mut log, 3);
        log.write();
        let text = fs::read_to_string(&path).unwrap();
        let whole = |line: &str| serde_json::from_str::<Line>(line).ok().map(|line| line.position);
        assert_eq!(text.lines().map(whole).collect::<Vec<_>>(), [None, None, Some(3)]);
    }

    #[test]
    fn what_cannot_be_written_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("later/rejected.jsonl");
        let mut log = log(&path, 400);
        note(&mut log, 1);
        log.write();
        assert!(log.failing);
        fs::create_dir(folder.path().join("later")).unwrap();
        note(&mut log, 2);
        log.write();
        assert_eq!((log.failing, positions(&path)), (false, vec![2]));
    }
}
