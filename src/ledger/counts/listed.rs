//! The failures that the catalogue lists: each route has a series of each from its beginning.

use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};

use crate::call::CodePair;
use crate::classify::Catalogue;

/// The cause and codes of a failure; the name is owned in the index, and borrowed to look up there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Failure<Name> {
    cause: Name,
    codes: CodePair,
}

impl Equivalent<Failure<Arc<str>>> for Failure<&str> {
    fn equivalent(&self, key: &Failure<Arc<str>>) -> bool {
        (self.cause, self.codes) == (&*key.cause, key.codes)
    }
}

/// Microsoft code and SIP code as labels.
pub type CodeLabels = [Arc<str>; 2];

/// The failures of a catalogue.
#[derive(Debug)]
pub struct Listed {
    labels: HashMap<Failure<Arc<str>>, CodeLabels>,
    /// In the order in which they are shown: what is made in order need hardly be sorted.
    in_order: Vec<Failure<Arc<str>>>,
}

impl Listed {
    /// Those of this catalogue.
    pub fn of(catalogue: &Catalogue) -> Self {
        let failures = catalogue
            .failed_label_sets()
            .map(|entry| Failure { cause: Arc::clone(&entry.cause), codes: entry.codes() });
        let labels: HashMap<_, _> = failures
            .map(|failure| {
                let labels = code_labels(failure.codes);
                (failure, labels)
            })
            .collect();
        let mut in_order: Vec<_> = labels.keys().cloned().collect();
        in_order
            .sort_unstable_by(|one, other| (&one.cause, &labels[one]).cmp(&(&other.cause, &labels[other])));
        Self { labels, in_order }
    }

    /// The codes of a failure as labels, if it is one of these.
    pub fn labels(&self, cause: &str, codes: CodePair) -> Option<&CodeLabels> {
        self.labels.get(&Failure { cause, codes })
    }

    /// Cause and codes of each.
    pub fn each(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, CodePair)> {
        self.in_order.iter().map(|failure| (&failure.cause, failure.codes))
    }
}

/// Codes as labels.
pub fn code_labels(codes: CodePair) -> CodeLabels {
    let sip = codes.sip.map(|code| code.to_string()).unwrap_or_default();
    [codes.microsoft_label().into(), sip.into()]
}
