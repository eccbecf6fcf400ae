//! Takes options, at the start and at a reload: what is known of a source of the same name stays.

use std::sync::Arc;

use tracing::info;

use super::looker::Looker;
use super::{Followed, Options, Pipeline, Source};
use crate::follow::{Files, Lines};
use crate::ledger::{FilesNow, Ledger};
use crate::reading::overlap::Overlap;
use crate::reading::trunk;

impl Pipeline {
    pub(super) fn reload(&mut self, options: Options) {
        self.ledger.reconfigure(options.limits, Arc::clone(&options.catalogue), (self.clock)().wall);
        self.ledger.keep_history(options.history, (self.clock)().wall);
        self.rescan_interval = options.rescan_interval;
        self.patience = options.patience;
        self.configure(options);
        self.scan();
        self.commit();
    }

    /// Takes the sources of these options; what is known of a source of the same name stays.
    pub(super) fn configure(&mut self, options: Options) {
        let mut before = std::mem::take(&mut self.sources);
        for Source { books, discover, reading } in options.sources {
            let name = Arc::clone(&books.name);
            let index = self.ledger.source(books, (self.clock)().wall);
            let followed = match before.iter().position(|known| known.name == name) {
                Some(place) => {
                    let mut followed = before.swap_remove(place);
                    followed.files.reconfigure(discover, reading);
                    followed.looker.iter_mut().for_each(Looker::reconfigured);
                    followed
                }
                None => {
                    self.numbered += 1;
                    let files = Files::new(discover, reading, self.ledger.contents(index));
                    let looker = self.start_looking(self.numbered, &name);
                    let looked = (self.clock)().steady;
                    Followed {
                        name,
                        index,
                        number: self.numbered,
                        files,
                        looker,
                        looked,
                        is_touched: false,
                        all_read: None,
                        overlap: Some(Overlap::default()),
                        lines: Lines::default(),
                    }
                }
            };
            self.sources.push(followed);
        }
        self.memory.set_limit(options.memory_bytes);
        // One half for files that may still grow, the other for those that wait for their turn.
        let open_files = self.open_files / self.sources.len().max(1) / 2;
        self.sources.iter_mut().for_each(|source| source.files.keep_at_most(open_files));
        for Followed { index, .. } in before {
            // Its counters stay; it has no files any more.
            self.ledger.files_now(index, FilesNow::default());
        }
    }
}

/// Says at the first start how to let no other text become the label `trunk` than the names of SBCs.
pub(super) fn propose_trunks(of: &Followed, ledger: &Ledger) {
    let (source, format) = (&*of.name, of.files.options().format);
    let mut proposed = ledger.proposed_trunks(of.index);
    proposed.retain(|trunk| !format.is_some_and(|format| format.may_name_person(trunk)));
    if !proposed.is_empty() {
        let config = trunk::proposal(&proposed);
        info!(source, %config, "every trunk that records name is shown; with this in the config, only these are");
    }
}
