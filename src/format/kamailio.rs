//! Kamailio and OpenSIPS: the lines of their `acc` module in a syslog, `ACC: transaction answered: timestamp=…;method=INVITE;…`.
//!
//! A line is one transaction or branch; those of one `call_id` are one call. `transaction answered` and `request acknowledged` tell how
//! it ended, `call missed` is a branch. With its `cdr` flag OpenSIPS writes of an answered call `call ended` alone, when it is over.
//! Lines of BYE, ACK and other methods, and all other lines of the log are ignored. Pairs stand between `;`, which nothing escapes: a Reason header, which has `;` itself, ends where the name
//! of a pair follows that `acc` writes.
//! Documented at kamailio.org (module acc) and opensips.org (module acc).

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use super::device::{self, Device, Sides};
use super::names::Names;
use super::{Decode, Decoded, Format, Public, Recognised, correlation, fields};
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Guid, Reason, RecordId, Text, UnixMillis, Unread, UnreadField,
    Words,
};
use crate::framing::Framing;
use crate::reason_header;

/// Both modules write the same lines, but for the pairs that a script adds.
pub static FORMAT: Format = Format {
    name: "kamailio",
    aliases: &["opensips"],
    framing: Framing::Lines,
    recognise,
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
    decoder: &|_| Box::new(Decoder(&device::UNKNOWN)),
    told: Some(|device| Box::new(Decoder(device))),
    layout: None,
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

/// The kind of a line, and its pairs.
fn line_of(line: &[u8]) -> Option<(Kind, &[u8])> {
    let at = memchr::memmem::rfind(line, MARK)? + MARK.len();
    let (kind, pairs) = line[at..].split_at_checked(memchr::memmem::find(&line[at..], b": ")?)?;
    let kind = match kind {
        b"transaction answered" | b"request acknowledged" => Kind::Ended,
        b"call missed" => Kind::Missed,
        b"call ended" => Kind::Over,
        _ => return None,
    };
    Some((kind, &pairs[2..]))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ended,
    Missed,
    /// A dialog that ended, and so an answered call.
    Over,
}

#[derive(Debug)]
struct Decoder(&'static Device);

impl Decode for Decoder {
    fn decode<'a>(&'a mut self, line: &'a [u8]) -> Decoded<'a> {
        let Some((kind, pairs)) = line_of(line) else { return Decoded::Ignored };
        match str::from_utf8(pairs) {
            Ok(pairs) => decoded(kind, &Pairs(pairs), self.0),
            // A name in another character set, in an extra of the script, rejects no call.
            Err(_) => match decoded(kind, &Pairs(&String::from_utf8_lossy(pairs)), self.0) {
                Decoded::Call(call) => Decoded::Call(call.owned()),
                Decoded::Rejected(reason) => Decoded::Rejected(reason),
                _ => Decoded::Ignored,
            },
        }
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        correlation::in_reason_of_line(text)
    }

    fn sides(&self, line: &[u8]) -> Option<Sides> {
        let (_, pairs) = line_of(line)?;
        let text = String::from_utf8_lossy(pairs);
        let pairs = Pairs(&text);
        (pairs.get("method") == Some("INVITE")).then(|| self.0.sides(domains(&pairs)))
    }
}

/// The names that both modules write themselves, and those of the extras that are read.
const NAMES: [&str; 16] = [
    "timestamp",
    "method",
    "from_tag",
    "to_tag",
    "call_id",
    "code",
    "reason",
    "created",
    "call_start_time",
    "duration",
    "ms_duration",
    "setuptime",
    "src_user",
    "dst_user",
    "hf_reason",
    "trunk",
];

/// `name=value` between `;`.
struct Pairs<'a>(&'a str);

impl<'a> Pairs<'a> {
    /// The value of the first pair of this name, up to the next pair of a known one.
    fn get(&self, name: &str) -> Option<&'a str> {
        let begin = self.begin_of(name)?;
        let rest = &self.0[begin..];
        let ends = rest.match_indices(';').map(|(at, _)| at);
        let is_end = |at: &usize| {
            let behind = &rest[at + 1..];
            behind.is_empty() || is_pair(behind)
        };
        Some(rest[..ends.into_iter().find(is_end).unwrap_or(rest.len())].trim())
    }

    /// Where the value of this name begins.
    fn begin_of(&self, name: &str) -> Option<usize> {
        let mut places = std::iter::once(0).chain(self.0.match_indices(';').map(|(at, _)| at + 1));
        places.find_map(|at| {
            let value = self.0[at..].trim_start().strip_prefix(name)?.strip_prefix('=')?;
            Some(self.0.len() - value.len())
        })
    }
}

/// Whether a text begins with a pair: a known name, or one that cannot be a parameter of a Reason header.
fn is_pair(text: &str) -> bool {
    let Some((name, _)) = text.trim_start().split_once('=') else { return false };
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    NAMES.contains(&name)
        || !name.is_empty() && name.chars().all(is_name) && !matches!(name, "cause" | "text")
}

fn decoded<'a>(kind: Kind, pairs: &Pairs<'a>, device: &Device) -> Decoded<'a> {
    match pairs.get("method") {
        Some("INVITE") => call(kind, pairs, device).map_or_else(Decoded::Rejected, Decoded::Call),
        Some(_) => Decoded::Ignored,
        None => Decoded::Rejected(Reason::BadLine),
    }
}

fn call<'a>(kind: Kind, pairs: &Pairs<'a>, device: &Device) -> Result<Call<'a>, Reason> {
    let call_id = pairs.get("call_id").filter(|id| !id.is_empty()).ok_or(Reason::NoRecordId)?;
    let sip = match kind {
        Kind::Over => None,
        _ => {
            let code = pairs.get("code").filter(|code| !code.is_empty()).ok_or(Reason::BadLine)?;
            device::release_code(code.as_bytes(), false)?
        }
    };
    let direction = direction(pairs, device);
    let answered = kind == Kind::Over || matches!(sip, Some(200..=299));
    let mut unread = Unread::default();
    let duration = fields::duration_seconds(fields::whole_number(value(pairs, "duration")));
    let duration_seconds = unread.or(UnreadField::Duration, duration);
    let ended_at = ended_at(pairs, duration_seconds, &mut unread);
    // An extra whose header was not there is `<null>`.
    let extra = pairs.get("hf_reason").filter(|header| !matches!(*header, "" | "<null>"));
    let header = extra.or_else(|| pairs.get("reason")).unwrap_or_default();
    let said = reason_header::phrases(header).find(|said| !said.phrase.is_empty());
    Ok(Call {
        record_id: RecordId(xxh3_128(call_id.as_bytes())),
        trunk: Text::from(pairs.get("trunk").unwrap_or_default()),
        direction,
        succeeded: Some(answered),
        codes: Codes {
            microsoft: None,
            sip,
            q850: reason_header::q850(header),
            text: said.map_or("", |said| said.phrase).into(),
            words: said.filter(|_| !answered).map_or(Words::Other, reason_header::Said::words),
            refused_by: device::refused_by(direction),
        },
        ended_at,
        duration_seconds,
        attempt: if kind == Kind::Missed { Attempt::Branch } else { Attempt::Final },
        unread,
        detail: Detail::default(),
    })
}

/// The time of the line; of a call that is over, that of its answer and how long it lasted since.
fn ended_at(pairs: &Pairs<'_>, lasted: Option<u32>, unread: &mut Unread) -> Option<UnixMillis> {
    let mut time = |name| unread.or(UnreadField::EndTime, seconds(value(pairs, name)));
    let lasted = i64::from(lasted.unwrap_or_default()) * 1000;
    let answered_at = time("call_start_time").map(|UnixMillis(at)| UnixMillis(at + lasted));
    time("timestamp").or(answered_at).or_else(|| time("created"))
}

fn value<'a>(pairs: &Pairs<'a>, name: &str) -> &'a [u8] {
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
    let millis = format!("{fraction:0<3}").get(..3).and_then(|millis| millis.parse::<i64>().ok());
    Ok(Some(UnixMillis(seconds * 1000 + millis.unwrap_or_default())))
}

/// The hosts that the script adds, of the side that called and of the one that was called.
fn domains<'a>(pairs: &Pairs<'a>) -> [&'a str; 2] {
    ["src_domain", "dst_domain"].map(|name| pairs.get(name).map(device::host).unwrap_or_default())
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
mod tests {
    use super::*;

    const REFUSED: &str = "Nov  5 09:01:00 proxy kamailio[812]: NOTICE: acc [acc.c:279]: acc_log_request(): ACC: transaction answered: \
        timestamp=1730797260;method=INVITE;from_tag=a;to_tag=b;call_id=c1@192.0.2.1;code=480;reason=Temporarily Unavailable";

    #[test]
    fn a_name_in_latin_1_rejects_no_call() {
        let line = [REFUSED.as_bytes(), b";name=J\xf6rg"].concat();
        let mut decoder = Decoder(&device::UNKNOWN);
        assert!(matches!(decoder.decode(&line), Decoded::Call(call) if call.codes.sip == Some(480)));
    }

    fn decoded(line: &str) -> Decoded<'static> {
        match Decoder(&device::UNKNOWN).decode(line.as_bytes()) {
            Decoded::Call(call) => Decoded::Call(call.owned()),
            Decoded::Header => Decoded::Header,
            Decoded::Ignored => Decoded::Ignored,
            Decoded::Rejected(reason) => Decoded::Rejected(reason),
        }
    }

    fn call(line: &str) -> Call<'static> {
        match decoded(line) {
            Decoded::Call(call) => call,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn reads_a_line() {
        let expected = Call {
            record_id: RecordId(xxh3_128(b"c1@192.0.2.1")),
            trunk: "".into(),
            direction: Direction::Unknown,
            succeeded: Some(false),
            codes: Codes { sip: Some(480), words: Words::Other, ..Codes::default() },
            ended_at: Some(UnixMillis(1_730_797_260_000)),
            duration_seconds: None,
            attempt: Attempt::Final,
            unread: Unread::default(),
            detail: Detail::default(),
        };
        assert_eq!(call(REFUSED), expected);
        let missed = REFUSED.replace("transaction answered", "call missed");
        assert_eq!(call(&missed), Call { attempt: Attempt::Branch, ..expected });
        assert_eq!(call(&REFUSED.replace("code=480", "code=200")).succeeded, Some(true));
    }

    #[test]
    fn a_reason_header_has_semicolons_of_its_own() {
        let header =
            r#"Q.850;cause=31;text="5e19725b-7fad-4e89-bae3-dfc5df88bb96;No callee endpoints were found""#;
        for line in [
            REFUSED.replace("Temporarily Unavailable", header),
            format!("{REFUSED};hf_reason={header};src_user=x;dst_user=y"),
            format!("{REFUSED};hf_reason={header}"),
            REFUSED.replace("Temporarily Unavailable", header) + ";hf_reason=<null>;src_user=x",
        ] {
            let codes = call(&line).codes;
            assert_eq!(
                (codes.q850, codes.text),
                (Some(31), "No callee endpoints were found".into()),
                "{line}"
            );
            assert_eq!(codes.words, Words::Microsoft);
        }
    }

    #[test]
    fn which_side_is_teams() {
        for (extra, direction) in [
            (";src_domain=sip.pstnhub.microsoft.com;dst_domain=carrier.example.com", Direction::Outbound),
            (";src_domain=carrier.example.com;dst_domain=sip2.pstnhub.microsoft.com", Direction::Inbound),
            ("", Direction::Unknown),
        ] {
            assert_eq!(call(&format!("{REFUSED}{extra};trunk=teams-1")).direction, direction, "{extra}");
        }
        assert_eq!(call(&format!("{REFUSED};trunk=teams-1")).trunk, "teams-1".into());
    }

    #[test]
    fn opensips_writes_an_answered_call_when_it_is_over() {
        let line = "Nov  5 09:01:30 proxy opensips[812]: ACC: call ended: created=1730797260;call_start_time=1730797265;duration=30;\
            ms_duration=30123;setuptime=5;method=INVITE;from_tag=a;to_tag=b;call_id=c1@192.0.2.1;code=200;reason=OK";
        let over = call(line);
        assert_eq!(
            (over.succeeded, over.attempt, over.duration_seconds),
            (Some(true), Attempt::Final, Some(30))
        );
        assert_eq!(over.ended_at, Some(UnixMillis(1_730_797_295_000)));
        assert_eq!(over.record_id, RecordId(xxh3_128(b"c1@192.0.2.1")));
    }

    #[test]
    fn a_time_that_cannot_be_read_is_said() {
        let at = |time: &str| {
            let call = call(&REFUSED.replace("timestamp=1730797260", &format!("timestamp={time}")));
            (call.ended_at.map(|at| at.0), call.unread.has(UnreadField::EndTime))
        };
        assert_eq!(at("1730797260.123"), (Some(1_730_797_260_123), false));
        assert_eq!(at("2024-11-05 09:01:00"), (None, true));
    }

    #[test]
    fn what_is_no_call() {
        for line in [
            REFUSED.replace("INVITE", "BYE"),
            "Nov  5 09:01:00 proxy kamailio[812]: ERROR: tm: no branch".to_owned(),
            "ACC: something else: method=INVITE".to_owned(),
        ] {
            assert_eq!(decoded(&line), Decoded::Ignored, "{line}");
        }
        for (line, reason) in [
            (REFUSED.replace("call_id=c1@192.0.2.1;", ""), Reason::NoRecordId),
            (REFUSED.replace("code=480;", ""), Reason::BadLine),
            (REFUSED.replace("code=480", "code=4x0"), Reason::BadCode),
            (REFUSED.replace("method=INVITE;", ""), Reason::BadLine),
        ] {
            assert_eq!(decoded(&line), Decoded::Rejected(reason), "{line}");
        }
    }
}
