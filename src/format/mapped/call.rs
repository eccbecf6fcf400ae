//! One record to its call, as the mapping says.

use std::num::NonZeroU32;

use xxhash_rust::xxh3::xxh3_128;

use super::time::Minutes;
use super::{FIELDS, Field, From, Mapping, Origin};
use crate::call::{Call, Codes, Direction, Reason, RecordId, Text, UnixMillis, UnreadField, Words};
use crate::format::fields::{self, NotWhole};
use crate::format::{Decoded, Usual, answered, device};
use crate::reason_header;

/// A row of a report stands for at most so many calls: a telephone number in its place would drown all others in counters,
/// which never fall.
const MOST_CALLS: u64 = 10_000_000;

/// The words for none have no more letters.
const LONGEST_WORD: usize = 9;

/// A SIP code without the phrase behind it: `404` of `404 Not Found` and of `SIP/2.0 404 Not Found`. Any other text as it is.
pub fn without_phrase(text: &str) -> &str {
    let code = text.strip_prefix("SIP/2.0 ").unwrap_or(text);
    match code.as_bytes() {
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b' ', ..] => &code[..3],
        _ => text,
    }
}

/// Where these words stand in a text, if they do. Both are short: to prepare a search would take longer than the search.
fn part<'t>(text: &'t str, words: &str) -> Option<&'t str> {
    let Some(first) = words.bytes().next() else { return Some("") };
    let mut begins = memchr::memchr_iter(first, text.as_bytes());
    begins.find_map(|at| text.get(at..at + words.len()).filter(|part| *part == words))
}

/// One record, by the mapping.
pub struct Mapped<'r, 'm> {
    pub mapping: &'r Mapping,
    minutes: &'m Minutes,
    whole: &'r [u8],
    /// Where each field comes from.
    origins: [Option<&'r Origin>; FIELDS.len()],
    /// What each field holds, as `values` has it; `""` where there is nothing.
    texts: [&'r str; FIELDS.len()],
    /// What the Reason header is, where its quotes stand otherwise in the record.
    header: Option<&'m str>,
}

impl<'r, 'm> Mapped<'r, 'm> {
    /// The fields of a record, where `text_at` has the text of an origin, by its place among them.
    #[inline(always)]
    pub fn new(
        mapping: &'r Mapping,
        minutes: &'m Minutes,
        whole: &'r [u8],
        text_at: impl Fn(usize) -> &'r str,
    ) -> Self {
        let (mut origins, mut texts) = ([None; FIELDS.len()], [""; FIELDS.len()]);
        for (place, origin) in mapping.origins.iter().enumerate() {
            let text = match &origin.from {
                From::Constant(text) => text.as_str(),
                From::Place(_) => device::trimmed(text_at(place)),
            };
            let meant = origin.values.iter().find(|(written, _)| written.eq_ignore_ascii_case(text));
            origins[origin.field as usize] = Some(origin);
            texts[origin.field as usize] = meant.map_or(text, |(_, meant)| meant.as_str());
        }
        Self { mapping, minutes, whole, origins, texts, header: None }
    }

    /// The same, of a record in which the quotes of the Reason header are doubled or escaped; `header` is what it means.
    pub fn with_header(self, header: &'m str) -> Self {
        Self { header: Some(device::trimmed(header)), ..self }
    }

    pub fn origin(&self, field: Field) -> Option<&'r Origin> {
        self.origins[field as usize]
    }

    pub fn get(&self, field: Field) -> &'r str {
        self.texts[field as usize]
    }

    pub fn decoded(&self) -> Decoded<'r> {
        match self.count() {
            Ok(Some(count)) => Decoded::filled(|call| self.fill(call, count)),
            Ok(None) => Decoded::Ignored,
            Err(reason) => Decoded::Rejected(reason),
        }
    }

    /// As [`Mapped::decoded`]; a call is put to the others.
    #[inline(always)]
    pub fn add(&self, calls: &mut Vec<Call<'r>>) -> Option<Usual> {
        match self.count().ok()? {
            None => Some(Usual::Ignored),
            Some(count) => Usual::filled(calls, |call| self.fill(call, count)),
        }
    }

    /// How many calls the record stands for; `None` where it is the row of no call.
    pub fn count(&self) -> Result<Option<NonZeroU32>, Reason> {
        if self.origin(Field::Count).is_none() {
            return Ok(Some(NonZeroU32::MIN));
        }
        match fields::whole_number(self.get(Field::Count).as_bytes()) {
            Ok(Some(count @ 0..=MOST_CALLS)) => Ok(u32::try_from(count).ok().and_then(NonZeroU32::new)),
            _ => Err(Reason::BadCount),
        }
    }

    /// Says in a call, of which nothing is known yet, what is known of it.
    #[inline(always)]
    fn fill(&self, call: &mut Call<'r>, count: NonZeroU32) -> Result<(), Reason> {
        call.direction = self.direction();
        call.succeeded = self.succeeded()?;
        self.fill_codes(&mut call.codes, call.succeeded)?;
        call.codes.refused_by = device::refused_by(call.direction);
        if call.succeeded.is_none() && call.codes.is_empty() {
            return Err(Reason::NoOutcome);
        }
        call.duration_seconds = call.unread.or(UnreadField::Duration, self.duration());
        let started = call.unread.or(UnreadField::StartTime, self.time(Field::Started));
        let ended = call.unread.or(UnreadField::EndTime, self.time(Field::Ended));
        let lasted = |(at, seconds): (UnixMillis, u32)| UnixMillis(at.0 + i64::from(seconds) * 1000);
        call.ended_at = ended.or(started.zip(call.duration_seconds).map(lasted)).or(started);
        call.record_id = self.id()?;
        call.trunk = Text::from(self.get(Field::Trunk));
        call.detail.more = count.get() - 1;
        Ok(())
    }

    /// A record without an id of its own, or with a word or zeros in its place, is known by all that it says.
    fn id(&self) -> Result<RecordId, Reason> {
        let id = self.get(Field::Id);
        match self.origin(Field::Id) {
            Some(_) if id.is_empty() || id.len() > LONGEST_WORD || !answered::is_none(id) => {
                fields::record_id(id.as_bytes())
            }
            _ => Ok(RecordId(xxh3_128(self.whole))),
        }
    }

    pub fn direction(&self) -> Direction {
        let is = |word| self.get(Field::Direction).eq_ignore_ascii_case(word);
        match () {
            () if is("inbound") => Direction::Inbound,
            () if is("outbound") => Direction::Outbound,
            () => Direction::Unknown,
        }
    }

    /// The flag; else whether there is a time of answer.
    pub fn succeeded(&self) -> Result<Option<bool>, Reason> {
        match (self.origin(Field::Success), self.origin(Field::Answered)) {
            (Some(_), _) => fields::flag(self.get(Field::Success).as_bytes()),
            (None, Some(_)) => Ok(Some(self.was_answered())),
            (None, None) => Ok(self.has_talked().then_some(true)),
        }
    }

    /// Whether a call of which nothing but a cause of Q.850 and a duration is known ended as those do that were answered, too.
    fn has_talked(&self) -> bool {
        let has_code =
            || [Field::SipCode, Field::MicrosoftCode].iter().any(|field| self.origin(*field).is_some());
        let lasted = || matches!(self.duration(), Ok(Some(1..)));
        matches!(self.q850(), Ok(Some(16 | 31))) && !has_code() && lasted()
    }

    /// By the time of answer.
    fn was_answered(&self) -> bool {
        let sip = || self.sip_number().ok().flatten();
        let codes = || (sip(), self.q850().unwrap_or_default());
        answered::was_answered(self.get(Field::Answered), self.time(Field::Answered), codes)
    }

    fn fill_codes(&self, codes: &mut Codes<'r>, succeeded: Option<bool>) -> Result<(), Reason> {
        let number = |field| fields::whole_number(self.get(field).as_bytes());
        codes.microsoft = fields::microsoft_code(number(Field::MicrosoftCode))?;
        codes.sip = self.sip_code()?;
        let (of_header, said) = self.header();
        codes.q850 = self.q850().unwrap_or_default().or(of_header);
        let phrase = self.get(Field::Phrase);
        let (text, words) = match () {
            () if !phrase.is_empty() => (phrase, Words::Microsoft),
            () if succeeded == Some(true) => ("", Words::Other),
            () => said.ok_or(Reason::BadLine)?,
        };
        (codes.text, codes.words) = (Text::from(text), words);
        Ok(())
    }

    /// What the Reason header tells: a cause of Q.850, and the phrase and whose words it is. That is `None` where it does not stand in the
    /// record as it is meant.
    fn header(&self) -> (Option<u8>, Option<(&'r str, Words)>) {
        let written = self.get(Field::ReasonHeader);
        let Some(header) = self.header else {
            let told = reason_header::read(written);
            return (told.q850, Some((told.phrase(), told.words())));
        };
        let told = reason_header::read(header);
        let phrase = part(written, told.phrase());
        (told.q850, phrase.map(|phrase| (phrase, told.words())))
    }

    /// The SIP code, perhaps with its phrase behind it: `404 Not Found`.
    pub fn sip_code(&self) -> Result<Option<u16>, Reason> {
        fields::sip_code(self.sip_number())
    }

    fn sip_number(&self) -> Result<Option<u64>, NotWhole> {
        fields::whole_number(without_phrase(self.get(Field::SipCode)).as_bytes())
    }

    /// A cause of Q.850. One that is none does not reject a call: a code beside it, or the flag, says enough.
    pub fn q850(&self) -> Result<Option<u8>, Reason> {
        let number = fields::whole_number(self.get(Field::Q850).as_bytes()).map_err(|_| Reason::BadCode)?;
        let in_range = |cause| u8::try_from(cause).ok().filter(|cause| *cause < 128).ok_or(Reason::BadCode);
        number.filter(|cause| *cause > 0).map(in_range).transpose()
    }

    pub fn duration(&self) -> Result<Option<u32>, Reason> {
        let divide_by = self.origin(Field::Duration).map_or(1, |origin| origin.divide_by.max(1));
        let written = fields::whole_number(self.get(Field::Duration).as_bytes());
        fields::duration_seconds(written.map(|number| number.map(|number| number / u64::from(divide_by))))
    }

    pub fn time(&self, field: Field) -> Result<Option<UnixMillis>, Reason> {
        let Some(origin) = self.origin(field) else { return Ok(None) };
        let text = self.get(field);
        match answered::is_none(text) {
            true => Ok(None),
            false => {
                let read = self.minutes.read(field, &origin.time, text, &self.mapping.device);
                let read = read.ok_or(Reason::BadTime);
                read.map(|at| Some(at).filter(|at| !answered::is_first_day(*at)))
            }
        }
    }
}
