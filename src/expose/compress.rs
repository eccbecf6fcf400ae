//! Compression in two parts: a long one that is compressed once and kept, and a short one that ends each answer.

use std::io::{self, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::negotiate::Coding;

/// The first part of an answer, compressed; any number of ends may follow it.
#[derive(Debug)]
pub struct Front {
    pub bytes: Vec<u8>,
    coding: Coding,
    /// Of the text, for the checksum at the end of a gzip stream.
    crc: Crc,
}

/// A gzip member without name and time (RFC 1952, section 2.3).
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// For speed: label sets repeat so much that more effort gains little.
const ZSTD_LEVEL: i32 = 1;

impl Front {
    /// Compresses this text.
    ///
    /// # Errors
    /// None in practice: writing to memory does not fail.
    pub fn new(text: Vec<u8>, coding: Coding) -> io::Result<Self> {
        let mut crc = Crc::new();
        let bytes = match coding {
            Coding::Identity => text,
            Coding::Zstd => zstd::bulk::compress(&text, ZSTD_LEVEL)?,
            Coding::Gzip => {
                crc.update(&text);
                let mut encoder = DeflateEncoder::new(GZIP_HEADER.to_vec(), Compression::fast());
                encoder.write_all(&text)?;
                // Ends at a byte, so that other blocks can follow; the last block that `finish` adds is cut off.
                encoder.flush()?;
                let length = encoder.get_ref().len();
                let mut bytes = encoder.finish()?;
                bytes.truncate(length);
                bytes
            }
        };
        Ok(Self { bytes, coding, crc })
    }

    /// What follows `bytes` where the text ends with this.
    ///
    /// # Errors
    /// None in practice: writing to memory does not fail.
    pub fn end(&self, text: Vec<u8>) -> io::Result<Vec<u8>> {
        match self.coding {
            Coding::Identity => Ok(text),
            // A stream is one frame or several.
            Coding::Zstd => zstd::bulk::compress(&text, ZSTD_LEVEL),
            Coding::Gzip => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(&text)?;
                let mut bytes = encoder.finish()?;
                let (mut crc, mut of_end) = (Crc::new(), Crc::new());
                of_end.update(&text);
                crc.combine(&self.crc);
                crc.combine(&of_end);
                bytes.extend_from_slice(&crc.sum().to_le_bytes());
                bytes.extend_from_slice(&crc.amount().to_le_bytes());
                Ok(bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    fn plain(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        match coding {
            Coding::Identity => text.extend_from_slice(bytes),
            // One member only: what some clients read.
            Coding::Gzip => drop(flate2::read::GzDecoder::new(bytes).read_to_end(&mut text).unwrap()),
            Coding::Zstd => drop(zstd::Decoder::new(bytes).unwrap().read_to_end(&mut text).unwrap()),
        }
        text
    }

    proptest! {
        #[test]
        fn both_parts_come_out_as_one_text(front in ".{0,3000}", ends in prop::collection::vec(".{0,300}", 1..3)) {
            for coding in [Coding::Identity, Coding::Gzip, Coding::Zstd] {
                let compressed = Front::new(front.clone().into_bytes(), coding).unwrap();
                for end in &ends {
                    let end_bytes = compressed.end(end.clone().into_bytes()).unwrap();
                    let whole = [compressed.bytes.as_slice(), &end_bytes].concat();
                    prop_assert_eq!(plain(coding, &whole), format!("{front}{end}").into_bytes(), "{:?}", coding);
                }
            }
        }
    }
}
