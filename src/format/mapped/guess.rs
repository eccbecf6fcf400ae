//! Which place of a record holds which of our fields, by the names of places and the form of their values. A guess: whoever
//! takes it looks at it.

mod known;

use super::Field;
use super::call::without_phrase;
use super::record::is_number;
use super::time::TimeFormat;
use super::trial::shape;
use crate::format::{answered, fields};

/// A place of the records, and the values that the first of them have there.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    pub place: String,
    /// What it is called: the place, or in a table without a header nothing.
    pub name: String,
    pub values: Vec<String>,
}

/// A field with the place that it seems to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    pub field: Field,
    pub place: String,
    /// What more is to be said of it, as the config has it: `time: unix`.
    pub more: Vec<String>,
    /// What whoever takes it must look at; `""` where the name says it all.
    pub doubt: String,
}

/// What is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proposal {
    pub guesses: Vec<Guess>,
    /// Place and value of records that are calls.
    pub condition: Option<(String, String)>,
    /// Places without a use: each with its name, and with why not where its name says what it is.
    pub unused: Vec<(String, String)>,
}

impl Proposal {
    pub fn says_how_calls_end(&self) -> bool {
        self.guesses.iter().any(|guess| guess.field.is_ending())
    }
}

/// A mapping for records with these places.
pub fn propose(samples: &[Sample]) -> Proposal {
    let mut proposal = Proposal::default();
    let mut refused: Vec<(&str, String)> = Vec::new();
    for (field, names) in known::NAMES {
        let rank = |sample: &Sample| names.iter().position(|name| *name == bare(&sample.name));
        let mut named: Vec<(usize, &Sample)> =
            samples.iter().filter_map(|sample| Some((rank(sample)?, sample))).collect();
        named.sort_by_key(|(rank, _)| *rank);
        for (_, sample) in named {
            let is_taken = proposal.guesses.iter().any(|it| it.place == sample.place || it.field == *field);
            match guess(*field, sample) {
                Ok(guess) if !is_taken => proposal.guesses.push(guess),
                Ok(_) => {}
                Err(why) => refused.push((&sample.place, why)),
            }
        }
    }
    by_form(samples, &mut proposal);
    by_words(samples, &mut proposal);
    proposal.condition = samples.iter().find_map(condition);
    let is_used = |place: &str| {
        let condition = proposal.condition.as_ref().map(|(place, _)| place.as_str());
        condition == Some(place) || proposal.guesses.iter().any(|guess| guess.place == place)
    };
    let why = |place: &str| refused.iter().find(|(other, _)| *other == place).map(|(_, why)| why.clone());
    let example = |sample: &Sample| match sample.values.iter().find(|value| !value.trim().is_empty()) {
        Some(value) if sample.name.is_empty() => format!("such as `{}`", shape(value.trim())),
        _ => String::new(),
    };
    proposal.unused = (samples.iter().filter(|sample| !is_used(&sample.place)))
        .map(|sample| (sample.place.clone(), why(&sample.place).unwrap_or_else(|| example(sample))))
        .collect();
    proposal
}

/// A field at a place that is called like it; why not, where values say otherwise.
fn guess(field: Field, sample: &Sample) -> Result<Guess, String> {
    let values: Vec<&str> =
        sample.values.iter().map(|value| value.trim()).filter(|value| !value.is_empty()).collect();
    let mut guess = Guess { field, place: sample.place.clone(), more: Vec::new(), doubt: String::new() };
    let wrong = |what: &str| {
        let example = values.first().map(|value| shape(value)).unwrap_or_default();
        Err(format!("its values, such as `{example}`, are no {what}"))
    };
    match field {
        Field::Started | Field::Answered | Field::Ended => {
            let values: Vec<&str> =
                values.iter().copied().filter(|value| !answered::is_none(value)).collect();
            if values.is_empty() {
                return Ok(guess);
            }
            match TimeFormat::guessed_of(&values) {
                None => return wrong("time in a form that is known"),
                Some("rfc3339") => {}
                Some(form) => guess.more.push(format!("time: \"{form}\"")),
            }
            if values.iter().all(|value| TimeFormat::has_two_readings(value)) {
                guess.doubt = "day and month could be the other way round".to_owned();
            }
        }
        Field::SipCode if !mostly(&values, is_sip_code) => return wrong("SIP codes"),
        Field::Q850 if bare(&sample.name).ends_with("disconnectcause") => {
            if !mostly(&values, |value| in_range(value, 0..128)) {
                return wrong("causes of Q.850");
            }
            "some routers write it in hexadecimal".clone_into(&mut guess.doubt);
        }
        Field::Q850 if !mostly(&values, |value| in_range(value, 0..128)) => return wrong("causes of Q.850"),
        Field::MicrosoftCode if !mostly(&values, |value| fields::whole_number(value.as_bytes()).is_ok()) => {
            return wrong("codes");
        }
        Field::Count if !mostly(&values, |value| in_range(value, 0..10_000_000)) => {
            return wrong("numbers of calls");
        }
        Field::Duration => {
            if !mostly(&values, |value| fields::whole_number(value.as_bytes()).is_ok()) {
                return wrong("whole numbers");
            }
            let name = bare(&sample.name);
            if name.ends_with("ms") || name.contains("msec") || name.contains("milli") {
                guess.more.push("divide_by: 1000".to_owned());
            }
        }
        Field::Direction | Field::Success => {
            guess.more.extend(meanings(field, &values)?);
            if field == Field::Direction {
                "inbound is PSTN to Teams; a device may see it the other way round"
                    .clone_into(&mut guess.doubt);
            }
        }
        _ => {}
    }
    Ok(guess)
}

/// Whether nothing of it is lost by [`bare`] that may be of a name.
fn is_word(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '))
}

/// What the values of a flag or a direction mean, where all that occur are known words.
fn meanings(field: Field, values: &[&str]) -> Result<Option<String>, String> {
    let mut meanings: Vec<String> = Vec::new();
    let mut is_plain = true;
    // A value is shown only if it is such a word, and no part of what may be anybody's name.
    let known = |value: &str| {
        let meant = known::WORDS.iter().find(|(of, words, _)| *of == field && words.contains(&&*bare(value)));
        meant.filter(|_| is_word(value))
    };
    let allows_others = field == Field::Direction && mostly(values, |value| known(value).is_some());
    for value in values {
        let Some((_, _, meant)) = known(value) else {
            if allows_others {
                continue;
            }
            return Err(format!("say what its values, such as `{}`, mean", shape(value)));
        };
        is_plain &= bare(value) == *meant || fields::flag(value.as_bytes()).is_ok();
        let meaning = format!("\"{value}\": {meant}");
        if !meanings.contains(&meaning) {
            meanings.push(meaning);
        }
    }
    let is_plain =
        is_plain && (field == Field::Success || values.iter().all(|value| bare(value).ends_with("bound")));
    Ok((!is_plain).then(|| format!("values: {{{}}}", meanings.join(", "))))
}

/// Places without a name, by the form of their values: a SIP code, then times.
fn by_form(samples: &[Sample], proposal: &mut Proposal) {
    let nameless = || samples.iter().filter(|sample| sample.name.is_empty());
    let values = |sample: &Sample| -> Vec<String> {
        sample.values.iter().filter(|value| !value.trim().is_empty()).cloned().collect()
    };
    let is_code = |sample: &&Sample| {
        let values = values(sample);
        !values.is_empty() && values.iter().all(|value| value.len() == 3 && in_range(value, 100..700))
    };
    let is_time = |sample: &&Sample| values(sample).iter().any(|value| TimeFormat::guessed(value).is_some());
    let times: Vec<&Sample> = nameless().filter(is_time).collect();
    let found = [
        (Field::SipCode, nameless().find(is_code)),
        (Field::Started, times.first().copied().filter(|_| times.len() > 1)),
        (Field::Ended, times.last().copied()),
    ];
    for (field, sample) in found {
        if let Some(Ok(guess)) = sample.map(|sample| guess(field, sample)) {
            proposal.guesses.push(Guess { doubt: "by the form of its values alone".to_owned(), ..guess });
        }
    }
}

/// Where no code says how a call ended, the causes that the words of success are the names of: a busy line is no failure.
fn by_words(samples: &[Sample], proposal: &mut Proposal) {
    let has = |fields: &[Field]| proposal.guesses.iter().any(|guess| fields.contains(&guess.field));
    let success = proposal.guesses.iter().find(|guess| guess.field == Field::Success);
    let words = success.and_then(|guess| samples.iter().find(|sample| sample.place == guess.place));
    let Some(words) = words.filter(|_| !has(&[Field::MicrosoftCode, Field::SipCode, Field::Q850])) else {
        return;
    };
    let (mut causes, mut is_told) = (Vec::new(), false);
    for value in
        words.values.iter().map(|value| value.trim()).filter(|value| is_word(value) && !value.is_empty())
    {
        let cause =
            known::CAUSES.iter().find(|(names, _)| names.contains(&&*bare(value))).map(|(_, cause)| *cause);
        let meaning = format!("\"{value}\": {}", cause.unwrap_or("\"\""));
        is_told |= cause.is_some_and(|cause| cause != "16");
        if !causes.contains(&meaning) {
            causes.push(meaning);
        }
    }
    if is_told {
        proposal.guesses.push(Guess {
            field: Field::Q850,
            place: words.place.clone(),
            more: vec![format!("values: {{{}}}", causes.join(", "))],
            doubt: "the words alone say it".to_owned(),
        });
    }
}

/// Where only records of one kind are ends of calls, that kind.
fn condition(sample: &Sample) -> Option<(String, String)> {
    let is_kind = known::KINDS.contains(&&*bare(&sample.name));
    let is_end = |value: &&String| is_word(value.trim()) && known::ENDS.contains(&&*bare(value));
    let end = sample.values.iter().find(is_end).filter(|_| is_kind)?;
    let is_other = |value: &String| !value.trim().eq_ignore_ascii_case(end.trim());
    sample.values.iter().any(is_other).then(|| (sample.place.clone(), end.trim().to_owned()))
}

/// Whether what stands above these columns are their names. What is taken for a name is shown, and the cells of a record are not
/// to be. So several are known, as a word or two may be values; none is mostly digits; a known one has numbers or times below it,
/// which are none themselves; and none stands below itself again.
pub fn are_names(columns: &[Sample]) -> bool {
    const LEAST: usize = 2;
    let is_data = |name: &str| name.bytes().filter(u8::is_ascii_digit).count() * 2 > name.len();
    let known: Vec<&Sample> = columns.iter().filter(|column| is_known(&column.name)).collect();
    let is_again = |column: &Sample, row: usize| {
        column.values.get(row).is_some_and(|value| value.trim().eq_ignore_ascii_case(&column.name))
    };
    let rows = columns.iter().map(|column| column.values.len()).max().unwrap_or_default();
    // All of them again are the header of the next file.
    let repeats = |row: usize| {
        known.iter().any(|column| is_again(column, row))
            && !columns.iter().all(|column| is_again(column, row))
    };
    let has_numbers = |column: &&Sample| {
        let values: Vec<&str> =
            column.values.iter().map(|value| value.trim()).filter(|it| !it.is_empty()).collect();
        !values.is_empty() && !is_number(&column.name) && mostly(&values, is_number)
    };
    known.len() >= LEAST
        && !columns.iter().any(|column| is_data(&column.name))
        && (rows == 0 || known.iter().any(has_numbers))
        && !(0..rows).any(repeats)
}

/// Whether a column of this name is known.
fn is_known(name: &str) -> bool {
    let name = bare(name);
    known::KINDS.contains(&&*name) || known::NAMES.iter().any(|(_, names)| names.contains(&&*name))
}

/// Whether it is read as a SIP code.
fn is_sip_code(value: &str) -> bool {
    in_range(without_phrase(value), 0..700)
}

/// More than half of them, at least, so that a few odd ones do not hide what a place is.
fn mostly(values: &[&str], is_so: impl Fn(&str) -> bool) -> bool {
    values.iter().filter(|value| is_so(value)).count() * 2 >= values.len()
}

fn in_range(value: &str, range: std::ops::Range<u64>) -> bool {
    matches!(fields::whole_number(value.as_bytes()), Ok(Some(number)) if range.contains(&number))
}

/// The last part of a name, as names are compared.
fn bare(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    last.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests;
