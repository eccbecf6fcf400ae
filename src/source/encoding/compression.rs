//! Compressed bytes to plain ones, as they arrive: gzip and zstd, of any number of members or frames.

use std::io;

use bytesize::ByteSize;
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use crate::source::memory::{Claim, Memory, Room};

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    Gzip,
    Zstd,
}

/// The compressed data is not what its beginning promised.
#[derive(Debug, Clone, thiserror::Error)]
#[error("damaged {} data: {reason}", compression.name())]
pub struct Damaged {
    compression: Compression,
    reason: String,
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// A zstd frame to be skipped begins with 0x50 to 0x5f and these (RFC 8878, 3.1.2).
const SKIPPABLE: &[u8] = &[0x2a, 0x4d, 0x18];

/// What the first bytes of a file say of its compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    Compressed(Compression),
    Plain,
    NeedMore,
}

impl Compression {
    /// Recognises a compression by the first bytes of a file.
    pub fn recognise(raw: &[u8]) -> Recognised {
        let skippable = raw.first().is_some_and(|first| first & 0xf0 == 0x50);
        let marks = [(Self::Gzip, raw, GZIP), (Self::Zstd, raw, ZSTD)];
        let frame = (Self::Zstd, raw.get(1..).unwrap_or_default(), SKIPPABLE);
        for (compression, bytes, mark) in marks.into_iter().chain(skippable.then_some(frame)) {
            if bytes.starts_with(mark) {
                return Recognised::Compressed(compression);
            }
            if mark.starts_with(bytes) {
                return Recognised::NeedMore;
            }
        }
        Recognised::Plain
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// Decompresses one file.
pub struct Decompressing {
    compression: Compression,
    memory: Memory,
    /// The member or frame under way, and the memory that it takes: that of a zstd frame's window may be large (128 MiB at
    /// most, the limit of zstd's own tools), so it is let go where it ends.
    member: Option<(Member, Room)>,
    /// The next member found no room.
    waits: bool,
}

enum Member {
    Gzip(Box<Decompress>),
    Zstd(Decoder<'static>),
}

/// How far a step came.
struct Step {
    taken: usize,
    /// The member or frame ends here.
    ended: bool,
}

impl Decompressing {
    /// At the beginning of a file.
    pub fn new(compression: Compression, memory: Memory) -> Self {
        Self { compression, memory, member: None, waits: false }
    }

    /// Whether there was no room to go on when bytes were last pushed.
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// Lets go of the member under way; whether there was one. To go on, all that was pushed must be pushed again.
    pub fn shed(&mut self) -> bool {
        self.member.take().is_some()
    }

    /// Where nothing comes any more: that the member under way is not whole.
    pub fn cut(&self) -> Option<Damaged> {
        let reason = || "it ends in the midst: the file was cut, or is still being written".to_owned();
        self.member.is_some().then(|| Damaged { compression: self.compression, reason: reason() })
    }

    /// How the file is compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Fills the spare capacity of `plain` as far as `raw` goes. Returns how much of `raw` was taken.
    ///
    /// # Errors
    /// When the data is damaged; nothing can be read behind that.
    pub fn push(&mut self, raw: &[u8], plain: &mut Vec<u8>) -> Result<usize, Damaged> {
        let mut taken = 0;
        self.waits = false;
        while plain.len() < plain.capacity() {
            let (member, _) = match &mut self.member {
                Some(member) => member,
                None => {
                    taken += self.compression.padding(&raw[taken..]);
                    // A header that is not whole yet says nothing.
                    let Some(window) = self.compression.window(&raw[taken..]) else { break };
                    let room = match self.memory.claim(window) {
                        Claim::Granted(room) => room,
                        Claim::Later => {
                            self.waits = true;
                            break;
                        }
                        Claim::Never => return Err(self.too_large(window)),
                    };
                    self.member.insert((self.compression.begin()?, room))
                }
            };
            let before = plain.len();
            let step = member.step(&raw[taken..], plain);
            let step = step.map_err(|reason| Damaged { compression: self.compression, reason })?;
            taken += step.taken;
            if step.ended {
                self.member = None;
            } else if step.taken == 0 && plain.len() == before {
                break;
            }
        }
        Ok(taken)
    }
}

impl Decompressing {
    fn too_large(&self, window: u64) -> Damaged {
        let (window, limit) = (ByteSize(window), ByteSize(self.memory.limit()));
        let reason =
            format!("to unpack it takes {window} of memory, and limits: memory_bytes allows {limit}");
        Damaged { compression: self.compression, reason }
    }
}

/// What zlib takes for its window and tables, and the bytes that wait to be unpacked.
const GZIP_MEMORY: u64 = (64 + 256) * 1024;
/// What zstd takes beside its window, and the bytes that wait.
const ZSTD_MEMORY: u64 = 512 * 1024;

/// The window of the zstd frame that begins here, by its header (RFC 8878, 3.1.1); `None` where that is not whole.
fn zstd_window(raw: &[u8]) -> Option<u64> {
    let descriptor = *raw.get(4)?;
    if !raw.starts_with(ZSTD) {
        // A frame to be skipped, or none.
        return Some(0);
    }
    if descriptor & 0x20 == 0 {
        let window = *raw.get(5)?;
        let base = 1 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // The window is the whole content.
    let begin = 5 + [0, 1, 2, 4][usize::from(descriptor & 3)];
    let length = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let size = raw.get(begin..begin + length)?;
    Some(size.iter().rev().fold(0, |size, byte| size << 8 | u64::from(*byte)))
}

impl Compression {
    /// How much memory the member or frame that begins here takes; `None` where that does not show yet.
    fn window(self, raw: &[u8]) -> Option<u64> {
        match self {
            Self::Gzip => (!raw.is_empty()).then_some(GZIP_MEMORY),
            Self::Zstd => zstd_window(raw).map(|window| window.saturating_add(ZSTD_MEMORY)),
        }
    }

    fn begin(self) -> Result<Member, Damaged> {
        Ok(match self {
            Self::Gzip => Member::Gzip(Box::new(Decompress::new_gzip(15))),
            Self::Zstd => {
                let failed = |error: io::Error| Damaged { compression: self, reason: error.to_string() };
                Member::Zstd(Decoder::new().map_err(failed)?)
            }
        })
    }

    /// How many bytes between two members say nothing: tapes and disk images pad gzip with zeros.
    fn padding(self, raw: &[u8]) -> usize {
        match self {
            Self::Gzip => raw.iter().take_while(|byte| **byte == 0).count(),
            Self::Zstd => 0,
        }
    }
}

impl Member {
    fn step(&mut self, raw: &[u8], plain: &mut Vec<u8>) -> Result<Step, String> {
        match self {
            Self::Gzip(decompress) => {
                let before = decompress.total_in();
                let status = decompress
                    .decompress_vec(raw, plain, FlushDecompress::None)
                    .map_err(|error| error.to_string())?;
                let taken = usize::try_from(decompress.total_in() - before).unwrap_or(usize::MAX);
                Ok(Step { taken, ended: status == Status::StreamEnd })
            }
            Self::Zstd(decoder) => {
                let mut input = InBuffer::around(raw);
                let written = plain.len();
                let mut output = OutBuffer::around_pos(plain, written);
                let wanted = decoder.run(&mut input, &mut output).map_err(|error| error.to_string())?;
                Ok(Step { taken: input.pos(), ended: wanted == 0 })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognised_by_the_first_bytes() {
        use Recognised::{Compressed, NeedMore, Plain};
        let cases: [(&[u8], Recognised); 12] = [
            (b"", NeedMore),
            (b"\x1f", NeedMore),
            (b"\x1f\x8b", Compressed(Compression::Gzip)),
            (b"\x1f\x8c", Plain),
            (b"\x28\xb5\x2f", NeedMore),
            (b"\x28\xb5\x2f\xfd", Compressed(Compression::Zstd)),
            (b"P", NeedMore),
            (b"_\x2a\x4d", NeedMore),
            (b"_\x2a\x4d\x18", Compressed(Compression::Zstd)),
            (b"PK\x03\x04", Plain),
            (b"O\x2a\x4d\x18", Plain),
            (b"{", Plain),
        ];
        for (raw, expected) in cases {
            assert_eq!(Compression::recognise(raw), expected, "{}", raw.escape_ascii());
        }
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(text, 3).expect("compressing in memory")
    }

    /// Everything in `raw`, given all at once, and whether it ends between two frames.
    fn decompress(raw: &[u8]) -> Result<(Vec<u8>, bool), Damaged> {
        let mut decompressing = Decompressing::new(Compression::Zstd, Memory::default());
        let (mut text, mut at) = (Vec::new(), 0);
        loop {
            let mut plain = Vec::with_capacity(1000);
            let taken = decompressing.push(&raw[at..], &mut plain)?;
            at += taken;
            text.extend(&plain);
            if taken == 0 && plain.is_empty() {
                return Ok((text, decompressing.member.is_none()));
            }
        }
    }

    #[test]
    fn frames_to_be_skipped_are_skipped() {
        let skip = [b"\x5a\x2a\x4d\x18\x04\0\0\0".as_slice(), b"skip"].concat();
        let raw = [skip.clone(), zstd(b"one "), skip.clone(), skip, zstd(b""), zstd(b"two")].concat();
        let (text, ended) = decompress(&raw).expect("sound data");
        assert_eq!((text, ended), (b"one two".to_vec(), true));
    }

    #[test]
    fn what_came_before_a_cut_is_there() {
        let text: Vec<u8> = (0..300_000_u32).flat_map(|number| (number * 7919).to_le_bytes()).collect();
        let raw = zstd(&text);
        let (begin, ended) = decompress(&raw[..raw.len() / 2]).expect("sound data");
        assert!(
            text.starts_with(&begin) && begin.len() > text.len() / 4,
            "{} of {}",
            begin.len(),
            text.len()
        );
        assert!(!ended);
    }

    #[test]
    fn a_window_that_is_too_large_is_refused() {
        // A frame header with a window of 2^31 bytes, and a block of it.
        let raw = b"\x28\xb5\x2f\xfd\0\xa8\x01\0\0";
        let error = decompress(raw).expect_err("refused");
        assert_eq!(error.to_string(), "damaged zstd data: Frame requires too much memory for decoding");
    }

    #[test]
    fn the_window_shows_in_the_header() {
        let cases: [(&[u8], Option<u64>); 9] = [
            (b"\x28\xb5\x2f\xfd", None),
            (b"\x28\xb5\x2f\xfd\x00", None),
            (b"\x28\xb5\x2f\xfd\x00\x88", Some(128 << 20)),
            (b"\x28\xb5\x2f\xfd\x00\x59", Some((2 << 20) + (256 << 10))),
            (b"\x28\xb5\x2f\xfd\x20\x09", Some(9)),
            (b"\x28\xb5\x2f\xfd\xa1\x07\x00\x00\x00", None),
            (b"\x28\xb5\x2f\xfd\xa1\x07\x00\x00\x00\x01", Some(1 << 24)),
            (b"\x5a\x2a\x4d\x18\x04", Some(0)),
            (b"what else", Some(0)),
        ];
        for (raw, expected) in cases {
            assert_eq!(zstd_window(raw), expected, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn a_frame_waits_for_room_and_one_that_never_fits_is_refused() {
        // Frame headers with windows of 8 and 128 MiB, and a block that is not the last of each.
        let (small, large) = (b"\x28\xb5\x2f\xfd\0\x68\0\0\0", b"\x28\xb5\x2f\xfd\0\x88\0\0\0");
        let memory = Memory::limited(12 << 20);
        let mut push = {
            let mut plain = Vec::with_capacity(1000);
            move |decompressing: &mut Decompressing, raw: &[u8]| decompressing.push(raw, &mut plain)
        };
        let new = || Decompressing::new(Compression::Zstd, memory.clone());
        let (mut first, mut second) = (new(), new());
        assert!(push(&mut first, small).is_ok() && !first.waits());
        assert!(matches!(push(&mut second, small), Ok(0)) && second.waits());
        assert!(first.shed() && push(&mut second, small).is_ok() && !second.waits());
        let error = push(&mut new(), large).expect_err("never").to_string();
        assert!(
            error.contains("takes 128.5 MiB of memory, and limits: memory_bytes allows 12.0 MiB"),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let error = decompress(&[zstd(b"text"), b"and something else".to_vec()].concat());
        assert_eq!(error.expect_err("refused").to_string(), "damaged zstd data: Unknown frame descriptor");
    }
}
