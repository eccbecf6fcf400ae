//! One member of a zip archive, unpacked as far as room is given.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// How much of the archive is read at a time.
const CHUNK: usize = 64 * 1024;

/// Where a member stands in its archive, and what it is to unpack to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    pub start: u64,
    pub packed: u64,
    pub size: u64,
    pub crc: u32,
    /// Whether it is packed, or stored as it is.
    pub is_deflated: bool,
}

impl Member {
    /// Whether it unpacks to what the directory says. A size that is a lie ends there, too.
    pub fn is_sound(&self, file: &File) -> bool {
        let (mut unpacking, mut plain) = (Unpacking::new(*self), Vec::with_capacity(CHUNK));
        loop {
            plain.clear();
            match unpacking.step(file, &mut plain) {
                Ok(false) => {}
                Ok(true) => return true,
                Err(_) => return false,
            }
        }
    }
}

/// A member under way.
#[derive(Debug)]
pub struct Unpacking {
    member: Member,
    /// How much of it was taken, packed.
    taken: u64,
    /// What was read of it and not taken stands at the end of this, from `begin` on: little of it may unpack to very much.
    raw: Vec<u8>,
    begin: usize,
    /// How much it came to.
    written: u64,
    inflate: Option<Decompress>,
    crc: Crc,
}

impl Unpacking {
    /// At its beginning.
    pub fn new(member: Member) -> Self {
        let inflate = member.is_deflated.then(|| Decompress::new(false));
        Self { member, taken: 0, raw: Vec::new(), begin: 0, written: 0, inflate, crc: Crc::new() }
    }

    /// Reads on where all that was read is taken.
    fn refill(&mut self, file: &File) -> io::Result<()> {
        if self.begin == self.raw.len() {
            let left = usize::try_from(self.member.packed - self.taken).unwrap_or(CHUNK).min(CHUNK);
            self.raw.resize(left, 0);
            self.begin = 0;
            file.read_exact_at(&mut self.raw, self.member.start + self.taken)?;
        }
        Ok(())
    }

    /// Fills the room in `plain`, which is empty and has some; whether the member ends there.
    ///
    /// # Errors
    /// When it is not what the directory says.
    pub fn step(&mut self, file: &File, plain: &mut Vec<u8>) -> io::Result<bool> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a damaged member of a zip archive");
        loop {
            self.refill(file)?;
            let (raw, before) = (&self.raw[self.begin..], plain.len());
            let (taken, ended) = match &mut self.inflate {
                Some(inflate) => {
                    let was = inflate.total_in();
                    let status = inflate.decompress_vec(raw, plain, FlushDecompress::None);
                    let ended = status.map_err(|_| damaged())? == Status::StreamEnd;
                    (usize::try_from(inflate.total_in() - was).unwrap_or(raw.len()), ended)
                }
                None => {
                    let taken = raw.len().min(plain.capacity() - plain.len());
                    plain.extend_from_slice(&raw[..taken]);
                    (taken, self.taken + taken as u64 == self.member.packed)
                }
            };
            self.begin += taken;
            self.taken += taken as u64;
            self.written += (plain.len() - before) as u64;
            self.crc.update(&plain[before..]);
            let is_whole = (self.taken, self.written, self.crc.sum())
                == (self.member.packed, self.member.size, self.member.crc);
            match ended {
                true if is_whole => return Ok(true),
                true => return Err(damaged()),
                false if self.written > self.member.size => return Err(damaged()),
                false if plain.len() == plain.capacity() => return Ok(false),
                false if taken == 0 && plain.len() == before => return Err(damaged()),
                false => {}
            }
        }
    }
}
