//! Colours that follow what they stand for, the same wherever it is drawn: outcomes, sides, causes and states.

use std::collections::{BTreeMap, BTreeSet};

/// The colour of each outcome, the same wherever it is drawn.
pub const OUTCOMES: [(&str, &str); 7] = [
    ("answered", "green"),
    ("busy", "yellow"),
    ("no_answer", "blue"),
    ("cancelled", "#8e8e8e"),
    ("declined", "purple"),
    ("elsewhere", "#b4b4b4"),
    ("failed", "red"),
];

/// The colour of each side that can fix a cause.
pub const SIDES: [(&str, &str); 8] = [
    ("sbc", "orange"),
    ("network", "red"),
    ("carrier", "dark-yellow"),
    ("tenant", "purple"),
    ("microsoft", "blue"),
    ("bot", "light-blue"),
    ("user", "#8e8e8e"),
    ("unlisted", "#b4b4b4"),
];

/// The hue of each category of causes, in degrees; its causes are shades of it.
const CATEGORIES: [(&str, u16); 32] = [
    ("media", 0),
    ("emergency_routing", 345),
    ("sdp", 330),
    ("codec", 322),
    ("srtp", 314),
    ("media_bypass", 306),
    ("certificate", 285),
    ("tls_session", 270),
    ("dns", 255),
    ("maintenance", 240),
    ("bot", 232),
    ("sip_protocol", 215),
    ("call_transfer", 205),
    ("session_timer", 197),
    ("voice_routing", 180),
    ("location_based_routing", 172),
    ("routing_loop", 164),
    ("trunk_config", 150),
    ("licence", 135),
    ("calling_policy", 120),
    ("calling_restriction", 110),
    ("call_blocking", 102),
    ("voicemail", 94),
    ("compliance_recording", 84),
    ("number_format", 70),
    ("timeout", 56),
    ("carrier", 48),
    ("capacity", 40),
    ("sbc_rejected", 32),
    ("sbc_error", 25),
    ("sbc_unreachable", 18),
    ("unlisted", 0),
];
/// Lightness of a category's first cause, its second and so on, in percent: all are seen on black and on white.
const SHADES: [u16; 6] = [55, 40, 68, 47, 62, 35];
const CATALOGUE: &str = include_str!("../../../src/classify/causes.csv");

/// The colour of each cause of the catalogue.
pub fn causes() -> Vec<(String, String)> {
    let mut categories: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let rows = csv::Reader::from_reader(CATALOGUE.as_bytes()).into_deserialize();
    for mut row in rows.filter_map(Result::<BTreeMap<String, String>, _>::ok) {
        if row["outcome"] == "failed"
            && let (Some(category), Some(cause)) = (row.remove("category"), row.remove("cause"))
        {
            categories.entry(category).or_default().insert(cause);
        }
    }
    let shades = |(category, causes): (String, BTreeSet<String>)| {
        let hue = CATEGORIES.iter().find(|(name, _)| *name == category).map(|(_, hue)| *hue);
        let shade = move |(place, cause)| (cause, color(hue, SHADES[place % SHADES.len()]));
        causes.into_iter().enumerate().map(shade)
    };
    categories.into_iter().flat_map(shades).collect()
}

/// Red, green and blue of a hue in this lightness; grey without a hue.
fn color(hue: Option<u16>, lightness: u16) -> String {
    let lightness = f64::from(lightness) / 100.0;
    let saturation = if hue.is_some() { 0.68 } else { 0.0 };
    let chroma = saturation * lightness.min(1.0 - lightness);
    let part = |offset: f64| {
        let turn = (offset + f64::from(hue.unwrap_or(0)) / 30.0) % 12.0;
        let value = lightness - chroma * (turn - 3.0).min(9.0 - turn).clamp(-1.0, 1.0);
        (value * 255.0).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", part(0.0), part(8.0), part(4.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_are_those_of_the_colour_wheel() {
        assert_eq!(color(Some(0), 50), "#d62929");
        assert_eq!(color(Some(120), 50), "#29d629");
        assert_eq!(color(Some(240), 50), "#2929d6");
        assert_eq!(color(None, 50), "#808080");
    }

    #[test]
    fn every_cause_has_one_colour_and_two_causes_of_a_category_differ() {
        let causes = causes();
        let names: BTreeSet<_> = causes.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), causes.len(), "a cause stands in two categories");
        let find = |wanted: &str| causes.iter().find(|(name, _)| name == wanted).map(|(_, color)| color);
        assert_ne!(find("IceConnectivityChecksFailed"), find("MediaConnectivityFailure"));
        assert_eq!(find("No callee endpoints were found").map(String::as_str), Some("#8c8c8c"));
    }
}
