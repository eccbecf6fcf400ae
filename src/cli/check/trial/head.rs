//! What a mapping makes of the first records of a file, put together.

use super::first_line;
use crate::call::Call;
use crate::format::mapped::trial::{Fault, Trial, WHERE};
use crate::format::{Decoded, Format};
use crate::pipeline::Source;
use crate::reading::stages::{Piece, Stages};

/// So many calls are shown.
const CALLS_SHOWN: usize = 3;
/// So many faults are shown.
const FAULTS_SHOWN: usize = 10;

/// What was found in the head of a file.
#[derive(Debug, Default)]
pub struct Head {
    pub calls: Vec<(Call<'static>, Trial)>,
    /// All records, those that are headers, and those that are ignored.
    pub records: usize,
    pub headers: usize,
    pub ignored: usize,
    /// Key and place, and whether a record had it.
    pub wanted: Vec<(&'static str, String, bool)>,
    pub places: Vec<String>,
    pub unused: Vec<String>,
    /// Each kind of fault by the first of it, the number of that record, and how many records have it.
    pub faults: Vec<(Fault, usize, usize)>,
    pub first_line: Vec<u8>,
    /// As in [`Trial`], of any record.
    pub repeats_names: bool,
    pub differs_from_names: bool,
    pub holder: Option<String>,
}

impl Head {
    /// Tries the format on the beginning of a text; also gives what goes on behind it.
    pub fn of(format: &'static Format, source: &Source, text: &[u8], finished: bool) -> (Self, Stages) {
        let mut stages = Stages::new(format, source.reading);
        let mut head = Self { first_line: first_line(text).to_vec(), ..Self::default() };
        let mut rest = text;
        loop {
            let is_header;
            let (call, range, next) = match stages.next(rest, finished) {
                Piece::NeedMore => break,
                Piece::Skip { next } => {
                    rest = &rest[next..];
                    continue;
                }
                Piece::Record { decoded, text, next } => {
                    is_header = decoded == Decoded::Header;
                    head.headers += usize::from(is_header);
                    head.ignored += usize::from(decoded == Decoded::Ignored);
                    let call = if let Decoded::Call(call) = decoded { Some(call.owned()) } else { None };
                    (call, text, next)
                }
            };
            head.records += 1;
            if let Some(trial) = stages.decoder.trial(&rest[range]).filter(|_| !is_header) {
                head.add(call, trial);
            }
            rest = &rest[next..];
        }
        (head, stages)
    }

    /// Adds a record that was tried.
    pub fn add(&mut self, call: Option<Call<'static>>, trial: Trial) {
        self.repeats_names |= trial.repeats_names;
        self.differs_from_names |= trial.differs_from_names;
        self.holder = self.holder.take().or_else(|| trial.holder.clone());
        for place in &trial.places {
            if !self.places.contains(place) {
                self.places.push(place.clone());
            }
        }
        for place in trial.unused() {
            if !self.unused.iter().any(|known| known == place) {
                self.unused.push(place.to_owned());
            }
        }
        for (key, place, is_there) in &trial.wanted {
            match self.wanted.iter_mut().find(|(other, known, _)| (other, known) == (key, place)) {
                Some((.., was_there)) => *was_there |= is_there,
                None => self.wanted.push((key, place.clone(), *is_there)),
            }
        }
        for fault in &trial.faults {
            let same =
                |it: &&mut (Fault, usize, usize)| (it.0.key, &it.0.advice) == (fault.key, &fault.advice);
            match self.faults.iter_mut().find(same) {
                Some((.., count)) => *count += 1,
                None => self.faults.push((fault.clone(), self.records, 1)),
            }
        }
        if let Some(call) = call
            && self.calls.len() < CALLS_SHOWN
        {
            self.calls.push((call, trial));
        }
    }

    /// What is wrong with fields. What `where` drops is as it should be, unless it drops all; and where no place is there,
    /// that alone is said.
    pub fn faults(&self) -> impl Iterator<Item = &(Fault, usize, usize)> {
        let faults = self.faults.iter().filter(|(fault, ..)| fault.key != WHERE || self.calls.is_empty());
        faults.take(if self.is_named() { FAULTS_SHOWN } else { 0 })
    }

    /// Whether several of the places that the config names are there: one may be a word in the row of a table that has no
    /// header.
    pub fn are_names(&self) -> bool {
        self.are_above_rows() && self.wanted.iter().filter(|(.., is_there)| *is_there).count() >= 2
    }

    /// Whether rows differ from what stands above them as rows differ from names.
    pub fn are_above_rows(&self) -> bool {
        self.differs_from_names && !self.repeats_names
    }

    /// Whether a place that the config names is there: then names of places are names, and not somebody's data.
    pub fn is_named(&self) -> bool {
        self.wanted.iter().any(|(.., is_there)| *is_there)
    }
}
