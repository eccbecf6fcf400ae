//! Records read in one go from the front of a text are those that splitter and decoder make of it.

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::ADMIN_CENTER_HEADER;
use cdr_exporter::cli::demo::traffic::Traffic;
use cdr_exporter::format::names::Names;
use cdr_exporter::format::{ALL, Format, Front, graph, teams_admin_center};
use cdr_exporter::framing::Split;
use proptest::prelude::*;

use super::samples::samples;

const ENDED: UnixMillis = UnixMillis(1_793_491_200_000);
/// Little more than a row has, so that some are too long.
const RECORD_BYTES: usize = 900;

fn rows(format: &Format, wrapping: usize) -> String {
    let mut traffic = Traffic::new(1, ENDED);
    let mut text = String::new();
    for _ in 0..4 {
        let call = traffic.varied_call(ENDED);
        match *format == graph::FORMAT {
            true => traffic.graph_row(&call, &mut text),
            false => traffic.admin_center_row(&call, &mut text),
        }
    }
    wrapped(format, wrapping, &text)
}

fn wrapped(format: &Format, wrapping: usize, text: &str) -> String {
    let array = || text.trim_end().replace('\n', ",");
    match (*format == graph::FORMAT, wrapping) {
        (false, 0) => format!("{ADMIN_CENTER_HEADER}{text}"),
        (false, _) => format!("{ADMIN_CENTER_HEADER}{text}").replace('\n', "\r\n"),
        (true, 0) => text.to_owned(),
        (true, 1) => format!("[{}]", array()),
        (true, 2) => format!("{{\"@odata.count\":4,\"value\":[{}]}}\n{text}", array()),
        (true, _) => text.replace("\":", "\" : ").replace(",\"", ",\r\n\t\""),
    }
}

/// A row of Graph with one of its properties left out, moved, doubled, or of another kind.
fn rearranged(row: &str, how: usize, place: usize, other: usize) -> String {
    let Some(inner) = row.strip_prefix('{').and_then(|row| row.strip_suffix('}')) else {
        return row.to_owned();
    };
    let mut properties: Vec<String> =
        inner.split(",\"").map(|text| text.trim_start_matches('"').to_owned()).collect();
    let (place, other) = (place % properties.len(), other % properties.len());
    let name = properties[place].split_once(':').map_or("", |(name, _)| name).to_owned();
    match how {
        0 => properties.swap(place, other),
        1 => drop(properties.remove(place)),
        2 => properties.insert(other, properties[place].clone()),
        3 => properties[place] = format!("{name}:{{\"id\":[1,null]}}"),
        4 => properties[place] = format!("{name}:\"\\u0041 \\\" \\\\ \""),
        5 => properties[place] = format!("{name}:null"),
        6 => properties[place] = format!("{name}:\"{}\"", "long ".repeat(other)),
        7 => properties[place] = format!("{name}:-1.5e3"),
        8 => properties.insert(other, format!("{}{}", "longer".repeat(8), &properties[place])),
        // A field that stands twice, once empty, under a name that Log Analytics gives it.
        _ => {
            let (name, _) = properties[place].split_once("\":").unwrap_or_default();
            properties.insert(other, format!("{name}_s\":\"\""));
        }
    }
    format!("{{\"{}}}", properties.join(",\""))
}

/// A row of the admin center with one of its cells in quotes, or with quotes in it.
fn quoted(row: &str, cell: usize, how: usize) -> String {
    let mut cells: Vec<String> = row.split(',').map(str::to_owned).collect();
    let cell = cell % cells.len();
    let text = std::mem::take(&mut cells[cell]);
    cells[cell] = match how {
        0 => format!("\"{text}\""),
        1 => format!("\"{text},{text}\""),
        2 => format!("\"{}\"", "long, ".repeat(cell)),
        3 => format!("\"{text}\"\"{text}\""),
        4 => format!("\"{text}\"{text}"),
        5 => format!("{text}\"{text}\""),
        6 => format!("\"{text}"),
        7 => format!("\"{text}\n{text}\""),
        _ => format!("\"{text}\\\""),
    };
    cells.join(",")
}

/// What each record is, in one go where that `may` be.
fn decoded(format: &Format, mut text: &[u8], may: bool) -> Vec<String> {
    let mut splitter = format.framing.splitter(RECORD_BYTES);
    let (mut decoder, mut all) = ((format.decoder)(Names::default()), Vec::new());
    loop {
        if may && splitter.begins_record(text.len()) {
            let mut front = Front::with_room();
            decoder.decode_front(text, RECORD_BYTES, &mut front);
            all.extend(front.calls.iter().map(|call| format!("Call({call:?})")));
            text = &text[front.end..];
            if front.end > 0 {
                continue;
            }
        }
        let next = match splitter.next(text, true) {
            Split::Record { start, end, next } => {
                all.push(format!("{:?}", decoder.decode(&text[start..end])));
                next
            }
            Split::Broken { next, .. } => {
                all.push("broken".to_owned());
                next
            }
            Split::TooLong { next } => {
                all.push("too long".to_owned());
                next
            }
            Split::Skip { next } => next,
            Split::NeedMore => return all,
        };
        text = &text[next..];
    }
}

#[test]
fn samples_give_the_same_records_in_one_go() {
    for format in ALL {
        for sample in samples(format) {
            let text = std::fs::read(&sample).unwrap();
            assert_eq!(decoded(format, &text, true), decoded(format, &text, false), "{}", sample.display());
        }
    }
}

proptest! {
    #[test]
    fn one_go_gives_the_same_records(
        admin_center in any::<bool>(),
        wrapping in 0..4_usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        inserted in "[\"{}\\[\\],:0-9a-e\\\\ .+\r\n-]{0,4}",
        at in any::<prop::sample::Index>(),
    ) {
        let format = if admin_center { &teams_admin_center::FORMAT } else { &graph::FORMAT };
        let mut text = rows(format, wrapping).into_bytes();
        for (place, byte) in changes {
            let place = place.index(text.len());
            text[place] = byte;
        }
        let at = at.index(text.len());
        text.splice(at..at, inserted.into_bytes());
        prop_assert_eq!(decoded(format, &text, true), decoded(format, &text, false));
    }

    #[test]
    fn cells_in_quotes_give_the_same_records(
        wrapping in 0..2_usize,
        changes in proptest::collection::vec((0..4_usize, 0..22_usize, 0..9_usize), 0..8),
        damaged in any::<prop::sample::Index>(),
        byte in "[\",\n\r\\\\a \u{0}]",
    ) {
        let mut lines: Vec<String> = rows(&teams_admin_center::FORMAT, 0).lines().map(str::to_owned).collect();
        for (line, cell, how) in changes {
            lines[line + 1] = quoted(&lines[line + 1], cell, how);
        }
        let text = wrapped(&teams_admin_center::FORMAT, wrapping, &format!("{}\n", lines[1..].join("\n")));
        let mut text = text.into_bytes();
        prop_assert_eq!(decoded(&teams_admin_center::FORMAT, &text, true), decoded(&teams_admin_center::FORMAT, &text, false));
        let damaged = damaged.index(text.len());
        text[damaged] = byte.as_bytes()[0];
        prop_assert_eq!(decoded(&teams_admin_center::FORMAT, &text, true), decoded(&teams_admin_center::FORMAT, &text, false));
    }

    #[test]
    fn rows_of_other_layouts_give_the_same_records(
        wrapping in 0..4_usize,
        changes in proptest::collection::vec((0..4_usize, 0..11_usize, 0..40_usize, 0..40_usize), 0..4),
        damaged in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut lines: Vec<String> = rows(&graph::FORMAT, 0).lines().map(str::to_owned).collect();
        for (line, how, place, other) in changes {
            lines[line] = rearranged(&lines[line], how, place, other);
        }
        let mut text = wrapped(&graph::FORMAT, wrapping, &format!("{}\n", lines.join("\n"))).into_bytes();
        prop_assert_eq!(decoded(&graph::FORMAT, &text, true), decoded(&graph::FORMAT, &text, false));
        let damaged = damaged.index(text.len());
        text[damaged] = byte;
        prop_assert_eq!(decoded(&graph::FORMAT, &text, true), decoded(&graph::FORMAT, &text, false));
    }
}
