//! Takes a Reason header (RFC 3326) apart, as an SBC writes it into its records: often cut, sometimes within a name.
//!
//! Microsoft's headers hold `text="GUID;phrase"`, where the GUID is the correlation id of the call. A phrase may hold
//! `;` and `,` itself, so only the `;` behind the GUID parts it. Without a GUID the text is a carrier's.

use crate::call::Words;

/// One value of a Reason header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reason<'t> {
    pub protocol: Protocol,
    pub cause: Option<u16>,
    /// The text without its quotes. Where it ends in a blank behind which its quote is closed, with that.
    pub text: &'t str,
    /// Whether the closing quote is missing, so that the text may go on.
    pub is_cut: bool,
}

/// What the number behind `cause=` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// A SIP response code.
    Sip,
    /// A cause of ITU-T Q.850.
    Q850,
    /// Something else, or the header is cut before it tells.
    #[default]
    Other,
}

/// What Microsoft writes into the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Microsoft<'t> {
    /// The correlation id, the same in Microsoft's own records.
    pub correlation_id: u128,
    /// The phrase, or its beginning; `""` when it is cut off wholly.
    pub phrase: &'t str,
}

/// What a header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told<'t> {
    /// The cause of its first value of Q.850.
    pub q850: Option<u8>,
    /// The first that Microsoft says in its values; or that a call was completed elsewhere, which the SBC itself tells Microsoft.
    pub said: Option<Said<'t>>,
}

impl<'t> Told<'t> {
    /// The phrase, or `""`.
    pub fn phrase(self) -> &'t str {
        self.said.map_or("", |said| said.phrase)
    }

    /// Whose words the phrase is.
    pub fn words(self) -> Words {
        self.said.map_or(Words::Other, Said::words)
    }
}

/// What Microsoft says in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'t> {
    /// The phrase, as the catalogue has it, or its beginning. A blank at its end may be where it was cut: it counts.
    pub phrase: &'t str,
    /// Whether the phrase may go on.
    pub is_cut: bool,
}

impl Said<'_> {
    /// Whose words these are.
    pub fn words(self) -> Words {
        if self.is_cut { Words::MicrosoftCut } else { Words::Microsoft }
    }
}

/// What the catalogue calls a fork that another leg answered.
const ELSEWHERE: Said<'_> = Said { phrase: "Call completed elsewhere", is_cut: false };

/// How long a GUID is, with its hyphens.
const GUID: usize = 36;

/// The values of a header, in their order. The name of the header may stand before them or not.
pub fn values(header: &str) -> impl Iterator<Item = Reason<'_>> {
    let mut rest = without_name(header);
    std::iter::from_fn(move || {
        let (value, behind) = value(rest)?;
        rest = behind;
        Some(value)
    })
}

/// What a header tells of how a call ended.
pub fn read(header: &str) -> Told<'_> {
    let mut told = Told::default();
    // Without a parameter there is nothing of both.
    if memchr::memchr(b'=', header.as_bytes()).is_none() {
        return told;
    }
    let mut has_q850 = false;
    for reason in values(header) {
        if !has_q850 && reason.protocol == Protocol::Q850 {
            has_q850 = true;
            told.q850 = reason.q850();
        }
        told.said = told.said.or_else(|| reason.said());
        if has_q850 && told.said.is_some() {
            break;
        }
    }
    told
}

impl<'t> Reason<'t> {
    fn q850(&self) -> Option<u8> {
        u8::try_from(self.cause?).ok().filter(|cause| *cause < 128)
    }

    fn said(&self) -> Option<Said<'t>> {
        match self.guid_and_phrase() {
            Some((_, "")) => None,
            Some((_, phrase)) => Some(Said { phrase, is_cut: self.is_cut }),
            None => self.is_completed_elsewhere().then_some(ELSEWHERE),
        }
    }

    /// RFC 3326 and Microsoft's "Manage call notifications" have an SBC cancel the other forks so.
    fn is_completed_elsewhere(&self) -> bool {
        (self.protocol, self.cause) == (Protocol::Sip, Some(200))
    }

    /// The parts of a text that Microsoft wrote.
    pub fn microsoft(&self) -> Option<Microsoft<'t>> {
        let (correlation_id, phrase) = self.guid_and_phrase()?;
        Some(Microsoft { correlation_id, phrase: phrase.trim_end() })
    }

    /// The same, with a blank at the end of the phrase.
    fn guid_and_phrase(&self) -> Option<(u128, &'t str)> {
        let (guid, behind) = self.text.split_at_checked(GUID)?;
        let correlation_id = guid_bits(guid)?;
        match behind.strip_prefix(';') {
            Some(phrase) => Some((correlation_id, phrase.trim_start())),
            None if behind.trim_end().is_empty() => Some((correlation_id, "")),
            None => None,
        }
    }
}

fn without_name(header: &str) -> &str {
    let header = header.trim();
    // A field in quotes: its closing quote is no part of a text that has its own.
    let header = header.strip_prefix('"').unwrap_or(header);
    match header.split_once(':') {
        Some((name, values)) if name.trim().eq_ignore_ascii_case("reason") => values,
        _ => header,
    }
}

/// The first value of several, and what stands behind its comma.
fn value(header: &str) -> Option<(Reason<'_>, &str)> {
    let header =
        header.trim_start_matches(|letter: char| letter.is_whitespace() || matches!(letter, ',' | '"'));
    if header.is_empty() {
        return None;
    }
    let end = memchr::memchr2(b';', b',', header.as_bytes()).unwrap_or(header.len());
    let mut reason = Reason { protocol: protocol(&header[..end]), ..Reason::default() };
    let mut rest = &header[end..];
    while let Some(parameter) = rest.strip_prefix(';') {
        let end = memchr::memchr3(b'=', b';', b',', parameter.as_bytes()).unwrap_or(parameter.len());
        let (name, behind) = (parameter[..end].trim(), &parameter[end..]);
        let Some(value) = behind.strip_prefix('=') else {
            rest = behind;
            continue;
        };
        let (value, is_cut, behind) = parameter_value(value.trim_start());
        rest = behind;
        if name.eq_ignore_ascii_case("cause") {
            reason.cause = value.trim_end_matches(['"', '\\']).parse().ok();
        } else if name.eq_ignore_ascii_case("text") {
            reason = Reason { text: value, is_cut, ..reason };
        }
    }
    Some((reason, rest))
}

fn protocol(name: &str) -> Protocol {
    match name.trim() {
        name if name.eq_ignore_ascii_case("sip") => Protocol::Sip,
        name if name.eq_ignore_ascii_case("q.850") => Protocol::Q850,
        _ => Protocol::Other,
    }
}

/// The value of a parameter without its quotes, whether it is cut, and what stands behind it.
fn parameter_value(text: &str) -> (&str, bool, &str) {
    let is_microsoft =
        |text: &str| text.split_at_checked(GUID).is_some_and(|(guid, _)| guid_bits(guid).is_some());
    let unescaped = text.trim_start_matches('\\');
    let escapes = text.len() - unescaped.len();
    // Who took a cell out of its quotes may have taken the one behind a backslash for one of them.
    let bare = || Some(unescaped).filter(|text| escapes > 0 && is_microsoft(text));
    let Some(quoted) = unescaped.strip_prefix('"').or_else(bare) else {
        // Behind a GUID comes a phrase that may hold any of these.
        let end = text.find([';', ',']).filter(|_| !is_microsoft(text)).unwrap_or(text.len());
        // Without quotes nothing tells whether it goes on.
        return (text[..end].trim_end(), end == text.len(), &text[end..]);
    };
    match closing_quote(quoted, escapes) {
        Some(end) => {
            let (text, behind) = (quoted[..end].trim_end_matches('\\'), &quoted[end + 1..]);
            (text.trim_start(), false, &behind[behind.find([';', ',']).unwrap_or(behind.len())..])
        }
        None => (quoted.trim(), true, ""),
    }
}

/// Where a quoted text ends: at the first quote that no backslash guards. Who put the header into a text of JSON wrote backslashes before
/// its quotes, too: then so many guard nothing.
fn closing_quote(text: &str, escapes: usize) -> Option<usize> {
    let first = memchr::memchr2(b'"', b'\\', text.as_bytes())?;
    let mut backslashes = 0;
    let end = text[first..].bytes().position(|byte| {
        let guards = if escapes == 0 { backslashes % 2 } else { backslashes / (escapes + 1) };
        backslashes = if byte == b'\\' { backslashes + 1 } else { 0 };
        byte == b'"' && guards == 0
    });
    end.map(|end| first + end)
}

/// The 128 bits of a GUID with hyphens.
fn guid_bits(guid: &str) -> Option<u128> {
    let is_hyphen = |place| matches!(place, 8 | 13 | 18 | 23);
    let guid: &[u8; GUID] = guid.as_bytes().try_into().ok()?;
    let mut bits = 0;
    for (place, letter) in guid.iter().enumerate() {
        if is_hyphen(place) {
            letter.eq(&b'-').then_some(())?;
        } else {
            bits = (bits << 4) | u128::from(char::from(*letter).to_digit(16)?);
        }
    }
    Some(bits)
}

#[cfg(test)]
mod tests;
