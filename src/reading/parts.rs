//! One large file read by several threads: cut into parts where a record seems to begin, each read as if it did.
//!
//! Whether a cut was right shows when the part before it is read: it must end there, between two records and below the
//! same header. Of what comes behind a cut that was wrong nothing is kept; it is read again in order. So quotes, line
//! ends within them and whatever else can only cost time.

use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt;
use std::thread;

use super::beginning::Beginning;
use super::{Batch, Context, Reading};
use crate::framing::{Framing, Place};
use crate::source::tail::TailError;

/// How much each thread reads at a time: at the least so much that starting one costs little beside it, at the most so much that the
/// batches of a part stay small.
const PART_BYTES: RangeInclusive<u64> = 8 * 1024 * 1024..=32 * 1024 * 1024;

/// So many parts each thread reads of a file that is large enough: at the end of each, one thread waits for another.
const PARTS_EACH: u64 = 4;

/// So much text is searched for the beginning of a record, behind where a part would be cut.
const SEARCHED_BYTES: usize = 256 * 1024;

/// A part that was read.
struct Part {
    begin: u64,
    reading: Reading,
    batches: Vec<Batch>,
    /// The one with which a later part begins.
    next: Option<Batch>,
    outcome: Result<(), TailError>,
}

impl Reading {
    /// Reads on by several threads where so many bytes are `expected` that it is worth it, and hands over what they found,
    /// in order; `None` where the text cannot be cut. It reads on from there as from anywhere.
    pub fn read_in_parts(&mut self, context: &Context, expected: u64, threads: usize) -> Option<Vec<Batch>> {
        let part_bytes = expected / (PARTS_EACH * threads as u64).max(1);
        self.read_in_parts_of(
            part_bytes.clamp(*PART_BYTES.start(), *PART_BYTES.end()),
            context,
            expected,
            threads,
        )
    }

    fn read_in_parts_of(
        &mut self,
        part_bytes: u64,
        context: &Context,
        expected: u64,
        threads: usize,
    ) -> Option<Vec<Batch>> {
        let parts = u64::try_from(threads).ok()?.min(expected / part_bytes);
        if parts < 2 || !self.can_be_cut() {
            return None;
        }
        let begins = self.begins(part_bytes, parts).ok().filter(|begins| begins.len() > 1)?;
        let ends = begins.iter().skip(1).copied().chain([self.position + parts * part_bytes]);
        let readings = begins.iter().zip(ends).map(|(begin, end)| self.part(*begin, end));
        let mut readings: Vec<Reading> = readings.collect::<io::Result<_>>().ok()?;
        readings.iter_mut().for_each(|part| part.batch = self.batches_of_parts.pop().map(Box::new));
        let parts: Vec<Part> = thread::scope(|scope| {
            let threads: Vec<_> =
                readings.into_iter().map(|part| scope.spawn(move || part.read(context))).collect();
            // Each is waited for: one that panicked and is not would end all. What it was to hold is read again in order.
            let parts: Vec<_> = threads.into_iter().map(|thread| thread.join().ok()).collect();
            parts.into_iter().map_while(|part| part).collect()
        });
        let before = self.position;
        let batches = self.take_parts(parts);
        // Without progress the text is read in order, which finds out why.
        (self.position > before).then_some(batches)
    }

    /// Whether the text lies in the file as it is, and reading stands between two records that may be cut apart.
    fn can_be_cut(&self) -> bool {
        let Some(stages) = &self.stages else { return false };
        self.tail.plain_text_at().is_some()
            && self.beginning.head.is_whole()
            && self.before_too_long.is_none()
            && self.unfinished.is_none()
            && stages.splitter.place() == Place::Top
    }

    /// Where parts begin: here, and at the first beginning of a record behind each step.
    fn begins(&self, part_bytes: u64, parts: u64) -> io::Result<Vec<u64>> {
        let (Some(file), Some(text_at), Some(stages)) =
            (self.tail.file(), self.tail.plain_text_at(), &self.stages)
        else {
            return Ok(vec![self.position]);
        };
        let mut begins = vec![self.position];
        let mut text = vec![0; SEARCHED_BYTES];
        for part in 1..parts {
            let at = self.position + part * part_bytes;
            let length = file.read_at(&mut text, text_at + at)?;
            match begin_in(&text[..length], stages.format.framing) {
                Some(begin) => begins.push(at + begin as u64),
                None => break,
            }
        }
        Ok(begins)
    }

    /// A reading of the text from `begin` to `end`, where records are taken to begin.
    fn part(&self, begin: u64, end: u64) -> io::Result<Self> {
        let Some((mut part, content)) = self.reading_from(begin, Place::Top)? else {
            return Err(io::ErrorKind::NotSeekable.into());
        };
        part.beginning = Beginning::in_text(&[], &content);
        part.until = Some(end);
        Ok(part)
    }

    /// Reads a part to its end.
    fn read(mut self, context: &Context) -> Part {
        let (begin, mut batches) = (self.position, Vec::new());
        let outcome = loop {
            self.records(context, false);
            if self.is_full() {
                batches.extend(self.take_batch());
                continue;
            }
            let missing = self.missing();
            if missing == 0 {
                break Ok(());
            }
            match self.fill(missing, false) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        batches.extend(self.take_batch());
        let next = self.batch.take().map(|batch| *batch).or_else(|| batches.last_mut().map(Batch::following));
        Part { begin, reading: self, batches, next, outcome }
    }

    /// Takes the parts up to the first that was cut wrongly or could not be read; reads on behind them.
    fn take_parts(&mut self, mut parts: Vec<Part>) -> Vec<Batch> {
        let mut all = Vec::new();
        self.batches_of_parts = parts.iter_mut().filter_map(|part| part.next.take()).collect();
        for Part { begin, reading, batches, outcome, .. } in parts {
            if outcome.is_err() || begin != self.position {
                break;
            }
            let header = |reading: &Self| {
                let stages = reading.stages.as_ref()?;
                stages.decoder.header()
            };
            let is_same_header = header(self) == header(&reading);
            let before = self.found;
            all.extend(batches.into_iter().map(|mut batch| {
                batch.rejected.iter_mut().for_each(|rejected| rejected.number += before.total());
                batch
            }));
            self.adopt(reading);
            if !is_same_header || !self.can_be_cut() {
                break;
            }
        }
        all
    }

    /// Goes on where a part ended.
    pub(super) fn adopt(&mut self, part: Self) {
        let found = part.found.after(self.found);
        self.tail = part.tail;
        self.stages = part.stages;
        self.position = part.position;
        self.before_too_long = part.before_too_long;
        self.unrecognised = part.unrecognised;
        self.given_up = part.given_up;
        self.found = found;
    }
}

/// Where the first record behind the first line end seems to begin.
fn begin_in(text: &[u8], framing: Framing) -> Option<usize> {
    let mut line_ends = memchr::memchr_iter(b'\n', text);
    match framing {
        Framing::QuotedCsv | Framing::Lines => line_ends.next().map(|newline| newline + 1),
        Framing::Json(_) => {
            line_ends.map(|newline| newline + 1).find(|begin| text[*begin..].starts_with(b"{\""))
        }
        Framing::Xml => {
            line_ends.map(|newline| newline + 1).find(|begin| text[*begin..].starts_with(b"<?xml"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::call::{RecordId, UnixMillis};
    use crate::cli::demo::ADMIN_CENTER_HEADER;
    use crate::cli::demo::truth::Export;
    use crate::format::device::{Device, TrunkFrom};
    use crate::format::fields::record_id;
    use crate::format::mapped::{Field, From, Mapping, Origin, Shape, TimeFormat};
    use crate::format::{Decode, Decoded, Format};
    use crate::reading::{Options, Records, Turn};
    use crate::source::memory::Memory;

    const START: UnixMillis = UnixMillis(1_793_491_200_000);
    /// A few rows: some of what is damaged is longer.
    const RECORD_BYTES: usize = 3000;

    fn rows(is_csv: bool, count: i64) -> String {
        let mut export = Export::new(1, START, 5.0);
        let mut text = if is_csv { ADMIN_CENTER_HEADER.to_owned() } else { String::new() };
        for row in 0..count {
            let call = export.next_call(UnixMillis(START.0 + row * 50));
            match is_csv {
                true => export.traffic.admin_center_row(&call, &mut text),
                false => export.traffic.graph_row(&call, &mut text),
            }
        }
        text
    }

    /// What a text comes to, read in parts of so many bytes, or in order; and how many parts were taken.
    fn read(text: &[u8], part_bytes: Option<u64>) -> (Records, u64, Vec<(u64, u64)>, usize) {
        let options = Options { record_bytes: RECORD_BYTES, ..Options::default() };
        let (batches, position, parts) = batches_of(text, part_bytes, options);
        let records = batches.iter().fold(Records::default(), |all, batch| batch.records.after(all));
        let rejected = batches.iter().flat_map(|batch| &batch.rejected);
        let rejected = rejected.map(|rejected| (rejected.number, rejected.position)).collect();
        (records, position, rejected, parts)
    }

    fn batches_of(text: &[u8], part_bytes: Option<u64>, options: Options) -> (Vec<Batch>, u64, usize) {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text).expect("room");
        let context = Context { remembers: true, keeps_rejected: true, ..Context::of_counts(START) };
        let mut reading = Reading::new(file.reopen().expect("a file"), options);
        let (mut batches, mut parts) = (Vec::new(), 0);
        // Enough to know the format and the head.
        assert!(reading.turn(&context, Some(4096), 4096).is_ok());
        batches.extend(reading.take_batch());
        while let Some(part_bytes) = part_bytes {
            let left = text.len() as u64 - reading.tail.read_bytes().min(text.len() as u64);
            let before = reading.position();
            let Some(more) = reading.read_in_parts_of(part_bytes, &context, left, 3) else { break };
            batches.extend(more);
            parts += 1;
            if reading.position() == before {
                break;
            }
        }
        while reading.turn(&context, None, u64::MAX).expect("readable") == Turn::More {
            batches.extend(reading.take_batch());
        }
        while reading.finish(&context).expect("readable") == Turn::More {}
        batches.extend(reading.take_batch());
        (batches, reading.position(), parts)
    }

    /// Decodes as Graph's, but for one property.
    #[derive(Debug)]
    struct Faulty(Box<dyn Decode>);

    impl Decode for Faulty {
        fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
            assert!(!record.starts_with(b"{\"fault\""), "a fault of the decoder");
            self.0.decode(record)
        }
    }

    #[test]
    fn parts_that_panic_cost_nothing_before_them() {
        let graph = Format::named("graph").expect("built in");
        let faulty = Box::leak(Box::new(Format {
            decoder: &|names| {
                let graph = Format::named("graph").expect("built in");
                Box::new(Faulty((graph.decoder)(names)))
            },
            ..*graph
        }));
        let part = rows(false, 100);
        let fault = "{\"fault\": 1}\n";
        // More than one part panics.
        let text = [&part, &part, fault, &part, fault, &part, fault].concat();
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("room");
        let context = Context::of_counts(START);
        let options = Options { format: Some(faulty), ..Options::default() };
        let mut reading = Reading::new(file.reopen().expect("a file"), options);
        assert!(reading.turn(&context, Some(4096), 4096).is_ok());
        let (bytes, length) = (part.len() as u64, text.len() as u64);
        let batches = reading.read_in_parts_of(bytes, &context, length - reading.position(), 4);
        assert!(batches.is_some_and(|batches| !batches.is_empty()));
        assert!((bytes..=2 * bytes).contains(&reading.position()), "{}", reading.position());
    }

    /// The ids of calls, and how many records were rejected.
    fn calls(batches: &[Batch]) -> (Vec<RecordId>, u64) {
        let ids = batches.iter().flat_map(|batch| batch.calls.ids()).collect();
        (ids, batches.iter().map(|batch| batch.records.rejected).sum())
    }

    /// As [`calls`], of a file that is written in two pieces, with a restart between them.
    fn resumed(text: &[u8], cut: usize, options: Options) -> (Vec<RecordId>, u64) {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let context = Context { remembers: true, ..Context::of_counts(START) };
        let mut reading = Reading::new(file.reopen().expect("a file"), options);
        let mut batches = Vec::new();
        for piece in [&text[..cut], &text[cut..]] {
            file.write_all(piece).expect("room");
            while reading.turn(&context, None, 300).expect("readable") == Turn::More {
                batches.extend(reading.take_batch());
            }
            batches.extend(reading.take_batch());
            if let Some(content) = reading.content().filter(|_| piece.len() == cut) {
                let again =
                    Reading::resume(file.reopen().expect("a file"), options, &content, &Memory::default());
                reading = again.expect("readable").unwrap_or(reading);
            }
        }
        while reading.finish(&context).expect("readable") == Turn::More {}
        batches.extend(reading.take_batch());
        calls(&batches)
    }

    /// `Name;Code;Id`, with this quote.
    fn quoted_by(quote: u8) -> Options {
        let origin = |(field, place): (Field, &str)| Origin {
            field,
            from: From::Place(place.to_owned()),
            values: Vec::new(),
            time: TimeFormat::default(),
            divide_by: 1,
        };
        let mapping = Mapping {
            shape: Shape::Csv { delimiter: b';', has_header: true },
            origins: [(Field::SipCode, "Code"), (Field::Id, "Id")].map(origin).into(),
            conditions: Vec::new(),
            rejects_others: false,
            device: Device::parse(&[], TrunkFrom::Teams, jiff::tz::TimeZone::UTC).expect("no names"),
            quote: Some(quote),
            skip_lines: 0,
            records_in: None,
        };
        Options { format: Some(mapping.format()), ..Options::default() }
    }

    /// A table of these names: those that must be are in quotes, and a few that would have to be are not.
    fn table(names: &[String], quote: char, odd: &[prop::sample::Index]) -> String {
        let mut lines = vec!["Name;Code;Id".to_owned()];
        let odd: Vec<usize> = odd.iter().map(|place| place.index(names.len())).collect();
        for (place, name) in names.iter().enumerate() {
            let is_to_be_quoted = name.starts_with(quote) || name.contains([';', '\n', '\r']);
            let doubled = name.replace(quote, &format!("{quote}{quote}"));
            let is_quoted = is_to_be_quoted && !odd.contains(&place);
            let name = if is_quoted { format!("{quote}{doubled}{quote}") } else { name.clone() };
            lines.push(format!("{name};404;{}", place + 1));
        }
        lines.join("\n") + "\n"
    }

    #[test]
    fn parts_of_usual_files_are_taken() {
        for is_csv in [false, true] {
            let text = rows(is_csv, 2000);
            let (records, position, rejected, parts) = read(text.as_bytes(), Some(20_000));
            assert!(parts > 5, "{parts}");
            let (in_order, end, none, _) = read(text.as_bytes(), None);
            assert_eq!((records, position, rejected), (in_order, end, none));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// Quotes, line ends, holes, headers and damage anywhere: cuts that are wrong change nothing.
        #[test]
        fn how_a_text_is_cut_changes_nothing(
            is_csv in any::<bool>(),
            part_bytes in 2_000_u64..12_000,
            changes in proptest::collection::vec(
                (any::<prop::sample::Index>(), "(\"|\"\n\"|\n|\u{0}{1,9}|[{}\\[\\],]|x{1,40}|CorrelationId,Success,Final SIP code\n)"),
                0..12,
            ),
        ) {
            let mut text = rows(is_csv, 120).into_bytes();
            for (place, inserted) in changes {
                // Not in the head, which makes another file of it.
                let place = 3000 + place.index(text.len() - 3000);
                text.splice(place..place, inserted.into_bytes());
            }
            let (records, position, rejected, _) = read(&text, Some(part_bytes));
            let (in_order, end, rejected_in_order, _) = read(&text, None);
            prop_assert_eq!((records, position, rejected), (in_order, end, rejected_in_order));
        }

        /// Whatever quotes, the calls of a table are those that a plain reader of CSV with this quote finds in it: at once, by
        /// threads, and in pieces with a restart between. Where it finds a row that is none, one is rejected.
        #[test]
        fn rows_are_cut_by_the_quote_that_the_config_names(
            is_apostrophe in any::<bool>(),
            names in proptest::collection::vec("[ab \"'\\\\]{0,5}|[ab\"';\n]{0,6}|[\"'][a\"';]{0,4}", 700..900),
            odd in proptest::collection::vec(any::<prop::sample::Index>(), 0..3),
            is_odd in any::<bool>(),
            part_bytes in 500_u64..3000,
            cut in any::<prop::sample::Index>(),
        ) {
            let quote = if is_apostrophe { b'\'' } else { b'"' };
            let text = table(&names, char::from(quote), if is_odd { &odd } else { &[] });
            let (text, options) = (text.as_bytes(), quoted_by(quote));
            let plainly = csv::ReaderBuilder::new().delimiter(b';').quote(quote).flexible(true).from_reader(text);
            let rows: Vec<csv::StringRecord> = plainly.into_records().map(|row| row.expect("text")).collect();
            let (whole, ..) = batches_of(text, None, options);
            let (by_threads, _, _) = batches_of(text, Some(part_bytes), options);
            prop_assert_eq!(calls(&by_threads), calls(&whole));
            prop_assert_eq!(resumed(text, cut.index(text.len()), options), calls(&whole));
            let (ids, rejected) = calls(&whole);
            if rows.iter().all(|row| row.len() == 3 && &row[1] == "404") {
                let expected = rows.iter().map(|row| record_id(row[2].as_bytes()).expect("a number"));
                prop_assert_eq!((ids, rejected), (expected.collect::<Vec<_>>(), 0));
            } else {
                prop_assert!(rejected > 0);
            }
        }
    }
}
