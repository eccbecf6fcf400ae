//! FreeSWITCH `mod_cdr_csv`: one line to one leg of a call, as the operator's template has it.
//!
//! FreeSWITCH expands the template as plain text and escapes nothing. So a line is read by the same template: what stands between
//! its variables is looked for, and no rule of CSV. Without `layout:` in the config, the template is `example`, which is the one
//! that FreeSWITCH comes with. It has no SIP code and no leg of the other side: the module should write A legs alone.
//! Read from FreeSWITCH's source: `mod_cdr_csv.c`, `cdr_csv.conf.xml`, `switch_types.h`.

use std::time::Duration;

use jiff::civil;

use super::device::{self, Device, Keys};
use super::freeswitch::variables::{self, Variables};
use super::names::Names;
use super::{Decode, Decoded, Format, Public, Recognised, correlation, freeswitch};
use crate::call::{Guid, Reason};
use crate::framing::Framing;

/// `Master.csv` and the files of single accounts.
pub static FORMAT: Format = Format {
    name: "freeswitch_csv",
    aliases: &[],
    framing: Framing::Lines,
    recognise,
    is_log: false,
    live_within: Duration::from_mins(15),
    is_trunk: variables::is_gateway,
    public: Public::of_words(freeswitch::WORDS),
    broken: Reason::BadLine,
    decoder: &|_| Box::new(Decoder::new(&device::UNKNOWN)),
    device: Some(Keys {
        decoder: |device| Box::new(Decoder::new(device)),
        teams_side: true,
        carrier_trunk: None,
        layout: Some(|text| Template::read(text).map(|_| ())),
    }),
    twin: None,
    config: "",
};

const EXAMPLE: [&str; 15] = [
    "caller_id_name",
    "caller_id_number",
    "destination_number",
    "context",
    "start_stamp",
    "answer_stamp",
    "end_stamp",
    "duration",
    "billsec",
    "hangup_cause",
    "uuid",
    "bleg_uuid",
    "accountcode",
    "read_codec",
    "write_codec",
];

/// By its first line, if that has what the template that FreeSWITCH comes with makes of times, numbers and a cause.
fn recognise(text: &[u8], finished: bool, _: Names) -> Recognised {
    if !text.starts_with(b"\"") {
        return Recognised::No;
    }
    let line = memchr::memchr(b'\n', text).map(|newline| &text[..newline]);
    match line.or((finished || text.len() > device::MAXIMUM_LINE).then_some(text)) {
        None => Recognised::NeedMore,
        Some(line) if is_of_example(&String::from_utf8_lossy(line.trim_ascii_end())) => Recognised::Yes,
        Some(_) => Recognised::No,
    }
}

fn is_of_example(line: &str) -> bool {
    let example = Template::example();
    let Some(values) = example.values(line) else { return false };
    let is = |name: &str, test: fn(&str) -> bool| {
        values.iter().any(|(known, value)| *known == name && test(value))
    };
    let is_time = |text: &str| text.parse::<civil::DateTime>().is_ok();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_cause =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    is("start_stamp", is_time)
        && is("end_stamp", is_time)
        && is("duration", is_number)
        && is("billsec", is_number)
        && is("hangup_cause", is_cause)
}

/// The names of variables, each with what stands before it, and what stands behind the last one.
#[derive(Debug, PartialEq, Eq)]
struct Template {
    parts: Vec<(String, String)>,
    end: String,
}

/// One of them must be there, else nothing says how a call ended.
const ENDINGS: [&str; 8] = [
    "answer_stamp",
    "answer_epoch",
    "answer_uepoch",
    "hangup_cause",
    "hangup_cause_q850",
    "sip_term_status",
    "sip_invite_failure_status",
    "proto_specific_hangup_cause",
];

/// One of them must be there, else of two calls that are alike one would not count.
const IDS: [&str; 2] = ["uuid", "call_uuid"];

impl Template {
    /// Reads a template as it stands in `cdr_csv.conf.xml`: `"${start_stamp}","${hangup_cause}"`.
    fn read(text: &str) -> Result<Self, String> {
        let mut pieces = text.trim().split("${");
        let mut before = pieces.next().unwrap_or_default().to_owned();
        let mut parts = Vec::new();
        for piece in pieces {
            let (name, behind) = piece.split_once('}').ok_or("a `${` is never closed")?;
            if before.is_empty() && !parts.is_empty() {
                return Err(format!(
                    "nothing stands before ${{{name}}}, so that nobody can tell where it begins"
                ));
            }
            let part = (std::mem::replace(&mut before, behind.to_owned()), name.trim().to_owned());
            parts.push(part);
        }
        let has = |names: &[&str]| parts.iter().any(|(_, name)| names.contains(&name.as_str()));
        if !has(&ENDINGS) {
            return Err("nothing in it says how a call ended: it needs ${answer_stamp} and ${hangup_cause}"
                .to_owned());
        }
        if !has(&IDS) {
            return Err("nothing in it tells two calls that are alike apart: it needs ${uuid}".to_owned());
        }
        Ok(Self { parts, end: before })
    }

    fn example() -> Self {
        let part = |(place, name): (usize, &&str)| {
            let before = if place == 0 { "\"" } else { "\",\"" };
            (before.to_owned(), (*name).to_owned())
        };
        Self { parts: EXAMPLE.iter().enumerate().map(part).collect(), end: "\"".to_owned() }
    }

    /// The values of a line by the names of their variables; `None` where the line is not made by this template, or where a
    /// value holds what stands between two, so that nobody can tell where it ends: from the line's end the values differ.
    fn values<'t>(&'t self, line: &'t str) -> Option<Vec<(&'t str, &'t str)>> {
        let (first, _) = self.parts.first()?;
        let line = line.strip_prefix(first.as_str())?.strip_suffix(self.end.as_str())?;
        let (mut rest, mut values) = (line, Vec::with_capacity(self.parts.len()));
        for (before, _) in self.parts.iter().skip(1) {
            let value;
            (value, rest) = rest.split_once(before.as_str())?;
            values.push(value);
        }
        values.push(rest);
        let (mut rest, mut from_end) = (line, values.iter().rev());
        for (before, _) in self.parts.iter().skip(1).rev() {
            let value;
            (rest, value) = rest.rsplit_once(before.as_str())?;
            from_end.next().filter(|other| **other == value)?;
        }
        Some(self.parts.iter().map(|(_, name)| name.as_str()).zip(values).collect())
    }
}

#[derive(Debug)]
struct Decoder {
    device: &'static Device,
    template: Template,
}

impl Decoder {
    fn new(device: &'static Device) -> Self {
        // What is wrong with it was said when the config was read.
        let template = device.layout().and_then(|text| Template::read(text).ok());
        Self { device, template: template.unwrap_or_else(Template::example) }
    }
}

impl Decode for Decoder {
    fn ignored_are(&self) -> Option<&'static str> {
        Some(freeswitch::IGNORED_ARE)
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        correlation::in_reason_of_line(text)
    }

    fn decode<'a>(&'a mut self, line: &'a [u8]) -> Decoded<'a> {
        let text = String::from_utf8_lossy(line);
        let Some(values) = self.template.values(text.trim_end()) else {
            return Decoded::Rejected(Reason::BadLine);
        };
        let mut variables =
            Variables::of(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        variables.add_codes_of_cause();
        variables.decoded(self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Call, Direction, UnixMillis};
    use crate::format::device::TrunkFrom;

    const BUSY: &str = r#""User, One","+14255550100","+14255550199","teams","2024-11-05 09:00:00","","2024-11-05 09:00:20","20","0","USER_BUSY","f5000001-05ec-4a1b-8c2d-000000000001","","","PCMA","PCMA""#;

    fn told(layout: Option<&str>) -> Decoder {
        let berlin = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
        let device = Device::parse(&["teams"], TrunkFrom::Teams, berlin).unwrap();
        Decoder::new(Box::leak(Box::new(device.with_layout(layout.map(str::to_owned)))))
    }

    fn call(mut decoder: Decoder, line: &str) -> Call<'static> {
        match decoder.decode(line.as_bytes()) {
            Decoded::Call(call) => call.owned(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn reads_a_line_of_the_example() {
        let busy = call(told(None), BUSY);
        assert_eq!((busy.succeeded, busy.codes.q850, busy.codes.sip), (Some(false), Some(17), None));
        assert_eq!((busy.direction, busy.duration_seconds), (Direction::Outbound, Some(20)));
        assert_eq!(busy.ended_at, Some(UnixMillis(1_730_793_620_000)));
        let answered =
            BUSY.replace(r#""","2024-11-05 09:00:20""#, r#""2024-11-05 09:00:09","2024-11-05 09:00:20""#);
        assert_eq!(call(told(None), &answered).succeeded, Some(true));
        let cancelled = call(told(None), &BUSY.replace("USER_BUSY", "ORIGINATOR_CANCEL"));
        assert_eq!((cancelled.codes.sip, cancelled.codes.q850), (Some(487), None));
    }

    #[test]
    fn reads_a_line_by_the_operators_template() {
        let template = r#"${uuid};"${sip_reason}";${sip_invite_failure_status};${answer_epoch}"#;
        let line = r#"f5;"Q.850;cause=31;text="5e19725b-7fad-4e89-bae3-dfc5df88bb96;User is busy"";480;0"#;
        let call = call(told(Some(template)), line);
        assert_eq!((call.codes.sip, call.succeeded), (Some(480), Some(false)));
        assert_eq!(call.codes.text, "User is busy".into());
        let mut short = told(Some(r#""${uuid}","${hangup_cause}""#));
        assert!(matches!(short.decode(br#""f5","NO_ANSWER""#), Decoded::Call(_)));
    }

    /// Else a caller's name could move the values behind it, and become the trunk.
    #[test]
    fn a_value_that_holds_what_stands_between_two_is_refused() {
        let template = r#"${caller_id_name},${sip_gateway_name},${uuid},"${hangup_cause}""#;
        let mut decoder = told(Some(template));
        assert!(matches!(decoder.decode(br#"User One,teams-1,f5,"NO_ANSWER""#), Decoded::Call(_)));
        for line in [r#"One, User,teams-1,f5,"NO_ANSWER""#, r#"User One,teams-1,f5,"x,"NO_ANSWER""#] {
            assert_eq!(decoder.decode(line.as_bytes()), Decoded::Rejected(Reason::BadLine), "{line}");
        }
    }

    #[test]
    fn what_is_no_call() {
        for (line, reason) in [
            (BUSY[..60].to_owned(), Reason::BadLine),
            (format!("{BUSY},\"x\""), Reason::BadLine),
            (
                BUSY.replace("2024-11-05 09:00:00", "x").replace("\"\",\"2024", "\"x\",\"2024"),
                Reason::BadTime,
            ),
            (BUSY.replace("f5000001-05ec-4a1b-8c2d-000000000001", ""), Reason::NoRecordId),
        ] {
            assert_eq!(told(None).decode(line.as_bytes()), Decoded::Rejected(reason), "{line}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_template() {
        for (template, message) in [
            ("", "nothing in it says how a call ended: it needs ${answer_stamp} and ${hangup_cause}"),
            ("${uuid", "a `${` is never closed"),
            (
                r#""${answer_stamp}","${hangup_cause}""#,
                "nothing in it tells two calls that are alike apart: it needs ${uuid}",
            ),
            (
                "${uuid}${hangup_cause}",
                "nothing stands before ${hangup_cause}, so that nobody can tell where it begins",
            ),
        ] {
            assert_eq!(Template::read(template), Err(message.to_owned()), "{template}");
        }
        let example: Vec<String> = EXAMPLE.iter().map(|name| format!("\"${{{name}}}\"")).collect();
        assert_eq!(Template::read(&example.join(",")), Ok(Template::example()));
    }

    #[test]
    fn recognises_its_files() {
        use Recognised::{NeedMore, No, Yes};
        for (text, finished, expected) in [
            (BUSY.to_owned(), false, NeedMore),
            (BUSY.to_owned(), true, Yes),
            (format!("{BUSY}\r\n"), false, Yes),
            (format!("{BUSY},\"\"\n"), false, No),
            (BUSY.replace("USER_BUSY", "busy") + "\n", false, No),
            ("\"a\",\"b\"\n".to_owned(), false, No),
            ("{".to_owned(), false, No),
        ] {
            assert_eq!(recognise(text.as_bytes(), finished, Names::default()), expected, "{text}");
        }
    }
}
