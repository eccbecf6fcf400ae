//! Where the Microsoft codes of failed calls come from, by cause: from the records, from what follows of them, or from nowhere.

use std::sync::Arc;

use hashbrown::HashMap;

use super::labels::LabelSet;
use crate::call::{CodePair, Outcome};

/// How the calls of a cause came to their Microsoft code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    reported: bool,
    inferred: bool,
}

/// Of each cause with its codes, how its calls came to their Microsoft code.
#[derive(Debug, Clone, Default)]
pub struct Origins(HashMap<(Arc<str>, CodePair), Seen>);

impl Origins {
    /// Notes a call that counts under these labels, and whose record has this Microsoft code.
    pub fn note(&mut self, labels: &LabelSet, reported: Option<u64>) {
        if labels.outcome == Outcome::Failed && labels.codes.microsoft.is_some() {
            let seen = self.0.entry((Arc::clone(&labels.cause), labels.codes)).or_default();
            seen.reported |= reported.is_some();
            seen.inferred |= reported.is_none();
        }
    }

    /// Adds those of another.
    pub fn add(&mut self, other: &Self) {
        for (cause, seen) in &other.0 {
            let own = self.0.entry(cause.clone()).or_default();
            own.reported |= seen.reported;
            own.inferred |= seen.inferred;
        }
    }

    /// In words: `reported` where records have the code, `inferred` where it follows from what they have, `absent`.
    pub fn of(&self, cause: &Arc<str>, codes: CodePair) -> &'static str {
        let seen = self.0.get(&(Arc::clone(cause), codes)).copied().unwrap_or_default();
        match (codes.microsoft, seen) {
            (None, _) => "absent",
            (Some(_), Seen { reported: true, inferred: true }) => "reported and inferred",
            (Some(_), Seen { inferred: true, .. }) => "inferred",
            (Some(_), _) => "reported",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Arrival, Direction};

    #[test]
    fn a_code_is_reported_inferred_or_absent() {
        let labels = |cause: &str, microsoft| LabelSet {
            trunk: "".into(),
            direction: Direction::Unknown,
            outcome: Outcome::Failed,
            arrival: Arrival::Late,
            cause: cause.into(),
            codes: CodePair { microsoft, sip: Some(480) },
        };
        let mut origins = Origins::default();
        origins.note(&labels("told", Some(1)), Some(1));
        origins.note(&labels("both", Some(2)), Some(2));
        origins.note(&labels("none", None), None);
        let mut other = Origins::default();
        other.note(&labels("both", Some(2)), None);
        other.note(&labels("follows", Some(3)), None);
        origins.add(&other);
        for (cause, code, expected) in [
            ("told", Some(1), "reported"),
            ("both", Some(2), "reported and inferred"),
            ("follows", Some(3), "inferred"),
            ("none", None, "absent"),
        ] {
            assert_eq!(origins.of(&cause.into(), labels("", code).codes), expected, "{cause}");
        }
    }
}
