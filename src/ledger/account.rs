//! One source's part of the ledger: the balance of its records, its progress, its files, its record ids.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::attempts::Attempts;
use super::balance::Balance;
use super::contents::{StoredContent, StoredStamp};
use super::duplicates::Duplicates;
use super::known::{Contents, Holder};
use super::snapshot::SourceSnapshot;
use super::store::{Changes, Store, StoreError, Table};
use super::stored::{FileKey, ReplayedKey, from_json, labelled, to_json};
use super::tallies::{countries, kinds};
use super::{Decision, Families, FileEvent, FilesNow, KnownFile};
use crate::call::{Reason, UnixMillis, UnreadField};
use crate::reading::Batch;
use crate::reading::sums::Sums;
use crate::reading::trunk::Only;

/// One source's part of the ledger.
#[derive(Debug)]
pub struct Account {
    pub name: Arc<str>,
    pub duplicates: Duplicates,
    pub balance: Balance,
    /// Calls of which more attempts may come.
    pub attempts: Attempts,
    /// How long the attempts of a call may be apart. A source that is configured no more waits for none.
    pub attempts_within: Duration,
    /// As in `SourceOptions`.
    pub prefer: Option<Arc<str>>,
    /// Whether the store has another balance.
    pub changed: bool,
    /// Whether the config has it, or had it since the start.
    pub is_configured: bool,
    /// As in `SourceOptions`.
    pub trunks: Option<Arc<Only>>,
    pub files_now: FilesNow,
    /// What is known of the texts of its files.
    pub contents: Contents,
    /// Rejected records that were counted later: the lineage of their text and their position in it.
    pub replayed: HashSet<(u64, u64)>,
    /// Those of which the store knows something else.
    changed_replayed: HashSet<(u64, u64)>,
}

/// A file as a row of the store.
#[derive(Serialize, Deserialize)]
pub struct StoredFile<'a> {
    path: StoredPath<'a>,
    content: StoredContent,
    /// From layout 2 on.
    #[serde(default)]
    decision: Option<StoredDecision<'a>>,
    /// Since it is kept whether a text changes behind where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<StoredStamp>,
}

#[derive(Serialize, Deserialize)]
struct StoredDecision<'a> {
    event: Cow<'a, str>,
    /// In milliseconds since 1970.
    at: i64,
}

/// Names of files need not be UTF-8.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredPath<'a> {
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
}

impl Account {
    /// A new source; `stored` if its record ids are to be kept in a store.
    pub fn new(name: Arc<str>, balance: Balance, stored: bool) -> Self {
        Self {
            name,
            duplicates: Duplicates::new(stored),
            balance,
            attempts: Attempts::new(stored),
            attempts_within: Duration::ZERO,
            prefer: None,
            changed: true,
            is_configured: false,
            trunks: None,
            files_now: FilesNow::default(),
            contents: Contents::default(),
            replayed: HashSet::new(),
            changed_replayed: HashSet::new(),
        }
    }

    /// A source from the store, without its files and ids.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn restore(name: &str, value: &str) -> Result<Self, String> {
        let balance = Balance::restore(value)?;
        Ok(Self { changed: false, ..Self::new(name.into(), balance, true) })
    }

    /// Takes a file from the store.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn restore_file(&mut self, holder: Holder, value: &str) -> Result<(), String> {
        let stored: StoredFile<'_> = from_json(value)?;
        let path = match stored.path {
            StoredPath::Text(text) => PathBuf::from(text.into_owned()),
            StoredPath::Bytes(bytes) => PathBuf::from(OsStr::from_bytes(&bytes)),
        };
        let decision = |StoredDecision { event, at }: StoredDecision<'_>| {
            let event = labelled(&event, &FileEvent::ALL, FileEvent::label)?;
            Ok::<_, String>(Decision { event, at: UnixMillis(at) })
        };
        let decision = stored.decision.map(decision).transpose()?;
        let whole = stored.whole.map(|StoredStamp(stamp)| stamp);
        let file = KnownFile { path, content: Arc::new(stored.content.into()), decision, whole };
        self.contents.restore(holder, file);
        Ok(())
    }

    /// The calls of a batch that the source sees for the first time.
    pub fn new_calls<'b>(&mut self, batch: &'b Batch, now: UnixMillis) -> Cow<'b, Sums> {
        let ids = batch.calls.ids();
        // Where ids are not remembered, none are kept.
        if self.balance.remember.is_zero() || ids.len() == 0 {
            return Cow::Borrowed(batch.calls.all());
        }
        let new = self.duplicates.insert_all(ids, now);
        match new.contains(&false) {
            false => Cow::Borrowed(batch.calls.all()),
            true => Cow::Owned(batch.calls.only(&new, now)),
        }
    }

    /// Notes that a rejected record was counted; whether it was not before.
    pub fn replay(&mut self, lineage: u64, position: u64) -> bool {
        let new = self.replayed.insert((lineage, position));
        if new {
            self.changed_replayed.insert((lineage, position));
        }
        new
    }

    /// Forgets replayed records of texts that are known no more.
    pub fn forget_replayed(&mut self) {
        let known: HashSet<u64> = self.contents.all().map(|(_, file)| file.content.lineage).collect();
        let forgotten = self.replayed.extract_if(|(lineage, _)| !known.contains(lineage));
        self.changed_replayed.extend(forgotten);
    }

    /// Forgets the record ids that are past remembering.
    pub fn forget(&mut self, now: UnixMillis) {
        let days = self.balance.remember.as_secs().div_ceil(24 * 60 * 60);
        self.duplicates.forget(u16::try_from(days).unwrap_or(u16::MAX), now);
    }

    /// Makes room in the store where many record ids are out of date.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn clean(&mut self, store: &mut Store) -> Result<(), StoreError> {
        for _ in 0..self.duplicates.cleaned_at_a_commit() {
            let Some(number) = self.duplicates.to_clean() else { break };
            let ids = store.ids(&self.name, number)?;
            self.duplicates.clean(&ids.unwrap_or_default());
        }
        Ok(())
    }

    /// Adds what is other than in the store.
    pub fn changes(&self, changes: &mut Changes) {
        if self.changed {
            changes.rows.push((Table::Sources, self.name.to_string(), Some(self.balance.to_json())));
        }
        self.attempts.changes(&self.name, changes);
        changes.rows.extend(self.contents.changes().map(|(holder, file)| {
            (Table::Files, to_json(&FileKey::of(&self.name, holder)), file.map(file_value))
        }));
        changes.rows.extend(self.changed_replayed.iter().map(|(lineage, position)| {
            let value = self.replayed.contains(&(*lineage, *position)).then(|| "true".to_owned());
            let (lineage, position) = (*lineage, *position);
            let key = ReplayedKey { source: (&*self.name).into(), lineage, position };
            (Table::Replayed, to_json(&key), value)
        }));
        let batches = self.duplicates.changes().into_iter();
        changes.ids.extend(batches.map(|(number, ids)| (self.name.to_string(), number, ids)));
    }

    /// The changes are written.
    pub fn settle(&mut self) {
        self.changed = false;
        self.attempts.settle();
        self.contents.settle();
        self.changed_replayed.clear();
        self.duplicates.settle();
    }

    /// Whether anything is published of it: not of a source that `state forget` was told of and no config has.
    pub fn is_shown(&self) -> bool {
        let Balance { read_bytes, read_records, events, .. } = &self.balance;
        self.is_configured || read_bytes + read_records + events.iter().sum::<u64>() > 0
    }

    /// What is published of it.
    pub fn snapshot(&self, families: Families) -> SourceSnapshot {
        let balance = &self.balance;
        SourceSnapshot {
            name: Arc::clone(&self.name),
            created: balance.created,
            read_records: balance.read_records,
            records: balance.records,
            rejected: Reason::ALL.map(|reason| (reason.label(), balance.rejected[reason as usize])).to_vec(),
            read_bytes: balance.read_bytes,
            pending_bytes: self.files_now.pending_bytes,
            pending_calls: self.attempts.len() as u64,
            files: self.files_now.states.clone(),
            paths: self.files_now.paths.clone(),
            prefer: self.prefer.clone(),
            file_events: FileEvent::ALL.map(|event| (event.label(), balance.events[event as usize])).to_vec(),
            call_age: balance.call_age.clone(),
            newest_call: balance.newest_call,
            series_overflow: balance.series_overflow,
            late_answers: balance.late_answers,
            apart: balance.apart,
            unread: UnreadField::ALL.map(|field| (field.label(), balance.unread[field as usize])).to_vec(),
            kinds: kinds(&balance.tallies, families),
            countries: countries(&balance.tallies, families),
        }
    }
}

fn file_value(file: &KnownFile) -> String {
    let path = match file.path.to_str() {
        Some(text) => StoredPath::Text(text.into()),
        None => StoredPath::Bytes(file.path.as_os_str().as_bytes().into()),
    };
    let decision =
        file.decision.map(|Decision { event, at }| StoredDecision { event: event.label().into(), at: at.0 });
    let (content, whole) = (StoredContent::of(&file.content), file.whole.map(StoredStamp));
    to_json(&StoredFile { path, content, decision, whole })
}
