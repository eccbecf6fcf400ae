//! What each stage costs for a record: made-up exports, the same at every run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot run has nothing better to do"
)]

use std::hint::black_box;
use std::io::Write;
use std::time::Duration;

use cdr_exporter::call::{Call, UnixMillis};
use cdr_exporter::classify::Catalogue;
use cdr_exporter::cli::demo::ADMIN_CENTER_HEADER;
use cdr_exporter::cli::demo::truth::Export;
use cdr_exporter::format::names::Names;
use cdr_exporter::format::{Decode, Decoded, Format, Front, graph, teams_admin_center};
use cdr_exporter::framing::Split;
use cdr_exporter::ledger::{Ledger, Limits, SourceIndex, SourceOptions};
use cdr_exporter::reading::batch::Batch;
use cdr_exporter::reading::{Found, HowRead, Options, Reading, Records, Turn};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const ROWS: u16 = 5000;
const START: UnixMillis = UnixMillis(1_793_491_200_000);
const RECORD_BYTES: usize = 1024 * 1024;

fn export(format: &Format) -> String {
    let mut export = Export::new(1, START, 5.0);
    let mut text = String::new();
    if *format == teams_admin_center::FORMAT {
        text.push_str(ADMIN_CENTER_HEADER);
    }
    for row in 0..i64::from(ROWS) {
        let call = export.next_call(UnixMillis(START.0 + row * 50));
        match *format == teams_admin_center::FORMAT {
            false => export.traffic.graph_row(&call, &mut text),
            true => export.traffic.admin_center_row(&call, &mut text),
        }
    }
    text
}

/// The records of a text, cut.
fn split<'t>(format: &Format, mut text: &'t [u8]) -> Vec<&'t [u8]> {
    let (mut splitter, mut records) = (format.framing.splitter(RECORD_BYTES), Vec::new());
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
fn decoder(format: &Format, records: &[&[u8]]) -> Box<dyn Decode> {
    let mut decoder = (format.decoder)(Names::default());
    let _ = decoder.decode(records[0]);
    decoder
}

fn ledger(remember: Duration) -> (Ledger, SourceIndex) {
    let mut ledger = Ledger::new(Limits::default(), Catalogue::built_in());
    let source = SourceOptions::named("bench", remember);
    let source = ledger.source(source, START);
    (ledger, source)
}

fn stages(criterion: &mut Criterion) {
    for format in [&graph::FORMAT, &teams_admin_center::FORMAT] {
        let text = export(format);
        let records = split(format, text.as_bytes());
        let mut group = criterion.benchmark_group(format.name);
        group.throughput(Throughput::Elements(ROWS.into()));
        group.bench_function("split by structure", |bencher| bencher.iter(|| split(format, text.as_bytes())));
        let mut decode = decoder(format, &records);
        group.bench_function("decode", |bencher| {
            bencher.iter(|| records.iter().for_each(|record| drop(black_box(decode.decode(record)))));
        });
        group.bench_function("split and decode in one go", |bencher| {
            bencher.iter(|| front(&mut *decode, text.as_bytes()));
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

/// Reads the usual records as a turn does, and passes over the others.
fn front(decoder: &mut dyn Decode, mut text: &[u8]) {
    while !text.is_empty() {
        let mut front = Front::empty();
        decoder.decode_front(text, RECORD_BYTES, &mut front);
        black_box(&front.calls);
        let unusual = || memchr::memchr(b'\n', text).map_or(text.len(), |newline| newline + 1);
        text = &text[if front.end == 0 { unusual() } else { front.end }..];
    }
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn read((mut ledger, source): (Ledger, SourceIndex), file: &tempfile::NamedTempFile) -> Ledger {
    let mut reading = Reading::new(file.reopen().unwrap(), Options::default());
    let context = ledger.context(source, START, false);
    let mut is_at_end = false;
    loop {
        let turn = match is_at_end {
            false => reading.turn(&context, None, u64::MAX),
            true => reading.finish(&context),
        };
        if let Some(batch) = reading.take_batch() {
            ledger.apply(source, &batch);
        }
        match turn.unwrap() {
            Turn::More => {}
            Turn::CaughtUp if is_at_end => return ledger,
            Turn::CaughtUp => is_at_end = true,
        }
    }
}

fn ledger_stages(criterion: &mut Criterion) {
    let text = export(&graph::FORMAT);
    let records = split(&graph::FORMAT, text.as_bytes());
    let mut decoders: Vec<_> = records.iter().map(|_| (graph::FORMAT.decoder)(Names::default())).collect();
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
    for (name, remember) in [("apply", Duration::ZERO), ("apply, remembering", Duration::from_hours(24))] {
        let batch = batch(&calls, remember);
        group.bench_function(name, |bencher| {
            let apply = |(mut ledger, source): (Ledger, SourceIndex)| {
                black_box(ledger.apply(source, &batch));
                ledger
            };
            bencher.iter_batched(|| ledger(remember), apply, BatchSize::LargeInput);
        });
    }
    group.bench_function("classify and fold", |bencher| {
        bencher.iter(|| black_box(batch(&calls, Duration::from_hours(24))));
    });
    group.finish();
}

fn batch(calls: &[Call<'_>], remember: Duration) -> Batch {
    let (ledger, source) = ledger(remember);
    let how = HowRead { format: &graph::FORMAT, live_within: Duration::from_hours(6), ignored_are: None };
    let mut batch = Batch::default();
    let found = Found::Calls { calls, positions: &[] };
    batch.add(&found, how, &Records::default(), &ledger.context(source, START, false));
    batch
}

criterion_group!(benches, stages, ledger_stages);
criterion_main!(benches);
