//! A store as layout 2 had it, made of one of the newest layout.

use redb::{Database, ReadableTable, TableDefinition};
use serde_json::{Value, json};

use super::super::{META, Table};

/// Rewrites every row as layout 2 had it.
pub fn to_layout_2(database: &Database) {
    const NEWEST: TableDefinition<'_, &str, &str> = TableDefinition::new("newest");
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert("layout", 2).unwrap();
    for table in Table::ALL {
        transaction.rename_table(table.definition(), NEWEST).unwrap();
        let mut older = transaction.open_table(table.definition()).unwrap();
        for row in transaction.open_table(NEWEST).unwrap().iter().unwrap() {
            let (key, value) = row.unwrap();
            let (key, value) = older_row(table, key.value(), value.value());
            older.insert(key.as_str(), value.as_str()).unwrap();
        }
        transaction.delete_table(NEWEST).unwrap();
    }
    transaction.commit().unwrap();
}

fn older_row(table: Table, key: &str, value: &str) -> (String, String) {
    let fields: &[&str] = match table {
        // Layout 2 had no history and no calls that wait; that they stay makes one picture of both.
        Table::Sources | Table::Commits | Table::Attempts | Table::HistorySeries | Table::History => {
            return (key.to_owned(), value.to_owned());
        }
        Table::Routes => &["source", "trunk", "direction"],
        Table::Failures => {
            &["source", "trunk", "direction", "cause", "microsoft_code", "sip_code", "arrival"]
        }
        Table::Files => &["source", "device", "inode"],
        Table::Replayed => &["source", "lineage", "position"],
    };
    let mut key: Value = serde_json::from_str(key).unwrap();
    assert_eq!(key.as_object().unwrap().len(), fields.len(), "{key}");
    let list = |object: &Value, fields: &[&str]| {
        fields.iter().map(|field| object[*field].clone()).collect::<Vec<Value>>()
    };
    let mut read: Value = serde_json::from_str(value).unwrap();
    let value = match table {
        Table::Files => {
            if key["device"].is_null() {
                key["device"] = json!(u64::MAX);
            }
            if !read["decision"].is_null() {
                read["decision"] = list(&read["decision"], &["event", "at"]).into();
            }
            read.to_string()
        }
        Table::Failures => {
            if !read["seen"].is_null() {
                read["seen"] = list(&read["seen"], &["first", "last"]).into();
            }
            for (old, label) in [("microsoft", "microsoft_code"), ("sip", "sip_code")] {
                read[old] = json!(key[label].as_str().unwrap().parse::<u64>().ok());
            }
            read.to_string()
        }
        _ => value.to_owned(),
    };
    (Value::from(list(&key, fields)).to_string(), value)
}
