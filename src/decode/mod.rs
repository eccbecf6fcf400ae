//! Records to calls: the formats we know and the one match over them.
//!
//! Pure: bytes in, values out. A format is one file here, one arm in each match below, one folder in `tests/data/`.

pub mod fields;
pub mod graph;
pub mod teams_admin_center;

use crate::call::Call;

/// A record format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Microsoft Graph `directRoutingLogRow` as JSON.
    Graph,
    /// Teams admin center `DirectRouting.calls.<date>.csv`.
    TeamsAdminCenter,
}

/// What one record turned out to be.
#[derive(Debug, PartialEq)]
pub enum Decoded<'a> {
    /// A Direct Routing call.
    Call(Call<'a>),
    /// A header row.
    Header,
    /// A record of a kind that is not a Direct Routing call, for example a `pstnCallLogRow`.
    Ignored,
    /// A record that should have been a call and could not be read.
    Rejected(Reason),
}

/// Why a record was rejected: the value of the `reason` label. Never carries any of the record's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Longer than the source's `record_bytes`.
    TooLong,
    /// Not JSON, or cut off.
    BadJson,
    /// JSON, but no object of this format: no property of a call record in it.
    NotARow,
    /// A CSV row with a number of fields other than its header's, or with a quote that is never closed.
    BadCsv,
    /// A CSV row before any header.
    NoHeader,
    /// A code that is not a whole number, or is out of range.
    BadCode,
    /// A time that is not RFC 3339.
    BadTime,
    /// A duration that is not a whole number of seconds.
    BadDuration,
    /// A success flag that is neither yes nor no.
    BadSuccess,
    /// Neither a success flag nor a code: nothing says how the call ended.
    NoOutcome,
    /// No field that would identify the record when it comes again.
    NoRecordId,
}

impl Reason {
    /// Every reason, in the order in which they are exposed.
    pub const ALL: [Self; 11] = [
        Self::TooLong,
        Self::BadJson,
        Self::NotARow,
        Self::BadCsv,
        Self::NoHeader,
        Self::BadCode,
        Self::BadTime,
        Self::BadDuration,
        Self::BadSuccess,
        Self::NoOutcome,
        Self::NoRecordId,
    ];

    /// The value of the `reason` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::BadJson => "bad_json",
            Self::NotARow => "not_a_row",
            Self::BadCsv => "bad_csv",
            Self::NoHeader => "no_header",
            Self::BadCode => "bad_code",
            Self::BadTime => "bad_time",
            Self::BadDuration => "bad_duration",
            Self::BadSuccess => "bad_success",
            Self::NoOutcome => "no_outcome",
            Self::NoRecordId => "no_record_id",
        }
    }

    /// One sentence for people: what is wrong with the record.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::TooLong => "the record is longer than limits.record_bytes",
            Self::BadJson => "the record is not valid JSON, or was cut off",
            Self::NotARow => "the JSON value has none of the properties of a directRoutingLogRow",
            Self::BadCsv => "the row has another number of fields than its header, or a quote is never closed",
            Self::NoHeader => "the row stands before any header row",
            Self::BadCode => "a SIP or Microsoft code is not a whole number in range",
            Self::BadTime => "a time is not in the form 2024-11-05T09:12:33Z (RFC 3339)",
            Self::BadDuration => "the duration is not a whole number of seconds",
            Self::BadSuccess => "the success flag is neither Yes nor No, true nor false",
            Self::NoOutcome => "the record has neither a success flag nor a code",
            Self::NoRecordId => "the record has no field that identifies it",
        }
    }
}

/// What the first bytes of a file say about its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognition {
    Known(Format),
    /// Too little to say yet.
    NeedMore,
    Unknown,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Graph, Self::TeamsAdminCenter];

    /// The name used in the config's `format:` and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::TeamsAdminCenter => "teams_admin_center",
        }
    }

    /// Recognises a file by the beginning of its text (UTF-8, no byte-order mark). `finished` says that no more
    /// is to come. A JSON text is taken for Graph here; its first record then shows whether it is
    /// ([`Reason::NotARow`]).
    pub fn recognise(head: &[u8], finished: bool) -> Recognition {
        let text = head.trim_ascii_start();
        match text.first() {
            None => Recognition::NeedMore,
            Some(b'{' | b'[') => Recognition::Known(Self::Graph),
            Some(_) => match memchr::memchr(b'\n', text) {
                Some(_) => Self::recognise_header(text),
                None if finished || text.len() > MAXIMUM_HEADER_BYTES => Self::recognise_header(text),
                None => Recognition::NeedMore,
            },
        }
    }

    fn recognise_header(text: &[u8]) -> Recognition {
        match teams_admin_center::Columns::from_header(text) {
            Some(_) => Recognition::Known(Self::TeamsAdminCenter),
            None => Recognition::Unknown,
        }
    }
}

/// A first line longer than this is no header of a format we know.
const MAXIMUM_HEADER_BYTES: usize = 64 * 1024;

/// The decoder of one file: the format, with what earlier records of the same file said about later ones.
#[derive(Debug)]
pub enum Decoder {
    Graph(graph::Decoder),
    TeamsAdminCenter(teams_admin_center::Decoder),
}

impl Decoder {
    /// A decoder at the beginning of a file.
    pub fn new(format: Format) -> Self {
        match format {
            Format::Graph => Self::Graph(graph::Decoder::default()),
            Format::TeamsAdminCenter => Self::TeamsAdminCenter(teams_admin_center::Decoder::default()),
        }
    }

    /// Decodes one whole record, as the splitter cut it.
    pub fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        match self {
            Self::Graph(decoder) => decoder.decode(record),
            Self::TeamsAdminCenter(decoder) => decoder.decode(record),
        }
    }
}
