//! The labels under which calls are counted together, and what of a call may become one.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::Equivalent;

use crate::call::{Arrival, Call, CodePair, Direction, Outcome};
use crate::classify::{Cause, Verdict};
use crate::format::Format;
use crate::format::trunk::{HIDDEN, Only};

/// The labels of calls that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LabelSet {
    /// As records spell it; `""` where what stands there cannot be the name of a trunk, and [`HIDDEN`] where the operator
    /// did not name it.
    pub trunk: Box<str>,
    pub direction: Direction,
    pub outcome: Outcome,
    pub arrival: Arrival,
    /// Of a failed call; `""` of any other.
    pub cause: Arc<str>,
    /// Of a failed call.
    pub codes: CodePair,
}

/// Whose durations and setup times are counted together; owned in the index, and borrowed to look up there.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Route<Trunk> {
    /// As in [`LabelSet`].
    pub trunk: Trunk,
    pub direction: Direction,
}

impl Equivalent<Route<Box<str>>> for Route<&str> {
    fn equivalent(&self, route: &Route<Box<str>>) -> bool {
        (self.direction, self.trunk) == (route.direction, &*route.trunk)
    }
}

/// The cause and codes that become labels: those of a failed call.
pub fn labelled<'c>(verdict: &Verdict<'c>) -> (Cow<'c, str>, CodePair) {
    let codes = verdict.codes;
    match verdict.outcome {
        Outcome::Failed if matches!(verdict.cause, Cause::Listed(_)) => (verdict.cause.name(), codes),
        Outcome::Failed => (verdict.cause.name(), codes.without_numbers()),
        _ => (Cow::Borrowed(""), CodePair::default()),
    }
}

/// The same cause, which outlasts the verdict.
pub fn owned_cause(verdict: &Verdict<'_>, cause: &str) -> Arc<str> {
    match verdict.cause {
        Cause::Listed(entry) if *entry.cause == *cause => Arc::clone(&entry.cause),
        _ => cause.into(),
    }
}

/// The labels of a call.
pub fn label_set(
    call: &Call<'_>,
    verdict: &Verdict<'_>,
    arrival: Arrival,
    format: &Format,
    only: Option<&Only>,
    cause: Arc<str>,
    codes: CodePair,
) -> LabelSet {
    let spelled = call.trunk.read();
    let trunk = shown_trunk(&spelled, format, only).into();
    let (direction, outcome) = (call.direction, verdict.outcome);
    LabelSet { trunk, direction, outcome, arrival, cause, codes }
}

/// The trunk as it may be shown. A name or a number of a person in its place must not become a label; the call counts all
/// the same.
fn shown_trunk<'t>(spelled: &'t str, format: &Format, only: Option<&Only>) -> &'t str {
    let is_trunk = (format.is_trunk)(spelled);
    match only {
        Some(_) if spelled.is_empty() => "",
        Some(only) if !is_trunk || !only.lets_through(spelled) => HIDDEN,
        None if !is_trunk => "",
        _ => spelled,
    }
}
