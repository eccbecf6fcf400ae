//! The fields of one row, whatever container it stands in, and what they say about the call.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use super::detail;
use super::fields::{self, NotATime, NotWhole};
use super::names::Field;
use super::record_id::{self, OwnId};
use super::times::{Dates, When};
use super::trunk;
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Reason, Shape, Text, UnixMillis, Unread, UnreadField, UnreadTime,
};

/// What is read of a row. A field that is not there reads like one that is empty.
pub trait Fields<'a> {
    fn whole(&self, field: Field) -> Result<Option<u64>, NotWhole>;
    fn flag(&self, field: Field) -> Result<Option<bool>, Reason>;
    fn when(&self, field: Field) -> When<'_>;
    /// As it is spelled, without blanks at its ends; empty where it is no text.
    fn bytes(&self, field: Field) -> &[u8];
    fn text(&self, field: Field) -> Text<'a>;
    /// The hash of its text.
    fn hash(&self, field: Field) -> u64;
    /// The row's own id.
    fn own_id(&self) -> OwnId;
}

/// Reads the fields that decide nothing about the call but its age and duration.
pub trait Minor {
    fn time(&mut self, field: Field, when: When<'_>) -> Result<Option<UnixMillis>, Reason>;
    /// Milliseconds between two times that nothing needs: where one cannot be read, there are none.
    fn setup_millis(&self, invite: When<'_>, end: When<'_>) -> Option<u32>;
    fn duration(&mut self, number: Result<Option<u64>, NotWhole>) -> Result<Option<u32>, Reason>;
    fn unread(&self) -> Unread;
    /// Whether anybody asks for the detail of the call.
    fn wants_detail(&self) -> bool {
        true
    }
}

/// As Microsoft writes them. What is not so is an error, and the row one for [`Lenient`].
#[derive(Debug, Clone, Copy)]
pub struct Usual {
    pub keeps_detail: bool,
}

impl Minor for Usual {
    #[inline(always)]
    fn time(&mut self, _: Field, when: When<'_>) -> Result<Option<UnixMillis>, Reason> {
        match when {
            When::None => Ok(None),
            When::Text(text) => fields::time(text).map_err(|_| Reason::BadTime),
            When::Number(_) | When::Odd => Err(Reason::BadTime),
        }
    }

    #[inline(always)]
    fn setup_millis(&self, invite: When<'_>, end: When<'_>) -> Option<u32> {
        let (When::Text(invite), When::Text(end)) = (invite, end) else { return None };
        let time = |text| fields::time(text).ok().flatten();
        // Nearly always in the same hour: reading two times is then spared.
        let millis = fields::millis_within_hour(invite, end);
        detail::setup_millis(millis.or_else(|| Some(time(end)?.0 - time(invite)?.0)))
    }

    #[inline(always)]
    fn duration(&mut self, number: Result<Option<u64>, NotWhole>) -> Result<Option<u32>, Reason> {
        fields::duration_seconds(number)
    }

    #[inline(always)]
    fn unread(&self) -> Unread {
        Unread::default()
    }

    #[inline(always)]
    fn wants_detail(&self) -> bool {
        self.keeps_detail
    }
}

/// In every known form. What is in none of them is left out, and noted.
pub struct Lenient {
    pub dates: Dates,
    unread: Unread,
}

impl Lenient {
    /// Learns the order of day and month from all times of this row.
    pub fn of<'a>(row: &impl Fields<'a>, dates: &mut Dates) -> Self {
        for field in [Field::End, Field::Failure, Field::Start, Field::Invite] {
            dates.learn(row.when(field));
        }
        Self { dates: *dates, unread: Unread::default() }
    }
}

impl Minor for Lenient {
    fn time(&mut self, field: Field, when: When<'_>) -> Result<Option<UnixMillis>, Reason> {
        let unread = match field {
            Field::End => UnreadField::EndTime,
            Field::Failure => UnreadField::FailureTime,
            Field::Start => UnreadField::StartTime,
            _ => UnreadField::InviteTime,
        };
        Ok(self.dates.read(when).unwrap_or_else(|fault| {
            match (fault, when) {
                (NotATime::TwoReadings(date), _) => {
                    self.unread.add_time(unread, UnreadTime::TwoReadings(date))
                }
                (NotATime::Other, When::Text(text)) => {
                    self.unread.add_time(unread, UnreadTime::Shape(Shape::of(text)))
                }
                (NotATime::Other, _) => self.unread.add(unread),
            }
            None
        }))
    }

    fn setup_millis(&self, invite: When<'_>, end: When<'_>) -> Option<u32> {
        let time = |when| self.dates.read(when).ok().flatten();
        detail::setup_millis(time(end).zip(time(invite)).map(|(end, invite)| end.0 - invite.0))
    }

    fn duration(&mut self, number: Result<Option<u64>, NotWhole>) -> Result<Option<u32>, Reason> {
        Ok(self.unread.or(UnreadField::Duration, fields::duration_seconds(number)))
    }

    fn unread(&self) -> Unread {
        self.unread
    }
}

/// The call of a row, or the first of the reasons why there is none.
#[inline(always)]
pub fn call<'a>(row: &impl Fields<'a>, mut minor: impl Minor) -> Result<Call<'a>, Reason> {
    let record_id = record_id::of(row)?;
    let codes = Codes {
        microsoft: fields::microsoft_code(row.whole(Field::MicrosoftCode))?,
        sip: fields::sip_code(row.whole(Field::SipCode))?,
        text: row.text(Field::Phrase),
        ..Codes::default()
    };
    let duration_seconds = minor.duration(row.whole(Field::Duration))?;
    let succeeded = row.flag(Field::Success)?;
    if succeeded.is_none() && codes.is_empty() {
        return Err(Reason::NoOutcome);
    }
    let direction = fields::direction(row.bytes(Field::CallType));
    Ok(Call {
        record_id,
        direction,
        succeeded,
        codes,
        ended_at: fields::ended_at(
            [Field::End, Field::Failure, Field::Start, Field::Invite],
            |field| minor.time(field, row.when(field)),
            duration_seconds.filter(|_| succeeded == Some(true)),
        )?,
        duration_seconds,
        trunk: trunk::plain(row.text(Field::Trunk)),
        attempt: Attempt::Only,
        unread: minor.unread(),
        detail: if minor.wants_detail() {
            detail(row, &minor, direction, succeeded)
        } else {
            Detail::default()
        },
    })
}

#[inline(always)]
fn detail<'a>(
    row: &impl Fields<'a>,
    minor: &impl Minor,
    direction: Direction,
    succeeded: Option<bool>,
) -> Detail {
    Detail {
        setup_millis: succeeded.and_then(|succeeded| {
            let end = if succeeded { Field::Start } else { Field::Failure };
            minor.setup_millis(row.when(Field::Invite), row.when(end))
        }),
        kind: detail::kind(row.bytes(Field::CallType)),
        country: detail::country(direction, row.bytes(Field::Country), row.bytes(Field::Callee)),
        more: 0,
    }
}

/// A row with each value by itself: those of JSON, and cells that were taken out of their text. `Bytes` borrows from the
/// record, or may own what was written with escapes.
#[derive(Debug, PartialEq)]
pub struct Row<Bytes>([Value<Bytes>; Field::COUNT]);

/// The value of one property.
#[derive(Debug, Default, PartialEq)]
pub enum Value<Bytes> {
    Null,
    Flag(bool),
    Whole(u64),
    /// A negative number or a fraction: of what is read, only a time can be one.
    Real(f64),
    /// Need not be UTF-8.
    Text(Bytes),
    /// An array or an object: never right where we look.
    Odd,
    /// Not the first variant, which would be all zeros: a row would then be filled with zeros, not marked as empty.
    #[default]
    Missing,
}

impl<Bytes> Default for Row<Bytes> {
    #[inline(always)]
    fn default() -> Self {
        Self([const { Value::Missing }; Field::COUNT])
    }
}

impl<Bytes> Row<Bytes> {
    /// Keeps the value of a property, if it is that of a field.
    #[inline(always)]
    pub fn keep(&mut self, field: Option<Field>, value: Value<Bytes>) {
        if let Some(field) = field {
            self.set(field, value);
        }
    }

    /// Keeps the value of a field; a later one replaces it.
    #[inline(always)]
    pub fn set(&mut self, field: Field, value: Value<Bytes>) {
        if let Some(place) = self.0.get_mut(field as usize) {
            *place = value;
        }
    }

    /// Sets the field, unless the value is empty and an earlier one is there: Log Analytics has two columns for what may be
    /// a text or a number (`x_s`, `x_d`).
    pub fn add(&mut self, field: Field, value: Value<Bytes>)
    where
        Bytes: AsRef<[u8]>,
    {
        let is_empty = match &value {
            Value::Missing | Value::Null => true,
            Value::Text(text) => fields::trimmed(text.as_ref()).is_empty(),
            _ => false,
        };
        if !is_empty || !self.has(field) {
            self.set(field, value);
        }
    }

    /// The value of a field.
    #[inline(always)]
    pub fn get(&self, field: Field) -> &Value<Bytes> {
        &self.0[field as usize]
    }

    /// Whether there is such a property, whatever its value.
    #[inline(always)]
    pub fn has(&self, field: Field) -> bool {
        !matches!(self.get(field), Value::Missing)
    }
}

impl<'a, Bytes: AsRef<[u8]> + Clone + Into<Cow<'a, [u8]>>> Fields<'a> for Row<Bytes> {
    #[inline(always)]
    fn whole(&self, field: Field) -> Result<Option<u64>, NotWhole> {
        match self.get(field) {
            Value::Missing | Value::Null => Ok(None),
            Value::Whole(number) => Ok(Some(*number)),
            Value::Text(text) => fields::whole_number(text.as_ref()),
            Value::Real(number) if number.fract() == 0.0 && *number > 0.0 => Err(NotWhole::TooLarge),
            Value::Flag(_) | Value::Real(_) | Value::Odd => Err(NotWhole::Other),
        }
    }

    #[inline(always)]
    fn flag(&self, field: Field) -> Result<Option<bool>, Reason> {
        match self.get(field) {
            Value::Missing | Value::Null => Ok(None),
            Value::Flag(flag) => Ok(Some(*flag)),
            Value::Text(text) => fields::flag(text.as_ref()),
            Value::Whole(bit @ (0 | 1)) => Ok(Some(*bit == 1)),
            Value::Whole(_) | Value::Real(_) | Value::Odd => Err(Reason::BadSuccess),
        }
    }

    #[inline(always)]
    fn when(&self, field: Field) -> When<'_> {
        match self.get(field) {
            Value::Missing | Value::Null => When::None,
            Value::Text(text) if fields::trimmed(text.as_ref()).is_empty() => When::None,
            Value::Text(text) => When::Text(text.as_ref()),
            Value::Whole(number) => When::Number(*number as f64),
            Value::Real(number) => When::Number(*number),
            Value::Flag(_) | Value::Odd => When::Odd,
        }
    }

    #[inline(always)]
    fn bytes(&self, field: Field) -> &[u8] {
        match self.get(field) {
            Value::Text(text) => fields::trimmed(text.as_ref()),
            _ => b"",
        }
    }

    #[inline(always)]
    fn text(&self, field: Field) -> Text<'a> {
        match self.get(field) {
            Value::Text(text) => fields::text(text.clone().into()),
            _ => Text::from(""),
        }
    }

    fn hash(&self, field: Field) -> u64 {
        match self.get(field) {
            Value::Whole(number) => xxh3_64(number.to_string().as_bytes()),
            Value::Real(number) => xxh3_64(number.to_string().as_bytes()),
            _ => xxh3_64(self.bytes(field)),
        }
    }

    #[inline(always)]
    fn own_id(&self) -> OwnId {
        match self.get(Field::Id) {
            Value::Text(text) => OwnId::of(text.as_ref()),
            Value::Whole(number) => OwnId::of(number.to_string().as_bytes()),
            _ => OwnId::None,
        }
    }
}

/// Why the call of a row would be counted with a wrong outcome: a deciding field is not there. `is_there` tells a field
/// that is empty from one that is not there; `resembles` whether something looks like it.
pub fn missing<'a>(
    row: &impl Fields<'a>,
    is_there: impl Fn(Field) -> bool,
    resembles: impl Fn(Field) -> bool,
) -> Option<Reason> {
    let (success, sip, microsoft) = (Field::Success, Field::SipCode, Field::MicrosoftCode);
    let reason = |field| match field {
        Field::Success => Reason::MissingSuccess,
        Field::SipCode => Reason::MissingSipCode,
        Field::MicrosoftCode => Reason::MissingMicrosoftCode,
        Field::Trunk => Reason::MissingTrunk,
        _ => Reason::MissingCallType,
    };
    let misspelt = Field::DECIDING.into_iter().find(|field| !is_there(*field) && resembles(*field));
    let flag = row.flag(success).ok().flatten();
    // A final SIP code of 300 or more says that the call was not answered.
    let is_refused = || matches!(row.whole(sip), Ok(Some(300..)));
    match misspelt {
        Some(field) => Some(reason(field)),
        // Both codes tell what a flag would.
        None if !(is_there(success) || is_refused() || is_there(sip) && is_there(microsoft)) => {
            Some(Reason::MissingSuccess)
        }
        None if flag == Some(false) && !is_there(sip) && !is_there(microsoft) => Some(Reason::MissingSipCode),
        None => None,
    }
}

/// The call that the unit tests of the Microsoft formats read, as each of them spells it.
#[cfg(test)]
pub fn failed(record_id: crate::call::RecordId) -> Call<'static> {
    Call {
        record_id,
        trunk: "sbc1.contoso.com".into(),
        direction: crate::call::Direction::Outbound,
        succeeded: Some(false),
        codes: codes(Some(531_004), Some(410), "IceConnectivityChecksFailed"),
        ended_at: Some(crate::call::UnixMillis(1_730_797_950_000)),
        duration_seconds: Some(9),
        attempt: Attempt::Only,
        unread: Unread::default(),
        detail: crate::call::Detail::default(),
    }
}

/// Codes and phrase of Microsoft.
#[cfg(test)]
pub fn codes(microsoft: Option<u64>, sip: Option<u16>, text: &str) -> Codes<'_> {
    Codes { microsoft, sip, text: text.into(), ..Codes::default() }
}
