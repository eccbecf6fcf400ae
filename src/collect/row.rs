//! A row of Graph cut down to what is counted: no names, no sign-in names, numbers down to their country.
//!
//! Whether a row counts is for its reader to say: what is odd in a field stays as it is, and stops no other row.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// What is kept as it came, in the order in which it is written. `id` first: it is looked for in files.
const KEPT: [&str; 16] = [
    "id",
    "@odata.type",
    "correlationId",
    "callType",
    "inviteDateTime",
    "startDateTime",
    "failureDateTime",
    "endDateTime",
    "duration",
    "successfulCall",
    "finalSipCode",
    "finalSipCodePhrase",
    "callEndSubReason",
    "trunkFullyQualifiedDomainName",
    "userCountryCode",
    "otherPartyCountryCode",
];

/// Kept down to the country that they are of.
const NUMBERS: [&str; 2] = ["callerNumber", "calleeNumber"];

/// One row as a line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// With its line end.
    pub line: String,
    pub print: Print,
}

/// No page has more: Microsoft's have a thousand.
const MOST_ROWS: usize = 20_000;

/// The rows of a page, each cut down as it comes, so that no page takes much more memory than its text.
#[derive(Debug)]
pub struct Rows {
    pub rows: Vec<Row>,
    /// How many elements of the list are no rows: `null`, say.
    pub odd: usize,
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfList;
        impl<'de> Visitor<'de> for OfList {
            type Value = Rows;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MOST_ROWS} rows")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rows, A::Error> {
                let mut page = Rows { rows: Vec::new(), odd: 0 };
                while let Some(element) = list.next_element::<&RawValue>()? {
                    if page.rows.len() + page.odd == MOST_ROWS {
                        return Err(A::Error::invalid_length(MOST_ROWS + 1, &self));
                    }
                    match Row::cut(element.get()) {
                        Some(row) => page.rows.push(row),
                        None => page.odd += 1,
                    }
                }
                Ok(page)
            }
        }
        deserializer.deserialize_seq(OfList)
    }
}

/// How a row is known again: hashes, which fit sixteen bytes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// Of its id: 96 bits. Two of a million rows have the same less often than once in 10^16 times.
    pub id: u128,
    /// Of all that is kept of it.
    pub content: u32,
}

impl Row {
    /// What is kept of a row. One without an id is known by its content. `None` for what is no JSON object.
    pub fn cut(text: &str) -> Option<Self> {
        let whole: HashMap<String, &RawValue> = serde_json::from_str(text).ok()?;
        let kept = KEPT.iter().filter_map(|name| Some((name, scalar(whole.get(*name)?)?)));
        let countries = NUMBERS.iter().filter_map(|name| Some((name, country(whole.get(*name)?)?)));
        let fields = kept.chain(countries).map(|(name, value)| format!("\"{name}\":{value}"));
        let line = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
        let print = Print::of(&line);
        Some(Self { line: line + "\n", print })
    }
}

/// A value as serde_json writes it, or as it came where that cannot read it: half of an emoji, a number beyond all.
fn scalar(value: &RawValue) -> Option<String> {
    let text = value.get();
    let is_scalar = !text.starts_with(['{', '[']);
    let read = || serde_json::from_str::<Value>(text);
    is_scalar.then(|| read().map_or_else(|_| text.to_owned(), |value| value.to_string()))
}

fn country(number: &RawValue) -> Option<String> {
    let number: String = serde_json::from_str(number.get()).ok()?;
    country_of(&number).map(|country| format!("\"{country}\""))
}

const CONTENT_BITS: u32 = u32::BITS;

impl Print {
    /// Of a line of a file, without its line end.
    pub fn of(line: &str) -> Self {
        #[derive(Deserialize)]
        struct Id {
            id: Option<Value>,
        }
        let id = serde_json::from_str::<Id>(line).ok().and_then(|row| row.id);
        let id = match id {
            Some(Value::String(id)) => xxh3_128(id.as_bytes()),
            Some(id @ Value::Number(_)) => xxh3_128(id.to_string().as_bytes()),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                xxh3_128(line.as_bytes())
            }
        };
        let content = xxh3_64(line.as_bytes()) & u64::from(u32::MAX);
        Self { id: id >> CONTENT_BITS, content: u32::try_from(content).unwrap_or_default() }
    }

    pub fn to_bytes(self) -> [u8; 16] {
        (self.id << CONTENT_BITS | u128::from(self.content)).to_be_bytes()
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let [.., a, b, c, d] = bytes;
        let id = u128::from_be_bytes(bytes) >> CONTENT_BITS;
        Self { id, content: u32::from_be_bytes([a, b, c, d]) }
    }
}

/// The country prefix of a number in international form; of anything else nothing is kept. Where several countries
/// share one (+1, +7), the digits that tell them apart stay.
fn country_of(number: &str) -> Option<String> {
    let digits = number.trim().strip_prefix('+')?;
    let length = match digits.as_bytes() {
        [b'1', ..] => 4,
        [b'7', ..] | [b'2', b'0' | b'7', ..] | [b'3', b'0'..=b'4' | b'6' | b'9', ..] => 2,
        [b'4', b'0' | b'1' | b'3'..=b'9', ..] | [b'5', b'1'..=b'8', ..] | [b'6', b'0'..=b'6', ..] => 2,
        [b'8', b'1' | b'2' | b'4' | b'6', ..] | [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3,
    };
    let prefix = digits.get(..length)?;
    prefix.bytes().all(|digit| digit.is_ascii_digit()).then(|| format!("+{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(value: &Value) -> Row {
        Row::cut(&value.to_string()).unwrap()
    }

    #[test]
    fn only_what_is_counted_is_kept() {
        let whole = serde_json::json!({
            "calleeNumber": "+12065550***", "userPrincipalName": "user.one@contoso.com", "id": "a-1",
            "userDisplayName": "User One", "userId": "u-1", "duration": 5, "callerNumber": "Reception",
            "successfulCall": true, "callType": "ByotIn", "endDateTime": null, "mediaPathLocation": "USWE",
            "finalSipCodePhrase": "BYE\u{7}", "trunkFullyQualifiedDomainName": {"odd": 1},
        });
        let row = cut(&whole);
        let expected = "{\"id\":\"a-1\",\"callType\":\"ByotIn\",\"endDateTime\":null,\"duration\":5,\
                        \"successfulCall\":true,\"finalSipCodePhrase\":\"BYE\\u0007\",\"calleeNumber\":\"+1206\"}\n";
        assert_eq!(row.line, expected);
        assert_eq!(Print::of(row.line.trim_end()), row.print, "a file says the same of it");
        assert_eq!(Print::from_bytes(row.print.to_bytes()), row.print);
    }

    #[test]
    fn a_row_is_known_by_its_id_and_what_is_kept() {
        let row = |id: Value, code: u64, name: &str| {
            cut(&serde_json::json!({"id": id, "finalSipCode": code, "userDisplayName": name})).print
        };
        let one = row("1".into(), 200, "x");
        assert_eq!(one, row("1".into(), 200, "y"), "what is not kept may change");
        assert_eq!(one.id, row("1".into(), 487, "x").id);
        assert_ne!(one.content, row("1".into(), 487, "x").content);
        assert_ne!(row(Value::Null, 200, "x").id, row(Value::Null, 487, "x").id);
    }

    #[test]
    fn a_page_has_no_more_rows_than_a_page_can_have() {
        let page = |rows| format!("[{}]", vec!["{}"; rows].join(","));
        let rows = |text: &str| serde_json::from_str::<Rows>(text).map(|page| page.rows.len());
        assert_eq!(rows(&page(MOST_ROWS)).unwrap(), MOST_ROWS);
        assert!(rows(&page(MOST_ROWS + 1)).unwrap_err().to_string().contains("at most 20000 rows"));
    }

    #[test]
    fn what_is_odd_stops_no_row() {
        let page = r#"[null, {"id": "a", "userDisplayName": "User \ud83d", "duration": 1e999}, "User One", 7, [{}],
            {"id": "b\udd83", "finalSipCodePhrase": "\ud83d\ud83d BYE", "callerNumber": "+4930\ud83d", "x": [[[[1e999]]]]},
            {"id": "c", "duration": 5.0}]"#;
        let page: Rows = serde_json::from_str(page).unwrap();
        let lines: Vec<&str> = page.rows.iter().map(|row| row.line.trim_end()).collect();
        assert_eq!(
            lines,
            [
                r#"{"id":"a","duration":1e999}"#,
                r#"{"id":"b\udd83","finalSipCodePhrase":"\ud83d\ud83d BYE"}"#,
                r#"{"id":"c","duration":5.0}"#
            ]
        );
        assert_eq!(page.odd, 4);
        for row in page.rows {
            assert_eq!(Print::of(row.line.trim_end()), row.print, "a file says the same of it");
        }
    }

    #[test]
    fn of_a_number_only_its_country_stays() {
        for (number, expected) in [
            ("+14255550100", Some("+1425")),
            ("+1425555****", Some("+1425")),
            ("+4930123456", Some("+49")),
            ("+35312345", Some("+353")),
            ("+77011234", Some("+77")),
            ("+8613800", Some("+86")),
            ("+42012345", Some("+420")),
            ("+9715555", Some("+971")),
            ("+88", None),
            ("+1*", None),
            ("+1 425 555", None),
            ("004930123456", None),
            ("Reception", None),
            ("", None),
            ("+é1", None),
        ] {
            assert_eq!(country_of(number).as_deref(), expected, "{number}");
        }
    }
}
