//! The file of the store, in redb's terms.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction};

use super::{Changes, IDS, LAYOUT, META, Row, StoreError, Table};

/// The oldest layout that is read.
const OLDEST: u64 = 1;

const LAYOUT_KEY: &str = "layout";
const READY_KEY: &str = "ready";

/// Why something was not done in the file.
#[derive(Debug)]
pub enum Failure {
    Redb(redb::Error),
    /// What is wrong with a row, in words of ours.
    Row(String),
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Redb(error.into())
    }
}

impl Failure {
    /// The same, of the store at this path.
    pub fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Redb(error) => StoreError::of_redb(path, error),
            Self::Row(reason) => StoreError::damaged(path, reason),
        }
    }
}

/// Makes a store that holds nothing.
pub fn create(path: &Path, cache_bytes: usize) -> Result<Database, StoreError> {
    let lost = |error: redb::Error| StoreError::of_redb(path, error);
    let created = Database::builder().set_cache_size(cache_bytes).create(path);
    let database = created.map_err(|error| lost(error.into()))?;
    prepare(&database).map_err(lost)?;
    Ok(database)
}

/// Makes every table, so that reading one never finds it missing.
pub fn prepare(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(LAYOUT_KEY, LAYOUT)?;
    for table in Table::ALL {
        transaction.open_table(table.definition())?;
    }
    transaction.open_table(IDS)?;
    transaction.commit()?;
    Ok(())
}

/// Opens a store of a layout that this version knows.
pub fn open(path: &Path, cache_bytes: usize, check: bool) -> Result<Database, StoreError> {
    let mut builder = Database::builder();
    builder.set_cache_size(cache_bytes).set_check_integrity_on_open(check);
    let database = builder.open(path).map_err(|error| StoreError::of_redb(path, error))?;
    known_layout(path, &database)?;
    Ok(database)
}

/// The layout of a store, if this version knows it.
pub fn known_layout(path: &Path, database: &Database) -> Result<u64, StoreError> {
    match layout(database).map_err(|error| StoreError::of_redb(path, error))? {
        Some(found @ OLDEST..=LAYOUT) => Ok(found),
        Some(found) if found > LAYOUT => Err(StoreError::Newer { path: path.to_path_buf(), found }),
        Some(found) => Err(StoreError::damaged(path, format!("there is no layout {found}"))),
        None => Err(StoreError::damaged(path, "it does not say which layout it has")),
    }
}

fn layout(database: &Database) -> Result<Option<u64>, redb::Error> {
    let meta = database.begin_read()?.open_table(META)?;
    Ok(meta.get(LAYOUT_KEY)?.map(|layout| layout.value()))
}

/// Reads everything, as the newest layout has it. What `take` says is wrong comes back as damage.
pub fn each(
    database: &Database,
    take: &mut impl FnMut(Row<'_>) -> Result<(), String>,
) -> Result<(), Failure> {
    let transaction = database.begin_read()?;
    let meta = transaction.open_table(META)?;
    let is_newest = meta.get(LAYOUT_KEY)?.is_some_and(|layout| layout.value() == LAYOUT);
    if meta.get(READY_KEY)?.is_some() {
        take(Row::Ready).map_err(Failure::Row)?;
    }
    for table in Table::ALL {
        let open = match transaction.open_table(table.definition()) {
            // Older layouts did not have them.
            Err(TableError::TableDoesNotExist(_)) if table.is_younger() => continue,
            open => open?,
        };
        for row in open.iter()? {
            let (key, value) = row?;
            let (key, value) = (key.value(), value.value());
            if is_newest {
                take(Row::Text { table, key, value }).map_err(|reason| wrong_row(table, &reason))?;
            } else {
                let (key, value) = in_newest_layout(table, key, value)?;
                let taken = take(Row::Text { table, key: &key, value: &value });
                taken.map_err(|reason| wrong_row(table, &reason))?;
            }
        }
    }
    for batch in transaction.open_table(IDS)?.iter()? {
        let (key, ids) = batch?;
        let (source, number) = key.value();
        let taken = take(Row::Ids { source, number, ids: ids.value() });
        taken.map_err(|reason| Failure::Row(format!("table ids: {reason}")))?;
    }
    Ok(())
}

fn in_newest_layout(table: Table, key: &str, value: &str) -> Result<(String, String), Failure> {
    table.in_newest_layout(key, value).map_err(|reason| wrong_row(table, &reason))
}

fn wrong_row(table: Table, reason: &str) -> Failure {
    Failure::Row(format!("table {}: {reason}", table.name()))
}

/// One batch of ids.
pub fn ids(database: &Database, source: &str, number: u64) -> Result<Option<Vec<u8>>, redb::Error> {
    let table = database.begin_read()?.open_table(IDS)?;
    Ok(table.get((source, number))?.map(|ids| ids.value().to_vec()))
}

/// Rewrites every row of an older layout as the newest has it.
fn raise_layout(transaction: &WriteTransaction) -> Result<(), Failure> {
    const OLDER: TableDefinition<'_, &str, &str> = TableDefinition::new("older");
    let mut meta = transaction.open_table(META)?;
    if meta.get(LAYOUT_KEY)?.is_some_and(|layout| layout.value() == LAYOUT) {
        return Ok(());
    }
    for table in Table::ALL {
        match transaction.rename_table(table.definition(), OLDER) {
            // An older layout did not have it.
            Err(TableError::TableDoesNotExist(_)) => continue,
            renamed => renamed?,
        }
        let mut newest = transaction.open_table(table.definition())?;
        for row in transaction.open_table(OLDER)?.iter()? {
            let (key, value) = row?;
            let (key, value) = in_newest_layout(table, key.value(), value.value())?;
            newest.insert(key.as_str(), value.as_str())?;
        }
        transaction.delete_table(OLDER)?;
    }
    meta.insert(LAYOUT_KEY, LAYOUT)?;
    Ok(())
}

/// Makes the changes in one transaction, and waits until they are on the disk.
pub fn write(database: &Database, changes: &Changes) -> Result<(), Failure> {
    let transaction = database.begin_write()?;
    raise_layout(&transaction)?;
    if changes.ready {
        transaction.open_table(META)?.insert(READY_KEY, 1)?;
    }
    for table in Table::ALL {
        let mut rows = changes.rows.iter().filter(|(of, _, _)| *of == table).peekable();
        if rows.peek().is_none() {
            continue;
        }
        let mut open = transaction.open_table(table.definition())?;
        for (_, key, value) in rows {
            match value {
                Some(value) => open.insert(key.as_str(), value.as_str())?,
                None => open.remove(key.as_str())?,
            };
        }
    }
    if !changes.ids.is_empty() {
        let mut open = transaction.open_table(IDS)?;
        for (source, number, ids) in &changes.ids {
            match ids {
                Some(ids) => open.insert((source.as_str(), *number), ids.as_slice())?,
                None => open.remove((source.as_str(), *number))?,
            };
        }
    }
    transaction.commit()?;
    Ok(())
}
