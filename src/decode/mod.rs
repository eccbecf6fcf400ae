//! Records to calls: the formats we know and the one match over them.
//!
//! Pure: bytes in, values out. A format is one file here, one arm in each match below, one folder in
//! `tests/data/`.

pub mod fields;
pub mod graph;
mod scan;
pub mod teams_admin_center;
mod unknown;

use std::time::Duration;

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
    /// A duration that is not a whole number of seconds, or is more than a week.
    BadDuration,
    /// A success flag that is neither yes nor no.
    BadSuccess,
    /// Neither a success flag nor a code: nothing says how the call ended.
    NoOutcome,
    /// No field that would identify the record when it comes again.
    NoRecordId,
    /// Its end was not written for so long that it was given up. If it comes after all, the call counts.
    Unfinished,
}

impl Reason {
    /// Every reason, in the order in which they are exposed.
    pub const ALL: [Self; 12] = [
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
        Self::Unfinished,
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
            Self::Unfinished => "unfinished",
        }
    }

    /// One sentence for people: what is wrong with the record.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::TooLong => "the record is longer than limits.record_bytes",
            Self::BadJson => "the record is not valid JSON, or was cut off",
            Self::NotARow => "the JSON value has none of the properties of a directRoutingLogRow",
            Self::BadCsv => {
                "the row has another number of fields than its header, or a quote is never closed"
            }
            Self::NoHeader => "the row stands before any header row",
            Self::BadCode => "a SIP or Microsoft code is not a whole number in range",
            Self::BadTime => "a time is not in the form 2024-11-05T09:12:33Z (RFC 3339)",
            Self::BadDuration => "the duration is not a whole number of seconds, or is more than a week",
            Self::BadSuccess => "the success flag is neither Yes nor No, true nor false",
            Self::NoOutcome => "the record has neither a success flag nor a code",
            Self::NoRecordId => "the record has no field that identifies it",
            Self::Unfinished => "the end of the record was not written for longer than unfinished_after",
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

    /// Why text that can never become a record of this format is rejected.
    pub fn broken(self) -> Reason {
        match self {
            Self::Graph => Reason::BadJson,
            Self::TeamsAdminCenter => Reason::BadCsv,
        }
    }

    /// The name used in the config's `format:` and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::TeamsAdminCenter => "teams_admin_center",
        }
    }

    /// The format of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// How long after its end a call is still live news, if the config does not say. Graph knows a call
    /// within minutes, but somebody has to ask; the admin center's rows appear after 24 to 48 hours.
    pub fn default_live_within(self) -> Duration {
        match self {
            Self::Graph => Duration::from_hours(6),
            Self::TeamsAdminCenter => Duration::from_hours(72),
        }
    }

    /// Recognises a file by the beginning of its text (UTF-8, no byte-order mark). `finished` says that no
    /// more is to come. JSON that may hold objects is taken for Graph here; its first record then shows
    /// whether it is ([`Reason::NotARow`]).
    pub fn recognise(head: &[u8], finished: bool) -> Recognition {
        let text = head.trim_ascii_start();
        match text.first() {
            None => Recognition::NeedMore,
            Some(b'{' | b'[') => Self::recognise_json(text, finished),
            Some(_) => match memchr::memchr(b'\n', text) {
                Some(_) => Self::recognise_header(text),
                None if finished || text.len() > MAXIMUM_HEADER_BYTES => Self::recognise_header(text),
                None => Recognition::NeedMore,
            },
        }
    }

    /// What a file seems to be that [`Format::recognise`] does not know, in words for the person who put it
    /// there. Takes the first bytes as they are on disk. Never repeats any of them.
    pub fn unknown_explanation(head: &[u8]) -> &'static str {
        unknown::explanation(head)
    }

    /// Lines of a log may begin with a bracket too: what follows it decides.
    fn recognise_json(text: &[u8], finished: bool) -> Recognition {
        match (text[0], text[1..].trim_ascii_start().first()) {
            (b'{', Some(b'"' | b'}')) | (b'[', Some(b'{' | b']')) => Recognition::Known(Self::Graph),
            (_, None) if !finished => Recognition::NeedMore,
            _ => Recognition::Unknown,
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

    /// Splits and decodes in one go the call that the text begins with, where its record is of the usual kind and
    /// whole: the call goes to the end of `calls`, and where its record ends is returned. Most are; what is not is left to
    /// a splitter and [`Decoder::decode`], which make the same of it.
    #[inline(always)]
    pub fn decode_front<'a>(&mut self, text: &'a [u8], calls: &mut Vec<Call<'a>>) -> Option<usize> {
        // Put there by each: what both would return is copied once more.
        match self {
            Self::Graph(decoder) => decoder.decode_front(text, calls),
            Self::TeamsAdminCenter(decoder) => decoder.decode_front(text, calls),
        }
    }

    /// Gives back the memory that only makes decoding faster.
    pub fn rest(&mut self) {
        match self {
            Self::Graph(decoder) => *decoder = graph::Decoder::default(),
            Self::TeamsAdminCenter(_) => {}
        }
    }

    /// A decoder that goes on in the middle of a file, below a header that [`Decoder::header`] gave earlier.
    pub fn resume(format: Format, header: &[u8]) -> Self {
        match format {
            Format::Graph => Self::new(format),
            Format::TeamsAdminCenter => Self::TeamsAdminCenter(teams_admin_center::Decoder::resume(header)),
        }
    }

    /// The header that the next record is read by, as the file spells it; `None` when there is none yet, or
    /// when the format has none.
    pub fn header(&self) -> Option<&[u8]> {
        match self {
            Self::Graph(_) => None,
            Self::TeamsAdminCenter(decoder) => decoder.header(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_formats() {
        use Recognition::{Known, NeedMore, Unknown};
        let export = b"CorrelationId,Success,Final SIP code".as_slice();
        let cases: [(&[u8], bool, Recognition); 17] = [
            (b"", false, NeedMore),
            (b" \n", true, NeedMore),
            (b"{", false, NeedMore),
            (b"{ ", true, Unknown),
            (b"{\n  \"value\"", false, Known(Format::Graph)),
            (b"{}", true, Known(Format::Graph)),
            (b"[\r\n{", false, Known(Format::Graph)),
            (b"[]", false, Known(Format::Graph)),
            (b"[", false, NeedMore),
            (b"[2024-11-05 09:12] a line of some log", false, Unknown),
            (b"{a line in braces}", false, Unknown),
            (export, false, NeedMore),
            (export, true, Known(Format::TeamsAdminCenter)),
            (&[export, b"\r\n"].concat(), false, Known(Format::TeamsAdminCenter)),
            (&[b"\n", export, b"\n"].concat(), false, Known(Format::TeamsAdminCenter)),
            (b"a,b\n", false, Unknown),
            (&[b'x'; MAXIMUM_HEADER_BYTES + 1], false, Unknown),
        ];
        for (head, finished, expected) in cases {
            assert_eq!(
                Format::recognise(head, finished),
                expected,
                "{}",
                head[..head.len().min(50)].escape_ascii()
            );
        }
    }

    #[test]
    fn names_lead_back_to_formats() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("auto"), None);
    }

    #[test]
    fn a_decoder_goes_on_below_its_header() {
        let mut decoder = Decoder::new(Format::TeamsAdminCenter);
        assert_eq!(decoder.decode(b"CorrelationId,Success,Final SIP code"), Decoded::Header);
        let mut resumed = Decoder::resume(Format::TeamsAdminCenter, decoder.header().unwrap_or_default());
        assert_eq!(resumed.decode(b"a,No,410"), decoder.decode(b"a,No,410"));
        assert_eq!(Decoder::resume(Format::Graph, b"").header(), None);
    }
}
