//! The labels under which calls are counted together, and what of a call may become one.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
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

/// What a label set is found by; owned in the index, and borrowed to look up there.
#[derive(Debug, PartialEq, Eq)]
pub struct Key<Trunk, Cause> {
    pub trunk: Trunk,
    pub direction: Direction,
    pub outcome: Outcome,
    pub arrival: Arrival,
    pub cause: Cause,
    pub codes: CodePair,
}

/// As the index holds it.
pub type OwnedKey = Key<Box<[u8]>, Arc<str>>;

impl<Trunk: Hash, Cause: Hash> Hash for Key<Trunk, Cause> {
    /// In few steps, since each call is looked up. Codes tell causes apart, where there are any.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { trunk, direction, outcome, arrival, cause, codes } = self;
        let small = [*direction as u16, *outcome as u16, *arrival as u16, codes.sip.unwrap_or_default()];
        state.write_u64(small.into_iter().fold(0, |packed, value| packed << 16 | u64::from(value)));
        trunk.hash(state);
        match codes.microsoft {
            Some(microsoft) => state.write_u64(microsoft),
            None => cause.hash(state),
        }
    }
}

impl Equivalent<OwnedKey> for Key<&[u8], &str> {
    fn equivalent(&self, key: &OwnedKey) -> bool {
        (self.direction, self.outcome, self.arrival, self.codes)
            == (key.direction, key.outcome, key.arrival, key.codes)
            && is_same_cause(self.cause, &key.cause)
            && *self.trunk == *key.trunk
    }
}

/// The text of a listed cause is the catalogue's own, and lies where it lay before: it need not be read.
fn is_same_cause(one: &str, other: &str) -> bool {
    std::ptr::eq(one, other) || one.len() == other.len() && (one.is_empty() || one == other)
}

/// A label set that calls of a text had.
#[derive(Debug)]
pub struct Known {
    pub labels: Arc<LabelSet>,
    /// The number of the last batch that has it, and its place there.
    pub batch: u32,
    pub place: u32,
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
