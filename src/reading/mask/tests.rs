use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::format::graph;

fn masked(record: &[u8], room: usize) -> String {
    masked_to(record, room, &graph::FORMAT, None)
}

#[test]
fn what_is_kept_and_what_is_masked() {
    let id = "d1000000-05ec-4a1b-8c2d-000000000001";
    let row = format!(
        "{id},User One,+1425555****,No,404,sbc1.contoso.com,ByotOut,\"a \"\"b\"\"\",2024-11-05 09:12:33Z,{id}\n"
    );
    let masked_row = "x0000000-00xx-0x0x-0x0x-000000000000,xxxx xxx,+0000000****,No,000,xxx0.xxxxxxx.xxx,ByotOut,\
                      \"x \"\"x\"\"\",2024-11-05 09:12:33Z,x0000000-00xx-0x0x-0x0x-000000000000 ";
    for (record, expected) in [
        (
            r#"{"callType":"ByotIn","finalSipCode": 404, "x": 404}"#,
            r#"{"callType":"ByotIn","finalSipCode": 404, "x": 000}"#,
        ),
        (
            r#"{"inviteDateTime":"2024-11-05T09:12:33.123Z","endDateTime":"05/11/2024 9:12"}"#,
            r#"{"inviteDateTime":"2024-11-05T09:12:33.123Z","endDateTime":"00/00/0000 0:00"}"#,
        ),
        (
            r#"{"userDisplayName":"User One","trunkFullyQualifiedDomainName":"sbc1.contoso.com"}"#,
            r#"{"userDisplayName":"xxxx xxx","trunkFullyQualifiedDomainName":"sbc1.contoso.com"}"#,
        ),
        (
            r#"{"trunkFullyQualifiedDomainName":"user@sbc1.contoso.com","duration":"+14255550100"}"#,
            r#"{"trunkFullyQualifiedDomainName":"xxxx@xxx0.xxxxxxx.xxx","duration":"+00000000000"}"#,
        ),
        (
            r#"{"id":7,"successfulCall":maybe,"callEndSubReason":142555"#,
            r#"{"id":0,"successfulCall":xxxxx,"callEndSubReason":000000"#,
        ),
        (
            r#"{"userId":"a0000001-05ec-4a1b-8c2d-000000000001","correlationId":"a0000001-05ec-4a1b-8c2d-000000000001"}"#,
            r#"{"userId":"x0000000-00xx-0x0x-0x0x-000000000000","correlationId":"a0000001-05ec-4a1b-8c2d-000000000001"}"#,
        ),
        (
            r#"{"userId":{"id":"a0000001-05ec-4a1b-8c2d-000000000001"},"x":1}"#,
            r#"{"userId":{"id":"x0000000-00xx-0x0x-0x0x-000000000000"},"x":0}"#,
        ),
        (&row, masked_row),
        ("\u{e9}t\u{e9}\0\x07", "xxxxx  "),
        ("", ""),
    ] {
        assert_eq!(masked(record.as_bytes(), 1000), expected, "{record}");
    }
    assert_eq!(masked("a,".repeat(100).as_bytes(), 10), "x,x,x,x,x,");
    assert_eq!(masked("a".repeat(100).as_bytes(), 10), "x".repeat(10));
}

#[test]
fn what_may_be_a_telephone_number_is_masked() {
    for (record, expected) in [
        // Times that cannot be, or hold more than a time.
        (
            r#"{"a":"9999-99-99T99:99:99Z","b":"2024-02-30T09:12:33Z","c":"1425-05-05 01:00:00","d":"0001-07-01T00:00:00Z"}"#,
            r#"{"x":"0000-00-00x00:00:00x","x":"0000-00-00x00:00:00x","x":"0000-00-00 00:00:00","x":"0000-00-00x00:00:00x"}"#,
        ),
        (
            r#"{"a":"2024-11-05T09:12:33.5550100Z","b":"2024-11-05T09:12:33.1234Z","c":"0001-01-01T00:00:00Z","d":1}"#,
            r#"{"x":"0000-00-00x00:00:00.0000000x","x":"2024-11-05T09:12:33.1234Z","x":"0001-01-01T00:00:00Z","x":0}"#,
        ),
        // Trunks with a number in them, and names that are none.
        (
            r#"{"trunkFullyQualifiedDomainName":"14255550100.contoso.com","duration":1425,"finalSipCode":14255}"#,
            r#"{"trunkFullyQualifiedDomainName":"00000000000.xxxxxxx.xxx","duration":1425,"finalSipCode":00000}"#,
        ),
        (
            r#"{"trunkFullyQualifiedDomainName":"sbc-425.555-0.contoso.com","trunkFullyQualifiedDomainName":"user.one"}"#,
            r#"{"trunkFullyQualifiedDomainName":"xxx-000.000-0.xxxxxxx.xxx","trunkFullyQualifiedDomainName":"xxxx.xxx"}"#,
        ),
        (
            r#"{"trunkFullyQualifiedDomainName":"sbc77A7777.contoso.com","duration":1}"#,
            r#"{"trunkFullyQualifiedDomainName":"xxx00x0000.xxxxxxx.xxx","duration":1}"#,
        ),
        (
            r#"{"trunkFullyQualifiedDomainName":"10.0.0.1","trunkFullyQualifiedDomainName":"142.55.50.100"}"#,
            r#"{"trunkFullyQualifiedDomainName":"00.0.0.0","trunkFullyQualifiedDomainName":"000.00.00.000"}"#,
        ),
        // Six digits are a code only if the catalogue has it, and only directly behind its name.
        (
            r#"{"callEndSubReason":560404,"callEndSubReason":"531004","callEndSubReason":425555,"duration":560404}"#,
            r#"{"callEndSubReason":560404,"callEndSubReason":"531004","callEndSubReason":000000,"duration":000000}"#,
        ),
        (
            r#"{"callerNumber":["callEndSubReason","560404"],"calleeNumber":{"duration":425555},"x":1}"#,
            r#"{"callerNumber":["callEndSubReason","000000"],"calleeNumber":{"duration":000000},"x":0}"#,
        ),
        (
            r#"{"finalSipCodePhrase":"\"callEndSubReason\":560404,\"duration\":425555","x":1}"#,
            r#"{"finalSipCodePhrase":"\"xxxxxxxxxxxxxxxx\":000000,\"xxxxxxxx\":000000","x":0}"#,
        ),
    ] {
        assert_eq!(masked(record.as_bytes(), 1000), expected, "{record}");
    }
}

const PROPERTIES: [&str; 10] = [
    "id",
    "callerNumber",
    "userDisplayName",
    "userPrincipalName",
    "finalSipCode",
    "callEndSubReason",
    "duration",
    "inviteDateTime",
    "trunkFullyQualifiedDomainName",
    "somethingElse",
];

/// A record without anything personal: it has no 7, 8 or 9 and no j or w.
const HARMLESS: [&str; 10] = [
    "d1000000-05ec-4a1b-6c2d-000000000001",
    "",
    "",
    "",
    "404",
    "560404",
    "12",
    "2024-11-05T01:12:33Z",
    "sbc1.contoso.com",
    "No",
];

/// Numbers of five digits and more, as people write them, and in places where a mask may take them for something else.
fn number() -> impl Strategy<Value = String> {
    let digits = proptest::collection::vec(select(b"789".to_vec()), 5..15);
    let begin = select(vec!["", "+", "00", "tel:+", "("]);
    let gap = select(vec!["", " ", "-", ".", " (", ") ", "/"]);
    let plain = (digits, begin, gap, 2..5_usize).prop_map(|(digits, begin, gap, group)| {
        let text = |group: &[u8]| group.iter().map(|digit| char::from(*digit)).collect::<String>();
        format!("{begin}{}", digits.chunks(group).map(text).collect::<Vec<_>>().join(gap))
    });
    prop_oneof![plain, shaped()]
}

/// Numbers in the shape of times, trunks, and nested properties: each `#` is a digit.
fn shaped() -> impl Strategy<Value = String> {
    let shape = select(vec![
        "####-##-##T##:##:##Z",
        "####-##-## ##:##:##",
        "2024-##-##T##:##:##.###Z",
        "2024-11-05T01:12:##.####Z",
        "2024-11-05T01:12:33.#######Z",
        "##:##:##",
        "sbc#######.contoso.com",
        "###-###-####.contoso.com",
        "sbc1.##.##.##.contoso.com",
        "##.##.##.##",
        "{\"duration\":######}",
        "[\"callEndSubReason\",\"######\"]",
        "x\",\"callEndSubReason\":\"######",
        "x\",\"finalSipCode\": #####,\"y\":\"",
    ]);
    (shape, proptest::collection::vec(select(b"789".to_vec()), 20)).prop_map(|(shape, digits)| {
        let mut digits = digits.into_iter().cycle().map(char::from);
        shape.chars().filter_map(|sign| if sign == '#' { digits.next() } else { Some(sign) }).collect()
    })
}

fn record(fields: &[String; 10], shape: u8) -> String {
    let pairs = |gap: &str, quote: &str, end: &str| {
        let pair = |(name, field): (&&str, &String)| format!("\"{name}\":{gap}{quote}{field}{quote}");
        PROPERTIES.iter().zip(fields).map(pair).collect::<Vec<_>>().join(end)
    };
    match shape {
        0 => fields.join(","),
        1 => fields.clone().map(|field| format!("\"{field}\"")).join(","),
        2 => format!("{{{}}}", pairs("", "\"", ",")),
        _ => format!("{{\n  {}\n}}", pairs(" ", "", ",\n  ")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever fields they are in, and wherever the record is cut or damaged.
    #[test]
    fn no_number_name_or_address_survives(
        number in number(),
        name in "[JW][jw]{2,8}( [JW][jw]{2,8})?|[JW][jw]{2,8}, [JW][jw]{2,8}|[jw]{2,8}[.][jw]{3,8}",
        user in "[jw]{3,8}([._-][jw]{2,8})?",
        places in proptest::array::uniform3(0..PROPERTIES.len()),
        shape in 0..4_u8,
        cuts in proptest::array::uniform2(any::<prop::sample::Index>()),
        damage in proptest::option::of(any::<u8>()),
        uri in any::<bool>(),
    ) {
        let address = format!("{}{user}@mail.contoso.com", if uri { "sip:" } else { "" });
        let mut fields = HARMLESS.map(str::to_owned);
        for (place, secret) in places.into_iter().zip([number, name, address]) {
            fields[place] = secret;
        }
        let mut record = record(&fields, shape).into_bytes();
        let [from, to] = cuts.map(|cut| cut.index(record.len()));
        // An address with `-` for its `@` is a host name, which a trunk may have.
        if let Some(byte) = damage.filter(|_| record[from] != b'@') {
            record[from] = byte;
        }
        let part = record[from.min(to)..from.max(to)].to_vec();
        for text in [record, part].map(|record| masked(&record, 10_000)) {
            let kept = |secret: &[u8]| text.bytes().filter(|byte| secret.contains(byte)).count();
            // One letter, and a number of fewer digits than any telephone has, may come of the damage.
            prop_assert!(kept(b"789") < 5 && kept(b"jwJW") <= 1, "{text}");
        }
    }
}
