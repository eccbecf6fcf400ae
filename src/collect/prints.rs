//! What is known of a day's rows once their files are gone: a print of each, in one file for each day. Hashes only, so
//! nothing personal.
//!
//! Microsoft gives a day out for 150 days, much longer than its files are kept here and than a source remembers ids.
//! Without the prints a day that is asked for again would count twice.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::day::Day;
use super::row::Print;
use super::spool;

/// Content by id.
pub type Known = HashMap<u128, u32>;

const PREFIX: &str = ".prints-";
/// How such a file begins.
const HEAD: &[u8] = b"cdr-exporter prints 1\n";
const PRINT: usize = 16;
const SUM: usize = 8;

/// Where the prints of a day stand. A hidden name without an ending, which no source reads.
pub fn path(folder: &Path, day: Day) -> PathBuf {
    folder.join(format!("{PREFIX}{day}"))
}

/// The day whose prints have this file name.
pub fn day_of(name: &str) -> Option<Day> {
    name.strip_prefix(PREFIX)?.parse().ok()
}

/// The prints of a day: none where there is no file. `None` when the file is damaged.
///
/// # Errors
/// When it cannot be read.
pub fn read(folder: &Path, day: Day) -> io::Result<Option<Known>> {
    let path = path(folder, day);
    match fs::read(&path) {
        Ok(bytes) => Ok(parse(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Known::new())),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}

/// Puts these prints in the place of those before, safe from a crash.
///
/// # Errors
/// When the disk refuses.
pub fn write(folder: &Path, day: Day, known: &Known) -> io::Result<()> {
    let mut bytes = HEAD.to_vec();
    bytes.reserve(known.len() * PRINT + SUM);
    for (id, content) in known {
        bytes.extend(Print { id: *id, content: *content }.to_bytes());
    }
    bytes.extend(xxh3_64(&bytes).to_be_bytes());
    spool::replace(&path(folder, day), &bytes)
}

fn parse(bytes: &[u8]) -> Option<Known> {
    let (content, sum) = bytes.split_last_chunk::<SUM>()?;
    if xxh3_64(content) != u64::from_be_bytes(*sum) {
        return None;
    }
    let (prints, rest) = content.strip_prefix(HEAD)?.as_chunks::<PRINT>();
    let prints = prints.iter().map(|bytes| Print::from_bytes(*bytes));
    rest.is_empty().then(|| prints.map(|print| (print.id, print.content)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let day: Day = "2026-11-20".parse().unwrap();
        assert_eq!(read(folder.path(), day).unwrap(), Some(Known::new()));
        let known: Known = (0..1000).map(|number| (u128::from(u64::MAX) * number, u32::MAX)).collect();
        write(folder.path(), day, &known).unwrap();
        assert_eq!(read(folder.path(), day).unwrap().as_ref(), Some(&known));
        let path = path(folder.path(), day);
        assert_eq!(day_of(path.file_name().unwrap().to_str().unwrap()), Some(day));
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole.len(), HEAD.len() + known.len() * PRINT + SUM);
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), None, "cut at {end}");
            let mut turned = whole.clone();
            turned[end] ^= 1;
            assert_eq!(parse(&turned), None, "turned at {end}");
        }
    }
}
