//! Patterns of a regular expression that are no more than texts and runs of letters one behind the other, as patterns of logs are:
//! `END,Id='(?<id>[^']+)'.*Code='(?<code>[0-9]{3})'`. They are matched here several times as fast, with the same result; whatever
//! has more to it (alternatives, lazy runs, `\d` of every script) is left to the crate `regex`.

mod parts;

use memchr::memmem::{Finder, FinderRev};
use regex_syntax::hir::{HirKind, Look};

use self::parts::{add, are_apart};

/// A line at which more is tried than this is left to others, which take no longer for any.
const MOST_TRIES: u32 = 2000;

/// A pattern, as steps.
#[derive(Debug)]
pub struct Pattern {
    steps: Vec<Step>,
    /// What the pattern begins with; `None` where that is the beginning of the line.
    first: Option<Finder<'static>>,
}

#[derive(Debug)]
enum Step {
    Text {
        text: Box<[u8]>,
        from_end: FinderRev<'static>,
    },
    /// So many letters of a class, as many as there are at first.
    Run {
        class: Box<[bool; 256]>,
        least: usize,
        most: usize,
    },
    /// A group begins or ends.
    Mark(usize),
    End,
}

/// Where a group begins, and where it ends, by its number.
pub type Marks = Vec<usize>;

impl Pattern {
    /// `None` where there is more to it.
    pub fn of(pattern: &str) -> Option<Self> {
        let hir = regex_syntax::parse(pattern).ok()?;
        let mut steps = Vec::new();
        let is_from_begin = match hir.kind() {
            HirKind::Concat(parts) => matches!(parts.first()?.kind(), HirKind::Look(Look::Start)),
            _ => false,
        };
        match hir.kind() {
            HirKind::Concat(parts) => {
                parts.iter().skip(is_from_begin.into()).try_for_each(|part| add(part, &mut steps))?
            }
            _ => add(&hir, &mut steps)?,
        }
        let first = match steps.first()? {
            _ if is_from_begin => None,
            Step::Text { text, .. } => Some(Finder::new(&**text).into_owned()),
            _ => return None,
        };
        are_apart(&steps).then_some(Self { steps, first })
    }

    /// Whether a line matches, with the marks of its groups; `None` where that takes too long.
    pub fn matches(&self, line: &[u8], marks: &mut Marks) -> Option<bool> {
        let mut tries = 0;
        match &self.first {
            None => self.is_at(line, 0, 0, marks, &mut tries),
            Some(first) => {
                let mut from = 0;
                while let Some(found) = first.find(&line[from..]) {
                    if self.is_at(line, from + found, 0, marks, &mut tries)? {
                        return Some(true);
                    }
                    // The text may begin again within itself.
                    from += found + 1;
                }
                Some(false)
            }
        }
    }

    fn is_at(
        &self,
        line: &[u8],
        mut at: usize,
        from: usize,
        marks: &mut Marks,
        tries: &mut u32,
    ) -> Option<bool> {
        *tries += 1;
        if *tries > MOST_TRIES {
            return None;
        }
        for (place, step) in self.steps.iter().enumerate().skip(from) {
            match step {
                Step::Text { text, .. } => match line[at..].starts_with(text) {
                    true => at += text.len(),
                    false => return Some(false),
                },
                Step::Mark(mark) => *marks.get_mut(*mark)? = at,
                Step::End if at == line.len() => {}
                Step::End => return Some(false),
                Step::Run { class, least, most } => {
                    let rest = &line[at..];
                    let most = rest
                        .iter()
                        .take(*most)
                        .position(|byte| !class[usize::from(*byte)])
                        .unwrap_or(rest.len().min(*most));
                    if most < *least {
                        return Some(false);
                    }
                    return self.after_run(line, at + least..at + most, place + 1, marks, tries);
                }
            }
        }
        Some(true)
    }

    /// What stands behind a run that may end anywhere here: as late as it can.
    fn after_run(
        &self,
        line: &[u8],
        mut ends: std::ops::Range<usize>,
        next: usize,
        marks: &mut Marks,
        tries: &mut u32,
    ) -> Option<bool> {
        let text = self.steps[next..].iter().find(|step| !matches!(step, Step::Mark(_)));
        loop {
            // Only where the text that follows stands there.
            if let Some(Step::Text { text, from_end }) = text
                && !line[ends.end..].starts_with(text)
            {
                let until = (ends.end + text.len()).saturating_sub(1).min(line.len());
                match from_end.rfind(line.get(ends.start..until)?) {
                    Some(found) => ends.end = ends.start + found,
                    None => return Some(false),
                }
            }
            if self.is_at(line, ends.end, next, marks, tries)? {
                return Some(true);
            }
            if ends.is_empty() {
                return Some(false);
            }
            ends.end -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    /// The places of all groups, as each of both finds them.
    fn compare(pattern: &str, line: &str) -> Result<bool, TestCaseError> {
        let Some(simple) = Pattern::of(pattern) else { return Ok(false) };
        let regex = Regex::new(pattern).unwrap();
        let mut marks = vec![0; 2 * regex.captures_len()];
        let Some(is_match) = simple.matches(line.as_bytes(), &mut marks) else { return Ok(true) };
        let expected = regex.captures(line);
        prop_assert_eq!(is_match, expected.is_some(), "{} in {}", pattern, line);
        for group in 1..expected.as_ref().map_or(0, regex::Captures::len) {
            let place = expected.as_ref().and_then(|found| found.get(group)).map(|it| (it.start(), it.end()));
            prop_assert_eq!(place, Some((marks[2 * group], marks[2 * group + 1])), "{} in {}", pattern, line);
        }
        Ok(true)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn simple_patterns_find_what_others_find(
            parts in proptest::collection::vec(0..14_usize, 1..6), begin in 0..3_usize, line in "[ab1'é,]{0,14}",
        ) {
            const PARTS: [&str; 14] = ["a", "b'", ".*", "(.*)", "([^']+)", "[^']*", "[0-9]{1,2}", "([ab]+)", "[a1]", "1,", "(a.*b)",
                "(b)", "[ab]{2}", "('[^,]*')"];
            let pattern: String = parts.into_iter().map(|part| PARTS[part]).collect();
            compare(&format!("{}{pattern}", ["", "^", "a"][begin]), &line)?;
            compare(&format!("{}{pattern}$", ["", "^", "a"][begin]), &line)?;
        }
    }

    #[test]
    fn patterns_of_logs_are_simple() {
        let line = "2024,END,SessionId='7',x='é',TerminationCause='486',NAP='a',NAP='b'";
        for (pattern, is_simple) in [
            (
                "END,SessionId='(?<id>[^']+)'.*TerminationCause='(?<sip_code>[0-9]{3})'.*NAP='(?<trunk>[^']+)'",
                true,
            ),
            ("^(?<ended>[^,]+),END,SessionId='(?<id>[^']+)'", true),
            ("END,SessionId='(?<id>[^']+)'$", true),
            ("[^,]+END", false),
            ("END|STOP", false),
            ("END,SessionId='(.*?)'", false),
            (r"Cause='(\d+)'", false),
            ("END(,x)?", false),
        ] {
            assert_eq!(compare(pattern, line).unwrap(), is_simple, "{pattern}");
        }
    }

    #[test]
    fn a_text_that_begins_again_within_itself_is_found() {
        for (pattern, line) in [("aa$", "aaa"), ("--(?<id>[0-9])", "---7"), ("éaé=", "éaéaé=")] {
            assert!(compare(pattern, line).unwrap(), "{pattern}");
        }
    }

    #[test]
    fn a_line_that_takes_too_long_is_left_to_others() {
        let pattern = Pattern::of("a[^b]*a[^b]*a[^b]*a[^b]*ab").unwrap();
        assert_eq!(pattern.matches("a".repeat(200).as_bytes(), &mut Vec::new()), None);
    }
}
