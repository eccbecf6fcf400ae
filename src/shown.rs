//! What others wrote, such as names of files, made safe to show on a terminal, in a log and on a page: control characters and
//! those that are not seen or turn the direction of text are written as their numbers.

use std::fmt::Write;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whether a character does something else than to show itself.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// A text for people to read, on one line.
pub fn text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match is_unsafe(character) {
            true => shown.extend(character.escape_unicode()),
            false => shown.push(character),
        }
    }
    shown
}

/// A text of several lines for people to read.
pub fn lines(lines: &str) -> String {
    lines.split('\n').map(text).collect::<Vec<_>>().join("\n")
}

/// A path for people to read; bytes that are no text are written as their numbers.
pub fn path(path: &Path) -> String {
    let mut shown = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        shown += &text(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// Why the system refused, without the number that it has for it.
pub fn refusal(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// The same JSON, with such characters escaped as JSON does: its values stay what they are. Outside of strings JSON has
/// none of them, but for line ends.
pub fn json(json: String) -> String {
    if !json.chars().any(|character| is_unsafe(character) && character != '\n') {
        return json;
    }
    let mut shown = String::with_capacity(json.len() + 64);
    for character in json.chars() {
        match is_unsafe(character) && character != '\n' {
            true => push_json(&mut shown, character),
            false => shown.push(character),
        }
    }
    shown
}

/// A character as JSON escapes it.
pub fn push_json(text: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        let _ = write!(text, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    const NAME: &str = "a\u{1b}[31m\u{202e}vsc.\u{2066}\n\u{9b}\u{200f}\u{e0041}é😀.csv";

    #[test]
    fn what_steers_a_terminal_or_turns_text_is_written_as_its_number() {
        let shown = r"a\u{1b}[31m\u{202e}vsc.\u{2066}\u{a}\u{9b}\u{200f}\u{e0041}é😀.csv";
        assert_eq!(text(NAME), shown);
        assert_eq!(path(Path::new(NAME)), shown);
        assert_eq!(path(Path::new(OsStr::from_bytes(b"/a\xff\xe9\x07.csv"))), r"/a\xff\xe9\u{7}.csv");
    }

    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({ "path": NAME, "more": ["plain"] });
        for written in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let shown = json(written.clone());
            assert!(!shown.chars().any(|character| is_unsafe(character) && character != '\n'), "{shown:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
        assert_eq!(json("{\n  \"a\": 1\n}".to_owned()), "{\n  \"a\": 1\n}");
    }
}
