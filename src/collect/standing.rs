//! The fault that holds: said once when it begins, not each time that it comes again, and once when it has passed.

use tracing::{error, info};

use super::fault::Fault;
use crate::telemetry::OfSource;

/// How far collecting came; the further, the more kinds of fault have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// One whole day came.
    Day,
    /// All live days came.
    Live,
    /// Nothing is left to ask for until the live days are due again.
    All,
}

/// What holds for one source.
pub struct Standing {
    source: String,
    metrics: OfSource,
    has_live: bool,
    holds: Option<Holds>,
}

struct Holds {
    /// The message without what differs each time.
    message: String,
    /// What shows that it has passed.
    until: Reached,
}

impl Standing {
    pub fn new(source: &str, metrics: OfSource) -> Self {
        Self { source: source.to_owned(), metrics, has_live: false, holds: None }
    }

    /// The live days are asked for again.
    pub fn begin(&mut self) {
        self.has_live = false;
    }

    pub fn reached(&mut self, reached: Reached) {
        self.has_live |= reached >= Reached::Live;
        if self.holds.take_if(|holds| holds.until <= reached).is_some() {
            info!(source = %self.source, "collecting again");
        }
        // A long wait that Microsoft asked for has passed, too.
        if self.holds.is_none() {
            self.metrics.failing(None);
        }
    }

    pub fn fault(&mut self, fault: &Fault) {
        self.metrics.failing(Some(fault.reason));
        // The other days say nothing of a day that alone cannot be had.
        let until = match (fault.reason.is_of_one_day(), self.has_live) {
            (false, _) => Reached::Day,
            (true, false) => Reached::Live,
            (true, true) => Reached::All,
        };
        // Microsoft numbers each of its answers.
        let message = fault.message.split("Trace ID").next().unwrap_or_default().to_owned();
        if self.holds.as_ref().is_none_or(|holds| holds.message != message) {
            error!(source = %self.source, reason = fault.reason.label(), "cannot collect: {fault}");
        }
        self.holds = Some(Holds { message, until });
    }

    /// Nothing is collected any more.
    pub fn forget(&mut self) {
        self.holds = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::Reason;
    use super::*;

    #[test]
    fn a_long_wait_has_passed_with_the_next_day_that_comes() {
        let metrics = OfSource::unseen();
        let mut standing = Standing::new("teams", metrics.clone());
        metrics.failing(Some(Reason::Throttled));
        standing.begin();
        standing.reached(Reached::Day);
        assert_eq!(metrics.why_failing(), None);
        standing.fault(&Fault::new(Reason::Server, "x"));
        standing.reached(Reached::Day);
        assert_eq!(metrics.why_failing(), Some(Reason::Server));
    }

    #[test]
    fn a_fault_has_passed_with_the_first_thing_that_shows_it() {
        let live = [Reached::Day, Reached::Live];
        for (reason, reached_before, expected) in [
            (Reason::SignIn, &[][..], Reached::Day),
            (Reason::Unreachable, &live[..], Reached::Day),
            (Reason::Server, &[Reached::Day][..], Reached::Live),
            (Reason::Server, &live[..], Reached::All),
        ] {
            let mut standing = Standing::new("teams", OfSource::unseen());
            standing.begin();
            reached_before.iter().for_each(|reached| standing.reached(*reached));
            standing.fault(&Fault::new(reason, "x"));
            standing.begin();
            for reached in [Reached::Day, Reached::Live, Reached::All] {
                standing.reached(reached);
                assert_eq!(standing.holds.is_none(), reached >= expected, "{reason:?} after {reached:?}");
            }
        }
    }
}
