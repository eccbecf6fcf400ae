//! Panics: faults of the program. Each ends what it was at, a connection, a scrape or the reading of a file, and is counted
//! and logged here.

use std::panic::{self, PanicHookInfo};
use std::sync::LazyLock;
use std::thread;

use prometheus::{Counter, Opts};
use tracing::error;

/// A hook is the process's, and so is its count.
pub static PANICS: LazyLock<Counter> = LazyLock::new(|| {
    super::counter(Opts::new(
        "cdr_exporter_panics_total",
        "Faults of the program; each ended what it was at, such as an HTTP connection. The log says where.",
    ))
});

/// From here on panics are counted, and logged as a line that says where and not of what: the message of a panic may
/// show text of a record.
pub fn count() {
    panic::set_hook(Box::new(say));
}

fn say(panic: &PanicHookInfo<'_>) {
    PANICS.inc();
    let current = thread::current();
    let thread = current.name().unwrap_or_default();
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    error!(thread, at, "fault of the program: please report this line");
}
