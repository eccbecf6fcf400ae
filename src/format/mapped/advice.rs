//! What is wrong with the value of a field, and what to do about it.

use super::time::TimeFormat;
use super::{Field, Mapped, device};
use crate::call::Direction;
use crate::format::{answered, fields};

impl Mapped<'_, '_> {
    /// What is wrong with a field, if anything is.
    pub(super) fn fault(&self, field: Field) -> Option<String> {
        let text = self.get(field);
        let is_wrong = match field {
            Field::Id => text.is_empty(),
            Field::Direction => !text.is_empty() && self.direction() == Direction::Unknown,
            Field::Success => self.succeeded().is_err(),
            Field::MicrosoftCode => {
                fields::whole_number(text.as_bytes()).is_err_and(|it| it == fields::NotWhole::Other)
            }
            Field::SipCode => self.sip_code().is_err(),
            Field::Q850 => self.q850().is_err(),
            Field::Started | Field::Answered | Field::Ended => self.time(field).is_err(),
            Field::Duration => self.duration().is_err(),
            Field::Trunk => !text.is_empty() && !device::is_device_trunk(text),
            Field::Count => self.count().is_err(),
            Field::Phrase | Field::ReasonHeader => false,
        };
        is_wrong.then(|| self.advice(field, text))
    }

    fn advice(&self, field: Field, text: &str) -> String {
        const VALUES: &str = "say what values mean with `values: {...}`";
        match field {
            Field::Id => "is empty, so the record is rejected: name a place that every record has, or leave `id` out".into(),
            Field::Direction => format!("is neither inbound nor outbound, so the direction is empty: {VALUES}"),
            Field::Success => format!("is neither yes nor no, true nor false, so the record is rejected: {VALUES}"),
            Field::MicrosoftCode | Field::SipCode => {
                format!("is no such code, so the record is rejected: {VALUES}, or name another place")
            }
            Field::Q850 => format!("is no cause from 1 to 127, so it is left out: {VALUES}, or name another place"),
            Field::Answered => {
                let form = form_advice(text, "say with `values: {...}` which texts are empty");
                format!("is not empty and no time, so the call counts as answered: {form}")
            }
            Field::Started | Field::Ended => {
                format!("is no time in the form that `time` says, so it is left out: {}", form_advice(text, "give its form in `time`"))
            }
            Field::Duration => {
                "is no whole number of seconds, or more than a week of them, so it is left out: with `divide_by: 1000` it \
                 is in milliseconds"
                    .into()
            }
            Field::Trunk => {
                "may be somebody's name or number, so the trunk is empty: name a place with the trunk's name, or give one \
                 with `values: {...}`"
                    .into()
            }
            Field::Count => {
                "is no whole number of calls up to 10000000, so the record is rejected: write it without separators, or name \
                 another place"
                    .into()
            }
            Field::Phrase | Field::ReasonHeader => String::new(),
        }
    }
}

/// How to have a time read.
fn form_advice(text: &str, else_this: &str) -> String {
    match TimeFormat::guessed(text) {
        Some(word) if !answered::is_none(text) => format!("it looks like `time: \"{word}\"`"),
        _ => else_this.to_owned(),
    }
}
