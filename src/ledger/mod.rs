//! What was counted, and everything that must change together with it: counts, remembered records, the balance of
//! records and how far each file was read. Readers see it as of the last commit, in a [`Snapshot`].

pub mod forget;
pub mod history;
pub mod snapshot;
pub mod status;
pub mod store;
mod account;
mod attempts;
mod balance;
mod commits;
mod contents;
mod counts;
mod duplicates;
mod files;
mod known;
mod restore;
mod stored;
mod tallies;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use account::Account;
pub use balance::Apart;
use balance::Balance;
use counts::Counts;
pub use counts::{Families, Limits, OTHER, SourceIndex, TrunkName};
pub use files::{Decision, FileEvent, FilesNow, KnownFile, PathsNow};
use history::History;
pub use known::{Contents, Holder, Match};
use snapshot::{Commits, Snapshot};
use store::{Changes, Store, StoreError};

use crate::call::UnixMillis;
use crate::classify::Catalogue;
use crate::reading::trunk::{self, Only};
use crate::reading::{Batch, Context};

/// What the ledger is told of a source.
#[derive(Debug, Clone)]
pub struct SourceOptions {
    pub name: Arc<str>,
    /// How long a record id is remembered after its last sight; zero is not at all.
    pub remember: Duration,
    pub trunk_names: Vec<TrunkName>,
    /// The trunks that may be shown; `None`: all that have the shape of one.
    pub trunks: Option<Arc<Only>>,
    /// How long the attempts of a call may be apart.
    pub attempts_within: Duration,
    /// The source that alerts look at instead of this one, as long as it brings calls.
    pub prefer: Option<Arc<str>>,
}

impl SourceOptions {
    /// A source of which nothing else is said.
    pub fn named(name: &str, remember: Duration) -> Self {
        Self {
            name: name.into(),
            remember,
            trunk_names: Vec::new(),
            trunks: None,
            attempts_within: Duration::ZERO,
            prefer: None,
        }
    }
}

/// What became of the calls of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Those of which more attempts may come are among them: they will be.
    pub counted: u64,
    /// Those that came before.
    pub duplicate: u64,
    /// Attempts of calls that are among those counted.
    pub joined: u64,
}

impl Applied {
    fn and(self, other: Self) -> Self {
        Self {
            counted: self.counted + other.counted,
            duplicate: self.duplicate + other.duplicate,
            joined: self.joined + other.joined,
        }
    }
}

/// The ledger of all sources.
///
/// Each part notes what changed since the last commit; a commit writes that and nothing else.
#[derive(Debug)]
pub struct Ledger {
    catalogue: Arc<Catalogue>,
    counts: Counts,
    accounts: Vec<Account>,
    history: History,
    /// As in [`Snapshot::ready`], as of the last commit.
    ready: bool,
    /// Bytes booked as read since the last commit.
    uncommitted_bytes: u64,
    commits: Commits,
    store: Option<Store>,
}

impl Ledger {
    /// An empty ledger in memory only.
    pub fn new(limits: Limits, catalogue: Arc<Catalogue>) -> Self {
        Self {
            counts: Counts::new(limits, &catalogue),
            catalogue,
            accounts: Vec::new(),
            history: History::new(history::Options::default()),
            ready: false,
            uncommitted_bytes: 0,
            commits: Commits::default(),
            store: None,
        }
    }

    /// Takes new options. Nothing that was counted changes.
    pub fn reconfigure(&mut self, limits: Limits, catalogue: Arc<Catalogue>, now: UnixMillis) {
        self.counts.reconfigure(limits, &catalogue, now);
        self.catalogue = catalogue;
    }

    /// Keeps so much history. What is longer ago goes with the next commit.
    pub fn keep_history(&mut self, options: history::Options, now: UnixMillis) {
        self.history.reconfigure(options, now);
    }

    /// Opens the books of a source: those under its name if there are any, else new ones.
    pub fn source(&mut self, options: SourceOptions, now: UnixMillis) -> SourceIndex {
        let SourceOptions { name, remember, trunk_names, trunks, attempts_within, prefer } = options;
        if let Some(known) = self.accounts.iter().position(|account| account.name == name) {
            self.accounts[known].is_configured = true;
            self.accounts[known].trunks = trunks;
            self.accounts[known].prefer = prefer;
            let known = SourceIndex(known);
            self.accounts[known.0].attempts_within = attempts_within;
            self.counts.rename_trunks(known, trunk_names);
            if self.accounts[known.0].balance.remember != remember {
                self.balance(known).remember = remember;
            }
            return known;
        }
        let balance = Balance::new(remember, now);
        let mut account = Account::new(Arc::clone(&name), balance, self.store.is_some());
        account.is_configured = true;
        account.trunks = trunks;
        account.prefer = prefer;
        account.attempts_within = attempts_within;
        self.accounts.push(account);
        self.counts.add_source(name, trunk_names)
    }

    /// The balance of a source, to change it.
    fn balance(&mut self, source: SourceIndex) -> &mut Balance {
        let account = &mut self.accounts[source.0];
        account.changed = true;
        &mut account.balance
    }

    /// Every source of which anything is known, shown or not.
    pub fn sources(&self) -> impl Iterator<Item = (SourceIndex, &Arc<str>)> {
        self.accounts.iter().enumerate().map(|(place, account)| (SourceIndex(place), &account.name))
    }

    /// What reading a file of the source needs to know.
    pub fn context(&self, source: SourceIndex, now: UnixMillis, keeps_rejected: bool) -> Context {
        let catalogue = Arc::clone(&self.catalogue);
        let trunks = self.accounts[source.0].trunks.clone();
        Context {
            catalogue,
            now,
            remembers: self.remembers(source),
            keeps_rejected,
            trunks,
            keeps_exemplars: true,
            notes_origins: false,
            keeps_families: true,
            listing: None,
        }
    }

    /// Whether the ids of the source's records are remembered.
    pub fn remembers(&self, source: SourceIndex) -> bool {
        !self.accounts[source.0].balance.remember.is_zero()
    }

    /// The trunks that the source has brought since the start, as they are shown.
    pub fn trunks_seen(&self, source: SourceIndex) -> BTreeSet<String> {
        self.counts.trunks_seen(source).collect()
    }

    /// Patterns of the trunks that the source has brought since the start; none where the config has its own.
    pub fn proposed_trunks(&self, source: SourceIndex) -> BTreeSet<String> {
        match &self.accounts[source.0].trunks {
            Some(_) => BTreeSet::new(),
            None => trunk::patterns(self.counts.trunks_seen(source)),
        }
    }

    /// Whether the files present at the very first start are read.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Counts what a stretch of a file came to: each call that the source sees for the first time, and the rest as what it
    /// is. The only way in.
    pub fn apply(&mut self, source: SourceIndex, batch: &Batch) -> Applied {
        let account = &mut self.accounts[source.0];
        account.changed = true;
        account.balance.add(batch);
        self.uncommitted_bytes += batch.read_bytes;
        let Some(now) = batch.now else { return Applied::default() };
        let calls = self.apply_calls(source, batch, now);
        if batch.attempts.is_empty() {
            return calls;
        }
        let attempts = self.apply_attempts(source, batch, now);
        if self.accounts[source.0].attempts.are_too_many() {
            self.decide_surplus(source, now);
        }
        calls.and(attempts)
    }

    fn apply_calls(&mut self, source: SourceIndex, batch: &Batch, now: UnixMillis) -> Applied {
        let account = &mut self.accounts[source.0];
        let sums = account.new_calls(batch, now);
        let balance = &mut account.balance;
        let counted = sums.records;
        balance.records.counted += counted;
        let duplicate = batch.records.calls - batch.attempts.len() as u64 - counted;
        balance.records.duplicate += duplicate;
        balance.call_age.add(&sums.ages);
        balance.call_age.show(batch.exemplars.ages());
        balance.unread.iter_mut().zip(sums.unread).for_each(|(own, count)| *own += count);
        balance.newest_call = balance.newest_call.max(sums.newest);
        balance.tallies.add(&sums.tallies, self.counts.limits.countries_per_source);
        let mut series_of = vec![None; batch.calls.label_sets.len()];
        let mut calls = 0;
        for (place, labels, sum) in batch.calls.label_sets(&sums) {
            calls += sum.count;
            let exemplar = batch.exemplars.failure(place);
            let (series, overflow) = self.counts.add(source, labels, sum, exemplar, now);
            balance.series_overflow += if overflow { sum.count } else { 0 };
            series_of[place] = Some(series);
        }
        balance.apart.further_calls += calls - counted;
        self.history.add(&series_of, &sums.minutes, now);
        for (place, route) in batch.calls.routes(&sums) {
            self.counts.observe(source, route, &sums, (&batch.exemplars, place), now);
        }
        Applied { counted, duplicate, joined: 0 }
    }

    /// How many bytes were booked as read since the last commit.
    pub fn uncommitted_bytes(&self) -> u64 {
        self.uncommitted_bytes
    }

    /// Books what happened to a file.
    pub fn file_event(&mut self, source: SourceIndex, event: FileEvent) {
        self.balance(source).events[event as usize] += 1;
    }

    /// What is known of the texts of a source's files, from which reading goes on after a restart.
    pub fn contents(&self, source: SourceIndex) -> &Contents {
        &self.accounts[source.0].contents
    }

    /// The same, to be changed, for the next commit.
    pub fn contents_mut(&mut self, source: SourceIndex) -> &mut Contents {
        &mut self.accounts[source.0].contents
    }

    /// Notes that the rejected record at this position of a text is counted now; whether it was not before.
    pub fn replay(&mut self, source: SourceIndex, lineage: u64, position: u64) -> bool {
        self.accounts[source.0].replay(lineage, position)
    }

    /// Forgets replayed records of texts that are known no more: nothing can replay them again.
    pub fn forget_replayed(&mut self, source: SourceIndex) {
        self.accounts[source.0].forget_replayed();
    }

    /// How many rejected records of the source were counted later.
    pub fn replayed(&self, source: SourceIndex) -> usize {
        self.accounts[source.0].replayed.len()
    }

    /// Says what the source's files look like now. That is shown, and not stored.
    pub fn files_now(&mut self, source: SourceIndex, files: FilesNow) {
        self.accounts[source.0].files_now = files;
    }

    /// Forgets the record ids that are past remembering, and the minutes that are past keeping.
    pub fn forget(&mut self, now: UnixMillis) {
        self.history.forget_older(now);
        self.accounts.iter_mut().for_each(|account| account.forget(now));
    }

    /// How many record ids are remembered.
    pub fn remembered(&self) -> usize {
        self.accounts.iter().map(|account| account.duplicates.len()).sum()
    }

    /// Makes what was booked so far durable, all of it or nothing, and shows it. `ready` as in [`Snapshot::ready`].
    ///
    /// # Errors
    /// When the store refuses. Everything stays as it was, for a later commit to make durable.
    pub fn commit(&mut self, ready: bool) -> Result<Snapshot, StoreError> {
        let committed = self.try_commit(ready);
        self.commits.failures += u64::from(committed.is_err());
        committed
    }

    fn try_commit(&mut self, ready: bool) -> Result<Snapshot, StoreError> {
        if let Some(store) = &mut self.store {
            for account in &mut self.accounts {
                account.clean(store)?;
            }
            let mut changes = Changes { ready: ready && !self.ready, ..Changes::default() };
            changes.rows.extend(self.counts.changes());
            changes.rows.extend(self.history.changes());
            self.accounts.iter().for_each(|account| account.changes(&mut changes));
            if !changes.is_empty() {
                changes.rows.push(self.commits.change());
                let begun = Instant::now();
                store.write(&changes)?;
                self.commits.total += 1;
                let snapshot = self.snapshot(ready);
                // The next commit makes it durable, and shows it.
                self.commits.duration.observe(begun.elapsed().as_secs_f64());
                return Ok(snapshot);
            }
        }
        Ok(self.snapshot(ready))
    }

    /// How many commits the store refused.
    pub fn commit_failures(&self) -> u64 {
        self.commits.failures
    }

    /// Shows what was booked so far as final: the end of a commit, and all of it without a store.
    pub fn snapshot(&mut self, ready: bool) -> Snapshot {
        self.ready |= ready;
        self.uncommitted_bytes = 0;
        self.counts.settle();
        self.history.settle();
        self.accounts.iter_mut().for_each(Account::settle);
        Snapshot {
            loaded: true,
            ready: self.ready,
            caught_up: ready,
            catalogue: Arc::clone(&self.catalogue),
            sources: self
                .accounts
                .iter()
                .filter(|it| it.is_shown())
                .map(|it| it.snapshot(self.counts.limits.families))
                .collect(),
            calls: self.counts.calls(),
            failures: self.counts.failures(),
            durations: self.counts.durations(),
            setups: self.counts.setups(),
            history: self.history.minutes(),
            commits: self.commits.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
