//! Legs as tables: a refused one with some of its variables replaced.

use super::*;
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, RecordId, RefusedBy, Text, UnixMillis, Unread, Words,
};

/// The variables of a call that was refused, but for what they are replaced with.
const REFUSED: [(&str, &str); 8] = [
    ("uuid", "f5000001-05ec-4a1b-8c2d-000000000001"),
    ("call_uuid", "f5000001-05ec-4a1b-8c2d-000000000001"),
    ("sip_gateway", "carrier-1"),
    ("sip_invite_failure_status", "480"),
    ("hangup_cause", "NORMAL_UNSPECIFIED"),
    ("hangup_cause_q850", "31"),
    ("answer_epoch", "0"),
    ("end_epoch", "1730797950"),
];

fn with(variables: &[(&str, &str)]) -> Decoded<'static> {
    let all: HashMap<&str, &str> = REFUSED.iter().chain(variables).copied().collect();
    decoded(
        serde_json::json!({ "core-uuid": "1", "variables": all }).to_string().as_bytes(),
        &device::UNKNOWN,
    )
}

fn call(variables: &[(&str, &str)]) -> Call<'static> {
    let Decoded::Call(call) = with(variables) else { panic!("no call: {variables:?}") };
    call
}

#[test]
fn recognises_its_beginning_only() {
    use Recognised::{NeedMore, No, Yes};
    for (text, finished, expected) in [
        ("{\"core-uuid\":", false, Yes),
        ("{\n \"core-uuid\"", true, Yes),
        ("{", false, NeedMore),
        ("{\"core-uuid", false, NeedMore),
        ("{\"core-uuid", true, No),
        ("{\"value\":[{\"core-uuid\"", false, No),
    ] {
        assert_eq!(recognise(text.as_bytes(), finished, Names::default()), expected, "{text}");
    }
}

#[test]
fn reads_a_refused_call() {
    let text = Text::from("NORMAL_UNSPECIFIED");
    let expected = Call {
        record_id: RecordId(0xf500_0001_05ec_4a1b_8c2d_0000_0000_0001),
        trunk: "carrier-1".into(),
        direction: Direction::Unknown,
        succeeded: Some(false),
        codes: Codes { sip: Some(480), q850: Some(31), text, words: Words::Other, ..Codes::default() },
        ended_at: Some(UnixMillis(1_730_797_950_000)),
        duration_seconds: None,
        attempt: Attempt::Only,
        unread: Unread::default(),
        detail: Detail::default(),
    };
    assert_eq!(call(&[]), expected);
    let teams = ("sip_from_host", "sip.pstnhub.microsoft.com");
    let others = [("end_uepoch", "1730797950006702"), ("duration", "9"), teams];
    let ended_at = Some(UnixMillis(1_730_797_950_006));
    let direction = Direction::Outbound;
    let codes = Codes { refused_by: RefusedBy::SbcSide, ..expected.codes };
    assert_eq!(call(&others), Call { ended_at, direction, duration_seconds: Some(9), codes, ..expected });
}

#[test]
fn the_a_leg_counts() {
    let other = "f5000002-05ec-4a1b-8c2d-000000000002";
    for b_leg in [("originating_leg_uuid", other), ("uuid", other)] {
        assert_eq!(with(&[b_leg]), Decoded::Ignored, "{b_leg:?}");
    }
    assert_eq!(call(&[("call_uuid", "")]).record_id, call(&[]).record_id);
    assert_eq!(with(&[("uuid", ""), ("call_uuid", "")]), Decoded::Rejected(Reason::NoRecordId));
}

#[test]
fn a_gateway_of_teams_side_gives_the_direction() {
    let device = Device::parse(&["carrier*"], device::TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap();
    let all: HashMap<&str, &str> = REFUSED.into_iter().collect();
    let record = serde_json::json!({ "core-uuid": "1", "variables": all }).to_string();
    let Decoded::Call(call) = decoded(record.as_bytes(), &device) else { panic!("no call") };
    assert_eq!((call.direction, call.codes.refused_by), (Direction::Outbound, RefusedBy::SbcSide));
}

#[test]
fn gateways_tell_more_than_the_context() {
    let device = Device::parse(&["*teams"], device::TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap();
    for (gateway, bridged_to, expected) in [
        ("carrier", "sofia/gateway/teams/1", Direction::Inbound),
        ("carrier", "sofia/gateway/other/1", Direction::Outbound),
        ("teams", "sofia/gateway/carrier/1", Direction::Outbound),
    ] {
        let own = [("sip_gateway", gateway), ("last_arg", bridged_to), ("context", "from-teams")];
        let variables = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let Decoded::Call(call) = Variables::of(variables.into_iter().chain([
            ("uuid".to_owned(), "f5000001-05ec-4a1b-8c2d-000000000001".to_owned()),
            ("answer_epoch".to_owned(), "0".to_owned()),
        ]))
        .decoded(&device) else {
            panic!("no call")
        };
        assert_eq!(call.direction, expected, "{own:?}");
    }
}

#[test]
fn reads_outcome_and_codes() {
    let codes = |variables: &[(&str, &str)]| {
        let Call { succeeded, codes, .. } = call(variables);
        (succeeded, codes.sip, codes.q850)
    };
    let status = ("sip_term_status", "200");
    assert_eq!(codes(&[("answer_epoch", "1730797941"), status]), (Some(true), Some(200), Some(31)));
    assert_eq!(codes(&[("answer_epoch", ""), status]), (None, Some(480), Some(31)));
    let none = ("sip_invite_failure_status", "");
    assert_eq!(codes(&[none, status]), (Some(false), Some(200), Some(31)));
    assert_eq!(codes(&[none, ("proto_specific_hangup_cause", "sip%3A486")]).1, Some(486));
    for (cause, q850) in [("0", None), ("127", Some(127)), ("128", None), ("487", None)] {
        assert_eq!(codes(&[("hangup_cause_q850", cause)]).2, q850, "{cause}");
    }
    let nothing = [none, ("answer_epoch", ""), ("hangup_cause_q850", "")];
    assert_eq!(with(&nothing), Decoded::Rejected(Reason::NoOutcome));
}

#[test]
fn reads_what_microsoft_says() {
    let guid = "5e19725b-7fad-4e89-bae3-dfc5df88bb96";
    let said = |text: &str| format!("Q.850;cause=31;text=\"{text}\"");
    for (header, expected) in [
        (said(&format!("{guid};Forbidden; Call rejected.")), "Forbidden; Call rejected."),
        (format!("Q.850%3Bcause%3D31%3Btext%3D%22{guid}%3BUser%20is%20busy%22"), "User is busy"),
        ("SIP ;cause=200 ;text=\"Call completed elsewhere\"".to_owned(), "Call completed elsewhere"),
        (said("Call Rejected"), "NORMAL_UNSPECIFIED"),
        (said("Call; Rejected"), "NORMAL_UNSPECIFIED"),
    ] {
        assert_eq!(call(&[("sip_reason", &header)]).codes.text, expected.into(), "{header}");
    }
}

#[test]
fn a_number_is_no_trunk() {
    for name in ["teams", "carrier-1", "sbc1.contoso.com", "EU_2"] {
        assert!(is_gateway(name), "{name}");
    }
    for other in ["", "1", "+14255550100", "t4255550", "10.0.0.1", "user@contoso.com", "two words"] {
        assert!(!is_gateway(other), "{other}");
    }
}

#[test]
fn what_is_no_json() {
    let nan = r#"{"mos":-nan,"a\" nan":[inf],"variables":{"uuid":"1","sip_term_status":486}}"#;
    assert!(matches!(decoded(nan.as_bytes(), &device::UNKNOWN), Decoded::Call(_)));
    for (text, reason) in [
        (r#"{"mos":nano,"variables":{"uuid":"1"}}"#, Reason::BadJson),
        ("nan", Reason::BadJson),
        ("[1]", Reason::NotARow),
        (r#"{"core-uuid":"1"}"#, Reason::NotARow),
    ] {
        assert_eq!(decoded(text.as_bytes(), &device::UNKNOWN), Decoded::Rejected(reason), "{text}");
    }
}

#[test]
fn what_decides_nothing_of_an_answered_call_rejects_nothing() {
    for (name, value) in [("hangup_cause_q850", "n/a"), ("sip_term_status", "abc")] {
        let call = call(&[("answer_epoch", "1730797940"), (name, value)]);
        assert_eq!(call.succeeded, Some(true), "{name}: {value}");
    }
}

/// As a template writes variables that nothing has set.
#[test]
fn an_empty_variable_is_none() {
    let of = |cause: &str, name: &str| {
        let unset = ["sip_term_status", "hangup_cause_q850"].map(|name| (name.to_owned(), String::new()));
        let mut variables =
            Variables::of([("hangup_cause".to_owned(), cause.to_owned())].into_iter().chain(unset));
        variables.add_codes_of_cause();
        variables.get(name).to_owned()
    };
    assert_eq!(of("ORIGINATOR_CANCEL", "sip_term_status"), "487");
    assert_eq!(of("USER_BUSY", "hangup_cause_q850"), "17");
}

#[test]
fn the_id_of_a_call_is_found_behind_other_objects() {
    let id = "f5000001-05ec-4a1b-8c2d-000000000001";
    let text =
        format!(r#"{{"core-uuid":"1","channel_data":{{"a":"b"}},"variables":{{"call_uuid":"{id}"}}}}"#);
    let found = Decoder(&device::UNKNOWN).correlation_id(text.as_bytes());
    assert_eq!(found.map(|id| id.to_string()).as_deref(), Some(id));
}

/// A gateway has the name that the operator gave it, so it is shown, whichever side it is.
#[test]
fn a_gateway_is_the_trunk_also_where_the_side_is_not_known() {
    let device = Device::parse(&["teams"], device::TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap();
    for (last_arg, trunk, direction) in [
        ("user/101", "carrier-1", Direction::Unknown),
        ("sofia/gateway/carrier-2/101", "carrier-1", Direction::Unknown),
        ("sofia/gateway/teams/101", "teams", Direction::Inbound),
    ] {
        let all: HashMap<&str, &str> = REFUSED.iter().chain(&[("last_arg", last_arg)]).copied().collect();
        let record = serde_json::json!({ "core-uuid": "1", "variables": all }).to_string();
        let Decoded::Call(call) = decoded(record.as_bytes(), &device) else { panic!("no call: {last_arg}") };
        assert_eq!((call.trunk, call.direction), (trunk.into(), direction), "{last_arg}");
    }
    for number in ["+14255550100", "101"] {
        assert!(!is_gateway(number), "{number}");
    }
}
