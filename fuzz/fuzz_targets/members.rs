//! Any members in a sound zip archive, and any worksheet in a sound workbook: never a panic that takes the daemon along, an
//! end, and of an archive the members' own text.

#![no_main]

use std::fs::File;
use std::io::{Cursor, Write};

use cdr_exporter::source::archive::{Archive, Step};
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A few bytes may come to thousands of times as many.
const MOST: usize = 1 << 22;

fuzz_target!(
    // Panics of the library that reads workbooks are caught, and are no finding.
    init: drop(std::panic::take_hook()),
    |input: (Option<(&[u8], &[u8], &[u8])>, Vec<(u8, &[u8])>)| {
        match input {
            (Some(parts), _) => drop(text(&workbook(parts))),
            (None, members) => {
                let name = |(place, (kind, _)): (usize, &(u8, &[u8]))| {
                    format!("{place:05}{}", [".csv", ".json", ".ndjson", "/a.JSONL"][usize::from(kind % 4)])
                };
                let named: Vec<_> = members.iter().enumerate().map(name).zip(members.iter().map(|(_, bytes)| *bytes)).collect();
                let text = text(&packed(&named));
                let is_plain = |bytes: &&[u8]| bytes.is_ascii() && !bytes.contains(&0);
                if text.len() < MOST && members.iter().map(|(_, bytes)| bytes).all(is_plain) {
                    assert_eq!(text, members.iter().flat_map(|(_, bytes)| bytes.to_vec()).collect::<Vec<_>>());
                }
            }
        }
    }
);

/// A workbook of these parts: its list of sheets, its texts, its first sheet. An empty list is a sound one.
fn workbook((list, texts, sheet): (&[u8], &[u8], &[u8])) -> File {
    let relation = |kind: &str, target: &str| {
        format!(
            r#"<Relationships><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/></Relationships>"#
        )
    };
    let (package, sheets) =
        (relation("officeDocument", "xl/workbook.xml"), relation("worksheet", "worksheets/sheet1.xml"));
    let sound: &[u8] = br#"<workbook><sheets><sheet name="a" sheetId="1" r:id="r"/></sheets></workbook>"#;
    let parts: [(&str, &[u8]); 5] = [
        ("_rels/.rels", package.as_bytes()),
        ("xl/workbook.xml", if list.is_empty() { sound } else { list }),
        ("xl/_rels/workbook.xml.rels", sheets.as_bytes()),
        ("xl/sharedStrings.xml", texts),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    packed(&parts.map(|(name, bytes)| (name.to_owned(), bytes)))
}

fn packed(members: &[(String, &[u8])]) -> File {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        writer.start_file(name.as_str(), stored).expect("a member");
        writer.write_all(bytes).expect("room for it");
    }
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(writer.finish().expect("an archive").get_ref()).expect("room for it");
    file
}

fn text(file: &File) -> Vec<u8> {
    let (mut archive, mut text) = (Archive::default(), Vec::new());
    let length = file.metadata().expect("it is there").len();
    archive.open(file, length).expect("it can be read");
    while archive.step(file, &mut text).expect("it was checked") != Step::Nothing && text.len() < MOST {}
    text
}
