//! The header lines of a log, and whose records they are about: several devices may write into one file, each with columns of its own.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::fields::Layout;
use crate::format::device;

/// More devices than this do not write into one file: the header that came first is then forgotten.
const MOST: usize = 32;

/// The last header line of each device.
#[derive(Debug, Default)]
pub struct Headers(Vec<Header>);

#[derive(Debug)]
struct Header {
    host: u64,
    /// How many fields its records have.
    fields: usize,
    line: Vec<u8>,
    /// `None` where its titles are the operator's own.
    layout: Option<Layout>,
}

impl Headers {
    /// Takes a header line.
    pub fn add(&mut self, line: &[u8], layout: Option<Layout>) {
        let (host, fields) = (host(line), fields(line));
        // Where no line says who wrote it, headers of several devices can be told by their lengths alone.
        self.0.retain(|known| known.host != host || host == NOBODY && known.fields != fields);
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(Header { host, fields, line: line.to_vec(), layout });
    }

    /// What the header of the same device says of a record, if there is one that can be read. Of several it is the one with as many
    /// fields as the record has, and the last one where there is none.
    pub fn of(&self, line: &[u8]) -> Option<&Layout> {
        if self.0.is_empty() {
            return None;
        }
        let host = host(line);
        let mut of_host = self.0.iter().rev().filter(|known| known.host == host);
        let last = of_host.next()?;
        let Some(before) = of_host.next() else { return last.layout.as_ref() };
        let fields = fields(line);
        let found = [last, before].into_iter().chain(of_host).find(|known| known.fields == fields);
        found.unwrap_or(last).layout.as_ref()
    }

    /// All of them, a line each.
    pub fn lines(&self) -> Option<Vec<u8>> {
        let lines: Vec<&[u8]> = self.0.iter().map(|known| known.line.as_slice()).collect();
        (!lines.is_empty()).then(|| lines.join(&b'\n'))
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// The host of lines that do not say who wrote them.
const NOBODY: u64 = 0;

/// How many fields a line has.
fn fields(line: &[u8]) -> usize {
    memchr::memchr_iter(b'|', line.trim_ascii_end()).count()
}

/// Who wrote a line, by the words that a syslog server puts before it: its name or address, and what always stands there. Times,
/// dates, numbers and severities differ from line to line.
fn host(line: &[u8]) -> u64 {
    let before = memchr::memchr(b'|', line).map_or(line, |bar| &line[..bar]);
    let words = before.split(u8::is_ascii_whitespace).filter(|word| names_a_host(word));
    words.fold(NOBODY, |seed, word| xxh3_64_with_seed(word, seed))
}

fn names_a_host(word: &[u8]) -> bool {
    const DAYS: [&[u8]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
    let is_day = || DAYS.iter().any(|day| word.eq_ignore_ascii_case(day));
    let is_in_brackets =
        word.iter().any(|byte| matches!(byte, b'[' | b']' | b'(' | b')' | b'=' | b'<' | b'>'));
    let is_time =
        word.contains(&b':') && !word.contains(&b'.') || word.starts_with(b"20") && word.contains(&b'T');
    let is_clock = word.contains(&b':') && word.first().is_some_and(u8::is_ascii_digit);
    let is_severity = word.starts_with(b"local") && word.contains(&b'.');
    let is_date = word.len() == 3 && (is_day() || is_month(word));
    let dots = word.iter().filter(|byte| **byte == b'.').count();
    let has_letter = word.iter().any(u8::is_ascii_alphabetic);
    !(is_in_brackets || is_time || is_clock || is_severity || is_date) && (has_letter || dots == 3)
}

fn is_month(word: &[u8]) -> bool {
    str::from_utf8(word).is_ok_and(|word| device::month(word).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_known_by_what_stands_before_its_records() {
        let same = |one: &str, other: &str| host(one.as_bytes()) == host(other.as_bytes());
        for (one, other) in [
            (
                "14:35:40.053  10.0.10.11  local1.info    [S=1] |",
                "14:36:01.000  10.0.10.11  local1.notice  [S = 129] |",
            ),
            ("Oct 31 23:59:59 sbc1 [S=1] |", "Nov  1 00:00:00 sbc1 [S=2] |"),
            (
                "<134>1 2024-11-05T09:01:00Z sbc1.contoso.com - - - [S=5] |",
                "<133>1 2024-11-06T10:01:00Z sbc1.contoso.com - - - [S=6] |",
            ),
            ("[S=1] |", "[S=40] |"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        assert!(!same(
            "09:00:00.1  10.0.10.11  local1.info [S=1] |",
            "09:00:00.1  10.0.10.22  local1.info [S=1] |"
        ));
        assert!(!same("Nov  5 09:01:00 sbc1 [S=1] |", "Nov  5 09:01:00 sbc2 [S=1] |"));
    }
}
