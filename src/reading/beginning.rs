//! Where the first record of a text begins, and the head that it is known by from there.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::stages::{Piece, Stages};
use super::{Content, Options};
use crate::format::{Decoded, Format, Front, Recognition};
use crate::source::identity::{HEAD_BYTES, Head};

/// The first bytes of the text from its first record on, until there are enough for a whole head. What comes before,
/// a header or the beginning of a response, says nothing about the file.
#[derive(Debug, Default)]
pub struct Beginning {
    at: u64,
    /// Whether a record begins there.
    is_found: bool,
    bytes: Vec<u8>,
    /// Its hashes so far.
    pub head: Head,
}

impl Beginning {
    /// The beginning of a text of which this is `there`, and which was read before as far as `content` says.
    pub fn in_text(there: &[u8], content: &Content) -> Self {
        let head = content.head.clone();
        let end = content.position.min(head.at + HEAD_BYTES as u64);
        let place = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        match there.get(place(head.at)..place(end)) {
            Some(bytes) => Self { at: head.at, is_found: !bytes.is_empty(), bytes: bytes.to_vec(), head },
            // Longer than what is looked at: the head stays as it is.
            None => Self { at: head.at, is_found: true, bytes: vec![0; HEAD_BYTES], head },
        }
    }

    /// The beginning of a text that lies in `file` from `text_at` on and was read as far as `content` says.
    pub fn in_file(file: &File, text_at: u64, content: &Content) -> io::Result<Self> {
        let head = content.head.clone();
        let there = usize::try_from(content.position.saturating_sub(head.at)).unwrap_or(HEAD_BYTES);
        let mut bytes = vec![0; there.min(HEAD_BYTES)];
        file.read_exact_at(&mut bytes, text_at + head.at)?;
        Ok(Self { at: head.at, is_found: !bytes.is_empty(), bytes, head })
    }

    /// Takes text that is being consumed and stands at `position`.
    pub fn take(&mut self, position: u64, text: &[u8]) {
        let taken = self.at + self.bytes.len() as u64;
        let skip = usize::try_from(taken.saturating_sub(position)).unwrap_or(usize::MAX);
        if self.is_found && self.bytes.len() < HEAD_BYTES && skip < text.len() && position <= taken {
            let room = HEAD_BYTES - self.bytes.len();
            self.bytes.extend(text[skip..].iter().take(room));
            self.head = Head::of(&self.bytes, self.at);
        }
    }

    /// A header or a first record begins at `begin` and ends at `end`.
    pub fn find(&mut self, is_header: bool, begin: u64, end: u64) {
        if !self.is_found {
            let at = if is_header { end } else { begin };
            *self = Self { at, is_found: !is_header, bytes: Vec::new(), head: Head::of(&[], at) };
        }
    }
}

/// Where the first record begins in a text, of which `is_all` there is so far; `None` while that may be in what comes.
pub fn first_record(text: &[u8], options: &Options, is_all: bool) -> Option<usize> {
    let begin = text.iter().position(|byte| *byte != 0).unwrap_or(text.len());
    let behind_hole = &text[begin..];
    let recognised = || Format::recognise_with(behind_hole, false, options.names);
    let first = match options.format.map_or_else(recognised, Recognition::Known) {
        Recognition::Known(format) => first_record_of(format, behind_hole, options, is_all),
        Recognition::Unknown => Some(0),
        Recognition::NeedMore => None,
    };
    first.or((!is_all).then_some(0)).map(|first| begin + first)
}

/// Where the first record begins in a text of this format. It must be where reading finds it: some formats have no header, and
/// some have lines above it.
fn first_record_of(format: &'static Format, text: &[u8], options: &Options, is_all: bool) -> Option<usize> {
    let mut stages = Stages::new(format, *options);
    let (mut at, mut behind_header, mut front) = (0, None, Front::empty());
    loop {
        stages.front(&text[at..], &mut front);
        if let Some(first) = front.begins.iter().chain(&front.ignored).min() {
            return Some(at + first);
        }
        match stages.next(&text[at..], false) {
            Piece::NeedMore => return if is_all { behind_header } else { Some(at) },
            Piece::Skip { next } => at += next,
            Piece::Record { decoded: Decoded::Header, next, .. } => {
                at += next;
                behind_header = Some(at);
            }
            Piece::Record { text, .. } => return Some(at + text.start),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use walkdir::WalkDir;

    use crate::call::UnixMillis;
    use crate::format::{ALL, Format};
    use crate::reading::{Context, Options, Reading, Turn};

    const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

    /// Where looking ahead finds the first record of a text, and where reading does, if it counts any call.
    fn found(text: &[u8], options: Options) -> Option<(u64, u64)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let reading = || Reading::new(file.reopen().unwrap(), options);
        let context = Context::of_counts(UnixMillis(1_793_491_200_000));
        let mut read = reading();
        while read.turn(&context, None, u64::MAX).unwrap() == Turn::More {}
        while read.finish(&context).unwrap() == Turn::More {}
        let looked_for = reading().look_ahead().unwrap().1?;
        (read.found.calls > 0).then_some((looked_for as u64, read.beginning.head.at))
    }

    /// Else a copy is not known again.
    #[test]
    fn a_first_record_is_looked_for_where_it_is_read() {
        let plain = |format: &&'static Format| {
            let samples = WalkDir::new(Path::new(DATA).join(format.name)).into_iter().map(Result::unwrap);
            let samples = samples.filter(|entry| entry.file_type().is_file());
            samples.map(|entry| fs::read(entry.path()).unwrap()).collect::<Vec<_>>()
        };
        let mut of_all = 0;
        for format in ALL.iter() {
            for text in plain(format).iter().filter(|text| text.starts_with(b"PK") || text.is_ascii()) {
                for mark in [&b""[..], b"\xef\xbb\xbf"] {
                    let text = [mark, text].concat();
                    let options = Options { format: Some(*format), ..Options::default() };
                    if let Some((looked_for, read)) = found(&text, options) {
                        of_all += 1;
                        assert_eq!(
                            looked_for,
                            read,
                            "{}: {}",
                            format.name,
                            text[..text.len().min(200)].escape_ascii()
                        );
                    }
                }
            }
        }
        assert!(of_all > 100, "{of_all}");
    }
}
