//! What people should hear of a log of a device beside its counts, once: that none of its calls has a side that counts, or that
//! another device writes into it, too.

use std::collections::BTreeSet;

use crate::format::Format;
use crate::format::device::LOG_BEGINNING;

use super::Options;
use super::stages::Stages;

/// So many records of calls show that it is no chance that none counts: a call may have several, and some calls pass Teams by.
const ENOUGH: u64 = 20;
/// So many lines of a text are looked at for them: a log may have anything between.
const LINES: usize = 4096;
/// So many names are shown.
const NAMES: usize = 20;

/// What a log has shown.
#[derive(Debug, Default)]
pub struct Remarks {
    calls: u64,
    names: BTreeSet<String>,
    are_sides_said: bool,
    is_mixed_said: bool,
}

impl Remarks {
    /// Looks at a text that was just read, from `position` on; `counts` says whether any call of the file counts by now. What there is
    /// to say.
    pub fn look(
        &mut self,
        stages: &Stages,
        options: &Options,
        (text, position): (&[u8], u64),
        counts: bool,
    ) -> Vec<String> {
        if !stages.format.is_of_device() {
            return Vec::new();
        }
        let sides = if counts || self.are_sides_said { None } else { self.sides(stages, text) };
        let mixed = match options.format.is_some() || self.is_mixed_said || position > LOG_BEGINNING as u64 {
            true => None,
            false => mixed(stages.format, text, *options),
        };
        self.are_sides_said |= sides.is_some();
        self.is_mixed_said |= mixed.is_some();
        sides.into_iter().chain(mixed).collect()
    }

    fn sides(&mut self, stages: &Stages, text: &[u8]) -> Option<String> {
        let mut are_told = false;
        for line in text.split(|byte| *byte == b'\n').take(LINES) {
            if let Some(sides) = stages.decoder.sides(line) {
                self.calls += 1;
                are_told = sides.are_told;
                self.names.extend(sides.names);
            }
            if self.calls >= ENOUGH {
                return Some(without_side(self.calls, are_told, &self.names));
            }
        }
        None
    }
}

/// That so many records of calls are there, none of which counts.
pub fn without_side(calls: u64, are_told: bool, names: &BTreeSet<String>) -> String {
    let records = if calls == 1 { "1 call record".to_owned() } else { format!("{calls} call records") };
    let shown: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
    let more = if names.len() > NAMES { ", ..." } else { "" };
    let have = match shown.as_slice() {
        [] => "they have none that can be shown".to_owned(),
        names => format!("they have {}{more}", names.join(", ")),
    };
    match are_told {
        true => format!("{records}, and none counts: no name of their sides is in `teams_side`; {have}"),
        false => {
            format!(
                "{records}, and none counts: none shows which side is Teams'; say its names in `teams_side`; {have}"
            )
        }
    }
}

/// That a log which is read as one of a device has records of others, too, where it has.
pub fn mixed(format: &Format, text: &[u8], options: Options) -> Option<String> {
    let mut names: Vec<&str> = Format::candidates(text, options.names).iter().map(|it| it.name).collect();
    names.retain(|name| *name != format.name);
    (format.is_log && !names.is_empty()).then(|| {
        format!(
            "read as `{}`, though it seems to have records of {}, too, which are ignored: have each device written into a file \
             of its own, or read the file by two sources, each with its `format`",
            format.name,
            names.join(" and ")
        )
    })
}
