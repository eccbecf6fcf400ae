//! Random lists of what happens to files and to the daemon, played with real files against the real daemon, which
//! must show exactly what was written, label set by label set.
//!
//! What is true must be knowable, so some things wait. What is gone before anyone could look is lost to every reader:
//! text is cut away, and a file that the daemon has not opened yet is removed or moved, only when it is counted; the
//! daemon ends only when what it alone has open is counted. Nobody writes to a file that was removed. A copy has
//! at least 256 bytes of records: less may be the beginning of anything. A line that its
//! writer takes longer for than `quiet` has an end that cannot be mistaken: a row of CSV has all its cells.
//!
//! `MODEL_LISTS` lists are played, from `MODEL_SEED` on, `MODEL_JOBS` at a time. A list that fails is printed as it can
//! stand below in `kept`; with `MODEL_SHRINK=1`, without what it does not need.

mod action;
mod player;
pub mod truth;
mod world;

use std::env;
use std::panic;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use self::action::Action::{self, *};
use self::action::Log::*;
use self::player::Player;

#[test]
fn random_lists() {
    let number = |name: &str, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let (lists, first, jobs) = (number("MODEL_LISTS", 16), number("MODEL_SEED", 1), number("MODEL_JOBS", 6));
    let (next, failed) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed.is_multiple_of(50) {
                        eprintln!("seed {seed}");
                    }
                    if seed >= first + lists {
                        break;
                    }
                    // Every fourth with ids remembered.
                    let (actions, remembers) =
                        (Action::list(&mut fastrand::Rng::with_seed(seed)), seed % 4 == 0);
                    if !succeeds(&actions, remembers) {
                        let actions =
                            if number("MODEL_SHRINK", 0) == 1 { shrink(actions, remembers) } else { actions };
                        eprintln!("seed {seed} fails: ids remembered: {remembers}, {actions:?}");
                        failed.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    eprintln!("{lists} lists were played, with the seeds from {first} on");
    assert!(failed.is_empty(), "{} of {lists} lists failed, with the seeds {failed:?}", failed.len());
}

fn succeeds(actions: &[Action], remembers: bool) -> bool {
    panic::catch_unwind(|| Player::play(actions, remembers)).is_ok()
}

/// Leaves out one action after another, as long as the list still fails.
fn shrink(mut actions: Vec<Action>, remembers: bool) -> Vec<Action> {
    let mut at = actions.len();
    while at > 0 {
        at -= 1;
        let mut fewer = actions.clone();
        fewer.remove(at);
        if !succeeds(&fewer, remembers) {
            actions = fewer;
        }
    }
    actions
}

/// Lists that failed once.
mod kept {
    use super::*;

    #[test]
    fn nothing_but_a_start() {
        Player::play(&[Append(Json, 3), Append(Csv, 3), Append(Deep, 3)], false);
    }

    #[test]
    fn the_inode_of_a_compressed_copy_is_given_to_another() {
        let before = [Append(Deep, 32), CopyTruncate(Deep, 0), Compress(Deep, 1), Settle, Terminate];
        Player::play(&[&before[..], &[Delete(Deep), Export(6), Append(Json, 1)]].concat(), false);
    }

    #[test]
    fn the_last_line_has_a_line_end_within_quotes_and_none_behind() {
        Player::play(&[Append(Csv, 6), Cut(Csv, 998)], false);
    }

    #[test]
    fn a_copy_is_read_before_the_first_row_of_its_original() {
        let before = [Cut(Csv, 916), Rename(Csv), Idle, Append(Json, 9), Compress(Csv, 1)];
        Player::play(&[&before[..], &[Again(Deep, 13), CopyTruncate(Csv, 0)]].concat(), false);
    }

    #[test]
    fn a_file_of_which_only_the_header_was_read_is_cut_while_it_is_down() {
        Player::play(&[Cut(Csv, 899), Settle, Kill, CopyTruncate(Csv, 0), CopyAwayTruncate(Csv)], true);
    }

    #[test]
    fn a_text_that_was_changed_in_its_midst_is_copied_and_cut() {
        Player::play(&[Append(Json, 54), OverwriteInPlace(Json, 483, 3), CopyTruncate(Json, 2)], false);
    }

    #[test]
    fn what_begins_like_a_text_with_a_hole_and_is_another_does_not_wait_for_it() {
        let before = [Append(Deep, 16), Cut(Deep, 915), Again(Json, 19), WriteHole(Deep, 24, 9)];
        Player::play(&[&before[..], &[Cut(Json, 43), WriteHole(Json, 52, 7)]].concat(), true);
    }

    #[test]
    fn what_goes_another_way_before_the_hole_does_not_wait_for_it() {
        let before = [Append(Deep, 8), Settle, WriteHole(Deep, 81, 13), Again(Json, 17), Kill];
        Player::play(&[&before[..], &[Append(Json, 11)]].concat(), true);
    }
}
