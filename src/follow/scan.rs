//! What a walk through the folders of a source found, against what is followed; and what is to be said of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use tracing::{info, warn};

use super::around::Around;
use super::set::Files;
use crate::ledger::PathsNow;
use crate::shown;
use crate::source::discover::{self, Found, Options, WHY_LEFT_OUT};
use crate::source::identity::FileId;
use crate::source::open::NotRegular;

/// So many new places that cannot be read are named at once.
const NAMED: usize = 100;
/// With more files than this, it is said what they cost.
const MANY_FILES: usize = 100_000;
/// What a file takes for as long as it is there (`docs/reliability.md`).
const BYTES_A_FILE: u64 = 4 * 1024;

/// What the last walk said of a source's paths.
#[derive(Debug, Default)]
pub struct Walked {
    /// Folders that cannot be gone through, and what is no regular file, with the reason.
    pub unreadable: BTreeMap<PathBuf, String>,
    /// Of each path, whether it led to a file.
    matched: Vec<bool>,
    /// Folders that were left out, and one of them.
    left_out: usize,
    left_out_at: Option<PathBuf>,
    /// Whether it was said which paths lead to no file.
    is_told: bool,
    /// Whether it was said that there are many files.
    is_told_of_many: bool,
}

impl Files {
    /// Compares what a walk found with what is followed. At the paths that were looked at `meanwhile`, more is known already.
    /// Returns whether that alone is to be committed.
    pub fn scan(&mut self, mut found: Found, meanwhile: &HashSet<PathBuf>, around: &mut Around<'_>) -> bool {
        let mut missing: HashMap<PathBuf, FileId> = std::mem::take(&mut self.names);
        self.names.extend(missing.extract_if(|path, _| meanwhile.contains(path)));
        for (path, metadata) in std::mem::take(&mut found.files) {
            if meanwhile.contains(&path) {
                continue;
            }
            if let Some(id) = missing.remove(&path) {
                self.names.insert(path.clone(), id);
            }
            self.see(path, &metadata, around);
        }
        for (path, id) in missing {
            if found.says_nothing_of(&path) {
                self.names.insert(path, id);
            } else {
                self.lose_name(&path, id, around.now);
            }
        }
        let any = self.find_renamed(around);
        self.walked.take(found, &self.discover, around.source);
        self.walked.note_many(self.files.len(), around.source);
        any
    }

    /// What to show of the paths.
    pub(super) fn paths_now(&self) -> PathsNow {
        let Walked { matched, left_out, left_out_at, .. } = &self.walked;
        let mut remarks: Vec<String> =
            unmatched(&self.discover, matched).map(|path| format!("no file is at {path}")).collect();
        if let Some(folder) = left_out_at {
            remarks.push(discover::left_out(*left_out, shown::path(folder)));
        }
        remarks.extend(many(self.files.len()));
        remarks.extend(self.walked.unreadable.iter().next().map(|(path, error)| {
            let count = self.walked.unreadable.len();
            let places = if count == 1 { "place" } else { "places" };
            format!("{count} {places} cannot be read, such as {}: {error}", shown::path(path))
        }));
        PathsNow {
            matched: matched.iter().filter(|matched| **matched).count() as u64,
            left_out: *left_out as u64,
            is_up: true,
            remarks,
        }
    }
}

impl Walked {
    /// Other paths may be meant from now on.
    pub fn reconfigured(&mut self) {
        self.is_told = false;
    }

    /// A file is there since the last walk: its path leads to one.
    pub fn note_found(&mut self, options: &Options, path: &Path) {
        for (pattern, matched) in
            options.patterns.iter().zip(&mut self.matched).filter(|(_, matched)| !**matched)
        {
            *matched = pattern.matches(path);
        }
    }

    fn take(&mut self, found: Found, options: &Options, source: &str) {
        self.take_unreadable(found.unreadable, source);
        if !std::mem::replace(&mut self.is_told, true) {
            for path in unmatched(options, &found.matched) {
                warn!(source, %path, "no file is there yet; if there should be, see `cdr-exporter check`");
            }
        }
        if let Some(folder) = found.left_out.first().filter(|_| self.left_out == 0) {
            warn!(
                source,
                folders = found.left_out_count,
                such_as = %folder.display(),
                "folders are left out: {WHY_LEFT_OUT}"
            );
        }
        self.matched = found.matched;
        self.left_out = found.left_out_count;
        self.left_out_at = found.left_out.into_iter().next();
    }

    fn note_many(&mut self, files: usize, source: &str) {
        let said = many(files);
        if let (Some(said), false) = (&said, self.is_told_of_many) {
            warn!(source, "{said}");
        }
        self.is_told_of_many = said.is_some();
    }

    fn take_unreadable(&mut self, found: Vec<(PathBuf, io::Error)>, source: &str) {
        let mut before = std::mem::take(&mut self.unreadable);
        let mut news = 0_usize;
        for (path, error) in found {
            let is_regular = error.get_ref().is_none_or(|error| !error.is::<NotRegular>());
            let error = error.to_string();
            if before.remove(&path).as_ref() != Some(&error) {
                news += 1;
                let at = path.display();
                match is_regular {
                    _ if news > NAMED => {}
                    true => {
                        warn!(source, path = %at, error, "cannot be looked through: files in it are not read");
                    }
                    false => warn!(source, path = %at, "not read: {error}"),
                }
            }
            self.unreadable.insert(path, error);
        }
        if news > NAMED {
            warn!(
                source,
                places = news - NAMED,
                "as many more cannot be read; `cdr-exporter status` lists them"
            );
        }
        for path in before.into_keys().take(NAMED) {
            info!(source, path = %path.display(), "can be read again, or is gone");
        }
    }
}

/// What is to be said of so many files, if they are many.
fn many(files: usize) -> Option<String> {
    let memory = ByteSize(files as u64 * BYTES_A_FILE);
    (files > MANY_FILES).then(|| {
        format!("{files} files take about {memory} of memory for as long as they are there; move away what was read")
    })
}

/// The paths that should lead to a file, and do not.
fn unmatched<'o>(options: &'o Options, matched: &'o [bool]) -> impl Iterator<Item = String> + 'o {
    let paths = options.patterns.iter().zip(matched);
    paths
        .filter(|(pattern, matched)| !**matched && pattern.expects_files())
        .map(|(pattern, _)| pattern.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_are_told_of_with_what_they_take() {
        assert_eq!(many(100_000), None);
        let said = "300000 files take about 1.1 GiB of memory for as long as they are there; move away what was read";
        assert_eq!(many(300_000).as_deref(), Some(said));
    }
}
