//! Names of properties and columns to the fields of a call. Microsoft's tools spell one name in many ways: `finalSipCode`,
//! `FinalSipCode`, `final_sip_code`, `Final SIP code`, `finalSipCode_d`, `properties.finalSipCode`.
//!
//! So names compare by their letters and digits alone, without case. What Log Analytics puts behind a name (`_d`), and the
//! path of objects that stands before one, do not count.

mod lookalike;

use std::borrow::Cow;
use std::collections::BTreeMap;

use encoding_rs::WINDOWS_1252;

pub use self::lookalike::{Lookalikes, misspelt, resembling, shown};

/// The fields of a Direct Routing call that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `@odata.type`.
    Kind,
    /// That of the row.
    Id,
    CorrelationId,
    Invite,
    Start,
    Failure,
    End,
    Duration,
    Success,
    Caller,
    Callee,
    /// Of the party on the side of the PSTN.
    Country,
    CallType,
    SipCode,
    MicrosoftCode,
    Phrase,
    Trunk,
}

/// A field, and how it is named: in the config, by Graph, and by the export of the Teams admin center (`""`: not at all).
pub struct Named {
    pub field: Field,
    pub in_config: &'static str,
    pub graph: &'static str,
    pub admin_center: &'static str,
}

const fn named(field: Field, names: [&'static str; 3]) -> Named {
    let [in_config, graph, admin_center] = names;
    Named { field, in_config, graph, admin_center }
}

/// Every field, in the order of [`Field`].
pub static ALL: [Named; Field::COUNT] = [
    named(Field::Kind, ["kind", "@odata.type", ""]),
    named(Field::Id, ["id", "id", ""]),
    named(Field::CorrelationId, ["correlation_id", "correlationId", "CorrelationId"]),
    named(Field::Invite, ["invite_time", "inviteDateTime", "Invite time"]),
    named(Field::Start, ["start_time", "startDateTime", "Start time"]),
    named(Field::Failure, ["failure_time", "failureDateTime", "Failure time"]),
    named(Field::End, ["end_time", "endDateTime", "End time"]),
    named(Field::Duration, ["duration", "duration", "Duration (seconds)"]),
    named(Field::Success, ["success", "successfulCall", "Success"]),
    named(Field::Caller, ["caller", "callerNumber", "Caller Number"]),
    named(Field::Callee, ["callee", "calleeNumber", "Callee Number"]),
    named(Field::Country, ["country", "otherPartyCountryCode", "External Country"]),
    named(Field::CallType, ["call_type", "callType", "Call type"]),
    named(Field::SipCode, ["sip_code", "finalSipCode", "Final SIP code"]),
    named(Field::MicrosoftCode, ["microsoft_code", "callEndSubReason", "Final Microsoft subcode"]),
    named(Field::Phrase, ["phrase", "finalSipCodePhrase", "Final SIP Phrase"]),
    named(Field::Trunk, ["trunk", "trunkFullyQualifiedDomainName", "SBC FQDN"]),
];

impl Field {
    /// How many there are.
    pub const COUNT: usize = Self::Trunk as usize + 1;

    /// Those without which a call would be counted with a wrong cause, trunk, direction or outcome.
    pub const DECIDING: [Self; 5] =
        [Self::Success, Self::SipCode, Self::MicrosoftCode, Self::Trunk, Self::CallType];

    /// How the field is named.
    pub fn names(self) -> &'static Named {
        &ALL[self as usize]
    }
}

/// The operator's own names of columns and properties (`columns:` in the config), beside those that are built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Names(Option<&'static BTreeMap<String, Field>>);

/// Names are no longer than this, squeezed: the longest that is built in has 29 letters.
const MOST_LETTERS: usize = 64;

impl Names {
    /// With these names of the operator's. What a config says stays as long as the program runs: each reload that changes
    /// it leaves a few hundred bytes.
    pub fn with(own: impl IntoIterator<Item = (String, Field)>) -> Self {
        let own: BTreeMap<String, Field> =
            own.into_iter().map(|(name, field)| (letters_of_any(&name), field)).collect();
        Self((!own.is_empty()).then(|| &*Box::leak(Box::new(own))))
    }

    /// The field of this name.
    pub fn field(self, name: &[u8]) -> Option<Field> {
        if let Some(own) = self.0
            && let Some(field) = own.get(&letters_of_any(&text_of(name)))
        {
            return Some(*field);
        }
        exact(name).or_else(|| if is_other_of_graph(name) { None } else { spelled_otherwise(name) })
    }
}

/// As Graph spells it. Lengths tell most names apart, and each comparison is of a known length.
fn exact(name: &[u8]) -> Option<Field> {
    let is = |text: &[u8], field| (name == text).then_some(field);
    match (name.len(), name.first()) {
        (2, _) => is(b"id", Field::Id),
        (8, Some(b'c')) => is(b"callType", Field::CallType),
        (8, _) => is(b"duration", Field::Duration),
        (11, Some(b'@')) => is(b"@odata.type", Field::Kind),
        (11, _) => is(b"endDateTime", Field::End),
        (12, Some(b'f')) => is(b"finalSipCode", Field::SipCode),
        (12, _) => {
            is(b"callerNumber", Field::Caller).or_else(|| (name == b"calleeNumber").then_some(Field::Callee))
        }
        (13, Some(b's')) => is(b"startDateTime", Field::Start),
        (13, _) => is(b"correlationId", Field::CorrelationId),
        (14, Some(b'i')) => is(b"inviteDateTime", Field::Invite),
        (14, _) => is(b"successfulCall", Field::Success),
        (15, _) => is(b"failureDateTime", Field::Failure),
        (16, _) => is(b"callEndSubReason", Field::MicrosoftCode),
        (18, _) => is(b"finalSipCodePhrase", Field::Phrase),
        (29, _) => is(b"trunkFullyQualifiedDomainName", Field::Trunk),
        _ => None,
    }
}

/// Whether it is a property of Graph's rows that is no field: most rows have them, and no other spelling of them is to be
/// looked for.
fn is_other_of_graph(name: &[u8]) -> bool {
    matches!(
        name,
        b"userId"
            | b"userDisplayName"
            | b"userPrincipalName"
            | b"mediaBypassEnabled"
            | b"mediaPathLocation"
            | b"signalingLocation"
    )
}

fn spelled_otherwise(name: &[u8]) -> Option<Field> {
    // `_id` is what databases call a document by.
    if name.trim_ascii_start().starts_with(b"_") {
        return None;
    }
    by_letters(name).or_else(|| without_type(name).and_then(by_letters)).or_else(|| {
        let (path, name) = path_and_name(name)?;
        let field = by_letters(name).or_else(|| without_type(name).and_then(by_letters))?;
        // Any object has an id.
        (field != Field::Id || is_wrapper(path)).then_some(field)
    })
}

/// Objects that rows are put into as they are: their properties are those of the row.
const WRAPPERS: [&str; 7] = ["properties", "fields", "value", "result", "source", "data", "event"];

/// A longer name is none of them, whatever stands between its letters.
const MOST_OF_WRAPPER: usize = 16;

/// Whether a property of this name holds a whole row.
pub fn is_wrapper(name: &[u8]) -> bool {
    name.len() <= MOST_OF_WRAPPER
        && with_letters(name, |letters| WRAPPERS.iter().any(|word| word.as_bytes() == letters))
            .unwrap_or_default()
}

/// `finalSipCode_d` without what Log Analytics says of its type.
fn without_type(name: &[u8]) -> Option<&[u8]> {
    match name {
        [name @ .., b'_', b's' | b'd' | b'b' | b't' | b'g' | b'l'] => Some(name),
        _ => None,
    }
}

/// `properties.finalSipCode` and `Table[finalSipCode]`, cut in two.
fn path_and_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let name = name.trim_ascii();
    let inner = name.strip_suffix(b"]").unwrap_or(name);
    let at = inner.iter().rposition(|byte| matches!(byte, b'.' | b'[' | b'/'))?;
    let path = &inner[..at];
    let last = path.iter().rposition(|byte| matches!(byte, b'.' | b'[' | b'/')).map_or(0, |at| at + 1);
    Some((&path[last..], &inner[at + 1..]))
}

fn by_letters(name: &[u8]) -> Option<Field> {
    with_letters(name, |letters| {
        Some(match letters {
            b"odatatype" => Field::Kind,
            b"id" => Field::Id,
            b"correlationid" => Field::CorrelationId,
            b"invitedatetime" | b"invitetime" => Field::Invite,
            b"startdatetime" | b"starttime" => Field::Start,
            b"failuredatetime" | b"failuretime" => Field::Failure,
            b"enddatetime" | b"endtime" => Field::End,
            b"duration" | b"durationseconds" => Field::Duration,
            b"successfulcall" | b"success" => Field::Success,
            b"callernumber" => Field::Caller,
            b"calleenumber" => Field::Callee,
            b"otherpartycountrycode" | b"externalcountry" => Field::Country,
            b"calltype" => Field::CallType,
            b"finalsipcode" => Field::SipCode,
            b"callendsubreason" | b"finalmicrosoftsubcode" => Field::MicrosoftCode,
            b"finalsipcodephrase" | b"finalsipphrase" => Field::Phrase,
            b"trunkfullyqualifieddomainname" | b"sbcfqdn" => Field::Trunk,
            _ => return None,
        })
    })?
}

/// Letters and digits of a name, in lower case: what names compare by. `None` where they are too many.
fn with_letters<T>(name: &[u8], then: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let mut letters = [0; MOST_LETTERS];
    let mut count = 0;
    for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        *letters.get_mut(count)? = byte.to_ascii_lowercase();
        count += 1;
    }
    Some(then(&letters[..count]))
}

/// As [`with_letters`], for the names of any language.
fn letters_of_any(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Names in UTF-8, or else in Windows-1252, in which Excel saves CSV in western Europe.
pub fn text_of(name: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(name) {
        Ok(name) => name.into(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(name).0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_fields() {
        for (place, named) in ALL.iter().enumerate() {
            assert_eq!(named.field as usize, place);
        }
    }

    #[test]
    fn blanks_around_a_path_change_nothing() {
        // As long as an object that holds a row may be called.
        for name in [b"properties[0000]/id".as_slice(), b"value-----------/id", b"x---------------/id"] {
            let blanks = [b" ", name, b" "].concat();
            assert_eq!(
                Names::default().field(&blanks),
                Names::default().field(name),
                "{}",
                name.escape_ascii()
            );
        }
        assert_eq!(Names::default().field(b"value-----------/id"), Some(Field::Id));
    }

    #[test]
    fn a_name_has_many_spellings() {
        for named in &ALL {
            let spellings = |name: &'static str| {
                let snake: String = name
                    .chars()
                    .flat_map(|letter| {
                        let gap = letter.is_ascii_uppercase().then_some('_');
                        gap.into_iter().chain([letter.to_ascii_lowercase()])
                    })
                    .collect();
                let capital = name[..1].to_uppercase() + &name[1..];
                [
                    name.to_owned(),
                    name.to_uppercase(),
                    capital,
                    snake.trim_start_matches('_').to_owned(),
                    format!("{name}_d"),
                    format!("properties.{name}"),
                    format!("properties.{name}_s"),
                    format!("value.{name}"),
                    format!("Calls[{name}]"),
                    format!(" {name} "),
                ]
            };
            for spelling in [named.graph, named.admin_center]
                .into_iter()
                .filter(|name| !name.is_empty())
                .flat_map(spellings)
            {
                let is_path = spelling.contains('.') || spelling.starts_with("Calls");
                if named.field == Field::Id && spelling.starts_with("Calls")
                    || named.field == Field::Kind && is_path
                {
                    continue;
                }
                assert_eq!(Names::default().field(spelling.as_bytes()), Some(named.field), "{spelling}");
            }
        }
    }

    #[test]
    fn the_operators_names_are_known_in_the_character_set_of_excel() {
        let names = Names::with([("Endg\u{fc}ltiger SIP-Code".to_owned(), Field::SipCode)]);
        for name in ["Endg\u{fc}ltiger SIP-Code".as_bytes(), b"ENDG\xdcLTIGER SIP-Code"] {
            assert_eq!(names.field(name), Some(Field::SipCode));
        }
    }

    #[test]
    fn other_names_are_none() {
        for name in [
            "",
            "_id",
            " _id",
            "user.id",
            "userId",
            "Shared correlation ID",
            "Call ID",
            "d",
            "_d",
            ".",
            "[]",
            "a.b.",
            "Display Name",
            "Media bypass",
            "finalSipCod",
            "successful",
            "time",
            "callTypes",
        ] {
            assert_eq!(Names::default().field(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn the_operators_names_come_first() {
        let names = Names::with([
            ("Endgültiger SIP-Code".to_owned(), Field::SipCode),
            ("最終 SIP コード".to_owned(), Field::Trunk),
            ("finalSipCode".to_owned(), Field::Phrase),
        ]);
        for (name, field) in [
            ("endgültiger sip code", Some(Field::SipCode)),
            ("ENDGÜLTIGER SIP-CODE", Some(Field::SipCode)),
            ("最終SIPコード", Some(Field::Trunk)),
            ("finalSipCode", Some(Field::Phrase)),
            ("Success", Some(Field::Success)),
            ("Endgültig", None),
        ] {
            assert_eq!(names.field(name.as_bytes()), field, "{name}");
        }
        assert_eq!(Names::with([]), Names::default());
    }
}
