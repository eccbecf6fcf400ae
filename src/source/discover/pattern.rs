//! One entry of `paths`: a file, a folder or a glob, and which names below its folder it matches.
//!
//! A glob is matched part by part, so that a walk knows which folders can lead to a match, and knows a folder that it has
//! been to under another name.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use globset::{Glob, GlobBuilder, GlobMatcher};

/// A file, a folder or a glob, as the operator wrote it.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As it was written, made absolute.
    text: PathBuf,
    /// The path itself, or the folder above the first part that is a glob.
    base: PathBuf,
    /// The parts below `base`. Without any, the path is what it says: a file, or a folder with all below it.
    parts: Arc<[Part]>,
    /// Whether it is nothing to tell when there is no file.
    may_be_empty: bool,
}

/// What stands between two `/` of a glob.
#[derive(Debug)]
enum Part {
    /// `**`: any number of folders.
    Folders,
    Name {
        /// A name that is written so is this one, whatever characters it has.
        literal: OsString,
        glob: GlobMatcher,
        /// Whether hidden names match too, as the first character is said to be a dot.
        names_dot: bool,
    },
}

/// Which parts of a glob may match next, one bit for each; the bit behind the last part says that all matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Places(u64);

/// More parts than bits are no path that anyone has.
const MOST_PARTS: usize = 60;

impl Pattern {
    /// Reads a pattern. A relative one counts from the working folder. What is there under the very name is that, whatever
    /// characters it has.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let absolute = std::path::absolute(text).map_err(|error| PatternError::Path(text.into(), error))?;
        if text.contains('\0') {
            let error = io::Error::other("no path has a NUL");
            return Err(PatternError::Path(text.replace('\0', "\\0"), error));
        }
        // Without a `/` at its end.
        let absolute: PathBuf = absolute.components().collect();
        let mut base = PathBuf::new();
        let mut components = absolute.components().peekable();
        while let Some(part) = components.peek()
            && (!is_wild(part) || is_there(&base, part))
        {
            base.push(part);
            components.next();
        }
        let mut parts: Vec<Part> = Vec::new();
        for component in components {
            let name = component.as_os_str().to_string_lossy();
            match (&*name, parts.last()) {
                ("**", Some(Part::Folders)) => {}
                ("**", _) => parts.push(Part::Folders),
                (name, _) => parts.push(Part::named(name, &absolute)?),
            }
        }
        if matches!(parts.last(), Some(Part::Folders)) {
            parts.push(Part::named("*", &absolute)?);
        }
        if parts.len() > MOST_PARTS {
            return Err(PatternError::Glob(text.into(), format!("it has more than {MOST_PARTS} parts")));
        }
        Ok(Self { text: absolute, base, parts: parts.into(), may_be_empty: false })
    }

    /// The same, where it is nothing to tell that there is no file.
    pub fn without_expecting_files(self) -> Self {
        Self { may_be_empty: true, ..self }
    }

    /// Whether there should be a file.
    pub fn expects_files(&self) -> bool {
        !self.may_be_empty
    }

    /// The path itself, or the folder below which everything lies that matches.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Whether it is a path, and no glob.
    pub fn is_path(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether all that this matches lies in a folder that the other one is, or is the file that it is or matches.
    pub fn lies_in(&self, other: &Self) -> bool {
        (other.is_path() || self.is_path()) && self.text != other.text && other.matches(&self.base)
    }

    /// The same, or that both are written alike.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.text == other.text || self.lies_in(other)
    }

    /// Whether a file at `path` matches.
    pub fn matches(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.base) else { return false };
        let mut at = self.begin();
        for name in below.components() {
            match self.step(at, name.as_os_str()) {
                Some(next) => at = next,
                None => return false,
            }
        }
        self.accepts(at) && (self.is_path() || path != self.base)
    }

    /// Where matching below the base begins.
    pub fn begin(&self) -> Places {
        self.with_empty_folders(1)
    }

    /// Where matching goes on behind `name`; `None` if nothing there can match.
    pub fn step(&self, at: Places, name: &OsStr) -> Option<Places> {
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if self.is_path() {
            return (!is_hidden).then_some(at);
        }
        let mut next = 0;
        for (place, part) in self.parts.iter().enumerate().filter(|(place, _)| at.0 & (1 << place) != 0) {
            match part {
                Part::Folders if !is_hidden => next |= 1 << place,
                Part::Name { literal, glob, names_dot }
                    if literal == name || ((*names_dot || !is_hidden) && glob.is_match(name)) =>
                {
                    next |= 1 << (place + 1);
                }
                Part::Folders | Part::Name { .. } => {}
            }
        }
        Some(self.with_empty_folders(next)).filter(|next| next.0 != 0)
    }

    /// Whether a file matches here.
    pub fn accepts(&self, at: Places) -> bool {
        self.is_path() || at.0 & (1 << self.parts.len()) != 0
    }

    /// Whether something below a folder can match here.
    pub fn goes_on(&self, at: Places) -> bool {
        self.is_path() || at.0 & ((1 << self.parts.len()) - 1) != 0
    }

    /// Whether it goes through all folders below one.
    pub fn is_recursive(&self) -> bool {
        self.is_path() || self.parts.iter().any(|part| matches!(part, Part::Folders))
    }

    /// `**` may also stand for no folder.
    fn with_empty_folders(&self, mut places: u64) -> Places {
        for (place, part) in self.parts.iter().enumerate() {
            if matches!(part, Part::Folders) && places & (1 << place) != 0 {
                places |= 1 << (place + 1);
            }
        }
        Places(places)
    }
}

impl Part {
    fn named(name: &str, whole: &Path) -> Result<Self, PatternError> {
        let glob = compile(name).map_err(|error| match compile(&whole.to_string_lossy()) {
            // What is wrong is said of what was written.
            Err(of_whole) => of_whole,
            Ok(_) => error.within(whole),
        })?;
        let names_dot = ["\\.", "[.", "{.", "."].iter().any(|begin| name.starts_with(begin));
        Ok(Self::Name { literal: name.into(), glob: glob.compile_matcher(), names_dot })
    }
}

fn is_wild(part: &Component<'_>) -> bool {
    part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{'])
}

/// Whether there is something of this very name. That is asked only of names that people give to files: the folder may be
/// on a drive that does not answer.
fn is_there(folder: &Path, part: &Component<'_>) -> bool {
    part.as_os_str().to_string_lossy().contains(['[', '{']) && folder.join(part).symlink_metadata().is_ok()
}

/// A glob whose wildcards match no `/`.
pub fn compile(text: &str) -> Result<Glob, PatternError> {
    GlobBuilder::new(text)
        .literal_separator(true)
        .build()
        .map_err(|error| PatternError::Glob(text.into(), error.kind().to_string()))
}

/// The pattern as an absolute path.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.display().fmt(f)
    }
}

/// A pattern that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    #[error("`{0}` is not a glob: {1}")]
    Glob(String, String),
    #[error("`{0}` is not a path: {1}")]
    Path(String, io::Error),
}

impl PatternError {
    /// A part of it cannot be read by itself: only braces reach over a `/`.
    fn within(self, whole: &Path) -> Self {
        let text = whole.to_string_lossy().into_owned();
        Self::Glob(text, "braces hold no `/` here; write one path for each".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matches() {
        let cases: [(&str, &[&str], &[&str]); 12] = [
            ("/no/a.json", &["/no/a.json"], &["/no/b.json", "/no"]),
            ("/no/*.json", &["/no/a.json"], &["/no/.a.json", "/no/b/a.json", "/no/*.csv", "/no"]),
            ("/no/.*.json", &["/no/.a.json"], &["/no/a.json"]),
            ("/no/[.a]*", &["/no/.x", "/no/ax"], &["/no/bx"]),
            ("/no/**/*.json", &["/no/a.json", "/no/b/c/a.json"], &["/no/.b/a.json", "/no/b/.a.json"]),
            ("/no/**/.b/*", &["/no/.b/a", "/no/c/.b/a"], &["/no/.c/.b/a", "/no/.b/.a"]),
            ("/no/**", &["/no/a", "/no/b/a"], &["/no", "/no/.a"]),
            ("/no/*/**/x", &["/no/a/x", "/no/a/b/x"], &["/no/x"]),
            ("/no/{a,b}/x?", &["/no/a/x1", "/no/b/x2"], &["/no/c/x1", "/no/a/x"]),
            // A name that is written so is this one, also when it comes later.
            ("/no/[old] {x}/*.csv", &["/no/[old] {x}/a.csv", "/no/o x/a.csv"], &["/no/old x/a.csv"]),
            ("/no/\\[old\\]/a?", &["/no/[old]/ab"], &["/no/o/ab"]),
            ("/no/[[]old]/a?", &["/no/[old]/ab"], &["/no/o/ab"]),
        ];
        for (pattern, matching, others) in cases {
            let read = Pattern::parse(pattern).expect("a pattern");
            for path in matching {
                assert!(read.matches(Path::new(path)), "{pattern} matches {path}");
            }
            for path in others {
                assert!(!read.matches(Path::new(path)), "{pattern} does not match {path}");
            }
        }
    }

    #[test]
    fn a_path_that_is_there_is_what_it_says() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["cdr [old]", "cdr o", "a b"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let at = |name: &str| folder.path().join(name);
        let read = |name: &str| Pattern::parse(&at(name).display().to_string()).expect("a pattern");
        let within = read("cdr [old]/*.csv");
        assert_eq!((within.base(), within.is_path()), (&*at("cdr [old]"), false));
        assert!(within.matches(&at("cdr [old]/x.csv")) && !within.matches(&at("cdr o/x.csv")));
        assert!(read("cdr [old]").is_path() && read("a b").is_path());
    }

    #[test]
    fn a_bad_glob_is_named() {
        for (pattern, begin) in [
            ("/x/[a", "`/x/[a` is not a glob: "),
            (
                "/x/{a/b,c}/*",
                "`/x/{a/b,c}/*` is not a glob: braces hold no `/` here; write one path for each",
            ),
        ] {
            let error = Pattern::parse(pattern).expect_err("no glob").to_string();
            assert!(error.starts_with(begin), "{error}");
        }
    }
}
