//! Words as people look for them: whole, or only their beginnings.

/// Whether these words, or their beginnings, stand in a text from the beginning of a word on. Each word of a name such as
/// `IceConnectivityChecksFailed` is one; what is no letter and no digit only parts words.
pub fn stand_in(text: &str, words: &str) -> bool {
    let bare = |text: &str| -> String {
        text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let words = bare(words);
    let letters: Vec<char> = text.chars().collect();
    let begins_word = |place: usize| {
        let before = place.checked_sub(1).map_or(' ', |place| letters[place]);
        let is_upper = |place: usize| letters.get(place).is_some_and(|letter| letter.is_uppercase());
        let is_lower = |place: usize| letters.get(place).is_some_and(|letter| letter.is_lowercase());
        match letters[place] {
            letter if !letter.is_alphanumeric() => false,
            _ if !before.is_alphanumeric() => true,
            _ if is_upper(place) => !before.is_uppercase() || is_lower(place + 1),
            letter => letter.is_numeric() != before.is_numeric(),
        }
    };
    let mut places = (0..letters.len()).filter(|place| begins_word(*place));
    places.any(|place| bare(&letters[place..].iter().collect::<String>()).starts_with(&words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_looked_for_from_their_beginning_on() {
        for (cause, words, expected) in [
            ("IceConnectivityChecksFailed", "ice", true),
            ("IceConnectivityChecksFailed", "checks", true),
            ("IceConnectivityChecksFailed", "Ice Conn", true),
            ("IceConnectivityChecksFailed", "iceconn", true),
            ("IceConnectivityChecksFailed", "hecks", false),
            ("Forwarded to voicemail", "ice", false),
            ("Forwarded to voicemail", "voice", true),
            ("Forwarded to voicemail", "to voice", true),
            ("SBC refused: Busy Here", "refused busy", true),
            ("SBCRefused", "refused", true),
            ("Unlisted 569xxx: TLS, TCP or DNS to the SBC", "569", true),
            ("Unlisted 569xxx: TLS, TCP or DNS to the SBC", "dns to", true),
            ("Unlisted 569xxx: TLS, TCP or DNS to the SBC", "ns", false),
        ] {
            assert_eq!(stand_in(cause, words), expected, "{cause}: {words}");
        }
    }
}
