//! Which files a source has: paths, folders and globs to the files that are there now.

mod pattern;
mod walk;

use std::fmt::Display;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use globset::{GlobSet, GlobSetBuilder};

use self::pattern::compile;
pub use self::pattern::{Pattern, PatternError};
use self::walk::Walk;
pub use self::walk::{Bounds, Step};

/// Whether the error says that nothing is there, and not only that it cannot be seen: a handle that has gone stale on a
/// network file system, a server that does not answer or a folder that may not be read says nothing of the files.
pub fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
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
    /// Folders that cannot be gone through, and what matches and is no regular file.
    pub unreadable: Vec<(PathBuf, io::Error)>,
    /// Folders that were not gone through, or not to their end, because of a bound: the first few of them, and how many.
    pub left_out: Vec<PathBuf>,
    pub left_out_count: usize,
    /// Whether the walk ended before it came to everything.
    pub is_cut_short: bool,
    /// Of each pattern, whether it led to a file.
    pub matched: Vec<bool>,
}

/// Why folders are left out, and what to do about it.
pub const WHY_LEFT_OUT: &str =
    "too many names, too deep, too slow, or a link that leads out; name folders nearer to the files";

/// That so many folders are left out, of which this is one.
pub fn left_out(count: usize, such_as: impl Display) -> String {
    let folders = if count == 1 { "folder is" } else { "folders are" };
    format!("{count} {folders} left out, such as {such_as}")
}

/// So many folders that were left out are named.
const LEFT_OUT_NAMED: usize = 1000;

impl Found {
    fn leave_out(&mut self, folder: PathBuf, count: usize) {
        self.left_out_count += count;
        if self.left_out.len() < LEFT_OUT_NAMED {
            self.left_out.push(folder);
        } else {
            self.is_cut_short = true;
        }
    }

    /// What is to be said of folders that were left out, if any were.
    pub fn left_out_said(&self) -> Option<String> {
        let such_as = self.left_out.first()?.display();
        Some(format!("{}: {WHY_LEFT_OUT}", left_out(self.left_out_count, such_as)))
    }

    /// Whether a file may be at this path though it was not found: what could not be looked at is not gone.
    pub fn says_nothing_of(&self, path: &Path) -> bool {
        let mut places = self.unreadable.iter().map(|(place, _)| place).chain(&self.left_out);
        self.is_cut_short || places.any(|place| path.starts_with(place))
    }
}

impl Options {
    /// Everything that is there now.
    pub fn scan(&self) -> Found {
        self.scan_telling(&mut |_| ())
    }

    /// The same; each step is told, that into a folder before it is looked into.
    pub fn scan_telling(&self, tell: &mut dyn FnMut(Step<'_>)) -> Found {
        Walk::new(self, Bounds::default(), tell).run()
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
        for name in [
            "a.json",
            "b.csv",
            "c.json.part",
            ".hidden.json",
            "d/e.json",
            "d/.f/g.json",
            "d/h/i.json.gz",
            "o x.csv",
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "x").expect("a file");
        }
        let cases: [(&[&str], &[&str]); 11] = [
            (&[""], &["a.json", "b.csv", "d/e.json", "d/h/i.json.gz", "o x.csv"]),
            (&["a.json"], &["a.json"]),
            (&["a.json", "*.json"], &["a.json"]),
            (&["*.csv", "*.json"], &["a.json", "b.csv", "o x.csv"]),
            (&["**/*.json*"], &["a.json", "d/e.json", "d/h/i.json.gz"]),
            (&["*/*.json"], &["d/e.json"]),
            (&["{a,b}.*"], &["a.json", "b.csv"]),
            (&["missing/*", "nothing.json"], &[]),
            (&[".*.json", "d/.f/*"], &[".hidden.json", "d/.f/g.json"]),
            (&["**/.f/*"], &["d/.f/g.json"]),
            (&["o x.csv"], &["o x.csv"]),
        ];
        for (patterns, expected) in cases {
            let parse =
                |text: &&str| Pattern::parse(&root.join(text).display().to_string()).expect("a pattern");
            let exclude = Exclude::parse(Exclude::DEFAULT).expect("globs");
            let options = Options { patterns: patterns.iter().map(parse).collect(), exclude };
            assert_eq!(names(&options, root), *expected, "{patterns:?}");
        }
    }

    #[test]
    fn a_path_with_the_characters_of_a_glob_is_what_it_says_also_when_it_comes_later() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        let at = root.join("cdr [old] {x}");
        let text = at.join("a b*.csv").display().to_string();
        let parse = || Options {
            patterns: vec![Pattern::parse(&text).expect("a pattern")],
            exclude: Exclude::nothing(),
        };
        let before = parse();
        assert!(names(&before, root).is_empty());
        fs::create_dir(&at).expect("a folder");
        fs::write(at.join("a b1.csv"), "x").expect("a file");
        assert_eq!(names(&before, root), ["cdr [old] {x}/a b1.csv"]);
        assert_eq!(names(&parse(), root), ["cdr [old] {x}/a b1.csv"]);
    }

    #[test]
    fn only_absence_is_absence() {
        use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied, StaleNetworkFileHandle, TimedOut};
        let absent = [NotFound, NotADirectory, PermissionDenied, StaleNetworkFileHandle, TimedOut]
            .map(|kind| is_absence(&kind.into()));
        assert_eq!(absent, [true, true, false, false, false]);
    }
}
