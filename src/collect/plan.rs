//! Which days to ask for, and when. Values in, values out.

use std::collections::BTreeMap;
use std::time::Duration;

use super::day::Day;
use super::options::Times;

/// When each day was last asked for and answered whole, in milliseconds since 1970.
pub type Asked = BTreeMap<Day, i64>;

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

/// The days asked for again each time, newest first: those that the last `look_back` touches.
pub fn live_days(now: i64, times: &Times) -> Vec<Day> {
    days_down_to(now, times.look_back.min(super::MAX_HISTORY))
}

/// The older days that are to be asked for once more, newest first: of the first start's history, or of a time when
/// this did not run.
pub fn history_days(now: i64, times: &Times, asked: &Asked) -> Vec<Day> {
    let oldest_live = Day::of(now - millis(times.look_back.min(super::MAX_HISTORY)));
    let all = days_down_to(now, times.history.min(super::MAX_HISTORY));
    let older = all.into_iter().filter(|day| *day < oldest_live);
    older.filter(|day| !is_settled(*day, now, times, asked)).collect()
}

/// Whether all that is waited for of a day has come: it was asked for `look_back` after its end. What was asked for at a
/// time that has not come was asked for by a wrong clock.
fn is_settled(day: Day, now: i64, times: &Times, asked: &Asked) -> bool {
    asked.get(&day).is_some_and(|at| (day.ends() + millis(times.look_back)..=now).contains(at))
}

/// Whether a day will not be asked for any more. What is known of it and of its neighbours can go then.
pub fn is_over(day: Day, now: i64, times: &Times, asked: &Asked) -> bool {
    let is_due = |day| live_days(now, times).contains(&day) || history_days(now, times, asked).contains(&day);
    ![day.previous(), day, day.next()].into_iter().any(is_due)
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
            assert_eq!(text(&history_days(now, &times, &Asked::new())), older);
        }
    }

    #[test]
    fn a_day_is_asked_for_until_look_back_after_its_end() {
        let times = times(48, 90);
        let now = time("2026-11-20T10:00:00Z");
        let all = history_days(now, &times, &Asked::new());
        let mut asked: Asked = all.iter().map(|day| (*day, now)).collect();
        assert_eq!(text(&history_days(now, &times, &asked)), "", "all of it was asked for");

        // It did not run for four days: what was not settled before is asked for again, and only that.
        let before = time("2026-11-16T10:00:00Z");
        asked.retain(|day, _| *day <= Day::of(before));
        asked.values_mut().for_each(|at| *at = before);
        assert_eq!(text(&history_days(now, &times, &asked)), "11-17 11-16 11-15 11-14");
    }

    #[test]
    fn what_a_clock_ahead_of_time_asked_for_is_asked_for_again() {
        let times = times(48, 5);
        let asked: Asked = days_down_to(time("2026-12-09T10:00:00Z"), Duration::from_secs(30 * 24 * HOUR))
            .into_iter()
            .map(|day| (day, time("2026-12-09T10:00:00Z")))
            .collect();
        let now = time("2026-12-05T10:00:00Z");
        assert_eq!(text(&history_days(now, &times, &asked)), "12-02 12-01 11-30");
    }

    #[test]
    fn what_is_known_of_a_day_goes_with_its_neighbours() {
        let times = times(48, 90);
        let now = time("2026-11-20T10:00:00Z");
        let mut asked: Asked =
            history_days(now, &times, &Asked::new()).into_iter().map(|day| (day, now)).collect();
        let over = |day: &str, asked: &Asked| is_over(day.parse().unwrap(), now, &times, asked);
        assert!(!over("2026-11-20", &asked) && !over("2026-11-18", &asked) && !over("2026-11-17", &asked));
        assert!(over("2026-11-16", &asked) && over("2026-07-01", &asked));
        asked.remove(&"2026-10-10".parse().unwrap());
        assert!(!over("2026-10-09", &asked) && !over("2026-10-11", &asked) && over("2026-10-12", &asked));
    }

    #[test]
    fn no_day_is_asked_for_that_microsoft_has_not() {
        let now = time("2026-11-20T00:00:00Z");
        assert_eq!(history_days(now, &times(48, 400), &Asked::new()).len(), 148);
        assert_eq!(live_days(now, &times(24 * 400, 0)).len(), 151);
    }
}
