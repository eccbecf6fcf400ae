//! What a file may be that is none of our formats, told to the person who put it there.

use std::sync::LazyLock;

use memchr::memmem;

use super::ALL;
use super::device::{LOG_BEGINNING, is_json};
use super::names::{Field, Names};
use super::table::column_names;

static EXPECTED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "of no format that is known ({}): `format: csv`, `json` or `regex` with `fields:` reads any other",
        ALL.map(|format| format.name).join(", ")
    )
});

static NO_RECORD_YET: LazyLock<String> = LazyLock::new(|| {
    format!(
        "a log without a record of a call in its first {} KiB: name the device that writes it in `format`, or the file in \
         `exclude` if there are none in it",
        LOG_BEGINNING / 1024
    )
});

static EXPECTED_JSON: LazyLock<String> =
    LazyLock::new(|| format!("no JSON with call records; {}", *EXPECTED));

/// So many lines of what shows an object property by property are looked at.
const MOST_PROPERTIES: usize = 40;

/// A row that is no header has at least so many cells that are numbers, times or ids.
const CELLS_OF_DATA: usize = 4;

/// Beginnings of files that are packed as nothing here unpacks.
const PACKED: [(&[u8], &str); 4] = [
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    // A NUL is behind it, where text ends.
    (b"\xFD7zXZ", "compressed with xz: unpack it first"),
];

/// Beginnings of other files that are no text.
const NO_TEXT: [(&[u8], &str); 3] = [
    (
        b"\xD0\xCF\x11\xE0",
        "a workbook of Excel 97-2003 (.xls), one with a password, or a message of Outlook: save what it holds as CSV (comma delimited)",
    ),
    (b"%PDF", "a PDF: export the report as CSV"),
    (b"SQLite format 3\0", "a database, not a file of records"),
];

/// What a file is that begins as no text does.
fn magic(head: &[u8]) -> Option<&'static str> {
    let known = PACKED.iter().chain(&NO_TEXT).find(|(magic, _)| head.starts_with(magic));
    known.map(|(_, sentence)| *sentence)
}

/// One sentence on what a file of an unknown format seems to be, from its first bytes.
pub fn explanation(head: &[u8]) -> &'static str {
    let text = head.trim_ascii_start();
    let magic = magic(head);
    match text.first() {
        None => "the file is empty",
        _ if is_utf32(head) => "UTF-32: save it as UTF-8",
        _ if head.starts_with(b"PK\x03\x04") => zip(head),
        _ if magic.is_some() => magic.unwrap_or(EXPECTED.as_str()),
        Some(b'<') => markup(text),
        Some(b'{' | b'[') if is_json(text) || text.len() < 16 => json(text),
        _ if text.contains(&0) => "a binary file, not text",
        _ => table(text),
    }
}

/// What a text is that is none, whatever format it is said to have: one that is packed as nothing here unpacks.
pub fn packed(text: &[u8]) -> Option<&'static str> {
    let is_bzip2 = || text.starts_with(b"BZh") && text.get(4..10) == Some(b"1AY&SY");
    let packed = PACKED.iter().find(|(magic, _)| text.starts_with(magic) && (*magic != b"BZh" || is_bzip2()));
    packed.map(|(_, sentence)| *sentence)
}

/// Whether each of the first characters stands in four bytes, three of them zero.
fn is_utf32(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xff\xfe\0\0").or(head.strip_prefix(b"\0\0\xfe\xff")).unwrap_or(head);
    let (units, _) = head.as_chunks::<4>();
    let is_ascii = |unit: &[u8; 4]| matches!(unit, [0, 0, 0, 1..=0x7f] | [1..=0x7f, 0, 0, 0]);
    units.len() > 1 && units.iter().take(8).all(is_ascii)
}

/// What a text is that is none: what begins as no text does, or has characters that no text has.
pub fn no_text(text: &[u8]) -> Option<&'static str> {
    let is_control =
        |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n' | b'\x0c' | b'\x1b');
    magic(text).or_else(|| text.iter().any(is_control).then_some("a binary file, not text"))
}

fn zip(head: &[u8]) -> &'static str {
    let holds = |name: &str| memmem::find(head, name.as_bytes()).is_some();
    if holds("[Content_Types].xml") || holds("xl/") {
        "an Excel workbook (.xlsx): export the report again and use its CSV file as it is"
    } else {
        "a zip archive: unzip it first, it holds DirectRouting.calls.*.csv"
    }
}

fn markup(text: &[u8]) -> &'static str {
    let beginning = text[..text.len().min(512)].to_ascii_lowercase();
    if memmem::find(&beginning, b"<html").is_some() || beginning.starts_with(b"<!doctype html") {
        "an HTML page, often a sign-in or error page saved in place of the report"
    } else {
        "XML, and none that begins with `<cdr>` as FreeSWITCH writes it"
    }
}

fn json(text: &[u8]) -> &'static str {
    let holds = |name: &str| memmem::find(text, name.as_bytes()).is_some();
    if holds("\"error\"") {
        "an error answer of Microsoft Graph saved in place of the report"
    } else if holds("pstnCallLogRow") || holds("getPstnCalls") {
        "JSON of getPstnCalls: it holds Calling Plan or Operator Connect calls, which have no codes; ask for \
         getDirectRoutingCalls"
    } else if text.len() > 2 && text[..text.len().min(16)].contains(&b'\'') {
        "a list as Python prints it: write it with `json.dumps`"
    } else if holds("finalSipCode") {
        "JSON of call records that are not objects with their properties: save each row as one object (pandas: \
         `orient=\"records\"`; Polars: `write_ndjson`; PowerShell: `ConvertTo-Json` once and not of JSON)"
    } else {
        &EXPECTED_JSON
    }
}

/// What other programs make of objects, where that is no table.
fn printed(text: &[u8]) -> Option<&'static str> {
    let is_list = || {
        let mut lines = text.split(|byte| *byte == b'\n').take(MOST_PROPERTIES);
        lines.any(|line| {
            let name = memchr::memchr(b':', line).map_or(&b""[..], |colon| line[..colon].trim_ascii());
            Names::default().field(name).is_some_and(|field| Field::DECIDING.contains(&field))
        })
    };
    if text.starts_with(b"\"{") || text.starts_with(b"\"[") {
        Some("JSON within a JSON text: convert the objects once, and not what is JSON already")
    } else if text.starts_with(b"@{") || is_list() {
        Some("objects as PowerShell shows them: write them with `ConvertTo-Json -Depth 5` or `Export-Csv`")
    } else {
        None
    }
}

fn table(text: &[u8]) -> &'static str {
    if let Some(printed) = printed(text) {
        return printed;
    }
    // Whatever separates most of them.
    let names = [b',', b';', b'\t'].map(|separator| column_names(text, separator));
    let names = names.into_iter().max_by_key(Vec::len).unwrap_or_default();
    let has = |name: &str| names.iter().any(|other| other == name);
    if has("usageid") || (has("charge") && has("currency")) {
        "holds Calling Plan calls (PSTN.calls.*.csv), which have no codes; DirectRouting.calls.*.csv of the \
         same export is the right one"
    } else if has("correlationid") {
        "a table whose columns of success and codes are not known: name them in `columns:`"
    } else if has("callernumber") && has("calleenumber") {
        "a table of calls without the codes: expected the columns CorrelationId, Success and Final SIP code \
         or Final Microsoft subcode"
    } else if is_data(&names) {
        "a table without its header row: put the names of the columns above it, or read it as `format: csv` with \
         `header: false`"
    } else if names.len() >= CELLS_OF_DATA {
        "a table whose columns are not known: say in `columns:` which field each holds, or read it as `format: csv` \
         with `fields:`"
    } else if text.len() >= LOG_BEGINNING
        && text.split(|byte| *byte == b'\n').next().is_some_and(|it| it.contains(&b':'))
    {
        &NO_RECORD_YET
    } else {
        &EXPECTED
    }
}

/// Whether these are cells of a row rather than names: most of what several of them hold are digits.
fn is_data(cells: &[String]) -> bool {
    let is_number =
        |cell: &&String| cell.bytes().filter(u8::is_ascii_digit).count() * 2 > cell.len() && !cell.is_empty();
    cells.iter().filter(is_number).count() >= CELLS_OF_DATA
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_a_file_seems_to_be() {
        let cases: [(&[u8], &str); 29] = [
            (b"{\0\0\0\"\0\0\0i\0\0\0", "UTF-32"),
            (b"[{'id': 'a', 'finalSipCode': 403}]", "json.dumps"),
            (b"\"{\\\"id\\\":\\\"a\\\",\\\"finalSipCode\\\":403}\"", "within a JSON text"),
            (b"@{id=a; finalSipCode=403}\r\n", "ConvertTo-Json"),
            (b"\r\nid             : a\r\ncorrelationId  : b\r\nfinalSipCode   : 403\r\n", "ConvertTo-Json"),
            (b"{\"id\":{\"0\":\"a\"},\"finalSipCode\":{\"0\":403}}", "orient"),
            (b"{\"columns\":[\"finalSipCode\"],\"data\":[[\"x\"]]}", "save each row as one object"),
            (b"[\"{\\\"finalSipCode\\\":403}\"]", "save each row as one object"),
            (b"", "empty"),
            (b" \r\n", "empty"),
            (b"PK\x03\x04\x14\0\x06\0\x08\0[Content_Types].xml", ".xlsx"),
            (b"PK\x03\x04\x14\0\0\0\x08\0DirectRouting.calls.2024-11-05.csv", "unzip it first"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", ".xls"),
            (b"<!DOCTYPE html><html>", "HTML"),
            (b"\n<HTML lang=en>", "HTML"),
            (b"<?xml version=\"1.0\"?><cdr/>", "XML"),
            (b"{\"error\":{\"code\":\"Forbidden\"}}", "error answer"),
            (
                b"{\"@odata.context\":\"https://graph.example.com/$metadata#Collection(pstnCallLogRow)\"}",
                "getPstnCalls",
            ),
            (b"[1,2,3]", "no JSON with call records"),
            (b"\x01\x00\x02", "binary"),
            (b"CorrelationId;UPN;Erfolg;Endg\xc3\xbcltiger SIP-Code\r\n", "name them in `columns:`"),
            (b"id\tcalleeNumber\tcallerNumber\tstartDateTime\r\n", "without the codes"),
            (b"UsageId,Call ID,Conference ID,User Location,Charge,Currency,Capability\r\n", "Calling Plan"),
            (b"id,calleeNumber,callerNumber,startDateTime\n", "without the codes"),
            (b"kernel: a line of some log\n", "graph, "),
            (b"name,size\na,1\n", "`fields:` reads any other"),
            (b"[2024-11-05 09:01:00] a line of some log\n", "of no format that is known"),
            (b"Korrelations-ID;UPN;Erfolg;Endzeit\r\n", "which field each holds"),
            (
                b"d1000000-05ec,User One,2024-11-05T09:12:30Z,2024-11-05,4,No,410,531004\n",
                "without its header row",
            ),
        ];
        for (head, part) in cases {
            assert!(explanation(head).contains(part), "{:?}: {}", head.escape_ascii(), explanation(head));
        }
    }
}
