//! Rows as Graph has them, everything personal included, and how often each cause is among them.

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};
use serde_json::{Value, json};

/// What must never be seen outside: each is in every row.
pub const PERSONAL: [&str; 6] =
    ["User One", "user.one@contoso.com", "4255550147", "2065550188", "Media Lane", "d5e0-user-id"];

/// Codes, with the cause that they are counted under; answered calls have none.
const ENDINGS: [(u64, u16, &str); 5] = [
    (560_000, 0, ""),
    (531_004, 410, "IceConnectivityChecksFailed"),
    (531_000, 410, "SdpParsingFailure"),
    (531_005, 410, "MediaConnectivityFailure"),
    (560_000, 0, ""),
];

/// A row, there from some time on.
#[derive(Debug, Clone)]
pub struct Stored {
    pub row: Value,
    pub from: Option<Instant>,
}

impl Stored {
    pub fn day(&self) -> &str {
        &self.row["startDateTime"].as_str().unwrap()[..10]
    }

    pub fn is_there(&self) -> bool {
        self.from.is_none_or(|from| from <= Instant::now())
    }
}

/// Noon of the day so many days ago, or now if that is later today.
pub fn day(days_ago: i64) -> Timestamp {
    let noon =
        Zoned::now().with_time_zone(TimeZone::UTC).start_of_day().unwrap() + SignedDuration::from_hours(12);
    (noon.timestamp() - SignedDuration::from_hours(24 * days_ago)).min(Timestamp::now())
}

/// One call, numbered.
pub fn call(number: u32, began: Timestamp) -> Stored {
    let (microsoft, sip, cause) = ENDINGS[number as usize % ENDINGS.len()];
    let succeeded = cause.is_empty();
    let began = began - SignedDuration::from_millis(i64::from(number % 3_600_000));
    let ended = began + SignedDuration::from_secs(30);
    let row = json!({
        "id": format!("d1000000-05ec-4a1b-8c2d-{number:012x}"),
        "correlationId": format!("c1000000-05ec-4a1b-8c2d-{number:012x}"),
        "userId": "d5e0-user-id", "userPrincipalName": "user.one@contoso.com", "userDisplayName": "User One",
        "startDateTime": began.to_string(), "inviteDateTime": began.to_string(),
        "failureDateTime": if succeeded { "0001-01-01T00:00:00Z".to_owned() } else { ended.to_string() },
        "endDateTime": if succeeded { Value::from(ended.to_string()) } else { Value::Null },
        "duration": 30, "callType": "ByotOut", "successfulCall": succeeded,
        "callerNumber": "+14255550147", "calleeNumber": "+12065550188",
        "mediaPathLocation": "Media Lane", "signalingLocation": "Media Lane",
        "finalSipCode": sip, "callEndSubReason": microsoft, "finalSipCodePhrase": "BYE",
        "trunkFullyQualifiedDomainName": format!("sbc{}.contoso.com", number % 3 + 1), "mediaBypassEnabled": false,
    });
    Stored { row, from: None }
}

/// So many calls on each of the last days, today included.
pub fn calls(days: i64, a_day: u32) -> Vec<Stored> {
    let of_day =
        |ago: i64| (0..a_day).map(move |number| call(u32::try_from(ago).unwrap() * a_day + number, day(ago)));
    (0..days).flat_map(of_day).collect()
}

/// Failed calls by cause.
pub fn failures(rows: &[Stored]) -> BTreeMap<String, f64> {
    let mut failures = BTreeMap::new();
    for Stored { row, .. } in rows.iter().filter(|stored| stored.row["successfulCall"] == false) {
        let code = row["callEndSubReason"].as_u64().unwrap();
        let (.., cause) = ENDINGS.into_iter().find(|(known, ..)| *known == code).unwrap();
        *failures.entry(cause.to_owned()).or_default() += 1.0;
    }
    failures
}
