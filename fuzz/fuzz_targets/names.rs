//! Any text as the name of a property or column: never a panic; case, blanks and the operator's own names make no other
//! field of it, and what is shown of it can be shown.

#![no_main]

use std::sync::LazyLock;

use cdr_exporter::format::names::{self, Field, Names};
use libfuzzer_sys::fuzz_target;

static OWN: LazyLock<Names> =
    LazyLock::new(|| Names::with([("Endgültiger SIP-Code".to_owned(), Field::SipCode)]));

fuzz_target!(|name: &[u8]| {
    let field = Names::default().field(name);
    // A type that Log Analytics puts behind a name is a small letter; brackets may stand behind that.
    let end = name.iter().rposition(u8::is_ascii_alphanumeric).unwrap_or_default();
    let is_typed = end > 0 && name[end - 1] == b'_';
    if !is_typed && name != b"@odata.type" {
        assert_eq!(Names::default().field(&name.to_ascii_uppercase()), field);
        assert_eq!(Names::default().field(&name.to_ascii_lowercase()), field);
        assert_eq!(Names::default().field(&[b" ", name, b" "].concat()), field);
    }
    if field.is_some() {
        assert_eq!(OWN.field(name), field);
    }
    let _ = (names::is_wrapper(name), names::misspelt(name));
    assert!(!names::shown(name).contains(char::is_control));
});
