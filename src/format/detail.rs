//! What a row of Microsoft's reports tells of its call beside cause and trunk: its kind, how long it took to be answered or
//! to fail, and which country was called.

use crate::call::{Country, Direction, Kind};

/// Words of `callType`, the telling ones first: `ByotOutUserTransfer`, `dr_unassigned_in`, `dr_in_ucap`.
const KINDS: [(&[u8], Kind); 8] = [
    (b"emergency", Kind::Emergency),
    (b"unassigned", Kind::UnassignedNumber),
    (b"conf", Kind::Conference),
    (b"transfer", Kind::Transfer),
    (b"forward", Kind::Forward),
    (b"bot", Kind::Bot),
    // Auto attendants and call queues, by their older name.
    (b"ucap", Kind::Bot),
    (b"user", Kind::User),
];

/// Who or what takes part, by the type of the call.
#[inline(always)]
pub fn kind(call_type: &[u8]) -> Kind {
    match call_type {
        b"Dr_In" | b"Dr_Out" | b"ByotIn" | b"ByotOut" => Kind::User,
        b"" => Kind::Unknown,
        _ => kind_of_other(call_type),
    }
}

#[cold]
fn kind_of_other(call_type: &[u8]) -> Kind {
    let lower = call_type.to_ascii_lowercase();
    let has = |word: &[u8]| lower.windows(word.len()).any(|part| part == word);
    match KINDS.into_iter().find(|(word, _)| has(word)) {
        Some((_, kind)) => kind,
        None if lower.starts_with(b"dr_") || lower.starts_with(b"byot") => Kind::User,
        None => Kind::Unknown,
    }
}

/// From INVITE to answer or failure, of the milliseconds between both; nothing longer than an hour is that.
#[inline(always)]
pub fn setup_millis(between: Option<i64>) -> Option<u32> {
    const LONGEST: i64 = 60 * 60 * 1000;
    between.filter(|millis| (0..=LONGEST).contains(millis)).and_then(|millis| u32::try_from(millis).ok())
}

/// The country that was called: by the row's own field, else by the number.
#[inline(always)]
pub fn country(direction: Direction, code: &[u8], callee: &[u8]) -> Option<Country> {
    match direction {
        Direction::Outbound => Country::of_code(code).or_else(|| Country::of_number(callee)),
        Direction::Inbound | Direction::Unknown => None,
    }
}

/// The same record without its detail, of which the tests of formats that are about something else need not speak.
#[cfg(test)]
pub fn left_out(decoded: super::Decoded<'_>) -> super::Decoded<'_> {
    use crate::call::{Call, Detail};
    match decoded {
        super::Decoded::Call(call) => super::Decoded::Call(Call { detail: Detail::default(), ..call }),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_call_shows_its_kind() {
        for (call_type, expected) in [
            ("Dr_In", Kind::User),
            ("ByotOut", Kind::User),
            ("byotin", Kind::User),
            ("ByotOutUserTransfer", Kind::Transfer),
            ("Dr_Out_User_Transfer", Kind::Transfer),
            ("dr_out_user_forwarding", Kind::Forward),
            ("dr_out_user_conf", Kind::Conference),
            ("dr_emergency_out", Kind::Emergency),
            ("dr_unassigned_in", Kind::UnassignedNumber),
            ("dr_in_bot", Kind::Bot),
            ("dr_out_ucap", Kind::Bot),
            ("ByotInUcap", Kind::Bot),
            ("", Kind::Unknown),
            ("something else", Kind::Unknown),
        ] {
            assert_eq!(kind(call_type.as_bytes()), expected, "{call_type}");
        }
    }

    #[test]
    fn setup_lasts_from_invite_to_answer_or_failure() {
        for (between, expected) in [
            (Some(3250), Some(3250)),
            (Some(0), Some(0)),
            (Some(-1), None),
            (Some(3_600_000), Some(3_600_000)),
            (Some(3_600_001), None),
            (None, None),
        ] {
            assert_eq!(setup_millis(between), expected);
        }
    }

    #[test]
    fn the_country_is_that_of_the_number_called() {
        let of = |direction, code: &str, callee: &str| {
            country(direction, code.as_bytes(), callee.as_bytes()).map(|country| country.label().to_owned())
        };
        assert_eq!(of(Direction::Outbound, "", "+4930****").as_deref(), Some("DE"));
        assert_eq!(of(Direction::Outbound, "fr", "+4930****").as_deref(), Some("FR"));
        assert_eq!(of(Direction::Outbound, "?", "112"), None);
        assert_eq!(of(Direction::Inbound, "fr", "+4930****"), None);
    }
}
