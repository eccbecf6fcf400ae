//! A Microsoft code for programs: a number, or `"other"` for what may be a telephone number.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::call::CodePair;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Code<'a> {
    Number(u64),
    Word(&'a str),
}

/// Writes it.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(code: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    let shown = code.map(|code| match code {
        CodePair::OTHER => Code::Word("other"),
        code => Code::Number(code),
    });
    shown.serialize(serializer)
}

/// Reads it.
///
/// # Errors
/// When it is neither number nor word.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let code = Option::<Code<'_>>::deserialize(deserializer)?;
    Ok(code.map(|code| match code {
        Code::Number(code) => code,
        Code::Word(_) => CodePair::OTHER,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_not_shown_is_a_word() {
        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        struct Shown(#[serde(with = "super")] Option<u64>);
        for (code, expected) in
            [(Some(531_004), "531004"), (Some(CodePair::OTHER), "\"other\""), (None, "null")]
        {
            assert_eq!(serde_json::to_string(&Shown(code)).unwrap(), expected);
            assert_eq!(serde_json::from_str::<Shown>(expected).unwrap(), Shown(code));
        }
    }
}
