//! The properties of a `directRoutingLogRow` as JSON holds them, and what they say about the call.

use std::borrow::Cow;

use crate::call::{Attempt, Call, Codes, Reason, RecordId, Text, UnixMillis};
use crate::format::fields::{self, NotWhole};

/// What kind of object a JSON object is.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A `directRoutingLogRow`.
    DirectRouting,
    /// A row of another report, for example a `pstnCallLogRow`.
    Other,
    /// Nothing that a report of calls would hold.
    NoRow,
}

/// The properties that are read, by their place in [`Row`].
#[derive(Debug, Clone, Copy)]
pub enum Property {
    Kind,
    Id,
    CallType,
    Succeeded,
    SipCode,
    MicrosoftCode,
    Phrase,
    Trunk,
    Invite,
    Start,
    Failure,
    End,
    Duration,
    /// None of these; it has no place.
    Unread,
}

impl Property {
    const READ: usize = Self::Unread as usize;

    /// No other report of Graph has these.
    const OF_DIRECT_ROUTING: [Self; 5] =
        [Self::SipCode, Self::MicrosoftCode, Self::Phrase, Self::Succeeded, Self::Trunk];

    /// The property of this name. Lengths tell most names apart, and each comparison is of a known length.
    #[inline(always)]
    pub fn named(name: &[u8]) -> Self {
        let is = |text: &[u8], property| if name == text { property } else { Self::Unread };
        match (name.len(), name.first()) {
            (2, _) => is(b"id", Self::Id),
            (8, Some(b'c')) => is(b"callType", Self::CallType),
            (8, _) => is(b"duration", Self::Duration),
            (11, Some(b'@')) => is(b"@odata.type", Self::Kind),
            (11, _) => is(b"endDateTime", Self::End),
            (12, _) => is(b"finalSipCode", Self::SipCode),
            (13, _) => is(b"startDateTime", Self::Start),
            (14, Some(b'i')) => is(b"inviteDateTime", Self::Invite),
            (14, _) => is(b"successfulCall", Self::Succeeded),
            (15, _) => is(b"failureDateTime", Self::Failure),
            (16, _) => is(b"callEndSubReason", Self::MicrosoftCode),
            (18, _) => is(b"finalSipCodePhrase", Self::Phrase),
            (29, _) => is(b"trunkFullyQualifiedDomainName", Self::Trunk),
            _ => Self::Unread,
        }
    }
}

/// The read properties of one object. `Bytes` borrows from the record, or may own what was written with escapes.
#[derive(Debug, PartialEq)]
pub struct Row<Bytes>([Value<Bytes>; Property::READ]);

/// The value of one property.
#[derive(Debug, Default, PartialEq)]
pub enum Value<Bytes> {
    Null,
    Flag(bool),
    Whole(u64),
    /// Need not be UTF-8.
    Text(Bytes),
    /// An array, an object, a negative or fractional number: never right where we look.
    Odd,
    /// Not the first variant, which would be all zeros: a row would then be filled with zeros, not marked as empty.
    #[default]
    Missing,
}

impl<Bytes> Default for Row<Bytes> {
    #[inline(always)]
    fn default() -> Self {
        Self([const { Value::Missing }; Property::READ])
    }
}

impl<'a, Bytes: AsRef<[u8]> + Clone + Into<Cow<'a, [u8]>>> Row<Bytes> {
    /// Keeps the value of a property that is read; a later one replaces it.
    #[inline(always)]
    pub fn set(&mut self, property: Property, value: Value<Bytes>) {
        if let Some(place) = self.0.get_mut(property as usize) {
            *place = value;
        }
    }

    fn get(&self, property: Property) -> &Value<Bytes> {
        &self.0[property as usize]
    }

    /// Which kind of row this is.
    pub fn kind(&self) -> Kind {
        let another_type = match self.get(Property::Kind) {
            Value::Text(name) => !name.as_ref().ends_with(b"directRoutingLogRow"),
            _ => false,
        };
        let has = |property| !matches!(self.get(property), Value::Missing);
        let direct_routing = Property::OF_DIRECT_ROUTING.into_iter().any(has);
        match () {
            () if another_type => Kind::Other,
            () if direct_routing => Kind::DirectRouting,
            () if has(Property::Id) => Kind::Other,
            () => Kind::NoRow,
        }
    }

    /// The call, or the first of the reasons why there is none.
    #[inline(always)]
    pub fn call(&self) -> Result<Call<'a>, Reason> {
        let record_id = self.record_id()?;
        let codes = Codes {
            microsoft: fields::microsoft_code(self.get(Property::MicrosoftCode).whole())?,
            sip: fields::sip_code(self.get(Property::SipCode).whole())?,
            text: self.text(Property::Phrase),
            ..Codes::default()
        };
        let duration_seconds = fields::duration_seconds(self.get(Property::Duration).whole())?;
        let succeeded = self.succeeded()?;
        if succeeded.is_none() && codes.is_empty() {
            return Err(Reason::NoOutcome);
        }
        Ok(Call {
            record_id,
            direction: fields::direction(self.get(Property::CallType).text()),
            succeeded,
            codes,
            ended_at: fields::ended_at(
                [Property::End, Property::Failure, Property::Start, Property::Invite],
                |property| self.time(property),
                duration_seconds.filter(|_| succeeded == Some(true)),
            )?,
            duration_seconds,
            trunk: self.text(Property::Trunk),
            attempt: Attempt::Only,
        })
    }

    fn record_id(&self) -> Result<RecordId, Reason> {
        match self.get(Property::Id) {
            Value::Text(text) => fields::record_id(text.as_ref()),
            Value::Whole(number) => fields::record_id(number.to_string().as_bytes()),
            _ => Err(Reason::NoRecordId),
        }
    }

    fn succeeded(&self) -> Result<Option<bool>, Reason> {
        match self.get(Property::Succeeded) {
            Value::Missing | Value::Null => Ok(None),
            Value::Flag(flag) => Ok(Some(*flag)),
            Value::Text(text) => fields::flag(text.as_ref()),
            Value::Whole(_) | Value::Odd => Err(Reason::BadSuccess),
        }
    }

    fn time(&self, property: Property) -> Result<Option<UnixMillis>, Reason> {
        match self.get(property) {
            Value::Missing | Value::Null => Ok(None),
            Value::Text(text) => fields::time(text.as_ref()),
            Value::Flag(_) | Value::Whole(_) | Value::Odd => Err(Reason::BadTime),
        }
    }

    #[inline(always)]
    fn text(&self, property: Property) -> Text<'a> {
        match self.get(property) {
            Value::Text(text) => fields::text(text.clone().into()),
            _ => Text::from(""),
        }
    }
}

impl<Bytes: AsRef<[u8]>> Value<Bytes> {
    fn text(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_ref(),
            _ => b"",
        }
    }

    fn whole(&self) -> Result<Option<u64>, NotWhole> {
        match self {
            Self::Missing | Self::Null => Ok(None),
            Self::Whole(number) => Ok(Some(*number)),
            Self::Text(text) => fields::whole_number(text.as_ref()),
            Self::Flag(_) | Self::Odd => Err(NotWhole),
        }
    }
}
