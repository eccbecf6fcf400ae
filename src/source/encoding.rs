//! Bytes as they lie on the disk to UTF-8 text: compression and character set, recognised by content, not by name.
//!
//! Push in whatever bytes have arrived, take out the text they hold; no end is needed, so a file may still grow.
//! Text that is UTF-8 already passes as it is, also where its bytes are not valid UTF-8.

mod compression;

use std::fmt;

use encoding_rs::{UTF_16BE, UTF_16LE};

pub use self::compression::{Compression, Damaged};
use self::compression::{Decompressing, Recognised};

/// How a file's text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    pub compression: Option<Compression>,
    pub charset: Charset,
    pub byte_order_mark: bool,
}

/// A character set that exports come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let charset = match self.charset {
            Charset::Utf8 => "UTF-8",
            Charset::Utf16Le => "UTF-16LE",
            Charset::Utf16Be => "UTF-16BE",
        };
        let mark = if self.byte_order_mark { " with byte-order mark" } else { "" };
        write!(f, "{charset}{mark}")?;
        self.compression.map_or(Ok(()), |compression| write!(f, ", {}", compression.name()))
    }
}

impl Encoding {
    /// How many bytes of the file stand before its text, if the text lies in the file as it is.
    pub fn plain_text_at(self) -> Option<u64> {
        let plain = self.compression.is_none() && self.charset == Charset::Utf8;
        plain.then_some(if self.byte_order_mark { 3 } else { 0 })
    }
}

const MARKS: [(&[u8], Charset); 3] = [
    (&[0xef, 0xbb, 0xbf], Charset::Utf8),
    (&[0xff, 0xfe], Charset::Utf16Le),
    (&[0xfe, 0xff], Charset::Utf16Be),
];

/// Turns the bytes of one file into text.
#[derive(Default)]
pub struct Decoding {
    compressed: Option<Decompressing>,
    /// Nothing can be read behind damage.
    damaged: Option<Damaged>,
    /// Bytes that wait until it is clear what they begin.
    undecided: Vec<u8>,
    charset: Option<(Charset, bool)>,
    utf16: Option<encoding_rs::Decoder>,
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
        Self { charset: Some((Charset::Utf8, byte_order_mark)), begun: true, ..Self::default() }
    }

    /// The encoding, once enough bytes have passed to tell.
    pub fn encoding(&self) -> Option<Encoding> {
        let (charset, byte_order_mark) = self.charset?;
        let compression = self.compressed.as_ref().map(Decompressing::compression);
        Some(Encoding { compression, charset, byte_order_mark })
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
                Recognised::Compressed(compression) => Some(Decompressing::new(compression)),
            };
            self.begun = true;
        }
        let Some(compressed) = &mut self.compressed else {
            let taken = raw.len().min(room);
            self.characters(&raw[..taken], finished && taken == raw.len(), text);
            return Ok(taken);
        };
        let mut plain = Vec::with_capacity(room);
        let taken = compressed.push(raw, &mut plain);
        self.damaged = taken.as_ref().err().cloned();
        // What came before the damage is sound.
        self.characters(&plain, finished && !matches!(taken, Ok(taken) if taken < raw.len()), text);
        taken
    }

    fn characters(&mut self, bytes: &[u8], finished: bool, text: &mut Vec<u8>) {
        if self.charset.is_none() {
            self.undecided.extend_from_slice(bytes);
            if undecided(&self.undecided, &MARKS.map(|(mark, _)| mark)) && !finished {
                return;
            }
            let begin = std::mem::take(&mut self.undecided);
            let found = MARKS.into_iter().find(|(mark, _)| begin.starts_with(mark));
            let (mark, charset) = found.unwrap_or((&[], Charset::Utf8));
            self.charset = Some((charset, !mark.is_empty()));
            self.utf16 = match charset {
                Charset::Utf8 => None,
                Charset::Utf16Le => Some(UTF_16LE.new_decoder_without_bom_handling()),
                Charset::Utf16Be => Some(UTF_16BE.new_decoder_without_bom_handling()),
            };
            self.append(&begin[mark.len()..], text);
        } else {
            self.append(bytes, text);
        }
    }

    fn append(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        let Some(utf16) = &mut self.utf16 else {
            text.extend_from_slice(bytes);
            return;
        };
        let Some(most) = utf16.max_utf8_buffer_length(bytes.len()) else { return };
        let begin = text.len();
        text.resize(begin + most, 0);
        let (_, _, written, _) = utf16.decode_to_utf8(bytes, &mut text[begin..], false);
        text.truncate(begin + written);
    }
}

/// Whether `bytes` may yet turn out to begin with one of `marks`.
fn undecided(bytes: &[u8], marks: &[&[u8]]) -> bool {
    marks.iter().any(|mark| bytes.len() < mark.len() && mark.starts_with(bytes))
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
        (text, decoding.encoding().expect("known at the end").to_string())
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
        ];
        for (raw, name) in cases {
            for (step, room) in [(1, 100_000), (3, 7), (100_000, 100_000), (100_000, 5)] {
                let (decoded, encoding) = decode(&raw, step, room);
                assert_eq!(String::from_utf8_lossy(&decoded), text, "{name}, {step} bytes at a time");
                assert_eq!(encoding, name);
            }
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
