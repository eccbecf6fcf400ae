//! Tables of calls as tools write them: both vocabularies, any order and spelling of columns, delimiters, line ends, lines
//! above the header, quotes and character sets. Each row counts, nothing is rejected.

#![no_main]

use cdr_exporter_fuzz::files::read;
use cdr_exporter_fuzz::rows;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Unstructured::new(bytes);
    let Ok((text, calls)) = table(&mut input) else { return };
    let Ok(file) = encoded(&text, &mut input) else { return };
    let cut = input.choose_index(file.len()).unwrap_or_default();
    let outcome = read(0, &[&file[..cut], &file[cut..]], u64::MAX, false);
    assert_eq!((outcome.records.calls, outcome.records.rejected), (calls, 0), "{text:?}");
});

/// A table, and how many rows it has.
fn table(input: &mut Unstructured<'_>) -> Result<(String, u64)> {
    let delimiter = *input.choose(&[',', ';', '\t'])?;
    let line_end = *input.choose(&["\n", "\r\n", "\r"])?;
    let is_graph: bool = input.arbitrary()?;
    let is_quoted: bool = input.arbitrary()?;
    let fields: Vec<_> =
        rows::FIELDS.into_iter().filter(|(_, name, _)| is_graph || !name.is_empty()).collect();
    let order = rows::order(fields.len(), input)?;
    let cell = |text: &str| {
        let needs_quotes = is_quoted || text.contains([delimiter, '"']);
        if needs_quotes { format!("\"{text}\"") } else { text.to_owned() }
    };
    let delimiter_text = delimiter.to_string();
    let mut text = String::new();
    if input.ratio(1, 3)? {
        text += &format!("sep={delimiter}{line_end}");
    }
    if input.ratio(1, 3)? {
        text += &format!("#TYPE System.Management.Automation.PSCustomObject{line_end}");
    }
    let mut names = Vec::new();
    for place in &order {
        let (graph, admin_center, _) = fields[*place];
        names.push(cell(&rows::spelled(if is_graph { graph } else { admin_center }, input)?));
    }
    text += &(names.join(&delimiter_text) + line_end);
    let calls = input.int_in_range(1..=5)?;
    for call in 0..calls {
        let cells: Vec<String> = order.iter().map(|place| cell(fields[*place].2)).collect();
        text += &cells.join(&delimiter_text);
        // A last line may have no end.
        if call + 1 < calls || input.arbitrary()? {
            text += line_end;
        }
    }
    Ok((text, calls))
}

fn encoded(text: &str, input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let units = || text.encode_utf16();
    Ok(match input.int_in_range(0..=5)? {
        0 => text.as_bytes().to_vec(),
        1 => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        2 => [b"\xff\xfe".to_vec(), units().flat_map(u16::to_le_bytes).collect()].concat(),
        3 => [b"\xfe\xff".to_vec(), units().flat_map(u16::to_be_bytes).collect()].concat(),
        4 => units().flat_map(u16::to_le_bytes).collect(),
        _ => units().flat_map(u16::to_be_bytes).collect(),
    })
}
