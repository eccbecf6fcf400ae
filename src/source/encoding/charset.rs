//! Bytes in a character set to UTF-8 text, as they arrive. The set is known by a byte-order mark or by where the zeros of
//! UTF-16 stand, and may change: Windows PowerShell appends UTF-16 to a UTF-8 file, other shells UTF-8 to a UTF-16 file.
//!
//! What came of some bytes never changes with those behind them, so it does not matter in which pieces a file is read.

use std::fmt;

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE};

/// A character set that exports come in. Bytes of any other that agrees on ASCII pass as UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
        })
    }
}

const MARKS: [(&[u8], Charset); 3] = [
    (&[0xef, 0xbb, 0xbf], Charset::Utf8),
    (&[0xff, 0xfe], Charset::Utf16Le),
    (&[0xfe, 0xff], Charset::Utf16Be),
];

/// Two characters of ASCII in UTF-16: which of four bytes are zero.
const UNMARKED: [([bool; 4], Charset); 2] =
    [([false, true, false, true], Charset::Utf16Le), ([true, false, true, false], Charset::Utf16Be)];

/// Turns the characters of one file into UTF-8.
#[derive(Default)]
pub struct Characters {
    /// How the text begins, once that is known.
    began: Option<(Charset, bool)>,
    /// The set of what comes next.
    now: Option<Charset>,
    /// Whether the text holds more than one set.
    pub changed: bool,
    /// Bytes that wait until it is clear what they begin.
    held: Vec<u8>,
    /// The last byte of UTF-8 that passed.
    last: Option<u8>,
    utf16: Option<Decoder>,
    /// Whether a line of UTF-16 just ended.
    begins_line: bool,
}

impl Characters {
    /// Within a text that is UTF-8 so far.
    pub fn of_utf8(byte_order_mark: bool) -> Self {
        let (began, now) = (Some((Charset::Utf8, byte_order_mark)), Some(Charset::Utf8));
        Self { began, now, ..Self::default() }
    }

    /// The set that the text begins with, and whether a byte-order mark says so.
    pub fn began(&self) -> Option<(Charset, bool)> {
        self.began
    }

    /// Whether these bytes, which come next, are UTF-16.
    pub fn is_utf16(&self, bytes: &[u8]) -> bool {
        self.now
            .or_else(|| begun_by(bytes).map(|(_, charset)| charset))
            .is_some_and(|now| now != Charset::Utf8)
    }

    /// Whether nothing waits.
    pub fn holds_nothing(&self) -> bool {
        self.held.is_empty()
    }

    /// How many of these bytes of UTF-8 pass as they are, for a text of which all did so far.
    pub fn passing(&mut self, bytes: &[u8]) -> usize {
        let passing = self.first_changed(bytes);
        self.last = bytes[..passing].last().copied().or(self.last);
        passing
    }

    /// The first of these bytes of UTF-8 that seems to be of UTF-16.
    pub fn first_changed(&self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(nul) = memchr::memchr(0, &bytes[at..]) {
            at += nul;
            let before = if at == 0 { self.last } else { Some(bytes[at - 1]) };
            if before.is_none_or(is_ascii) && may_be_utf16(&bytes[at..]) {
                return at;
            }
            at += bytes[at..].iter().take_while(|byte| **byte == 0).count();
        }
        bytes.len()
    }

    /// Appends the text of these bytes to `text`. `finished` says that no more follow.
    pub fn push(&mut self, bytes: &[u8], finished: bool, text: &mut Vec<u8>) {
        let mut held = std::mem::take(&mut self.held);
        let mut rest = if held.is_empty() {
            bytes
        } else {
            held.extend_from_slice(bytes);
            &held[..]
        };
        while !rest.is_empty() {
            let (before, now) = (rest.len(), self.now);
            let taken = match now {
                None => self.begin(rest, finished),
                Some(Charset::Utf8) => self.utf8(rest, finished, text),
                Some(charset @ (Charset::Utf16Le | Charset::Utf16Be)) => self.utf16(charset, rest, text),
            };
            rest = &rest[taken..];
            if rest.len() == before && self.now == now {
                break;
            }
        }
        self.held = rest.to_vec();
    }

    /// Finds out what the text begins with; returns how long its mark is.
    fn begin(&mut self, bytes: &[u8], finished: bool) -> usize {
        let may_be_marked = |mark: &[u8]| bytes.len() < mark.len() && mark.starts_with(bytes);
        let is_short = MARKS.iter().any(|(mark, _)| may_be_marked(mark))
            || (bytes.len() < 4 && UNMARKED.iter().any(|(zeros, _)| is_like(bytes, zeros)));
        if is_short && !finished {
            return 0;
        }
        let (mark, charset) = begun_by(bytes).unwrap_or((&[], Charset::Utf8));
        self.began = Some((charset, !mark.is_empty()));
        self.change_to(charset);
        mark.len()
    }

    fn utf8(&mut self, bytes: &[u8], finished: bool, text: &mut Vec<u8>) -> usize {
        let passing = self.passing(bytes);
        let rest = &bytes[passing..];
        if rest.len() >= 3 {
            // The character before this zero was passed already; in UTF-16 it is the same.
            text.extend_from_slice(&bytes[..passing]);
            self.changed = true;
            self.change_to(Charset::Utf16Le);
            return passing + 1;
        }
        let taken = if finished { bytes.len() } else { passing };
        text.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// A line at most.
    fn utf16(&mut self, charset: Charset, bytes: &[u8], text: &mut Vec<u8>) -> usize {
        let [first, second, ..] = bytes else { return 0 };
        if std::mem::take(&mut self.begins_line) && is_no_utf16([*first, *second]) {
            self.changed = true;
            self.change_to(Charset::Utf8);
            return 0;
        }
        let newline = if charset == Charset::Utf16Le { [b'\n', 0] } else { [0, b'\n'] };
        let whole = &bytes[..bytes.len() & !1];
        let (units, _) = whole.as_chunks::<2>();
        let line = units.iter().position(|unit| *unit == newline);
        let taken = line.map_or(whole.len(), |line| 2 * line + 2);
        self.begins_line = line.is_some();
        if let Some(utf16) = &mut self.utf16
            && let Some(most) = utf16.max_utf8_buffer_length(taken)
        {
            let begin = text.len();
            text.resize(begin + most, 0);
            let (_, _, written, _) = utf16.decode_to_utf8(&whole[..taken], &mut text[begin..], false);
            text.truncate(begin + written);
        }
        taken
    }

    fn change_to(&mut self, charset: Charset) {
        self.now = Some(charset);
        self.last = None;
        self.begins_line = false;
        self.utf16 = match charset {
            Charset::Utf8 => None,
            Charset::Utf16Le => Some(UTF_16LE.new_decoder_without_bom_handling()),
            Charset::Utf16Be => Some(UTF_16BE.new_decoder_without_bom_handling()),
        };
    }
}

/// The mark that a text begins with, and its set; none where nothing tells it from UTF-8.
fn begun_by(bytes: &[u8]) -> Option<(&'static [u8], Charset)> {
    let marked = MARKS.into_iter().find(|(mark, _)| bytes.starts_with(mark));
    let unmarked = UNMARKED.into_iter().find(|(zeros, _)| bytes.len() >= 4 && is_like(bytes, zeros));
    marked.or(unmarked.map(|(_, charset)| (&[][..], charset)))
}

fn is_ascii(byte: u8) -> bool {
    matches!(byte, 1..=0x7f)
}

/// Whether these bytes are ASCII where no zero is to stand, and zero where one is.
fn is_like(bytes: &[u8], zeros: &[bool; 4]) -> bool {
    bytes.iter().zip(zeros).all(|(byte, zero)| if *zero { *byte == 0 } else { is_ascii(*byte) })
}

/// Whether a zero behind ASCII begins UTF-16, by what follows: a hole has more zeros in a row.
fn may_be_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0] => true,
        [0, second] => is_ascii(*second),
        [0, second, 0, ..] => is_ascii(*second),
        _ => false,
    }
}

/// Whether a line that begins so is not UTF-16: no record begins with a character from the far east.
fn is_no_utf16(unit: [u8; 2]) -> bool {
    unit.into_iter().all(is_ascii) || unit == [0xef, 0xbb]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text of these bytes, given in these pieces.
    fn text(bytes: &[u8], cuts: &[usize]) -> (Vec<u8>, Characters) {
        let (mut characters, mut text) = (Characters::default(), Vec::new());
        let mut begin = 0;
        for end in cuts.iter().copied().chain([bytes.len()]) {
            let piece = &bytes[begin..end];
            // As a file is read: what passes is not pushed.
            let plain = characters.began() == Some((Charset::Utf8, false)) && !characters.changed;
            let passing = if plain && characters.holds_nothing() { characters.passing(piece) } else { 0 };
            text.extend_from_slice(&piece[..passing]);
            characters.push(&piece[passing..], false, &mut text);
            begin = end;
        }
        characters.push(&[], true, &mut text);
        (text, characters)
    }

    fn little(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn big(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn sets_are_known_by_their_bytes_and_may_change() {
        let row = "{\"name\":\"Ü😀 中\"}\r\n";
        let cases: [(Vec<u8>, String, Charset, bool); 12] = [
            (little(row), row.into(), Charset::Utf16Le, false),
            (big(row), row.into(), Charset::Utf16Be, false),
            ([row.as_bytes(), &little(row)].concat(), row.repeat(2), Charset::Utf8, true),
            // The writer before had no line end, or the one behind begins with it.
            ([b"[]".as_slice(), &little(row)].concat(), format!("[]{row}"), Charset::Utf8, true),
            ([b"[]".as_slice(), &little("\r\n[]")].concat(), "[]\r\n[]".into(), Charset::Utf8, true),
            ([&little(row), row.as_bytes(), &little(row)].concat(), row.repeat(3), Charset::Utf16Le, true),
            ([&big(row), row.as_bytes()].concat(), row.repeat(2), Charset::Utf16Be, true),
            // A hole is none of it, and bytes of other sets pass.
            (b"a\0\0b\0\0\0\0{}".to_vec(), "a\0\0b\0\0\0\0{}".into(), Charset::Utf8, false),
            (b"\0\0\0\0{}\0".to_vec(), "\0\0\0\0{}\0".into(), Charset::Utf8, false),
            (b"a\0".to_vec(), "a\0".into(), Charset::Utf8, false),
            (b"{".to_vec(), "{".into(), Charset::Utf8, false),
            (Vec::new(), String::new(), Charset::Utf8, false),
        ];
        for (bytes, expected, charset, changed) in cases {
            let every: Vec<usize> = (0..bytes.len()).collect();
            for cuts in [&[][..], &every] {
                let (text, characters) = text(&bytes, cuts);
                let shown = format!("{} cut at {cuts:?}", bytes.escape_ascii());
                assert_eq!(String::from_utf8_lossy(&text), expected, "{shown}");
                assert_eq!(characters.changed, changed, "{shown}");
                assert!(bytes.is_empty() || characters.began() == Some((charset, false)), "{shown}");
            }
        }
    }

    proptest! {
        #[test]
        fn how_bytes_are_cut_changes_nothing(
            bytes in prop::collection::vec(prop::sample::select(b"a{\n\r\0\0\0\xfc\xff\xfe\xef\xbb\xbf\x4e\xd8".to_vec()), 0..80),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.sort_unstable();
            prop_assert_eq!(text(&bytes, &cuts).0, text(&bytes, &[]).0);
        }
    }
}
