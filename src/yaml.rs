//! Configs as YAML: what is wrong with one, and what was probably meant, in plain words.

/// Where the reader of YAML found a fault, line and column from 1, and what it is, in plain words.
pub fn fault(error: &serde_saphyr::Error) -> (Option<(u64, u64)>, String) {
    let error = error.without_snippet();
    let message = match error {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => {
            format!("there is no key `{field}` here; {}", meant(field, expected))
        }
        serde_saphyr::Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` is there twice")
        }
        serde_saphyr::Error::MultipleDocuments { .. } => {
            "there is more than one YAML document; keep one, and no line `---` behind it".to_owned()
        }
        serde_saphyr::Error::Unexpected { expected: "mapping start", .. } => {
            "expected keys with their values, as in `key: value`".to_owned()
        }
        serde_saphyr::Error::Unexpected { expected: "sequence start", .. } => {
            "expected a list: [a, b], or lines that begin with `- `".to_owned()
        }
        serde_saphyr::Error::InvalidScalar { ty: "boolean", .. }
        | serde_saphyr::Error::InvalidBooleanStrict { .. } => "expected true or false".to_owned(),
        serde_saphyr::Error::InvalidScalar { ty: "u16", .. } => "not a whole number up to 65535".to_owned(),
        serde_saphyr::Error::InvalidScalar { .. } => "not a whole number from 0".to_owned(),
        serde_saphyr::Error::Unexpected { expected: "string scalar", .. }
        | serde_saphyr::Error::NullIntoString { .. } => "expected a text".to_owned(),
        serde_saphyr::Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "the anchor holds itself; write out what is meant".to_owned()
        }
        error => {
            let text = error.to_string();
            // The place is said once, in front.
            no_yaml(text.split(" at line ").next().unwrap_or(&text).trim_end_matches(','))
        }
    };
    (error.location().map(|place| (place.line(), place.column())), message)
}

/// The known word that was probably meant, or all of them.
pub fn meant(value: &str, known: &[&str]) -> String {
    // Of a short word, two other letters make any other.
    let is_near =
        |distance: usize, word: &str| distance <= (word.len() / 3).max(if word.len() < 5 { 1 } else { 2 });
    let nearest = known.iter().map(|word| (strsim::damerau_levenshtein(value, word), *word)).min();
    let mut holding = known.iter().filter(|word| value.len() > 2 && word.contains(value));
    match (nearest, holding.next(), holding.next()) {
        (None, ..) => "there is none".to_owned(),
        (Some((distance, word)), ..) if is_near(distance, word) => format!("did you mean `{word}`?"),
        (_, Some(word), None) => format!("did you mean `{word}`?"),
        _ => format!("there are {}", known.join(", ")),
    }
}

/// What is wrong with the YAML itself, in plain words, from those of its reader.
fn no_yaml(text: &str) -> String {
    let begins = |sign: char| format!("a text that begins with `{sign}` stands in quotes");
    match text {
        "mapping values are not allowed in this context" => {
            "a `:` with a blank behind it cannot stand here: indent keys of one list or level alike, and put a text that has one in \
             quotes"
                .to_owned()
        }
        "unclosed quote" => "the quote that begins here has no end".to_owned(),
        "alias references unknown anchor" => begins('*'),
        _ if text.starts_with("tabs disallowed") => "a tab stands here: YAML is indented with blanks".to_owned(),
        _ => match (text.strip_prefix("unclosed bracket "), text.strip_prefix("unexpected character: `")) {
            (Some(bracket), _) => format!("the bracket {bracket} that begins here has no end"),
            (_, Some(sign)) if sign.starts_with(['@', '`', '%']) => begins(sign.chars().next().unwrap_or('@')),
            _ => text.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        let known = ["id", "sip_code", "microsoft_code", "trunk"];
        for (value, known, expected) in [
            ("sip_cod", &known[..], "did you mean `sip_code`?"),
            ("sip", &known, "did you mean `sip_code`?"),
            ("code", &known, "there are id, sip_code, microsoft_code, trunk"),
            ("di", &known, "did you mean `id`?"),
            ("nobody", &[], "there is none"),
        ] {
            assert_eq!(meant(value, known), expected, "{value}");
        }
    }
}
