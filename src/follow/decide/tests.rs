//! The table above `follow`, row by row, without disk or clock.

use super::Action::{Event, Restart, Retire, TakeLastLine};
use super::*;
use crate::ledger::FileEvent::{Copied, Found, HoleFilled, Replaced, Resumed, Truncated};
use crate::source::identity::{FileId, Head, Mark};

const OWN: FileId = FileId { device: 1, inode: 1 };

/// What is known of a file, read so far.
fn original(inode: u64, position: u64) -> Original {
    let content = Content::up_to(position, Mark::default(), Head::of(&[b'x'; 64], 0));
    Original { holder: Holder::File(FileId { device: 1, inode }), content: Arc::new(content) }
}

fn like(originals: &[Original]) -> Match {
    Match::Like(originals.iter().map(|it| (it.holder, Arc::clone(&it.content))).collect())
}

/// Plays what was seen, one after another, and asserts each state and what is to be done.
fn play(name: &str, begin: State, steps: Vec<(Seen, State, Vec<Action>)>) {
    let mut state = begin;
    for (seen, expected, to_do) in steps {
        let (next, actions) = decide(state, seen.clone());
        assert_eq!((&next, &actions), (&expected, &to_do), "{name}: {seen:?}");
        state = next;
    }
}

#[test]
fn a_new_file_is_read_from_its_beginning() {
    play(
        "found",
        State::Seen,
        vec![
            (Seen::Opened(Before::Nothing), State::Probing, vec![]),
            (Seen::Beginning(Match::New, None), State::Following, vec![]),
            (Seen::Read(Turn::More), State::Following, vec![]),
            (Seen::Read(Turn::CaughtUp), State::CaughtUp, vec![]),
        ],
    );
}

#[test]
fn text_that_was_written_anew_is_read_from_its_beginning() {
    for (seen, event) in [(Seen::Shorter, Truncated), (Seen::OtherBytes, Replaced)] {
        let begun = vec![Event(event), TakeLastLine, Retire, Restart];
        play("begun", State::CaughtUp, vec![(seen.clone(), State::Probing, begun)]);
        let not_begun = vec![Event(event), Retire, Restart];
        play("not begun", State::Probing, vec![(seen, State::Probing, not_begun)]);
    }
}

#[test]
fn a_copy_is_read_behind_what_was_read_of_its_original() {
    let (short, long) = (original(2, 10), original(3, 20));
    let both = vec![short.clone(), long.clone()];
    play(
        "copied",
        State::Probing,
        vec![
            (
                Seen::Beginning(like(&[long.clone(), short.clone()]), None),
                State::PassingOver(both.clone()),
                vec![],
            ),
            (Seen::OriginalsBehind, State::Probing, vec![]),
            (Seen::Beginning(like(&both), None), State::PassingOver(both.clone()), vec![]),
            (Seen::Passed(Passed::More, Own::No), State::PassingOver(both), vec![]),
            (
                Seen::Passed(Passed::Different, Own::No),
                State::PassingOver(vec![short.clone()]),
                vec![Restart],
            ),
            (Seen::Passed(Passed::Same, Own::No), State::Following, vec![Event(Copied), Retire]),
        ],
    );
    let last = vec![(Seen::Passed(Passed::Different, Own::No), State::Following, vec![Restart])];
    play("of none of them", State::PassingOver(vec![short]), last);
}

#[test]
fn a_cut_copy_waits_unless_ids_tell() {
    let originals = vec![original(2, 10)];
    let quiet = |remembered| Seen::Quiet { remembered, own: None };
    let cut = || State::CutCopy(originals.clone());
    play(
        "cut",
        State::PassingOver(originals.clone()),
        vec![
            (Seen::Passed(Passed::TooShort, Own::No), cut(), vec![]),
            (quiet(false), cut(), vec![]),
            (quiet(true), State::Following, vec![Restart]),
        ],
    );
    let grown = vec![(Seen::Passed(Passed::Same, Own::No), State::Following, vec![Event(Copied), Retire])];
    play("grown", cut(), grown);
}

#[test]
fn what_is_too_short_to_tell_waits_until_it_is_quiet() {
    let quiet = Seen::Quiet { remembered: false, own: None };
    play(
        "short",
        State::Probing,
        vec![
            (Seen::Beginning(Match::Undecided, None), State::Probing, vec![]),
            (quiet.clone(), State::Following, vec![Restart]),
        ],
    );
    for state in [State::Seen, State::Following, State::CaughtUp, State::Foreign] {
        play("told", state.clone(), vec![(quiet.clone(), state, vec![])]);
    }
}

#[test]
fn after_a_restart_a_file_goes_on_or_is_another() {
    let own = original(OWN.inode, 10);
    let seen = |before| Seen::Opened(before);
    play("resumed", State::Seen, vec![(seen(Before::Same), State::Following, vec![Event(Resumed)])]);
    play("other", State::Seen, vec![(seen(Before::Other), State::Probing, vec![Event(Found), Retire])]);
    play(
        "compressed, or no more than a header",
        State::Seen,
        vec![
            (seen(Before::Unclear), State::Probing, vec![]),
            (Seen::Beginning(Match::New, Some(own.clone())), State::PassingOver(vec![own.clone()]), vec![]),
            (Seen::Passed(Passed::Same, Own::Yes), State::Following, vec![Event(Resumed)]),
        ],
    );
    for passed in [Passed::Different, Passed::TooShort] {
        let actions = vec![Retire, Event(Found), Restart];
        let step = (Seen::Passed(passed, Own::Yes), State::Probing, actions);
        play("not what it was", State::PassingOver(vec![own.clone()]), vec![step]);
    }
}

#[test]
fn a_file_is_looked_at_as_a_new_one_where_it_must_be() {
    for (before, seen) in [
        (State::CaughtUp, Seen::HeaderGrew),
        (State::Foreign, Seen::ForeignFilled),
        (State::CaughtUp, Seen::OtherOptions),
    ] {
        play("again", before, vec![(seen, State::Seen, vec![])]);
    }
}

#[test]
fn a_file_that_cannot_be_read_goes_on_as_what_it_was() {
    for failure in [Failure::Refused, Failure::Damaged] {
        let unreadable = State::Unreadable(Box::new(State::CaughtUp), failure);
        play(
            "unreadable",
            State::CaughtUp,
            vec![
                (Seen::Failed(failure), unreadable.clone(), vec![]),
                (Seen::Failed(failure), unreadable, vec![]),
                (Seen::Readable, State::CaughtUp, vec![]),
            ],
        );
    }
}

#[test]
fn a_file_of_no_known_format_is_foreign_until_it_changes() {
    play(
        "foreign",
        State::Following,
        vec![
            (Seen::NotRecognised, State::Foreign, vec![]),
            (Seen::OtherBytes, State::Probing, vec![Event(Replaced), TakeLastLine, Retire, Restart]),
        ],
    );
}

#[test]
fn a_hole_that_is_filled_changes_nothing_else() {
    for state in [State::Following, State::CaughtUp] {
        let step = (Seen::HoleFilled, state.clone(), vec![Event(HoleFilled)]);
        play("filled", state, vec![step]);
    }
    let like = like(&[original(2, 10)]);
    let own = vec![original(2, 10)];
    play(
        "a copy of what waits at a hole",
        State::Probing,
        vec![
            (Seen::Beginning(like.clone(), None), State::PassingOver(own.clone()), vec![]),
            (Seen::OriginalsAtHole, State::AwaitingOriginals, vec![]),
            (Seen::Beginning(like, None), State::PassingOver(own), vec![]),
        ],
    );
}

#[test]
fn labels_say_what_people_call_it() {
    let unreadable = State::Unreadable(Box::new(State::Seen), Failure::Refused);
    for (state, busy, at_rest) in [
        (State::Probing, "reading", "waiting"),
        (State::Following, "reading", "waiting"),
        (State::Foreign, "unrecognised", "unrecognised"),
        (unreadable, "unreadable", "unreadable"),
    ] {
        assert_eq!((state.label(false), state.label(true)), (busy, at_rest), "{state:?}");
        assert!(State::LABELS.contains(&busy) && State::LABELS.contains(&at_rest));
    }
}
