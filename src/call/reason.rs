//! Why a record is no call.

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
    /// A line of a log that ends before the fields that say how the call ended.
    BadLine,
    /// Text that is not a whole XML document.
    BadXml,
    /// A CSV row before any header.
    NoHeader,
    /// A code that is not a whole number, or a SIP code that is out of range.
    BadCode,
    /// A time that decides whether the call was answered is none. Any other is an [`Unread`] field.
    BadTime,
    /// A duration that is not a whole number of seconds, or is more than a week: an [`Unread`] field today. Stores of
    /// earlier versions count it.
    BadDuration,
    /// A success flag that is neither yes nor no.
    BadSuccess,
    /// Neither a success flag nor a code: nothing says how the call ended.
    NoOutcome,
    /// No field that would identify the record when it comes again.
    NoRecordId,
    /// Its end was not written for so long that it was given up. If it comes after all, the call counts.
    Unfinished,
    /// Bytes that were never written, with the record that they cut, or the rest of one behind them. If they are written
    /// after all, their calls count.
    Hole,
    /// An answer of Microsoft Graph that says why there are no records.
    ErrorAnswer,
    /// There is no success flag, and no code that says whether the call was answered; or one that is misspelt.
    MissingSuccess,
    /// The call failed, and there is no property or column of the SIP code; or one that is misspelt.
    MissingSipCode,
    /// The property or column of the Microsoft code is misspelt.
    MissingMicrosoftCode,
    /// That of the trunk is.
    MissingTrunk,
    /// That of the call type is, which holds the direction.
    MissingCallType,
    /// The number of calls that a row stands for is no whole number, or is more than a row can stand for.
    BadCount,
    /// A line of a log with other columns than the manuals have, and nothing that names them.
    UnknownColumns,
}

impl Reason {
    /// Every reason, in the order in which they are exposed.
    pub const ALL: [Self; 23] = [
        Self::TooLong,
        Self::BadJson,
        Self::NotARow,
        Self::BadCsv,
        Self::BadLine,
        Self::BadXml,
        Self::NoHeader,
        Self::BadCode,
        Self::BadTime,
        Self::BadDuration,
        Self::BadSuccess,
        Self::NoOutcome,
        Self::NoRecordId,
        Self::Unfinished,
        Self::Hole,
        Self::ErrorAnswer,
        Self::MissingSuccess,
        Self::MissingSipCode,
        Self::MissingMicrosoftCode,
        Self::MissingTrunk,
        Self::MissingCallType,
        Self::BadCount,
        Self::UnknownColumns,
    ];

    /// Whether a property or column that decides is missing or misspelt.
    pub fn is_missing_name(self) -> bool {
        matches!(
            self,
            Self::MissingSuccess
                | Self::MissingSipCode
                | Self::MissingMicrosoftCode
                | Self::MissingTrunk
                | Self::MissingCallType
        )
    }

    /// The value of the `reason` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::BadJson => "bad_json",
            Self::NotARow => "not_a_row",
            Self::BadCsv => "bad_csv",
            Self::BadLine => "bad_line",
            Self::BadXml => "bad_xml",
            Self::NoHeader => "no_header",
            Self::BadCode => "bad_code",
            Self::BadTime => "bad_time",
            Self::BadDuration => "bad_duration",
            Self::BadSuccess => "bad_success",
            Self::NoOutcome => "no_outcome",
            Self::NoRecordId => "no_record_id",
            Self::Unfinished => "unfinished",
            Self::Hole => "hole",
            Self::ErrorAnswer => "error_answer",
            Self::MissingSuccess => "missing_success",
            Self::MissingSipCode => "missing_sip_code",
            Self::MissingMicrosoftCode => "missing_microsoft_code",
            Self::MissingTrunk => "missing_trunk",
            Self::MissingCallType => "missing_call_type",
            Self::BadCount => "bad_count",
            Self::UnknownColumns => "unknown_columns",
        }
    }

    /// One sentence for people: what is wrong with the record.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::TooLong => "the record is longer than limits.record_bytes",
            Self::BadJson => "the record is not valid JSON, or was cut off",
            Self::NotARow => "the JSON value has none of the properties of a call record",
            Self::BadCsv => {
                "the row has another number of fields than its header, or a quote is never closed"
            }
            Self::BadLine => {
                "the line ends before the fields that say how the call ended, or is not as its format or one of `patterns` has it"
            }
            Self::BadXml => "the record is not a whole XML document of call variables",
            Self::NoHeader => "the row stands before any header row",
            Self::BadCode => "a SIP or Microsoft code is not a whole number in range",
            Self::BadTime => "a time is not in the form of its format, such as 2024-11-05T09:12:33Z",
            Self::BadDuration => "the duration is not a whole number of seconds, or is more than a week",
            Self::BadSuccess => {
                "the success flag is neither Yes nor No, true nor false, 1 nor 0: write one of these, or where `fields:` name its place, \
                 say with `values:` what others mean"
            }
            Self::NoOutcome => "the record has neither a success flag nor a code",
            Self::NoRecordId => "the record has no field that identifies it",
            Self::Unfinished => "the end of the record was not written for longer than unfinished_after",
            Self::Hole => {
                "bytes were not written for longer than unfinished_after: NULs stand in their place"
            }
            Self::ErrorAnswer => "an error answer of Microsoft Graph stands in the place of records",
            Self::MissingSuccess => {
                "no property or column is named successfulCall or Success; if one is misspelt, mend it or name it in `columns:`"
            }
            Self::MissingSipCode => {
                "no property or column is named finalSipCode or Final SIP code; if one is misspelt, mend it or name it in \
                 `columns:`"
            }
            Self::MissingMicrosoftCode => {
                "callEndSubReason or Final Microsoft subcode is misspelt: mend it or name it in `columns:`"
            }
            Self::MissingTrunk => {
                "trunkFullyQualifiedDomainName or SBC FQDN is misspelt: mend it or name it in `columns:`"
            }
            Self::MissingCallType => "callType or Call type is misspelt: mend it or name it in `columns:`",
            Self::BadCount => "the number of calls of a row is not a whole number up to 10000000",
            Self::UnknownColumns => {
                "its columns are the operator's own, and no header line of its device stands above it: name them in `layout`"
            }
        }
    }
}
