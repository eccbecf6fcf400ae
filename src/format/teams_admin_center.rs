//! Teams admin center `DirectRouting.calls.<UTC date>.csv`: one CSV row to one call.
//!
//! The columns are documented at
//! learn.microsoft.com/microsoftteams/teams-analytics-and-reports/pstn-usage-report.

use std::time::Duration;

use super::names::Names;
use super::table::{Columns, Decoder};
use super::{Format, Public, Recognised, trunk};
use crate::call::Reason;
use crate::framing::{Framing, quoted_csv};

/// The report "PSTN and SMS usage" of the admin center, exported.
pub static FORMAT: Format = Format {
    name: "teams_admin_center",
    aliases: &[],
    framing: Framing::QuotedCsv,
    recognise: |text, finished, names| recognise(text, finished, names, false),
    is_log: false,
    // Its rows appear after 24 to 48 hours.
    live_within: Duration::from_hours(72),
    is_trunk: trunk::is_fqdn,
    // Which cell of a broken row is the caller's number cannot be told.
    public: Public::of_words(&[
        "CorrelationId",
        "Correlation ID",
        "SIP Address",
        "Display Name",
        "User country",
        "Invite time",
        "Start time",
        "Failure time",
        "End time",
        "Duration (seconds)",
        "Success",
        "Caller Number",
        "Callee Number",
        "Call type",
        "Azure region for Media",
        "Azure region for Signaling",
        "Final SIP code",
        "Final Microsoft subcode",
        "Final SIP Phrase",
        "SBC FQDN",
        "Media bypass",
        "Shared correlation ID",
        "true",
        "false",
        "null",
        "Yes",
        "No",
        "ByotIn",
        "ByotOut",
        "ByotInUcap",
        "ByotOutUcap",
        "ByotOutUserTransfer",
    ]),
    broken: Reason::BadCsv,
    decoder: &|names| Box::new(Decoder::new(names)),
    device: None,
    twin: None,
    config: "",
};

/// A first line longer than this is no header.
const MAXIMUM_HEADER_BYTES: usize = 64 * 1024;

/// Whether the text begins with the header of a table of calls, named as Graph names them or not.
pub fn recognise(text: &[u8], finished: bool, names: Names, is_graph: bool) -> Recognised {
    let is_whole = quoted_csv::header(text, false).is_some() || finished || text.len() > MAXIMUM_HEADER_BYTES;
    match is_whole {
        false if matches!(text, [b'{' | b'[', ..]) => Recognised::No,
        false => Recognised::NeedMore,
        true => match Columns::from_header(text, names) {
            Some(columns) if columns.is_graph == is_graph => Recognised::Yes,
            _ => Recognised::No,
        },
    }
}
