//! `explain`: what a code pair, one of its halves, or words of a phrase mean, from the catalogue.

mod text;

use std::cmp::Reverse;
use std::io::{self, Write};
use std::ops::RangeInclusive;

use self::text::Text;
use super::Exit;
use crate::call::{Call, Codes, Direction, RecordId};
use crate::classify::{Catalogue, Entry, phrase, sip};

/// Wider lines are tiring to read.
const MAXIMUM_WIDTH: usize = 100;

/// What a code pair, a code or a phrase means, and what to do about it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cdr-exporter explain 531004 410
  cdr-exporter explain 569002/504
  cdr-exporter explain 531000                 a Microsoft code alone
  cdr-exporter explain 488                    a SIP code alone
  cdr-exporter explain no callee endpoints    words of a phrase

Exit status: 0 explained, 1 nothing is known about it, 2 the question makes no sense.")]
pub struct Arguments {
    /// Microsoft code and SIP code, either of them, or words of a phrase
    #[arg(required = true)]
    what: Vec<String>,
}

/// Prints the explanation.
pub fn run(arguments: &Arguments) -> Exit {
    let question = match Question::parse(&arguments.what.join(" ")) {
        Ok(question) => question,
        Err(message) => {
            eprintln!("error: {message}\n\nFor more information, try 'cdr-exporter explain --help'.");
            return Exit::Usage;
        }
    };
    let (exit, answer) = answer(&Catalogue::built_in(), &question, width());
    // A reader that goes away, as `head` does, has read enough.
    let _ = io::stdout().write_all(answer.as_bytes());
    exit
}

fn width() -> usize {
    let terminal = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    match terminal {
        0 => MAXIMUM_WIDTH,
        columns => columns.min(MAXIMUM_WIDTH),
    }
}

/// What was asked.
#[derive(Debug, PartialEq)]
enum Question {
    Pair(u64, u16),
    Microsoft(u64),
    Sip(u16),
    Words(String),
}

impl Question {
    fn parse(what: &str) -> Result<Self, String> {
        let words: Vec<&str> =
            what.split([' ', '/', ',', '\t', '\n']).filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return Err("name a code pair such as 531004/410, a code, or words of a phrase".to_owned());
        }
        if !words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
            return match what.chars().any(char::is_alphabetic) {
                true => Ok(Self::Words(what.trim().to_owned())),
                false => Err(format!("`{what}` is neither codes nor words")),
            };
        }
        let codes =
            words.iter().map(|word| word.parse().map_err(|_| format!("{word} is too large for a code")));
        match codes.collect::<Result<Vec<u64>, String>>()?.as_slice() {
            [code] => Ok(sip_code(*code).filter(|sip| *sip > 0).map_or(Self::Microsoft(*code), Self::Sip)),
            [microsoft, sip] => match (sip_code(*sip), sip_code(*microsoft)) {
                (Some(sip), _) => Ok(Self::Pair(*microsoft, sip)),
                // The halves the other way round.
                (None, Some(microsoft)) => Ok(Self::Pair(*sip, microsoft)),
                (None, None) => Err(format!("neither {microsoft} nor {sip} is a SIP code: 0, or 100 to 699")),
            },
            _ => Err("more than two codes; give a Microsoft code and a SIP code".to_owned()),
        }
    }
}

fn sip_code(code: u64) -> Option<u16> {
    u16::try_from(code).ok().filter(|code| matches!(code, 0 | 100..=699))
}

fn answer(catalogue: &Catalogue, question: &Question, width: usize) -> (Exit, String) {
    let mut text = Text::new(width);
    let exit = match question {
        Question::Pair(microsoft, sip) => by_pair(&mut text, catalogue, *microsoft, *sip),
        Question::Microsoft(code) => by_microsoft_code(&mut text, catalogue, *code),
        Question::Sip(code) => by_sip_code(&mut text, catalogue, *code),
        Question::Words(words) => by_words(&mut text, catalogue, words),
    };
    (exit, text.into_string())
}

fn by_pair(text: &mut Text, catalogue: &Catalogue, microsoft: u64, sip: u16) -> Exit {
    match catalogue.pair(microsoft, sip) {
        [] => unlisted_pair(text, catalogue, microsoft, sip),
        rows => text.in_full(rows),
    }
    Exit::Ok
}

fn by_microsoft_code(text: &mut Text, catalogue: &Catalogue, code: u64) -> Exit {
    let rows: Vec<_> = catalogue.entries().iter().filter(|entry| entry.microsoft_code == code).collect();
    if rows.is_empty() {
        return unlisted_microsoft_code(text, catalogue, code);
    }
    text.entries(&rows);
    Exit::Ok
}

fn by_sip_code(text: &mut Text, catalogue: &Catalogue, code: u16) -> Exit {
    text.paragraph(&format!("SIP {}", sip_meaning(code)));
    text.blank();
    match catalogue.with_sip_code(code) {
        [] => {
            text.paragraph("No pair of the catalogue has this SIP code.");
            if sip::reason(code).is_none() { Exit::No } else { Exit::Ok }
        }
        rows => {
            text.entries(&rows.iter().collect::<Vec<_>>());
            Exit::Ok
        }
    }
}

fn unlisted_pair(text: &mut Text, catalogue: &Catalogue, microsoft: u64, sip: u16) {
    let call = Call {
        record_id: RecordId(0),
        trunk: "".into(),
        direction: Direction::Unknown,
        succeeded: Some(false),
        codes: Codes { microsoft: Some(microsoft), sip: Some(sip), ..Codes::default() },
        ended_at: None,
        duration_seconds: None,
    };
    let cause = catalogue.classify(&call).cause;
    text.paragraph(&format!("{microsoft}/{sip} is not in the catalogue."));
    text.field("SIP code", &sip_meaning(sip));
    if let Some(meaning) = range_meaning(microsoft) {
        text.field("range", meaning);
    }
    if let Some(side) = cause.side() {
        text.field("who", side.explanation());
    }
    text.field("remedy", cause.remedy());
    text.labels(cause, microsoft, sip);
    let mut near: Vec<_> = catalogue.entries().iter().collect();
    near.retain(|entry| entry.sip_code == sip || same_thousand(entry.microsoft_code, microsoft));
    near.sort_by_key(|entry| {
        let distance = entry.microsoft_code.abs_diff(microsoft);
        (distance != 0, entry.sip_code != sip, distance)
    });
    text.nearest(&near);
}

fn unlisted_microsoft_code(text: &mut Text, catalogue: &Catalogue, code: u64) -> Exit {
    // 560xxx names its SIP code itself.
    if let (560, Some(sip @ 300..)) = (code / 1000, sip_code(code % 1000)) {
        return by_pair(text, catalogue, code, sip);
    }
    text.paragraph(&format!("Microsoft code {code} is not in the catalogue."));
    let meaning = range_meaning(code);
    let mut near: Vec<_> = catalogue.entries().iter().collect();
    near.retain(|entry| same_thousand(entry.microsoft_code, code));
    near.sort_by_key(|entry| entry.microsoft_code.abs_diff(code));
    if meaning.is_none() && near.is_empty() {
        text.paragraph("Neither its range nor any code near it is known.");
        return Exit::No;
    }
    if let Some(meaning) = meaning {
        text.field("range", meaning);
    }
    text.nearest(&near);
    Exit::Ok
}

/// Whether two Microsoft codes belong to one range. Below 1000 there are no ranges.
fn same_thousand(left: u64, right: u64) -> bool {
    left / 1000 == right / 1000 && (left >= 1000 || left == right)
}

fn by_words(text: &mut Text, catalogue: &Catalogue, words: &str) -> Exit {
    let entries = || catalogue.entries().iter();
    let exact: Vec<_> = entries().filter(|entry| phrase::same(&entry.phrase, words)).collect();
    if !exact.is_empty() {
        text.entries(&exact);
        return Exit::Ok;
    }
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    let mut found: Vec<_> = entries().collect();
    found.retain(|entry| words_in(entry, &words) > 0);
    found.sort_by_key(|entry| Reverse(words_in(entry, &words)));
    let complete = found.partition_point(|entry| words_in(entry, &words) == words.len());
    match (complete, found.is_empty()) {
        (_, true) => {
            text.paragraph("No phrase or cause of the catalogue has any of these words.");
            return Exit::No;
        }
        (0, false) => {
            text.paragraph("No phrase or cause of the catalogue has all of these words.");
            text.nearest(&found);
        }
        _ => text.entries(&found[..complete]),
    }
    Exit::Ok
}

/// How many of the words the entry's codes, cause and phrase have.
fn words_in(entry: &Entry, words: &[String]) -> usize {
    let Entry { microsoft_code, sip_code, cause, phrase, .. } = entry;
    let all = format!("{microsoft_code}/{sip_code} {cause} {phrase}").to_lowercase();
    words.iter().filter(|word| all.contains(word.as_str())).count()
}

fn sip_meaning(code: u16) -> String {
    match sip::reason(code) {
        Some(reason) => format!("{code} {reason}: {}", sip::class(code)),
        None if code == 0 => format!("0: {}", sip::class(code)),
        None => format!("{code}, not registered: {}", sip::class(code)),
    }
}

fn range_meaning(microsoft_code: u64) -> Option<&'static str> {
    RANGES.iter().find(|(range, _)| range.contains(&microsoft_code)).map(|(_, meaning)| *meaning)
}

/// What a range says. 560xxx is Microsoft's own rule; for the others this is no more than what the listed
/// codes of the range have in common.
const RANGES: [(RangeInclusive<u64>, &str); 9] = [
    (
        10_000..=10_999,
        "10xxx: listed codes are about the Teams user, endpoint, bot or policy that was called.",
    ),
    (301_000..=301_999, "301xxx: media codes of Azure Communication Services, parallel to 531xxx."),
    (
        510_000..=510_999,
        "510xxx: listed codes are about routing, numbers, licences and trunks in the tenant.",
    ),
    (511_000..=511_999, "511xxx: listed codes are about trunk and number look-up."),
    (531_000..=531_999, "531xxx: listed codes are about media: SDP, SRTP and ICE."),
    (
        540_000..=540_999,
        "540xxx: a call that came in through the SBC; the last three digits are most often the SIP code.",
    ),
    (
        549_000..=549_999,
        "549xxx: Microsoft could not deliver a message on a call that came in through the SBC.",
    ),
    (560_000..=560_999, "560xxx: the SBC gave the final SIP code; it is the last three digits."),
    (
        569_000..=569_999,
        "569xxx: Microsoft could not deliver a message to the SBC: TCP, TLS, certificate or DNS.",
    ),
];

#[cfg(test)]
mod tests;
