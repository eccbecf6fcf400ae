//! How much memory all files together may take to be unpacked: those that find no room wait until others have done.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A total that is shared out. Clones share it.
#[derive(Clone)]
pub struct Memory(Arc<Shared>);

struct Shared {
    limit: AtomicU64,
    used: Mutex<u64>,
    /// How many times room became free.
    released: AtomicU64,
}

/// Room that was found; free again when this is dropped.
pub struct Room {
    memory: Memory,
    bytes: u64,
}

/// What came of asking for room.
pub enum Claim {
    Granted(Room),
    /// Others have it for now.
    Later,
    /// There is not so much in all.
    Never,
}

/// As much as is asked for.
impl Default for Memory {
    fn default() -> Self {
        Self::limited(u64::MAX)
    }
}

/// It says nothing of how records are read.
impl PartialEq for Memory {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Memory {}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memory").field(&self.limit()).finish()
    }
}

impl Memory {
    /// So many bytes.
    pub fn limited(bytes: u64) -> Self {
        let limit = AtomicU64::new(bytes);
        Self(Arc::new(Shared { limit, used: Mutex::new(0), released: AtomicU64::new(0) }))
    }

    /// How many bytes there are in all.
    pub fn limit(&self) -> u64 {
        self.0.limit.load(Ordering::Relaxed)
    }

    /// From now on there are so many.
    pub fn set_limit(&self, bytes: u64) {
        self.0.limit.store(bytes, Ordering::Relaxed);
    }

    /// Asks for room.
    pub fn claim(&self, bytes: u64) -> Claim {
        if bytes > self.limit() {
            return Claim::Never;
        }
        let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes > self.limit().saturating_sub(*used) {
            return Claim::Later;
        }
        *used += bytes;
        Claim::Granted(Room { memory: self.clone(), bytes })
    }

    /// How many times room became free: as long as this stays the same, there is no use in asking again.
    pub fn released(&self) -> u64 {
        self.0.released.load(Ordering::Relaxed)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let shared = &self.memory.0;
        *shared.used.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        shared.released.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_shared_out_and_given_back() {
        let memory = Memory::limited(100);
        let Claim::Granted(first) = memory.claim(60) else { panic!("there is room") };
        assert!(matches!(memory.claim(41), Claim::Later));
        assert!(matches!(memory.claim(101), Claim::Never));
        let Claim::Granted(second) = memory.claim(40) else { panic!("there is room") };
        assert_eq!(memory.released(), 0);
        drop(first);
        assert_eq!(memory.released(), 1);
        assert!(matches!(memory.claim(61), Claim::Later) && matches!(memory.claim(60), Claim::Granted(_)));
        drop(second);
        memory.set_limit(10);
        assert!(matches!(memory.claim(11), Claim::Never));
    }
}
