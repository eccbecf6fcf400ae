//! Rows of Microsoft Graph in a table: `Export-Csv` of PowerShell, `m365 --output csv`, exports of Log Analytics, Data
//! Explorer and Power BI. The columns are named as the properties of [`super::graph`].

use std::time::Duration;

use super::table::Decoder;
use super::{Format, Public, graph, teams_admin_center, trunk};
use crate::call::Reason;
use crate::framing::Framing;

/// Tables of `directRoutingLogRow`, separated by commas, semicolons or tabs.
pub static FORMAT: Format = Format {
    name: "graph_csv",
    aliases: &[],
    framing: Framing::QuotedCsv,
    recognise: |text, finished, names| teams_admin_center::recognise(text, finished, names, true),
    is_log: false,
    // As Graph's own.
    live_within: Duration::from_hours(6),
    is_trunk: trunk::is_fqdn,
    // Which cell of a broken row is the caller's number cannot be told.
    public: Public::of_words(graph::WORDS),
    broken: Reason::BadCsv,
    decoder: &|names| Box::new(Decoder::new(names)),
    device: None,
    twin: Some(&graph::FORMAT),
    config: "",
};
