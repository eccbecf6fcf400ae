//! Archives as they come: whole, cut, with holes, hostile.

use std::fs::File;
use std::io::{Cursor, Write};
use std::os::unix::fs::FileExt;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::source::memory::Memory;
use crate::source::tail::{Tail, TailError};

/// A member, and what it holds.
type Named<'a> = (&'a str, &'a [u8]);

/// An archive of these members.
fn archive(members: &[Named<'_>], options: SimpleFileOptions) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn deflated() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)
}

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored)
}

/// What an archive comes to: its documents, or why there are none.
fn read(bytes: &[u8]) -> Result<Vec<String>, &'static str> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    read_file(&file)
}

fn read_file(file: &File) -> Result<Vec<String>, &'static str> {
    let mut archive = Archive::default();
    archive.open(file, file.metadata().unwrap().len()).unwrap();
    let (mut documents, mut text) = (Vec::new(), Vec::new());
    loop {
        match archive.step(file, &mut text).unwrap() {
            Step::Nothing => break,
            Step::Text => {}
            Step::DocumentEnds => documents.push(String::from_utf8(std::mem::take(&mut text)).unwrap()),
        }
    }
    assert!(text.is_empty() || archive.refused().is_some());
    archive.waits_for().or(archive.refused()).map_or(Ok(documents), Err)
}

const EXPORT: [Named<'_>; 5] = [
    ("parameters.json", b"{}"),
    ("PSTN.calls.2024-11-05.csv", b"UsageId\n"),
    ("DirectRouting.calls.2024-11-06.csv", b"\xef\xbb\xbfb\n"),
    ("Export/DirectRouting.calls.2024-11-05.csv", b"a\n"),
    ("__MACOSX/._DirectRouting.calls.2024-11-05.csv", b"\0\x05\x16\x07"),
];

#[test]
fn members_are_documents_in_the_order_of_their_names() {
    let long = "x,y,z\n".repeat(200_000);
    let cases: [(&[Named<'_>], &[&str]); 5] = [
        (&EXPORT, &["b\n", "a\n"]),
        (&[("b.json", b"[]"), ("A.CSV", b""), ("readme.md", b"-")], &["", "[]"]),
        (&[("a.csv", long.as_bytes())], &[&long]),
        (&[("../../etc/a.csv", b"a"), ("/b.csv", b"b"), ("c\\d.csv", b"c")], &["a", "b", "c"]),
        (&EXPORT[..2], &[]),
    ];
    for options in [deflated(), stored(), deflated().large_file(true)] {
        for (members, expected) in cases {
            let expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(read(&archive(members, options)), Ok(expected));
        }
    }
}

#[test]
fn what_is_not_all_there_waits() {
    let whole = archive(&EXPORT, deflated());
    for end in 0..whole.len() {
        assert_eq!(read(&whole[..end]), Err(NOT_ENDED), "cut at {end}");
    }
    assert_eq!(read(&[&whole[..], b"\0"].concat()), Err(NOT_ENDED), "what follows the end may go on");
    // An archive within another is not the end of that.
    let nested = archive(&[("inner.zip", &whole), ("a.csv", b"a\n")], stored());
    let inner_end = nested.windows(4).position(|bytes| bytes == b"PK\x05\x06").unwrap() + 22;
    assert_eq!(read(&nested[..inner_end]), Err(NOT_ENDED));
    assert_eq!(read(&nested), Ok(vec!["a\n".to_owned()]));
}

/// Wherever a block is missing, nothing wrong is ever read; once it is there, all is.
#[test]
fn a_hole_waits_and_is_filled() {
    let rows: String = (0..300).map(|row| format!("{row},{}\n", row * 7919 % 1000)).collect();
    let whole = archive(&[("a.csv", rows.as_bytes()), ("b.csv", rows.as_bytes())], deflated());
    for begin in (4..whole.len() - 16).step_by(37) {
        let mut holed = whole.clone();
        holed[begin..(begin + 16).min(whole.len())].fill(0);
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&holed, 0).unwrap();
        match read_file(&file) {
            Err(reason) => assert!([NOT_ENDED, DAMAGED].contains(&reason), "at {begin}: {reason}"),
            Ok(documents) => assert_eq!(documents, [rows.clone(), rows.clone()], "at {begin}"),
        }
        file.write_all_at(&whole, 0).unwrap();
        assert_eq!(read_file(&file), Ok(vec![rows.clone(), rows.clone()]));
    }
}

#[test]
fn hostile_archives_are_refused() {
    let nothing = archive(&[("a.zip", &archive(&EXPORT, deflated())), ("b.pdf", b"%PDF")], stored());
    assert_eq!(read(&nothing), Err(EMPTY));
    // The flag of a password in the member's header and in the directory.
    let mut locked = archive(&[("a.csv", b"a\n")], stored());
    let directory = locked.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    (locked[6], locked[directory + 8]) = (1, 1);
    assert!(read(&locked).unwrap_err().contains("password"));
    // A size that is a lie, either way, and one that no export has.
    for (size, reason) in [(1_u32, DAMAGED), (9, DAMAGED), (u32::MAX - 1, "unpacks to too much")] {
        let mut lie = archive(&[("a.csv", b"a\nb\n")], deflated());
        let directory = lie.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        lie[directory + 24..directory + 28].copy_from_slice(&size.to_le_bytes());
        assert!(read(&lie).unwrap_err().contains(reason), "{size}: {:?}", read(&lie));
    }
    let many: Vec<String> =
        (0..60_000).map(|number| format!("a-member-with-a-name-{number:06}.csv")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert!(read(&archive(&many, stored())).unwrap_err().contains("tens of thousands"));
    let binary = archive(&[("xl/workbook.bin", b"")], stored());
    assert!(read(&binary).unwrap_err().contains("xlsb"));
    let broken = archive(&[("xl/workbook.xml", b"<workbook>"), ("[Content_Types].xml", b"<")], deflated());
    assert_eq!(read(&broken), Err("an Excel workbook that cannot be read: save it as CSV"));
}

/// A workbook of these parts of XML.
fn book(sheet: &str, strings: &str, properties: &str) -> Vec<u8> {
    let parts = parts(sheet, strings, properties);
    let members: Vec<(&str, &[u8])> = parts.iter().map(|(name, part)| (*name, part.as_bytes())).collect();
    archive(&members, deflated())
}

fn parts(sheet: &str, strings: &str, properties: &str) -> [(&'static str, String); 7] {
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let main = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"";
    let workbook = format!(
        "<workbook {main} xmlns:r=\"{office}\">{properties}<sheets><sheet name=\"One\" sheetId=\"1\" r:id=\"r1\"/>\
         </sheets></workbook>"
    );
    let relation = |id: &str, kind: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{office}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = [
        relation("r1", "worksheet", "worksheets/sheet1.xml"),
        relation("r2", "sharedStrings", "sharedStrings.xml"),
        relation("r3", "styles", "styles.xml"),
    ];
    let related = |relations: String| {
        let package = "http://schemas.openxmlformats.org/package/2006/relationships";
        format!("<Relationships xmlns=\"{package}\">{relations}</Relationships>")
    };
    let relations = related(relations.concat());
    let package = related(relation("r1", "officeDocument", "xl/workbook.xml"));
    let sheet = format!("<worksheet {main}><sheetData>{sheet}</sheetData></worksheet>");
    let strings = format!("<sst {main}>{strings}</sst>");
    // The second format is a date.
    let styles = format!(
        "<styleSheet {main}><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>"
    );
    [
        ("[Content_Types].xml", "<Types/>".to_owned()),
        ("_rels/.rels", package),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", relations),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/sharedStrings.xml", strings),
        ("xl/styles.xml", styles),
    ]
}

/// As Power Query leaves it: an empty worksheet in front, and one that is hidden.
#[test]
fn the_first_worksheet_with_anything_in_it_is_read() {
    let row = |value| format!("<row r=\"1\"><c r=\"A1\"><v>{value}</v></c></row>");
    let mut parts = parts(&row(7), "", "").to_vec();
    let other = |number: u8, row: &str| {
        let sheet = parts[4].1.replace("<row r=\"1\"><c r=\"A1\"><v>7</v></c></row>", row);
        (["xl/worksheets/sheet2.xml", "xl/worksheets/sheet3.xml"][usize::from(number - 2)], sheet)
    };
    let [hidden, empty] = [other(2, &row(5)), other(3, "<row r=\"1\"><c r=\"A1\"/></row>")];
    parts.extend([hidden, empty]);
    let one = "<sheet name=\"One\"";
    let before = "<sheet name=\"Two\" sheetId=\"2\" state=\"hidden\" r:id=\"r4\"/><sheet name=\"Three\" sheetId=\"3\" r:id=\"r5\"/>";
    parts[2].1 = parts[2].1.replace(one, &format!("{before}{one}"));
    let first = "<Relationship Id=\"r1\"";
    for (id, file) in [("r4", "sheet2"), ("r5", "sheet3")] {
        let relation = parts[3].1.clone();
        let begin = relation.find(first).unwrap();
        let end = begin + relation[begin..].find("/>").unwrap() + 2;
        let more = relation[begin..end].replace("\"r1\"", &format!("\"{id}\"")).replace("sheet1", file);
        parts[3].1.insert_str(end, &more);
    }
    let members: Vec<(&str, &[u8])> = parts.iter().map(|(name, part)| (*name, part.as_bytes())).collect();
    assert_eq!(read(&archive(&members, deflated())), Ok(vec!["7\r\n".to_owned()]));
}

#[test]
fn a_worksheet_is_csv() {
    let sheet = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"C1\" t=\"inlineStr\"><is><t>b</t></is></c></row>\
                 <row r=\"2\"/>\
                 <row r=\"4\"><c r=\"A4\" s=\"1\"><v>45601.5</v></c><c r=\"B4\"><v>403</v></c><c r=\"C4\" t=\"b\"><v>1</v></c>\
                 <c r=\"E4\" t=\"e\"><v>#N/A</v></c></row>\
                 <row r=\"5\"><c r=\"A5\"><v>1</v></c></row>";
    let strings = "<si><t>a \"quoted\", cell</t></si>";
    let expected = "\"a \"\"quoted\"\", cell\",,b\r\n45601.5,403,true,,#N/A\r\n1,,,,\r\n";
    assert_eq!(read(&book(sheet, strings, "")), Ok(vec![expected.to_owned()]));
    let since_1904 = book(sheet, strings, "<workbookPr date1904=\"1\"/>");
    assert!(read(&since_1904).unwrap()[0].contains("\r\n47063.5,403,"));
}

#[test]
fn a_large_worksheet_comes_in_pieces() {
    let row = |row: u32| {
        let text = format!("{row}-").repeat(20);
        format!("<row r=\"{row}\"><c r=\"A{row}\" t=\"inlineStr\"><is><t>{text}</t></is></c></row>")
    };
    let sheet: String = (1..=30_000).map(row).collect();
    let expected: String = (1..=30_000).map(|row| format!("{row}-").repeat(20) + "\r\n").collect();
    assert!(expected.len() > 2 * 1024 * 1024);
    assert!(read(&book(&sheet, "", "")) == Ok(vec![expected]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Bytes changed, taken out and put in anywhere, but where that is said at the end: no panic and an end, and what is read
    /// is read the same another time.
    #[test]
    fn damage_anywhere_is_borne(
        is_book in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize, prop::collection::vec(any::<u8>(), 0..6)), 1..5),
    ) {
        let sheet = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" s=\"1\"><v>45601.5</v></c></row>";
        let mut bytes = if is_book { book(sheet, "<si><t>x</t></si>", "") } else { archive(&EXPORT, deflated()) };
        for (place, removed, inserted) in changes {
            let at = place.index(bytes.len());
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, inserted);
        }
        prop_assert_eq!(read(&bytes), read(&bytes));
    }

    /// The parts of a workbook are sound as far as checksums tell, and hold whatever they hold.
    #[test]
    fn any_parts_of_a_workbook_are_borne(
        part in 0..7_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, "[<>/\"= a-zA-Z0-9&;#]{0,12}"), 1..6),
    ) {
        let sheet = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" s=\"1\"><v>45601.5</v></c></row>";
        let mut parts = parts(sheet, "<si><t>x</t></si>", "");
        let text = &mut parts[part].1;
        for (place, removed, inserted) in changes {
            let at = place.index(text.len() + 1);
            let end = (at + removed).min(text.len());
            text.replace_range(at..end, &inserted);
        }
        let members: Vec<(&str, &[u8])> = parts.iter().map(|(name, part)| (*name, part.as_bytes())).collect();
        let bytes = archive(&members, deflated());
        prop_assert_eq!(read(&bytes), read(&bytes));
    }
}

#[test]
fn a_workbook_waits_for_memory() {
    const MIB: u64 = 1024 * 1024;
    let strings: String = (0..1000).map(|number| format!("<si><t>{number}</t></si>")).collect();
    let sheet = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>999</v></c></row>";
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&book(sheet, &strings, "")).unwrap();
    let tail_with = |memory: &Memory| {
        let mut tail = Tail::new(file.try_clone().unwrap());
        tail.share(memory.clone());
        tail
    };

    let memory = Memory::limited(9 * MIB);
    let others = memory.claim(8 * MIB);
    let mut tail = tail_with(&memory);
    assert!(matches!(tail.fill(u64::MAX, false), Err(TailError::NoRoom)));
    drop(others);
    while tail.fill(u64::MAX, false).unwrap() {}
    assert_eq!((tail.text(), memory.free()), (&b"999\r\n"[..], 9 * MIB));

    let mut tail = tail_with(&Memory::limited(8 * MIB));
    while tail.fill(u64::MAX, false).unwrap() {}
    assert_eq!(tail.refused(), Some(TOO_LARGE));
}

/// How many bytes this thread has read so far.
fn read_by_this_thread() -> u64 {
    let counts = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    counts.lines().find_map(|line| line.strip_prefix("rchar: ")).and_then(|count| count.parse().ok()).unwrap()
}

#[test]
fn what_unpacks_to_very_much_is_read_three_times_at_most() {
    let blank = vec![b'\n'; 16 * 1024 * 1024];
    let bytes = archive(&[("a.csv", &blank)], deflated());
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let before = read_by_this_thread();
    assert_eq!(read_file(&file).unwrap()[0].len(), blank.len());
    // Its end for the directory, all of it to see that it is sound, and once more to unpack it.
    let read = read_by_this_thread() - before;
    assert!(read <= 3 * bytes.len() as u64 + 4096, "{read} bytes of {}", bytes.len());
}
