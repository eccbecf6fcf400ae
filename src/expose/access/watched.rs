//! The files of a web config as they were before they were read, so that whatever is written later is seen to be newer.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// So long a config has to stay as it is that opens what was closed: it may be one of which the rest is not written yet.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// A file's identity and time of change; `None` where there is none.
type Stamp = Option<(u64, u64, i64, i64, u64)>;

/// Files, also those that could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched(Vec<(PathBuf, Stamp)>);

impl Watched {
    /// Takes in a file that is about to be read.
    pub fn add(&mut self, path: &Path) {
        self.0.push((path.to_owned(), stamp(path)));
    }

    /// Whether any of them is another than it was.
    pub fn have_changed(&self) -> bool {
        self.0.iter().any(|(path, before)| stamp(path) != *before)
    }
}

fn stamp(path: &Path) -> Stamp {
    let stamp = |metadata: Metadata| {
        (metadata.dev(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.size())
    };
    fs::metadata(path).ok().map(stamp)
}

/// What was read last, and what waits to be settled.
#[derive(Debug, Default)]
pub struct Seen {
    pub watched: Watched,
    settling: Option<(Watched, Instant)>,
}

impl Seen {
    pub fn new(watched: Watched) -> Self {
        Self { watched, settling: None }
    }

    /// Notes these files; whether they have stayed as they are for long enough.
    pub fn note(&mut self, watched: &Watched) -> bool {
        match &self.settling {
            Some((before, since)) if before == watched => since.elapsed() >= SETTLED_AFTER,
            _ => {
                self.settling = Some((watched.clone(), Instant::now()));
                false
            }
        }
    }
}
