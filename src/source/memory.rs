//! How much memory all files together may take to be read: those that find no room wait until others have done.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A total that is shared out. Clones share it.
#[derive(Clone)]
pub struct Memory(Arc<Shared>);

struct Shared {
    limit: AtomicU64,
    used: Mutex<Used>,
    /// How many times there became room for one that had found none.
    released: AtomicU64,
}

struct Used {
    bytes: u64,
    /// The least that was asked for in vain since there last became room for that.
    least_refused: u64,
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

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memory").field(&self.limit()).finish()
    }
}

impl Memory {
    /// So many bytes.
    pub fn limited(bytes: u64) -> Self {
        let limit = AtomicU64::new(bytes);
        let used = Mutex::new(Used { bytes: 0, least_refused: u64::MAX });
        Self(Arc::new(Shared { limit, used, released: AtomicU64::new(0) }))
    }

    /// How many bytes there are in all.
    pub fn limit(&self) -> u64 {
        self.0.limit.load(Ordering::Relaxed)
    }

    /// From now on there are so many.
    pub fn set_limit(&self, bytes: u64) {
        self.0.limit.store(bytes, Ordering::Relaxed);
        self.0.released.fetch_add(1, Ordering::Relaxed);
    }

    /// How many bytes nobody has now.
    pub fn free(&self) -> u64 {
        self.limit().saturating_sub(self.used().bytes)
    }

    /// Asks for room.
    pub fn claim(&self, bytes: u64) -> Claim {
        if bytes > self.limit() {
            return Claim::Never;
        }
        let mut used = self.used();
        if bytes > self.limit().saturating_sub(used.bytes) {
            used.least_refused = used.least_refused.min(bytes);
            return Claim::Later;
        }
        used.bytes += bytes;
        Claim::Granted(Room { memory: self.clone(), bytes })
    }

    /// One that was refused so many bytes still waits for them.
    pub fn still_wanted(&self, bytes: u64) {
        let mut used = self.used();
        used.least_refused = used.least_refused.min(bytes);
        self.tell(&mut used);
    }

    /// Has those ask again that wait, if there is room for any of them.
    fn tell(&self, used: &mut Used) {
        if self.limit().saturating_sub(used.bytes) >= used.least_refused {
            used.least_refused = u64::MAX;
            self.0.released.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many times there became room for one that had found none: as long as this stays the same, there is no use in
    /// asking again.
    pub fn released(&self) -> u64 {
        self.0.released.load(Ordering::Relaxed)
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// How much it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Room").field(&self.bytes).finish()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut used = self.memory.used();
        used.bytes -= self.bytes;
        self.memory.tell(&mut used);
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
        let Claim::Granted(second) = memory.claim(30) else { panic!("there is room") };
        let Claim::Granted(third) = memory.claim(10) else { panic!("there is room") };
        assert_eq!((memory.released(), memory.free()), (0, 0));
        // Not enough for the one that was refused.
        drop(third);
        assert_eq!((memory.released(), memory.free()), (0, 10));
        let Claim::Granted(third) = memory.claim(10) else { panic!("there is room") };
        drop(first);
        assert_eq!((memory.released(), memory.free()), (1, 60));
        assert!(matches!(memory.claim(61), Claim::Later) && matches!(memory.claim(60), Claim::Granted(_)));
        drop(third);
        assert_eq!((memory.released(), memory.free()), (2, 70));
        // Who was told and finds that it is not enough after all is told again.
        memory.still_wanted(95);
        assert_eq!(memory.released(), 2);
        drop(second);
        assert_eq!(memory.released(), 3);
        memory.set_limit(10);
        assert!(matches!(memory.claim(11), Claim::Never));
        assert_eq!(memory.released(), 4);
    }
}
