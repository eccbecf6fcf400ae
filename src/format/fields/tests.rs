//! One table for each kind of field; times are compared with another implementation too.

use proptest::prelude::*;

use xxhash_rust::xxh3::xxh3_128;

use super::*;

fn millis(text: &str) -> Result<Option<i64>, NotATime> {
    time(text.as_bytes()).map(|time| time.map(|UnixMillis(millis)| millis))
}

#[test]
fn reads_every_spelling_of_a_time() {
    const WHOLE: i64 = 1_730_797_953_000; // 2024-11-05T09:12:33Z
    let cases = [
        ("2024-11-05T09:12:33Z", WHOLE),
        ("2024-11-05t09:12:33z", WHOLE),
        ("2024-11-05 09:12:33", WHOLE),
        ("  2024-11-05T09:12:33Z\t", WHOLE),
        ("\u{a0} 2024-11-05T09:12:33Z \u{a0}", WHOLE),
        ("2024-11-05T09:12:33.9Z", WHOLE + 900),
        ("2024-11-05T09:12:33.94Z", WHOLE + 940),
        ("2024-11-05T09:12:33.949Z", WHOLE + 949),
        ("2024-11-05T09:12:33.9499Z", WHOLE + 949),
        ("2024-11-05T09:12:33.2589935Z", WHOLE + 258),
        ("2024-11-05T09:12:33.000000001Z", WHOLE),
        ("2024-11-05T09:12:33.949999999999999Z", WHOLE + 949),
        ("2024-11-05T10:12:33+01:00", WHOLE),
        ("2024-11-05T10:12:33.5+0100", WHOLE + 500),
        ("2024-11-04T23:42:33-09:30", WHOLE),
        ("2024-11-05T09:12:33 +00:00", WHOLE),
        ("2024-11-05T09:12:33-00:00", WHOLE),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("2000-02-29T00:00:00Z", 951_782_400_000),
        ("2016-12-31T23:59:60Z", 1_483_228_799_999),
        ("2016-12-31T23:59:60.5Z", 1_483_228_799_999),
    ];
    for (text, expected) in cases {
        assert_eq!(millis(text), Ok(Some(expected)), "{text}");
    }
}

#[test]
fn no_time_is_no_time() {
    for text in ["", "  ", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00", "0001-01-01T00:00:00.0000000+00:00"]
    {
        assert_eq!(millis(text), Ok(None), "{text}");
    }
}

#[test]
fn refuses_what_is_no_time() {
    let cases = [
        "2024-11-05",
        "09:12:33",
        "2024-11-05T09:12Z",
        "2024-13-05T09:12:33Z",
        "2024-00-05T09:12:33Z",
        "2024-11-31T09:12:33Z",
        "2024-11-00T09:12:33Z",
        "2023-02-29T09:12:33Z",
        "1900-02-29T09:12:33Z",
        "2024-11-05T24:00:00Z",
        "2024-11-05T09:60:33Z",
        "2024-11-05T09:12:61Z",
        "2024-11-05T09:12:33.Z",
        "2024-11-05T09:12:33X",
        "2024-11-05T09:12:33+24:00",
        "2024-11-05T09:12:33+01:60",
        "2024-11-05T09:12:33+1",
        "2024-11-05T09:12:33*0100",
        "2024-11-05_09:12:33Z",
        "05/11/2024 09:12:33",
        "2024-1a-05T09:12:33Z",
        "now",
        "2024-11-05T09:12:33Z and more",
        "\u{0662}024-11-05T09:12:33Z",
    ];
    for text in cases {
        assert_eq!(millis(text), Err(NotATime::Other), "{text}");
    }
}

proptest! {
    #[test]
    fn agrees_with_jiff(
        year in prop_oneof![1700i64..9998, 1999i64..2101], month in 1i64..=12, day in 1i64..=31, hour in 0..24, minute in 0..60,
        second in 0..60, fraction in "(\\.[0-9]{1,9})?",
        zone in "(Z|z|[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9])",
    ) {
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}");
        let expected: Option<jiff::Timestamp> = text.parse().ok();
        let expected = expected.map(|time| time.as_nanosecond().div_euclid(1_000_000));
        prop_assert_eq!(millis(&text).ok().flatten().map(i128::from), expected);
    }

    #[test]
    fn guids_are_read_as_numbers(number in 1u128.., upper: bool) {
        let plain = if upper { format!("{number:032X}") } else { format!("{number:032x}") };
        let groups = [&plain[..8], &plain[8..12], &plain[12..16], &plain[16..20], &plain[20..]].join("-");
        for text in [&plain, &groups, &format!("{{{groups}}}"), &format!(" {groups} ")] {
            prop_assert_eq!(record_id(text.as_bytes()), Ok(RecordId(number)));
        }
    }

    #[test]
    fn whole_numbers_come_back(number: u64) {
        prop_assert_eq!(whole_number(number.to_string().as_bytes()), Ok(Some(number)));
    }

    #[test]
    fn no_bytes_at_all_make_a_field_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = (time(&bytes), whole_number(&bytes), flag(&bytes), direction(&bytes), record_id(&bytes));
        text(Cow::Borrowed(&bytes));
    }
}

#[test]
fn ids_that_are_no_guid_are_hashed() {
    let id = |text: &str| record_id(text.as_bytes());
    let no_guids =
        ["row-1", "row-2", "9e8bba57-dc14-533a-a7dd-f0da6575eedg", "9e8bba57+dc14-533a-a7dd-f0da6575eed1"];
    for text in no_guids {
        assert_eq!(id(text), Ok(RecordId(xxh3_128(text.as_bytes()))), "{text}");
    }
    for text in ["", "  ", "00000000-0000-0000-0000-000000000000"] {
        assert_eq!(id(text), Err(Reason::NoRecordId), "{text}");
    }
}

#[test]
fn reads_codes() {
    let cases: [(&str, Result<Option<u64>, NotWhole>); 15] = [
        ("", Ok(None)),
        (" ", Ok(None)),
        ("0", Ok(Some(0))),
        ("410", Ok(Some(410))),
        (" 531004 ", Ok(Some(531_004))),
        ("410.0", Ok(Some(410))),
        ("0410", Ok(Some(410))),
        ("18446744073709551615", Ok(Some(u64::MAX))),
        ("18446744073709551616", Err(NotWhole::TooLarge)),
        ("410.5", Err(NotWhole::Other)),
        (".0", Err(NotWhole::Other)),
        ("-1", Err(NotWhole::Other)),
        ("4e2", Err(NotWhole::Other)),
        ("0x19a", Err(NotWhole::Other)),
        ("none", Err(NotWhole::Other)),
    ];
    for (text, expected) in cases {
        assert_eq!(whole_number(text.as_bytes()), expected, "{text}");
    }
    assert_eq!(sip_code(Ok(Some(999))), Ok(Some(999)));
    for too_much in [1000, 65_536 + 410, u64::MAX] {
        assert_eq!(sip_code(Ok(Some(too_much))), Err(Reason::BadCode));
    }
    assert_eq!(duration_seconds(Ok(Some(604_800))), Ok(Some(604_800)));
    for too_long in [604_801, 1 << 32, 1_000_000_000_000, u64::MAX] {
        assert_eq!(duration_seconds(Ok(Some(too_long))), Err(Reason::BadDuration));
    }
}

#[test]
fn reads_flags() {
    for (text, expected) in [
        ("Yes", Some(true)),
        ("yes", Some(true)),
        ("TRUE", Some(true)),
        ("Success", Some(true)),
        (" No ", Some(false)),
        ("false", Some(false)),
        ("Attempt", Some(false)),
        ("1", Some(true)),
        ("0", Some(false)),
        ("WAHR", Some(true)),
        ("FALSCH", Some(false)),
        ("falso", Some(false)),
        ("", None),
    ] {
        assert_eq!(flag(text.as_bytes()), Ok(expected), "{text}");
    }
    for text in ["2", "maybe", "y", "Ja"] {
        assert_eq!(flag(text.as_bytes()), Err(Reason::BadSuccess), "{text}");
    }
}

#[test]
fn reads_directions() {
    let inbound = [
        "ByotIn",
        "byotin",
        "ByotInUcap",
        "Dr_In",
        "dr_in_bot",
        "dr_unassigned_in",
        "dr_in_ucap",
        "ByotUnassignedIn",
    ];
    let outbound = [
        "ByotOut",
        "ByotOutUserTransfer",
        "ByotOutUcap",
        "ByotEmergencyOut",
        "Dr_Out",
        "Dr_Out_User_Transfer",
        "dr_out_user_forwarding",
        "dr_out_user_conf",
        "dr_emergency_out",
        "dr_out_bot",
        " DR_OUT ",
    ];
    let unknown = ["", "user_in", "user_out", "oc_in", "Byot", "dr_", "dr_new_kind", "conf_in"];
    for (call_types, expected) in
        [(&inbound[..], Direction::Inbound), (&outbound, Direction::Outbound), (&unknown, Direction::Unknown)]
    {
        for call_type in call_types {
            assert_eq!(direction(call_type.as_bytes()), expected, "{call_type}");
        }
    }
}

#[test]
fn text_is_trimmed_and_always_readable() {
    assert_eq!(text(Cow::Borrowed(b" sbc1.contoso.com ")), "sbc1.contoso.com".into());
    assert_eq!(text(Cow::Borrowed(b"caf\xe9")), "caf\u{fffd}".into());
    assert_eq!(text(Cow::Owned(b" caf\xe9".to_vec())), "caf\u{fffd}".into());
}

#[test]
fn a_call_ends_when_its_record_says_or_nearly() {
    let at = |second: i64| Ok(Some(UnixMillis(second * 1000)));
    let end = |times: [i64; 4], lasted| {
        ended_at(times, |second| Ok::<_, Reason>((second > 0).then_some(UnixMillis(second * 1000))), lasted)
    };
    assert_eq!(end([4, 3, 2, 1], Some(9)), at(4));
    assert_eq!(end([0, 3, 2, 1], None), at(3));
    assert_eq!(end([0, 0, 2, 1], None), at(2));
    assert_eq!(end([0, 0, 2, 1], Some(9)), at(11));
    assert_eq!(end([0, 0, 0, 1], Some(9)), at(10));
    assert_eq!(end([0, 0, 0, 0], Some(9)), Ok(None));
}

#[test]
fn hexadecimal_digits_are_those_of_the_standard_library() {
    for byte in 0..=u8::MAX {
        for place in 0..32 {
            let mut digits = *b"0123456789abcdefABCDEF9876543210";
            digits[place] = byte;
            let number = str::from_utf8(&digits).ok().filter(|_| byte.is_ascii_hexdigit());
            let number = number.and_then(|digits| u128::from_str_radix(digits, 16).ok());
            for level in [Level::baseline(), Level::new()] {
                let read = dispatch!(level, simd => hexadecimal(simd, &digits));
                assert_eq!(read, number, "{}", digits.escape_ascii());
            }
        }
    }
}

#[test]
fn few_digits_are_read_as_any_number() {
    for number in (0..1000).chain([9_999, 10_000, 560_486, 999_999, 1_234_567, 99_999_999]) {
        for text in [format!("{number}"), format!("{number:06}"), format!("{number:08}")] {
            let roomy = format!("{text},9999999");
            let read =
                few_digits(*roomy.as_bytes().first_chunk().unwrap(), u32::try_from(text.len()).unwrap());
            assert_eq!(read, Some(number), "{text}");
        }
    }
    for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
        for place in 0..8_u32 {
            let mut digits = *b"56048612";
            digits[place as usize] = byte;
            assert_eq!(leading_digits(digits), place);
            assert_eq!(few_digits(digits, place + 1), None);
            assert_eq!(few_digits(digits, 8), None);
        }
    }
    assert_eq!((few_digits([b'1'; 8], 0), few_digits([b'1'; 8], 9)), (None, None));
}

#[test]
fn usual_times_are_read_as_any_others() {
    for usual in [
        "2026-11-01T09:12:33.123Z",
        "2024-02-29T23:59:59.999Z",
        "2000-12-31T00:00:00.000Z",
        "2024-02-29T23:59:59Z",
    ] {
        let usual = usual.as_bytes();
        assert_eq!(usual_year_and_millis(usual).expect("usual"), year_and_millis(usual).expect("a time"));
        for byte in 0..=u8::MAX {
            for place in 0..usual.len() {
                let mut text = usual.to_vec();
                text[place] = byte;
                let Some(time) = usual_year_and_millis(&text) else { continue };
                assert_eq!(Some(time), year_and_millis(&text), "{}", text.escape_ascii());
            }
        }
    }
}

#[test]
fn times_of_one_hour_are_as_far_apart_as_any_others() {
    let usual = [
        "2026-11-01T09:12:33.123Z",
        "2026-11-01T09:12:33Z",
        "2026-11-01T09:59:59.999Z",
        "2026-11-01T09:00:00Z",
        "2024-02-29T23:59:59Z",
        "2024-02-29T23:00:00.001Z",
    ];
    for (from, to) in usual.iter().flat_map(|from| usual.map(|to| (*from, to))) {
        let apart = millis(to).unwrap().zip(millis(from).unwrap()).map(|(to, from)| to - from);
        let expected = apart.filter(|_| from[..13] == to[..13]);
        assert_eq!(millis_within_hour(from.as_bytes(), to.as_bytes()), expected, "{from} {to}");
    }
    for odd in
        ["0001-01-01T00:00:00Z", "2026-11-01T09:12:60Z", "2026-11-01T09:60:00Z", "2026-11-01 09:12:33", ""]
    {
        assert_eq!(millis_within_hour(odd.as_bytes(), odd.as_bytes()), None, "{odd}");
    }
}
