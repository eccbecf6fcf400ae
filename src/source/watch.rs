//! Word from the system that something changed in a source's folders. It only ever says "look sooner": what it
//! cannot watch, loses or never hears of, the next rescan finds.

use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::identity::FileId;

/// What changed since it was last asked.
#[derive(Debug, Default)]
pub struct Touched {
    pub paths: HashSet<PathBuf>,
    /// Something was lost or moved: only a scan tells what is there.
    pub rescan: bool,
}

/// What changed, shared with the thread that hears of it.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Mutex<Touched>>);

/// More changed paths than this at once are a rescan.
const MAXIMUM_TOUCHED: usize = 10_000;

impl Heard {
    /// What changed since the last call.
    pub fn take(&self) -> Touched {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes word of a change; whether it is the first since the last [`Heard::take`].
    fn add(&self, result: notify::Result<notify::Event>) -> bool {
        let mut touched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = touched.is_empty();
        touched.add(result);
        was_empty && !touched.is_empty()
    }
}

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
                // A folder that comes or goes takes its files along without a word about them. A link may lead to one,
                // on a drive that does not answer: it is not followed here.
                let tells_all = |path: &PathBuf| path.symlink_metadata().is_ok_and(|it| it.is_file());
                self.rescan |= !event.paths.iter().all(tells_all);
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

/// Which folder is which. An inode is soon given to the next one.
type FolderId = (FileId, Option<SystemTime>);

/// The watches of one source: one on each folder. They are set as the folders are gone through, so that what a link leads to
/// is watched once, and no folder that is not gone through is.
pub struct Watch {
    watcher: RecommendedWatcher,
    paths: HashMap<FolderId, PathBuf>,
    ids: HashMap<PathBuf, FolderId>,
    /// Those that the walk under way came to.
    seen: HashSet<FolderId>,
}

impl Watch {
    /// A watch that notes changes in `heard`, and calls `wake` when there is something to take. Fails where the system has no
    /// more to give.
    pub fn new(heard: Heard, wake: impl Fn() + Send + 'static) -> notify::Result<Self> {
        let watcher = notify::recommended_watcher(move |result| {
            if heard.add(result) {
                wake();
            }
        })?;
        Ok(Self { watcher, paths: HashMap::new(), ids: HashMap::new(), seen: HashSet::new() })
    }

    /// A walk comes to this folder. One that was made anew under its name is watched anew. What appears after the call is
    /// heard of.
    ///
    /// # Errors
    /// Why it is not watched.
    pub fn folder(&mut self, path: &Path, metadata: &Metadata) -> notify::Result<()> {
        let id = (FileId::of(metadata), metadata.created().ok());
        if !self.seen.insert(id) || self.ids.get(path) == Some(&id) {
            return Ok(());
        }
        // It had another name, or its name was another folder's: the system knows a watch by the folder.
        if let Some(before) = self.paths.get(&id).cloned() {
            self.unwatch(&before);
        }
        self.unwatch(path);
        self.watcher.watch(path, RecursiveMode::NonRecursive)?;
        self.paths.insert(id, path.to_path_buf());
        self.ids.insert(path.to_path_buf(), id);
        Ok(())
    }

    /// A walk has come to its end: what it did not come to is watched no more.
    pub fn end_of_walk(&mut self) {
        let seen = mem::take(&mut self.seen);
        let left: Vec<PathBuf> =
            self.ids.iter().filter(|(_, id)| !seen.contains(*id)).map(|(path, _)| path.clone()).collect();
        left.iter().for_each(|path| self.unwatch(path));
    }

    fn unwatch(&mut self, path: &Path) {
        if let Some(id) = self.ids.remove(path) {
            self.paths.remove(&id);
            // A folder that is gone has taken its watch along.
            let _ = self.watcher.unwatch(path);
        }
    }
}
