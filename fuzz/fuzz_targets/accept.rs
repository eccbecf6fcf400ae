//! Any bytes as `Accept` and `Accept-Encoding`: never a panic, always a format and a `Content-Type`.

#![no_main]

use cdr_exporter::expose::negotiate::{Coding, Format};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<&[u8]>, Vec<&[u8]>)| {
    let (accept, encoding) = input;
    let mut headers = HeaderMap::new();
    for (name, values) in [(ACCEPT, accept), (ACCEPT_ENCODING, encoding)] {
        for value in values {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.append(&name, value);
            }
        }
    }
    assert!(!Format::asked_for(&headers).content_type().is_empty());
    let _ = Coding::asked_for(&headers);
});
