//! Word from the system that something changed below a source's folders. It only ever says "look sooner": what it
//! cannot watch, loses or never hears of, the next rescan finds.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::filesystem;
use super::identity::FileId;

/// What changed since it was last asked.
#[derive(Debug, Default)]
pub struct Touched {
    pub paths: HashSet<PathBuf>,
    /// Something was lost or moved: only a scan tells what is there.
    pub rescan: bool,
}

/// More changed paths than this at once are a rescan.
const MAXIMUM_TOUCHED: usize = 10_000;

impl Touched {
    fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.rescan
    }

    fn add(&mut self, result: notify::Result<notify::Event>) {
        match result {
            Ok(event) if event.need_rescan() => self.rescan = true,
            // Opening and reading is what we do ourselves; only a writer's close says anything.
            Ok(event) if is_reading(&event.kind) => {}
            Ok(event) => {
                // A folder that comes or goes takes its files along without a word about them.
                self.rescan |= event.paths.iter().any(|path| path.is_dir() || !path.exists());
                self.paths.extend(event.paths);
            }
            Err(_) => self.rescan = true,
        }
        if self.paths.len() > MAXIMUM_TOUCHED {
            self.paths.clear();
            self.rescan = true;
        }
    }
}

fn is_reading(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if *access != AccessKind::Close(AccessMode::Write))
}

/// Why a folder is not watched, and only looked through at every rescan.
#[derive(Debug, thiserror::Error)]
pub enum Unwatched {
    #[error("the system gives no word of changes on {0}")]
    Elsewhere(&'static str),
    #[error(transparent)]
    Refused(#[from] notify::Error),
}

/// The watches of all sources.
pub struct Watch {
    watcher: RecommendedWatcher,
    /// Folders watched, with what they were when the watch was set.
    folders: HashMap<PathBuf, (FileId, bool)>,
    touched: Arc<Mutex<Touched>>,
}

impl Watch {
    /// A watch that calls `wake` when there is something to take. Fails where the system has no more to give.
    pub fn new(wake: impl Fn() + Send + 'static) -> notify::Result<Self> {
        let touched = Arc::new(Mutex::new(Touched::default()));
        let shared = Arc::clone(&touched);
        let watcher = notify::recommended_watcher(move |result| {
            let mut touched = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let was_empty = touched.is_empty();
            touched.add(result);
            if was_empty && !touched.is_empty() {
                wake();
            }
        })?;
        Ok(Self { watcher, folders: HashMap::new(), touched })
    }

    /// Watches exactly these folders, each with or without what lies below it. Called again and again: a folder
    /// that was made anew under its name is watched anew. Returns what is not watched and why. A folder that is not
    /// there is no fault; what is there of its path is watched, to hear when it comes.
    pub fn set<'a>(&mut self, folders: impl Iterator<Item = (&'a Path, bool)>) -> Vec<(PathBuf, Unwatched)> {
        let mut wanted: HashMap<PathBuf, (FileId, bool)> = HashMap::new();
        let mut unwatched = Vec::new();
        for (wished, deep) in folders {
            let Some(folder) = wished.ancestors().find(|folder| folder.is_dir()) else { continue };
            let deep = deep && folder == wished;
            if let Some(name) = filesystem::elsewhere(folder) {
                unwatched.push((folder.to_path_buf(), Unwatched::Elsewhere(name)));
            } else if let Ok(metadata) = fs::metadata(folder) {
                let entry = wanted.entry(folder.to_path_buf()).or_insert((FileId::of(&metadata), deep));
                entry.1 |= deep;
            }
        }
        for (folder, _) in self.folders.extract_if(|folder, watched| wanted.get(folder) != Some(&*watched)) {
            // A folder that is gone has taken its watch along.
            let _ = self.watcher.unwatch(&folder);
        }
        for (folder, (id, deep)) in wanted {
            if self.folders.contains_key(&folder) {
                continue;
            }
            let mode = if deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            match self.watcher.watch(&folder, mode) {
                Ok(()) => {
                    self.folders.insert(folder, (id, deep));
                }
                Err(error) => unwatched.push((folder, error.into())),
            }
        }
        unwatched
    }

    /// What changed since the last call.
    pub fn take(&self) -> Touched {
        mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
