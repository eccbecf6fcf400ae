//! What a store holds, as it was at its last commit.

use std::sync::Arc;

use super::Ledger;
use super::account::Account;
use super::attempts::AttemptKey;
use super::counts::Limits;
use super::store::{Row, Store, StoreError, Table};
use super::stored::{self, FileKey, ReplayedKey};
use crate::call::UnixMillis;
use crate::classify::Catalogue;

impl Ledger {
    /// Opens the ledger that this store holds, as of its last commit; later ones go there.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what this version cannot have written.
    pub fn open(
        mut store: Store,
        limits: Limits,
        catalogue: Arc<Catalogue>,
        now: UnixMillis,
    ) -> Result<Self, StoreError> {
        let mut ledger = Self::new(limits, Arc::clone(&catalogue));
        store.each(|row| ledger.restore(row))?;
        for account in &mut ledger.accounts {
            account.contents.restored();
            account.attempts.restored();
        }
        ledger.store = Some(store);
        ledger.reconfigure(limits, catalogue, now);
        // How much history is kept is not known yet.
        ledger.accounts.iter_mut().for_each(|account| account.forget(now));
        Ok(ledger)
    }

    fn restore(&mut self, row: Row<'_>) -> Result<(), String> {
        match row {
            Row::Ready => self.ready = true,
            Row::Text { table: Table::Sources, key, value } => {
                let account = Account::restore(key, value)?;
                self.counts.add_source(Arc::clone(&account.name), Vec::new());
                self.accounts.push(account);
            }
            Row::Text { table: Table::Routes, key, value } => self.counts.restore_route(key, value)?,
            Row::Text { table: Table::Failures, key, value } => self.counts.restore_failure(key, value)?,
            Row::Text { table: Table::Attempts, key, value } => {
                let key: AttemptKey = stored::from_json(key)?;
                let call = key.call.parse().map_err(|_| format!("`{}` is no record id", key.call))?;
                self.restored(&key.source)?.attempts.restore(call, value)?;
            }
            Row::Text { table: Table::Files, key, value } => {
                let key: FileKey<'_> = stored::from_json(key)?;
                self.restored(&key.source)?.restore_file(key.holder(), value)?;
            }
            Row::Text { table: Table::Replayed, key, .. } => {
                let key: ReplayedKey<'_> = stored::from_json(key)?;
                self.restored(&key.source)?.replayed.insert((key.lineage, key.position));
            }
            Row::Text { table: Table::Commits, value, .. } => self.commits.restore(value)?,
            Row::Text { table: Table::HistorySeries, key, value } => {
                self.history.restore_series(key, value)?
            }
            Row::Text { table: Table::History, key, value } => self.history.restore_minute(key, value)?,
            Row::Ids { source, number, ids } => self.restored(source)?.duplicates.restore(number, ids)?,
        }
        Ok(())
    }

    fn restored(&mut self, source: &str) -> Result<&mut Account, String> {
        let account = self.accounts.iter_mut().find(|account| &*account.name == source);
        account.ok_or_else(|| format!("there is no source `{source}`"))
    }
}
