//! Any JSON object, read with everything that JSON allows.
//!
//! Properties that are not read may hold what they like: halves of surrogate pairs, numbers beyond a float,
//! nesting of any depth; serde_json skips them without recursion.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::format::names::{self, Field, Lookalikes, Names};
use crate::format::row::{Row, Value};

/// A row whose texts borrow from the record where they can.
pub type AnyRow<'a> = Row<Cow<'a, [u8]>>;

/// Stands as the kind of an object that says why there are no rows.
pub const ERROR: &[u8] = b"error";
/// Stands as the kind of an object that only says what rows follow.
const FRAME: &[u8] = b"frame";

/// What a property of this name says of its object.
pub fn says_kind(name: &[u8]) -> Option<&'static [u8]> {
    match name {
        b"error" => Some(ERROR),
        b"FrameType" => Some(FRAME),
        _ => None,
    }
}

/// The entries of an object that is a date, the best one first: as PowerShell (`value`, `UtcDateTime`) and databases
/// (`$date`) write it.
pub const DATES: [&str; 4] = ["value", "UtcDateTime", "$date", "DateTime"];

/// Reads an object as a row; its properties and those of an object that wraps a row.
pub struct RowOf(pub Names);

impl<'de> DeserializeSeed<'de> for RowOf {
    type Value = AnyRow<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let mut row = Row::default();
        let names = self.0;
        deserializer.deserialize_map(Properties { names, row: &mut row, is_wrapped: false, others: None })?;
        Ok(row)
    }
}

/// Who is told the names that are no field's, where somebody asks for them.
type Others<'r> = Option<&'r dyn Fn(&[u8])>;

/// The properties of an object, into a row.
struct Properties<'r, 'de> {
    names: Names,
    row: &'r mut AnyRow<'de>,
    is_wrapped: bool,
    others: Others<'r>,
}

/// What becomes of a property.
enum Property {
    Read(Field),
    /// It holds the row.
    Wrapper,
    /// It says what its object is.
    Says(&'static [u8]),
    Unread,
}

impl<'de> Visitor<'de> for Properties<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(property) = map.next_key_seed(Name { names: self.names, others: self.others })? {
            match property {
                Property::Read(field) => self.row.add(field, map.next_value()?),
                Property::Wrapper if !self.is_wrapped => {
                    let (names, row, others) = (self.names, &mut *self.row, self.others);
                    map.next_value_seed(Wrapped(Properties { names, row, is_wrapped: true, others }))?;
                }
                Property::Says(kind) => {
                    map.next_value::<IgnoredAny>()?;
                    if !self.row.has(Field::Kind) {
                        self.row.set(Field::Kind, Value::Text(Cow::Borrowed(kind)));
                    }
                }
                Property::Wrapper | Property::Unread => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    // What is no object wraps nothing.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// The value of a property that may wrap a row.
struct Wrapped<'r, 'de>(Properties<'r, 'de>);

impl<'de> DeserializeSeed<'de> for Wrapped<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self.0)
    }
}

struct Name<'r> {
    names: Names,
    others: Others<'r>,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Property;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Property, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Property;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a property")
    }

    fn visit_str<E>(self, name: &str) -> Result<Property, E> {
        let name = name.as_bytes();
        Ok(match self.names.field(name) {
            Some(field) => Property::Read(field),
            None if names::is_wrapper(name) => Property::Wrapper,
            None => says_kind(name).map_or_else(
                || {
                    self.others.into_iter().for_each(|others| others(name));
                    Property::Unread
                },
                Property::Says,
            ),
        })
    }
}

/// The deciding fields that some property of an object, or of one that it wraps, looks like.
pub fn resembling(object: &str, names: Names, lookalikes: &mut Lookalikes) -> Vec<Field> {
    let found = RefCell::new((lookalikes, Vec::new()));
    let others = |name: &[u8]| {
        let (lookalikes, found) = &mut *found.borrow_mut();
        found.extend(lookalikes.field(name));
    };
    let mut row = Row::default();
    let properties = Properties { names, row: &mut row, is_wrapped: false, others: Some(&others) };
    // What is no object has no properties.
    let _ = serde_json::Deserializer::from_str(object).deserialize_map(properties);
    found.into_inner().1
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<Cow<'a, [u8]>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor { is_in_date: false })
    }
}

struct ValueVisitor {
    is_in_date: bool,
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<Cow<'de, [u8]>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Whole(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(number).map_or(Value::Real(number as f64), Value::Whole))
    }

    /// Above 2^53 a float no longer says which whole number was meant.
    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        let whole = number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
        Ok(if whole { Value::Whole(number as u64) } else { Value::Real(number) })
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text.as_bytes())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.as_bytes().to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Odd)
    }

    /// A date of [`DATES`], if it is one.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut found = (DATES.len(), Value::Odd);
        while let Some(name) = entries.next_key::<Cow<'_, str>>()? {
            match DATES.iter().position(|known| *known == name) {
                Some(rank) if rank < found.0 && !self.is_in_date => {
                    let InDate(value) = entries.next_value()?;
                    found = (rank, value);
                }
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found.1)
    }
}

/// What stands in a date: no date itself, however deep it goes.
struct InDate<'a>(Value<Cow<'a, [u8]>>);

impl<'de: 'a, 'a> Deserialize<'de> for InDate<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor { is_in_date: true }).map(Self)
    }
}
