use proptest::prelude::*;
use proptest::sample::select;

use super::*;

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

fn number() -> impl Strategy<Value = String> {
    let digits = proptest::collection::vec(select(b"789".to_vec()), 7..15);
    let begin = select(vec!["", "+", "00", "tel:+", "("]);
    let gap = select(vec!["", " ", "-", ".", " (", ") ", "/"]);
    (digits, begin, gap, 2..5_usize).prop_map(|(digits, begin, gap, group)| {
        let text = |group: &[u8]| group.iter().map(|digit| char::from(*digit)).collect::<String>();
        format!("{begin}{}", digits.chunks(group).map(text).collect::<Vec<_>>().join(gap))
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
        name in "[JW][jw]{2,8}( [JW][jw]{2,8})?|[JW][jw]{2,8}, [JW][jw]{2,8}",
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
            // One of each may come of the damage.
            prop_assert!(kept(b"789") <= 1 && kept(b"jwJW") <= 1, "{text}");
        }
    }
}
