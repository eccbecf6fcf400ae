//! Records read in one go from the front of a text are those that splitter and decoder make of it.

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::ADMIN_CENTER_HEADER;
use cdr_exporter::cli::demo::traffic::Traffic;
use cdr_exporter::format::device::{Device, TrunkFrom};
use cdr_exporter::format::names::Names;
use cdr_exporter::format::{
    ALL, Format, Front, asterisk, audiocodes, graph, kamailio, mapped, ribbon, teams_admin_center,
};
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
        splitter.take_apart_by(decoder.marks());
        if may && splitter.begins_record(text.len()) {
            let mut front = Front::empty();
            decoder.decode_front(text, RECORD_BYTES, &mut front);
            let calls = front.begins.iter().zip(front.calls.iter().map(|call| format!("Call({call:?})")));
            let ignored = front.ignored.iter().map(|begin| (begin, "Ignored".to_owned()));
            let mut records: Vec<_> = calls.chain(ignored).collect();
            records.sort();
            all.extend(records.into_iter().map(|(_, record)| record));
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

/// What stands in the place of a byte.
const DAMAGE: &[u8] = b"\",;|='\\\n\r\t {}[]:.0a\0\xff";

/// A text cut at each byte, and with another byte in the place of each.
fn damaged_everywhere(format: &Format, text: &[u8], bytes: usize) {
    let text = &text[..text.len().min(bytes)];
    let same = |text: &[u8]| {
        let (quickly, slowly) = (decoded(format, text, true), decoded(format, text, false));
        assert_eq!(quickly, slowly, "{format:?}: {}", text.escape_ascii());
    };
    // Room behind it, as a file has.
    let roomy = [text, b"\n", &text[..text.len().min(200)]].concat();
    for place in 0..text.len() {
        same(&[&text[..place], b"\n", text].concat());
        let mut damaged = roomy.clone();
        damaged[place] = DAMAGE[place % DAMAGE.len()];
        same(&damaged);
    }
}

/// A device of which its sides are told, in a zone whose clocks are put forward and back.
fn told(format: &'static Format) -> &'static Format {
    let zone = jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let names = ["teams*", "TG_TEAMS", "from-teams", "*pstnhub*", "2"];
    format.for_device(Device::parse(&names, TrunkFrom::Teams, zone).unwrap()).unwrap_or(format)
}

#[test]
fn damaged_samples_of_devices_give_the_same_records_in_one_go() {
    for (format, bytes) in [
        (&ribbon::FORMAT, 1900),
        (&asterisk::FORMAT, 900),
        (&kamailio::FORMAT, 900),
        (&audiocodes::FORMAT, 1200),
    ] {
        for sample in samples(format) {
            let text = std::fs::read(&sample).unwrap();
            damaged_everywhere(told(format), &text, bytes);
        }
    }
}

/// A mapping of all that these records hold.
fn mapped(
    shape: mapped::Shape,
    places: &[(mapped::Field, &str)],
    condition: Option<&str>,
) -> &'static Format {
    mapped_with(b'"', shape, places, condition)
}

/// The same, where another character quotes.
fn mapped_with(
    quote: u8,
    shape: mapped::Shape,
    places: &[(mapped::Field, &str)],
    condition: Option<&str>,
) -> &'static Format {
    let flags = || vec![("OK".to_owned(), "true".to_owned()), ("KO".to_owned(), "false".to_owned())];
    let origin = |(field, place): &(mapped::Field, &str)| mapped::Origin {
        field: *field,
        from: mapped::From::Place((*place).to_owned()),
        values: if *field == mapped::Field::ReasonHeader { Vec::new() } else { flags() },
        time: mapped::TimeFormat::default(),
        divide_by: 1,
    };
    let place = condition.map(str::to_owned);
    let mapping = mapped::Mapping {
        shape,
        origins: places.iter().map(origin).collect(),
        conditions: place
            .map(|place| mapped::Where { place, is: vec!["stop".to_owned()] })
            .into_iter()
            .collect(),
        rejects_others: places.len().is_multiple_of(2),
        device: Device::parse(&[], TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap(),
        quote: Some(quote),
        skip_lines: 0,
        records_in: (places.len() == 5).then(|| vec!["x".to_owned(), "Value".to_owned()]),
    };
    mapping.format()
}

#[test]
fn damaged_records_of_a_mapping_give_the_same_in_one_go() {
    use mapped::Field::*;
    let csv = "Kind,Id,Trunk,Way,Ok,Code,End,\n\
        STOP,1,ms-teams,outbound,OK,200,2024-11-05T09:01:00Z,\n\
        STOP,2,\"ms,teams\",inbound,KO,486,2024-11-05 09:01:00.5,\"a \"\"b\"\"\"\r\n\
        START,3,,,,,,\nSTOP,4,\"a\"\"b\",x,KO, 503 ,0,\"\"\n";
    let names = [
        (Id, "Id"),
        (Trunk, "trunk"),
        (Direction, "Way"),
        (Success, "Ok"),
        (SipCode, "Code"),
        (Ended, "End"),
    ];
    let numbers = [(Id, "2"), (Trunk, "3"), (SipCode, "6"), (Ended, "7"), (Phrase, "9")];
    let shape = |has_header| mapped::Shape::Csv { delimiter: b',', has_header };
    damaged_everywhere(mapped(shape(true), &names, Some("Kind")), csv.as_bytes(), 4000);
    damaged_everywhere(mapped(shape(false), &numbers, None), csv.as_bytes(), 4000);
    let semicolons = csv.replace(',', ";");
    let shape = mapped::Shape::Csv { delimiter: b';', has_header: true };
    damaged_everywhere(mapped(shape.clone(), &names[1..], None), semicolons.as_bytes(), 4000);
    let apostrophes = semicolons.replace('"', "'").replace("ms-teams", "\"ms");
    damaged_everywhere(mapped_with(b'\'', shape, &names[1..], None), apostrophes.as_bytes(), 4000);
    let json = r#"{"kind":"STOP","a":{"id":"1","way":"outbound"},"trunk":"ms-teams","ok":true,"code":200,"end":"2024-11-05T09:01:00Z","x":[1,-2.5,{"y":"\u00e9\n"}]}
{"kind":"STOP", "a":{"id":2,"b":{"c":null}},"trunk":"a\"b","ok":false,"code":486.0,"end":null,"t":1e3}
{"kind":"START","a":[{"id":1}],"code":-0}{"kind":"STOP","a":{"id":"é"},"ok":"KO","code":"503","code":"480"},
{"value":[{"kind":"STOP","a":{"id":7},"ok":false,"code":404}]}
"#;
    let pointers = [
        (Id, "/a/id"),
        (Trunk, "trunk"),
        (Direction, "/a/way"),
        (Success, "ok"),
        (SipCode, "/code"),
        (Ended, "end"),
    ];
    damaged_everywhere(mapped(mapped::Shape::Json, &pointers, Some("kind")), json.as_bytes(), 4000);
    damaged_everywhere(mapped(mapped::Shape::Json, &pointers[..5], None), json.as_bytes(), 4000);
    let log = "2024-11-05T09:01:00Z,END,Id='1',Code='486',x='é',NAP='ms-teams'\nother\n\
        2024-11-05T09:01:00Z,END,Id='2',Code='200',NAP='b',NAP='c'\r\n2024,END,Id='3',Code=''\n";
    let patterns = [
        "^(?<end>[^,]+),END,Id='(?<id>[^']+)',Code='(?<code>[0-9]{3})'.*NAP='(?<nap>[^']*)'",
        "END,Id='(?<id>3)'",
    ];
    let patterns =
        || mapped::Shape::Regex(patterns.iter().map(|it| regex::Regex::new(it).unwrap()).collect());
    let groups = [(Id, "id"), (SipCode, "code"), (Trunk, "nap"), (Ended, "end")];
    damaged_everywhere(mapped(patterns(), &groups, None), log.as_bytes(), 4000);
    damaged_everywhere(mapped(patterns(), &groups[..3], None), log.as_bytes(), 4000);
}

/// The values of a made-up record: of every kind, in the place of any other.
const VALUES: [&str; 16] = [
    "486",
    "\"503\"",
    "null",
    "true",
    "-2",
    "1.5",
    "123456789012345678901",
    "\"a\\\"b\"",
    "\"as long as it is wide and wider than one step of thirty-two or of sixty-four bytes is\"",
    "\"\"",
    "[\"a\",{\"id\":1}]",
    "[]",
    "{\"id\":\"x\",\"y\":[2]}",
    "{}",
    "\"OK\"",
    "\"\u{e9}\"",
];

/// Names of made-up records: some are fields, and one holds records.
const NAMES: [&str; 8] = ["id", "trunk", "ok", "code", "a", "value", "x", "reason"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Most records have the names of one before, and some of them values of another kind.
    #[test]
    fn records_written_as_those_before_give_the_same_in_one_go(
        shapes in proptest::collection::vec(proptest::collection::vec((0..NAMES.len(), 0..VALUES.len()), 1..6), 1..4),
        records in proptest::collection::vec((0..4_usize, 0..6_usize, 0..VALUES.len()), 1..24),
        blank in proptest::bool::weighted(0.2),
    ) {
        use mapped::Field::*;
        let mut text = String::new();
        for (number, (shape, changed, value)) in records.into_iter().enumerate() {
            let shape = &shapes[shape % shapes.len()];
            let property = |(place, (name, usual)): (usize, &(usize, usize))| {
                let name = NAMES[*name];
                let value = VALUES[if place == changed { value } else { *usual }];
                if name == "id" && value == "486" { format!("\"id\":\"{number}\"") } else { format!("\"{name}\":{value}") }
            };
            let properties: Vec<String> = shape.iter().enumerate().map(property).collect();
            text += &format!("{{{}}}\n", properties.join(if blank { " , " } else { "," }));
        }
        // Room behind it, as a file has.
        text += &" ".repeat(200);
        let places = [(Id, "id"), (Trunk, "/trunk"), (Success, "ok"), (SipCode, "code"), (Direction, "/a/id"), (ReasonHeader, "reason")];
        for count in [4, 6] {
            let format = mapped(mapped::Shape::Json, &places[..count], None);
            prop_assert_eq!(decoded(format, text.as_bytes(), true), decoded(format, text.as_bytes(), false), "{}", text);
        }
    }
}

/// A text that a Reason header quotes has quotes itself in the record: doubled in a table, escaped in JSON.
#[test]
fn quotes_of_a_reason_header_give_the_same_in_one_go() {
    use mapped::Field::*;
    let guid = "4656976f-0000-4000-8000-000000000001";
    let headers = [
        format!("Q.850;cause=31;text=\"{guid};No callee endpoints were found.\""),
        format!(" Reason: SIP;cause=503;text=\"x\", Q.850 ;cause=38 ;text=\"{guid};Unable to deliver INVITE"),
        "SIP;cause=200;text=\"Call completed elsewhere\"".to_owned(),
        format!("Q.850;cause=21;text=\"{guid};\\\"Called\\\" é; rejected\""),
        "Q.850;cause=16".to_owned(),
    ];
    let places = [(Id, "id"), (Success, "ok"), (SipCode, "code"), (ReasonHeader, "reason")];
    let doubled = |header: &String| header.replace('"', "\"\"");
    let rows =
        headers.iter().enumerate().map(|(id, header)| format!("{id},KO,480,\"{}\"\n", doubled(header)));
    let table = format!("id,ok,code,reason\n{}", rows.collect::<String>());
    let object = |(id, header): (usize, &String)| {
        serde_json::json!({"id": id, "ok": "KO", "code": 480, "reason": header, "x": "\"é\n"}).to_string()
            + "\n"
    };
    let objects: String = headers.iter().enumerate().map(object).collect();
    let csv = mapped::Shape::Csv { delimiter: b',', has_header: true };
    for (shape, text) in [(csv, table), (mapped::Shape::Json, objects)] {
        let format = mapped(shape, &places, None);
        damaged_everywhere(format, text.as_bytes(), 4000);
        let (mut decoder, mut front) = ((format.decoder)(Names::default()), Front::empty());
        decoder.resume(b"id,ok,code,reason");
        let records = text.strip_prefix("id,ok,code,reason\n").unwrap_or(&text).as_bytes();
        decoder.decode_front(records, 4000, &mut front);
        // The phrase of the fourth has quotes of its own: it does not stand there as it is meant.
        assert_eq!(front.calls.len(), 3);
        assert_eq!(front.calls[0].codes.text.read(), "No callee endpoints were found.");
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
