//! Records fetched from Microsoft Graph into files: one way in among others, and files are the seam.
//!
//! Each entry of `collect:` has a thread of its own. It asks for calls a UTC day at a time and puts the rows that are new
//! into files of the source's spool folder; what reads and counts them knows nothing of it. All that must survive a kill
//! stands in that folder.

mod collector;
mod day;
mod fault;
mod graph;
mod http;
mod inbox;
mod options;
mod pace;
mod plan;
mod prints;
mod progress;
mod readable;
mod row;
mod run;
mod sign_in;
mod spool;
mod standing;

pub use collector::{Collector, Tried, Window, try_out};
pub use day::Day;
pub use fault::{Fault, Reason};
pub use graph::Stopped;
pub use inbox::{Inbox, Order, inbox};
pub use options::{Cloud, Credential, MAX_HISTORY, Options, Times};
pub use run::{Collectors, FilesRead};
pub use spool::CALLS;

/// Milliseconds since 1970 by this machine's clock.
fn now() -> i64 {
    crate::clock::now().0
}
