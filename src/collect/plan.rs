//! Which days to ask for, and when. Values in, values out.

use std::collections::BTreeMap;
use std::time::Duration;

use super::day::Day;
use super::options::Times;

/// What was asked for so far.
#[derive(Debug, Default)]
pub struct Asked {
    /// When each day was last asked for and answered whole, in milliseconds since 1970.
    pub at: BTreeMap<Day, i64>,
    /// The oldest day that was due when it was asked for. Calls are owed from here on, however long this did not run
    /// since, and whatever `history` says.
    pub since: Option<Day>,
}

impl Asked {
    /// Forgets the days that Microsoft keeps no longer. Those of them that were owed and never came are lost: they
    /// are returned.
    pub fn forget_gone(&mut self, now: i64, times: &Times) -> Vec<Day> {
        let oldest = oldest_kept(now);
        let Some(since) = self.since.filter(|since| *since < oldest) else {
            self.at = self.at.split_off(&oldest);
            return Vec::new();
        };
        let gone = std::iter::successors(Some(since), |day| Some(day.next())).take_while(|day| *day < oldest);
        let lost = gone.filter(|day| !is_settled(*day, now, times, self)).collect();
        self.at = self.at.split_off(&oldest);
        self.since = Some(oldest);
        lost
    }
}

/// The oldest day that Microsoft still has.
pub fn oldest_kept(now: i64) -> Day {
    Day::of(now - millis(super::MAX_HISTORY))
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

/// The days asked for again each time, newest first: those that the last `look_back` touches.
pub fn live_days(now: i64, times: &Times) -> Vec<Day> {
    days_down_to(now, times.look_back.min(super::MAX_HISTORY))
}

/// The older days that are to be asked for once more, newest first: of the first start's history, or of a time when
/// this did not run, as far back as Microsoft has them.
pub fn history_days(now: i64, times: &Times, asked: &Asked) -> Vec<Day> {
    let oldest_live = Day::of(now - millis(times.look_back.min(super::MAX_HISTORY)));
    let of_history = Day::of(now - millis(times.history));
    let oldest = asked.since.map_or(of_history, |since| since.min(of_history));
    let all = days_down_to(now, super::MAX_HISTORY);
    let older = all.into_iter().filter(|day| (oldest..oldest_live).contains(day));
    older.filter(|day| !is_settled(*day, now, times, asked)).collect()
}

/// Whether all that is waited for of a day has come: it was asked for `look_back` after its end. What was asked for at a
/// time that has not come was asked for by a wrong clock.
fn is_settled(day: Day, now: i64, times: &Times, asked: &Asked) -> bool {
    asked.at.get(&day).is_some_and(|at| (day.ends() + millis(times.look_back)..=now).contains(at))
}

/// Whether a day is to be asked for without an order.
pub fn is_due(day: Day, now: i64, times: &Times, asked: &Asked) -> bool {
    live_days(now, times).contains(&day) || history_days(now, times, asked).contains(&day)
}

/// Whether neither a day nor its neighbours are due any more. The files of its rows can go then.
pub fn is_over(day: Day, now: i64, times: &Times, asked: &Asked) -> bool {
    ![day.previous(), day, day.next()].into_iter().any(|day| is_due(day, now, times, asked))
}

/// Every day from today back to the one that a time ago was, newest first.
pub fn days_down_to(now: i64, time: Duration) -> Vec<Day> {
    let oldest = Day::of(now - millis(time));
    std::iter::successors(Some(Day::of(now)), |day| Some(day.previous()))
        .take_while(|day| *day >= oldest)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 60 * 60;

    fn times(look_back_hours: u64, history_days: u64) -> Times {
        Times {
            every: Duration::from_secs(300),
            look_back: Duration::from_secs(look_back_hours * HOUR),
            history: Duration::from_secs(history_days * 24 * HOUR),
            keep: Duration::from_secs(7 * 24 * HOUR),
        }
    }

    fn time(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    /// As the collector notes it.
    fn asked(days: impl IntoIterator<Item = Day>, at: i64) -> Asked {
        let at: BTreeMap<Day, i64> = days.into_iter().map(|day| (day, at)).collect();
        Asked { since: at.keys().next().copied(), at }
    }

    fn text(days: &[Day]) -> String {
        days.iter().map(|day| day.to_string()[5..].to_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn days_are_asked_for_newest_first() {
        let now = time("2026-11-20T10:00:00Z");
        for (look_back, history, live, older) in [
            (48, 5, "11-20 11-19 11-18", "11-17 11-16 11-15"),
            (24, 0, "11-20 11-19", ""),
            (9, 2, "11-20", "11-19 11-18"),
            (48, 1, "11-20 11-19 11-18", ""),
        ] {
            let times = times(look_back, history);
            assert_eq!(text(&live_days(now, &times)), live);
            assert_eq!(text(&history_days(now, &times, &Asked::default())), older);
        }
    }

    #[test]
    fn a_day_is_asked_for_until_look_back_after_its_end() {
        let times = times(48, 90);
        let now = time("2026-11-20T10:00:00Z");
        let all = history_days(now, &times, &Asked::default());
        let mut asked = asked(all, now);
        assert_eq!(text(&history_days(now, &times, &asked)), "", "all of it was asked for");

        // It did not run for four days: what was not settled before is asked for again, and only that.
        let before = time("2026-11-16T10:00:00Z");
        asked.at.retain(|day, _| *day <= Day::of(before));
        asked.at.values_mut().for_each(|at| *at = before);
        assert_eq!(text(&history_days(now, &times, &asked)), "11-17 11-16 11-15 11-14");
    }

    #[test]
    fn what_a_clock_ahead_of_time_asked_for_is_asked_for_again() {
        let times = times(48, 5);
        let ahead = time("2026-12-09T10:00:00Z");
        let asked = asked(days_down_to(ahead, Duration::from_secs(9 * 24 * HOUR)), ahead);
        let now = time("2026-12-05T10:00:00Z");
        assert_eq!(text(&history_days(now, &times, &asked)), "12-02 12-01 11-30");
    }

    #[test]
    fn what_is_known_of_a_day_goes_with_its_neighbours() {
        let times = times(48, 90);
        let now = time("2026-11-20T10:00:00Z");
        let mut asked = asked(history_days(now, &times, &Asked::default()), now);
        let over = |day: &str, asked: &Asked| is_over(day.parse().unwrap(), now, &times, asked);
        assert!(!over("2026-11-20", &asked) && !over("2026-11-18", &asked) && !over("2026-11-17", &asked));
        assert!(over("2026-11-16", &asked) && over("2026-07-01", &asked));
        asked.at.remove(&"2026-10-10".parse().unwrap());
        assert!(!over("2026-10-09", &asked) && !over("2026-10-11", &asked) && over("2026-10-12", &asked));
    }

    #[test]
    fn an_outage_longer_than_the_history_is_made_up_for() {
        let times = times(48, 1);
        let first = time("2026-11-10T10:00:00Z");
        let mut asked = asked(live_days(first, &times), first);
        let now = time("2026-11-16T10:00:00Z");
        let due = "11-13 11-12 11-11 11-10 11-09 11-08";
        assert_eq!(text(&history_days(now, &times, &asked)), due);
        assert_eq!(asked.forget_gone(now, &times), []);
        assert_eq!(text(&history_days(now, &times, &asked)), due);
        // By hand, an older day was asked for: nobody wants those between.
        asked.at.insert("2026-09-01".parse().unwrap(), now);
        assert_eq!(text(&history_days(now, &times, &asked)), due);
    }

    #[test]
    fn what_microsoft_keeps_no_longer_is_lost_unless_it_came() {
        let times = times(48, 1);
        let first = time("2026-05-10T10:00:00Z");
        let mut asked = asked(days_down_to(first, Duration::from_secs(5 * 24 * HOUR)), first);
        let now = first + millis(Duration::from_secs(152 * 24 * HOUR));
        assert_eq!(text(&asked.forget_gone(now, &times)), "05-08 05-09 05-10 05-11", "what was settled came");
        assert_eq!(text(&asked.forget_gone(now, &times)), "", "it is told once");
        assert_eq!(history_days(now, &times, &asked).len(), 148, "all that is left is due");
    }

    #[test]
    fn no_day_is_asked_for_that_microsoft_has_not() {
        let now = time("2026-11-20T00:00:00Z");
        assert_eq!(history_days(now, &times(48, 400), &Asked::default()).len(), 148);
        assert_eq!(live_days(now, &times(24 * 400, 0)).len(), 151);
    }
}
