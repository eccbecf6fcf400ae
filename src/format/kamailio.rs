//! Kamailio and OpenSIPS: the lines of their `acc` module in a syslog, `ACC: transaction answered: timestamp=…;method=INVITE;…`.
//!
//! A line is one transaction or branch; those of one `call_id` are one call. `transaction answered` and `request acknowledged` tell how
//! it ended, `call missed` is a branch. With its `cdr` flag OpenSIPS writes of an answered call `call ended` alone, when it is over.
//! Lines of BYE, ACK and other methods, and all other lines of the log are ignored. Pairs stand between `;`, which nothing escapes: a
//! Reason header, which has `;` itself, ends where the name of a pair follows that `acc` writes.
//! Documented at kamailio.org (module acc) and opensips.org (module acc).

use std::sync::LazyLock;
use std::time::Duration;

use fearless_simd::{Level, dispatch};
use memchr::memmem::Finder;
use xxhash_rust::xxh3::xxh3_128;

use super::device::{self, Device, Keys, Sides};
use super::names::Names;
use super::{
    Decode, Decoded, Format, Front, Public, Recognised, Usual, correlation, fields, local_time, scan,
};
use crate::call::{
    Attempt, Call, Direction, Guid, Reason, RecordId, Text, UnixMillis, Unread, UnreadField, Words,
};
use crate::framing::Framing;
use crate::reason_header;

/// Both modules write the same lines, but for the pairs that a script adds.
pub static FORMAT: Format = Format {
    name: "kamailio",
    aliases: &["opensips"],
    framing: Framing::Lines,
    recognise,
    is_log: true,
    live_within: Duration::from_mins(15),
    is_trunk: device::is_device_trunk,
    public: Public::of_words(&[
        "ACC",
        "transaction answered",
        "call missed",
        "request acknowledged",
        "INVITE",
        "BYE",
    ]),
    broken: Reason::BadLine,
    decoder: &|_| Box::new(Decoder::new(&device::UNKNOWN)),
    device: Some(Keys {
        decoder: |device| Box::new(Decoder::new(device)),
        teams_side: true,
        carrier_trunk: None,
        layout: None,
    }),
    twin: None,
    config: "",
};

/// What stands before the kind of a line.
const MARK: &[u8] = b"ACC: ";

fn recognise(text: &[u8], finished: bool, _: Names) -> Recognised {
    match device::is_json(text) {
        true => Recognised::No,
        false => device::recognise_log(text, finished, |line| line_of(line).is_some()),
    }
}

static FIND_MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));

/// The kind of a line, and its pairs: behind the first mark that a kind follows. What a caller may say stands behind that.
fn line_of(line: &[u8]) -> Option<(Kind, &[u8])> {
    let line = device::without_escaped_end(line);
    FIND_MARK.find_iter(line).find_map(|at| kind_at(line, at + MARK.len()))
}

fn kind_at(line: &[u8], at: usize) -> Option<(Kind, &[u8])> {
    KINDS.iter().find_map(|(kind, words)| Some((*kind, line[at..].strip_prefix(*words)?)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ended,
    Missed,
    /// A dialog that ended, and so an answered call.
    Over,
}

/// What the modules write before the pairs.
const KINDS: [(Kind, &[u8]); 4] = [
    (Kind::Ended, b"transaction answered: "),
    (Kind::Missed, b"call missed: "),
    (Kind::Ended, b"request acknowledged: "),
    (Kind::Over, b"call ended: "),
];

#[derive(Debug)]
struct Decoder {
    device: &'static Device,
    /// Where `;` and `=` stand in the line that was read last.
    marks: Vec<usize>,
}

impl Decoder {
    fn new(device: &'static Device) -> Self {
        Self { device, marks: Vec::new() }
    }

    /// A line that is UTF-8 where its pairs stand; a call is put to the others.
    fn usual<'a>(&mut self, line: &'a [u8], calls: &mut Vec<Call<'a>>) -> Option<Usual> {
        let Some((kind, pairs)) = line_of(line) else { return Some(Usual::Ignored) };
        let pairs = Pairs::of(str::from_utf8(pairs).ok()?, &mut self.marks);
        match pairs.get(Name::Method)? {
            INVITE => Usual::filled(calls, |call| fill(call, kind, &pairs, self.device)),
            _ => Some(Usual::Ignored),
        }
    }
}

impl Decode for Decoder {
    fn decode<'a>(&'a mut self, line: &'a [u8]) -> Decoded<'a> {
        let Some((kind, pairs)) = line_of(line) else { return Decoded::Ignored };
        // A name in another character set, in an extra of the script, rejects no call.
        let text = String::from_utf8_lossy(pairs);
        decoded(kind, &Pairs::of(&text, &mut self.marks), self.device).owned()
    }

    fn decode_front<'t>(&mut self, text: &'t [u8], record_bytes: usize, front: &mut Front<'t>) {
        front.lines(text, record_bytes, |line, calls| self.usual(line, calls));
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        correlation::in_reason_of_line(text)
    }

    fn sides(&self, line: &[u8]) -> Option<Sides> {
        let (_, pairs) = line_of(line)?;
        let text = String::from_utf8_lossy(pairs);
        let pairs = Pairs::of(&text, &mut Vec::new());
        (pairs.get(Name::Method) == Some(INVITE)).then(|| self.device.sides(domains(&pairs)))
    }
}

/// The pairs that are read.
#[derive(Debug, Clone, Copy)]
enum Name {
    Timestamp,
    Method,
    CallId,
    Code,
    Reason,
    Created,
    CallStartTime,
    Duration,
    ReasonHeader,
    Trunk,
    SourceDomain,
    DestinationDomain,
}

const NAMES: usize = Name::DestinationDomain as usize + 1;

impl Name {
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"timestamp" => Self::Timestamp,
            b"method" => Self::Method,
            b"call_id" => Self::CallId,
            b"code" => Self::Code,
            b"reason" => Self::Reason,
            b"created" => Self::Created,
            b"call_start_time" => Self::CallStartTime,
            b"duration" => Self::Duration,
            b"hf_reason" => Self::ReasonHeader,
            b"trunk" => Self::Trunk,
            b"src_domain" => Self::SourceDomain,
            b"dst_domain" => Self::DestinationDomain,
            _ => return None,
        })
    }
}

/// The method of calls.
const INVITE: &str = "INVITE";

/// `name=value` between `;`: the value of the first pair of each name, up to the next pair. Of what the script adds, that of the last:
/// in the reason, which stands before it, there is what the other end said.
struct Pairs<'a>([Option<&'a str>; NAMES]);

impl<'a> Pairs<'a> {
    /// Reads pairs no further than to a method that is none of calls.
    fn of(text: &'a str, marks: &mut Vec<usize>) -> Self {
        let bytes = text.as_bytes();
        dispatch!(Level::new(), simd => scan::both(simd, bytes, [b';', b'='], marks));
        let mut marks = marks.iter().copied().peekable();
        let mut pairs = Self([None; NAMES]);
        // The pair that goes on here: which it is, and where its value begins.
        let mut open: Option<(Option<Name>, usize)> = None;
        let mut said = Said::default();
        let mut next = Some(0);
        while let Some(begin) = next {
            let equals = marks.next_if(|mark| bytes[*mark] == b'=');
            next = marks.find(|mark| bytes[*mark] == b';').map(|semicolon| semicolon + 1);
            let pair = equals.and_then(|equals| Some((name_of_pair(&text[begin..equals])?, equals + 1)));
            let value = pair.filter(|(name, _)| name.is_some() || !said.goes_on(open, text, begin));
            if value.is_none() && begin < text.len() {
                continue;
            }
            if let Some((Some(name), value)) = open {
                pairs.set(name, &text[value..begin - 1]);
                if matches!(pairs.get(Name::Method), Some(method) if method != INVITE) {
                    return pairs;
                }
            }
            open = value;
        }
        if let Some((Some(name), value)) = open {
            pairs.set(name, &text[value..]);
        }
        pairs
    }

    fn set(&mut self, name: Name, value: &'a str) {
        let known = &mut self.0[name as usize];
        if known.is_none() || matches!(name, Name::Trunk | Name::SourceDomain | Name::DestinationDomain) {
            *known = Some(device::trimmed(value));
        }
    }

    fn get(&self, name: Name) -> Option<&'a str> {
        self.0[name as usize]
    }
}

/// The quotes in what the other end said, as far as they were counted: each once, however many pairs seem to begin there.
#[derive(Default)]
struct Said {
    counted: usize,
    quotes: usize,
}

impl Said {
    /// Whether what begins there goes on with what the other end said, as the number in a phrase does: `text="…; HRESULT=0x80096004"`.
    /// Pairs that a script adds have no blank before them.
    fn goes_on(&mut self, open: Option<(Option<Name>, usize)>, text: &str, begin: usize) -> bool {
        let Some((Some(Name::Reason | Name::ReasonHeader), value)) = open else { return false };
        if self.counted < value {
            *self = Self { counted: value, quotes: 0 };
        }
        self.quotes += memchr::memchr_iter(b'"', &text.as_bytes()[self.counted..begin]).count();
        self.counted = begin;
        text[begin..].starts_with(' ') || self.quotes % 2 == 1
    }
}

/// Which pair has this name, if it is one that is read; `None` where it is that of no pair, as one that can be a parameter of a Reason
/// header is.
fn name_of_pair(text: &str) -> Option<Option<Name>> {
    let written = match text.as_bytes() {
        written @ [b'!'..=b'~', ..] => written,
        _ => text.trim_start().as_bytes(),
    };
    let name = Name::of(written);
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_name = || !matches!(written, b"" | b"cause" | b"text") && written.iter().all(is_of_name);
    (name.is_some() || is_name()).then_some(name)
}

fn decoded<'a>(kind: Kind, pairs: &Pairs<'a>, device: &Device) -> Decoded<'a> {
    match pairs.get(Name::Method) {
        Some(INVITE) => Decoded::filled(|call| fill(call, kind, pairs, device)),
        Some(_) => Decoded::Ignored,
        None => Decoded::Rejected(Reason::BadLine),
    }
}

/// Says in a call, of which nothing is known yet, what is known of it.
#[inline(always)]
fn fill<'a>(call: &mut Call<'a>, kind: Kind, pairs: &Pairs<'a>, device: &Device) -> Result<(), Reason> {
    let call_id = pairs.get(Name::CallId).filter(|id| !id.is_empty()).ok_or(Reason::NoRecordId)?;
    let sip = match kind {
        Kind::Over => None,
        _ => {
            let code = pairs.get(Name::Code).filter(|code| !code.is_empty()).ok_or(Reason::BadLine)?;
            device::release_code(code.as_bytes(), false)?
        }
    };
    let answered = kind == Kind::Over || matches!(sip, Some(200..=299));
    let duration = fields::duration_seconds(fields::whole_number(value(pairs, Name::Duration)));
    call.duration_seconds = call.unread.or(UnreadField::Duration, duration);
    call.ended_at = ended_at(pairs, call.duration_seconds, &mut call.unread);
    // An extra whose header was not there is `<null>`.
    let extra = pairs.get(Name::ReasonHeader).filter(|header| !matches!(*header, "" | "<null>"));
    let header = extra.or_else(|| pairs.get(Name::Reason)).unwrap_or_default();
    let told = reason_header::read(header);
    call.record_id = RecordId(xxh3_128(call_id.as_bytes()));
    call.trunk = Text::from(pairs.get(Name::Trunk).unwrap_or_default());
    call.direction = direction(pairs, device);
    call.succeeded = Some(answered);
    call.attempt = if kind == Kind::Missed { Attempt::Branch } else { Attempt::Final };
    (call.codes.sip, call.codes.q850) = (sip, told.q850);
    call.codes.text = told.phrase().into();
    call.codes.words = if answered { Words::Other } else { told.words() };
    call.codes.refused_by = device::refused_by(call.direction);
    Ok(())
}

/// The time of the line; of a call that is over, that of its answer and how long it lasted since.
fn ended_at(pairs: &Pairs<'_>, lasted: Option<u32>, unread: &mut Unread) -> Option<UnixMillis> {
    let mut time = |name| unread.or(UnreadField::EndTime, seconds(value(pairs, name)));
    let lasted = i64::from(lasted.unwrap_or_default()) * 1000;
    let answered_at = time(Name::CallStartTime).map(|UnixMillis(at)| UnixMillis(at + lasted));
    time(Name::Timestamp).or(answered_at).or_else(|| time(Name::Created))
}

fn value<'a>(pairs: &Pairs<'a>, name: Name) -> &'a [u8] {
    pairs.get(name).unwrap_or_default().as_bytes()
}

/// A later time is none.
const YEAR_10000: i64 = 253_402_300_800;

/// Seconds since 1970, with or without a fraction.
fn seconds(text: &[u8]) -> Result<Option<UnixMillis>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    let text = str::from_utf8(text).map_err(|_| Reason::BadTime)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = whole.parse::<i64>().ok().filter(|at| is_number(whole) && *at < YEAR_10000);
    let seconds = seconds.filter(|_| is_number(fraction)).ok_or(Reason::BadTime)?;
    Ok(Some(UnixMillis(seconds * 1000 + local_time::thousandths(fraction.as_bytes()))))
}

/// The hosts that the script adds, of the side that called and of the one that was called.
fn domains<'a>(pairs: &Pairs<'a>) -> [&'a str; 2] {
    [Name::SourceDomain, Name::DestinationDomain]
        .map(|name| pairs.get(name).map(device::host).unwrap_or_default())
}

/// By Microsoft's host in the domains that the script adds, or by the operator's names for them.
fn direction(pairs: &Pairs<'_>, device: &Device) -> Direction {
    let [from, to] = domains(pairs);
    match (device::is_microsoft(from), device::is_microsoft(to)) {
        (true, false) => Direction::Outbound,
        (false, true) => Direction::Inbound,
        _ => device.direction([from].into_iter(), [to].into_iter()),
    }
}

#[cfg(test)]
mod tests;
