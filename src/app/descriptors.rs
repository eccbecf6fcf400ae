//! How many files the process may have open, and for what: HTTP connections, followed files, the store and the rest.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, warn};

use crate::expose;

/// For the store, the log, the listeners, inotify, what is looked at for a moment, and collecting.
const OWN: u64 = 32;
/// A scraper or two, an operator and a probe.
const LEAST_CONNECTIONS: u64 = 8;
/// The fewest that serve starts with. With fewer, folders could not be listed and clients not be accepted, and the daemon
/// would still say that it is ready.
const LEAST: u64 = OWN + LEAST_CONNECTIONS + 8;

/// Fewer files may be open at once than serve needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "only {limit} files may be open at once, and at least {LEAST} are needed for the store, the folders of sources and HTTP \
     connections: raise the hard limit with LimitNOFILE= in the systemd unit, or with `ulimit -Hn`"
)]
pub struct TooFew {
    limit: u64,
}

/// The shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    pub connections: usize,
    /// For the files of all sources together.
    pub files: usize,
}

impl Descriptors {
    /// Raises the limit of this process as far as it may, and shares out what that gives.
    ///
    /// # Errors
    /// When that is too few to start with.
    pub fn of_process() -> Result<Self, TooFew> {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, ..limit };
        let raised = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => raised.current,
            Err(error) => {
                debug!(%error, "the limit of open files cannot be raised");
                limit.current
            }
        };
        let shares = Self::of_limit(raised.unwrap_or(u64::MAX))?;
        if shares.files < 256 {
            warn!(
                limit = raised,
                connections = shares.connections,
                files = shares.files,
                "few files may be open at once; one that is not open and loses its name is not read to its end (LimitNOFILE, ulimit -n)"
            );
        }
        Ok(shares)
    }

    /// The server's options, with no more connections than there are.
    pub fn within(self, mut web: expose::Options) -> expose::Options {
        web.limits.connections = web.limits.connections.min(self.connections);
        web
    }

    fn of_limit(limit: u64) -> Result<Self, TooFew> {
        if limit < LEAST {
            return Err(TooFew { limit });
        }
        let rest = limit.saturating_sub(OWN);
        let connections = (rest / 4).max(LEAST_CONNECTIONS);
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Self { connections: number(connections), files: number(rest.saturating_sub(connections)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_shared_out() {
        for (limit, connections, files) in
            [(48, 8, 8), (64, 8, 24), (300, 67, 201), (1024, 248, 744), (65_536, 16_376, 49_128)]
        {
            assert_eq!(Descriptors::of_limit(limit), Ok(Descriptors { connections, files }), "{limit}");
        }
        assert_eq!(Descriptors::of_limit(47), Err(TooFew { limit: 47 }));
    }
}
