//! Whether a file is one of Oracle's, by its first lines, and what kind of record each is.

use std::net::IpAddr;

use super::layout::{self, Layout};
use crate::format::names::Names;
use crate::format::{Recognised, device, loose_cells};

/// What a record says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Stop,
    /// START, INTERIM, or about the accounting itself.
    Other,
}

/// The values of Acct-Status-Type (RFC 2866).
pub fn kind(status: &str) -> Option<Kind> {
    match status {
        "2" | "Stop" | "STOP" => Some(Kind::Stop),
        "1" | "3" | "7" | "8" | "Start" | "START" | "Interim-Update" | "INTERIM" => Some(Kind::Other),
        _ => None,
    }
}

/// By records that begin with their kind, an address and a port, the first STOP of which has a published number of columns;
/// or by the names of attributes above.
pub fn recognise(text: &[u8], finished: bool, _: Names) -> Recognised {
    let (text, finished) = text.get(..device::MAXIMUM_LINE).map_or((text, finished), |begin| (begin, true));
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let is_whole = finished || line.ends_with(b"\n");
        let line = String::from_utf8_lossy(line.trim_ascii_end());
        if is_whole && layout::is_names(&line) {
            return if Layout::read(&line).is_ok() { Recognised::Yes } else { Recognised::No };
        }
        if !may_be_record(&line, is_whole) {
            return Recognised::No;
        }
        if is_whole && line.starts_with("2,") {
            let columns = loose_cells::split(&line, b',').len();
            return if Layout::published(columns).is_some() { Recognised::Yes } else { Recognised::No };
        }
    }
    if finished { Recognised::No } else { Recognised::NeedMore }
}

/// Whether a line begins as a record does: `2,"192.0.2.1",5060,`; or, as far as it goes, as a line of names does.
fn may_be_record(line: &str, is_whole: bool) -> bool {
    let mut cells = line.split(',').map(|cell| cell.trim_matches('"'));
    let (status, address, port) = (cells.next().unwrap_or_default(), cells.next(), cells.next());
    let goes_on = cells.next().is_some();
    if !is_whole && address.is_none() {
        return kind(status).is_some() || layout::may_be_names(status);
    }
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    let is_beginning =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit() || b".:".contains(&byte));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    kind(status).is_some()
        && address.is_some_and(if port.is_none() { is_beginning } else { is_address })
        && port.is_none_or(is_number)
        && (goes_on || !is_whole)
        || !is_whole && layout::may_be_names(status)
}
