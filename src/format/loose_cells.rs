//! Cells of a line that its writer quoted without doubling the quotes within: a Reason header has some.

use super::table::cells;

/// The cells of a line without the quotes around them. Read by the rules of CSV (RFC 4180) where they hold; else as by [`loose`].
pub fn split(line: &str, separator: u8) -> Vec<String> {
    let mut strict = Vec::new();
    let bytes = line.as_bytes();
    let read = cells::for_each(bytes, separator, |cell| {
        strict.push(String::from_utf8_lossy(&cell.bytes(bytes)).trim().to_owned());
    });
    if read.is_ok() { strict } else { loose(line, char::from(separator)) }
}

/// The cells of a line in which a quoted one ends at the first quote that a separator or the line's end follows, but for one that ends
/// what another has begun within it: `text="a",b` in a quoted cell goes on.
pub fn loose(line: &str, separator: char) -> Vec<String> {
    let mut cells = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        let cell;
        (cell, rest) = match text.strip_prefix('"') {
            Some(quoted) => match quoted_end(quoted, separator) {
                Some(end) => (&quoted[..end], quoted[end + 1..].strip_prefix(separator)),
                None => (quoted, None),
            },
            None => match text.split_once(separator) {
                Some((cell, behind)) => (cell, Some(behind)),
                None => (text, None),
            },
        };
        cells.push(cell.trim().to_owned());
    }
    cells
}

/// Where the quote stands that ends a cell, which begins behind its first one.
fn quoted_end(quoted: &str, separator: char) -> Option<usize> {
    let mut is_within = false;
    quoted.match_indices('"').map(|(at, _)| at).find(|at| {
        let behind = &quoted[at + 1..];
        let ends = !is_within && (behind.is_empty() || behind.starts_with(separator));
        is_within = !is_within;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_within_need_not_be_doubled() {
        for (line, expected) in [
            (r#"2,"a,b",,"#, vec!["2", "a,b", "", ""]),
            (r#"1,"a ""b"" c",3"#, vec!["1", "a \"b\" c", "3"]),
            (r#""Q.850;cause=16;text="a, b"",2"#, vec!["Q.850;cause=16;text=\"a, b\"", "2"]),
            (r#"1,"text="a"""#, vec!["1", "text=\"a\""]),
            (r#""SIP,text="a;b",0","c""#, vec!["SIP,text=\"a;b\",0", "c"]),
            (r#"1,"never closed"#, vec!["1", "never closed"]),
            ("", vec![""]),
        ] {
            assert_eq!(split(line, b','), expected, "{line}");
        }
    }
}
