//! What the operator says of a device between Teams and the PSTN: which of its names are Teams' side, where fields stand, its time
//! zone; and what the formats of devices share.

use std::fmt;
use std::sync::LazyLock;

use jiff::civil;
use jiff::tz::TimeZone;
use xxhash_rust::xxh3::xxh3_128;

use super::local_time::{Clock, Date};
use super::side_names::SideNames;
use super::zone::Zone;
use super::{Decode, Recognised};
use crate::call::{Direction, Reason, RefusedBy, UnixMillis};

/// What the operator says of a device.
#[derive(Clone)]
pub struct Device {
    /// Which of its names, of IP groups, trunk groups, dial peers, contexts or gateways, are those of Teams' side: as
    /// they were written.
    names: Vec<String>,
    teams: SideNames,
    trunk_from: TrunkFrom,
    /// That of times which do not name one.
    timezone: Zone,
    /// Where fields stand in its records, as it was written.
    layout: Option<String>,
}

/// As it was written: formats are told apart by this.
impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {:?} {:?}", self.names, self.trunk_from, self.timezone, self.layout)
    }
}

/// Which keys of the config the format of a device takes: what the operator says of the device, and what that must be.
#[derive(Clone, Copy)]
pub struct Keys {
    /// Makes a decoder of it.
    pub decoder: fn(&'static Device) -> Box<dyn Decode>,
    /// `teams_side`: whether records name their sides, so that it can tell them apart.
    pub teams_side: bool,
    /// `trunk_from: carrier`: fails with what else the config must say for it. `None` where records name one trunk.
    pub carrier_trunk: Option<CheckCarrierTrunk>,
    /// `layout`: fails with what is wrong with it. `None` where fields always stand in the same places.
    pub layout: Option<CheckLayout>,
}

/// Says what else the config must have for the trunk of the carrier's side.
pub type CheckCarrierTrunk = fn(&Beside<'_>) -> Result<(), &'static str>;

/// Says what is wrong with the operator's layout.
pub type CheckLayout = fn(&str) -> Result<(), String>;

/// What stands beside `trunk_from` in the config.
#[derive(Debug)]
pub struct Beside<'c> {
    /// The text of `layout`, or nothing.
    pub layout: &'c str,
    /// Whether `trunks: only:` names the trunks that may be shown.
    pub names_trunks: bool,
}

/// A device of which the operator says nothing.
pub static UNKNOWN: LazyLock<Device> = LazyLock::new(|| Device {
    names: Vec::new(),
    teams: SideNames::none(),
    trunk_from: TrunkFrom::Teams,
    timezone: Zone::new(TimeZone::UTC),
    layout: None,
});

/// The names that a record of a call gives to its two sides, as `teams_side` may say them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sides {
    pub names: Vec<String>,
    /// Whether the operator said which of them are Teams'.
    pub are_told: bool,
}

/// Which side names the trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrunkFrom {
    #[default]
    Teams,
    Carrier,
}

/// The hosts of Microsoft's SIP proxy, in each of its clouds ("Plan Direct Routing", SBC domain names and SIP signaling).
const PROXIES: [&str; 3] =
    ["pstnhub.microsoft.com", "pstnhub.dod.teams.microsoft.us", "pstnhub.gov.teams.microsoft.us"];

impl Device {
    /// Names may have `*` and `?` in them; case makes no difference.
    ///
    /// # Errors
    /// Which name is no pattern, and why.
    pub fn parse(
        written: &[&str],
        trunk_from: TrunkFrom,
        timezone: TimeZone,
    ) -> Result<Self, globset::Error> {
        let (teams, timezone) = (SideNames::parse(written)?, Zone::new(timezone));
        let names = written.iter().map(|name| (*name).to_owned()).collect();
        Ok(Self { names, teams, trunk_from, timezone, layout: None })
    }

    /// The same device, of which the operator also says where fields stand in its records.
    #[must_use]
    pub fn with_layout(self, layout: Option<String>) -> Self {
        Self { layout, ..self }
    }

    /// Where fields stand in its records, as the operator wrote it.
    pub fn layout(&self) -> Option<&str> {
        self.layout.as_deref()
    }

    /// Whether its clock shows UTC, as far as the operator said.
    pub fn is_in_utc(&self) -> bool {
        self.timezone.is_utc()
    }

    /// The moment of a time of day there.
    pub fn moment(&self, local: civil::DateTime) -> Option<UnixMillis> {
        self.timezone.moment(local)
    }

    /// As [`Device::moment`], of a time that the device calls so: `CET`.
    pub fn moment_called(&self, local: civil::DateTime, name: &str) -> Option<UnixMillis> {
        self.timezone.moment_called(local, name)
    }

    /// As [`Device::moment`]; `None` where reading the time is left to another.
    pub fn at(&self, date: Date, clock: Clock) -> Option<UnixMillis> {
        self.timezone.at(date, clock)
    }

    /// Whether the operator said which names are those of Teams' side.
    pub fn are_known(&self) -> bool {
        !self.teams.is_empty()
    }

    /// Whether one of these names, or hosts, is on Teams' side.
    pub fn is_teams<'t>(&self, mut names: impl Iterator<Item = &'t str>) -> bool {
        names.any(|name| self.is_teams_name(name))
    }

    /// Whether this name, or host, is on Teams' side.
    pub fn is_teams_name(&self, name: &str) -> bool {
        !name.is_empty() && self.teams.has(name)
    }

    /// As [`Device::is_teams_name`]; what is no text is no name.
    pub fn is_teams_bytes(&self, name: &[u8]) -> bool {
        !name.is_empty() && self.teams.has_bytes(name)
    }

    /// These names of a record's sides. What may be a number is left out.
    pub fn sides<'t>(&self, names: impl IntoIterator<Item = &'t str>) -> Sides {
        let names = names.into_iter().filter(|name| is_device_trunk(name)).map(str::to_owned).collect();
        Sides { names, are_told: self.are_known() }
    }

    /// The name that becomes the trunk; none where it is not known which side is Teams': a name may be a person's.
    pub fn trunk<'t>(&self, ingress: &'t str, egress: &'t str) -> &'t str {
        self.trunk_where(self.is_teams([ingress].into_iter()), ingress, egress)
    }

    /// As [`Device::trunk`], where it is known whether the call came from Teams' side.
    pub fn trunk_where<'t, Name: ?Sized>(
        &self,
        is_from_teams: bool,
        ingress: &'t Name,
        egress: &'t Name,
    ) -> &'t Name
    where
        &'t Name: Default,
    {
        if !self.are_known() {
            return Default::default();
        }
        match is_from_teams == (self.trunk_from == TrunkFrom::Teams) {
            true => ingress,
            false => egress,
        }
    }

    /// The direction of a call by which of its two sides is Teams.
    pub fn direction<'t>(
        &self,
        ingress: impl Iterator<Item = &'t str>,
        egress: impl Iterator<Item = &'t str>,
    ) -> Direction {
        direction_where(self.is_teams(ingress), self.is_teams(egress))
    }
}

/// The direction of a call by which of its two sides is Teams.
pub fn direction_where(is_from_teams: bool, is_to_teams: bool) -> Direction {
    match (is_from_teams, is_to_teams) {
        (true, false) => Direction::Outbound,
        (false, true) => Direction::Inbound,
        // Within Teams, or neither.
        _ => Direction::Unknown,
    }
}

/// A first line longer than this is none of a device's records.
pub const MAXIMUM_LINE: usize = 64 * 1024;

/// Whether a text begins as JSON does, which no log of these devices is. Lines of a log may begin with a bracket too, before a date
/// or a word: `[2024-11-05 09:01:00]`, `[S=40]`. What is too short to tell is no JSON yet.
pub fn is_json(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"[") else { return text.starts_with(b"{") };
    let value = rest.trim_ascii_start();
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match value.get(digits) {
        None => false,
        Some(b'-' | b':' | b'/') if digits > 0 => false,
        Some(b'-') => value.get(1).is_some_and(u8::is_ascii_digit),
        Some(_) if digits > 0 => true,
        Some(b'[' | b'{' | b'"' | b'\'' | b']') => true,
        Some(_) => [&b"true"[..], b"false", b"null"].iter().any(|word| value.starts_with(word)),
    }
}

/// So much of a log is looked at for a record: SIP messages of the device's debugging may fill many kilobytes between two calls.
pub const LOG_BEGINNING: usize = 240 * 1024;

/// Whether a text is a log in which one line in the first of it `is_record`. Lines of others may stand before that, so a
/// log of which no record came yet may be one; but its first line has a time in it, or is a header of SIP, and so a colon.
/// What was said of a text holds for a longer one that begins so.
pub fn recognise_log(text: &[u8], finished: bool, is_record: impl Fn(&[u8]) -> bool) -> Recognised {
    let (text, finished) = text.get(..LOG_BEGINNING).map_or((text, finished), |begin| (begin, true));
    for (place, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        match line.strip_suffix(b"\n").or(finished.then_some(line)) {
            None if line.len() > MAXIMUM_LINE => return Recognised::No,
            None => return Recognised::NeedMore,
            Some(line) if is_record(line) => return Recognised::Yes,
            Some(line) if place == 0 && !line.contains(&b':') => return Recognised::No,
            Some(_) => {}
        }
    }
    if finished { Recognised::No } else { Recognised::NeedMore }
}

/// Whether this is the host of a SIP proxy of Microsoft: `sip.pstnhub.microsoft.com`, `sip2.pstnhub.microsoft.com`.
pub fn is_microsoft(host: &str) -> bool {
    PROXIES.iter().any(|proxy| {
        let begin = host.len().checked_sub(proxy.len());
        let parts = begin.and_then(|begin| host.as_bytes().split_at_checked(begin));
        parts
            .is_some_and(|(before, end)| before.ends_with(b".") && end.eq_ignore_ascii_case(proxy.as_bytes()))
    })
}

/// The text without blanks at both ends. Most have none.
#[inline(always)]
pub fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] | [b'!'..=b'~'] | [] => text,
        _ => text.trim(),
    }
}

/// The hash of two texts that identify a record together, with a NUL between them.
pub fn hash_of_two(one: &[u8], two: &[u8]) -> u128 {
    let mut both = [0; 128];
    match both.get_mut(..one.len() + 1 + two.len()) {
        Some(both) => {
            both[..one.len()].copy_from_slice(one);
            both[one.len() + 1..].copy_from_slice(two);
            xxh3_128(both)
        }
        None => xxh3_128(&[one, b"\0", two].concat()),
    }
}

/// The host of a SIP URI, without port and parameters: `user@host:5061;transport=tls` or `sip:host`.
pub fn host(uri: &str) -> &str {
    // Most often nothing stands around it.
    if uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')) {
        return uri;
    }
    let uri = uri.trim_start_matches('<');
    let uri = uri.strip_prefix("sips:").or_else(|| uri.strip_prefix("sip:")).unwrap_or(uri);
    let host = memchr::memrchr(b'@', uri.as_bytes()).map_or(uri, |at| &uri[at + 1..]);
    // An address of IPv6 stands in brackets, where a port may follow it.
    if let Some((address, _)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        return address;
    }
    let end = host.bytes().position(|byte| matches!(byte, b':' | b';' | b'>' | b'?'));
    let (name, behind) = host.split_at(end.unwrap_or(host.len()));
    let is_address = || host.parse::<std::net::Ipv6Addr>().is_ok();
    if behind.starts_with(':') && behind[1..].contains(':') && is_address() { host } else { name }
}

/// Who ended a call, where its record says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// The device itself.
    Device,
    Caller,
    Called,
}

/// Which side gave the final answer to a call that went this way, where the device passed on what the called side said.
pub fn refused_by(direction: Direction) -> RefusedBy {
    match direction {
        Direction::Outbound => RefusedBy::SbcSide,
        Direction::Inbound => RefusedBy::Teams,
        Direction::Unknown => RefusedBy::Unknown,
    }
}

/// As [`refused_by`], where the record may say who ended the call. A caller gives no answer: what one from Teams got then is of the SBC's
/// side all the same.
pub fn refused_by_end(direction: Direction, ended_by: Option<EndedBy>) -> RefusedBy {
    match (direction, ended_by) {
        (Direction::Outbound, Some(EndedBy::Device)) => RefusedBy::Sbc,
        (Direction::Inbound, Some(EndedBy::Device | EndedBy::Caller)) => RefusedBy::Unknown,
        (Direction::Unknown, Some(EndedBy::Called)) => RefusedBy::Called,
        _ => refused_by(direction),
    }
}

/// A line of a log without a carriage return at its end, as rsyslog escapes it.
pub fn without_escaped_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"#015").unwrap_or(line)
}

/// The SIP code in what a device says released a call: a code, perhaps with its phrase, `CANCEL`, or `BYE` and words of its own, which
/// have none. What is neither decides nothing about an answered call.
///
/// # Errors
/// Of a call that was not answered, digits that are no code.
pub fn release_code(text: &[u8], answered: bool) -> Result<Option<u16>, Reason> {
    let text = text.trim_ascii();
    if text == b"CANCEL" {
        return Ok(Some(487));
    }
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let ends = text.get(digits).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let code = str::from_utf8(&text[..digits]).ok().and_then(|code| code.parse::<u16>().ok());
    match code.filter(|code| ends && (100..1000).contains(code)) {
        Some(code) => Ok(Some(code)),
        None if answered || !text.iter().any(u8::is_ascii_digit) => Ok(None),
        None => Err(Reason::BadCode),
    }
}

/// The number of a month by its English name, of which three letters are enough.
pub fn month(name: &str) -> Option<i8> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let short = name.get(..3)?;
    let place = NAMES.iter().position(|month| short.eq_ignore_ascii_case(month))?;
    i8::try_from(place + 1).ok()
}

/// Whether a text can be the name of a trunk of a device, which the operator gives: `Teams-1`, `carrier.example.com`, `TG_EU`.
/// Seven digits may be a telephone number.
pub fn is_device_trunk(text: &str) -> bool {
    let in_name = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | ' ' | '/' | '(' | ')')
    };
    !text.is_empty()
        && text.len() <= 64
        && text.chars().all(in_name)
        && text.chars().any(|letter| letter.is_ascii_alphabetic())
        && text.bytes().filter(u8::is_ascii_digit).count() < 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_by_name() {
        let device = Device::parse(&["Teams*", "pstnhub"], TrunkFrom::Carrier, TimeZone::UTC).unwrap();
        let one = std::iter::once;
        for (ingress, egress, expected) in [
            ("teams-eu", "carrier", Direction::Outbound),
            ("carrier", "PSTNHUB", Direction::Inbound),
            ("carrier", "pstnhub2", Direction::Unknown),
            ("teams-eu", "teams-us", Direction::Unknown),
            ("", "", Direction::Unknown),
        ] {
            assert_eq!(device.direction(one(ingress), one(egress)), expected, "{ingress} {egress}");
        }
        assert_eq!(device.trunk("teams", "carrier"), "carrier");
        assert_eq!(device.trunk("carrier", "teams"), "carrier");
        assert_eq!(UNKNOWN.trunk("teams", "carrier"), "");
        assert!(!UNKNOWN.are_known());
        assert!(Device::parse(&["[a"], TrunkFrom::Teams, TimeZone::UTC).is_err());
    }

    #[test]
    fn codes_that_released_calls() {
        for (text, failed, answered) in [
            ("486", Ok(Some(486)), Ok(Some(486))),
            ("404 Not Found", Ok(Some(404)), Ok(Some(404))),
            ("CANCEL", Ok(Some(487)), Ok(Some(487))),
            ("BYE", Ok(None), Ok(None)),
            ("", Ok(None), Ok(None)),
            ("Timeout", Ok(None), Ok(None)),
            ("48", Err(Reason::BadCode), Ok(None)),
            ("4x0", Err(Reason::BadCode), Ok(None)),
            ("486x", Err(Reason::BadCode), Ok(None)),
        ] {
            assert_eq!(release_code(text.as_bytes(), false), failed, "{text}");
            assert_eq!(release_code(text.as_bytes(), true), answered, "{text}");
        }
    }

    #[test]
    fn hosts_may_be_addresses() {
        for (uri, expected) in [
            ("[2001:db8::5]", "2001:db8::5"),
            ("sip:+14255550100@[2001:db8::5]:5061;transport=tls", "2001:db8::5"),
            ("2001:db8::5", "2001:db8::5"),
            ("192.0.2.1:5060", "192.0.2.1"),
            ("carrier.example.com:5060;a=b:c", "carrier.example.com"),
            ("[2001:db8::5", "[2001"),
        ] {
            assert_eq!(host(uri), expected, "{uri}");
        }
        for pattern in ["2001:db8::5", "[2001:DB8::5]", "[[]2001:db8::5]", "[[]2001:db8:*]", "2001:*"] {
            let device = Device::parse(&[pattern], TrunkFrom::Teams, TimeZone::UTC).unwrap();
            assert!(device.is_teams_name(host("[2001:db8::5]")), "{pattern}");
            assert!(!device.is_teams_name("2"), "{pattern}");
        }
    }

    #[test]
    fn who_ended_a_call_says_who_refused_it() {
        use EndedBy::{Called, Caller, Device};
        for (direction, ended_by, expected) in [
            (Direction::Outbound, None, RefusedBy::SbcSide),
            (Direction::Outbound, Some(Called), RefusedBy::SbcSide),
            (Direction::Outbound, Some(Caller), RefusedBy::SbcSide),
            (Direction::Outbound, Some(Device), RefusedBy::Sbc),
            (Direction::Inbound, None, RefusedBy::Teams),
            (Direction::Inbound, Some(Called), RefusedBy::Teams),
            (Direction::Inbound, Some(Caller), RefusedBy::Unknown),
            (Direction::Inbound, Some(Device), RefusedBy::Unknown),
            (Direction::Unknown, None, RefusedBy::Unknown),
            (Direction::Unknown, Some(Called), RefusedBy::Called),
            (Direction::Unknown, Some(Device), RefusedBy::Unknown),
        ] {
            assert_eq!(refused_by_end(direction, ended_by), expected, "{direction:?} {ended_by:?}");
        }
    }

    #[test]
    fn hosts_of_microsoft() {
        for (uri, expected) in [
            ("+14255550100@sip.pstnhub.microsoft.com:5061;user=phone", true),
            ("<sip:SIP2.PSTNHUB.MICROSOFT.COM;transport=tls>", true),
            ("sip.pstnhub.gov.teams.microsoft.us", true),
            ("sip:pstnhub.microsoft.com.example.com", false),
            ("pstnhub.microsoft.com", false),
            ("+14255550100@carrier.example.com", false),
            ("", false),
        ] {
            assert_eq!(is_microsoft(host(uri)), expected, "{uri}");
        }
    }

    #[test]
    fn a_bracket_before_a_date_is_no_json() {
        for text in ["{", "[{\"id\"", "[[1", "[\"a\"", "[ 1, 2", "[1.5]", "[-1", "[]", "[\n  {", "[null]"] {
            assert!(is_json(text.as_bytes()), "{text}");
        }
        for text in [
            "[2024-11-05 09:01:00] x",
            "[05/Nov/2024:09",
            "[09:01:00]",
            "[Tue Nov 05",
            "[S=40] |",
            "[2024",
            "[",
            "a",
        ] {
            assert!(!is_json(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_number_is_no_trunk() {
        for name in ["Teams", "carrier-1", "sbc1.contoso.com", "EU_2", "TG EU 1"] {
            assert!(is_device_trunk(name), "{name}");
        }
        for other in ["", "1", "+14255550100", "t4255550", "10.0.0.1", "user@contoso.com", "a\u{e9}"] {
            assert!(!is_device_trunk(other), "{other}");
        }
    }
}
