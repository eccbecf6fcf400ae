//! Any text as a web config: never a panic, and a fault that says something.

#![no_main]

use cdr_exporter::expose::access;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(fault) = access::check_text(text) {
        assert!(!fault.is_empty());
    }
});
