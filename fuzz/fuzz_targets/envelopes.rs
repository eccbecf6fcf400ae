//! Rows in envelopes of every known kind, within each other and behind each other: each row counts, nothing is rejected.

#![no_main]

use cdr_exporter_fuzz::files::read;
use cdr_exporter_fuzz::rows;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

/// With up to five arrays and objects each. More than 60 in all is documented as not read.
const MOST_DEPTH: usize = 10;
const MOST_ROWS: usize = 50;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Unstructured::new(bytes);
    let (mut text, mut count) = (String::new(), 0);
    while !input.is_empty() && count < MOST_ROWS {
        let Ok(document) = envelope(&mut input, 0, &mut count) else { break };
        text += &document;
        text += if count.is_multiple_of(3) { "\n" } else { ["\u{feff}", "", "\r\n"][count % 3] };
    }
    let calls = text.matches("560403").count();
    let outcome = read(0, &[text.as_bytes()], u64::MAX, false);
    assert_eq!((outcome.records.calls, outcome.records.rejected), (calls as u64, 0), "{text}");
});

/// A value that holds rows.
fn envelope(input: &mut Unstructured<'_>, depth: usize, rows: &mut usize) -> Result<String> {
    let kind = if depth < MOST_DEPTH && *rows < MOST_ROWS { input.int_in_range(0..=9)? } else { 0 };
    let inner = |input: &mut Unstructured<'_>, rows: &mut usize| envelope(input, depth + 1, rows);
    Ok(match kind {
        0 | 1 => row(input, rows)?,
        2 | 3 => format!("[{}]", several(input, depth, rows)?),
        4 => format!(r#"{{"@odata.context":"a{{\"[","value":[{}]}}"#, several(input, depth, rows)?),
        5 => format!(r#"{{"value":[{}],"@odata.nextLink":"b"}}"#, several(input, depth, rows)?),
        6 => format!(r#"{{"value":{{"value":[{}],"Count":7}}}}"#, several(input, depth, rows)?),
        7 => format!(r#"{{ "records" : [ {} ] , "n" : [1, {{}}] }}"#, several(input, depth, rows)?),
        8 => {
            let body = inner(input, rows)?;
            format!(r#"{{"responses":[{{"id":"1","status":200,"body":{{"value":[{body}]}}}}]}}"#)
        }
        _ => {
            *rows += 1;
            let row = r#"["a","c",false,403,560403,"Dr_Out","sbc1.contoso.com"]"#;
            let names = [
                "id",
                "correlationId",
                "Success",
                "finalSipCode_d",
                "callEndSubReason",
                "callType",
                "trunkFullyQualifiedDomainName",
            ];
            let columns = names.map(|name| format!(r#"{{"name":"{name}","type":"string"}}"#)).join(",");
            format!(r#"{{"tables":[{{"name":"T","columns":[{columns}],"rows":[{row},{row}]}}]}}"#)
        }
    })
}

fn several(input: &mut Unstructured<'_>, depth: usize, rows: &mut usize) -> Result<String> {
    let mut all = Vec::new();
    for _ in 0..input.int_in_range(1..=3)? {
        all.push(envelope(input, depth + 1, rows)?);
    }
    Ok(all.join(if input.arbitrary()? { "," } else { " ,\n " }))
}

fn row(input: &mut Unstructured<'_>, count: &mut usize) -> Result<String> {
    *count += 1;
    let mut properties = Vec::new();
    for place in rows::order(rows::FIELDS.len(), input)? {
        let (name, _, value) = rows::FIELDS[place];
        let is_bare = matches!(value, "3" | "false" | "403" | "560403") && input.arbitrary()?;
        let value = if is_bare { value.to_owned() } else { format!("\"{value}\"") };
        properties.push(format!("\"{}\":{value}", rows::spelled(name, input)?));
    }
    let row = format!("{{{}}}", properties.join(if input.arbitrary()? { "," } else { ",\n  " }));
    Ok(if input.ratio(1, 4)? { format!(r#"{{"time":"t","properties":{row}}}"#) } else { row })
}
