//! Splitters by tables, and the law that how a text is cut into reads changes nothing.

use proptest::prelude::*;

use super::quoted_csv::RECORD_LINES;
use super::*;

/// What a whole text splits into: `=` a record, `!` a broken one, `>` one that is too long.
fn pieces(mut splitter: Splitter, text: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut seen = 0;
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(text.len());
    for end in ends {
        seen = seen.max(end);
        for finished in if end == text.len() { &[false, true][..] } else { &[false] } {
            start = drain(&mut splitter, text, start, seen, *finished, &mut pieces);
        }
    }
    pieces
}

fn drain(
    splitter: &mut Splitter,
    text: &[u8],
    mut start: usize,
    seen: usize,
    finished: bool,
    pieces: &mut Vec<String>,
) -> usize {
    loop {
        let rest = &text[start..seen];
        let (mark, from, to, next) = match splitter.next(rest, finished) {
            Split::NeedMore => return start,
            Split::Skip { next } => ("", 0, 0, next),
            Split::Record { start, end, next } => ("=", start, end, next),
            Split::Broken { start, next } => ("!", start, next, next),
            Split::TooLong { next } => (">", 0, 0, next),
        };
        assert!(next > 0 || mark == ">", "a splitter must make progress");
        start += next;
        if !mark.is_empty() {
            pieces.push(format!("{mark}{}", String::from_utf8_lossy(&rest[from..to]).trim()));
        }
    }
}

fn json() -> Splitter {
    Splitter::Json(JsonSplitter::new(64, Holders::USUAL))
}

fn csv() -> Splitter {
    Splitter::QuotedCsv(QuotedCsvSplitter::new(64))
}

fn lines() -> Splitter {
    Splitter::Lines(LinesSplitter::new(64))
}

const JSON: &[(&str, &str, &[&str])] = &[
    ("a row a line", "{\"a\":1}\n{\"b\":2}\n", &["={\"a\":1}", "={\"b\":2}"]),
    ("a bare array", "[{\"a\":1},\n {\"b\":[2]}]", &["={\"a\":1}", "={\"b\":[2]}"]),
    (
        "an envelope",
        "{\"n\":{\"value\":[3]},\"value\":[{\"a\":1},{}],\"x\":[{\"b\":1}]}",
        &["={\"a\":1}", "={}"],
    ),
    (
        "an envelope over lines",
        "{\n \"value\" : [\n {\n \"a\": \"}\\\"\"\n }\n ]\n}\n",
        &["={\n \"a\": \"}\\\"\"\n }"],
    ),
    ("documents in a row", "{\"value\":[{}]}{\"value\":[]} [{\"a\":1}]\n{}", &["={}", "={\"a\":1}", "={}"]),
    (
        "marks between",
        "\u{feff}{\"value\":[{}]}\u{feff}[{\"a\":1}]\r\n\u{feff}{}",
        &["={}", "={\"a\":1}", "={}"],
    ),
    ("value that is no array", "{\"value\":1}\n", &["={\"value\":1}"]),
    ("a cut line", "{\"a\":1,\n{\"b\":2}\n", &["!{\"a\":1,", "={\"b\":2}"]),
    ("a cut line with blanks", "{ \"a\":1,\n{  \"b\":2 }\n", &["!{ \"a\":1,", "={  \"b\":2 }"]),
    (
        "a line of rows that was cut",
        "[{\"a\":1},{\"b\":2\n[{\"c\":3},{\"d\":\"\"\n[{}]\n",
        &["={\"a\":1}", "!{\"b\":2", "={\"c\":3}", "!{\"d\":\"\"", "={}"],
    ),
    (
        "a page on a line that was cut",
        "{\"value\":[{\"a\":1},{\"b\":[2]\n{\"n\":1,\"value\":[{\"c\":3}]}\n",
        &["={\"a\":1}", "!{\"b\":[2]", "={\"c\":3}"],
    ),
    (
        "values at the first column",
        "[{\"a\":\n{\"b\":[\n[1],\n[2]\n]\n}\n},\n{\"c\":3}]",
        &["={\"a\":\n{\"b\":[\n[1],\n[2]\n]\n}\n}", "={\"c\":3}"],
    ),
    ("a line cut in a string", "{\"a\":\"x\n{\"b\":2}\n", &["!{\"a\":\"x", "={\"b\":2}"]),
    ("a line cut behind a backslash", "{\"a\":\"x\\\n{\"b\":2}\n", &["!{\"a\":\"x\\", "={\"b\":2}"]),
    ("a document over lines is not cut", "{\n\"a\":{\n\"b\":1}}\n", &["={\n\"a\":{\n\"b\":1}}"]),
    ("a brace too many", "{{\"a\":1}\n{\"b\":2}\n", &["!{{\"a\":1}", "={\"b\":2}"]),
    ("words between", "hello\n{\"a\":1}\n", &["!hello", "={\"a\":1}"]),
    ("an unfinished end", "[{\"a\":1},{\"b\":", &["={\"a\":1}", "!{\"b\":"]),
    ("scalars", "[1,\"x\",null]", &["=1", "=\"x\"", "=null"]),
    (
        "an array of pages",
        "[{\"value\":[{\"a\":1}]},\n{\"n\":1,\"value\":[{}],\"x\":{\"value\":[2]}}]",
        &["={\"a\":1}", "={}"],
    ),
    ("arrays in arrays", "[[{\"a\":1},{}],[ [{}] ],[]]", &["={\"a\":1}", "={}", "={}"]),
    ("value in value", "{\"value\":{\"value\":[{\"a\":1}],\"Count\":1}}{}", &["={\"a\":1}", "={}"]),
    ("one row in value", "{\"value\": {\"a\":1}, \"x\":1}{}", &["={\"a\":1}", "={}"]),
    (
        "a batch",
        "{\"responses\":[{\"id\":\"1\",\"body\":{\"value\":[{\"a\":1}]}},{\"body\":{\"error\":{}},\"id\":\"2\"},{\"c\":1}]}",
        &["={\"a\":1}", "={\"error\":{}}", "={\"c\":1}"],
    ),
    (
        "tables",
        "{\"Tables\":[{\"Columns\":[{\"n\":\"a\"}],\"Rows\":[[1,[]],[null]]}]}",
        &["=[{\"n\":\"a\"}]", "=[1,[]]", "=[null]"],
    ),
    (
        "a page that lacks its brace",
        "[{\"value\":[{\"a\":1}],{\"value\":[{\"b\":1}]}]{}",
        &["={\"a\":1}", "={\"b\":1}", "={}"],
    ),
    (
        "a page that goes on for long, and has no end",
        "{\"value\":[{\"a\":1}],\"x\":{\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
        &["={\"a\":1}"],
    ),
    (
        "a page in a page that was cut",
        "{\"value\":[{\"a\":1},{\"value\":[{\"b\":1}]}",
        &["={\"a\":1}", "={\"b\":1}"],
    ),
    ("a stray brace", "[{}},{}]", &["={}", "=}", "={}"]),
    (
        "too long at the end",
        "{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789",
        &[">"],
    ),
    (
        "too long",
        "[{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"},{}]",
        &[">", "={}"],
    ),
];

const CSV: &[(&str, &str, &[&str])] = &[
    ("lines", "a,b\r\nc,d\n\ne", &["=a,b", "=c,d", "=e"]),
    ("a quoted newline", "a,\"b\nc\"\nd,e\n", &["=a,\"b\nc\"", "=d,e"]),
    ("doubled quotes", "\"a\"\"\n\"\"b\",c\nd\n", &["=\"a\"\"\n\"\"b\",c", "=d"]),
    ("a quote within a field is text", "5\" disk,b\nc,d\n", &["=5\" disk,b", "=c,d"]),
    ("too long at the end", "0123456789012345678901234567890123456789012345678901234567890123456789", &[">"]),
    ("marks between", "\u{feff}a,b\nc,d\n\u{feff}\"a\",b\n", &["=a,b", "=c,d", "=\"a\",b"]),
    ("never closed", "a,\"b\nc,d\ne,f\n", &["!a,\"b", "=c,d", "=e,f"]),
    (
        "too long",
        "0123456789012345678901234567890123456789012345678901234567890123456789\na,b\n",
        &[">", "=a,b"],
    ),
];

const LINES: &[(&str, &str, &[&str])] = &[
    ("lines", "a,b\r\nc,\"d\n\ne", &["=a,b", "=c,\"d", "=e"]),
    (
        "too long",
        "0123456789012345678901234567890123456789012345678901234567890123456789\na,b\n",
        &[">", "=a,b"],
    ),
    ("too long at the end", "0123456789012345678901234567890123456789012345678901234567890123456789", &[">"]),
];

#[test]
fn tables() {
    for (make, table) in [(json as fn() -> Splitter, JSON), (csv, CSV), (lines, LINES)] {
        for (name, text, expected) in table {
            let text = text.as_bytes();
            assert_eq!(pieces(make(), text, &[]), *expected, "{name}");
            let every: Vec<usize> = (0..text.len()).collect();
            assert_eq!(pieces(make(), text, &every), *expected, "{name}, a byte at a time");
        }
    }
}

/// A record may go over so many lines; the quote of one more is taken not to be closed.
#[test]
fn a_csv_record_goes_over_few_lines() {
    let make = || Splitter::QuotedCsv(QuotedCsvSplitter::new(1024));
    let lines = |count: usize| format!("a,\"{}b\"\nc,d\n", "x\n".repeat(count));
    let every: Vec<usize> = (0..lines(RECORD_LINES).len()).collect();
    for cuts in [&[][..], &every] {
        let whole = pieces(make(), lines(RECORD_LINES - 1).as_bytes(), cuts);
        assert_eq!((whole.len(), whole[1].as_str()), (2, "=c,d"));
        let broken = pieces(make(), lines(RECORD_LINES).as_bytes(), cuts);
        assert_eq!((broken[0].as_str(), broken[1].as_str()), ("!a,\"x", "=x"));
    }
    // Every line begins as text and ends in quotes: none of them is ever the end of a record.
    let text = "5\" ,\"x\n".repeat(10_000);
    let mut long = Splitter::QuotedCsv(QuotedCsvSplitter::new(1024 * 1024));
    let mut broken = Vec::new();
    drain(&mut long, text.as_bytes(), 0, text.len(), false, &mut broken);
    assert!(broken.len() > 10_000 - 2 * RECORD_LINES && broken.iter().all(|piece| piece == "!5\" ,\"x"));
}

#[test]
fn a_place_can_be_resumed() {
    for (name, text, expected) in
        JSON.iter().filter(|(_, _, pieces)| pieces.iter().all(|piece| piece.starts_with('=')))
    {
        let text = text.as_bytes();
        let (mut first, mut start) = (json(), 0);
        while let Split::Skip { next } | Split::Record { next, .. } = first.next(&text[start..], false) {
            start += next;
            let mut second = json();
            second.resume(first.place());
            let rest = pieces(second, &text[start..], &[]);
            let all: Vec<String> = expected.iter().map(ToString::to_string).collect();
            assert!(all.ends_with(&rest), "{name}: {rest:?} from {start}");
        }
    }
}

/// Else a record of a megabyte that comes byte by byte would be gone through a million times.
#[test]
fn a_record_that_comes_slowly_is_looked_at_again_only_now_and_then() {
    for framing in [Framing::Json(Holders::USUAL), Framing::QuotedCsv, Framing::Lines] {
        let mut splitter = framing.splitter(1024 * 1024);
        let text = format!("{{\"a\":\"{}", "b".repeat(20_000));
        let mut again = 0;
        for end in 1..text.len() {
            again += u32::from(splitter.begins_record(end));
            assert_eq!(splitter.next(&text.as_bytes()[..end], false), Split::NeedMore);
        }
        assert!((1..20).contains(&again), "{splitter:?}: {again} times");
    }
}

/// Deeper than there is room for, what is nested is a record like any other.
#[test]
fn nesting_ends_somewhere() {
    let text = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let pieces = pieces(Splitter::Json(JsonSplitter::new(1024, Holders::USUAL)), text.as_bytes(), &[]);
    assert_eq!(pieces.len(), 1, "{pieces:?}");
    let text = "{\"value\":".repeat(200);
    assert_eq!(
        self::pieces(Splitter::Json(JsonSplitter::new(4096, Holders::USUAL)), text.as_bytes(), &[]).len(),
        1
    );
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", "\"", "\\", "\n", ",", ":", "\"value\"", "{\"a\":1}", "x", " ", "\r\n", "0123456789", "\"rows\":[", "\"columns\":", "{\"body\":",
            ]),
            0..60,
        ),
        cuts in prop::collection::vec(0usize..1000, 0..20),
    ) {
        let text = words.concat().into_bytes();
        for make in [json as fn() -> Splitter, csv] {
            let whole = pieces(make(), &text, &[]);
            let cut = pieces(make(), &text, &cuts);
            // A text longer than the limit is found too long at the first look or at a later one.
            if !whole.iter().chain(&cut).any(|piece| piece.starts_with('>')) && text.len() <= 64 {
                prop_assert_eq!(whole, cut);
            }
        }
    }
}
