//! What lies on the disk: each source's looker goes through its folders, and what it found is compared here with what is
//! followed.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::looker::{Looked, Looker};
use super::{Followed, Pipeline};
use crate::clock::Moment;
use crate::ledger::FilesNow;
use crate::source::discover::Found;

impl Followed {
    /// Whether the system does not answer when it is asked for the source's files: then they are left alone.
    pub(super) fn is_stalled(&self) -> bool {
        self.looker.as_ref().is_some_and(Looker::is_stalled)
    }

    /// Whether a file waits for its turn, or has one; or the folders were not looked through yet.
    pub(super) fn is_behind(&self) -> bool {
        let is_awaited = self.looker.as_ref().is_some_and(Looker::is_awaited);
        !self.is_stalled() && (is_awaited || self.files.is_behind())
    }

    /// How long until its folders are to be looked through. That takes its time, and begins anew only after a pause.
    fn next_look(&self, interval: Duration, now: Moment) -> Duration {
        let is_looking = self.looker.as_ref().is_some_and(Looker::is_looking);
        if is_looking { interval } else { interval.saturating_sub(now.since(self.looked)) }
    }

    /// Whether the source's files can be touched without waiting.
    pub(super) fn answers(&self) -> bool {
        self.looker.as_ref().is_none_or(Looker::answers)
    }

    /// Whether a file can have its turn.
    pub(super) fn is_waiting(&self) -> bool {
        self.answers() && self.files.is_waiting()
    }

    /// Whether there is something to do as soon as the files can be touched, which should be soon.
    pub(super) fn waits_for_answer(&self) -> bool {
        !self.answers() && !self.is_stalled() && (self.is_touched || self.files.is_waiting())
    }

    /// Whether its files are looked after at any time. On a drive that may not answer, that is done when it just did.
    pub(super) fn is_tidied_at_any_time(&self) -> bool {
        self.answers() && !self.is_elsewhere()
    }

    /// Whether some of its files lie on a drive that may not answer one day.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.looker.as_ref().is_some_and(Looker::is_elsewhere)
    }

    /// What to show of its files.
    pub(super) fn files_now(&self) -> FilesNow {
        let mut now = self.files.now();
        if let Some(paths) = now.paths.as_mut().filter(|_| self.is_stalled()) {
            paths.is_up = false;
            paths.remarks.insert(0, "its folders do not answer; a drive or server may be gone".to_owned());
        }
        now
    }
}

impl Pipeline {
    /// Looks at what the watch of a source saw.
    pub(super) fn look(&mut self, source: u64) {
        let now = (self.clock)();
        let Some(place) = self.sources.iter().position(|followed| followed.number == source) else { return };
        self.sources[place].is_touched = !self.sources[place].answers();
        if self.sources[place].is_touched {
            return;
        }
        let Some(looker) = &mut self.sources[place].looker else { return };
        let touched = looker.take_touched();
        for path in &touched.paths {
            looker.note(path);
        }
        for path in &touched.paths {
            self.with(place, now, |files, around| files.look(path, around));
        }
        if touched.rescan {
            self.look_through(place, now);
        }
    }

    /// Has everything looked at.
    pub(super) fn scan(&mut self) {
        let now = (self.clock)();
        for place in 0..self.sources.len() {
            self.look_through(place, now);
        }
    }

    /// Has those sources looked at that have not been for long enough.
    pub(super) fn look_where_due(&mut self, now: Moment) {
        for place in 0..self.sources.len() {
            if self.sources[place].next_look(self.rescan_interval, now).is_zero() {
                self.look_through(place, now);
            }
        }
    }

    /// How long until a source is due.
    pub(super) fn until_next_look(&self, now: Moment) -> Duration {
        let next = self.sources.iter().map(|source| source.next_look(self.rescan_interval, now));
        next.min().unwrap_or(self.rescan_interval)
    }

    fn look_through(&mut self, place: usize, now: Moment) {
        let Followed { files, looker, looked, .. } = &mut self.sources[place];
        *looked = now.steady;
        match looker {
            Some(looker) => looker.look_through(files.discover(), now),
            None => {
                let found = files.discover().scan();
                self.scanned(place, now, found, &Default::default());
            }
        }
    }

    fn scanned(&mut self, place: usize, now: Moment, found: Found, meanwhile: &HashSet<PathBuf>) {
        if self.with(place, now, |files, around| files.scan(found, meanwhile, around)) {
            self.uncommitted.get_or_insert(now.steady);
        }
    }

    /// The folders of a source have been looked through.
    pub(super) fn looked(&mut self, Looked { source, found, is_elsewhere }: Looked) {
        let now = (self.clock)();
        let Some(place) = self.sources.iter().position(|followed| followed.number == source) else { return };
        let before = self.sources[place].files.now().paths;
        let Some(looker) = &mut self.sources[place].looker else { return };
        let took = looker.took_back(is_elsewhere);
        self.sources[place].looked = now.steady;
        if !took.is_outdated {
            self.scanned(place, now, found, &took.meanwhile);
        }
        let can_commit = self.committing.pause(now).is_none();
        let tidied = is_elsewhere && can_commit && self.tidy(place, now);
        if took.again {
            self.look_through(place, now);
        }
        if can_commit && (tidied || self.sources[place].files.now().paths != before) {
            self.commit();
        }
    }

    /// Sees which sources answer; what is news is said and shown, and what waited for an answer is looked at.
    pub(super) fn see_who_answers(&mut self, now: Moment) {
        self.see_who_stalls(now);
        let waits = self.sources.iter().filter(|source| source.is_touched && source.answers());
        for number in waits.map(|source| source.number).collect::<Vec<_>>() {
            self.look(number);
        }
    }

    fn see_who_stalls(&mut self, now: Moment) {
        let mut news = false;
        for Followed { name, looker, .. } in &mut self.sources {
            let Some(looker) = looker.as_mut().filter(|looker| looker.is_looking() || looker.is_stalled())
            else {
                continue;
            };
            if looker.sees(now) {
                news = true;
                match looker.is_stalled() {
                    true => warn!(
                        source = %name,
                        "its folders do not answer: a drive or server may be gone; its files wait, other sources go on"
                    ),
                    false => info!(source = %name, "its folders answer again"),
                }
            }
        }
        if news && self.committing.pause(now).is_none() {
            self.commit();
        }
    }

    /// The looker of a new source, if the system has a thread for it.
    pub(super) fn start_looking(&self, number: u64, name: &Arc<str>) -> Option<Looker> {
        let looker = Looker::start(number, name, &self.events);
        if let Err(error) = &looker {
            warn!(source = %name, %error, "the system has no more threads; the loop itself looks through the folders");
        }
        looker.ok()
    }
}
