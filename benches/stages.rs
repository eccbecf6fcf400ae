//! What each stage costs for a record: made-up exports, the same at every run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot run has nothing better to do"
)]

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use cdr_exporter::call::{Call, RecordId, UnixMillis};
use cdr_exporter::classify::Catalogue;
use cdr_exporter::cli::demo::ADMIN_CENTER_HEADER;
use cdr_exporter::cli::demo::truth::Export;
use cdr_exporter::decode::{Decoded, Decoder, Format, Reason};
use cdr_exporter::ledger::{AT_ONCE, Ledger, Limits, SourceIndex, SourceOptions};
use cdr_exporter::pipeline::booking::Books;
use cdr_exporter::pipeline::reading::{Options, Reading};
use cdr_exporter::source::split::{JsonSplitter, QuotedCsvSplitter, Split, Splitter};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const ROWS: u16 = 5000;
const START: UnixMillis = UnixMillis(1_793_491_200_000);
const RECORD_BYTES: usize = 1024 * 1024;

fn export(format: Format) -> String {
    let mut export = Export::new(1, START, 5.0);
    let mut text = String::new();
    if format == Format::TeamsAdminCenter {
        text.push_str(ADMIN_CENTER_HEADER);
    }
    for row in 0..i64::from(ROWS) {
        let call = export.next_call(UnixMillis(START.0 + row * 50));
        match format {
            Format::Graph => export.traffic.graph_row(&call, &mut text),
            Format::TeamsAdminCenter => export.traffic.admin_center_row(&call, &mut text),
        }
    }
    text
}

fn splitter(format: Format) -> Splitter {
    match format {
        Format::Graph => Splitter::Json(JsonSplitter::new(RECORD_BYTES)),
        Format::TeamsAdminCenter => Splitter::QuotedCsv(QuotedCsvSplitter::new(RECORD_BYTES)),
    }
}

/// The records of a text, cut.
fn split(format: Format, mut text: &[u8]) -> Vec<&[u8]> {
    let (mut splitter, mut records) = (splitter(format), Vec::new());
    loop {
        let next = match splitter.next(text, true) {
            Split::Record { start, end, next } => {
                records.push(&text[start..end]);
                next
            }
            Split::Broken { next, .. } | Split::TooLong { next } | Split::Skip { next } => next,
            Split::NeedMore => return records,
        };
        text = &text[next..];
    }
}

/// A decoder that has seen the header, if there is one.
fn decoder(format: Format, records: &[&[u8]]) -> Decoder {
    let mut decoder = Decoder::new(format);
    let _ = decoder.decode(records[0]);
    decoder
}

fn ledger(remember: Duration) -> (Ledger, SourceIndex) {
    let reasons = Reason::ALL.map(Reason::label).to_vec();
    let mut ledger = Ledger::new(Limits::default(), Arc::new(Catalogue::built_in()), reasons);
    let source = SourceOptions { name: "bench".into(), remember, trunk_names: Vec::new() };
    let source = ledger.source(source, START);
    (ledger, source)
}

fn stages(criterion: &mut Criterion) {
    for format in Format::ALL {
        let text = export(format);
        let records = split(format, text.as_bytes());
        let mut group = criterion.benchmark_group(format.name());
        group.throughput(Throughput::Elements(ROWS.into()));
        group.bench_function("split by structure", |bencher| bencher.iter(|| split(format, text.as_bytes())));
        let mut decode = decoder(format, &records);
        group.bench_function("decode", |bencher| {
            bencher.iter(|| records.iter().for_each(|record| drop(black_box(decode.decode(record)))));
        });
        group.bench_function("split and decode in one go", |bencher| {
            bencher.iter(|| front(&mut decode, &mut splitter(format), text.as_bytes()));
        });
        for (name, remember) in
            [("whole", Duration::from_hours(24)), ("whole, not remembering", Duration::ZERO)]
        {
            group.bench_function(name, |bencher| {
                let file = file(text.as_bytes());
                bencher.iter_batched(|| ledger(remember), |books| read(books, &file), BatchSize::LargeInput);
            });
        }
        group.finish();
    }
}

/// Reads the usual records as the pipeline does, and passes over the others.
fn front(decoder: &mut Decoder, splitter: &mut Splitter, mut text: &[u8]) {
    let mut calls = Vec::new();
    while let Some((begin, record)) = splitter.front(text) {
        calls.clear();
        let length = match decoder.decode_front(record, &mut calls) {
            Some(length) => {
                black_box(&calls);
                length
            }
            None => memchr::memchr(b'\n', record).map_or(record.len(), |newline| newline + 1),
        };
        text = &text[begin + length..];
        if text.is_empty() {
            return;
        }
    }
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn read((mut ledger, source): (Ledger, SourceIndex), file: &tempfile::NamedTempFile) -> Ledger {
    let mut reading = Reading::new(file.reopen().unwrap(), Options::default());
    let mut books = Books { ledger: &mut ledger, source, now: START, rejected: None };
    reading.turn(&mut books, None, u64::MAX).unwrap();
    reading.finish(&mut books).unwrap();
    ledger
}

fn ledger_stages(criterion: &mut Criterion) {
    let text = export(Format::Graph);
    let records = split(Format::Graph, text.as_bytes());
    let mut decoders: Vec<Decoder> = records.iter().map(|_| Decoder::new(Format::Graph)).collect();
    let decoded = records.iter().zip(&mut decoders).map(|(record, decoder)| decoder.decode(record));
    let calls: Vec<Call<'_>> = decoded
        .filter_map(|decoded| match decoded {
            Decoded::Call(call) => Some(call),
            Decoded::Header | Decoded::Ignored | Decoded::Rejected(_) => None,
        })
        .collect();
    let mut group = criterion.benchmark_group("ledger");
    group.throughput(Throughput::Elements(calls.len() as u64));
    let catalogue = Catalogue::built_in();
    group.bench_function("classify", |bencher| {
        bencher.iter(|| calls.iter().for_each(|call| _ = black_box(catalogue.classify(call))));
    });
    let (mut counting, source) = ledger(Duration::ZERO);
    group.bench_function("classify and count", |bencher| {
        bencher.iter(|| {
            for call in &calls {
                counting.count(source, call, &catalogue.classify(call), START, Duration::from_hours(6));
            }
        });
    });
    let ids: Vec<RecordId> = (0..u128::from(ROWS)).map(|id| RecordId(id << 64)).collect();
    group.bench_function("remember new ids", |bencher| {
        let remember = |(mut ledger, source): (Ledger, SourceIndex)| {
            for ids in ids.chunks(AT_ONCE) {
                black_box(ledger.are_new(source, ids.iter().copied(), START));
            }
            ledger
        };
        bencher.iter_batched(|| ledger(Duration::from_hours(24)), remember, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, stages, ledger_stages);
criterion_main!(benches);
