//! Names that the operator gives to a side of a device: patterns with `*` and `?`, without case.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// The patterns, and a fast way for those that have no more than letters, `*` and `?` in them.
#[derive(Debug, Clone)]
pub struct SideNames {
    all: GlobSet,
    /// `None` where one has more.
    simple: Option<Vec<Simple>>,
}

/// A pattern, in lower case.
#[derive(Debug, Clone)]
struct Simple {
    pattern: Box<[u8]>,
    /// How many letters stand before the first `*` or `?`, and whether nothing but one `*` stands behind them.
    letters: usize,
    is_prefix: bool,
}

impl SideNames {
    /// # Errors
    /// Which name is no pattern, and why.
    pub fn parse(written: &[&str]) -> Result<Self, globset::Error> {
        let mut all = GlobSetBuilder::new();
        for name in written {
            let name = address(name).unwrap_or(name);
            all.add(GlobBuilder::new(name).case_insensitive(true).literal_separator(false).build()?);
        }
        let simple = written.iter().map(|name| is_simple(name).then(|| Simple::of(name))).collect();
        Ok(Self { all: all.build()?, simple })
    }

    /// None.
    pub fn none() -> Self {
        Self { all: GlobSet::empty(), simple: Some(Vec::new()) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether one of the patterns stands for this name.
    pub fn has(&self, name: &str) -> bool {
        self.has_bytes(name.as_bytes())
    }

    /// As [`SideNames::has`]; none stands for what is no text.
    pub fn has_bytes(&self, name: &[u8]) -> bool {
        match &self.simple {
            Some(simple) if name.is_ascii() => simple.iter().any(|pattern| pattern.matches(name)),
            _ => str::from_utf8(name).is_ok_and(|name| self.all.is_match(name)),
        }
    }
}

/// What stands in the brackets of an address of IPv6, which hosts are without; `[[]` is a pattern for the first of them.
fn address(name: &str) -> Option<&str> {
    let within = name.strip_suffix(']')?;
    let of_pattern = within.strip_prefix("[[]").filter(|within| within.contains(':'));
    let is_address = |within: &&str| within.parse::<std::net::Ipv6Addr>().is_ok();
    of_pattern.or_else(|| within.strip_prefix('[').filter(is_address))
}

/// Whether only `*` and `?` stand for more than themselves; two of the first beside each other have a meaning of their own.
fn is_simple(pattern: &str) -> bool {
    let is_letter =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'?' | b'-' | b'_' | b'.' | b' ');
    !pattern.is_empty() && pattern.bytes().all(is_letter) && !pattern.contains("**")
}

impl Simple {
    fn of(name: &str) -> Self {
        let pattern = name.to_ascii_lowercase().into_bytes().into_boxed_slice();
        let letters = pattern.iter().position(|byte| matches!(byte, b'*' | b'?')).unwrap_or(pattern.len());
        Self { letters, is_prefix: &pattern[letters..] == b"*", pattern }
    }

    fn matches(&self, name: &[u8]) -> bool {
        match name.split_at_checked(self.letters) {
            Some((begin, rest)) if begin.eq_ignore_ascii_case(&self.pattern[..self.letters]) => {
                self.is_prefix || matches(&self.pattern[self.letters..], rest)
            }
            _ => false,
        }
    }
}

/// Whether a pattern stands for all of the name.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // The last `*`, and where what stands behind it was last tried.
    let mut star = None;
    loop {
        match (pattern.get(at), name.get(from)) {
            (Some(b'*'), _) => {
                star = Some((at, from));
                at += 1;
            }
            (Some(b'?'), Some(_)) => (at, from) = (at + 1, from + 1),
            (Some(wanted), Some(letter)) if *wanted == letter.to_ascii_lowercase() => {
                (at, from) = (at + 1, from + 1);
            }
            (None, None) => return true,
            _ => match star {
                Some((place, tried)) if tried < name.len() => {
                    star = Some((place, tried + 1));
                    (at, from) = (place + 1, tried + 1);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn simple_patterns_mean_what_globs_mean(pattern in "[aB*?. -]{1,6}", name in "[AaBb. /-]{0,8}") {
            let names = SideNames::parse(&[&pattern]).unwrap();
            prop_assert_eq!(names.simple.is_some(), !pattern.contains("**"));
            prop_assert_eq!(names.has(&name), names.all.is_match(&name));
        }
    }

    #[test]
    fn other_patterns_are_globs() {
        for (pattern, name, has) in [
            ("teams-[ab]", "TEAMS-A", true),
            ("{eu,us}", "us", true),
            ("tëams", "tëams", true),
            ("teams*", "teamsë", true),
            ("teams*", "", false),
        ] {
            assert_eq!(SideNames::parse(&[pattern]).unwrap().has(name), has, "{pattern} {name}");
        }
    }
}
