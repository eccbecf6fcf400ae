//! Which files a source has: paths, folders and globs to the files that are there now.

use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use walkdir::{DirEntry, WalkDir};

/// A file, a folder or a glob, as the operator wrote it.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The path itself, or the folder above the first component with a wildcard.
    base: PathBuf,
    glob: Option<GlobMatcher>,
    /// How many components below `base` a match can have.
    depth: usize,
}

impl Pattern {
    /// Reads a pattern. A relative one counts from the working folder.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let absolute = std::path::absolute(text).map_err(|error| PatternError::Path(text.into(), error))?;
        let is_wild =
            |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
        let base: PathBuf = absolute.components().take_while(|part| !is_wild(part)).collect();
        // A name that is there is that file or folder, whatever characters it has.
        if base == absolute || absolute.exists() {
            return Ok(Self { base: absolute, glob: None, depth: usize::MAX });
        }
        let below = absolute.components().count() - base.components().count();
        let depth =
            if absolute.components().any(|part| part.as_os_str() == "**") { usize::MAX } else { below };
        let glob = compile(&absolute.to_string_lossy())?.compile_matcher();
        Ok(Self { base, glob: Some(glob), depth })
    }

    /// The folder below which everything that this pattern can match lies.
    pub fn folder(&self) -> &Path {
        match self.base.parent() {
            Some(parent) if self.glob.is_none() && !self.base.is_dir() => parent,
            _ => &self.base,
        }
    }

    /// Whether files may match in folders below [`Pattern::folder`].
    pub fn is_deep(&self) -> bool {
        self.depth > 1 && (self.glob.is_some() || self.base.is_dir())
    }

    fn matches(&self, path: &Path) -> bool {
        match &self.glob {
            Some(glob) => glob.is_match(path),
            None => path == self.base || path.strip_prefix(&self.base).is_ok_and(|below| !is_hidden(below)),
        }
    }

    /// Hands each entry that may be a file of this pattern to `found`, each place that cannot be read to `unreadable`.
    fn walk(
        &self,
        found: &mut impl FnMut(PathBuf, Metadata),
        unreadable: &mut impl FnMut(PathBuf, io::Error),
    ) {
        if let (None, Some(folder)) = (&self.glob, self.base.parent()) {
            // On network file systems a name is looked up anew only once its folder has been read anew.
            let _ = fs::read_dir(folder).map(|mut entries| entries.next());
        }
        let shows = |entry: &DirEntry| self.glob.is_some() || entry.depth() == 0 || !is_hidden_name(entry);
        let walk = WalkDir::new(&self.base).follow_links(true).max_depth(self.depth);
        for entry in walk.into_iter().filter_entry(shows) {
            let file = match entry {
                Ok(entry) if !self.matches(entry.path()) => continue,
                Ok(entry) => entry.metadata().map(|metadata| (entry.into_path(), metadata)),
                Err(error) => Err(error),
            };
            match file {
                Ok((path, metadata)) if metadata.is_file() => found(path, metadata),
                Ok(_) => {}
                Err(error) => {
                    let path = error.path().unwrap_or(&self.base).to_path_buf();
                    report(error, path, unreadable);
                }
            }
        }
    }
}

/// The pattern as an absolute path.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.glob {
            Some(glob) => f.write_str(glob.glob().glob()),
            None => self.base.display().fmt(f),
        }
    }
}

/// A path that is not there is no fault: it may come.
fn report(error: walkdir::Error, path: PathBuf, unreadable: &mut impl FnMut(PathBuf, io::Error)) {
    let error = error.into_io_error().unwrap_or_else(|| io::Error::other("a loop of symbolic links"));
    if !is_absence(&error) {
        unreadable(path, error);
    }
}

/// Whether the error says that nothing is there, and not only that it cannot be seen: a handle that has gone stale on a
/// network file system, a server that does not answer or a folder that may not be read says nothing of the files.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn is_hidden(below: &Path) -> bool {
    below.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."))
}

fn is_hidden_name(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn compile(text: &str) -> Result<Glob, PatternError> {
    GlobBuilder::new(text)
        .literal_separator(true)
        .build()
        .map_err(|error| PatternError::Glob(text.into(), error.kind().to_string()))
}

/// A pattern that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    #[error("`{0}` is not a glob: {1}")]
    Glob(String, String),
    #[error("`{0}` is not a path: {1}")]
    Path(String, io::Error),
}

/// Which files belong to a source.
#[derive(Debug, Clone)]
pub struct Options {
    pub patterns: Vec<Pattern>,
    pub exclude: Exclude,
}

/// Files to pass over: globs on the name, or on the whole path where the glob has a `/`.
#[derive(Debug, Clone)]
pub struct Exclude {
    names: GlobSet,
    paths: GlobSet,
}

impl Exclude {
    /// What a file is called while its writer is not done with it.
    pub const DEFAULT: [&'static str; 2] = ["*.tmp", "*.part"];

    /// Passes over no file.
    pub fn nothing() -> Self {
        Self { names: GlobSet::empty(), paths: GlobSet::empty() }
    }

    /// Reads the globs.
    pub fn parse<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        let (mut names, mut paths) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for text in globs {
            if text.contains('/') { &mut paths } else { &mut names }.add(compile(text)?);
        }
        let build = |set: GlobSetBuilder| {
            set.build().map_err(|error| PatternError::Glob(String::new(), error.to_string()))
        };
        Ok(Self { names: build(names)?, paths: build(paths)? })
    }

    fn matches(&self, path: &Path) -> bool {
        path.file_name().is_some_and(|name| self.names.is_match(name)) || self.paths.is_match(path)
    }
}

/// What a source's patterns found.
#[derive(Debug, Default)]
pub struct Found {
    /// Sorted by path, each once.
    pub files: Vec<(PathBuf, Metadata)>,
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

impl Options {
    /// Everything that is there now.
    pub fn scan(&self) -> Found {
        let mut found = Found::default();
        for pattern in &self.patterns {
            let Found { files, unreadable } = &mut found;
            pattern.walk(
                &mut |path, metadata| {
                    if !self.exclude.matches(&path) {
                        files.push((path, metadata));
                    }
                },
                &mut |path, error| unreadable.push((path, error)),
            );
        }
        found.files.sort_by(|(a, _), (b, _)| a.cmp(b));
        found.files.dedup_by(|(a, _), (b, _)| a == b);
        found
    }

    /// The file at `path`, if it is there and belongs to the source.
    ///
    /// # Errors
    /// When the system does not say whether it is there.
    pub fn look(&self, path: &Path) -> io::Result<Option<Metadata>> {
        if !self.covers(path) {
            return Ok(None);
        }
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(metadata).filter(Metadata::is_file)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a file at `path` would belong to the source.
    pub fn covers(&self, path: &Path) -> bool {
        !self.exclude.matches(path) && self.patterns.iter().any(|pattern| pattern.matches(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(options: &Options, root: &Path) -> Vec<String> {
        let found = options.scan();
        assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
        let name = |(path, _): &(PathBuf, Metadata)| {
            assert!(matches!(options.look(path), Ok(Some(_))), "a scan and a look agree on {path:?}");
            path.strip_prefix(root).map(|path| path.display().to_string()).unwrap_or_default()
        };
        found.files.iter().map(name).collect()
    }

    #[test]
    fn paths_folders_and_globs() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        for name in
            ["a.json", "b.csv", "c.json.part", ".hidden.json", "d/e.json", "d/.f/g.json", "d/h/i.json.gz"]
        {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "x").expect("a file");
        }
        let cases: [(&[&str], &[&str]); 8] = [
            (&[""], &["a.json", "b.csv", "d/e.json", "d/h/i.json.gz"]),
            (&["a.json"], &["a.json"]),
            (&["a.json", "*.json"], &["a.json"]),
            (&["*.csv", "*.json"], &["a.json", "b.csv"]),
            (&["**/*.json*"], &["a.json", "d/e.json", "d/h/i.json.gz"]),
            (&["*/*.json"], &["d/e.json"]),
            (&["{a,b}.*"], &["a.json", "b.csv"]),
            (&["missing/*", "nothing.json"], &[]),
        ];
        for (patterns, expected) in cases {
            let parse =
                |text: &&str| Pattern::parse(&root.join(text).display().to_string()).expect("a pattern");
            let exclude =
                Exclude::parse(Exclude::DEFAULT.into_iter().chain([".*", "**/.f/*"])).expect("globs");
            let options = Options { patterns: patterns.iter().map(parse).collect(), exclude };
            assert_eq!(names(&options, root), *expected, "{patterns:?}");
        }
    }

    #[test]
    fn only_absence_is_absence() {
        use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied, StaleNetworkFileHandle, TimedOut};
        let absent = [NotFound, NotADirectory, PermissionDenied, StaleNetworkFileHandle, TimedOut]
            .map(|kind| is_absence(&kind.into()));
        assert_eq!(absent, [true, true, false, false, false]);
    }

    #[test]
    fn a_bad_glob_is_named() {
        let error = Pattern::parse("/x/[a").expect_err("unclosed");
        assert!(error.to_string().starts_with("`/x/[a` is not a glob: "), "{error}");
    }
}
