//! Which of several attempts decides its call.

use crate::call::{Attempt, Outcome, UnixMillis};

/// What decides, of one attempt.
#[derive(Debug, Clone, Copy)]
pub struct Tried {
    pub outcome: Outcome,
    pub attempt: Attempt,
    pub ended_at: Option<UnixMillis>,
}

impl Tried {
    /// Whether it decides its call, whatever other attempts there are.
    pub fn is_answered(self) -> bool {
        self.outcome == Outcome::Answered
    }

    /// Whether this attempt, which was read now, decides rather than one that was read before: the first that was answered, else
    /// the final one, else the later by its own time, whichever file was read first. Of two at the same time it is the one that
    /// was read now.
    pub fn decides(self, before: Self) -> bool {
        let rank = |it: Self| (it.attempt, it.ended_at);
        !before.is_answered() && (self.is_answered() || rank(self) >= rank(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_was_answered_else_the_final_else_the_later_decides() {
        let tried = |outcome, attempt, ended_at: i64| Tried {
            outcome,
            attempt,
            ended_at: Some(UnixMillis(ended_at)),
        };
        use Attempt::{Branch, Final};
        use Outcome::{Answered, Busy};
        for (now, before, expected) in [
            (tried(Busy, Branch, 2), tried(Busy, Branch, 1), true),
            (tried(Busy, Branch, 1), tried(Busy, Branch, 1), true),
            (tried(Busy, Branch, 1), tried(Busy, Branch, 2), false),
            (tried(Busy, Final, 1), tried(Busy, Branch, 2), true),
            (tried(Busy, Branch, 2), tried(Busy, Final, 1), false),
            (tried(Answered, Branch, 1), tried(Busy, Final, 2), true),
            (tried(Busy, Final, 2), tried(Answered, Branch, 1), false),
            (tried(Answered, Final, 2), tried(Answered, Branch, 1), false),
        ] {
            assert_eq!(now.decides(before), expected, "{now:?} {before:?}");
        }
    }
}
