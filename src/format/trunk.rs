//! The trunk: the one text of a record that becomes a label. Which texts can be one, and which the operator lets through.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use regex::RegexSet;

use crate::call::Text;

/// The longest host name that DNS allows (RFC 1035).
const MAXIMUM_TRUNK: usize = 255;

/// Top-level domains below which a name of two labels is taken for that of an SBC, beside those of countries.
const TOPS: [&str; 5] = ["com", "net", "org", "biz", "info"];

/// So many digits may be a telephone number.
const NUMBER_DIGITS: usize = 7;

/// The label value of a trunk that [`Only`] does not let through.
pub const HIDDEN: &str = "hidden";

/// The name of an SBC as it is registered: without the final dot of DNS, the port, or blanks that are not ASCII's.
#[inline(always)]
pub fn plain(name: Text<'_>) -> Text<'_> {
    match name.0.last() {
        None | Some(b'a'..=b'z' | b'A'..=b'Z') => name,
        Some(_) => plainer(name),
    }
}

#[cold]
fn plainer(Text(mut name): Text<'_>) -> Text<'_> {
    let mut text: &[u8] = &name;
    // An address of IPv6 has more of them.
    if memchr::memchr_iter(b':', text).count() == 1
        && let Some(colon) = memchr::memchr(b':', text)
        && text[colon + 1..].iter().all(u8::is_ascii_digit)
    {
        text = &text[..colon];
    }
    while let Some(rest) = [&b"\xc2\xa0"[..], b".", b" "].iter().find_map(|end| text.strip_suffix(*end)) {
        text = rest;
    }
    let length = text.len();
    match &mut name {
        Cow::Borrowed(name) => *name = &name[..length],
        Cow::Owned(name) => name.truncate(length),
    }
    Text(name)
}

/// Whether a text has the shape of an SBC's name. That keeps out most of what is none, and is no guarantee: a person's
/// name can have that shape too. [`Only`] is one.
///
/// Microsoft's formats give the FQDN that the SBC is registered by with Microsoft, a host in a domain of the tenant:
/// `sbc1.contoso.com`, three labels or more. An SBC may have a domain to itself (`contoso.com`). But people sign in as
/// `user.one`: of two labels the last must be a country's or one of [`TOPS`]. One label can be anyone's name. An address
/// (10.0.0.1) names an SBC that has no name. A text with a telephone number in it is never one.
pub fn is_fqdn(text: &str) -> bool {
    !may_hold_number(text) && (is_name(text) || text.parse::<IpAddr>().is_ok())
}

fn is_name(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    let [rest @ .., top] = labels.as_slice() else { return false };
    let in_label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_known = || top.len() == 2 || TOPS.iter().any(|known| top.eq_ignore_ascii_case(known));
    text.len() <= MAXIMUM_TRUNK
        && rest.iter().all(|label| !label.is_empty() && label.bytes().all(in_label))
        && top.len() >= 2
        && top.bytes().all(|byte| byte.is_ascii_alphabetic())
        && (rest.len() > 1 || rest.len() == 1 && is_known())
}

/// Whether seven digits stand in a text, in a row or in groups with nothing but punctuation between them.
pub fn may_hold_number(text: &str) -> bool {
    let mut digits = 0;
    text.chars().any(|character| {
        match character {
            '0'..='9' => digits += 1,
            _ if character.is_alphabetic() => digits = 0,
            _ => {}
        }
        digits >= NUMBER_DIGITS
    })
}

/// Whether a text has the shape of a person's name: a few words of letters.
pub fn may_be_person(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_word = |word: &&str| {
        word.chars().any(char::is_alphabetic)
            && word.chars().all(|letter| letter.is_alphabetic() || matches!(letter, '-' | '.' | '\''))
    };
    (2..=4).contains(&words.len()) && words.iter().all(is_word)
}

/// The operator's own domains (`trunks: only:`): what else stands in the place of a trunk is shown as [`HIDDEN`].
#[derive(Debug, Clone)]
pub struct Only {
    set: RegexSet,
    /// As they were written.
    globs: Vec<String>,
}

impl Only {
    /// Of patterns such as `*.contoso.com` or `Teams-*`: `*` is any text without a dot, `?` one character that is no dot. Case makes
    /// no difference.
    ///
    /// # Errors
    /// Which pattern lets everything through or can match no host name, and why.
    pub fn of<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, String> {
        let globs: Vec<String> = patterns.into_iter().map(str::to_owned).collect();
        let patterns = globs.iter().map(|glob| pattern(glob)).collect::<Result<Vec<_>, _>>()?;
        let set = RegexSet::new(patterns).map_err(|error| error.to_string())?;
        Ok(Self { set, globs })
    }

    /// Whether a trunk may be shown.
    pub fn lets_through(&self, trunk: &str) -> bool {
        self.set.is_match(trunk)
    }

    /// What is to be said, and what was probably meant, where none of these trunks may be shown. Names outside the domains
    /// that the patterns name are not told: they may be anything.
    pub fn said_of_hidden(&self, trunks: &BTreeSet<String>) -> Option<String> {
        if trunks.is_empty() || trunks.iter().any(|trunk| self.lets_through(trunk)) {
            return None;
        }
        let written = self.globs.join("`, `");
        let count = if trunks.len() == 1 {
            "the one trunk".to_owned()
        } else {
            format!("all {} trunks", trunks.len())
        };
        let hides = format!(
            "`trunks: only:` hides {count} of these files: `{written}` matches none of them as a whole"
        );
        let is_within = |trunk: &&String| {
            let lower = trunk.to_lowercase();
            self.globs.iter().any(|glob| lower.ends_with(&format!(".{}", domain(glob).to_lowercase())))
        };
        let within: BTreeSet<String> = trunks.iter().filter(is_within).cloned().collect();
        if within.is_empty() {
            return Some(format!(
                "{hides}, nor the domain of one; `cdr-exporter check` with the paths and without the config shows their names"
            ));
        }
        let names: Vec<&str> = within.iter().take(MOST_NAMED).map(String::as_str).collect();
        let more = if within.len() > MOST_NAMED { ", ..." } else { "" };
        Some(format!(
            "{hides}. They hold {}{more}. Write {}",
            names.join(", "),
            proposal(&patterns(within.iter().cloned()))
        ))
    }
}

/// So many trunks that are hidden are named.
const MOST_NAMED: usize = 5;

/// What stands behind the last `*` or `?` of a pattern and the dot after it.
fn domain(glob: &str) -> &str {
    let behind = glob.rsplit(['*', '?']).next().unwrap_or(glob);
    behind.split_once('.').filter(|_| behind.len() < glob.len()).map_or(behind, |(_, domain)| domain)
}

/// A pattern with fewer letters names no trunk group: it would let persons' names through.
const LEAST_LETTERS: usize = 3;

/// The regular expression of a pattern.
fn pattern(glob: &str) -> Result<String, String> {
    // The name of a trunk group has no dot, and may have blanks and strokes.
    let is_name = !glob.contains('.');
    let is_usual = |c: char| c.is_ascii_alphanumeric() || "-_.:*?".contains(c) || is_name && " /".contains(c);
    if glob.is_empty() || !glob.chars().all(is_usual) {
        return Err(format!(
            "`{glob}` is no pattern of host names, such as `*.contoso.com`, nor of trunk groups, such as `Teams-*`"
        ));
    }
    let fixed = glob.chars().filter(char::is_ascii_alphabetic).count();
    let names_a_group = is_name && fixed >= LEAST_LETTERS;
    if !names_a_group && glob.split('.').all(|label| label.contains(['*', '?'])) {
        return Err(format!("`{glob}` names no domain: it would let anything through"));
    }
    let part = |c: char| match c {
        '*' => "[^.]*".to_owned(),
        '?' => "[^.]".to_owned(),
        c => regex::escape(c.encode_utf8(&mut [0; 4])),
    };
    Ok(format!("^(?i:{})$", glob.chars().map(part).collect::<String>()))
}

/// Patterns for [`Only`] that let these trunks through: those that stand in one domain have one.
pub fn patterns(trunks: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let pattern = |trunk: String| match trunk.split_once('.') {
        Some((_, domain)) if domain.contains('.') && trunk.parse::<IpAddr>().is_err() => {
            format!("*.{domain}")
        }
        _ => trunk,
    };
    trunks.into_iter().map(pattern).collect()
}

/// How to say in the config that these patterns alone may be shown; so many of them as fit a line.
pub fn proposal(patterns: &BTreeSet<String>) -> String {
    const MOST: usize = 10;
    let shown: Vec<String> = patterns.iter().take(MOST).map(|pattern| format!("'{pattern}'")).collect();
    let more = if patterns.len() > MOST { ", ..." } else { "" };
    format!("trunks: {{only: [{}{more}]}}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_letters_may_be_a_persons_name() {
        for text in ["User One", "user one", "User O.", "Anne-User von One"] {
            assert!(may_be_person(text), "{text}");
        }
        for text in
            ["", "teams", "ms-teams", "Teams 1", "sbc1.contoso.com", "TG EU 2", "TG/EU x", "a b c d e"]
        {
            assert!(!may_be_person(text), "{text}");
        }
    }

    #[test]
    fn a_name_is_as_it_is_registered() {
        for (text, expected) in [
            ("sbc1.contoso.com", "sbc1.contoso.com"),
            ("sbc1.contoso.com.", "sbc1.contoso.com"),
            ("sbc1.contoso.com:5061", "sbc1.contoso.com"),
            ("sbc1.contoso.com\u{a0}", "sbc1.contoso.com"),
            ("sbc1.contoso.com. \u{a0}", "sbc1.contoso.com"),
            ("10.0.0.1", "10.0.0.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("", ""),
        ] {
            assert_eq!(plain(text.into()), expected.into());
            assert_eq!(plain(Text(Cow::Owned(text.as_bytes().to_vec()))), expected.into());
        }
    }

    #[test]
    fn only_the_name_of_an_sbc_is_a_trunk() {
        for name in [
            "sbc1.contoso.com",
            "SBC-1.Voice.Contoso.COM",
            "customer-123456.sbc.example.net",
            "sbc1.contoso.voice",
            "a.b.c.example",
            "contoso.com",
            "contoso.De",
            "10.0.0.1",
            "2001:db8::a",
            "sbc-2026-11.pop12.contoso.com",
        ] {
            assert!(is_fqdn(name), "{name}");
        }
        let long = format!("{}com", "sbc1.".repeat(60));
        for other in [
            "",
            "SBC-1",
            "user",
            "user.one",
            "sbc1.contoso.c",
            "sbc1.contoso.c0m",
            "sbc1..contoso.com",
            ".contoso.com",
            ".com",
            "sbc1.contoso.com.",
            "user.one@contoso.com",
            "User One.contoso.com",
            "a\nb.contoso.com",
            "sbc\u{e9}.contoso.com",
            &long,
        ] {
            assert!(!is_fqdn(other), "{other}");
        }
    }

    #[test]
    fn seven_digits_in_a_row_or_in_groups_are_never_shown() {
        for number in [
            "+14255550100",
            "14255550100",
            "4255550199",
            "5550199.contoso.com",
            "425.555.0100",
            "1.425.555.0100",
            "425.555.0199.us",
            "14255550199.contoso.com",
            "+1-425-555-0199",
            "+1-425-555-0199.contoso.com",
            "1-425-555-0199.contoso.com",
            "sbc.425_555_0199.contoso.com",
            "t4255550199x.contoso.com",
            "sbc1.425-5550.contoso.com",
            "customer-1234567.sbc.example.net",
            "12.34.56.78",
            "192.168.100.10",
        ] {
            assert!(!is_fqdn(number), "{number}");
        }
    }

    #[test]
    fn only_what_a_pattern_names_is_let_through() {
        let only = ["*.contoso.com", "sbc?.fabrikam.com", "carrier-1", "Teams-*", "TG EU/?"];
        let only = Only::of(only).unwrap();
        for (trunk, expected) in [
            ("sbc1.contoso.com", true),
            ("SBC1.Contoso.COM", true),
            ("sbc1.fabrikam.com", true),
            ("carrier-1", true),
            ("teams-eu 2", true),
            ("tg eu/1", true),
            ("teams-eu.contoso.net", false),
            ("myteams-eu", false),
            ("sbc12.fabrikam.com", false),
            ("sbc1.emea.contoso.com", false),
            ("sbc1.contoso.com.evil.example", false),
            ("sbc1xcontoso.com", false),
            ("jane.secret.person", false),
            ("secretperson.de", false),
            ("contoso.com", false),
            ("", false),
        ] {
            assert_eq!(only.lets_through(trunk), expected, "{trunk}");
        }
        for (pattern, part) in [
            ("", "no pattern"),
            ("*", "anything through"),
            ("*.*", "anything through"),
            ("T-*", "anything through"),
            ("Teams-*.*", "anything through"),
            ("(a|b).contoso.com", "no pattern"),
            ("sbc 1.contoso.com", "no pattern"),
        ] {
            let error = Only::of([pattern]).unwrap_err();
            assert!(error.contains(part), "{pattern}: {error}");
        }
    }

    #[test]
    fn patterns_that_hide_every_trunk_are_said_with_what_was_meant() {
        let trunks =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
        let two = trunks(&["sbc1.contoso.com", "sbc2.emea.contoso.com"]);
        for (pattern, trunks, part) in [
            ("contoso.com", &two, "Write trunks: {only: ['*.contoso.com', '*.emea.contoso.com']}"),
            (
                "*.EMEA.contoso.com",
                &trunks(&["a.b.emea.contoso.com"]),
                "Write trunks: {only: ['*.b.emea.contoso.com']}",
            ),
            ("sbc?.contoso.com", &trunks(&["sbc12.contoso.com"]), "They hold sbc12.contoso.com. Write"),
            (
                "*.fabrikam.com",
                &two,
                "hides all 2 trunks of these files: `*.fabrikam.com` matches none of them as a whole, nor",
            ),
        ] {
            let said = Only::of([pattern]).unwrap().said_of_hidden(trunks).unwrap();
            assert!(said.contains(part), "{pattern}: {said}");
            assert_eq!(
                said.contains("contoso.com, "),
                pattern == "contoso.com",
                "no name of another domain: {said}"
            );
        }
        assert_eq!(
            Only::of(["*.contoso.com"]).unwrap().said_of_hidden(&two),
            None,
            "others are hidden on purpose"
        );
    }

    #[test]
    fn the_patterns_proposed_let_all_of_it_through() {
        let trunks = ["sbc1.contoso.com", "sbc2.contoso.com", "fabrikam.com", "10.0.0.1", "carrier-1"];
        let proposed = patterns(trunks.map(str::to_owned));
        let config = "trunks: {only: ['*.contoso.com', '10.0.0.1', 'carrier-1', 'fabrikam.com']}";
        assert_eq!(proposal(&proposed), config);
        let only = Only::of(proposed.iter().map(String::as_str)).unwrap();
        assert!(trunks.iter().all(|trunk| only.lets_through(trunk)));
    }
}
