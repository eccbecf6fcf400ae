//! A true row of calls, to be put into containers.

use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// The fields of a row, as Graph and the admin center's export name them, and a value of each.
pub const FIELDS: [(&str, &str, &str); 13] = [
    ("id", "", "d1000000-05ec-4a1b-8c2d-000000000000"),
    ("correlationId", "CorrelationId", "c0000000-05ec-4a1b-8c2d-000000000000"),
    ("inviteDateTime", "Invite time", "2024-11-05T09:00:00.100Z"),
    ("startDateTime", "Start time", "2024-11-05T09:00:00.949Z"),
    ("failureDateTime", "Failure time", "2024-11-05T09:00:00.958Z"),
    ("endDateTime", "End time", "0001-01-01T00:00:00Z"),
    ("duration", "Duration (seconds)", "3"),
    ("callType", "Call type", "ByotOut"),
    ("successfulCall", "Success", "false"),
    ("finalSipCode", "Final SIP code", "403"),
    ("callEndSubReason", "Final Microsoft subcode", "560403"),
    ("finalSipCodePhrase", "Final SIP Phrase", "Forbidden; Call rejected"),
    ("trunkFullyQualifiedDomainName", "SBC FQDN", "sbc1.contoso.com"),
];

/// The name as some tool may spell it.
pub fn spelled(name: &str, input: &mut Unstructured<'_>) -> Result<String> {
    let snake = || {
        let gap = |letter: char| letter.is_ascii_uppercase().then_some('_');
        let letters = name.char_indices().flat_map(|(place, letter)| {
            gap(letter).filter(|_| place > 0).into_iter().chain([letter.to_ascii_lowercase()])
        });
        letters.collect::<String>()
    };
    Ok(match input.int_in_range(0..=4)? {
        0 => name.to_owned(),
        1 => name[..1].to_uppercase() + &name[1..],
        2 => snake(),
        3 => name.to_uppercase(),
        _ => name.replace(' ', ""),
    })
}

/// An order of the fields.
pub fn order(count: usize, input: &mut Unstructured<'_>) -> Result<Vec<usize>> {
    let mut left: Vec<usize> = (0..count).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let place = input.choose_index(left.len())?;
        order.push(left.swap_remove(place));
    }
    Ok(order)
}
