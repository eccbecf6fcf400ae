//! What stands in a text: some of its records, or what stands in the place of one.

use std::slice::from_ref;

use crate::call::{Call, Reason};
use crate::format::Decoded;
use crate::framing::Place;

/// Some records of a text.
#[derive(Debug)]
pub enum Found<'r> {
    /// One call or more; `positions` are the offsets of their first bytes in the text.
    Calls {
        calls: &'r [Call<'r>],
        positions: &'r [u64],
    },
    Header {
        position: u64,
    },
    /// Records that are no calls, one or more; `positions` as those of calls.
    Ignored {
        positions: &'r [u64],
    },
    Rejected {
        reason: Reason,
        position: u64,
        /// As it stands there; nothing where it is too long, or was never written.
        text: &'r [u8],
        /// How long it is; 0 where it is too long.
        bytes: u64,
    },
}

impl<'r> Found<'r> {
    /// Whether these are no records at all.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Calls { positions, .. } | Self::Ignored { positions } => positions.is_empty(),
            Self::Header { .. } | Self::Rejected { .. } => false,
        }
    }

    /// One record by itself.
    pub fn one(decoded: &'r Decoded<'r>, position: &'r u64, text: &'r [u8]) -> Self {
        match decoded {
            Decoded::Call(call) => Self::Calls { calls: from_ref(call), positions: from_ref(position) },
            Decoded::Header => Self::Header { position: *position },
            Decoded::Ignored => Self::Ignored { positions: from_ref(position) },
            Decoded::Rejected(reason) => {
                Self::Rejected { reason: *reason, position: *position, text, bytes: text.len() as u64 }
            }
        }
    }
}

/// Whether a file that begins so has no records. An error answer among others costs itself alone.
pub fn is_none_of_ours(first: &Decoded<'_>, place: Place) -> bool {
    match first {
        Decoded::Rejected(Reason::NotARow) => true,
        Decoded::Rejected(Reason::ErrorAnswer) => place == Place::Top,
        _ => false,
    }
}
