//! How far collecting has come, in a small file of the spool folder: which days of which tenant were answered whole, and
//! when.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tracing::info;

use super::day::Day;
use super::options::Options;
use super::plan::Asked;
use super::spool;

const VERSION: u32 = 1;

/// The file, as values.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
    of: Whose,
    pub asked: Asked,
    /// When all live days were last answered whole, in milliseconds since 1970; 0 for never.
    pub last_success: i64,
    /// Days that Microsoft kept no longer when they were to be asked for.
    pub lost: usize,
}

/// Who was asked. The days of one tenant say nothing of another's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Whose {
    tenant: String,
    graph_url: String,
}

impl Whose {
    fn of(options: &Options) -> Self {
        let [tenant, graph_url] = [&options.tenant, &options.graph_url].map(|text| text.to_ascii_lowercase());
        Self { tenant, graph_url }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    version: u32,
    /// Earlier versions wrote none: that of the config.
    of: Option<Whose>,
    last_success: i64,
    asked: BTreeMap<String, i64>,
    /// Earlier versions wrote none.
    since: Option<String>,
    #[serde(default)]
    lost: usize,
}

impl Progress {
    /// What the file holds. One that is missing, damaged or of another tenant costs nothing but requests: the rows are
    /// known by the files and prints.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: PathBuf, options: &Options) -> io::Result<Self> {
        let of = Whose::of(options);
        let mut progress = Self { path, of, asked: Asked::default(), last_success: 0, lost: 0 };
        match fs::read(&progress.path) {
            Ok(text) => {
                let stored: Option<Stored> = serde_json::from_slice(&text).ok();
                if let Some(stored) = stored.filter(|stored| stored.version == VERSION) {
                    progress.take(&options.source, &stored);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(progress)
    }

    fn take(&mut self, source: &str, stored: &Stored) {
        if stored.of.as_ref().is_some_and(|of| *of != self.of) {
            let (tenant, graph_url) = (&self.of.tenant, &self.of.graph_url);
            info!(%source, %tenant, %graph_url, "another tenant was collected before: this one is begun with its history");
            return;
        }
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
            of: Some(self.of.clone()),
            last_success: self.last_success,
            asked: self.asked.at.iter().map(|(day, at)| (day.to_string(), *at)).collect(),
            since: self.asked.since.map(|day| day.to_string()),
            lost: self.lost,
        };
        let text = serde_json::to_vec(&stored).map_err(io::Error::other)?;
        spool::replace(&self.path, &text)
    }
}
