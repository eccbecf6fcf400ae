//! Bytes as they lie on the disk to UTF-8 text: compression and character set, recognised by content, not by name.
//!
//! Push in whatever bytes have arrived, take out the text they hold; no end is needed, so a file may still grow.
//! Text that is UTF-8 already passes as it is, also where its bytes are not valid UTF-8.

mod charset;
mod compression;

use std::fmt;

use self::charset::Characters;
pub use self::charset::Charset;
pub use self::compression::{Compression, Damaged};
use self::compression::{Decompressing, Recognised};
use super::memory::Memory;

/// How a file's text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    pub compression: Option<Compression>,
    /// That which the text begins with.
    pub charset: Charset,
    pub byte_order_mark: bool,
    /// Whether the text goes on in another character set.
    pub changes: bool,
    /// What the text was unpacked from, if it was; each of its documents may be in another character set.
    pub archive: Option<&'static str>,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(archive) = self.archive {
            return f.write_str(archive);
        }
        let mark = if self.byte_order_mark { " with byte-order mark" } else { "" };
        let changes = if self.changes { ", changing within" } else { "" };
        write!(f, "{}{mark}{changes}", self.charset)?;
        self.compression.map_or(Ok(()), |compression| write!(f, ", {}", compression.name()))
    }
}

impl Encoding {
    /// How many bytes of the file stand before its text, if the text lies in the file as it is.
    pub fn plain_text_at(self) -> Option<u64> {
        let plain = self.compression.is_none() && self.charset == Charset::Utf8 && !self.changes;
        plain.then_some(if self.byte_order_mark { 3 } else { 0 })
    }
}

/// Turns the bytes of one file into text.
#[derive(Default)]
pub struct Decoding {
    memory: Memory,
    compressed: Option<Decompressing>,
    /// Nothing can be read behind damage.
    damaged: Option<Damaged>,
    characters: Characters,
    begun: bool,
}

impl fmt::Debug for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoding").field("encoding", &self.encoding()).finish_non_exhaustive()
    }
}

impl Decoding {
    /// Goes on within UTF-8 text that began with or without a byte-order mark.
    pub fn of_plain_text(byte_order_mark: bool) -> Self {
        Self { characters: Characters::of_utf8(byte_order_mark), begun: true, ..Self::default() }
    }

    /// At the beginning of text of which it is known that it is not compressed.
    pub fn of_uncompressed() -> Self {
        Self { begun: true, ..Self::default() }
    }

    /// Takes memory for unpacking from this only.
    pub fn share(&mut self, memory: Memory) {
        self.memory = memory;
    }

    /// Where memory is taken from.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Whether there was no memory to go on.
    pub fn waits(&self) -> bool {
        self.compressed.as_ref().is_some_and(Decompressing::waits)
    }

    /// Gives back the memory of unpacking; whether there was any. To go on, [`Decoding::push_again`] must have had every
    /// byte that [`Decoding::push`] took.
    pub fn shed(&mut self) -> bool {
        self.compressed.as_mut().is_some_and(Decompressing::shed)
    }

    /// Where nothing comes any more: that what is compressed is not whole.
    pub fn cut(&self) -> Option<Damaged> {
        self.compressed.as_ref().and_then(Decompressing::cut)
    }

    /// Takes bytes whose text came before; returns how many were taken, as [`Decoding::push`].
    pub fn push_again(&mut self, raw: &[u8], room: usize) -> Result<usize, Damaged> {
        let Some(compressed) = &mut self.compressed else { return Ok(raw.len()) };
        let (mut taken, mut plain) = (0, Vec::with_capacity(room));
        loop {
            plain.clear();
            let step = compressed.push(&raw[taken..], &mut plain)?;
            taken += step;
            if step == 0 && plain.is_empty() {
                return Ok(taken);
            }
        }
    }

    /// The encoding, once enough bytes have passed to tell.
    pub fn encoding(&self) -> Option<Encoding> {
        let (charset, byte_order_mark) = self.characters.began()?;
        let compression = self.compressed.as_ref().map(Decompressing::compression);
        Some(Encoding {
            compression,
            charset,
            byte_order_mark,
            changes: self.characters.changed,
            archive: None,
        })
    }

    /// Whether what comes next is text as it is, as far as what came before shows.
    pub fn is_plain(&self) -> bool {
        let is_plain = self.encoding().and_then(Encoding::plain_text_at).is_some();
        is_plain && self.characters.holds_nothing()
    }

    /// Whether these bytes, which come next, are UTF-16.
    pub fn is_utf16(&self, raw: &[u8]) -> bool {
        self.compressed.is_none() && self.characters.is_utf16(raw)
    }

    /// Whether these bytes, which come next, are compressed.
    pub fn is_compressed(&self, raw: &[u8]) -> bool {
        let begins_so = || matches!(Compression::recognise(raw), Recognised::Compressed(_));
        self.compressed.is_some() || !self.begun && begins_so()
    }

    /// How many of these bytes are text as they are, where [`Decoding::is_plain`]. Those behind them are to be pushed.
    pub fn passing(&mut self, bytes: &[u8]) -> usize {
        self.characters.passing(bytes)
    }

    /// How many of these bytes seem to be text as they are, as [`Decoding::passing`] would take them.
    pub fn first_changed(&self, bytes: &[u8]) -> usize {
        self.characters.first_changed(bytes)
    }

    /// Takes bytes from the front of `raw` and appends their text to `text`, of which `room` bytes or a few more
    /// are added at most. Returns how many bytes were taken: text can also come of bytes taken earlier. `finished`
    /// says that no bytes follow `raw`.
    pub fn push(
        &mut self,
        raw: &[u8],
        finished: bool,
        text: &mut Vec<u8>,
        room: usize,
    ) -> Result<usize, Damaged> {
        if let Some(damaged) = &self.damaged {
            return Err(damaged.clone());
        }
        if !self.begun {
            self.compressed = match Compression::recognise(raw) {
                Recognised::NeedMore if !finished => return Ok(0),
                Recognised::NeedMore | Recognised::Plain => None,
                Recognised::Compressed(compression) => {
                    Some(Decompressing::new(compression, self.memory.clone()))
                }
            };
            self.begun = true;
        }
        let Some(compressed) = &mut self.compressed else {
            let taken = raw.len().min(room);
            self.characters.push(&raw[..taken], finished && taken == raw.len(), text);
            return Ok(taken);
        };
        let mut plain = Vec::with_capacity(room);
        let taken = compressed.push(raw, &mut plain);
        self.damaged = taken.as_ref().err().cloned();
        // Of bytes that were taken, text may be to come; what came before damage is sound.
        let is_all =
            taken.as_ref().map_or(true, |taken| *taken == raw.len() && plain.len() < plain.capacity());
        self.characters.push(&plain, finished && is_all, text);
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).and_then(|()| encoder.finish()).expect("writing to memory")
    }

    /// As the tool of that name writes it, with a checksum.
    fn zstd(text: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
        encoder.include_checksum(true).expect("a parameter");
        encoder.write_all(text).and_then(|()| encoder.finish()).expect("writing to memory")
    }

    fn utf16(text: &str, mark: &[u8], unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.iter().copied().chain(text.encode_utf16().flat_map(unit)).collect()
    }

    fn decode(raw: &[u8], step: usize, room: usize) -> (Vec<u8>, String) {
        let (mut decoding, mut text, mut begin) = (Decoding::default(), Vec::new(), 0);
        for end in (step..raw.len() + step).step_by(step) {
            let end = end.min(raw.len());
            loop {
                let before = (begin, text.len());
                let taken = decoding.push(&raw[begin..end], end == raw.len(), &mut text, room);
                begin += taken.expect("sound data");
                if before == (begin, text.len()) {
                    break;
                }
            }
        }
        assert_eq!(begin, raw.len());
        (text, decoding.encoding().map(|encoding| encoding.to_string()).unwrap_or_default())
    }

    #[test]
    fn every_encoding_in_any_steps() {
        let text = "{\"name\":\"Ü😀\"}\r\n".repeat(50);
        let bytes = text.as_bytes();
        let marked = [b"\xef\xbb\xbf", bytes].concat();
        let little = utf16(&text, b"\xff\xfe", u16::to_le_bytes);
        let members = [gzip(&bytes[..100]), gzip(&bytes[100..]), vec![0; 40]].concat();
        let cases = [
            (bytes.to_vec(), "UTF-8"),
            (marked.clone(), "UTF-8 with byte-order mark"),
            (little.clone(), "UTF-16LE with byte-order mark"),
            (utf16(&text, b"\xfe\xff", u16::to_be_bytes), "UTF-16BE with byte-order mark"),
            (members, "UTF-8, gzip"),
            (gzip(&little), "UTF-16LE with byte-order mark, gzip"),
            ([zstd(&bytes[..100]), zstd(&bytes[100..])].concat(), "UTF-8, zstd"),
            (zstd(&little), "UTF-16LE with byte-order mark, zstd"),
            (utf16(&text, b"", u16::to_be_bytes), "UTF-16BE"),
            (gzip(&[&bytes[..190], &little[2 + 320..]].concat()), "UTF-8, changing within, gzip"),
        ];
        for (raw, name) in cases {
            for (step, room) in [(1, 100_000), (3, 7), (100_000, 100_000), (100_000, 5)] {
                let (decoded, encoding) = decode(&raw, step, room);
                assert_eq!(String::from_utf8_lossy(&decoded), text, "{name}, {step} bytes at a time");
                assert_eq!(encoding, name);
            }
        }
    }

    /// All of its bytes may be taken before all of their text is there: what comes first is no end.
    #[test]
    fn what_is_cut_gives_the_same_in_any_room() {
        let text = "{\"name\":\"User\"}\n".repeat(5000);
        let raw = zstd(&utf16(&text, b"", u16::to_le_bytes));
        for end in 8..raw.len() {
            let at_once = decode(&raw[..end], raw.len(), 1 << 20);
            assert!(decode(&raw[..end], raw.len(), 3) == at_once, "cut at {end} of {}", raw.len());
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_pass() {
        assert_eq!(decode(b"\xa5\xa5{}", 1, 100).0, b"\xa5\xa5{}");
        assert_eq!(decode(b"\xef\xbb", 1, 100).0, b"\xef\xbb");
    }

    #[test]
    fn damaged_data_is_an_error() {
        let sound = b"a frame, a member; ";
        let text = "some text that is long enough to be damaged in its middle".repeat(9).into_bytes();
        for (sound_raw, mut raw, name) in
            [(gzip(sound), gzip(&text), "gzip"), (zstd(sound), zstd(&text), "zstd")]
        {
            let middle = raw.len() / 2;
            raw[middle..middle + 8].fill(0xff);
            let mut begin = Vec::new();
            let error = Decoding::default().push(&[sound_raw, raw].concat(), true, &mut begin, 1000);
            let error = error.expect_err("damaged").to_string();
            assert!(error.starts_with(&format!("damaged {name} data")), "{error}");
            assert!(begin.starts_with(sound), "{name}: what came before the damage is there");
        }
    }
}
