//! Names that look like those of fields, as misspelt ones do.

use std::collections::HashMap;

use super::{Field, MOST_LETTERS, letters_of_any, path_and_name, text_of};

/// What [`misspelt`] says of names, remembered: rows of one file have the same ones.
#[derive(Debug, Default)]
pub struct Lookalikes(HashMap<Box<[u8]>, Option<Field>>);

impl Lookalikes {
    /// So many names are remembered.
    const MOST_NAMES: usize = 256;

    /// The deciding field that a name is probably a misspelling of.
    pub fn field(&mut self, name: &[u8]) -> Option<Field> {
        if let Some(known) = self.0.get(name) {
            return *known;
        }
        if self.0.len() >= Self::MOST_NAMES {
            self.0.clear();
        }
        let field = misspelt(name);
        self.0.insert(name.into(), field);
        field
    }
}

/// The deciding field that a name is probably a misspelling of.
pub fn misspelt(name: &[u8]) -> Option<Field> {
    resembling(name, &Field::DECIDING)
}

/// A name as it is spelled, without what no name of ours has.
pub fn shown(name: &[u8]) -> String {
    let last = name.rsplit(|byte| matches!(byte, b'.' | b'[' | b'/')).find(|part| !part.is_empty());
    let text = String::from_utf8_lossy(last.unwrap_or_default());
    text.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '_' | '-')).collect()
}

/// Which of these fields a name looks like.
pub fn resembling(name: &[u8], among: &[Field]) -> Option<Field> {
    /// A shorter name may be a word of its own.
    const FEWEST_LETTERS: usize = 5;
    let of_any = |name: &str| letters_of_any(name);
    let name = of_any(&text_of(path_and_name(name).map_or(name, |(_, name)| name)));
    if !(FEWEST_LETTERS..MOST_LETTERS).contains(&name.len()) {
        return None;
    }
    let is_near = |known: &str| {
        let known = of_any(known);
        let allowed = if known.len() < 10 { 1 } else { 2 };
        strsim::damerau_levenshtein(&name, &known) <= allowed
    };
    let of = |field: Field| [field.names().graph, field.names().admin_center].into_iter().any(is_near);
    among.iter().copied().find(|field| of(*field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_is_known() {
        for (name, field) in [
            ("succesfulCall", Some(Field::Success)),
            ("Sucess", Some(Field::Success)),
            ("finalSipCod", Some(Field::SipCode)),
            ("Final SIP cdoe", Some(Field::SipCode)),
            ("properties.callEndSubReson", Some(Field::MicrosoftCode)),
            ("trunkFullyQualifiedDomianName", Some(Field::Trunk)),
            ("calType", Some(Field::CallType)),
            ("userDisplayName", None),
            ("access", None),
            ("Final SIP Phrase", None),
        ] {
            assert_eq!(misspelt(name.as_bytes()), field, "{name}");
        }
    }
}
