//! The families that `/metrics` has: names, helps, kinds and labels. They are what users build upon.

use crate::expose::family::Kind;

/// What all series of one name share.
pub struct Described {
    pub name: &'static str,
    pub help: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
}

pub const CALLS: Described = Described {
    name: "cdr_calls_total",
    help: "Call records counted, by outcome.",
    kind: Kind::Counter,
    labels: &["source", "trunk", "direction", "outcome", "arrival"],
};
pub const CALL_FAILURES: Described = Described {
    name: "cdr_call_failures_total",
    help: "Failed calls counted, by cause and code pair.",
    kind: Kind::Counter,
    labels: &["source", "trunk", "direction", "cause", "microsoft_code", "sip_code", "arrival"],
};
pub const CALL_DURATION: Described = Described {
    name: "cdr_call_duration_seconds",
    help: "From INVITE to end of the answered calls; in records of some devices from the answer on.",
    kind: Kind::Histogram,
    labels: &["source", "trunk", "direction"],
};
pub const CALL_SETUP: Described = Described {
    name: "cdr_call_setup_seconds",
    help: "From INVITE to answer or failure, of answered and failed calls.",
    kind: Kind::Histogram,
    labels: &["source", "trunk", "direction"],
};
pub const CALLS_BY_KIND: Described = Described {
    name: "cdr_calls_by_kind_total",
    help: "Call records counted, by who takes part on the side of Teams.",
    kind: Kind::Counter,
    labels: &["source", "kind", "outcome"],
};
pub const CALLS_BY_COUNTRY: Described = Described {
    name: "cdr_calls_by_country_total",
    help: "Call records counted of calls from Teams, by the country that was called.",
    kind: Kind::Counter,
    labels: &["source", "country", "outcome"],
};
pub const CALL_AGE: Described = Described {
    name: "cdr_call_age_seconds",
    help: "From the end of a call to when it was counted.",
    kind: Kind::Histogram,
    labels: &["source"],
};
pub const CAUSE_INFO: Described = Described {
    name: "cdr_cause_info",
    help: "Always 1; the labels say of each known code pair what it means, who can fix it and how.",
    kind: Kind::Gauge,
    labels: &["cause", "microsoft_code", "sip_code", "category", "side", "remedy"],
};
pub const NEWEST_CALL: Described = Described {
    name: "cdr_newest_call_timestamp_seconds",
    help: "End of the newest call counted, in seconds since 1970.",
    kind: Kind::Gauge,
    labels: &["source"],
};
pub const RECORDS: Described = Described {
    name: "cdr_exporter_records_total",
    help: "Records read; each is in exactly one result.",
    kind: Kind::Counter,
    labels: &["source", "result"],
};
pub const REJECTED_RECORDS: Described = Described {
    name: "cdr_exporter_rejected_records_total",
    help: "Records that could not be read as calls, by reason.",
    kind: Kind::Counter,
    labels: &["source", "reason"],
};
pub const UNREAD_FIELDS: Described = Described {
    name: "cdr_exporter_unread_fields_total",
    help: "Fields that could not be read in calls that were counted: their age or duration is not known.",
    kind: Kind::Counter,
    labels: &["source", "field"],
};
pub const READ_BYTES: Described = Described {
    name: "cdr_exporter_read_bytes_total",
    help: "Bytes read from files, before decompression.",
    kind: Kind::Counter,
    labels: &["source"],
};
pub const PENDING_BYTES: Described = Described {
    name: "cdr_exporter_pending_bytes",
    help: "Bytes in files that are not counted yet.",
    kind: Kind::Gauge,
    labels: &["source"],
};
pub const PENDING_CALLS: Described = Described {
    name: "cdr_exporter_pending_calls",
    help: "Calls that are not counted yet because more of their attempts may come.",
    kind: Kind::Gauge,
    labels: &["source"],
};
pub const LATE_ANSWERS: Described = Described {
    name: "cdr_exporter_late_answers_total",
    help: "Calls counted as not answered, and again as answered by an attempt that came later than attempts_within.",
    kind: Kind::Counter,
    labels: &["source"],
};
pub const FURTHER_CALLS: Described = Described {
    name: "cdr_exporter_further_calls_total",
    help: "Calls beyond the first of records that stand for several calls.",
    kind: Kind::Counter,
    labels: &["source"],
};
pub const FORGOTTEN_CALLS: Described = Described {
    name: "cdr_exporter_forgotten_calls_total",
    help: "Calls that were counted and whose series were taken out by state forget.",
    kind: Kind::Counter,
    labels: &["source"],
};
pub const FORGOTTEN_CAUSES: Described = Described {
    name: "cdr_exporter_forgotten_causes_total",
    help: "Failed calls of which state forget took out the cause alone.",
    kind: Kind::Counter,
    labels: &["source"],
};
pub const FILES: Described = Described {
    name: "cdr_exporter_files",
    help: "Files known, by state.",
    kind: Kind::Gauge,
    labels: &["source", "state"],
};
pub const PATHS_MATCHED: Described = Described {
    name: "cdr_exporter_source_paths_matched",
    help: "Paths of the source that lead to at least one file.",
    kind: Kind::Gauge,
    labels: &["source"],
};
pub const FOLDERS_LEFT_OUT: Described = Described {
    name: "cdr_exporter_source_folders_left_out",
    help: "Folders not looked through, as there are too many names, they are too deep or too slow.",
    kind: Kind::Gauge,
    labels: &["source"],
};
pub const SOURCE_INFO: Described = Described {
    name: "cdr_exporter_source_info",
    help: "Always 1; prefer is the source that alerts look at instead of this one, as long as it brings calls.",
    kind: Kind::Gauge,
    labels: &["source", "prefer"],
};
pub const SOURCE_UP: Described = Described {
    name: "cdr_exporter_source_up",
    help: "1 while the system answers when it is asked for the source's folders, else 0.",
    kind: Kind::Gauge,
    labels: &["source"],
};
pub const FILE_EVENTS: Described = Described {
    name: "cdr_exporter_file_events_total",
    help: "What happened to files.",
    kind: Kind::Counter,
    labels: &["source", "event"],
};
pub const READ_RECORDS: Described = Described {
    name: "cdr_exporter_read_records_total",
    help: "Records found in files; counted apart from their results, whose sum it must be.",
    kind: Kind::Counter,
    labels: &["source"],
};
pub const COMMITS: Described = Described {
    name: "cdr_exporter_commits_total",
    help: "Times that counts and file positions were made durable.",
    kind: Kind::Counter,
    labels: &[],
};
pub const COMMIT_FAILURES: Described = Described {
    name: "cdr_exporter_commit_failures_total",
    help: "Times that counts and file positions could not be made durable; nothing is lost, reading waits.",
    kind: Kind::Counter,
    labels: &[],
};
pub const COMMIT_DURATION: Described = Described {
    name: "cdr_exporter_commit_duration_seconds",
    help: "How long it took to make counts and file positions durable.",
    kind: Kind::Histogram,
    labels: &[],
};
pub const LAST_COMMIT: Described = Described {
    name: "cdr_exporter_last_commit_timestamp_seconds",
    help: "When counts and file positions were last made durable, in seconds since 1970.",
    kind: Kind::Gauge,
    labels: &[],
};
pub const SERIES_OVERFLOW: Described = Described {
    name: "cdr_exporter_series_overflow_total",
    help: "Calls counted under the trunk or cause other, since a limit was reached.",
    kind: Kind::Counter,
    labels: &["source"],
};
