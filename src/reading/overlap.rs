//! Whether the same calls come in two formats: then each counts twice, since the formats give a call different ids.
//!
//! No key that both have is exact (`docs/formats.md` says why), so nothing is left out: it is said. What tells it are
//! trunks that both have, and times at which both have calls.

use std::collections::{BTreeMap, BTreeSet};

use super::Batch;
use crate::format::Format;
use crate::format::trunk::HIDDEN;

const MINUTE: i64 = 60 * 1000;
/// Calls of one format may begin shortly before those of the other end.
const LEAST_MINUTES: i64 = 10;
/// How many trunks and stretches of time are kept of a format.
const MOST_TRUNKS: usize = 1000;
const MOST_TIMES: usize = 1000;

/// What a format brought.
#[derive(Debug, Default)]
struct Brought {
    trunks: BTreeSet<Box<str>>,
    /// First and last end of calls, in milliseconds; sorted, and apart from each other.
    times: Vec<(i64, i64)>,
}

/// What the formats of one source brought.
#[derive(Debug, Default)]
pub struct Overlap {
    of: BTreeMap<&'static str, Brought>,
    of_device: Option<&'static str>,
    of_microsoft: Option<&'static str>,
}

/// Two formats that seem to bring the same calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Twice {
    /// One is of a device and the other of Microsoft, which name trunks each in its own way.
    DeviceAndMicrosoft([&'static str; 2]),
    SameTrunks {
        formats: [&'static str; 2],
        /// How many trunks both have.
        trunks: usize,
        /// For how long both have calls.
        minutes: i64,
    },
}

impl Twice {
    /// In words, for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::DeviceAndMicrosoft([device, microsoft]) => format!(
                "the same calls come twice: {device} has the records of a device and {microsoft} those of Microsoft, and a call \
                 that is in both counts twice. Make each a source of its own"
            ),
            Self::SameTrunks { formats: [one, other], trunks, minutes } => {
                let trunks = if *trunks == 1 { "1 trunk".to_owned() } else { format!("{trunks} trunks") };
                format!(
                    "the same calls seem to come twice: {one} and {other} both have calls over {trunks} in the same {minutes} \
                     minutes, and a call that comes in both counts twice. Read one of the two"
                )
            }
        }
    }
}

impl Overlap {
    /// Notes the calls of a batch.
    pub fn add(&mut self, batch: &Batch) {
        if let Some(format) = batch.format
            && batch.records.calls > 0
        {
            self.note_origin(format);
        }
        let (Some(format), Some((first, last))) = (batch.format, batch.calls.span) else { return };
        let twin = Format::named(format).and_then(|format| format.twin);
        let brought = self.of.entry(twin.map_or(format, |twin| twin.name)).or_default();
        for trunk in batch.calls.trunks().filter(|trunk| !matches!(*trunk, "" | HIDDEN)) {
            if brought.trunks.len() < MOST_TRUNKS && !brought.trunks.contains(trunk) {
                brought.trunks.insert(trunk.into());
            }
        }
        brought.add_time(first.0, last.0);
    }

    /// Notes whether a format is that of a device, or one of Microsoft's.
    fn note_origin(&mut self, format: &'static str) {
        let known = match Format::named(format) {
            Some(format) if format.is_of_device() => &mut self.of_device,
            Some(_) => &mut self.of_microsoft,
            // The operator's own.
            None => return,
        };
        known.get_or_insert(format);
    }

    /// The formats that seem to bring the same calls, if any do.
    pub fn twice(&self) -> Option<Twice> {
        if let (Some(device), Some(microsoft)) = (self.of_device, self.of_microsoft) {
            return Some(Twice::DeviceAndMicrosoft([device, microsoft]));
        }
        let all: Vec<_> = self.of.iter().collect();
        let pairs =
            all.iter().enumerate().flat_map(|(at, one)| all[at + 1..].iter().map(move |other| (one, other)));
        pairs.into_iter().find_map(|((one, left), (other, right))| {
            let trunks = left.trunks.intersection(&right.trunks).count();
            let minutes = left.shared_millis(right) / MINUTE;
            let found = trunks > 0 && minutes >= LEAST_MINUTES;
            found.then_some(Twice::SameTrunks { formats: [one, other], trunks, minutes })
        })
    }
}

impl Brought {
    fn add_time(&mut self, first: i64, last: i64) {
        // Those that touch it become a part of it.
        let from = self.times.partition_point(|(_, end)| *end < first);
        let to = self.times.partition_point(|(begin, _)| *begin <= last);
        let touched = self.times.get(from..to).unwrap_or_default();
        let begin = touched.first().map_or(first, |(begin, _)| first.min(*begin));
        let end = touched.last().map_or(last, |(_, end)| last.max(*end));
        self.times.splice(from..to.max(from), [(begin, end)]);
        if self.times.len() > MOST_TIMES {
            self.times.remove(0);
        }
    }

    fn shared_millis(&self, other: &Self) -> i64 {
        let shared = |one: &(i64, i64)| {
            let with = |two: &(i64, i64)| (one.1.min(two.1) - one.0.max(two.0)).max(0);
            other.times.iter().map(with).sum::<i64>()
        };
        self.times.iter().map(shared).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brought(trunks: &[&str], times: &[(i64, i64)]) -> Brought {
        let mut brought = Brought::default();
        brought.trunks.extend(trunks.iter().map(|trunk| Box::from(*trunk)));
        times.iter().for_each(|(first, last)| brought.add_time(first * MINUTE, last * MINUTE));
        brought
    }

    #[test]
    fn stretches_that_touch_become_one() {
        let times = |times: &[(i64, i64)]| brought(&[], times).times;
        let minutes = |times: &[(i64, i64)]| {
            times.iter().map(|(begin, end)| (begin * MINUTE, end * MINUTE)).collect::<Vec<_>>()
        };
        for (added, expected) in [
            (vec![(1, 2)], vec![(1, 2)]),
            (vec![(5, 6), (1, 2)], vec![(1, 2), (5, 6)]),
            (vec![(1, 3), (2, 5)], vec![(1, 5)]),
            (vec![(1, 2), (5, 6), (2, 5)], vec![(1, 6)]),
            (vec![(1, 9), (2, 3)], vec![(1, 9)]),
            (vec![(1, 2), (3, 4), (7, 8), (0, 9)], vec![(0, 9)]),
        ] {
            assert_eq!(times(&added), minutes(&expected), "{added:?}");
        }
    }

    #[test]
    fn a_device_and_microsoft_have_the_same_calls() {
        let mut overlap = Overlap::default();
        overlap.note_origin("audiocodes");
        overlap.note_origin("csv");
        assert_eq!(overlap.twice(), None);
        overlap.note_origin("graph");
        let said = overlap.twice().unwrap().sentence();
        assert!(
            said.contains("audiocodes") && said.contains("graph") && said.contains("a source of its own"),
            "{said}"
        );
    }

    #[test]
    fn the_same_trunks_at_the_same_times_in_two_formats_are_told_of() {
        let day = 24 * 60;
        for (graph, admin_center, expected) in [
            ((["a"], vec![(0, day)]), (["a"], vec![(60, 2 * day)]), Some((1, day - 60))),
            ((["a"], vec![(0, day), (2 * day, 3 * day)]), (["a"], vec![(day + 1, 2 * day - 1)]), None),
            ((["a"], vec![(0, day)]), (["b"], vec![(0, day)]), None),
            ((["a"], vec![(0, day)]), (["a"], vec![(day - 9, 2 * day)]), None),
        ] {
            let mut overlap = Overlap::default();
            overlap.of.insert("graph", brought(&graph.0, &graph.1));
            overlap.of.insert("teams_admin_center", brought(&admin_center.0, &admin_center.1));
            let twice = overlap.twice().map(|twice| match twice {
                Twice::SameTrunks { trunks, minutes, .. } => (trunks, minutes),
                Twice::DeviceAndMicrosoft(..) => panic!("{twice:?}"),
            });
            assert_eq!(twice, expected, "{graph:?} {admin_center:?}");
        }
    }
}
