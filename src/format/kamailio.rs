//! Kamailio and OpenSIPS: the lines of their `acc` module in a syslog, `ACC: transaction answered: timestamp=…;method=INVITE;…`.
//!
//! A line is one transaction or branch; those of one `call_id` are one call. `transaction answered` and `request acknowledged` tell how
//! it ended, `call missed` is a branch. Lines of BYE, ACK and other methods, OpenSIPS's `call ended`, and all other lines of the
//! log are ignored. Pairs stand between `;`, which nothing escapes: a Reason header, which has `;` itself, ends where the name
//! of a pair follows that `acc` writes.
//! Documented at kamailio.org (module acc) and opensips.org (module acc).

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use super::device::{self, Device};
use super::names::Names;
use super::{Decode, Decoded, Format, Public, Recognised, fields};
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Reason, RecordId, Text, UnixMillis, Unread, Words,
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
        b"call ended" => Kind::Other,
        _ => return None,
    };
    Some((kind, &pairs[2..]))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ended,
    Missed,
    Other,
}

#[derive(Debug)]
struct Decoder(&'static Device);

impl Decode for Decoder {
    fn decode<'a>(&'a mut self, line: &'a [u8]) -> Decoded<'a> {
        let Some((kind @ (Kind::Ended | Kind::Missed), pairs)) = line_of(line) else {
            return Decoded::Ignored;
        };
        let Ok(pairs) = str::from_utf8(pairs) else { return Decoded::Rejected(Reason::BadLine) };
        let pairs = Pairs(pairs);
        match pairs.get("method") {
            Some("INVITE") => call(kind, &pairs, self.0).map_or_else(Decoded::Rejected, Decoded::Call),
            Some(_) => Decoded::Ignored,
            None => Decoded::Rejected(Reason::BadLine),
        }
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

fn call<'a>(kind: Kind, pairs: &Pairs<'a>, device: &Device) -> Result<Call<'a>, Reason> {
    let call_id = pairs.get("call_id").filter(|id| !id.is_empty()).ok_or(Reason::NoRecordId)?;
    let code = pairs.get("code").ok_or(Reason::BadLine)?;
    let sip = fields::sip_code(fields::whole_number(code.as_bytes()))?;
    let direction = direction(pairs, device);
    let answered = matches!(sip, Some(200..=299));
    let header = pairs.get("hf_reason").or_else(|| pairs.get("reason")).unwrap_or_default();
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
        ended_at: pairs.get("timestamp").and_then(|seconds| seconds.parse().ok()).map(of_seconds),
        duration_seconds: None,
        attempt: if kind == Kind::Ended { Attempt::Final } else { Attempt::Branch },
        unread: Unread::default(),
        detail: Detail::default(),
    })
}

fn of_seconds(seconds: i64) -> UnixMillis {
    UnixMillis(seconds.saturating_mul(1000))
}

/// By Microsoft's host in the domains that the script adds, or by the operator's names for them.
fn direction(pairs: &Pairs<'_>, device: &Device) -> Direction {
    let host = |name| pairs.get(name).map(device::host).unwrap_or_default();
    let (from, to) = (host("src_domain"), host("dst_domain"));
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
    fn what_is_no_call() {
        for line in [
            REFUSED.replace("INVITE", "BYE"),
            REFUSED.replace("transaction answered", "call ended"),
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
