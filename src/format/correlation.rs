//! Correlation ids in records, for exemplars. They are read of few records, and only in the form of a GUID: anything else
//! in their place may be a number or a name.

use super::fields;
use crate::call::Guid;

/// How long a GUID is.
const GUID: usize = 36;

/// A correlation id that stands by itself.
pub fn of(text: &[u8]) -> Option<Guid> {
    if text.len() == GUID { fields::guid(text).map(Guid) } else { None }
}

/// The value of a property, given with its quotes, of the JSON object that the text begins with. `None` where an object
/// ends before it.
pub fn in_json(text: &[u8], property: &str) -> Option<Guid> {
    let place = memchr::memmem::find(text, property.as_bytes())?;
    if memchr::memchr(b'}', &text[..place]).is_some() { None } else { in_object(text, property) }
}

/// The same, wherever it stands in the text, which is all of one object.
pub fn in_object(text: &[u8], property: &str) -> Option<Guid> {
    let place = memchr::memmem::find(text, property.as_bytes())?;
    let value = text[place + property.len()..].trim_ascii_start().strip_prefix(b":")?;
    let value = value.trim_ascii_start().strip_prefix(b"\"")?;
    of(&value[..memchr::memchr(b'"', value)?])
}

/// What may stand between `text` and the GUID of a Reason header, plain or as files encode it.
const BEFORE_GUID: [&[u8]; 7] = [b"=", b"\"", b"\\", b"%3D", b"%22", b"&quot;", b" "];

/// The GUID that Microsoft writes into the text of a Reason header, which stands anywhere in these bytes.
pub fn in_reason(bytes: &[u8]) -> Option<Guid> {
    memchr::memmem::find_iter(bytes, b"text").find_map(|at| {
        let mut rest = &bytes[at + b"text".len()..];
        while let Some(behind) = BEFORE_GUID.iter().find_map(|it| rest.strip_prefix(*it)) {
            rest = behind;
        }
        of(rest.get(..GUID)?)
    })
}

/// The same, in the line that the text begins with.
pub fn in_reason_of_line(text: &[u8]) -> Option<Guid> {
    in_reason(&text[..memchr::memchr(b'\n', text).unwrap_or(text.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microsofts_guid_stands_in_the_text_of_a_reason_header() {
        let guid = "c0000001-05ec-4a1b-8c2d-000000000001";
        let found = Some(Guid(0xc000_0001_05ec_4a1b_8c2d_0000_0000_0001));
        for (text, expected) in [
            (format!(r#"|480 |Q.850 ;cause=31 ;text="{guid};No callee"|"#), found),
            (format!("text=x;reason=Q.850;cause=31;text={guid};No"), found),
            (format!("Q.850%3Bcause%3D31%3Btext%3D%22{guid}%3BNo%22"), found),
            (format!(r#""Q.850;cause=31;text=\"{guid};No\"""#), found),
            (format!("id={guid};text=\"Busy\""), None),
            ("text=\"c0000001-05ec".to_owned(), None),
            ("text=+1425555-0123-4255-5501-234255550123".to_owned(), None),
        ] {
            assert_eq!(in_reason(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(in_reason_of_line(format!("a\ntext={guid}").as_bytes()), None);
    }

    #[test]
    fn only_a_guid_of_the_first_object_is_one() {
        let found = Some(Guid(0xc000_0001_05ec_4a1b_8c2d_0000_0000_0001));
        for (json, expected) in [
            (r#"{"a":1, "id" : "c0000001-05ec-4a1b-8c2d-000000000001","b":2}"#, found),
            (r#"{"a":1},{"id":"c0000001-05ec-4a1b-8c2d-000000000001"}"#, None),
            (r#"{"id":"+14255550123"}"#, None),
            (r#"{"id":"jane@contoso.com"}"#, None),
            (r#"{"id":"c000000105ec4a1b8c2d000000000001"}"#, None),
            (r#"{"id":"+1425555-0123-4255-5501-234255550123"}"#, None),
            (r#"{"id":null}"#, None),
            (r#"{"id":"c0000001-05ec"#, None),
            ("{}", None),
        ] {
            assert_eq!(in_json(json.as_bytes(), "\"id\""), expected, "{json}");
        }
    }
}
