//! Checks `causes.csv` with the same code that reads it at run time, and tells the program what it was built from.

use std::env;
use std::fs;
use std::process::Command;

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
    check_catalogue();
    // What `cdr_exporter_build_info` says; what cannot be told stays unknown.
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    say("CDR_EXPORTER_RUSTVERSION", &rustc, &["--version"]);
    say("CDR_EXPORTER_REVISION", "git", &["rev-parse", "--short", "HEAD"]);
}

/// Hands the first line that a command prints to the program as a variable of its build.
fn say(variable: &str, command: &str, arguments: &[&str]) {
    println!("cargo::rerun-if-env-changed={variable}");
    if env::var_os(variable).is_some() {
        return;
    }
    if let Ok(output) = Command::new(command).args(arguments).output()
        && output.status.success()
        && let Some(line) = String::from_utf8_lossy(&output.stdout).lines().next()
    {
        println!("cargo::rustc-env={variable}={line}");
    }
}

fn check_catalogue() {
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
