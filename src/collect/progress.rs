//! How far collecting has come, in a small file of the spool folder: which days were answered whole, and when.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::day::Day;
use super::plan::Asked;
use super::spool;

const VERSION: u32 = 1;

/// The file, as values.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
    pub asked: Asked,
    /// When all live days were last answered whole, in milliseconds since 1970; 0 for never.
    pub last_success: i64,
    /// Days that Microsoft kept no longer when they were to be asked for.
    pub lost: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    version: u32,
    last_success: i64,
    asked: BTreeMap<String, i64>,
    /// Earlier versions wrote none.
    since: Option<String>,
    #[serde(default)]
    lost: usize,
}

impl Progress {
    /// What the file holds. One that is missing or damaged costs nothing but requests: the rows are known by the files.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let mut progress = Self { path, asked: Asked::default(), last_success: 0, lost: 0 };
        match fs::read(&progress.path) {
            Ok(text) => {
                let stored: Option<Stored> = serde_json::from_slice(&text).ok();
                if let Some(stored) = stored.filter(|stored| stored.version == VERSION) {
                    progress.take(&stored);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(progress)
    }

    fn take(&mut self, stored: &Stored) {
        let days = stored.asked.iter().filter_map(|(day, at)| Some((day.parse().ok()?, *at)));
        let at: BTreeMap<Day, i64> = days.collect();
        let since = stored.since.as_ref().and_then(|day| day.parse().ok());
        let since = since.or_else(|| at.keys().next().copied());
        self.asked = Asked { at, since };
        (self.last_success, self.lost) = (stored.last_success, stored.lost);
    }

    /// Writes it down, safe from a crash.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn save(&self) -> io::Result<()> {
        let stored = Stored {
            version: VERSION,
            last_success: self.last_success,
            asked: self.asked.at.iter().map(|(day, at)| (day.to_string(), *at)).collect(),
            since: self.asked.since.map(|day| day.to_string()),
            lost: self.lost,
        };
        let text = serde_json::to_vec(&stored).map_err(io::Error::other)?;
        spool::replace(&self.path, &text)
    }
}
