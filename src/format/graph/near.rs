//! What is to be mended in an object that is nearly a row: which properties are missing, and which look like them.

use serde_json::{Deserializer, Value};

use crate::format::names::{self, Field, Names};

/// What to mend in the object that a text begins with, in a sentence for people; `None` where nothing looks like what is
/// missing.
pub fn hint(text: &[u8], names: Names) -> Option<String> {
    let object = Deserializer::from_slice(text).into_iter::<Value>().next()?.ok()?;
    let mut properties = Vec::new();
    collect(&object, &mut properties);
    let has = |field: Field| properties.iter().any(|name| names.field(name.as_bytes()) == Some(field));
    let told: Vec<String> = properties
        .iter()
        .filter(|name| names.field(name.as_bytes()).is_none())
        .filter_map(|name| Some((name, names::misspelt(name.as_bytes())?)))
        .filter(|(_, field)| !has(*field))
        .map(|(name, field)| {
            format!("`{}` is missing; `{}` looks like it", field.names().graph, names::shown(name.as_bytes()))
        })
        .collect();
    (!told.is_empty()).then(|| format!("the property {}", told.join("; ")))
}

/// The properties of an object, and of one that it wraps.
fn collect<'v>(value: &'v Value, properties: &mut Vec<&'v str>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        properties.push(name);
        if names::is_wrapper(name.as_bytes()) {
            properties.extend(value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_property_that_is_missing_is_named_and_the_one_that_looks_like_it() {
        for (text, expected) in [
            (
                r#"{"id":"1","succesfulCall":false,"finalSipCode":410} {"#,
                "the property `successfulCall` is missing; `succesfulCall` looks like it",
            ),
            (
                r#"{"properties":{"id":"1","successfulCall":false,"final_sip_cod":410,"calType":"x"}}"#,
                "the property `callType` is missing; `calType` looks like it; `finalSipCode` is missing; `final_sip_cod` \
                 looks like it",
            ),
            (r#"{"id":"1","successfulCall":false,"succesfulCall":false}"#, ""),
            (r#"{"user.one":1}"#, ""),
            ("[1]", ""),
            ("{", ""),
        ] {
            assert_eq!(hint(text.as_bytes(), Names::default()).unwrap_or_default(), expected, "{text}");
        }
    }
}
