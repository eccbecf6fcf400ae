//! Checks the tables of causes with the same code that reads them at run time, and tells the program what it was built
//! from.

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
#[allow(dead_code, reason = "used in part here, wholly in the library")]
#[path = "src/classify/standard.rs"]
mod standard;
#[allow(dead_code, reason = "used in part here, wholly in the library")]
#[path = "src/classify/table.rs"]
mod table;

fn main() {
    check("src/classify/causes.csv", |text| entry::read(text).map(drop));
    check("src/classify/sip.csv", |text| standard::read(text).map(drop));
    check("src/classify/q850.csv", |text| standard::read(text).map(drop));
    for code in ["call", "classify/entry", "classify/phrase", "classify/standard", "classify/table"] {
        println!("cargo::rerun-if-changed=src/{code}.rs");
    }
    // What `--version`, the log and `cdr_exporter_build_info` say.
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    say("CDR_EXPORTER_RUSTVERSION", &rustc, &["--version"]);
    say("CDR_EXPORTER_REVISION", "git", &["rev-parse", "--short", "HEAD"]);
}

/// Hands the first line that a command prints to the program as a variable of its build, or that it is unknown.
fn say(variable: &str, command: &str, arguments: &[&str]) {
    println!("cargo::rerun-if-env-changed={variable}");
    if env::var_os(variable).is_some() {
        return;
    }
    let output = Command::new(command).args(arguments).output().ok().filter(|output| output.status.success());
    let text = output.map_or_else(Vec::new, |output| output.stdout);
    let text = String::from_utf8_lossy(&text);
    println!("cargo::rustc-env={variable}={}", text.lines().next().unwrap_or("unknown"));
}

fn check(path: &str, read: impl Fn(&str) -> Result<(), table::Refused>) {
    println!("cargo::rerun-if-changed={path}");
    match fs::read_to_string(path) {
        Err(error) => println!("cargo::error={path}: {error}"),
        Ok(text) => {
            if let Err(refused) = read(&text) {
                println!("cargo::error={path}:{}: {}", refused.at, refused.reason);
            }
        }
    }
}
