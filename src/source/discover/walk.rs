//! Goes through the folders of a source's patterns. It comes to an end whatever lies there: a folder is gone through once,
//! under whatever names links give it, and entries, depth and time are bounded. What was left out is said.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::pattern::{Pattern, Places};
use super::{Found, Options, is_absence};
use crate::source::filesystem;
use crate::source::identity::FileId;
use crate::source::open::{NotRegular, OF_KERNEL, not_regular};

/// How much is gone through at the most.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Names in all folders of a source together: each that is followed takes memory.
    pub entries: usize,
    /// Folders below the one where a path begins.
    pub depth: usize,
    pub time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entries: 1_000_000, depth: 64, time: Duration::from_secs(300) }
    }
}

/// A step of the walk, for those who want to know that it goes on, and where.
#[derive(Debug, Clone, Copy)]
pub enum Step<'s> {
    /// A name was looked at.
    Entry,
    /// This folder is looked into next.
    Folder(&'s Path, &'s Metadata),
}

/// A walk over all patterns of a source.
pub struct Walk<'w> {
    options: &'w Options,
    bounds: Bounds,
    tell: &'w mut dyn FnMut(Step<'_>),
    begun: Instant,
    entries: usize,
    /// Whether a file system is one that the kernel makes up, by its device.
    of_kernel: HashMap<u64, bool>,
    found: Found,
}

/// A folder to be gone through, and where matching goes on in it.
struct Folder {
    path: PathBuf,
    depth: usize,
    at: Places,
}

/// The folders of one pattern.
struct Folders<'p> {
    pattern: &'p Pattern,
    /// Whether the operator named a place that the kernel makes up.
    within_kernel: bool,
    next: Vec<Folder>,
    /// Behind links. They come last: a folder is better known by its own name.
    behind_links: Vec<Folder>,
    /// The folders above the one where the pattern begins.
    above: Vec<FileId>,
    /// One that was gone through for the same parts of the pattern holds nothing new.
    visited: HashSet<(FileId, Places)>,
}

impl<'w> Walk<'w> {
    /// A walk that has not begun.
    pub fn new(options: &'w Options, bounds: Bounds, tell: &'w mut dyn FnMut(Step<'_>)) -> Self {
        let device = |path: &str| fs::metadata(path).ok().map(|metadata| metadata.dev());
        // The kernel's devices lie in memory, as other files may.
        let devices = device("/dev").filter(|devices| Some(*devices) != device("/"));
        let of_kernel = devices.into_iter().map(|devices| (devices, true)).collect();
        Self { options, bounds, tell, begun: Instant::now(), entries: 0, of_kernel, found: Found::default() }
    }

    /// Goes through everything.
    pub fn run(mut self) -> Found {
        for pattern in &self.options.patterns {
            let before = self.found.files.len();
            self.pattern(pattern);
            self.found.matched.push(self.found.files.len() > before);
        }
        self.found.files.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.found.files.dedup_by(|(a, _), (b, _)| a == b);
        self.found
    }

    fn pattern(&mut self, pattern: &Pattern) {
        let base = pattern.base();
        let metadata = fs::metadata(base);
        if !metadata.as_ref().is_ok_and(Metadata::is_dir) {
            self.tell_of_folder_above(base);
        }
        match metadata {
            Ok(metadata) if metadata.is_dir() => self.folders(pattern, &metadata),
            Ok(metadata) if pattern.is_path() => self.file(base.to_path_buf(), metadata, true),
            Ok(_) => {}
            Err(error) => self.report(base, error),
        }
    }

    /// What is not there, or is a file, is heard of through the folder above it.
    fn tell_of_folder_above(&mut self, base: &Path) {
        for folder in base.ancestors().skip(1) {
            if let Ok(metadata) = fs::metadata(folder)
                && metadata.is_dir()
            {
                (self.tell)(Step::Folder(folder, &metadata));
                // On network file systems a name is looked up anew only once its folder has been read anew.
                let _ = fs::read_dir(folder).map(|mut entries| entries.next());
                return;
            }
        }
    }

    fn folders(&mut self, pattern: &Pattern, metadata: &Metadata) {
        let base = Folder { path: pattern.base().to_path_buf(), depth: 0, at: pattern.begin() };
        let mut folders = Folders {
            pattern,
            within_kernel: self.is_of_kernel(pattern.base(), metadata),
            next: vec![base],
            behind_links: Vec::new(),
            above: above(pattern.base()),
            visited: HashSet::new(),
        };
        while let Some(folder) = folders.pop() {
            if self.is_over() {
                self.found.is_cut_short = true;
                let left = folders.next.len() + folders.behind_links.len() + 1;
                self.found.leave_out(folder.path, left);
                return;
            }
            self.folder(folder, &mut folders);
        }
    }

    fn is_over(&self) -> bool {
        self.entries >= self.bounds.entries || self.begun.elapsed() >= self.bounds.time
    }

    fn folder(&mut self, folder: Folder, folders: &mut Folders<'_>) {
        let metadata = match fs::metadata(&folder.path) {
            Ok(metadata) => metadata,
            Err(error) => return self.report(&folder.path, error),
        };
        if !folders.visited.insert((FileId::of(&metadata), folder.at)) {
            return;
        }
        if !folders.within_kernel && self.is_of_kernel(&folder.path, &metadata) {
            return;
        }
        if folder.depth > self.bounds.depth {
            return self.found.leave_out(folder.path, 1);
        }
        (self.tell)(Step::Folder(&folder.path, &metadata));
        let entries = match fs::read_dir(&folder.path) {
            Ok(entries) => entries,
            Err(error) => return self.report(&folder.path, error),
        };
        for entry in entries {
            if self.is_over() {
                self.found.is_cut_short = true;
                return self.found.leave_out(folder.path, 1);
            }
            self.entries += 1;
            (self.tell)(Step::Entry);
            match entry {
                Ok(entry) => self.entry(&entry, &folder, folders),
                Err(error) => return self.report(&folder.path, error),
            }
        }
    }

    fn entry(&mut self, entry: &DirEntry, within: &Folder, folders: &mut Folders<'_>) {
        let pattern = folders.pattern;
        let Some(at) = pattern.step(within.at, &entry.file_name()) else { return };
        let (goes_on, accepts) = (pattern.goes_on(at), pattern.accepts(at));
        let folder = || Folder { path: entry.path(), depth: within.depth + 1, at };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => folders.next.extend(goes_on.then(folder)),
            Ok(kind) if !kind.is_symlink() && !accepts => {}
            _ => match fs::metadata(entry.path()) {
                Ok(metadata) if goes_on && folders.leads_out(&metadata) => {
                    self.found.leave_out(entry.path(), 1);
                }
                Ok(metadata) if metadata.is_dir() => folders.behind_links.extend(goes_on.then(folder)),
                Ok(metadata) if accepts => self.file(entry.path(), metadata, folders.within_kernel),
                Ok(_) => {}
                Err(error) => self.report(&entry.path(), error),
            },
        }
    }

    /// A file that matches, of whatever kind.
    fn file(&mut self, path: PathBuf, metadata: Metadata, within_kernel: bool) {
        if self.options.exclude.matches(&path) {
            return;
        }
        let of_kernel = !within_kernel && self.is_of_kernel(&path, &metadata);
        match not_regular(metadata.file_type()) {
            Some(kind) => self.found.unreadable.push((path, io::Error::other(NotRegular(kind)))),
            None if of_kernel => {
                self.found.unreadable.push((path, io::Error::other(NotRegular(OF_KERNEL))));
            }
            None => self.found.files.push((path, metadata)),
        }
    }

    fn is_of_kernel(&mut self, path: &Path, metadata: &Metadata) -> bool {
        *self.of_kernel.entry(metadata.dev()).or_insert_with(|| filesystem::is_place_of_kernel(path))
    }

    /// A path that is not there is no fault: it may come.
    fn report(&mut self, path: &Path, error: io::Error) {
        if !is_absence(&error) && !self.options.exclude.matches(path) {
            self.found.unreadable.push((path.to_path_buf(), error));
        }
    }
}

/// The folders above this one, wherever it really is.
fn above(base: &Path) -> Vec<FileId> {
    let Ok(base) = base.canonicalize() else { return Vec::new() };
    base.ancestors().skip(1).filter_map(|folder| Some(FileId::of(&fs::metadata(folder).ok()?))).collect()
}

impl Folders<'_> {
    /// Whether a link to this would lead from a folder with all below it to what holds it, or out of a place that the
    /// kernel makes up: `/proc/self/root` is the whole machine.
    fn leads_out(&self, metadata: &Metadata) -> bool {
        metadata.is_dir()
            && self.pattern.is_recursive()
            && (self.within_kernel || self.above.contains(&FileId::of(metadata)))
    }

    fn pop(&mut self) -> Option<Folder> {
        self.next.pop().or_else(|| {
            // In an order of their own, so that of several names for one folder it is always the same that leads there.
            self.behind_links.sort_by(|a, b| b.path.cmp(&a.path));
            self.behind_links.pop()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::Exclude;
    use super::*;

    fn options(paths: &[String]) -> Options {
        let patterns = paths.iter().map(|path| Pattern::parse(path).expect("a pattern")).collect();
        Options { patterns, exclude: Exclude::nothing() }
    }

    fn walk(path: &str, bounds: Bounds) -> Found {
        Walk::new(&options(&[path.to_owned()]), bounds, &mut |_| ()).run()
    }

    fn names(found: &Found, root: &Path) -> Vec<String> {
        let name =
            |(path, _): &(PathBuf, Metadata)| path.strip_prefix(root).expect("below").display().to_string();
        found.files.iter().map(name).collect()
    }

    #[test]
    fn links_that_make_many_paths_of_few_folders() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        for level in 0..25 {
            let at = root.join(level.to_string());
            fs::create_dir(&at).expect("a folder");
            for link in ["a", "b"] {
                symlink(root.join((level + 1).to_string()), at.join(link)).expect("a link");
            }
        }
        fs::create_dir(root.join("25")).expect("a folder");
        fs::write(root.join("25/x.json"), "x").expect("a file");
        symlink(root, root.join("25/loop")).expect("a link");
        let mut folders = 0;
        let options = options(&[root.join("**/*.json").display().to_string()]);
        let mut tell = |step: Step<'_>| folders += usize::from(matches!(step, Step::Folder(..)));
        let found = Walk::new(&options, Bounds::default(), &mut tell).run();
        assert_eq!((names(&found, root), folders), (vec!["25/x.json".to_owned()], 27));
        assert!(found.unreadable.is_empty(), "a loop is no fault: {:?}", found.unreadable);
        let above = walk(&root.join("0/**/*.json").display().to_string(), Bounds::default());
        assert_eq!(above.files.len(), 1, "each folder once, under one of its names");
    }

    #[test]
    fn a_link_is_gone_through_where_its_folder_is_for_other_parts_of_the_glob() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        fs::create_dir(root.join("2026")).expect("a folder");
        fs::write(root.join("2026/x.json"), "x").expect("a file");
        symlink("2026", root.join("current")).expect("a link");
        for (glob, expected) in [
            ("cur*/*.json", vec!["current/x.json"]),
            ("*/*.json", vec!["2026/x.json"]),
            ("**/cur*/*.json", vec!["current/x.json"]),
        ] {
            let found = walk(&root.join(glob).display().to_string(), Bounds::default());
            assert_eq!(names(&found, root), expected, "{glob}");
        }
    }

    #[test]
    fn links_that_lead_out_are_left_out_and_said() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (root, beside) = (folder.path().join("cdr"), folder.path().join("beside"));
        for (folder, file) in [(&root, "1.json"), (&beside, "2.json")] {
            fs::create_dir(folder).expect("a folder");
            fs::write(folder.join(file), "x").expect("a file");
        }
        for (link, to) in [("all", "/"), ("up", ".."), ("same", "."), ("more", "../beside")] {
            symlink(to, root.join(link)).expect("a link");
        }
        let found = walk(&root.display().to_string(), Bounds::default());
        assert_eq!(names(&found, &root), ["1.json", "more/2.json"], "what holds it is not in it");
        let mut left_out = found.left_out.clone();
        left_out.sort();
        assert_eq!(left_out, [root.join("all"), root.join("up")]);
        let said = "2 folders are left out, such as ";
        assert!(found.left_out_said().expect("said").starts_with(said), "{found:?}");
        let found = walk(&root.join("*/cdr/*.json").display().to_string(), Bounds::default());
        assert_eq!((names(&found, &root), found.left_out_count), (vec!["up/cdr/1.json".to_owned()], 0));
        let found = walk("/proc/self", Bounds::default());
        assert!(found.left_out.contains(&PathBuf::from("/proc/self/root")), "{:?}", found.left_out);
        assert!(found.files.iter().all(|(path, _)| !path.starts_with("/proc/self/root")));
    }

    #[test]
    fn bounds_are_kept_and_what_is_left_out_is_known() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        fs::create_dir_all(root.join("a/b/c")).expect("a folder");
        for name in ["1", "2", "3", "a/4", "a/b/5", "a/b/c/6"] {
            fs::write(root.join(name), "x").expect("a file");
        }
        let path = root.display().to_string();
        let all = Bounds::default();
        let found = walk(&path, Bounds { depth: 1, ..all });
        assert_eq!((names(&found, root).len(), found.is_cut_short), (4, false));
        assert_eq!((found.left_out.clone(), found.left_out_count), (vec![root.join("a/b")], 1));
        assert!(found.says_nothing_of(&root.join("a/b/5")) && !found.says_nothing_of(&root.join("7")));
        for bounds in [Bounds { entries: 2, ..all }, Bounds { time: Duration::ZERO, ..all }] {
            let found = walk(&path, bounds);
            assert!(
                found.is_cut_short && found.left_out_count > 0 && found.files.len() <= 2,
                "{bounds:?}: {found:?}"
            );
            assert!(found.says_nothing_of(&root.join("1")), "what was not reached may be there");
        }
        let found = walk(&path, all);
        assert_eq!((found.files.len(), found.left_out_count, found.matched), (6, 0, vec![true]));
    }

    #[test]
    fn the_kernels_folders_are_gone_through_only_where_they_are_named() {
        let deep = Bounds { depth: 1, ..Bounds::default() };
        let found = walk("/**/cpuinfo", deep);
        assert!(
            found.files.is_empty() && !found.left_out.iter().any(|path| path.starts_with("/proc")),
            "{found:?}"
        );
        assert_eq!(walk("/proc/cpu*", deep).files.len(), 1);
        let folder = tempfile::tempdir().expect("a temporary folder");
        symlink("/proc/self", folder.path().join("link")).expect("a link");
        symlink("/proc/kmsg", folder.path().join("a.json")).expect("a link");
        let found = walk(&folder.path().display().to_string(), Bounds::default());
        let said: Vec<String> = found.unreadable.iter().map(|(_, error)| error.to_string()).collect();
        assert_eq!(
            (found.files.len(), said),
            (0, vec!["a file of the kernel is here, not a regular file".to_owned()])
        );
    }
}
