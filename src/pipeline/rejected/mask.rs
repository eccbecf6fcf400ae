//! A rejected record with everything personal masked. It is of unknown shape, so a part of it is kept only where its
//! own shape shows that it is harmless, and where it is whole; of all else letters become `x` and digits `0`.
//!
//! Kept are punctuation, names of properties and columns, yes and no, call types, times and GUIDs; and in JSON, behind
//! their names, codes, durations and the FQDN of the trunk. Of a CSV row no code and no trunk is kept: which of its
//! cells is the caller's number cannot be told where the row is broken.

/// Names of properties (Graph) and of columns (Teams admin center), and values that are words.
#[rustfmt::skip]
const WORDS: [&str; 60] = [
    "@odata.context", "@odata.count", "@odata.nextLink", "@odata.type", "value",
    "#microsoft.graph.callRecords.directRoutingLogRow", "#microsoft.graph.callRecords.pstnCallLogRow",
    "id", "correlationId", "userId", "userPrincipalName", "userDisplayName", "inviteDateTime", "startDateTime",
    "failureDateTime", "endDateTime", "duration", "callType", "successfulCall", "callerNumber", "calleeNumber",
    "mediaPathLocation", "signalingLocation", "finalSipCode", "callEndSubReason", "finalSipCodePhrase",
    "trunkFullyQualifiedDomainName", "mediaBypassEnabled",
    "CorrelationId", "Correlation ID", "SIP Address", "Display Name", "User country", "Invite time", "Start time",
    "Failure time", "End time", "Duration (seconds)", "Success", "Caller Number", "Callee Number", "Call type",
    "Azure region for Media", "Azure region for Signaling", "Final SIP code", "Final Microsoft subcode",
    "Final SIP Phrase", "SBC FQDN", "Media bypass", "Shared correlation ID",
    "true", "false", "null", "Yes", "No", "ByotIn", "ByotOut", "ByotInUcap", "ByotOutUcap", "ByotOutUserTransfer",
];

/// Properties whose value is a number of few digits.
const NUMBERS: [&str; 3] = ["finalSipCode", "callEndSubReason", "duration"];
/// The one property whose GUID is not, and is not within, that of a person; the cells of a row do not say which they are.
const CORRELATION: &str = "correlationId";
const TRUNK: &str = "trunkFullyQualifiedDomainName";

/// The record with everything personal masked, and cut where it is longer than about `room` bytes.
pub fn masked(record: &[u8], room: usize) -> String {
    let mut text = String::with_capacity(record.len().min(room));
    let mut property = "";
    let mut rest = record;
    while !rest.is_empty() && text.len() < room {
        let length = rest.iter().position(|byte| is_delimiter(*byte)).unwrap_or(rest.len());
        let (part, behind) = rest.split_at(length);
        let (inner, is_bare) = match part.trim_ascii().strip_prefix(b":") {
            Some(inner) => (inner.trim_ascii_start(), true),
            None => (part.trim_ascii(), false),
        };
        let before = &record[..record.len() - rest.len()];
        let is_value = ends_value(behind, is_bare) && is_harmless_value(inner, property);
        // What the record begins or ends with may be a piece of something longer.
        let is_whole = !before.is_empty() && !behind.is_empty();
        if is_whole && (is_value || is_harmless(inner)) {
            text.push_str(&String::from_utf8_lossy(part));
        } else {
            text.extend(part.iter().map(|byte| mask(*byte)).take(room));
        }
        if !inner.is_empty() {
            property = word(inner).unwrap_or_default();
        }
        text.extend(behind.first().map(|delimiter| mask(*delimiter)));
        rest = behind.get(1..).unwrap_or_default();
    }
    text
}

/// What parts of a record end at.
fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'"' | b',' | b';' | b'{' | b'}' | b'[' | b']' | b'|' | b'\t' | b'\r' | b'\n')
}

fn mask(byte: u8) -> char {
    match byte {
        b'0'..=b'9' => '0',
        b'a'..=b'z' | b'A'..=b'Z' | 128.. => 'x',
        b' '..=b'~' => char::from(byte),
        _ => ' ',
    }
}

fn word(part: &[u8]) -> Option<&'static str> {
    WORDS.into_iter().find(|word| word.as_bytes() == part)
}

/// Whether a whole part can be shown wherever it stands.
fn is_harmless(part: &[u8]) -> bool {
    word(part).is_some() || is_time(part)
}

/// Whether the whole value of this property can be shown.
fn is_harmless_value(part: &[u8], property: &str) -> bool {
    let is_number = part.len() <= 6 && part.iter().all(u8::is_ascii_digit);
    (NUMBERS.contains(&property) && is_number)
        || (property == TRUNK && is_fqdn(part))
        || (property == CORRELATION && is_guid(part))
}

/// Whether a value of JSON, bare or in quotes, ends before this text.
fn ends_value(behind: &[u8], is_bare: bool) -> bool {
    let behind = if is_bare { Some(behind) } else { behind.strip_prefix(b"\"") };
    behind.is_some_and(|behind| matches!(behind.trim_ascii_start().first(), Some(b',' | b'}' | b']')))
}

/// Whether a text has the shape of a pattern, in which `0` stands for any digit and `f` for any hexadecimal one.
fn has_shape(text: &[u8], pattern: &[u8]) -> bool {
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'f' => byte.is_ascii_hexdigit(),
        _ => byte == shape,
    };
    text.len() == pattern.len() && text.iter().zip(pattern).all(fits)
}

/// A time as RFC 3339 writes it. No telephone number has colons in these places.
fn is_time(part: &[u8]) -> bool {
    let Some((stamp, rest)) = part.split_at_checked(b"0000-00-00T00:00:00".len()) else { return false };
    let rest = rest.strip_suffix(b"Z").unwrap_or(rest);
    let fraction = rest.strip_prefix(b".").unwrap_or(rest);
    (has_shape(stamp, b"0000-00-00T00:00:00") || has_shape(stamp, b"0000-00-00 00:00:00"))
        && fraction.len() <= 7
        && fraction.iter().all(u8::is_ascii_digit)
}

fn is_guid(part: &[u8]) -> bool {
    has_shape(part, b"ffffffff-ffff-ffff-ffff-ffffffffffff")
}

/// A host name of three labels or more whose last one has letters only: people are not called so.
fn is_fqdn(part: &[u8]) -> bool {
    let is_label = |label: &[u8]| {
        !label.is_empty() && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    let mut labels = part.rsplit(|byte| *byte == b'.');
    let top = labels.next().is_some_and(|top| top.len() >= 2 && top.iter().all(u8::is_ascii_alphabetic));
    top && part.split(|byte| *byte == b'.').all(is_label) && labels.count() >= 2
}

#[cfg(test)]
mod tests;
