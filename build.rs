//! Checks `causes.csv` while building, with the same code that reads it at run time.

use std::fs;

#[allow(dead_code, reason = "used in part here, wholly in the library")]
#[path = "src/call.rs"]
mod call;
#[allow(dead_code, reason = "used in part here, wholly in the library")]
#[path = "src/classify/entry.rs"]
mod entry;
#[allow(dead_code, reason = "used in part here, wholly in the library")]
#[path = "src/classify/phrase.rs"]
mod phrase;

const CATALOGUE: &str = "src/classify/causes.csv";

fn main() {
    for path in [CATALOGUE, "src/call.rs", "src/classify/entry.rs", "src/classify/phrase.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    match fs::read_to_string(CATALOGUE) {
        Err(error) => println!("cargo::error={CATALOGUE}: {error}"),
        Ok(text) => {
            if let Err(refused) = entry::read(&text) {
                println!("cargo::error={CATALOGUE}:{}: {}", refused.at, refused.reason);
            }
        }
    }
}
