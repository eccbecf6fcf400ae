//! The parts of a pattern as steps.

use memchr::memmem::FinderRev;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::Step;

/// Adds the steps of a part.
pub fn add(part: &Hir, steps: &mut Vec<Step>) -> Option<()> {
    match part.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => {
            let from_end = FinderRev::new(&*literal.0).into_owned();
            steps.push(Step::Text { text: literal.0.clone(), from_end });
        }
        HirKind::Class(class) => steps.push(Step::Run { class: letters(class, true)?, least: 1, most: 1 }),
        HirKind::Repetition(Repetition { min, max, greedy: true, sub }) => {
            let HirKind::Class(class) = sub.kind() else { return None };
            let (least, most) = (usize::try_from(*min).ok()?, max.map_or(usize::MAX, |max| max as usize));
            // Letters of several bytes are not counted.
            let class = letters(class, least > 1 || most != usize::MAX)?;
            steps.push(Step::Run { class, least, most });
        }
        HirKind::Capture(group) => {
            let mark = 2 * usize::try_from(group.index).ok()?;
            steps.push(Step::Mark(mark));
            match group.sub.kind() {
                HirKind::Concat(parts) => parts.iter().try_for_each(|part| add(part, steps))?,
                _ => add(&group.sub, steps)?,
            }
            steps.push(Step::Mark(mark + 1));
        }
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| add(part, steps))?,
        HirKind::Look(Look::End) => steps.push(Step::End),
        _ => return None,
    }
    Some(())
}

/// The bytes of a class that has all letters beyond ASCII or none of them; none if it is to be `ascii`.
fn letters(class: &Class, ascii: bool) -> Option<Box<[bool; 256]>> {
    let mut letters = Box::new([false; 256]);
    let Class::Unicode(class) = class else { return None };
    for range in class.ranges() {
        let (first, last) = (range.start() as u32, range.end() as u32);
        for byte in first..=last.min(0x7f) {
            letters[byte as usize] = true;
        }
        if last > 0x7f {
            if ascii || first > 0x80 || last != u32::from(char::MAX) {
                return None;
            }
            letters[0x80..].fill(true);
        }
    }
    Some(letters)
}

/// Whether a text stands between any two runs of letters beyond ASCII: else one could end within a letter.
pub fn are_apart(steps: &[Step]) -> bool {
    let mut is_behind_run = false;
    steps.iter().all(|step| match step {
        Step::Mark(_) => true,
        Step::Text { .. } | Step::End => {
            is_behind_run = false;
            true
        }
        Step::Run { class, .. } => {
            let has_all = class[0xff];
            let is_apart = !(has_all && is_behind_run);
            is_behind_run |= has_all;
            is_apart
        }
    })
}
